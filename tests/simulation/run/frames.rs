//! Frames in a run: from the source to their outcome and back to the source as acknowledged.

use std::sync::Arc;

use streamwarden::events::{Event, FailedStage, Recorded, SegmentFacts, Timings};
use streamwarden::journal::Journal;
use streamwarden::model::{
    EventId, Fingerprint, Frame, FrameId, HashScheme, ImageFacts, ImageFormat, Label, LumaDelta, Measurement, Medium,
    PerceptualHash, Position, Sha256,
};
use streamwarden::policy::Policy;
use streamwarden::warden::{Beside, Command, Next};

use super::{Run, Step, arranged, intake};
use crate::defect::Defect;
use crate::process::{MAILBOX_MAX, Message, Then, UNACKNOWLEDGED_MAX, Work};
use crate::world::{Notification, Reply};

impl Run {
    pub(super) fn poll(&mut self) {
        let calm = if self.world.calm { 10 } else { 1 };
        self.step_after(50 * calm, 300 * calm, Step::Poll);
        while self.running().next_read < self.world.source.len()
            && self.running().next_read < self.running().cursor + UNACKNOWLEDGED_MAX
        {
            let notification = self.running().next_read;
            self.running().next_read += 1;
            match self.world.source[notification].clone() {
                Notification::Frame(frame) => self.deliver(notification, frame),
                Notification::Started(channel, session, at) => {
                    let command = Command::StartSession { session, at };
                    self.send(channel, Message { command, then: Then::Acknowledge(notification) });
                }
                Notification::Ended(channel, session) => {
                    let command = Command::EndSession { session };
                    self.send(channel, Message { command, then: Then::Acknowledge(notification) });
                }
            }
        }
    }

    pub(super) fn deliver(&mut self, notification: usize, mut frame: Frame) {
        let channel = self.world.channels.iter().position(|id| *id == frame.channel).expect("a channel of this world");
        if self.defect == Some(Defect::NamesTheNameless) && !frame.session.is_named() {
            // The planted bug: what is on the air now is what the frame shows.
            frame.session = self.world.live[channel].on_air.clone().unwrap_or(frame.session);
        }
        let forgets = self.defect == Some(Defect::SecondOutcomeAfterCrash) && self.crashes > 0;
        if !forgets && let Some(outcome) = self.find(EventId::outcome_of(frame.id)) {
            return self.known(channel, notification, frame, &outcome);
        }
        let (id, print) = (frame.id, frame.fingerprint);
        if let Some(waiters) = self.warden(channel).joined.get_mut(&id) {
            waiters.push((notification, print));
            let in_flight = self.warden(channel).lane_of(id).is_some();
            if self.defect == Some(Defect::AsksTwice) && in_flight {
                let epoch = self.running().epoch;
                let _ = self.world.ask(&mut self.random, &frame, epoch); // the planted bug: nobody uses the answer
            }
            return;
        }
        self.warden(channel).joined.insert(id, vec![(notification, print)]);
        if self.warden(channel).mailbox.len() >= MAILBOX_MAX {
            self.send(channel, Message { command: Command::ShedFrame { frame }, then: Then::Settle(id) });
        } else if self.warden(channel).lane(frame.medium).in_flight.is_none() {
            self.start(channel, frame);
        } else {
            self.wait_or_give_way(channel, frame);
        }
    }

    pub(super) fn wait_or_give_way(&mut self, channel: usize, frame: Frame) {
        let lane = self.warden(channel).lane(frame.medium);
        let (newer, older) = match lane.waiting.take() {
            None => (frame, None),
            Some(waiting) if waiting.captured_at <= frame.captured_at => (frame, Some(waiting)),
            Some(waiting) => (waiting, Some(frame)),
        };
        let by = newer.id;
        lane.waiting = Some(newer);
        if let Some(older) = older.filter(|_| self.defect != Some(Defect::LosesSuperseded)) {
            let then = Then::Settle(older.id);
            self.send(channel, Message { command: Command::SupersedeFrame { frame: older, by }, then });
        }
    }

    /// The frame has its outcome: another notification under its id is a conflict, the same one changes nothing.
    pub(super) fn known(&mut self, channel: usize, notification: usize, frame: Frame, outcome: &Recorded) {
        if print_of(outcome) == Some(frame.fingerprint) {
            self.acknowledge(notification);
        } else {
            let command = Command::ReportConflict { frame, outcome: outcome.envelope.id };
            self.send(channel, Message { command, then: Then::Acknowledge(notification) });
        }
    }

