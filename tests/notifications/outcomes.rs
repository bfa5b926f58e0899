//! From bytes to what the journal says, in a real house. Its bucket cannot be read, so that each frame that is looked at
//! fails where it is fetched: what is tested here comes before that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, join_all};
use streamwarden::actors::{ProviderChoice, Settings};
use streamwarden::aws::kinesis::{KinesisSequence, ShardId};
use streamwarden::clock::ManualClock;
use streamwarden::control::RehearsalControl;
use streamwarden::events::{Actor, Event, FailedStage, SessionStartBecause, Skip};
use streamwarden::house::{Ground, House};
use streamwarden::journal::content::Content;
use streamwarden::journal::{Journal, READ_LIMIT_MAX};
use streamwarden::model::{ChannelId, EventId, Medium, Position, Scope, SessionId, SystemScope, Timestamp};
use streamwarden::shards::{Deliver, Delivery, Intake, IntakeParts, IntakeSettings, NotSettled, WhoIsOnAir};
use streamwarden::warden::enforcement::BudgetLimits;
use tempfile::TempDir;

use crate::{changed, data, frame};

const CHANNEL: &str = "arn:aws:ivs:us-west-2:123456789012:channel/AbCdef1G2hij";
const STREAM: &str = "st-1A2b3c4D5e6F78ghij9Klmn";
const THUMB: &str = "s3-object-created-thumb0.json";
const LATEST: &str = "s3-object-created-latest-thumbnail.json";
/// A little after what the samples tell of.
const NOW: &str = "2026-03-07T09:06:30Z";
const POLICY: &str = r#"
policy: test
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 60s, max_age: 24h }
similarity: off
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 80, action: warn }
"#;

/// The same, and what is heard and moves: by providers that the house does not have, so that each segment fails aloud.
const LISTENS: &str = r#"
policy: test
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 60s, max_age: 24h }
similarity: off
sound: { every: 30s, judged_by: hive-speech }
clips: { every: 60s, judged_by: rekognition }
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 80, action: warn }
  - { id: hate, taxonomy: hive-speech/1, categories: [hate], from_severity: 2, action: warn }
"#;

/// A house, and an intake before it.
struct Site {
    _dir: TempDir,
    house: House,
    intake: Intake,
}

/// Knows one broadcast of every channel, and how often it was asked.
struct Knows(Option<(SessionId, Timestamp)>, AtomicUsize);

impl WhoIsOnAir for Knows {
    fn on_air<'a>(&'a self, _: &'a ChannelId) -> BoxFuture<'a, Option<(SessionId, Timestamp)>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        std::future::ready(self.0.clone()).boxed()
    }
}

async fn site(settings: IntakeSettings, who: Option<Arc<dyn WhoIsOnAir>>) -> Site {
    site_under(POLICY, settings, who).await
}

async fn site_under(policy: &'static str, settings: IntakeSettings, who: Option<Arc<dyn WhoIsOnAir>>) -> Site {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let opening = move || {
        let mut ground = Ground::open(&path).unwrap();
        ground.policies.publish("test.yaml", policy, &Actor::service("test"), None).unwrap();
        ground
    };
    let ground = tokio::task::spawn_blocking(opening).await.unwrap();
    let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
    let limits = BudgetLimits { per_minute: 1, per_rule_per_minute: 1, live_share_milli: 1 };
    let control = Arc::new(RehearsalControl::new());
    let house = ground.start(clock.clone(), ProviderChoice::default(), control, limits, Settings::default());
    let parts = IntakeParts {
        wardens: house.wardens.clone(),
        journal: house.journal.clone(),
        content: house.content.clone(),
        clock,
        who,
    };
    Site { _dir: dir, house, intake: Intake::new(parts, settings) }
}

/// Waits for nothing that may come before.
fn at_once() -> IntakeSettings {
    IntakeSettings { reorder_wait: Duration::ZERO, ..IntakeSettings::default() }
}

