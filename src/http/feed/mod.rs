//! The live feed: events as they become durable, to as many connections as there may be, each from any position.
//!
//! It is pulled: a connection goes on when its socket takes data, behind the journal's watermark. Near the head all of
//! them read one ring of events that are serialised once ([`ring`]); further back each reads the journal for itself.
//! Nobody waits for a reader: the journal least of all. One whose socket takes nothing for a while is told to resume
//! and dropped ([`pulse`]).
//!
//! The live picture ([`super::live`]) reads from the same ring which channels changed, and sits among the same
//! connections ([`Seat`]).

mod connection;
mod pulse;
mod ring;
mod seat;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

pub(in crate::http) use connection::{Asked, Replays, stream};
pub use pulse::Patience;
use pulse::{Leaving, Pulse};
use ring::{Found, Ring};
pub(in crate::http) use seat::Seat;

use crate::consumers::Consumers;
use crate::journal::{Journal, READ_LIMIT_MAX};
use crate::model::{ChannelId, ModeratorId, Position};

/// Connections at the same time.
pub(in crate::http) const CONNECTIONS_MAX: usize = 1024;
/// Connections of one caller at the same time.
pub(in crate::http) const CONNECTIONS_OF_ONE_MAX: usize = 32;
/// Connections that read the journal at the same time, because they are behind the ring.
const BACKLOG_READS_MAX: usize = 2;

/// Events looked at at once for the channels they are of.
const TOUCHED_MAX: usize = 1024;

/// The live feed of one journal.
pub struct Feed {
    journal: Arc<dyn Journal>,
    consumers: Arc<Consumers>,
    ring: Mutex<Ring>,
    /// The ring holds everything up to here.
    filled: watch::Sender<Position>,
    connected: Mutex<Connected>,
    /// Rises when the first connection comes, so that the ring is filled again.
    woken: watch::Sender<u64>,
    closing: watch::Sender<bool>,
    backlog: Semaphore,
    patience: Patience,
    /// Where the feed is filled and its connections are looked after. Not on the thread of whichever connection came
    /// first: a server that stops ends each of its threads once that has no connections, while others still have some.
    runtime: Handle,
    started: AtomicBool,
    numbers: AtomicU64,
}

#[derive(Default)]
struct Connected {
    pulses: HashMap<u64, Arc<Pulse>>,
    of_one: HashMap<ModeratorId, usize>,
    /// Those whose place is given back already, and whose sockets have yet to take the last that they were given.
    leaving: Vec<Leaving>,
}

/// What happened after a position, in as far as the ring has it.
pub(in crate::http) struct Touched {
    /// The channels of the events, in their order; one may stand there more than once.
    pub channels: Vec<ChannelId>,
    /// These are all up to here.
    pub reached: Position,
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum Full {
    /// By anybody.
    #[error("the live feed has {CONNECTIONS_MAX} connections, the most there may be")]
    All,
    /// By this caller.
    #[error("you have {CONNECTIONS_OF_ONE_MAX} connections to the live feed, the most one caller may have")]
    OfOne,
}

/// A connection's place among them; given back when dropped.
struct Place {
    feed: Arc<Feed>,
    number: u64,
    caller: ModeratorId,
}

impl Feed {
    /// A feed that nobody reads yet. It does nothing before somebody does. Call within a runtime, which carries it.
    pub fn new(journal: Arc<dyn Journal>, consumers: Arc<Consumers>, patience: Patience) -> Arc<Self> {
        let head = *journal.watermark().borrow();
        Arc::new(Self {
            journal,
            consumers,
            ring: Mutex::new(Ring::after(head)),
            filled: watch::Sender::new(head),
            connected: Mutex::default(),
            woken: watch::Sender::new(0),
            closing: watch::Sender::new(false),
            backlog: Semaphore::new(BACKLOG_READS_MAX),
            patience,
            runtime: Handle::current(),
            started: AtomicBool::new(false),
            numbers: AtomicU64::new(0),
        })
    }

    /// Tells every connection to resume, and takes no more.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Turns true when the server stops: whoever waits for something to come waits no longer.
    pub(in crate::http) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// The ring holds everything up to here; rises.
    pub(in crate::http) fn filled(&self) -> watch::Receiver<Position> {
        self.filled.subscribe()
    }

    /// Which channels the next events after `after` are of. None if the ring begins later.
    pub(in crate::http) fn touched(&self, after: Position) -> Option<Touched> {
        let found = self.ring().next(after, TOUCHED_MAX); // the lock is let go before the events are looked at
        let Found::Next(items, reached) = found else { return None };
        Some(Touched { channels: items.iter().filter_map(|item| item.channel().cloned()).collect(), reached })
    }

    fn enter(self: &Arc<Self>, caller: &ModeratorId, pulse: &Arc<Pulse>) -> Result<Place, Full> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        {
            let mut connected = self.connected();
            if connected.pulses.len() >= CONNECTIONS_MAX {
                return Err(Full::All);
            }
            let of_one = connected.of_one.entry(caller.clone()).or_default();
            if *of_one >= CONNECTIONS_OF_ONE_MAX {
                return Err(Full::OfOne);
            }
            *of_one += 1;
            connected.pulses.insert(number, pulse.clone());
        }
        if !self.started.swap(true, Ordering::AcqRel) {
            self.runtime.spawn(fill(self.clone()));
            self.runtime.spawn(pulse::watch_over(self.clone()));
        }
        self.woken.send_modify(|count| *count += 1);
        Ok(Place { feed: self.clone(), number, caller: caller.clone() })
    }

    fn connected(&self) -> MutexGuard<'_, Connected> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner) // counts and weak references: always whole
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner) // changed by one task, in one call
    }

    fn is_idle(&self) -> bool {
        self.connected().pulses.is_empty()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut connected = self.feed.connected();
        if let Some(pulse) = connected.pulses.remove(&self.number) {
            connected.leaving.push(pulse.leaves());
        }
        if let Some(of_one) = connected.of_one.get_mut(&self.caller) {
            *of_one -= 1;
            if *of_one == 0 {
                connected.of_one.remove(&self.caller);
            }
        }
    }
}

/// Reads each event once, serialises it once, and says how far the ring is filled. Ends when the feed is closed.
async fn fill(feed: Arc<Feed>) {
    let mut head = feed.journal.watermark();
    let mut woken = feed.woken.subscribe();
    let mut closing = feed.closing.subscribe();
    while !*closing.borrow_and_update() {
        let durable = *head.borrow_and_update();
        let filled = *feed.filled.borrow();
        if filled < durable && !feed.is_idle() {
            let from = feed.ring().start(filled, durable);
            let journal = feed.journal.clone();
            let read = tokio::task::spawn_blocking(move || {
                let events = journal.read(from, READ_LIMIT_MAX)?;
                Ok::<_, crate::journal::ReadError>(events.into_iter().map(ring::Item::of).collect::<Vec<_>>())
            });
            match read.await {
                Ok(Ok(items)) => {
                    let reached = feed.ring().push(from, items, durable);
                    feed.filled.send_replace(reached);
                    continue;
                }
                Ok(Err(error)) => tracing::error!("the live feed cannot read the journal: {error}"),
                Err(broke) => tracing::error!("the live feed broke while reading the journal: {broke}"),
            }
            feed.close(); // readers are told to come back, and hear then why nothing can be read
        }
        tokio::select! {
            moved = head.changed() => if moved.is_err() { feed.close() }, // the journal is gone
            _ = woken.changed() => {}                                     // its sender lives as long as the feed
            _ = closing.changed() => {}
        }
    }
}
