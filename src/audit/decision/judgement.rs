//! What the provider said and the policy made of it: every label, every rule, and what would have changed the verdict.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{FrameAssessed, NearMiss, RuleEffect, RuleOutcome};
use crate::model::{
    Action, Approval, Confidence, ContentType, Label, LabelPath, ProviderRef, RuleId, Timestamp, Verdict,
};
use crate::policy::explain::{Change, Reached, RuleExplanation, WindowProgress, explain};
use crate::policy::mapping::Mapping;
use crate::policy::{AutomaticStops, Category, Policy, Rule};
use crate::warden::{ChannelState, calls_for, why_asks};

use super::{Sources, plain};

/// What the provider said and the policy made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Judgement {
    /// Who judged, with the version of the model and the taxonomy of the labels.
    pub provider: ProviderRef,
    /// The verdict.
    pub verdict: Verdict,
    /// The rules that it comes from: each must come out otherwise for the verdict to be another.
    pub decided_by: Vec<RuleId>,
    /// Whether the frame came late: then it may warn, never stop.
    pub late: bool,
    /// Every label of the answer.
    pub labels: Vec<LabelView>,
    /// Where the labels shown come from.
    pub labels_from: LabelsFrom,
    /// Labels that the provider's taxonomy does not know.
    pub unmapped: u8,
    /// The rule that a label came near without hitting any, where the channel's past has a say in its cadence: it is
    /// watched more closely for a while.
    pub near: Option<NearMiss>,
    /// What kind of picture the provider took it for, surest first; empty if it did not say.
    pub content_types: Vec<ContentTypeView>,
    /// Every rule of the policy version, in its order; empty if its text is gone.
    pub rules: Vec<RuleView>,
    /// What of the answer cannot be shown, and why.
    pub missing: Option<String>,
}

/// A label of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LabelView {
    /// The category.
    pub path: LabelPath,
    /// How sure the provider is, in percent.
    pub confidence: Confidence,
    /// What it stands for in the policy's words, where it came in others: nothing if it has no counterpart there; none
    /// where it came in the policy's own.
    pub counts_as: Option<Vec<LabelPath>>,
}

/// A kind of picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ContentTypeView {
    /// Its name, as the provider has it.
    pub name: String,
    /// How sure the provider is, in percent.
    pub confidence: Confidence,
}

/// Where labels come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelsFrom {
    /// The event holds all of them.
    Event,
    /// The whole answer, kept beside the journal because it is long.
    KeptAnswer,
    /// The answer is long and can no longer be read: the event's, which are those the rules rest on and the surest.
    SurestOnly,
}

/// What one rule made of the frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleView {
    /// The rule.
    pub rule: RuleId,
    /// The taxonomy of its categories, where it has one of its own: then it reads answers in that one only.
    pub taxonomy: Option<String>,
    /// The categories it watches, as the policy names them.
    pub categories: Vec<String>,
    /// The confidence it asks for, in percent.
    pub threshold: Confidence,
    /// How often it asks for a hit, as the policy says it: `2 of 3`, `3 within 2m`.
    pub window: String,
    /// Hits that fill the window.
    pub hits_needed: u8,
    /// Hits in the window, this frame's included; none if the state before it is not known.
    pub hits: Option<u8>,
    /// What it asks for when it is met.
    pub action: Action,
    /// Who must agree.
    pub approval: Approval,
    /// How grave it is, 1 (least) to 5.
    pub severity: u8,
    /// The label of its categories with the largest margin; none if no label lies in them.
    pub best: Option<BestLabel>,
    /// How far it came.
    pub reached: ReachedView,
    /// What came of it; none if no label hit it.
    pub effect: Option<RuleEffect>,
    /// What would have let it come out otherwise, smallest change first.
    pub otherwise: Vec<Alternative>,
    /// All of it in a sentence.
    pub text: String,
}

/// The label that came nearest to a threshold, or went farthest above it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BestLabel {
    /// The label.
    pub path: LabelPath,
    /// Its confidence, in percent.
    pub confidence: Confidence,
    /// Its confidence over the threshold, in thousandths of a percent; negative below it.
    pub margin: i32,
    /// What it counts as in the rule's words, where it came in others.
    pub counts_as: Option<LabelPath>,
}

/// How far a rule came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Reached")]
pub enum ReachedView {
    /// No label hit it.
    Missed,
    /// A label hit it; its window is not full.
    Partial,
    /// A label hit it and its window is full.
    Met,
    /// A label hit it; how full its window is, is not known.
    Hit,
}

/// Another course that one rule could have taken with this frame, everything else as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Alternative {
    /// What it takes, all of it together, in the order of size.
    pub with: Vec<String>,
    /// The frame's verdict then.
    pub verdict: Verdict,
    /// Whether that is another one than was given.
    pub changes_verdict: bool,
}

