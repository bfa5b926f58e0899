//! Acts on a live stream: asked for by a person, followed to their verified end.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json, Path, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{EnforcementKind, EnforcementOrigin, Event};
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::extract::Caller;
use crate::http::idempotency::{IDEMPOTENCY_KEY, IdempotencyKey};
use crate::http::moderating::{Asked, Words, kept_words};
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::http::written::shown;
use crate::model::{ChannelId, EnforcementId, Position, SessionId, Timestamp};
use crate::projections::{EnforcementStep, Followed, Stage};
use crate::warden::ModeratorAct;

const ONE: &str = "/v1/enforcements/{enforcement}";
const ADMIT: &str = "/v1/enforcements/{enforcement}/admit";
const CANCEL: &str = "/v1/enforcements/{enforcement}/cancel";
/// The longest that a look at an enforcement waits for its end.
const WAIT_S_MAX: u8 = 30;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/channels/{channel}/enforcements", "create_enforcement", Permission::Enforce)
            .says(
                "Stop, suspend or lift",
                "A stop or suspension names the broadcast that is meant and reaches no other. It is carried out at \
                 once and is not held by the automatic budget; follow it under `Location` to its verified end. What \
                 undoes a suspension is a lift, an enforcement of its own.",
            )
            .path::<ChannelId>("channel", "The channel.")
            .header::<IdempotencyKey>(IDEMPOTENCY_KEY, "The same key again is the same request, answered as it was.")
            .takes::<EnforcementAsked>("What is wanted, and why.")
            .answers::<EnforcementAnswer>(201, "Wanted, and durable. Not done yet.")
            .refuses(409, "Another broadcast is on the air, or as much is under way; `rule` says which.")
            .refuses(422, "No broadcast is named.")
            .to(create_enforcement),
        Route::get(ONE, "get_enforcement", Permission::Read)
            .says(
                "Follow an enforcement",
                "All its steps so far. With `wait_s` the answer waits until it has ended, for at most so long.",
            )
            .path::<EnforcementId>("enforcement", "The enforcement.")
            .query::<Wait>()
            .answers::<EnforcementAnswer>(200, "How far it has come.")
            .to(get_enforcement),
        Route::post(ADMIT, "admit_enforcement", Permission::Enforce)
            .says("Let a held enforcement go ahead", "One that the automatic budget holds waits for this word.")
            .path::<EnforcementId>("enforcement", "The enforcement.")
            .header::<IdempotencyKey>(IDEMPOTENCY_KEY, "The same key again is the same word, answered as it was.")
            .answers::<EnforcementAnswer>(200, "Admitted, and durable.")
            .refuses(409, "It is not held, or has ended.")
            .to(admit_enforcement),
        Route::post(CANCEL, "cancel_enforcement", Permission::Enforce)
            .says("Call an enforcement off", "As long as it has not been tried.")
            .path::<EnforcementId>("enforcement", "The enforcement.")
            .header::<IdempotencyKey>(IDEMPOTENCY_KEY, "The same key again is the same word, answered as it was.")
            .answers::<EnforcementAnswer>(200, "Called off, and durable.")
            .refuses(409, "It has been tried, or has ended.")
            .to(cancel_enforcement),
    ]
}

/// What is wanted of a stream.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EnforcementAsked {
    /// What.
    kind: EnforcementKind,
    /// Which broadcast; needed to stop or suspend. A lift concerns the channel.
    session: Option<SessionId>,
    /// Why.
    reason: Words,
}

/// How long to wait.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wait {
    /// Wait for the end for at most so many seconds, 0 to 30.
    #[serde(default)]
    #[schemars(range(max = 30))]
    wait_s: u8,
}

/// An enforcement, as far as it has come.
#[derive(Debug, Serialize, JsonSchema)]
struct EnforcementAnswer {
    /// The enforcement.
    enforcement: EnforcementId,
    /// The channel.
    channel: ChannelId,
    /// What is done to the stream.
    kind: EnforcementKind,
    /// The broadcast that is meant; none for a lift.
    session: Option<SessionId>,
    /// Who wants it.
    origin: EnforcementOrigin,
    /// Why, in the words of the person who asked; none if a rule did, or if the words were erased.
    reason: Option<String>,
    /// How grave it is, 1 (least) to 5.
    severity: u8,
    /// When it is too old to be begun.
    expires: Timestamp,
    /// How far it has come.
    stage: Stage,
    /// Whether that is its end.
    ended: bool,
    /// Every step, oldest first.
    steps: Vec<EnforcementStep>,
    /// Position of the last step.
    position: Position,
}

