//! What a policy makes of an answer, given what is remembered of the frames before: the one definition, for the live
//! policy and for one in shadow. Names no warning and no enforcement; what follows is for whoever asked.

use crate::events::AsksBecause;
use crate::model::{Action, Approval, Label, RuleId, SessionId, Timestamp, Verdict};
use crate::policy::{Policy, Rule, RuleHit, hits};
use crate::warden::Answered;
use crate::warden::memory::Memory;

use super::stops::{self, calls_for};

/// The most rules whose outcome an event holds. A policy has at most 200; more than this hit by one frame means a
/// policy of catch-alls, and the gravest come first.
const RULES_INLINE_MAX: usize = 16;
/// The most bytes that outcomes of rules may take, so that with the labels and the longest names of everything else
/// the event stays below what an event may have. At least five rules fit, however long their names.
const RULES_BYTES_MAX: usize = 1100;
/// Bytes that a rule's outcome takes besides its name: field names, numbers, a warning id.
const RULE_BYTES: usize = 86;

/// The frame whose answer is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub session: &'a SessionId,
    pub captured_at: Timestamp,
    /// Another broadcast has replaced the frame's.
    pub replaced: bool,
    /// A newer frame had been looked at already, or it was replaced.
    pub late: bool,
    /// The taxonomy that the labels are of.
    pub answered: &'a str,
    pub labels: &'a [Label],
    /// What the provider that must agree with a stop makes of it.
    pub second: &'a Second<'a>,
}

/// What the provider that must agree before a rule stops by itself makes of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Second<'a> {
    /// Nobody need agree.
    NotNeeded,
    /// It gave no answer that the policy can read.
    Silent,
    /// Nobody asks it: about a segment one provider alone is asked.
    NotAsked,
    /// It is the one whose answer decides, and cannot agree with itself.
    Decides,
    /// Its labels hit these rules, each by itself and without its window.
    Hits(Vec<&'a RuleId>),
}

impl Second<'_> {
    /// Why a rule that would stop by itself does not, for want of agreement; none if it may.
    fn objects(&self, rule: &Rule) -> Option<AsksBecause> {
        match self {
            _ if !rule.stops_by_itself() => None,
            Self::NotNeeded => None,
            Self::Silent => Some(AsksBecause::NoSecond),
            Self::NotAsked => Some(AsksBecause::SecondNotAsked),
            Self::Decides => Some(AsksBecause::SecondDecided),
            Self::Hits(rules) => (!rules.contains(&&rule.id)).then_some(AsksBecause::SecondDisagrees),
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Judgement<'a> {
    /// Rules that a label hit, gravest first.
    pub rules: Vec<JudgedRule<'a>>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why no stop goes ahead by itself, whatever the rule; none if it may.
    asks: Option<AsksBecause>,
    /// Who must agree besides, rule by rule.
    second: &'a Second<'a>,
    /// Rules that the frame did not hit, whose open warning waits for a person, and whose stop it lets go ahead: with
    /// this frame's enough rules agree.
    pub backed: Vec<&'a Rule>,
}

/// What one rule made of the frame.
#[derive(Debug)]
pub(super) struct JudgedRule<'a> {
    pub hit: RuleHit<'a>,
    /// Hits in its window, this one included.
    pub hits: u8,
    pub effect: Effect,
}

/// What came of a rule that a label hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Not enough hits in the window yet.
    Partial,
    /// There is a new warning.
    Raised,
    /// Its warning is still open, and asks as it is said here.
    Joined(Approval),
    /// Its warning was answered a short time ago; no new one until then.
    Cooldown(Timestamp),
}

impl JudgedRule<'_> {
    pub(super) fn is_met(&self) -> bool {
        match self.effect {
            Effect::Raised | Effect::Joined(_) => true,
            Effect::Partial | Effect::Cooldown(_) => false,
        }
    }
}

impl<'a> Judgement<'a> {
    /// Why the stop of this rule does not go ahead by itself; none if it may. What holds of the frame is said before
    /// what holds of the rule alone.
    pub(super) fn asks(&self, rule: &Rule) -> Option<AsksBecause> {
        self.asks.or_else(|| self.second.objects(rule))
    }

