//! One stored event folded into the state. Never fails, never decides: what happened, happened.

use crate::events::{
    CadenceBecause, CodecError, DecisionEffect, EnforcementKind, EnforcementOrigin, Event, FailedStage, FrameAssessed,
    FrameSkipped, LapsedBecause, Recorded, ReputationAdjusted, RuleEffect, SessionEndBecause, SessionEnded, Skip,
};
use crate::model::{Approval, EnforcementId, Medium, ModeratorId, RuleId, Sequence, SessionId, Timestamp, WarningId};
use crate::reputation::Evidence;
use crate::reputation::cadence::{RECONNECT_MS, Roused, Rousing};

use super::memory::{self, Hit, grow};
use super::track::Track;
use super::{
    Answer, ChannelState, Claim, Cooldown, Coverage, Enforcement, EnforcementStage, Reference, Session, Warning, shadow,
};

/// What an event's envelope tells a fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Place in the channel's list.
    pub sequence: Sequence,
    /// When it was appended.
    pub recorded_at: Timestamp,
    /// The frame's own time, where there is one.
    pub captured_at: Option<Timestamp>,
}

impl Applied {
    /// What the envelope of a stored event says.
    pub fn of(recorded: &Recorded) -> Self {
        let envelope = &recorded.envelope;
        Self { sequence: envelope.sequence, recorded_at: envelope.recorded_at, captured_at: envelope.captured_at }
    }
}

/// Folds stored events into a state, in order. An event of an unknown type or version stops the fold: a state that
/// skipped one would be a guess.
pub fn replay<'a>(
    mut state: ChannelState,
    events: impl IntoIterator<Item = &'a Recorded>,
) -> Result<ChannelState, CodecError> {
    for recorded in events {
        apply(&mut state, Applied::of(recorded), &recorded.event()?);
    }
    Ok(state)
}

