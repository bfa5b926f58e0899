//! Policies that change under wardens at work, and that a restart finds again.

use streamwarden::events::{CadenceBecause, Event};
use streamwarden::model::Verdict;

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
