//! A decision explained: every number in it follows from what was recorded, and what would have changed it would have.

use streamwarden::audit::decision::{Kept, LabelsFrom, Outcome, ReachedView, Relation, Standing};
use streamwarden::audit::decision::{Sources, Stage as Reached, decision, outcome_of};
use streamwarden::events::{CadenceBecause, ReputationChange};
use streamwarden::journal::Journal;
use streamwarden::model::{EventId, FrameId, Score, Verdict};
use streamwarden::warden::{Answering, EnforcementReport, ModeratorAct};

use crate::stage::{Stage, moment, names};

#[test]
fn a_clear_frame_names_its_labels_and_what_would_have_changed_the_verdict() {
    let mut stage = Stage::new();
    stage.begin();
    let frame = stage.judge(1.0, &[("Alcohol/Alcoholic Beverages", 69.5), ("Violence/Weapons", 60.0)]);
    let decided = stage.decision(frame);
    assert_eq!((decided.outcome, decided.verdict), (Outcome::Assessed, Some(Verdict::Clear)));
    assert!(decided.missing.is_empty(), "{:?}", decided.missing);
    let judged = decided.judgement.expect("it was assessed");
    assert_eq!((judged.labels.len(), judged.labels_from), (2, LabelsFrom::Event));
    let rules: Vec<&str> = judged.rules.iter().map(|rule| rule.rule.as_str()).collect();
    assert_eq!(rules, ["weapons", "alcohol", "explicit"]);
    let alcohol = &judged.rules[1];
    assert_eq!((alcohol.reached, alcohol.best.as_ref().expect("a label").margin), (ReachedView::Missed, -500));
    assert_eq!(alcohol.otherwise.len(), 1);
    assert_eq!((alcohol.otherwise[0].verdict, alcohol.otherwise[0].changes_verdict), (Verdict::Warn, true));
    assert!(alcohol.otherwise[0].with[0].contains("0.5 more on Alcohol"), "{:?}", alcohol.otherwise[0].with);
    // A rule with a window of two needs one hit besides this one.
    let weapons = &judged.rules[0];
    assert_eq!((weapons.hits, weapons.hits_needed, weapons.window.as_str()), (Some(0), 2, "2 of 3"));
    assert_eq!(weapons.otherwise[0].with.len(), 2, "{:?}", weapons.otherwise[0].with);
    assert_eq!(weapons.otherwise[0].verdict, Verdict::Stop);
}

/// The promise behind "would have changed": judged with that change, the frame comes out with the verdict stated.
#[test]
fn what_is_said_to_change_the_verdict_changes_it() {
    let verdict = |first: &[(&str, f64)], labels: &[(&str, f64)]| {
        let mut stage = Stage::new();
        stage.begin();
        stage.judge(1.0, first);
        let frame = stage.judge(62.0, labels);
        stage.decision(frame)
    };
    let clear = [("Violence/Weapons", 79.0)];
    let hit = [("Violence/Weapons", 81.0)];
    let decided = verdict(&clear, &clear);
    let missed = &decided.judgement.expect("assessed").rules[0];
    assert_eq!(missed.otherwise[0].with, ["1 more on Violence/Weapons", "one more hit (2 of 3)"]);
    assert_eq!(verdict(&hit, &[("Violence/Weapons", 80.0)]).verdict, Some(missed.otherwise[0].verdict));
    // Half met: the hit that it lacks changes the verdict, less confidence does not.
    let decided = verdict(&clear, &hit);
    assert_eq!(decided.verdict, Some(Verdict::Clear));
    let partial = &decided.judgement.expect("assessed").rules[0];
    assert_eq!((partial.reached, partial.hits), (ReachedView::Partial, Some(1)));
    let changes: Vec<bool> = partial.otherwise.iter().map(|other| other.changes_verdict).collect();
    assert_eq!(changes, [false, true], "{:?}", partial.otherwise);
    // Met: less confidence on the one label clears it.
    let decided = verdict(&hit, &hit);
    assert_eq!(decided.verdict, Some(Verdict::Stop));
    let judged = decided.judgement.expect("assessed");
    assert_eq!(judged.decided_by.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(), ["weapons"]);
    assert_eq!(judged.rules[0].otherwise[0].verdict, Verdict::Clear);
    assert_eq!(verdict(&hit, &[("Violence/Weapons", 79.999)]).verdict, Some(Verdict::Clear));
}