impl Site {
    fn deliver(&self, sequence: u64, bytes: &[u8]) -> BoxFuture<'_, Result<(), NotSettled>> {
        self.intake.deliver(Delivery {
            shard: ShardId::new("shardId-000000000000").unwrap(),
            sequence: KinesisSequence::new(&sequence.to_string()).unwrap(),
            part: 0,
            partition_key: None,
            data: bytes.into(),
            arrived_at: NOW.parse().unwrap(),
        })
    }

    /// What the journal says in a scope.
    fn events(&self, scope: &Scope) -> Vec<(Option<Timestamp>, Event)> {
        let recorded = self.house.journal.read_scope(scope, streamwarden::model::Sequence(0), READ_LIMIT_MAX).unwrap();
        recorded.iter().map(|one| (one.envelope.captured_at, one.event().unwrap())).collect()
    }

    fn of_channel(&self) -> Vec<(Option<Timestamp>, Event)> {
        self.events(&ChannelId::new(CHANNEL).unwrap().into())
    }

    fn head(&self) -> Position {
        *self.house.journal.watermark().borrow()
    }

    /// The media of the frames that failed for want of a provider, sorted.
    fn unheard(&self) -> Vec<Medium> {
        let failed = |(_, event)| match event {
            Event::FrameFailed(failed) if failed.stage == FailedStage::NoProvider => Some(failed.medium),
            _ => None,
        };
        let mut media: Vec<Medium> = self.of_channel().into_iter().filter_map(failed).collect();
        media.sort_unstable();
        media
    }

    /// The broadcasts that began, and how that was known.
    fn began(&self) -> Vec<(String, SessionStartBecause)> {
        let began = |(_, event)| match event {
            Event::SessionStarted(started) => Some((started.session.to_string(), started.because)),
            _ => None,
        };
        self.of_channel().into_iter().filter_map(began).collect()
    }
}

/// The thumbnail of that number and second.
fn thumb(number: u64) -> Vec<u8> {
    let text = String::from_utf8(data(THUMB)).unwrap();
    let text = text.replace("thumb0.jpg", &format!("thumb{number}.jpg"));
    text.replace("2026-03-07T09:06:10Z", &format!("2026-03-07T09:06:{:02}Z", 10 + number)).into_bytes()
}

/// The segment of that number in a rendition, ten seconds after the one before.
fn segment(rendition: &str, number: u64) -> Vec<u8> {
    let text = String::from_utf8(data("s3-object-created-segment.json")).unwrap();
    let text = text.replace("720p60/12.ts", &format!("{rendition}/{number}.ts"));
    text.replace("2026-03-07T09:07:31Z", &format!("2026-03-07T09:06:{:02}Z", 10 * number)).into_bytes()
}

fn failed_at_fetch(event: &Event) -> bool {
    matches!(event, Event::FrameFailed(failed) if failed.stage == FailedStage::Fetch)
}

#[actix_rt::test]
async fn every_frame_has_one_outcome_and_a_redelivery_adds_no_event() {
    let site = site(at_once(), None).await;
    let names = [
        "ivs-stream-state-stream-start.json",
        "ivs-recording-state-start.json",
        THUMB,
        "s3-object-created-thumb1.json",
        "s3-object-created-not-a-thumbnail.json",
        "ivs-stream-health-starvation-start.json",
        "s3-test-event.json",
    ];
    for (sequence, name) in names.iter().enumerate() {
        site.deliver(sequence as u64, &data(name)).await.unwrap();
    }
    assert_eq!(site.began(), [(STREAM.to_owned(), SessionStartBecause::Announced)]);
    let outcomes = site.of_channel().iter().filter(|(_, event)| failed_at_fetch(event)).count();
    assert_eq!(outcomes, 2);
    let head = site.head();
    for (sequence, name) in names.iter().enumerate() {
        site.deliver(sequence as u64, &data(name)).await.unwrap(); // the same records again
        site.deliver(100 + sequence as u64, &data(name)).await.unwrap(); // the producer's repetition
    }
    site.deliver(200, &data("replayed-event.json")).await.unwrap();
    assert_eq!(site.head(), head, "nothing was added");
    site.house.close().await;
}

#[actix_rt::test]
async fn what_is_not_understood_is_set_aside_once_with_a_copy_and_blocks_nothing() {
    let site = site(at_once(), None).await;
    let broken = changed(THUMB, "\"key\"", "\"kee\"");
    let (rejected, taken) = (site.deliver(1, &broken), site.deliver(2, &data(THUMB)));
    let both = join_all([rejected, taken]).await;
    assert_eq!(both, [Ok(()), Ok(())]);
    let events = site.events(&SystemScope::Intake.into());
    let [(_, Event::NotificationRejected(rejected))] = events.as_slice() else { panic!("{events:?}") };
    assert!(rejected.reason.contains("missing field `key`"), "{}", rejected.reason);
    assert_eq!(rejected.source, "kinesis:shardId-000000000000/1");
    let Content::Plain(copy) = site.house.content.get(&rejected.copy).unwrap() else { panic!("it was not erased") };
    assert_eq!(copy, broken);
    let head = site.head();
    site.deliver(1, &broken).await.unwrap();
    assert_eq!(site.head(), head, "the same again");
    site.deliver(3, &broken).await.unwrap();
    assert_eq!(site.events(&SystemScope::Intake.into()).len(), 2, "the same elsewhere");
    site.house.close().await;
}

