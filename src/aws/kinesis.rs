//! Kinesis Data Streams: which shards there are, where reading begins, what they hold.
//!
//! Reads only. What is done about a failed call, how often a shard may be asked, and what a record means is decided by
//! whoever reads.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Builder;
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput;
use aws_sdk_kinesis::types::{self, ConsumerStatus, ShardIteratorType, StartingPosition, SubscribeToShardEventStream};
use aws_smithy_types::DateTime;

use super::{Aws, Failure};
use crate::model::Timestamp;

/// The most records that one read is asked for: Kinesis gives no more.
pub const RECORDS_PER_READ_MAX: i32 = 10_000;
/// The most pages of shards that one listing takes, a thousand shards each: no stream may have so many.
const LIST_PAGES_MAX: usize = 100;
/// A subscription that says nothing for so long has broken without saying so: Kinesis sends empty events meanwhile.
const SUBSCRIPTION_SILENCE_MAX: Duration = Duration::from_secs(30);

/// A record's place in its shard: a decimal number beyond 64 bits. Rises within one shard only.
///
/// Kept as it was said, since it is said back; compared as a number.
#[derive(Clone)]
pub struct KinesisSequence(Arc<str>);

impl KinesisSequence {
    /// The most digits; those that Kinesis gives have 56.
    pub const DIGITS_MAX: usize = 128;

    /// Reads decimal digits; none if the text is anything else.
    pub fn new(text: &str) -> Option<Self> {
        let digits = (1..=Self::DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| Self(Arc::from(text)))
    }

    /// The number in decimal.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn significant(&self) -> &str {
        self.0.trim_start_matches('0')
    }
}

impl PartialEq for KinesisSequence {
    fn eq(&self, other: &Self) -> bool {
        self.significant() == other.significant()
    }
}

impl Eq for KinesisSequence {}

impl Ord for KinesisSequence {
    fn cmp(&self, other: &Self) -> Ordering {
        let (this, other) = (self.significant(), other.significant());
        this.len().cmp(&other.len()).then_with(|| this.cmp(other)) // without leading zeros the longer is the larger
    }
}

impl PartialOrd for KinesisSequence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for KinesisSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KinesisSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a shard within its stream (`shardId-000000000003`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(Arc<str>);

impl ShardId {
    /// Takes a shard's name; none if Kinesis would not take it: 1 to 128 letters, digits and `_ . -`.
    pub fn new(text: &str) -> Option<Self> {
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        ((1..=128).contains(&text.len()) && text.bytes().all(sound)).then(|| Self(Arc::from(text)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A shard, as a stream's listing names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its name.
    pub id: ShardId,
    /// The shards that it was split or merged from: none, one, or two. They may be gone already.
    pub parents: Vec<ShardId>,
    /// Whether nothing is added to it any more.
    pub closed: bool,
}

/// A stream as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSummary {
    /// Its ARN.
    pub arn: String,
    /// When it was made: a stream of the same name made later is another one.
    pub created_at: Timestamp,
    /// How long a record is kept.
    pub retention: Duration,
    /// How many shards take records now.
    pub shards_open: usize,
    /// Whether it can be read (`ACTIVE` or `UPDATING`).
    pub readable: bool,
}

/// Where in a shard reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// After the newest record.
    Latest,
    /// At the oldest record kept.
    TrimHorizon,
    /// At this record.
    At(KinesisSequence),
    /// After this record.
    After(KinesisSequence),
    /// At the first record that arrived then or later. A moment still to come is refused by Kinesis.
    Time(Timestamp),
}

/// Where the next read goes on. Lives five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardIterator(String);

/// A record as it lies in its shard. Up to 10 MiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub sequence: KinesisSequence,
    /// The key it was routed by; Kinesis may not say.
    pub partition_key: Option<String>,
    /// Its bytes.
    pub data: Arc<[u8]>,
    /// When Kinesis took it; milliseconds, and not monotonic.
    pub arrived_at: Option<Timestamp>,
}

/// What one read gave. No records is normal, with data ahead as without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where the next read goes on; none: the shard is closed and was read to its end.
    pub next: Option<ShardIterator>,
    /// How far the read is behind the newest record, in milliseconds; 0: it has caught up.
    pub behind_ms: u64,
    /// The shards that go on where this one ended, if it did.
    pub children: Vec<ShardId>,
}

