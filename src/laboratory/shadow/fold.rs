//! The comparison itself: events in order in, counts out.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::events::{Envelope, Event, EventType, FrameAssessed, RuleEffect, ShadowEffect, ShadowFound, ShadowVerdict};
use crate::model::{ChannelId, FrameId, PolicyRef, Position, RuleId, Timestamp, Verdict, WarningId};

use super::report::{
    CHANNELS_NAMED_MAX, ComparedChannel, ComparedRule, Comparison, DIFFERENCES_MAX, Difference, LIVE_NAMED_MAX, Said,
    Standing, VerdictPair,
};
use super::truth::{Answer, Truth};

/// A comparison under way.
#[derive(Debug)]
pub struct Comparing {
    report: Comparison,
    truth: Truth,
    verdicts: BTreeMap<(Verdict, Verdict), u64>,
    rules: BTreeMap<RuleId, (u64, u64, u64)>,
    channels: BTreeMap<ChannelId, (u64, u64)>,
    /// The outcome whose shadow's verdict is still to come. One is enough: it stands in the same append, which nothing
    /// else stands between.
    awaited: Option<Judged>,
    /// The last frame judged by both: a warning that it raises stands in the same append.
    newest: Option<FrameId>,
}

/// A frame as the live policy judged it.
#[derive(Debug)]
struct Judged {
    position: Position,
    captured_at: Timestamp,
    assessed: FrameAssessed,
}

impl Judged {
    /// The warnings that rest on the frame.
    fn warnings(&self) -> Vec<WarningId> {
        let warning = |effect: &RuleEffect| match effect {
            RuleEffect::Raised(warning) | RuleEffect::Joined(warning) => Some(*warning),
            RuleEffect::Partial | RuleEffect::Cooldown(_) => None,
        };
        self.assessed.rules.iter().filter_map(|rule| warning(&rule.effect)).collect()
    }

    fn said(&self) -> Said {
        let met = |effect: &RuleEffect| matches!(effect, RuleEffect::Raised(_) | RuleEffect::Joined(_));
        Said {
            policy: self.assessed.policy.clone(),
            verdict: self.assessed.verdict,
            rules: self.assessed.rules.iter().filter(|rule| met(&rule.effect)).map(|rule| rule.rule.clone()).collect(),
        }
    }
}

impl Comparing {
    /// Holds what `policy` said in shadow against what was decided.
    pub fn new(policy: PolicyRef) -> Self {
        let report = Comparison {
            policy,
            beside: Vec::new(),
            frames: 0,
            agree: 0,
            live_only: 0,
            shadow_only: 0,
            otherwise: 0,
            other_taxonomy: 0,
            verdicts: Vec::new(),
            rules: Vec::new(),
            live: Standing::default(),
            shadow: Standing::default(),
            channels: 0,
            by_channel: Vec::new(),
            differences: Vec::new(),
            left_out: 0,
        };
        Self {
            report,
            truth: Truth::default(),
            verdicts: BTreeMap::new(),
            rules: BTreeMap::new(),
            channels: BTreeMap::new(),
            awaited: None,
            newest: None,
        }
    }

    /// Whether an event has a part in it: known before its payload is decoded.
    pub fn needs(envelope: &Envelope) -> bool {
        const NEEDED: [EventType; 7] = [
            EventType::FrameAssessed,
            EventType::ShadowVerdict,
            EventType::WarningRaised,
            EventType::WarningUpheld,
            EventType::WarningDismissed,
            EventType::WarningAnswerWithdrawn,
            EventType::WarningOverturned,
        ];
        envelope.scope.channel().is_some() && NEEDED.iter().any(|needed| needed.name() == envelope.event_type)
    }

    /// Takes one recorded event in, in order.
    pub fn see(&mut self, envelope: &Envelope, event: &Event) {
        let Some(channel) = envelope.scope.channel() else { return };
        match event {
            Event::FrameAssessed(assessed) => self.assessed(channel, envelope, assessed),
            Event::ShadowVerdict(verdict) => {
                let live = self.awaited.take();
                if let Some(live) = live.filter(|live| live.assessed.frame == verdict.frame) {
                    self.compare(channel, &live, Some(verdict));
                }
            }
            Event::WarningRaised(raised) if raised.is_of_rule() => {
                let place = (channel.clone(), raised.session.clone(), raised.rule.clone());
                let counts = self.newest == Some(raised.frame);
                self.truth.raised(raised.warning, place, counts);
                self.report.live.warnings += u64::from(counts);
            }
            Event::WarningUpheld(upheld) => self.truth.answered(upheld.warning, Some(Answer::Upheld)),
            Event::WarningDismissed(dismissed) => self.truth.answered(dismissed.warning, Some(Answer::Dismissed)),
            Event::WarningAnswerWithdrawn(withdrawn) => self.truth.answered(withdrawn.warning, None),
            Event::WarningOverturned(overturned) => {
                self.truth.answered(overturned.warning, Some(Answer::Dismissed));
            }
            _ => {} // nothing else is compared
        }
    }