#[actix_rt::test]
async fn a_list_of_records_is_taken_record_by_record() {
    let site = site(at_once(), None).await;
    let text = String::from_utf8(data("s3-notification-records.json")).unwrap();
    let text = text.replacen("uploads/red+flower+%2B+caf%C3%A9.jpg", "uploads/%ZZ.jpg", 1);
    site.deliver(1, text.as_bytes()).await.unwrap();
    assert!(site.of_channel().iter().any(|(_, event)| failed_at_fetch(event)));
    let events = site.events(&SystemScope::Intake.into());
    let [(_, Event::NotificationRejected(rejected))] = events.as_slice() else { panic!("{events:?}") };
    assert!(rejected.reason.starts_with("Records[1]: "), "{}", rejected.reason);
    site.house.close().await;
}

#[actix_rt::test]
async fn a_frame_far_ahead_of_our_clock_is_set_aside_and_makes_no_other_stale() {
    let site = site(at_once(), None).await;
    let ahead = changed(THUMB, "2026-03-07T09:06:10Z", "2026-03-07T09:11:31Z");
    site.deliver(1, &ahead).await.unwrap();
    let events = site.events(&SystemScope::Intake.into());
    let [(_, Event::NotificationRejected(rejected))] = events.as_slice() else { panic!("{events:?}") };
    assert!(rejected.reason.contains("at most 5 minutes ahead"), "{}", rejected.reason);
    assert_eq!(site.of_channel(), []);
    site.house.close().await;
}

/// Outcomes and their order, with nothing of when they were recorded.
async fn story_of(arrivals: &[Vec<u8>]) -> Vec<(Option<Timestamp>, Event)> {
    let site =
        site(IntakeSettings { reorder_wait: Duration::from_millis(500), ..IntakeSettings::default() }, None).await;
    let deliveries: Vec<_> = arrivals.iter().zip(1..).map(|(bytes, sequence)| site.deliver(sequence, bytes)).collect();
    for settled in join_all(deliveries).await {
        settled.unwrap();
    }
    let story = site.of_channel();
    site.house.close().await;
    story
}

#[actix_rt::test]
async fn whatever_order_they_arrive_in_within_the_wait_the_story_is_the_same() {
    let start = data("ivs-stream-state-stream-start.json");
    let end = changed("ivs-stream-state-stream-end.json", "2026-03-07T10:05:30Z", "2026-03-07T09:06:16Z");
    let (first, second, third) = (thumb(0), thumb(1), thumb(2));
    let told = story_of(&[start.clone(), first.clone(), second.clone(), third.clone(), end.clone()]).await;
    let frames: Vec<_> = told.iter().filter(|(_, event)| failed_at_fetch(event)).map(|(at, _)| at.unwrap()).collect();
    assert_eq!(frames.len(), 3);
    assert!(frames.is_sorted());
    let shuffled =
        [third.clone(), end.clone(), first.clone(), first, start.clone(), second.clone(), third, start, second, end];
    assert_eq!(story_of(&shuffled).await, told);
}

#[actix_rt::test]
async fn of_two_sources_of_a_channel_one_is_judged_and_the_other_is_passed_over() {
    let site = site(at_once(), None).await;
    site.deliver(1, &data("ivs-stream-state-stream-start.json")).await.unwrap();
    site.deliver(2, &thumb(0)).await.unwrap();
    site.deliver(3, &data(LATEST)).await.unwrap();
    let id = frame(&data(LATEST)).id();
    let outcome = site.house.journal.find(EventId::outcome_of(id)).unwrap().expect("an outcome");
    let Event::FrameSkipped(skipped) = outcome.event().unwrap() else { panic!("{outcome:?}") };
    assert_eq!(skipped.because, Skip::OtherSource);
    let head = site.head();
    site.deliver(4, &data(LATEST)).await.unwrap();
    assert_eq!(site.head(), head);
    site.house.close().await;
}

