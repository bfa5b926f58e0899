//! One recorded channel and the trials on it: takes its events in order and hands each to all of them.

use std::sync::Arc;

use super::answers::Given;
use super::asking::{OnRecord, Recalled};
use super::past::Past;
use super::report::AnswerKind;
use super::tally::{Recording, Tally};
use super::trial::{Known, Seen, Trial};
use super::truth::Detections;
use crate::events::{
    EnforcementOrigin, EnforcementRequested, Envelope, Event, FrameAssessed, FrameSkipped, OpinionRole, RuleEffect,
    Skip, UnwatchedBecause,
};
use crate::model::{ChannelId, FrameId, Label, Medium, SessionId, Similarity};
use crate::policy::Policy;
use crate::warden::Command;

/// A channel on trial.
pub(super) struct Channel {
    id: ChannelId,
    past: Past,
    trials: Vec<Trial>,
    /// An answer and what else its decision brought about: one to several warnings is carried over as one.
    answering: Vec<(Envelope, Event)>,
    /// What others said of the frame whose outcome follows.
    said: Vec<Recalled>,
}

/// What lies beside an event, if it is at hand.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The whole of an answer whose event holds only the surest labels.
    pub whole: Option<Vec<Label>>,
    /// What a provider said of an assessed frame afterwards, to be compared.
    pub compared: Option<Recalled>,
}

/// What was recorded of a frame besides its envelope, as it stood before its outcome.
#[derive(Default)]
struct OfFrame {
    reference: Option<FrameId>,
    measured: Option<Similarity>,
    stopped: bool,
}

impl Channel {
    /// A channel that each of these policies would watch, each proposed on its own.
    pub fn new(id: ChannelId, policies: impl Iterator<Item = Arc<Policy>>) -> Self {
        let trials = policies.enumerate().map(|(at, policy)| Trial::new(1 << at, policy, &id)).collect();
        Self { id, past: Past::default(), trials, answering: Vec::new(), said: Vec::new() }
    }

    /// Takes one recorded event in, with what lies beside it.
    pub fn see(
        &mut self,
        envelope: &Envelope,
        event: &Event,
        kept: Kept,
        tallies: &mut [Tally],
        recording: &mut Recording,
    ) {
        let is_answer = matches!(event, Event::WarningUpheld(_) | Event::WarningDismissed(_));
        let same_decision = self.answering.first().is_some_and(|(first, _)| first.correlation == envelope.correlation);
        if !same_decision {
            self.answer(tallies);
        }
        if is_answer || same_decision {
            self.answering.push((envelope.clone(), event.clone())); // an append has few events
        } else {
            self.take_in(envelope, event, kept, tallies, recording);
        }
    }

    /// Everything is seen.
    pub fn finish(mut self, detections: Detections, tallies: &mut [Tally]) {
        self.answer(tallies);
        for (trial, tally) in self.trials.into_iter().zip(tallies) {
            trial.finish(&self.id, &self.past, detections, tally);
        }
    }

    /// Carries an answer over, with what followed from it.
    fn answer(&mut self, tallies: &mut [Tally]) {
        let events = std::mem::take(&mut self.answering);
        let Some((envelope, _)) = events.first() else { return };
        for upheld in [true, false] {
            let Some(given) = Given::of(events.iter().map(|(_, event)| event), upheld) else { continue };
            let answer = if upheld { AnswerKind::Upheld } else { AnswerKind::Dismissed };
            given.warnings.iter().for_each(|warning| self.past.answer(*warning, answer));
            self.trials.iter_mut().for_each(|trial| trial.answer(envelope, &given));
        }
        for (envelope, event) in &events {
            match event {
                Event::EnforcementRequested(requested) => self.request(envelope, event, requested, tallies),
                other => self.follow(envelope, other),
            }
        }
    }

    /// What became of a stop.
    fn follow(&mut self, envelope: &Envelope, event: &Event) {
        self.past.stops.see(event, envelope.recorded_at);
        self.trials.iter_mut().for_each(|trial| trial.follow(envelope, event));
    }

