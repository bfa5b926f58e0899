//! A recorded answer judged by the policy on trial: what it raises, what that has to do with what was raised, and what
//! the answer does not say.

use std::sync::Arc;

use super::asking::Deciding;
use super::report::{Decided, Difference, Passed};
use super::tally::Tally;
use super::trial::{Seen, Trial};
use super::unknowable::Unknown;
use crate::events::{EnforcementOrigin, Event, FrameAssessed, RuleEffect, RuleOutcome};
use crate::model::{Confidence, FrameId, Label, Measurement, RuleId, Verdict, WarningId};
use crate::policy::taxonomy::{Sense, Taxonomy};
use crate::policy::{Rule, hits};
use crate::warden::{Command, decide};

/// What of an answer is not known.
pub(super) struct Hidden {
    /// The taxonomy that it is in.
    pub taxonomy: Arc<str>,
    /// What is known of it.
    pub labels: Vec<Label>,
    /// The least confidence that the provider was asked to report.
    pub floor: Option<Confidence>,
    /// Labels are gone that the event does not hold.
    pub gone: bool,
}

impl Trial {
    /// Judges an answer, and applies what follows.
    pub(super) fn judge(
        &mut self,
        seen: &Seen<'_>,
        assessed: &FrameAssessed,
        deciding: Deciding,
        speaks_for: &[(RuleId, WarningId)],
        tally: &mut Tally,
    ) -> Decided {
        let mut frame = self.frame(seen, &assessed.session, assessed.frame);
        frame.fingerprint = assessed.print;
        frame.medium = assessed.medium;
        let command = Command::JudgeFrame {
            frame,
            policy: self.policy.clone(),
            shadow: None, // what is tried beside another is no part of it
            measured: assessed.image.zip(assessed.hash).map(|(image, hash)| Measurement { image, hash, luma: None }),
            segment: assessed.segment.clone(),
            answer: Box::new(deciding.answer),
            beside: deciding.beside,
            took: assessed.took,
        };
        let now = seen.envelope.recorded_at;
        let decision = decide(&self.state, Some(&self.policy), now, &command).unwrap_or_default(); // never refused
        let after_stop = self.goes_on(seen, &assessed.session);
        let policy = self.policy.reference.clone();
        let mut decided = Decided { policy, verdict: None, skipped: None, rules: Vec::new() };
        let mut mine = Vec::new();
        for new in &decision.events {
            if let Event::FrameAssessed(again) = &new.event {
                decided.verdict = Some(again.verdict);
                decided.rules = rests_on(&again.rules);
                mine = self.speaks_for(&again.rules);
            } else if let Event::WarningRaised(raised) = &new.event {
                tally.count(&raised.rule, &mut self.compared, |compared| compared.proposed.warnings += 1);
                self.matches.raise(seen, raised, after_stop);
            } else if let Event::EnforcementRequested(requested) = &new.event
                && let EnforcementOrigin::Rule { rule, .. } = &requested.origin
            {
                tally.count(rule, &mut self.compared, |compared| compared.proposed.stops += 1);
            }
        }
        self.matches.link(&mine, speaks_for);
        self.apply_all(&decision.events, now);
        decided
    }

    /// The warnings that a frame speaks for here, each with its rule.
    pub(super) fn speaks_for(&self, rules: &[RuleOutcome]) -> Vec<(RuleId, WarningId)> {
        let warning = |outcome: &RuleOutcome| match outcome.effect {
            RuleEffect::Raised(warning) | RuleEffect::Joined(warning) => Some(warning),
            RuleEffect::Cooldown(_) => self.matches.quieted_by(&outcome.rule),
            RuleEffect::Partial => None,
        };
        rules.iter().filter_map(|outcome| Some((outcome.rule.clone(), warning(outcome)?))).collect()
    }

    /// Whether some rule may be hit by what is not known of the answer: labels that were not asked for, or are gone.
    pub(super) fn hides_a_hit(
        &self,
        hidden: &Hidden,
        decided: &Decided,
        frame: FrameId,
        seen: &Seen<'_>,
        tally: &mut Tally,
    ) -> bool {
        let Hidden { taxonomy, labels, floor, gone } = hidden;
        let gone = *gone;
        let heard = Taxonomy::named(taxonomy).is_some_and(|it| it.sense() == Sense::Hearing);
        let listening =
            || self.policy.rules.iter().filter(|rule| rule.reads(taxonomy) && self.policy.hears(rule) == heard);
        let floor = floor.filter(|floor| listening().any(|rule| rule.confidence < *floor));
        if !gone && floor.is_none() {
            return false;
        }
        let hit: Vec<&RuleId> = hits(&self.policy, taxonomy, labels).into_iter().map(|hit| &hit.rule.id).collect();
        let silent = |floor: Option<Confidence>| {
            let below = |rule: &&Rule| floor.is_none_or(|floor| rule.confidence < floor);
            listening().filter(below).any(|rule| !hit.contains(&&rule.id) && !decided.rules.contains(&rule.id))
        };
        let below = floor.is_some() && silent(floor);
        let gone = gone && silent(None);
        if below {
            self.unknown(Unknown::BelowFloor, seen, frame, tally);
        }
        if gone {
            self.unknown(Unknown::AnswerGone, seen, frame, tally);
        }
        below || gone
    }

    /// A frame that was assessed would not have been: a difference where its verdict was more than clear.
    pub(super) fn pass(&mut self, seen: &Seen<'_>, assessed: &FrameAssessed, passed: Passed, tally: &mut Tally) {
        if passed != Passed::Similar && assessed.medium.is_picture() {
            self.seen(seen.captured_at);
        }
        if assessed.verdict != Verdict::Clear {
            let policy = self.policy.reference.clone();
            self.differ(
                seen,
                assessed,
                Decided { policy, verdict: None, skipped: Some(passed), rules: Vec::new() },
                tally,
            );
        }
    }

    pub(super) fn differ(&self, seen: &Seen<'_>, assessed: &FrameAssessed, proposed: Decided, tally: &mut Tally) {
        tally.differences.add(seen.envelope.position, || Difference {
            position: seen.envelope.position,
            channel: seen.channel.clone(),
            frame: assessed.frame,
            captured_at: seen.captured_at,
            recorded: Decided {
                policy: assessed.policy.clone(),
                verdict: Some(assessed.verdict),
                skipped: None,
                rules: rests_on(&assessed.rules),
            },
            proposed,
        });
    }
}

fn rests_on(rules: &[RuleOutcome]) -> Vec<RuleId> {
    let met = |outcome: &&RuleOutcome| matches!(outcome.effect, RuleEffect::Raised(_) | RuleEffect::Joined(_));
    rules.iter().filter(met).map(|outcome| outcome.rule.clone()).collect()
}
