//! Random commands, extreme times and confidences included, and the channel that they are put to.

use std::sync::Arc;

use proptest::prelude::*;
use streamwarden::clock::ManualClock;
use streamwarden::events::{
    Budget, EnforcementKind, Event, FailedStage, NotNeededBecause, Recorded, ReputationChange, SupersededBecause,
    Timings,
};
use streamwarden::journal::{Append, AppendError, Appended, Expected, Journal, MemoryJournal, READ_LIMIT_MAX};
use streamwarden::model::{
    Action, ActionName, Approval, ChannelId, Confidence, EnforcementId, EventId, ExternalId, Fingerprint, Frame,
    FrameId, FrameOrigin, HashScheme, ImageFacts, ImageFormat, Label, LabelPath, LumaDelta, Measurement, ModeratorId,
    OnUnavailable, PerceptualHash, PolicyId, PolicyRef, ProviderRef, RuleId, Scope, Score, Sequence, SessionId, Sha256,
    Timestamp, WarningId,
};
use streamwarden::policy::taxonomy::Scale;
use streamwarden::policy::{
    Arrangement, AutomaticStops, Category, Channels, Policy, Rule, Sampling, SimilarityLimits, Tuning, Window,
};
use streamwarden::reputation::budget::Need;
use streamwarden::warden::{
    Answered, Answering, Appealed, Applied, Beside, ChannelState, Command, DecidedFrame, Decision, EnforcementReport,
    ExternalDecision, ModeratorAct, SeenWarning, UpheldWarning, apply, decide,
};

use crate::lines::moment;
use crate::samples;

/// A command in the making: warnings and enforcements are named by their place in the state it will meet.
#[derive(Debug, Clone)]
pub enum Wanted {
    Start(u8, i64),
    End(u8),
    Take(u8, u8, i64),
    Shed(u8, u8, i64),
    Supersede(u8, u8, i64),
    Compare(u8, u8, i64, u64, Option<u16>),
    Spend(u8, u8, i64, u16),
    Judge(u8, u8, i64, Vec<(u8, u32)>),
    Fail(u8, u8, i64),
    Quarantine(u8, u8, i64),
    Conflict(u8, u8, i64),
    Reconsider(u8),
    /// Another policy in shadow, or none.
    Shadow(u8),
    Tick,
    /// An external actor's action about a frame that has its outcome, if one has.
    Decide(u8, u8),
    Moderate(u8, u8, u8, u8),
    Report(u8, u8, u8),
}

/// Mostly the first minutes of a table, sometimes the ends of time.
fn time() -> impl Strategy<Value = i64> {
    let near = || (0i64..400_000).prop_map(|ms| moment(ms as f64 / 1000.0).as_micros());
    prop_oneof![40 => near(), 1 => Just(i64::MAX), 1 => Just(i64::MIN), 1 => any::<i64>()]
}

pub fn wanted() -> impl Strategy<Value = Wanted> {
    let session = || 0u8..4;
    let frame = || 0u8..40;
    let confidence = prop_oneof![Just(0u32), Just(100_000), 60_000u32..100_000];
    let labels = proptest::collection::vec((0u8..5, confidence), 0..6);
    prop_oneof![
        2 => (session(), time()).prop_map(|(s, at)| Wanted::Start(s, at)),
        1 => session().prop_map(Wanted::End),
        3 => (frame(), session(), time()).prop_map(|(f, s, at)| Wanted::Take(f, s, at)),
        1 => (frame(), session(), time()).prop_map(|(f, s, at)| Wanted::Shed(f, s, at)),
        1 => (frame(), session(), time()).prop_map(|(f, s, at)| Wanted::Supersede(f, s, at)),
        2 => (frame(), session(), time(), any::<u64>(), any::<Option<u16>>())
            .prop_map(|(f, s, at, hash, luma)| Wanted::Compare(f, s, at, hash, luma)),
        2 => (frame(), session(), time(), 0u16..1001).prop_map(|(f, s, at, bar)| Wanted::Spend(f, s, at, bar)),
        8 => (frame(), session(), time(), labels).prop_map(|(f, s, at, labels)| Wanted::Judge(f, s, at, labels)),
        4 => (frame(), session(), time()).prop_map(|(f, s, at)| Wanted::Fail(f, s, at)),
        1 => (frame(), session(), time()).prop_map(|(f, s, at)| Wanted::Quarantine(f, s, at)),
        1 => (frame(), session(), time()).prop_map(|(f, s, at)| Wanted::Conflict(f, s, at)),
        1 => (0u8..3).prop_map(Wanted::Reconsider),
        2 => (0u8..4).prop_map(Wanted::Shadow),
        3 => Just(Wanted::Tick),
        3 => (any::<u8>(), 0u8..4).prop_map(|(at, action)| Wanted::Decide(at, action)),
        8 => (0u8..14, any::<u8>(), 0u8..2, 0u8..60).prop_map(|(act, at, by, r)| Wanted::Moderate(act, at, by, r)),
        8 => (0u8..9, any::<u8>(), 0u8..4).prop_map(|(report, at, n)| Wanted::Report(report, at, n)),
    ]
}

