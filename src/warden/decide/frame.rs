//! A frame, from its arrival to the provider: is it looked at, does it show anything new? What holds of segments alone is
//! in [`segment`].

use crate::events::{
    Actor, ChannelQuarantined, FailedStage, FrameConflict, FrameFailed, FrameSkipped, NewEvent, SessionStartBecause,
    Skip, UnwatchedBecause,
};
use crate::model::{EventId, Frame, FrameId, Measurement, Medium, SessionId, Similarity, Timestamp};
use crate::policy::{Policy, SimilarityLimits};
use crate::reputation::budget::Need;
use crate::reputation::score;
use crate::warden::{ChannelState, Command, LUMA_DELTA_DIFFERENT, LUMA_DELTA_SAME, Reference};

use super::{Decision, Draft, Next, cadence, coverage, segment, session, short};

/// A frame arrived. In order of precedence: another session, no policy, too late, too soon; otherwise look at it, or ask
/// about the segment.
pub(super) fn take(state: &ChannelState, policy: Option<&Policy>, now: Timestamp, frame: &Frame) -> Decision {
    if state.is_over(&frame.session, frame.captured_at) {
        return skip(state, policy, frame, Skip::OtherSession);
    }
    let begun = begin_session(state, policy, now, frame);
    let Some(policy) = policy else {
        let mut draft = skipped(state, None, frame, Skip::NoPolicy);
        if begun.is_empty() && frame.medium.is_picture() {
            coverage::unpolicied(&mut draft, frame.captured_at);
        }
        return draft.after(begun);
    };
    if !frame.medium.is_picture() {
        return segment::take(state, policy, now, frame, begun);
    }
    let newest = state.reference.as_ref().map(|reference| reference.captured_at);
    if begun.is_empty() && newest.is_some_and(|newest| frame.captured_at <= newest) {
        return skip(state, Some(policy), frame, Skip::Stale { newest });
    }
    if now.ms_since(frame.captured_at) > u64::from(policy.sampling.max_age_ms) {
        return skipped(state, Some(policy), frame, Skip::Stale { newest: None }).after(begun);
    }
    match due(state, policy, &frame.session, frame.captured_at) {
        Some(due) if begun.is_empty() && frame.captured_at < due => {
            skip(state, Some(policy), frame, Skip::TooSoon { due })
        }
        _ => Decision { events: begun, next: Some(Next::Look) },
    }
}

/// The events that begin a frame's session, if the frame is the first that is heard of it.
fn begin_session(state: &ChannelState, policy: Option<&Policy>, now: Timestamp, frame: &Frame) -> Vec<NewEvent> {
    if state.is_on_air(&frame.session) || state.is_over(&frame.session, frame.captured_at) {
        return Vec::new();
    }
    let mut draft = Draft::other(state, Actor::service("intake"), "session started");
    draft.captured_at = Some(frame.captured_at);
    session::begin(&mut draft, policy, now, &frame.session, SessionStartBecause::FrameArrived);
    draft.events
}

/// The first captured-at at which a frame of `session` is taken; none if any frame is. `captured_at` is the frame's own.
///
/// A frame is taken up to the tolerance early, or up to half the spacing of the channel's frames where that is less:
/// so a 60-s cadence takes every one of jittering 60-s thumbnails, and 1-s thumbnails still only once in 60 s.
///
/// A frame that comes late, after one that was only seen to be similar, is measured from the last assessed one: what was
/// not assessed makes nothing stale, and the provider may see in it what the newer frame no longer shows.
pub fn due(state: &ChannelState, policy: &Policy, session: &SessionId, captured_at: Timestamp) -> Option<Timestamp> {
    if state.partly_met(policy, Medium::Picture, session, captured_at) {
        return None;
    }
    let assessed = state.reference.as_ref().map(|reference| reference.captured_at);
    let sampled = state.newest_sampled?;
    let sampled = if captured_at < sampled { assessed? } else { sampled };
    let spacing_ms = captured_at.ms_since(state.newest_seen.unwrap_or(sampled));
    let pace = state.pace_under(policy);
    let early_ms = u64::from(pace.tolerance_ms).min(spacing_ms / 2);
    Some(sampled.plus_ms(u64::from(pace.interval_ms)).minus_ms(early_ms))
}

