//! A provider's answer becomes a verdict: where a warning is raised and a stop asked for.

use crate::events::{
    AsksBecause, BucketObject, FailedStage, FrameAssessed, NearMiss, RuleEffect, RuleOutcome, Timings, WarningRaised,
};
use crate::model::{
    Approval, ContentType, EventId, Frame, FrameOrigin, Label, Measurement, RuleId, Timestamp, Verdict, WarningId,
};
use crate::policy::{Policy, RuleHit, hits, nearest};
use crate::reputation::cadence::Rousing;
use crate::warden::{Answered, ChannelState};

use super::stops::{self, calls_for};
use super::{Decision, Draft, cadence, coverage, frame};

/// The most rules whose outcome an event holds. A policy has at most 200; more than this hit by one frame means a
/// policy of catch-alls, and the gravest come first.
const RULES_INLINE_MAX: usize = 16;
/// The most bytes that outcomes of rules may take, so that with the labels and the longest names of everything else
/// the event stays below what an event may have. At least five rules fit, however long their names.
const RULES_BYTES_MAX: usize = 1100;
/// Bytes that a rule's outcome takes besides its name: field names, numbers, a warning id.
const RULE_BYTES: usize = 86;

/// What is known of a frame when its answer is judged.
pub(super) struct Judged<'a> {
    pub frame: &'a Frame,
    pub policy: &'a Policy,
    pub measured: Option<&'a Measurement>,
    pub answer: &'a Answered,
    pub took: Timings,
}

/// Judges an answer under the policy the frame started with, against the state as it is now.
pub(super) fn judge(state: &ChannelState, now: Timestamp, judged: &Judged<'_>) -> Decision {
    let Judged { frame, policy, measured, answer, .. } = judged;
    if answer.provider.taxonomy != policy.taxonomy {
        // Rules that name no label of the answer would all be silent, and silence would read as clear.
        let reason = format!(
            "labels come in {}, {} has rules for {}",
            answer.provider.taxonomy, policy.reference, policy.taxonomy
        );
        return frame::fail(state, Some(policy), frame, FailedStage::Provider, &reason, 1);
    }
    let outcome = EventId::outcome_of(frame.id);
    // Newer frames that were skipped unseen, as while this one was with the provider, make it no less new.
    let replaced = state.is_replaced(&frame.session);
    let late = replaced || state.newest_sampled.is_some_and(|newest| frame.captured_at < newest);

    let mut hit = hits(policy, &answer.labels);
    hit.sort_by_key(|hit| std::cmp::Reverse((hit.rule.severity, hit.rule.action)));
    keep_rules(&mut hit, &answer.labels);
    let (labels, kept_at) = keep_labels(&answer.labels, &hit);

    let rules: Vec<RuleOutcome> = hit
        .iter()
        .map(|hit| {
            // Hits of another broadcast, which has replaced this one, are none of this one's.
            let so_far = match replaced {
                true => 1,
                false => state.hits(&hit.rule.id, hit.rule.rev, hit.rule.window, frame.captured_at, true),
            };
            RuleOutcome {
                rule: hit.rule.id.clone(),
                rev: hit.rule.rev,
                by: kept_at(hit.label),
                margin: hit.margin,
                hits: so_far,
                effect: effect(state, frame, outcome, hit, so_far),
            }
        })
        .collect();
    let is_met = |rule: &RuleOutcome| matches!(rule.effect, RuleEffect::Raised(_) | RuleEffect::Joined(_));
    let met: Vec<&RuleId> = rules.iter().filter(|rule| is_met(rule)).map(|rule| &rule.rule).collect();
    let agreeing = stops::rules_met(state, policy, frame.captured_at, replaced, &met);
    let asks = stops::why_asks(policy, &frame.session, late, agreeing);
    let backed = match asks {
        None => stops::backed(state, policy, &frame.session, frame.captured_at, &met),
        Some(_) => Vec::new(),
    };
    let called_for = hit.iter().zip(&rules).filter(|(_, rule)| is_met(rule));
    let called_for = called_for.map(|(hit, _)| calls_for(hit.rule, asks.is_some()));
    let verdict = called_for.max().unwrap_or(Verdict::Clear);
    let verdict = if backed.is_empty() { verdict } else { Verdict::Stop };

    let near = match (&policy.reputation, rules.is_empty()) {
        (Some(tuning), true) => nearest(policy, &answer.labels, tuning.near_miss),
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
        image: measured.map(|measured| measured.image),
        object: object(judged),
        hash: measured.map(|measured| measured.hash),
        distance,
        provider: answer.provider.clone(),
        policy: policy.reference.clone(),
        labels,
        answer: answer.kept.clone(),
        unmapped: answer.unmapped,
        content_types: answer.content_types.iter().take(ContentType::INLINE_MAX).cloned().collect(),
        floor: answer.floor,
        near: near.map(|(rule, short)| NearMiss { rule: rule.id.clone(), short }),
        rules: rules.clone(),
        verdict,
        late,
        took: judged.took,
    });
    for (hit, outcome) in hit.iter().zip(&rules) {
        let stops = calls_for(hit.rule, asks.is_some()) == Verdict::Stop;
        match outcome.effect {
            RuleEffect::Raised(warning) => {
                let raised = raise(&mut draft, judged, hit, warning, asks);
                if stops {
                    stops::ask_for_stop(&mut draft, now, judged, hit.rule, warning, raised);
                }
            }
            RuleEffect::Joined(warning) if stops => {
                stops::stop_after_all(&mut draft, now, judged, hit.rule, warning);
            }
            RuleEffect::Joined(_) | RuleEffect::Partial | RuleEffect::Cooldown(_) => {}
        }
    }
    for (rule, warning) in backed {
        stops::stop_after_all(&mut draft, now, judged, rule, warning);
    }
    coverage::covered(&mut draft, policy, &frame.session, frame.captured_at);
    if !replaced {
        let hit = rules.iter().any(|rule| !matches!(rule.effect, RuleEffect::Cooldown(_)));
        let news = if hit { Some(Rousing::Hit) } else { is_near.then_some(Rousing::NearMiss) };
        cadence::follow(&mut draft, policy, frame.captured_at, news);
    }
    draft.decided()
}

