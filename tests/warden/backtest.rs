//! Policies tried on what was recorded: the same one says the same, a stricter or looser one is told apart.

use std::sync::Arc;

use proptest::prelude::*;
use streamwarden::events::{Event, Recorded};
use streamwarden::model::{Confidence, RuleId, Verdict};
use streamwarden::policy::{AutomaticStops, Channels, Policy, PolicySet};
use streamwarden::warden::backtest::{Backtest, Raised, Report};

use crate::lines::moment;
use crate::wanted::{Channel, Wanted, policy, wanted};

fn tried(policy: Policy, events: &[Recorded]) -> Report {
    let everywhere = regex::Regex::new("").expect("a sound pattern");
    let policy = Policy { channels: Channels::Matching(everywhere), ..policy };
    let id = policy.reference.id.clone();
    let mut backtest = Backtest::new(PolicySet::new(vec![Arc::new(policy)]), [id]);
    for recorded in events {
        if backtest.needs(&recorded.envelope) {
            backtest.see(&recorded.envelope, &recorded.event().expect("a known event"), None);
        }
    }
    backtest.report()
}

/// Broadcasts and frames only: nobody answers, nothing is carried out, the policy stays the same.
fn unattended() -> impl Strategy<Value = Vec<Wanted>> {
    let unattended = wanted().prop_filter("somebody acts", |wanted| match wanted {
        Wanted::Start(..) | Wanted::End(_) | Wanted::Take(..) | Wanted::Shed(..) | Wanted::Supersede(..) => true,
        Wanted::Compare(..) | Wanted::Spend(..) | Wanted::Judge(..) | Wanted::Fail(..) | Wanted::Tick => true,
        Wanted::Quarantine(..) | Wanted::Conflict(..) | Wanted::Reconsider(_) => false,
        Wanted::Shadow(_) | Wanted::Moderate(..) | Wanted::Report(..) => false,
    });
    proptest::collection::vec(unattended, 1..100)
}

fn recorded(wanted: &[Wanted]) -> Vec<Recorded> {
    let mut channel = Channel::new();
    for (second, wanted) in wanted.iter().enumerate() {
        let command = channel.command(wanted);
        channel.run(moment(second as f64), &command);
    }
    channel.events()
}

/// Frames of one broadcast, one a second, each with these labels.
fn broadcast(labels: &[&[(u8, u32)]]) -> Vec<Recorded> {
    let mut wanted = vec![Wanted::Start(0, moment(0.0).as_micros())];
    wanted.extend(labels.iter().enumerate().map(|(number, labels)| {
        Wanted::Judge(number as u8, 0, moment(1.0 + number as f64).as_micros(), labels.to_vec())
    }));
    recorded(&wanted)
}

/// Only the rule `d`, which any label hits, with that threshold.
fn only_d(percent: f64) -> Policy {
    let mut policy = policy(9);
    policy.rules.retain(|rule| rule.id.as_str() == "d");
    policy.rules[0].confidence = Confidence::from_percent(percent).expect("a percentage");
    policy.automatic_stops = AutomaticStops::OneRule;
    policy
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_policy_that_judged_says_the_same_again_where_nobody_acted(wanted in unattended()) {
        let events = recorded(&wanted);
        let report = tried(policy(1), &events);
        let count = |name: &str| events.iter().filter(|it| it.envelope.event_type == name).count() as u64;
        prop_assert_eq!(report.judged, count("FrameAssessed"));
        prop_assert_eq!((report.differing, report.unjudged, report.left_out), (0, 0, 0), "{:?}", report.differences);
        prop_assert_eq!(report.total.recorded, report.total.proposed);
        let of_a_rule = |it: &&Recorded| matches!(it.event(), Ok(Event::WarningRaised(it)) if it.label.is_some());
        prop_assert_eq!(report.total.recorded.warnings, events.iter().filter(of_a_rule).count() as u64);
        for rule in &report.rules {
            prop_assert_eq!(rule.compared.recorded, rule.compared.proposed, "{}", rule.rule);
        }
    }
}

#[test]
fn a_stricter_policy_is_shown_with_both_verdicts_where_it_differs() {
    let events = broadcast(&[&[(4, 60_000)], &[(4, 65_000)], &[(4, 90_000)]]);
    let report = tried(only_d(62.0), &events);
    assert_eq!((report.judged, report.channels), (3, 1));
    // As recorded: 70 %, met by the third frame. On trial: 62 %, met by the second and joined by the third.
    assert_eq!(report.total.recorded, Raised { warnings: 1, stops: 0 });
    assert_eq!(report.total.proposed, Raised { warnings: 1, stops: 0 });
    assert_eq!(report.differing, 1);
    let difference = &report.differences[0];
    assert_eq!(difference.recorded.verdict, Some(Verdict::Clear));
    assert_eq!(difference.proposed.verdict, Some(Verdict::Warn));
    assert_eq!(difference.proposed.rules, [RuleId::new("d").expect("a sound name")]);
    assert_eq!((difference.recorded.policy.version, difference.proposed.policy.version), (1, 9));
    assert_eq!(difference.captured_at, moment(2.0));
    let there = events.iter().find(|it| it.envelope.position == difference.position).expect("it is recorded");
    assert!(matches!(there.event(), Ok(Event::FrameAssessed(it)) if it.frame == difference.frame));
}

#[test]
fn a_looser_policy_raises_less_and_a_rule_that_is_gone_is_named() {
    let events = broadcast(&[&[(2, 80_000)], &[(4, 90_000)]]);
    let report = tried(only_d(95.0), &events);
    assert_eq!(report.total.proposed, Raised::default());
    assert!(report.total.recorded.warnings >= 2, "{:?}", report.total);
    let gone = report.rules.iter().find(|rule| rule.rule.as_str() == "b").expect("the rule was recorded");
    assert_eq!((gone.compared.recorded.warnings, gone.compared.proposed.warnings), (1, 0));
    assert_eq!(report.by_channel[0].compared, report.total);
}

#[test]
fn a_stop_without_a_person_is_counted_once_per_broadcast() {
    let mut stopping = only_d(70.0);
    stopping.rules[0].approval = streamwarden::model::Approval::None;
    let events = broadcast(&[&[(4, 90_000)], &[(4, 91_000)], &[(4, 92_000)]]);
    let report = tried(stopping, &events);
    assert_eq!(report.total.proposed, Raised { warnings: 1, stops: 1 });
    assert_eq!(report.total.recorded.stops, 0);
    assert_eq!(report.differing, 3, "each frame would have called for a stop");
}

#[test]
fn labels_of_another_taxonomy_are_not_judged_and_not_taken_for_clear() {
    let other = Policy { taxonomy: "other/1".into(), ..only_d(70.0) };
    let report = tried(other, &broadcast(&[&[(4, 10_000)]]));
    assert_eq!((report.judged, report.unjudged, report.differing), (1, 1, 1));
    assert_eq!(report.differences[0].proposed.verdict, None);
}

#[test]
fn a_channel_that_another_policy_would_watch_has_no_part_in_it() {
    let events = broadcast(&[&[(4, 90_000)]]);
    let nowhere = Policy { channels: Channels::Listed(Vec::new()), ..only_d(70.0) };
    let id = nowhere.reference.id.clone();
    let mut backtest = Backtest::new(PolicySet::new(vec![Arc::new(nowhere)]), [id]);
    assert!(events.iter().all(|recorded| !backtest.needs(&recorded.envelope)));
    assert_eq!(backtest.report(), Report::default());
}
