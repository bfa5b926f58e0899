//! Decisions that are taken outside, told of by whoever took them.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpMessage, HttpRequest};
use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{DecisionEffect, Event, Recorded};
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::problem::{Code, Problem};
use crate::http::refused;
use crate::http::route::Route;
use crate::http::slow_body;
use crate::http::written::{WrittenEvent, shown, story};
use crate::model::{Action, ActionName, ChannelId, EnforcementId, FrameId, Position, WarningId};
use crate::warden::{Command, ExternalDecision};

/// The most bytes of a callback's body. What is needed of it is two names.
const BODY_BYTES_MAX: usize = 256 << 10;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/callbacks/hive/{action}", "receive_decision", Permission::Decide)
            .says(
                "An action of Hive's Moderation Dashboard",
                "For an Action there: its URL is this path with the action's name in the configuration, its \
                 `Authorization` the secret of `hive_dashboard`. The post is the frame and the user the channel, as both \
                 were shown to it; their parameters may have other names by the configuration, and may stand in the body \
                 instead, as a form or an object.\n\nAnswered with 200, which alone counts there, when the decision is \
                 durable with what follows from it: nothing, a warning, or a stop or suspension that goes the way of \
                 every other. The same action about the same post again changes nothing and is answered as it was. A \
                 post that its frame's outcome is still being recorded of is waited for.",
            )
            .path::<ActionName>("action", "The action, as the configuration names it.")
            .query::<CallbackQuery>()
            .answers::<DecisionAnswer>(200, "What followed, durable.")
            .refuses(404, "There is no such action in the configuration, or no frame was shown there as that post.")
            .refuses(413, "The body is larger than 256 KiB.")
            .refuses(422, "The post is of another user.")
            .to(receive_decision),
    ]
}

/// What a callback names, by the names that the parameters have unless the configuration says otherwise.
#[derive(Debug, JsonSchema)]
#[allow(dead_code)] // a description: the names are the operator's
struct CallbackQuery {
    /// The frame.
    post_id: Option<String>,
    /// The channel, as it was shown.
    user_id: Option<String>,
}

/// What followed from a decision.
#[derive(Debug, Serialize, JsonSchema)]
struct DecisionAnswer {
    /// The channel.
    channel: ChannelId,
    /// The frame.
    frame: FrameId,
    /// What the action was set to mean when it was first told; none: it is recorded only.
    then: Option<Action>,
    /// What came of it.
    effect: DecisionEffect,
    /// The warning that it raised or speaks for.
    warning: Option<WarningId>,
    /// The stop or suspension that it asks for, if it does.
    enforcement: Option<EnforcementId>,
    /// What was recorded, in order.
    events: Vec<WrittenEvent>,
    /// Position of the last of them.
    position: Position,
    /// Whether it had been told before.
    repeated: bool,
}

async fn receive_decision(
    app: Data<App>,
    action: Path<String>,
    request: HttpRequest,
    body: Payload,
) -> Result<Json<DecisionAnswer>, Problem> {
    let unknown = || Problem::new(Code::NotFound, "the configuration has no action of that name");
    let callbacks = app.callbacks.as_ref().ok_or_else(unknown)?;
    let action = ActionName::new(action.as_str()).map_err(|_| unknown())?;
    let meaning = *callbacks.actions.get(&action).ok_or_else(unknown)?;
    let body = bounded(body).await?;
    let named = callbacks.named(request.query_string(), &request.content_type().to_ascii_lowercase(), &body)?;
    let (channel, about) = callbacks.frame(&app, &named).await?;

    let frame = about.frame;
    let first = ExternalDecision::id(&callbacks.by, &action, frame);
    let before = story(&app, first).await?;
    if !before.is_empty() {
        return answer(channel, frame, &before, true);
    }
    let decision = Box::new(callbacks.decision(&action, meaning));
    let command = Command::TakeDecision { decision, about: Box::new(about) };
    app.wardens.command(&channel, command).await.map_err(|error| refused::command(&error))?;
    let written = story(&app, first).await?;
    if let Some(last) = written.last() {
        shown(&app, last.envelope.position).await;
    }
    answer(channel, frame, &written, false)
}

fn answer(
    channel: ChannelId,
    frame: FrameId,
    story: &[Recorded],
    repeated: bool,
) -> Result<Json<DecisionAnswer>, Problem> {
    let mut received = None;
    let mut enforcement = None;
    for recorded in story {
        match recorded.event().map_err(|error| Problem::internal("reading what a decision led to", &error))? {
            Event::DecisionReceived(decision) => received = Some(decision),
            Event::EnforcementRequested(asked) => enforcement = Some(asked.enforcement),
            _ => {} // the warning's id is in the decision
        }
    }
    let (Some(received), Some(last)) = (received, story.last()) else {
        return Err(Problem::new(Code::Internal, "what was recorded cannot be found"));
    };
    Ok(Json(DecisionAnswer {
        channel,
        frame,
        then: received.then,
        warning: received.warning(),
        effect: received.effect,
        enforcement,
        events: story.iter().map(WrittenEvent::from).collect(),
        position: last.envelope.position,
        repeated,
    }))
}

/// A body that is not too large.
async fn bounded(mut body: Payload) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| match slow_body::timed_out(&error) {
            true => Problem::new(Code::Timeout, "the body did not arrive in time"),
            false => Problem::malformed("body", error),
        })?;
        if bytes.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Problem::new(Code::TooLarge, format!("a callback's body has at most {BODY_BYTES_MAX} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