/// A frame was fetched and hashed: is it what the last assessed one was?
pub(super) fn compare(state: &ChannelState, frame: &Frame, policy: &Policy, measured: &Measurement) -> Decision {
    if let Some(decision) = no_longer_wanted(state, policy, frame) {
        return decision;
    }
    let (Some(limits), Some(reference)) = (policy.similarity, &state.reference) else {
        return Decision { events: Vec::new(), next: Some(Next::Ask) };
    };
    let aged = frame.captured_at.ms_since(reference.captured_at) >= u64::from(policy.sampling.reassess_after_ms);
    let partly_met = state.partly_met(policy, frame.medium, &frame.session, frame.captured_at);
    match distance(reference, measured) {
        Some(distance) if !aged && !partly_met && similar(limits, distance) => {
            let mut draft = Draft::outcome(state, Some(policy), frame.id, frame.captured_at);
            let because = Skip::Similar { hash: measured.hash, distance, to: reference.sequence };
            draft.push(FrameSkipped { frame: frame.id, medium: frame.medium, print: frame.fingerprint, because });
            coverage::covered(&mut draft, policy, &frame.session, frame.captured_at);
            cadence::follow(&mut draft, policy, frame.captured_at, None);
            draft.decided()
        }
        _ => Decision { events: Vec::new(), next: Some(Next::Ask) },
    }
}

/// A call is to be made for the frame, and the node's are counted: the channel gives way to those with more need. Never
/// beyond what the policy promises at least, never while a rule is partly met, and not at all where the cadence is fixed,
/// as that of segments is.
pub(super) fn spend(state: &ChannelState, frame: &Frame, policy: &Policy, bar: Need) -> Decision {
    if let Some(decision) = no_longer_wanted(state, policy, frame) {
        return decision;
    }
    let granted = Decision { events: Vec::new(), next: Some(Next::Ask) };
    // A call that came to nothing was made all the same.
    let asked = state.newest_sampled.max(state.asked_in_vain);
    let tuning = policy.reputation.as_ref().filter(|_| frame.medium.is_picture());
    let (Some(tuning), Some(asked)) = (tuning, asked) else { return granted };
    let least = policy.sampling.pace_at(policy.sampling.slowest_ms);
    let due = asked.plus_ms(u64::from(least.interval_ms)).minus_ms(u64::from(least.tolerance_ms));
    let score = score(&state.ledger, tuning, frame.captured_at);
    let need = Need::of(score, tuning, state.alarmed.into_iter().chain(state.stirred), frame.captured_at);
    if need >= bar {
        let mut draft = Draft::other(state, Actor::Warden(Some(policy.reference.clone())), "budget eased");
        draft.captured_at = Some(frame.captured_at);
        cadence::ease(&mut draft, policy, frame.captured_at);
        return Decision { next: granted.next, ..draft.decided() };
    }
    if frame.captured_at >= due || state.partly_met(policy, frame.medium, &frame.session, frame.captured_at) {
        return granted;
    }
    let because = Skip::GaveWay { need: need.as_milli(), bar: bar.as_milli(), due };
    let mut draft = skipped(state, Some(policy), frame, because);
    cadence::give_way(&mut draft, policy, score);
    draft.decided()
}

/// While the frame was being fetched its session may have ended and another begun, or a newer frame been assessed.
fn no_longer_wanted(state: &ChannelState, policy: &Policy, frame: &Frame) -> Option<Decision> {
    let newest = match frame.medium {
        Medium::Picture => state.reference.as_ref().map(|reference| reference.captured_at),
        Medium::Clip | Medium::Sound => state.track(frame.medium).assessed,
    };
    if newest.is_some_and(|newest| frame.captured_at <= newest) {
        return Some(skip(state, Some(policy), frame, Skip::Stale { newest }));
    }
    state.is_replaced(&frame.session).then(|| skip(state, Some(policy), frame, Skip::OtherSession))
}

/// How far a measured frame is from the reference; none if their hashes cannot be compared.
pub(super) fn distance(reference: &Reference, measured: &Measurement) -> Option<Similarity> {
    let bits = measured.hash.distance(reference.hash?)?;
    let luma = measured.luma.filter(|(of, _)| *of == reference.sequence).map(|(_, delta)| delta);
    Some(Similarity(bits, luma))
}

/// Whether two frames count as the same picture. In doubt they do not.
///
/// Either their hashes are near, or their luma is: of a flat slate every bit of a hash but the first is the encoder's
/// noise, up to 36 of 64 bits as measured, while the luma hardly moves. A little more luma is excused while the hashes
/// are not far. A large difference in luma says "different" whatever the hashes say.
fn similar(limits: SimilarityLimits, Similarity(bits, luma): Similarity) -> bool {
    let near = bits <= limits.hash_distance_max;
    match luma {
        None => near,
        Some(delta) if delta >= LUMA_DELTA_DIFFERENT => false,
        Some(delta) if delta <= LUMA_DELTA_SAME => true,
        Some(delta) => {
            let not_far = bits <= limits.hash_distance_max.saturating_mul(2);
            near || (delta <= limits.luma_delta_max && not_far)
        }
    }
}

