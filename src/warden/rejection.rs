//! Why a command is refused.

use super::WARNINGS_PER_ANSWER_MAX;
use crate::model::{EnforcementId, ModeratorId, Sequence, SessionId, Timestamp, WarningId};

/// Why a command was refused. Each states the rule; none changes anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// What a person set would be over at once.
    #[error("it would have ended at {until}, which is past; expected a later time, or none")]
    ExpiredAlready {
        /// When it would have ended.
        until: Timestamp,
    },
    /// A person adds or takes away more than a whole score.
    #[error("{milli} thousandths is more than a whole score; expected -1000 to 1000")]
    AdjustedTooFar {
        /// What was asked for.
        milli: i16,
    },
    /// The warning is not known here, or was answered longer ago than an answer can be taken back.
    #[error("this channel has no warning {0} that can still be acted on")]
    UnknownWarning(WarningId),
    /// Something happened to the warning that the moderator has not seen.
    #[error("warning {warning} has changed since it was seen: it is at version {now}, version {seen} was seen")]
    ChangedSince {
        /// The warning.
        warning: WarningId,
        /// The version that the moderator saw.
        seen: Sequence,
        /// The version that it has.
        now: Sequence,
    },
    /// Somebody answered already.
    #[error("warning {warning} was {} by {by}", if *.upheld { "upheld" } else { "dismissed" })]
    AlreadyAnswered {
        /// The warning.
        warning: WarningId,
        /// By whom.
        by: ModeratorId,
        /// How.
        upheld: bool,
    },
    /// Somebody else works on it.
    #[error("warning {warning} is claimed by {by} until {until}")]
    ClaimedByAnother {
        /// The warning.
        warning: WarningId,
        /// By whom.
        by: ModeratorId,
        /// Until when.
        until: Timestamp,
    },
    /// There is no claim of theirs to give back.
    #[error("warning {0} is not claimed by this moderator")]
    NotClaimed(WarningId),
    /// There is no answer to take back.
    #[error("warning {0} has no answer to take back")]
    NotAnswered(WarningId),
    /// Only who answered may take the answer back.
    #[error("warning {warning} was answered by {by}, who alone may take it back")]
    AnsweredByAnother {
        /// The warning.
        warning: WarningId,
        /// By whom.
        by: ModeratorId,
    },
    /// Too late.
    #[error("the answer to warning {warning} could be taken back until {until}")]
    WithdrawnTooLate {
        /// The warning.
        warning: WarningId,
        /// Until when.
        until: Timestamp,
    },
    /// What the answer led to has already been done.
    #[error("the answer to warning {0} was already carried out; lift the enforcement instead")]
    AlreadyCarriedOut(WarningId),
    /// There is nothing to overturn: nobody answered, or the answer was a dismissal.
    #[error("warning {0} was not upheld: only an upheld warning can be overturned")]
    NotUpheld(WarningId),
    /// It may still be taken back by whoever gave it, and is not to be appealed against before.
    #[error("the answer to warning {warning} can be taken back until {until}; it can be overturned afterwards")]
    AnswerNotFinal {
        /// The warning.
        warning: WarningId,
        /// Until when.
        until: Timestamp,
    },
    /// An appeal was decided already.
    #[error("warning {warning} was overturned by {by} already")]
    AlreadyOverturned {
        /// The warning.
        warning: WarningId,
        /// By whom.
        by: ModeratorId,
    },
    /// Nobody decides the appeal against a decision of their own.
    #[error("warning {warning} was upheld by {by}: an appeal against it is decided by somebody else")]
    DecidedByTheSame {
        /// The warning.
        warning: WarningId,
        /// By whom.
        by: ModeratorId,
    },
    /// No warning was named.
    #[error("an answer must name at least one warning")]
    NoWarningNamed,
    /// More warnings were named than an answer may name.
    #[error("an answer may name at most {WARNINGS_PER_ANSWER_MAX} warnings, this one names {named}")]
    TooManyWarningsNamed {
        /// How many.
        named: usize,
    },
    /// The broadcast named is not the one on the air.
    #[error("session {named} is not on the air{}", .found.as_ref().map(|f| format!("; {f} is")).unwrap_or_default())]
    OtherSession {
        /// The broadcast named.
        named: SessionId,
        /// The one on the air.
        found: Option<SessionId>,
    },
    /// A stop without naming the broadcast could hit one that nobody judged.
    #[error("a stop or suspension must name the session it is meant for")]
    SessionNotNamed,
    /// The same act is under way.
    #[error("enforcement {0} of the same kind is already under way")]
    AlreadyUnderWay(EnforcementId),
    /// The enforcement has ended or never was.
    #[error("this channel has no enforcement {0} under way")]
    UnknownEnforcement(EnforcementId),
    /// The enforcement is not at a stage where that can happen.
    #[error("enforcement {enforcement} cannot be {what} now")]
    WrongStage {
        /// The enforcement.
        enforcement: EnforcementId,
        /// What was reported or asked.
        what: &'static str,
    },
}
