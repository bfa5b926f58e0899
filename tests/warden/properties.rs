//! Properties over random command sequences, extreme times and confidences included.

use std::sync::Arc;

use proptest::prelude::*;
use streamwarden::clock::ManualClock;
use streamwarden::events::{
    Budget, EnforcementKind, Event, FailedStage, NotNeededBecause, Recorded, SupersededBecause, Timings,
    UnwatchedBecause,
};
use streamwarden::journal::{Append, AppendError, Appended, Expected, Journal, MemoryJournal, READ_LIMIT_MAX};
use streamwarden::model::{
    Action, Approval, ChannelId, Confidence, EnforcementId, EventId, Fingerprint, Frame, FrameId, FrameOrigin,
    HashScheme, ImageFacts, ImageFormat, Label, LabelPath, LumaDelta, Measurement, ModeratorId, OnUnavailable,
    PerceptualHash, PolicyId, PolicyRef, ProviderRef, RuleId, Scope, Sequence, SessionId, Sha256, Timestamp, WarningId,
};
use streamwarden::policy::{AutomaticStops, Category, Channels, Policy, Rule, Sampling, SimilarityLimits, Window};
use streamwarden::warden::invariants::{self, Invariants};
use streamwarden::warden::{
    Answered, Answering, Applied, ChannelState, Command, Decision, EnforcementReport, ModeratorAct, SeenWarning, apply,
    decide, replay,
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
    Judge(u8, u8, i64, Vec<(u8, u32)>),
    Fail(u8, u8, i64),
    Quarantine(u8, u8, i64),
    Conflict(u8, u8, i64),
    Reconsider(u8),
    Tick,
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
        8 => (frame(), session(), time(), labels).prop_map(|(f, s, at, labels)| Wanted::Judge(f, s, at, labels)),
        4 => (frame(), session(), time()).prop_map(|(f, s, at)| Wanted::Fail(f, s, at)),
        1 => (frame(), session(), time()).prop_map(|(f, s, at)| Wanted::Quarantine(f, s, at)),
        1 => (frame(), session(), time()).prop_map(|(f, s, at)| Wanted::Conflict(f, s, at)),
        1 => (0u8..3).prop_map(Wanted::Reconsider),
        3 => Just(Wanted::Tick),
        8 => (0u8..12, any::<u8>(), 0u8..2, 0u8..60).prop_map(|(act, at, by, r)| Wanted::Moderate(act, at, by, r)),
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
        }
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

    /// Whether the journal holds the outcome of the command: how a redelivery changes nothing.
    fn is_done(&self, command: &Command) -> bool {
        command.done_as().is_some_and(|id| self.journal.find(id).expect("memory can be read").is_some())
    }

    pub fn command(&mut self, wanted: &Wanted) -> Command {
        let policy = self.policies[self.policy].clone().unwrap_or_else(|| Arc::new(policy(1)));
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
            Wanted::Judge(f, s, at, labels) => Command::JudgeFrame {
                frame: self.frame(*f, *s, *at),
                policy,
                measured: Some(self.measured(u64::from(*f), None)),
                answer: answered(labels),
                took: Timings(u32::MAX, 0, 1),
            },
            Wanted::Fail(f, s, at) => {
                let frame = self.frame(*f, *s, *at);
                Command::FailFrame { frame, stage: FailedStage::Provider, reason: "ö".repeat(400), attempts: 255 }
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
            Wanted::Tick => Command::Tick,
            Wanted::Moderate(act, at, by, request) => self.moderate(*act, *at, *by, *request),
            Wanted::Report(report, at, n) => self.report(*report, *at, *n),
        }
    }

    fn frame(&self, frame: u8, session: u8, at: i64) -> Frame {
        Frame {
            channel: self.state.channel.clone(),
            session: session_id(session),
            id: FrameId::of(&self.state.channel, &[&[frame]]),
            captured_at: Timestamp::from_micros(at),
            fingerprint: Fingerprint::of(&[&[frame]]),
            origin: FrameOrigin::Inline(Arc::from([])),
        }
    }

    fn measured(&self, bits: u64, luma: Option<u16>) -> Measurement {
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
            _ => ModeratorAct::Cancel(enforcement),
        };
        let by = ModeratorId::new(["ann", "ben"][usize::from(by)]).expect("a sound name");
        Command::Moderate { request: EventId::of_command("request", &[&[request]]), by, act }
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
        provider,
        labels: labels.iter().map(label).collect(),
        kept: None,
        unmapped: 0,
        content_types: vec![],
        floor: None,
    }
}

