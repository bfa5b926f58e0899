//! Why a warden did not do what was asked, as callers see it.

use super::problem::{Code, Problem};
use crate::actors::{CommandError, OfferError};
use crate::journal::AppendError;
use crate::warden::Rejection;

/// How long to wait until the disk may have room again.
const NO_SPACE_RETRY_AFTER_S: u32 = 30;
/// How long to wait for a server that is stopping to be back, or for a channel that cannot be read now.
const AWAY_RETRY_AFTER_S: u32 = 5;

/// A command that changed nothing. What changed since the caller looked is not known here; who knows adds it.
pub(in crate::http) fn command(error: &CommandError) -> Problem {
    match error {
        CommandError::Rejected(rejection) => rejected(rejection),
        CommandError::Journal(reason) => journal(reason),
        CommandError::Unreadable(reason) => unreadable(reason),
        CommandError::Broken => Problem::internal("carrying the request out", error),
        CommandError::ShuttingDown => Problem::unavailable("this server is stopping", AWAY_RETRY_AFTER_S),
    }
}

/// A frame that was not accepted.
pub(in crate::http) fn offer(error: &OfferError) -> Problem {
    match error {
        OfferError::Journal { reason, .. } => journal(reason),
        OfferError::Unreadable { reason, .. } => unreadable(reason),
        OfferError::Broken { .. } => Problem::internal("judging the frame", error),
        OfferError::ShuttingDown { .. } => Problem::unavailable("this server is stopping", AWAY_RETRY_AFTER_S),
    }
}

/// A rule of the warden's.
pub(in crate::http) fn rejected(rejection: &Rejection) -> Problem {
    let (code, rule) = match rejection {
        Rejection::UnknownWarning(_) => (Code::NotFound, "unknown_warning"),
        Rejection::ChangedSince { .. } => (Code::ChangedSince, "changed_since"),
        Rejection::AlreadyAnswered { .. } => (Code::Conflict, "already_answered"),
        Rejection::ClaimedByAnother { .. } => (Code::Conflict, "claimed_by_another"),
        Rejection::NotClaimed(_) => (Code::Conflict, "not_claimed"),
        Rejection::NotAnswered(_) => (Code::Conflict, "not_answered"),
        Rejection::AnsweredByAnother { .. } => (Code::Conflict, "answered_by_another"),
        Rejection::WithdrawnTooLate { .. } => (Code::Conflict, "withdrawn_too_late"),
        Rejection::AlreadyCarriedOut(_) => (Code::Conflict, "already_carried_out"),
        Rejection::NotUpheld(_) => (Code::Conflict, "not_upheld"),
        Rejection::AnswerNotFinal { .. } => (Code::Conflict, "answer_not_final"),
        Rejection::AlreadyOverturned { .. } => (Code::Conflict, "already_overturned"),
        Rejection::DecidedByTheSame { .. } => (Code::Conflict, "decided_by_the_same"),
        Rejection::NoWarningNamed => (Code::Unprocessable, "no_warning_named"),
        Rejection::TooManyWarningsNamed { .. } => (Code::Unprocessable, "too_many_warnings_named"),
        Rejection::OtherSession { .. } => (Code::Conflict, "other_session"),
        Rejection::SessionNotNamed => (Code::Unprocessable, "session_not_named"),
        Rejection::AlreadyUnderWay(_) => (Code::Conflict, "already_under_way"),
        Rejection::UnknownEnforcement(_) => (Code::Conflict, "not_under_way"),
        Rejection::ExpiredAlready { .. } => (Code::Malformed, "expired_already"),
        Rejection::AdjustedTooFar { .. } => (Code::Malformed, "adjusted_too_far"),
        Rejection::WrongStage { .. } => (Code::Conflict, "wrong_stage"),
    };
    let problem = Problem::new(code, rejection.to_string()).with("rule", rule);
    match rejection {
        Rejection::AlreadyUnderWay(enforcement) => problem.with("enforcement", enforcement),
        Rejection::ExpiredAlready { .. } => problem.with("parameter", "until"),
        Rejection::AdjustedTooFar { .. } => problem.with("parameter", "change.by"),
        _ => problem,
    }
}

/// An append that the journal refused.
pub(in crate::http) fn journal(reason: &AppendError) -> Problem {
    match reason {
        AppendError::NoSpace { .. } => {
            Problem::unavailable("the journal has no room; nothing was changed", NO_SPACE_RETRY_AFTER_S)
        }
        AppendError::Failed(_) | AppendError::Closed => {
            Problem::unavailable("the journal is closed; nothing was changed", AWAY_RETRY_AFTER_S)
        }
        AppendError::WrongSequence { .. } | AppendError::IdTaken { .. } | AppendError::Unfit(_) => {
            Problem::internal("recording what was decided", reason)
        }
    }
}

/// The log learns why where it is found out.
fn unreadable(reason: &str) -> Problem {
    tracing::warn!("a request met a channel whose past cannot be read: {reason}");
    Problem::unavailable("the channel's past cannot be read at present; nothing was changed", AWAY_RETRY_AFTER_S)
}