    pub(super) fn settle(&mut self, channel: usize, frame: FrameId) {
        let waiters = self.warden(channel).joined.remove(&frame).unwrap_or_default();
        for (notification, _) in waiters {
            let Some(Notification::Frame(copy)) = self.world.source.get(notification).cloned() else { continue };
            match self.find(EventId::outcome_of(frame)) {
                Some(outcome) => self.known(channel, notification, copy, &outcome),
                None => self.acknowledge(notification),
            }
        }
    }

    pub(super) fn acknowledge_early(&mut self, channel: usize, then: &Then) {
        if let Then::FrameGoesOn(frame) | Then::Settle(frame) = then {
            let waiters = self.warden(channel).joined.get(frame).cloned().unwrap_or_default();
            waiters.iter().for_each(|(notification, _)| self.acknowledge(*notification));
        }
    }

    pub(super) fn acknowledge(&mut self, notification: usize) {
        if let Some(Notification::Frame(frame)) = self.world.source.get(notification)
            && self.find(EventId::outcome_of(frame.id)).is_none()
        {
            let what =
                format!("I4: notification {notification} is acknowledged, frame {} has no durable outcome", frame.id);
            return self.breaks(what);
        }
        let process = self.running();
        process.acknowledged.insert(notification);
        while process.acknowledged.remove(&process.cursor) {
            process.cursor += 1;
        }
        let cursor = Position(process.cursor as u64);
        drop(self.journal().save_cursor(&intake(), cursor));
    }

    pub(super) fn start(&mut self, channel: usize, frame: Frame) {
        let policy = Some(Arc::clone(&self.policies[self.policy_in_force]));
        let then = Then::FrameGoesOn(frame.id);
        self.warden(channel).lane(frame.medium).in_flight = Some(Work { frame: frame.clone(), policy });
        self.send(channel, Message { command: Command::TakeFrame { frame }, then });
    }

    pub(super) fn frame_goes_on(&mut self, channel: usize, frame: FrameId, next: Option<Next>) {
        let Some(lane) = self.warden(channel).lane_of(frame) else { return };
        let (captured_at, medium) = match &lane.in_flight {
            Some(work) => (Some(work.frame.captured_at), work.frame.medium),
            None => return,
        };
        match next {
            Some(Next::Look) => {
                if self.defect == Some(Defect::SampledBeforeJudged) {
                    let state = &mut self.warden(channel).state;
                    state.newest_sampled = state.newest_sampled.max(captured_at);
                }
                if !self.world.calm && self.random.percent(4) {
                    self.step_after(5, 500, Step::FetchFailed(channel, frame));
                } else {
                    self.step_after(5, 200, Step::Looked(channel, frame));
                }
            }
            Some(Next::Ask) if medium.is_picture() => self.ask(channel, frame),
            Some(Next::Ask) if !self.world.calm && self.random.percent(4) => {
                self.step_after(5, 500, Step::FetchFailed(channel, frame));
            }
            Some(Next::Ask) => self.step_after(5, 200, Step::Fetched(channel, frame)),
            None => {
                self.warden(channel).lane(medium).in_flight = None;
                self.settle(channel, frame);
                if let Some(waiting) = self.warden(channel).lane(medium).waiting.take() {
                    self.start(channel, waiting);
                }
            }
        }
    }

    pub(super) fn work(&mut self, channel: usize, frame: FrameId) -> Option<(Frame, Arc<Policy>)> {
        let work = self.warden(channel).lane_of(frame)?.in_flight.as_ref()?;
        Some((work.frame.clone(), work.policy.clone()?))
    }

    /// The bytes of a segment are there: one without the track that is wanted is shown to nobody.
    pub(super) fn fetched(&mut self, channel: usize, id: FrameId) {
        if !self.world.mute.contains(&id) {
            return self.ask(channel, id);
        }
        if self.defect == Some(Defect::MuteIsClear) {
            return self.judge(channel, id, Vec::new());
        }
        let Some((frame, policy)) = self.work(channel, id) else { return };
        let command = Command::FindNoTrack { frame, policy, sha256: Sha256::of(id.as_bytes()) };
        self.send(channel, Message { command, then: Then::FrameGoesOn(id) });
    }

