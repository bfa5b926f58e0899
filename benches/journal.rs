//! What the journal costs, as ratios measured in one run, both sides named and run in turn.
//!
//! 1. Durable appends from 64 concurrent writers, against a raw file with the same batching and `fdatasync`.
//! 2. Replay with hash checks from the hot segment, against bare scans of sled.
//! 3. Replay with hash checks from a sealed segment, against a plain sequential read with the same hashing.
//! 4. Bytes per event on disk.
//!
//! Replays are single-threaded and read from the page cache, so both sides are measured in CPU time of the reading thread,
//! which a busy machine disturbs far less than the wall clock. Appends wait for the disk and are measured by the wall.

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use streamwarden::clock::SystemClock;
use streamwarden::events::{Actor, Event, InputGap, NewEvent, Recorded};
use streamwarden::journal::sealed::{SealedError, Segment};
use streamwarden::journal::{Append, ChainValue, Expected, Journal, Options, READ_LIMIT_MAX, SledJournal};
use streamwarden::model::{ChannelId, Epoch, EventId, Position, Scope, Sequence, Timestamp};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc; // as in the program

const WRITERS: u64 = 64;
const CHANNELS: u64 = 2_000;
const APPEND_ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const REPLAY_EVENTS: u64 = 150_000;
const REPLAY_ROUNDS: usize = 9;
const BATCH_EVENTS_MAX: usize = 256;

fn main() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory on the disk that is measured");
    println!("{:58} {:>14} {:>14} {:>7}", "", "ours", "reference", "ratio");
    appends(dir.path());
    replays(dir.path());
}

/// An event as large as an assessed frame with two labels: about 330 bytes with its envelope.
fn event(number: u64) -> (Scope, NewEvent) {
    let scope = ChannelId::new(format!("arn:aws:ivs:eu-west-1:123456789012:channel/{:012}", number % CHANNELS));
    let gap = InputGap {
        source: format!("{number:08}{}", "0123456789".repeat(11)),
        from: Timestamp::from_micros(number as i64),
        to: Timestamp::from_micros(number as i64 + 1),
    };
    let new = NewEvent {
        id: EventId::of_command("bench", &[&number.to_be_bytes()]),
        event: Event::from(gap),
        captured_at: Some(Timestamp::from_micros(number as i64)),
        actor: Actor::service("intake"),
        causation: None,
        correlation: None,
    };
    (scope.expect("it is a name").into(), new)
}

fn record(number: u64) -> Vec<u8> {
    let (scope, new) = event(number);
    let position = Position(number + 1);
    let sealed = Recorded::seal(&new, scope, position, Sequence(1), Timestamp::from_micros(0), Epoch(1));
    sealed.expect("it is small").to_bytes().expect("it is small")
}

fn open(dir: &Path, roll_after_events: u64) -> SledJournal {
    let options = Options { roll_after_events, reserve_bytes: 0, ..Options::new(dir, Arc::new(SystemClock)) };
    SledJournal::open(options).expect("a new store opens")
}

