//! What the stand-in holds: streams, shards, records, and the faults it was told to show.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use md5::{Digest, Md5};
use serde_json::{Value, json};
use tokio::sync::watch;

/// A read gives at most so many bytes, unless a test sets less.
const READ_BYTES_MAX: usize = 10 << 20;
/// After a read the shard refuses for as long as it takes for those bytes at this rate: 5 s after a full one.
const BYTES_PER_SECOND: usize = 2 << 20;
/// A shard answers so many reads in a second. Measured over a little less, because requests sent evenly do not arrive so.
const READS_MAX: usize = 5;
const WINDOW: Duration = Duration::from_millis(950);
pub const SHARDS_PER_PAGE_MAX: usize = 1_000;

/// What a call shows instead of an answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// An error of the service.
    Error { status: u16, code: &'static str },
    /// 200 with a body that is no JSON.
    Malformed,
    /// The right answer, so much later.
    Slow(Duration),
    /// A connection that breaks in the middle of the answer.
    Reset,
    /// No records, though there are some.
    Empty,
    /// The right answer: for a script that begins later.
    None,
}

impl Fault {
    pub const THROTTLED: Self = Self::Error { status: 400, code: "ProvisionedThroughputExceededException" };
    pub const INTERNAL: Self = Self::Error { status: 500, code: "InternalFailureException" };
    pub const EXPIRED: Self = Self::Error { status: 400, code: "ExpiredIteratorException" };
    pub const DENIED: Self = Self::Error { status: 400, code: "AccessDeniedException" };
}

/// An error of the service.
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
}

pub fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { status: 400, code, message: message.into() })
}

#[derive(Debug, Clone)]
pub struct Put {
    pub sequence: u128,
    pub key: String,
    pub data: Vec<u8>,
    pub arrived_ms: i64,
}

#[derive(Debug)]
pub struct Shard {
    pub id: String,
    pub parents: Vec<String>,
    /// Inclusive at both ends.
    pub hashes: (u128, u128),
    pub first_sequence: u128,
    /// Set when it is closed.
    pub last_sequence: Option<u128>,
    /// Every record ever put; those before `trimmed` have expired.
    pub puts: Vec<Put>,
    pub trimmed: usize,
    reads: VecDeque<Instant>,
    rests_until: Option<Instant>,
}

#[derive(Debug)]
pub struct Stream {
    pub created_ms: i64,
    pub retention_hours: i32,
    pub shards: Vec<Shard>,
    named: usize,
}

pub struct World {
    pub streams: BTreeMap<String, Stream>,
    pub faults: HashMap<String, VecDeque<Fault>>,
    /// Operations called, in order.
    pub calls: Vec<String>,
    /// Reads refused because a shard was asked too often or too much.
    pub over_rate: usize,
    /// Whether a shard refuses what goes beyond its limits.
    pub metered: bool,
    /// Bytes that a read gives at most.
    pub read_bytes_max: usize,
    /// Shards per page of a listing.
    pub page: usize,
    /// Events after which a subscription is over.
    pub subscription_events: usize,
    pub changed: watch::Sender<u64>,
    sequence: u128,
    serial: u64,
    expired_before: u64,
}

/// Where a read goes on.
pub struct Iterator {
    pub stream: String,
    pub shard: String,
    pub at: usize,
}

/// What a read gives.
pub struct Given {
    pub records: Vec<Put>,
    pub next: usize,
    pub behind_ms: i64,
    /// The shards that follow, once this one is closed and read to its end.
    pub children: Option<Vec<Value>>,
}

#[allow(clippy::disallowed_methods)] // a service's own clock
pub fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// The hash by which Kinesis routes a key.
pub fn hash_of(key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(key.as_bytes()).into())
}

pub fn sequence_text(sequence: u128) -> String {
    format!("4959033827149025660855969{sequence:031}")
}

pub fn sequence_of(text: &str) -> Option<u128> {
    text.strip_prefix("4959033827149025660855969")?.parse().ok()
}

impl World {
    pub fn new() -> Self {
        Self {
            streams: BTreeMap::new(),
            faults: HashMap::new(),
            calls: Vec::new(),
            over_rate: 0,
            metered: true,
            read_bytes_max: READ_BYTES_MAX,
            page: SHARDS_PER_PAGE_MAX,
            subscription_events: usize::MAX,
            changed: watch::Sender::new(0),
            sequence: 0,
            serial: 0,
            expired_before: 0,
        }
    }

