//! One shard, read in order: within the service's limits, over every failed call, to its end.
//!
//! It reads only when somebody has room for what comes, so a full intake stops the reading and nothing else. A failed
//! call never moves it on: it asks again from the last record it has passed on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::context::{Context, backoff};
use crate::aws::kinesis::{KinesisSequence, Page, Place, Pushed, RECORDS_PER_READ_MAX, Record, ShardId};
use crate::aws::{Class, Failure};
use crate::model::Timestamp;
use crate::telemetry::metrics;

/// What a shard gives its readers in a second, in bytes. After a read of 10 MiB it refuses for 5 s; waiting as long as
/// what was read takes at this rate keeps within both. Waiting begins with the answer: when within the call the shard
/// gave it, nobody tells.
const BYTES_PER_SECOND: u64 = 2 << 20;
/// A subscription may be asked for once a second.
const SUBSCRIBE_EVERY: Duration = Duration::from_secs(1);
/// A shard that another subscription holds is given up by it within so long.
const TAKEOVER: Duration = Duration::from_secs(5);

/// What was read.
#[derive(Debug)]
pub(super) enum Read {
    /// Records in order, after those before; often none.
    Records {
        /// The records.
        records: Vec<Record>,
        /// How far behind the newest this is, in milliseconds.
        behind_ms: u64,
    },
    /// Records that arrived in this time may have expired before they were read.
    Gap {
        /// From when.
        from: Timestamp,
        /// To when.
        to: Timestamp,
    },
    /// The shard is closed, and there is no more of it.
    End,
    /// Kinesis knows no such shard.
    Gone,
}

/// Reads one shard.
pub(super) struct Reader {
    context: Arc<Context>,
    shard: ShardId,
    place: Place,
    /// The last record passed on: none up to it is passed on again.
    last: Option<KinesisSequence>,
    /// Until when nothing was missed; none: nothing was read yet.
    until: Option<Timestamp>,
    failures: u32,
    reads: mpsc::Sender<Read>,
}

/// What follows from a failed call.
enum After {
    /// Wait, then ask the same again.
    Again(Duration),
    /// Wait, then find the place again and go on there.
    Anew(Duration),
    /// There is nothing to be read.
    Gone,
}

impl Reader {
    /// A reader that begins at `place`; nothing of the shard was missed until `until`.
    pub fn new(
        context: Arc<Context>,
        shard: ShardId,
        place: Place,
        until: Option<Timestamp>,
        reads: mpsc::Sender<Read>,
    ) -> Self {
        let last = match &place {
            Place::After(sequence) => Some(sequence.clone()),
            Place::Latest | Place::TrimHorizon | Place::At(_) | Place::Time(_) => None,
        };
        Self { context, shard, place, last, until, failures: 0, reads }
    }

    /// Reads to the shard's end, or until nobody takes what is read.
    pub async fn run(mut self) {
        let _: Option<()> = match self.context.settings.consumer_arn.clone() {
            None => self.poll().await,
            Some(consumer) => self.listen(&consumer).await,
        };
    }

    /// Asks again and again. None: nobody listens any more.
    async fn poll(&mut self) -> Option<()> {
        let reads = self.reads.clone();
        let mut iterator = None;
        loop {
            let room = reads.reserve().await.ok()?;
            let begun = Instant::now();
            let asked = match iterator.take() {
                Some(iterator) => iterator,
                None => {
                    if let Some(gap) = self.take_gap() {
                        room.send(gap);
                        continue;
                    }
                    let Context { settings, kinesis, .. } = &*self.context;
                    match kinesis.shard_iterator(&settings.stream, &self.shard, &self.place).await {
                        Ok(iterator) => iterator,
                        Err(failure) => match self.after(&failure) {
                            After::Again(pause) | After::Anew(pause) => {
                                sleep(pause).await;
                                continue;
                            }
                            After::Gone => {
                                room.send(Read::Gone);
                                return Some(());
                            }
                        },
                    }
                }
            };
            match self.context.kinesis.get_records(&asked, RECORDS_PER_READ_MAX).await {
                Ok(Page { records, next, behind_ms, .. }) => {
                    let next_read = (begun + self.context.settings.poll_every()).max(Instant::now() + worth(&records));
                    room.send(self.advance(records, behind_ms));
                    if next.is_none() {
                        return reads.send(Read::End).await.ok();
                    }
                    iterator = next;
                    sleep_until(next_read).await;
                }
                Err(failure) => match self.after(&failure) {
                    After::Again(pause) => {
                        iterator = Some(asked);
                        sleep(pause).await;
                    }
                    After::Anew(pause) => sleep(pause).await,
                    After::Gone => {
                        room.send(Read::Gone);
                        return Some(());
                    }
                },
            }
        }
    }