/// No room for the frame. If it is the first of its session the session has begun all the same: else a channel whose
/// every frame is shed would be silent.
pub(super) fn shed(state: &ChannelState, policy: Option<&Policy>, now: Timestamp, frame: &Frame) -> Decision {
    let begun = begin_session(state, policy, now, frame);
    let mut draft = Draft::outcome(state, None, frame.id, frame.captured_at);
    draft.push(FrameSkipped {
        frame: frame.id,
        medium: frame.medium,
        print: frame.fingerprint,
        because: Skip::Overloaded,
    });
    if begun.is_empty() && frame.medium.is_picture() {
        coverage::uncovered(&mut draft, &frame.session, frame.captured_at, UnwatchedBecause::Overloaded);
    }
    draft.after(begun)
}

/// A newer frame took its place.
pub(super) fn supersede(state: &ChannelState, frame: &Frame, by: FrameId) -> Decision {
    skip(state, None, frame, Skip::Superseded { by })
}

/// Another source of the channel is judged. The one that is says all that there is to say of the broadcast.
pub(super) fn pass_over(state: &ChannelState, frame: &Frame) -> Decision {
    skip(state, None, frame, Skip::OtherSource)
}

/// The frame could not be judged. Never clear, never silent (invariant I7); `policy` says who is asked to look where
/// nobody does. Whether somebody does is said by pictures alone; of segments, failures in a row ask.
pub(super) fn fail(
    state: &ChannelState,
    policy: Option<&Policy>,
    frame: &Frame,
    stage: FailedStage,
    reason: &str,
    attempts: u8,
) -> Decision {
    let mut draft = Draft::outcome(state, None, frame.id, frame.captured_at);
    let reason = short(reason);
    draft.push(FrameFailed {
        frame: frame.id,
        medium: frame.medium,
        print: frame.fingerprint,
        stage,
        reason,
        attempts,
    });
    if frame.medium.is_picture() {
        coverage::uncovered(&mut draft, &frame.session, frame.captured_at, UnwatchedBecause::Failed);
        coverage::ask_to_look(&mut draft, policy, frame);
    } else {
        segment::failed(&mut draft, policy, frame);
    }
    draft.decided()
}

/// The warden broke on the frame twice: it is set aside, and the channel says so until a later frame covers it.
pub(super) fn quarantine(state: &ChannelState, policy: Option<&Policy>, frame: &Frame, reason: &str) -> Decision {
    let mut draft = Draft::outcome(state, None, frame.id, frame.captured_at);
    let reason = short(reason);
    let stage = FailedStage::Warden;
    draft.push(FrameFailed {
        frame: frame.id,
        medium: frame.medium,
        print: frame.fingerprint,
        stage,
        reason: reason.clone(),
        attempts: 2,
    });
    draft.push(ChannelQuarantined { frame: frame.id, reason });
    if frame.medium.is_picture() {
        coverage::uncovered(&mut draft, &frame.session, frame.captured_at, UnwatchedBecause::Quarantined);
        coverage::ask_to_look(&mut draft, policy, frame);
    } else {
        segment::failed(&mut draft, policy, frame);
    }
    draft.decided()
}

/// Another notification came under the frame's id. The first outcome stays; the conflict is recorded once per print.
pub(super) fn conflict(state: &ChannelState, frame: &Frame, outcome: EventId) -> Decision {
    let mut draft = Draft::other(state, Actor::service("intake"), "frame conflict");
    draft.first = Command::conflict_id(frame.fingerprint, outcome);
    draft.causation = Some(outcome);
    draft.captured_at = Some(frame.captured_at);
    draft.push(FrameConflict { frame: frame.id, outcome, print: frame.fingerprint });
    draft.decided()
}

fn skip(state: &ChannelState, policy: Option<&Policy>, frame: &Frame, because: Skip) -> Decision {
    skipped(state, policy, frame, because).decided()
}

pub(super) fn skipped<'a>(state: &'a ChannelState, policy: Option<&Policy>, frame: &Frame, because: Skip) -> Draft<'a> {
    let mut draft = Draft::outcome(state, policy, frame.id, frame.captured_at);
    draft.push(FrameSkipped { frame: frame.id, medium: frame.medium, print: frame.fingerprint, because });
    draft
}