    pub fn create(&mut self, stream: &str, shards: usize) {
        let mut new = Stream { created_ms: now_ms(), retention_hours: 24, shards: Vec::new(), named: 0 };
        let width = u128::MAX / shards as u128;
        for n in 0..shards as u128 {
            let last = if n + 1 == shards as u128 { u128::MAX } else { width * (n + 1) + n };
            self.open(&mut new, Vec::new(), (width * n + n, last));
        }
        self.streams.insert(stream.to_owned(), new);
    }

    fn open(&mut self, stream: &mut Stream, parents: Vec<String>, hashes: (u128, u128)) {
        self.sequence += 1;
        stream.shards.push(Shard {
            id: format!("shardId-{:012}", stream.named),
            parents,
            hashes,
            first_sequence: self.sequence,
            last_sequence: None,
            puts: Vec::new(),
            trimmed: 0,
            reads: VecDeque::new(),
            rests_until: None,
        });
        stream.named += 1;
    }

    pub fn put(
        &mut self,
        stream: &str,
        key: &str,
        hash: Option<u128>,
        data: Vec<u8>,
    ) -> Result<(String, u128), Refusal> {
        self.sequence += 1;
        let sequence = self.sequence;
        let hash = hash.unwrap_or_else(|| hash_of(key));
        let shard = self.stream(stream)?.shards.iter_mut();
        let mut open = shard.filter(|shard| shard.last_sequence.is_none());
        let shard =
            open.find(|shard| (shard.hashes.0..=shard.hashes.1).contains(&hash)).expect("open shards cover all");
        shard.puts.push(Put { sequence, key: key.to_owned(), data, arrived_ms: now_ms() });
        let id = shard.id.clone();
        self.changed.send_modify(|changes| *changes += 1);
        Ok((id, sequence))
    }

    /// Closes a shard and opens two for its keys.
    pub fn split(&mut self, stream: &str, shard: &str, at: u128) -> Result<(), Refusal> {
        let (first, last) = self.close(stream, shard, |hashes| hashes.0 < at && at <= hashes.1)?;
        let mut changed = self.streams.remove(stream).expect("it was found a line ago");
        self.open(&mut changed, vec![shard.to_owned()], (first, at - 1));
        self.open(&mut changed, vec![shard.to_owned()], (at, last));
        self.streams.insert(stream.to_owned(), changed);
        self.changed.send_modify(|changes| *changes += 1);
        Ok(())
    }

    /// Closes two shards whose keys adjoin and opens one for both.
    pub fn merge(&mut self, stream: &str, shard: &str, adjacent: &str) -> Result<(), Refusal> {
        let found = |world: &mut Self, id: &str| Ok(world.shard(stream, id)?.hashes);
        let (a, b) = (found(self, shard)?, found(self, adjacent)?);
        if a.1.wrapping_add(1) != b.0 && b.1.wrapping_add(1) != a.0 {
            return refuse("InvalidArgumentException", "the shards do not adjoin");
        }
        self.close(stream, shard, |_| true)?;
        self.close(stream, adjacent, |_| true)?;
        let mut changed = self.streams.remove(stream).expect("it was found a line ago");
        self.open(&mut changed, vec![shard.to_owned(), adjacent.to_owned()], (a.0.min(b.0), a.1.max(b.1)));
        self.streams.insert(stream.to_owned(), changed);
        self.changed.send_modify(|changes| *changes += 1);
        Ok(())
    }

    fn close(
        &mut self,
        stream: &str,
        shard: &str,
        fits: impl FnOnce((u128, u128)) -> bool,
    ) -> Result<(u128, u128), Refusal> {
        self.sequence += 1;
        let sequence = self.sequence;
        let shard = self.shard(stream, shard)?;
        if shard.last_sequence.is_some() || !fits(shard.hashes) {
            return refuse("InvalidArgumentException", "the shard is closed, or the key lies not within it");
        }
        shard.last_sequence = Some(sequence);
        Ok(shard.hashes)
    }

    pub fn stream(&mut self, name: &str) -> Result<&mut Stream, Refusal> {
        let message = format!("Stream {name} under account 123456789012 not found.");
        match self.streams.get_mut(name) {
            Some(stream) => Ok(stream),
            None => refuse("ResourceNotFoundException", message),
        }
    }

    pub fn shard(&mut self, stream: &str, id: &str) -> Result<&mut Shard, Refusal> {
        match self.stream(stream)?.shards.iter_mut().find(|shard| shard.id == id) {
            Some(shard) => Ok(shard),
            None => refuse("ResourceNotFoundException", format!("Shard {id} in stream {stream} does not exist.")),
        }
    }

    /// Every iterator given so far has lived its five minutes.
    pub fn expire_iterators(&mut self) {
        self.expired_before = self.serial + 1;
    }

