//! The process in a run: crash and restart, deciding, becoming durable, and what follows.

use std::sync::Arc;

use streamwarden::events::{Event, FailedStage, NewEvent, Recorded};
use streamwarden::journal::{Append, Expected, Journal, MemoryJournal, READ_LIMIT_MAX};
use streamwarden::model::{EventId, Position, Scope};
use streamwarden::warden::enforcement::Desk;
use streamwarden::warden::{ChannelState, Command, EnforcementReport, Next, decide};

use super::{Run, Step, Task, fold, intake};
use crate::defect::Defect;
use crate::process::{Message, Process, Then, Warden};
use crate::world::PlatformAnswer;

impl Run {
    pub(super) fn crash(&mut self) {
        self.crashes += 1;
        self.compare_with_replay();
        // Some of what was queued may have reached the disk; nobody was told.
        let reached = self.random.between(0, self.pending.len() as u64) as usize;
        for (_, append) in self.pending.drain(..).take(reached).collect::<Vec<_>>() {
            let _ = self.journal().append(append).wait(); // nobody is there to hear a refusal
        }
        self.pending.clear();
        self.committing = false;
        self.process = None;
        self.journal = self.journal.take().map(MemoryJournal::reopen);
        let down = self.random.between(50, 4000);
        self.after(down, Task::Restart);
    }

    pub(super) fn restart(&mut self) {
        let epoch = self.crashes + 1;
        let mut wardens: Vec<Warden> =
            (0..self.world.channels.len()).map(|channel| Warden::new(self.replayed(channel, true))).collect();
        if self.defect == Some(Defect::ForgetsFailures) {
            for segments in wardens.iter_mut().filter_map(|warden| warden.state.segments.as_mut()) {
                (segments.clips.failures, segments.sound.failures) = (0, 0);
            }
        }
        let cursor = self.journal().cursor(&intake()).expect("memory can be read");
        let desk = self.replayed_desk(self.defect == Some(Defect::ForgetsBudget));
        self.process = Some(Process::new(epoch, wardens, cursor, desk));
        self.step_after(0, 200, Step::Poll);
        self.step_after(0, 1000, Step::Tick);
        self.step_after(0, 300, Step::React);
        self.reconsider();
    }

    /// A channel's state from its events, or from a snapshot and the events after it.
    pub fn replayed(&self, channel: usize, with_snapshot: bool) -> ChannelState {
        let snapshot = self.snapshots[channel].as_ref().filter(|_| with_snapshot);
        let mut state = match snapshot {
            Some(bytes) => ciborium::from_reader(&bytes[..]).expect("a snapshot can be read"),
            None => ChannelState::new(self.world.channels[channel].clone()),
        };
        let journal = self.journal();
        fold(journal, &mut state);
        state
    }

    pub fn replayed_desk(&self, forgetful: bool) -> Desk {
        let events = self.everything();
        let mut desk = Desk::default();
        if forgetful {
            // Only what is still under way is folded, so that what was spent on ended ones is forgotten.
            let mut whole = Desk::default();
            events.iter().for_each(|recorded| whole.apply(recorded).expect("a known event"));
            let under_way = |event: &Event| match event {
                Event::EnforcementAdmitted(it) => whole.case(it.enforcement).is_some(),
                _ => true,
            };
            let kept = events.iter().filter(|recorded| under_way(&recorded.event().expect("a known event")));
            kept.for_each(|recorded| desk.apply(recorded).expect("a known event"));
        } else {
            events.iter().for_each(|recorded| desk.apply(recorded).expect("a known event"));
        }
        desk
    }

    pub fn everything(&self) -> Vec<Recorded> {
        let mut events: Vec<Recorded> = Vec::new();
        loop {
            let after = Position(events.len() as u64);
            let more = self.journal().read(after, READ_LIMIT_MAX).expect("memory can be read");
            if more.is_empty() {
                return events;
            }
            events.extend(more);
        }
    }

    pub fn find(&self, id: EventId) -> Option<Recorded> {
        self.journal().find(id).expect("memory can be read")
    }

    /// Replaying gives the state that the warden holds (invariant I3).
    pub fn compare_with_replay(&mut self) {
        let Some(process) = &self.process else { return };
        for (channel, warden) in process.wardens.iter().enumerate() {
            let replayed = self.replayed(channel, false);
            // A warden between an append and its folding is behind for a moment.
            if warden.deciding.is_none() && replayed != warden.state {
                let what = format!(
                    "I3: the warden of channel {channel} holds {:#?}, replay gives {replayed:#?}",
                    warden.state
                );
                return self.breaks(what);
            }
        }
    }

    pub(super) fn reconsider(&mut self) {
        let wardens = self.process.as_ref().map_or(0, |process| process.wardens.len());
        for channel in 0..wardens {
            self.send(channel, Message { command: Command::ReconsiderPolicy, then: Then::Nothing });
        }
    }

    pub(super) fn running(&mut self) -> &mut Process {
        self.process.as_mut().expect("steps of a process run only while it does")
    }

    pub(super) fn warden(&mut self, channel: usize) -> &mut Warden {
        &mut self.running().wardens[channel]
    }