/// One channel over the journal in memory, run as a warden is.
pub struct Channel {
    pub journal: MemoryJournal,
    clock: Arc<ManualClock>,
    pub state: ChannelState,
    policies: [Option<Arc<Policy>>; 3],
    policy: usize,
    shadows: [Option<Arc<Policy>>; 4],
    pub shadow: usize,
}

impl Channel {
    pub fn new() -> Self {
        let clock = Arc::new(ManualClock::at(moment(0.0)));
        let channel = ChannelId::new("stage").expect("a sound name");
        Self {
            journal: MemoryJournal::new(Arc::<ManualClock>::clone(&clock)),
            clock,
            state: ChannelState::new(channel),
            policies: [Some(Arc::new(policy(1))), Some(Arc::new(policy(2))), None],
            policy: 0,
            shadows: [None, Some(Arc::new(shadow(1))), Some(Arc::new(shadow(2))), Some(Arc::new(shadow(3)))],
            shadow: 0,
        }
    }

    /// The channel is watched by this policy, and by no other.
    #[allow(dead_code)] // for the tests of the laboratory, which records with this
    pub fn watch_by(&mut self, policy: Policy) {
        self.policies = [Some(Arc::new(policy)), None, None];
        self.policy = 0;
    }

    pub fn events(&self) -> Vec<Recorded> {
        let mut events: Vec<Recorded> = Vec::new();
        loop {
            let after = Sequence(events.len() as u64);
            let scope = Scope::Channel(self.state.channel.clone());
            let more = self.journal.read_scope(&scope, after, READ_LIMIT_MAX).expect("memory can be read");
            if more.is_empty() {
                return events;
            }
            events.extend(more);
        }
    }

    /// Runs a command as a warden does: what has its outcome already is not decided again.
    pub fn run(&mut self, now: Timestamp, command: &Command) {
        if self.is_done(command) {
            return;
        }
        self.clock.set(now);
        let policy = self.policies[self.policy].clone();
        let Ok(Decision { events, .. }) = decide(&self.state, policy.as_deref(), now, command) else { return };
        if events.is_empty() {
            return;
        }
        let expected = Expected::At(self.state.sequence);
        let scope = Scope::Channel(self.state.channel.clone());
        match self.journal.append(Append { scope: scope.clone(), expected, events }).wait() {
            Ok(Appended::New { .. } | Appended::Repeated { .. }) => {}
            Err(AppendError::IdTaken { .. }) if matches!(command, Command::ReportConflict { .. }) => {}
            Err(refused) => panic!("{command:?} is refused by the journal: {refused}"),
        }
        let new = self.journal.read_scope(&scope, self.state.sequence, READ_LIMIT_MAX).expect("memory can be read");
        for recorded in new {
            apply(&mut self.state, Applied::of(&recorded), &recorded.event().expect("a known event"));
        }
    }

    /// The policy that watches it now.
    pub fn watching(&self) -> Option<Arc<Policy>> {
        self.policies[self.policy].clone()
    }

    /// Whether the journal holds the outcome of the command: how a redelivery changes nothing.
    fn is_done(&self, command: &Command) -> bool {
        command.done_as().is_some_and(|id| self.journal.find(id).expect("memory can be read").is_some())
    }

