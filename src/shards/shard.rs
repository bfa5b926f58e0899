//! One shard: reading beside settling, in one task.
//!
//! What is read is handed over in order and settled in any; the cursor follows, and is kept at most every second or
//! thousand records. What finds no durable outcome is kept and handed over again before anything newer is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::context::{Context, backoff};
use super::place::{Beginning, ShardMark};
use super::progress::{Progress, Settled, Ticket};
use super::reader::{Read, Reader};
use super::{Delivery, NotSettled};
use crate::aws::kinesis::{Place, Record, ShardId};
use crate::model::{MarkName, Timestamp};
use crate::notifications::kpl;
use crate::telemetry::metrics;

/// The cursor is kept so often, if it moved.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// Or after so many records.
const SAVE_AFTER_RECORDS: u64 = 1_000;
/// That a quiet shard has missed nothing is noted so often: far less than the shortest retention, a day.
const NOTE_QUIET_EVERY_MS: u64 = 10 * 60 * 1000;
/// Records that are read and that the cursor has not passed, at most: behind one that hangs, reading goes on so far.
const OPEN_MAX: usize = 20_000;

/// What became of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is read and settled to its end, and that is durable.
    Ended,
    /// Kinesis does not know it.
    Gone,
    /// It was told to stop.
    Stopped,
}

/// Reads a shard and settles what it holds, from its mark on or, without one, from the stream's beginning.
pub(super) async fn read_shard(
    context: Arc<Context>,
    shard: ShardId,
    name: MarkName,
    mark: Option<ShardMark>,
    beginning: Beginning,
) -> Outcome {
    let place = match &mark {
        Some(ShardMark::After { sequence, .. }) => Place::After(sequence.clone()),
        Some(ShardMark::Ended { .. }) => return Outcome::Ended,
        Some(ShardMark::Begun { .. }) | None => beginning.place(),
    };
    let until = mark.as_ref().map(ShardMark::until);
    let (reads_in, reads) = mpsc::channel(1);
    let reader = Reader::new(context.clone(), shard.clone(), place, until, reads_in);
    let stopping = context.clone();
    let reading = async move {
        tokio::select! {
            () = reader.run() => {}
            () = stopping.stopped() => {} // a read that is dropped under way is read again by whoever comes next
        }
    };
    let settling = Settling::new(context, shard, name, mark).run(reads);
    tokio::join!(reading, settling).1
}

/// A notification's place among those of its shard.
type Key = (Ticket, u32);
type Answer = (Key, Delivery, Result<(), NotSettled>);

struct Settling {
    context: Arc<Context>,
    shard: ShardId,
    name: MarkName,
    progress: Progress,
    /// To be handed over, in order: what was read last, and what found no outcome.
    queue: BTreeMap<Key, Delivery>,
    in_flight: FuturesUnordered<BoxFuture<'static, Answer>>,
    /// How the shard ended, once all before that is read.
    end: Option<Outcome>,
    /// When a read last found nothing newer.
    caught_up_at: Option<Timestamp>,
    behind_ms: u64,
    /// Nothing is handed over before then.
    held_until: Option<Instant>,
    refusals: u32,
    /// As it is in the journal.
    saved: Option<ShardMark>,
    saved_passed: u64,
    unsaved: u32,
}

impl Settling {
    fn new(context: Arc<Context>, shard: ShardId, name: MarkName, saved: Option<ShardMark>) -> Self {
        Self {
            context,
            shard,
            name,
            progress: Progress::default(),
            queue: BTreeMap::new(),
            in_flight: FuturesUnordered::new(),
            end: None,
            caught_up_at: None,
            behind_ms: 0,
            held_until: None,
            refusals: 0,
            saved,
            saved_passed: 0,
            unsaved: 0,
        }
    }