/// What a subscription gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The records, in order.
    pub records: Vec<Record>,
    /// The place after which another subscription goes on; none: the shard is closed and was read to its end.
    pub last: Option<KinesisSequence>,
    /// As in [`Page`].
    pub behind_ms: u64,
    /// As in [`Page`].
    pub children: Vec<ShardId>,
}

/// Calls to Kinesis.
#[derive(Debug, Clone)]
pub struct Kinesis {
    client: Client,
}

impl Aws {
    /// A client for Kinesis.
    pub fn kinesis(&self) -> Kinesis {
        let mut config = Builder::from(self.config());
        if let Some(endpoint) = &self.endpoints().kinesis {
            config = config.endpoint_url(endpoint);
        }
        Kinesis { client: Client::from_conf(config.build()) }
    }
}

impl Kinesis {
    /// Looks at a stream. `ResourceNotFoundException`: there is none of that name.
    pub async fn describe(&self, stream: &str) -> Result<StreamSummary, Failure> {
        const CALL: &str = "DescribeStreamSummary";
        let asked = self.client.describe_stream_summary().stream_name(stream).send().await;
        let answer = asked.map_err(|error| Failure::of(CALL, &error))?;
        let said =
            answer.stream_description_summary.ok_or_else(|| Failure::nonsense(CALL, "it describes no stream"))?;
        let hours = u64::try_from(said.retention_period_hours)
            .map_err(|_| Failure::nonsense(CALL, format!("records are kept {} hours", said.retention_period_hours)))?;
        Ok(StreamSummary {
            arn: said.stream_arn,
            created_at: timestamp(&said.stream_creation_timestamp),
            retention: Duration::from_secs(hours * 3600),
            shards_open: usize::try_from(said.open_shard_count).unwrap_or_default(),
            readable: matches!(said.stream_status, types::StreamStatus::Active | types::StreamStatus::Updating),
        })
    }

    /// Whether records are pushed to a registered reader, by its ARN.
    pub async fn consumer_is_ready(&self, consumer_arn: &str) -> Result<bool, Failure> {
        const OPERATION: &str = "DescribeStreamConsumer";
        let answer = self.client.describe_stream_consumer().consumer_arn(consumer_arn).send().await;
        let answer = answer.map_err(|error| Failure::of(OPERATION, &error))?;
        let described = answer.consumer_description;
        let described = described.ok_or_else(|| Failure::nonsense(OPERATION, "it describes no reader"))?;
        Ok(described.consumer_status == ConsumerStatus::Active)
    }

    /// Every shard of a stream that holds records still or takes them, all pages.
    pub async fn list_shards(&self, stream: &str) -> Result<Vec<Shard>, Failure> {
        const CALL: &str = "ListShards";
        let mut shards = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..LIST_PAGES_MAX {
            let listing = self.client.list_shards();
            // A token names the stream by itself; both together are refused.
            let listing = match token.take() {
                Some(token) => listing.next_token(token),
                None => listing.stream_name(stream),
            };
            let answer = listing.send().await.map_err(|error| Failure::of(CALL, &error))?;
            for shard in answer.shards.unwrap_or_default() {
                shards.push(read_shard(CALL, &shard)?);
            }
            token = answer.next_token.filter(|token| !token.is_empty());
            if token.is_none() && shards.is_empty() {
                return Err(Failure::nonsense(CALL, "a stream has one shard at least, it names none"));
            }
            if token.is_none() {
                return Ok(shards);
            }
        }
        Err(Failure::nonsense(CALL, format!("its list does not end after {LIST_PAGES_MAX} pages")))
    }

