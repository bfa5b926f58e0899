//! What a request has written, as its answer says it: durable, in order, and shown by the time of the answer.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::App;
use super::blocking::blocking;
use super::problem::Problem;
use crate::events::Recorded;
use crate::journal::{EVENTS_PER_APPEND_MAX, ReadError};
use crate::model::{EventId, Position, Sequence, Timestamp};

/// How long an answer waits until lists show what was written. It is durable by then; who is answered sooner may have
/// to look twice.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// An event that a request brought about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::http) struct WrittenEvent {
    /// The event.
    pub id: EventId,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its place in the journal.
    pub position: Position,
    /// Its place in the channel.
    pub sequence: Sequence,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

impl From<&Recorded> for WrittenEvent {
    fn from(recorded: &Recorded) -> Self {
        let envelope = &recorded.envelope;
        Self {
            id: envelope.id,
            event_type: envelope.event_type.clone(),
            position: envelope.position,
            sequence: envelope.sequence,
            recorded_at: envelope.recorded_at,
        }
    }
}

/// The events that were appended together with `first`; none if it is not there.
pub(in crate::http) async fn story(app: &App, first: EventId) -> Result<Vec<Recorded>, Problem> {
    if !app.journal.may_hold(first) {
        return Ok(Vec::new());
    }
    let journal = app.journal.clone();
    blocking("reading what a request has written", move || {
        let Some(begun) = journal.find(first)? else { return Ok(Vec::new()) };
        let before = Position(begun.envelope.position.0 - 1); // the first position is 1
        let page = journal.read(before, EVENTS_PER_APPEND_MAX)?;
        let belongs = |one: &Recorded| one.envelope.id == first || one.envelope.correlation == Some(first);
        Ok::<_, ReadError>(page.into_iter().take_while(belongs).collect())
    })
    .await
}

/// Waits until lists show everything up to `position`, for a while.
pub(in crate::http) async fn shown(app: &App, position: Position) {
    if let Err(behind) = app.views.reached(position, SHOWN_WITHIN).await {
        tracing::warn!("an answer goes out before lists show what it wrote: {behind}");
    }
}
