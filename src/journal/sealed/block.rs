//! One block: records packed and compressed, and taken apart again with every check.

use super::wire::Fields;
use crate::journal::{ChainValue, StoredRecord, leaf};
use crate::model::Position;

/// The most bytes a record may have: its length is a u16.
pub(super) const RECORD_BYTES_MAX: usize = u16::MAX as usize;
/// The most raw bytes a block may have: it is closed once it has [`super::BLOCK_RAW_BYTES`], so one record more.
pub(super) const RAW_BYTES_MAX: usize = super::BLOCK_RAW_BYTES + RECORD_PREFIX_BYTES + RECORD_BYTES_MAX;
/// The most bytes a compressed block may have: zstd's own bound is below raw + raw/128 + 1 KiB.
pub(super) const BYTES_MAX: usize = RAW_BYTES_MAX + RAW_BYTES_MAX / 128 + 1024;
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
        let raw = zstd::bulk::decompress(compressed, claim.raw_bytes as usize)
            .map_err(|error| bad(claim.first, format!("its block cannot be decompressed: {error}")))?;
        if raw.len() != claim.raw_bytes as usize {
            let finding = format!("its block has {} bytes, {} were sealed", raw.len(), claim.raw_bytes);
            return Err(bad(claim.first, finding));
        }
        let mut spans = Vec::with_capacity(raw.len() / 64); // records are rarely smaller; grows where they are
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
    pub(super) fn record(&self, position: Position) -> Option<StoredRecord> {
        let span = self.spans.get(usize::try_from(position.0.checked_sub(self.first.0)?).ok()?)?;
        let start = span.start as usize;
        let bytes = self.raw[start..start + usize::from(span.len)].to_vec();
        Some(StoredRecord { position, bytes, chain: span.chain })
    }
}
