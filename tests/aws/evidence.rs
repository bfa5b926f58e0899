//! What was seen is kept, by the real binary: a frame that is handed in is put into a bucket before it is judged, and the
//! picture that a warning rests on is copied into another. The buckets are the emulator's.

use std::path::Path;

use serde_json::{Value, json};
use streamwarden::model::Timestamp;

use crate::serving::Serving;
use crate::standins::{REGION, Stage, emulator, picture, s3};

const POLICY: &str = "
policy: weapons
version: 1
title: A weapon warns
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 1s, tolerance: 500ms, max_age: 24h }
similarity: off
rules:
  - { id: weapons, categories: [Violence/Weapons], confidence: 80, window: 1 of 1, action: warn }
";

/// A place with the program's configuration in it.
pub struct Place {
    dir: tempfile::TempDir,
    pub stage: Stage,
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), stage: Stage::new() }
    }

    /// Where its journal is.
    pub fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    /// The program, serving, with these sections beside what it cannot do without.
    pub async fn serve(&self, sections: &str) -> Serving {
        self.serve_with(emulator(), sections).await
    }

    /// The same, with S3 at this address.
    pub async fn serve_with(&self, here: &str, sections: &str) -> Serving {
        let standin = &self.stage.endpoint;
        let data = self.data();
        let text = format!(
            "[data]\ndirectory = {data:?}\n[listen]\naddress = \"127.0.0.1:0\"\n[auth]\nways = [\"open\"]\n\
             [provider]\njudge = \"rekognition\"\n[aws]\nregion = {REGION:?}\n[aws.endpoints]\ns3 = {here:?}\n\
             rekognition = {standin:?}\n{sections}"
        );
        let file = self.dir.path().join("streamwarden.toml");
        std::fs::write(&file, text).unwrap();
        let serving = Serving::start(Path::new(&file));
        serving.publish(POLICY).await;
        serving
    }
}

pub async fn bucket(name: &str) {
    s3().create_bucket().bucket(name).send().await.unwrap();
}

/// Hands a frame in; the status and what was answered.
pub async fn hand_in(serving: &Serving, channel: &str, key: &str, labels: &str) -> (u16, Value) {
    hand_in_of(serving, channel, None, key, labels).await
}

