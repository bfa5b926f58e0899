//! Hive's Moderation Dashboard as a provider, against its stand-in: what is submitted, what comes of each answer and each
//! failure; and the whole way round, from a frame to the action that stops its broadcast.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use streamwarden::egress::Secret;
use streamwarden::model::{ChannelId, Confidence, FrameId, S3Object};
use streamwarden::providers::hive::Showing;
use streamwarden::providers::hive::dashboard::{Dashboard, Posts, Settings, UsersAs};
use streamwarden::providers::{Answer, Picture, Provider, ProviderError, Subject};

use super::{classes, picture, text};
use crate::dashboard_standin::{DashboardStandin, Fault};
use crate::standins::{emulated, emulator, s3};

fn settings(standin: &DashboardStandin) -> Settings {
    Settings {
        endpoint: Some(standin.endpoint.clone()),
        floor: Confidence::from_milli(5_000).expect("5 %"),
        deadline: Duration::from_secs(20),
        heads: vec!["gun".to_owned()],
        users_as: UsersAs::Digest,
    }
}

/// The provider, and the frames that it has shown.
fn dashboard(standin: &DashboardStandin, settings: Settings) -> (Dashboard, Arc<Posts>) {
    let key = Secret::new(&standin.world().key).expect("the stand-in's key is one");
    let posts = Arc::new(Posts::default());
    let showing = Showing::Signed { s3: emulated().s3(), lives: Duration::from_secs(60) };
    (Dashboard::new(settings, &key, classes(), showing, posts.clone()).expect("the settings are sound"), posts)
}

async fn stored(bucket: &str, says: &str) -> (S3Object, Arc<[u8]>) {
    s3().create_bucket().bucket(bucket).send().await.expect("a bucket");
    let picture = picture(says);
    let stored = emulated().s3().put(bucket, "live/1.jpg", &picture, "image/jpeg").await.expect("it is taken");
    let (version, size) = (stored.version.map(Into::into), Some(picture.len() as u64));
    (S3Object { bucket: bucket.into(), key: "live/1.jpg".into(), version, etag: None, size }, picture)
}

fn subject(object: Option<S3Object>) -> Subject {
    let channel = ChannelId::new("arn:aws:ivs:us-east-1:123456789012:channel/AbCd").expect("a sound id");
    let frame = FrameId::of(&channel, &[b"1"]);
    Subject { channel, frame, object }
}

async fn asked(dashboard: &Dashboard, object: S3Object) -> Result<Answer, ProviderError> {
    dashboard.assess_frame(subject(None), Picture::Object(object)).await
}

#[tokio::test]
async fn a_frame_is_submitted_as_a_post_of_its_channel_by_an_address_that_is_signed() {
    let standin = DashboardStandin::start();
    let (dashboard, posts) = dashboard(&standin, settings(&standin));
    let (object, bytes) = stored("dashboard-posts", "gun_in_hand=0.93").await;
    let subject = subject(Some(object));
    assert!(!posts.were_shown(subject.frame));
    // The bytes were fetched to be compared; it is told where they lie all the same.
    let answer = dashboard.assess_frame(subject.clone(), Picture::Bytes(bytes)).await.expect("an answer");
    assert!(text(&answer.labels).contains(&"violence/gun/gun_in_hand 93.0".to_owned()), "{:?}", answer.labels);
    assert_eq!((&*answer.provider.name, &*answer.provider.model), ("hive-dashboard", "mod55_dense/1"));
    assert!(posts.were_shown(subject.frame));
    let post = standin.world().posts[0].clone();
    assert_eq!(post["post_id"], subject.frame.to_string());
    assert_eq!(post["user_id"], UsersAs::Digest.user(&subject.channel));
    assert_eq!(post["models"], json!(["visual"]));
    let url = post["url"].as_str().expect("an address");
    assert!(url.starts_with(emulator()) && url.contains("X-Amz-Expires=60&"), "{url}");
}

#[tokio::test]
async fn what_lies_in_no_bucket_cannot_be_shown() {
    let standin = DashboardStandin::start();
    let (dashboard, _) = dashboard(&standin, settings(&standin));
    let refused = dashboard.assess_frame(subject(None), Picture::Bytes(picture(""))).await;
    assert_eq!(refused.expect_err("there is no address").name(), "refused");
    assert!(standin.world().posts.is_empty());
}

#[tokio::test]
async fn whatever_is_no_answer_is_none_and_never_no_labels() {
    let standin = DashboardStandin::start();
    let (dashboard, _) = dashboard(&standin, settings(&standin));
    let (object, _) = stored("dashboard-faults", "gun_in_hand=0.93").await;
    for (fault, name) in [
        (Fault::Error(403, "Invalid Auth Token"), "refused"),
        (Fault::Error(405, "Insufficient balance"), "refused"),
        (Fault::Error(429, "Too many requests"), "throttled"),
        (Fault::Error(503, "Service Unavailable"), "unavailable"),
        (Fault::Body(r#"{"task_ids": ["1"], "post_id": "p", "user_id": "u"}"#), "nonsense"),
        (Fault::Body(r#"{"return_code": 429, "message": "Too many requests"}"#), "throttled"),
        (Fault::Body("{"), "nonsense"),
        (
            Fault::Body(
                r#"{"status": [{"status": {"code": "0"}, "response": {"output": [{"classes": [
                    {"class": "yes_alcohol", "score": 0.9}]}]}}]}"#,
            ),
            "nonsense",
        ),
        (Fault::Body(r#"{"status": [{"status": {"code": "7", "message": "m"}, "response": null}]}"#), "refused"),
    ] {
        standin.world().fault = Some(fault.clone());
        let error = asked(&dashboard, object.clone()).await.expect_err("it is no answer");
        assert_eq!(error.name(), name, "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_waited_for_no_longer_than_its_time() {
    let standin = DashboardStandin::start();
    let (dashboard, _) = dashboard(&standin, Settings { deadline: Duration::from_millis(300), ..settings(&standin) });
    let (object, _) = stored("dashboard-hangs", "").await;
    standin.world().fault = Some(Fault::Hang);
    assert_eq!(asked(&dashboard, object).await.expect_err("it hangs").name(), "unavailable");
}

#[tokio::test]
async fn neither_key_nor_address_is_said_again() {
    let standin = DashboardStandin::start();
    let (dashboard, _) = dashboard(&standin, settings(&standin));
    let (object, _) = stored("dashboard-secrets", "").await;
    standin.world().fault = Some(Fault::Error(403, "no such token: dashboard-key-0123456789 for https://x.example/k"));
    let error = asked(&dashboard, object).await.expect_err("it is refused").to_string();
    assert!(error.contains("(our key)") && error.contains("(an address)"), "{error}");
    assert!(!format!("{dashboard:?}").contains("dashboard-key"));
}