    /// Has the records sent. None: nobody listens any more.
    async fn listen(&mut self, consumer: &str) -> Option<()> {
        let reads = self.reads.clone();
        loop {
            let begun = Instant::now();
            if let Some(gap) = self.take_gap() {
                reads.send(gap).await.ok()?;
            }
            match self.be_sent(consumer).await? {
                Sent::Ended => return reads.send(Read::End).await.ok(),
                Sent::Over => sleep_until(begun + SUBSCRIBE_EVERY).await,
                Sent::Failed(failure) => match self.after(&failure) {
                    After::Again(pause) | After::Anew(pause) => sleep(pause.max(SUBSCRIBE_EVERY)).await,
                    After::Gone => return reads.send(Read::Gone).await.ok(),
                },
            }
        }
    }

    /// One subscription, from its begin to whatever ends it. None: nobody listens any more.
    async fn be_sent(&mut self, consumer: &str) -> Option<Sent> {
        let reads = self.reads.clone();
        let mut subscription = match self.context.kinesis.subscribe(consumer, &self.shard, &self.place).await {
            Ok(subscription) => subscription,
            Err(failure) => return Some(Sent::Failed(failure)),
        };
        loop {
            let room = reads.reserve().await.ok()?; // what nobody has room for waits at the sender's end
            match subscription.next().await {
                Ok(Some(Pushed { records, last, behind_ms, .. })) => {
                    room.send(self.advance(records, behind_ms));
                    match last {
                        Some(last) => self.place = Place::After(last),
                        None => return Some(Sent::Ended),
                    }
                }
                Ok(None) => return Some(Sent::Over),
                Err(failure) => return Some(Sent::Failed(failure)),
            }
        }
    }

    /// Moves on behind what a call gave.
    fn advance(&mut self, mut records: Vec<Record>, behind_ms: u64) -> Read {
        self.failures = 0;
        records.retain(|record| self.last.as_ref().is_none_or(|last| record.sequence > *last));
        metrics().shards.read(records.len());
        if let Some(newest) = records.last() {
            self.last = Some(newest.sequence.clone());
            self.place = Place::After(newest.sequence.clone());
            self.until = newest.arrived_at.max(self.until);
        }
        if behind_ms == 0 {
            self.until = Some(self.context.clock.now()).max(self.until);
        }
        Read::Records { records, behind_ms }
    }

    /// The gap that opened since something was read last, told once. Reading goes on with the oldest record kept.
    fn take_gap(&mut self) -> Option<Read> {
        let (from, to) = self.context.gap(self.until?)?;
        self.until = Some(to);
        self.place = Place::TrimHorizon;
        Some(Read::Gap { from, to })
    }

    /// Decides what follows from a failed call, and says so.
    fn after(&mut self, failure: &Failure) -> After {
        metrics().shards.failed(failure.operation, failure.class.name());
        if failure.is("ExpiredIteratorException") {
            return After::Anew(Duration::ZERO); // its five minutes are over: normal behind a full intake
        }
        self.failures += 1;
        let pause = backoff(self.failures);
        if self.failures.is_power_of_two() {
            tracing::warn!(
                kinesis.shard = %self.shard,
                kinesis.failures = self.failures,
                error = %failure,
                "reading a shard failed; it is tried again"
            );
        }
        match failure.class {
            Class::NotFound => After::Gone,
            Class::Throttled => After::Again(pause.max(Duration::from_secs(1))),
            Class::Unavailable | Class::TimedOut | Class::Nonsense => After::Again(pause),
            Class::Refused if failure.is("ResourceInUseException") => After::Again(TAKEOVER),
            // What the iterator stands for may be what is refused.
            Class::Refused | Class::Denied => After::Anew(pause),
        }
    }
}

/// What ended a subscription.
enum Sent {
    /// The shard.
    Ended,
    /// Its five minutes.
    Over,
    /// A failure.
    Failed(Failure),
}

/// How long a shard takes for these at its rate.
fn worth(records: &[Record]) -> Duration {
    let bytes: u64 = records.iter().map(|record| record.data.len() as u64).sum();
    Duration::from_millis((bytes * 1000).div_ceil(BYTES_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_left_alone_as_long_as_its_rate_allows() {
        let record = |bytes: usize| Record {
            sequence: KinesisSequence::new("1").expect("a number"),
            partition_key: None,
            data: Arc::from(vec![0; bytes]),
            arrived_at: None,
        };
        assert_eq!(worth(&[]), Duration::ZERO);
        assert_eq!(worth(&[record(1)]), Duration::from_millis(1));
        assert_eq!(worth(&[record(1 << 20), record(1 << 20)]), Duration::from_secs(1));
        assert_eq!(worth(&[record(10 << 20)]), Duration::from_secs(5));
    }
}
