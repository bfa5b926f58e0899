//! Derived states of wardens and projections, so that a respawn reads a bounded number of events.
//!
//! A snapshot is never the truth: whatever is wrong with one, the answer is none and the owner replays. So nothing is
//! synced, nothing is repaired, and the directory may be deleted at any time; saving is never on the way of an
//! acknowledgement.
//!
//! One small file per scope, in 256 directories, replaced by renaming. A sled directory of its own was considered:
//! it would hold 100,000 states in a cache beside the page cache, cost seconds to open, break as a whole where a file
//! breaks alone, and still need files for states above 4 KiB. Packed files would need compaction. The price of plain
//! files is a disk block per channel: 400 MB for 100,000 channels.
//!
//! This module must not know what a state is: its owner names a schema, and another schema is no snapshot.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::{Position, Scope, Sequence, Sha256};

/// The most bytes a state may have. A warden's has about two kilobytes. A [shelf](Snapshots::shelf) sets its own.
pub const STATE_BYTES_MAX: usize = 1024 * 1024;

const VERSION: u8 = 1;
const DIGEST_BYTES: usize = 32;
const PREFIX_BYTES: usize = 1 + 2 + 16 + 8 + 8 + 1;
const FRAME_BYTES_MAX: usize = PREFIX_BYTES + u8::MAX as usize + DIGEST_BYTES;

/// A state as of a place in its scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Sequence of the last event that the state contains.
    pub sequence: Sequence,
    /// Position of that event.
    pub position: Position,
    /// The state, in its owner's encoding.
    pub state: Vec<u8>,
}

/// Why a snapshot could not be saved. The owner may carry on: it will replay more.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
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
    /// The state is larger than a state may be.
    #[error("the state of {scope} has {bytes} bytes, at most {most} are allowed")]
    TooLarge {
        /// Whose.
        scope: Scope,
        /// Its size.
        bytes: usize,
        /// The most bytes it may have there.
        most: usize,
    },
}

/// The directory of snapshots of one store.
pub struct Snapshots {
    directory: PathBuf,
    store: [u8; 16],
    state_bytes_max: usize,
    saved: AtomicU64,
}

impl Snapshots {
    /// Opens the directory, or begins one. Snapshots of another store are as good as absent.
    pub fn open(directory: &Path, store: [u8; 16]) -> Result<Self, SnapshotError> {
        Self::open_bounded(directory, store, STATE_BYTES_MAX)
    }

    /// A directory of that name within this one, for states of another size: what is folded over all channels is
    /// larger than one channel's state, and a bound that fits it would bound nothing here.
    pub fn shelf(&self, name: &str, state_bytes_max: usize) -> Result<Self, SnapshotError> {
        Self::open_bounded(&self.directory.join(name), self.store, state_bytes_max)
    }

