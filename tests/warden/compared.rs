//! A shadow held against the live policy, over what wardens recorded.

use std::sync::Arc;

use proptest::prelude::*;
use streamwarden::events::{Event, Recorded};
use streamwarden::journal::Journal;
use streamwarden::laboratory::shadow::{Comparing, Comparison, Ran, compare, html};
use streamwarden::model::{Action, PolicyId, PolicyRef, Position, Verdict};
use streamwarden::policy::Policy;
use streamwarden::warden::Command;

use crate::lines::moment;
use crate::wanted::{Channel, Wanted, commands, policy, shadow};

fn compared(events: &[Recorded], policy: &PolicyRef) -> Comparison {
    let mut comparing = Comparing::new(policy.clone());
    for recorded in events.iter().filter(|recorded| Comparing::needs(&recorded.envelope)) {
        comparing.see(&recorded.envelope, &recorded.event().expect("a known event"));
    }
    comparing.report()
}

/// Runs these, one a second, with this policy in shadow from the beginning.
fn recorded(shadowing: &Policy, wanted: &[Wanted]) -> Channel {
    let shadowing = Arc::new(shadowing.clone());
    let mut channel = Channel::new();
    for (second, wanted) in wanted.iter().enumerate() {
        let mut command = channel.command(wanted);
        if let Command::JudgeFrame { shadow, .. } = &mut command {
            *shadow = Some(shadowing.clone());
        }
        channel.run(moment(second as f64), &command);
    }
    channel
}

fn at(second: i64) -> i64 {
    moment(second as f64).as_micros()
}

const NUDITY: u8 = 2;
const DRUGS: u8 = 3;

#[test]
fn frames_are_counted_by_who_would_act_and_rules_by_who_met_them() {
    // Under the live policy rule b asks from 70 % on; in shadow the same goes by another name and from 60 % on.
    let wanted = [
        Wanted::Start(0, at(0)),
        Wanted::Judge(1, 0, at(1), vec![]),
        Wanted::Judge(2, 0, at(2), vec![(NUDITY, 65_000)]),
        Wanted::Judge(3, 0, at(3), vec![(NUDITY, 95_000)]),
    ];
    let channel = recorded(&shadow(2), &wanted);
    let report = compared(&channel.events(), &shadow(2).reference);
    assert_eq!((report.frames, report.agree, report.shadow_only, report.live_only), (3, 1, 1, 0));
    assert_eq!(report.otherwise, 1, "of the third frame the shadow would have let a stop go ahead: {report:?}");
    let rule = |name: &str| report.rules.iter().find(|rule| rule.rule.as_str() == name).expect("it was met").clone();
    assert_eq!((rule("b").live_only, rule("other").shadow_only, rule("d").both), (1, 2, 1));
    let [first, second] = report.differences.as_slice() else { panic!("two frames differ: {report:?}") };
    assert_eq!((first.live.verdict, first.would), (Verdict::Clear, Some(Action::Suspend)));
    assert_eq!(second.live.verdict, Verdict::Warn);
    let position = |number: usize| Position(number as u64);
    let events = channel.events();
    let place = events.iter().position(|recorded| recorded.envelope.position == first.position).expect("it is there");
    assert!(matches!(events[place].event(), Ok(Event::FrameAssessed(assessed)) if assessed.frame == first.frame));
    assert!(first.position > position(0));
}

#[test]
fn an_answer_to_a_live_warning_speaks_for_the_shadows_of_the_same_frame_and_of_the_same_rule() {
    let both = [Wanted::Start(0, at(0)), Wanted::Judge(1, 0, at(1), vec![(DRUGS, 95_000)])];
    let answered = |act: u8| {
        let mut wanted = both.to_vec();
        wanted.push(Wanted::Moderate(act, 0, 0, 1));
        wanted
    };
    let said = |wanted: &[Wanted]| {
        let report = compared(&recorded(&shadow(2), wanted).events(), &shadow(2).reference);
        let counts = |of: streamwarden::laboratory::shadow::Standing| {
            (of.warnings, of.upheld, of.dismissed, of.unanswered, of.precision_milli)
        };
        (counts(report.live), counts(report.shadow))
    };
    assert_eq!(said(&both), ((1, 0, 0, 1, None), (1, 0, 0, 1, None)));
    assert_eq!(said(&answered(2)), ((1, 1, 0, 0, Some(1000)), (1, 1, 0, 0, Some(1000))));
    assert_eq!(said(&answered(3)), ((1, 0, 1, 0, Some(0)), (1, 0, 1, 0, Some(0))));
    // Taken back by who gave it, the answer is none.
    let mut withdrawn = answered(2);
    withdrawn.push(Wanted::Moderate(4, 0, 0, 3));
    assert_eq!(said(&withdrawn), ((1, 0, 0, 1, None), (1, 0, 0, 1, None)));
}

