//! Frames handed in that are put into a bucket before they are judged: what an operator decides, and the putting.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::actors::{Deposit, Deposited};
use crate::aws::S3;
use crate::model::S3Object;

/// How long a caller waits before it hands a frame in again that could not be stored.
const RETRY_AFTER_S: u32 = 2;

/// `[http.store_frames]`: where frames that are handed in over HTTP are put before they are judged. The frame is then
/// judged as the object in the bucket, like a thumbnail that was announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreFramesConfig {
    /// The bucket. Empty (the default): frames are judged as they came.
    pub bucket: String,
    /// What the objects' keys begin with. Default `frames/`.
    pub prefix: String,
    /// Seconds in which a frame must be stored, all attempts together, 1 to 60, less than `wardens.frame_deadline_s`.
    /// Default 5.
    pub timeout_s: u32,
}

/// The time for storing a frame is out of its bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("http.store_frames.timeout_s is {found}, and may be 1 to {max}", max = StoreFramesConfig::TIMEOUT_S_MAX)]
pub struct StoreTimeError {
    /// What was found.
    found: u32,
}

impl StoreFramesConfig {
    /// The longest time for storing a frame.
    pub const TIMEOUT_S_MAX: u32 = 60;

    /// Checks what types cannot say.
    ///
    /// # Errors
    /// If the time is out of its bounds.
    pub fn check(&self) -> Result<(), StoreTimeError> {
        match self.timeout_s {
            1..=Self::TIMEOUT_S_MAX => Ok(()),
            found => Err(StoreTimeError { found }),
        }
    }

    /// Where frames are put; none if no bucket is named.
    pub fn deposit(&self, s3: S3) -> Option<Deposit> {
        let within = Duration::from_secs(self.timeout_s.into());
        (!self.bucket.is_empty()).then(|| Deposit::new(s3, &self.bucket, &self.prefix, within))
    }
}

impl Default for StoreFramesConfig {
    fn default() -> Self {
        Self { bucket: String::new(), prefix: "frames/".to_owned(), timeout_s: 5 }
    }
}

/// Puts a frame that was handed in. One that cannot be put is not accepted: its caller has it still.
pub(in crate::http) async fn store(deposit: &Deposit, picture: &Deposited) -> Result<S3Object, Problem> {
    deposit.put(picture).await.map_err(|error| {
        tracing::warn!(channel = %picture.channel, frame = %picture.frame, "a frame was not accepted: {error}");
        let detail = format!("frame {} was not accepted: it could not be stored before being judged", picture.frame);
        Problem::unavailable(detail, RETRY_AFTER_S)
    })
}
