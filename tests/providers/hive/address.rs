//! Pictures that Hive fetches itself, by an address that is signed for a short time or lies below another.

use std::sync::Arc;
use std::time::Duration;

use streamwarden::model::S3Object;
use streamwarden::providers::Provider;
use streamwarden::providers::hive::Showing;

use super::{APIS, asking, hive, picture, settings, text};
use crate::hive_standin::HiveStandin;
use crate::standins::{emulated, emulator, s3};

const MINUTE: Duration = Duration::from_secs(60);

fn signed() -> Showing {
    Showing::Signed { s3: emulated().s3(), lives: MINUTE }
}

async fn put(bucket: &str, key: &str, bytes: &[u8]) -> S3Object {
    let stored = emulated().s3().put(bucket, key, bytes, "image/jpeg").await.expect("the emulator takes it");
    let version = stored.version.map(Into::into);
    S3Object { bucket: bucket.into(), key: key.into(), version, etag: None, size: Some(bytes.len() as u64) }
}

#[tokio::test]
async fn a_picture_in_a_bucket_is_fetched_by_hive_by_an_address_that_is_signed_for_a_minute() {
    s3().create_bucket().bucket("hive-signed").send().await.expect("a bucket");
    let picture = picture("gun_in_hand=0.93");
    let object = put("hive-signed", "live/a b+c/1.jpg", &picture).await;
    for api in APIS {
        let standin = HiveStandin::start();
        let provider = hive(&standin, settings(&standin, api), signed());
        assert!(provider.object_bytes_max().is_some());
        let answer = provider.assess_object(object.clone()).await.expect("an answer");
        assert!(text(&answer.labels).contains(&"violence/gun/gun_in_hand 93.0".to_owned()));
        let world = standin.world();
        let (url, fetched) = (world.calls[0].url.clone().expect("an address"), world.calls[0].bytes);
        assert_eq!(fetched, Some(picture.len()), "{url}");
        assert!(url.starts_with(emulator()) && url.contains("X-Amz-Expires=60&"), "{url}");
        assert!(url.contains("X-Amz-SignedHeaders=host&"), "whoever fetches it sends no header of ours: {url}");
    }
}

#[tokio::test]
async fn the_version_that_was_announced_is_the_one_that_is_read() {
    use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
    let bucket = "hive-versions";
    s3().create_bucket().bucket(bucket).send().await.expect("a bucket");
    let kept = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3().put_bucket_versioning().bucket(bucket).versioning_configuration(kept).send().await.expect("versions");
    let before = put(bucket, "thumb.jpg", &picture("gun_in_hand=0.93")).await;
    put(bucket, "thumb.jpg", &picture("yes_alcohol=0.93")).await;
    assert!(before.version.is_some());
    let standin = HiveStandin::start();
    let answer = hive(&standin, settings(&standin, APIS[0]), signed()).assess_object(before).await.expect("an answer");
    assert!(text(&answer.labels).contains(&"violence/gun/gun_in_hand 93.0".to_owned()), "{:?}", answer.labels);
}

#[tokio::test]
async fn a_picture_below_an_address_is_fetched_there() {
    s3().create_bucket().bucket("hive-below").send().await.expect("a bucket");
    // A distribution in front of the bucket, as far as an address goes: the emulator asks no one's name.
    let object = put("hive-below", "live/1.jpg", &picture("gun_in_hand=0.93")).await;
    let standin = HiveStandin::start();
    let base = format!("{}/hive-below", emulator()).parse().expect("an address");
    let below = Showing::Below { base, bucket: "hive-below".to_owned(), signed: None };
    let provider = hive(&standin, settings(&standin, APIS[0]), below);
    let answered = provider.assess_object(object.clone()).await;
    let url = standin.world().calls[0].url.clone();
    assert_eq!(url, Some(format!("{}/hive-below/live/1.jpg", emulator())), "{answered:?}");
    for elsewhere in [
        S3Object { key: Arc::from("../other/1.jpg"), ..object.clone() },
        S3Object { bucket: Arc::from("another"), ..object }, // under its key there lies another picture, or none
    ] {
        let said = format!("{elsewhere:?}");
        assert_eq!(
            provider.assess_object(elsewhere).await.expect_err("it leads elsewhere").name(),
            "refused",
            "{said}"
        );
    }
    assert_eq!(standin.world().calls.len(), 1);
}

#[tokio::test]
async fn who_is_sent_bytes_is_asked_for_no_object() {
    let standin = HiveStandin::start();
    let provider = asking(&standin, APIS[0]);
    assert_eq!(provider.object_bytes_max(), None);
    let object = S3Object { bucket: "b".into(), key: "k".into(), version: None, etag: None, size: None };
    assert_eq!(provider.assess_object(object).await.expect_err("it reads none").name(), "refused");
}
