//! Which appends are taken: the rules of expected sequence and identity, in one place for every implementation.
//!
//! Pure: it asks what is stored through [`Stored`] and decides; places and hashes are assigned elsewhere.

use std::collections::HashSet;

use super::{Append, AppendError, EVENTS_PER_APPEND_MAX, Expected, ReadError};
use crate::events::Recorded;
use crate::model::{Epoch, EventId, Position, Scope, Sequence, Timestamp};

/// The most bytes a record may have: a chunk of the log holds at least one, and no value exceeds 4 KiB.
pub const RECORD_BYTES_MAX: usize = 4096 - 34 - 34;

/// An append that is well formed. Its events are encoded, their places still empty.
#[derive(Debug)]
pub(super) struct Prepared {
    pub scope: Scope,
    pub expected: Expected,
    pub events: Vec<Recorded>,
    /// Bytes the records will have.
    pub bytes: usize,
}

/// What is stored already, including what is accepted and not yet durable.
pub(super) trait Stored {
    fn last_sequence(&self, scope: &Scope) -> Sequence;
    fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError>;
}

/// What to do with an append.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Store its events.
    New,
    /// All are stored already; the first of them here.
    Repeated(Position),
}

/// Encodes an append's events and checks what needs no knowledge of the store. Runs on the appender's own thread.
pub(super) fn prepare(append: Append) -> Result<Prepared, AppendError> {
    let Append { scope, expected, events } = append;
    if events.is_empty() || events.len() > EVENTS_PER_APPEND_MAX {
        let reason = format!("it has {} events, 1 to {EVENTS_PER_APPEND_MAX} are allowed", events.len());
        return Err(AppendError::Unfit(reason));
    }
    let mut ids = HashSet::with_capacity(events.len());
    let mut bytes = 0;
    let mut sealed = Vec::with_capacity(events.len());
    for (index, new) in events.iter().enumerate() {
        let unfit = |reason: String| AppendError::Unfit(format!("event {} of {}: {reason}", index + 1, events.len()));
        if !ids.insert(new.id) {
            return Err(unfit(format!("its id {} occurs twice in the append", new.id)));
        }
        let unplaced =
            Recorded::seal(new, scope.clone(), Position(0), Sequence(0), Timestamp::from_micros(0), Epoch(0))
                .map_err(|error| unfit(error.to_string()))?;
        let len = unplaced.to_bytes().map_err(|error| unfit(error.to_string()))?.len();
        if len > RECORD_BYTES_MAX {
            return Err(unfit(format!("its record has {len} bytes, at most {RECORD_BYTES_MAX} are allowed")));
        }
        bytes += len;
        sealed.push(unplaced);
    }
    Ok(Prepared { scope, expected, events: sealed, bytes })
}

/// Decides on one append. Identity comes before the expected sequence: an appender that repeats itself after a lost
/// answer still holds the old sequence, and must hear that its events are there.
pub(super) fn admit(prepared: &Prepared, stored: &impl Stored) -> Result<Admission, AppendError> {
    let mut first = None;
    let mut known = 0;
    for new in &prepared.events {
        let id = new.envelope.id;
        let there = stored.find(id).map_err(|error| AppendError::Unfit(unreadable(id, &error)))?;
        let Some(there) = there else { continue };
        let position = there.envelope.position;
        if !same_event(new, &there) {
            return Err(AppendError::IdTaken { id, position });
        }
        known += 1;
        first.get_or_insert((id, position));
    }
    match first {
        Some((_, position)) if known == prepared.events.len() => return Ok(Admission::Repeated(position)),
        // Half known: another append stored this event among others. What the two share is no reason to store the rest.
        Some((id, position)) => return Err(AppendError::IdTaken { id, position }),
        None => {}
    }
    let actual = stored.last_sequence(&prepared.scope);
    match prepared.expected {
        Expected::At(expected) if expected != actual => {
            Err(AppendError::WrongSequence { scope: prepared.scope.clone(), expected, actual })
        }
        Expected::At(_) | Expected::Any => Ok(Admission::New),
    }
}

fn unreadable(id: EventId, error: &ReadError) -> String {
    format!("event id {id} is stored already, but whether it is the same event cannot be read: {error}")
}

/// Whether two records are the same event, whatever place each was given.
fn same_event(new: &Recorded, there: &Recorded) -> bool {
    let (a, b) = (&new.envelope, &there.envelope);
    let envelope = a.event_type == b.event_type
        && a.scope == b.scope
        && a.captured_at == b.captured_at
        && a.actor == b.actor
        && a.causation == b.causation
        && a.correlation == b.correlation;
    // An older program's payload of the same event has other bytes: compare what both say.
    let payload = match a.schema_version == b.schema_version {
        true => new.payload == there.payload,
        false => matches!((new.event(), there.event()), (Ok(new), Ok(there)) if new == there),
    };
    envelope && payload
}
