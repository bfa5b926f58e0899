//! The journal on disk, over sled.
//!
//! One thread writes ([`committer`]); readers never pass the durable watermark; what is stored is proved by its own
//! hashes and by an anchor outside sled's directory. Full segments give way to new ones and are sealed behind them.
//!
//! What the anchor does not prove: it is synced at most a second after it is written, so should a power cut undo both
//! the log's last synced batches (a disk that lies about its cache) and the anchor's last writes, up to one second of
//! the newest events can vanish unnoticed. Whoever needs less keeps a copy of the head elsewhere.

mod anchor;
mod batch;
mod chunk;
mod committer;
mod faults;
mod hot;
mod index;
mod inspect;
mod layout;
mod manifest;
mod open;
mod rebuild;
mod repair;
mod restore;
mod rollover;
mod sealing;
mod segments;
mod verify;

use std::error::Error;
use std::fs::File;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;

use rustix::fs::statvfs;
use tokio::sync::watch;

pub use chunk::{Damage, VALUE_BYTES_MAX};
pub use committer::QUEUE_MAX;
pub use faults::OpenError;
pub(in crate::journal) use hot::Carried;
pub use inspect::Inspection;
pub(in crate::journal) use layout::{replace, sync_dir, sync_tree};
pub use manifest::{ActiveEntry, Loss, Manifest, RetiredEntry, SealedEntry};
pub use rebuild::{Gaps, Rebuilt, rebuild};
pub use repair::{Repaired, repair};
pub(in crate::journal) use restore::{Restored, restore, sealed_directory};
pub use verify::{Verified, verify};

use super::admission;
use super::{Append, AppendError, Journal, READ_LIMIT_MAX, ReadError, Ticket};
use crate::clock::Clock;
use crate::events::Recorded;
use crate::model::{ChannelId, ConsumerName, EventId, Mark, MarkName, Position, Scope, Sequence};
use committer::Request;
use faults::StoreFault;
use layout::Layout;
use segments::Segments;

/// How a journal on disk is kept.
#[derive(Clone)]
pub struct Options {
    /// The data directory; made if it is not there.
    pub data_dir: PathBuf,
    /// A segment holds about so many events (a commit may exceed it by one batch).
    pub roll_after_events: u64,
    /// Or about so many bytes of records.
    pub roll_after_bytes: u64,
    /// Bytes that must stay free on the disk; below it appends are refused until there is room.
    pub reserve_bytes: u64,
    /// sled's page cache per hot segment, in bytes; its memory is 1.6 to 2.8 times as much.
    pub cache_bytes: u64,
    /// Where sealed segments are moved to, and how many stay; none moves nothing.
    pub archive: Option<Archive>,
    /// Gives recorded-at.
    pub clock: Arc<dyn Clock>,
    /// Called once, from the committing thread, when the journal has failed for good: end the process.
    pub on_fatal: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Retention of sealed segments: the newest stay, the older ones are moved and remain readable there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Where to.
    pub dir: PathBuf,
    /// How many sealed segments stay in the data directory.
    pub keep: usize,
}

impl Options {
    /// The defaults for a data directory: 200,000 events or 256 MiB to a segment, 64 MiB of reserve and of cache.
    pub fn new(data_dir: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            data_dir: data_dir.into(),
            roll_after_events: 200_000,
            roll_after_bytes: 256 << 20,
            reserve_bytes: 64 << 20,
            cache_bytes: 64 << 20,
            archive: None,
            clock,
            on_fatal: Arc::new(|_| {}),
        }
    }
}

/// The journal on disk.
///
/// Dropping it closes it in order, as [`close`](Self::close) does.
pub struct SledJournal {
    shared: Arc<Shared>,
    queue: SyncSender<Request>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads of one open journal share.
struct Shared {
    layout: Layout,
    store: [u8; 16],
    options: Options,
    segments: RwLock<Arc<Segments>>,
    manifest: Mutex<Manifest>,
    watermark: watch::Sender<Position>,
    failed: OnceLock<Arc<str>>,
    sealer: Mutex<Option<Sender<()>>>,
    /// Held as long as anything of this process can write.
    _lock: File,
}

impl SledJournal {
    /// Opens the journal, or makes it if the directory is empty. Verifies what the last writer left: the head against
    /// the anchor, at least the last 10,000 events, index and log against each other. Blocks; off the arbiters.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        open::open(options)
    }

