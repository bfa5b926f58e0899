//! What can go wrong with the store: below ([`StoreFault`]) and at opening it ([`OpenError`]).

use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};

use super::chunk::Damage;
use crate::journal::{AppendError, ReadError};
use crate::model::Position;

/// sled failed, or what it returned does not hold.
#[derive(Debug, thiserror::Error)]
pub(in crate::journal) enum StoreFault {
    #[error("sled failed: {0}")]
    Sled(#[from] sled::Error),
    #[error("sled panicked: {0}")]
    Panicked(String),
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl StoreFault {
    pub fn panicked(panic: &(dyn Any + Send)) -> Self {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        Self::Panicked(said.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without a message").to_owned())
    }

    /// As a failure to open the segment in `dir`.
    pub fn of(self, dir: &Path) -> OpenError {
        match self {
            Self::Read(ReadError::Damaged { position, finding }) => OpenError::Damaged(Damage { position, finding }),
            Self::Read(ReadError::Envelope { position, source }) => {
                OpenError::Damaged(Damage { position, finding: format!("its envelope cannot be read: {source}") })
            }
            other => OpenError::Store { path: dir.to_owned(), finding: other.to_string() },
        }
    }
}

/// Why the journal does not open. Nothing was changed, and nothing is repaired by forgetting.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file could not be read or written.
    #[error("{verb} {} failed", path.display())]
    Io {
        /// What was being done.
        verb: &'static str,
        /// To which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another process writes this journal.
    #[error("the journal is in use: {} is locked by {holder}", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// What its holder wrote into it.
        holder: String,
    },
    /// The directory holds something, but no store.
    #[error("{} has no FORMAT and is not empty: it holds {found}", path.display())]
    NotAStore {
        /// The directory.
        path: PathBuf,
        /// One of the things found.
        found: String,
    },
    /// The directory holds no store, and none was to be made.
    #[error("there is no journal in {}", path.display())]
    NoStore {
        /// The directory.
        path: PathBuf,
    },
    /// The store has a format that this program does not know.
    #[error("{} says {found:?}, this program reads streamwarden-journal/1", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// A file of the store is not what was written.
    #[error("{} is damaged: {finding}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        finding: String,
    },
    /// A file of the store is gone.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A segment cannot be opened at all.
    #[error("the segment {} cannot be opened: {finding}", path.display())]
    Store {
        /// The segment.
        path: PathBuf,
        /// What sled said.
        finding: String,
    },
    /// Stored events are not what was written.
    #[error("position {} is damaged: {}", .0.position, .0.finding)]
    Damaged(Damage),
    /// Events are missing that the anchor knows of.
    #[error("positions {from} to {to} are missing: the store ends at {}, the anchor knows of {to}", from.0 - 1)]
    BehindAnchor {
        /// First position missing.
        from: Position,
        /// Last position missing.
        to: Position,
    },
    /// The store holds another history than the anchor.
    #[error("the store is not the one that was anchored: the chain value after position {position} is another")]
    NotTheAnchored {
        /// The position compared.
        position: Position,
    },
    /// The first append of the opened journal failed.
    #[error("the journal opened, but could not be written")]
    FirstAppend(#[source] AppendError),
}

impl OpenError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "check that the disk is mounted and writable and that the directory belongs to this user"
            }
            Self::Locked { .. } => "stop the other process, or choose another data directory",
            Self::NotAStore { .. } => {
                "choose an empty directory; if this was a journal that lost its FORMAT, `journal repair` makes that anew"
            }
            Self::NoStore { .. } => "check the data directory's path",
            Self::UnknownFormat { .. } => "use the program version that wrote it, and export from there",
            Self::Missing { path } | Self::Unreadable { path, .. }
                if path.ends_with("FORMAT") || path.ends_with("MANIFEST") =>
            {
                "keep a copy of the directory; `journal repair` makes it anew from the segments that are there"
            }
            Self::Unreadable { .. } => {
                "keep a copy of the directory; a backup restores it, and `journal repair --accept-loss` goes on without \
                 what cannot be read and says so in the journal"
            }
            Self::Missing { .. } | Self::Store { .. } | Self::Damaged(_) => {
                "keep a copy of the directory; `journal verify` names what is wrong, a backup restores it, and \
                 `journal repair --accept-loss` goes on without the lost events and says so in the journal"
            }
            Self::BehindAnchor { .. } | Self::NotTheAnchored { .. } => {
                "an older copy of the directory may have been put in place, or a disk lost its cache; put the newest \
                 one back, or accept the loss by `journal repair --accept-loss`"
            }
            Self::FirstAppend(_) => "check the disk's free space and the system log for disk errors",
        }
    }

    /// The first bad position, where one is known.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Damaged(damage) => Some(damage.position),
            Self::BehindAnchor { from, .. } => Some(*from),
            Self::NotTheAnchored { position } => Some(*position),
            // a segment that does not open at all is bad from its first position on, which its directory is named for
            Self::Store { path, .. } => path.file_name()?.to_str()?.get(..20)?.parse().ok().map(Position),
            _ => None,
        }
    }
}
