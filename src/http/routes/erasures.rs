//! What is kept of a channel or a person, destroyed for good. Keys belong to the store and not to a channel's own list, so
//! it needs its permission everywhere.

use std::convert::Infallible;

use actix_web::web::{Data, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actors::{Erasure, ErasureError, Erasures, Remains};
use crate::events::{ErasedContent, Erasing, HeldContent};
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::blocking::blocking;
use crate::http::extract::Caller;
use crate::http::idempotency::{IDEMPOTENCY_KEY, IdempotencyKey};
use crate::http::problem::{Code, Problem};
use crate::http::route::Route;
use crate::model::{ChannelId, ErasureReason, EventId, ModeratorId, Position, Timestamp};

/// The most erasures that are listed.
const LISTED_MAX: usize = 200;
/// When to come back if nothing can be recorded.
const RETRY_AFTER_S: u32 = 10;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/erasures", "create_erasure", Permission::Erase)
            .says(
                "Erase what is kept of a channel or a person",
                "Destroys the keys under which it lies, which nobody can undo, and has its copies in buckets deleted: that \
                 follows, and `GET /v1/erasures` says when it is done. Events stay, and say that it was erased; what is \
                 kept of the channel from now on lies under a new key. A request that fails after it was recorded is \
                 carried out all the same, at the latest when the server starts next.",
            )
            .everywhere()
            .header::<IdempotencyKey>(IDEMPOTENCY_KEY, "The same key again is the same request, answered as it stands.")
            .takes::<ErasureAsked>("Of whom, what of it, and why.")
            .answers::<ErasureAnswer>(200, "The keys are destroyed.")
            .refuses(404, "Nothing is kept of it, and nothing was.")
            .refuses(409, "The key came before with another request.")
            .refuses(503, "That it was asked for or done could not be recorded. Ask again with the same key.")
            .to(create_erasure),
        Route::get("/v1/erasures", "list_erasures", Permission::Erase)
            .says("Erasures", "The last 200 and every older one that is not finished, the newest first, with what is left to do.")
            .everywhere()
            .answers::<ErasureList>(200, "The erasures.")
            .to(list_erasures),
    ]
}

/// What is to be erased: name either a channel or a person.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ErasureAsked {
    /// The channel.
    channel: Option<ChannelId>,
    /// Which of what is kept of the channel; everything if it is not said.
    content: Option<ErasedContent>,
    /// The person, by the name that events know them by: what they wrote.
    person: Option<ModeratorId>,
    /// Why, as a short code such as `request-2291`. It stays in the journal for good, so it must name nobody.
    reason: ErasureReason,
}

/// Erasures.
#[derive(Debug, Serialize, JsonSchema)]
struct ErasureList {
    /// The newest first.
    items: Vec<ErasureAnswer>,
}

/// An erasure, as far as it has come.
#[derive(Debug, Serialize, JsonSchema)]
struct ErasureAnswer {
    /// The event that asked for it.
    erasure: EventId,
    /// Where that stands.
    position: Position,
    /// When it was asked for.
    requested_at: Timestamp,
    /// By whom.
    by: String,
    /// What was asked for.
    what: Erasing,
    /// Why.
    reason: ErasureReason,
    /// Whether nothing is left to do.
    finished: bool,
    /// Each subject whose key was to be destroyed.
    subjects: Vec<SubjectAnswer>,
    /// The copies in buckets.
    copies: CopiesAnswer,
    /// What stays where it is, and why.
    remains: Vec<Remains>,
    /// Whether this very request had come before.
    repeated: bool,
}

/// A subject of an erasure.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ErasureSubject")]
struct SubjectAnswer {
    /// The subject.
    subject: String,
    /// When its key was destroyed, as recorded; none as long as it is not.
    destroyed_at: Option<Timestamp>,
    /// How much had lain under it: nothing where there was no key. None if it was not counted, because the server ended
    /// in between.
    held: Option<HeldContent>,
}