/// Folds one event into the state.
pub fn apply(state: &mut ChannelState, at: Applied, event: &Event) {
    state.sequence = at.sequence;
    let captured_at = at.captured_at.unwrap_or(at.recorded_at);
    match event {
        Event::SessionStarted(started) => start(state, at, started.session.clone(), captured_at),
        Event::SessionEnded(ended) => end(state, captured_at, ended),
        Event::CadenceChanged(changed) => {
            if state.pace.as_ref().is_some_and(|(_, policy)| *policy != changed.policy) {
                shadow::live_policy_changed(state);
            }
            // In the channel's own time, also where a person changed it by the wall clock while old footage is played.
            state.pace_since = match (&state.coverage, state.covered_until()) {
                (Coverage::Watched { from }, Some(until)) => Some(captured_at.min(until).max(*from)),
                _ => None,
            };
            if state.pace.as_ref().is_none_or(|(_, policy)| *policy != changed.policy) {
                state.policy_since = Some(captured_at);
                asked_anew(state);
            }
            state.pace = Some((changed.to, changed.policy.clone()));
            state.pace_because = Some(changed.because);
            if changed.because == CadenceBecause::ViewersRose {
                rouse(&mut state.stirred, Rousing::ViewersRose, captured_at);
            }
        }
        Event::FrameSkipped(skipped) => skip(state, captured_at, skipped),
        Event::FrameAssessed(assessed) => assess(state, at, captured_at, assessed),
        Event::DecisionReceived(received) => {
            if let DecisionEffect::Joined(warning) = received.effect {
                with(state, warning, |warning| warning.newest_hit = warning.newest_hit.max(captured_at));
            }
        }
        Event::OpinionGiven(_) => {} // what follows from it is in the outcome that rests on it
        Event::ShadowVerdict(verdict) => shadow::judged(state, captured_at, verdict),
        Event::FrameFailed(failed) => {
            if failed.medium.is_picture() {
                seen(state, Medium::Picture, captured_at);
            } else if let Some(track) = track_at(state, failed.medium, captured_at) {
                track.failed(captured_at);
            }
            if failed.medium.is_picture() && matches!(failed.stage, FailedStage::Provider | FailedStage::Deadline) {
                state.asked_in_vain = state.asked_in_vain.max(Some(captured_at));
            }
        }
        Event::FrameConflict(_)
        | Event::ChannelQuarantined(_)
        | Event::EvidenceStored(_)
        | Event::EvidenceCopied(_)
        | Event::EvidenceUnkept(_) => {}
        Event::ChannelWatched(_) => state.coverage = Coverage::Watched { from: captured_at },
        Event::SegmentsUnjudged(unjudged) => {
            if let Some(track) = state.track_mut(unjudged.medium) {
                track.unjudged = true;
            }
        }
        Event::ChannelUnwatched(unwatched) => {
            state.coverage = Coverage::Unwatched { since: unwatched.since, because: unwatched.because };
        }
        Event::WarningRaised(raised) => grow(
            &mut state.warnings,
            Warning {
                id: raised.warning,
                session: raised.session.clone(),
                rule: raised.rule.clone(),
                action: raised.action,
                approval: raised.approval,
                severity: raised.severity,
                cooldown_ms: raised.cooldown_ms,
                raised_at: captured_at,
                newest_hit: captured_at,
                version: at.sequence,
                claim: None,
                answer: None,
            },
        ),
        Event::WarningClaimed(claimed) => touch(state, at, claimed.warning, |warning| {
            warning.claim = Some(Claim { by: claimed.by.clone(), until: claimed.until });
        }),
        Event::WarningReleased(released) => touch(state, at, released.warning, |warning| warning.claim = None),
        Event::ReputationAdjusted(adjusted) => {
            let ReputationAdjusted { by, change, until, why: _ } = adjusted;
            state.ledger.take(Evidence::adjusted(by, *change, *until));
        }
        Event::WarningUpheld(upheld) => {
            // Between two broadcasts there is nothing to watch, and that the last one was stopped must be known at the
            // beginning of the next.
            if state.session.is_some() {
                let newest = state.newest_seen.unwrap_or(at.recorded_at);
                rouse(&mut state.alarmed, Rousing::Upheld, newest);
            }
            answer(state, at, upheld.warning, Answer::new(&upheld.by, true, at, upheld.undo_ms));
        }
        Event::WarningDismissed(dismissed) => {
            answer(state, at, dismissed.warning, Answer::new(&dismissed.by, false, at, dismissed.undo_ms));
            no_longer_met(state, dismissed.warning);
            calm(state, Rousing::Hit);
        }
        Event::WarningAnswerWithdrawn(withdrawn) => {
            touch(state, at, withdrawn.warning, |warning| warning.answer = None);
            state.cooldowns.retain(|cooldown| cooldown.warning != withdrawn.warning);
            state.ledger.take(Evidence::Unfound(withdrawn.warning));
            state.alarmed = state.alarmed.filter(|alarm| alarm.by != Rousing::Upheld);
            if let Some(hit) = state.warning(withdrawn.warning).map(|warning| warning.newest_hit) {
                rouse(&mut state.alarmed, Rousing::Hit, hit);
            }
            shadow::live_answer_withdrawn(state, withdrawn.warning);
        }
        Event::WarningEscalated(escalated) => touch(state, at, escalated.warning, |warning| warning.claim = None),
        Event::WarningNoted(noted) => touch(state, at, noted.warning, |_| ()),
        // An appeal decides long after: what is still remembered of the answer goes.
        Event::WarningOverturned(overturned) => {
            state.warnings.retain(|warning| warning.id != overturned.warning);
            state.cooldowns.retain(|cooldown| cooldown.warning != overturned.warning);
            state.ledger.take(Evidence::Unfound(overturned.warning));
            calm(state, Rousing::Upheld);
            shadow::live_overturned(state, overturned.warning);
        }
        Event::WarningLapsed(lapsed) => {
            state.warnings.retain(|warning| warning.id != lapsed.warning);
            if lapsed.because == LapsedBecause::NotAskedFor {
                forget_failures(state);
            }
        }
        Event::EnforcementRequested(requested) => {
            if let EnforcementOrigin::Rule { warning, .. } | EnforcementOrigin::External { warning, .. } =
                &requested.origin
            {
                // The rule has asked by itself: upholding the warning need not ask again.
                with(state, *warning, |warning| warning.approval = Approval::None);
            }
            grow(
                &mut state.enforcements,
                Enforcement {
                    id: requested.enforcement,
                    kind: requested.kind,
                    session: requested.session.clone(),
                    found: None,
                    origin: requested.origin.clone(),
                    requested_at: at.recorded_at,
                    stage: EnforcementStage::Requested,
                },
            );
        }
        Event::EnforcementAdmitted(admitted) => {
            stage(state, admitted.enforcement, EnforcementStage::Admitted);
            if let Some(by) = &admitted.by {
                let_go_ahead(state, admitted.enforcement, by);
            }
        }
        Event::EnforcementHeld(held) => stage(state, held.enforcement, EnforcementStage::Held),
        Event::EnforcementAttempted(attempted) => {
            stage(state, attempted.enforcement, EnforcementStage::Attempted(attempted.attempt));
            found(state, attempted.enforcement, attempted.found.as_ref());
        }
        Event::EnforcementSucceeded(succeeded) => {
            stage(state, succeeded.enforcement, EnforcementStage::Succeeded(succeeded.attempt));
        }
        Event::EnforcementVerified(done) => {
            verified(state, captured_at, done.enforcement);
            let origin = state.enforcement(done.enforcement).map(|verified| verified.origin.clone());
            if let Some(EnforcementOrigin::Person { warning: Some(upheld), .. }) = origin {
                with(state, upheld, |warning| {
                    if let Some(answer) = &mut warning.answer {
                        answer.carried_out = Some(done.enforcement);
                    }
                });
            }
            ended(state, done.enforcement);
        }
        Event::EnforcementNotNeeded(done) => came_to_nothing(state, done.enforcement),
        Event::EnforcementSuperseded(done) => came_to_nothing(state, done.enforcement),
        Event::EnforcementFailed(done) => came_to_nothing(state, done.enforcement),
        Event::EnforcementCancelled(done) => came_to_nothing(state, done.enforcement),
        // The system's own events live in other scopes and say nothing of a channel.
        Event::PolicyPublished(_)
        | Event::PolicyRetired(_)
        | Event::PolicyShadowed(_)
        | Event::PolicyUnshadowed(_)
        | Event::NotificationRejected(_)
        | Event::InputGap(_)
        | Event::ProviderSuspended(_)
        | Event::ProviderResumed(_)
        | Event::ConsumerCreated(_)
        | Event::ConsumerDeleted(_)
        | Event::ConsumerRewound(_)
        | Event::EntryParked(_)
        | Event::EntryUnparked(_)
        | Event::EntrySettled(_)
        | Event::ReplayStarted(_)
        | Event::ReplayEnded(_)
        | Event::StoreOpened(_)
        | Event::StoreClosed(_)
        | Event::SegmentSealed(_)
        | Event::DataLossAccepted(_)
        | Event::ErasureRequested(_)
        | Event::ContentErased(_)
        | Event::CopiesErased(_)
        | Event::EvidenceRead(_)
        | Event::EvidenceExpired(_)
        | Event::ExportMade(_) => {}
    }
}

