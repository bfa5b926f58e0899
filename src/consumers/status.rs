//! Consumers and replays as they are shown.

use schemars::JsonSchema;
use serde::Serialize;

use super::lane::Lane;
use super::lease::Lease;
use super::registry::{Consumer, Parked, Replay};
use crate::events::{Actor, Filter, ReplayEnd, ReplaySpeed, ReplayTarget};
use crate::model::{ConsumerName, EventId, ModeratorId, Position, ReplayId, Timestamp};

/// A consumer, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConsumerStatus {
    /// Its name.
    pub name: ConsumerName,
    /// What it wants.
    pub filter: Filter,
    /// Everything up to here is acknowledged, set aside, or not wanted.
    pub cursor: Position,
    /// The journal's head. The events between the two are not yet acknowledged or not yet looked at.
    pub head: Position,
    /// Entries set aside.
    pub parked: usize,
    /// Entries to be delivered again.
    pub unparked: usize,
    /// Who reads now; none if nobody does.
    pub reader: Option<ModeratorId>,
    /// When that lease lapses, if it is not extended.
    pub reader_until: Option<Timestamp>,
    /// Replays to it that are under way.
    pub replays: Vec<ReplayId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Actor,
}

/// An entry set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ParkedEntry {
    /// Its place.
    pub position: Position,
    /// The event.
    pub event: EventId,
    /// Why it was set aside.
    pub reason: String,
    /// When.
    pub parked_at: Timestamp,
    /// By whom.
    pub parked_by: Actor,
}

/// A replay, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReplayStatus {
    /// The replay.
    pub id: ReplayId,
    /// What people call it.
    pub name: ConsumerName,
    /// First position of its range.
    pub first: Position,
    /// Last position of its range.
    pub last: Position,
    /// What of the range is delivered.
    pub filter: Filter,
    /// To whom.
    pub target: ReplayTarget,
    /// How fast.
    pub speed: ReplaySpeed,
    /// Whether it is under way, or how it ended.
    pub state: ReplayState,
    /// Everything of the range up to here was delivered, and acknowledged where that is asked for.
    pub position: Position,
    /// Positions of the range behind that, in thousandths.
    pub done_milli: u16,
    /// Positions of the range still before it: no fewer than the events still to be delivered.
    pub remaining: u64,
    /// When it was started.
    pub started_at: Timestamp,
    /// By whom.
    pub started_by: Actor,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Whether a replay is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayState {
    /// It is.
    Running,
    /// All of the range was delivered.
    Completed,
    /// Somebody called it off.
    Cancelled,
    /// It could not go on.
    Failed,
}

impl ConsumerStatus {
    pub(super) fn of(
        name: &ConsumerName,
        consumer: &Consumer,
        lane: &Lane,
        lease: Option<&Lease>,
        replays: Vec<ReplayId>,
        head: Position,
    ) -> Self {
        Self {
            name: name.clone(),
            filter: consumer.filter.clone(),
            cursor: lane.cursor(),
            head,
            parked: consumer.parked.len(),
            unparked: consumer.unparked.len(),
            reader: lease.map(|lease| lease.holder.clone()),
            reader_until: lease.map(|lease| lease.expires_at),
            replays,
            created_at: consumer.created_at,
            created_by: consumer.created_by.clone(),
        }
    }
}

impl ParkedEntry {
    pub(super) fn of(position: Position, parked: &Parked) -> Self {
        Self {
            position,
            event: parked.event,
            reason: parked.reason.clone(),
            parked_at: parked.at,
            parked_by: parked.by.clone(),
        }
    }
}

impl ReplayStatus {
    /// `position` is where it stands if it is under way.
    pub(super) fn of(replay: &Replay, position: Position) -> Self {
        let started = &replay.started;
        let position = replay.ended.map_or(position, |ended| ended.reached).min(started.last);
        let all = started.last.0 - started.first.0 + 1;
        let done = (position.0 + 1).saturating_sub(started.first.0);
        let state = match replay.ended.map(|ended| ended.how) {
            None => ReplayState::Running,
            Some(ReplayEnd::Completed) => ReplayState::Completed,
            Some(ReplayEnd::Cancelled) => ReplayState::Cancelled,
            Some(ReplayEnd::Failed) => ReplayState::Failed,
        };
        Self {
            id: started.replay,
            name: started.name.clone(),
            first: started.first,
            last: started.last,
            filter: started.filter.clone(),
            target: started.target.clone(),
            speed: started.speed,
            state,
            position,
            done_milli: u16::try_from(u128::from(done) * 1000 / u128::from(all)).unwrap_or(1000),
            remaining: all - done.min(all),
            started_at: replay.started_at,
            started_by: replay.started_by.clone(),
            ended_at: replay.ended.map(|ended| ended.at),
        }
    }
}
