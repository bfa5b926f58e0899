//! Channels: on the air, watched, and what became of their frames.

use streamwarden::events::*;
use streamwarden::model::*;
use streamwarden::projections::{Channel, Coverage, LastOutcome, Risk, SkippedBecause, Unjudged};

use crate::story::{Story, T0, assessed, frame, policy, session};

fn channel<'a>(story: &'a Story, id: &str) -> &'a Channel {
    story.view.channels.get(&ChannelId::new(id).expect("a sound id")).expect("the channel has events")
}

fn began(name: &str) -> SessionStarted {
    SessionStarted { session: session(name), because: SessionStartBecause::FrameArrived }
}

fn over(name: &str) -> SessionEnded {
    SessionEnded { session: session(name), because: SessionEndBecause::Announced }
}

fn skipped(number: u64, because: Skip) -> FrameSkipped {
    FrameSkipped { medium: Default::default(), frame: frame(number), print: Fingerprint([0; 8]), because }
}

#[test]
fn a_broadcast_is_watched_from_its_beginning_and_its_silence_has_a_beginning_and_a_reason() {
    let mut story = Story::new();
    story.told("a", began("st-1"));
    assert_eq!(channel(&story, "a").coverage, Coverage::Watched { since: T0 });
    story.after_ms(60_000);
    let silence = ChannelUnwatched { since: T0.plus_ms(10_000), because: UnwatchedBecause::NoInput };
    story.told("a", silence);
    assert!(!channel(&story, "a").is_watched());
    story.after_ms(30_000);
    story.told("a", ChannelWatched { unwatched_since: T0.plus_ms(10_000), unwatched_ms: 80_000 });
    assert_eq!(channel(&story, "a").coverage, Coverage::Watched { since: T0.plus_ms(90_000) });
    assert_eq!(channel(&story, "a").counts.unwatched_ms, 80_000);
    // An unwatched stretch that only the end of the broadcast ends counts, too.
    story.told("a", ChannelUnwatched { since: T0.plus_ms(90_000), because: UnwatchedBecause::Failed });
    story.after_ms(5_000);
    story.told("a", over("st-1"));
    assert_eq!(channel(&story, "a").coverage, Coverage::Idle);
    assert_eq!(channel(&story, "a").counts.unwatched_ms, 85_000);
}

#[test]
fn the_end_of_another_broadcast_ends_nothing() {
    let mut story = Story::new();
    story.told("a", began("st-2"));
    story.told("a", over("st-1"));
    assert!(channel(&story, "a").is_live());
    assert!(channel(&story, "a").is_watched());
}

#[test]
fn the_last_frame_says_what_became_of_it_and_a_failure_is_never_clear() {
    let mut story = Story::new();
    let last = |story: &Story| channel(story, "a").last_frame.map(|last| (last.frame, last.outcome));
    story.told("a", assessed(1, Verdict::Clear, None));
    assert_eq!(last(&story), Some((frame(1), LastOutcome::Assessed(Verdict::Clear))));
    story.told("a", assessed(2, Verdict::Stop, None));
    assert_eq!(last(&story), Some((frame(2), LastOutcome::Assessed(Verdict::Stop))));
    let failed = FrameFailed {
        medium: Default::default(),
        frame: frame(3),
        print: Fingerprint([0; 8]),
        stage: FailedStage::Provider,
        reason: "no answer".to_owned(),
        attempts: 3,
    };
    story.told("a", failed);
    assert_eq!(last(&story), Some((frame(3), LastOutcome::Failed(FailedStage::Provider))));
    story.told("a", skipped(4, Skip::TooSoon { due: T0 }));
    assert_eq!(last(&story), Some((frame(4), LastOutcome::Skipped(SkippedBecause::TooSoon))));
    story.told("a", skipped(5, Skip::Stale { newest: None }));
    let counts = channel(&story, "a").counts;
    assert_eq!((counts.assessed, counts.not_clear, counts.failed), (2, 1, 1));
    assert_eq!((counts.too_soon, counts.skipped_otherwise, counts.similar), (1, 1, 0));
}

