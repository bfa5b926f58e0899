//! Going on after a loss that an operator accepts, and saying so.
//!
//! What verifies is kept: each unbroken run of records becomes a sealed segment, the rest is declared lost. The new
//! hot segment starts after the anchored head, so no position is ever used twice, and the chain goes on from the
//! anchor's value. Nothing is deleted: what was damaged moves to `damaged/`. As everywhere, replacing the manifest is
//! the step that counts; a crash before it leaves the store as it was, to be repaired again.
//!
//! Where the anchor itself is lost, the store's own head is all there is to go on from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::anchor::{Anchor, Anchored};
use super::chunk::{self, Head};
use super::hot::{self, Carried, Hot};
use super::layout::{Format, Layout, doing, hot_name, sync_dir, take_lock};
use super::manifest::{ActiveEntry, Loss, Manifest, SealedEntry};
use super::verify::{verify, verify_sealed};
use super::{OpenError, whole_story};
use crate::events::Recorded;
use crate::journal::sealed::{SealedError, Segment, Writer};
use crate::journal::{ChainValue, StoredRecord};
use crate::model::{ConsumerName, Epoch, Mark, MarkName, Position, Scope, Sequence, Timestamp};

const CACHE_BYTES: u64 = 16 << 20;

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// What is declared lost now. The next opening appends a `DataLossAccepted` for each.
    pub losses: Vec<Loss>,
    /// The first position that the journal will use.
    pub next: Position,
}

/// Repairs the store in a directory that no process is writing, accepting the loss of what does not verify. None if
/// it verifies: then nothing was done.
pub fn repair(data_dir: &Path) -> Result<Option<Repaired>, OpenError> {
    let finding = match verify(data_dir) {
        Ok(_) => return Ok(None),
        // another history is no damage: nobody can say which of the two is lost
        Err(error @ (OpenError::Locked { .. } | OpenError::NoStore { .. } | OpenError::NotTheAnchored { .. })) => {
            return Err(error);
        }
        Err(error) => whole_story(&error),
    };
    let layout = Layout::new(data_dir);
    let _lock = take_lock(&layout)?;
    let store = Format::read(&layout)?.store(&layout.format())?;
    let old = Manifest::read(&layout)?;
    let anchored = Anchor::open(&layout.anchor()).ok().and_then(|(_, anchored)| anchored);
    let mut kept = Kept::new(&store);
    for entry in &old.sealed {
        kept.take_sealed(&layout, entry)?;
    }
    let hot_dirs = old.retired.iter().map(|retired| &retired.dir).chain([&old.active.dir]);
    for dir in hot_dirs.clone() {
        kept.take_hot(&layout, dir)?;
    }
    let manifest = kept.go_on(&layout, &old, anchored, &finding)?;
    let losses = manifest.losses.iter().filter(|loss| !loss.recorded).cloned().collect();
    // Before the manifest says that all is well: a crash in between repairs again, and no saved state outlives what it
    // was saved from, which would be believed as soon as sequences reach it again.
    let derived = layout.derived();
    match std::fs::remove_dir_all(&derived) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(OpenError::Io { verb: "removing", path: derived, source });
        }
        _ => {}
    }
    manifest.write(&layout)?;
    set_aside(&layout, &old, &manifest)?;
    Ok(Some(Repaired { losses, next: manifest.active.first }))
}

/// What still holds, gathered in order of position.
struct Kept<'a> {
    store: &'a [u8; 16],
    sealed: Vec<SealedEntry>,
    scopes: BTreeMap<Scope, Sequence>,
    cursors: BTreeMap<ConsumerName, Position>,
    marks: BTreeMap<MarkName, Mark>,
    epoch: Epoch,
    recorded_at: Timestamp,
}

/// Records without a gap between them.
struct Run {
    chain_before: ChainValue,
    records: Vec<StoredRecord>,
}

impl<'a> Kept<'a> {
    fn new(store: &'a [u8; 16]) -> Self {
        Self {
            store,
            sealed: Vec::new(),
            scopes: BTreeMap::new(),
            cursors: BTreeMap::new(),
            marks: BTreeMap::new(),
            epoch: Epoch(0),
            recorded_at: Timestamp::from_micros(i64::MIN),
        }
    }

