//! The journal in memory: the same rules without a disk, for simulation and for tests of what stands above it.
//!
//! An append settles its ticket before it returns, so a simulation has no thread to wait for. It is as durable as the
//! process; nothing in production opens one.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::admission::{self, Admission, Prepared, Stored};
use super::{Append, AppendError, Appended, Journal, READ_LIMIT_MAX, ReadError, Ticket};
use crate::clock::Clock;
use crate::events::Recorded;
use crate::model::{ChannelId, ConsumerName, Epoch, EventId, Mark, MarkName, Position, Scope, Sequence, Timestamp};

/// A journal that lives as long as its value.
pub struct MemoryJournal {
    clock: Arc<dyn Clock>,
    epoch: Epoch,
    events: Mutex<Events>,
    watermark: watch::Sender<Position>,
}

#[derive(Default)]
struct Events {
    /// The event at position n is at n - 1.
    log: Vec<Recorded>,
    ids: HashMap<EventId, usize>,
    scopes: BTreeMap<Scope, Vec<usize>>,
    cursors: HashMap<ConsumerName, Position>,
    marks: BTreeMap<MarkName, Mark>,
}

impl MemoryJournal {
    /// An empty journal.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, epoch: Epoch(1), events: Mutex::default(), watermark: watch::Sender::new(Position(0)) }
    }

    /// The same events under the next epoch, as a process finds them that was killed and started again.
    pub fn reopen(self) -> Self {
        let watermark = watch::Sender::new(*self.watermark.borrow());
        Self { clock: self.clock, epoch: self.epoch.next(), events: self.events, watermark }
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        // a panic while the lock was held came from a reader's code; every write below is complete or not begun
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, prepared: Prepared) -> Result<Appended, AppendError> {
        let mut events = self.events();
        if let Admission::Repeated(first) = admission::admit(&prepared, &*events)? {
            return Ok(Appended::Repeated { first });
        }
        let newest = events.log.last().map(|last| last.envelope.recorded_at);
        let recorded_at = newest.map_or(self.clock.now(), |newest| newest.max(self.clock.now()));
        let appended = events.push(prepared, recorded_at, self.epoch);
        self.watermark.send_replace(Position(events.log.len() as u64));
        Ok(appended)
    }
}

impl Events {
    fn push(&mut self, prepared: Prepared, recorded_at: Timestamp, epoch: Epoch) -> Appended {
        let first = Position(self.log.len() as u64 + 1);
        let mut last_sequence = self.last_sequence(&prepared.scope);
        let scope = self.scopes.entry(prepared.scope).or_default();
        for mut event in prepared.events {
            let index = self.log.len();
            last_sequence = last_sequence.next();
            event.envelope.position = Position(index as u64 + 1);
            event.envelope.sequence = last_sequence;
            event.envelope.recorded_at = recorded_at;
            event.envelope.epoch = epoch;
            self.ids.insert(event.envelope.id, index);
            scope.push(index);
            self.log.push(event);
        }
        Appended::New { first, last_sequence, recorded_at }
    }
}

impl Stored for Events {
    fn last_sequence(&self, scope: &Scope) -> Sequence {
        Sequence(self.scopes.get(scope).map_or(0, |list| list.len() as u64))
    }

    fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        Ok(self.ids.get(&id).map(|&index| self.log[index].clone()))
    }
}

impl Journal for MemoryJournal {
    fn append(&self, append: Append) -> Ticket {
        Ticket::settled(admission::prepare(append).and_then(|prepared| self.store(prepared)))
    }

    fn watermark(&self) -> watch::Receiver<Position> {
        self.watermark.subscribe()
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let skip = usize::try_from(after.0).unwrap_or(usize::MAX);
        Ok(self.events().log.iter().skip(skip).take(limit.min(READ_LIMIT_MAX)).cloned().collect())
    }

    fn read_scope(&self, scope: &Scope, after: Sequence, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let events = self.events();
        let list = events.scopes.get(scope).map_or(&[][..], Vec::as_slice);
        let skip = usize::try_from(after.0).unwrap_or(usize::MAX);
        let taken = list.iter().skip(skip).take(limit.min(READ_LIMIT_MAX));
        Ok(taken.map(|&index| events.log[index].clone()).collect())
    }

    fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        Stored::find(&*self.events(), id)
    }

    fn may_hold(&self, id: EventId) -> bool {
        self.events().ids.contains_key(&id)
    }

    fn scope_head(&self, scope: &Scope) -> Sequence {
        self.events().last_sequence(scope)
    }

    fn channels(&self, after: Option<&ChannelId>, limit: usize) -> Vec<ChannelId> {
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(Scope::from(after.clone())));
        let events = self.events();
        let scopes = events.scopes.range((from, Bound::Unbounded)).filter_map(|(scope, _)| scope.channel());
        scopes.take(limit.min(READ_LIMIT_MAX)).cloned().collect()
    }

    fn cursor(&self, consumer: &ConsumerName) -> Result<Option<Position>, ReadError> {
        Ok(self.events().cursors.get(consumer).copied())
    }

    fn save_cursor(&self, consumer: &ConsumerName, position: Position) -> Ticket {
        let mut events = self.events();
        events.cursors.insert(consumer.clone(), position);
        let last_sequence = Sequence(0);
        Ticket::settled(Ok(Appended::New { first: position, last_sequence, recorded_at: self.clock.now() }))
    }

    fn marks(&self, prefix: &str) -> Vec<(MarkName, Mark)> {
        let events = self.events();
        let named = events.marks.iter().filter(|(name, _)| name.as_str().starts_with(prefix));
        named.map(|(name, mark)| (name.clone(), mark.clone())).collect()
    }

    fn save_mark(&self, name: &MarkName, mark: Option<&Mark>) -> Ticket {
        let mut events = self.events();
        match mark {
            Some(mark) => events.marks.insert(name.clone(), mark.clone()),
            None => events.marks.remove(name),
        };
        let (first, last_sequence) = Default::default();
        Ticket::settled(Ok(Appended::New { first, last_sequence, recorded_at: self.clock.now() }))
    }
}
