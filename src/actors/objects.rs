//! Fetching frames that lie in a bucket: beside the warden and off the blocking pool, with the one retry loop there is
//! for it, within the frame's own time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::look::Unseen;
use super::pause;
use crate::aws::S3;
use crate::events::FailedStage;
use crate::model::{FrameId, S3Object};

/// How often an object is asked for, all in all.
const ATTEMPTS_MAX: u8 = 4;
/// The pause after the first attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(150);

/// Why an object is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct FetchError {
    /// What was being done to which object, and what was found.
    pub reason: String,
    /// Whether the same call may succeed later.
    pub is_passing: bool,
}

/// An object's bytes to come.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Arc<[u8]>, FetchError>> + Send + 'a>>;

/// Where the objects are that notifications announce.
pub trait Objects: Send + Sync + 'static {
    /// The bytes of that very object and of no later one under its key, at most `bytes_max`. Never blocks.
    fn fetch<'a>(&'a self, object: &'a S3Object, bytes_max: usize) -> Fetching<'a>;
}

impl Objects for S3 {
    fn fetch<'a>(&'a self, object: &'a S3Object, bytes_max: usize) -> Fetching<'a> {
        Box::pin(async move {
            self.get(object, bytes_max)
                .await
                .map_err(|error| FetchError { reason: error.to_string(), is_passing: error.is_passing() })
        })
    }
}

/// Fetches an object for `frame`, again after a failure that passes. Says how often it tried if it gives up.
pub(super) async fn fetch(
    objects: Option<Arc<dyn Objects>>,
    frame: FrameId,
    object: &S3Object,
    bytes_max: usize,
) -> Result<Arc<[u8]>, (Unseen, u8)> {
    let unseen = |reason, attempts| (Unseen { stage: FailedStage::Fetch, reason }, attempts);
    let Some(objects) = objects else {
        return Err(unseen(format!("fetching {object}: nothing is configured that reads objects of a bucket"), 0));
    };
    let mut attempts = 0;
    loop {
        attempts += 1;
        match objects.fetch(object, bytes_max).await {
            Ok(bytes) => return Ok(bytes),
            Err(error) if error.is_passing && attempts < ATTEMPTS_MAX => {
                tokio::time::sleep(pause::after(attempts, PAUSE, frame)).await;
            }
            Err(error) => return Err(unseen(error.reason, attempts)),
        }
    }
}
