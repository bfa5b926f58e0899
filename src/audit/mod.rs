//! What the journal says about the past: pages of events, one decision with its whole explanation, a channel's state
//! at any moment, its reputation, exports. Asked by auditors, moderators and the terminal.
//!
//! Everything here is folded from stored events and read from the content store at the time of asking; nothing is
//! kept. It blocks on the disk: off the arbiters. Every answer reads a bounded number of events and says so where the
//! bound cut it short. It must not know who asks, or what they may see: callers restrict the filter.

pub mod appeal;
pub mod decision;
pub mod export;
pub mod history;
pub mod reputation;
pub mod search;
pub mod state_at;

use crate::events::CodecError;
use crate::journal::ReadError;
use crate::model::{ChannelId, Scope, Sequence, WarningId};

/// Why a question about the past has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The journal could not be read.
    #[error("the journal could not be read")]
    Read(#[from] ReadError),
    /// An event that the answer needs cannot be understood. A state that skipped it would be a guess.
    #[error("sequence {sequence} of {scope} cannot be understood")]
    Codec {
        /// The list it stands in.
        scope: Scope,
        /// Its place there.
        sequence: Sequence,
        /// Why.
        source: CodecError,
    },
    /// A place that the list does not have yet.
    #[error("`{parameter}` is {given}, beyond the last place, {last}")]
    Beyond {
        /// What was given too large.
        parameter: &'static str,
        /// What it was.
        given: u64,
        /// The last place there is.
        last: u64,
    },
    /// No event of that channel is in the journal.
    #[error("the journal holds no event of channel {0}")]
    UnknownChannel(ChannelId),
    /// A warning's answer lies further behind its raising than one answer reads.
    #[error("no answer to warning {warning} was found in the {read} events of its channel behind its raising")]
    AnswerTooFar {
        /// The warning.
        warning: WarningId,
        /// How many were read.
        read: u64,
    },
    /// The state would have to be folded from more events than one answer may read.
    #[error("channel {channel} had {events} events by then; at most {max} are folded for one answer", max = state_at::FOLD_EVENTS_MAX)]
    TooLong {
        /// The channel.
        channel: ChannelId,
        /// How many events would have to be folded.
        events: u64,
    },
}