/// The same, of a picture of that moment.
pub async fn hand_in_of(
    serving: &Serving,
    channel: &str,
    at: Option<Timestamp>,
    key: &str,
    labels: &str,
) -> (u16, Value) {
    let at = at.map_or(String::new(), |at| format!("?captured_at={at}"));
    let post = reqwest::Client::new().post(format!("{}/v1/channels/{channel}/frames{at}", serving.base));
    let post = post.header("idempotency-key", key).header("content-type", "image/jpeg");
    let answer = post.body(picture(labels).to_vec()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Every key in a bucket, and what lies there.
pub async fn objects(bucket: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for object in s3().list_objects_v2().bucket(bucket).send().await.unwrap().contents() {
        let key = object.key().unwrap().to_owned();
        let got = s3().get_object().bucket(bucket).key(&key).send().await.unwrap();
        found.push((key, got.body.collect().await.unwrap().into_bytes().to_vec()));
    }
    found
}

pub async fn events(serving: &Serving, types: &str) -> Vec<Value> {
    let page = serving.get(&format!("/v1/events?type={types}")).await;
    page["items"].as_array().unwrap().clone()
}

#[actix_rt::test]
async fn a_frame_handed_in_is_put_into_its_bucket_and_judged_as_that_object() {
    bucket("frames-first").await;
    let place = Place::new();
    let serving = place.serve("[http.store_frames]\nbucket = \"frames-first\"\n").await;
    let (status, answer) = hand_in(&serving, "studio", "one", "Weapons=97.5").await;
    assert_eq!((status, answer["verdict"].as_str()), (200, Some("warn")), "{answer}");
    let stored = objects("frames-first").await;
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert_eq!(answer["stored"].as_str().unwrap(), format!("s3://frames-first/{}", stored[0].0));
    assert!(stored[0].0.starts_with("frames/studio/"), "{}", stored[0].0);
    assert_eq!(stored[0].1, picture("Weapons=97.5").to_vec(), "the very bytes");

    // Again it is known: nothing is stored a second time, also not in the first one's place.
    let (status, again) = hand_in(&serving, "studio", "one", "Weapons=97.5").await;
    assert_eq!((status, &again["event"], &again["repeated"]), (200, &answer["event"], &json!(true)), "{again}");
    assert_eq!(again["stored"], Value::Null);
    assert_eq!(
        hand_in(&serving, "studio", "one", "Alcohol=90").await.0,
        409,
        "another picture under the key is a conflict"
    );
    assert_eq!(objects("frames-first").await.len(), 1);
    serving.end();
}

#[actix_rt::test]
async fn a_frame_that_cannot_be_put_is_not_accepted() {
    let place = Place::new();
    let serving = place.serve("[http.store_frames]\nbucket = \"frames-nowhere\"\ntimeout_s = 2\n").await;
    let (status, problem) = hand_in(&serving, "studio", "one", "Weapons=97.5").await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("unavailable")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("could not be stored"), "{problem}");
    let outcomes = events(&serving, "FrameAssessed,FrameSkipped,FrameFailed").await;
    assert_eq!(outcomes, Vec::<Value>::new(), "nothing was accepted");
    assert_eq!(place.stage.calls().await.len(), 0, "and nobody was asked");

    // When there is a bucket, the same frame is accepted.
    bucket("frames-nowhere").await;
    let (status, answer) = hand_in(&serving, "studio", "one", "Weapons=97.5").await;
    assert_eq!((status, &answer["repeated"]), (200, &json!(false)), "{answer}");
    serving.end();
}

#[actix_rt::test]
async fn the_picture_that_a_warning_rests_on_is_copied_and_the_decision_says_where() {
    bucket("evidence-of-warnings").await;
    let place = Place::new();
    let serving = place.serve("[evidence]\nkeep = \"none\"\nbucket = \"evidence-of-warnings\"\n").await;
    let (_, clear) = hand_in(&serving, "calm", "clear", "Alcohol=40").await;
    assert_eq!(clear["verdict"], "clear", "{clear}");
    let (_, warned) = hand_in(&serving, "studio", "warned", "Weapons=97.5").await;
    let path = format!("/v1/decisions/{}", warned["frame"].as_str().unwrap());
    let decision = serving.until("the copy", &path, |decision| decision["evidence"]["copy"].is_object()).await;
    let copied = objects("evidence-of-warnings").await;
    assert_eq!(copied.len(), 1, "clear ones are not copied: {copied:?}");
    assert_eq!(copied[0].1, picture("Weapons=97.5").to_vec(), "the very bytes that were judged");
    let evidence = &decision["evidence"];
    assert_eq!(evidence["copy"]["object"]["key"], copied[0].0);
    assert!(copied[0].0.starts_with("evidence/studio/"), "{}", copied[0].0);
    assert_eq!((&evidence["kept"], &evidence["unkept"]), (&json!("not_kept"), &json!([])), "none in the store");
    let told = events(&serving, "EvidenceCopied").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["payload"]["image"], evidence["image"]["sha256"], "by the digest of what was judged");
    assert_eq!(told[0]["payload"]["object"], evidence["copy"]["object"]);
    serving.end();
}

#[actix_rt::test]
async fn a_copy_that_cannot_be_made_changes_no_decision_and_is_recorded() {
    let place = Place::new();
    let serving = place.serve("[evidence]\nbucket = \"evidence-nowhere\"\ncopy_timeout_s = 5\n").await;
    let (status, warned) = hand_in(&serving, "studio", "one", "Weapons=97.5").await;
    assert_eq!((status, warned["verdict"].as_str()), (200, Some("warn")), "{warned}");
    let path = format!("/v1/decisions/{}", warned["frame"].as_str().unwrap());
    let both = |decision: &Value| {
        decision["evidence"]["kept"] == "kept" && !decision["evidence"]["unkept"].as_array().unwrap().is_empty()
    };
    let decision = serving.until("what became of the picture", &path, both).await;
    let unkept = &decision["evidence"]["unkept"][0];
    assert_eq!((&unkept["place"], &decision["evidence"]["copy"]), (&json!("bucket"), &Value::Null));
    assert!(unkept["reason"].as_str().unwrap().contains("NoSuchBucket"), "{unkept}");
    assert_eq!(events(&serving, "EvidenceUnkept").await.len(), 1);
    assert_eq!(events(&serving, "WarningRaised").await.len(), 1);
    serving.end();
}
