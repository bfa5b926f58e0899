//! What cannot be known is counted by kind, and nothing rests on it.

use std::num::NonZeroU32;

use streamwarden::laboratory::Report;
use streamwarden::laboratory::report::CallsTo;
use streamwarden::laboratory::unknowable::Unknown;
use streamwarden::model::{Confidence, LumaDelta, ProviderName};
use streamwarden::policy::{Arrangement, Comparing, Judges, Policy, SimilarityLimits};

use crate::lines::moment;
use crate::recorder::{Recorder, Shows, at, broadcast, every, only_d};

fn count(report: &Report, kind: Unknown) -> u64 {
    report.unknowable.iter().find(|of| of.kind == kind).map_or(0, |of| of.count)
}

/// A frame with the hash and luma of another, as measured against the reference of the time.
fn like(seconds: f64, hash: u64, luma: u16) -> Shows {
    Shows { hash, luma: Some(luma), ..at(seconds, &[]) }
}

#[test]
fn a_frame_found_similar_then_that_would_be_asked_about_is_a_call_without_an_answer() {
    let recorder = broadcast(only_d(70.0), &[like(1.0, 0, 0), like(2.0, 1, 10), like(3.0, 3, 10), like(4.0, 7, 10)]);
    let report = recorder.tried(Policy { similarity: None, ..only_d(70.0) });
    assert_eq!(count(&report, Unknown::SimilarThen), 3);
    assert_eq!((report.calls.recorded, report.calls.proposed, report.calls.without_answer), (1, Some(4), 3));
    assert_eq!((report.judged, report.gained.count, report.differing), (1, 0, 0), "nothing is guessed of them");
    assert_eq!(report.unknowable[0].shown[0].captured_at, moment(2.0));
}

#[test]
fn what_came_too_soon_then_is_stood_in_for_by_the_next_that_was_looked_at() {
    // Recorded every four seconds of a frame a second; on trial every three.
    let frames: Vec<Shows> = (1..=13).map(|second| at(f64::from(second), &[])).collect();
    let recorder = broadcast(every(4000, only_d(70.0)), &frames);
    let report = recorder.tried(every(3000, only_d(70.0)));
    // Looked at: 1, 5, 9, 13. Due at 4, 8, 12, each a second before the next that was looked at.
    assert_eq!((report.density.late, report.density.late_median_ms, report.density.missed), (3, Some(1000), 0));
    assert_eq!(count(&report, Unknown::TooSoonThen), 3);
    assert!(!report.density.enough, "finer than the recording");
    assert_eq!((report.calls.proposed, report.calls.proposed_micros), (None, None), "and so not estimated");
    let slower = recorder.tried(every(8000, only_d(70.0)));
    assert!(slower.density.enough);
    assert_eq!((slower.calls.proposed, slower.calls.proposed_micros), (Some(2), Some(2000)));
}

#[test]
fn a_much_finer_cadence_misses_looks_and_does_not_count_them_as_made() {
    let frames: Vec<Shows> = (1..=9).map(|second| at(f64::from(second), &[])).collect();
    let report = broadcast(every(8000, only_d(70.0)), &frames).tried(every(2000, only_d(70.0)));
    // Due at 3, 5, 7, and then the look at 9 stands in for the first of them.
    assert_eq!((report.density.late, report.density.missed, report.judged), (1, 2, 2));
}

#[test]
fn luma_that_was_measured_against_another_frame_decides_only_where_its_bounds_agree() {
    let limits = |bits| Some(SimilarityLimits { hash_distance_max: bits, luma_delta_max: LumaDelta(300) });
    let stricter = |bits| Policy { similarity: limits(bits), ..every(1000, only_d(70.0)) };
    // All near each other by hash; the second is assessed for its brightness.
    let recorder = broadcast(stricter(10), &[like(1.0, 0, 0), like(2.0, 1, 2500), like(3.0, 3, 40)]);
    assert_eq!(recorder.tried(stricter(10)).unknowable, [], "the same policy compares with the same frames");
    // On trial the second comes too soon, so the third is compared with the first: 2,500 less or more 40, another picture.
    let other = recorder.tried(Policy { similarity: limits(10), ..every(2000, only_d(70.0)) });
    assert_eq!((count(&other, Unknown::Likeness), count(&other, Unknown::SimilarThen)), (0, 1));
    // Between 1,960 and 2,042 from the first: alike or another, and nobody measured which.
    let recorder = broadcast(stricter(10), &[like(1.0, 0, 0), like(2.0, 1, 2001), like(3.0, 3, 40)]);
    let unsure = recorder.tried(Policy { similarity: limits(10), ..every(2000, only_d(70.0)) });
    assert_eq!((count(&unsure, Unknown::Likeness), count(&unsure, Unknown::SimilarThen)), (1, 0));
}

#[test]
fn a_threshold_below_what_the_provider_was_asked_to_report_hides_hits() {
    let mut recorder = broadcast(only_d(70.0), &[]);
    recorder.floor = Some(Confidence::from_milli(50_000).expect("a percentage"));
    recorder.shows(moment(1.1), &at(1.0, &[]));
    recorder.shows(moment(2.1), &at(2.0, &[(4, 60_000)]));
    let report = recorder.tried(only_d(40.0));
    assert_eq!(count(&report, Unknown::BelowFloor), 1, "the second frame hits all the same");
    assert_eq!(report.gained.count, 1);
    assert_eq!(count(&recorder.tried(only_d(50.0)), Unknown::BelowFloor), 0);
}

