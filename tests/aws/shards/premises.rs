//! What the tests read with: somebody who takes notifications and somebody who watches what is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use streamwarden::aws::kinesis::{Kinesis, KinesisSequence, ShardId};
use streamwarden::clock::{Clock, ManualClock, SystemClock};
use streamwarden::events::{Event, InputGap, Recorded};
use streamwarden::journal::{Append, Journal, MemoryJournal, READ_LIMIT_MAX, ReadError, Ticket};
use streamwarden::model::{
    ChannelId, ConsumerName, EventId, Mark, MarkName, Position, Scope, Sequence, SystemScope, Timestamp,
};
use streamwarden::shards::{Deliver, Delivery, NotSettled, Settings, Shards, Start};
use tokio::sync::watch;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const STREAM: &str = "frames";

/// A notification as it was handed over: shard, sequence, and the number that its data says.
pub type Taken = (ShardId, KinesisSequence, u32);

/// Takes notifications and settles them at once, unless told otherwise.
#[derive(Default)]
pub struct Taker {
    pub taken: Mutex<Vec<Taken>>,
    pub settled: Mutex<Vec<Taken>>,
    /// Numbers that are never answered.
    hangs: BTreeSet<u32>,
    /// Finds no durable outcome so many times more.
    refusals: AtomicU32,
    counts: watch::Sender<(usize, usize)>,
}

impl Taker {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub fn hanging(numbers: impl IntoIterator<Item = u32>) -> Arc<Self> {
        Arc::new(Self { hangs: numbers.into_iter().collect(), ..Self::default() })
    }

    pub fn refusing(times: u32) -> Arc<Self> {
        Arc::new(Self { refusals: AtomicU32::new(times), ..Self::default() })
    }

    pub async fn has_settled(&self, count: usize) {
        self.wait(|(_, settled)| settled >= count, "settled", count).await;
    }

    pub async fn has_taken(&self, count: usize) {
        self.wait(|(taken, _)| taken >= count, "taken", count).await;
    }

    async fn wait(&self, enough: impl Fn((usize, usize)) -> bool, what: &str, count: usize) {
        let mut counts = self.counts.subscribe();
        let waited = tokio::time::timeout(PATIENCE, counts.wait_for(|counts| enough(*counts))).await;
        assert!(waited.is_ok(), "{count} are {what}; so far (taken, settled): {:?}", *self.counts.borrow());
    }

    /// The numbers settled, in order of number.
    pub fn numbers(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.settled.lock().unwrap().iter().map(|taken| taken.2).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Every shard's notifications were handed over in the order of the shard.
    pub fn assert_order(&self) {
        let mut last: BTreeMap<ShardId, KinesisSequence> = BTreeMap::new();
        for (shard, sequence, n) in self.taken.lock().unwrap().iter() {
            let before = last.insert(shard.clone(), sequence.clone());
            assert!(before.is_none_or(|before| before < *sequence), "{n} of {shard} is out of order");
        }
    }

    fn count(&self) {
        let counts = (self.taken.lock().unwrap().len(), self.settled.lock().unwrap().len());
        self.counts.send_replace(counts);
    }
}

impl Deliver for Taker {
    fn deliver(&self, delivery: Delivery) -> BoxFuture<'_, Result<(), NotSettled>> {
        async move {
            let digits = delivery.data.iter().copied().filter(u8::is_ascii_digit).collect();
            let number = String::from_utf8(digits).unwrap().parse().unwrap();
            let taken = (delivery.shard, delivery.sequence, number);
            let refused = self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if refused.is_ok() {
                return Err(NotSettled("the disk is full".to_owned()));
            }
            self.taken.lock().unwrap().push(taken.clone());
            self.count();
            if self.hangs.contains(&number) {
                std::future::pending::<()>().await;
            }
            tokio::task::yield_now().await; // others end before it
            self.settled.lock().unwrap().push(taken);
            self.count();
            Ok(())
        }
        .boxed()
    }
}

/// A journal that lets no cursor pass what is not settled.
pub struct Watched {
    pub journal: MemoryJournal,
    pub taker: Mutex<Arc<Taker>>,
    pub ahead: Mutex<Vec<String>>,
    pub slow: Slow,
}

/// Keeping the first cursor may take until what is kept of the stream changes, or [`SLOW`].
#[derive(Default)]
pub struct Slow {
    /// Whether it does.
    pub is_asked_for: AtomicBool,
    /// Whether it is under way.
    pub begun: watch::Sender<bool>,
    stream_kept: Mutex<u32>,
    changed: Condvar,
}

/// Longer than it takes to find out that a stream is another one.
const SLOW: Duration = Duration::from_secs(3);

