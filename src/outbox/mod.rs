//! What leaves the system on its own account: events onto a bus (Amazon EventBridge), into chat rooms (IVS Chat), as
//! notices (SNS). Each lane follows the journal from a durable place of its own.
//!
//! Delivered at least once and never lost: the place moves behind what was answered for, so a crash anywhere means that
//! a few events come again, with the same event id. The order of one channel's events is kept: a channel has one event
//! on its way at a time, and one that failed holds back that channel's later ones and nobody else's. What a destination
//! refuses for good is set aside as an event of the journal (`EntryParked` of the lane), with a figure to alarm on.
//!
//! A replay job to the bus is delivered beside the live events, from its own place, and never takes more than its share
//! of the calls. It must not know why an event happened, nor change anything but its own places.
//!
//! What was said in segments stays behind, unless an operator has it go along with its events onto the bus (`said`). An event
//! that is refused with it is sent once more without, before it is set aside.

mod bus;
mod chat;
pub mod contract;
mod courier;
mod lane;
mod notices;
mod replays;
mod said;
mod window;

pub use bus::{Bus, BusSettings, DEFAULT_TYPES, SOURCE};
pub use chat::{Chat, ChatSettings, RoomEvent};
pub use lane::{Lane, LaneError};
pub use notices::{NoticeSettings, Notices};
pub use replays::BusReplays;
pub use said::{BusLetter, TranscriptLeftOut};
pub use window::{RETRY_MS_MAX, WINDOW_MAX};

use std::future::Future;
use std::pin::Pin;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::aws::Failure;
use crate::events::{EventType, Recorded};

/// What became of a call: of each letter in its order, or of all of them.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Vec<Result<(), Failure>>, Failure>> + Send + 'a>>;

/// An event as a destination takes it.
pub trait Letter: Clone + Send + 'static {
    /// Its size as the destination counts it.
    fn bytes(&self) -> usize;

    /// The letter without what it can do without, for a destination that refused it as it was; none if there is nothing
    /// of the kind in it.
    fn lighter(&self) -> Option<Self> {
        None
    }
}

/// Where events go.
pub trait Destination: Send + Sync + 'static {
    /// What it takes.
    type Letter: Letter;

    /// The name of its figures, and with `lane/` before it of its place and of what it sets aside. Short, letters and
    /// hyphens, and for ever the same.
    fn name(&self) -> &'static str;

    /// The most letters of one call.
    fn letters_max(&self) -> usize;

    /// The most bytes of one call.
    fn bytes_max(&self) -> usize;

    /// The event as it is sent; none if it is not for this destination.
    fn letter(&self, event: &Recorded) -> Option<Self::Letter>;

    /// Sends. One answer per letter, in order, or the failure of the whole call. Ends by itself.
    fn send(&self, letters: Vec<Self::Letter>) -> Sending<'_>;
}

/// A lane that is set to send what it may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Setting an event aside is an event of the same type: one that is refused would make another for ever.
    #[error("{0} cannot be sent: a lane that cannot send it would have to say so with another")]
    AboutItself(&'static str),
    /// A number outside its bounds.
    #[error("{what} must be {expected}, not {found}")]
    OutOfBounds {
        /// Which setting.
        what: &'static str,
        /// Its bounds.
        expected: String,
        /// What was given.
        found: String,
    },
}

/// The lanes, running. They end when `stop` turns true.
pub struct Outbox {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Default for Outbox {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), stop: watch::Sender::new(false) }
    }
}

impl Outbox {
    /// Runs a lane. Call within a tokio runtime.
    pub fn run<D: Destination>(&mut self, lane: Lane<D>) {
        let stop = self.stop.subscribe();
        self.tasks.spawn(async move {
            let name = lane.name();
            if let Err(error) = lane.run(stop).await {
                tracing::error!(lane = name, "nothing more is sent until the next start: {error}");
            }
        });
    }

    /// Runs the replays to the bus. Call within a tokio runtime.
    pub fn replay(&mut self, replays: BusReplays) {
        let stop = self.stop.subscribe();
        self.tasks.spawn(replays.run(stop));
    }

    /// Ends all of it: calls under way are waited for (they have a time limit) and places kept. Before the journal is
    /// closed.
    pub async fn close(mut self) {
        let _ = self.stop.send(true); // lanes that have ended do not listen any more
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Refuses types that a lane cannot send.
fn check_types(types: &[EventType]) -> Result<(), SettingsError> {
    match types.contains(&EventType::EntryParked) {
        true => Err(SettingsError::AboutItself(EventType::EntryParked.name())),
        false => Ok(()),
    }
}

fn check_bounds(what: &'static str, found: u32, min: u32, max: u32) -> Result<(), SettingsError> {
    match (min..=max).contains(&found) {
        true => Ok(()),
        false => {
            Err(SettingsError::OutOfBounds { what, expected: format!("{min} to {max}"), found: found.to_string() })
        }
    }
}
