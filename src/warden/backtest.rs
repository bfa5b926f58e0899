//! A backtest: what a policy would have said to the answers that providers gave, beside what was said.
//!
//! Every recorded assessment of a channel that the policy would watch is judged again, by the same [`decide()`]
//! that judges live, against a state folded from what it would have decided before. It is a comparison and not a rerun:
//!
//! - The frames are those that were assessed. A policy with another cadence or similarity would have looked at others.
//! - Moderators' answers are not among what is replayed: a warning that would have been raised stays open for its
//!   session, and no cooldown follows. So where people answered, fewer warnings are counted here than were recorded.
//! - A broadcast that would have been stopped goes on, because its frames were recorded.
//! - It begins with empty windows: what the hits before the stretch would have added is not known.
//!
//! Nothing here reads the journal: recorded events come in as data, and so do answers too long for their events.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{EnforcementOrigin, Envelope, Event, EventType, FrameAssessed, NewEvent, RuleEffect, RuleOutcome};
use crate::model::{
    ChannelId, Frame, FrameId, FrameOrigin, Label, Measurement, PolicyId, PolicyRef, Position, RuleId, Timestamp,
    Verdict,
};
use crate::policy::{Policy, PolicySet};

use super::{Answered, Applied, ChannelState, Command, apply, decide};

/// Channels that are judged again; about 2 KB each. What comes of others is not known and is counted.
pub const CHANNELS_MAX: usize = 10_000;
/// Channels that the report names, those with the largest difference first.
pub const CHANNELS_NAMED_MAX: usize = 200;
/// Differing decisions that the report shows, the first ones.
pub const DIFFERENCES_MAX: usize = 50;
/// Warnings and stops of one channel that stay open in a trial: more than a policy has rules.
const OPEN_MAX: usize = 512;

/// A policy tried on the past.
pub struct Backtest {
    set: PolicySet,
    tried: BTreeSet<PolicyId>,
    /// None: the channel would be watched by another policy, or by none.
    trials: BTreeMap<ChannelId, Option<Box<Trial>>>,
    judged_again: usize,
    report: Report,
    by_rule: BTreeMap<RuleId, Compared>,
}

/// One channel as it would have been.
struct Trial {
    policy: Arc<Policy>,
    state: ChannelState,
    judged: u64,
    compared: Compared,
}

/// What came of a backtest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Assessments judged again.
    pub judged: u64,
    /// Of those, the ones with another verdict than was recorded.
    pub differing: u64,
    /// Assessments whose labels are of another taxonomy than the policy's: it would have failed them.
    pub unjudged: u64,
    /// Assessments whose whole answer was not at hand: judged on the surest labels, which the event holds.
    pub on_surest_labels: u64,
    /// Channels that the policy would watch and that had a frame assessed.
    pub channels: u64,
    /// Assessments of channels beyond the most that one backtest judges again.
    pub left_out: u64,
    /// All rules and channels together.
    pub total: Compared,
    /// By rule. A rule that is only in what was recorded would be gone.
    pub rules: Vec<ComparedRule>,
    /// By channel, those with the largest difference first; not all of them, if they are many.
    pub by_channel: Vec<ComparedChannel>,
    /// The first decisions with another verdict.
    pub differences: Vec<Difference>,
}

/// What was recorded in the stretch, and what would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// What was recorded.
    pub recorded: Raised,
    /// What would have been.
    pub proposed: Raised,
}

/// Warnings and stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Raised {
    /// Warnings raised.
    pub warnings: u64,
    /// Stops and suspensions asked for without a person.
    pub stops: u64,
}

/// One rule, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedRule {
    /// The rule.
    pub rule: RuleId,
    /// What was recorded of it, and what would have been.
    #[serde(flatten)]
    pub compared: Compared,
}

/// One channel, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedChannel {
    /// The channel.
    pub channel: ChannelId,
    /// What was recorded of it, and what would have been.
    #[serde(flatten)]
    pub compared: Compared,
}

/// A decision that would have been another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Where it is recorded.
    pub position: Position,
    /// The channel.
    pub channel: ChannelId,
    /// The frame.
    pub frame: FrameId,
    /// Its own time.
    pub captured_at: Timestamp,
    /// What was decided.
    pub recorded: Decided,
    /// What would have been.
    pub proposed: Decided,
}

/// One decision about one frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decided {
    /// The policy version that judged.
    pub policy: PolicyRef,
    /// The verdict; none where it could not judge the answer.
    pub verdict: Option<Verdict>,
    /// The rules that the verdict rests on: met, with a warning raised or open.
    pub rules: Vec<RuleId>,
}

