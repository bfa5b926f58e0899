//! Consumers of the journal: made with a filter, read from their place, acknowledged, set aside, set back.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpResponse, Responder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use crate::consumers::{
    Acknowledged, ConsumerStatus, ENTRIES_MAX, Entry, LaneName, Lease, ParkedEntry, Place, Reading, Token,
};
use crate::events::Filter;
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::consuming::{blocking, problem};
use crate::http::extract::Caller;
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::model::{ConsumerName, Position, ReplayId, Timestamp};

/// Entries of a page, if it is not said.
const ENTRIES_DEFAULT: usize = 100;
/// How long a read may wait for something to come.
const WAIT_S_MAX: u16 = 30;
/// While a read waits it looks again so often: a paced replay becomes due by the time alone.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// A journal that fills fast would have a waiting read look at each event by itself.
const GATHER: Duration = Duration::from_millis(10);
/// Entries set aside in one list.
const PARKED_PAGE: usize = 200;
/// Entries that came again, or replays, acknowledged at once.
const ACKS_MAX: usize = 64;

pub(in crate::http) fn routes() -> Vec<Route> {
    const CONSUMER: &str = "The consumer's name.";
    vec![
        Route::get("/v1/consumers", "list_consumers", Permission::Consume)
            .says("Every consumer", "Where each stands, who reads it, what is set aside. At most 64.")
            .everywhere()
            .answers::<ConsumerList>(200, "The consumers, by name.")
            .to(list_consumers),
        Route::post("/v1/consumers", "create_consumer", Permission::Consume)
            .says(
                "Make a consumer",
                "A named reader that keeps its place in the journal. It is given what its filter wants, in the order \
                 of positions, at least once: what is acknowledged never comes again, what is not comes again.",
            )
            .everywhere()
            .takes::<NewConsumer>("Its name, what it wants, and where it begins.")
            .answers::<ConsumerStatus>(201, "It is made.")
            .refuses(409, "There is a consumer of that name, or there are as many as there may be.")
            .refuses(
                422,
                "The place lies beyond the head, the filter is too large to be kept, or the name is reserved.",
            )
            .to(create_consumer),
        Route::get("/v1/consumers/{consumer}", "get_consumer", Permission::Consume)
            .says("One consumer", "")
            .everywhere()
            .path::<ConsumerName>("consumer", CONSUMER)
            .answers::<ConsumerStatus>(200, "Where it stands.")
            .to(get_consumer),
        Route::delete("/v1/consumers/{consumer}", "delete_consumer", Permission::Consume)
            .says("End a consumer", "Its place is gone, its name is free again, replays to it fail.")
            .everywhere()
            .path::<ConsumerName>("consumer", CONSUMER)
            .answers_empty(204, "It is gone.")
            .to(delete_consumer),
        Route::post("/v1/consumers/{consumer}/lease", "take_lease", Permission::Consume)
            .says(
                "Take the right to read",
                "One reader at a time. Each use of the lease extends it; unused it lapses. A restart of the server \
                 drops it: take a new one then.",
            )
            .everywhere()
            .path::<ConsumerName>("consumer", CONSUMER)
            .takes::<TakeLease>("For how long, and the lease that is extended, if one is.")
            .answers::<Lease>(200, "The lease.")
            .refuses(409, "Somebody else reads; `until` says how long at least.")
            .refuses(422, "The time is not within its bounds.")
            .to(take_lease),
        Route::delete("/v1/consumers/{consumer}/lease", "release_lease", Permission::Consume)
            .says("Give the right to read back", "")
            .everywhere()
            .path::<ConsumerName>("consumer", CONSUMER)
            .query::<UnderLease>()
            .answers_empty(204, "Somebody else may read now.")
            .refuses(409, "The lease holds no more.")
            .to(release_lease),
        Route::get("/v1/consumers/{consumer}/entries", "read_entries", Permission::Consume)
            .says(
                "Read on",
                "The next entries: the same ones again until they are acknowledged or set aside. Live entries first, \
                 then those that had been set aside and come again (`unparked`), then those of replays (`replay`). \
                 Each lane is acknowledged by itself.",
            )
            .everywhere()
            .path::<ConsumerName>("consumer", CONSUMER)
            .query::<ReadEntries>()
            .answers::<EntryList>(200, "Entries; none if there are none within `wait_s`.")
            .refuses(409, "The lease holds no more: take a new one.")
            .to(read_entries),
        Route::post("/v1/consumers/{consumer}/acks", "acknowledge_entries", Permission::Consume)
            .says("Be done with entries", "Durable when it is answered. Repeating it changes nothing.")
            .everywhere()
            .path::<ConsumerName>("consumer", CONSUMER)
            .takes::<Acks>("The lease, and up to where.")
            .answers::<ConsumerStatus>(200, "Where it stands now.")
            .refuses(409, "The lease holds no more, or the entries were not delivered under it.")
            .to(acknowledge_entries),
        Route::get("/v1/consumers/{consumer}/parked", "list_parked", Permission::Consume)
            .says("Entries set aside", "By position.")
            .everywhere()
            .path::<ConsumerName>("consumer", CONSUMER)
            .query::<AfterPosition>()
            .answers::<ParkedList>(200, "The entries, with the reason of each.")
            .to(list_parked),
        Route::post("/v1/consumers/{consumer}/parked", "park_entry", Permission::Consume)
            .says("Set an entry aside", "It holds nothing up any more. Durable when it is answered.")
            .everywhere()
            .path::<ConsumerName>("consumer", CONSUMER)
            .takes::<Park>("The lease, which entry, and why.")
            .answers::<ParkedEntry>(200, "It is set aside.")
            .refuses(409, "The lease holds no more, the entry was not delivered under it, or too many are set aside.")
            .refuses(422, "The reason is empty or too long.")
            .to(park_entry),
        Route::delete("/v1/consumers/{consumer}/parked/{position}", "unpark_entry", Permission::Consume)
            .says("Have an entry delivered again", "It comes with `unparked: true`, and is acknowledged by itself.")
            .everywhere()
            .path::<ConsumerName>("consumer", CONSUMER)
            .path::<Position>("position", "The entry's position.")
            .answers_empty(204, "It will come again.")
            .to(unpark_entry),
        Route::post("/v1/consumers/{consumer}/rewind", "rewind_consumer", Permission::Consume)
            .says(
                "Set a consumer to another place",
                "Back or ahead. Recorded. Its reader has to take a new lease; entries set aside stay so.",
            )
            .everywhere()
            .path::<ConsumerName>("consumer", CONSUMER)
            .takes::<Rewind>("Where to.")
            .answers::<ConsumerStatus>(200, "Where it stands now.")
            .refuses(422, "The place lies beyond the head.")
            .to(rewind_consumer),
    ]
}

