//! A place in the journal and the way from it: what was delivered, what is acknowledged, what is kept.

use super::ConsumerError;
use crate::events::Recorded;
use crate::journal::{Journal, READ_LIMIT_MAX, ReadError, Ticket};
use crate::model::{ConsumerName, Position};

/// Events that one scan looks at, whatever it finds; the next one goes on from there.
const SCANNED_MAX: u64 = 20_000;
/// A place that moved so far over what nobody wants is kept, so that a restart does not walk over it again.
const KEEP_AFTER: u64 = 5_000;

/// One reader's way through the journal.
#[derive(Debug)]
pub(super) struct Lane {
    /// Under which name the journal keeps the place.
    slot: ConsumerName,
    /// Everything up to here is acknowledged or not wanted.
    cursor: Position,
    /// The last entry delivered under the present lease, or the cursor.
    delivered: Position,
    /// The place the journal was last asked to keep.
    asked: Position,
    /// The place that is certainly on the disk.
    saved: Position,
}

impl Lane {
    /// The lane of a cursor slot, as the journal keeps it, or from a place never yet moved.
    pub fn of_slot(journal: &dyn Journal, slot: ConsumerName, from: Position) -> Result<Self, ReadError> {
        let cursor = journal.cursor(&slot)?.unwrap_or(from);
        Ok(Self { slot, cursor, delivered: cursor, asked: cursor, saved: cursor })
    }

    pub fn slot(&self) -> &ConsumerName {
        &self.slot
    }

    pub fn cursor(&self) -> Position {
        self.cursor
    }

    pub fn delivered(&self) -> Position {
        self.delivered
    }

    pub fn saved(&self) -> Position {
        self.saved
    }

    /// A new reader begins: what another one was given is not theirs to acknowledge.
    pub fn forget_delivered(&mut self) {
        self.delivered = self.cursor;
    }

    /// Nothing up to `to` is wanted.
    pub fn pass(&mut self, to: Position) {
        self.cursor = self.cursor.max(to);
        self.delivered = self.delivered.max(self.cursor);
    }

    /// Entries up to `to` were delivered.
    pub fn deliver(&mut self, to: Position) {
        self.delivered = self.delivered.max(to);
    }

    /// Refuses what was not delivered.
    pub fn may_acknowledge(&self, to: Position) -> Result<(), ConsumerError> {
        if to > self.delivered {
            return Err(ConsumerError::NotDelivered { position: to, after: self.cursor, delivered: self.delivered });
        }
        Ok(())
    }

    /// Everything up to `to` is acknowledged. A repetition changes nothing.
    pub fn acknowledge(&mut self, to: Position) -> Result<(), ConsumerError> {
        self.may_acknowledge(to)?;
        self.cursor = self.cursor.max(to);
        Ok(())
    }

    /// Refuses a position that is not delivered and open.
    pub fn holds_open(&self, position: Position) -> Result<(), ConsumerError> {
        if position > self.cursor && position <= self.delivered {
            return Ok(());
        }
        Err(ConsumerError::NotDelivered { position, after: self.cursor, delivered: self.delivered })
    }

    /// Has the place kept, unless it certainly is. Asked in order, so an older place never follows a newer one.
    pub fn keep(&mut self, journal: &dyn Journal) -> Option<(Position, Ticket)> {
        if self.saved >= self.cursor {
            return None;
        }
        self.asked = self.cursor;
        Some((self.cursor, journal.save_cursor(&self.slot, self.cursor)))
    }

    /// Has the place kept if it has moved far; nobody waits for it.
    pub fn keep_now_and_then(&mut self, journal: &dyn Journal) {
        if self.cursor.0.saturating_sub(self.asked.0) >= KEEP_AFTER {
            drop(self.keep(journal));
        }
    }

    /// The journal said that this place is on the disk.
    pub fn is_kept(&mut self, position: Position) {
        self.saved = self.saved.max(position);
    }
}

/// What becomes of an event that a scan comes to.
pub(super) enum Choice {
    /// It is wanted.
    Take,
    /// It is not.
    Pass,
    /// Not yet, and nothing after it.
    Stop,
}

/// What a scan found.
pub(super) struct Scanned {
    /// The events wanted.
    pub found: Vec<Recorded>,
    /// Everything up to here was looked at.
    pub reached: Position,
}

impl Scanned {
    /// Everything up to here is not wanted: the place before the first event found.
    pub fn passed(&self) -> Position {
        self.found.first().map_or(self.reached, |first| Position(first.envelope.position.0 - 1))
    }
}

/// Looks at the events after `after` up to `until`, at most [`SCANNED_MAX`] of them, until `limit` are found.
pub(super) fn scan(
    journal: &dyn Journal,
    after: Position,
    until: Position,
    limit: usize,
    mut choose: impl FnMut(&Recorded) -> Choice,
) -> Result<Scanned, ReadError> {
    let mut scanned = Scanned { found: Vec::new(), reached: after };
    let far = Position(after.0.saturating_add(SCANNED_MAX)).min(until);
    while scanned.reached < far && scanned.found.len() < limit {
        // Few are wanted of few: a page costs about what it gives. Where nothing matches, whole reads.
        let page = (limit - scanned.found.len()).clamp(64, READ_LIMIT_MAX);
        let page = if scanned.reached == after { page } else { READ_LIMIT_MAX };
        let events = journal.read(scanned.reached, page)?;
        if events.is_empty() {
            scanned.reached = far; // a declared hole at the end: nothing will ever come there
        }
        for event in events {
            if event.envelope.position > far {
                scanned.reached = far;
                break;
            }
            let position = event.envelope.position;
            match choose(&event) {
                Choice::Take => scanned.found.push(event),
                Choice::Pass => {}
                Choice::Stop => return Ok(scanned),
            }
            scanned.reached = position;
            if scanned.found.len() == limit {
                break;
            }
        }
    }
    Ok(scanned)
}
