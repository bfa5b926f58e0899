//! Broadcasts begin and end, and the pace that goes with them.

use crate::events::{
    Actor, CadenceBecause, CadenceChanged, ChannelUnwatched, LapsedBecause, Pace, SessionEndBecause, SessionEnded,
    SessionStartBecause, SessionStarted, UnwatchedBecause,
};
use crate::model::{SessionId, Timestamp};
use crate::policy::Policy;
use crate::warden::ChannelState;

use super::{Decision, Draft, coverage};

/// The platform says that a broadcast began. Announcements are best effort: repeated, late, out of order.
pub(super) fn start(
    state: &ChannelState,
    policy: Option<&Policy>,
    now: Timestamp,
    session: &SessionId,
    at: Timestamp,
) -> Decision {
    let known = state.session.as_ref().is_some_and(|current| current.id == *session);
    if known || state.is_over(session, at) {
        return Decision::default();
    }
    let mut draft = Draft::other(state, Actor::service("intake"), "session started");
    draft.captured_at = Some(at);
    begin(&mut draft, policy, now, session, SessionStartBecause::Announced);
    draft.decided()
}

/// Ends what is on the air, begins `session`, sets its pace or says that nobody looks.
pub(super) fn begin(
    draft: &mut Draft<'_>,
    policy: Option<&Policy>,
    now: Timestamp,
    session: &SessionId,
    because: SessionStartBecause,
) {
    if let Some(current) = &draft.state.session {
        draft.push(SessionEnded { session: current.id.clone(), because: SessionEndBecause::AnotherBegan });
        coverage::lapse(draft, LapsedBecause::SessionOver);
    }
    draft.push(SessionStarted { session: session.clone(), because });
    match policy {
        Some(policy) => {
            set_pace(draft, policy, CadenceBecause::SessionBegan);
        }
        None => {
            let since = draft.captured_at.unwrap_or(now);
            draft.push(ChannelUnwatched { since, because: UnwatchedBecause::NoPolicy });
        }
    }
}

/// The platform says that a broadcast ended. An end that overtook its start is kept, so that the start, when it
/// comes, begins nothing; while another broadcast is on the air an unknown end is an old one.
pub(super) fn end(state: &ChannelState, session: &SessionId) -> Decision {
    if state.is_replaced(session) || state.has_ended(session) {
        return Decision::default();
    }
    let mut draft = Draft::other(state, Actor::service("intake"), "session ended");
    draft.push(SessionEnded { session: session.clone(), because: SessionEndBecause::Announced });
    coverage::lapse(&mut draft, LapsedBecause::SessionOver);
    draft.decided()
}

/// Another policy may apply: says so if the pace or the fact of being watched changes.
pub(super) fn reconsider(state: &ChannelState, policy: Option<&Policy>, now: Timestamp) -> Decision {
    if state.session.is_none() {
        return Decision::default(); // the next session takes the policy that is then in force
    }
    let mut draft =
        Draft::other(state, Actor::Warden(policy.map(|policy| policy.reference.clone())), "policy reconsidered");
    match policy {
        Some(policy) => {
            set_pace(&mut draft, policy, CadenceBecause::PolicyChanged);
        }
        None => coverage::unpolicied(&mut draft, now),
    }
    draft.decided()
}

/// Appends `CadenceChanged` unless pace and policy version are what they were.
fn set_pace(draft: &mut Draft<'_>, policy: &Policy, because: CadenceBecause) {
    let to = Pace { interval_ms: policy.sampling.interval_ms, tolerance_ms: policy.sampling.tolerance_ms };
    let from = draft.state.pace.as_ref().map(|(pace, _)| *pace);
    if draft.state.pace != Some((to, policy.reference.clone())) {
        draft.push(CadenceChanged { from, to, policy: policy.reference.clone(), because });
    }
}
