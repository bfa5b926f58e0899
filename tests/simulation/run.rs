//! One run: a seeded scheduler over the world, the process and the journal, with crashes between any two steps.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::sync::Arc;

use streamwarden::clock::{Clock, ManualClock};
use streamwarden::events::{EnforcementKind, Event, FailedStage, NewEvent, Recorded, Timings};
use streamwarden::journal::{Append, Expected, Journal, MemoryJournal, READ_LIMIT_MAX};
use streamwarden::model::{
    ConsumerName, EnforcementId, EventId, Frame, FrameId, HashScheme, ImageFacts, ImageFormat, Label, LumaDelta,
    Measurement, ModeratorId, PerceptualHash, Position, ProviderRef, Scope, SessionId, Sha256, Timestamp, WarningId,
};
use streamwarden::policy::Policy;
use streamwarden::warden::enforcement::{BudgetLimits, Desk, Due, Seen, Step as Planned, plan, plan_unseen};
use streamwarden::warden::{
    Answered, Applied, ChannelState, Command, EnforcementReport, ModeratorAct, Next, apply, decide,
};

use crate::defect::Defect;
use crate::process::{MAILBOX_MAX, Message, Process, Then, UNACKNOWLEDGED_MAX, Warden, Work};
use crate::random::Random;
use crate::world::{Notification, PlatformAnswer, Reply, World};

/// Trouble lasts so long; then the world is calm until everything has come to its end.
const TROUBLE_MS: u64 = 150_000;
/// Longer than a held stop waits for a person.
const CALM_MS: u64 = 17 * 60_000;
/// A run that takes more steps than this goes round in circles.
const STEPS_MAX: u64 = 200_000;

pub const LIMITS: BudgetLimits = BudgetLimits { per_minute: 3, per_rule_per_minute: 2, live_share_milli: 1000 };

/// What happens next, and to whom.
enum Task {
    Connect(usize),
    Thumbnail(usize, SessionId),
    Disconnect(usize, SessionId),
    Publish(Notification),
    Moderate,
    Resend(usize),
    ChangePolicy,
    Unreachable(usize, bool),
    PlatformActs {
        epoch: u32,
        call: (EnforcementId, u8),
        channel: usize,
        kind: EnforcementKind,
        only: Option<SessionId>,
    },
    Restart,
    /// A step of the process, lost if the process has crashed since.
    Process(u32, Step),
}

enum Step {
    Commit,
    Poll,
    Tick,
    React,
    Looked(usize, FrameId),
    FetchFailed(usize, FrameId),
    Ask(usize, FrameId),
    Answered(usize, FrameId, Vec<Label>),
    Deadline(usize, FrameId),
    SeenChannel(EnforcementId),
    Call(EnforcementId, u8),
    PlatformSaid(EnforcementId, u8, PlatformAnswer),
}

/// What a moderator asked for, kept until it is answered.
pub struct Request {
    pub id: EventId,
    pub by: ModeratorId,
    pub channel: usize,
    pub act: ModeratorAct,
    pub answered: bool,
}

impl Request {
    pub fn named(&self) -> &[WarningId] {
        match &self.act {
            ModeratorAct::Uphold(named) | ModeratorAct::Dismiss(named) => named,
            _ => &[],
        }
    }
}

pub struct Run {
    pub random: Random,
    pub world: World,
    pub journal: Option<MemoryJournal>,
    pub process: Option<Process>,
    pub requests: Vec<Request>,
    pub steps: u64,
    pub crashes: u32,
    pub clock: Arc<ManualClock>,
    pub policies: Vec<Arc<Policy>>,
    defect: Option<Defect>,
    policy_in_force: usize,
    queue: BinaryHeap<Reverse<(i64, u64)>>,
    tasks: Vec<Option<Task>>,
    /// Appends queued and not durable.
    pending: VecDeque<(usize, Append)>,
    committing: bool,
    crash_at: BTreeSet<u64>,
    end_of_trouble: Timestamp,
    /// Derived, deletable: a state as CBOR per channel.
    snapshots: Vec<Option<Vec<u8>>>,
    pub broken: Option<String>,
}