#[test]
fn the_cadence_names_the_policy_that_sets_it_and_the_last_event_its_place() {
    let mut story = Story::new();
    story.told("b", began("st-9"));
    story.told("a", began("st-1"));
    let to = Pace { interval_ms: 10_000, tolerance_ms: 1_000 };
    story.after_ms(7);
    story.told(
        "a",
        CadenceChanged {
            from: None,
            to,
            policy: policy(),
            because: CadenceBecause::SessionBegan,
            score: None,
            viewers: None,
        },
    );
    let a = channel(&story, "a");
    let cadence = a.cadence.as_ref().expect("one was set");
    assert_eq!((cadence.pace, &cadence.policy), (to, &policy()));
    assert_eq!((a.last_event.position, a.last_event.sequence), (Position(3), Sequence(2)));
    assert_eq!(a.last_event.recorded_at, T0.plus_ms(7));
    let b = channel(&story, "b");
    assert_eq!((b.last_event.position, b.last_event.sequence), (Position(1), Sequence(1)));
}

fn paced(score: Option<u16>) -> CadenceChanged {
    CadenceChanged {
        from: None,
        to: Pace { interval_ms: 10_000, tolerance_ms: 1_000 },
        policy: policy(),
        because: CadenceBecause::SessionBegan,
        score: score.and_then(Score::from_milli),
        viewers: None,
    }
}

fn ids<'a>(channels: impl Iterator<Item = (&'a ChannelId, &'a Channel)>) -> Vec<&'a str> {
    channels.map(|(id, _)| id.as_str()).collect()
}

#[test]
fn the_least_trusted_come_first_and_move_when_their_score_does() {
    let mut story = Story::new();
    for (id, score) in [("a", Some(700)), ("b", None), ("c", Some(20)), ("d", Some(700)), ("e", Some(0))] {
        story.told(id, began("st-1"));
        story.told(id, paced(score));
    }
    let id = |text: &str| ChannelId::new(text).expect("a sound id");
    assert_eq!(ids(story.view.channels.by_risk(None)), ["e", "c", "a", "d", "b"], "no score is not the lowest");
    let place = |score, name: &str| Some((Risk::of(Score::from_milli(score)), id(name)));
    assert_eq!(ids(story.view.channels.by_risk(place(700, "a"))), ["d", "b"]);
    story.told("e", paced(Some(900)));
    assert_eq!(ids(story.view.channels.by_risk(None)), ["c", "a", "d", "e", "b"]);
    // Between two pages somebody moved: of those that did not, none is left out and none shown twice.
    assert_eq!(ids(story.view.channels.by_risk(place(0, "e"))), ["c", "a", "d", "e", "b"]);
    assert_eq!(story.reloaded(), story.view, "what is worked out from the rows is so again when they are read back");
}

#[test]
fn those_off_the_air_come_by_when_they_ended_and_leave_when_they_begin_again() {
    let mut story = Story::new();
    for id in ["a", "b", "c", "never"] {
        story.told(id, began("st-1"));
    }
    for id in ["b", "a", "c"] {
        story.after_ms(1_000);
        story.told(id, over("st-1"));
    }
    let ended = channel(&story, "c").ended.clone().expect("it ended");
    assert_eq!((ended.session, ended.at), (session("st-1"), T0.plus_ms(3_000)));
    assert_eq!(ids(story.view.channels.by_end(None)), ["c", "a", "b"]);
    let place = Some((std::cmp::Reverse(T0.plus_ms(2_000)), ChannelId::new("a").expect("a sound id")));
    assert_eq!(ids(story.view.channels.by_end(place)), ["b"]);
    story.told("c", began("st-2"));
    assert_eq!(channel(&story, "c").ended, None);
    assert_eq!(ids(story.view.channels.by_end(None)), ["a", "b"]);
}