/// The copies in buckets that an erasure concerns.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schemars(rename = "ErasureCopies")]
enum CopiesAnswer {
    /// None are concerned.
    Untouched,
    /// They are being deleted; what fails is tried again, and the log says why.
    Pending,
    /// They are deleted.
    Deleted {
        /// When that was recorded.
        at: Timestamp,
        /// How many.
        copies: u64,
    },
}

async fn create_erasure(
    app: Data<App>,
    caller: Caller,
    key: IdempotencyKey,
    body: Json<ErasureAsked>,
) -> Result<Json<ErasureAnswer>, Problem> {
    let ErasureAsked { channel, content, person, reason } = body.into_inner();
    let what = match (channel, person, content) {
        (Some(channel), None, content) => Erasing::Channel { channel, content: content.unwrap_or_default() },
        (None, Some(person), None) => Erasing::Person(person),
        (None, Some(_), Some(_)) => {
            return Err(Problem::malformed("content", "goes with `channel`; of a person everything is erased"));
        }
        _ => return Err(Problem::malformed("body", "name either `channel` or `person`")),
    };
    // The same twice can be meant twice: something may have been kept since.
    let request = key.request(&caller.id, &[b"erase"], &IdempotencyKey::once(&app));
    let (erasures, by) = (app.erasures.clone(), caller.actor());
    let done = blocking("erasing", move || Ok::<_, Infallible>(erasures.erase(request, &what, &reason, &by))).await?;
    let (erasure, repeated) = done.map_err(|error| problem(&error))?;
    Ok(Json(answer(erasure, repeated)))
}

async fn list_erasures(app: Data<App>) -> Result<Json<ErasureList>, Problem> {
    let erasures = app.erasures.clone();
    let newest = blocking("listing erasures", move || Ok::<_, Infallible>(erasures.newest_first(LISTED_MAX))).await?;
    let items = newest.into_iter().map(|erasure| answer(erasure, false)).collect();
    Ok(Json(ErasureList { items }))
}

fn answer(erasure: Erasure, repeated: bool) -> ErasureAnswer {
    let finished = erasure.is_finished();
    let pending = erasure.subjects_left().into_iter();
    let pending = pending.map(|subject| SubjectAnswer { subject, destroyed_at: None, held: None });
    let done = erasure.subjects.iter().map(|erased| SubjectAnswer {
        subject: erased.subject.clone(),
        destroyed_at: Some(erased.at),
        held: erased.held,
    });
    let copies = match erasure.copies {
        Some(done) => CopiesAnswer::Deleted { at: done.at, copies: done.copies },
        None if erasure.leaves_copies() => CopiesAnswer::Pending,
        None => CopiesAnswer::Untouched,
    };
    ErasureAnswer {
        erasure: erasure.request,
        position: erasure.position,
        requested_at: erasure.requested_at,
        by: erasure.by.to_string(),
        finished,
        subjects: done.chain(pending).collect(),
        copies,
        remains: Erasures::remains(&erasure.requested.what),
        what: erasure.requested.what,
        reason: erasure.requested.reason,
        repeated,
    }
}

fn problem(error: &ErasureError) -> Problem {
    match error {
        ErasureError::Unknown(_) => Problem::new(Code::NotFound, error.to_string()),
        ErasureError::Another(first) => Problem::new(Code::Conflict, error.to_string())
            .with("rule", "came_before_otherwise")
            .with("first", first.request),
        ErasureError::Append(refused) => {
            tracing::error!("an erasure could not be recorded: {refused}");
            let detail = "an erasure is recorded before and after it is carried out, and nothing can be recorded now; ask \
                          again with the same key";
            Problem::unavailable(detail, RETRY_AFTER_S)
        }
        ErasureError::Read(_) | ErasureError::Codec(_) | ErasureError::Content(_) => {
            Problem::internal("erasing", error)
        }
    }
}