impl Run {
    pub fn new(seed: u64, defect: Option<Defect>, policies: Vec<Arc<Policy>>) -> Self {
        let mut random = Random::of_seed(seed);
        let beginning = Timestamp::from_millis(1_767_225_600_000);
        let clock = Arc::new(ManualClock::at(beginning));
        let world = World::new(&mut random);
        let crashes = random.between(0, 4);
        let crash_at = (0..crashes).map(|_| random.between(20, 2500)).collect();
        let snapshots = world.channels.iter().map(|_| None).collect();
        let mut run = Self {
            journal: Some(MemoryJournal::new(Arc::<ManualClock>::clone(&clock))),
            process: None,
            requests: Vec::new(),
            steps: 0,
            crashes: 0,
            clock,
            policies,
            defect,
            policy_in_force: 0,
            queue: BinaryHeap::new(),
            tasks: Vec::new(),
            pending: VecDeque::new(),
            committing: false,
            crash_at,
            end_of_trouble: beginning.plus_ms(TROUBLE_MS),
            snapshots,
            broken: None,
            random,
            world,
        };
        run.restart();
        for channel in 0..run.world.channels.len() {
            let after = run.random.between(0, 5000);
            run.after(after, Task::Connect(channel));
        }
        for _ in 0..2 {
            run.after(3000, Task::Moderate);
        }
        let after = run.random.between(10_000, TROUBLE_MS);
        run.after(after, Task::ChangePolicy);
        let channel = run.random.between(0, run.world.channels.len() as u64 - 1) as usize;
        let after = run.random.between(0, TROUBLE_MS);
        run.after(after, Task::Unreachable(channel, true));
        run
    }

