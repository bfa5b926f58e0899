//! Segments on trial: what another policy would have heard of what was recorded, at its own cadence, and what nobody knows.

use streamwarden::laboratory::Report;
use streamwarden::laboratory::unknowable::Unknown;
use streamwarden::model::{Action, Approval, Confidence, Medium, ProviderName, RuleId};
use streamwarden::policy::{Category, Listening, Policy, Rule, Segments};
use streamwarden::warden::invariants;

use crate::identity::nothing_changes;
use crate::lines::moment;
use crate::recorder::{Heard, Recorder, at, broadcast, only_d};

/// Rule `d` on pictures and clips, and `hate` on what is said; sound every ten seconds, clips every twenty.
fn listening() -> Policy {
    let mut policy = only_d(70.0);
    let of =
        |every_ms, name: &str| Some(Listening { every_ms, judged_by: ProviderName::new(name).expect("a sound name") });
    policy.segments = Segments { sound: of(10_000, "speech"), clips: of(20_000, "clips") };
    policy.rules.push(Rule {
        id: RuleId::new("hate").expect("a sound name"),
        taxonomy: Some("hive-speech/1".into()),
        categories: vec![Category::Within(streamwarden::model::LabelPath::new("hate").expect("a sound path"))],
        action: Action::Warn,
        approval: Approval::None,
        cooldown_ms: 0,
        ..policy.rules[0].clone()
    });
    policy
}

fn with(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = listening();
    change(&mut policy);
    policy
}

/// Five pictures, and a minute of segments: three sounds judged, of which the first is hateful, one too soon, one mute and
/// one that may have failed; two clips.
fn recorded_with(fails: bool) -> Recorder {
    let mut recorder = Recorder::under(listening());
    recorder.start(0, moment(0.0));
    for second in 1..=5 {
        recorder.shows(moment(f64::from(second) + 0.1), &at(f64::from(second), &[]));
    }
    recorder.hears(Medium::Sound, 10.0, Heard::Says(&[("hate", 90_000)]));
    recorder.hears(Medium::Clip, 11.0, Heard::Says(&[("Violence", 80_000)]));
    recorder.hears(Medium::Sound, 15.0, Heard::Says(&[("hate", 100_000)]));
    recorder.hears(Medium::Sound, 20.0, Heard::Says(&[]));
    recorder.hears(Medium::Sound, 30.0, Heard::NoTrack);
    recorder.hears(Medium::Clip, 35.0, Heard::Says(&[]));
    if fails {
        recorder.hears(Medium::Sound, 40.0, Heard::Fails);
    }
    recorder.hears(Medium::Sound, 50.0, Heard::Says(&[("hate", 50_000)]));
    invariants::check(&recorder.events()).expect("a lawful history");
    recorder
}

fn recorded() -> Recorder {
    recorded_with(false)
}

fn count(report: &Report, kind: Unknown) -> u64 {
    report.unknowable.iter().find(|of| of.kind == kind).map_or(0, |of| of.count)
}

/// Warnings of a rule: recorded, and as they would have been.
fn warnings(report: &Report, rule: &str) -> (u64, u64) {
    let of = report.rules.iter().find(|compared| compared.rule.as_str() == rule);
    of.map_or((0, 0), |of| (of.compared.recorded.warnings, of.compared.proposed.warnings))
}

#[test]
fn the_policy_that_listened_tried_on_what_it_heard_gains_and_loses_nothing() {
    let report = recorded_with(true).tried(listening());
    nothing_changes(&report).expect("the same policy, the same record");
    assert_eq!((report.judged, report.calls.recorded), (5 + 3 + 2, 5 + 3 + 2), "mute and too soon are no calls");
    assert_eq!((warnings(&report, "hate"), warnings(&report, "d")), ((1, 1), (1, 1)));
    assert_eq!(count(&report, Unknown::Failed), 1, "what failed then is not known now: {:?}", report.unknowable);
}

#[test]
fn another_threshold_on_what_is_heard_gains_and_loses_warnings() {
    let threshold = |percent| with(|policy| policy.rules[1].confidence = Confidence::from_percent(percent).unwrap());
    let stricter = recorded().tried(threshold(95.0));
    assert_eq!((warnings(&stricter, "hate"), stricter.lost.count, stricter.gained.count), ((1, 0), 1, 0));
    let looser = recorded().tried(threshold(40.0));
    // The second hit joins the warning of the first, which is still open.
    assert_eq!((warnings(&looser, "hate"), looser.lost.count, looser.differing), ((1, 1), 0, 1));
}

#[test]
fn a_policy_that_asks_for_no_sound_loses_what_was_heard_and_knows_that_it_does() {
    let deaf = recorded().tried(with(|policy| policy.segments.sound = None));
    assert_eq!((warnings(&deaf, "hate"), deaf.lost.count, deaf.judged), ((1, 0), 1, 5 + 2));
    assert_eq!(deaf.unknowable, [], "nothing of it is unknown: nobody would have asked");
    assert_eq!(deaf.calls.proposed, Some(5 + 2));
}

#[test]
fn sooner_than_was_heard_and_by_another_than_was_asked_is_not_known_and_never_clear() {
    let sooner = with(|policy| policy.segments.sound.as_mut().expect("it listens").every_ms = 5_000);
    let sooner = recorded().tried(sooner);
    assert_eq!(count(&sooner, Unknown::TooSoonThen), 1, "the segment at 15 s: {:?}", sooner.unknowable);
    assert_eq!(sooner.calls.without_answer, 1);
    let another = with(|policy| {
        policy.segments.sound.as_mut().expect("it listens").judged_by = ProviderName::new("another").unwrap();
    });
    let another = recorded().tried(another);
    assert_eq!((count(&another, Unknown::NotAsked), another.judged), (3, 5 + 2));
    assert_eq!(another.lost.count, 0, "what another would have said of it is not known");
}

#[test]
fn seldomer_than_was_heard_passes_segments_over_and_asks_less() {
    let seldom = with(|policy| policy.segments.sound.as_mut().expect("it listens").every_ms = 30_000);
    let seldom = recorded().tried(seldom);
    // Of the sounds at 10, 20 and 50 s the second would have come too soon.
    assert_eq!((seldom.judged, seldom.calls.proposed), (5 + 2 + 2, Some(5 + 2 + 2)));
    assert_eq!(warnings(&seldom, "hate"), (1, 1));
    assert_eq!(
        seldom.unknowable,
        [],
        "nor does the mute one at 30 s put the next off, which nobody would have fetched"
    );
}

/// Segments that no policy asked for are no frames: what they would have cost is not known, and not nothing.
#[test]
fn what_was_never_listened_to_has_no_cost_that_could_be_told() {
    let frames: Vec<_> = (1..=5).map(|second| at(f64::from(second), &[])).collect();
    let recorder = broadcast(only_d(70.0), &frames);
    let calls = recorder.tried(listening()).calls;
    let lacking: Vec<_> = calls.not_on_record.iter().map(|of| (of.medium, of.channels)).collect();
    assert_eq!(lacking, [(Medium::Clip, 1), (Medium::Sound, 1)]);
    assert_eq!((calls.proposed, calls.proposed_micros), (Some(5), None));
    assert_eq!(recorded().tried(listening()).calls.not_on_record, [], "here they were");
}
