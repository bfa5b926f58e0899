//! Replays: a part of the past once more, to a consumer or to the live feed. Never to what acts.

use actix_web::Responder;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::consumers::PlaceSaid;
use crate::consumers::{NewReplay, ReplayStatus};
use crate::events::{Filter, ReplaySpeed, ReplayTarget};
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::consuming::{blocking, problem};
use crate::http::extract::Caller;
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::model::{ConsumerName, ReplayId};

pub(in crate::http) fn routes() -> Vec<Route> {
    const REPLAY: &str = "The replay's id.";
    vec![
        Route::get("/v1/replays", "list_replays", Permission::Consume)
            .says("Replays", "Those under way, at most 8, then the last 64 that ended, the newest first.")
            .everywhere()
            .answers::<ReplayList>(200, "The replays, with how far each has come.")
            .to(list_replays),
        Route::post("/v1/replays", "start_replay", Permission::Consume)
            .says(
                "Start a replay",
                "Delivers the events of a range once more, with their own ids and times and marked by \
                 `replay: {id, name}`, so that a delivery is told apart by (event id, replay id). It has a place of \
                 its own: live entries are neither moved nor delayed. It never causes an enforcement. To a consumer, \
                 it ends when all of it is acknowledged; to the feed, when every connection that listens has had it.",
            )
            .everywhere()
            .takes::<StartReplay>("The range, what of it, to whom, and how fast.")
            .answers::<ReplayStatus>(201, "It is under way.")
            .refuses(404, "There is no such consumer.")
            .refuses(409, "A replay of that name is under way, or there are as many as there may be.")
            .refuses(422, "The range holds nothing or lies beyond the head, or the speed is out of its bounds.")
            .to(start_replay),
        Route::get("/v1/replays/{replay}", "get_replay", Permission::Consume)
            .says("One replay", "")
            .everywhere()
            .path::<ReplayId>("replay", REPLAY)
            .answers::<ReplayStatus>(200, "How far it has come.")
            .to(get_replay),
        Route::post("/v1/replays/{replay}/cancel", "cancel_replay", Permission::Consume)
            .says("Call a replay off", "What is delivered already stays delivered.")
            .everywhere()
            .path::<ReplayId>("replay", REPLAY)
            .answers::<ReplayStatus>(200, "It has ended.")
            .refuses(409, "It had ended before.")
            .to(cancel_replay),
    ]
}

/// Replays.
#[derive(Debug, Serialize, JsonSchema)]
struct ReplayList {
    /// Those under way, then those that ended.
    items: Vec<ReplayStatus>,
}

/// A replay to be started.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StartReplay {
    /// What people call it. No other under way may have that name, so that a request sent twice starts one.
    name: ConsumerName,
    /// It begins after this place.
    #[serde(default = "StartReplay::from")]
    from: PlaceSaid,
    /// It ends at this place.
    #[serde(default)]
    to: PlaceSaid,
    /// What of the range is delivered; all of it if it is not said. A consumer is given only what it wants besides.
    #[serde(default)]
    filter: Filter,
    /// To whom.
    target: ReplayTarget,
    /// How fast; as fast as it is taken if it is not said.
    #[serde(default)]
    speed: ReplaySpeed,
}

impl StartReplay {
    fn from() -> PlaceSaid {
        PlaceSaid::Start
    }
}

async fn list_replays(app: Data<App>) -> Json<ReplayList> {
    Json(ReplayList { items: app.consumers.replays() })
}

async fn start_replay(app: Data<App>, caller: Caller, new: Json<StartReplay>) -> Result<impl Responder, Problem> {
    let StartReplay { name, from, to, filter, target, speed } = new.into_inner();
    filter.check().map_err(|error| Problem::malformed("filter", error))?;
    let new = NewReplay { name, from: from.into(), to: to.into(), filter, target, speed };
    let by = caller.actor();
    let started = blocking(&app, move |consumers| consumers.start_replay(&new, &by)).await?;
    Ok((Json(started), StatusCode::CREATED))
}

async fn get_replay(app: Data<App>, id: Path<ReplayId>) -> Result<Json<ReplayStatus>, Problem> {
    app.consumers.replay(*id).map(Json).map_err(problem)
}

async fn cancel_replay(app: Data<App>, caller: Caller, id: Path<ReplayId>) -> Result<Json<ReplayStatus>, Problem> {
    let by = caller.actor();
    blocking(&app, move |consumers| consumers.cancel_replay(*id, &by)).await.map(Json)
}