    /// Stores what is queued, says in the journal that it was closed in order, and lets the directory go.
    pub fn close(&self) {
        let _ = self.queue.send(Request::Close); // a committer that is gone has closed, or failed and said so
        self.shared.stop_sealer();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            let _ = thread.join(); // a panic in it was reported where it happened
        }
    }

    /// Why the journal stopped for good, if it did.
    pub fn failure(&self) -> Option<Arc<str>> {
        self.shared.failed.get().cloned()
    }

    /// Why an append would be refused now, whatever it holds. Asks the file system for its free space: blocks.
    pub fn refuses(&self) -> Option<AppendError> {
        if let Some(reason) = self.shared.failed.get() {
            return Some(AppendError::Failed(reason.clone()));
        }
        // Who closes it holds the lock, and leaves no thread behind.
        let open = self.threads.try_lock().is_ok_and(|threads| !threads.is_empty());
        if open { self.shared.below_reserve() } else { Some(AppendError::Closed) }
    }

    /// The segments as they are now.
    pub fn manifest(&self) -> Manifest {
        self.shared.manifest().clone()
    }

    /// The store's uuid.
    pub fn store_id(&self) -> [u8; 16] {
        self.shared.store
    }

    fn request(&self, request: impl FnOnce(batch::Settle) -> Request) -> Ticket {
        let (settle, ticket) = Ticket::new();
        match self.queue.send(request(batch::Settle::queued(settle))) {
            Ok(()) => ticket,
            Err(_) => Ticket::settled(Err(self.shared.closed())),
        }
    }

    fn durable(&self) -> Position {
        *self.shared.watermark.borrow()
    }
}

impl Drop for SledJournal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Journal for SledJournal {
    /// Encodes on the caller's thread and queues. With [`QUEUE_MAX`] requests waiting it waits for a place, about as
    /// long as one commit takes: the committer depends on no appender, so this ends, and a refusal would only make
    /// every appender try again.
    fn append(&self, append: Append) -> Ticket {
        match admission::prepare(append) {
            Ok(prepared) => self.request(|settle| Request::Append(prepared, settle)),
            Err(refused) => Ticket::settled(Err(refused)),
        }
    }

    fn watermark(&self) -> watch::Receiver<Position> {
        self.shared.watermark.subscribe()
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let until = self.durable();
        self.shared.segments().read(after, limit, until)
    }

    fn read_scope(&self, scope: &Scope, after: Sequence, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let until = self.durable();
        self.shared.segments().read_scope(scope, after, limit, until)
    }

    fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        let until = self.durable();
        self.shared.segments().find(id, until)
    }

    fn may_hold(&self, id: EventId) -> bool {
        self.shared.segments().may_hold(id)
    }

    fn scope_head(&self, scope: &Scope) -> Sequence {
        self.shared.segments().hot.index().last_sequence(scope).unwrap_or_default()
    }

    fn channels(&self, after: Option<&ChannelId>, limit: usize) -> Vec<ChannelId> {
        self.shared.segments().hot.index().channels(after, limit.min(READ_LIMIT_MAX))
    }

    fn cursor(&self, consumer: &ConsumerName) -> Result<Option<Position>, ReadError> {
        Ok(self.shared.segments().hot.index().cursors.get(consumer).copied())
    }

    fn save_cursor(&self, consumer: &ConsumerName, position: Position) -> Ticket {
        self.request(|settle| Request::Cursor(consumer.clone(), position, settle))
    }

    fn marks(&self, prefix: &str) -> Vec<(MarkName, Mark)> {
        self.shared.segments().hot.index().marks(prefix)
    }

    fn save_mark(&self, name: &MarkName, mark: Option<&Mark>) -> Ticket {
        self.request(|settle| Request::Mark(name.clone(), mark.cloned(), settle))
    }
}

impl Shared {
    fn segments(&self) -> Arc<Segments> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change_segments(&self, change: impl FnOnce(&Segments) -> Segments) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        *segments = Arc::new(change(&segments));
    }

    fn manifest(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the manifest on disk and, once it is durable, in memory.
    fn change_manifest(&self, change: impl FnOnce(&mut Manifest)) -> Result<(), OpenError> {
        let mut manifest = self.manifest();
        let mut changed = manifest.clone();
        change(&mut changed);
        changed.write(&self.layout)?;
        *manifest = changed;
        Ok(())
    }

    /// The refusal, if the disk has less room than the reserve. A disk that cannot be asked counts as having room:
    /// the write itself will tell.
    fn below_reserve(&self) -> Option<AppendError> {
        let reserve = self.options.reserve_bytes;
        let stat = statvfs(&self.layout.root).ok()?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        (free < reserve).then_some(AppendError::NoSpace { free, reserve })
    }

    fn closed(&self) -> AppendError {
        self.failed.get().map_or(AppendError::Closed, |reason| AppendError::Failed(reason.clone()))
    }

    fn wake_sealer(&self) {
        if let Some(sealer) = &*self.sealer.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = sealer.send(()); // a sealer that is gone has failed and said so; the segment stays readable
        }
    }

    /// Whether the sealer may go on with another segment.
    fn is_open(&self) -> bool {
        self.sealer.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn stop_sealer(&self) {
        self.sealer.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// An error with everything that led to it, for the one place where it is told.
fn whole_story(error: &dyn Error) -> String {
    let sources = std::iter::successors(error.source(), |&error| error.source());
    sources.fold(error.to_string(), |story, source| format!("{story}: {source}"))
}
