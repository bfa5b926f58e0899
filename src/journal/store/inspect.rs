//! A store opened to be looked at: nothing is appended, so even the openings and closings of a look leave no trace.
//!
//! It takes the lock all the same: sled lets nobody read beside a writer.

use std::fs::File;
use std::path::Path;

use tokio::sync::watch;

use super::layout::{Layout, take_lock};
use super::manifest::Manifest;
use super::open::{Depth, examine};
use super::segments::Segments;
use super::{OpenError, Options};
use crate::events::Recorded;
use crate::journal::{Append, AppendError, ChainValue, Journal, READ_LIMIT_MAX, ReadError, Ticket};
use crate::model::{ChannelId, ConsumerName, EventId, Mark, MarkName, Position, Scope, Sequence};

/// A store opened for reading only. It was examined as for writing: head against anchor, at least the newest 10,000
/// events.
pub struct Inspection {
    segments: Segments,
    manifest: Manifest,
    store: [u8; 16],
    chain: ChainValue,
    clean: bool,
    watermark: watch::Sender<Position>,
    _lock: File,
}

impl Inspection {
    /// Opens the store in a data directory. Makes nothing where there is none.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let layout = Layout::new(&options.data_dir);
        layout.expect_store()?;
        let lock = take_lock(&layout)?;
        let found = examine(layout, lock, options.cache_bytes, Depth::Tail)?;
        Ok(Self {
            segments: found.segments,
            manifest: found.manifest,
            store: found.store,
            chain: found.head.chain,
            clean: found.clean,
            watermark: watch::Sender::new(found.head.position),
            _lock: found.lock,
        })
    }

    /// The store's uuid.
    pub fn store_id(&self) -> [u8; 16] {
        self.store
    }

    /// The segments it consists of.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The last position.
    pub fn head(&self) -> Position {
        *self.watermark.borrow()
    }

    /// The chain value after the last event.
    pub fn chain(&self) -> ChainValue {
        self.chain
    }

    /// Whether the last writer closed it in order.
    pub fn is_clean(&self) -> bool {
        self.clean
    }

    /// How far each consumer has come, by name.
    pub fn cursors(&self) -> Vec<(ConsumerName, Position)> {
        let mut cursors: Vec<_> =
            self.segments.hot.index().cursors.iter().map(|(name, at)| (name.clone(), *at)).collect();
        cursors.sort_unstable();
        cursors
    }

    /// Bytes of the files below a data directory, symbolic links not followed.
    pub fn disk_bytes(data_dir: &Path) -> std::io::Result<u64> {
        let mut bytes = 0;
        let mut open = vec![data_dir.to_owned()];
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(directory)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    open.push(entry.path());
                } else if kind.is_file() {
                    bytes += entry.metadata()?.len();
                }
            }
        }
        Ok(bytes)
    }
}

impl Journal for Inspection {
    /// Always refused: this is a look.
    fn append(&self, _: Append) -> Ticket {
        Ticket::settled(Err(AppendError::Closed))
    }

    fn watermark(&self) -> watch::Receiver<Position> {
        self.watermark.subscribe()
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.segments.read(after, limit, self.head())
    }

    fn read_scope(&self, scope: &Scope, after: Sequence, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.segments.read_scope(scope, after, limit, self.head())
    }

    fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        self.segments.find(id, self.head())
    }

    fn may_hold(&self, id: EventId) -> bool {
        self.segments.may_hold(id)
    }

    fn scope_head(&self, scope: &Scope) -> Sequence {
        self.segments.hot.index().last_sequence(scope).unwrap_or_default()
    }

    fn channels(&self, after: Option<&ChannelId>, limit: usize) -> Vec<ChannelId> {
        self.segments.hot.index().channels(after, limit.min(READ_LIMIT_MAX))
    }

    fn cursor(&self, consumer: &ConsumerName) -> Result<Option<Position>, ReadError> {
        Ok(self.segments.hot.index().cursors.get(consumer).copied())
    }

    /// Always refused: this is a look.
    fn save_cursor(&self, _: &ConsumerName, _: Position) -> Ticket {
        Ticket::settled(Err(AppendError::Closed))
    }

    fn marks(&self, prefix: &str) -> Vec<(MarkName, Mark)> {
        self.segments.hot.index().marks(prefix)
    }

    /// Always refused: this is a look.
    fn save_mark(&self, _: &MarkName, _: Option<&Mark>) -> Ticket {
        Ticket::settled(Err(AppendError::Closed))
    }
}
