//! A house that judges by Rekognition: whatever goes wrong between a thumbnail and its labels, every frame has exactly
//! one outcome, and none is clear that nobody judged.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use streamwarden::actors::{Objects, ProviderChoice, Settings};
use streamwarden::aws::CallTimes;
use streamwarden::clock::ManualClock;
use streamwarden::control::RehearsalControl;
use streamwarden::events::{Actor, Event, FrameAssessed};
use streamwarden::house::{Ground, House};
use streamwarden::journal::{Journal, READ_LIMIT_MAX};
use streamwarden::model::{
    ChannelId, Confidence, Fingerprint, Frame, FrameId, FrameOrigin, Position, S3Object, SessionId, Timestamp, Verdict,
};
use streamwarden::providers::guard::{self, Guard};
use streamwarden::providers::rekognition::{self, Rekognition};
use streamwarden::warden::enforcement::BudgetLimits;
use tempfile::TempDir;

use crate::standins::{Stage, emulated, emulator, picture, s3};

const PATIENCE: Duration = Duration::from_secs(60);
/// How long a call may take where a test waits for one that hangs.
const SHORT: Duration = Duration::from_secs(2);
const T0: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub const POLICY: &str = "
policy: seven
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 1s, max_age: 24h }
similarity: off
rules:
  - { id: violence, categories: [Violence], confidence: 80, action: warn }
";

const POLICY_OF_6: &str = "
policy: six
channels: { matching: .* }
taxonomy: rekognition/6.1
sampling: { every: 1s, max_age: 24h }
similarity: off
rules:
  - { id: suggestive, categories: [Suggestive], confidence: 80, action: warn }
";

/// A house with a guarded Rekognition. The time of its frames and of the guard stands still until it is set.
pub struct Judging {
    pub house: House,
    clock: Arc<ManualClock>,
    _dir: TempDir,
}

impl Judging {
    async fn open(stage: &Stage, policy: &'static str, guard: guard::Settings) -> Self {
        Self::open_with(stage, policy, guard, rekognition::Settings::default(), SHORT, true).await
    }

    /// The same with other settings of Rekognition, and objects that are fetched or are not.
    pub async fn open_with(
        stage: &Stage,
        policy: &'static str,
        guard: guard::Settings,
        settings: rekognition::Settings,
        call: Duration,
        fetches: bool,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().to_owned();
        let opening = move || {
            let mut ground = Ground::open(&data).unwrap();
            ground.policies.publish("test.yaml", policy, &Actor::service("test"), None).unwrap();
            ground
        };
        let mut ground = tokio::task::spawn_blocking(opening).await.unwrap();
        ground.objects = fetches.then(|| Arc::new(emulated().s3()) as Arc<dyn Objects>);
        let clock = Arc::new(ManualClock::at(T0));
        let aws = stage.aws_within(CallTimes { connect: Duration::from_secs(2), call });
        let rekognition = Arc::new(Rekognition::new(aws.rekognition(), settings));
        let guarded = Arc::new(Guard::new(rekognition, clock.clone(), guard));
        let providers = ProviderChoice { default: Some(guarded), ..ProviderChoice::default() };
        let limits = BudgetLimits { per_minute: 100, per_rule_per_minute: 100, live_share_milli: 100_000 };
        let settings = Settings { frame_deadline: PATIENCE, ..Settings::default() };
        let house = ground.start(clock.clone(), providers, Arc::new(RehearsalControl::new()), limits, settings);
        Self { house, clock, _dir: dir }
    }

    async fn of_7(stage: &Stage) -> Self {
        Self::open(stage, POLICY, guard::Settings { failures_max: 1000, ..guard::Settings::default() }).await
    }

    /// The outcome of the first frame of a channel.
    pub async fn outcome(&self, channel: &str, origin: FrameOrigin) -> Event {
        self.outcome_at(0, channel, origin).await
    }

    /// The outcome of the frame that a channel has so many seconds later.
    async fn outcome_at(&self, second: u64, channel: &str, origin: FrameOrigin) -> Event {
        let channel = ChannelId::new(channel).unwrap();
        let name = second.to_be_bytes();
        let frame = Frame {
            medium: Default::default(),
            id: FrameId::of(&channel, &[&name]),
            fingerprint: Fingerprint::of(&[&name]),
            session: SessionId::new("st-1").unwrap(),
            captured_at: T0.plus_ms(second * 1000),
            channel,
            origin,
        };
        self.house.wardens.offer(frame).await.unwrap().event
    }

    pub fn events(&self) -> Vec<Event> {
        let events = self.house.journal.read(Position(0), READ_LIMIT_MAX).unwrap();
        events.iter().map(|recorded| recorded.event().unwrap()).collect()
    }