/// What was judged of a picture that nobody measured here.
fn object(judged: &Judged<'_>) -> Option<BucketObject> {
    match &judged.frame.origin {
        FrameOrigin::S3(object) if judged.measured.is_none() => Some(object.into()),
        FrameOrigin::S3(_) | FrameOrigin::File(_) | FrameOrigin::Inline(_) => None,
    }
}

/// Keeps as many rules, gravest first, as fit the event together with the labels that they rest on.
fn keep_rules(hit: &mut Vec<RuleHit<'_>>, labels: &[Label]) {
    let (mut rules_bytes, mut labels_bytes) = (0, 0);
    let mut rest_on: Vec<usize> = Vec::new();
    let fits = |hit: &RuleHit<'_>| {
        rules_bytes += RULE_BYTES + hit.rule.id.as_str().len();
        if !rest_on.contains(&hit.label) {
            rest_on.push(hit.label);
            labels_bytes += Answered::bytes_of(&labels[hit.label]);
        }
        rules_bytes <= RULES_BYTES_MAX && labels_bytes <= Answered::LABELS_BYTES_INLINE_MAX
    };
    let kept = hit.iter().map(fits).take(RULES_INLINE_MAX).take_while(|fits| *fits).count();
    hit.truncate(kept);
}

/// The labels an event holds, and where a label of the answer is found among them: the rules' own labels first of
/// all, then the surest.
fn keep_labels(labels: &[Label], hit: &[RuleHit<'_>]) -> (Vec<Label>, impl Fn(usize) -> u8 + use<>) {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(|&at| {
        let decided = hit.iter().any(|hit| hit.label == at);
        (!decided, std::cmp::Reverse(labels[at].confidence()), at)
    });
    order.truncate(Answered::LABELS_INLINE_MAX);
    let mut bytes = 0;
    let fits = |at: &usize| {
        bytes += Answered::bytes_of(&labels[*at]);
        bytes <= Answered::LABELS_BYTES_INLINE_MAX
    };
    let fitting = order.iter().map(fits).take_while(|fits| *fits).count();
    order.truncate(fitting);
    let kept = order.iter().map(|&at| labels[at].clone()).collect();
    // A rule's label is always kept: rules were cut to those whose labels fit.
    (kept, move |label| order.iter().position(|&at| at == label).unwrap_or(0) as u8)
}

fn effect(state: &ChannelState, frame: &Frame, outcome: EventId, hit: &RuleHit<'_>, so_far: u8) -> RuleEffect {
    if so_far < hit.rule.window.hits_needed() {
        return RuleEffect::Partial;
    }
    if let Some(open) = state.open_warning_of(&hit.rule.id, &frame.session) {
        return RuleEffect::Joined(open.id);
    }
    match state.cooldown_of(&hit.rule.id, &frame.session, frame.captured_at) {
        Some(until) => RuleEffect::Cooldown(until),
        None => RuleEffect::Raised(WarningId::of(outcome, &hit.rule.id)),
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
    })
}
