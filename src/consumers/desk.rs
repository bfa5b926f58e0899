//! The desk where consumers and replays are made, changed and ended. Each change is an event; what it changes is
//! folded from the journal again, also while running.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::lane::Lane;
use super::lease::{Lease, Token};
use super::registry::{CONSUMERS_MAX, Registry, slot_name};
use super::replays::Run;
use super::{ConsumerError, ConsumerStatus, LANE};
use crate::clock::Clock;
use crate::events::{Actor, ConsumerCreated, ConsumerDeleted, ConsumerRewound, Event, Filter, NewEvent};
use crate::events::{ReplayEnd, ReplayEnded};
use crate::journal::{Append, AppendError, Expected, Journal, READ_LIMIT_MAX, ReadError, position_at};
use crate::model::{ConsumerName, EventId, Position, ReplayId, Scope, Sequence, SystemScope, Timestamp};

/// How often a change is decided anew because somebody else wrote to the scope meanwhile. Nobody else does today.
const ATTEMPTS_MAX: usize = 8;

/// Consumers and replays over one journal.
pub struct Consumers {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) clock: Arc<dyn Clock>,
    /// The journal's head when leases began to be given.
    opened_at: Position,
    /// Held while a change is decided and made durable, so that changes come one after the other.
    writing: Mutex<()>,
    /// Held for a moment only, never while the journal is read or waited for.
    state: Mutex<State>,
    /// Rises with every change, so that whoever waits for entries looks again.
    changes: watch::Sender<u64>,
}

/// What is folded, and what runs.
pub(super) struct State {
    pub registry: Arc<Registry>,
    pub readers: HashMap<ConsumerName, Reader>,
    pub runs: HashMap<ReplayId, Run>,
    pub leases_given: u64,
}

/// A consumer's place and who reads it.
pub(super) struct Reader {
    pub live: Lane,
    pub lease: Option<Lease>,
}

/// A place in the journal, as somebody names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// After this position; 0 is the beginning.
    After(Position),
    /// Before the first event recorded at or after this moment.
    Time(Timestamp),
    /// After everything that is there now.
    Now,
}

impl Consumers {
    /// Folds what there is. Blocks.
    pub fn open(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>) -> Result<Self, ConsumerError> {
        let opened_at = *journal.watermark().borrow();
        let state = State { registry: Arc::default(), readers: HashMap::new(), runs: HashMap::new(), leases_given: 0 };
        let consumers = Self {
            journal,
            clock,
            opened_at,
            writing: Mutex::default(),
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
        };
        consumers.catch_up()?;
        Ok(consumers)
    }

    /// Makes a consumer that reads on from a place.
    pub fn create(
        &self,
        name: &ConsumerName,
        filter: &Filter,
        from: Place,
        by: &Actor,
    ) -> Result<ConsumerStatus, ConsumerError> {
        if name.as_str().starts_with(LANE) {
            return Err(ConsumerError::Reserved(name.clone()));
        }
        let from = self.position_of(from)?;
        self.change(by, |registry| {
            if registry.consumers.contains_key(name) {
                return Err(ConsumerError::Exists(name.clone()));
            }
            if registry.consumers.len() >= CONSUMERS_MAX {
                return Err(ConsumerError::TooMany { what: "consumers", max: CONSUMERS_MAX });
            }
            let slot = registry.free_slot();
            self.fill_slot(slot, from)?;
            let filter = filter.clone();
            Ok(vec![ConsumerCreated { consumer: name.clone(), filter, from, slot }.into()])
        })?;
        self.consumer(name)
    }

    /// Ends a consumer, and the replays to it with it.
    pub fn delete(&self, name: &ConsumerName, by: &Actor) -> Result<(), ConsumerError> {
        self.change(by, |registry| {
            registry.consumer(name)?;
            let deleted = ConsumerDeleted { consumer: name.clone() };
            let ended = registry.replays_to(name).map(|(replay, _)| {
                Event::from(ReplayEnded { replay, how: ReplayEnd::Failed, reached: self.reached(replay) })
            });
            Ok(std::iter::once(deleted.into()).chain(ended).collect())
        })
    }

    /// Sets a consumer to another place, back or ahead. Its reader has to take a new lease. Entries set aside stay so.
    pub fn rewind(&self, name: &ConsumerName, to: Place, by: &Actor) -> Result<ConsumerStatus, ConsumerError> {
        let to = self.position_of(to)?;
        self.change(by, |registry| {
            registry.consumer(name)?;
            let slot = registry.free_slot();
            self.fill_slot(slot, to)?;
            let from = self.state().readers.get(name).map_or(Position(0), |reader| reader.live.cursor());
            Ok(vec![ConsumerRewound { consumer: name.clone(), from, to, slot }.into()])
        })?;
        self.consumer(name)
    }

    /// Every consumer, by name.
    pub fn consumers(&self) -> Vec<ConsumerStatus> {
        let state = self.state();
        state.registry.consumers.keys().filter_map(|name| self.status(&state, name)).collect()
    }

    /// One consumer.
    pub fn consumer(&self, name: &ConsumerName) -> Result<ConsumerStatus, ConsumerError> {
        self.status(&self.state(), name).ok_or_else(|| ConsumerError::UnknownConsumer(name.clone()))
    }