    /// What a rule that is met calls for here.
    pub(super) fn calls_for(&self, rule: &Rule) -> Verdict {
        calls_for(rule, self.asks(rule).is_some())
    }

    /// The gravest thing that is called for; none where nothing is.
    pub(super) fn gravest(&self) -> Option<Action> {
        let met = self.rules.iter().filter(|rule| rule.is_met()).map(|rule| match self.calls_for(rule.hit.rule) {
            Verdict::Stop => rule.hit.rule.action,
            Verdict::Warn | Verdict::Clear => Action::Warn,
        });
        met.chain(self.backed.iter().map(|rule| rule.action)).max()
    }

    /// The rules whose warning, raised before, waits for a person, and whose stop goes ahead now.
    pub(super) fn released(&self) -> impl Iterator<Item = &'a Rule> {
        let again = self.rules.iter().filter(|rule| {
            rule.effect == Effect::Joined(Approval::Person) && self.calls_for(rule.hit.rule) == Verdict::Stop
        });
        again.map(|rule| rule.hit.rule).chain(self.backed.iter().copied())
    }
}

/// Judges an answer, all labels of it, under a policy that reads its taxonomy.
pub(super) fn judge<'a>(memory: Memory<'_>, policy: &'a Policy, shown: Shown<'a>) -> Judgement<'a> {
    let Shown { session, captured_at, replaced, late, answered, labels, second } = shown;
    let mut hit = hits(policy, answered, labels);
    keep_rules(&mut hit, labels);

    let judged = |hit: RuleHit<'a>| {
        // Hits of another broadcast, which has replaced this one, are none of this one's.
        let hits = match replaced {
            true => 1,
            false => memory.hits(&hit.rule.id, hit.rule.rev, hit.rule.window, captured_at, true),
        };
        let effect = effect(memory, &hit, hits, session, captured_at);
        JudgedRule { hit, hits, effect }
    };
    let rules: Vec<JudgedRule<'a>> = hit.into_iter().map(judged).collect();
    let met: Vec<&RuleId> = rules.iter().filter(|rule| rule.is_met()).map(|rule| &rule.hit.rule.id).collect();
    let agreeing = stops::rules_met(memory, policy, captured_at, replaced, &met);
    let asks = stops::why_asks(policy, session, late, agreeing);
    let backed = match (asks, second) {
        (None, Second::NotNeeded) => stops::backed(memory, policy, session, captured_at, &met),
        // Who must agree was asked about this frame, in which nothing of theirs is seen; or could not agree at all.
        (None, Second::Silent | Second::NotAsked | Second::Decides | Second::Hits(_)) | (Some(_), _) => Vec::new(),
    };
    let mut judgement = Judgement { rules, verdict: Verdict::Clear, asks, second, backed };
    let met = judgement.rules.iter().filter(|rule| rule.is_met());
    let gravest = met.map(|rule| judgement.calls_for(rule.hit.rule)).max().unwrap_or(Verdict::Clear);
    judgement.verdict = if judgement.backed.is_empty() { gravest } else { Verdict::Stop };
    judgement
}

fn effect(memory: Memory<'_>, hit: &RuleHit<'_>, so_far: u8, session: &SessionId, captured_at: Timestamp) -> Effect {
    if so_far < hit.rule.window.hits_needed() {
        return Effect::Partial;
    }
    if let Some(approval) = memory.open_of(&hit.rule.id, session) {
        return Effect::Joined(approval);
    }
    match memory.cooldown_of(&hit.rule.id, session, captured_at) {
        Some(until) => Effect::Cooldown(until),
        None => Effect::Raised,
    }
}

/// Puts rules in order, the gravest first, and keeps as many as fit an event together with the labels that they rest on.
pub(super) fn keep_rules(hit: &mut Vec<RuleHit<'_>>, labels: &[Label]) {
    hit.sort_by_key(|hit| std::cmp::Reverse((hit.rule.severity, hit.rule.action)));
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
