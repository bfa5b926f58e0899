//! What a moderator does to one warning: take it up, give it back, note, hand on, take the answer back.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::App;
use crate::http::auth::Permission;
use crate::http::extract::Caller;
use crate::http::idempotency::{IDEMPOTENCY_KEY, IdempotencyKey};
use crate::http::moderating::{ActAnswer, Asked, Words, channel_of};
use crate::http::problem::Problem;
use crate::http::route::{Building, Route};
use crate::model::{ContentRef, ModeratorId, Sequence, WarningId};
use crate::warden::{ModeratorAct, SeenWarning};

const CLAIM: &str = "/v1/warnings/{warning}/claim";
const RELEASE: &str = "/v1/warnings/{warning}/release";
const WITHDRAW: &str = "/v1/warnings/{warning}/withdraw";
const NOTE: &str = "/v1/warnings/{warning}/note";
const ESCALATE: &str = "/v1/warnings/{warning}/escalate";

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        of_a_warning(Route::post(CLAIM, "claim_warning", Permission::Moderate))
            .says(
                "Take a warning up",
                "For five minutes; claimed again it is five minutes from then. Others are refused.",
            )
            .takes::<Seen>("The version that you see.")
            .to(claim),
        of_a_warning(Route::post(RELEASE, "release_warning", Permission::Moderate))
            .says("Give a warning back", "Only who has claimed it can.")
            .takes::<Seen>("The version that you see.")
            .to(release),
        of_a_warning(Route::post(WITHDRAW, "withdraw_answer", Permission::Moderate))
            .says(
                "Take your answer back",
                "Only who answered can, within the time said with the answer, and only while what followed from it has \
                 not been tried: a stop that has been is lifted instead.",
            )
            .takes::<Seen>("The version that you see.")
            .to(withdraw),
        of_a_warning(Route::post(NOTE, "note_warning", Permission::Moderate))
            .says("Add a note to a warning", "")
            .takes::<Note>("The note.")
            .to(note),
        of_a_warning(Route::post(ESCALATE, "escalate_warning", Permission::Moderate))
            .says("Ask somebody else to decide", "Gives your claim up.")
            .takes::<Escalation>("Whom.")
            .to(escalate),
    ]
}

fn of_a_warning(building: Building) -> Building {
    building
        .path::<WarningId>("warning", "The warning.")
        .header::<IdempotencyKey>(IDEMPOTENCY_KEY, "The same key again is the same act, answered as it was.")
        .answers::<ActAnswer>(200, "Done and durable.")
        .refuses(
            409,
            "It has changed since that version (`changed_since`: `changed` holds what happened, `version` is the one \
             now), or things stand otherwise (`conflict`: `rule` says which rule refuses).",
        )
}

/// Which version of the warning the moderator sees.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// The version, as the queue or the last answer showed it.
    version: Sequence,
}

/// A note on a warning.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    /// The version, as the queue or the last answer showed it.
    version: Sequence,
    /// The text.
    note: Words,
}

/// A question handed on.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Escalation {
    /// The version, as the queue or the last answer showed it.
    version: Sequence,
    /// To whom, if to somebody in particular.
    to: Option<ModeratorId>,
}

async fn claim(
    app: Data<App>,
    caller: Caller,
    warning: Path<WarningId>,
    key: IdempotencyKey,
    body: Json<Seen>,
) -> Result<Json<ActAnswer>, Problem> {
    let one = One { app: &app, caller: &caller, warning: *warning, key: &key, version: body.version };
    one.act("claim", None, |seen, _| ModeratorAct::Claim(seen)).await
}

async fn release(
    app: Data<App>,
    caller: Caller,
    warning: Path<WarningId>,
    key: IdempotencyKey,
    body: Json<Seen>,
) -> Result<Json<ActAnswer>, Problem> {
    let one = One { app: &app, caller: &caller, warning: *warning, key: &key, version: body.version };
    one.act("release", None, |seen, _| ModeratorAct::Release(seen)).await
}

async fn withdraw(
    app: Data<App>,
    caller: Caller,
    warning: Path<WarningId>,
    key: IdempotencyKey,
    body: Json<Seen>,
) -> Result<Json<ActAnswer>, Problem> {
    let one = One { app: &app, caller: &caller, warning: *warning, key: &key, version: body.version };
    one.act("withdraw", None, |seen, _| ModeratorAct::Withdraw(seen)).await
}

async fn note(
    app: Data<App>,
    caller: Caller,
    warning: Path<WarningId>,
    key: IdempotencyKey,
    body: Json<Note>,
) -> Result<Json<ActAnswer>, Problem> {
    let Note { version, note } = body.into_inner();
    let one = One { app: &app, caller: &caller, warning: *warning, key: &key, version };
    one.act("note", Some(note), |warning, kept| {
        let note = kept.expect("an act with words is made with where they are");
        ModeratorAct::Note { warning, note }
    })
    .await
}

async fn escalate(
    app: Data<App>,
    caller: Caller,
    warning: Path<WarningId>,
    key: IdempotencyKey,
    body: Json<Escalation>,
) -> Result<Json<ActAnswer>, Problem> {
    let Escalation { version, to } = body.into_inner();
    let one = One { app: &app, caller: &caller, warning: *warning, key: &key, version };
    one.act("escalate", None, |warning, _| ModeratorAct::Escalate { warning, to: to.clone() }).await
}

/// A request about one warning.
struct One<'a> {
    app: &'a App,
    caller: &'a Caller,
    warning: WarningId,
    key: &'a IdempotencyKey,
    version: Sequence,
}

impl One<'_> {
    async fn act(
        self,
        name: &str,
        words: Option<Words>,
        act: impl Fn(SeenWarning, Option<ContentRef>) -> ModeratorAct,
    ) -> Result<Json<ActAnswer>, Problem> {
        let Self { app, caller, warning, key, version } = self;
        let channel = channel_of(app, caller, warning).await?;
        // Without a key the version is as good: the act makes another, so the same on this one can be meant once only.
        let request = key.request(&caller.id, &[name.as_bytes(), warning.as_bytes()], &version.0.to_be_bytes());
        let seen = SeenWarning { warning, seen: Some(version) };
        let asked = Asked { app, caller, channel: channel.clone(), request, words };
        let done = asked.carry_out(|kept| act(seen, kept)).await?;
        Ok(Json(done.about_warnings(channel)))
    }
}
