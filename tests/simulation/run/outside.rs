//! What encoders, the platform and moderators do in a run.

use streamwarden::events::EnforcementKind;
use streamwarden::model::{EnforcementId, EventId, Fingerprint, Frame, ModeratorId, SessionId, WarningId};
use streamwarden::warden::{Answering, Command, ModeratorAct};

use super::{Request, Run, Step, Task};
use crate::defect::Defect;
use crate::process::{Message, Then};
use crate::random::Random;
use crate::world::{Notification, PlatformAnswer};

impl Run {
    pub(super) fn connect(&mut self, channel: usize) {
        if self.world.calm {
            return;
        }
        let again = self.random.between(5_000, 20_000);
        let now = self.now();
        match self.world.connect(&mut self.random, channel, now) {
            None => self.after(again, Task::Connect(channel)),
            Some(session) => {
                let told = !self.world.nameless[channel];
                if told && !self.random.percent(20) {
                    let late = self.random.between(0, 4000);
                    self.after(late, Task::Publish(Notification::Started(channel, session.clone(), now)));
                }
                if told && self.random.percent(15) {
                    let late = self.random.between(0, 20_000);
                    self.after(late, Task::Publish(Notification::Started(channel, session.clone(), now)));
                }
                self.after(500, Task::Thumbnail(channel, session.clone()));
                if self.world.recorded[channel] {
                    self.after(4_000, Task::Segment(channel, session.clone()));
                }
                let most = if self.random.percent(25) { 8_000 } else { 70_000 };
                let lasts = self.random.between(2_000, most);
                self.after(lasts, Task::Disconnect(channel, session));
            }
        }
    }

    pub(super) fn off_the_air(&mut self, channel: usize, session: SessionId) {
        if !self.world.nameless[channel] && !self.random.percent(20) {
            let late = self.random.between(0, 6000);
            self.after(late, Task::Publish(Notification::Ended(channel, session)));
        }
        // Many encoders reconnect within a moment: the new session is another, and nobody has judged it.
        let most = if self.random.percent(40) { 200 } else { 12_000 };
        let pause = self.random.between(10, most);
        self.after(pause, Task::Connect(channel));
    }

    pub(super) fn thumbnail(&mut self, channel: usize, session: SessionId) {
        if self.world.calm || self.world.live[channel].on_air.as_ref() != Some(&session) {
            return;
        }
        let now = self.now();
        let frame = self.world.thumbnail(&mut self.random, channel, &session, now);
        self.announce(frame);
        let next = self.random.between(700, 2500);
        self.after(next, Task::Thumbnail(channel, session));
    }

    /// A segment is recorded: what of it the policy asks for is announced.
    pub(super) fn segment(&mut self, channel: usize, session: SessionId) {
        if self.world.calm || self.world.live[channel].on_air.as_ref() != Some(&session) {
            return;
        }
        let now = self.now();
        let policy = self.policies[self.policy_in_force].clone();
        for medium in policy.media_of_segments() {
            let frame = self.world.segment(&mut self.random, channel, &session, now, medium);
            self.announce(frame);
        }
        let next = self.random.between(8_000, 14_000);
        self.after(next, Task::Segment(channel, session));
    }

    /// Some notifications are late, some come twice, and some under an id that is known say something else.
    fn announce(&mut self, frame: Frame) {
        let late = if self.random.percent(10) { 6000 } else { 80 };
        let delay = self.random.between(10, late);
        if self.random.percent(15) {
            let again = self.random.between(10, 9000);
            let mut copy = frame.clone();
            if self.random.percent(10) {
                copy.fingerprint = Fingerprint::of(&[b"another"]);
            }
            self.after(again, Task::Publish(Notification::Frame(copy)));
        }
        self.after(delay, Task::Publish(Notification::Frame(frame)));
    }

