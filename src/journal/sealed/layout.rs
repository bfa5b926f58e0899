//! Header, footer and trailer: where everything is in the file, and that nothing lies outside of it.

use sha2::{Digest, Sha256 as Hasher};

use super::wire::{Fields, put_text};
use super::{FOOTER_BYTES_MAX, SEGMENT_EVENTS_MAX, block, ids};
use crate::journal::ChainValue;
use crate::model::{Position, Timestamp};

const MAGIC: [u8; 8] = *b"SWJ\x89seg\n";
const TRAILER_MAGIC: [u8; 8] = *b"SWJ\x89end\n";
pub(super) const VERSION: u16 = 1;
pub(super) const HEADER_BYTES: usize = 8 + 2 + 16 + 8 + 32 + 4;
pub(super) const TRAILER_BYTES: usize = 4 + 32 + 8;
const BLOCK_ENTRY_BYTES: usize = 3 * 4 + 8 + 2 * 8 + 2 * 32 + 4;

/// Positions without events, both ends included: lost, and accepted as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hole {
    /// First position lost.
    pub from: Position,
    /// Last position lost.
    pub to: Position,
}

/// The first bytes of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub store: [u8; 16],
    pub first: Position,
    pub chain_before: ChainValue,
}

/// One block of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BlockEntry {
    /// Where it begins in the file. Not stored: blocks follow each other without a gap.
    pub offset: u64,
    pub bytes: u32,
    pub raw_bytes: u32,
    pub count: u32,
    pub first: Position,
    pub recorded_first: Timestamp,
    pub recorded_last: Timestamp,
    pub chain_before: ChainValue,
    pub chain_after: ChainValue,
    pub crc: u32,
}

impl BlockEntry {
    /// Position of its last record.
    pub(super) fn last(&self) -> Position {
        Position(self.first.0 + u64::from(self.count) - 1)
    }
}

/// A stretch of the file with its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Part {
    pub offset: u64,
    pub bytes: u64,
    pub crc: u32,
}

/// A page of sorted entries, found by its first key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page<K> {
    pub first: K,
    pub bytes: u32,
    pub crc: u32,
}

/// Everything needed to read the file on demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Footer {
    pub header: Header,
    pub last: Position,
    pub count: u64,
    pub chain_after: ChainValue,
    pub blocks: Vec<BlockEntry>,
    pub ids: Part,
    pub id_pages: Vec<Page<[u8; 16]>>,
    pub lists: Part,
    pub scopes: Part,
    pub scope_pages: Vec<Page<String>>,
    pub filter: Part,
    pub contents: Part,
}

impl Header {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&self.store);
        out.extend_from_slice(&self.first.0.to_be_bytes());
        out.extend_from_slice(&self.chain_before.0);
        out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
        out
    }

    /// Whether the bytes begin as any version of a sealed segment does, and which version that is.
    pub(super) fn version_in(bytes: &[u8]) -> Option<u16> {
        let mut fields = Fields::of(bytes);
        (fields.array::<8>()? == MAGIC).then(|| fields.u16())?
    }
}

