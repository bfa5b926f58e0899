//! S3 through its client, against the emulator.

use streamwarden::aws::{Class, GetError};
use streamwarden::model::S3Object;

use crate::standins::{emulated, s3};

/// Puts bytes under a key of the test's own bucket, and says what a notification would.
async fn announced(bucket: &str, key: &str, bytes: &[u8]) -> S3Object {
    let _ = s3().create_bucket().bucket(bucket).send().await; // there already is there, too
    let stored = emulated().s3().put(bucket, key, bytes, "image/jpeg").await.unwrap();
    let (etag, size) = (stored.etag.map(Into::into), Some(bytes.len() as u64));
    S3Object { bucket: bucket.into(), key: key.into(), version: None, etag, size }
}

#[actix_rt::test]
async fn what_was_announced_is_fetched_whole_whatever_its_key() {
    for key in ["ivs/v1/1/a/2026/1/2/3/4/r/media/thumbnails/thumb0.jpg", "a b+c&d=ü.jpg"] {
        let object = announced("fetched-whole", key, b"the bytes").await;
        assert_eq!(&*emulated().s3().get(&object, 9).await.unwrap(), b"the bytes");
        let head = emulated().s3().head("fetched-whole", key).await.unwrap();
        assert_eq!((head.bytes, head.etag.as_deref()), (9, object.etag.as_deref()));
    }
}

#[actix_rt::test]
async fn an_overwritten_key_is_not_what_was_announced() {
    let object = announced("overwritten", "latest_thumbnail/thumb.jpg", b"first").await;
    announced("overwritten", "latest_thumbnail/thumb.jpg", b"second").await;
    let error = emulated().s3().get(&object, 100).await.unwrap_err();
    assert!(matches!(error, GetError::Overwritten { .. }), "{error}");
    assert!(!error.is_passing(), "another try finds the same");
}

#[actix_rt::test]
async fn what_is_gone_is_told_from_what_fails() {
    let mut object = announced("gone", "thumb0.jpg", b"bytes").await;
    object.key = "thumb1.jpg".into();
    let error = emulated().s3().get(&object, 100).await.unwrap_err();
    assert!(matches!(error, GetError::Gone { .. }), "{error}");
    let head = emulated().s3().head("gone", "thumb1.jpg").await.unwrap_err();
    assert_eq!(head.class, Class::NotFound, "{head}");
}

#[actix_rt::test]
async fn an_object_above_the_limit_is_refused_by_what_is_announced_and_by_what_it_says_itself() {
    let mut object = announced("too-large", "thumb0.jpg", &[7; 1000]).await;
    for size in [Some(1000), None, Some(10)] {
        object.size = size;
        let error = emulated().s3().get(&object, 999).await.unwrap_err();
        assert!(matches!(error, GetError::TooLarge { bytes: 1000, bytes_max: 999, .. }), "announced {size:?}: {error}");
    }
}