    /// Waits until the journal holds an event like that.
    pub async fn until(&self, wanted: impl Fn(&Event) -> bool) {
        let mut watermark = self.house.journal.watermark();
        let found = async {
            while !self.events().iter().any(&wanted) {
                watermark.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("the event is recorded");
    }
}

pub fn assessed(event: Event) -> FrameAssessed {
    match event {
        Event::FrameAssessed(assessed) => assessed,
        other => panic!("the frame was to be assessed, it came to {other:?}"),
    }
}

fn inline(labels: &str) -> FrameOrigin {
    FrameOrigin::Inline(picture(labels))
}

#[actix_rt::test]
async fn a_frame_is_judged_on_every_label_from_the_floor_on_and_the_outcome_says_which_that_was() {
    let stage = Stage::new();
    let judging = Judging::of_7(&stage).await;
    let outcome = assessed(judging.outcome("ch", inline("Weapons=91.5; Alcoholic Beverages=12; Pills=9")).await);
    let labels: Vec<String> = outcome.labels.iter().map(|label| label.path().to_string()).collect();
    assert_eq!(labels.len(), 4, "Pills are below the floor of 10: {labels:?}");
    assert!(labels.contains(&"Violence/Weapons".to_owned()) && labels.contains(&"Alcohol".to_owned()), "{labels:?}");
    assert_eq!((outcome.verdict, outcome.floor), (Verdict::Warn, Confidence::from_milli(10_000)));
    assert_eq!(
        (&*outcome.provider.model, &*outcome.provider.taxonomy, outcome.unmapped),
        ("7.0", "rekognition/7.0", 0)
    );
    judging.house.close().await;
}

#[actix_rt::test]
async fn what_kind_of_picture_it_was_taken_for_stands_in_the_outcome() {
    let stage = Stage::new();
    stage.script(json!({ "content_types": [["Illustrated", 12.5], ["Animated", 97.2]] })).await;
    let judging = Judging::of_7(&stage).await;
    let outcome = assessed(judging.outcome("ch", inline("Weapons=91.5")).await);
    let kinds: Vec<String> = outcome.content_types.iter().map(ToString::to_string).collect();
    assert_eq!(kinds, ["Animated 97.2", "Illustrated 12.5"], "surest first");
    judging.house.close().await;
}

#[actix_rt::test]
async fn whatever_the_provider_does_each_frame_has_one_outcome_and_none_is_clear_unjudged() {
    // What happens, how often, and whether the frame can be judged all the same.
    let faults: [(&str, Value, u32, Option<&str>); 11] = [
        ("throttle", json!({}), 2, None),
        ("throttle", json!({ "provisioned": true }), 1, None),
        ("throttle", json!({}), 3, Some("throttled")),
        ("error", json!({ "code": "InternalServerError" }), 2, None),
        ("error", json!({ "code": "AccessDeniedException" }), 1, Some("denied")),
        ("error", json!({ "code": "InvalidImageFormatException" }), 1, Some("InvalidImageFormatException")),
        ("reset", json!({}), 2, None),
        ("html", json!({}), 1, None),
        ("malformed", json!({}), 1, Some("nonsense")),
        ("hang", json!({ "s": 6 }), 1, None),
        ("latency", json!({ "ms": 700 }), 1, None),
    ];
    let stage = Stage::new();
    let judging = Judging::of_7(&stage).await;
    for (at, (kind, how, times, failure)) in faults.iter().enumerate() {
        let mut fault = json!({ "op": "rekognition.*", "kind": kind, "times": times });
        fault.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
        stage.script(json!({ "faults": [fault] })).await;
        let outcome = judging.outcome(&format!("ch-{at}"), inline("Weapons=91.5")).await;
        match (failure, outcome) {
            (None, Event::FrameAssessed(assessed)) => assert_eq!(assessed.verdict, Verdict::Warn, "{kind} {how}"),
            (Some(why), Event::FrameFailed(failed)) => {
                assert!(failed.reason.contains(why), "{kind}: {}", failed.reason)
            }
            (expected, outcome) => panic!("{kind} {how} {times} times: expected {expected:?}, came to {outcome:?}"),
        }
    }
    let outcomes = judging.events();
    let outcomes = outcomes.iter().filter(|event| matches!(event, Event::FrameAssessed(_) | Event::FrameFailed(_)));
    assert_eq!(outcomes.count(), faults.len(), "frames in, outcomes out");
    judging.house.close().await;
}

#[actix_rt::test]
async fn a_provider_that_fails_again_and_again_is_suspended_asked_no_more_tried_and_resumed() {
    let stage = Stage::new();
    stage.script(json!({ "faults": [{ "op": "rekognition.*", "kind": "error", "times": 3 }] })).await;
    let settings = guard::Settings { failures_max: 3, ..guard::Settings::default() };
    let judging = Judging::open(&stage, POLICY, settings).await;
    // Three tries of one frame are three failures in a row.
    assert!(matches!(judging.outcome("first", inline("Weapons=91")).await, Event::FrameFailed(_)));
    let calls = stage.calls().await.len();
    let Event::FrameFailed(failed) = judging.outcome("second", inline("Weapons=91")).await else {
        panic!("nobody judged it")
    };
    assert!(failed.reason.contains("suspended") && failed.attempts == 0, "nobody was called: {failed:?}");
    assert_eq!(stage.calls().await.len(), calls, "a suspended provider is not asked");
    judging.until(|event| matches!(event, Event::ProviderSuspended(suspended) if suspended.failures == 3)).await;
    judging.clock.set(T0.plus_ms(5_000));
    assert!(matches!(judging.outcome_at(5, "second", inline("Weapons=91")).await, Event::FrameFailed(_)));
    judging.until(|event| matches!(event, Event::ChannelUnwatched(_))).await;
    judging.clock.set(T0.plus_ms(15_000));
    assert_eq!(assessed(judging.outcome("third", inline("Weapons=91")).await).verdict, Verdict::Warn);
    judging.until(|event| matches!(event, Event::ProviderResumed(_))).await;
    judging.house.close().await;
}

#[actix_rt::test]
async fn answers_of_model_6_are_judged_by_rules_for_6_and_read_in_the_words_of_7() {
    let stage = Stage::new();
    stage.script(json!({ "model": "6.1" })).await;
    let six = Judging::open(&stage, POLICY_OF_6, guard::Settings::default()).await;
    let outcome = assessed(six.outcome("ch", inline("Revealing Clothes=88; Gambling/Gambling=40")).await);
    assert_eq!((&*outcome.provider.taxonomy, outcome.verdict, outcome.unmapped), ("rekognition/6.1", Verdict::Warn, 0));
    six.house.close().await;
    let seven = Judging::of_7(&stage).await;
    let outcome = assessed(seven.outcome("ch", inline("Weapons=99")).await);
    assert_eq!((&*outcome.provider.taxonomy, outcome.verdict), ("rekognition/6.1", Verdict::Warn));
    assert_eq!(outcome.labels[usize::from(outcome.rules[0].by)].path().as_str(), "Violence");
    seven.house.close().await;
    let labels = json!([{ "Name": "Violence", "ParentName": "", "Confidence": 99.0, "TaxonomyLevel": 1 }]);
    stage.script(json!({ "answer": { "ModerationLabels": labels, "ModerationModelVersion": "8.0" } })).await;
    let unseen = Judging::of_7(&stage).await;
    let outcome = unseen.outcome("ch", inline("Weapons=99")).await;
    assert!(matches!(&outcome, Event::FrameFailed(failed) if failed.reason.contains("rekognition/8")), "{outcome:?}");
    unseen.house.close().await;
}

#[actix_rt::test]
async fn a_label_that_the_taxonomy_does_not_hold_is_counted_in_the_outcome() {
    let stage = Stage::new();
    let label = |name: &str, parent: &str| json!({ "Name": name, "ParentName": parent, "Confidence": 90.0 });
    let labels = json!([label("Violence", ""), label("Laser Eyes", "Violence")]);
    stage.script(json!({ "answer": { "ModerationLabels": labels, "ModerationModelVersion": "7.1" } })).await;
    let judging = Judging::of_7(&stage).await;
    let outcome = assessed(judging.outcome("ch", inline("")).await);
    assert_eq!((outcome.unmapped, outcome.verdict, &*outcome.provider.model), (1, Verdict::Warn, "7.1"));
    judging.house.close().await;
}

#[actix_rt::test]
async fn a_frame_in_a_bucket_is_fetched_and_judged_and_one_overwritten_or_gone_fails_as_that() {
    let stage = Stage::new();
    let judging = Judging::of_7(&stage).await;
    assert!(!emulator().is_empty());
    s3().create_bucket().bucket("judged").send().await.unwrap();
    let put = async |key: &str, labels: &str| {
        let stored = emulated().s3().put("judged", key, &picture(labels), "image/jpeg").await.unwrap();
        let etag = stored.etag.map(Into::into);
        FrameOrigin::S3(S3Object { bucket: "judged".into(), key: key.into(), version: None, etag, size: None })
    };
    let there = put("there.jpg", "Weapons=91").await;
    assert_eq!(assessed(judging.outcome("there", there).await).verdict, Verdict::Warn);
    let before = put("thumb.jpg", "Weapons=91").await;
    put("thumb.jpg", "Alcohol=91").await;
    let gone = FrameOrigin::S3(S3Object {
        bucket: "judged".into(),
        key: "gone.jpg".into(),
        version: None,
        etag: None,
        size: None,
    });
    for (channel, origin, why) in [("overwritten", before, "overwritten"), ("gone", gone, "not there any more")] {
        let outcome = judging.outcome(channel, origin).await;
        let said =
            matches!(&outcome, Event::FrameFailed(failed) if failed.reason.contains(why) && failed.attempts == 1);
        assert!(said, "{channel}: {outcome:?}");
    }
    judging.house.close().await;
}
