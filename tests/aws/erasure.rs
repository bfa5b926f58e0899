//! Copies of what was erased go from their bucket, by the real binary: at once, after the process ended in between, and
//! where no event says that they are there; never anybody else's. The buckets are the emulator's.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::{Value, json};
use streamwarden::clock::{Clock, SystemClock};
use streamwarden::model::Timestamp;

use crate::evidence::{Place, bucket, events, hand_in_of, objects};
use crate::serving::Serving;
use crate::standins::{picture, s3};

const LABELS: &str = "Weapons=97.5";

/// A bucket that keeps versions.
async fn versioned(name: &str) {
    bucket(name).await;
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3().put_bucket_versioning().bucket(name).versioning_configuration(enabled).send().await.unwrap();
}

/// Every version of every key in a bucket, also of what was deleted over.
async fn versions(bucket: &str) -> Vec<String> {
    let listed = s3().list_object_versions().bucket(bucket).send().await.unwrap();
    listed.versions().iter().map(|version| version.key().unwrap().to_owned()).collect()
}

fn copies_into(bucket: &str) -> String {
    format!("[evidence]\nbucket = {bucket:?}\n")
}

/// Hands a frame in that warns, and waits until its picture is copied, or known not to be.
async fn warned(serving: &Serving, channel: &str, key: &str) -> Value {
    warned_of(serving, channel, None, key).await
}

/// The same, of a picture of that moment.
async fn warned_of(serving: &Serving, channel: &str, at: Option<Timestamp>, key: &str) -> Value {
    let (_, answer) = hand_in_of(serving, channel, at, key, LABELS).await;
    assert_eq!(answer["verdict"], "warn", "{answer}");
    let path = format!("/v1/decisions/{}", answer["frame"].as_str().unwrap());
    let settled = |decision: &Value| {
        let evidence = &decision["evidence"];
        evidence["copy"].is_object() || evidence["unkept"].as_array().is_some_and(|unkept| !unkept.is_empty())
    };
    serving.until("what became of the copy", &path, settled).await
}

async fn erase(serving: &Serving, what: &Value) -> Value {
    let post = reqwest::Client::new().post(format!("{}/v1/erasures", serving.base));
    let answer = post.json(what).send().await.unwrap();
    let status = answer.status().as_u16();
    let said: Value = answer.json().await.unwrap();
    assert_eq!(status, 200, "{said}");
    said
}

/// Waits until nothing is left to do, and returns the newest erasure.
async fn finished(serving: &Serving) -> Value {
    let done = |list: &Value| list["items"].as_array().unwrap().iter().all(|one| one["finished"] == true);
    serving.until("the end of the erasures", "/v1/erasures", done).await["items"][0].clone()
}