    fn take_in(
        &mut self,
        envelope: &Envelope,
        event: &Event,
        kept: Kept,
        tallies: &mut [Tally],
        recording: &mut Recording,
    ) {
        if let Event::OpinionGiven(given) = event {
            if given.role != OpinionRole::Compared {
                self.said.push(Recalled { given: given.clone(), whole: kept.whole }); // an append has few events
            }
            return;
        }
        let said = std::mem::take(&mut self.said);
        if let Event::SessionStarted(started) = event {
            self.start(envelope, &started.session, event);
        } else if let Event::SessionEnded(ended) = event {
            self.past.end(ended);
            self.trials.iter_mut().for_each(|trial| trial.end(envelope, ended, event));
        } else if let Event::FrameAssessed(assessed) = event {
            self.assess(envelope, assessed, &said, &kept, tallies, recording);
        } else if let Event::FrameSkipped(skipped) = event {
            self.skip(envelope, event, skipped, tallies, recording);
        } else if let Event::FrameFailed(failed) = event {
            let of_frame = self.of_frame(None);
            self.each(envelope, failed.medium, &of_frame, tallies, |trial, seen, tally| {
                match failed.medium.is_picture() {
                    true => trial.failed(seen, failed, tally),
                    false => trial.unheard_of(seen, event, failed, tally),
                }
            });
        } else if let Event::ChannelUnwatched(unwatched) = event {
            if unwatched.because == UnwatchedBecause::NoInput {
                self.trials.iter_mut().for_each(|trial| trial.run(&Command::Tick, envelope.recorded_at));
            }
        } else if let Event::WarningAnswerWithdrawn(withdrawn) = event {
            self.past.answer(withdrawn.warning, AnswerKind::Unanswered);
            self.trials.iter_mut().for_each(|trial| trial.withdraw(envelope, withdrawn));
        } else if let Event::EnforcementRequested(requested) = event {
            self.request(envelope, event, requested, tallies);
        } else if let Event::WarningOverturned(overturned) = event {
            self.past.answer(overturned.warning, AnswerKind::Dismissed); // the answer that counts in the end
            self.trials.iter_mut().for_each(|trial| trial.overturn(envelope, overturned));
        } else if let Event::ReputationAdjusted(adjusted) = event {
            self.trials.iter_mut().for_each(|trial| trial.adjust(envelope, adjusted));
        } else {
            self.follow(envelope, event);
        }
    }

    fn start(&mut self, envelope: &Envelope, session: &SessionId, event: &Event) {
        self.past.start(session);
        self.trials.iter_mut().for_each(|trial| trial.start(envelope, session, Some(event)));
    }

    fn assess(
        &mut self,
        envelope: &Envelope,
        assessed: &FrameAssessed,
        said: &[Recalled],
        kept: &Kept,
        tallies: &mut [Tally],
        recording: &mut Recording,
    ) {
        let captured_at = captured_at(envelope);
        let nothing_on_air = |trial: &Trial| trial.state.session.is_none() && !trial.state.has_ended(&assessed.session);
        if self.past.session.is_none() && self.trials.iter().all(nothing_on_air) {
            // The stretch begins within a broadcast.
            self.past.start(&assessed.session);
            self.trials.iter_mut().for_each(|trial| trial.start(envelope, &assessed.session, None));
        }
        recording.calls.add(&assessed.provider.name);
        let called = said.iter().filter(|other| other.was_called());
        called.for_each(|other| recording.calls.add(&other.given.provider.name));
        for (trial, tally) in self.trials.iter_mut().zip(tallies.iter_mut()) {
            for outcome in &assessed.rules {
                if let RuleEffect::Raised(_) = outcome.effect {
                    tally.count(&outcome.rule, &mut trial.compared, |compared| compared.recorded.warnings += 1);
                }
            }
        }
        let of_frame = OfFrame {
            stopped: self.past.stops.of(&assessed.session).is_some(),
            ..self.of_frame(self.past.measured(assessed.distance))
        };
        let speaks_for = self.past.assess(envelope.position, envelope.sequence, captured_at, assessed);
        let judged: Vec<u64> = self.trials.iter().map(|trial| trial.judged).collect();
        let (whole, compared) = (kept.whole.as_deref(), kept.compared.as_ref());
        let record = OnRecord { assessed, whole, before: said, compared };
        self.each(envelope, assessed.medium, &of_frame, tallies, |trial, seen, tally| {
            match assessed.medium.is_picture() {
                true => trial.assessed(seen, record, &speaks_for, tally),
                false => trial.heard(seen, assessed, whole, &speaks_for, tally),
            }
        });
        let weighed = self.trials.iter().zip(judged).filter(|(trial, before)| trial.judged > *before);
        self.past.weigh(&speaks_for, weighed.fold(0, |bits, (trial, _)| bits | trial.bit));
        if assessed.medium.is_picture() {
            self.past.look(captured_at, recording);
        }
    }

