//! Verifies a whole segment: every record against the chain, and every index part against the records.
//!
//! The index is made anew from the records and compared byte for byte, so that an index which is intact but wrong is
//! found as well: it would make a redelivered frame look new, or hide an event from its channel's history.

use super::parts::{Collected, IndexParts};
use super::{Hole, SealedError, Segment};
use crate::events::Recorded;
use crate::journal::ChainValue;
use crate::model::{Position, Timestamp};

/// What a verified segment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// First position.
    pub first: Position,
    /// Last position.
    pub last: Position,
    /// Number of events.
    pub count: u64,
    /// Chain value before the first.
    pub chain_before: ChainValue,
    /// Chain value after the last.
    pub chain_after: ChainValue,
    /// When the first event was recorded.
    pub recorded_first: Timestamp,
    /// When the last event was recorded.
    pub recorded_last: Timestamp,
    /// Positions without an event. The caller knows which of them were declared.
    pub holes: Vec<Hole>,
}

impl Segment {
    /// Reads and checks everything. Keeps about 30 bytes per event in memory while it does.
    pub fn verify(&self) -> Result<Summary, SealedError> {
        let mut collected = Collected::from(self.first());
        let mut recorded_last = None;
        let mut blocks = self.footer().blocks.iter().peekable();
        self.stream(|record| {
            let damaged = |finding: String| SealedError::Damaged {
                file: self.path().to_owned(),
                part: "records",
                position: Some(record.position),
                finding: format!("position {}: {finding}", record.position),
            };
            let recorded = Recorded::from_bytes(record.bytes).map_err(|error| damaged(error.to_string()))?;
            let recorded_at = recorded.envelope.recorded_at;
            if recorded_last.is_some_and(|last| recorded_at < last) {
                return Err(damaged("it was recorded before the event before it".to_owned()));
            }
            recorded_last = Some(recorded_at);
            // The block table is what reading by time rests on.
            if let Some(block) = blocks.peek() {
                let first_off = block.first == record.position && block.recorded_first != recorded_at;
                let last_off = block.last() == record.position && block.recorded_last != recorded_at;
                if first_off || last_off {
                    return Err(damaged("its block is listed with another time".to_owned()));
                }
                blocks.next_if(|block| block.last() == record.position);
            }
            collected.note(&recorded).map_err(damaged)
        })?;
        let parts = collected.finish().map_err(|(position, finding)| SealedError::Damaged {
            file: self.path().to_owned(),
            part: "records",
            position: Some(position),
            finding: format!("position {position}: {finding}"),
        })?;
        self.compare(&parts)?;
        let (head, tail) = match (self.footer().blocks.first(), self.footer().blocks.last()) {
            (Some(head), Some(tail)) => (head, tail),
            _ => return Err(SealedError::damaged(self.path(), "footer", "it has no blocks")),
        };
        Ok(Summary {
            first: self.first(),
            last: self.last(),
            count: self.count(),
            chain_before: self.chain_before(),
            chain_after: self.chain_after(),
            recorded_first: head.recorded_first,
            recorded_last: tail.recorded_last,
            holes: self.holes(),
        })
    }

    fn compare(&self, parts: &IndexParts) -> Result<(), SealedError> {
        let footer = self.footer();
        let wrong = |part| SealedError::damaged(self.path(), part, "it does not describe the records");
        let stretches = [
            (footer.ids, &parts.ids.0, "id table"),
            (footer.lists, &parts.lists.0, "scope lists"),
            (footer.scopes, &parts.scopes.0, "scope directory"),
            (footer.contents, &parts.contents.0, "content list"),
        ];
        for (stretch, expected, name) in stretches {
            if self.part(stretch, name)? != *expected {
                return Err(wrong(name));
            }
        }
        if footer.id_pages != parts.id_pages {
            return Err(wrong("id pages"));
        }
        if footer.scope_pages != parts.scope_pages {
            return Err(wrong("scope pages"));
        }
        // Not compared byte for byte: another version of the filter's builder may choose another seed.
        if !parts.sorted_ids.iter().all(|(id, _)| self.filter().may_hold(id)) {
            return Err(wrong("filter"));
        }
        Ok(())
    }
}
