//! Why a consumer or a replay is refused what it asks.

use super::LANE;
use crate::events::CodecError;
use crate::journal::{AppendError, ReadError};
use crate::model::{ConsumerName, Position, ReplayId, Timestamp};

/// Why something was refused. Nothing of it was done.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// No such consumer.
    #[error("there is no consumer {0}")]
    UnknownConsumer(ConsumerName),
    /// No such replay, or one that ended too long ago to be remembered here; the journal has it.
    #[error("there is no replay {0}")]
    UnknownReplay(ReplayId),
    /// The entry is not set aside.
    #[error("consumer {consumer} has no entry at position {position} set aside")]
    UnknownEntry {
        /// The consumer.
        consumer: ConsumerName,
        /// The position.
        position: Position,
    },
    /// Names beginning so are those of what leaves on our own account: what is set aside there would be mixed up with
    /// what is set aside for a reader.
    #[error("{0} begins with {LANE}, as only the names of the outbox's own lanes do")]
    Reserved(ConsumerName),
    /// The name is taken.
    #[error("there is a consumer {0} already")]
    Exists(ConsumerName),
    /// A replay of that name is under way: a repeated request must not start a second one.
    #[error("a replay named {name} is under way: {replay}")]
    ReplayExists {
        /// The name.
        name: ConsumerName,
        /// The one under way.
        replay: ReplayId,
    },
    /// The replay is over.
    #[error("the replay {0} has ended")]
    ReplayOver(ReplayId),
    /// There are as many as there may be.
    #[error("there are {max} {what} already, the most there may be")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// Somebody else reads.
    #[error("consumer {consumer} is read by somebody else until {until}")]
    Leased {
        /// The consumer.
        consumer: ConsumerName,
        /// When that lease lapses, if it is not extended.
        until: Timestamp,
    },
    /// The lease lapsed, was given back, or was taken away by a rewind or a restart.
    #[error("the lease on consumer {0} holds no more; take a new one")]
    StaleLease(ConsumerName),
    /// What was never delivered cannot be acknowledged or set aside.
    #[error("position {position} was not delivered under this lease, only what lies after {after} up to {delivered}")]
    NotDelivered {
        /// The position named.
        position: Position,
        /// Everything up to here is acknowledged.
        after: Position,
        /// The last one delivered.
        delivered: Position,
    },
    /// A place that the journal has not reached.
    #[error("position {position} lies beyond the journal's head {head}")]
    BeyondHead {
        /// The place named.
        position: Position,
        /// The head.
        head: Position,
    },
    /// No event lies in the range.
    #[error("the range from {first} to {last} holds no event")]
    EmptyRange {
        /// First position.
        first: Position,
        /// Last position.
        last: Position,
    },
    /// A value outside its bounds.
    #[error("{what} must be {expected}, this is {found}")]
    OutOfBounds {
        /// Which value.
        what: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The event that records it is too large, because of its filter.
    #[error("the filter is too large to be kept: {0}")]
    FilterTooLarge(String),
    /// Others wrote to the same list again and again meanwhile.
    #[error("the list of consumers and replays changed while this was decided, again and again; try once more")]
    Contended,
    /// The journal's list of consumers holds what this program does not understand.
    #[error("the journal's record of consumers and replays cannot be understood")]
    Codec(#[from] CodecError),
    /// The journal could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It could not be made durable.
    #[error(transparent)]
    Append(#[from] AppendError),
}