    /// Where reading a shard from a place begins.
    pub async fn shard_iterator(&self, stream: &str, shard: &ShardId, place: &Place) -> Result<ShardIterator, Failure> {
        const CALL: &str = "GetShardIterator";
        let (kind, sequence, time) = stated(place);
        let asked = self
            .client
            .get_shard_iterator()
            .stream_name(stream)
            .shard_id(shard.as_str())
            .shard_iterator_type(kind)
            .set_starting_sequence_number(sequence)
            .set_timestamp(time)
            .send()
            .await;
        let answer = asked.map_err(|error| Failure::of(CALL, &error))?;
        let iterator = answer.shard_iterator.filter(|iterator| !iterator.is_empty());
        iterator.map(ShardIterator).ok_or_else(|| Failure::nonsense(CALL, "it gives no iterator"))
    }

    /// Reads on from an iterator: at most `limit` records (and at most [`RECORDS_PER_READ_MAX`]), at most 10 MiB.
    pub async fn get_records(&self, iterator: &ShardIterator, limit: i32) -> Result<Page, Failure> {
        const CALL: &str = "GetRecords";
        let limit = limit.clamp(1, RECORDS_PER_READ_MAX);
        let asked = self.client.get_records().shard_iterator(&iterator.0).limit(limit).send().await;
        let answer = asked.map_err(|error| Failure::of(CALL, &error))?;
        Ok(Page {
            records: read_records(CALL, answer.records)?,
            next: answer.next_shard_iterator.filter(|iterator| !iterator.is_empty()).map(ShardIterator),
            behind_ms: millis(answer.millis_behind_latest.unwrap_or_default()),
            children: read_children(CALL, answer.child_shards)?,
        })
    }

    /// Has a shard's records sent, under a registered consumer (enhanced fan-out), for up to five minutes.
    pub async fn subscribe(&self, consumer_arn: &str, shard: &ShardId, place: &Place) -> Result<Subscription, Failure> {
        const CALL: &str = "SubscribeToShard";
        let (kind, sequence, time) = stated(place);
        let start = StartingPosition::builder().r#type(kind).set_sequence_number(sequence).set_timestamp(time);
        let start = start.build().expect("its one required member was set a line ago");
        let asked = self
            .client
            .subscribe_to_shard()
            .consumer_arn(consumer_arn)
            .shard_id(shard.as_str())
            .starting_position(start)
            .send()
            .await;
        Ok(Subscription { output: asked.map_err(|error| Failure::of(CALL, &error))? })
    }
}

/// A shard whose records are being sent.
#[derive(Debug)]
pub struct Subscription {
    output: SubscribeToShardOutput,
}

impl Subscription {
    /// What comes next; none: the subscription has ended, as it does after five minutes, and the shard may go on.
    pub async fn next(&mut self) -> Result<Option<Pushed>, Failure> {
        const CALL: &str = "SubscribeToShard";
        loop {
            let received = tokio::time::timeout(SUBSCRIPTION_SILENCE_MAX, self.output.event_stream.recv()).await;
            let received = received.map_err(|_| Failure::silence(CALL, SUBSCRIPTION_SILENCE_MAX))?;
            let event = match received.map_err(|error| Failure::in_stream(CALL, &error))? {
                None => return Ok(None),
                Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)) => event,
                Some(_) => continue, // a kind of event that came after this program, and says nothing of records
            };
            let last = Some(event.continuation_sequence_number).filter(|last| !last.is_empty());
            return Ok(Some(Pushed {
                records: read_records(CALL, event.records)?,
                last: last.map(|last| read_sequence(CALL, &last)).transpose()?,
                behind_ms: millis(event.millis_behind_latest),
                children: read_children(CALL, event.child_shards)?,
            }));
        }
    }
}