fn start(state: &mut ChannelState, at: Applied, session: SessionId, since: Timestamp) {
    state.session = Some(Session { id: session, since });
    state.ledger.take(Evidence::Began { at: since });
    // What called for the closest watch still does: whoever begins anew is the same channel.
    state.alarmed = state.alarmed.and_then(|alarm| match alarm.by {
        Rousing::Stopped if since.ms_since(alarm.at) <= RECONNECT_MS => {
            Some(Roused { by: Rousing::Reconnected, at: since })
        }
        Rousing::Stopped => None,
        _ => Some(alarm),
    });
    state.asked_in_vain = None;
    state.pace_since = None;
    state.stirred = Some(Roused { by: Rousing::Began, at: since });
    state.newest_start = state.newest_start.max(Some(since));
    state.coverage = Coverage::Watched { from: since };
    // What was on the air before says nothing of this broadcast: its first frame is assessed, its windows are empty.
    state.reference = None;
    state.newest_seen = None;
    state.newest_sampled = None;
    state.segments = None;
    state.windows = Vec::new();
    forget_answers(state, at);
    state.cooldowns.retain(|cooldown| cooldown.session.is_none() && cooldown.until > since);
    shadow::broadcast_began(state, since);
}

fn end(state: &mut ChannelState, at: Timestamp, SessionEnded { session, because }: &SessionEnded) {
    if *because == SessionEndBecause::Stopped || state.is_being_stopped(session) {
        rouse(&mut state.alarmed, Rousing::Stopped, at);
    }
    if state.session.as_ref().is_some_and(|current| current.id == *session) {
        state.session = None;
        state.coverage = Coverage::Idle;
        state.windows = Vec::new();
        shadow::broadcast_ended(state);
    }
    if !state.has_ended(session) {
        let surplus = (state.ended_sessions.len() + 1).saturating_sub(ChannelState::ENDED_MAX);
        state.ended_sessions.drain(..surplus);
        grow(&mut state.ended_sessions, session.clone());
    }
}

