//! One run: a seeded scheduler over the world, the process and the journal, with crashes between any two steps.

pub mod arranged;
mod frames;
mod outside;
mod reactor;
mod shell;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::sync::Arc;

use streamwarden::clock::{Clock, ManualClock};
use streamwarden::events::EnforcementKind;
use streamwarden::journal::{Append, Journal, MemoryJournal, READ_LIMIT_MAX};
use streamwarden::model::{
    ConsumerName, EnforcementId, EventId, FrameId, Label, ModeratorId, Scope, SessionId, Timestamp, WarningId,
};
use streamwarden::policy::Policy;
use streamwarden::warden::enforcement::BudgetLimits;
use streamwarden::warden::{Applied, ChannelState, ModeratorAct, apply};

use crate::defect::Defect;
use crate::process::Process;
use crate::random::Random;
use crate::world::{Notification, PlatformAnswer, World};

/// Trouble lasts so long; then the world is calm until everything has come to its end.
const TROUBLE_MS: u64 = 140_000;
/// Longer than a held stop waits for a person.
const CALM_MS: u64 = 17 * 60_000;
/// In calm a run goes on at least so long: deliveries are late by less, and unwatched channels are called so.
const SILENCE_MS: u64 = 60_000;
/// A run that takes more steps than this goes round in circles.
const STEPS_MAX: u64 = 200_000;

pub const LIMITS: BudgetLimits = BudgetLimits { per_minute: 3, per_rule_per_minute: 2, live_share_milli: 1000 };

/// What happens next, and to whom.
enum Task {
    Connect(usize),
    Thumbnail(usize, SessionId),
    Segment(usize, SessionId),
    Speechless(bool),
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
    Fetched(usize, FrameId),
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
    pub fn names(&self, warning: WarningId) -> bool {
        match &self.act {
            ModeratorAct::Uphold(answering) | ModeratorAct::Dismiss(answering) => {
                answering.warnings.iter().any(|named| named.warning == warning)
            }
            _ => false,
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
        let after = run.random.between(0, TROUBLE_MS);
        run.after(after, Task::Speechless(true));
        run
    }

    /// Runs to the end, or to the first thing that is wrong.
    pub fn run_to_end(&mut self) {
        let end = self.end_of_trouble.plus_ms(CALM_MS);
        while let Some(Reverse((at, number))) = self.queue.pop() {
            let at = Timestamp::from_micros(at);
            if at > end || self.broken.is_some() || self.is_at_rest(at) {
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

    /// Nothing is under way any more, and a silence has had time to become loud.
    fn is_at_rest(&self, at: Timestamp) -> bool {
        at > self.end_of_trouble.plus_ms(SILENCE_MS)
            && self.pending.is_empty()
            && self.requests.iter().all(|request| request.answered)
            && self.process.as_ref().is_some_and(|process| {
                process.cursor == self.world.source.len()
                    && process.wardens.iter().all(|warden| warden.is_idle() && warden.state.enforcements.is_empty())
            })
    }

    pub fn policy_in_force(&self) -> &Policy {
        &self.policies[self.policy_in_force]
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
            Task::Segment(channel, session) => self.segment(channel, session),
            Task::Speechless(is) => {
                self.world.speechless = is;
                if is {
                    let after = self.random.between(5_000, 60_000);
                    self.after(after, Task::Speechless(false));
                }
            }
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