/// Consumers.
#[derive(Debug, Serialize, JsonSchema)]
struct ConsumerList {
    /// All of them, by name.
    items: Vec<ConsumerStatus>,
}

/// A consumer to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewConsumer {
    /// Its name.
    name: ConsumerName,
    /// What it wants; all events if it is not said.
    #[serde(default)]
    filter: Filter,
    /// Where it begins.
    #[serde(default)]
    from: PlaceSaid,
}

/// A place in the journal.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PlaceSaid {
    /// After everything that is there now.
    #[default]
    Now,
    /// Before everything.
    Start,
    /// After this position.
    After(Position),
    /// Before the first event recorded at or after this moment.
    Time(Timestamp),
}

impl From<PlaceSaid> for Place {
    fn from(said: PlaceSaid) -> Self {
        match said {
            PlaceSaid::Now => Self::Now,
            PlaceSaid::Start => Self::After(Position(0)),
            PlaceSaid::After(position) => Self::After(position),
            PlaceSaid::Time(moment) => Self::Time(moment),
        }
    }
}

/// A lease to be taken or extended.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TakeLease {
    /// For how long each use extends it, in seconds: 5 to 300.
    #[serde(default = "TakeLease::seconds")]
    #[schemars(range(min = 5, max = 300))]
    seconds: u32,
    /// The lease that is extended; none takes a new one.
    token: Option<Token>,
}