    pub fn command(&mut self, wanted: &Wanted) -> Command {
        let policy = self.watching().unwrap_or_else(|| Arc::new(policy(1)));
        match wanted {
            Wanted::Start(session, at) => {
                Command::StartSession { session: session_id(*session), at: Timestamp::from_micros(*at) }
            }
            Wanted::End(session) => Command::EndSession { session: session_id(*session) },
            Wanted::Take(f, s, at) => Command::TakeFrame { frame: self.frame(*f, *s, *at) },
            Wanted::Shed(f, s, at) => Command::ShedFrame { frame: self.frame(*f, *s, *at) },
            Wanted::Supersede(f, s, at) => {
                let by = FrameId::of(&self.state.channel, &[b"newer"]);
                Command::SupersedeFrame { frame: self.frame(*f, *s, *at), by }
            }
            Wanted::Compare(f, s, at, hash, luma) => {
                let measured = self.measured(*hash, *luma);
                Command::CompareFrame { frame: self.frame(*f, *s, *at), policy, measured }
            }
            Wanted::Spend(f, s, at, bar) => {
                Command::SpendCall { frame: self.frame(*f, *s, *at), policy, bar: need(*bar) }
            }
            Wanted::Judge(f, s, at, labels) => Command::JudgeFrame {
                frame: self.frame(*f, *s, *at),
                policy,
                shadow: self.shadows[self.shadow].clone(),
                measured: Some(self.measured(u64::from(*f), None)),
                segment: None,
                answer: Box::new(answered(labels)),
                beside: Beside::default(),
                took: Timings(u32::MAX, 0, 1),
            },
            Wanted::Fail(f, s, at) => {
                let frame = self.frame(*f, *s, *at);
                Command::FailFrame {
                    frame,
                    stage: FailedStage::Provider,
                    reason: "ö".repeat(400),
                    attempts: 255,
                    asked: None,
                }
            }
            Wanted::Quarantine(f, s, at) => {
                Command::Quarantine { frame: self.frame(*f, *s, *at), reason: "broke".to_owned() }
            }
            Wanted::Conflict(f, s, at) => {
                let frame = self.frame(*f, *s, *at);
                let outcome = EventId::outcome_of(frame.id);
                Command::ReportConflict { frame, outcome }
            }
            Wanted::Reconsider(policy) => {
                self.policy = usize::from(*policy);
                Command::ReconsiderPolicy
            }
            Wanted::Shadow(shadow) => {
                self.shadow = usize::from(*shadow);
                Command::ReconsiderPolicy
            }
            Wanted::Tick => Command::Tick,
            Wanted::Decide(at, action) => self.decide(*at, *action),
            Wanted::Moderate(act, at, by, request) => self.moderate(*act, *at, *by, *request),
            Wanted::Report(report, at, n) => self.report(*report, *at, *n),
        }
    }

    pub fn frame(&self, frame: u8, session: u8, at: i64) -> Frame {
        Frame {
            medium: Default::default(),
            channel: self.state.channel.clone(),
            session: session_id(session),
            id: FrameId::of(&self.state.channel, &[&[frame]]),
            captured_at: Timestamp::from_micros(at),
            fingerprint: Fingerprint::of(&[&[frame]]),
            origin: FrameOrigin::Inline(Arc::from([])),
        }
    }

    pub fn measured(&self, bits: u64, luma: Option<u16>) -> Measurement {
        let image = ImageFacts { sha256: Sha256([0; 32]), bytes: 1, width: 1, height: 1, format: ImageFormat::Webp };
        let reference = self.state.reference.as_ref().map_or(Sequence(0), |reference| reference.sequence);
        let hash = PerceptualHash { scheme: HashScheme::PhashFromDc, bits };
        Measurement { image, hash, luma: luma.map(|delta| (reference, LumaDelta(delta))) }
    }

    fn moderate(&self, act: u8, at: u8, by: u8, request: u8) -> Command {
        let warnings: Vec<WarningId> = self.state.warnings.iter().map(|warning| warning.id).collect();
        let place = |count: usize| usize::from(at) % count.max(1);
        let warning = warnings.get(place(warnings.len())).copied().unwrap_or(WarningId::from_bytes([9; 16]));
        let asked = &self.state.enforcements;
        let enforcement = asked.get(place(asked.len())).map_or(EnforcementId::from_bytes([9; 16]), |asked| asked.id);
        let some: Vec<WarningId> = warnings.iter().copied().skip(place(warnings.len())).take(3).collect();
        let session = self.state.session.as_ref().map(|session| session.id.clone());
        // Every other request says what was seen, every fourth of those what is no longer so.
        let version = self.state.warning(warning).map_or(Sequence(1), |found| found.version);
        let stale = request.is_multiple_of(4);
        let seen = (request.is_multiple_of(2)).then_some(if stale { Sequence(version.0 + 1) } else { version });
        let seen = SeenWarning { warning, seen };
        let act = match act {
            0 => ModeratorAct::Claim(seen),
            1 => ModeratorAct::Release(seen),
            2 => ModeratorAct::Uphold(Answering::to(some)),
            3 => ModeratorAct::Dismiss(Answering::to(some)),
            4 => ModeratorAct::Withdraw(warning.into()),
            5 => ModeratorAct::Escalate { warning: seen, to: None },
            6 => ModeratorAct::Note { warning: seen, note: samples::content() },
            7 => ModeratorAct::Enforce { kind: EnforcementKind::Stop, session, reason: None },
            8 => ModeratorAct::Enforce { kind: EnforcementKind::Suspend, session, reason: Some(samples::content()) },
            9 => ModeratorAct::Enforce { kind: EnforcementKind::Lift, session: None, reason: None },
            10 => ModeratorAct::AdmitHeld(enforcement),
            11 => match self.overturning(at) {
                Some(upheld) => ModeratorAct::Overturn { upheld, why: samples::content() },
                None => ModeratorAct::Cancel(enforcement),
            },
            12 => ModeratorAct::Cancel(enforcement),
            _ => {
                let change = match request % 3 {
                    0 => ReputationChange::Pin(Score::clamped(i64::from(at) * 4)),
                    1 => ReputationChange::By(i16::from(at) * 9 - 1100), // now and then farther than it may go
                    _ => ReputationChange::Release,
                };
                let until = at.is_multiple_of(2).then(|| moment(f64::from(at)));
                ModeratorAct::AdjustReputation { change, until, why: samples::content() }
            }
        };
        let by = ModeratorId::new(["ann", "ben"][usize::from(by)]).expect("a sound name");
        Command::Moderate { request: EventId::of_command("request", &[&[request]]), by, act }
    }

