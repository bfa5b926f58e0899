//! Policies that differ from the one that judged: stricter and looser ones, other channels, another taxonomy.

use std::sync::Arc;

use streamwarden::events::{Event, EventType};
use streamwarden::laboratory::report::{AnswerKind, Passed, Raised};
use streamwarden::laboratory::unknowable::Unknown;
use streamwarden::model::{Approval, RuleId, Verdict};
use streamwarden::policy::{Channels, Policy, PolicySet};

use crate::lines::moment;
use crate::recorder::{at, broadcast, every, found, only_d, prices, question};
use crate::wanted::policy;

/// Every second, as the recorder's policy samples.
fn seconds(labels: &[&[(u8, u32)]]) -> crate::recorder::Recorder {
    let frames: Vec<_> = labels.iter().enumerate().map(|(second, labels)| at(1.0 + second as f64, labels)).collect();
    broadcast(policy(1), &frames)
}

#[test]
fn a_stricter_policy_is_shown_with_both_verdicts_where_it_differs() {
    let recorder = seconds(&[&[(4, 60_000)], &[(4, 65_000)], &[(4, 90_000)]]);
    let report = recorder.tried(only_d(62.0));
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
    let events = recorder.events();
    let there = events.iter().find(|it| it.envelope.position == difference.position).expect("it is recorded");
    assert!(matches!(there.event(), Ok(Event::FrameAssessed(it)) if it.frame == difference.frame));
    // It is the same warning, a second sooner: they share the third frame.
    assert_eq!((report.gained.count, report.lost.count), (0, 0));
}

#[test]
fn a_looser_policy_raises_less_and_a_rule_that_is_gone_is_named() {
    let report = seconds(&[&[(2, 80_000)], &[(4, 90_000)]]).tried(only_d(95.0));
    assert_eq!(report.total.proposed, Raised::default());
    assert!(report.total.recorded.warnings >= 2, "{:?}", report.total);
    let gone = report.rules.iter().find(|rule| rule.rule.as_str() == "b").expect("the rule was recorded");
    assert_eq!((gone.compared.recorded.warnings, gone.compared.proposed.warnings), (1, 0));
    assert_eq!(report.by_channel[0].compared, report.total);
    assert_eq!(report.lost.count, report.total.recorded.warnings);
    let lost = &report.lost.shown[0];
    assert_eq!((lost.answer, lost.captured_at), (AnswerKind::Unanswered, moment(1.0)));
    assert!(lost.label.is_some(), "the label that raised it is shown");
}

#[test]
fn a_stop_without_a_person_is_counted_once_per_broadcast_and_what_follows_it_is_not_gained() {
    let mut stopping = only_d(70.0);
    stopping.rules[0].approval = Approval::None;
    let mut later = stopping.rules[0].clone();
    later.id = RuleId::new("later").expect("a sound name");
    later.confidence = streamwarden::model::Confidence::from_milli(95_000).expect("a percentage");
    stopping.rules.push(later);
    let report = seconds(&[&[(4, 90_000)], &[(4, 91_000)], &[(4, 99_000)]]).tried(stopping);
    assert_eq!(report.total.proposed, Raised { warnings: 2, stops: 1 });
    assert_eq!(report.total.recorded.stops, 0);
    assert_eq!(report.differing, 3, "each frame would have called for a stop");
    assert_eq!((report.after_stop.sessions, report.after_stop.calls, report.after_stop.warnings), (1, 2, 1));
    assert_eq!(report.gained.count, 0, "nobody would have seen the second warning");
}

#[test]
fn a_slower_cadence_asks_for_fewer_frames_and_says_which_verdicts_it_would_not_have_had() {
    let recorder = seconds(&[&[], &[(2, 90_000)], &[], &[], &[]]);
    let slower = Policy { similarity: None, ..every(2000, policy(1)) };
    let report = recorder.tried(slower);
    // The first, the third and the fifth; but the second was partly met by rule c, so the third would be anyway.
    assert_eq!((report.calls.recorded, report.calls.proposed), (5, Some(3)));
    assert_eq!(report.differing, 1);
    assert_eq!(report.differences[0].proposed.skipped, Some(Passed::TooSoon));
    assert_eq!((report.density.recorded_median_ms, report.density.asked_median_ms), (Some(1000), Some(2000)));
    assert!(report.density.enough);
    assert!(report.lost.count > 0 && report.lost.shown.iter().all(|lost| lost.captured_at == moment(2.0)));
}

#[test]
fn labels_of_another_taxonomy_are_not_judged_and_not_taken_for_clear() {
    let other = Policy { taxonomy: "other/1".into(), ..only_d(70.0) };
    let report = seconds(&[&[(4, 10_000)]]).tried(other);
    assert_eq!((report.judged, report.differing), (0, 0));
    assert_eq!(report.unknowable.len(), 1);
    assert_eq!((report.unknowable[0].kind, report.unknowable[0].count), (Unknown::OtherTaxonomy, 1));
    assert_eq!((report.calls.proposed, report.calls.without_answer), (Some(1), 1));
}

#[test]
fn a_channel_that_another_policy_would_watch_has_no_part_in_it() {
    let recorder = seconds(&[&[(4, 90_000)]]);
    let nowhere = Arc::new(Policy { channels: Channels::Listed(Vec::new()), ..only_d(70.0) });
    let mut asked = question(only_d(70.0));
    asked.proposals = vec![PolicySet::new(vec![nowhere])];
    let found = found(&recorder.channel.journal, &asked);
    assert_eq!(found.frames, 0);
    assert_eq!(found.report(&prices()).total.recorded, Raised::default());
    let assessed = |it: &&streamwarden::events::Recorded| it.envelope.event_type == EventType::FrameAssessed.name();
    assert_eq!(recorder.events().iter().filter(assessed).count(), 1);
}