    fn open_bounded(directory: &Path, store: [u8; 16], state_bytes_max: usize) -> Result<Self, SnapshotError> {
        let temporaries = directory.join("tmp");
        match fs::remove_dir_all(&temporaries) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_at("emptying", &temporaries)(error));
            }
            _ => (),
        }
        fs::create_dir_all(&temporaries).map_err(io_at("creating directory", &temporaries))?;
        Ok(Self { directory: directory.to_owned(), store, state_bytes_max, saved: AtomicU64::new(0) })
    }

    /// Keeps a state instead of the one before it. Whoever reads meanwhile gets the one or the other.
    pub fn save(&self, scope: &Scope, schema: u16, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if snapshot.state.len() > self.state_bytes_max {
            let (bytes, most) = (snapshot.state.len(), self.state_bytes_max);
            return Err(SnapshotError::TooLarge { scope: scope.clone(), bytes, most });
        }
        let mut bytes = self.prefix(scope, schema);
        bytes.extend_from_slice(&snapshot.sequence.0.to_be_bytes());
        bytes.extend_from_slice(&snapshot.position.0.to_be_bytes());
        bytes.extend_from_slice(&snapshot.state);
        bytes.extend_from_slice(&Sha256::of(&bytes).0);
        let ordinal = self.saved.fetch_add(1, Ordering::Relaxed); // only told apart, never ordered
        let temporary = self.directory.join("tmp").join(ordinal.to_string());
        fs::write(&temporary, &bytes).map_err(io_at("writing snapshot", &temporary))?;
        let path = self.path_of(scope);
        match fs::rename(&temporary, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let shard = path.parent().unwrap_or(&self.directory);
                fs::create_dir_all(shard).map_err(io_at("creating directory", shard))?;
                fs::rename(&temporary, &path).map_err(io_at("renaming snapshot to", &path))
            }
            other => other.map_err(io_at("renaming snapshot to", &path)),
        }
    }

    /// The scope's state, if one of this schema is there and whole.
    pub fn load(&self, scope: &Scope, schema: u16) -> Option<Snapshot> {
        let path = self.path_of(scope);
        if fs::metadata(&path).ok()?.len() > (FRAME_BYTES_MAX + self.state_bytes_max) as u64 {
            return None;
        }
        let bytes = fs::read(&path).ok()?;
        let (body, digest) = bytes.split_last_chunk::<DIGEST_BYTES>()?;
        if Sha256::of(body).0 != *digest {
            return None;
        }
        let rest = body.strip_prefix(self.prefix(scope, schema).as_slice())?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (position, state) = rest.split_first_chunk()?;
        Some(Snapshot {
            sequence: Sequence(u64::from_be_bytes(*sequence)),
            position: Position(u64::from_be_bytes(*position)),
            state: state.to_vec(),
        })
    }

    /// Forgets the scope's state.
    pub fn forget(&self, scope: &Scope) -> Result<(), SnapshotError> {
        let path = self.path_of(scope);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_at("removing snapshot", &path)(error)),
            _ => Ok(()),
        }
    }

    /// What a snapshot of this store, scope and schema begins with, and no other does.
    fn prefix(&self, scope: &Scope, schema: u16) -> Vec<u8> {
        let scope = scope.to_string();
        let scope_bytes = u8::try_from(scope.len()).expect("a scope has at most 201 bytes");
        let mut bytes = Vec::with_capacity(PREFIX_BYTES + scope.len() + 2048);
        bytes.push(VERSION);
        bytes.extend_from_slice(&schema.to_be_bytes());
        bytes.extend_from_slice(&self.store);
        bytes.push(scope_bytes);
        bytes.extend_from_slice(scope.as_bytes());
        bytes
    }

    fn path_of(&self, scope: &Scope) -> PathBuf {
        let name = Sha256::of(scope.to_string().as_bytes()).to_string();
        self.directory.join(&name[..2]).join(name)
    }
}