fn row(what: &str, ours: f64, reference: f64) {
    println!("{what:58} {ours:>14.0} {reference:>14.0} {:>7.2}", ours / reference);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn appends(dir: &Path) {
    let journal = open(&dir.join("appends"), u64::MAX);
    let raw = RawFile::start(&dir.join("raw"));
    let (mut ours, mut reference) = (Vec::new(), Vec::new());
    for round in 0..APPEND_ROUNDS as u64 {
        let base = round * 1_000_000_000;
        ours.push(rate(|number| {
            let (scope, event) = event(base + number);
            let append = Append { scope, expected: Expected::Any, events: vec![event] };
            journal.append(append).wait().expect("the disk has room");
        }));
        reference.push(rate(|number| raw.append(record(base + number))));
    }
    row("durable appends/s, 64 writers, 1 event each (raw file)", median(ours), median(reference));
}

/// Appends per second of all writers together over one round.
fn rate(append: impl Fn(u64) + Sync) -> f64 {
    let begun = Instant::now();
    let total: u64 = std::thread::scope(|threads| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let append = &append;
                threads.spawn(move || {
                    let mut done = 0;
                    while begun.elapsed() < ROUND {
                        append(done * WRITERS + writer);
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().expect("no writer panics")).sum()
    });
    total as f64 / begun.elapsed().as_secs_f64()
}

/// The reference: a file, one thread, the same batching, one `write` and one `fdatasync` per batch.
struct RawFile(SyncSender<(Vec<u8>, SyncSender<()>)>);

impl RawFile {
    fn start(path: &Path) -> Self {
        let mut file = File::create(path).expect("the directory is writable");
        let (queue, requests): (_, Receiver<(Vec<u8>, SyncSender<()>)>) = sync_channel(4096);
        std::thread::spawn(move || {
            while let Ok(first) = requests.recv() {
                let mut waiting = vec![first];
                while waiting.len() < BATCH_EVENTS_MAX
                    && let Ok(next) = requests.try_recv()
                {
                    waiting.push(next);
                }
                let bytes: Vec<u8> = waiting.iter().flat_map(|(record, _)| record.iter().copied()).collect();
                file.write_all(&bytes).expect("the disk has room");
                file.sync_data().expect("the disk works");
                for (_, done) in waiting {
                    let _ = done.send(());
                }
            }
        });
        Self(queue)
    }

    fn append(&self, record: Vec<u8>) {
        let (done, wait) = sync_channel(1);
        self.0.send((record, done)).expect("its thread lives");
        wait.recv().expect("its thread lives");
    }
}

fn fill(journal: &SledJournal) {
    let mut tickets = std::collections::VecDeque::new();
    for number in 0..REPLAY_EVENTS {
        let (scope, event) = event(number);
        tickets.push_back(journal.append(Append { scope, expected: Expected::Any, events: vec![event] }));
        if tickets.len() > 2000 {
            tickets.pop_front().expect("it is not empty").wait().expect("the disk has room");
        }
    }
    for ticket in tickets {
        ticket.wait().expect("the disk has room");
    }
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Events per second of reading everything through the port.
fn replay(journal: &SledJournal) -> f64 {
    let begun = cpu();
    let (mut after, mut events) = (Position(0), 0);
    loop {
        let page = journal.read(after, READ_LIMIT_MAX).expect("it is whole");
        let Some(last) = page.last() else { return events as f64 / (cpu() - begun).as_secs_f64() };
        after = last.envelope.position;
        events += page.len();
    }
}

fn replays(dir: &Path) {
    let hot_dir = dir.join("hot-replay");
    let journal = open(&hot_dir, u64::MAX);
    fill(&journal);
    drop(journal);
    let hot_bytes = size_of(&hot_dir.join("hot"));

    // the plain way to keep events in sled: a key each
    let plain = sled::open(dir.join("plain")).expect("a new directory opens");
    for number in 0..REPLAY_EVENTS {
        plain.insert(number.to_be_bytes(), record(number)).expect("the disk has room");
    }
    drop(plain);

    let (mut ours, mut per_event, mut per_chunk) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPLAY_ROUNDS {
        let journal = open(&hot_dir, u64::MAX);
        ours.push(replay(&journal));
        drop(journal);
        per_event.push(bare_scan(&dir.join("plain")));
        let chunks = fs::read_dir(hot_dir.join("hot")).expect("it is there").next().expect("one").expect("one").path();
        per_chunk.push(bare_scan(&chunks));
    }
    let ours = median(ours);
    row("replay hot, hash-checked, events/s (bare scan, key per event)", ours, median(per_event));
    row("replay hot, hash-checked, events/s (bare scan, our chunks)", ours, median(per_chunk));
    sealed(dir, hot_bytes);
}

/// Events per second of iterating over everything in a sled directory and touching each value.
fn bare_scan(dir: &Path) -> f64 {
    let db = sled::Config::new().path(dir).cache_capacity(64 << 20).open().expect("it opens");
    let begun = cpu();
    let mut bytes = 0;
    for item in db.iter() {
        let (key, value) = item.expect("it reads");
        bytes += key.len() + value.len();
    }
    assert!(bytes > 0);
    REPLAY_EVENTS as f64 / (cpu() - begun).as_secs_f64()
}

fn sealed(dir: &Path, hot_bytes: u64) {
    let sealed_dir = dir.join("sealed-replay");
    let journal = open(&sealed_dir, REPLAY_EVENTS);
    fill(&journal);
    while journal.manifest().sealed.is_empty() {
        std::thread::yield_now();
    }
    let manifest = journal.manifest();
    let mut raw = Vec::new();
    for number in 0..REPLAY_EVENTS {
        let record = record(number);
        raw.extend_from_slice(&(record.len() as u32).to_be_bytes());
        raw.extend_from_slice(&record);
    }
    let raw_path = dir.join("sequential");
    fs::write(&raw_path, &raw).expect("the disk has room");

    let (mut through_port, mut streamed, mut reference) = (Vec::new(), Vec::new(), Vec::new());
    let file = sealed_dir.join("sealed").join(&manifest.sealed[0].file);
    let segment = Segment::open(&file, &journal.store_id()).expect("it was just written");
    for _ in 0..REPLAY_ROUNDS {
        through_port.push(replay(&journal));
        let begun = cpu();
        let mut events = 0_u64;
        segment
            .stream::<SealedError>(|record| {
                events += u64::from(!record.bytes.is_empty());
                Ok(())
            })
            .expect("it is whole");
        assert_eq!(events, segment.count());
        streamed.push(events as f64 / (cpu() - begun).as_secs_f64());
        reference.push(sequential(&raw_path));
    }
    let reference = median(reference);
    row("replay sealed, hash-checked, events/s (read + hash)", median(streamed), reference);
    row("the same through the port, envelopes parsed (read + hash)", median(through_port), reference);
    let per_event = |bytes: u64| bytes as f64 / REPLAY_EVENTS as f64;
    let raw_bytes = per_event(raw.len() as u64);
    row("bytes per event, hot (raw records)", per_event(hot_bytes), raw_bytes);
    row("bytes per event, sealed with indexes (raw records)", per_event(manifest.sealed[0].bytes), raw_bytes);
}

/// Events per second of reading length-prefixed records from a file and hashing leaf and chain.
fn sequential(path: &Path) -> f64 {
    let begun = cpu();
    let mut file = BufReader::with_capacity(64 * 1024, File::open(path).expect("it is there"));
    let mut chain = ChainValue::genesis(&[0; 16]);
    let (mut length, mut record, mut events) = ([0; 4], Vec::new(), 0_u64);
    while file.read_exact(&mut length).is_ok() {
        record.resize(u32::from_be_bytes(length) as usize, 0);
        file.read_exact(&mut record).expect("it is whole");
        chain = chain.after(&record);
        events += 1;
    }
    assert_eq!(events, REPLAY_EVENTS);
    events as f64 / (cpu() - begun).as_secs_f64()
}

/// Bytes that a directory takes on the disk (sled allocates ahead; holes do not count).
fn size_of(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = fs::read_dir(dir).expect("it is there").map(|entry| entry.expect("it can be listed"));
    entries
        .map(|entry| match entry.path() {
            path if path.is_dir() => size_of(&path),
            path => path.metadata().expect("it is there").blocks() * 512,
        })
        .sum()
}