    pub(super) fn send(&mut self, channel: usize, message: Message) {
        if self.process.is_some() {
            self.warden(channel).mailbox.push_back(message);
            self.pump(channel);
        }
    }

    /// Decides on what waits, up to the first decision that has to become durable.
    pub(super) fn pump(&mut self, channel: usize) {
        let policy = Arc::clone(&self.policies[self.policy_in_force]);
        let now = self.now();
        while self.warden(channel).deciding.is_none() {
            let Some(Message { command, then }) = self.warden(channel).mailbox.pop_front() else { return };
            match decide(&self.warden(channel).state, Some(&policy), now, &command) {
                Err(_) => self.refused(&then),
                Ok(decision) if decision.events.is_empty() => self.done(channel, then, decision.next),
                Ok(decision) => {
                    let events = self.spoil(decision.events);
                    let scope = Scope::Channel(self.world.channels[channel].clone());
                    let expected = Expected::At(self.warden(channel).state.sequence);
                    self.pending.push_back((channel, Append { scope, expected, events }));
                    if !std::mem::replace(&mut self.committing, true) {
                        self.step_after(1, 40, Step::Commit);
                    }
                    if self.defect == Some(Defect::AcknowledgesBeforeDurable) && decision.next.is_none() {
                        self.acknowledge_early(channel, &then);
                    }
                    self.warden(channel).deciding = Some((then, decision.next));
                }
            }
        }
    }

    pub(super) fn commit(&mut self) {
        self.committing = false;
        for (channel, append) in std::mem::take(&mut self.pending) {
            if let Err(refused) = self.journal().append(append).wait() {
                return self.breaks(format!("an append was refused: {refused}"));
            }
            let journal = self.journal.take().expect("it is there between steps");
            fold(&journal, &mut self.warden(channel).state);
            self.journal = Some(journal);
            if self.random.percent(3) {
                let mut bytes = Vec::new();
                ciborium::into_writer(&self.warden(channel).state, &mut bytes).expect("a state can be written");
                self.snapshots[channel] = Some(bytes);
            }
            if let Some((then, next)) = self.warden(channel).deciding.take() {
                self.done(channel, then, next);
            }
            self.pump(channel);
        }
    }

    pub(super) fn refused(&mut self, then: &Then) {
        match then {
            Then::AnswerRequest(id) => self.answer_request(*id),
            Then::Reported(enforcement, _) => {
                self.running().reporting.remove(enforcement);
            }
            Then::FrameGoesOn(_) | Then::Settle(_) | Then::Acknowledge(_) | Then::Nothing => {
                self.breaks(format!("a frame or announcement was refused: {then:?}"));
            }
        }
    }

    pub(super) fn done(&mut self, channel: usize, then: Then, next: Option<Next>) {
        match then {
            Then::FrameGoesOn(frame) => self.frame_goes_on(channel, frame, next),
            Then::Settle(frame) => self.settle(channel, frame),
            Then::Acknowledge(notification) => self.acknowledge(notification),
            Then::AnswerRequest(id) => self.answer_request(id),
            Then::Reported(enforcement, attempt) => {
                self.running().reporting.remove(&enforcement);
                if let Some(attempt) = attempt {
                    self.running().calling.insert(enforcement);
                    self.step_after(0, 50, Step::Call(enforcement, attempt));
                }
            }
            Then::Nothing => self.warden(channel).tick_queued = false,
        }
    }

    pub(super) fn answer_request(&mut self, id: EventId) {
        if let Some(request) = self.requests.iter_mut().find(|request| request.id == id) {
            request.answered = true;
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Commit => self.commit(),
            Step::Poll => self.poll(),
            Step::Tick => self.tick(),
            Step::React => self.react(),
            Step::Looked(channel, frame) => self.looked(channel, frame),
            Step::Fetched(channel, frame) => self.fetched(channel, frame),
            Step::FetchFailed(channel, frame) => self.fail(channel, frame, FailedStage::Fetch),
            Step::Ask(channel, frame) => self.ask(channel, frame),
            Step::Answered(channel, frame, labels) => self.judge(channel, frame, labels),
            Step::Deadline(channel, frame) => self.fail_or_clear(channel, frame, FailedStage::Deadline),
            Step::SeenChannel(enforcement) => self.plan(enforcement),
            Step::Call(enforcement, attempt) => self.call(enforcement, attempt),
            Step::PlatformSaid(enforcement, attempt, answer) => {
                self.running().calling.remove(&enforcement);
                if answer == PlatformAnswer::Accepted {
                    self.report(enforcement, EnforcementReport::Succeeded(attempt), None);
                }
            }
        }
    }

    /// Plants the bug that writes outcomes under ids of their own.
    pub(super) fn spoil(&self, mut events: Vec<NewEvent>) -> Vec<NewEvent> {
        if self.defect == Some(Defect::SecondOutcomeAfterCrash) && self.crashes > 0 {
            for new in &mut events {
                if matches!(new.event, Event::FrameSkipped(_) | Event::FrameAssessed(_) | Event::FrameFailed(_)) {
                    new.id = EventId::of_command("again", &[new.id.as_bytes(), &self.crashes.to_be_bytes()]);
                }
            }
        }
        events
    }
}