fn io_at(doing: &'static str, file: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    let file = file.to_owned();
    move |source| SnapshotError::Io { doing, file, source }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::model::{ChannelId, SystemScope};

    const STORE: [u8; 16] = [3; 16];
    const SCHEMA: u16 = 4;

    fn scope(n: u32) -> Scope {
        ChannelId::new(format!("channel-{n}")).expect("a sound id").into()
    }

    fn snapshot(n: u64) -> Snapshot {
        Snapshot { sequence: Sequence(n), position: Position(n * 10), state: n.to_be_bytes().repeat(20) }
    }

    #[test]
    fn the_newest_state_of_each_scope_is_read_back_after_reopening() {
        let directory = TempDir::new().expect("a directory");
        let snapshots = Snapshots::open(directory.path(), STORE).expect("opening");
        for n in 0..600 {
            snapshots.save(&scope(n % 300), SCHEMA, &snapshot(u64::from(n))).expect("saving");
        }
        let snapshots = Snapshots::open(directory.path(), STORE).expect("opening again");
        for n in 0..300 {
            assert_eq!(snapshots.load(&scope(n), SCHEMA), Some(snapshot(u64::from(n) + 300)));
        }
        assert_eq!(snapshots.load(&SystemScope::Policies.into(), SCHEMA), None);
    }

    #[test]
    fn a_state_of_any_allowed_size_is_kept_and_a_larger_one_refused() {
        let directory = TempDir::new().expect("a directory");
        let snapshots = Snapshots::open(directory.path(), STORE).expect("opening");
        for size in [0, 1, 4096, 5000, STATE_BYTES_MAX] {
            let large = Snapshot { state: vec![7; size], ..snapshot(1) };
            snapshots.save(&scope(1), SCHEMA, &large).expect("saving");
            assert_eq!(snapshots.load(&scope(1), SCHEMA), Some(large));
        }
        let too_large = Snapshot { state: vec![7; STATE_BYTES_MAX + 1], ..snapshot(1) };
        assert!(matches!(snapshots.save(&scope(1), SCHEMA, &too_large), Err(SnapshotError::TooLarge { .. })));
    }

    #[test]
    fn a_shelf_has_states_and_a_bound_of_its_own() {
        let directory = TempDir::new().expect("a directory");
        let snapshots = Snapshots::open(directory.path(), STORE).expect("opening");
        let shelf = snapshots.shelf("views", 2 * STATE_BYTES_MAX).expect("opening the shelf");
        let large = Snapshot { state: vec![7; 2 * STATE_BYTES_MAX], ..snapshot(1) };
        shelf.save(&scope(1), SCHEMA, &large).expect("saving");
        snapshots.save(&scope(1), SCHEMA, &snapshot(2)).expect("saving");
        assert_eq!(shelf.load(&scope(1), SCHEMA), Some(large.clone()));
        assert_eq!(snapshots.load(&scope(1), SCHEMA), Some(snapshot(2)));
        let larger = Snapshot { state: vec![7; 2 * STATE_BYTES_MAX + 1], ..snapshot(1) };
        assert!(matches!(shelf.save(&scope(1), SCHEMA, &larger), Err(SnapshotError::TooLarge { .. })));
        Snapshots::open(directory.path(), STORE).expect("opening again");
        let again = snapshots.shelf("views", 2 * STATE_BYTES_MAX).expect("opening the shelf again");
        assert_eq!(again.load(&scope(1), SCHEMA), Some(large));
    }

    #[test]
    fn another_schema_store_or_scope_is_no_snapshot() {
        let directory = TempDir::new().expect("a directory");
        let snapshots = Snapshots::open(directory.path(), STORE).expect("opening");
        snapshots.save(&scope(1), SCHEMA, &snapshot(1)).expect("saving");
        assert_eq!(snapshots.load(&scope(1), SCHEMA + 1), None);
        let elsewhere = Snapshots::open(directory.path(), [4; 16]).expect("opening");
        assert_eq!(elsewhere.load(&scope(1), SCHEMA), None);
        fs::create_dir_all(snapshots.path_of(&scope(2)).parent().expect("a shard")).expect("creating");
        fs::copy(snapshots.path_of(&scope(1)), snapshots.path_of(&scope(2))).expect("copying");
        assert_eq!(snapshots.load(&scope(2), SCHEMA), None);
    }

    #[test]
    fn any_damage_is_no_snapshot() {
        let directory = TempDir::new().expect("a directory");
        let snapshots = Snapshots::open(directory.path(), STORE).expect("opening");
        snapshots.save(&scope(1), SCHEMA, &snapshot(1)).expect("saving");
        let path = snapshots.path_of(&scope(1));
        let sound = fs::read(&path).expect("reading");
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(&path, bytes).expect("writing");
            assert_eq!(snapshots.load(&scope(1), SCHEMA), None, "byte {at}");
            fs::write(&path, &sound[..at]).expect("writing");
            assert_eq!(snapshots.load(&scope(1), SCHEMA), None, "cut at {at}");
        }
        fs::write(&path, sound).expect("writing");
        assert_eq!(snapshots.load(&scope(1), SCHEMA), Some(snapshot(1)));
        snapshots.forget(&scope(1)).expect("forgetting");
        snapshots.forget(&scope(1)).expect("forgetting what is not there");
        assert_eq!(snapshots.load(&scope(1), SCHEMA), None);
    }
}
