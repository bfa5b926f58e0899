//! Which warnings on trial are which of those recorded, and what moderators' answers to these say of them.
//!
//! Two warnings are about the same where they share a frame. Frames that came while a rule was quiet because its warning
//! had been answered speak for that warning too. A warning on trial goes by the answers to warnings of its own rule that
//! it shares a frame with; only if it shares none with any, by those of other rules.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::past::{Past, Warned};
use super::report::{AnswerKind, ComparedChannel, Episode};
use super::tally::Tally;
use super::trial::{Seen, Trial};
use crate::events::{Event, WarningRaised};
use crate::model::{ChannelId, FrameId, Label, Position, RuleId, SessionId, Timestamp, WarningId};

/// Recorded warnings that one on trial is linked with: it is open for one broadcast, and so are they.
const LINKS_MAX: usize = 16;

/// Warnings on trial of one channel, and what they have to do with those recorded.
#[derive(Debug, Default)]
pub(super) struct Matches {
    raised: BTreeMap<WarningId, Proposed>,
    /// By recorded warning: when the first on trial that shares a frame with it was raised.
    found: BTreeMap<WarningId, Found>,
    /// The warning whose answer last began a rule's cooldown.
    answered: BTreeMap<RuleId, WarningId>,
}

/// A warning on trial.
#[derive(Debug)]
struct Proposed {
    rule: RuleId,
    session: SessionId,
    position: Position,
    frame: FrameId,
    label: Option<Label>,
    raised_at: Timestamp,
    after_stop: bool,
    /// Recorded warnings of its rule that it shares a frame with.
    same: Vec<WarningId>,
    /// Those of other rules.
    other: Vec<WarningId>,
}

/// By which rule's warning, raised when.
#[derive(Debug, Default)]
struct Found {
    same: Option<Timestamp>,
    other: Option<Timestamp>,
}

impl Matches {
    /// A warning is raised on trial.
    pub fn raise(&mut self, seen: &Seen<'_>, raised: &WarningRaised, after_stop: bool) {
        if self.raised.len() >= super::past::WARNINGS_MAX {
            return;
        }
        let proposed = Proposed {
            rule: raised.rule.clone(),
            session: raised.session.clone(),
            position: seen.envelope.position,
            frame: raised.frame,
            label: raised.label.clone(),
            raised_at: seen.captured_at,
            after_stop,
            same: Vec::new(),
            other: Vec::new(),
        };
        self.raised.insert(raised.warning, proposed);
    }

    /// Takes an event on trial in: answers begin cooldowns, all others change nothing.
    pub fn see(&mut self, event: &Event) {
        let answered = match event {
            Event::WarningUpheld(upheld) => upheld.warning,
            Event::WarningDismissed(dismissed) => dismissed.warning,
            _ => return,
        };
        if let Some(proposed) = self.raised.get(&answered) {
            self.answered.insert(proposed.rule.clone(), answered);
        }
    }

    /// The warning whose answer keeps the rule quiet, where one does.
    pub fn quieted_by(&self, rule: &RuleId) -> Option<WarningId> {
        self.answered.get(rule).copied()
    }

    /// One frame speaks for these warnings on trial, and for these recorded.
    pub fn link(&mut self, mine: &[(RuleId, WarningId)], recorded: &[(RuleId, WarningId)]) {
        for (rule, warning) in mine {
            let Some(proposed) = self.raised.get_mut(warning) else { continue };
            for (recorded_rule, recorded) in recorded {
                let (links, found) = (self.found.entry(*recorded).or_default(), rule == recorded_rule);
                let (known, first) = match found {
                    true => (&mut proposed.same, &mut links.same),
                    false => (&mut proposed.other, &mut links.other),
                };
                if known.len() < LINKS_MAX && !known.contains(recorded) {
                    known.push(*recorded);
                }
                *first = Some(first.map_or(proposed.raised_at, |first| first.min(proposed.raised_at)));
            }
        }
    }

    /// Whether an answer to the recorded warning is one to the warning on trial.
    pub fn goes_by(&self, proposed: WarningId, recorded: WarningId) -> bool {
        self.raised.get(&proposed).is_some_and(|proposed| proposed.goes_by().contains(&recorded))
    }

    /// The warnings on trial that go by the answer to the recorded one.
    pub fn going_by(&self, recorded: WarningId) -> Vec<WarningId> {
        let by = self.raised.iter().filter(|(_, proposed)| proposed.goes_by().contains(&recorded));
        by.map(|(warning, _)| *warning).collect()
    }

    fn found(&self, recorded: WarningId) -> Option<Timestamp> {
        let found = self.found.get(&recorded)?;
        found.same.or(found.other)
    }
}

impl Proposed {
    fn goes_by(&self) -> &[WarningId] {
        if self.same.is_empty() { &self.other } else { &self.same }
    }

    fn answer(&self, past: &Past) -> AnswerKind {
        let answers = self.goes_by().iter().filter_map(|warning| past.warnings.get(warning));
        answers.map(|warned| warned.answer).min().unwrap_or(AnswerKind::Unanswered)
    }
}