impl TakeLease {
    fn seconds() -> u32 {
        60
    }
}

/// The lease under which something is done.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UnderLease {
    /// The lease's token.
    lease: Token,
}

/// What is read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReadEntries {
    /// The lease's token.
    lease: Token,
    /// `all` (if it is not said), `live`, `unparked`, or the id of a replay.
    lane: Option<String>,
    /// The most entries, 1 to 500; 100 if it is not said.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<usize>,
    /// If there is nothing, wait for so many seconds until there is: at most 30; 0 if it is not said.
    #[schemars(range(max = 30))]
    wait_s: Option<u16>,
}

/// What was read.
#[derive(Debug, Serialize, JsonSchema)]
struct EntryList {
    /// The entries.
    items: Vec<Entry>,
    /// Whether all there is was looked at. If not, read again, even if there are no entries here.
    complete: bool,
    /// The journal's head as this read saw it.
    head: Position,
    /// The lease, extended.
    lease: Lease,
}

/// What a reader is done with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Acks {
    /// The lease's token.
    lease: Token,
    /// Every live entry up to this position.
    live: Option<Position>,
    /// These entries, which had been set aside and came again, each by its position; at most 64.
    #[serde(default)]
    #[schemars(length(max = 64))]
    unparked: Vec<Position>,
    /// By id of the replay: every entry of it up to this position; at most 64.
    #[serde(default)]
    replays: BTreeMap<ReplayId, Position>,
}

/// From which entry on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AfterPosition {
    /// Entries after this position.
    after: Option<Position>,
}

/// Entries set aside.
#[derive(Debug, Serialize, JsonSchema)]
struct ParkedList {
    /// The entries, by position; at most 200.
    items: Vec<ParkedEntry>,
    /// The position after which the list goes on; none at its end.
    next: Option<Position>,
}

/// An entry to be set aside.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Park {
    /// The lease's token.
    lease: Token,
    /// The entry's position.
    position: Position,
    /// Why: 1 to 300 bytes, without names of persons.
    #[schemars(length(min = 1, max = 300))]
    reason: String,
}

/// Where a consumer is set to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rewind {
    /// Where to.
    to: PlaceSaid,
}

async fn list_consumers(app: Data<App>) -> Json<ConsumerList> {
    Json(ConsumerList { items: app.consumers.consumers() })
}

async fn create_consumer(app: Data<App>, caller: Caller, new: Json<NewConsumer>) -> Result<impl Responder, Problem> {
    let NewConsumer { name, filter, from } = new.into_inner();
    filter.check().map_err(|error| Problem::malformed("filter", error))?;
    let by = caller.actor();
    let made = blocking(&app, move |consumers| consumers.create(&name, &filter, from.into(), &by)).await?;
    Ok((Json(made), StatusCode::CREATED))
}

async fn get_consumer(app: Data<App>, name: Path<ConsumerName>) -> Result<Json<ConsumerStatus>, Problem> {
    app.consumers.consumer(&name).map(Json).map_err(problem)
}

