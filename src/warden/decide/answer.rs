//! A provider's answer becomes a verdict: where a warning is raised and a stop asked for.

use crate::events::{
    AsksBecause, BucketObject, FailedStage, FrameAssessed, NearMiss, RuleEffect, RuleOutcome, SegmentFacts, Timings,
    WarningRaised,
};
use crate::model::{
    Approval, ContentType, EventId, Frame, FrameOrigin, Label, Measurement, Medium, Moment, Timestamp, Verdict,
    WarningId,
};
use crate::policy::{Policy, RuleHit, nearest};
use crate::reputation::cadence::Rousing;
use crate::warden::{Answered, Beside, ChannelState, Command};

use super::judgement::{self, Effect, JudgedRule, Shown};
use super::{Decision, Draft, cadence, coverage, frame, opinions, segment, shadow, stops};

/// The most bytes of the key of the object that a segment lay in, as its event names it. One of IVS has about 120.
const SEGMENT_KEY_BYTES_MAX: usize = 300;

/// What is known of a frame when its answer is judged.
pub(super) struct Judged<'a> {
    pub frame: &'a Frame,
    pub policy: &'a Policy,
    pub shadow: Option<&'a Policy>,
    pub measured: Option<&'a Measurement>,
    pub segment: Option<&'a SegmentFacts>,
    pub answer: &'a Answered,
    pub beside: &'a Beside,
    pub took: Timings,
}

/// Judges an answer under the policy the frame started with, against the state as it is now.
pub(super) fn judge(state: &ChannelState, now: Timestamp, judged: &Judged<'_>) -> Decision {
    let Judged { frame, policy, measured, answer, .. } = judged;
    if !policy.reads_of(frame.medium, &answer.provider.taxonomy) {
        // Rules that no label of the answer stands for would all be silent, and silence would read as clear.
        let reason = format!(
            "labels come in {}, {} has rules for {}",
            answer.provider.taxonomy, policy.reference, policy.taxonomy
        );
        let failed = frame::fail(state, Some(policy), frame, FailedStage::Provider, &reason, 1);
        return failed.after(opinions::before(policy, frame, &judged.beside.opinions));
    }
    let outcome = EventId::outcome_of(frame.id);
    // Newer frames that were skipped unseen, as while this one was with the provider, make it no less new.
    let replaced = state.is_replaced(&frame.session);
    let newest = match frame.medium {
        Medium::Picture => state.newest_sampled,
        Medium::Clip | Medium::Sound => state.track(frame.medium).assessed,
    };
    let late = replaced || newest.is_some_and(|newest| frame.captured_at < newest);

    let second = opinions::second(policy, frame.medium, &answer.provider.name, &judged.beside.opinions);
    let shown = Shown {
        session: &frame.session,
        captured_at: frame.captured_at,
        replaced,
        late,
        answered: &answer.provider.taxonomy,
        labels: &answer.labels,
        second: &second,
    };
    let judgement = judgement::judge(state.memory(), policy, shown);
    // A policy in shadow is tried on pictures only.
    let (look, shadow_verdict) = judged
        .shadow
        .filter(|_| frame.medium.is_picture())
        .map(|policy| shadow::judge(state, policy, judged, shown))
        .unzip();

    let (labels, kept_at) =
        keep_labels(&answer.labels, |label| judgement.rules.iter().any(|rule| rule.hit.label == label));
    let outcome_of = |rule: &JudgedRule<'_>| RuleOutcome {
        rule: rule.hit.rule.id.clone(),
        rev: rule.hit.rule.rev,
        by: kept_at(rule.hit.label).unwrap_or(0), // always kept: rules were cut to those whose labels fit
        margin: rule.hit.margin,
        hits: rule.hits,
        effect: effect(state, frame, outcome, rule),
    };
    let rules: Vec<RuleOutcome> = judgement.rules.iter().map(outcome_of).collect();

    let near = match (&policy.reputation, rules.is_empty()) {
        (Some(tuning), true) => nearest(policy, &answer.provider.taxonomy, &answer.labels, tuning.near_miss),
        _ => None, // a hit says more than a near miss
    };
    let is_near = near.is_some();
    let mut draft = Draft::outcome(state, Some(policy), frame.id, frame.captured_at);
    let distance = state
        .reference
        .as_ref()
        .filter(|_| !replaced)
        .and_then(|reference| Some((frame::distance(reference, (*measured)?)?, reference.sequence)));
    draft.push(FrameAssessed {
        frame: frame.id,
        print: frame.fingerprint,
        session: frame.session.clone(),
        medium: frame.medium,
        image: measured.map(|measured| measured.image),
        object: object(judged),
        segment: judged.segment.cloned().map(Box::new),
        hash: measured.map(|measured| measured.hash),
        distance,
        provider: answer.provider.clone(),
        arranged: judged.beside.arranged,
        policy: policy.reference.clone(),
        labels,
        answer: answer.kept.clone(),
        moments: moments(&answer.moments, &kept_at),
        spoken: answer.spoken.clone(),
        unmapped: answer.unmapped,
        content_types: answer.content_types.iter().take(ContentType::INLINE_MAX).cloned().collect(),
        floor: answer.floor,
        near: near.map(|(rule, short)| NearMiss { rule: rule.id.clone(), short }),
        rules: rules.clone(),
        verdict: judgement.verdict,
        late,
        shadow: look,
        took: judged.took,
    });
    for (rule, outcome) in judgement.rules.iter().zip(&rules) {
        let stops = judgement.calls_for(rule.hit.rule) == Verdict::Stop;
        match outcome.effect {
            RuleEffect::Raised(warning) => {
                let raised = raise(&mut draft, judged, &rule.hit, warning, judgement.asks(rule.hit.rule));
                if stops {
                    stops::ask_for_stop(&mut draft, now, judged, rule.hit.rule, warning, raised);
                }
            }
            RuleEffect::Joined(warning) if stops => {
                stops::stop_after_all(&mut draft, now, judged, rule.hit.rule, warning);
            }
            RuleEffect::Joined(_) | RuleEffect::Partial | RuleEffect::Cooldown(_) => {}
        }
    }
    for rule in &judgement.backed {
        if let Some(open) = state.open_warning_of(&rule.id, &frame.session) {
            stops::stop_after_all(&mut draft, now, judged, rule, open.id);
        }
    }
    if frame.medium.is_picture() {
        coverage::covered(&mut draft, policy, &frame.session, frame.captured_at);
    } else {
        segment::judged(&mut draft, frame);
    }
    if !replaced {
        let hit = rules.iter().any(|rule| state.is_alarming(rule, &frame.session, frame.captured_at));
        let news = if hit { Some(Rousing::Hit) } else { is_near.then_some(Rousing::NearMiss) };
        // What is heard has pictures looked at more closely; that nothing is heard says nothing of them.
        if frame.medium.is_picture() || news.is_some() {
            cadence::follow(&mut draft, policy, frame.captured_at, news);
        }
    }
    if let Some(verdict) = shadow_verdict.flatten() {
        // Last, under an id that follows from the frame: what the live policy brings about is the same without it.
        draft.push_as(Command::shadow_id(frame.id), verdict);
    }
    draft.after(opinions::before(policy, frame, &judged.beside.opinions))
}

