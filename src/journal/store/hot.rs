//! One hot segment: a sled directory with one tree.
//!
//! sled is the store, not the proof. Its `flush` does not reach the disk on Linux, so [`Hot::sync`] does; it may open
//! silently short or answer with a damaged value, so every record read is hashed again and the head is checked
//! against the anchor by whoever opens. Written by one thread only, through [`Hot::commit`].

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fail::fail_point;

use super::chunk::{self, Damage, HEAD_KEY, Head};
use super::index::Index;
use super::layout::{doing, sync_dir, sync_tree};
use super::{OpenError, StoreFault};
use crate::events::Recorded;
use crate::journal::{ChainValue, ReadError};
use crate::model::{ConsumerName, EventId, Mark, MarkName, Position, Scope, Sequence};

/// How often a directory is asked for again that this very process has just let go of: sled hands its lock back a
/// moment after the last handle is dropped.
const LOCK_ATTEMPTS_MAX: u32 = 500;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// What a segment is told at its start of everything before it.
#[derive(Default)]
pub(in crate::journal) struct Carried {
    /// Scopes and their last sequences, by number.
    pub scopes: Vec<(Scope, Sequence)>,
    pub cursors: Vec<(ConsumerName, Position)>,
    pub marks: Vec<(MarkName, Mark)>,
}

/// An open hot segment.
pub(in crate::journal) struct Hot {
    pub dir: PathBuf,
    pub first: Position,
    pub chain_before: ChainValue,
    db: sled::Db,
    /// A handle of our own on sled's file, opened before our first write, so that an error of any later write-back
    /// is reported to it.
    file: File,
    index: RwLock<Index>,
}

impl Hot {
    /// Makes a segment whose first batch carries everything that the one before it knew. Durable when this returns,
    /// except for the name of its directory in the one above.
    pub fn create(dir: &Path, head: Head, carried: Carried, cache_bytes: u64) -> Result<Self, OpenError> {
        fs::create_dir_all(dir).map_err(doing("creating", dir))?;
        let db = open_sled(dir, cache_bytes).map_err(|fault| fault.of(dir))?;
        let file = own_handle(dir)?;
        let mut batch = sled::Batch::default();
        for (number, bytes) in chunk::scope_chunks(0, &carried.scopes) {
            batch.insert(&chunk::scope_key(number), bytes);
        }
        let mut index = Index::new(head.first);
        for (scope, carry) in &carried.scopes {
            index.register(scope, *carry);
        }
        for (consumer, position) in carried.cursors {
            batch.insert(chunk::cursor_key(consumer.as_str()), &position.0.to_be_bytes());
            index.cursors.insert(consumer, position);
        }
        for (name, mark) in carried.marks {
            batch.insert(chunk::mark_key(name.as_str()), mark.as_str());
            index.mark(name, Some(mark));
        }
        batch.insert(HEAD_KEY, head.to_bytes());
        let hot = Self {
            dir: dir.to_owned(),
            first: head.first,
            chain_before: head.chain_before,
            db,
            file,
            index: RwLock::new(index),
        };
        fail_point!("create.opened");
        hot.commit(batch).map_err(|fault| fault.of(dir))?;
        fail_point!("create.committed");
        hot.sync_all().map_err(doing("syncing", dir))?;
        Ok(hot)
    }

    /// Opens a segment and loads its index. Does not verify the log.
    pub fn open(dir: &Path, cache_bytes: u64) -> Result<(Self, Head), OpenError> {
        for name in ["db", "conf"] {
            let path = dir.join(name);
            if !path.is_file() {
                return Err(OpenError::Missing { path }); // sled would make an empty one and say nothing
            }
        }
        set_aside_snapshots(dir, |name| name.ends_with(".generating")).map_err(doing("setting aside in", dir))?;
        let db = match open_sled(dir, cache_bytes) {
            Err(StoreFault::Sled(sled::Error::Corruption { .. })) => {
                // a torn snapshot is derived from the log; without it sled reads the log
                set_aside_snapshots(dir, |_| true).map_err(doing("setting aside in", dir))?;
                open_sled(dir, cache_bytes)
            }
            opened => opened,
        };
        let db = db.map_err(|fault| fault.of(dir))?;
        let file = own_handle(dir)?;
        let (head, index) = guarded(|| load(&db)).map_err(|fault| fault.of(dir))?.map_err(OpenError::Damaged)?;
        let hot = Self {
            dir: dir.to_owned(),
            first: head.first,
            chain_before: head.chain_before,
            db,
            file,
            index: RwLock::new(index),
        };
        hot.sync_all().map_err(doing("syncing", dir))?; // sled has just written a snapshot
        Ok((hot, head))
    }

