//! Writes a segment: to a temporary name, synced, read back and verified, renamed, the directory synced.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256 as Hasher};
use zstd::bulk::Compressor;

use super::layout::{BlockEntry, Footer, Header, Part};
use super::parts::Collected;
use super::{BLOCK_RAW_BYTES, SEGMENT_EVENTS_MAX, SealedError, Segment, Summary, block, file_name};
use crate::events::Recorded;
use crate::journal::{ChainValue, StoredRecord, leaf};
use crate::model::{Position, Sha256, Timestamp};

/// Level 3: measured at 0.34 of the raw size on frames that were skipped.
const ZSTD_LEVEL: i32 = 3;

/// A segment being written. Dropped without [`Writer::finish`], it leaves nothing behind.
pub struct Writer {
    directory: PathBuf,
    temporary: Temporary,
    out: BufWriter<File>,
    digest: Hasher,
    written: u64,
    compressor: Compressor<'static>,
    header: Header,
    blocks: Vec<BlockEntry>,
    pending: Pending,
    collected: Collected,
    chain: ChainValue,
    next: Position,
    count: u64,
    block_raw_bytes: usize,
}

/// A segment that is on the disk, verified, under its final name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The file's name within its directory.
    pub name: String,
    /// Digest of the file.
    pub file: Sha256,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// What verification read back.
    pub summary: Summary,
}

/// Records of the block being filled.
#[derive(Default)]
struct Pending {
    raw: Vec<u8>,
    count: u32,
    recorded_first: Timestamp,
    recorded_last: Timestamp,
    chain_before: Option<ChainValue>,
}

/// Removed when dropped: after the rename there is nothing left under this name.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0); // a leftover is removed by the next opening of the journal as well
    }
}

impl Writer {
    /// Begins a segment of the store `store` in `directory`, at position `first`, with the chain value before it.
    pub fn create(
        directory: &Path,
        store: [u8; 16],
        first: Position,
        chain_before: ChainValue,
    ) -> Result<Self, SealedError> {
        let temporary = Temporary(directory.join(format!(".{:020}.swj.tmp", first.0)));
        let file = File::create(&temporary.0).map_err(SealedError::io("creating segment", &temporary.0))?;
        let compressor = Compressor::new(ZSTD_LEVEL).map_err(SealedError::io("compressing for", &temporary.0))?;
        let header = Header { store, first, chain_before };
        let mut writer = Self {
            directory: directory.to_owned(),
            temporary,
            out: BufWriter::with_capacity(256 * 1024, file),
            digest: Hasher::new(),
            written: 0,
            compressor,
            blocks: Vec::new(),
            pending: Pending::default(),
            collected: Collected::from(first),
            chain: chain_before,
            next: first,
            count: 0,
            block_raw_bytes: BLOCK_RAW_BYTES,
            header,
        };
        let header = writer.header.to_bytes();
        writer.write(&header)?;
        Ok(writer)
    }

    /// Closes blocks earlier than [`BLOCK_RAW_BYTES`], so that a test's few events make several.
    #[cfg(test)]
    pub(super) fn with_block_raw_bytes(mut self, bytes: usize) -> Self {
        self.block_raw_bytes = bytes.min(BLOCK_RAW_BYTES);
        self
    }

    /// Adds the next record. Refuses one that does not follow, in position or chain, what was added before.
    pub fn push(&mut self, record: &StoredRecord) -> Result<(), SealedError> {
        let position = record.position;
        let unfit = |finding: String| SealedError::Unfit { position, finding };
        if position != self.next {
            return Err(unfit(format!("position {} is next", self.next)));
        }
        if self.count >= SEGMENT_EVENTS_MAX {
            return Err(unfit(format!("the segment has {SEGMENT_EVENTS_MAX} events, which is the most")));
        }
        if record.bytes.len() > block::RECORD_BYTES_MAX {
            return Err(unfit(format!("its record has {} bytes", record.bytes.len())));
        }
        let leaf = leaf(&record.bytes);
        let chain = self.chain.next(&leaf);
        if chain != record.chain {
            return Err(unfit(format!("it does not continue the chain: {chain} follows, it has {}", record.chain)));
        }
        let recorded = Recorded::from_bytes(&record.bytes).map_err(|error| unfit(error.to_string()))?;
        if recorded.envelope.position != position {
            return Err(unfit(format!("its envelope says position {}", recorded.envelope.position)));
        }
        self.collected.note(&recorded).map_err(unfit)?;
        self.pending.add(&record.bytes, &leaf, recorded.envelope.recorded_at, self.chain);
        self.chain = chain;
        self.next = position.next();
        self.count += 1;
        if self.pending.raw.len() >= self.block_raw_bytes { self.close_block() } else { Ok(()) }
    }