async fn create_enforcement(
    app: Data<App>,
    caller: Caller,
    channel: Path<ChannelId>,
    key: IdempotencyKey,
    body: Json<EnforcementAsked>,
) -> Result<HttpResponse, Problem> {
    let channel = channel.into_inner();
    let EnforcementAsked { kind, session, reason } = body.into_inner();
    // The same stop twice can be meant twice: the first may have failed.
    let unkeyed = IdempotencyKey::once(&app);
    let request = key.request(&caller.id, &[b"enforce", channel.as_str().as_bytes()], &unkeyed);
    let asked = Asked { app: &app, caller: &caller, channel, request, words: Some(reason) };
    let done = asked.carry_out(|reason| ModeratorAct::Enforce { kind, session: session.clone(), reason }).await?;
    let requested = done.story.iter().find_map(|recorded| match recorded.event() {
        Ok(Event::EnforcementRequested(requested)) => Some(requested.enforcement),
        _ => None, // what it replaces is called off in the same decision
    });
    let enforcement = requested.ok_or_else(|| Problem::not_found("enforcement under this key"))?;
    let told = tell(&app, enforcement, &caller, Permission::Enforce).await?;
    Ok(HttpResponse::Created().insert_header((LOCATION, format!("/v1/enforcements/{enforcement}"))).json(told))
}

async fn get_enforcement(
    app: Data<App>,
    caller: Caller,
    enforcement: Path<EnforcementId>,
    wait: Query<Wait>,
) -> Result<Json<EnforcementAnswer>, Problem> {
    if wait.wait_s > WAIT_S_MAX {
        return Err(Problem::malformed("wait_s", format!("expected 0 to {WAIT_S_MAX} seconds")));
    }
    let until = tokio::time::Instant::now() + Duration::from_secs(wait.wait_s.into());
    let mut position = app.views.position();
    let mut closing = app.feed.closing();
    while !followed(&app, *enforcement, &caller, Permission::Read).await?.has_ended() {
        let moved = tokio::select! {
            moved = tokio::time::timeout_at(until, position.changed()) => moved,
            _ = closing.wait_for(|closing| *closing) => break, // the server stops: its end is for another look
        };
        match moved {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => break, // the house is closing, or the time is over
        }
    }
    tell(&app, *enforcement, &caller, Permission::Read).await.map(Json)
}

async fn admit_enforcement(
    app: Data<App>,
    caller: Caller,
    enforcement: Path<EnforcementId>,
    key: IdempotencyKey,
) -> Result<Json<EnforcementAnswer>, Problem> {
    decide(&app, &caller, *enforcement, &key, "admit", ModeratorAct::AdmitHeld(*enforcement)).await
}

async fn cancel_enforcement(
    app: Data<App>,
    caller: Caller,
    enforcement: Path<EnforcementId>,
    key: IdempotencyKey,
) -> Result<Json<EnforcementAnswer>, Problem> {
    decide(&app, &caller, *enforcement, &key, "cancel", ModeratorAct::Cancel(*enforcement)).await
}

async fn decide(
    app: &App,
    caller: &Caller,
    enforcement: EnforcementId,
    key: &IdempotencyKey,
    name: &str,
    act: ModeratorAct,
) -> Result<Json<EnforcementAnswer>, Problem> {
    let channel = followed(app, enforcement, caller, Permission::Enforce).await?.channel;
    let unkeyed = IdempotencyKey::once(app);
    let request = key.request(&caller.id, &[name.as_bytes(), enforcement.as_bytes()], &unkeyed);
    Asked { app, caller, channel, request, words: None }.carry_out(|_| act.clone()).await?;
    tell(app, enforcement, caller, Permission::Enforce).await.map(Json)
}

/// An enforcement that this caller may see, as the views show it.
async fn followed(
    app: &App,
    enforcement: EnforcementId,
    caller: &Caller,
    needs: Permission,
) -> Result<Followed, Problem> {
    let look = || app.views.read(|view| view.enforcements.get(enforcement).cloned());
    let mut found = look();
    if found.is_none() {
        // It may have been asked for a moment ago.
        let durable = *app.journal.watermark().borrow();
        shown(app, durable).await;
        found = look();
    }
    found
        .filter(|found| caller.may(needs, &found.channel))
        .ok_or_else(|| Problem::not_found(format!("enforcement {enforcement} among the newest")))
}

async fn tell(
    app: &App,
    enforcement: EnforcementId,
    caller: &Caller,
    needs: Permission,
) -> Result<EnforcementAnswer, Problem> {
    let found = followed(app, enforcement, caller, needs).await?;
    let reason = match found.request.reason.clone() {
        Some(kept) => kept_words(app, kept).await?,
        None => None,
    };
    let (stage, ended) = (found.stage().clone(), found.has_ended());
    Ok(EnforcementAnswer {
        enforcement,
        channel: found.channel,
        kind: found.request.kind,
        session: found.request.session,
        origin: found.request.origin,
        reason,
        severity: found.request.severity,
        expires: found.request.expires,
        stage,
        ended,
        position: found.steps.last().map_or(found.position, |last| last.position),
        steps: found.steps,
    })
}