    /// The head as stored.
    pub fn head(&self) -> Result<Head, StoreFault> {
        let head = guarded(|| Ok(self.db.get(HEAD_KEY)?))?.as_deref().and_then(Head::from_bytes);
        head.ok_or_else(|| missing(self.first).into())
    }

    pub fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner) // the writer only adds complete entries
    }

    pub fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a batch and hands it to the kernel. Not durable before [`sync`](Self::sync).
    pub fn commit(&self, batch: sled::Batch) -> Result<(), StoreFault> {
        self.db.apply_batch(batch)?;
        fail_point!("commit.after_batch");
        self.db.flush()?;
        Ok(())
    }

    /// Makes what was committed durable. An error is final: the kernel may have dropped the pages it could not write,
    /// and a second attempt would report success.
    pub fn sync(&self) -> io::Result<()> {
        fail_point!("journal.skip_sync", |_| Ok(())); // the negative control of the power-loss test, never in a release
        fail_point!("commit.sync", |_| Err(io::Error::other("a sync that was made to fail")));
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        fail_point!("journal.skip_sync", |_| Ok(()));
        sync_tree(&self.dir)?;
        sync_dir(self.dir.parent().unwrap_or(&self.dir))
    }

    /// Appends to `out` the events after `after`, up to `limit` in all and none after `until`.
    pub fn read(
        &self,
        after: Position,
        limit: usize,
        until: Position,
        out: &mut Vec<Recorded>,
    ) -> Result<(), ReadError> {
        let wanted = after.next();
        if wanted > until || out.len() >= limit {
            return Ok(());
        }
        guarded(|| {
            let start = self.chunk_holding(wanted)?;
            let mut link: Option<(ChainValue, Position)> = None;
            for item in self.db.range(start.as_slice()..=&chunk::log_key(until)) {
                let (key, value) = item?;
                let first = linked(&key, &value, link)?;
                let mut failed = None;
                let after_chunk = chunk::read_log_chunk(first, &value, |position, bytes, _| {
                    if position >= wanted && position <= until && out.len() < limit && failed.is_none() {
                        parse(out.last(), position, bytes)
                            .map_or_else(|error| failed = Some(error), |event| out.push(event));
                    }
                })
                .map_err(damaged)?;
                if let Some(error) = failed {
                    return Err(error.into());
                }
                if out.len() >= limit || after_chunk.1 > until {
                    return Ok(());
                }
                link = Some(after_chunk);
            }
            let missing = link.map_or(wanted, |(_, next)| next);
            Err(damaged(Damage::at(missing, "the log ends before it")).into())
        })
        .map_err(ReadError::from)
    }

    /// The events at these positions, which rise.
    pub fn read_at(&self, positions: &[Position]) -> Result<Vec<Recorded>, ReadError> {
        guarded(|| {
            let mut out = Vec::with_capacity(positions.len());
            let mut rest = positions;
            while let Some(&wanted) = rest.first() {
                let key = self.chunk_holding(wanted)?;
                let value = self.db.get(&key)?.ok_or_else(|| missing(wanted))?;
                let first = chunk::key_position(&key).ok_or_else(|| missing(wanted))?;
                let before = rest.len();
                let mut failed = None;
                let read = chunk::read_log_chunk(first, &value, |position, bytes, _| {
                    if rest.first() == Some(&position) && failed.is_none() {
                        rest = &rest[1..];
                        parse(out.last(), position, bytes)
                            .map_or_else(|error| failed = Some(error), |event| out.push(event));
                    }
                });
                match (failed, read) {
                    (Some(error), _) => return Err(error.into()),
                    (None, Err(damage)) if rest.len() == before => return Err(damaged(damage).into()),
                    // damage further on in the chunk is another position's
                    (None, _) if rest.len() < before => {}
                    (None, _) => return Err(missing(wanted).into()),
                }
            }
            Ok(out)
        })
        .map_err(ReadError::from)
    }

    /// The event of that id, if it is in this segment and not past `until`.
    pub fn find(&self, id: EventId, until: Position) -> Result<Option<Recorded>, ReadError> {
        let Some(position) = self.index().position(id).filter(|position| *position <= until) else { return Ok(None) };
        self.read_at(&[position]).map(|events| events.into_iter().next())
    }

    /// Reads the log from the chunk that holds `from` to the head, recomputing every hash and comparing every record
    /// with the index. Calls `each` with every position and the chain value after it. Returns the first damage.
    pub fn verify(
        &self,
        from: Position,
        head: &Head,
        mut each: impl FnMut(Position, &[u8], ChainValue),
    ) -> Result<(), StoreFault> {
        if head.position < self.first {
            return Ok(()); // an empty segment: its head says so, and the anchor is compared with the head
        }
        guarded(|| {
            let start = self.chunk_holding(from)?;
            let from_first = chunk::key_position(&start) == Some(self.first);
            let mut link = from_first.then_some((self.chain_before, self.first));
            let index = self.index();
            let mut newest = None;
            for item in self.db.range(start.as_slice()..=&chunk::log_key(Position(u64::MAX))) {
                let next = link.map_or(from, |(_, next)| next);
                let unread = |error: sled::Error| damaged(Damage::at(next, format!("sled cannot read it: {error}")));
                let (key, value) = item.map_err(unread)?;
                let first = linked(&key, &value, link)?;
                let mut failed = None;
                let next = chunk::read_log_chunk(first, &value, |position, bytes, chain| {
                    match parse(None, position, bytes) {
                        Err(error) => failed = failed.take().or(Some(error)),
                        Ok(Recorded { envelope, .. }) => {
                            let written = Some((envelope.epoch, envelope.recorded_at));
                            // two writers at once, or an older writer's event after a newer one's
                            if written < newest {
                                let finding = "its epoch or time of recording is before the one before it";
                                failed = failed.take().or(Some(damaged(Damage::at(position, finding))));
                            }
                            newest = written;
                            if !index.agrees(position, envelope.id, &envelope.scope, envelope.sequence) {
                                let finding = "the index says otherwise of it than its record";
                                failed = failed.take().or(Some(damaged(Damage::at(position, finding))));
                            }
                        }
                    }
                    if failed.is_none() {
                        each(position, bytes, chain);
                    }
                });
                if let Some(error) = failed {
                    return Err(error.into());
                }
                link = Some(next.map_err(damaged)?);
            }
            let (chain, next) = link.ok_or_else(|| missing(from))?;
            if next != head.position.next() {
                let at = next.min(head.position.next());
                let finding = format!("the log ends at position {}, its head says {}", next.0 - 1, head.position);
                return Err(damaged(Damage::at(at, finding)).into());
            }
            if chain != head.chain {
                let finding = format!("the chain value after it is {chain}, the head says {}", head.chain);
                return Err(damaged(Damage::at(head.position, finding)).into());
            }
            Ok(())
        })
    }

    /// The key of the chunk that should hold a position.
    fn chunk_holding(&self, position: Position) -> Result<Vec<u8>, StoreFault> {
        let key = self.db.range(..=chunk::log_key(position)).next_back().transpose()?.map(|(key, _)| key);
        match key {
            Some(key) if key.first() == Some(&b'e') => Ok(key.to_vec()),
            _ => Err(missing(position).into()),
        }
    }
}

