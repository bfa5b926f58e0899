//! Rekognition reads pictures in their bucket itself, where nothing else needs their bytes. The stand-in fetches them
//! from the emulator, by the version it is told.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::json;
use streamwarden::events::{Event, EvidencePlace, FailedStage};
use streamwarden::model::{FrameOrigin, S3Object, Sha256, Verdict};
use streamwarden::providers::guard;
use streamwarden::providers::rekognition::{self, ByObject};

use crate::judging::{Judging, POLICY, assessed};
use crate::premises::PATIENCE;
use crate::standins::{Stage, emulated, emulator, picture, s3};

const COMPARES: &str = "
policy: seven
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 1s, max_age: 24h }
rules:
  - { id: violence, categories: [Violence], confidence: 80, action: warn }
";

/// A bucket that keeps versions, or none.
async fn bucket(name: &str, versions: bool) {
    s3().create_bucket().bucket(name).send().await.unwrap();
    if versions {
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        s3().put_bucket_versioning().bucket(name).versioning_configuration(enabled).send().await.unwrap();
    }
}

/// Puts a picture, and says what a notification would.
async fn announced(bucket: &str, labels: &str) -> S3Object {
    let bytes = picture(labels);
    let stored = emulated().s3().put(bucket, "thumb.jpg", &bytes, "image/jpeg").await.unwrap();
    let (version, etag) = (stored.version.map(Into::into), stored.etag.map(Into::into));
    S3Object { bucket: bucket.into(), key: "thumb.jpg".into(), version, etag, size: Some(bytes.len() as u64) }
}

/// A house that has Rekognition read objects, and fetches them itself or cannot.
async fn house(stage: &Stage, policy: &'static str, fetches: bool) -> Judging {
    stage.script(json!({ "s3": emulator() })).await;
    let settings = rekognition::Settings { by_object: ByObject::WhenPossible, ..rekognition::Settings::default() };
    let guard = guard::Settings { failures_max: 1000, ..guard::Settings::default() };
    Judging::open_with(stage, policy, guard, settings, PATIENCE, fetches).await
}

#[actix_rt::test]
async fn a_version_is_judged_in_its_bucket_and_nothing_is_fetched_to_be_judged() {
    bucket("judged-in-place", true).await;
    let object = announced("judged-in-place", "Weapons=97.5").await;
    let stage = Stage::new();
    let house = house(&stage, POLICY, false).await;
    let outcome = assessed(house.outcome("ch", FrameOrigin::S3(object.clone())).await);
    assert_eq!((outcome.verdict, outcome.image, outcome.hash), (Verdict::Warn, None, None));
    let judged = outcome.object.expect("the object stands for the picture");
    assert_eq!((judged.key.as_str(), judged.version.as_deref()), ("thumb.jpg", object.version.as_deref()));
    let calls = stage.calls().await;
    assert!(!calls.is_empty());
    for call in &calls {
        let named = &call["request"]["Image"]["S3Object"];
        assert_eq!((&named["Name"], &named["Version"]), (&json!("thumb.jpg"), &json!(object.version.as_deref())));
    }

    // Nothing here could fetch it, and so it cannot be kept: that is said.
    house.until(|event| matches!(event, Event::EvidenceUnkept(_))).await;
    let unkept = house.events().into_iter().find_map(|event| match event {
        Event::EvidenceUnkept(unkept) => Some(unkept),
        _ => None,
    });
    let unkept = unkept.expect("it was waited for");
    assert_eq!((unkept.place, unkept.image), (EvidencePlace::Store, None));
    house.house.close().await;
}

#[actix_rt::test]
async fn what_is_judged_and_kept_is_the_version_announced_though_the_key_was_overwritten() {
    bucket("judged-version", true).await;
    let object = announced("judged-version", "Weapons=97.5").await;
    announced("judged-version", "Alcohol=40").await;
    let stage = Stage::new();
    let house = house(&stage, POLICY, true).await;
    let outcome = assessed(house.outcome("ch", FrameOrigin::S3(object)).await);
    assert_eq!(outcome.verdict, Verdict::Warn, "of the first picture, not the second");
    house.until(|event| matches!(event, Event::EvidenceStored(_))).await;
    let kept = house.events().into_iter().find_map(|event| match event {
        Event::EvidenceStored(stored) => Some(stored.image),
        _ => None,
    });
    assert_eq!(kept, Some(Sha256::of(&picture("Weapons=97.5"))));
    house.house.close().await;
}

#[actix_rt::test]
async fn what_cannot_be_judged_in_place_is_fetched() {
    bucket("versioned-to-fetch", true).await;
    bucket("unversioned", false).await;
    let versioned = announced("versioned-to-fetch", "Weapons=97.5").await;
    let unversioned = announced("unversioned", "Weapons=97.5").await;
    assert_eq!(unversioned.version, None, "the emulator keeps no versions unless told to");
    let of_size = |size| S3Object { size, ..versioned.clone() };
    let stage = Stage::new();
    let (never_like, compares) = (house(&stage, POLICY, true).await, house(&stage, COMPARES, true).await);
    for (at, (house, object)) in [
        (&never_like, unversioned),   // another picture may lie there by the time it is read
        (&never_like, of_size(None)), // perhaps larger than is read
        (&never_like, of_size(Some(15_728_641))), // larger than is read
        (&compares, versioned.clone()), // to be compared it must be measured
    ]
    .into_iter()
    .enumerate()
    {
        let outcome = assessed(house.outcome(&format!("ch-{at}"), FrameOrigin::S3(object)).await);
        assert_eq!((outcome.verdict, outcome.object), (Verdict::Warn, None), "case {at}");
        assert_eq!(outcome.image.expect("it was fetched").sha256, Sha256::of(&picture("Weapons=97.5")), "case {at}");
    }
    never_like.house.close().await;
    compares.house.close().await;
}

#[actix_rt::test]
async fn an_object_that_rekognition_cannot_read_ends_in_an_outcome_that_says_why() {
    bucket("judged-not", true).await;
    let object = announced("judged-not", "Weapons=97.5").await;
    let stage = Stage::new();
    let house = house(&stage, POLICY, true).await;
    let failed = |event: Event| match event {
        Event::FrameFailed(failed) => failed,
        other => panic!("the frame was to fail, it came to {other:?}"),
    };
    let gone = S3Object { bucket: "judged-nowhere".into(), ..object.clone() };
    let outcome = failed(house.outcome("gone", FrameOrigin::S3(gone)).await);
    assert_eq!(outcome.stage, FailedStage::Provider);
    assert!(outcome.reason.contains("InvalidS3ObjectException"), "{}", outcome.reason);
    for code in ["ImageTooLargeException", "InvalidImageFormatException", "AccessDeniedException"] {
        stage.script(json!({ "faults": [{ "op": "rekognition.*", "kind": "error", "code": code }] })).await;
        let outcome = failed(house.outcome(code, FrameOrigin::S3(object.clone())).await);
        assert_eq!(outcome.stage, FailedStage::Provider, "{code}");
        assert!(outcome.reason.contains(code), "{}", outcome.reason);
    }
    house.house.close().await;
}