#[actix_rt::test]
async fn a_broadcast_of_which_nothing_is_known_is_asked_for_once_and_else_has_no_name() {
    let since = "2026-03-07T09:05:30Z".parse().unwrap();
    let knows = Arc::new(Knows(Some((SessionId::new(STREAM).unwrap(), since)), AtomicUsize::new(0)));
    let told = site(at_once(), Some(knows.clone())).await;
    for number in 0..5 {
        told.deliver(number, &thumb(number)).await.unwrap();
    }
    assert_eq!(told.began(), [(STREAM.to_owned(), SessionStartBecause::FrameArrived)]);
    assert_eq!(knows.1.load(Ordering::Relaxed), 1);
    told.house.close().await;

    let nobody = Arc::new(Knows(None, AtomicUsize::new(0)));
    let untold = site(at_once(), Some(nobody.clone())).await;
    for number in 0..5 {
        untold.deliver(number, &thumb(number)).await.unwrap();
    }
    assert_eq!(untold.began(), [("unnamed/j8Z9O91ndcVs".to_owned(), SessionStartBecause::FrameArrived)]);
    assert_eq!(nobody.1.load(Ordering::Relaxed), 1);
    untold.house.close().await;
}

#[actix_rt::test]
async fn what_the_warden_remembers_names_the_broadcast_after_a_restart_of_the_intake() {
    let site = site(at_once(), None).await;
    site.deliver(1, &data("ivs-stream-state-stream-start.json")).await.unwrap();
    let again = Intake::new(
        IntakeParts {
            wardens: site.house.wardens.clone(),
            journal: site.house.journal.clone(),
            content: site.house.content.clone(),
            clock: Arc::new(ManualClock::at(NOW.parse().unwrap())),
            who: None,
        },
        at_once(),
    );
    let site = Site { intake: again, ..site };
    site.deliver(2, &thumb(4)).await.unwrap();
    assert_eq!(site.began(), [(STREAM.to_owned(), SessionStartBecause::Announced)]);
    site.house.close().await;
}

#[actix_rt::test]
async fn a_frame_that_waits_too_long_for_those_before_it_fails_aloud() {
    let site = site(IntakeSettings { line_wait_max: Duration::ZERO, ..at_once() }, None).await;
    site.deliver(1, &thumb(0)).await.unwrap();
    let events = site.of_channel();
    let [(_, Event::FrameFailed(failed))] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(failed.stage, FailedStage::Deadline);
    site.house.close().await;
}

#[actix_rt::test]
async fn what_the_house_does_not_take_is_not_settled() {
    let site = site(at_once(), None).await;
    site.house.wardens.shutdown().await;
    assert!(site.deliver(1, &thumb(0)).await.is_err());
    site.house.close().await;
}

#[actix_rt::test]
async fn a_segment_comes_to_one_outcome_for_each_medium_that_is_asked_for_in_the_rendition_that_is_judged() {
    let site = site_under(LISTENS, at_once(), None).await;
    site.deliver(1, &data("ivs-stream-state-stream-start.json")).await.unwrap();
    site.deliver(2, &segment("720p60", 1)).await.unwrap();
    assert_eq!(site.unheard(), [Medium::Clip, Medium::Sound]);
    let head = site.head();
    site.deliver(3, &segment("720p60", 1)).await.unwrap();
    assert_eq!(site.head(), head, "a redelivery adds no event");

    // Moving pictures are judged in the highest rendition, sound in the lowest, once both were met.
    site.deliver(4, &segment("160p30", 2)).await.unwrap();
    assert_eq!(site.unheard(), [Medium::Clip, Medium::Sound, Medium::Sound]);
    site.deliver(5, &segment("720p60", 2)).await.unwrap();
    assert_eq!(site.unheard(), [Medium::Clip, Medium::Clip, Medium::Sound, Medium::Sound]);
    site.deliver(6, &thumb(0)).await.unwrap();
    assert!(site.of_channel().iter().any(|(_, event)| failed_at_fetch(event)), "thumbnails come as before");
    assert_eq!(site.began(), [(STREAM.to_owned(), SessionStartBecause::Announced)], "one broadcast for all of it");
    site.house.close().await;
}

#[actix_rt::test]
async fn a_segment_that_no_policy_asks_for_is_no_frame() {
    let site = site(at_once(), None).await;
    let head = site.head();
    site.deliver(1, &segment("720p60", 1)).await.unwrap();
    assert_eq!((site.head(), site.of_channel()), (head, vec![]));
    site.house.close().await;
}