pub fn policy(version: u32) -> Policy {
    let rule = |id: &str, category, window, action, approval, severity| Rule {
        id: RuleId::new(id).expect("a sound name"),
        rev: version,
        categories: vec![category],
        confidence: Confidence::from_milli(70_000).expect("a percentage"),
        window,
        action,
        approval,
        severity,
        cooldown_ms: 5000 * severity as u32,
    };
    let within = |path| Category::Within(LabelPath::new(path).expect("a sound path"));
    let once = Window::Frames { hits: 1, of: 1 };
    Policy {
        taxonomy: "stub/1".into(),
        reference: PolicyRef { id: PolicyId::new("p").expect("a sound name"), version },
        channels: Channels::Listed(Vec::new()),
        priority: 0,
        sampling: Sampling { interval_ms: 1000, tolerance_ms: 200, reassess_after_ms: 10_000, max_age_ms: u32::MAX },
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

/// A run of commands, each at a time not before the last but now and then far beyond it.
pub fn commands() -> impl Strategy<Value = Vec<(u32, Wanted)>> {
    let pause = prop_oneof![20 => 0u32..3000, 1 => 0u32..2_000_000];
    proptest::collection::vec((pause, wanted()), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_for_replays_from_every_prefix_and_every_snapshot(wanted in commands()) {
        let mut channel = Channel::new();
        let mut states = vec![channel.state.clone()];
        let mut now = moment(0.0);
        for (pause, wanted) in &wanted {
            now = now.plus_ms(u64::from(*pause));
            let command = channel.command(wanted);
            channel.run(now, &command);
            states.push(channel.state.clone());
        }
        let events = channel.events();
        let mut replayed = ChannelState::new(channel.state.channel.clone());
        let mut at = 0;
        for (number, state) in states.iter().enumerate() {
            let upto = state.sequence.0 as usize;
            replayed = replay(replayed, &events[at..upto]).expect("known events");
            at = upto;
            prop_assert_eq!(&replayed, state, "after command {}", number);
        }
        for state in states.iter().step_by(7) {
            let mut bytes = Vec::new();
            ciborium::into_writer(state, &mut bytes).expect("a state can be written");
            let snapshot: ChannelState = ciborium::from_reader(&bytes[..]).expect("a state can be read");
            let tail = &events[state.sequence.0 as usize..];
            prop_assert_eq!(&replay(snapshot, tail).expect("known events"), &channel.state);
        }
    }

    #[test]
    fn whatever_is_asked_for_no_invariant_breaks(wanted in commands()) {
        let mut channel = Channel::new();
        let mut now = moment(0.0);
        for (pause, wanted) in &wanted {
            now = now.plus_ms(u64::from(*pause));
            let command = channel.command(wanted);
            channel.run(now, &command);
        }
        let events = channel.events();
        if let Err(broken) = invariants::check(&events) {
            prop_assert!(false, "{broken}");
        }
        // From the middle on the same events are as lawful.
        let half = events.len() / 2;
        let mut rest = Invariants::resuming_after(streamwarden::model::Position(half as u64));
        for recorded in &events[half..] {
            if let Err(broken) = rest.see(recorded) {
                prop_assert!(false, "resumed after {half}: {broken}");
            }
        }
    }

    #[test]
    fn a_command_that_comes_again_changes_nothing(wanted in commands()) {
        let (mut once, mut twice) = (Channel::new(), Channel::new());
        let mut now = moment(0.0);
        for (pause, wanted) in &wanted {
            now = now.plus_ms(u64::from(*pause));
            let command = once.command(wanted);
            let same = twice.command(wanted);
            once.run(now, &command);
            twice.run(now, &same);
            let before = twice.state.sequence;
            twice.run(now, &same);
            prop_assert_eq!(twice.state.sequence, before, "{:?} again", same);
        }
        prop_assert_eq!(once.events(), twice.events());
    }
}

/// Names as long as names may be, and more rules and labels than fit: the outcome can be stored all the same, and every
/// rule rests on a label that is in the event.
#[test]
fn the_longest_answer_under_the_longest_policy_still_fits_its_event() {
    let mut channel = Channel::new();
    let mut policy = policy(1);
    policy.reference.id = PolicyId::new("p".repeat(PolicyId::BYTES_MAX)).expect("a sound name");
    let paths = (0..60).map(|n| LabelPath::new(format!("{n:02}{}", "x".repeat(LabelPath::BYTES_MAX - 2))));
    let paths: Vec<LabelPath> = paths.map(|path| path.expect("a sound path")).collect();
    let rules = paths.iter().take(40).enumerate().map(|(n, path)| Rule {
        id: RuleId::new(format!("{n:02}{}", "r".repeat(RuleId::BYTES_MAX - 2))).expect("a sound name"),
        rev: u32::MAX,
        categories: vec![Category::Within(path.clone())],
        window: Window::Frames { hits: 1, of: 1 },
        severity: 1 + (n % 5) as u8,
        ..policy.rules[0].clone()
    });
    policy.rules = rules.collect();
    let labels: Vec<Label> = paths.into_iter().map(|path| Label(path, Confidence::MAX)).collect();
    assert!(Answered::is_long(&labels));
    let long = "m".repeat(60);
    policy.taxonomy = long.as_str().into();
    let provider = ProviderRef { name: "provider".into(), model: long.as_str().into(), taxonomy: long.as_str().into() };
    let mut frame = channel.frame(1, 0, moment(1.0).as_micros());
    frame.session = SessionId::new("s".repeat(SessionId::BYTES_MAX)).expect("a sound name");
    let command = Command::JudgeFrame {
        frame,
        policy: Arc::new(policy),
        measured: Some(channel.measured(u64::MAX, Some(u16::MAX))),
        answer: Answered {
            provider,
            labels,
            kept: Some(samples::content()),
            unmapped: 255,
            content_types: vec![],
            floor: None,
        },
        took: Timings(u32::MAX, u32::MAX, u32::MAX),
    };
    channel.run(moment(2.0), &command);
    let events = channel.events();
    let Ok(Event::FrameAssessed(assessed)) = events[0].event() else { panic!("it was assessed") };
    assert!(assessed.rules.len() >= 5, "{} rules", assessed.rules.len());
    assert!(assessed.rules.iter().all(|rule| usize::from(rule.by) < assessed.labels.len()));
    assert!(invariants::check(&events).is_ok());
}

/// An event that breaks an invariant is named: the checker can fail.
#[test]
fn the_checker_names_what_is_wrong() {
    let mut channel = Channel::new();
    for (at, wanted) in [
        (0, Wanted::Start(0, moment(0.0).as_micros())),
        (1, Wanted::Judge(1, 0, moment(1.0).as_micros(), vec![(2, 90_000)])),
        (2, Wanted::Moderate(3, 0, 0, 0)),
        (3, Wanted::Fail(2, 0, moment(9.0).as_micros())),
    ] {
        let command = channel.command(&wanted);
        channel.run(moment(f64::from(at)), &command);
    }
    let sound = channel.events();
    assert!(invariants::check(&sound).is_ok());
    let broken = |change: &dyn Fn(&mut Vec<Recorded>)| {
        let mut events = sound.clone();
        change(&mut events);
        invariants::check(&events).expect_err("the change breaks it").to_string()
    };
    let of_type = |events: &[Recorded], name: &str| {
        events.iter().position(|recorded| recorded.envelope.event_type == name).expect("it happened")
    };
    let forge = |events: &mut Vec<Recorded>, at: usize, event: Event| {
        events[at].envelope.event_type = event.event_type().name().to_owned();
        events[at].payload = streamwarden::events::encode(&event).expect("a small event");
    };
    assert!(broken(&|events| drop(events.remove(1))).starts_with("I2"));
    assert!(broken(&|events| events[1].envelope.sequence = Sequence(9)).starts_with("I2"));
    assert!(broken(&|events| events[2].envelope.recorded_at = moment(-1.0)).starts_with("I8"));
    let fresh_id = broken(&|events| {
        let at = of_type(events, "FrameAssessed");
        events[at].envelope.id = EventId::from_bytes([1; 16]);
    });
    assert!(fresh_id.starts_with("I1 "), "{fresh_id}");
    let unknown = broken(&|events| {
        let at = of_type(events, "WarningDismissed");
        let by = ModeratorId::new("ann").expect("a sound name");
        let warning = WarningId::from_bytes([1; 16]);
        forge(events, at, streamwarden::events::WarningDismissed { warning, by, undo_ms: 0 }.into());
    });
    assert!(unknown.starts_with("I9"), "{unknown}");
    let silent = broken(&|events| {
        let at = of_type(events, "FrameFailed");
        let because = UnwatchedBecause::Failed;
        let since = moment(0.0);
        forge(events, at, streamwarden::events::ChannelUnwatched { since, because }.into());
        forge(events, at + 1, streamwarden::events::ChannelUnwatched { since, because }.into());
    });
    assert!(silent.starts_with("I7"), "{silent}");
    let unasked = broken(&|events| {
        let at = of_type(events, "FrameFailed");
        let enforcement = EnforcementId::from_bytes([1; 16]);
        forge(events, at, streamwarden::events::EnforcementVerified { enforcement, took_ms: 1 }.into());
    });
    assert!(unasked.starts_with("I5"), "{unasked}");
    let unlabelled = broken(&|events| {
        let at = of_type(events, "FrameAssessed");
        let Ok(Event::FrameAssessed(mut assessed)) = events[at].event() else { panic!("it is one") };
        assessed.labels.clear();
        forge(events, at, assessed.into());
    });
    assert!(unlabelled.starts_with("I6"), "{unlabelled}");
}