/// An assessment and the frame's own time.
pub(super) struct Judged<'a> {
    pub assessed: &'a FrameAssessed,
    pub captured_at: Timestamp,
    /// Where a second provider must agree with a stop, the rules that its labels hit.
    pub agreed: Option<Vec<RuleId>>,
}

/// Explains an assessment under its policy version, against the state just before it.
pub(super) fn of(
    sources: Sources<'_>,
    judged: &Judged<'_>,
    policy: Option<&Policy>,
    before: Option<&ChannelState>,
) -> Judgement {
    let assessed = judged.assessed;
    let (labels, labels_from, missing) = labels(sources, assessed);
    let rules = policy.map_or(Vec::new(), |policy| {
        let progress = progress(judged, policy, before);
        let explained = explain(policy, &assessed.provider, &labels, &progress);
        let pairs = policy.rules.iter().zip(explained);
        pairs.map(|(rule, explained)| view(judged, before, policy, rule, explained)).collect()
    });
    let decided_by = policy.map_or(Vec::new(), |policy| {
        let agreeing = agreeing(judged, policy, before).len();
        let of = |verdict: Verdict| -> Vec<RuleId> {
            let decides = |outcome: &&RuleOutcome| contribution(judged, policy, outcome, agreeing) == verdict;
            assessed.rules.iter().filter(decides).map(|outcome| outcome.rule.clone()).collect()
        };
        match (assessed.verdict, of(assessed.verdict)) {
            (Verdict::Clear, _) => Vec::new(),
            // The frame's own rules only warn: they let the stop of one met before them go ahead.
            (Verdict::Stop, none) if none.is_empty() => of(Verdict::Warn),
            (Verdict::Stop | Verdict::Warn, decided) => decided,
        }
    });
    let kind = |kind: &ContentType| ContentTypeView { name: kind.name().to_owned(), confidence: kind.confidence() };
    let mapping = policy.and_then(|policy| Mapping::between(&assessed.provider.taxonomy, &policy.taxonomy));
    let shown = |label: &Label| LabelView {
        path: label.path().clone(),
        confidence: label.confidence(),
        counts_as: mapping.map(|mapping| mapping.read(label.path()).to_vec()),
    };
    Judgement {
        provider: assessed.provider.clone(),
        verdict: assessed.verdict,
        decided_by,
        late: assessed.late,
        labels: labels.iter().map(shown).collect(),
        labels_from,
        unmapped: assessed.unmapped,
        near: assessed.near.clone(),
        content_types: assessed.content_types.iter().map(kind).collect(),
        rules,
        missing,
    }
}

fn labels(sources: Sources<'_>, assessed: &FrameAssessed) -> (Vec<Label>, LabelsFrom, Option<String>) {
    let Some(whole) = &assessed.answer else { return (assessed.labels.clone(), LabelsFrom::Event, None) };
    let read = plain(sources.content, whole).and_then(|bytes| {
        serde_json::from_slice::<Vec<Label>>(&bytes).map_err(|_| "it is no longer understood".to_owned())
    });
    match read {
        Ok(labels) => (labels, LabelsFrom::KeptAnswer, None),
        Err(reason) => {
            let missing = format!("the whole answer of the provider: {reason}; the surest labels are shown");
            (assessed.labels.clone(), LabelsFrom::SurestOnly, Some(missing))
        }
    }
}

/// How full each rule's window is: as recorded for the rules that were hit, from the state for the others.
fn progress(judged: &Judged<'_>, policy: &Policy, before: Option<&ChannelState>) -> Vec<WindowProgress> {
    let assessed = judged.assessed;
    let hits_of = |rule: &Rule| match assessed.rules.iter().find(|outcome| outcome.rule == rule.id) {
        Some(outcome) => Some(outcome.hits),
        None => before
            .filter(|state| !state.is_replaced(&assessed.session))
            .map(|state| state.hits(&rule.id, rule.rev, rule.window, judged.captured_at, false)),
    };
    let known = policy.rules.iter().filter_map(|rule| Some((rule, hits_of(rule)?)));
    let agreeing = agreeing(judged, policy, before);
    known
        .map(|(rule, hits)| WindowProgress { rule: rule.id.clone(), hits, agrees: agreeing.contains(&rule.id) })
        .collect()
}

/// The rules that speak for a stop: those that the frame met, and those met within the policy's time before it.
fn agreeing(judged: &Judged<'_>, policy: &Policy, before: Option<&ChannelState>) -> BTreeSet<RuleId> {
    let assessed = judged.assessed;
    let met = |rule: &&RuleOutcome| matches!(rule.effect, RuleEffect::Raised(_) | RuleEffect::Joined(_));
    let mut agreeing = met_before(judged, policy, before);
    agreeing.extend(assessed.rules.iter().filter(met).map(|rule| rule.rule.clone()));
    agreeing
}