#[test]
fn two_rules_met_name_both_and_neither_alone_changes_the_verdict_of_the_graver() {
    let mut stage = Stage::new();
    stage.begin();
    let frame = stage.judge(1.0, &[("Alcohol", 90.0), ("Explicit", 95.0)]);
    let decided = stage.decision(frame);
    assert_eq!(decided.verdict, Some(Verdict::Warn), "explicit asks a person first");
    let judged = decided.judgement.expect("assessed");
    assert_eq!(judged.decided_by.len(), 2);
    let alcohol = judged.rules.iter().find(|rule| rule.rule.as_str() == "alcohol").expect("it is there");
    assert_eq!((alcohol.otherwise[0].verdict, alcohol.otherwise[0].changes_verdict), (Verdict::Warn, false));
    assert_eq!(decided.followed.warnings.len(), 2);
}

#[test]
fn a_frame_that_came_too_soon_shows_the_arithmetic_that_skipped_it() {
    let mut stage = Stage::new();
    stage.begin();
    stage.judge(1.0, &[]);
    for early in [11.0, 21.0, 31.0] {
        stage.take(early);
    }
    let frame = stage.take(54.9);
    let decided = stage.decision(frame);
    assert_eq!((decided.outcome, decided.verdict), (Outcome::Skipped, None));
    let cadence = decided.cadence.expect("a cadence was set");
    assert_eq!((cadence.interval_ms, cadence.tolerance_ms, cadence.early_ms), (60_000, 6_000, Some(6_000)));
    assert_eq!((cadence.newest_sampled, cadence.newest_seen), (Some(moment(1.0)), Some(moment(31.0))));
    assert_eq!((cadence.due, cadence.was_due), (Some(moment(55.0)), false));
    assert!(decided.because.contains("too soon"), "{}", decided.because);
}

#[test]
fn a_similar_frame_names_the_frame_it_was_compared_with() {
    let mut stage = Stage::new();
    stage.begin();
    let reference = stage.judge(1.0, &[]);
    let frame = stage.compare(62.0, 0b111, 120);
    let decided = stage.decision(frame);
    assert_eq!(decided.outcome, Outcome::Skipped);
    let likeness = decided.likeness.expect("it was hashed");
    let compared = likeness.compared_with.expect("it was compared");
    assert_eq!((compared.frame, compared.captured_at), (reference, Some(moment(1.0))));
    assert_eq!(compared.event, EventId::outcome_of(reference));
    assert_eq!((likeness.bits, likeness.luma.map(|luma| luma.0)), (Some(3), Some(120)));
    assert_eq!((likeness.bits_max, likeness.luma_max.map(|luma| luma.0)), (Some(10), Some(200)));
    assert_eq!((likeness.age_ms, likeness.reassess_after_ms), (Some(61_000), Some(300_000)));
    assert!(decided.judgement.is_none() && decided.evidence.kept == Kept::NotKept);
}

#[test]
fn a_failed_frame_has_no_verdict_and_says_what_failed() {
    let mut stage = Stage::new();
    stage.begin();
    let frame = stage.fail(1.0);
    let decided = stage.decision(frame);
    assert_eq!((decided.outcome, decided.verdict), (Outcome::Failed, None));
    assert!(decided.because.contains("3 attempts") && decided.because.contains("no answer within"), "{decided:?}");
}

#[test]
fn the_story_goes_from_the_warning_to_the_verified_end_of_the_stop() {
    let mut stage = Stage::new();
    stage.begin();
    stage.judge(1.0, &[("Violence/Weapons", 90.0)]);
    let frame = stage.judge(3.0, &[("Violence/Weapons", 90.0)]);
    let joined = stage.judge(5.0, &[("Violence/Weapons", 95.0)]);
    let (warning, enforcement) = (stage.open_warning(), stage.enforcement());
    stage.report(6.0, enforcement, EnforcementReport::Admitted);
    stage.report(7.0, enforcement, EnforcementReport::Attempting { attempt: 1, found: None });
    stage.report(8.0, enforcement, EnforcementReport::Succeeded(1));
    stage.report(9.0, enforcement, EnforcementReport::Verified);
    let upheld = ModeratorAct::Uphold(Answering::to([warning]));
    stage.moderate(20.0, upheld);

    let decided = stage.decision(frame);
    assert!(decided.followed.complete);
    let story = &decided.followed.warnings[0];
    assert!(story.raised_here && story.raised.is_some());
    assert!(matches!(&story.standing, Standing::Upheld { by, at } if by.as_str() == "m-17" && *at == moment(20.0)));
    let stop = &decided.followed.enforcements[0];
    assert_eq!((stop.stage, stop.ended, stop.relation), (Reached::Verified, true, Relation::ThisDecision));
    let steps: Vec<&str> = stop.events.iter().map(|event| event.envelope().event_type.as_str()).collect();
    assert_eq!(
        steps,
        [
            "EnforcementRequested",
            "EnforcementAdmitted",
            "EnforcementAttempted",
            "EnforcementSucceeded",
            "EnforcementVerified"
        ]
    );
    // The frame that joined tells the same story, from its beginning.
    let decided = stage.decision(joined);
    let story = &decided.followed.warnings[0];
    assert!(!story.raised_here);
    assert_eq!(story.raised.as_ref().map(|raised| raised.frame), Some(frame));
    assert_eq!(decided.followed.enforcements.len(), 1);
}