    /// What came of it.
    pub fn report(self) -> Comparison {
        let Self { mut report, truth, verdicts, rules, channels, awaited: _, newest: _ } = self;
        report.verdicts =
            verdicts.into_iter().map(|((live, shadow), frames)| VerdictPair { live, shadow, frames }).collect();
        report.rules = rules
            .into_iter()
            .map(|(rule, (both, live_only, shadow_only))| ComparedRule { rule, both, live_only, shadow_only })
            .collect();
        report.channels = channels.len() as u64;
        let mut by_channel: Vec<ComparedChannel> = channels
            .into_iter()
            .map(|(channel, (frames, differing))| ComparedChannel { channel, frames, differing })
            .collect();
        by_channel.sort_by(|a, b| {
            (Reverse(a.differing), Reverse(a.frames), &a.channel).cmp(&(
                Reverse(b.differing),
                Reverse(b.frames),
                &b.channel,
            ))
        });
        by_channel.truncate(CHANNELS_NAMED_MAX);
        report.by_channel = by_channel;
        truth.count(&mut report.live, &mut report.shadow);
        report.left_out = truth.left_out;
        report.live = report.live.settled();
        report.shadow = report.shadow.settled();
        report
    }
}

impl Comparing {
    fn assessed(&mut self, channel: &ChannelId, envelope: &Envelope, assessed: &FrameAssessed) {
        (self.awaited, self.newest) = (None, None);
        let look = assessed.shadow.as_ref().filter(|look| look.policy == self.report.policy);
        let Some(look) = look else { return };
        let judged = Judged {
            position: envelope.position,
            captured_at: envelope.captured_at.unwrap_or(envelope.recorded_at),
            assessed: assessed.clone(),
        };
        match look.found {
            ShadowFound::OtherTaxonomy => self.report.other_taxonomy += 1,
            ShadowFound::NoHit => {
                self.newest = Some(assessed.frame);
                self.compare(channel, &judged, None);
            }
            ShadowFound::Hit => {
                self.newest = Some(assessed.frame);
                self.awaited = Some(judged);
            }
        }
    }

    /// One frame judged by both; without a verdict the shadow hit nothing in it.
    fn compare(&mut self, channel: &ChannelId, live: &Judged, shadow: Option<&ShadowVerdict>) {
        let report = &mut self.report;
        if report.beside.len() < LIVE_NAMED_MAX && !report.beside.contains(&live.assessed.policy) {
            report.beside.push(live.assessed.policy.clone());
        }
        let said = live.said();
        let would = Said {
            policy: report.policy.clone(),
            verdict: shadow.map_or(Verdict::Clear, |shadow| shadow.verdict),
            rules: shadow.map_or_else(Vec::new, |shadow| {
                shadow.rules.iter().filter(|rule| rule.effect.is_met()).map(|rule| rule.rule.clone()).collect()
            }),
        };
        let differs = said.verdict != would.verdict;
        report.frames += 1;
        let count = match (said.verdict, would.verdict) {
            (live, shadow) if live == shadow => &mut report.agree,
            (_, Verdict::Clear) => &mut report.live_only,
            (Verdict::Clear, _) => &mut report.shadow_only,
            _ => &mut report.otherwise,
        };
        *count += 1;
        report.live.stops += u64::from(said.verdict == Verdict::Stop);
        report.shadow.stops += u64::from(would.verdict == Verdict::Stop);
        *self.verdicts.entry((said.verdict, would.verdict)).or_default() += 1;
        for rule in &said.rules {
            let (both, live_only, _) = self.rules.entry(rule.clone()).or_default();
            *(if would.rules.contains(rule) { both } else { live_only }) += 1;
        }
        for rule in would.rules.iter().filter(|rule| !said.rules.contains(rule)) {
            self.rules.entry(rule.clone()).or_default().2 += 1;
        }
        let (frames, differing) = self.channels.entry(channel.clone()).or_default();
        (*frames, *differing) = (*frames + 1, *differing + u64::from(differs));
        if let Some(shadow) = shadow {
            self.would_warn(channel, live, shadow);
        }
        if differs && self.report.differences.len() < DIFFERENCES_MAX {
            self.report.differences.push(Difference {
                position: live.position,
                channel: channel.clone(),
                frame: live.assessed.frame,
                captured_at: live.captured_at,
                live: said,
                shadow: would,
                would: shadow.and_then(|shadow| shadow.would),
            });
        }
    }

    fn would_warn(&mut self, channel: &ChannelId, live: &Judged, shadow: &ShadowVerdict) {
        let beside = live.warnings();
        for outcome in &shadow.rules {
            let place = (channel.clone(), shadow.session.clone(), outcome.rule.clone());
            match outcome.effect {
                ShadowEffect::Raised { .. } => {
                    self.report.shadow.warnings += 1;
                    self.truth.would_raise(place, &beside);
                }
                ShadowEffect::Joined => self.truth.would_join(&place, &beside),
                ShadowEffect::Partial | ShadowEffect::Cooldown(_) => {}
            }
        }
    }
}
