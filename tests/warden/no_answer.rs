//! The absence of an answer stops no stream (invariant I11), whatever rules there are and whatever happened before.

use proptest::prelude::*;
use streamwarden::events::{Event, FailedStage};
use streamwarden::model::{Action, Approval, OnUnavailable};
use streamwarden::policy::AutomaticStops;
use streamwarden::warden::{Applied, ChannelState, Command, apply, decide};

use crate::lines::moment;
use crate::wanted::{self, Channel, Wanted, commands};

/// Frames of one broadcast that come and cannot be judged, at every stage a frame can fail at.
const STAGES: [FailedStage; 6] = [
    FailedStage::Fetch,
    FailedStage::Decode,
    FailedStage::Provider,
    FailedStage::NoProvider,
    FailedStage::Deadline,
    FailedStage::Warden,
];

#[test]
fn whatever_a_rule_says_frames_that_fail_ask_for_no_stop() {
    let all_stops = [
        AutomaticStops::OneRule,
        AutomaticStops::SeveralRules { rules: 2, within_ms: 60_000 },
        AutomaticStops::ProposeOnly,
    ];
    for action in [Action::Warn, Action::Stop, Action::Suspend] {
        for approval in [Approval::None, Approval::Person] {
            for on_unavailable in [OnUnavailable::Record, OnUnavailable::Warn, OnUnavailable::Page] {
                for automatic_stops in all_stops {
                    let mut policy = wanted::policy(1);
                    (policy.on_unavailable, policy.automatic_stops) = (on_unavailable, automatic_stops);
                    for rule in &mut policy.rules {
                        (rule.action, rule.approval) = (action, approval);
                    }
                    let asked = asked_for(&policy);
                    let questions = asked.iter().filter(|event| matches!(event, Event::WarningRaised(_))).count();
                    let expected = usize::from(on_unavailable != OnUnavailable::Record);
                    assert_eq!(questions, expected, "{action:?} {approval:?} {on_unavailable:?} {automatic_stops:?}");
                    let stops = asked.iter().any(|event| matches!(event, Event::EnforcementRequested(_)));
                    assert!(!stops, "{action:?} {approval:?} {on_unavailable:?} {automatic_stops:?}");
                }
            }
        }
    }
}

/// What follows when, after one frame that hits every rule once, no frame can be judged any more for an hour.
fn asked_for(policy: &streamwarden::policy::Policy) -> Vec<Event> {
    let mut channel = Channel::new();
    let start = channel.command(&Wanted::Start(0, moment(0.0).as_micros()));
    let hit = channel.command(&Wanted::Judge(1, 0, moment(1.0).as_micros(), vec![(1, 99_000), (2, 99_000)]));
    let mut commands = vec![start, hit];
    for number in 0..60u8 {
        let at = moment(60.0 * f64::from(number + 1));
        let failing = channel.command(&Wanted::Fail(number + 2, 0, at.as_micros()));
        let Command::FailFrame { frame, reason, attempts, .. } = failing else { panic!("it is a failing frame") };
        let stage = STAGES[usize::from(number) % STAGES.len()];
        commands.push(Command::FailFrame { frame, stage, reason, attempts, asked: None });
        commands.push(Command::Tick);
    }
    let mut state = ChannelState::new(channel.state.channel.clone());
    let mut came = Vec::new();
    for (number, command) in commands.iter().enumerate() {
        let now = command_time(command).unwrap_or(moment(30.0 * number as f64));
        let decision = decide(&state, Some(policy), now, command).expect("nothing here is refused");
        for new in decision.events {
            let applied = Applied { sequence: state.sequence.next(), recorded_at: now, captured_at: new.captured_at };
            apply(&mut state, applied, &new.event);
            if matches!(command, Command::FailFrame { .. } | Command::Tick) {
                came.push(new.event);
            }
        }
    }
    came
}

fn command_time(command: &Command) -> Option<streamwarden::model::Timestamp> {
    match command {
        Command::FailFrame { frame, .. } => Some(frame.captured_at),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_an_answer_a_person_or_a_decision_from_outside_ever_asks_for_a_stop(wanted in commands()) {
        let mut channel = Channel::new();
        let mut now = moment(0.0);
        for (pause, wanted) in &wanted {
            now = now.plus_ms(u64::from(*pause));
            let before = channel.state.enforcements.len();
            let command = channel.command(wanted);
            channel.run(now, &command);
            let may_ask = matches!(
                command,
                Command::JudgeFrame { .. } | Command::Moderate { .. } | Command::TakeDecision { .. }
            );
            prop_assert!(may_ask || channel.state.enforcements.len() <= before, "{:?}", command);
        }
    }
}