async fn delete_consumer(app: Data<App>, caller: Caller, name: Path<ConsumerName>) -> Result<HttpResponse, Problem> {
    let by = caller.actor();
    blocking(&app, move |consumers| consumers.delete(&name, &by)).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn take_lease(
    app: Data<App>,
    caller: Caller,
    name: Path<ConsumerName>,
    wanted: Json<TakeLease>,
) -> Result<Json<Lease>, Problem> {
    app.consumers.lease(&name, &caller.id, wanted.seconds, wanted.token).map(Json).map_err(problem)
}

async fn release_lease(
    app: Data<App>,
    name: Path<ConsumerName>,
    under: Query<UnderLease>,
) -> Result<HttpResponse, Problem> {
    app.consumers.release(&name, under.lease).map_err(problem)?;
    Ok(HttpResponse::NoContent().finish())
}

async fn read_entries(
    app: Data<App>,
    name: Path<ConsumerName>,
    wanted: Query<ReadEntries>,
) -> Result<Json<EntryList>, Problem> {
    let ReadEntries { lease, lane, limit, wait_s } = wanted.into_inner();
    let lane = match lane {
        None => LaneName::All,
        Some(text) => text.parse().map_err(|error| Problem::malformed("lane", error))?,
    };
    let limit = bounded("limit", limit, ENTRIES_DEFAULT, ENTRIES_MAX)?;
    let wait_s = bounded("wait_s", wait_s.map(usize::from).filter(|wait| *wait > 0), 0, WAIT_S_MAX.into())?;
    let name = name.into_inner();
    let deadline = Instant::now() + Duration::from_secs(wait_s as u64);
    let mut head = app.journal.watermark();
    let mut changes = app.consumers.changes();
    let mut closing = app.feed.closing();
    loop {
        head.mark_unchanged();
        changes.mark_unchanged();
        let over = *closing.borrow_and_update() || Instant::now() >= deadline;
        let name = name.clone();
        let reading = blocking(&app, move |consumers| consumers.read(&name, lease, lane, limit)).await?;
        let Reading { entries, complete, lease, head: seen } = reading;
        if !entries.is_empty() || over {
            return Ok(Json(EntryList { items: entries, complete, head: seen, lease }));
        }
        if complete {
            let look_again = deadline.min(Instant::now() + LOOK_AGAIN);
            let something = async {
                tokio::select! {
                    moved = head.changed() => drop(moved),   // a journal that is closed is found out by the read
                    changed = changes.changed() => drop(changed),
                    stops = closing.changed() => drop(stops),
                }
            };
            if timeout_at(look_again, something).await.is_ok() {
                tokio::time::sleep(GATHER).await;
            }
        }
    }
}

async fn acknowledge_entries(
    app: Data<App>,
    name: Path<ConsumerName>,
    acks: Json<Acks>,
) -> Result<Json<ConsumerStatus>, Problem> {
    let Acks { lease, live, unparked, replays } = acks.into_inner();
    for (what, count) in [("unparked", unparked.len()), ("replays", replays.len())] {
        if count > ACKS_MAX {
            return Err(Problem::malformed(what, format!("at most {ACKS_MAX} at once, these are {count}")));
        }
    }
    let done = Acknowledged { live, unparked, replays };
    blocking(&app, move |consumers| consumers.acknowledge(&name, lease, &done)).await.map(Json)
}

async fn list_parked(
    app: Data<App>,
    name: Path<ConsumerName>,
    wanted: Query<AfterPosition>,
) -> Result<Json<ParkedList>, Problem> {
    let after = wanted.after.unwrap_or_default();
    let items = app.consumers.parked(&name, after, PARKED_PAGE).map_err(problem)?;
    let next = items.last().filter(|_| items.len() == PARKED_PAGE).map(|last| last.position);
    Ok(Json(ParkedList { items, next }))
}

async fn park_entry(
    app: Data<App>,
    caller: Caller,
    name: Path<ConsumerName>,
    park: Json<Park>,
) -> Result<Json<ParkedEntry>, Problem> {
    let by = caller.actor();
    let Park { lease, position, reason } = park.into_inner();
    blocking(&app, move |consumers| consumers.park(&name, lease, position, &reason, &by)).await.map(Json)
}

async fn unpark_entry(
    app: Data<App>,
    caller: Caller,
    path: Path<(ConsumerName, Position)>,
) -> Result<HttpResponse, Problem> {
    let by = caller.actor();
    let (name, position) = path.into_inner();
    blocking(&app, move |consumers| consumers.unpark(&name, position, &by)).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn rewind_consumer(
    app: Data<App>,
    caller: Caller,
    name: Path<ConsumerName>,
    rewind: Json<Rewind>,
) -> Result<Json<ConsumerStatus>, Problem> {
    let by = caller.actor();
    blocking(&app, move |consumers| consumers.rewind(&name, rewind.to.into(), &by)).await.map(Json)
}

fn bounded(what: &str, said: Option<usize>, default: usize, max: usize) -> Result<usize, Problem> {
    match said {
        None => Ok(default),
        Some(value) if (1..=max).contains(&value) => Ok(value),
        Some(value) => Err(Problem::malformed(what, format!("must be at most {max} and not 0, this is {value}"))),
    }
}
