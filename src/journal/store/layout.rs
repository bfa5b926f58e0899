//! The data directory: what lies where, who may write it, and how a file becomes durable.
//!
//! ```text
//! LOCK        held by the one process that writes
//! FORMAT      what this directory is, and the store's uuid
//! MANIFEST    which segments the store consists of
//! ANCHOR      the head, outside the hot segment's own directory
//! hot/        one sled directory per hot segment, named for its first position
//! sealed/     immutable segments
//! damaged/    what a repair took out of the store, kept for whoever looks into it
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fail::fail_point;
use serde::{Deserialize, Serialize};

use super::OpenError;
use crate::model::{Position, Timestamp};

/// Directories nest this deep at most: hot/segment/blobs, with room.
const DEPTH_MAX: usize = 6;
const FORMAT_PREFIX: &str = "streamwarden-journal/";
const FORMAT_MAJOR: &str = "1";

/// Where everything is.
#[derive(Debug, Clone)]
pub(in crate::journal) struct Layout {
    pub root: PathBuf,
}

impl Layout {
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }
    pub fn lock(&self) -> PathBuf {
        self.root.join("LOCK")
    }
    pub fn format(&self) -> PathBuf {
        self.root.join("FORMAT")
    }
    pub fn manifest(&self) -> PathBuf {
        self.root.join("MANIFEST")
    }
    pub fn anchor(&self) -> PathBuf {
        self.root.join("ANCHOR")
    }
    pub fn hot_root(&self) -> PathBuf {
        self.root.join("hot")
    }
    pub fn hot(&self, dir: &str) -> PathBuf {
        self.hot_root().join(dir)
    }
    pub fn sealed_root(&self) -> PathBuf {
        self.root.join("sealed")
    }
    pub fn damaged_root(&self) -> PathBuf {
        self.root.join("damaged")
    }
    /// What can be made again from the events.
    pub fn derived(&self) -> PathBuf {
        self.root.join("derived")
    }
    /// That there is a store: refused where there is none, and, in other words, where only its `FORMAT` is gone.
    pub fn expect_store(&self) -> Result<(), OpenError> {
        let path = self.format();
        match (path.exists(), self.hot_root().exists() && !self.creating().exists()) {
            (true, _) => Ok(()),
            (false, true) => Err(OpenError::Missing { path }),
            (false, false) => Err(OpenError::NoStore { path: self.root.clone() }),
        }
    }
    /// The store under construction at the very first start.
    pub fn creating(&self) -> PathBuf {
        self.root.join(".creating")
    }
}

/// The name of the hot segment that starts at `first`.
pub(super) fn hot_name(first: Position) -> String {
    format!("{:020}", first.0)
}

/// What `FORMAT` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::journal) struct Format {
    /// Name and version of the layout.
    pub format: String,
    /// When the store was made.
    pub created: Timestamp,
    /// The store's uuid, 32 hexadecimal digits. The chain starts from it.
    pub store: String,
}

impl Format {
    pub fn new(created: Timestamp, store: [u8; 16]) -> Self {
        Self { format: format!("{FORMAT_PREFIX}{FORMAT_MAJOR}"), created, store: hex(&store) }
    }

    pub fn read(layout: &Layout) -> Result<Self, OpenError> {
        let path = layout.format();
        let text = fs::read(&path).map_err(doing("reading", &path))?;
        let format: Self = serde_json::from_slice(&text)
            .map_err(|error| OpenError::Unreadable { path: path.clone(), finding: error.to_string() })?;
        match format.format.strip_prefix(FORMAT_PREFIX) {
            Some(FORMAT_MAJOR) => Ok(format),
            Some(other) if other.parse::<u32>().is_ok() => Err(OpenError::UnknownFormat { path, found: format.format }),
            _ => {
                let finding = format!("it names the format {:?}, which is none of ours", format.format);
                Err(OpenError::Unreadable { path, finding })
            }
        }
    }

    pub fn store(&self, path: &Path) -> Result<[u8; 16], OpenError> {
        unhex(&self.store).ok_or_else(|| OpenError::Unreadable {
            path: path.to_owned(),
            finding: format!("the store's uuid is {:?}, not 32 hexadecimal digits", self.store),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    let ascii = text.len() == 32 && text.is_ascii();
    let digits = ascii.then(|| (0..16).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16)))?;
    digits.collect::<Result<Vec<u8>, _>>().ok()?.try_into().ok()
}

/// How often a directory that is in use is tried again, and after which pause. A child that this process has just begun
/// to start holds our files, and so the lock, until it runs its own program: a lock given back is taken again in a moment.
const LOCK_TRIES_MAX: u32 = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Takes the directory for this process. Held until the file is dropped, or the process ends however it ends.
pub(in crate::journal) fn take_lock(layout: &Layout) -> Result<File, OpenError> {
    let path = layout.lock();
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(doing("opening", &path))?;
    let mut locked = file.try_lock();
    for _ in 0..LOCK_TRIES_MAX {
        if !matches!(locked, Err(TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(LOCK_PAUSE);
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // the holder's note is a courtesy; without it the refusal stands all the same
            let _ = file.take(200).read_to_string(&mut holder);
            return Err(OpenError::Locked { path, holder: holder.trim().to_owned() });
        }
        Err(TryLockError::Error(error)) => return Err(doing("locking", &path)(error)),
    }
    let note = format!("pid {}\n", std::process::id());
    let noted = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(note.as_bytes()));
    noted.map_err(doing("writing", &path))?;
    Ok(file)
}

/// Makes a directory's entries durable.
pub(in crate::journal) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes everything below a directory durable, and its entries.
pub(in crate::journal) fn sync_tree(path: &Path) -> io::Result<()> {
    sync_below(path, DEPTH_MAX)
}

fn sync_below(path: &Path, depth: usize) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true if depth == 0 => return Err(io::Error::other("directories nest deeper than a store's do")),
            true => sync_below(&entry.path(), depth - 1)?,
            false => File::open(entry.path())?.sync_all()?,
        }
    }
    sync_dir(path)
}

/// Replaces a file so that after a crash either the old or the new one is there, whole.
pub(in crate::journal) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let parent = path.parent().ok_or_else(|| io::Error::other("a file of the store has a directory"))?;
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    fail_point!("replace.written");
    file.sync_all()?;
    fail_point!("replace.synced");
    fs::rename(&temporary, path)?;
    fail_point!("replace.renamed");
    sync_dir(parent)
}

/// An IO error with what was being done to which path.
pub(in crate::journal) fn doing(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { verb, path, source }
}