/// What was judged of a picture that nobody measured here, or where the segment lay.
fn object(judged: &Judged<'_>) -> Option<BucketObject> {
    match &judged.frame.origin {
        // Of a segment the digest says which it was; where it lay is left out where it takes too much of the event.
        FrameOrigin::S3(object) if judged.segment.is_some() && object.key.len() > SEGMENT_KEY_BYTES_MAX => None,
        FrameOrigin::S3(object) if judged.measured.is_none() => Some(object.into()),
        FrameOrigin::S3(_) | FrameOrigin::File(_) | FrameOrigin::Inline(_) => None,
    }
}

/// The labels an event holds, and where a label of the answer is found among them: those that rules rest on first of
/// all, then the surest.
pub(super) fn keep_labels<F: Fn(usize) -> bool>(
    labels: &[Label],
    rests_on: F,
) -> (Vec<Label>, impl Fn(usize) -> Option<u8> + use<F>) {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(|&at| (!rests_on(at), std::cmp::Reverse(labels[at].confidence()), at));
    order.truncate(Answered::LABELS_INLINE_MAX);
    let mut bytes = 0;
    let fits = |at: &usize| {
        bytes += Answered::bytes_of(&labels[*at]);
        bytes <= Answered::LABELS_BYTES_INLINE_MAX
    };
    let fitting = order.iter().map(fits).take_while(|fits| *fits).count();
    order.truncate(fitting);
    let kept = order.iter().map(|&at| labels[at].clone()).collect();
    (kept, move |label| order.iter().position(|&at| at == label).map(|at| at as u8)) // at most `LABELS_INLINE_MAX`
}

/// The moments of the labels that an event holds, in the order of these, as many as it may hold.
fn moments(moments: &[Moment], kept_at: impl Fn(usize) -> Option<u8>) -> Vec<Moment> {
    let kept = |moment: &Moment| Some(Moment { label: kept_at(usize::from(moment.label))?, ..*moment });
    let mut kept: Vec<Moment> = moments.iter().filter_map(kept).collect();
    kept.sort_by_key(|moment| moment.label);
    kept.truncate(Answered::MOMENTS_INLINE_MAX);
    kept
}

/// What came of a rule, with the warning that it is about.
fn effect(state: &ChannelState, frame: &Frame, outcome: EventId, rule: &JudgedRule<'_>) -> RuleEffect {
    let id = &rule.hit.rule.id;
    match rule.effect {
        Effect::Partial => RuleEffect::Partial,
        Effect::Cooldown(until) => RuleEffect::Cooldown(until),
        Effect::Raised => RuleEffect::Raised(WarningId::of(outcome, id)),
        Effect::Joined(_) => {
            let open = state.open_warning_of(id, &frame.session);
            RuleEffect::Joined(open.expect("what was joined a moment ago is open in the same state").id)
        }
    }
}

fn raise(
    draft: &mut Draft<'_>,
    judged: &Judged<'_>,
    hit: &RuleHit<'_>,
    warning: WarningId,
    asks: Option<AsksBecause>,
) -> EventId {
    let Judged { frame, policy, answer, .. } = judged;
    let rule = hit.rule;
    let kept_from_stopping = asks.filter(|_| rule.stops_by_itself());
    draft.push(WarningRaised {
        warning,
        frame: frame.id,
        medium: frame.medium,
        session: frame.session.clone(),
        policy: policy.reference.clone(),
        rule: rule.id.clone(),
        rev: rule.rev,
        severity: rule.severity,
        action: rule.action,
        approval: if asks.is_some() { Approval::Person } else { rule.approval },
        label: Some(answer.labels[hit.label].clone()),
        margin: hit.margin,
        cooldown_ms: rule.cooldown_ms,
        asks: kept_from_stopping,
        unavailable: None,
        decided_by: None,
    })
}
