//! One block: records packed and compressed, and taken apart again with every check.

use std::io;
use std::sync::{Mutex, PoisonError};

use zstd::bulk::Decompressor;

use super::wire::Fields;
use crate::journal::{ChainValue, Record, leaf};
use crate::model::Position;

/// The most bytes a record may have: its length is a u16.
pub(super) const RECORD_BYTES_MAX: usize = u16::MAX as usize;
/// The most raw bytes a block may have: it is closed once it has [`super::BLOCK_RAW_BYTES`], so one record more.
pub(super) const RAW_BYTES_MAX: usize = super::BLOCK_RAW_BYTES + RECORD_PREFIX_BYTES + RECORD_BYTES_MAX;
/// The most bytes a compressed block may have: zstd's own bound is below raw + raw/128 + 1 KiB.
pub(super) const BYTES_MAX: usize = RAW_BYTES_MAX + RAW_BYTES_MAX / 128 + 1024;
/// The most decompressors kept for the next block: so many readers at once find one ready. Each holds about 160 KiB, and
/// making one costs as much as decompressing a block.
const DECOMPRESSORS_IDLE_MAX: usize = 4;
const RECORD_PREFIX_BYTES: usize = 2 + 4;
const POSITION_AT: std::ops::Range<usize> = 2..10; // where the envelope has it

/// What a block must hold, from the block table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub first: Position,
    pub count: u32,
    pub raw_bytes: u32,
    pub chain_before: ChainValue,
    pub chain_after: ChainValue,
}

/// Damage within a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bad {
    pub position: Position,
    pub finding: String,
}

/// A block whose every record has been checked.
pub(super) struct Block {
    first: Position,
    raw: Vec<u8>,
    spans: Vec<Span>,
}

struct Span {
    start: u32,
    len: u16,
    chain: ChainValue,
}

/// A block taken apart for single records. Its bytes are those that were sealed (the block's checksum, which the reader
/// compares, covers all of them); of the hashes only that of the record asked for is computed, which is what makes one
/// event from a block of three hundred cheap.
pub(super) struct Unpacked {
    first: Position,
    raw: Vec<u8>,
    /// Where each record's prefix begins.
    starts: Vec<u32>,
}

/// Appends one record to a block's raw bytes.
pub(super) fn pack(raw: &mut Vec<u8>, record: &[u8], leaf: &[u8; 32]) {
    let len = u16::try_from(record.len()).expect("the writer refuses longer records");
    raw.extend_from_slice(&len.to_be_bytes());
    raw.extend_from_slice(&leaf[..4]);
    raw.extend_from_slice(record);
}

impl Block {
    /// Takes a compressed block apart. Records are checked one by one, so that damage is named to the position
    /// wherever the block can still be decompressed.
    pub(super) fn open(compressed: &[u8], claim: Claim) -> Result<Self, Bad> {
        let bad = |position, finding: String| Bad { position, finding };
        let raw = decompress(compressed, claim.raw_bytes as usize)
            .map_err(|error| bad(claim.first, format!("its block cannot be decompressed: {error}")))?;
        if raw.len() != claim.raw_bytes as usize {
            let finding = format!("its block has {} bytes, {} were sealed", raw.len(), claim.raw_bytes);
            return Err(bad(claim.first, finding));
        }
        // no allocation is larger than the bytes at hand justify, whatever the claim
        let mut spans = Vec::with_capacity((claim.count as usize).min(raw.len() / RECORD_PREFIX_BYTES));
        let mut chain = claim.chain_before;
        let mut fields = Fields::of(&raw);
        for ordinal in 0..claim.count {
            let position = Position(claim.first.0 + u64::from(ordinal));
            let ends_early = || bad(position, "its block ends too early".to_owned());
            let len = fields.u16().ok_or_else(ends_early)?;
            let check: [u8; 4] = fields.array().ok_or_else(ends_early)?;
            let start = raw.len() - fields.remaining();
            let record = fields.slice(usize::from(len)).ok_or_else(ends_early)?;
            let leaf = leaf(record);
            if leaf[..4] != check {
                return Err(bad(position, "its bytes do not have the hash they were stored with".to_owned()));
            }
            if record.get(POSITION_AT) != Some(&position.0.to_be_bytes()) {
                return Err(bad(position, "another event stands in its place".to_owned()));
            }
            chain = chain.next(&leaf);
            spans.push(Span { start: start as u32, len, chain }); // start < RAW_BYTES_MAX
        }
        if fields.remaining() > 0 {
            return Err(bad(claim.first, format!("{} bytes follow the last record of its block", fields.remaining())));
        }
        if chain != claim.chain_after {
            let finding = format!("its block ends with chain value {chain}, {} was sealed", claim.chain_after);
            return Err(bad(claim.first, finding));
        }
        Ok(Self { first: claim.first, raw, spans })
    }