fn seen(state: &mut ChannelState, medium: Medium, captured_at: Timestamp) {
    match state.track_mut(medium) {
        Some(track) => track.saw(captured_at),
        None => state.newest_seen = state.newest_seen.max(Some(captured_at)),
    }
}

/// What is remembered of the segments of that medium, if one captured then is of the broadcast on the air: an outcome that
/// comes late may be of the one before, and names neither.
fn track_at(state: &mut ChannelState, medium: Medium, captured_at: Timestamp) -> Option<&mut Track> {
    let on_air = state.session.as_ref().is_some_and(|session| captured_at >= session.since);
    if on_air { state.track_mut(medium) } else { None }
}

/// Another policy asks for segments, or asks no more: that none is judged is said of it anew, and its failures are its own.
fn asked_anew(state: &mut ChannelState) {
    if let Some(segments) = state.segments.as_deref_mut() {
        segments.clips.unjudged = false;
        segments.sound.unjudged = false;
    }
    forget_failures(state);
}

/// The failures of each medium count for nothing any more, but where a person was asked about them: that question rests on
/// them until it is judged again, or nobody asks.
fn forget_failures(state: &mut ChannelState) {
    for medium in [Medium::Clip, Medium::Sound] {
        let rule = RuleId::on_unavailable_of(medium);
        let asked = state.warnings.iter().any(|warning| warning.rule == rule);
        if state.segments.is_some()
            && !asked
            && let Some(track) = state.track_mut(medium)
        {
            track.failures = 0;
        }
    }
}

/// A picture counts as looked at: it covers the channel.
fn sampled(state: &mut ChannelState, captured_at: Timestamp, clean: bool) {
    seen(state, Medium::Picture, captured_at);
    watched(state, captured_at, clean);
    state.newest_sampled = state.newest_sampled.max(Some(captured_at));
    state.coverage = match state.coverage {
        Coverage::Watched { from } => Coverage::Watched { from: from.max(captured_at) },
        // `ChannelWatched` in the same append says that this frame covers again, if it does.
        unwatched @ Coverage::Unwatched { .. } => unwatched,
        Coverage::Idle => Coverage::Idle, // a last answer after the session's end
    };
}

/// The time since the frame before was watched, as far as one frame covers it.
fn watched(state: &mut ChannelState, until: Timestamp, clean: bool) {
    let (Coverage::Watched { from }, Some((pace, _))) = (state.coverage, &state.pace) else { return };
    let covered_ms = until.ms_since(from).min(u64::from(pace.interval_ms) + u64::from(pace.tolerance_ms));
    let ms = u32::try_from(covered_ms).unwrap_or(u32::MAX);
    if ms > 0 {
        state.ledger.take(Evidence::Watched { until, ms, clean });
    }
}

fn rouse(roused: &mut Option<Roused>, by: Rousing, at: Timestamp) {
    if roused.is_none_or(|known| known.at <= at) {
        *roused = Some(Roused { by, at });
    }
}