    /// Rises whenever a consumer or replay is made, changed, rewound or ended.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The journal's head.
    pub fn head(&self) -> Position {
        *self.journal.watermark().borrow()
    }

    fn status(&self, state: &State, name: &ConsumerName) -> Option<ConsumerStatus> {
        let (consumer, reader) = (state.registry.consumers.get(name)?, state.readers.get(name)?);
        let now = self.clock.now();
        let lease = reader.lease.as_ref().filter(|lease| lease.holds(now));
        let replays = state.registry.replays_to(name).map(|(id, _)| id).collect();
        Some(ConsumerStatus::of(name, consumer, &reader.live, lease, replays, self.head()))
    }

    /// The position that a place names.
    pub(super) fn position_of(&self, place: Place) -> Result<Position, ConsumerError> {
        let head = self.head();
        match place {
            Place::Now => Ok(head),
            Place::After(position) if position <= head => Ok(position),
            Place::After(position) => Err(ConsumerError::BeyondHead { position, head }),
            Place::Time(moment) => {
                let first = position_at(&*self.journal, moment)?;
                Ok(Position(first.0.saturating_sub(1)))
            }
        }
    }

    /// Has a free slot say a place. Only the event that names the slot makes it anybody's.
    pub(super) fn fill_slot(&self, slot: u8, position: Position) -> Result<(), AppendError> {
        self.journal.save_cursor(&slot_name(slot), position).wait().map(|_| ())
    }

    pub(super) fn next_token(&self, state: &mut State) -> Token {
        state.leases_given += 1;
        Token { opened_at: self.opened_at, count: state.leases_given }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // a panic under the lock is a defect in a few lines of assignments; the fold brings the registry right again
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides on events, makes them durable in one append, and folds them. Changes come one after the other; should
    /// somebody else have written to the scope, it is decided anew.
    pub(super) fn change(
        &self,
        by: &Actor,
        decide: impl Fn(&Registry) -> Result<Vec<Event>, ConsumerError>,
    ) -> Result<(), ConsumerError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..ATTEMPTS_MAX {
            // Nobody changes the registry meanwhile: only holders of `writing` fold into it.
            let registry = self.state().registry.clone();
            let events = decide(&registry)?;
            if events.is_empty() {
                return Ok(()); // it is so already
            }
            let append = outbox(by, registry.sequence, events);
            match self.journal.append(append).wait() {
                Ok(_) => return self.catch_up(),
                Err(AppendError::WrongSequence { .. }) => self.catch_up()?,
                Err(AppendError::Unfit(reason)) => return Err(ConsumerError::FilterTooLarge(reason)),
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(ConsumerError::Contended)
    }

    /// Folds what was recorded since, and brings what runs in line with it.
    fn catch_up(&self) -> Result<(), ConsumerError> {
        let scope = Scope::System(SystemScope::Outbox);
        let mut registry = Registry::clone(&self.state().registry);
        loop {
            let events = self.journal.read_scope(&scope, registry.sequence, READ_LIMIT_MAX)?;
            if events.is_empty() {
                break;
            }
            events.iter().try_for_each(|event| registry.apply(event))?;
        }
        let mut state = self.state();
        state.registry = Arc::new(registry);
        state.settle(&*self.journal)?;
        state.forget_settled();
        drop(state);
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }
}

impl State {
    /// Gives every consumer and replay its place, and takes it from those that are no more. A slot that changed hands
    /// is a new place, and whoever read at the old one has to take a new lease.
    fn settle(&mut self, journal: &dyn Journal) -> Result<(), ReadError> {
        let registry = self.registry.clone();
        self.readers.retain(|name, reader| {
            registry.consumers.get(name).is_some_and(|consumer| *reader.live.slot() == slot_name(consumer.slot))
        });
        for (name, consumer) in &registry.consumers {
            if !self.readers.contains_key(name) {
                let live = Lane::of_slot(journal, slot_name(consumer.slot), consumer.from)?;
                self.readers.insert(name.clone(), Reader { live, lease: None });
            }
        }
        self.runs.retain(|id, _| registry.running.contains_key(id));
        for (id, replay) in &registry.running {
            if !self.runs.contains_key(id) {
                self.runs.insert(*id, Run::of(journal, &replay.started)?);
            }
        }
        Ok(())
    }
}

impl State {
    /// Lets go of what consumers need not remember any more.
    fn forget_settled(&mut self) {
        let registry = Arc::make_mut(&mut self.registry);
        for (name, consumer) in &mut registry.consumers {
            if let Some(reader) = self.readers.get(name) {
                consumer.forget_settled(reader.live.saved());
            }
        }
    }
}

/// An append to the scope of consumers and replays. The ids follow from the place in it, which is taken once.
fn outbox(by: &Actor, sequence: Sequence, events: Vec<Event>) -> Append {
    let id =
        |ordinal: usize| EventId::of_command("outbox", &[&sequence.0.to_be_bytes(), &(ordinal as u64).to_be_bytes()]);
    let events = events.into_iter().enumerate().map(|(ordinal, event)| NewEvent {
        id: id(ordinal),
        event,
        captured_at: None,
        actor: by.clone(),
        causation: None,
        correlation: None,
    });
    let scope = Scope::System(SystemScope::Outbox);
    Append { scope, expected: Expected::At(sequence), events: events.collect() }
}
