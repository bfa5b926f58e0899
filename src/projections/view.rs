//! What is shown, as of one position: every channel, the queue and the enforcements, folded together.

use serde::{Deserialize, Serialize};

use crate::events::{Event, Recorded};
use crate::model::{Position, Timestamp};

use super::overview::Overview;
use super::{Channels, Enforcements, Index, Queue};

/// Channels and queue as of one position of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct View {
    /// Every channel.
    pub channels: Channels,
    /// Every warning that waits for an answer.
    pub queue: Queue,
    /// The newest enforcements.
    pub enforcements: Enforcements,
    /// Where each warning was raised.
    pub index: Index,
    /// The hours of the last week.
    pub overview: Overview,
    /// Position of the last event folded in.
    pub position: Position,
    /// When that was recorded.
    pub recorded_at: Timestamp,
}

impl View {
    /// Folds one stored event in. `event` is what `recorded` holds: decoded by the caller, who must stop where it
    /// cannot be.
    pub fn apply(&mut self, recorded: &Recorded, event: &Event) {
        let envelope = &recorded.envelope;
        self.position = envelope.position;
        self.recorded_at = envelope.recorded_at;
        if let Some(channel) = envelope.scope.channel() {
            let unwatched_ms = self.channels.apply(channel, envelope, event);
            self.overview.apply(envelope, event, unwatched_ms);
            self.queue.apply(channel, envelope, event);
            self.enforcements.apply(channel, envelope, event);
            self.index.apply(envelope.position, event);
        }
    }
}