    /// Keeps a sealed segment, or what of it can be read.
    fn take_sealed(&mut self, layout: &Layout, entry: &SealedEntry) -> Result<(), OpenError> {
        let Ok(segment) = Segment::open(&entry.path(&layout.sealed_root()), self.store) else { return Ok(()) };
        if verify_sealed(layout, self.store, entry).is_ok() {
            let noted = segment.stream::<SealedError>(|record| {
                self.note(record.bytes);
                Ok(())
            });
            if noted.is_ok() {
                self.sealed.push(entry.clone());
                return Ok(());
            } // it was whole a moment ago: what can be read of it is kept, as of any other
        }
        let mut runs: Vec<Run> = Vec::new();
        for position in entry.first.0..=entry.last.0 {
            let Ok(record) = segment.record(Position(position)) else { continue };
            match runs.last_mut() {
                Some(run) if run.ends_before(&record) => run.records.push(record),
                _ if position == entry.first.0 => {
                    runs.push(Run { chain_before: entry.chain_before, records: vec![record] });
                }
                // the chain value before this one is not known, only the one after it: the run begins behind it
                _ => runs.push(Run { chain_before: record.chain, records: Vec::new() }),
            }
        }
        self.seal(layout, runs)
    }

    /// Seals what of a hot segment can be read and verifies.
    fn take_hot(&mut self, layout: &Layout, dir: &str) -> Result<(), OpenError> {
        let salvage = hot::salvage(&layout.hot(dir), CACHE_BYTES);
        let mut runs: Vec<Run> = Vec::new();
        for (first, bytes) in &salvage.chunks {
            let Some(chain_before) = chunk::chunk_chain_before(bytes) else { continue };
            let mut records = Vec::new();
            // what precedes the damage in a chunk holds; the chunk's own findings were named by verify
            let _ = chunk::read_log_chunk(*first, bytes, |position, bytes, chain| {
                records.push(StoredRecord { position, bytes: bytes.to_vec(), chain });
            });
            match runs.last_mut() {
                Some(run) if run.end() == (Position(first.0 - 1), chain_before) => run.records.extend(records),
                _ => runs.push(Run { chain_before, records }),
            }
        }
        for (scope, sequence) in salvage.carried.scopes {
            let last = self.scopes.entry(scope).or_default();
            *last = sequence.max(*last);
        }
        self.cursors.extend(salvage.carried.cursors);
        self.marks.extend(salvage.carried.marks);
        self.seal(layout, runs)
    }

    /// Writes each run that continues what is kept into a sealed segment.
    fn seal(&mut self, layout: &Layout, runs: Vec<Run>) -> Result<(), OpenError> {
        let root = layout.sealed_root();
        fs::create_dir_all(&root).map_err(doing("creating", &root))?;
        for run in runs.into_iter().filter(|run| !run.records.is_empty()) {
            let (first, last) = (run.records[0].position, run.end().0);
            if self.sealed.last().is_some_and(|kept| kept.last >= first) {
                continue; // its positions are kept already
            }
            let unwritten = |error| OpenError::Unreadable { path: root.clone(), finding: whole_story(&error) };
            let mut writer = Writer::create(&root, *self.store, first, run.chain_before).map_err(unwritten)?;
            for record in &run.records {
                writer.push(record).map_err(unwritten)?;
                self.note(&record.bytes);
            }
            let sealed = writer.finish().map_err(unwritten)?;
            self.sealed.push(SealedEntry {
                first,
                last,
                chain_before: run.chain_before,
                chain: sealed.summary.chain_after,
                file: sealed.name,
                sha256: sealed.file,
                bytes: sealed.bytes,
                archived: None,
                announced: false,
            });
        }
        Ok(())
    }

    fn note(&mut self, record: &[u8]) {
        let Ok(Recorded { envelope, .. }) = Recorded::from_bytes(record) else { return };
        let last = self.scopes.entry(envelope.scope).or_default();
        *last = envelope.sequence.max(*last);
        self.epoch = self.epoch.max(envelope.epoch);
        self.recorded_at = self.recorded_at.max(envelope.recorded_at);
    }

