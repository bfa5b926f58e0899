//! A store made around sealed segments, as an import needs it: everything but the segments' own files.

use std::fs;
use std::path::Path;

use super::OpenError;
use super::anchor::{Anchor, Anchored};
use super::chunk::Head;
use super::hot::{Carried, Hot};
use super::layout::{Format, Layout, doing, hot_name, replace, sync_tree};
use super::manifest::{ActiveEntry, Loss, Manifest, SealedEntry};
use crate::journal::ChainValue;
use crate::model::{Epoch, Position, Timestamp};

/// What the store's next event continues.
pub(in crate::journal) struct Restored {
    pub store: [u8; 16],
    pub created: Timestamp,
    /// In order of position. Their files lie in `sealed/` already.
    pub sealed: Vec<SealedEntry>,
    pub losses: Vec<Loss>,
    pub carried: Carried,
    pub head: Position,
    pub chain: ChainValue,
    pub epoch: Epoch,
    pub recorded_at: Timestamp,
}

/// The directory of sealed segments in a data directory.
pub(in crate::journal) fn sealed_directory(root: &Path) -> std::path::PathBuf {
    Layout::new(root).sealed_root()
}

/// Completes a store in `root`, which nobody else uses: an empty hot segment after the last sealed one, the lists,
/// the anchor. Durable when this returns, but for the name of `root` itself.
pub(in crate::journal) fn restore(root: &Path, restored: Restored, cache_bytes: u64) -> Result<(), OpenError> {
    let layout = Layout::new(root);
    fs::create_dir_all(layout.sealed_root()).map_err(doing("creating", &layout.sealed_root()))?;
    let Restored { store, created, sealed, losses, carried, head, chain, epoch, recorded_at } = restored;
    let first = head.next();
    let dir = hot_name(first);
    let start = Head { store, first, chain_before: chain, position: head, chain, epoch, recorded_at };
    Hot::create(&layout.hot(&dir), start, carried, cache_bytes)?;
    let active = ActiveEntry { dir, first, chain_before: chain };
    Manifest { sealed, retired: Vec::new(), active, losses }.write(&layout)?;
    let anchored = Anchored { position: head, chain, epoch, segment: first };
    let path = layout.anchor();
    Anchor::create(&path, anchored).map_err(doing("creating", &path))?;
    let path = layout.format();
    let format = serde_json::to_vec_pretty(&Format::new(created, store)).expect("three texts are JSON");
    replace(&path, &format).map_err(doing("creating", &path))?;
    sync_tree(&layout.root).map_err(doing("syncing", &layout.root))
}
