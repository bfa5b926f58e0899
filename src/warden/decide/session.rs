//! Broadcasts begin and end, and the pace that goes with them.

use crate::events::{
    Actor, CadenceBecause, ChannelUnwatched, LapsedBecause, SessionEndBecause, SessionEnded, SessionStartBecause,
    SessionStarted, UnwatchedBecause,
};
use crate::model::{Medium, SessionId, Timestamp};
use crate::policy::Policy;
use crate::reputation::cadence::{RECONNECT_MS, Rousing};
use crate::warden::ChannelState;

use super::{Decision, Draft, cadence, coverage};

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
        coverage::lapse_all(draft, LapsedBecause::SessionOver);
    }
    draft.push(SessionStarted { session: session.clone(), because });
    match policy {
        Some(policy) => {
            let at = draft.captured_at.unwrap_or(now);
            begin_cadence(draft, policy, at);
        }
        None => {
            let since = draft.captured_at.unwrap_or(now);
            draft.push(ChannelUnwatched { since, because: UnwatchedBecause::NoPolicy });
        }
    }
}

/// The cadence that a broadcast begins with: closer than the channel's trust alone asks for, and as close as it gets
/// if the broadcast comes soon after a stop.
fn begin_cadence(draft: &mut Draft<'_>, policy: &Policy, at: Timestamp) {
    let state = draft.state;
    let stopped = state.alarmed.filter(|alarm| alarm.by == Rousing::Stopped);
    let was_stopped = stopped.is_some_and(|stopped| at.ms_since(stopped.at) <= RECONNECT_MS);
    let is_being_stopped = state.session.as_ref().is_some_and(|current| state.is_being_stopped(&current.id));
    let (news, because) = match was_stopped || is_being_stopped {
        true => (Rousing::Reconnected, CadenceBecause::Reconnected),
        false => (Rousing::Began, CadenceBecause::SessionBegan),
    };
    cadence::set(draft, policy, at, Some(news), because);
}

/// The platform says that a broadcast ended. An end that overtook its start is kept, so that the start, when it
/// comes, begins nothing; while another broadcast is on the air an unknown end is an old one.
pub(super) fn end(state: &ChannelState, session: &SessionId) -> Decision {
    if state.is_replaced(session) || state.has_ended(session) {
        return Decision::default();
    }
    let mut draft = Draft::other(state, Actor::service("intake"), "session ended");
    draft.push(SessionEnded { session: session.clone(), because: SessionEndBecause::Announced });
    coverage::lapse_all(&mut draft, LapsedBecause::SessionOver);
    draft.decided()
}

/// Another policy may apply: says so if the pace or the fact of being watched changes, and lets go of questions about
/// segments that no policy asks for any more.
pub(super) fn reconsider(state: &ChannelState, policy: Option<&Policy>, now: Timestamp) -> Decision {
    if state.session.is_none() {
        return Decision::default(); // the next session takes the policy that is then in force
    }
    let mut draft =
        Draft::other(state, Actor::Warden(policy.map(|policy| policy.reference.clone())), "policy reconsidered");
    match policy {
        Some(policy) => {
            let at = state.newest_seen.unwrap_or(now);
            cadence::set(&mut draft, policy, at, None, CadenceBecause::PolicyChanged);
        }
        None => coverage::unpolicied(&mut draft, now),
    }
    for medium in [Medium::Clip, Medium::Sound] {
        if policy.is_none_or(|policy| policy.listening(medium).is_none()) {
            coverage::lapse_of(&mut draft, medium, LapsedBecause::NotAskedFor);
        }
    }
    draft.decided()
}