    fn decide(&self, at: u8, action: u8) -> Command {
        let outcomes: Vec<DecidedFrame> = self
            .events()
            .iter()
            .filter_map(|recorded| {
                let (frame, judged) = match recorded.event().expect("a known event") {
                    Event::FrameAssessed(it) => (it.frame, Some((it.session, it.policy))),
                    Event::FrameFailed(it) => (it.frame, None),
                    _ => return None,
                };
                let captured_at = recorded.envelope.captured_at.expect("a frame has a time of its own");
                Some(DecidedFrame { frame, captured_at, judged })
            })
            .collect();
        let Some(about) = outcomes.get(usize::from(at) % outcomes.len().max(1)).cloned() else { return Command::Tick };
        let (then, approval) = [
            (None, Approval::Person),
            (Some(Action::Warn), Approval::None),
            (Some(Action::Stop), Approval::None),
            (Some(Action::Suspend), Approval::Person),
        ][usize::from(action)];
        let decision = ExternalDecision {
            by: ExternalId::new("outside").expect("a sound name"),
            action: ActionName::new(format!("action-{action}")).expect("a sound name"),
            then,
            approval,
            severity: 3,
            frame_age_max_ms: 60_000,
            cooldown_ms: 5_000,
        };
        Command::TakeDecision { decision: Box::new(decision), about: Box::new(about) }
    }

    /// An appeal against some warning that was upheld.
    fn overturning(&self, at: u8) -> Option<UpheldWarning> {
        let upheld: Vec<WarningId> = self
            .events()
            .iter()
            .filter_map(|recorded| match recorded.event() {
                Ok(Event::WarningUpheld(upheld)) => Some(upheld.warning),
                _ => None,
            })
            .collect();
        self.appeal(*upheld.get(usize::from(at) % upheld.len().max(1))?)
    }

    /// An appeal against a warning, as the journal tells of it.
    pub fn appeal(&self, warning: WarningId) -> Option<UpheldWarning> {
        let mut appealed = Appealed::default();
        for recorded in self.events() {
            appealed.see(warning, &recorded, &recorded.event().expect("a known event"));
        }
        appealed.upheld(warning, &ModeratorId::new("nobody").expect("a sound name")).ok()
    }

    fn report(&self, report: u8, at: u8, n: u8) -> Command {
        let asked = &self.state.enforcements;
        let at = usize::from(at) % asked.len().max(1);
        let enforcement = asked.get(at).map_or(EnforcementId::from_bytes([9; 16]), |asked| asked.id);
        let report = match report {
            0 => EnforcementReport::Admitted,
            1 => EnforcementReport::Held(Budget::PerRule { used: 1, of: 1 }),
            2 => {
                let unnamed = |asked: &streamwarden::warden::Enforcement| {
                    asked.session.as_ref().is_some_and(|session| !session.is_named())
                };
                let found = asked.get(at).is_some_and(unnamed).then(|| session_id(7));
                EnforcementReport::Attempting { attempt: n, found }
            }
            3 => EnforcementReport::Succeeded(n),
            4 => EnforcementReport::Verified,
            5 => EnforcementReport::NotNeeded(NotNeededBecause::AlreadyOffline),
            6 => EnforcementReport::Superseded { found: session_id(9), because: SupersededBecause::Replaced },
            7 => EnforcementReport::Failed("no".to_owned()),
            _ => EnforcementReport::Expired,
        };
        Command::Report { enforcement, report }
    }
}

