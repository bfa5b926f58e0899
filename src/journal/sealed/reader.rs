//! Reads a segment on demand. Opening reads the footer and the filter; every record returned has been hash-checked: read
//! in order along the chain, read alone (by scope or id) against its block's checksum and its own hash.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::block::{Bad, Block, Claim, Unpacked};
use super::ids::{self, IdFilter};
use super::layout::{BlockEntry, Footer, HEADER_BYTES, Header, Hole, Page, Part, TRAILER_BYTES, VERSION};
use super::recent::Recent;
use super::scopes::{self, ScopeEntry};
use super::{SealedError, parts};
use crate::journal::{ChainValue, Record, StoredRecord};
use crate::model::{ContentRef, EventId, Position, Scope, Sequence, Timestamp};

/// An open segment. Immutable; any number of threads may read it.
pub struct Segment {
    path: PathBuf,
    file: File,
    file_bytes: u64,
    footer: Footer,
    filter: IdFilter,
    checked: Recent<Block>,
    unpacked: Recent<Unpacked>,
}

impl Segment {
    /// Opens a segment of the store `store`: checks header, footer and filter. The records are checked as they are
    /// read; [`Segment::verify`] checks all of them.
    pub fn open(path: &Path, store: &[u8; 16]) -> Result<Self, SealedError> {
        let io = |doing| SealedError::io(doing, path);
        let damaged = |part, finding: &str| SealedError::damaged(path, part, finding);
        let foreign = |finding: String| SealedError::Foreign { file: path.to_owned(), finding };
        let file = File::open(path).map_err(io("opening segment"))?;
        let file_bytes = file.metadata().map_err(io("sizing segment"))?.len();
        if file_bytes < (HEADER_BYTES + TRAILER_BYTES) as u64 {
            return Err(damaged("header", "the file is too short to be a segment"));
        }
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, 0).map_err(io("reading the header of segment"))?;
        match Header::version_in(&header) {
            None => return Err(foreign("it does not begin as one does".to_owned())),
            Some(VERSION) => (),
            Some(other) => return Err(foreign(format!("it has version {other}, this program reads {VERSION}"))),
        }
        let mut trailer = [0; TRAILER_BYTES];
        file.read_exact_at(&mut trailer, file_bytes - TRAILER_BYTES as u64)
            .map_err(io("reading the trailer of segment"))?;
        let footer_bytes = Footer::announced(&trailer, file_bytes).map_err(|finding| damaged("trailer", finding))?;
        let mut bytes = vec![0; footer_bytes];
        file.read_exact_at(&mut bytes, file_bytes - (TRAILER_BYTES + footer_bytes) as u64)
            .map_err(io("reading the footer of segment"))?;
        let footer = Footer::from_bytes(&bytes, &trailer, file_bytes).map_err(|finding| damaged("footer", finding))?;
        if footer.header.to_bytes() != header {
            return Err(damaged("header", "it is not the header that the footer repeats"));
        }
        if footer.header.store != *store {
            return Err(foreign("it belongs to another store".to_owned()));
        }
        let filter_bytes = read_part(&file, path, footer.filter, "filter")?;
        let filter = IdFilter::from_bytes(&filter_bytes)
            .ok_or_else(|| damaged("filter", "its figures do not describe a filter"))?;
        let (checked, unpacked) = (Recent::new(), Recent::new());
        Ok(Self { path: path.to_owned(), file, file_bytes, footer, filter, checked, unpacked })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// First position.
    pub fn first(&self) -> Position {
        self.footer.header.first
    }

    /// Last position.
    pub fn last(&self) -> Position {
        self.footer.last
    }

    /// Number of events.
    pub fn count(&self) -> u64 {
        self.footer.count
    }

    /// Chain value before the first event.
    pub fn chain_before(&self) -> ChainValue {
        self.footer.header.chain_before
    }

    /// Chain value after the last event.
    pub fn chain_after(&self) -> ChainValue {
        self.footer.chain_after
    }

