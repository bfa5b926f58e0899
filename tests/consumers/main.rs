//! Consumers and replays over a journal: nothing is lost, nothing comes twice, and a replay disturbs nobody.

mod desk;
mod properties;
mod replays;
mod store;

use std::sync::Arc;

use streamwarden::clock::ManualClock;
use streamwarden::consumers::{Consumers, Entry, LaneName, Place, Reading, Token};
use streamwarden::events::*;
use streamwarden::journal::{Append, Expected, Journal, MemoryJournal};
use streamwarden::model::*;

/// A journal in memory and consumers over it, which may come and go.
struct Room {
    journal: Arc<MemoryJournal>,
    clock: Arc<ManualClock>,
    consumers: Arc<Consumers>,
    appended: u64,
}

impl Room {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)));
        let journal = Arc::new(MemoryJournal::new(clock.clone()));
        let consumers = Arc::new(Consumers::open(journal.clone(), clock.clone()).expect("an empty journal is read"));
        Self { journal, clock, consumers, appended: 0 }
    }

    /// Everything in memory is lost; what the journal keeps is not.
    fn crash(&mut self) {
        let opened = Consumers::open(self.journal.clone(), self.clock.clone());
        self.consumers = Arc::new(opened.expect("what was written can be read"));
    }

    fn wait_ms(&self, ms: u64) {
        use streamwarden::clock::Clock;
        self.clock.set(self.clock.now().plus_ms(ms));
    }

    /// An event of the channel; its position.
    fn append(&mut self, on: &str) -> Position {
        self.appended += 1;
        append(&*self.journal, on, self.appended)
    }

    fn create(&self, filter: &Filter) {
        self.consumers.create(&consumer(), filter, Place::After(Position(0)), &by()).expect("it is made");
    }

    fn lease(&self) -> Token {
        self.consumers.lease(&consumer(), &reader(), 60, None).expect("nobody else reads").token
    }

    fn read(&self, token: Token, lane: LaneName, limit: usize) -> Reading {
        self.consumers.read(&consumer(), token, lane, limit).expect("it is read")
    }

    /// Reads until all there is was looked at; the positions, without acknowledging.
    fn live(&self, token: Token, limit: usize) -> Vec<Position> {
        positions(&self.read(token, LaneName::Live, limit).entries)
    }
}

/// Appends an event of the channel; `number` tells it apart from every other.
fn append(journal: &dyn Journal, on: &str, number: u64) -> Position {
    let event = SessionStarted {
        session: SessionId::new(format!("st-{number}")).expect("a sound id"),
        because: SessionStartBecause::Announced,
    };
    let new = NewEvent {
        id: EventId::of_command("test", &[&number.to_be_bytes()]),
        event: event.into(),
        captured_at: None,
        actor: Actor::service("test"),
        causation: None,
        correlation: None,
    };
    let append = Append { scope: channel(on).into(), expected: Expected::Any, events: vec![new] };
    journal.append(append).wait().expect("it is stored");
    *journal.watermark().borrow()
}

fn positions(entries: &[Entry]) -> Vec<Position> {
    entries.iter().map(Entry::position).collect()
}

fn channel(name: &str) -> ChannelId {
    ChannelId::new(name).expect("a sound id")
}

fn consumer() -> ConsumerName {
    named("tickets")
}

fn named(name: &str) -> ConsumerName {
    ConsumerName::new(name).expect("a sound name")
}

fn reader() -> ModeratorId {
    ModeratorId::new("reader").expect("a sound id")
}

fn by() -> Actor {
    Actor::Moderator(reader())
}

/// Events of these channels only.
fn of_channels(pattern: &str) -> Filter {
    Filter::from_parameters([("channel", pattern)]).expect("a sound pattern")
}