    pub(super) fn measured(&mut self, channel: usize, frame: FrameId) -> Measurement {
        let sha256 = Sha256::of(frame.as_bytes());
        let image = ImageFacts { sha256, bytes: 9, width: 640, height: 360, format: ImageFormat::Jpeg };
        let reference = self.warden(channel).state.reference.clone();
        let bits = u64::from(frame.as_bytes()[0]) & if frame.as_bytes()[1] < 90 { 0 } else { u64::MAX };
        let bits = if frame.as_bytes()[2] < 100 { bits } else { u64::from_be_bytes([frame.as_bytes()[3]; 8]) };
        let luma = reference.map(|reference| (reference.sequence, LumaDelta(u16::from(frame.as_bytes()[4]) * 10)));
        let hash = PerceptualHash { scheme: HashScheme::MedianDctFromDc, bits };
        Measurement { image, hash, luma: luma.filter(|_| frame.as_bytes()[5] < 128) }
    }

    pub(super) fn looked(&mut self, channel: usize, id: FrameId) {
        let Some((frame, policy)) = self.work(channel, id) else { return };
        let measured = self.measured(channel, id);
        let command = Command::CompareFrame { frame, policy, measured };
        self.send(channel, Message { command, then: Then::FrameGoesOn(id) });
    }

    pub(super) fn ask(&mut self, channel: usize, frame: FrameId) {
        const TRIES_MAX: u8 = 3;
        let epoch = self.running().epoch;
        let Some((shown, _)) = self.work(channel, frame) else { return };
        match self.world.ask(&mut self.random, &shown, epoch) {
            Reply::Labels(labels) => self.step_after(30, 3000, Step::Answered(channel, frame, labels)),
            Reply::Hangs => self.step_after(8000, 8000, Step::Deadline(channel, frame)),
            Reply::Unavailable => {
                let tries = self.running().tries.entry(frame).or_default();
                *tries += 1;
                if *tries < TRIES_MAX {
                    self.step_after(200, 900, Step::Ask(channel, frame));
                } else {
                    self.fail_or_clear(channel, frame, FailedStage::Provider);
                }
            }
        }
    }

    pub(super) fn fail_or_clear(&mut self, channel: usize, frame: FrameId, stage: FailedStage) {
        if self.defect == Some(Defect::FailureIsClear) {
            self.judge(channel, frame, Vec::new());
        } else {
            self.fail(channel, frame, stage);
        }
    }

    pub(super) fn fail(&mut self, channel: usize, id: FrameId, stage: FailedStage) {
        let Some((frame, policy)) = self.work(channel, id) else { return };
        let reason = "it did not answer".to_owned();
        let asked = match frame.medium {
            Medium::Picture => arranged::ask(&policy, id, None, self.defect).err().flatten(),
            Medium::Clip | Medium::Sound => None, // one alone is asked about a segment
        };
        let command = Command::FailFrame { frame, stage, reason, attempts: 3, asked };
        self.send(channel, Message { command, then: Then::FrameGoesOn(id) });
    }

    pub(super) fn judge(&mut self, channel: usize, id: FrameId, labels: Vec<Label>) {
        let Some((frame, policy)) = self.work(channel, id) else { return };
        let (measured, segment, (answer, beside)) = match frame.medium {
            Medium::Picture => {
                let asked = arranged::ask(&policy, id, Some(&labels), self.defect);
                (Some(self.measured(channel, id)), None, asked.expect("the world's own provider answered"))
            }
            medium @ (Medium::Clip | Medium::Sound) => {
                let facts = SegmentFacts { sha256: Sha256::of(id.as_bytes()), bytes: 9 };
                (None, Some(Box::new(facts)), (arranged::heard(medium, labels), Beside::default()))
            }
        };
        let took = Timings(1, 2, 3);
        let command = Command::JudgeFrame {
            frame,
            policy,
            shadow: None,
            measured,
            segment,
            answer: Box::new(answer),
            beside,
            took,
        };
        self.send(channel, Message { command, then: Then::FrameGoesOn(id) });
    }

    pub(super) fn tick(&mut self) {
        let calm = if self.world.calm { 10_000 } else { 1000 };
        self.step_after(calm, calm, Step::Tick);
        for channel in 0..self.world.channels.len() {
            if !std::mem::replace(&mut self.warden(channel).tick_queued, true) {
                self.send(channel, Message { command: Command::Tick, then: Then::Nothing });
            }
        }
    }
}

fn print_of(outcome: &Recorded) -> Option<Fingerprint> {
    match outcome.event().expect("a known event") {
        Event::FrameSkipped(skipped) => Some(skipped.print),
        Event::FrameAssessed(assessed) => Some(assessed.print),
        Event::FrameFailed(failed) => Some(failed.print),
        _ => None,
    }
}