    /// The record at a position of this block.
    pub(super) fn record(&self, position: Position) -> Option<Record<'_>> {
        let span = self.spans.get(usize::try_from(position.0.checked_sub(self.first.0)?).ok()?)?;
        Some(self.record_of(position, span))
    }

    /// Its records from `position` on, in order.
    pub(super) fn records_from(&self, position: Position) -> impl Iterator<Item = Record<'_>> {
        let skip = usize::try_from(position.0.saturating_sub(self.first.0)).unwrap_or(usize::MAX);
        let records = (self.first.0..).zip(&self.spans).skip(skip);
        records.map(|(position, span)| self.record_of(Position(position), span))
    }

    fn record_of(&self, position: Position, span: &Span) -> Record<'_> {
        let start = span.start as usize;
        Record { position, bytes: &self.raw[start..start + usize::from(span.len)], chain: span.chain }
    }
}

impl Unpacked {
    /// Takes a compressed block apart; none where it is not laid out as the claim says. What exactly is wrong then,
    /// [`Block::open`] says.
    pub(super) fn of(compressed: &[u8], claim: Claim) -> Option<Self> {
        let raw = decompress(compressed, claim.raw_bytes as usize).ok()?;
        let mut starts = Vec::with_capacity((claim.count as usize).min(raw.len() / RECORD_PREFIX_BYTES));
        let mut fields = Fields::of(&raw);
        for _ in 0..claim.count {
            starts.push((raw.len() - fields.remaining()) as u32); // below RAW_BYTES_MAX
            let len = fields.u16()?;
            fields.array::<4>()?;
            fields.slice(usize::from(len))?;
        }
        (fields.remaining() == 0).then_some(Self { first: claim.first, raw, starts })
    }

    /// The record at a position of this block, if it has the hash it was stored with and says that position.
    pub(super) fn record(&self, position: Position) -> Option<&[u8]> {
        let ordinal = usize::try_from(position.0.checked_sub(self.first.0)?).ok()?;
        let mut fields = Fields::of(self.raw.get(*self.starts.get(ordinal)? as usize..)?);
        let len = fields.u16()?;
        let check: [u8; 4] = fields.array()?;
        let record = fields.slice(usize::from(len))?;
        (leaf(record)[..4] == check && record.get(POSITION_AT)? == position.0.to_be_bytes()).then_some(record)
    }
}

/// Decompresses at most `raw_bytes`, in a context that an earlier block has used.
fn decompress(compressed: &[u8], raw_bytes: usize) -> io::Result<Vec<u8>> {
    static IDLE: Mutex<Vec<Decompressor<'static>>> = Mutex::new(Vec::new());
    let idle = || IDLE.lock().unwrap_or_else(PoisonError::into_inner); // held to take or to put, never in between
    let taken = idle().pop();
    let mut decompressor = taken.map_or_else(Decompressor::new, Ok)?;
    let raw = decompressor.decompress(compressed, raw_bytes)?; // one that failed is not used again
    let mut idle = idle();
    if idle.len() < DECOMPRESSORS_IDLE_MAX {
        idle.push(decompressor);
    }
    Ok(raw)
}
