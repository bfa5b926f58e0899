//! Providers held against each other: what is counted of frames that several saw, and what must hold of any journal.

use std::sync::Arc;

use proptest::prelude::*;
use streamwarden::clock::ManualClock;
use streamwarden::events::{Arranged, OpinionRole, WarningAnswerWithdrawn, WarningOverturned};
use streamwarden::journal::{Journal, MemoryJournal};
use streamwarden::laboratory::arena::report::{Agreement, BothAsked, Moved, Threshold};
use streamwarden::laboratory::arena::{Question, Report, WARNINGS_MAX, run, text};
use streamwarden::laboratory::{LaboratoryError, Progress, Stretch, stretch};
use streamwarden::model::{
    ChannelPattern, ContentRef, Position, ProviderName, RuleId, SessionId, Sha256, Timestamp, WarningId,
};

use crate::lines::moment;
use crate::told::{By, HIVE, HIVE_NEXT, LOCAL, RULE, Says, Told, answer, fail, moderator, said, tell};

fn journal() -> MemoryJournal {
    MemoryJournal::new(Arc::new(ManualClock::at(moment(0.0))))
}

fn question() -> Question {
    let mut question = Question { wanted_permille: 900, ..Question::default() };
    question.prices.say("hive=3000".parse().expect("a price"));
    question
}

fn asked(journal: &dyn Journal, question: &Question) -> Report {
    let all = stretch(journal, None, None).expect("memory can be read");
    run(journal, question, all, u64::MAX, &|_| None, &Progress::default()).expect("it runs to its end")
}

fn held(frames: Vec<Told>) -> Report {
    let journal = journal();
    tell(&journal, frames);
    asked(&journal, &question())
}

fn seen(by: By, sure: f64) -> Says {
    Says(by, Some(sure), 200)
}

fn nothing(by: By) -> Says {
    Says(by, None, 40)
}

#[test]
fn every_call_is_counted_with_what_it_was_for_its_time_and_its_price() {
    let mut frames = vec![Told::by(seen(HIVE, 90.0)); 3];
    frames[0].before = vec![(OpinionRole::FellOver, nothing(LOCAL))];
    frames[0].arranged = Some(Arranged::InPlaceOf(1));
    frames[1].before = vec![(OpinionRole::Seconded, seen(LOCAL, 85.0))];
    frames[2].compared = Some(seen(LOCAL, 10.0));
    let journal = journal();
    tell(&journal, frames);
    fail(&journal, 1, 4);
    let report = asked(&journal, &question());
    assert_eq!((report.frames, report.failed.frames, report.failed.tries), (3, 1, 4));
    let [hive, local] = &report.models[..] else { panic!("two models: {report:?}") };
    assert_eq!((hive.provider.as_str(), hive.calls.asked, hive.calls.decided), ("hive", 3, 3));
    assert_eq!((hive.took.of, hive.took.median_ms, hive.cost_micros), (3, Some(200), Some(9000)));
    let calls = local.calls;
    assert_eq!((calls.asked, calls.fell_over, calls.seconded, calls.compared), (3, 1, 1, 1));
    assert_eq!((calls.unanswered, calls.unanswered_tries, local.took.of), (1, 3, 2));
    assert_eq!((local.price_micros, local.cost_micros), (None, None), "nobody said what it costs");
}