    pub fn iterator_text(&mut self, stream: &str, shard: &str, at: usize) -> String {
        self.serial += 1;
        format!("{}|{stream}|{shard}|{at}", self.serial)
    }

    pub fn read_iterator(&self, text: &str) -> Result<Iterator, Refusal> {
        let parts: Vec<&str> = text.split('|').collect();
        let [serial, stream, shard, at] = parts[..] else {
            return refuse("InvalidArgumentException", "Invalid ShardIterator.");
        };
        let (Ok(serial), Ok(at)) = (serial.parse::<u64>(), at.parse()) else {
            return refuse("InvalidArgumentException", "Invalid ShardIterator.");
        };
        if serial < self.expired_before {
            return refuse("ExpiredIteratorException", "Iterator expired.");
        }
        Ok(Iterator { stream: stream.to_owned(), shard: shard.to_owned(), at })
    }

    /// The index that reading begins at.
    pub fn find(
        &mut self,
        stream: &str,
        shard: &str,
        kind: &str,
        said: &Value,
        time: Option<f64>,
    ) -> Result<usize, Refusal> {
        let shard = self.shard(stream, shard)?;
        let sequence = || {
            let sequence = said.as_str().and_then(sequence_of).filter(|sequence| *sequence >= shard.first_sequence);
            let Some(sequence) = sequence else {
                return refuse("InvalidArgumentException", "StartingSequenceNumber is not one of this shard's.");
            };
            Ok(sequence)
        };
        let at = match kind {
            "TRIM_HORIZON" => 0,
            "LATEST" => shard.puts.len(),
            "AT_SEQUENCE_NUMBER" => {
                let sequence = sequence()?;
                shard.puts.partition_point(|put| put.sequence < sequence)
            }
            "AFTER_SEQUENCE_NUMBER" => {
                let sequence = sequence()?;
                shard.puts.partition_point(|put| put.sequence <= sequence)
            }
            "AT_TIMESTAMP" => {
                let Some(ms) = time.map(|seconds| (seconds * 1000.0) as i64).filter(|ms| *ms <= now_ms()) else {
                    return refuse(
                        "InvalidArgumentException",
                        "The timestampInMillis parameter cannot be in the future.",
                    );
                };
                shard.puts.iter().position(|put| put.arrived_ms >= ms).unwrap_or(shard.puts.len())
            }
            other => return refuse("InvalidArgumentException", format!("{other} is no iterator type.")),
        };
        Ok(at.max(shard.trimmed))
    }

    /// Counts a read against the shard's limits.
    pub fn meter(&mut self, stream: &str, shard: &str) -> Result<(), Refusal> {
        if !self.metered {
            return Ok(());
        }
        let now = Instant::now();
        let shard = self.shard(stream, shard)?;
        shard.reads.retain(|read| now - *read < WINDOW);
        if shard.reads.len() >= READS_MAX || shard.rests_until.is_some_and(|until| now < until) {
            self.over_rate += 1;
            return refuse("ProvisionedThroughputExceededException", "Rate exceeded for shard.");
        }
        shard.reads.push_back(now);
        Ok(())
    }

    pub fn read(&mut self, stream: &str, shard: &str, at: usize, limit: usize) -> Result<Given, Refusal> {
        let read_bytes_max = self.read_bytes_max;
        let read = self.shard(stream, shard)?;
        let at = at.max(read.trimmed);
        let (mut records, mut bytes) = (Vec::new(), 0);
        for put in read.puts.iter().skip(at).take(limit) {
            if bytes + put.data.len() > read_bytes_max && !records.is_empty() {
                break;
            }
            bytes += put.data.len();
            records.push(put.clone());
        }
        read.rests_until = Some(Instant::now() + Duration::from_secs(1) * bytes as u32 / BYTES_PER_SECOND as u32);
        let next = at + records.len();
        let behind_ms = read.puts.get(next).map_or(0, |put| (now_ms() - put.arrived_ms).max(1));
        let ended = read.last_sequence.is_some() && next == read.puts.len();
        let children = match ended {
            true => Some(self.children(stream, shard)?),
            false => None,
        };
        Ok(Given { records, next, behind_ms, children })
    }

    fn children(&mut self, stream: &str, shard: &str) -> Result<Vec<Value>, Refusal> {
        let shards = &self.stream(stream)?.shards;
        let children = shards.iter().filter(|child| child.parents.iter().any(|parent| parent == shard));
        Ok(children
            .map(|child| json!({"ShardId": child.id, "ParentShards": child.parents, "HashKeyRange": hashes(child.hashes)}))
            .collect())
    }
}

pub fn hashes((first, last): (u128, u128)) -> Value {
    json!({"StartingHashKey": first.to_string(), "EndingHashKey": last.to_string()})
}