#[test]
fn a_later_stop_of_the_same_broadcast_is_told_with_a_clear_decision() {
    let mut stage = Stage::new();
    stage.begin();
    let frame = stage.judge(1.0, &[]);
    let stop = stage.stop();
    let asked = stage.moderate(30.0, stop);
    assert_eq!(names(&asked), ["EnforcementRequested"]);
    let decided = stage.decision(frame);
    assert_eq!(decided.followed.enforcements.len(), 1);
    assert_eq!(decided.followed.enforcements[0].relation, Relation::SameBroadcast);
    assert!(!decided.followed.enforcements[0].ended);
    assert_eq!(decided.followed.enforcements[0].reason.as_deref(), Some("seen with my own eyes"));
    stage.content.erase("channel/stage").expect("it is erased");
    let decided = stage.decision(frame);
    assert!(decided.followed.enforcements[0].reason.is_none());
    assert!(decided.missing[0].contains("the reason of enforcement"), "{:?}", decided.missing);
}

#[test]
fn a_kept_picture_is_named_until_it_is_erased() {
    let mut stage = Stage::new();
    stage.begin();
    let frame = stage.judge(1.0, &[("Alcohol", 90.0)]);
    assert_eq!(stage.decision(frame).evidence.kept, Kept::NotKept);
    stage.keep(1.0, b"the picture");
    let evidence = stage.decision(frame).evidence;
    assert_eq!((evidence.kept, evidence.content.expect("it is kept").bytes), (Kept::Kept, 11));
    assert_eq!(evidence.image.expect("it was assessed").width, 640);
    stage.content.erase("channel/stage").expect("it is erased");
    let evidence = stage.decision(frame).evidence;
    assert_eq!(evidence.kept, Kept::Erased);
    assert!(evidence.event.is_some(), "that it was kept is still known");
}

#[test]
fn the_policy_is_told_as_it_was_published_and_its_loss_is_named() {
    let mut stage = Stage::new();
    stage.begin();
    let frame = stage.judge(1.0, &[("Alcohol", 90.0)]);
    let policy = stage.decision(frame).policy.expect("a policy judged");
    assert_eq!(policy.text.as_deref(), Some(crate::stage::POLICY));
    assert_eq!(policy.reference.to_string(), "stage@1");
    let published = policy.published.expect("it was published");
    assert_eq!(
        (published.event.actor.as_str(), published.why.as_deref()),
        ("moderator author-1", Some("the house rules"))
    );

    stage.content.erase("policy/stage").expect("it is erased");
    let decided = stage.decision(frame);
    let policy = decided.policy.expect("a policy judged");
    assert!(policy.text.is_none() && policy.published.is_some());
    assert!(decided.missing.iter().any(|missing| missing.contains("erased")), "{:?}", decided.missing);
    assert_eq!(decided.verdict, Some(Verdict::Warn), "the verdict is the event's, with or without the text");
}

#[test]
fn a_decision_is_found_by_its_frame_and_by_its_event_and_by_nothing_else() {
    let mut stage = Stage::new();
    stage.begin();
    let frame = stage.judge(1.0, &[("Alcohol", 90.0)]);
    let journal = &*stage.journal;
    let by_frame = outcome_of(journal, *frame.as_bytes()).expect("read");
    let by_event = outcome_of(journal, *EventId::outcome_of(frame).as_bytes()).expect("read");
    assert!(by_frame.is_some() && by_frame == by_event);
    let raised = stage.events().into_iter().find(|event| event.envelope.event_type == "WarningRaised");
    let raised = raised.expect("it was raised");
    assert_eq!(outcome_of(journal, *raised.envelope.id.as_bytes()).expect("read"), None);
    assert_eq!(outcome_of(journal, [9; 16]).expect("read"), None);
    let sources = Sources { journal, content: &stage.content };
    assert!(decision(sources, raised).expect("read").is_none());
    assert!(journal.find(EventId::outcome_of(FrameId::from_bytes([9; 16]))).expect("read").is_none());
}