#[test]
fn what_a_screen_saved_and_what_the_sample_says_it_missed_are_told() {
    let screened = |arranged, decided| Told {
        arranged: Some(arranged),
        before: vec![(OpinionRole::Screened, nothing(LOCAL))],
        ..Told::by(decided)
    };
    let mut frames = vec![Told { arranged: Some(Arranged::NothingToAsk), ..Told::by(nothing(LOCAL)) }; 500];
    frames.extend(vec![screened(Arranged::PastTheScreen, seen(HIVE, 90.0)); 10]);
    frames.extend(vec![screened(Arranged::Sampled, nothing(HIVE)); 28]);
    frames.push(screened(Arranged::Sampled, seen(HIVE, 90.0)));
    let report = held(frames);
    let [screen] = &report.screens[..] else { panic!("one screen: {report:?}") };
    assert_eq!((screen.provider.as_str(), screen.then.as_deref()), ("local", Some("hive")));
    assert_eq!((screen.saved, screen.passed, screen.sampled, screen.sampled_labelled), (500, 10, 29, 1));
    assert_eq!((screen.saved_micros, screen.missed.count), (Some(1_500_000), 1));
    // 1 of 29 is 0.0061 to 0.1718.
    let missed = screen.missed_of_saved.expect("there is a sample");
    assert_eq!((missed.about, missed.low, missed.high), (17, 3, 86));
    let reasons: Vec<_> = report.pairs.iter().map(|pair| (pair.because, pair.frames)).collect();
    assert_eq!(reasons, [(BothAsked::PastTheScreen, 10), (BothAsked::Sampled, 29)]);
    assert!(report.pairs.iter().all(|pair| pair.any_rule.kappa.is_none()), "their frames were chosen");
    let text = text::text(&report);
    assert!(text.contains("saved 500 calls ($1.50); 1 of 29 sampled frames hit a rule"), "{text}");
}

#[test]
fn two_providers_agree_as_far_as_compared_frames_tell_and_the_others_stand_apart() {
    let frame = |decided: Option<f64>, other: Option<f64>| Told {
        compared: Some(Says(HIVE, other, 300)),
        ..Told::by(Says(LOCAL, decided, 40))
    };
    let mut frames = vec![frame(Some(95.0), Some(91.0)); 20];
    frames.extend(vec![frame(None, Some(99.0)); 5]);
    frames.extend(vec![frame(Some(81.0), Some(79.9)); 10]);
    frames.extend(vec![frame(None, None); 15]);
    let mut seconded = Told::by(seen(LOCAL, 99.0));
    seconded.before = vec![(OpinionRole::Seconded, nothing(HIVE))];
    seconded.channel = "range";
    let report = held(frames.clone());
    let rule = &report.pairs[0].rules[0].agreement;
    assert_eq!(rule.kappa.map(|kappa| kappa.milli), Some(400), "by hand: (0.7 − 0.5) / 0.5");
    frames.push(seconded);
    frames.push(Told { arranged: Some(Arranged::NothingToAsk), ..frames[0].clone() });
    let report = held(frames);
    let [compared, behind, seconded] = &report.pairs[..] else { panic!("three pairs: {report:?}") };
    assert_eq!((behind.because, behind.frames), (BothAsked::ComparedBehindAScreen, 1));
    assert_eq!((compared.because, compared.frames, seconded.because), (BothAsked::Compared, 50, BothAsked::Seconded));
    assert_eq!((compared.one.as_str(), compared.rules[0].rule.as_str()), ("hive", RULE));
    let rule = &compared.rules[0].agreement;
    assert_eq!((rule.both, rule.one_only, rule.other_only, rule.neither), (20, 5, 10, 15));
    assert_eq!(rule.kappa, None, "hive seconds stops, and is compared on what is left");
    assert_eq!((rule.examples.len(), rule.examples[0].yes.as_str()), (5, "local"));
    assert!(rule.examples.windows(2).all(|pair| pair[0].position > pair[1].position), "newest first");
    assert_eq!(seconded.any_rule.one_only + seconded.any_rule.other_only, 1);
}

#[test]
fn an_answer_counts_as_it_stands_at_the_end() {
    let frames: Vec<Told> = (0..4).map(|_| Told { answer: Some(true), ..Told::by(seen(HIVE, 92.0)) }).collect();
    let journal = journal();
    let warnings = tell(&journal, frames);
    let on_stage = |warning: WarningId, what: &str, event| answer(&journal, "stage", warning, what, event);
    on_stage(warnings[0], "back", WarningAnswerWithdrawn { warning: warnings[0], by: moderator() }.into());
    on_stage(warnings[1], "back", WarningAnswerWithdrawn { warning: warnings[1], by: moderator() }.into());
    on_stage(warnings[1], "again", said(warnings[1], false));
    on_stage(warnings[2], "overturned", overturned(warnings[2]).into());
    let report = asked(&journal, &question());
    let label = &report.models[0].labels[0];
    assert_eq!((label.warnings, label.upheld.count, label.upheld.of), (4, 1, 3));
    assert_eq!((label.by_score.len(), label.by_score[0].unanswered), (1, 1));
    assert_eq!(
        (label.by_score[0].from.to_string(), label.asked_from.map(|at| at.as_milli())),
        ("90.0".into(), Some(80_000))
    );
}

