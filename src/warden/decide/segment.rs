//! A segment of a broadcast, as it looks or as it sounds: is it judged? Its cadence is its own and follows nothing; it is
//! like no other, covers no time, and no picture is measured by it.

use crate::events::{NewEvent, Skip};
use crate::model::{Frame, Medium, SessionId, Timestamp};
use crate::policy::Policy;
use crate::warden::ChannelState;
use crate::warden::state::Track;

use super::frame::skipped;
use super::{Decision, Next};

/// A segment arrived, of a broadcast that `begun` begins, if any. In order of precedence: nobody asked for it, too late,
/// too soon; otherwise it is asked about.
pub(super) fn take(
    state: &ChannelState,
    policy: &Policy,
    now: Timestamp,
    frame: &Frame,
    begun: Vec<NewEvent>,
) -> Decision {
    let skip = |because| skipped(state, Some(policy), frame, because);
    if policy.listening(frame.medium).is_none() {
        return skip(Skip::NoPolicy).after(begun);
    }
    // What was heard of the broadcast before says nothing of one that begins.
    let track = if begun.is_empty() { state.track(frame.medium) } else { Track::default() };
    if track.assessed.is_some_and(|newest| frame.captured_at <= newest) {
        return skip(Skip::Stale { newest: track.assessed }).after(begun);
    }
    if now.ms_since(frame.captured_at) > u64::from(policy.sampling.max_age_ms) {
        return skip(Skip::Stale { newest: None }).after(begun);
    }
    let due = if begun.is_empty() { due(state, policy, frame.medium, &frame.session, frame.captured_at) } else { None };
    match due {
        Some(due) if frame.captured_at < due => skip(Skip::TooSoon { due }).after(begun),
        Some(_) | None => Decision { events: begun, next: Some(Next::Ask) },
    }
}

/// The first captured-at at which a segment of `session` is taken; none if any is. `captured_at` is its own. Taken early as
/// a picture is: by the tolerance, or by half the spacing of the segments where that is less.
pub fn due(
    state: &ChannelState,
    policy: &Policy,
    medium: Medium,
    session: &SessionId,
    captured_at: Timestamp,
) -> Option<Timestamp> {
    let (listening, track) = (policy.listening(medium)?, state.track(medium));
    let assessed = track.assessed?;
    if state.partly_met(policy, medium, session, captured_at) {
        return None;
    }
    let spacing_ms = captured_at.ms_since(track.seen.unwrap_or(assessed));
    let pace = listening.pace();
    let early_ms = u64::from(pace.tolerance_ms).min(spacing_ms / 2);
    Some(assessed.plus_ms(u64::from(pace.interval_ms)).minus_ms(early_ms))
}
