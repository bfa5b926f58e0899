//! Our own frame notification, for whoever has thumbnails in a bucket and no IVS recording.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::s3::object;
use super::{Announced, Notification, Rejected, Source, Storage, json};
use crate::model::{ChannelId, Medium, SessionId, Timestamp};

/// A new thumbnail of a live channel, put into a bucket. The same notification again is the same frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameNotification {
    /// The frame.
    pub frame: AnnouncedFrame,
}

/// What is said of the frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnouncedFrame {
    /// The channel it shows.
    pub channel: ChannelId,
    /// The broadcast it belongs to. If it is not said, the one that is on the air is asked for; where that is not known,
    /// the frame is judged, but no stop follows from it without a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Its number among the broadcast's frames, counted from 0 without a gap. Frames that are numbered and come in order
    /// are not held back for others that may come before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// When the picture was taken.
    pub captured_at: Timestamp,
    /// The bucket.
    #[schemars(length(min = 3, max = 63))]
    pub bucket: String,
    /// The key, as it is: not encoded.
    #[schemars(length(min = 1, max = 1024))]
    pub key: String,
    /// Which version of the key, where the bucket keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The object's entity tag. If it is stated, only the object that has it is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Notification, Rejected> {
    let FrameNotification { frame } = json(bytes, "a frame notification")?;
    let within = |name: &str, text: &str, min: usize, max: usize| match (min..=max).contains(&text.len()) {
        true => Ok(()),
        false => {
            Err(Rejected::because(format!("expected frame.{name} of {min} to {max} bytes, it has {}", text.len())))
        }
    };
    within("bucket", &frame.bucket, 3, 63)?;
    within("key", &frame.key, 1, 1024)?;
    within("version", frame.version.as_deref().unwrap_or_default(), 0, 1024)?;
    within("etag", frame.etag.as_deref().unwrap_or_default(), 0, 1024)?;
    let object = object(frame.bucket.into(), &frame.key, frame.version.as_deref(), frame.etag.as_deref(), None);
    Ok(Notification::Frame(Box::new(Announced {
        channel: frame.channel,
        session: frame.session,
        recording: None,
        source: Source { storage: Storage::Sequential, rendition: None },
        number: frame.number,
        medium: Medium::Picture,
        captured_at: frame.captured_at,
        object,
        sequencer: None,
        replayed: false,
    })))
}