    pub(super) fn platform_acts(
        &mut self,
        epoch: u32,
        call: (EnforcementId, u8),
        channel: usize,
        kind: EnforcementKind,
        only: Option<SessionId>,
    ) {
        let before = self.world.live[channel].on_air.clone();
        let answer = self.world.act(&mut self.random, call, channel, kind, only.as_ref());
        if let (Some(session), None) = (before, &self.world.live[channel].on_air) {
            self.off_the_air(channel, session);
        }
        if self.defect == Some(Defect::RetriesBlindly) && answer == PlatformAnswer::Lost {
            self.after(500, Task::PlatformActs { epoch, call, channel, kind, only });
        }
        let wait = if answer == PlatformAnswer::Lost { 2000 } else { self.random.between(5, 600) };
        self.after(wait, Task::Process(epoch, Step::PlatformSaid(call.0, call.1, answer)));
    }

    pub(super) fn moderate(&mut self) {
        if self.world.calm {
            return;
        }
        let next = self.random.between(200, 6000);
        self.after(next, Task::Moderate);
        let Some(process) = &self.process else { return };
        let channel = self.random.between(0, process.wardens.len() as u64 - 1) as usize;
        let state = &process.wardens[channel].state;
        let warnings: Vec<WarningId> = state.warnings.iter().map(|warning| warning.id).collect();
        let enforcements: Vec<EnforcementId> = state.enforcements.iter().map(|asked| asked.id).collect();
        let session = state.session.as_ref().map(|session| session.id.clone());
        let warning = self.random.pick(&warnings);
        let some = |random: &mut Random| warnings.iter().copied().filter(|_| random.percent(40)).collect::<Vec<_>>();
        let act = match (self.random.between(0, 9), warning, self.random.pick(&enforcements)) {
            (0, Some(warning), _) => ModeratorAct::Claim(warning.into()),
            (1, Some(warning), _) => ModeratorAct::Release(warning.into()),
            (2 | 3, Some(_), _) => ModeratorAct::Dismiss(Answering::to(some(&mut self.random))),
            (4, Some(_), _) => ModeratorAct::Uphold(Answering::to(some(&mut self.random))),
            (5, Some(warning), _) => ModeratorAct::Withdraw(warning.into()),
            (6, _, Some(enforcement)) => ModeratorAct::AdmitHeld(enforcement),
            (7, _, Some(enforcement)) => ModeratorAct::Cancel(enforcement),
            (8, ..) => ModeratorAct::Enforce { kind: EnforcementKind::Lift, session: None, reason: None },
            (9, ..) => {
                let kind = if self.random.percent(30) { EnforcementKind::Suspend } else { EnforcementKind::Stop };
                ModeratorAct::Enforce { kind, session, reason: None }
            }
            _ => return,
        };
        let by = ModeratorId::new(self.random.pick(&["ann", "ben"]).expect("not empty")).expect("a sound name");
        let id = EventId::of_command("request", &[&(self.requests.len() as u64).to_be_bytes()]);
        self.requests.push(Request { id, by, channel, act, answered: false });
        self.submit_request(self.requests.len() - 1);
    }

    pub(super) fn submit_request(&mut self, at: usize) {
        if self.requests[at].answered {
            return;
        }
        // Whoever asks repeats the request, under the same id, until there is an answer.
        self.after(4000, Task::Resend(at));
        if self.process.is_none() {
            return;
        }
        let request = &self.requests[at];
        let (id, channel) = (request.id, request.channel);
        let first = EventId::of_command("moderation", &[id.as_bytes()]);
        if self.find(first).is_some() {
            self.requests[at].answered = true;
            return;
        }
        let act = match (&request.act, self.defect) {
            (ModeratorAct::Dismiss(_), Some(Defect::DismissesAll)) => {
                let state = &self.process.as_ref().expect("looked at above").wardens[channel].state;
                ModeratorAct::Dismiss(Answering::to(state.open_warnings().map(|warning| warning.id)))
            }
            (act, _) => act.clone(),
        };
        let command = Command::Moderate { request: id, by: request.by.clone(), act };
        self.send(channel, Message { command, then: Then::AnswerRequest(id) });
    }
}