    /// Positions without an event, between the first and the last. Lawful only if the journal has declared them.
    pub fn holes(&self) -> Vec<Hole> {
        self.footer.holes()
    }

    /// Bytes held in memory for the filter and the tables, the block cache aside.
    pub fn memory_bytes(&self) -> usize {
        let scope_keys: usize = self.footer.scope_pages.iter().map(|page| page.first.capacity()).sum();
        self.filter.memory_bytes()
            + self.footer.blocks.capacity() * size_of::<BlockEntry>()
            + self.footer.id_pages.capacity() * size_of::<Page<[u8; 16]>>()
            + self.footer.scope_pages.capacity() * size_of::<Page<String>>()
            + scope_keys
    }

    /// Calls `each` with the events after `after`, in order, at most `limit`, until it refuses one. They are handed out
    /// where they lie: copied is only what the caller keeps.
    pub fn read<E: From<SealedError>>(
        &self,
        after: Position,
        limit: usize,
        mut each: impl FnMut(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut wanted = limit;
        let from = self.footer.blocks.partition_point(|block| block.last() <= after);
        for index in from..self.footer.blocks.len() {
            if wanted == 0 {
                break;
            }
            for record in self.block(index)?.records_from(after.next()).take(wanted) {
                each(record)?;
                wanted -= 1;
            }
        }
        Ok(())
    }

    /// Calls `each` with all records in order until it refuses one, with one block in memory at a time, past the cache.
    pub fn stream<E: From<SealedError>>(&self, mut each: impl FnMut(Record<'_>) -> Result<(), E>) -> Result<(), E> {
        for index in 0..self.footer.blocks.len() {
            self.load(index)?.records_from(self.first()).try_for_each(&mut each)?;
        }
        Ok(())
    }

    /// Events of one scope after sequence `after`, in order, at most `limit`: where each lies, and its bytes.
    pub fn read_scope(
        &self,
        scope: &Scope,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<(Position, Vec<u8>)>, SealedError> {
        let Some(entry) = self.scope_entry(scope)? else { return Ok(Vec::new()) };
        if entry.last <= after || limit == 0 {
            return Ok(Vec::new());
        }
        let damaged = |finding: &str| SealedError::damaged(&self.path, "list of a scope", finding);
        let lists = self.footer.lists;
        let end = entry.list_offset.checked_add(u64::from(entry.list_bytes));
        if end.is_none_or(|end| end > lists.bytes) {
            return Err(damaged("it would lie outside of the lists"));
        }
        let list =
            Part { offset: lists.offset + entry.list_offset, bytes: u64::from(entry.list_bytes), crc: entry.list_crc };
        let list = read_part(&self.file, &self.path, list, "list of a scope")?;
        let positions = scopes::positions_after(&list, after, limit)
            .ok_or_else(|| damaged("it ends within a number or counts beyond its end"))?;
        positions.into_iter().map(|position| Ok((position, self.bytes_at(position)?))).collect()
    }

    /// The scope's last sequence in this segment; none if it has no event here.
    pub fn scope_last(&self, scope: &Scope) -> Result<Option<Sequence>, SealedError> {
        Ok(self.scope_entry(scope)?.map(|entry| entry.last))
    }

    /// The last sequence of every scope that has an event here, sorted by the scope's text.
    pub fn scope_heads(&self) -> Result<Vec<(Scope, Sequence)>, SealedError> {
        let damaged = || SealedError::damaged(&self.path, "scope directory", "an entry cannot be read");
        let mut heads = Vec::new();
        for index in 0..self.footer.scope_pages.len() {
            let page = self.page(self.footer.scopes, &self.footer.scope_pages, index, "scope directory")?;
            for (name, entry) in scopes::read_page(&page).ok_or_else(damaged)? {
                heads.push((name.parse().map_err(|_| damaged())?, entry.last));
            }
        }
        Ok(heads)
    }

    /// The event of that id, if it is here: where it lies, and its bytes.
    pub fn find(&self, id: EventId) -> Result<Option<(Position, Vec<u8>)>, SealedError> {
        self.position_of(id)?.map(|position| Ok((position, self.bytes_at(position)?))).transpose()
    }

    /// Whether the event of that id might be here: asks the filter in memory only. "No" is certain, "yes" is wrong for
    /// one foreign id in 256.
    pub fn may_hold(&self, id: EventId) -> bool {
        self.filter.may_hold(id.as_bytes())
    }

    /// Where the event of that id is. Reads at most one page; none at all for most ids that are not here.
    pub fn position_of(&self, id: EventId) -> Result<Option<Position>, SealedError> {
        let id = id.as_bytes();
        if !self.filter.may_hold(id) {
            return Ok(None);
        }
        let pages = &self.footer.id_pages;
        let Some(index) = pages.partition_point(|page| page.first <= *id).checked_sub(1) else { return Ok(None) };
        let page = self.page(self.footer.ids, pages, index, "id table")?;
        Ok(ids::find_in_page(&page, id).map(|offset| Position(self.first().0 + u64::from(offset))))
    }

    /// The first position recorded at or after `moment`, to within its block; none if all were recorded before.
    pub fn block_at(&self, moment: Timestamp) -> Option<Position> {
        let index = self.footer.blocks.partition_point(|block| block.recorded_last < moment);
        self.footer.blocks.get(index).map(|block| block.first)
    }

    /// References into the content store found in the payloads, in order of their events.
    pub fn contents(&self) -> Result<Vec<ContentRef>, SealedError> {
        let bytes = read_part(&self.file, &self.path, self.footer.contents, "content list")?;
        parts::contents_from_bytes(&bytes)
            .ok_or_else(|| SealedError::damaged(&self.path, "content list", "it ends within a reference"))
    }

    pub(super) fn footer(&self) -> &Footer {
        &self.footer
    }

    pub(super) fn filter(&self) -> &IdFilter {
        &self.filter
    }

    /// The bytes of a part, checked against its checksum.
    pub(super) fn part(&self, part: Part, name: &'static str) -> Result<Vec<u8>, SealedError> {
        read_part(&self.file, &self.path, part, name)
    }

    /// One event's bytes, for a reader that has no use for the chain: its block's checksum and its own hash are checked,
    /// the hashes of those around it are not.
    fn bytes_at(&self, position: Position) -> Result<Vec<u8>, SealedError> {
        let index = self.footer.blocks.partition_point(|block| block.last() < position);
        let Some(entry) = self.footer.blocks.get(index) else { return Err(self.not_here(position)) };
        if let Some(block) = self.checked.get(index) {
            return block.record(position).map(|record| record.bytes.to_vec()).ok_or_else(|| self.not_here(position));
        }
        let block = self.unpacked.get_or(index, || self.unpack(index))?;
        match block.record(position) {
            Some(record) => Ok(record.to_vec()),
            None if position < entry.first => Err(self.not_here(position)),
            // its own hash does not fit, though the block's checksum does
            None => Err(self.load(index).err().unwrap_or_else(|| self.bad_block(entry, None))),
        }
    }

    fn not_here(&self, position: Position) -> SealedError {
        SealedError::damaged(&self.path, "index", format!("position {position} is asked for and not here"))
    }

    /// The event at a position where there is one; that there is none is damage.
    pub fn record(&self, position: Position) -> Result<StoredRecord, SealedError> {
        let index = self.footer.blocks.partition_point(|block| block.last() < position);
        let record = match self.footer.blocks.get(index) {
            Some(_) => self.block(index)?.record(position).map(Record::to_stored),
            None => None,
        };
        record.ok_or_else(|| self.not_here(position))
    }

    fn scope_entry(&self, scope: &Scope) -> Result<Option<ScopeEntry>, SealedError> {
        let text = scope.to_string();
        let pages = &self.footer.scope_pages;
        let Some(index) = pages.partition_point(|page| page.first <= text).checked_sub(1) else { return Ok(None) };
        let page = self.page(self.footer.scopes, pages, index, "scope directory")?;
        let entries = scopes::read_page(&page)
            .ok_or_else(|| SealedError::damaged(&self.path, "scope directory", "a page ends within an entry"))?;
        Ok(entries.into_iter().find(|(name, _)| *name == text).map(|(_, entry)| entry))
    }

    fn page<K>(&self, part: Part, pages: &[Page<K>], index: usize, name: &'static str) -> Result<Vec<u8>, SealedError> {
        let before: u64 = pages[..index].iter().map(|page| u64::from(page.bytes)).sum();
        let page = &pages[index];
        let stretch = Part { offset: part.offset + before, bytes: u64::from(page.bytes), crc: page.crc };
        read_part(&self.file, &self.path, stretch, name)
    }

    /// A block with every record checked, from memory or the disk.
    fn block(&self, index: usize) -> Result<Arc<Block>, SealedError> {
        self.checked.get_or(index, || self.load(index))
    }

    /// Reads and checks a block. Where its checksum fails, its records are gone through all the same, to name the
    /// first bad one.
    fn load(&self, index: usize) -> Result<Block, SealedError> {
        let entry = &self.footer.blocks[index];
        let compressed = self.compressed(entry)?;
        let opened = Block::open(&compressed, Claim::from(entry));
        let intact = crc32fast::hash(&compressed) == entry.crc;
        match opened {
            Ok(block) if intact => Ok(block),
            Ok(_) => Err(self.bad_block(entry, None)),
            Err(bad) => Err(self.bad_block(entry, Some(bad))),
        }
    }

    /// Reads a block for single records.
    fn unpack(&self, index: usize) -> Result<Unpacked, SealedError> {
        let entry = &self.footer.blocks[index];
        let compressed = self.compressed(entry)?;
        let intact = crc32fast::hash(&compressed) == entry.crc;
        match Unpacked::of(&compressed, Claim::from(entry)).filter(|_| intact) {
            Some(block) => Ok(block),
            // what is wrong, and at which position, only going through all of it tells
            None => Err(self.load(index).err().unwrap_or_else(|| self.bad_block(entry, None))),
        }
    }

    fn compressed(&self, entry: &BlockEntry) -> Result<Vec<u8>, SealedError> {
        let mut compressed = vec![0; entry.bytes as usize];
        self.file
            .read_exact_at(&mut compressed, entry.offset)
            .map_err(SealedError::io("reading a block of segment", &self.path))?;
        Ok(compressed)
    }

    fn bad_block(&self, entry: &BlockEntry, bad: Option<Bad>) -> SealedError {
        let position = bad.as_ref().map_or(entry.first, |bad| bad.position);
        let what = bad.map_or("its block's checksum fails".to_owned(), |bad| bad.finding);
        SealedError::Damaged {
            file: self.path.clone(),
            part: "records",
            position: Some(position),
            finding: format!("position {position} (block {}–{}): {what}", entry.first, entry.last()),
        }
    }
}

impl From<&BlockEntry> for Claim {
    fn from(entry: &BlockEntry) -> Self {
        Self {
            first: entry.first,
            count: entry.count,
            raw_bytes: entry.raw_bytes,
            chain_before: entry.chain_before,
            chain_after: entry.chain_after,
        }
    }
}

/// Reads a stretch of the file. Its size is bounded by the file's: the footer's parts fill the file exactly.
fn read_part(file: &File, path: &Path, part: Part, name: &'static str) -> Result<Vec<u8>, SealedError> {
    let mut bytes = vec![0; usize::try_from(part.bytes).expect("a part lies within the file")];
    file.read_exact_at(&mut bytes, part.offset).map_err(SealedError::io("reading a part of segment", path))?;
    if crc32fast::hash(&bytes) == part.crc {
        Ok(bytes)
    } else {
        Err(SealedError::damaged(path, name, "its checksum fails"))
    }
}