impl Backtest {
    /// Tries the policies named on the channels that they would watch if `set` were in force.
    pub fn new(set: PolicySet, tried: impl IntoIterator<Item = PolicyId>) -> Self {
        Self {
            set,
            tried: tried.into_iter().collect(),
            trials: BTreeMap::new(),
            judged_again: 0,
            report: Report::default(),
            by_rule: BTreeMap::new(),
        }
    }

    /// Whether an event has a part in it: known before its payload is decoded.
    pub fn needs(&mut self, envelope: &Envelope) -> bool {
        const NEEDED: [EventType; 6] = [
            EventType::SessionStarted,
            EventType::SessionEnded,
            EventType::FrameSkipped,
            EventType::FrameAssessed,
            EventType::WarningRaised,
            EventType::EnforcementRequested,
        ];
        let Some(channel) = envelope.scope.channel() else { return false };
        NEEDED.iter().any(|needed| needed.name() == envelope.event_type) && self.watches(channel)
    }

    /// Takes one recorded event in, in order. `whole` is the answer of an assessment whose event holds only the surest
    /// labels, if it is at hand.
    pub fn see(&mut self, envelope: &Envelope, event: &Event, whole: Option<Vec<Label>>) {
        let Some(channel) = envelope.scope.channel() else { return };
        if !self.watches(channel) {
            return;
        }
        let assessment = if let Event::FrameAssessed(assessed) = event { Some(assessed) } else { None };
        let Some(trial) = self.trial(channel) else {
            self.report.left_out += u64::from(assessment.is_some());
            return;
        };
        if let Some(assessed) = assessment {
            let again = trial.judge(channel, envelope, assessed, whole.as_deref());
            self.compare(channel, envelope, assessed, &again, whole.is_none() && assessed.answer.is_some());
        } else if let Event::WarningRaised(raised) = event {
            if raised.unavailable.is_some() {
                return; // no rule raised it, and no answer that could be judged again
            }
            self.count(channel, &raised.rule, |compared| compared.recorded.warnings += 1);
        } else if let Event::EnforcementRequested(requested) = event {
            if let EnforcementOrigin::Rule { rule, .. } = &requested.origin {
                self.count(channel, rule, |compared| compared.recorded.stops += 1);
            }
        } else {
            trial.follow(Applied { sequence: trial.state.sequence.next(), ..applied(envelope) }, event);
        }
    }

    /// What came of it.
    pub fn report(self) -> Report {
        let mut report = self.report;
        report.rules = self.by_rule.into_iter().map(|(rule, compared)| ComparedRule { rule, compared }).collect();
        let judged = self.trials.into_iter().filter_map(|(channel, trial)| Some((channel, trial?)));
        let judged = judged.filter(|(_, trial)| trial.judged > 0);
        let mut channels: Vec<ComparedChannel> =
            judged.map(|(channel, trial)| ComparedChannel { channel, compared: trial.compared }).collect();
        report.channels = channels.len() as u64;
        channels.sort_by(|a, b| {
            Reverse(a.compared.distance()).cmp(&Reverse(b.compared.distance())).then_with(|| a.channel.cmp(&b.channel))
        });
        channels.truncate(CHANNELS_NAMED_MAX);
        report.by_channel = channels;
        report
    }

    /// Whether one of the policies on trial would watch the channel.
    fn watches(&mut self, channel: &ChannelId) -> bool {
        if let Some(known) = self.trials.get(channel) {
            return known.is_some();
        }
        let winner = self.set.for_channel(channel).filter(|policy| self.tried.contains(&policy.reference.id));
        if winner.is_none() {
            self.trials.insert(channel.clone(), None);
        }
        winner.is_some()
    }

    /// The channel's trial, begun if there is room for one more.
    fn trial(&mut self, channel: &ChannelId) -> Option<&mut Trial> {
        if !self.trials.contains_key(channel) {
            if self.judged_again >= CHANNELS_MAX {
                return None;
            }
            self.judged_again += 1;
            let policy = self.set.for_channel(channel)?.clone();
            let state = ChannelState::new(channel.clone());
            let trial = Trial { policy, state, judged: 0, compared: Compared::default() };
            self.trials.insert(channel.clone(), Some(Box::new(trial)));
        }
        self.trials.get_mut(channel)?.as_deref_mut()
    }

