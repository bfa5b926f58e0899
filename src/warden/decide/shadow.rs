//! What a policy in shadow makes of the answer that the live one was given. It says so and does nothing: what is returned
//! here has no way to hold a warning or an enforcement.

use crate::events::{ShadowEffect, ShadowFound, ShadowLook, ShadowRule, ShadowVerdict};
use crate::model::{Approval, Frame, Label, RuleId};
use crate::policy::Policy;
use crate::warden::{ChannelState, shadow};

use super::answer::Judged;
use super::judgement::{self, Effect, Judgement, Shown};
use super::opinions;

/// Rules named as released, at most; so many more than a few agree in no real policy, and the event is bounded.
const RELEASED_MAX: usize = 8;

/// Its look at the answer, and its verdict where rules were hit. Nobody is asked on its account: the provider that it
/// wants to agree with a stop has said something if the live policy asked it.
pub(super) fn judge(
    state: &ChannelState,
    policy: &Policy,
    live: &Judged<'_>,
    shown: Shown<'_>,
) -> (ShadowLook, Option<ShadowVerdict>) {
    let Judged { frame, answer, beside, .. } = live;
    let look = |found| ShadowLook { policy: policy.reference.clone(), found };
    if !policy.reads(&answer.provider.taxonomy) {
        return (look(ShadowFound::OtherTaxonomy), None);
    }
    let second = opinions::second(policy, frame.medium, &answer.provider.name, &beside.opinions);
    let shown = Shown { second: &second, ..shown };
    let judged = judgement::judge(shadow::memory(state, &policy.reference), policy, shown);
    if judged.rules.is_empty() {
        return (look(ShadowFound::NoHit), None);
    }
    (look(ShadowFound::Hit), Some(verdict(policy, frame, shown.labels, &judged)))
}

fn verdict(policy: &Policy, frame: &Frame, answered: &[Label], judged: &Judgement<'_>) -> ShadowVerdict {
    // Those that rules rest on, each once, in the order of the rules.
    let mut rests_on: Vec<usize> = Vec::new();
    let mut rules = Vec::with_capacity(judged.rules.len());
    for rule in &judged.rules {
        let by = rests_on.iter().position(|label| *label == rule.hit.label).unwrap_or_else(|| {
            rests_on.push(rule.hit.label);
            rests_on.len() - 1
        });
        let asks = if judged.asks(rule.hit.rule).is_some() { Approval::Person } else { rule.hit.rule.approval };
        rules.push(ShadowRule {
            rule: rule.hit.rule.id.clone(),
            rev: rule.hit.rule.rev,
            by: by as u8, // no more labels than rules, which are bounded far below 256
            margin: rule.hit.margin,
            hits: rule.hits,
            effect: match rule.effect {
                Effect::Partial => ShadowEffect::Partial,
                Effect::Raised => ShadowEffect::Raised { approval: asks, cooldown_ms: rule.hit.rule.cooldown_ms },
                Effect::Joined(_) => ShadowEffect::Joined,
                Effect::Cooldown(until) => ShadowEffect::Cooldown(until),
            },
        });
    }
    let released: Vec<RuleId> = judged.released().map(|rule| rule.id.clone()).take(RELEASED_MAX).collect();
    ShadowVerdict {
        frame: frame.id,
        policy: policy.reference.clone(),
        session: frame.session.clone(),
        verdict: judged.verdict,
        would: judged.gravest(),
        labels: rests_on.into_iter().map(|label| answered[label].clone()).collect(),
        rules,
        released,
    }
}
