//! The newest events, each serialised once for all connections. Bounded in number and in bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use actix_web::web::Bytes;

use crate::events::{EventView, Filter, Recorded};
use crate::model::{ChannelId, Position};

/// Events in the ring.
const ITEMS_MAX: usize = 4096;
/// Bytes of their frames.
const BYTES_MAX: usize = 8 << 20;

/// An event as connections send it.
pub(super) struct Item {
    view: EventView,
    /// `id:` its position, `data:` its JSON.
    pub frame: Bytes,
}

/// The newest events: all of them after `base` up to `filled`.
pub(super) struct Ring {
    base: Position,
    filled: Position,
    items: VecDeque<Arc<Item>>,
    bytes: usize,
}

/// What a connection finds.
pub(super) enum Found {
    /// These come next; everything up to the position was looked at.
    Next(Vec<Arc<Item>>, Position),
    /// The ring begins later: read the journal.
    Behind,
}

impl Item {
    pub fn of(recorded: Recorded) -> Self {
        let view = EventView::from(recorded);
        let json = serde_json::to_string(&view).unwrap_or_default(); // maps with text keys are always JSON
        let frame = Bytes::from(format!("id: {}\ndata: {json}\n\n", view.envelope().position));
        Self { view, frame }
    }

    pub fn position(&self) -> Position {
        self.view.envelope().position
    }

    /// The channel it is of, if it is of one.
    pub fn channel(&self) -> Option<&ChannelId> {
        self.view.envelope().scope.channel()
    }

    /// Whether a connection wants it. What this program does not understand is sent rather than lost.
    pub fn is_wanted(&self, filter: &Filter) -> bool {
        match self.view.event() {
            Some(event) => filter.matches_decoded(self.view.envelope(), event),
            None => filter.may_match(self.view.envelope()),
        }
    }
}

impl Ring {
    /// An empty ring, to be filled with what comes after `position`.
    pub fn after(position: Position) -> Self {
        Self { base: position, filled: position, items: VecDeque::new(), bytes: 0 }
    }

    /// From where it is filled on. So far behind that what lies between would fall out again, it begins anew.
    pub fn start(&mut self, filled: Position, durable: Position) -> Position {
        if durable.0 - filled.0 > ITEMS_MAX as u64 {
            *self = Self::after(Position(durable.0 - ITEMS_MAX as u64 / 2));
        }
        self.filled
    }

    /// Takes what was read after `from`; returns up to where it is filled now. Nothing read means that nothing is there.
    pub fn push(&mut self, from: Position, items: Vec<Item>, durable: Position) -> Position {
        debug_assert_eq!(from, self.filled, "one task fills the ring");
        self.filled = items.last().map_or(durable, Item::position);
        for item in items {
            self.bytes += item.frame.len();
            self.items.push_back(Arc::new(item));
        }
        while self.items.len() > ITEMS_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.items.pop_front() else { break };
            self.bytes -= oldest.frame.len();
            self.base = oldest.position();
        }
        self.filled
    }

    /// What comes after `position`, at most `limit`.
    pub fn next(&self, position: Position, limit: usize) -> Found {
        if position < self.base {
            return Found::Behind;
        }
        let first = self.items.partition_point(|item| item.position() <= position);
        let next: Vec<Arc<Item>> = self.items.iter().skip(first).take(limit).cloned().collect();
        let reached = match next.last() {
            Some(last) if next.len() == limit => last.position(),
            _ => self.filled,
        };
        Found::Next(next, reached.max(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Actor, NewEvent, StoreClosed};
    use crate::model::{Epoch, EventId, Sequence, SystemScope, Timestamp};

    fn item(position: u64) -> Item {
        let new = NewEvent {
            id: EventId::from_bytes([0; 16]),
            event: StoreClosed { head: Position(0) }.into(),
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        };
        let (scope, at) = (SystemScope::Store.into(), Timestamp::from_millis(0));
        Item::of(Recorded::seal(&new, scope, Position(position), Sequence(1), at, Epoch(1)).expect("encodable"))
    }

    fn positions(found: Found) -> Option<(Vec<u64>, u64)> {
        match found {
            Found::Behind => None,
            Found::Next(items, reached) => Some((items.iter().map(|item| item.position().0).collect(), reached.0)),
        }
    }

    #[test]
    fn a_reader_finds_what_comes_next_or_that_it_is_behind() {
        let mut ring = Ring::after(Position(10));
        ring.push(Position(10), (11..=15).map(item).collect(), Position(15));
        assert_eq!(positions(ring.next(Position(9), 9)), None);
        assert_eq!(positions(ring.next(Position(10), 2)), Some((vec![11, 12], 12)));
        assert_eq!(positions(ring.next(Position(12), 9)), Some((vec![13, 14, 15], 15)));
        assert_eq!(positions(ring.next(Position(15), 9)), Some((vec![], 15)));
        assert_eq!(positions(ring.next(Position(20), 9)), Some((vec![], 20)), "ahead of the ring, never set back");
    }

    #[test]
    fn the_oldest_fall_out_and_whoever_needs_them_is_behind() {
        let mut ring = Ring::after(Position(0));
        let count = ITEMS_MAX as u64 + 5;
        ring.push(Position(0), (1..=count).map(item).collect(), Position(count));
        assert_eq!(positions(ring.next(Position(4), 1)), None);
        assert_eq!(positions(ring.next(Position(5), 1)), Some((vec![6], 6)));
        assert_eq!(ring.items.len(), ITEMS_MAX);
    }

    #[test]
    fn far_behind_it_begins_anew_near_the_head() {
        let mut ring = Ring::after(Position(0));
        let head = Position(100_000);
        let from = ring.start(Position(0), head);
        assert_eq!(from.0, head.0 - ITEMS_MAX as u64 / 2);
        assert_eq!(positions(ring.next(Position(50), 1)), None);
    }
}
