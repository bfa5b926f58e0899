//! The queue: who stands in it, in which order, and when they leave.

use streamwarden::events::*;
use streamwarden::model::*;
use streamwarden::projections::{EVIDENCE_MAX, QUEUE_MAX, Stage, Standing, answer_within_ms};

use crate::story::{Story, T0, assessed, frame, moderator, session};

/// The queue as somebody sees it who looks now: what stands first, first.
fn seen(story: &Story, asker: &str) -> Vec<WarningId> {
    let asker = moderator(asker);
    let mut seen: Vec<_> = story.view.queue.after(None).collect();
    seen.sort_by_key(|entry| entry.standing(&asker, story.now)); // stable: urgency stays within
    seen.into_iter().map(|entry| entry.warning()).collect()
}

#[test]
fn the_graver_comes_first_and_of_the_equally_grave_the_one_that_waits_longer() {
    let mut story = Story::new();
    let mild = story.raise("a", 2);
    story.after_ms(1);
    let grave_first = story.raise("b", 5);
    story.after_ms(3_600_000);
    let grave_later = story.raise("a", 5);
    let middling = story.raise("c", 3);
    assert_eq!(seen(&story, "ann"), [grave_first, grave_later, middling, mild]);
    let entry = story.view.queue.get(mild).expect("it is open");
    assert_eq!(entry.due_at(), T0.plus_ms(answer_within_ms(2)));
}

#[test]
fn what_somebody_else_works_on_comes_after_all_that_needs_somebody() {
    let mut story = Story::new();
    let grave = story.raise("a", 5);
    let mild = story.raise("a", 1);
    let until = story.now.plus_ms(60_000);
    story.told("a", WarningClaimed { warning: grave, by: moderator("ann"), until });
    assert_eq!(seen(&story, "ben"), [mild, grave]);
    assert_eq!(seen(&story, "ann"), [grave, mild], "one's own claim is one's own work");
    story.now = until;
    assert_eq!(seen(&story, "ben"), [grave, mild], "a claim that has run out is none, said or not");
    story.told("a", WarningReleased { warning: grave, by: moderator("ann"), lapsed: true });
    assert_eq!(story.view.queue.get(grave).expect("it is open").claim, None);
}

#[test]
fn an_answered_warning_stays_while_its_answer_can_be_taken_back_and_then_leaves() {
    let mut story = Story::new();
    let upheld = story.raise("a", 3);
    let withdrawn = story.raise("a", 3);
    story.told("a", WarningUpheld { warning: upheld, by: moderator("ann"), undo_ms: 60_000 });
    story.told("a", WarningDismissed { warning: withdrawn, by: moderator("ann"), undo_ms: 60_000 });
    let standing = |story: &Story, id| story.view.queue.get(id).map(|it| it.standing(&moderator("ben"), story.now));
    assert_eq!(standing(&story, upheld), Some(Standing::Answered));
    assert_eq!(story.view.queue.open_of(&ChannelId::new("a").expect("sound")).count(), 0);
    story.told("a", WarningAnswerWithdrawn { warning: withdrawn, by: moderator("ann") });
    assert_eq!(standing(&story, withdrawn), Some(Standing::Open));
    story.after_ms(10 * 60_000);
    story.told("b", SessionStarted { session: session("st-2"), because: SessionStartBecause::Announced });
    assert_eq!(standing(&story, upheld), None);
    assert_eq!(standing(&story, withdrawn), Some(Standing::Open), "what is open again does not leave");
}

#[test]
fn the_version_is_that_of_the_last_event_that_touched_the_question() {
    let mut story = Story::new();
    let warning = story.raise("a", 3);
    let other = story.raise("a", 3);
    let version = |story: &Story| story.view.queue.get(warning).expect("it is open").version;
    assert_eq!(version(&story), Sequence(1));
    let claimed = story.told("a", WarningClaimed { warning, by: moderator("ann"), until: T0.plus_ms(1) });
    assert_eq!(version(&story), claimed);
    story.told("a", assessed(9, Verdict::Warn, Some(RuleEffect::Joined(warning))));
    assert_eq!(version(&story), claimed, "a frame that joins brings evidence, not another question");
    story.told("a", WarningClaimed { warning: other, by: moderator("ann"), until: T0.plus_ms(1) });
    assert_eq!(version(&story), claimed, "nor does what happens to another warning");
    let escalated = story.told("a", WarningEscalated { warning, by: moderator("ann"), to: None });
    assert_eq!(version(&story), escalated);
    assert_eq!(story.view.queue.get(warning).expect("it is open").claim, None, "escalating gives the claim back");
}

