//! What the enforcement reactor reports, checked against the one lawful order (invariant I5).

use crate::events::{
    Actor, EnforcementAdmitted, EnforcementAttempted, EnforcementCancelled, EnforcementFailed, EnforcementHeld,
    EnforcementKind, EnforcementNotNeeded, EnforcementSucceeded, EnforcementSuperseded, EnforcementVerified, Event,
    LapsedBecause, SessionEndBecause, SessionEnded,
};
use crate::model::{EnforcementId, Timestamp};
use crate::warden::{ChannelState, EnforcementReport, EnforcementStage, Rejection};

use super::{Decision, Draft, coverage, short};

pub(super) fn report(
    state: &ChannelState,
    now: Timestamp,
    id: EnforcementId,
    report: &EnforcementReport,
) -> Result<Decision, Rejection> {
    use EnforcementReport as R;
    use EnforcementStage as S;
    let enforcement = state.enforcement(id).ok_or(Rejection::UnknownEnforcement(id))?;
    let wrong = |what| Err(Rejection::WrongStage { enforcement: id, what });
    let tried = match enforcement.stage {
        S::Attempted(attempt) | S::Succeeded(attempt) => attempt,
        S::Requested | S::Held | S::Admitted => 0,
    };
    // Which one that is, only a look shows, and the record of the attempt must say it (invariant I11).
    let unnamed = enforcement.session.as_ref().is_some_and(|session| !session.is_named());
    let event: Event = match (report, enforcement.stage) {
        (R::Admitted, S::Requested) => EnforcementAdmitted { enforcement: id, by: None }.into(),
        (R::Admitted, _) => return wrong("admitted"),
        (R::Held(budget), S::Requested) => EnforcementHeld { enforcement: id, budget: *budget }.into(),
        (R::Held(_), _) => return wrong("held"),
        (R::Attempting { found, .. }, _) if found.is_some() != unnamed => {
            return wrong("attempted on another session than the one judged");
        }
        (R::Attempting { attempt, found }, S::Admitted | S::Attempted(_) | S::Succeeded(_))
            if tried.checked_add(1) == Some(*attempt) =>
        {
            EnforcementAttempted { enforcement: id, attempt: *attempt, found: found.clone() }.into()
        }
        (R::Attempting { .. }, _) => return wrong("attempted"),
        (R::Succeeded(attempt), S::Attempted(at)) if *attempt == at => {
            EnforcementSucceeded { enforcement: id, attempt: at }.into()
        }
        (R::Succeeded(_), _) => return wrong("reported as succeeded"),
        (R::Verified, S::Attempted(_) | S::Succeeded(_)) => {
            EnforcementVerified { enforcement: id, took_ms: now.ms_since(enforcement.requested_at) }.into()
        }
        (R::Verified, _) => return wrong("verified before it was attempted"),
        (R::NotNeeded(because), S::Admitted | S::Attempted(_)) => {
            EnforcementNotNeeded { enforcement: id, because: *because }.into()
        }
        (R::NotNeeded(_), _) => return wrong("found unnecessary"),
        (R::Superseded { found, because }, S::Admitted | S::Attempted(_) | S::Succeeded(_)) => {
            EnforcementSuperseded { enforcement: id, found: found.clone(), because: *because }.into()
        }
        (R::Superseded { .. }, _) => return wrong("superseded"),
        (R::Failed(reason), S::Admitted | S::Attempted(_) | S::Succeeded(_)) => {
            EnforcementFailed { enforcement: id, reason: short(reason), attempts: tried }.into()
        }
        (R::Failed(_), _) => return wrong("reported as failed"),
        (R::Expired, S::Requested | S::Held | S::Admitted) => EnforcementCancelled { enforcement: id, by: None }.into(),
        (R::Expired, _) => return wrong("called off for its age"),
    };
    let mut draft = Draft::other(state, Actor::service("enforcement"), "enforcement");
    let off_the_air = matches!(event, Event::EnforcementVerified(_)) && enforcement.kind != EnforcementKind::Lift;
    draft.push(event);
    let reached = [&enforcement.session, &enforcement.found];
    if let (true, Some(current)) = (off_the_air, &state.session)
        && reached.iter().any(|session| session.as_ref() == Some(&current.id))
    {
        draft.push(SessionEnded { session: current.id.clone(), because: SessionEndBecause::Stopped });
        coverage::lapse_all(&mut draft, LapsedBecause::SessionOver);
    }
    Ok(draft.decided())
}
