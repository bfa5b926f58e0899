//! Channels: on the air, watched, and what became of their frames.

use streamwarden::events::*;
use streamwarden::model::*;
use streamwarden::projections::{Channel, Coverage, LastOutcome, SkippedBecause};

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