#[test]
fn frames_that_join_are_counted_and_the_first_and_the_newest_are_kept() {
    let mut story = Story::new();
    let warning = story.raise("a", 3);
    let first = story.view.queue.get(warning).expect("it is open").evidence[0].frame;
    for number in 100..120 {
        story.after_ms(1000);
        story.told("a", assessed(number, Verdict::Warn, Some(RuleEffect::Joined(warning))));
    }
    let entry = story.view.queue.get(warning).expect("it is open");
    assert_eq!((entry.hits, entry.evidence.len()), (21, EVIDENCE_MAX));
    assert_eq!(entry.evidence[0].frame, first);
    assert_eq!(entry.evidence.last().map(|it| it.frame), Some(frame(119)));
    assert_eq!(entry.evidence.last().map(|it| it.confidence), Confidence::from_milli(85_000));
    assert!(entry.evidence.windows(2).all(|pair| pair[0].captured_at < pair[1].captured_at));
}

#[test]
fn a_warning_and_each_frame_that_speaks_for_it_say_what_of_the_stream_it_is() {
    let mut story = Story::new();
    let warning = story.raise_of("a", Medium::Clip);
    let joined = assessed(7, Verdict::Warn, Some(RuleEffect::Joined(warning)));
    story.told("a", joined.clone());
    story.told("a", FrameAssessed { frame: frame(8), medium: Medium::Clip, ..joined });
    let entry = story.view.queue.get(warning).expect("it is open");
    assert_eq!(entry.raised.medium, Medium::Clip);
    let media: Vec<Medium> = entry.evidence.iter().map(|hit| hit.medium).collect();
    assert_eq!(media, [Medium::Clip, Medium::Picture, Medium::Clip]);
    assert_eq!(story.reloaded(), story.view);
}

#[test]
fn the_enforcement_that_a_warning_led_to_is_followed_to_its_end() {
    let mut story = Story::new();
    let warning = story.raise("a", 5);
    let enforcement = EnforcementId::from_bytes([7; 16]);
    story.told("a", requested(enforcement, warning));
    let stage =
        |story: &Story| story.view.queue.get(warning).and_then(|it| it.enforcement.as_ref()).map(|it| it.stage.clone());
    assert_eq!(stage(&story), Some(Stage::Requested));
    story.told("a", EnforcementAdmitted { enforcement, by: None });
    story.told("a", EnforcementAttempted { enforcement, attempt: 1, found: None });
    story.told("b", EnforcementAttempted { enforcement: EnforcementId::from_bytes([8; 16]), attempt: 9, found: None });
    assert_eq!(stage(&story), Some(Stage::Attempted(1)), "another's enforcement is another's");
    story.told("a", EnforcementVerified { enforcement, took_ms: 12 });
    assert_eq!(stage(&story), Some(Stage::Verified));
    // A later one takes its place; what is still said of the first is not said of it.
    let second = EnforcementId::from_bytes([9; 16]);
    story.told("a", requested(second, warning));
    story.told("a", EnforcementFailed { enforcement, reason: "no".to_owned(), attempts: 1 });
    assert_eq!(stage(&story), Some(Stage::Requested));
}

#[test]
fn beyond_its_bound_the_oldest_of_the_least_grave_are_counted_and_not_lost() {
    let mut story = Story::new();
    let oldest_grave = story.raise("a", 5);
    let oldest_mild = story.raise("a", 1);
    for _ in 0..QUEUE_MAX - 1 {
        story.raise("b", 1);
    }
    assert_eq!((story.view.queue.len(), story.view.queue.beyond()), (QUEUE_MAX, 1));
    assert!(story.view.queue.get(oldest_mild).is_none());
    assert!(story.view.queue.get(oldest_grave).is_some(), "the grave one stays, however old");
    story.told("a", WarningUpheld { warning: oldest_mild, by: moderator("ann"), undo_ms: 60_000 });
    assert_eq!(story.view.queue.beyond(), 0, "it was answered all the same");
    story.told("a", WarningAnswerWithdrawn { warning: oldest_mild, by: moderator("ann") });
    assert_eq!(story.view.queue.beyond(), 1);
}