/// A broadcast is seen to be off the air because of us. Its end may have been told before, and the next one begun.
fn verified(state: &mut ChannelState, at: Timestamp, id: EnforcementId) {
    let Some(done) = state.enforcement(id).filter(|done| done.kind != EnforcementKind::Lift) else { return };
    let another = state
        .session
        .as_ref()
        .filter(|on_air| done.session.as_ref() != Some(&on_air.id) && done.found.as_ref() != Some(&on_air.id));
    let (by, at) = match another {
        Some(on_air) => (Rousing::Reconnected, state.newest_seen.unwrap_or(on_air.since)),
        None => (Rousing::Stopped, at),
    };
    rouse(&mut state.alarmed, by, at);
}

/// What called for the closest watch turned out not to.
fn calm(state: &mut ChannelState, by: Rousing) {
    if state.open_warnings().next().is_none() {
        state.alarmed = state.alarmed.filter(|alarm| alarm.by != by);
    }
}

fn skip(state: &mut ChannelState, captured_at: Timestamp, skipped: &FrameSkipped) {
    match skipped.because {
        Skip::Similar { .. } => {
            // It shows what the last assessed frame showed, and that one is the lowest bit of every window.
            let clean = state.windows.iter().filter(|window| !window.heard).all(|window| window.recent & 1 == 0);
            sampled(state, captured_at, clean);
        }
        // A frame of another broadcast or source says nothing of this one's rhythm.
        Skip::OtherSession | Skip::OtherSource => {}
        Skip::NoTrack { .. } if skipped.medium.is_picture() => seen(state, Medium::Picture, captured_at),
        Skip::NoTrack { .. } => {
            if let Some(track) = track_at(state, skipped.medium, captured_at) {
                track.judged(captured_at);
            }
        }
        Skip::TooSoon { .. }
        | Skip::GaveWay { .. }
        | Skip::Overloaded
        | Skip::Superseded { .. }
        | Skip::Stale { .. }
        | Skip::NoPolicy
        | Skip::Unsupported => seen(state, skipped.medium, captured_at),
    }
}

fn assess(state: &mut ChannelState, at: Applied, captured_at: Timestamp, assessed: &FrameAssessed) {
    for outcome in &assessed.rules {
        if let RuleEffect::Joined(warning) = outcome.effect {
            with(state, warning, |warning| warning.newest_hit = warning.newest_hit.max(captured_at));
        }
    }
    let counts = !state.is_replaced(&assessed.session);
    if assessed.medium.is_picture() {
        shadow::follow(state, captured_at, assessed, counts); // which judges pictures only
    }
    if !counts {
        return; // judged for a broadcast that another has replaced: recorded, but no measure of this one
    }
    match state.track_mut(assessed.medium) {
        None => sampled(state, captured_at, assessed.rules.is_empty()),
        // No time is watched by it: pictures watch, and the same time must not count twice.
        Some(track) => track.judged(captured_at),
    }
    if assessed.rules.iter().any(|outcome| state.is_alarming(outcome, &assessed.session, captured_at)) {
        rouse(&mut state.alarmed, Rousing::Hit, captured_at);
    } else if assessed.near.is_some() {
        rouse(&mut state.stirred, Rousing::NearMiss, captured_at);
    }
    let newest = state.reference.as_ref().is_none_or(|newest| newest.captured_at <= captured_at);
    if newest && assessed.medium.is_picture() {
        state.reference =
            Some(Reference { sequence: at.sequence, frame: assessed.frame, captured_at, hash: assessed.hash });
    }
    memory::shift(&mut state.windows, assessed.medium, &assessed.rules);
    for outcome in &assessed.rules {
        let met = match outcome.effect {
            RuleEffect::Raised(_) | RuleEffect::Joined(_) => true,
            RuleEffect::Partial | RuleEffect::Cooldown(_) => false,
        };
        memory::hit(&mut state.windows, captured_at, Hit::of(outcome, met, assessed.medium));
    }
    memory::prune(&mut state.windows, &mut state.cooldowns, captured_at);
}