fn stated(place: &Place) -> (ShardIteratorType, Option<String>, Option<DateTime>) {
    match place {
        Place::Latest => (ShardIteratorType::Latest, None, None),
        Place::TrimHorizon => (ShardIteratorType::TrimHorizon, None, None),
        Place::At(sequence) => (ShardIteratorType::AtSequenceNumber, Some(sequence.to_string()), None),
        Place::After(sequence) => (ShardIteratorType::AfterSequenceNumber, Some(sequence.to_string()), None),
        Place::Time(time) => {
            // the service counts in milliseconds; rounding down reads a record twice rather than not at all
            (ShardIteratorType::AtTimestamp, None, Some(DateTime::from_millis(time.as_micros().div_euclid(1000))))
        }
    }
}

fn read_records(call: &'static str, records: Vec<types::Record>) -> Result<Vec<Record>, Failure> {
    let read = |record: types::Record| {
        Ok(Record {
            sequence: read_sequence(call, &record.sequence_number)?,
            partition_key: record.partition_key,
            data: Arc::from(record.data.into_inner()),
            arrived_at: record.approximate_arrival_timestamp.as_ref().map(timestamp),
        })
    };
    records.into_iter().map(read).collect()
}

fn read_shard(call: &'static str, shard: &types::Shard) -> Result<Shard, Failure> {
    let parents = [&shard.parent_shard_id, &shard.adjacent_parent_shard_id];
    let range = shard.sequence_number_range.as_ref();
    Ok(Shard {
        id: read_shard_id(call, &shard.shard_id)?,
        parents: parents.into_iter().flatten().map(|id| read_shard_id(call, id)).collect::<Result<_, _>>()?,
        closed: range.is_some_and(|range| range.ending_sequence_number.is_some()),
    })
}

fn read_children(call: &'static str, children: Option<Vec<types::ChildShard>>) -> Result<Vec<ShardId>, Failure> {
    children.unwrap_or_default().iter().map(|child| read_shard_id(call, &child.shard_id)).collect()
}

fn read_shard_id(call: &'static str, id: &str) -> Result<ShardId, Failure> {
    ShardId::new(id).ok_or_else(|| Failure::nonsense(call, format!("{id:?} names no shard")))
}

fn read_sequence(call: &'static str, text: &str) -> Result<KinesisSequence, Failure> {
    KinesisSequence::new(text).ok_or_else(|| Failure::nonsense(call, format!("{text:?} is no sequence number")))
}

fn timestamp(time: &DateTime) -> Timestamp {
    Timestamp::from_millis(time.to_millis().unwrap_or_default())
}

fn millis(said: i64) -> u64 {
    u64::try_from(said).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(text: &str) -> KinesisSequence {
        KinesisSequence::new(text).expect("decimal digits")
    }

    #[test]
    fn sequences_beyond_64_bits_are_ordered_as_numbers() {
        let rising =
            ["0", "9", "10", "18446744073709551616", "49590338271490256608559692538361571095921575989136588898"];
        assert!(rising.map(sequence).is_sorted_by(|a, b| a < b));
        assert_eq!(sequence("007"), sequence("7"));
        assert_eq!(sequence("000"), sequence("0"));
        assert_eq!(sequence("007").as_str(), "007", "said back as it was said");
    }

    #[test]
    fn what_is_not_decimal_digits_is_no_sequence() {
        for text in ["", "-1", "1.0", "LATEST", "１", &"1".repeat(KinesisSequence::DIGITS_MAX + 1)] {
            assert_eq!(KinesisSequence::new(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_shard_is_named_as_kinesis_names_it() {
        assert!(ShardId::new("shardId-000000000003").is_some());
        for text in ["", "shard/3", "shard 3", &"s".repeat(129)] {
            assert_eq!(ShardId::new(text), None, "{text:?}");
        }
    }
}