#[test]
fn a_page_goes_on_after_the_place_of_the_last_one_though_it_has_left() {
    let mut story = Story::new();
    let ids: Vec<WarningId> = (0..6).map(|_| story.raise("a", 3)).collect();
    let third = story.view.queue.get(ids[2]).expect("it is open").urgency();
    story.told("a", WarningUpheld { warning: ids[2], by: moderator("ann"), undo_ms: 60_000 });
    story.after_ms(10 * 60_000);
    let newest = story.raise("a", 3);
    assert!(story.view.queue.get(ids[2]).is_none());
    let rest: Vec<WarningId> = story.view.queue.after(Some(third)).map(|entry| entry.warning()).collect();
    assert_eq!(rest, [ids[3], ids[4], ids[5], newest]);
}

#[test]
fn a_view_written_and_read_back_is_the_same_and_goes_on_the_same() {
    let mut story = Story::new();
    let answered = story.raise("a", 2);
    let stopped = story.raise("b", 5);
    let enforcement = EnforcementId::from_bytes([7; 16]);
    story.told("b", requested(enforcement, stopped));
    story.told("a", WarningDismissed { warning: answered, by: moderator("ann"), undo_ms: 60_000 });
    story.told("c", SessionStarted { session: session("st-2"), because: SessionStartBecause::Announced });
    let reloaded = story.reloaded();
    assert_eq!(reloaded, story.view);
    let mut again = Story::new();
    again.view = reloaded;
    for story in [&mut story, &mut again] {
        story.now = T0.plus_ms(600_000);
        story.told("b", EnforcementVerified { enforcement, took_ms: 1 });
    }
    assert_eq!(again.view.queue, story.view.queue);
    assert!(again.view.queue.get(answered).is_none(), "what leaves is known after reading back");
}

fn requested(enforcement: EnforcementId, warning: WarningId) -> EnforcementRequested {
    EnforcementRequested {
        enforcement,
        kind: EnforcementKind::Stop,
        session: Some(session("st-1")),
        origin: EnforcementOrigin::Person { by: moderator("ann"), warning: Some(warning) },
        severity: 5,
        expires: T0.plus_ms(60_000),
        reason: None,
    }
}

#[test]
fn one_warning_folded_alone_tells_which_events_are_about_it() {
    let mut story = Story::new();
    let warning = story.raise("a", 3);
    let Some(mut alone) = story.view.queue.get(warning).cloned() else { panic!("it is open") };
    let other = story.raise("a", 3);
    let mut told = Vec::new();
    let enforcement = EnforcementId::from_bytes([7; 16]);
    let events: [Event; 6] = [
        WarningNoted { warning: other, by: moderator("ann"), note: note() }.into(),
        WarningNoted { warning, by: moderator("ann"), note: note() }.into(),
        assessed(9, Verdict::Warn, Some(RuleEffect::Joined(warning))).into(),
        requested(enforcement, warning).into(),
        EnforcementVerified { enforcement, took_ms: 1 }.into(),
        EnforcementVerified { enforcement: EnforcementId::from_bytes([8; 16]), took_ms: 1 }.into(),
    ];
    for event in events {
        let recorded = story.recorded("a", event.clone());
        if alone.apply(&recorded.envelope, &event) {
            told.push(recorded.envelope.event_type);
        }
    }
    assert_eq!(told, ["WarningNoted", "FrameAssessed", "EnforcementRequested", "EnforcementVerified"]);
    assert_eq!(story.view.queue.get(warning), Some(&alone), "and comes to what the queue shows");
    assert_eq!(story.view.index.warning(warning), Some(Position(1)));
}

fn note() -> ContentRef {
    ContentRef { subject: "moderator/ann".to_owned(), digest: Sha256([1; 32]), bytes: 3 }
}