fn overturned(warning: WarningId) -> WarningOverturned {
    let why = ContentRef { subject: "moderator/ann".to_owned(), digest: Sha256::of(b"why"), bytes: 3 };
    WarningOverturned {
        warning,
        by: moderator(),
        why,
        upheld_by: moderator(),
        upheld_at: Timestamp::default(),
        session: SessionId::new("st-1").expect("a sound name"),
        rule: RuleId::new(RULE).expect("a sound name"),
        severity: 3,
    }
}

#[test]
fn a_threshold_is_suggested_from_answers_and_refused_where_there_are_too_few() {
    let answered = |sure: f64, upheld| Told { answer: Some(upheld), ..Told::by(seen(HIVE, sure)) };
    let mut frames = vec![answered(82.0, true); 20];
    frames.extend(vec![answered(82.0, false); 30]);
    frames.extend(vec![answered(97.0, true); 60]);
    frames.extend(vec![Told { answer: Some(true), ..Told::by(seen(LOCAL, 97.0)) }; 10]);
    let report = held(frames);
    let [hive, local] = &report.models[..] else { panic!("two models: {report:?}") };
    let Threshold::From { threshold, upheld, upheld_below, dismissed_below, uneven } = hive.labels[0].threshold else {
        panic!("60 of 60 do: {:?}", hive.labels[0])
    };
    assert_eq!((threshold.as_milli(), upheld.count, upheld.of), (95_000, 60, 60));
    assert_eq!((upheld_below, dismissed_below, uneven), (20, 30, false));
    assert_eq!(local.labels[0].threshold, Threshold::TooFew { answers: 10, needed: 35 });
    let text = text::text(&report);
    assert!(text.contains("it would have let 20 upheld warnings pass and spared 30 dismissed ones."), "{text}");
    assert!(
        text.contains("no threshold for 90.0 % can be said from 10 answers; 35 that all upheld would do."),
        "{text}"
    );
}

#[test]
fn a_new_model_version_is_held_against_the_old_one_on_comparable_frames() {
    let every = |by: By, nth: u32, count: u32| {
        (0..count).map(move |at| Told::by(Says(by, at.is_multiple_of(nth).then_some(50.0), 100)))
    };
    let report = held(every(HIVE, 5, 300).chain(every(HIVE_NEXT, 2, 300)).collect());
    let [change] = &report.changes[..] else { panic!("one change: {report:?}") };
    assert_eq!((change.before.as_str(), change.after.as_str(), change.frames), ("v3.2", "v3.3", 300));
    assert_eq!((change.labels[0].before, change.labels[0].after, change.labels[0].rate), (60, 150, Moved::More));
    let report = held(every(HIVE, 5, 300).chain(every(HIVE_NEXT, 2, 99)).collect());
    assert!(report.changes[0].too_few && report.changes[0].labels.is_empty());
    let text = text::text(&report);
    assert!(
        text.contains("Whether hive says the same since v3.3 cannot be said: 99 comparable answers are too few."),
        "{text}"
    );
}

#[test]
fn only_what_was_asked_for_is_in_the_figures() {
    let journal = journal();
    let compared = Told { compared: Some(seen(HIVE, 90.0)), ..Told::by(seen(LOCAL, 90.0)) };
    tell(&journal, [compared.clone(), Told { channel: "range", ..compared }]);
    let channels = vec![ChannelPattern::new("st*").expect("a sound pattern")];
    let report = asked(&journal, &Question { channels, ..question() });
    assert_eq!((report.frames, report.pairs[0].frames), (1, 1));
    let providers = vec![ProviderName::new("hive").expect("a sound name")];
    let report = asked(&journal, &Question { providers, ..question() });
    let shown: Vec<&str> = report.models.iter().map(|model| model.provider.as_str()).collect();
    assert_eq!((shown, report.pairs[0].frames), (vec!["hive"], 2), "the pair is of both");
    // Of more events than are read, the newest; a compared answer whose frame was not read is counted as such.
    let all = stretch(&journal, None, None).expect("memory can be read");
    let report = run(&journal, &question(), all, 2, &|_| None, &Progress::default()).expect("it runs to its end");
    assert_eq!((report.cut, report.from, report.to), (true, Position(all.to.0 - 1), all.to));
    assert_eq!((report.frames, report.left_out.compared), (0, 1));
}