/// What a repair can still read of a hot segment's directory.
#[derive(Default)]
pub(super) struct Salvage {
    /// Chunks of the log by first position, unverified.
    pub chunks: Vec<(Position, Vec<u8>)>,
    /// What the next segment would have been told, where index and scopes are whole.
    pub carried: Carried,
}

/// Reads whatever sled still gives of a segment. A directory that does not open at all gives nothing.
pub(super) fn salvage(dir: &Path, cache_bytes: u64) -> Salvage {
    let mut salvage = Salvage::default();
    if !dir.join("db").is_file() {
        return salvage;
    }
    // a file that cannot be set aside leaves a directory that does not open, which is an answer too
    let _ = set_aside_snapshots(dir, |_| true);
    let opened = open_sled(dir, cache_bytes).or_else(|fault| {
        // sled writes `conf` anew where there is none, with the same settings; a damaged one must not cost the log.
        let conf = dir.join("conf");
        fs::rename(&conf, dir.join("aside.conf")).map_err(|_| fault)?;
        open_sled(dir, cache_bytes)
    });
    let Ok(db) = opened else { return salvage };
    let _ = guarded(|| {
        for item in db.range(&chunk::log_key(Position(0))[..]..=&chunk::log_key(Position(u64::MAX))) {
            let (key, value) = item?; // after an error of sled's there is nothing to go on with
            salvage.chunks.extend(chunk::key_position(&key).map(|first| (first, value.to_vec())));
        }
        Ok(())
    });
    if let Ok(Ok((_, index))) = guarded(|| load(&db)) {
        salvage.carried = index.carried();
    }
    salvage
}

/// Runs reads of sled, which answers some damage by panicking.
fn guarded<T>(read: impl FnOnce() -> Result<T, StoreFault>) -> Result<T, StoreFault> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| Err(StoreFault::panicked(panic.as_ref())))
}

fn open_sled(dir: &Path, cache_bytes: u64) -> Result<sled::Db, StoreFault> {
    let config = sled::Config::new().path(dir).cache_capacity(cache_bytes).flush_every_ms(Some(500));
    let mut attempts = 0;
    loop {
        match guarded(|| Ok(config.open()?)) {
            Err(StoreFault::Sled(sled::Error::Io(error)))
                if attempts < LOCK_ATTEMPTS_MAX && error.to_string().contains("could not acquire lock") =>
            {
                attempts += 1;
                std::thread::sleep(LOCK_PAUSE);
            }
            opened => return opened,
        }
    }
}

