//! Broadcasts announced to begin and end. Announcements are best effort: frames tell as well.

use actix_web::web::{Data, Json, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::Recorded;
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::moment::not_absurd;
use crate::http::problem::Problem;
use crate::http::refused;
use crate::http::route::Route;
use crate::http::written::{WrittenEvent, shown, story};
use crate::model::{ChannelId, Position, SessionId, Timestamp};
use crate::warden::Command;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/channels/{channel}/sessions", "start_session", Permission::Ingest)
            .says(
                "Announce that a broadcast began",
                "Ends the one on the air before. Said again, or of a broadcast that is over, it changes nothing.",
            )
            .path::<ChannelId>("channel", "The channel.")
            .takes::<SessionStart>("The broadcast.")
            .answers::<SessionAnswer>(200, "What followed, durable.")
            .to(start_session),
        Route::post("/v1/channels/{channel}/sessions/{session}/end", "end_session", Permission::Ingest)
            .says("Announce that a broadcast ended", "Said again it changes nothing.")
            .path::<ChannelId>("channel", "The channel.")
            .path::<SessionId>("session", "The broadcast.")
            .answers::<SessionAnswer>(200, "What followed, durable.")
            .to(end_session),
    ]
}

/// A broadcast that began.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SessionStart {
    /// The broadcast.
    session: SessionId,
    /// When it began; now, if it is not said. At most 5 minutes ahead of this server's clock and 30 days behind it.
    at: Option<Timestamp>,
}

/// What followed from an announcement.
#[derive(Debug, Serialize, JsonSchema)]
struct SessionAnswer {
    /// The channel.
    channel: ChannelId,
    /// The broadcast on the air now.
    on_air: Option<SessionId>,
    /// What was recorded; nothing, if nothing changed.
    events: Vec<WrittenEvent>,
    /// The position up to which the journal had come by then.
    position: Position,
}

async fn start_session(
    app: Data<App>,
    channel: Path<ChannelId>,
    start: Json<SessionStart>,
) -> Result<Json<SessionAnswer>, Problem> {
    let SessionStart { session, at } = start.into_inner();
    let now = app.clock.now();
    if let Some(at) = at {
        not_absurd("at", at, now)?;
    }
    announce(&app, channel.into_inner(), Command::StartSession { session, at: at.unwrap_or(now) }).await
}

async fn end_session(app: Data<App>, path: Path<(ChannelId, SessionId)>) -> Result<Json<SessionAnswer>, Problem> {
    let (channel, session) = path.into_inner();
    announce(&app, channel, Command::EndSession { session }).await
}

async fn announce(app: &App, channel: ChannelId, command: Command) -> Result<Json<SessionAnswer>, Problem> {
    let done = app.wardens.command(&channel, command).await.map_err(|error| refused::command(&error))?;
    let story: Vec<Recorded> = match done.first() {
        Some(first) => story(app, *first).await?,
        None => Vec::new(),
    };
    let last = story.last().map(|last| last.envelope.position);
    let position = last.unwrap_or_else(|| *app.journal.watermark().borrow());
    shown(app, position).await;
    let on_air = app.wardens.inspect(&channel).await.and_then(|state| state.session).map(|session| session.id);
    Ok(Json(SessionAnswer { channel, on_air, events: story.iter().map(WrittenEvent::from).collect(), position }))
}