    fn skip(
        &mut self,
        envelope: &Envelope,
        event: &Event,
        skipped: &FrameSkipped,
        tallies: &mut [Tally],
        recording: &mut Recording,
    ) {
        if let Skip::Similar { hash, distance, to } = &skipped.because {
            let of_frame = self.of_frame(self.past.measured(Some((*distance, *to))));
            self.each(envelope, skipped.medium, &of_frame, tallies, |trial, seen, tally| {
                trial.similar(seen, event, skipped.frame, *hash, tally)
            });
            self.past.look(captured_at(envelope), recording);
        } else if !matches!(skipped.because, Skip::OtherSession | Skip::OtherSource) {
            let of_frame = self.of_frame(None);
            self.each(envelope, skipped.medium, &of_frame, tallies, |trial, seen, tally| {
                match skipped.medium.is_picture() {
                    true => trial.unseen(seen, event, skipped.frame, &skipped.because),
                    false => trial.unheard(seen, event, skipped, tally),
                }
            });
        }
    }

    fn request(&mut self, envelope: &Envelope, event: &Event, requested: &EnforcementRequested, tallies: &mut [Tally]) {
        self.past.stops.see(event, envelope.recorded_at);
        for (trial, tally) in self.trials.iter_mut().zip(tallies) {
            match &requested.origin {
                EnforcementOrigin::Rule { rule, .. } => {
                    tally.count(rule, &mut trial.compared, |compared| compared.recorded.stops += 1);
                }
                EnforcementOrigin::Person { warning: Some(warning), .. } => {
                    trial.stands_for(requested.enforcement, *warning);
                }
                // Of a person's own accord, or of somebody outside, whatever the policy.
                EnforcementOrigin::Person { warning: None, .. } | EnforcementOrigin::External { .. } => {
                    trial.apply_one(event, envelope.recorded_at, envelope.captured_at);
                }
            }
        }
    }

    fn of_frame(&self, measured: Option<Similarity>) -> OfFrame {
        let stopped = self.past.session.as_ref().is_some_and(|session| self.past.stops.of(session).is_some());
        OfFrame { reference: self.past.reference.map(|(_, frame)| frame), measured, stopped }
    }

    /// Hands a frame's outcome to every trial, and keeps what of it cannot be known.
    fn each(
        &mut self,
        envelope: &Envelope,
        medium: Medium,
        of_frame: &OfFrame,
        tallies: &mut [Tally],
        mut hand: impl FnMut(&mut Trial, &Seen<'_>, &mut Tally) -> Known,
    ) {
        self.past.media.insert(medium);
        let captured_at = captured_at(envelope);
        let seen = Seen {
            channel: &self.id,
            envelope,
            captured_at,
            seen_before: self.past.seen_before(captured_at),
            reference: of_frame.reference,
            measured: of_frame.measured,
            stopped: of_frame.stopped,
        };
        let mut clouded = 0;
        for (trial, tally) in self.trials.iter_mut().zip(tallies) {
            if hand(trial, &seen, tally) == Known::Clouded {
                clouded |= trial.bit;
            }
        }
        if clouded != 0 {
            self.past.cloud(clouded);
        }
        if medium.is_picture() {
            self.past.see(captured_at);
        }
    }
}

/// A frame's own time.
fn captured_at(envelope: &Envelope) -> crate::model::Timestamp {
    envelope.captured_at.unwrap_or(envelope.recorded_at)
}
