//! A channel's whole state at a past moment, folded from the journal: what its warden held then.
//!
//! "Then" has two meanings, and the answer says which was taken. As *recorded*: the events that had been recorded by
//! that moment, which is what the warden knew and decided by. As *captured*: the events about frames captured by that
//! moment, with what is known today: what really was at that time, as far as anybody ever learnt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{Event, Recorded};
use crate::journal::{Journal, READ_LIMIT_MAX};
use crate::model::{ChannelId, Position, Scope, Sequence, Timestamp};
use crate::warden::{Applied, ChannelState, apply};

use super::AuditError;
use super::search::{List, Within};

/// The most events one answer folds: a few seconds. A channel with a frame a second has as many in eleven days.
pub const FOLD_EVENTS_MAX: u64 = 1_000_000;

/// The moment asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Now.
    Now,
    /// After that event of the channel.
    Sequence(Sequence),
    /// After the channel's last event up to that position of the journal.
    Position(Position),
    /// At that time.
    Time(Timestamp, Basis),
}

/// What a time is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// When each event was recorded: what was known then.
    #[default]
    Recorded,
    /// When each event's frame was captured, or the event recorded where there is no frame: what is known today of then.
    Captured,
}

/// A channel's state at a past moment, and what it was folded from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateAt {
    /// What the moment was compared with.
    pub basis: Basis,
    /// Sequence of the last event folded; 0 if none was.
    pub last_sequence: Sequence,
    /// Its position in the journal; 0 if none was.
    pub last_position: Position,
    /// When it was recorded.
    pub last_recorded_at: Option<Timestamp>,
    /// How many events were folded.
    pub folded: u64,
    /// How many of the channel's events were left out: by `recorded` those recorded later, by `captured` those captured
    /// later, wherever they stand.
    pub left_out: u64,
    /// The state.
    pub state: ChannelState,
}

/// A channel's state at a moment.
pub fn state_at(journal: &dyn Journal, channel: &ChannelId, moment: Moment) -> Result<StateAt, AuditError> {
    folded(journal, channel, moment, |_, _| ())
}

/// A channel's state at a moment; `see` is shown every event folded, for what the state does not hold.
pub(super) fn folded(
    journal: &dyn Journal,
    channel: &ChannelId,
    moment: Moment,
    see: impl FnMut(&Recorded, &Event),
) -> Result<StateAt, AuditError> {
    let list = List::of(journal, &Within::Channel(channel.clone()));
    if list.head == 0 {
        return Err(AuditError::UnknownChannel(channel.clone()));
    }
    let (last, captured_by) = match moment {
        Moment::Now => (list.head, None),
        Moment::Sequence(Sequence(given)) if given > list.head => {
            return Err(AuditError::Beyond { parameter: "sequence", given, last: list.head });
        }
        Moment::Sequence(Sequence(given)) => (given, None),
        Moment::Position(Position(given)) => {
            let last = journal.watermark().borrow().0;
            if given > last {
                return Err(AuditError::Beyond { parameter: "position", given, last });
            }
            (list.last_within(|recorded| recorded.envelope.position.0 <= given)?, None)
        }
        Moment::Time(at, Basis::Recorded) => (list.last_within(|recorded| recorded.envelope.recorded_at <= at)?, None),
        Moment::Time(at, Basis::Captured) => (list.head, Some(at)),
    };
    let holds = |recorded: &Recorded| {
        captured_by.is_none_or(|at| recorded.envelope.captured_at.unwrap_or(recorded.envelope.recorded_at) <= at)
    };
    let basis = if captured_by.is_some() { Basis::Captured } else { Basis::Recorded };
    let wanted = Wanted { last: Sequence(last), basis, head: list.head };
    fold(journal, channel, &wanted, holds, see)
}

/// Which events are to be folded.
struct Wanted {
    /// Up to this one.
    last: Sequence,
    basis: Basis,
    /// How many the channel has.
    head: u64,
}

/// Folds a channel's events up to a sequence, those that `holds` wants.
fn fold(
    journal: &dyn Journal,
    channel: &ChannelId,
    wanted: &Wanted,
    holds: impl Fn(&Recorded) -> bool,
    mut see: impl FnMut(&Recorded, &Event),
) -> Result<StateAt, AuditError> {
    let Wanted { last, basis, head } = *wanted;
    if last.0 > FOLD_EVENTS_MAX {
        return Err(AuditError::TooLong { channel: channel.clone(), events: last.0 });
    }
    let mut at = StateAt {
        basis,
        last_sequence: Sequence(0),
        last_position: Position(0),
        last_recorded_at: None,
        folded: 0,
        left_out: head,
        state: ChannelState::new(channel.clone()),
    };
    let scope = Scope::Channel(channel.clone());
    let mut after = Sequence(0);
    while after < last {
        let page = journal.read_scope(&scope, after, READ_LIMIT_MAX)?;
        if page.is_empty() {
            break; // what is left was declared lost
        }
        for recorded in page {
            let envelope = &recorded.envelope;
            after = envelope.sequence;
            if after > last {
                break;
            }
            if !holds(&recorded) {
                continue;
            }
            let event = recorded.event().map_err(|source| AuditError::Codec {
                scope: scope.clone(),
                sequence: envelope.sequence,
                source,
            })?;
            apply(&mut at.state, Applied::of(&recorded), &event);
            see(&recorded, &event);
            at.last_sequence = envelope.sequence;
            at.last_position = envelope.position;
            at.last_recorded_at = Some(envelope.recorded_at);
            at.folded += 1;
        }
    }
    at.left_out = head.saturating_sub(at.folded);
    Ok(at)
}
