//! A full segment gives way to a new one.
//!
//! The new segment is made complete and durable first; replacing the manifest is the one step that makes it part of
//! the store. A crash before it leaves a directory that no manifest names, which the next open removes; a crash after
//! it leaves nothing to do. (Making it under another name and renaming was considered: sled writes by path, so its
//! directory must not be renamed while it is open, and reopening costs the lock.)

use std::sync::Arc;

use fail::fail_point;

use super::chunk::Head;
use super::committer::{Committer, Fatal};
use super::hot::Hot;
use super::layout::hot_name;
use super::manifest::{ActiveEntry, RetiredEntry};
use super::segments::{Older, Segments};

/// Starts a new hot segment after the last durable event. Runs between two commits.
pub(super) fn roll(committer: &mut Committer) -> Result<(), Fatal> {
    let shared = committer.shared.clone();
    let segments = shared.segments();
    let standing = committer.standing;
    let first = standing.position.next();
    fail_point!("roll.begin");
    let head = Head {
        store: shared.store,
        first,
        chain_before: standing.chain,
        position: standing.position,
        chain: standing.chain,
        epoch: standing.epoch,
        recorded_at: standing.recorded_at,
    };
    let carried = segments.hot.index().carried();
    let dir = hot_name(first);
    let hot =
        Hot::create(&shared.layout.hot(&dir), head, carried, shared.options.cache_bytes).map_err(Fatal::RollOver)?;
    fail_point!("roll.created");
    // Nothing may have to be looked for in the old segment to prove the new one's start.
    committer.write_anchor(first)?;
    committer.anchor.sync().map_err(Fatal::Anchor)?;
    fail_point!("roll.anchored");
    shared
        .change_manifest(|manifest| {
            let active = ActiveEntry { dir, first, chain_before: standing.chain };
            let old = std::mem::replace(&mut manifest.active, active);
            manifest.retired.push(RetiredEntry {
                dir: old.dir,
                first: old.first,
                last: standing.position,
                chain_before: old.chain_before,
                chain: standing.chain,
            });
        })
        .map_err(Fatal::RollOver)?;
    fail_point!("roll.switched");
    let retired = Older::Retired { hot: segments.hot.clone(), last: standing.position };
    shared.change_segments(|segments| Segments {
        older: segments.older.iter().cloned().chain([retired]).collect(),
        hot: Arc::new(hot),
    });
    committer.hot_bytes = 0;
    tracing::info!(journal.first = first.0, "a new hot segment begins");
    shared.wake_sealer();
    Ok(())
}
