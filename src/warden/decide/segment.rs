//! A segment of a broadcast, as it looks or as it sounds: is it judged? Its cadence is its own and follows nothing; it is
//! like no other, covers no time, and no picture is measured by it. Where segments fail again and again, or none is judged at
//! all, that is said for each medium by itself.

use crate::events::{LapsedBecause, NewEvent, SegmentsUnjudged, Skip, UnjudgedBecause};
use crate::model::{Frame, Medium, SessionId, Sha256, Timestamp};
use crate::policy::Policy;
use crate::warden::{ChannelState, Track};

use super::frame::skipped;
use super::{Decision, Draft, Next, coverage};

/// After so many failures in a row a person is asked. One may be a damaged segment, two a hiccup that outlasts the tries
/// made within the first; at the third something is broken. One that failed has the next segment taken at once, whatever
/// the cadence: with segments of ten seconds the question comes half a minute after the first failure, or three minutes
/// where each runs out of its time.
const FAILURES_TO_ASK: u8 = 3;

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

/// The segment was fetched, and has no track of its medium. Nobody was asked, so it is no assessment; and there was nothing
/// to judge, so it is no failure: it ends a row of them.
pub(super) fn without_track(state: &ChannelState, policy: &Policy, frame: &Frame, sha256: Sha256) -> Decision {
    let mut draft = skipped(state, Some(policy), frame, Skip::NoTrack { sha256 });
    judged(&mut draft, frame);
    draft.decided()
}

/// The segment was judged: nobody need listen in our place any more.
pub(super) fn judged(draft: &mut Draft<'_>, frame: &Frame) {
    if !draft.state.is_replaced(&frame.session) {
        coverage::lapse_of(draft, frame.medium, LapsedBecause::JudgedAgain);
    }
}

/// The segment could not be judged. With the last of so many in a row a person is asked, if the policy still asks for them.
pub(super) fn failed(draft: &mut Draft<'_>, policy: Option<&Policy>, frame: &Frame) {
    let listens = policy.filter(|policy| policy.listening(frame.medium).is_some());
    let failures = draft.state.track(frame.medium).failures.saturating_add(1);
    if let Some(policy) = listens
        && failures >= FAILURES_TO_ASK
        && draft.state.is_on_air(&frame.session)
    {
        coverage::ask_because_of(draft, policy, frame);
    }
}

/// Time passed: where segments are asked for and none was tried for long, that is said once.
pub(super) fn miss(draft: &mut Draft<'_>, policy: &Policy, now: Timestamp) {
    let state = draft.state;
    for medium in policy.media_of_segments() {
        let (Some(unjudged), Some(session)) = (state.unjudged(policy, medium), &state.session) else { continue };
        if now >= unjudged.from {
            let because = if unjudged.arrived { UnjudgedBecause::PassedOver } else { UnjudgedBecause::NoInput };
            let (session, since) = (session.id.clone(), unjudged.since);
            draft.push(SegmentsUnjudged { medium, session, since, because });
        }
    }
}