    /// Leaves a hole that the journal has declared: `position` is next, with the chain value before it.
    pub fn skip_to(&mut self, position: Position, chain_before: ChainValue) -> Result<(), SealedError> {
        if position < self.next || self.count == 0 {
            let finding = format!("a hole ends before it, but position {} is next", self.next);
            return Err(SealedError::Unfit { position, finding });
        }
        self.close_block()?;
        self.next = position;
        self.chain = chain_before;
        Ok(())
    }

    /// Writes index and footer, syncs, reads everything back, and gives the file its name.
    pub fn finish(mut self) -> Result<Sealed, SealedError> {
        self.close_block()?;
        let Some(last) = self.blocks.last().map(BlockEntry::last) else {
            let finding = "the segment would have no events".to_owned();
            return Err(SealedError::Unfit { position: self.header.first, finding });
        };
        self.write_index(last)?;
        let Self { directory, temporary, out, digest, written, header, .. } = self;
        let file =
            out.into_inner().map_err(|error| SealedError::io("writing segment", &temporary.0)(error.into_error()))?;
        file.sync_all().map_err(SealedError::io("syncing segment", &temporary.0))?;
        drop(file);
        fail::fail_point!("seal.before_verify");
        let summary = Segment::open(&temporary.0, &header.store)?.verify()?;
        let name = file_name(header.first, last);
        let path = directory.join(&name);
        fail::fail_point!("seal.before_rename");
        fs::rename(&temporary.0, &path).map_err(SealedError::io("renaming segment to", &path))?;
        fail::fail_point!("seal.before_directory_sync");
        let sync_directory = File::open(&directory).and_then(|directory| directory.sync_all());
        sync_directory.map_err(SealedError::io("syncing directory", &directory))?;
        Ok(Sealed { name, file: Sha256(digest.finalize().into()), bytes: written, summary })
    }

    fn write_index(&mut self, last: Position) -> Result<(), SealedError> {
        let collected = std::mem::replace(&mut self.collected, Collected::from(self.header.first));
        let parts = collected.finish().map_err(|(position, finding)| SealedError::Unfit { position, finding })?;
        let filter = parts.filter().map_err(|reason| SealedError::Unfit {
            position: self.header.first,
            finding: format!("no filter can be made over the event ids: {reason}"),
        })?;
        let filter = filter.to_bytes();
        let filter_part = Part { offset: 0, bytes: filter.len() as u64, crc: crc32fast::hash(&filter) };
        for bytes in [&parts.ids.0, &parts.lists.0, &parts.scopes.0, &filter, &parts.contents.0] {
            self.write(bytes)?;
        }
        let footer = Footer {
            header: self.header.clone(),
            last,
            count: self.count,
            chain_after: self.chain,
            blocks: std::mem::take(&mut self.blocks),
            ids: parts.ids.1,
            id_pages: parts.id_pages,
            lists: parts.lists.1,
            scopes: parts.scopes.1,
            scope_pages: parts.scope_pages,
            filter: filter_part,
            contents: parts.contents.1,
        };
        self.write(&footer.to_bytes())
    }

    fn close_block(&mut self) -> Result<(), SealedError> {
        let pending = std::mem::take(&mut self.pending);
        let Some(chain_before) = pending.chain_before else { return Ok(()) };
        let compressed = self
            .compressor
            .compress(&pending.raw)
            .map_err(SealedError::io("compressing a block of segment", &self.temporary.0))?;
        self.blocks.push(BlockEntry {
            offset: self.written,
            bytes: compressed.len() as u32, // at most block::BYTES_MAX
            raw_bytes: pending.raw.len() as u32,
            count: pending.count,
            first: Position(self.next.0 - u64::from(pending.count)),
            recorded_first: pending.recorded_first,
            recorded_last: pending.recorded_last,
            chain_before,
            chain_after: self.chain,
            crc: crc32fast::hash(&compressed),
        });
        self.write(&compressed)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SealedError> {
        self.digest.update(bytes);
        self.written += bytes.len() as u64;
        self.out.write_all(bytes).map_err(SealedError::io("writing segment", &self.temporary.0))
    }
}

impl Pending {
    fn add(&mut self, record: &[u8], leaf: &[u8; 32], recorded_at: Timestamp, chain_before: ChainValue) {
        if self.chain_before.is_none() {
            self.chain_before = Some(chain_before);
            self.recorded_first = recorded_at;
        }
        self.recorded_last = recorded_at;
        self.count += 1;
        block::pack(&mut self.raw, record, leaf);
    }
}
