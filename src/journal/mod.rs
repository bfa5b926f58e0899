//! Where it is kept: the ordered list of all events, durable before anything is acknowledged.
//!
//! This is the port. Two implementations live behind it and pass one contract suite: [`sled`](SledJournal) on disk,
//! and memory for simulation. Readers never see past the durable watermark.

mod admission;
mod chain;
pub mod content;
pub mod export;
pub mod import;
mod memory;
mod position_at;
pub mod sealed;
pub mod snapshots;
mod store;

pub use admission::RECORD_BYTES_MAX;
pub use chain::{ChainValue, Record, StoredRecord, leaf};
pub use memory::MemoryJournal;
pub use position_at::position_at;
pub use store::{
    ActiveEntry, Archive, Damage, Gaps, Inspection, Loss, Manifest, OpenError, Options, QUEUE_MAX, Rebuilt, Repaired,
    RetiredEntry, SealedEntry, SledJournal, VALUE_BYTES_MAX, Verified, rebuild, repair, verify,
};

use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::events::{EnvelopeError, NewEvent, Recorded};
use crate::model::{ChannelId, ConsumerName, EventId, Mark, MarkName, Position, Scope, Sequence};

/// The most events one append may hold; a decision has a handful.
pub const EVENTS_PER_APPEND_MAX: usize = 64;
/// The most events one read returns; a reader comes back for more.
pub const READ_LIMIT_MAX: usize = 1000;

/// Events of one scope that become durable together or not at all.
#[derive(Debug, Clone)]
pub struct Append {
    /// The list they belong to.
    pub scope: Scope,
    /// What the appender believes of the list.
    pub expected: Expected,
    /// The events, in order.
    pub events: Vec<NewEvent>,
}

/// What an appender believes the scope's last sequence to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Any,
    /// Exactly this; anything else means that somebody else wrote, and refuses the append.
    At(Sequence),
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// The events are durable.
    New {
        /// Position of the first.
        first: Position,
        /// Sequence of the last in its scope.
        last_sequence: Sequence,
        /// When they were recorded.
        recorded_at: crate::model::Timestamp,
    },
    /// All of them were durable already, byte for byte the same events; nothing was added.
    Repeated {
        /// Position of the first.
        first: Position,
    },
}

/// Why an append was refused. Nothing of it was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else wrote to the scope.
    #[error("{scope} is at sequence {actual}, the append expected {expected}")]
    WrongSequence {
        /// The scope.
        scope: Scope,
        /// What the appender believed.
        expected: Sequence,
        /// What is.
        actual: Sequence,
    },
    /// The id belongs to another event, or to the same one appended among others.
    #[error("event id {id} is stored at position {position}, as another event or among others than this append's")]
    IdTaken {
        /// The id.
        id: EventId,
        /// Where its event is.
        position: Position,
    },
    /// No events, too many, or one too large.
    #[error("the append cannot be stored: {0}")]
    Unfit(String),
    /// Free space is below the reserve. Reading goes on; appending resumes by itself when there is room.
    #[error("the disk has {free} bytes free, below the reserve of {reserve}; nothing is appended until there is room")]
    NoSpace {
        /// Bytes free.
        free: u64,
        /// Bytes that must stay free.
        reserve: u64,
    },
    /// A write or sync failed. The journal is closed for good; the next start verifies.
    #[error("the journal failed and is closed until the next start: {0}")]
    Failed(Arc<str>),
    /// The journal was closed in order.
    #[error("the journal is closed")]
    Closed,
}

impl AppendError {
    /// What kind of refusal it is, in a word for figures.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WrongSequence { .. } => "wrong_sequence",
            Self::IdTaken { .. } => "id_taken",
            Self::Unfit(_) => "unfit",
            Self::NoSpace { .. } => "no_space",
            Self::Failed(_) => "failed",
            Self::Closed => "closed",
        }
    }
}