impl Footer {
    /// The footer and its trailer.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + self.blocks.len() * BLOCK_ENTRY_BYTES + self.id_pages.len() * 24);
        out.extend_from_slice(&self.header.store);
        for number in [self.header.first.0, self.last.0, self.count] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.header.chain_before.0);
        out.extend_from_slice(&self.chain_after.0);
        put_count(&mut out, self.blocks.len());
        for block in &self.blocks {
            for number in [block.bytes, block.raw_bytes, block.count, block.crc] {
                out.extend_from_slice(&number.to_be_bytes());
            }
            out.extend_from_slice(&block.first.0.to_be_bytes());
            out.extend_from_slice(&block.recorded_first.as_micros().to_be_bytes());
            out.extend_from_slice(&block.recorded_last.as_micros().to_be_bytes());
            out.extend_from_slice(&block.chain_before.0);
            out.extend_from_slice(&block.chain_after.0);
        }
        for part in [self.ids, self.lists, self.scopes, self.filter, self.contents] {
            out.extend_from_slice(&part.bytes.to_be_bytes());
            out.extend_from_slice(&part.crc.to_be_bytes());
        }
        put_count(&mut out, self.id_pages.len());
        for page in &self.id_pages {
            out.extend_from_slice(&page.first);
            put_page(&mut out, page);
        }
        put_count(&mut out, self.scope_pages.len());
        for page in &self.scope_pages {
            put_text(&mut out, &page.first);
            put_page(&mut out, page);
        }
        let digest = Hasher::digest(&out);
        let len = u32::try_from(out.len()).expect("a footer is far below 4 GiB");
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&digest);
        out.extend_from_slice(&TRAILER_MAGIC);
        out
    }

    /// Length of the footer that this trailer, the last bytes of a file of `file_bytes`, announces.
    pub(super) fn announced(trailer: &[u8; TRAILER_BYTES], file_bytes: u64) -> Result<usize, &'static str> {
        let mut fields = Fields::of(trailer);
        let len = fields.u32().map_or(0, |len| len as usize);
        if !trailer.ends_with(&TRAILER_MAGIC) {
            return Err("it does not end as a sealed segment does: cut short, or something follows it");
        }
        if len > FOOTER_BYTES_MAX || (len + HEADER_BYTES + TRAILER_BYTES) as u64 > file_bytes {
            return Err("the footer would be larger than the file or than a footer may be");
        }
        Ok(len)
    }

    /// Reads a footer of a file of `file_bytes`, and checks that its parts fill the file without gap or overlap.
    pub(super) fn from_bytes(
        bytes: &[u8],
        trailer: &[u8; TRAILER_BYTES],
        file_bytes: u64,
    ) -> Result<Self, &'static str> {
        if trailer[4..36] != *Hasher::digest(bytes) {
            return Err("its digest is another");
        }
        let mut fields = Fields::of(bytes);
        let footer = Self::fields(&mut fields).ok_or("it ends too early or counts more than there is")?;
        if fields.remaining() > 0 {
            return Err("bytes follow it");
        }
        let footer_at = file_bytes - (bytes.len() + TRAILER_BYTES) as u64; // announced() has checked the sum
        footer.check(footer_at)?;
        Ok(footer)
    }

    fn fields(fields: &mut Fields<'_>) -> Option<Self> {
        let store = fields.array()?;
        let [first, last, count] = [fields.u64()?, fields.u64()?, fields.u64()?];
        let header = Header { store, first: Position(first), chain_before: ChainValue(fields.array()?) };
        let chain_after = ChainValue(fields.array()?);
        let mut at = HEADER_BYTES as u64;
        let block_count = take_count(fields, BLOCK_ENTRY_BYTES)?;
        let mut blocks = Vec::with_capacity(block_count);
        for _ in 0..block_count {
            let [bytes, raw_bytes, count, crc] = [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?];
            blocks.push(BlockEntry {
                offset: at,
                bytes,
                raw_bytes,
                count,
                crc,
                first: Position(fields.u64()?),
                recorded_first: Timestamp::from_micros(fields.i64()?),
                recorded_last: Timestamp::from_micros(fields.i64()?),
                chain_before: ChainValue(fields.array()?),
                chain_after: ChainValue(fields.array()?),
            });
            at += u64::from(bytes);
        }
        let mut part = || {
            let part = Part { offset: at, bytes: fields.u64()?, crc: fields.u32()? };
            at = at.checked_add(part.bytes)?;
            Some(part)
        };
        let [ids, lists, scopes, filter, contents] = [part()?, part()?, part()?, part()?, part()?];
        let id_page_count = take_count(fields, 24)?;
        let mut id_pages = Vec::with_capacity(id_page_count);
        for _ in 0..id_page_count {
            id_pages.push(Page { first: fields.array()?, bytes: fields.u32()?, crc: fields.u32()? });
        }
        let scope_page_count = take_count(fields, 9)?;
        let mut scope_pages = Vec::with_capacity(scope_page_count);
        for _ in 0..scope_page_count {
            scope_pages.push(Page { first: fields.text()?.to_owned(), bytes: fields.u32()?, crc: fields.u32()? });
        }
        let last = Position(last);
        Some(Self {
            header,
            last,
            count,
            chain_after,
            blocks,
            ids,
            id_pages,
            lists,
            scopes,
            scope_pages,
            filter,
            contents,
        })
    }

    fn check(&self, footer_at: u64) -> Result<(), &'static str> {
        let (Some(head), Some(tail)) = (self.blocks.first(), self.blocks.last()) else {
            return Err("it has no blocks");
        };
        let sound = |block: &BlockEntry| {
            block.count > 0
                && block.raw_bytes as usize <= block::RAW_BYTES_MAX
                && block.bytes as usize <= block::BYTES_MAX
                && block.first.0.checked_add(u64::from(block.count)).is_some()
        };
        if !self.blocks.iter().all(sound) {
            return Err("a block has a size that no block can have");
        }
        if head.first != self.header.first || tail.last() != self.last {
            return Err("its blocks are not those of its positions");
        }
        if head.chain_before != self.header.chain_before || tail.chain_after != self.chain_after {
            return Err("its chain values are not those of its blocks");
        }
        let follows = |pair: &[BlockEntry]| match pair[1].first.cmp(&pair[0].last().next()) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => pair[0].chain_after == pair[1].chain_before,
            std::cmp::Ordering::Greater => true, // a hole: whether it was accepted, the journal knows
        };
        if !self.blocks.windows(2).all(follows) {
            return Err("its blocks do not follow each other");
        }
        let count: u64 = self.blocks.iter().map(|block| u64::from(block.count)).sum();
        if count != self.count || count > SEGMENT_EVENTS_MAX {
            return Err("its blocks do not hold the number of events it states");
        }
        let id_bytes: u64 = self.id_pages.iter().map(|page| u64::from(page.bytes)).sum();
        let scope_bytes: u64 = self.scope_pages.iter().map(|page| u64::from(page.bytes)).sum();
        if id_bytes != self.ids.bytes || id_bytes != count * ids::ENTRY_BYTES as u64 || scope_bytes != self.scopes.bytes
        {
            return Err("its pages do not fill their part");
        }
        if self.contents.offset + self.contents.bytes != footer_at {
            return Err("its parts do not fill the file");
        }
        Ok(())
    }

    /// Positions between the first and the last that have no event.
    pub(super) fn holes(&self) -> Vec<Hole> {
        let gap = |pair: &[BlockEntry]| {
            let from = pair[0].last().next();
            (pair[1].first > from).then(|| Hole { from, to: Position(pair[1].first.0 - 1) })
        };
        self.blocks.windows(2).filter_map(gap).collect()
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).expect("blocks and pages are fewer than events, which are bounded");
    out.extend_from_slice(&count.to_be_bytes());
}

fn put_page<K>(out: &mut Vec<u8>, page: &Page<K>) {
    out.extend_from_slice(&page.bytes.to_be_bytes());
    out.extend_from_slice(&page.crc.to_be_bytes());
}

/// A count of entries, refused where so many cannot follow: no allocation is larger than the bytes at hand justify.
fn take_count(fields: &mut Fields<'_>, entry_bytes_min: usize) -> Option<usize> {
    let count = fields.u32()? as usize;
    (count <= fields.remaining() / entry_bytes_min).then_some(count)
}