    fn compare(
        &mut self,
        channel: &ChannelId,
        envelope: &Envelope,
        assessed: &FrameAssessed,
        again: &Again,
        cut: bool,
    ) {
        self.report.judged += 1;
        self.report.on_surest_labels += u64::from(cut);
        self.report.unjudged += u64::from(again.decided.verdict.is_none());
        for rule in &again.warned {
            self.count(channel, rule, |compared| compared.proposed.warnings += 1);
        }
        for rule in &again.stopped {
            self.count(channel, rule, |compared| compared.proposed.stops += 1);
        }
        if again.decided.verdict == Some(assessed.verdict) {
            return;
        }
        self.report.differing += 1;
        if self.report.differences.len() < DIFFERENCES_MAX {
            self.report.differences.push(Difference {
                position: envelope.position,
                channel: channel.clone(),
                frame: assessed.frame,
                captured_at: envelope.captured_at.unwrap_or(envelope.recorded_at),
                recorded: Decided {
                    policy: assessed.policy.clone(),
                    verdict: Some(assessed.verdict),
                    rules: rests_on(&assessed.rules),
                },
                proposed: again.decided.clone(),
            });
        }
    }

    fn count(&mut self, channel: &ChannelId, rule: &RuleId, change: impl Fn(&mut Compared)) {
        change(&mut self.report.total);
        change(self.by_rule.entry(rule.clone()).or_default());
        if let Some(Some(trial)) = self.trials.get_mut(channel) {
            change(&mut trial.compared);
        }
    }
}

/// What the policy on trial made of one answer.
struct Again {
    decided: Decided,
    warned: Vec<RuleId>,
    stopped: Vec<RuleId>,
}

impl Trial {
    fn judge(
        &mut self,
        channel: &ChannelId,
        envelope: &Envelope,
        assessed: &FrameAssessed,
        whole: Option<&[Label]>,
    ) -> Again {
        self.judged += 1;
        let frame = Frame {
            channel: channel.clone(),
            session: assessed.session.clone(),
            id: assessed.frame,
            captured_at: envelope.captured_at.unwrap_or(envelope.recorded_at),
            fingerprint: assessed.print,
            origin: FrameOrigin::Inline(Arc::from([])), // the picture is not looked at again
        };
        let command = Command::JudgeFrame {
            frame,
            policy: self.policy.clone(),
            shadow: None,
            measured: assessed.image.zip(assessed.hash).map(|(image, hash)| Measurement { image, hash, luma: None }),
            answer: Answered {
                provider: assessed.provider.clone(),
                labels: whole.unwrap_or(&assessed.labels).to_vec(),
                kept: assessed.answer.clone(),
                unmapped: assessed.unmapped,
                content_types: assessed.content_types.clone(),
                floor: assessed.floor,
            },
            took: assessed.took,
        };
        let now = envelope.recorded_at;
        let decision = decide(&self.state, Some(&self.policy), now, &command);
        let events = decision.map(|decision| decision.events).unwrap_or_default(); // judging is never refused
        let decided = Decided { policy: self.policy.reference.clone(), verdict: None, rules: Vec::new() };
        let mut again = Again { decided, warned: Vec::new(), stopped: Vec::new() };
        for NewEvent { event, captured_at, .. } in &events {
            let sequence = self.state.sequence.next();
            apply(&mut self.state, Applied { sequence, recorded_at: now, captured_at: *captured_at }, event);
            if let Event::FrameAssessed(assessed) = event {
                again.decided.verdict = Some(assessed.verdict);
                again.decided.rules = rests_on(&assessed.rules);
            } else if let Event::WarningRaised(raised) = event {
                again.warned.push(raised.rule.clone());
            } else if let Event::EnforcementRequested(requested) = event
                && let EnforcementOrigin::Rule { rule, .. } = &requested.origin
            {
                again.stopped.push(rule.clone());
            }
        }
        again
    }

    /// Broadcasts begin and end as they did, and frames that showed nothing new were looked at. Nobody answers, so what
    /// is open stays open: the oldest, of broadcasts long over, is let go.
    fn follow(&mut self, at: Applied, event: &Event) {
        apply(&mut self.state, at, event);
        let state = &mut self.state;
        state.warnings.drain(..state.warnings.len().saturating_sub(OPEN_MAX));
        state.enforcements.drain(..state.enforcements.len().saturating_sub(OPEN_MAX));
    }
}

impl Compared {
    /// How far apart the two are.
    fn distance(&self) -> u64 {
        self.recorded.warnings.abs_diff(self.proposed.warnings) + self.recorded.stops.abs_diff(self.proposed.stops)
    }
}

fn applied(envelope: &Envelope) -> Applied {
    Applied { sequence: envelope.sequence, recorded_at: envelope.recorded_at, captured_at: envelope.captured_at }
}

fn rests_on(rules: &[RuleOutcome]) -> Vec<RuleId> {
    let met = |outcome: &&RuleOutcome| matches!(outcome.effect, RuleEffect::Raised(_) | RuleEffect::Joined(_));
    rules.iter().filter(met).map(|outcome| outcome.rule.clone()).collect()
}
