//! Pictures put into a bucket of ours, and deleted there: within a time, and with the one retry loop there is for it. Knows names and
//! bytes, not why they are put there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pause;
use crate::aws::{Failure, S3};
use crate::events::BucketObject;
use crate::model::{ChannelId, FrameId, ImageFormat, S3Object, Sha256, Timestamp};

/// How often an object is put, all in all.
const ATTEMPTS_MAX: u8 = 3;
/// The pause after the first attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(150);
/// Digits of a picture's digest in its name: so that another picture under the same frame id takes no other's place.
const DIGEST_DIGITS: usize = 16;

/// The most bytes of a prefix: with channel, day and frame after it a key stays below the 1,024 that S3 allows.
const PREFIX_BYTES_MAX: usize = 200;

/// Why pictures cannot be put there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// No bucket has such a name.
    #[error("bucket is {0:?}; a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens")]
    Bucket(String),
    /// No key should begin like that.
    #[error(
        "prefix is {0:?}; it is empty, or has at most {PREFIX_BYTES_MAX} letters, digits and characters of \
         \"-._/\", does not begin with a slash and ends with one"
    )]
    Prefix(String),
}

/// A bucket that pictures are put into, under a prefix.
#[derive(Debug, Clone)]
pub struct Deposit {
    s3: S3,
    bucket: Arc<str>,
    prefix: Arc<str>,
    within: Duration,
}

/// A picture to put there.
#[derive(Debug, Clone)]
pub struct Deposited {
    /// The channel it shows.
    pub channel: ChannelId,
    /// Its frame.
    pub frame: FrameId,
    /// The frame's own time.
    pub captured_at: Timestamp,
    /// Digest of the bytes.
    pub image: Sha256,
    /// What they are.
    pub format: ImageFormat,
    /// The bytes.
    pub bytes: Arc<[u8]>,
}

/// Why a picture is not there, or nobody knows whether it is; or is there still.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DepositError {
    /// The calls failed.
    #[error("putting {object}, {attempts} times: {failure}")]
    Failed {
        /// The object.
        object: String,
        /// How often it was tried.
        attempts: u8,
        /// The last failure.
        failure: Failure,
    },
    /// The time was over.
    #[error("{object} was not put within {} ms", within.as_millis())]
    TooSlow {
        /// The object.
        object: String,
        /// The time.
        within: Duration,
    },
    /// The calls to delete it failed.
    #[error("deleting {object}, {attempts} times: {failure}")]
    NotDeleted {
        /// The object.
        object: String,
        /// How often it was tried.
        attempts: u8,
        /// The last failure.
        failure: Failure,
    },
    /// The time to delete it was over.
    #[error("{object} was not deleted within {} ms", within.as_millis())]
    NotDeletedInTime {
        /// The object.
        object: String,
        /// The time.
        within: Duration,
    },
}

impl Deposit {
    /// Puts pictures into `bucket`, their keys beginning with `prefix`, each `within` a time that all attempts share.
    pub fn new(s3: S3, bucket: &str, prefix: &str, within: Duration) -> Self {
        Self { s3, bucket: bucket.into(), prefix: prefix.into(), within }
    }

    /// The time that all attempts at one picture share.
    pub fn within(&self) -> Duration {
        self.within
    }

    /// Says what is wrong with the name of a bucket or with a prefix in it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(bucket: &str, prefix: &str) -> Result<(), PlaceError> {
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(named) {
            return Err(PlaceError::Bucket(bucket.to_owned()));
        }
        let sound = prefix.len() <= PREFIX_BYTES_MAX
            && prefix.chars().all(|c| c == '/' || plain(c) == c)
            && !prefix.starts_with('/')
            && (prefix.is_empty() || prefix.ends_with('/'));
        if sound { Ok(()) } else { Err(PlaceError::Prefix(prefix.to_owned())) }
    }

    /// The object that this picture will be: by channel, day and frame. The same picture of the same frame again is the
    /// same object. A character of the channel that a key should not have is `_` in it.
    pub fn object(&self, picture: &Deposited) -> S3Object {
        let channel: String = picture.channel.as_str().chars().map(plain).collect();
        let at = picture.captured_at.to_string();
        let day = at.split('T').next().unwrap_or(&at);
        let (frame, digest) = (picture.frame, picture.image.to_string());
        let key =
            format!("{}{channel}/{day}/{frame}-{}.{}", self.prefix, &digest[..DIGEST_DIGITS], picture.format.ending());
        let size = Some(picture.bytes.len() as u64);
        S3Object { bucket: self.bucket.clone(), key: key.into(), version: None, etag: None, size }
    }

    /// Puts a picture, again after a failure that passes. Says as which object, version and entity tag included.
    pub async fn put(&self, picture: &Deposited) -> Result<S3Object, DepositError> {
        let begun = Instant::now();
        let mut object = self.object(picture);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let call = self.s3.put(&self.bucket, &object.key, &picture.bytes, picture.format.media_type());
            let left = self.within.saturating_sub(begun.elapsed());
            let too_slow = || DepositError::TooSlow { object: object.to_string(), within: self.within };
            let failure = match tokio::time::timeout(left, call).await {
                Ok(Ok(stored)) => {
                    (object.version, object.etag) = (stored.version.map(Into::into), stored.etag.map(Into::into));
                    return Ok(object);
                }
                Ok(Err(failure)) => failure,
                Err(_) => return Err(too_slow()),
            };
            if !failure.class.is_passing() || attempts == ATTEMPTS_MAX {
                return Err(DepositError::Failed { object: object.to_string(), attempts, failure });
            }
            tokio::time::sleep(pause::after(attempts, PAUSE, picture.frame)).await;
        }
    }
}

impl Deposit {
    /// Deletes an object, again after a failure that passes: that very version of it where one is named. One that is gone
    /// is deleted.
    pub async fn delete(&self, object: &BucketObject) -> Result<(), DepositError> {
        let BucketObject { bucket, key, version, .. } = object;
        let begun = Instant::now();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let call = self.s3.delete(bucket, key, version.as_deref());
            let left = self.within.saturating_sub(begun.elapsed());
            let named = || format!("s3://{bucket}/{key}");
            let failure = match tokio::time::timeout(left, call).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(failure)) => failure,
                Err(_) => return Err(DepositError::NotDeletedInTime { object: named(), within: self.within }),
            };
            if !failure.class.is_passing() || attempts == ATTEMPTS_MAX {
                return Err(DepositError::NotDeleted { object: named(), attempts, failure });
            }
            tokio::time::sleep(PAUSE * u32::from(attempts)).await;
        }
    }
}

fn plain(c: char) -> char {
    if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '_' }
}