    /// Runs to the end, or to the first thing that is wrong.
    pub fn to_the_end(&mut self) {
        let end = self.end_of_trouble.plus_ms(CALM_MS);
        while let Some(Reverse((at, number))) = self.queue.pop() {
            let at = Timestamp::from_micros(at);
            if at > end || self.broken.is_some() {
                break;
            }
            self.clock.set(at);
            self.world.calm = at > self.end_of_trouble;
            self.steps += 1;
            if self.steps > STEPS_MAX {
                self.breaks("the run does not come to rest".to_owned());
            }
            if self.crash_at.contains(&self.steps) && self.process.is_some() && !self.world.calm {
                self.crash();
            }
            if let Some(task) = self.tasks[number as usize].take() {
                self.perform(task);
            }
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn journal(&self) -> &MemoryJournal {
        self.journal.as_ref().expect("the journal is missing only while it is reopened")
    }

    fn breaks(&mut self, what: String) {
        let at = self.now();
        self.broken.get_or_insert(format!("step {} at {at}: {what}", self.steps));
    }

    fn after(&mut self, ms: u64, task: Task) {
        let at = self.now().plus_ms(ms);
        self.queue.push(Reverse((at.as_micros(), self.tasks.len() as u64)));
        self.tasks.push(Some(task));
    }

    fn step_after(&mut self, low: u64, high: u64, step: Step) {
        let ms = self.random.between(low, high);
        let epoch = self.process.as_ref().map_or(0, |process| process.epoch);
        self.after(ms, Task::Process(epoch, step));
    }

    fn perform(&mut self, task: Task) {
        match task {
            Task::Connect(channel) => self.connect(channel),
            Task::Thumbnail(channel, session) => self.thumbnail(channel, session),
            Task::Disconnect(channel, session) => {
                if self.world.live[channel].on_air.as_ref() == Some(&session) {
                    self.world.live[channel].on_air = None;
                    self.off_the_air(channel, session);
                }
            }
            Task::Publish(notification) => self.world.source.push(notification),
            Task::Moderate => self.moderate(),
            Task::Resend(request) => self.submit_request(request),
            Task::ChangePolicy => {
                self.policy_in_force = 1;
                self.reconsider();
            }
            Task::Unreachable(channel, true) => {
                self.world.unreachable.insert(channel);
                let after = self.random.between(1_000, 400_000);
                self.after(after, Task::Unreachable(channel, false));
            }
            Task::Unreachable(channel, false) => {
                self.world.unreachable.remove(&channel);
            }
            Task::PlatformActs { epoch, call, channel, kind, only } => {
                self.platform_acts(epoch, call, channel, kind, only);
            }
            Task::Restart => self.restart(),
            Task::Process(epoch, step) => {
                if self.process.as_ref().is_some_and(|process| process.epoch == epoch) {
                    self.step(step);
                }
            }
        }
    }

    // The world.

    fn connect(&mut self, channel: usize) {
        if self.world.calm {
            return;
        }
        let again = self.random.between(5_000, 20_000);
        match self.world.connect(channel) {
            None => self.after(again, Task::Connect(channel)),
            Some(session) => {
                let now = self.now();
                if !self.random.percent(20) {
                    let late = self.random.between(0, 4000);
                    self.after(late, Task::Publish(Notification::Started(channel, session.clone(), now)));
                }
                if self.random.percent(15) {
                    let late = self.random.between(0, 20_000);
                    self.after(late, Task::Publish(Notification::Started(channel, session.clone(), now)));
                }
                self.after(500, Task::Thumbnail(channel, session.clone()));
                let lasts = self.random.between(5_000, 70_000);
                self.after(lasts, Task::Disconnect(channel, session));
            }
        }
    }

    fn off_the_air(&mut self, channel: usize, session: SessionId) {
        if !self.random.percent(20) {
            let late = self.random.between(0, 6000);
            self.after(late, Task::Publish(Notification::Ended(channel, session)));
        }
        let pause = self.random.between(200, 12_000);
        self.after(pause, Task::Connect(channel));
    }

    fn thumbnail(&mut self, channel: usize, session: SessionId) {
        if self.world.calm || self.world.live[channel].on_air.as_ref() != Some(&session) {
            return;
        }
        let now = self.now();
        let frame = self.world.thumbnail(&mut self.random, channel, &session, now);
        let late = if self.random.percent(10) { 6000 } else { 80 };
        let delay = self.random.between(10, late);
        if self.random.percent(15) {
            let again = self.random.between(10, 9000);
            let mut copy = frame.clone();
            if self.random.percent(10) {
                copy.fingerprint = streamwarden::model::Fingerprint::of(&[b"another"]);
            }
            self.after(again, Task::Publish(Notification::Frame(copy)));
        }
        self.after(delay, Task::Publish(Notification::Frame(frame)));
        let next = self.random.between(700, 2500);
        self.after(next, Task::Thumbnail(channel, session));
    }

    fn platform_acts(
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

    // Moderators.

    fn moderate(&mut self) {
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
            (0, Some(warning), _) => ModeratorAct::Claim(warning),
            (1, Some(warning), _) => ModeratorAct::Release(warning),
            (2 | 3, Some(_), _) => ModeratorAct::Dismiss(some(&mut self.random)),
            (4, Some(_), _) => ModeratorAct::Uphold(some(&mut self.random)),
            (5, Some(warning), _) => ModeratorAct::Withdraw(warning),
            (6, _, Some(enforcement)) => ModeratorAct::AdmitHeld(enforcement),
            (7, _, Some(enforcement)) => ModeratorAct::Cancel(enforcement),
            (8, ..) => ModeratorAct::Enforce { kind: EnforcementKind::Lift, session: None },
            (9, ..) => {
                let kind = if self.random.percent(30) { EnforcementKind::Suspend } else { EnforcementKind::Stop };
                ModeratorAct::Enforce { kind, session }
            }
            _ => return,
        };
        let by = ModeratorId::new(self.random.pick(&["ann", "ben"]).expect("not empty")).expect("a sound name");
        let id = EventId::of_command("request", &[&(self.requests.len() as u64).to_be_bytes()]);
        self.requests.push(Request { id, by, channel, act, answered: false });
        self.submit_request(self.requests.len() - 1);
    }

    fn submit_request(&mut self, at: usize) {
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
                ModeratorAct::Dismiss(state.open_warnings().map(|warning| warning.id).collect())
            }
            (act, _) => act.clone(),
        };
        let command = Command::Moderate { request: id, by: request.by.clone(), act };
        self.send(channel, Message { command, then: Then::AnswerRequest(id) });
    }

    // The process.

