//! How far a shard is settled. Pure.
//!
//! Records end in any order, since one may wait for a slow answer; the cursor moves only over records that are settled
//! together with all before them. A record that a producer packed several notifications into is settled when all of them
//! are: the cursor names whole records, and what was settled of the one after it is delivered again after a restart.

use std::collections::VecDeque;

use crate::aws::kinesis::KinesisSequence;
use crate::model::Timestamp;

/// A record that was read, as long as the cursor has not passed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// The highest record such that it and all before it are settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its place.
    pub sequence: KinesisSequence,
    /// When it arrived.
    pub arrived_at: Timestamp,
}

/// What is read of one shard and not passed yet.
#[derive(Debug, Default)]
pub struct Progress {
    /// In the order of reading; the first has the ticket `passed`.
    open: VecDeque<Open>,
    /// How many records the cursor has passed.
    passed: u64,
    cursor: Option<Settled>,
}

#[derive(Debug)]
struct Open {
    record: Settled,
    /// Which of its parts are settled.
    parts: Vec<bool>,
    left: usize,
}

impl Progress {
    /// A record was read, after all those before it; so many notifications are in it. One without any is settled when
    /// those before it are.
    pub fn read(&mut self, sequence: KinesisSequence, arrived_at: Timestamp, parts: usize) -> Ticket {
        debug_assert!(self.open.back().is_none_or(|last| last.record.sequence < sequence), "a shard is read in order");
        let ticket = Ticket(self.passed + self.open.len() as u64);
        let record = Settled { sequence, arrived_at };
        self.open.push_back(Open { record, parts: vec![false; parts], left: parts });
        self.pass();
        ticket
    }

    /// A part of a record is settled. Saying it twice changes nothing.
    pub fn settle(&mut self, ticket: Ticket, part: u32) {
        let Some(place) = ticket.0.checked_sub(self.passed) else { return };
        let record = usize::try_from(place).ok().and_then(|place| self.open.get_mut(place));
        let Some(record) = record else { return };
        let Some(settled) = record.parts.get_mut(part as usize) else { return };
        if !std::mem::replace(settled, true) {
            record.left -= 1;
            self.pass();
        }
    }

    /// The cursor; none while nothing is settled from the start on.
    pub fn cursor(&self) -> Option<&Settled> {
        self.cursor.as_ref()
    }

    /// How many records the cursor has passed since reading began.
    pub fn passed(&self) -> u64 {
        self.passed
    }

    /// How many records are read and not passed.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// When the oldest record arrived that is read and not passed.
    pub fn oldest_open(&self) -> Option<Timestamp> {
        self.open.front().map(|oldest| oldest.record.arrived_at)
    }

    fn pass(&mut self) {
        while self.open.front().is_some_and(|oldest| oldest.left == 0) {
            self.cursor = self.open.pop_front().map(|passed| passed.record);
            self.passed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn sequence(n: usize) -> KinesisSequence {
        KinesisSequence::new(&format!("4959{n:052}")).expect("decimal digits")
    }

    fn read(progress: &mut Progress, n: usize, parts: usize) -> Ticket {
        progress.read(sequence(n), Timestamp::from_millis(n as i64), parts)
    }

    fn at(progress: &Progress) -> Option<KinesisSequence> {
        progress.cursor().map(|settled| settled.sequence.clone())
    }

    #[test]
    fn the_cursor_waits_for_the_one_record_that_hangs() {
        let mut progress = Progress::default();
        let tickets: Vec<_> = (0..10_000).map(|n| read(&mut progress, n, 1)).collect();
        for (n, ticket) in tickets.iter().enumerate().filter(|(n, _)| *n != 17) {
            progress.settle(*ticket, 0);
            assert_eq!(at(&progress), Some(sequence(n.min(16))));
        }
        assert_eq!((progress.open(), progress.oldest_open()), (9_983, Some(Timestamp::from_millis(17))));
        progress.settle(tickets[17], 0);
        assert_eq!((at(&progress), progress.open(), progress.passed()), (Some(sequence(9_999)), 0, 10_000));
    }

    #[test]
    fn a_packed_record_is_settled_when_all_of_its_parts_are() {
        let mut progress = Progress::default();
        let packed = read(&mut progress, 1, 3);
        for part in [2, 2, 0, 2, 7] {
            progress.settle(packed, part);
            assert_eq!(at(&progress), None, "a part said twice, or one that there is not, counts for no other");
        }
        progress.settle(packed, 1);
        assert_eq!(at(&progress), Some(sequence(1)));
    }

    #[test]
    fn a_record_without_parts_is_passed_when_those_before_it_are() {
        let mut progress = Progress::default();
        let first = read(&mut progress, 1, 1);
        read(&mut progress, 2, 0);
        assert_eq!(at(&progress), None);
        progress.settle(first, 0);
        assert_eq!(at(&progress), Some(sequence(2)));
        read(&mut progress, 3, 0);
        assert_eq!(at(&progress), Some(sequence(3)));
    }

    proptest! {
        /// Against the definition read aloud: the last record such that every part of it and of all before it was said.
        #[test]
        fn the_cursor_is_the_last_record_before_which_nothing_is_open(
            parts in vec(0_usize..4, 1..40),
            steps in vec((any::<bool>(), any::<prop::sample::Index>(), 0_u32..4), 0..200),
        ) {
            let mut progress = Progress::default();
            let mut tickets = Vec::new();
            let mut said = std::collections::BTreeSet::new();
            for (reads, which, part) in steps {
                if reads && tickets.len() < parts.len() {
                    tickets.push(read(&mut progress, tickets.len(), parts[tickets.len()]));
                } else if !tickets.is_empty() {
                    let n = which.index(tickets.len());
                    progress.settle(tickets[n], part);
                    said.insert((n, part));
                }
                let done = |n: &usize| (0..parts[*n] as u32).all(|part| said.contains(&(*n, part)));
                let settled = (0..tickets.len()).take_while(done).count();
                prop_assert_eq!(at(&progress), settled.checked_sub(1).map(sequence));
                prop_assert_eq!((progress.passed(), progress.open()), (settled as u64, tickets.len() - settled));
            }
        }
    }
}
