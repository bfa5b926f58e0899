//! Takes events to a destination: calls in parallel, what became of each, what is tried again and what is set aside. A
//! lane gives it what the journal holds, a replay what it shows once more.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};

use super::window::Window;
use super::{Destination, Letter};
use crate::aws::{Class, Failure};
use crate::consumers::LANE;
use crate::events::{Actor, EntryParked, NewEvent};
use crate::journal::{Append, AppendError, Expected, Journal};
use crate::model::{ConsumerName, EventId, Position, Scope, SystemScope};
use crate::telemetry::metrics;

/// Calls under way at a time. Channels are sent side by side, so a slow call holds up its own only.
const CALLS_MAX: usize = 4;
/// The most bytes of the reason why an event was set aside.
const REASON_BYTES_MAX: usize = 300;

/// What is on its way to one destination.
pub(super) struct Courier<D: Destination> {
    journal: Arc<dyn Journal>,
    pub destination: Arc<D>,
    /// Under which name it sets aside.
    pub name: ConsumerName,
    pub window: Window<Item<D::Letter>>,
    calls: JoinSet<Called>,
    begun: Instant,
}

/// A letter, and whose event it is should it have to be set aside.
pub(super) struct Item<L> {
    pub letter: L,
    pub event: EventId,
}

/// How a call went.
struct Called {
    positions: Vec<Position>,
    answer: Result<Vec<Result<(), Failure>>, Failure>,
    /// Whether it was to the destination; else it was to the journal, which keeps what is set aside.
    delivers: bool,
}

impl<D: Destination> Courier<D> {
    /// Nothing on its way yet; everything up to `at` is settled.
    pub fn new(journal: Arc<dyn Journal>, destination: Arc<D>, at: Position) -> Self {
        let name = format!("{LANE}{}", destination.name());
        let name = ConsumerName::new(name).expect("destinations have short names of letters and hyphens");
        let (window, calls) = (Window::new(at), JoinSet::new());
        Self { journal, destination, name, window, calls, begun: Instant::now() }
    }

    /// An event is to be sent. Added in the order of positions.
    pub fn add(&mut self, position: Position, scope: Scope, item: Item<D::Letter>) {
        let bytes = item.letter.bytes();
        self.window.add(position, scope, item, bytes);
    }

    /// Begins as many calls as may be under way and have something to say.
    pub fn begin_calls(&mut self) {
        while self.calls.len() < CALLS_MAX {
            let (count, bytes) = (self.destination.letters_max(), self.destination.bytes_max());
            let positions = self.window.next(self.now_ms(), count, bytes);
            if positions.is_empty() {
                return;
            }
            let items = positions.iter().filter_map(|at| self.window.get(*at));
            let letters = items.map(|item| item.letter.clone()).collect();
            let destination = self.destination.clone();
            self.calls
                .spawn(async move { Called { answer: destination.send(letters).await, positions, delivers: true } });
        }
    }

