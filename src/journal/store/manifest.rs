//! Which segments the store consists of. What it does not name is not part of the store, so replacing it is the one
//! step by which a roll-over, a sealing or a repair takes effect.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::OpenError;
use super::layout::{Layout, doing, replace};
use crate::journal::ChainValue;
use crate::model::{Position, Sha256};

/// The list of segments, in order of position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Sealed segments.
    pub sealed: Vec<SealedEntry>,
    /// Hot segments that are full and not sealed yet.
    pub retired: Vec<RetiredEntry>,
    /// The hot segment that is written.
    pub active: ActiveEntry,
    /// Positions that an operator accepted as lost.
    pub losses: Vec<Loss>,
}

/// The hot segment that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveEntry {
    /// Its directory below `hot/`.
    pub dir: String,
    /// Its first position.
    pub first: Position,
    /// The chain value before it.
    pub chain_before: ChainValue,
}

/// A full hot segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredEntry {
    /// Its directory below `hot/`.
    pub dir: String,
    /// Its first position.
    pub first: Position,
    /// Its last position.
    pub last: Position,
    /// The chain value before it.
    pub chain_before: ChainValue,
    /// The chain value after it.
    pub chain: ChainValue,
}

/// A sealed segment. Its head stays here wherever the file goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedEntry {
    /// Its first position.
    pub first: Position,
    /// Its last position.
    pub last: Position,
    /// The chain value before it.
    pub chain_before: ChainValue,
    /// The chain value after it.
    pub chain: ChainValue,
    /// Its file's name.
    pub file: String,
    /// Digest of the file.
    pub sha256: Sha256,
    /// Bytes of the file.
    pub bytes: u64,
    /// The directory it was moved to; none while it lies in `sealed/`.
    pub archived: Option<PathBuf>,
    /// Whether the journal holds the `SegmentSealed` that names it.
    pub announced: bool,
}

impl SealedEntry {
    /// Where its file is, given the directory of those that were not moved.
    pub fn path(&self, sealed_root: &Path) -> PathBuf {
        self.archived.as_deref().unwrap_or(sealed_root).join(&self.file)
    }
}

/// A declared hole: the only lawful one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// First position lost.
    pub from: Position,
    /// Last position lost.
    pub to: Position,
    /// What was found.
    pub finding: String,
    /// Whether the journal holds the `DataLossAccepted` that declares it.
    pub recorded: bool,
}

impl Manifest {
    /// Reads the manifest and checks that it is whole and in order.
    pub(in crate::journal) fn read(layout: &Layout) -> Result<Self, OpenError> {
        let path = layout.manifest();
        let unreadable = |finding: String| OpenError::Unreadable { path: path.clone(), finding };
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(OpenError::Missing { path }),
            Err(error) => return Err(doing("reading", &path)(error)),
        };
        let (json, digest) = text
            .trim_end()
            .rsplit_once('\n')
            .ok_or_else(|| unreadable("it does not end with the digest of its content".to_owned()))?;
        let actual = Sha256::of(json.as_bytes()).to_string();
        if actual != digest {
            return Err(unreadable(format!("its content has the digest {actual}, it says {digest}")));
        }
        let manifest: Self = serde_json::from_str(json).map_err(|error| unreadable(error.to_string()))?;
        manifest.check_order().map_err(unreadable)?;
        Ok(manifest)
    }

    /// Replaces the manifest on disk: durable when this returns.
    pub(in crate::journal) fn write(&self, layout: &Layout) -> Result<(), OpenError> {
        let json = serde_json::to_string_pretty(self).expect("a manifest has string keys only and nothing that fails");
        let text = format!("{json}\n{}\n", Sha256::of(json.as_bytes()));
        let path = layout.manifest();
        replace(&path, text.as_bytes()).map_err(doing("replacing", &path))
    }

    /// Whether a position was declared lost.
    pub fn lost(&self, position: Position) -> Option<&Loss> {
        self.losses.iter().find(|loss| loss.from <= position && position <= loss.to)
    }

    /// The segments follow each other without a gap but the declared ones, and the chain links them.
    pub(in crate::journal) fn check_order(&self) -> Result<(), String> {
        let sealed = self.sealed.iter().map(|s| (s.first, Some(s.last), s.chain_before, Some(s.chain)));
        let retired = self.retired.iter().map(|r| (r.first, Some(r.last), r.chain_before, Some(r.chain)));
        let active = (self.active.first, None, self.active.chain_before, None);
        let mut next = Position(1);
        let mut link: Option<ChainValue> = None;
        for (first, last, before, after) in sealed.chain(retired).chain([active]) {
            let mut gap = false;
            while let Some(loss) = self.lost(next).filter(|_| next < first) {
                next = loss.to.next();
                gap = true;
            }
            if first != next {
                return Err(format!("a segment starts at position {first}, where {next} is expected"));
            }
            if !gap && link.is_some_and(|link| link != before) {
                return Err(format!("the segment at position {first} does not continue the chain of the one before"));
            }
            if let Some(last) = last {
                next = last.next();
            }
            link = after;
        }
        Ok(())
    }
}