impl Slow {
    fn keeps(&self, name: &MarkName, mark: Option<&Mark>) {
        if name.as_str().ends_with(STREAM) {
            *self.stream_kept.lock().unwrap() += 1;
            self.changed.notify_all();
        } else if mark.is_some() && self.is_asked_for.swap(false, Ordering::SeqCst) {
            let kept = self.stream_kept.lock().unwrap();
            let before = *kept;
            self.begun.send_replace(true);
            drop(self.changed.wait_timeout_while(kept, SLOW, |kept| *kept == before).unwrap());
        }
    }
}

impl Watched {
    pub fn new(clock: Arc<dyn Clock>, taker: &Arc<Taker>) -> Arc<Self> {
        let journal = MemoryJournal::new(clock);
        Arc::new(Self { journal, taker: Mutex::new(taker.clone()), ahead: Mutex::default(), slow: Slow::default() })
    }

    /// The cursor kept for a shard, or the word that stands for it.
    pub fn cursor(&self, shard: &str) -> Option<String> {
        let marks = self.journal.marks(&format!("kinesis/{STREAM}/{shard}"));
        marks.first().map(|(_, mark)| mark.as_str().split(",until=").next().unwrap().to_owned())
    }

    pub fn gaps(&self) -> Vec<InputGap> {
        let events = self.journal.read_scope(&SystemScope::Intake.into(), Sequence(0), READ_LIMIT_MAX).unwrap();
        let gap = |recorded: &Recorded| match recorded.event().unwrap() {
            Event::InputGap(gap) => Some(gap),
            _ => None,
        };
        events.iter().filter_map(gap).collect()
    }
}

impl Journal for Watched {
    fn append(&self, append: Append) -> Ticket {
        self.journal.append(append)
    }
    fn watermark(&self) -> watch::Receiver<Position> {
        self.journal.watermark()
    }
    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.journal.read(after, limit)
    }
    fn read_scope(&self, scope: &Scope, after: Sequence, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.journal.read_scope(scope, after, limit)
    }
    fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        self.journal.find(id)
    }
    fn may_hold(&self, id: EventId) -> bool {
        self.journal.may_hold(id)
    }
    fn scope_head(&self, scope: &Scope) -> Sequence {
        self.journal.scope_head(scope)
    }
    fn channels(&self, after: Option<&ChannelId>, limit: usize) -> Vec<ChannelId> {
        self.journal.channels(after, limit)
    }
    fn cursor(&self, consumer: &ConsumerName) -> Result<Option<Position>, ReadError> {
        self.journal.cursor(consumer)
    }
    fn save_cursor(&self, consumer: &ConsumerName, position: Position) -> Ticket {
        self.journal.save_cursor(consumer, position)
    }
    fn marks(&self, prefix: &str) -> Vec<(MarkName, Mark)> {
        self.journal.marks(prefix)
    }
    fn save_mark(&self, name: &MarkName, mark: Option<&Mark>) -> Ticket {
        let shard = name.as_str().rsplit('/').next().unwrap();
        let taker = self.taker.lock().unwrap().clone();
        let after = mark.and_then(|mark| mark.as_str().strip_prefix("after=")).and_then(|text| text.split(',').next());
        let ended = mark.is_some_and(|mark| mark.as_str().starts_with("ended"));
        let after = after.and_then(KinesisSequence::new);
        if after.is_some() || ended {
            let settled: BTreeSet<Taken> = taker.settled.lock().unwrap().iter().cloned().collect();
            let taken = taker.taken.lock().unwrap().clone();
            let passed = |(of, sequence, _): &&Taken| {
                of.as_str() == shard && after.as_ref().is_none_or(|after| sequence <= after)
            };
            let open = taken.iter().filter(passed).filter(|taken| !settled.contains(taken));
            self.ahead.lock().unwrap().extend(open.map(|taken| format!("{taken:?} before {mark:?}")));
        }
        self.slow.keeps(name, mark);
        self.journal.save_mark(name, mark)
    }
}

pub fn settings() -> Settings {
    Settings { start: Start::TrimHorizon, discover_every_s: 1, ..Settings::new(STREAM) }
}

pub fn read(
    settings: Settings,
    kinesis: Kinesis,
    journal: &Arc<Watched>,
    taker: &Arc<Taker>,
    clock: Arc<dyn Clock>,
) -> Shards {
    *journal.taker.lock().unwrap() = taker.clone();
    Shards::start(settings, kinesis, journal.clone(), taker.clone(), clock).unwrap()
}

pub fn now() -> Timestamp {
    SystemClock.now()
}

pub fn system() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// A clock that stands `hours` ahead of the wall clock's now.
pub fn ahead(hours: u64) -> Arc<ManualClock> {
    Arc::new(ManualClock::at(now().plus_ms(hours * 3_600_000)))
}