#[test]
fn an_answer_whose_whole_is_gone_is_judged_on_what_the_event_holds_and_counted() {
    let labels: Vec<(u8, u32)> = (0..45u32).map(|n| ((n % 4) as u8, 60_000 + n)).collect();
    let recorder = broadcast(only_d(70.0), &[Shows { labels, ..at(1.0, &[]) }]);
    let report = recorder.tried(only_d(65.0));
    assert_eq!((count(&report, Unknown::AnswerGone), report.judged), (1, 1));
    assert_eq!(count(&recorder.tried(only_d(60.0)), Unknown::AnswerGone), 0, "what is there hits every rule");
}

#[test]
fn what_failed_then_fails_again_and_is_never_clear() {
    let mut recorder: Recorder = broadcast(only_d(70.0), &[at(1.0, &[])]);
    recorder.run(moment(3.0), &crate::wanted::Wanted::Fail(1, 0, moment(3.0).as_micros()));
    let report = recorder.tried(only_d(10.0));
    assert_eq!((count(&report, Unknown::Failed), report.judged), (1, 1));
    assert_eq!(report.unknowable[0].shown[0].captured_at, moment(3.0));
}

#[test]
fn a_warning_near_what_is_unknowable_is_not_called_lost() {
    let mut recorder = broadcast(every(2000, only_d(70.0)), &[at(1.0, &[]), at(3.0, &[(4, 80_000)]), at(4.0, &[])]);
    recorder.shows(moment(5.1), &at(5.0, &[]));
    let warning = recorder.warning_of("d");
    recorder.answers(moment(6.0), warning, true);
    let lost = recorder.tried(every(2000, only_d(90.0)));
    assert_eq!((lost.truth.upheld_lost, lost.truth.upheld_unknowable), (1, 0), "judged again, and not raised");
    // A look is due at the fourth second, of which nothing is known.
    let unsure = recorder.tried(every(3000, only_d(70.0)));
    assert_eq!((unsure.truth.upheld_lost, unsure.truth.upheld_unknowable), (0, 1), "{:#?}", unsure.unknowable);
}

#[test]
fn whom_nobody_asked_then_is_not_guessed_at_and_one_that_was_compared_stands_in() {
    let name = |name: &str| ProviderName::new(name).expect("a sound name");
    let of = |judges: Judges| Policy { arrangement: Arrangement { judges, ..Arrangement::default() }, ..only_d(70.0) };
    let frames: Vec<Shows> = (1..=8).map(|second| at(f64::from(second), &[(4, 90_000)])).collect();
    // `stub` is whom the recorder's configuration names; `last` always answers.
    let with_last = Some(Comparing { with: name("last"), one_in: NonZeroU32::MIN });
    let compared =
        Policy { arrangement: Arrangement { comparing: with_last, ..Arrangement::default() }, ..only_d(70.0) };
    let recorder = broadcast(compared, &frames);
    let by_last = recorder.tried(of(Judges::InOrder(vec![name("last")])));
    assert_eq!((count(&by_last, Unknown::NotAsked), by_last.judged), (0, 8), "{:?}", by_last.unknowable);
    let by_stub = recorder.tried(of(Judges::InOrder(vec![name("stub"), name("last")])));
    assert_eq!(
        (count(&by_stub, Unknown::NotAsked), by_stub.judged),
        (0, 8),
        "the first answered: nobody else is asked"
    );
    let by_nobody = recorder.tried(of(Judges::InOrder(vec![name("nobody")])));
    assert_eq!((count(&by_nobody, Unknown::NotAsked), by_nobody.judged), (8, 0));
    assert_eq!(by_nobody.calls.without_answer, 8);
    let from = Confidence::from_percent(50.0).expect("a percentage");
    let cascade = Judges::Cascade { first: name("last"), then: name("stub"), from, sample: None };
    let cascade = recorder.tried(of(cascade));
    assert_eq!((count(&cascade, Unknown::NotAsked), cascade.judged), (0, 8));
    assert_eq!(cascade.calls.proposed, Some(16), "each frame is shown to both");
    let of = |to: &CallsTo| (to.provider.clone(), to.recorded, to.proposed, to.price_micros);
    let each: Vec<_> = cascade.calls.by_provider.iter().map(of).collect();
    assert_eq!(each, [("last".into(), 0, Some(8), Some(3000)), ("stub".into(), 8, Some(8), Some(1000))]);
    assert_eq!((cascade.calls.recorded_micros, cascade.calls.proposed_micros), (8_000, Some(32_000)));
    assert_eq!((by_stub.calls.proposed, by_stub.calls.proposed_micros), (Some(8), Some(8_000)), "of one, at its price");
    let of_nobody = by_nobody.calls.by_provider.iter().find(|to| to.provider == "nobody").expect("it was asked for");
    assert_eq!((of_nobody.recorded, of_nobody.proposed, of_nobody.price_micros), (0, Some(8), None));
    assert_eq!(by_nobody.calls.proposed_micros, Some(0), "what no price was said of is in no cost");
}
