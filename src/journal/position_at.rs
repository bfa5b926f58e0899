//! From a time to a place: where in the journal a stretch of recorded time begins.
//!
//! Knows the port only. Rests on one promise of it: no event is recorded earlier than the event before it.

use super::{Journal, ReadError};
use crate::model::{Position, Timestamp};

/// The first position recorded at or after `moment`; the one after the watermark if all were recorded before.
///
/// So `position_at(from)..position_at(to)` are the events recorded in `from..to`, and a reader asks for what comes
/// after the position before it. Reads at most 64 single events, one for each halving of the positions: with ten
/// million events some twenty-four, each of which costs a block's or a chunk's hashing. Blocks on disk: off the
/// arbiters. What becomes durable meanwhile is not looked at.
pub fn position_at(journal: &dyn Journal, moment: Timestamp) -> Result<Position, ReadError> {
    let end = journal.watermark().borrow().next();
    // Recorded before the moment: everything up to `before`. Recorded at or after it: `found` and what follows. Between
    // `before` and `from` nothing is known yet; `found` is beyond `from` where a declared hole lies between them.
    let (mut before, mut from, mut found) = (Position(0), end, end);
    while from.0 - before.0 > 1 {
        let middle = before.0 + (from.0 - before.0) / 2;
        let event = journal.read(Position(middle - 1), 1)?.into_iter().next();
        match event.map(|event| event.envelope) {
            Some(event) if event.recorded_at < moment => before = event.position,
            Some(event) => (from, found) = (Position(middle), event.position.min(found)),
            None => from = Position(middle), // the watermark's own position has an event, so this is not reached
        }
    }
    Ok(found)
}