    /// Whether a call is under way.
    pub fn is_calling(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Waits until a call has ended, and settles what it was about. Never comes while none is under way. Whoever stops
    /// waiting loses nothing.
    pub async fn called(&mut self) -> Result<(), JoinError> {
        match self.calls.join_next().await {
            None => std::future::pending().await,
            Some(Err(broke)) => Err(broke),
            Some(Ok(called)) => {
                self.settle(called);
                Ok(())
            }
        }
    }

    /// How long until something waits no more for its next try; none if nothing does.
    pub fn until_due(&self) -> Option<Duration> {
        let due = self.window.due().filter(|_| self.calls.len() < CALLS_MAX)?;
        Some(Duration::from_millis(due.saturating_sub(self.now_ms())))
    }

    fn settle(&mut self, called: Called) {
        let together = called.positions.len();
        let (each, alone) = match called.answer {
            Ok(each) => (each, false),
            Err(failure) => {
                tracing::warn!(lane = self.destination.name(), letters = together, "a call failed: {failure}");
                // Refused as a whole, and it is not known because of which letter: each goes by itself next.
                let alone = failure.class == Class::Refused && together > 1;
                (if alone { Vec::new() } else { vec![Err(failure); together] }, alone)
            }
        };
        let mut each = each.into_iter();
        for position in called.positions {
            let why = match each.next() {
                Some(Ok(())) => {
                    if called.delivers {
                        metrics().outbox.delivered(self.destination.name());
                    }
                    self.window.settle(position);
                    continue;
                }
                Some(Err(failure)) if is_about_the_letter(&failure) => {
                    let Some(lighter) = self.lighter(position) else {
                        self.set_aside(position, &failure);
                        continue;
                    };
                    let lane = self.destination.name();
                    tracing::warn!(lane, %position, event = %lighter.event, "refused, and sent once more without what it can do without: {failure}");
                    let bytes = lighter.letter.bytes();
                    self.window.replace(position, lighter, bytes);
                    failure.class.name()
                }
                Some(Err(failure)) => failure.class.name(),
                None => "refused",
            };
            metrics().outbox.retried(self.destination.name(), why);
            let (now_ms, spread) = (self.now_ms(), self.spread(position));
            self.window.again(position, now_ms, spread, alone);
        }
    }

    /// The event with less, if there is something that it can do without.
    fn lighter(&self, position: Position) -> Option<Item<D::Letter>> {
        let item = self.window.get(position)?;
        Some(Item { letter: item.letter.lighter()?, event: item.event })
    }

    /// Has it recorded that an event is set aside; it is settled when that is durable, and tried again if that is
    /// refused. Repeating it changes nothing: its id follows from the destination and the event.
    fn set_aside(&mut self, position: Position, why: &Failure) {
        let Some(item) = self.window.get(position) else { return };
        let (name, event, reason) = (self.destination.name(), item.event, shorten(&why.to_string()));
        tracing::error!(lane = name, %position, %event, "refused for good and set aside: {reason}");
        let new = NewEvent {
            id: EventId::of_command("set aside", &[name.as_bytes(), event.as_bytes()]),
            event: EntryParked { consumer: self.name.clone(), event, position, reason }.into(),
            captured_at: None,
            actor: Actor::service("outbox"),
            causation: Some(event),
            correlation: None,
        };
        let scope = Scope::System(SystemScope::Outbox);
        let ticket = self.journal.append(Append { scope, expected: Expected::Any, events: vec![new] });
        self.calls.spawn(async move {
            let answer = match ticket.durable().await {
                // Taken: it was set aside before, for a reason in other words.
                Ok(_) | Err(AppendError::IdTaken { .. }) => {
                    metrics().outbox.set_aside(name);
                    Ok(())
                }
                Err(error) => Err(Failure {
                    operation: "Append",
                    class: Class::Unavailable,
                    code: None,
                    said: format!("that it is set aside was not recorded: {error}"),
                }),
            };
            Called { positions: vec![position], answer: Ok(vec![answer]), delivers: false }
        });
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Follows from the event: those that failed together do not come again together.
    fn spread(&self, position: Position) -> u8 {
        let hash = BuildHasherDefault::<DefaultHasher>::default();
        hash.hash_one((self.destination.name(), position)).to_le_bytes()[0]
    }
}

/// Whether a failure is that letter's own, so that trying it again changes nothing. That we may not, or that what is
/// sent to is not there, concerns every letter alike: setting all of them aside would lose what permissions bring back.
fn is_about_the_letter(failure: &Failure) -> bool {
    match failure.class {
        Class::Refused => true,
        Class::Throttled | Class::Unavailable | Class::TimedOut | Class::Denied | Class::NotFound | Class::Nonsense => {
            false
        }
    }
}

fn shorten(reason: &str) -> String {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason[..end].to_owned()
}
