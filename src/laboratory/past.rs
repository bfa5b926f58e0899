//! What was recorded of one channel: the broadcast on the air, the warnings and what moderators answered to them, and
//! what a frame was compared with. Folded once, however many proposals are tried on it. Decides nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::report::AnswerKind;
use super::stops::Stops;
use super::tally::Recording;
use crate::events::{FrameAssessed, RuleEffect, SessionEnded};
use crate::model::{FrameId, Label, Medium, Position, RuleId, Sequence, SessionId, Similarity, Timestamp, WarningId};

/// Captured-at times remembered of the newest frames: so many may have come while one was with its provider.
const SEEN_MAX: usize = 64;
/// Warnings of one channel that are held against moderators' answers; beyond it they are neither matched nor counted.
pub const WARNINGS_MAX: usize = 20_000;

/// One channel as recorded.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Of which media there is any outcome.
    pub media: BTreeSet<Medium>,
    /// The broadcast on the air.
    pub session: Option<SessionId>,
    /// The last assessed frame.
    pub reference: Option<(Sequence, FrameId)>,
    /// Rule warnings that were raised, by id.
    pub warnings: BTreeMap<WarningId, Warned>,
    /// Stops that were asked for.
    pub stops: Stops,
    /// Warnings of the broadcast on the air that nobody has answered.
    open: Vec<WarningId>,
    /// The warning whose answer last began a rule's cooldown.
    answered: BTreeMap<RuleId, WarningId>,
    /// Since when each rule has been hit without a break, by captured-at, and whether by what is heard.
    hit_since: BTreeMap<RuleId, (Timestamp, bool)>,
    reference_at: Option<Timestamp>,
    seen: VecDeque<Timestamp>,
    looked_at: Option<Timestamp>,
}

/// A warning that was raised.
#[derive(Debug)]
pub(super) struct Warned {
    pub rule: RuleId,
    pub session: SessionId,
    pub position: Position,
    pub frame: FrameId,
    pub label: Option<Label>,
    /// Captured-at of the frame that raised it.
    pub raised_at: Timestamp,
    /// Captured-at of the first assessed frame from which on the rule was hit without a break.
    pub onset: Timestamp,
    /// The answer that counts: the last that was not taken back.
    pub answer: AnswerKind,
    /// Proposals of which something about it cannot be known, a bit each.
    pub clouded: u64,
    /// Proposals that judged a frame of it again, a bit each.
    pub weighed: u64,
}

impl Past {
    pub fn start(&mut self, session: &SessionId) {
        self.session = Some(session.clone());
        self.reference = None;
        self.reference_at = None;
        self.seen.clear();
        self.looked_at = None;
        self.open.clear();
        self.hit_since.clear();
    }

    pub fn end(&mut self, ended: &SessionEnded) {
        if self.session.as_ref() == Some(&ended.session) {
            self.session = None;
        }
    }

    /// A frame has its outcome.
    pub fn see(&mut self, captured_at: Timestamp) {
        if self.seen.len() == SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back(captured_at);
    }

    /// Captured-at of the newest frame before one captured then: what a frame that was under way while newer ones came
    /// had before it.
    pub fn seen_before(&self, captured_at: Timestamp) -> Option<Timestamp> {
        self.seen.iter().copied().filter(|seen| *seen < captured_at).max()
    }

    /// A frame was looked at: assessed, or found similar.
    pub fn look(&mut self, captured_at: Timestamp, recording: &mut Recording) {
        if let Some(before) = self.looked_at.filter(|before| *before < captured_at) {
            let ms = captured_at.ms_since(before);
            recording.spacing.add(i64::try_from(ms).unwrap_or(i64::MAX));
            recording.watched_ms = recording.watched_ms.saturating_add(ms);
        }
        self.looked_at = self.looked_at.max(Some(captured_at));
    }

    /// A frame was assessed. The warnings that it speaks for, each with its rule: those it raised or joined, and those
    /// whose answer keeps the rule quiet.
    pub fn assess(
        &mut self,
        position: Position,
        sequence: Sequence,
        captured_at: Timestamp,
        assessed: &FrameAssessed,
    ) -> Vec<(RuleId, WarningId)> {
        let mut speaks_for = Vec::with_capacity(assessed.rules.len());
        let heard = assessed.medium == Medium::Sound;
        let still_hit = |rule: &RuleId| assessed.rules.iter().any(|outcome| outcome.rule == *rule);
        // What is heard says nothing of what is seen, nor the other way round.
        self.hit_since.retain(|rule, (_, of_sound)| *of_sound != heard || still_hit(rule));
        for outcome in &assessed.rules {
            let (onset, _) = *self.hit_since.entry(outcome.rule.clone()).or_insert((captured_at, heard));
            let warning = match outcome.effect {
                RuleEffect::Raised(warning) => {
                    let warned = Warned {
                        rule: outcome.rule.clone(),
                        session: assessed.session.clone(),
                        position,
                        frame: assessed.frame,
                        label: assessed.labels.get(usize::from(outcome.by)).cloned(),
                        raised_at: captured_at,
                        onset,
                        answer: AnswerKind::Unanswered,
                        clouded: 0,
                        weighed: 0,
                    };
                    if self.warnings.len() < WARNINGS_MAX {
                        self.warnings.insert(warning, warned);
                        self.open.push(warning);
                    }
                    Some(warning)
                }
                RuleEffect::Joined(warning) => Some(warning),
                RuleEffect::Cooldown(_) => self.answered.get(&outcome.rule).copied(),
                RuleEffect::Partial => None,
            };
            speaks_for.extend(warning.map(|warning| (outcome.rule.clone(), warning)));
        }
        if assessed.medium.is_picture() && self.reference_at.is_none_or(|newest| newest <= captured_at) {
            self.reference = Some((sequence, assessed.frame));
            self.reference_at = Some(captured_at);
        }
        speaks_for
    }

    pub fn answer(&mut self, warning: WarningId, answer: AnswerKind) {
        let Some(warned) = self.warnings.get_mut(&warning) else { return };
        warned.answer = answer;
        if answer == AnswerKind::Unanswered {
            self.open.push(warning);
        } else {
            self.open.retain(|open| *open != warning);
            self.answered.insert(warned.rule.clone(), warning);
        }
    }

    /// What was measured against the reference on record, if the frame was compared with that one.
    pub fn measured(&self, distance: Option<(Similarity, Sequence)>) -> Option<Similarity> {
        let (similarity, to) = distance?;
        self.reference.filter(|(sequence, _)| *sequence == to).map(|_| similarity)
    }

    /// Of these proposals nothing certain can be said any more about the warnings that nobody has answered yet.
    pub fn cloud(&mut self, proposals: u64) {
        for warning in &self.open {
            if let Some(warned) = self.warnings.get_mut(warning) {
                warned.clouded |= proposals;
            }
        }
    }

    /// These proposals judged a frame that speaks for the warnings.
    pub fn weigh(&mut self, speaks_for: &[(RuleId, WarningId)], proposals: u64) {
        for (_, warning) in speaks_for {
            if let Some(warned) = self.warnings.get_mut(warning) {
                warned.weighed |= proposals;
            }
        }
    }
}