/// Stops weapons at once, where hive agrees.
const SECONDED: &str = "\
policy: stage
channels: { matching: .* }
taxonomy: rekognition/7.0
second_opinion: hive
rules:
  - { id: weapons, categories: [Violence/Weapons], confidence: 80, action: stop, approval: none }
";

#[test]
fn a_stop_that_a_second_provider_kept_back_says_who_was_asked_and_what_would_have_let_it_go_ahead() {
    for (hive, verdict, otherwise) in [
        (Some(&[("Violence/Weapons", 85.0)][..]), Verdict::Stop, None),
        (
            Some(&[("Violence/Weapons", 61.0), ("Alcohol", 99.0)]),
            Verdict::Warn,
            Some(
                "weapons: hive did not agree: its surest label for this rule, Violence/Weapons, was 61.0 %, 80 % needed",
            ),
        ),
        (Some(&[]), Verdict::Warn, Some("weapons: hive did not agree: it gave no label for this rule, 80 % needed")),
        (
            None,
            Verdict::Warn,
            Some("weapons: hive gave no answer (no answer within 900 ms); one that hits the rule was needed"),
        ),
    ] {
        let mut stage = Stage::under(SECONDED);
        stage.begin();
        let frame = stage.judge_with_hive(1.0, &[("Violence/Weapons", 95.0)], hive);
        let decided = stage.decision(frame);
        assert_eq!(decided.verdict, Some(verdict), "{hive:?}");
        let judged = decided.judgement.as_ref().expect("it was assessed");
        assert_eq!(judged.decided_by.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(), ["weapons"], "{hive:?}");
        let consulted = decided.consulted.as_ref().expect("hive was asked");
        assert_eq!(consulted.otherwise.iter().map(String::as_str).next(), otherwise);
        let [other] = &consulted.others[..] else { panic!("one was asked: {:?}", consulted.others) };
        assert_eq!((&*other.provider.name, other.failed.is_some()), ("hive", hive.is_none()));
        assert!(decided.lines().iter().any(|line| line.starts_with("hive, asked to agree with a stop: ")));
    }
}

/// Lets a channel's past set the cadence.
const RANGE: &str = "\
policy: stage
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 1s to 60s, max_age: 1h }
reputation: { trust_after: 1m, closely_for: 10s }
similarity: off
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 70, action: warn }
";

#[test]
fn what_a_person_set_the_reputation_to_is_told_where_it_had_a_say_and_nowhere_else() {
    let mut stage = Stage::under(RANGE);
    stage.begin();
    let before = stage.judge(1.0, &[]);
    let why = stage.content.put("channel/stage", b"known for years").expect("it is kept");
    let change = ReputationChange::Pin(Score::from_milli(900).expect("a score"));
    stage.moderate(5.0, ModeratorAct::AdjustReputation { change, until: Some(moment(600.0)), why });
    let held = stage.judge(120.0, &[]);
    let after = stage.judge(900.0, &[]);
    let long_after = stage.judge(960.0, &[]);

    let adjusted = |frame| stage.decision(frame).cadence.expect("a cadence was set").adjusted;
    assert_eq!(adjusted(before), None, "it was set later");
    let set = adjusted(held).expect("it was in force");
    assert_eq!((set.by.as_str(), set.change, set.until), ("m-17", change, Some(moment(600.0))));
    assert_eq!(set.why.as_deref(), Some("known for years"));
    let lines = stage.decision(held).lines().join("\n");
    assert!(lines.contains("m-17 had pinned the reputation at 0.90 until 20"), "{lines}");
    assert!(lines.contains(": “known for years”"), "{lines}");
    let last = stage.decision(long_after);
    let cadence = last.cadence.expect("a cadence was set");
    match cadence.because {
        Some(CadenceBecause::AdjustmentOver) => assert!(cadence.adjusted.is_some(), "its end is why"),
        _ => assert_eq!(cadence.adjusted, None, "it was over"),
    }
    assert!(stage.decision(after).missing.is_empty());

    // Under a policy whose cadence is fixed nobody's word on the reputation has a say.
    let mut fixed = Stage::new();
    fixed.begin();
    let why = fixed.content.put("channel/stage", b"known for years").expect("it is kept");
    fixed.moderate(5.0, ModeratorAct::AdjustReputation { change, until: None, why });
    let frame = fixed.judge(61.0, &[]);
    assert_eq!(fixed.decision(frame).cadence.expect("a cadence was set").adjusted, None);
}