/// Which recorded warnings count as detections to be timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detections {
    /// Those that moderators upheld.
    Upheld,
    /// All, whatever was answered.
    All,
}

impl Trial {
    /// Everything is seen: what came of it goes into the tally.
    pub fn finish(self, channel: &ChannelId, past: &Past, detections: Detections, tally: &mut Tally) {
        let sessions = past.stops.sessions().filter(|session| self.stops.of(session).is_none());
        tally.after_stop.cut_short += sessions.count() as u64;
        for proposed in self.matches.raised.values() {
            let answer = proposed.answer(past);
            tally.truth.proposed.add(answer);
            tally.rules.entry(proposed.rule.clone()).or_default().proposed.add(answer);
            if proposed.after_stop {
                tally.after_stop.warnings += 1;
            } else if proposed.same.is_empty() {
                let key = (answer, proposed.position, proposed.rule.clone());
                tally.gained.add(key, || proposed.episode(channel, answer));
            }
        }
        for (id, warned) in &past.warnings {
            let counts = detections == Detections::All || warned.answer == AnswerKind::Upheld;
            self.finish_recorded(*id, warned, channel, past, tally);
            if counts {
                self.time(*id, warned, past, tally);
            }
        }
        if self.judged > 0 {
            tally.channels += 1;
        }
        let listens = self.policy.media_of_segments().filter(|_| !past.media.is_empty());
        for medium in listens.filter(|medium| !past.media.contains(medium)) {
            *tally.not_on_record.entry(medium).or_default() += 1;
        }
        if self.judged > 0 || self.compared.distance() > 0 {
            let key = (Reverse(self.compared.distance()), channel.clone());
            let compared = self.compared;
            tally.by_channel.add(key, || ComparedChannel { channel: channel.clone(), compared });
        }
    }

    /// How long after its onset an episode would have been warned of.
    fn time(&self, id: WarningId, warned: &Warned, past: &Past, tally: &mut Tally) {
        match self.matches.found(id) {
            Some(at) => tally.detection.add(i64::try_from(at.ms_since(warned.onset)).unwrap_or(i64::MAX)),
            None if self.is_unknowable(warned, past) => tally.unknowable_episodes += 1,
            None => tally.missed_episodes += 1,
        }
    }

    /// Whether nothing certain can be said of a warning that was not found: something around it is not known, or its
    /// broadcast was stopped before any frame of it was judged here.
    fn is_unknowable(&self, warned: &Warned, past: &Past) -> bool {
        let cut_short = warned.weighed & self.bit == 0 && past.stops.of(&warned.session).is_some();
        warned.clouded & self.bit != 0 || cut_short
    }

    fn finish_recorded(&self, id: WarningId, warned: &Warned, channel: &ChannelId, past: &Past, tally: &mut Tally) {
        tally.truth.recorded.add(warned.answer);
        tally.rules.entry(warned.rule.clone()).or_default().recorded.add(warned.answer);
        let found = self.matches.found(id);
        let unknowable = found.is_none() && self.is_unknowable(warned, past);
        if found.is_none() && !unknowable {
            let key = (warned.answer, warned.position, warned.rule.clone());
            tally.lost.add(key, || warned.episode(channel));
        }
        match warned.answer {
            AnswerKind::Upheld => {
                match found {
                    Some(at) => {
                        tally.truth.upheld_found += 1;
                        tally.to_warning.add(ms_between(warned.raised_at, at));
                    }
                    None if unknowable => tally.truth.upheld_unknowable += 1,
                    None => {
                        tally.truth.upheld_lost += 1;
                        tally.to_warning.lost += 1;
                    }
                }
                match (past.stops.of(&warned.session), self.stops.of(&warned.session)) {
                    (Some(then), Some(now)) => tally.to_stop.add(ms_between(then, now)),
                    (Some(_), None) => tally.to_stop.lost += 1,
                    (None, Some(_)) => tally.to_stop.gained += 1,
                    (None, None) => {}
                }
            }
            AnswerKind::Dismissed => tally.truth.dismissed_spared += u64::from(found.is_none() && !unknowable),
            AnswerKind::Unanswered => {}
        }
    }
}

impl Proposed {
    fn episode(&self, channel: &ChannelId, answer: AnswerKind) -> Episode {
        Episode {
            position: self.position,
            channel: channel.clone(),
            session: self.session.clone(),
            rule: self.rule.clone(),
            frame: self.frame,
            captured_at: self.raised_at,
            label: self.label.clone(),
            answer,
        }
    }
}

impl Warned {
    fn episode(&self, channel: &ChannelId) -> Episode {
        Episode {
            position: self.position,
            channel: channel.clone(),
            session: self.session.clone(),
            rule: self.rule.clone(),
            frame: self.frame,
            captured_at: self.raised_at,
            label: self.label.clone(),
            answer: self.answer,
        }
    }
}

/// From one moment to another, in whole milliseconds; negative if it is before.
fn ms_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_micros().saturating_sub(from.as_micros()) / 1000
}