/// Why a read failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// Stored bytes are not what was written. Never skipped.
    #[error("position {position} is damaged: {finding}")]
    Damaged {
        /// The first bad position.
        position: Position,
        /// What is wrong with it.
        finding: String,
    },
    /// A record's envelope cannot be read.
    #[error("position {position} cannot be read")]
    Envelope {
        /// The position.
        position: Position,
        /// Why.
        source: EnvelopeError,
    },
    /// The store could not be read.
    #[error("the store could not be read: {0}")]
    Store(Arc<str>),
}

/// An append under way. Resolves when the events are durable or refused.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<Appended, AppendError>>);

impl Ticket {
    /// A ticket and the end that settles it.
    pub fn new() -> (oneshot::Sender<Result<Appended, AppendError>>, Self) {
        let (settle, ticket) = oneshot::channel();
        (settle, Self(ticket))
    }

    /// A ticket that is settled already.
    pub fn settled(result: Result<Appended, AppendError>) -> Self {
        let (settle, ticket) = Self::new();
        let _ = settle.send(result); // the receiver is the very next line
        ticket
    }

    /// Waits, on a thread that may block.
    pub fn wait(self) -> Result<Appended, AppendError> {
        self.0.blocking_recv().unwrap_or(Err(AppendError::Closed))
    }

    /// Waits, on an arbiter.
    pub async fn durable(self) -> Result<Appended, AppendError> {
        self.0.await.unwrap_or(Err(AppendError::Closed))
    }
}

/// The journal's port.
///
/// Reads block on disk: off the arbiters. Appends only queue, bounded by the implementation.
pub trait Journal: Send + Sync + 'static {
    /// Queues an append; the ticket resolves when it is durable or refused.
    fn append(&self, append: Append) -> Ticket;

    /// The durable watermark: every event up to it is on the disk. It only rises.
    fn watermark(&self) -> watch::Receiver<Position>;

    /// Events after `after`, in order, at most `limit` (and at most [`READ_LIMIT_MAX`]), never past the watermark.
    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError>;

    /// Events of one scope after sequence `after`, in order, at most `limit`, never past the watermark.
    fn read_scope(&self, scope: &Scope, after: Sequence, limit: usize) -> Result<Vec<Recorded>, ReadError>;

    /// The event of that id, in whichever segment it is.
    fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError>;

    /// Whether [`Journal::find`] might find the event. Never blocks; "no" is certain, "yes" is not.
    fn may_hold(&self, id: EventId) -> bool;

    /// The scope's last durable sequence; 0 if it has no event.
    fn scope_head(&self, scope: &Scope) -> Sequence;

    /// Channels that have a durable event, in whichever segment, sorted by name: those after `after`, at most `limit`
    /// (and at most [`READ_LIMIT_MAX`]). The name of the last is where the next page goes on, so a channel that
    /// appears meanwhile neither hides another nor shows one twice. Asks indexes in memory only.
    fn channels(&self, after: Option<&ChannelId>, limit: usize) -> Vec<ChannelId>;

    /// How far a consumer has come; none if it never said.
    fn cursor(&self, consumer: &ConsumerName) -> Result<Option<Position>, ReadError>;

    /// Keeps how far a consumer has come. Durable when the ticket resolves (it rides the next commit), with that
    /// position as `first`. A cursor past the watermark is the consumer's defect and is stored as said.
    fn save_cursor(&self, consumer: &ConsumerName, position: Position) -> Ticket;

    /// How far inputs outside have been taken in: the marks whose names begin with `prefix`, by name. As many as were
    /// saved; whoever saves them bounds them. Asks indexes in memory only.
    fn marks(&self, prefix: &str) -> Vec<(MarkName, Mark)>;

    /// Keeps a mark in place of an older one of that name, or with none removes it. Durable when the ticket resolves (it
    /// rides the next commit); the position in the answer means nothing. Nothing checks that a mark moves forward.
    fn save_mark(&self, name: &MarkName, mark: Option<&Mark>) -> Ticket;
}
