//! Verifying a whole store offline: every record of every segment is read and hashed again, and compared with the
//! chain, the indexes, the manifest and the anchor. Names the first bad position; repairs nothing.

use std::path::Path;

use super::chunk::Damage;
use super::layout::{Format, Layout, take_lock};
use super::manifest::{Loss, Manifest, SealedEntry};
use super::open::{Depth, examine};
use super::sealing::digest;
use super::segments::Older;
use super::{OpenError, whole_story};
use crate::journal::ChainValue;
use crate::journal::sealed::Segment;
use crate::model::Position;

/// sled's cache while verifying, in bytes: everything is read once.
const CACHE_BYTES: u64 = 16 << 20;

/// A store that holds, all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Events read and hashed.
    pub events: u64,
    /// The last position.
    pub head: Position,
    /// The chain value after it.
    pub chain: ChainValue,
    /// Segments: sealed, full, hot.
    pub segments: [usize; 3],
    /// The declared losses: the only holes there are.
    pub losses: Vec<Loss>,
    /// Whether the last writer closed it in order.
    pub clean: bool,
}

/// Verifies the store in a directory that no process is writing.
pub fn verify(data_dir: &Path) -> Result<Verified, OpenError> {
    let layout = Layout::new(data_dir);
    layout.expect_store()?;
    let lock = take_lock(&layout)?;
    let store = Format::read(&layout)?.store(&layout.format())?;
    let manifest = Manifest::read(&layout)?;
    let mut events = 0;
    // in order of position, so that the first finding is the first bad position
    for sealed in &manifest.sealed {
        events += verify_sealed(&layout, &store, sealed)?;
    }
    let found = examine(layout, lock, CACHE_BYTES, Depth::Whole)?;
    for older in &found.segments.older {
        if let Older::Retired { hot, .. } = older {
            let head = hot.head().map_err(|fault| fault.of(&hot.dir))?;
            hot.verify(hot.first, &head, |_, _, _| events += 1).map_err(|fault| fault.of(&hot.dir))?;
        }
    }
    events += u64::from(found.segments.hot.index().events());
    Ok(Verified {
        events,
        head: found.head.position,
        chain: found.head.chain,
        segments: [manifest.sealed.len(), manifest.retired.len(), 1],
        losses: manifest.losses,
        clean: found.clean,
    })
}

/// Verifies one sealed segment against the manifest. Returns its number of events.
pub(super) fn verify_sealed(layout: &Layout, store: &[u8; 16], entry: &SealedEntry) -> Result<u64, OpenError> {
    let path = entry.path(&layout.sealed_root());
    if !path.is_file() {
        return Err(OpenError::Missing { path });
    }
    let bad = |error| {
        let finding = whole_story(&error);
        let position = crate::journal::sealed::SealedError::first_bad_position(&error);
        match position {
            Some(position) => OpenError::Damaged(Damage { position, finding }),
            None => OpenError::Unreadable { path: path.clone(), finding },
        }
    };
    let summary = Segment::open(&path, store).and_then(|segment| segment.verify()).map_err(bad)?;
    let found = (summary.first, summary.last, summary.chain_before, summary.chain_after);
    if found != (entry.first, entry.last, entry.chain_before, entry.chain) || !summary.holes.is_empty() {
        let finding = "it holds other events than the manifest says".to_owned();
        return Err(OpenError::Unreadable { path, finding });
    }
    let actual = digest(&path).map_err(super::layout::doing("reading", &path))?;
    if actual != entry.sha256 {
        let finding = format!("its digest is {actual}, the manifest says {}", entry.sha256);
        return Err(OpenError::Unreadable { path, finding });
    }
    Ok(summary.count)
}
