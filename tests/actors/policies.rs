//! Policies that change under wardens at work, and that a restart finds again.

use std::sync::Arc;

use streamwarden::actors::PolicyDesk;
use streamwarden::clock::SystemClock;
use streamwarden::events::{Actor, CadenceBecause, Event};
use streamwarden::journal::{MemoryJournal, content};
use streamwarden::model::{Sha256, Verdict};

use crate::premises::{Premises, Setup, channel, frame, outcome, picture};
use crate::scripted::Says;

/// As the usual policy, but slower, and nothing about alcohol.
const OTHER: &str = r#"
policy: test
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 5s, max_age: 24h }
similarity: off
rules:
  - { id: gambling, categories: [Gambling], confidence: 80, action: warn }
"#;

#[test]
fn a_frame_under_way_is_judged_under_the_version_it_started_with() {
    let (premises, setup) = (Premises::new(), Setup::default());
    let held = picture(1);
    setup.provider.says(&held, Says::Held(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        let under_way = live.offered(&frame(&channel, 0, &held));
        setup.provider.asked(&held).await;
        let published = live.publish(OTHER).await;
        assert_eq!(published.iter().map(|policy| policy.version).collect::<Vec<_>>(), [2]);
        let changed = |event: &Event| match event {
            Event::CadenceChanged(changed) if changed.because == CadenceBecause::PolicyChanged => Some(changed.clone()),
            _ => None,
        };
        let changed = live.until(&channel, "a cadence that changed", changed).await;
        assert_eq!((changed.from.map(|pace| pace.interval_ms), changed.to.interval_ms), (Some(1000), 5000));
        assert_eq!(changed.policy, published[0]);

        setup.provider.release();
        match outcome(under_way).await.event {
            Event::FrameAssessed(assessed) => {
                assert_eq!((assessed.policy.version, assessed.verdict), (1, Verdict::Warn));
            }
            other => panic!("the frame was to be assessed, it came to {other:?}"),
        }
        match live.offer(&frame(&channel, 10, &held)).await.event {
            Event::FrameAssessed(assessed) => {
                assert_eq!((assessed.policy.version, assessed.verdict), (2, Verdict::Clear));
            }
            other => panic!("the frame was to be assessed, it came to {other:?}"),
        }
        assert_eq!(live.state(&channel).await, live.replayed(&channel));
    });
}

#[test]
fn a_restart_finds_the_policies_in_force_and_the_same_text_again_publishes_nothing() {
    let premises = Premises::new();
    let setup = Setup { policy: OTHER, ..Setup::default() };
    let published = |event: &Event| matches!(event, Event::PolicyPublished(_));
    for _ in 0..3 {
        premises.live(&setup, async |live| {
            assert_eq!(live.publish(OTHER).await, []);
            let events = live.events();
            let count = events.iter().filter(|recorded| recorded.event().is_ok_and(|event| published(&event))).count();
            assert_eq!(count, 1, "{}", live.told());
        });
    }
    premises.live(&setup, async |live| {
        let channel = channel("ch");
        live.offer(&frame(&channel, 0, &picture(1))).await;
        let (pace, policy) = live.state(&channel).await.pace.expect("a session has its pace");
        assert_eq!((pace.interval_ms, policy.version), (5000, 1));
    });
}

#[test]
fn of_a_publication_that_fails_halfway_wardens_follow_what_is_durable() {
    const BOTH: &str = "
policy: one
channels: { matching: ^one/ }
taxonomy: rekognition/7.0
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 80 }
---
policy: two
channels: { matching: ^two/ }
taxonomy: rekognition/7.0
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 80 }
";
    let folder = tempfile::tempdir().expect("a directory");
    let (texts, keys) = (folder.path().join("content"), folder.path().join("keys"));
    let content = Arc::new(content::Store::open(&texts, &keys).expect("the content store opens"));
    // Where the key of the second should be, something else lies.
    let in_the_way = keys.join(format!("{}.key", Sha256::of(b"policy/two")));
    std::fs::create_dir(&in_the_way).expect("a directory");
    let journal = Arc::new(MemoryJournal::new(Arc::new(SystemClock)));
    let mut desk = PolicyDesk::open(journal.clone(), content.clone()).expect("an empty journal");
    let followed = desk.subscribe();
    let by = Actor::service("test");
    desk.publish("both.yaml", BOTH, &by, None).expect_err("the second cannot be kept");

    let in_force =
        |of: &PolicyDesk| of.subscribe().borrow().iter().map(|policy| policy.reference.clone()).collect::<Vec<_>>();
    let anew = PolicyDesk::open(journal, content).expect("what is durable can be read");
    assert_eq!(in_force(&anew).len(), 1, "the first is durable");
    assert_eq!(in_force(&desk), in_force(&anew));
    let one = followed.borrow().for_channel(&channel("one/a")).map(|policy| policy.reference.clone());
    assert_eq!(one, in_force(&anew).pop());
}