#[test]
fn an_answer_in_another_taxonomy_is_in_no_other_count() {
    let wanted = [Wanted::Start(0, at(0)), Wanted::Judge(1, 0, at(1), vec![(NUDITY, 95_000)])];
    let report = compared(&recorded(&shadow(3), &wanted).events(), &shadow(3).reference);
    assert_eq!((report.frames, report.other_taxonomy, report.live.warnings), (0, 1, 0));
}

#[test]
fn a_reading_that_is_cut_says_so_and_the_page_is_the_same_again() {
    let wanted: Vec<Wanted> = std::iter::once(Wanted::Start(0, at(0)))
        .chain((1..30).map(|n| Wanted::Judge(n, 0, at(i64::from(n)), vec![(NUDITY, 60_000 + u32::from(n) * 1000)])))
        .collect();
    let channel = recorded(&shadow(2), &wanted);
    let ran = Ran { policy: shadow(2).reference, from: Position(0), since: moment(0.0), until: None };
    let whole = compare(&channel.journal, &ran, u64::MAX, |_| true).expect("it can be read");
    assert_eq!((whole.cut, whole.comparison.frames), (false, 29));
    assert_eq!(whole.to, *channel.journal.watermark().borrow());
    let part = compare(&channel.journal, &ran, 20, |_| true).expect("it can be read");
    assert!(part.cut && part.comparison.frames < 29, "{part:?}");
    assert!(compare(&channel.journal, &ran, u64::MAX, |_| false).is_err(), "nobody waits any more");
    let again = compare(&channel.journal, &ran, u64::MAX, |_| true).expect("it can be read");
    let page = html::page(&whole);
    assert_eq!(page, html::page(&again));
    assert!(!page.contains("<script") && !page.contains("://"), "it needs nothing else");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_frame_judged_by_both_is_in_exactly_one_count(wanted in commands()) {
        let mut channel = Channel::new();
        let mut now = moment(0.0);
        for (pause, wanted) in &wanted {
            now = now.plus_ms(u64::from(*pause));
            let command = channel.command(wanted);
            channel.run(now, &command);
        }
        let events = channel.events();
        for version in 1..4 {
            let policy = shadow(version).reference;
            let judged = events.iter().filter(|recorded| match recorded.event() {
                Ok(Event::FrameAssessed(assessed)) => assessed.shadow.is_some_and(|look| look.policy == policy),
                _ => false,
            });
            let judged = judged.count() as u64;
            let report = compared(&events, &policy);
            prop_assert_eq!(report.frames + report.other_taxonomy, judged);
            prop_assert_eq!(report.agree + report.live_only + report.shadow_only + report.otherwise, report.frames);
            prop_assert_eq!(report.verdicts.iter().map(|pair| pair.frames).sum::<u64>(), report.frames);
            prop_assert_eq!(report.by_channel.iter().map(|channel| channel.frames).sum::<u64>(), report.frames);
            for standing in [report.live, report.shadow] {
                prop_assert_eq!(standing.upheld + standing.dismissed + standing.unanswered, standing.warnings);
            }
        }
    }

    #[test]
    fn the_same_rules_from_the_beginning_differ_in_nothing(wanted in commands()) {
        let twin = PolicyRef { id: PolicyId::new("twin").expect("a sound name"), version: 1 };
        let twin = Policy { reference: twin, ..policy(1) };
        let wanted = wanted.into_iter().map(|(_, wanted)| wanted);
        let still: Vec<Wanted> =
            wanted.filter(|wanted| !matches!(wanted, Wanted::Reconsider(_) | Wanted::Shadow(_))).collect();
        let report = compared(&recorded(&twin, &still).events(), &twin.reference);
        prop_assert_eq!((report.agree, &report.differences), (report.frames, &Vec::new()));
        prop_assert!(report.rules.iter().all(|rule| rule.live_only == 0 && rule.shadow_only == 0));
        prop_assert_eq!(report.live, report.shadow);
    }
}
