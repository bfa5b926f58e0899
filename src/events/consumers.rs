//! Consumers of the journal and replays over its past. How far a reader has come is no event but a cursor: an event
//! names the cursor slot that holds it, so that creating and rewinding take effect in the one append of their event.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Filter;
use crate::model::{ConsumerName, EventId, Position, ReplayId};

/// A named reader of the journal begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerCreated {
    /// Its name.
    pub consumer: ConsumerName,
    /// What it wants.
    pub filter: Filter,
    /// It reads what comes after this position.
    pub from: Position,
    /// The cursor slot that holds how far it has come.
    pub slot: u8,
}

/// A named reader is no more. Its name is free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerDeleted {
    /// Its name.
    pub consumer: ConsumerName,
}

/// A reader was set to another place, back or ahead, by somebody and not by its own acknowledgements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerRewound {
    /// The reader.
    pub consumer: ConsumerName,
    /// It had come this far.
    pub from: Position,
    /// It reads what comes after this position.
    pub to: Position,
    /// The cursor slot that holds how far it has come from now on.
    pub slot: u8,
}

/// A reader could not deal with an entry: it is set aside and holds nothing up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntryParked {
    /// The reader.
    pub consumer: ConsumerName,
    /// The event.
    pub event: EventId,
    /// Its place.
    pub position: Position,
    /// Why, in at most 300 bytes.
    pub reason: String,
}

/// An entry that was set aside is to be delivered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntryUnparked {
    /// The reader.
    pub consumer: ConsumerName,
    /// The event.
    pub event: EventId,
    /// Its place.
    pub position: Position,
}

/// An entry that had been set aside was delivered again and acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntrySettled {
    /// The reader.
    pub consumer: ConsumerName,
    /// The event.
    pub event: EventId,
    /// Its place.
    pub position: Position,
}

/// A part of the past is delivered once more, beside what happens now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayStarted {
    /// The replay. With the event's id it tells deliveries apart.
    pub replay: ReplayId,
    /// What people call it.
    pub name: ConsumerName,
    /// First position of the range.
    pub first: Position,
    /// Last position of the range.
    pub last: Position,
    /// What of the range is delivered.
    pub filter: Filter,
    /// To whom.
    pub target: ReplayTarget,
    /// How fast.
    pub speed: ReplaySpeed,
    /// The cursor slot that holds how far it has come.
    pub slot: u8,
}

/// A replay is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayEnded {
    /// The replay.
    pub replay: ReplayId,
    /// How.
    pub how: ReplayEnd,
    /// Everything of the range up to this position was delivered, and acknowledged where that is asked for.
    pub reached: Position,
}

/// To whom a replay is delivered. Never to what acts: a replay causes no enforcement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayTarget {
    /// A consumer, beside its live entries.
    Consumer(ConsumerName),
    /// Connections to the live feed that asked for replays.
    Feed,
    /// The event bus that live events are put on, if there is one. Whoever reads there tells them by `detail.replay`.
    EventBridge,
}

/// How fast a replay is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplaySpeed {
    /// As fast as it is taken.
    #[default]
    Max,
    /// At most so many events in a second.
    EventsPerSecond(u32),
    /// With the distances in time with which they were recorded, so many thousandths as fast: 1000 is as it was.
    RealTimeMilli(u32),
}

/// How a replay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayEnd {
    /// All of the range was.
    Completed,
    /// Somebody called it off.
    Cancelled,
    /// It could not go on: its consumer is gone, or its range cannot be read.
    Failed,
}