fn met_before(judged: &Judged<'_>, policy: &Policy, before: Option<&ChannelState>) -> BTreeSet<RuleId> {
    match (policy.automatic_stops, before) {
        (AutomaticStops::SeveralRules { within_ms, .. }, Some(state))
            if !state.is_replaced(&judged.assessed.session) =>
        {
            state.met_within(policy, within_ms, judged.captured_at).map(|rule| rule.id.clone()).collect()
        }
        _ => BTreeSet::new(), // nothing looks back, or it is not known what to
    }
}

fn view(
    judged: &Judged<'_>,
    before: Option<&ChannelState>,
    policy: &Policy,
    rule: &Rule,
    explained: RuleExplanation,
) -> RuleView {
    let assessed = judged.assessed;
    let outcome = assessed.rules.iter().find(|outcome| outcome.rule == rule.id);
    let then = |met: bool| {
        let mut agreeing = agreeing(judged, policy, before);
        if met {
            agreeing.insert(rule.id.clone());
        } else if !met_before(judged, policy, before).contains(&rule.id) {
            agreeing.remove(&rule.id);
        }
        let agreeing = agreeing.len();
        let others = assessed.rules.iter().filter(|outcome| outcome.rule != rule.id);
        let others = others.map(|outcome| contribution(judged, policy, outcome, agreeing));
        let others = others.max().unwrap_or(Verdict::Clear);
        let quiet = before.is_some_and(|state| {
            state.open_warning_of(&rule.id, &assessed.session).is_none()
                && state.cooldown_of(&rule.id, &assessed.session, judged.captured_at).is_some()
        });
        if met && !quiet { others.max(calls_for(rule, only_asks(judged, policy, rule, agreeing))) } else { others }
    };
    let alternative = |with: &[Change], met: bool| {
        let verdict = then(met);
        let with = with.iter().map(ToString::to_string).collect();
        Alternative { with, verdict, changes_verdict: verdict != assessed.verdict }
    };
    let otherwise = match explained.reached {
        // A miss needs its own hit and what the window lacks besides.
        Reached::Missed => vec![alternative(&explained.would_change, true)],
        Reached::Partial | Reached::Met | Reached::Hit => {
            let each = explained.would_change.iter();
            each.map(|change| alternative(std::slice::from_ref(change), matches!(change, Change::MoreHits { .. })))
                .collect()
        }
    };
    let text = explained.to_string();
    RuleView {
        rule: rule.id.clone(),
        taxonomy: rule.taxonomy.as_deref().map(str::to_owned),
        categories: rule.categories.iter().map(Category::as_str).map(str::to_owned).collect(),
        threshold: rule.confidence,
        window: rule.window.to_string(),
        hits_needed: rule.window.hits_needed(),
        hits: explained.hits,
        action: rule.action,
        approval: rule.approval,
        severity: rule.severity,
        best: explained.best.map(|best| BestLabel {
            path: best.label.path().clone(),
            confidence: best.label.confidence(),
            margin: best.margin,
            counts_as: best.counts_as.map(|counts_as| counts_as.path),
        }),
        reached: match explained.reached {
            Reached::Missed => ReachedView::Missed,
            Reached::Partial => ReachedView::Partial,
            Reached::Met => ReachedView::Met,
            Reached::Hit => ReachedView::Hit,
        },
        effect: outcome.map(|outcome| outcome.effect.clone()),
        otherwise,
        text,
    }
}

/// What one rule's outcome brought into the verdict.
fn contribution(judged: &Judged<'_>, policy: &Policy, outcome: &RuleOutcome, agreeing: usize) -> Verdict {
    let rule = policy.rules.iter().find(|rule| rule.id == outcome.rule);
    match (&outcome.effect, rule) {
        (RuleEffect::Raised(_) | RuleEffect::Joined(_), Some(rule)) => {
            calls_for(rule, only_asks(judged, policy, rule, agreeing))
        }
        (RuleEffect::Raised(_) | RuleEffect::Joined(_), None) => judged.assessed.verdict,
        (RuleEffect::Partial | RuleEffect::Cooldown(_), _) => Verdict::Clear,
    }
}

/// Whether the rule could warn, never stop by itself, if so many different rules spoke for a stop.
fn only_asks(judged: &Judged<'_>, policy: &Policy, rule: &Rule, agreeing: usize) -> bool {
    let Judged { assessed, agreed, .. } = judged;
    let lacks_second = agreed.as_ref().is_some_and(|agreed| !agreed.contains(&rule.id));
    lacks_second || why_asks(policy, &assessed.session, assessed.late, agreeing).is_some()
}