/// The media of channel "a" of which nothing is judged.
fn unjudged(story: &Story) -> Vec<Medium> {
    channel(story, "a").unjudged.iter().map(|one| one.medium).collect()
}

fn silent(medium: Medium) -> SegmentsUnjudged {
    SegmentsUnjudged { medium, session: session("st-1"), since: T0, because: UnjudgedBecause::NoInput }
}

/// On the air under a policy, and nothing of its segments is judged.
fn deaf() -> Story {
    let mut story = Story::new();
    story.told("a", began("st-1"));
    story.told("a", paced(None));
    story.after_ms(60_000);
    for medium in [Medium::Sound, Medium::Clip] {
        story.told("a", silent(medium));
    }
    story
}

#[test]
fn what_of_its_segments_is_judged_by_nobody_stands_until_one_of_them_is_tried() {
    let mut story = deaf();
    let said = Unjudged { medium: Medium::Sound, since: T0, because: UnjudgedBecause::NoInput };
    assert_eq!(channel(&story, "a").unjudged[0], said);
    assert!(channel(&story, "a").is_watched(), "pictures say whether somebody looks");
    story.told("a", SegmentsUnjudged { because: UnjudgedBecause::PassedOver, ..silent(Medium::Sound) });
    assert_eq!(unjudged(&story), [Medium::Clip, Medium::Sound], "said again it stands once");
    // A picture, one passed over, or one of another broadcast says nothing of it.
    story.told("a", assessed(1, Verdict::Clear, None));
    story.told("a", FrameSkipped { medium: Medium::Sound, ..skipped(2, Skip::Stale { newest: None }) });
    let other = FrameAssessed { session: session("st-0"), ..assessed(3, Verdict::Clear, None) };
    story.told("a", FrameAssessed { medium: Medium::Sound, ..other });
    assert_eq!(unjudged(&story), [Medium::Clip, Medium::Sound]);
    story.told("a", FrameSkipped { medium: Medium::Sound, ..skipped(4, Skip::NoTrack { sha256: Sha256([0; 32]) }) });
    assert_eq!(unjudged(&story), [Medium::Clip], "a mute one was tried, and of clips it says nothing");
    let nameless = SessionId::unnamed("recording").expect("a sound id");
    story.told("a", FrameAssessed { medium: Medium::Clip, session: nameless, ..assessed(5, Verdict::Clear, None) });
    assert_eq!(unjudged(&story), [], "one without a name is taken for one of what is on the air");
}

#[test]
fn what_is_judged_by_nobody_ends_with_the_broadcast_or_with_the_policy_that_asks() {
    let failed = FrameFailed {
        medium: Medium::Sound,
        frame: frame(9),
        print: Fingerprint([0; 8]),
        stage: FailedStage::Provider,
        reason: "no answer".to_owned(),
        attempts: 3,
    };
    let other_policy =
        CadenceChanged { policy: PolicyRef { version: policy().version + 1, ..policy() }, ..paced(None) };
    let unpoliced = ChannelUnwatched { since: T0, because: UnwatchedBecause::NoPolicy };
    let unwatched = ChannelUnwatched { because: UnwatchedBecause::Failed, ..unpoliced.clone() };
    let both: &[Medium] = &[Medium::Sound, Medium::Clip];
    for (event, left) in [
        (Event::from(over("st-0")), both),
        (Event::from(paced(None)), both),
        (Event::from(unwatched), both),
        (Event::from(failed), &[Medium::Clip]),
        (Event::from(over("st-1")), &[]),
        (Event::from(began("st-2")), &[]),
        (Event::from(other_policy), &[]),
        (Event::from(unpoliced), &[]),
    ] {
        let mut story = deaf();
        story.told("a", event.clone());
        assert_eq!(unjudged(&story), left, "{event:?}");
        assert_eq!(story.reloaded(), story.view);
    }
}