fn own_handle(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("db");
    File::open(&path).map_err(doing("opening", &path))
}

fn set_aside_snapshots(dir: &Path, which: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("snap.") && which(&name) {
            fs::rename(entry.path(), dir.join(format!("aside.{name}")))?;
        }
    }
    Ok(())
}

/// Reads head, scopes, index, cursors and marks.
fn load(db: &sled::Db) -> Result<Result<(Head, Index), Damage>, StoreFault> {
    let Some(head) = db.get(HEAD_KEY)?.as_deref().and_then(Head::from_bytes) else {
        return Ok(Err(Damage::at(Position(0), "the hot segment's head is missing or damaged")));
    };
    let mut index = Index::new(head.first);
    for item in db.scan_prefix(b"n") {
        let (key, value) = item?;
        let number = key.get(1..).and_then(|number| number.try_into().ok()).map(u32::from_be_bytes);
        let scopes = chunk::read_scope_chunk(&value).filter(|_| number == Some(index.scopes()));
        let Some(scopes) = scopes else {
            return Ok(Err(Damage::at(
                head.first,
                format!("its list of scopes is damaged at number {}", index.scopes()),
            )));
        };
        for (scope, carry) in scopes {
            index.register(&scope, carry);
        }
    }
    for item in db.scan_prefix(b"i") {
        let (key, value) = item?;
        let next = index.next();
        let events = chunk::read_index_chunk(&value).filter(|_| chunk::key_position(&key) == Some(next));
        let Some(events) = events else { return Ok(Err(Damage::at(next, "its index entry is damaged or missing"))) };
        for (id, scope) in events {
            let position = index.next();
            if !index.push(id, scope) {
                return Ok(Err(Damage::at(position, "its index entry is damaged")));
            }
        }
    }
    if index.next() != head.position.next() {
        let at = index.next().min(head.position.next());
        let finding = format!("the index ends at position {}, the head says {}", index.next().0 - 1, head.position);
        return Ok(Err(Damage::at(at, finding)));
    }
    for item in db.scan_prefix(b"c") {
        let (key, value) = item?;
        let consumer = std::str::from_utf8(&key[1..]).ok().and_then(|name| ConsumerName::new(name).ok());
        let position = value.as_ref().try_into().ok().map(u64::from_be_bytes);
        let (Some(consumer), Some(position)) = (consumer, position) else {
            return Ok(Err(Damage::at(head.position, "a consumer's cursor is damaged")));
        };
        index.cursors.insert(consumer, Position(position));
    }
    for item in db.scan_prefix(b"m") {
        let (key, value) = item?;
        let name = std::str::from_utf8(&key[1..]).ok().and_then(|name| MarkName::new(name).ok());
        let mark = std::str::from_utf8(&value).ok().and_then(|mark| Mark::new(mark).ok());
        let (Some(name), Some(mark)) = (name, mark) else {
            return Ok(Err(Damage::at(head.position, "the mark of an input is damaged")));
        };
        index.mark(name, Some(mark));
    }
    Ok(Ok((head, index)))
}

/// The position a chunk starts at, if it continues the one before.
fn linked(key: &[u8], value: &[u8], link: Option<(ChainValue, Position)>) -> Result<Position, StoreFault> {
    let first = chunk::key_position(key).unwrap_or_default();
    if let Some((chain, next)) = link {
        if first != next {
            return Err(damaged(Damage::at(next, format!("the log goes on at position {first}"))).into());
        }
        if chunk::chunk_chain_before(value) != Some(chain) {
            return Err(damaged(Damage::at(first, "it does not continue the chain")).into());
        }
    }
    Ok(first)
}

/// Reads a record's envelope and checks that it is the one that belongs there. `before` is one read before it.
pub(super) fn parse(before: Option<&Recorded>, position: Position, bytes: &[u8]) -> Result<Recorded, ReadError> {
    let event = Recorded::from_bytes_after(before, bytes).map_err(|source| ReadError::Envelope { position, source })?;
    match event.envelope.position == position {
        true => Ok(event),
        false => {
            let finding = format!("its record says position {}", event.envelope.position);
            Err(ReadError::Damaged { position, finding })
        }
    }
}

fn damaged(damage: Damage) -> ReadError {
    ReadError::Damaged { position: damage.position, finding: damage.finding }
}

fn missing(position: Position) -> ReadError {
    damaged(Damage::at(position, "it is not in the log"))
}

impl From<StoreFault> for ReadError {
    fn from(fault: StoreFault) -> Self {
        match fault {
            StoreFault::Read(error) => error,
            other => Self::Store(Arc::from(other.to_string())),
        }
    }
}