    fn crash(&mut self) {
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

    fn restart(&mut self) {
        let epoch = self.crashes + 1;
        let wardens = (0..self.world.channels.len()).map(|channel| Warden::new(self.replayed(channel, true))).collect();
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

    fn reconsider(&mut self) {
        let wardens = self.process.as_ref().map_or(0, |process| process.wardens.len());
        for channel in 0..wardens {
            self.send(channel, Message { command: Command::ReconsiderPolicy, then: Then::Nothing });
        }
    }

    fn running(&mut self) -> &mut Process {
        self.process.as_mut().expect("steps of a process run only while it does")
    }

    fn warden(&mut self, channel: usize) -> &mut Warden {
        &mut self.running().wardens[channel]
    }

    fn send(&mut self, channel: usize, message: Message) {
        if self.process.is_some() {
            self.warden(channel).mailbox.push_back(message);
            self.pump(channel);
        }
    }

    /// Decides on what waits, up to the first decision that has to become durable.
    fn pump(&mut self, channel: usize) {
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

    fn commit(&mut self) {
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

    fn refused(&mut self, then: &Then) {
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

    fn done(&mut self, channel: usize, then: Then, next: Option<Next>) {
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

    fn answer_request(&mut self, id: EventId) {
        if let Some(request) = self.requests.iter_mut().find(|request| request.id == id) {
            request.answered = true;
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Commit => self.commit(),
            Step::Poll => self.poll(),
            Step::Tick => self.tick(),
            Step::React => self.react(),
            Step::Looked(channel, frame) => self.looked(channel, frame),
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

    // Intake.

    fn poll(&mut self) {
        self.step_after(50, 300, Step::Poll);
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

    fn deliver(&mut self, notification: usize, frame: Frame) {
        let channel = self.world.channels.iter().position(|id| *id == frame.channel).expect("a channel of this world");
        let forgets = self.defect == Some(Defect::SecondOutcomeAfterCrash) && self.crashes > 0;
        if !forgets && let Some(outcome) = self.find(EventId::outcome_of(frame.id)) {
            return self.known(channel, notification, frame, &outcome);
        }
        let (id, print) = (frame.id, frame.fingerprint);
        if let Some(waiters) = self.warden(channel).joined.get_mut(&id) {
            waiters.push((notification, print));
            let in_flight = self.warden(channel).in_flight.as_ref().is_some_and(|work| work.frame.id == id);
            if self.defect == Some(Defect::AsksTwice) && in_flight {
                let epoch = self.running().epoch;
                let _ = self.world.ask(&mut self.random, id, epoch); // the planted bug: nobody uses the answer
            }
            return;
        }
        self.warden(channel).joined.insert(id, vec![(notification, print)]);
        if self.warden(channel).mailbox.len() >= MAILBOX_MAX {
            self.send(channel, Message { command: Command::ShedFrame { frame }, then: Then::Settle(id) });
        } else if self.warden(channel).in_flight.is_none() {
            self.start(channel, frame);
        } else {
            self.wait_or_give_way(channel, frame);
        }
    }

    fn wait_or_give_way(&mut self, channel: usize, frame: Frame) {
        let (newer, older) = match self.warden(channel).waiting.take() {
            None => (frame, None),
            Some(waiting) if waiting.captured_at <= frame.captured_at => (frame, Some(waiting)),
            Some(waiting) => (waiting, Some(frame)),
        };
        let by = newer.id;
        self.warden(channel).waiting = Some(newer);
        if let Some(older) = older.filter(|_| self.defect != Some(Defect::LosesSuperseded)) {
            let then = Then::Settle(older.id);
            self.send(channel, Message { command: Command::SupersedeFrame { frame: older, by }, then });
        }
    }

    /// The frame has its outcome: another notification under its id is a conflict, the same one changes nothing.
    fn known(&mut self, channel: usize, notification: usize, frame: Frame, outcome: &Recorded) {
        if print_of(outcome) == Some(frame.fingerprint) {
            self.acknowledge(notification);
        } else {
            let command = Command::ReportConflict { frame, outcome: outcome.envelope.id };
            self.send(channel, Message { command, then: Then::Acknowledge(notification) });
        }
    }

    fn settle(&mut self, channel: usize, frame: FrameId) {
        let waiters = self.warden(channel).joined.remove(&frame).unwrap_or_default();
        for (notification, _) in waiters {
            let Some(Notification::Frame(copy)) = self.world.source.get(notification).cloned() else { continue };
            match self.find(EventId::outcome_of(frame)) {
                Some(outcome) => self.known(channel, notification, copy, &outcome),
                None => self.acknowledge(notification),
            }
        }
    }

    fn acknowledge_early(&mut self, channel: usize, then: &Then) {
        if let Then::FrameGoesOn(frame) | Then::Settle(frame) = then {
            let waiters = self.warden(channel).joined.get(frame).cloned().unwrap_or_default();
            waiters.iter().for_each(|(notification, _)| self.acknowledge(*notification));
        }
    }

    fn acknowledge(&mut self, notification: usize) {
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

    // A frame's way.

    fn start(&mut self, channel: usize, frame: Frame) {
        let policy = Some(Arc::clone(&self.policies[self.policy_in_force]));
        let then = Then::FrameGoesOn(frame.id);
        self.warden(channel).in_flight = Some(Work { frame: frame.clone(), policy });
        self.send(channel, Message { command: Command::TakeFrame { frame }, then });
    }

    fn frame_goes_on(&mut self, channel: usize, frame: FrameId, next: Option<Next>) {
        match next {
            Some(Next::Look) => {
                if self.defect == Some(Defect::SampledBeforeJudged) {
                    let captured_at = self.warden(channel).in_flight.as_ref().map(|work| work.frame.captured_at);
                    let state = &mut self.warden(channel).state;
                    state.newest_sampled = state.newest_sampled.max(captured_at);
                }
                if !self.world.calm && self.random.percent(4) {
                    self.step_after(5, 500, Step::FetchFailed(channel, frame));
                } else {
                    self.step_after(5, 200, Step::Looked(channel, frame));
                }
            }
            Some(Next::Ask) => self.ask(channel, frame),
            None => {
                self.warden(channel).in_flight = None;
                self.settle(channel, frame);
                if let Some(waiting) = self.warden(channel).waiting.take() {
                    self.start(channel, waiting);
                }
            }
        }
    }

    fn work(&mut self, channel: usize, frame: FrameId) -> Option<(Frame, Arc<Policy>)> {
        let work = self.warden(channel).in_flight.as_ref().filter(|work| work.frame.id == frame)?;
        Some((work.frame.clone(), work.policy.clone()?))
    }

    fn measured(&mut self, channel: usize, frame: FrameId) -> Measurement {
        let sha256 = Sha256::of(frame.as_bytes());
        let image = ImageFacts { sha256, bytes: 9, width: 640, height: 360, format: ImageFormat::Jpeg };
        let reference = self.warden(channel).state.reference.clone();
        let bits = u64::from(frame.as_bytes()[0]) & if frame.as_bytes()[1] < 90 { 0 } else { u64::MAX };
        let bits = if frame.as_bytes()[2] < 100 { bits } else { u64::from_be_bytes([frame.as_bytes()[3]; 8]) };
        let luma = reference.map(|reference| (reference.sequence, LumaDelta(u16::from(frame.as_bytes()[4]) * 10)));
        let hash = PerceptualHash { scheme: HashScheme::MedianDctFromDc, bits };
        Measurement { image, hash, luma: luma.filter(|_| frame.as_bytes()[5] < 128) }
    }

    fn looked(&mut self, channel: usize, id: FrameId) {
        let Some((frame, policy)) = self.work(channel, id) else { return };
        let measured = self.measured(channel, id);
        let command = Command::CompareFrame { frame, policy, measured };
        self.send(channel, Message { command, then: Then::FrameGoesOn(id) });
    }

    fn ask(&mut self, channel: usize, frame: FrameId) {
        const TRIES_MAX: u8 = 3;
        let epoch = self.running().epoch;
        match self.world.ask(&mut self.random, frame, epoch) {
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

    fn fail_or_clear(&mut self, channel: usize, frame: FrameId, stage: FailedStage) {
        if self.defect == Some(Defect::FailureIsClear) {
            self.judge(channel, frame, Vec::new());
        } else {
            self.fail(channel, frame, stage);
        }
    }

    fn fail(&mut self, channel: usize, id: FrameId, stage: FailedStage) {
        let Some((frame, _)) = self.work(channel, id) else { return };
        let command = Command::FailFrame { frame, stage, reason: "it did not answer".to_owned(), attempts: 3 };
        self.send(channel, Message { command, then: Then::FrameGoesOn(id) });
    }

    fn judge(&mut self, channel: usize, id: FrameId, labels: Vec<Label>) {
        let Some((frame, policy)) = self.work(channel, id) else { return };
        let measured = self.measured(channel, id);
        let provider = ProviderRef { name: "scripted".into(), model: "1".into(), taxonomy: "scripted/1".into() };
        let answer = Answered { provider, labels, kept: None, unmapped: 0 };
        let command = Command::JudgeFrame { frame, policy, measured, answer, took: Timings(1, 2, 3) };
        self.send(channel, Message { command, then: Then::FrameGoesOn(id) });
    }

    fn tick(&mut self) {
        let calm = if self.world.calm { 10_000 } else { 1000 };
        self.step_after(calm, calm, Step::Tick);
        for channel in 0..self.world.channels.len() {
            if !std::mem::replace(&mut self.warden(channel).tick_queued, true) {
                self.send(channel, Message { command: Command::Tick, then: Then::Nothing });
            }
        }
    }

    // The enforcement reactor.

    fn fold_desk(&mut self) {
        let journal = self.journal.take().expect("it is there between steps");
        let desk = &mut self.running().desk;
        loop {
            let events = journal.read(desk.position, READ_LIMIT_MAX).expect("memory can be read");
            if events.is_empty() {
                break;
            }
            events.iter().for_each(|recorded| desk.apply(recorded).expect("a known event"));
        }
        self.journal = Some(journal);
    }

    fn react(&mut self) {
        let calm = if self.world.calm { 2000 } else { 200 };
        self.step_after(calm / 2, calm, Step::React);
        self.fold_desk();
        if !self.running().reporting.is_empty() {
            return;
        }
        let now = self.now();
        for (enforcement, due) in self.running().desk.due(LIMITS, now) {
            match due {
                Due::Report(report) => self.report(enforcement, report, None),
                Due::Look => {
                    let process = self.running();
                    if !process.calling.contains(&enforcement) && process.looking.insert(enforcement) {
                        self.step_after(5, 80, Step::SeenChannel(enforcement));
                    }
                }
            }
        }
    }

    fn report(&mut self, enforcement: EnforcementId, report: EnforcementReport, attempt: Option<u8>) {
        self.fold_desk();
        let Some(channel) = self.channel_of(enforcement) else { return };
        if self.running().reporting.insert(enforcement) {
            let command = Command::Report { enforcement, report };
            self.send(channel, Message { command, then: Then::Reported(enforcement, attempt) });
        }
    }

    fn channel_of(&mut self, enforcement: EnforcementId) -> Option<usize> {
        let channel = self.running().desk.case(enforcement)?.channel.clone();
        self.world.channels.iter().position(|id| *id == channel)
    }

    fn plan(&mut self, enforcement: EnforcementId) {
        self.running().looking.remove(&enforcement);
        self.fold_desk();
        let Some(channel) = self.channel_of(enforcement) else { return };
        let Some(case) = self.running().desk.case(enforcement).cloned() else { return };
        let now = self.now();
        let live = &self.world.live[channel];
        let trouble = !self.world.calm && self.random.percent(10); // 503 to the look itself
        let step = if trouble || self.world.unreachable.contains(&channel) {
            plan_unseen(&case, now)
        } else {
            plan(&case, &Seen { on_air: live.on_air.clone(), suspended: live.keys_revoked }, now)
        };
        match step {
            Planned::Report(report) => self.report(enforcement, report, None),
            Planned::Try(attempt) => self.report(enforcement, EnforcementReport::Attempting(attempt), Some(attempt)),
            Planned::Wait => {}
        }
    }

    fn call(&mut self, enforcement: EnforcementId, attempt: u8) {
        self.fold_desk();
        let Some(channel) = self.channel_of(enforcement) else { return };
        let Some(case) = self.running().desk.case(enforcement).cloned() else { return };
        let only = case.request.session.filter(|_| self.defect != Some(Defect::StopsWithoutSession));
        let epoch = self.running().epoch;
        let transit = self.random.between(20, 1500);
        let call = (enforcement, attempt);
        self.after(transit, Task::PlatformActs { epoch, call, channel, kind: case.request.kind, only });
    }

    /// Plants the bug that writes outcomes under ids of their own.
    fn spoil(&self, mut events: Vec<NewEvent>) -> Vec<NewEvent> {
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

fn intake() -> ConsumerName {
    ConsumerName::new("intake").expect("a sound name")
}

/// Folds what is stored and not yet in the state.
fn fold(journal: &MemoryJournal, state: &mut ChannelState) {
    let scope = Scope::Channel(state.channel.clone());
    loop {
        let events = journal.read_scope(&scope, state.sequence, READ_LIMIT_MAX).expect("memory can be read");
        if events.is_empty() {
            return;
        }
        for recorded in &events {
            apply(state, Applied::of(recorded), &recorded.event().expect("a known event"));
        }
    }
}

fn print_of(outcome: &Recorded) -> Option<streamwarden::model::Fingerprint> {
    match outcome.event().expect("a known event") {
        Event::FrameSkipped(skipped) => Some(skipped.print),
        Event::FrameAssessed(assessed) => Some(assessed.print),
        Event::FrameFailed(failed) => Some(failed.print),
        _ => None,
    }
}