#[test]
fn called_off_there_is_nothing() {
    let journal = journal();
    tell(&journal, [Told::by(nothing(HIVE))]);
    let progress = Progress::default();
    progress.cancel();
    let all = Stretch { after: Position(0), to: Position(1) };
    let called_off = run(&journal, &question(), all, u64::MAX, &|_| None, &progress);
    assert!(matches!(called_off, Err(LaboratoryError::Cancelled { .. })));
}

#[test]
fn the_bounds_are_what_the_report_says_of_them() {
    assert_eq!(WARNINGS_MAX, 200_000, "the report's and the paper's words name it");
}

fn any_frame() -> impl Strategy<Value = Told> {
    let by = prop_oneof![Just(LOCAL), Just(HIVE), Just(HIVE_NEXT)];
    let says = (by, proptest::option::of(0.0..100.0f64), 0..5000u32).prop_map(|(by, sure, took)| Says(by, sure, took));
    let role = prop_oneof![Just(OpinionRole::Screened), Just(OpinionRole::FellOver), Just(OpinionRole::Seconded)];
    let arranged = prop_oneof![
        Just(None),
        Just(Some(Arranged::NothingToAsk)),
        Just(Some(Arranged::PastTheScreen)),
        Just(Some(Arranged::Sampled)),
        Just(Some(Arranged::InPlaceOf(1))),
    ];
    let channel = prop_oneof![Just("stage"), Just("range"), Just("hall")];
    (
        (channel, 1..3u32, arranged, proptest::option::of(any::<bool>())),
        (says.clone(), proptest::option::of(says.clone()), proptest::collection::vec((role, says), 0..3)),
    )
        .prop_map(|((channel, policy, arranged, answer), (decided, compared, before))| Told {
            channel,
            policy,
            decided,
            arranged,
            before,
            compared,
            answer,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever was recorded: what is counted in one place adds up to what is counted in another, and asked again it is
    /// the same to the byte.
    #[test]
    fn totals_add_up(frames in proptest::collection::vec(any_frame(), 1..80)) {
        let journal = journal();
        let warnings = tell(&journal, frames.clone());
        let report = asked(&journal, &question());
        prop_assert_eq!(report.frames, frames.len() as u64);
        let decided: u64 = report.models.iter().map(|model| model.calls.decided).sum();
        prop_assert_eq!(decided, report.frames);
        let mut raised = 0;
        for model in &report.models {
            let calls = model.calls;
            let parts = calls.decided + calls.screened + calls.fell_over + calls.seconded + calls.compared;
            prop_assert_eq!(parts, calls.asked);
            prop_assert_eq!(model.took.of, calls.asked - calls.unanswered);
            for label in &model.labels {
                raised += label.warnings;
                prop_assert_eq!(label.by_score.iter().map(|band| band.frames).sum::<u64>(), label.frames);
                let of = |part: fn(&streamwarden::laboratory::arena::report::Band) -> u64| -> u64 {
                    label.by_score.iter().map(part).sum()
                };
                prop_assert_eq!(of(|band| band.upheld.count), label.upheld.count);
                prop_assert_eq!(of(|band| band.unanswered + band.upheld.of), label.warnings);
                prop_assert!(label.upheld.low_permille <= label.upheld.high_permille);
            }
        }
        prop_assert_eq!(raised, warnings.len() as u64);
        for pair in &report.pairs {
            for named in &pair.categories {
                let Agreement { both, one_only, other_only, neither, .. } = named.agreement;
                prop_assert_eq!(both + one_only + other_only + neither, named.frames);
                prop_assert!(named.frames <= pair.frames);
            }
            for agreement in pair.rules.iter().map(|rule| &rule.agreement).chain([&pair.any_rule]) {
                let yes = agreement.both + agreement.one_only + agreement.other_only;
                prop_assert!(yes + agreement.neither <= pair.frames);
                if let Some(kappa) = agreement.kappa {
                    prop_assert!(kappa.low_milli <= kappa.milli && kappa.milli <= kappa.high_milli);
                }
            }
        }
        prop_assert_eq!(asked(&journal, &question()).to_json(), report.to_json());
    }

    /// Frames of different channels may stand between each other or not: but for which are the newest and nearest to a
    /// change, it is the same.
    #[test]
    fn the_order_of_channels_changes_no_count(frames in proptest::collection::vec(any_frame(), 1..60)) {
        let mut by_channel = frames.clone();
        by_channel.sort_by_key(|told| told.channel); // stable: each channel's own order stays
        let counts = |frames| {
            let mut report = held(frames);
            report.changes.clear();
            report.changes_seen = 0;
            for pair in &mut report.pairs {
                pair.any_rule.examples.clear();
                pair.rules.iter_mut().for_each(|rule| rule.agreement.examples.clear());
                pair.categories.iter_mut().for_each(|named| named.agreement.examples.clear());
            }
            report
        };
        let (mixed, sorted) = (counts(frames), counts(by_channel));
        // Who is asked after a screen is said as last seen.
        let then = |report: &Report| report.screens.iter().map(|screen| (screen.saved, screen.sampled, screen.missed)).collect::<Vec<_>>();
        prop_assert_eq!(then(&mixed), then(&sorted));
        prop_assert_eq!((mixed.models, mixed.pairs, mixed.failed), (sorted.models, sorted.pairs, sorted.failed));
    }
}

/// The journal that `docs/arena.md` shows: a local model screens for Hive on one channel, both see every frame of another,
/// Hive's model changes halfway, and people answer.
fn example() -> Vec<Told> {
    let upheld = |at: u32, percent: f64| at % 100 < if percent >= 95.0 { 98 } else { 70 };
    let screened = |at: u32, hive: By| {
        let sure = if at.is_multiple_of(3) { 85.5 } else { 97.5 };
        let (arranged, decided) = match at % 40 {
            0..36 => (Arranged::NothingToAsk, Says(LOCAL, None, 30 + at % 9)),
            36..39 => (Arranged::PastTheScreen, Says(hive, Some(sure), 180 + at % 120)),
            _ => (Arranged::Sampled, Says(hive, (at > 2300).then_some(sure), 180 + at % 120)),
        };
        let screen = (OpinionRole::Screened, Says(LOCAL, (arranged == Arranged::PastTheScreen).then_some(60.0), 31));
        Told {
            arranged: Some(arranged),
            before: if arranged == Arranged::NothingToAsk { Vec::new() } else { vec![screen] },
            answer: Some(upheld(at, sure)),
            ..Told::by(decided)
        }
    };
    let compared = |at: u32, hive: By| Told {
        channel: "range",
        compared: Some(Says(hive, at.is_multiple_of(10).then_some(95.5), 210 + at % 90)),
        answer: Some(!at.is_multiple_of(24)),
        ..Told::by(Says(LOCAL, at.is_multiple_of(12).then_some(90.5), 30 + at % 9))
    };
    let half = |hive: By, from: u32| {
        (from..from + 1200)
            .flat_map(move |at| [Some(screened(at, hive)), at.is_multiple_of(4).then(|| compared(at / 4, hive))])
    };
    half(HIVE, 0).chain(half(HIVE_NEXT, 1200)).flatten().collect()
}

#[test]
fn the_paper_shows_what_the_example_gives() {
    let report = held(example());
    let shown = format!("```text\n{}```\n", text::text(&report));
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/arena.md");
    let paper = std::fs::read_to_string(&path).expect("the paper is there");
    let (before, rest) = paper.split_once("<!-- example -->\n").expect("the place where it begins");
    let (_, after) = rest.split_once("<!-- end of the example -->").expect("the place where it ends");
    let wanted = format!("{before}<!-- example -->\n{shown}<!-- end of the example -->{after}");
    if std::env::var_os("STREAMWARDEN_REGENERATE").is_some() {
        std::fs::write(&path, &wanted).expect("writing");
    } else {
        assert!(paper == wanted, "docs/arena.md shows something else; it would be:\n{shown}");
    }
}