fn session_id(number: u8) -> SessionId {
    let name = if number == 2 { "unnamed/r1".to_owned() } else { format!("s{number}") };
    SessionId::new(name).expect("a sound name")
}

const PATHS: [&str; 5] = ["Violence", "Violence/Weapons", "Nudity", "Drugs", "Unheard/Of"];

fn answered(labels: &[(u8, u32)]) -> Answered {
    let label = |(path, milli): &(u8, u32)| {
        let confidence = Confidence::from_milli(*milli).expect("a percentage");
        Label(LabelPath::new(PATHS[usize::from(*path)]).expect("a sound path"), confidence)
    };
    let provider = ProviderRef { name: "stub".into(), model: "1".into(), taxonomy: "stub/1".into() };
    Answered {
        moments: Vec::new(),
        spoken: None,
        provider,
        labels: labels.iter().map(label).collect(),
        kept: None,
        unmapped: 0,
        content_types: vec![],
        floor: None,
    }
}

/// So many thousandths of a need.
pub fn need(milli: u16) -> Need {
    serde_json::from_value(milli.into()).expect("a need is a number")
}

pub fn policy(version: u32) -> Policy {
    let rule = |id: &str, category, window, action, approval, severity| Rule {
        id: RuleId::new(id).expect("a sound name"),
        rev: version,
        taxonomy: None,
        categories: vec![category],
        confidence: Confidence::from_milli(70_000).expect("a percentage"),
        stated_in: Scale::Percent,
        window,
        action,
        approval,
        severity,
        cooldown_ms: 5000 * severity as u32,
    };
    let within = |path| Category::Within(LabelPath::new(path).expect("a sound path"));
    let once = Window::Frames { hits: 1, of: 1 };
    Policy {
        segments: Default::default(),
        taxonomy: "stub/1".into(),
        reference: PolicyRef { id: PolicyId::new("p").expect("a sound name"), version },
        channels: Channels::Listed(Vec::new()),
        priority: 0,
        // The second version lets a channel's past have a say, so short that a run of commands shows it.
        sampling: Sampling {
            fastest_ms: 1000,
            slowest_ms: 1000 * version.min(2).pow(3),
            tolerance_ms: Some(200),
            reassess_after_ms: 10_000,
            max_age_ms: u32::MAX,
        },
        reputation: (version > 1).then(|| Tuning {
            trust_after_ms: 10_000,
            half_life_ms: 3_600_000,
            near_miss: Confidence::from_milli(10_000).expect("a percentage"),
            closely_ms: 5000,
        }),
        arrangement: Arrangement::default(),
        similarity: Some(SimilarityLimits { hash_distance_max: 20, luma_delta_max: LumaDelta(300) }),
        on_unavailable: if version == 1 { OnUnavailable::Warn } else { OnUnavailable::Page },
        automatic_stops: match version {
            1 => AutomaticStops::OneRule,
            _ => AutomaticStops::SeveralRules { rules: 2, within_ms: 60_000 },
        },
        rules: vec![
            rule("a", within("Violence"), Window::Frames { hits: 2, of: 3 }, Action::Stop, Approval::None, 4),
            rule("b", within("Nudity"), once, Action::Suspend, Approval::Person, 3),
            rule("c", within("Nudity"), Window::Time { hits: 2, within_ms: 9000 }, Action::Suspend, Approval::None, 5),
            rule("d", Category::Any, once, Action::Stop, Approval::Person, 0),
        ],
    }
}

/// Policies in shadow: the rules of the second policy with other thresholds, windows and names; of the third in words
/// that no answer is in.
pub fn shadow(version: u32) -> Policy {
    let mut shadow = policy(2);
    shadow.reference = PolicyRef { id: PolicyId::new("s").expect("a sound name"), version };
    match version {
        1 => shadow.automatic_stops = AutomaticStops::OneRule,
        2 => {
            for rule in &mut shadow.rules {
                rule.confidence = Confidence::from_milli(60_000).expect("a percentage");
                rule.window = Window::Frames { hits: 1, of: 1 };
                rule.cooldown_ms = 0;
            }
            shadow.rules[1].id = RuleId::new("other").expect("a sound name");
        }
        _ => shadow.taxonomy = "another/1".into(),
    }
    shadow
}

/// A run of commands, each at a time not before the last but now and then far beyond it.
pub fn commands() -> impl Strategy<Value = Vec<(u32, Wanted)>> {
    let pause = prop_oneof![20 => 0u32..3000, 1 => 0u32..2_000_000];
    proptest::collection::vec((pause, wanted()), 1..120)
}
