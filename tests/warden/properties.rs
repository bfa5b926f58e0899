//! Properties over random command sequences, extreme times and confidences included.

use std::sync::Arc;

use proptest::prelude::*;
use streamwarden::events::{Event, Recorded, Timings, UnwatchedBecause};
use streamwarden::model::{
    Confidence, EnforcementId, EventId, Label, LabelPath, ModeratorId, PolicyId, PolicyRef, ProviderRef, RuleId,
    Sequence, SessionId, WarningId,
};
use streamwarden::policy::{Category, Policy, Rule, Window};
use streamwarden::warden::invariants::{self, Invariants};
use streamwarden::warden::{Answered, Beside, ChannelState, Command, replay};

use crate::lines::moment;
use crate::samples;
use crate::wanted::{Channel, Wanted, commands, policy};

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
    let shadow =
        PolicyRef { id: PolicyId::new("s".repeat(PolicyId::BYTES_MAX)).expect("a sound name"), version: u32::MAX };
    let mut frame = channel.frame(1, 0, moment(1.0).as_micros());
    frame.session = SessionId::new("s".repeat(SessionId::BYTES_MAX)).expect("a sound name");
    let command = Command::JudgeFrame {
        frame,
        shadow: Some(Arc::new(Policy { reference: shadow, ..policy.clone() })),
        policy: Arc::new(policy),
        measured: Some(channel.measured(u64::MAX, Some(u16::MAX))),
        segment: None,
        answer: Box::new(Answered {
            moments: Vec::new(),
            spoken: None,
            provider,
            labels,
            kept: Some(samples::content()),
            unmapped: 255,
            content_types: vec![],
            floor: None,
        }),
        beside: Beside::default(),
        took: Timings(u32::MAX, u32::MAX, u32::MAX),
    };
    channel.run(moment(2.0), &command);
    let events = channel.events();
    let Ok(Event::FrameAssessed(assessed)) = events[0].event() else { panic!("it was assessed") };
    assert!(assessed.rules.len() >= 5, "{} rules", assessed.rules.len());
    assert!(assessed.rules.iter().all(|rule| usize::from(rule.by) < assessed.labels.len()));
    let shadowed = events.iter().find_map(|recorded| match recorded.event() {
        Ok(Event::ShadowVerdict(verdict)) => Some(verdict),
        _ => None,
    });
    assert_eq!(shadowed.map(|verdict| verdict.rules.len()), Some(assessed.rules.len()), "the shadow keeps as many");
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