fn with(state: &mut ChannelState, id: WarningId, change: impl FnOnce(&mut Warning)) {
    if let Some(warning) = state.warnings.iter_mut().find(|warning| warning.id == id) {
        change(warning);
    }
}

/// Changes a warning by an event that is about it, which makes another version of it.
fn touch(state: &mut ChannelState, at: Applied, id: WarningId, change: impl FnOnce(&mut Warning)) {
    with(state, id, |warning| {
        warning.version = at.sequence;
        change(warning);
    });
}

fn answer(state: &mut ChannelState, at: Applied, id: WarningId, given: Answer) {
    let newest = state.newest_seen.unwrap_or(at.recorded_at);
    let Some(warning) = state.warnings.iter_mut().find(|warning| warning.id == id) else { return };
    warning.claim = None;
    warning.version = at.sequence;
    if let Some(finding) = warning.finding(given.upheld) {
        state.ledger.take(Evidence::Found(finding));
    }
    let upheld = given.upheld;
    let session = upheld.then(|| warning.session.clone());
    warning.answer = Some(given);
    if warning.cooldown_ms > 0 {
        // Counted in the channel's own time, so that footage played fast or late behaves like footage played live.
        let until = newest.plus_ms(u64::from(warning.cooldown_ms));
        grow(&mut state.cooldowns, Cooldown { rule: warning.rule.clone(), session, until, warning: id });
    }
    shadow::live_answered(state, id, upheld, newest);
    forget_answers(state, at);
}

/// A person says that a rule was wrong: it speaks for no other rule's stop.
fn no_longer_met(state: &mut ChannelState, dismissed: WarningId) {
    let Some(rule) = state.warning(dismissed).map(|warning| warning.rule.clone()) else { return };
    memory::no_longer_met(&mut state.windows, &rule);
}

/// Answers are kept for as long as they can be taken back.
fn forget_answers(state: &mut ChannelState, at: Applied) {
    state.warnings.retain(|warning| warning.answer.as_ref().is_none_or(|answer| answer.undo_until >= at.recorded_at));
    shadow::forget_answered(state);
}

impl Answer {
    fn new(by: &ModeratorId, upheld: bool, at: Applied, undo_ms: u32) -> Self {
        let undo_until = at.recorded_at.plus_ms(u64::from(undo_ms));
        Self { by: by.clone(), upheld, at: at.recorded_at, undo_until, carried_out: None }
    }
}

fn stage(state: &mut ChannelState, id: EnforcementId, stage: EnforcementStage) {
    if let Some(enforcement) = state.enforcements.iter_mut().find(|enforcement| enforcement.id == id) {
        enforcement.stage = stage;
    }
}

fn found(state: &mut ChannelState, id: EnforcementId, session: Option<&SessionId>) {
    if let Some(enforcement) = state.enforcements.iter_mut().find(|enforcement| enforcement.id == id) {
        enforcement.found = session.cloned();
    }
}

/// A rule's enforcement was held, and went ahead at somebody's word. If that word is their answer to its warning, it is
/// what the answer led to.
fn let_go_ahead(state: &mut ChannelState, id: EnforcementId, by: &ModeratorId) {
    let Some(warning) = state.enforcement(id).and_then(|admitted| admitted.origin.warning()) else { return };
    with(state, warning, |warning| {
        if let Some(answer) = warning.answer.as_mut().filter(|answer| answer.upheld && answer.by == *by) {
            answer.carried_out = Some(id);
        }
    });
}

/// It did nothing to the stream: an answer that led to it can be taken back again.
fn came_to_nothing(state: &mut ChannelState, id: EnforcementId) {
    if let Some(warning) = state.enforcement(id).and_then(|gone| gone.origin.warning()) {
        with(state, warning, |warning| {
            if let Some(answer) = warning.answer.as_mut().filter(|answer| answer.carried_out == Some(id)) {
                answer.carried_out = None;
            }
        });
    }
    ended(state, id);
}

fn ended(state: &mut ChannelState, id: EnforcementId) {
    state.enforcements.retain(|enforcement| enforcement.id != id);
}