async fn figure(serving: &Serving, name: &str) -> u64 {
    let text = reqwest::get(format!("{}/metrics", serving.base)).await.unwrap().text().await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[actix_rt::test]
async fn copies_go_by_their_version_and_those_of_others_and_of_later_stay() {
    versioned("erased-versions").await;
    let place = Place::new();
    let serving = place.serve(&copies_into("erased-versions")).await;
    let before = SystemClock.now().minus_ms(10_000); // so that a later one is due, however fast all of this goes
    warned_of(&serving, "studio", Some(before), "one").await;
    let kept = warned(&serving, "other", "two").await;
    let answer = erase(&serving, &json!({ "channel": "studio", "reason": "r-1" })).await;
    assert_ne!(answer["copies"]["state"], "untouched", "{answer}");
    let done = finished(&serving).await;
    assert_eq!((&done["copies"]["state"], &done["copies"]["copies"]), (&json!("deleted"), &json!(1)), "{done}");
    let left = kept["evidence"]["copy"]["object"]["key"].as_str().unwrap();
    assert_eq!(versions("erased-versions").await, [left], "no version is left of it");
    assert_eq!(events(&serving, "CopiesErased").await.len(), 1);
    assert_eq!(figure(&serving, "streamwarden_erasures_unfinished").await, 0);
    assert_eq!(figure(&serving, "streamwarden_copies_erased_total").await, 1);

    let later = warned(&serving, "studio", "three").await;
    assert!(later["evidence"]["copy"].is_object(), "{later}");
    assert_eq!(versions("erased-versions").await.len(), 2, "what is kept from then on stays");
    serving.end();
}

#[actix_rt::test]
async fn what_was_erased_without_a_server_is_deleted_by_the_next_one() {
    bucket("erased-offline").await;
    let place = Place::new();
    let serving = place.serve(&copies_into("erased-offline")).await;
    warned(&serving, "studio", "one").await;
    serving.kill();
    assert_eq!(objects("erased-offline").await.len(), 1);
    let mut erasing = std::process::Command::new(env!("CARGO_BIN_EXE_streamwarden"));
    erasing.args(["journal", "erase", "--channel", "studio", "--reason", "r-1", "--data"]).arg(place.data());
    let said = erasing.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(objects("erased-offline").await.len(), 1, "it has no way to the bucket, and says so");
    assert!(String::from_utf8_lossy(&said.stdout).contains("deleted by the next `serve`"));

    let serving = place.serve(&copies_into("erased-offline")).await;
    finished(&serving).await;
    assert_eq!(objects("erased-offline").await, []);
    serving.end();
}

#[actix_rt::test]
async fn copies_that_cannot_be_deleted_show_and_are_deleted_as_soon_as_they_can_be() {
    bucket("erased-later").await;
    let place = Place::new();
    let serving = place.serve(&copies_into("erased-later")).await;
    warned(&serving, "studio", "one").await;
    serving.end();
    // Nobody says any more where copies go: the one that is there is not forgotten.
    let serving = place.serve("").await;
    let answer = erase(&serving, &json!({ "channel": "studio", "reason": "r-1" })).await;
    assert_eq!((&answer["copies"]["state"], &answer["finished"]), (&json!("pending"), &json!(false)), "{answer}");
    while figure(&serving, "streamwarden_erasures_failed_total").await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(figure(&serving, "streamwarden_erasures_unfinished").await, 1);
    assert_eq!(objects("erased-later").await.len(), 1);
    serving.kill();

    let serving = place.serve(&copies_into("erased-later")).await;
    finished(&serving).await;
    assert_eq!(objects("erased-later").await, []);
    serving.end();
}

/// A call that ran out of time may have put the copy all the same, and a process may end before it says so.
#[actix_rt::test]
async fn a_copy_that_no_event_names_goes_as_well() {
    let place = Place::new();
    let serving = place.serve(&copies_into("erased-unnamed")).await;
    let decision = warned(&serving, "studio", "one").await;
    assert_eq!(decision["evidence"]["copy"], Value::Null, "there is no such bucket");
    bucket("erased-unnamed").await;
    let (frame, image) = (&decision["frame"], &decision["evidence"]["image"]);
    let outcome = events(&serving, "FrameAssessed").await;
    let day = outcome[0]["captured_at"].as_str().unwrap().split('T').next().unwrap();
    let digest = &image["sha256"].as_str().unwrap()[..16];
    let key = format!("evidence/studio/{day}/{}-{digest}.jpg", frame.as_str().unwrap());
    for key in [key.as_str(), "evidence/studio/of-somebody-else.jpg"] {
        let body = aws_sdk_s3::primitives::ByteStream::from(picture(LABELS).to_vec());
        s3().put_object().bucket("erased-unnamed").key(key).body(body).send().await.unwrap();
    }
    erase(&serving, &json!({ "channel": "studio", "content": "pictures", "reason": "r-1" })).await;
    finished(&serving).await;
    let left: Vec<_> = objects("erased-unnamed").await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(left, ["evidence/studio/of-somebody-else.jpg"]);
    serving.end();
}
