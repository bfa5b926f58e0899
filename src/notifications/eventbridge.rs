//! The envelope that EventBridge puts around every event, and who reads what is in it.

use serde::Deserialize;
use serde_json::Value;

use super::s3::{Created, Detail};
use super::{Ignored, Notification, Rejected, ivs, json};
use crate::model::Timestamp;

/// An event as it comes from a bus. What its sender says is in `detail`.
#[derive(Deserialize)]
pub(super) struct Event {
    #[serde(rename = "detail-type")]
    pub(super) detail_type: String,
    pub(super) source: String,
    pub(super) time: Timestamp,
    pub(super) region: String,
    #[serde(default)]
    pub(super) resources: Vec<String>,
    pub(super) detail: Value,
    /// Set when an archive is replayed. The event is the one that was archived, with its time.
    #[serde(rename = "replay-name")]
    pub(super) replay_name: Option<String>,
}

impl Event {
    /// Reads the detail as its sender is known to write it.
    pub(super) fn detail<'de, T: Deserialize<'de>>(&'de self) -> Result<T, Rejected> {
        T::deserialize(&self.detail)
            .map_err(|error| Rejected::because(format!("expected the detail of {:?}: {error}", self.detail_type)))
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Notification, Rejected> {
    let event: Event = json(bytes, "an EventBridge event")?;
    match (event.source.as_str(), event.detail_type.as_str()) {
        ("aws.s3", "Object Created") => created(&event),
        ("aws.s3", _) => Ok(Notification::Ignored(Ignored::NotCreated)), // a bucket sends all kinds or none
        ("aws.ivs", _) => ivs::read(&event),
        (source, detail_type) => Err(Rejected::because(format!(
            "expected an event of \"aws.s3\" or \"aws.ivs\", found {detail_type:?} of {source:?}"
        ))),
    }
}

fn created(event: &Event) -> Result<Notification, Rejected> {
    let Detail { bucket, object } = event.detail()?;
    let created = Created {
        region: &event.region, // a recording's bucket is in its channel's region
        bucket: &bucket.name,
        key: &object.key, // as it is: only S3's own notifications encode it
        version: object.version.as_deref(),
        etag: object.etag.as_deref(),
        size: object.size,
        sequencer: object.sequencer.as_deref(),
        at: event.time,
        replayed: event.replay_name.is_some(),
    };
    created.read()
}
