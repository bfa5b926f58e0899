//! Sealed segments: a full stretch of the journal as one compact, immutable, verified file.
//!
//! ```text
//! header   magic, version, store uuid, first position, chain value before it, crc
//! blocks   ~64 KiB of records each, zstd; a record is u16 length, u32 check (head of its leaf hash), bytes
//! ids      (event id, position offset), sorted, in pages
//! lists    per scope the positions of its events, delta-coded
//! scopes   (scope, sequences, where its list is), sorted, in pages
//! filter   binary fuse filter over the event ids
//! contents references into the content store found in the payloads
//! footer   heads, block table, page tables of the parts above
//! trailer  footer length, SHA-256 of the footer, magic
//! ```
//!
//! Chain values are not stored per record but recomputed from the block table, which holds one before and one after
//! each block: measured, 76 instead of 103 bytes per skipped frame. The 4-byte check of each record keeps
//! damage attributable to one position.
//!
//! Every byte of the file is covered: blocks, pages and parts by a CRC-32 each in the footer, the footer by SHA-256,
//! the records by the chain. The checksums find accidents; a forger is found by the chain value and the file digest that
//! the journal keeps outside the file.
//!
//! Memory per open segment, measured per million events: 1.2 MB for the filter (9.5 bits per event), 0.5 MB for page
//! and block tables; ids, scopes and records stay on disk and are read on demand, with a cache of [`BLOCKS_CACHED`]
//! blocks.
//!
//! This module knows records and their envelopes; it must not know sled, the committer, or where segments are listed.

mod block;
mod ids;
mod layout;
mod parts;
mod reader;
mod recent;
mod scopes;
#[cfg(test)]
mod tests;
mod verify;
mod wire;
mod writer;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use layout::Hole;
pub use reader::Segment;
pub use verify::Summary;
pub use writer::{Sealed, Writer};

use sha2::{Digest, Sha256 as Hasher};

use crate::model::{Position, Sha256};

/// Raw bytes after which a block is closed. Large enough for zstd to find what repeats, small enough that reading one
/// event does not hash more than some three hundred.
pub const BLOCK_RAW_BYTES: usize = 64 * 1024;
/// The most events one segment may hold: bounds the index that a writer and a verification keep in memory (about
/// 30 bytes per event).
pub const SEGMENT_EVENTS_MAX: u64 = 5_000_000;
/// Blocks a reader keeps decompressed of each kind: checked as a whole (about 100 KiB each), and for single records (some
/// 66 KiB).
pub const BLOCKS_CACHED: usize = 4;
/// The most bytes a footer may have; that of [`SEGMENT_EVENTS_MAX`] events stays below a third of it.
const FOOTER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a sealed segment could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// The file system refused.
    #[error("{doing} {} failed", file.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        file: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Not a sealed segment, or one of another version or store. Nothing of it was used.
    #[error("{} cannot be read as a sealed segment: {finding}", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What was expected and what was found.
        finding: String,
    },
    /// The bytes are not what was written.
    #[error("{} is damaged in its {part}: {finding}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Which part of it.
        part: &'static str,
        /// The first bad position, where the damage is in a block. Exact for an accident that leaves the block
        /// decodable; otherwise the block's first position.
        position: Option<Position>,
        /// What is wrong.
        finding: String,
    },
    /// What was handed over cannot be sealed.
    #[error("position {position} cannot be sealed: {finding}")]
    Unfit {
        /// The position.
        position: Position,
        /// What is wrong with it.
        finding: String,
    },
}

impl SealedError {
    /// The first bad position, where the damage is in a block.
    pub fn first_bad_position(&self) -> Option<Position> {
        match self {
            Self::Damaged { position, .. } => *position,
            Self::Unfit { position, .. } => Some(*position),
            Self::Io { .. } | Self::Foreign { .. } => None,
        }
    }

    fn io(doing: &'static str, file: &Path) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Io { doing, file, source }
    }

    fn damaged(file: &Path, part: &'static str, finding: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), part, position: None, finding: finding.into() }
    }
}

/// Digest and size of a file, read in pieces.
pub fn digest_of(path: &Path) -> io::Result<(Sha256, u64)> {
    let mut hasher = Hasher::new();
    let mut file = File::open(path)?;
    let mut piece = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((Sha256(hasher.finalize().into()), bytes)),
            read => {
                hasher.update(&piece[..read]);
                bytes += read as u64;
            }
        }
    }
}

/// The name of the segment with these positions: sorted by name is sorted by position.
pub fn file_name(first: Position, last: Position) -> String {
    format!("{:020}-{:020}.swj", first.0, last.0)
}