    /// Makes the new hot segment, moves the anchor to its start, and says what the store consists of from now on.
    fn go_on(
        self,
        layout: &Layout,
        old: &Manifest,
        anchored: Option<Anchored>,
        finding: &str,
    ) -> Result<Manifest, OpenError> {
        let genesis = (Position(0), ChainValue::genesis(self.store));
        let kept_end = self.sealed.last().map_or(genesis, |last| (last.last, last.chain));
        let (end, chain) = match anchored {
            Some(anchored) if anchored.position > kept_end.0 => (anchored.position, anchored.chain),
            _ => kept_end,
        };
        let epoch = anchored.map_or(self.epoch, |anchored| anchored.epoch.max(self.epoch));
        let head = Head {
            store: *self.store,
            first: end.next(),
            chain_before: chain,
            position: end,
            chain,
            epoch,
            recorded_at: self.recorded_at,
        };
        let name = hot_name(end.next());
        let dir = (0_u32..)
            .map(|nth| if nth == 0 { name.clone() } else { format!("{name}-repaired-{nth}") })
            .find(|dir| !layout.hot(dir).exists())
            .expect("a directory holds fewer than 2^32 names");
        let carried = Carried {
            scopes: self.scopes.into_iter().collect(),
            cursors: self.cursors.into_iter().collect(),
            marks: self.marks.into_iter().collect(),
        };
        Hot::create(&layout.hot(&dir), head, carried, CACHE_BYTES)?;

        let path = layout.anchor();
        let start = Anchored { position: end, chain, epoch, segment: end.next() };
        if !path.exists() {
            Anchor::create(&path, start).map_err(doing("creating", &path))?;
        }
        let (mut anchor, _) = Anchor::open(&path).map_err(doing("opening", &path))?;
        anchor.write(start).and_then(|()| anchor.sync()).map_err(doing("writing", &path))?;
        sync_dir(&layout.root).map_err(doing("syncing", &layout.root))?;

        let mut losses = old.losses.clone();
        let declared = old.losses.iter().map(|loss| (loss.from, loss.to));
        let mut present: Vec<_> = self.sealed.iter().map(|kept| (kept.first, kept.last)).chain(declared).collect();
        present.sort_unstable();
        let mut next = Position(1);
        for (first, last) in present.into_iter().chain([(end.next(), end.next())]) {
            if first > next {
                let (from, to) = (next, Position(first.0 - 1));
                losses.push(Loss { from, to, finding: finding.to_owned(), recorded: false });
            }
            next = next.max(last.next());
        }
        losses.sort_by_key(|loss| loss.from);
        let active = ActiveEntry { dir, first: end.next(), chain_before: chain };
        Ok(Manifest { sealed: self.sealed, retired: Vec::new(), active, losses })
    }
}

impl Run {
    /// Position and chain value at its end; for an empty run, before its first record to come.
    fn end(&self) -> (Position, ChainValue) {
        self.records.last().map_or((Position(0), self.chain_before), |last| (last.position, last.chain))
    }

    fn ends_before(&self, record: &StoredRecord) -> bool {
        let (position, chain) = self.end();
        let follows = self.records.is_empty() || position.next() == record.position;
        follows && chain.after(&record.bytes) == record.chain
    }
}

/// Moves what the new manifest no longer names out of the store.
fn set_aside(layout: &Layout, old: &Manifest, new: &Manifest) -> Result<(), OpenError> {
    let damaged = layout.damaged_root();
    fs::create_dir_all(&damaged).map_err(doing("creating", &damaged))?;
    let segments = old.sealed.iter().filter(|entry| entry.archived.is_none() && !new.sealed.contains(entry));
    let files = segments.map(|entry| entry.path(&layout.sealed_root()));
    let dirs = old.retired.iter().map(|retired| &retired.dir).chain([&old.active.dir]).map(|dir| layout.hot(dir));
    for path in files.chain(dirs).filter(|path| path.exists()) {
        // a file that the repair wrote anew under the old name is part of the store
        let name = path.file_name().expect("a part of the store has a name").to_os_string();
        if new.sealed.iter().any(|entry| *entry.file == *name) {
            continue;
        }
        let free = (0_u32..).map(|nth| damaged.join(format!("{nth}-{}", name.to_string_lossy())));
        let target = free.into_iter().find(|target| !target.exists()).expect("a directory holds fewer than 2^32 names");
        fs::rename(&path, &target).map_err(doing("setting aside", &path))?;
    }
    sync_dir(&damaged).map_err(doing("syncing", &damaged))
}
