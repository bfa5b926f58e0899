//! An appeal against an upheld warning, decided by somebody else than the decision. Months may lie between: the warning's
//! channel has forgotten it, so what the journal says of it goes with the act.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::appeal::appealed;
use crate::events::Event;
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::extract::Caller;
use crate::http::idempotency::{IDEMPOTENCY_KEY, IdempotencyKey};
use crate::http::moderating::{ActAnswer, Asked, Words, raised_at};
use crate::http::past::ask;
use crate::http::problem::Problem;
use crate::http::refused;
use crate::http::route::Route;
use crate::model::{Position, WarningId};
use crate::warden::{ModeratorAct, Rejection};

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/warnings/{warning}/overturn", "overturn_warning", Permission::Appeal)
            .says(
                "Overturn an upheld warning on appeal",
                "The decision no longer stands, and leaves no trace in what is thought of the channel. Only when its \
                 answer can no longer be taken back, once, and never by whoever gave it. What has come of it, a stop or \
                 revoked keys, is lifted by an act of its own.",
            )
            .path::<WarningId>("warning", "The warning.")
            .header::<IdempotencyKey>(IDEMPOTENCY_KEY, "A warning is overturned once, with a key or without.")
            .takes::<Overturn>("Why.")
            .answers::<ActAnswer>(200, "Done and durable.")
            .refuses(
                409,
                "It was not upheld, its answer can still be taken back, it was overturned already, or you upheld it: \
                 `rule` says which.",
            )
            .refuses(422, "Its answer lies further behind its raising than one request reads.")
            .to(overturn),
    ]
}

/// Why a decision does not stand.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Overturn {
    /// Why.
    why: Words,
    /// Where the warning was raised. Needed only of one that is older than those found by id, the newest 500,000.
    raised: Option<Position>,
}

async fn overturn(
    app: Data<App>,
    caller: Caller,
    warning: Path<WarningId>,
    key: IdempotencyKey,
    body: Json<Overturn>,
) -> Result<Json<ActAnswer>, Problem> {
    let (warning, Overturn { why, raised }) = (*warning, body.into_inner());
    let nothing = || Problem::not_found(format!("warning {warning}"));
    let raised = match raised {
        Some(raised) => raised,
        None => raised_at(&app, warning).await.ok_or_else(nothing)?,
    };
    let journal = app.journal.clone();
    let told = ask("reading what is appealed against", move || appealed(&*journal, warning, raised)).await?;
    let (channel, appealed) = told.ok_or_else(nothing)?;
    if !caller.may(Permission::Appeal, &channel) {
        return Err(nothing());
    }
    let upheld = appealed.upheld(warning, &caller.id).map_err(|rejection| refused::rejected(&rejection))?;
    let request = key.request(&caller.id, &[b"overturn", warning.as_bytes()], b"");
    let asked = Asked { app: &app, caller: &caller, channel: channel.clone(), request, words: Some(why) };
    let overturning = asked.carry_out(|kept| {
        let why = kept.expect("an act with words is made with where they are");
        ModeratorAct::Overturn { upheld: upheld.clone(), why }
    });
    let done = overturning.await?;
    // Somebody else may have come first by a moment, with the same words.
    match done.story.first().and_then(|first| first.event().ok()) {
        Some(Event::WarningOverturned(first)) if first.by != caller.id => {
            Err(refused::rejected(&Rejection::AlreadyOverturned { warning, by: first.by }))
        }
        _ => Ok(Json(done.about_warnings(channel))),
    }
}