    async fn run(mut self, mut reads: mpsc::Receiver<Read>) -> Outcome {
        let _reading = metrics().shards.reading();
        let lag = metrics().shards.lag(self.shard.as_str());
        let mut ticks = interval(SAVE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let context = self.context.clone();
        loop {
            self.hand_over();
            let idle = self.queue.is_empty() && self.in_flight.is_empty();
            if let Some(end) = self.end.filter(|_| idle) {
                if self.note_end(end).await {
                    return end;
                }
                return Outcome::Stopped;
            }
            let room = self.queue.is_empty() && self.end.is_none() && self.progress.open() < OPEN_MAX;
            let held_until = self.held_until;
            tokio::select! {
                Some(answer) = self.in_flight.next(), if !self.in_flight.is_empty() => self.answered(answer),
                read = reads.recv(), if room => match read {
                    Some(read) => if !self.take(read).await { break },
                    None => break, // the reader ends without a word only when it is told to stop
                },
                () = until(held_until), if held_until.is_some() => self.held_until = None,
                _ = ticks.tick() => {
                    lag.is(self.lag_ms());
                    self.save_if_changed().await;
                }
                () = context.stopped() => break,
            }
            if self.progress.passed() - self.saved_passed >= SAVE_AFTER_RECORDS {
                self.save_if_changed().await;
            }
        }
        self.wind_up().await;
        Outcome::Stopped
    }

    /// Takes in what was read. False: told to stop.
    async fn take(&mut self, read: Read) -> bool {
        match read {
            Read::Records { records, behind_ms } => {
                self.behind_ms = behind_ms;
                let now = self.context.clock.now();
                if behind_ms == 0 {
                    self.caught_up_at = Some(now);
                }
                for record in records {
                    self.take_record(record, now);
                }
            }
            Read::Gap { from, to } => return self.context.note_gap(self.shard.as_str(), from, to).await,
            Read::End => self.end = Some(Outcome::Ended),
            Read::Gone => self.end = Some(Outcome::Gone),
        }
        true
    }

    fn take_record(&mut self, record: Record, now: Timestamp) {
        let arrived_at = record.arrived_at.unwrap_or(now);
        let parts = parts_of(&record);
        let ticket = self.progress.read(record.sequence.clone(), arrived_at, parts.len());
        for (part, (partition_key, data)) in (0..).zip(parts) {
            let sequence = record.sequence.clone();
            let delivery = Delivery { shard: self.shard.clone(), sequence, part, partition_key, data, arrived_at };
            self.queue.insert((ticket, part), delivery);
        }
    }

    /// Hands over what waits, oldest first, up to the bound.
    fn hand_over(&mut self) {
        if self.held_until.is_some() {
            return;
        }
        while self.in_flight.len() < self.context.settings.in_flight_max {
            let Some((key, delivery)) = self.queue.pop_first() else { return };
            let deliver = self.context.deliver.clone();
            let counted = metrics().shards.in_flight();
            // Polled first in the order of pushing: that is the order promised to whoever takes them.
            self.in_flight.push(Box::pin(async move {
                let result = deliver.deliver(delivery.clone()).await;
                drop(counted);
                (key, delivery, result)
            }));
        }
    }

    fn answered(&mut self, (key, delivery, result): Answer) {
        match result {
            Ok(()) => {
                let before = self.progress.passed();
                self.progress.settle(key.0, key.1);
                metrics().shards.settled(self.progress.passed() - before);
                self.refusals = 0;
            }
            Err(not_settled) => {
                metrics().shards.put_back();
                self.queue.insert(key, delivery);
                if self.held_until.is_none() {
                    self.refusals += 1;
                    self.held_until = Some(Instant::now() + backoff(self.refusals));
                    tracing::warn!(
                        kinesis.shard = %self.shard, error = %not_settled,
                        "a notification is kept and handed over again: nothing newer of its shard goes before it"
                    );
                }
            }
        }
    }

    /// Waits for what is in flight, as long as a stop may take, and keeps how far that went.
    async fn wind_up(&mut self) {
        let deadline = Instant::now() + self.context.settings.stop_within();
        while !self.in_flight.is_empty() {
            tokio::select! {
                Some(answer) = self.in_flight.next() => self.answered(answer),
                () = sleep_until(deadline) => {
                    tracing::warn!(
                        kinesis.shard = %self.shard,
                        kinesis.in_flight = self.in_flight.len(),
                        "stopping without these; they are read again after the next start"
                    );
                    break;
                }
            }
        }
        self.save_if_changed().await;
    }

    /// Keeps that the shard is at its end. Kept trying, because its children wait for it; false: told to stop before.
    async fn note_end(&mut self, end: Outcome) -> bool {
        if end != Outcome::Ended {
            self.save_if_changed().await;
            return true;
        }
        let mark = ShardMark::Ended { until: self.context.clock.now() };
        let mut failures = 0;
        while let Err(error) = self.context.save(&self.name, Some(mark.to_mark())).await {
            failures += 1;
            tracing::warn!(kinesis.shard = %self.shard, %error, "that the shard has ended is not kept yet");
            if self.context.stopped_within(backoff(failures)).await {
                return false;
            }
        }
        true
    }

    /// Keeps the cursor where it moved, and now and then that a quiet shard has missed nothing.
    async fn save_if_changed(&mut self) {
        let Some(mark) = self.mark() else { return };
        let moved = match (&mark, &self.saved) {
            (ShardMark::After { sequence, .. }, Some(ShardMark::After { sequence: saved, .. })) => sequence != saved,
            (ShardMark::Begun { .. }, Some(ShardMark::Begun { .. })) => false,
            _ => true,
        };
        let quiet_ms = self.saved.as_ref().map_or(0, |saved| mark.until().ms_since(saved.until()));
        if !moved && quiet_ms < NOTE_QUIET_EVERY_MS {
            return;
        }
        let passed = self.progress.passed();
        match self.context.save(&self.name, Some(mark.to_mark())).await {
            Ok(()) => {
                (self.saved, self.saved_passed, self.unsaved) = (Some(mark), passed, 0);
            }
            Err(error) => {
                self.saved_passed = passed; // the next tick tries again, not every record
                self.unsaved += 1;
                if self.unsaved.is_power_of_two() {
                    tracing::warn!(kinesis.shard = %self.shard, %error, "the cursor is not kept; it is tried again");
                }
            }
        }
    }

    /// What may be kept now; none: nothing is settled, and more was read.
    fn mark(&self) -> Option<ShardMark> {
        let all_settled = self.progress.open() == 0;
        let quiet_at = self.caught_up_at.filter(|_| all_settled);
        let before = self.saved.as_ref().map(ShardMark::until);
        let mark = match (self.progress.cursor(), &self.saved) {
            (Some(Settled { sequence, arrived_at }), _) => ShardMark::After {
                sequence: sequence.clone(),
                until: Some(*arrived_at).max(quiet_at).max(before).unwrap_or(*arrived_at),
            },
            (None, Some(ShardMark::After { sequence, .. })) => {
                ShardMark::After { sequence: sequence.clone(), until: quiet_at.max(before)? }
            }
            (None, _) => ShardMark::Begun { until: quiet_at.max(before)? },
        };
        Some(mark)
    }

    fn lag_ms(&self) -> u64 {
        match self.progress.oldest_open() {
            Some(oldest) => self.context.clock.now().ms_since(oldest),
            None => self.behind_ms,
        }
    }
}

/// The notifications in a record, each with the key it was put under: one, unless a producer packed several into it.
fn parts_of(record: &Record) -> Vec<(Option<String>, Arc<[u8]>)> {
    match kpl::unpack(&record.data) {
        None => vec![(record.partition_key.clone(), record.data.clone())],
        Some(parts) => {
            let part = |part: kpl::Part<'_>| (Some(part.partition_key.to_owned()), Arc::from(part.data));
            parts.into_iter().map(part).collect()
        }
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
