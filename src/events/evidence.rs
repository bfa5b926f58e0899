//! Pictures kept as evidence, and what was said in segments. The bytes live in the content store, and copies of those that warnings rest on in a bucket;
//! the journal holds where, what they were, and what could not be kept.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ContentRef, FrameId, Position, S3Object, Sha256, Timestamp};

/// An assessed frame's picture was kept. The frame's outcome, which is this event's cause, was durable before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceStored {
    /// The frame.
    pub frame: FrameId,
    /// Digest of the picture's bytes: the same as in the frame's assessment.
    pub image: Sha256,
    /// Where the bytes are, until they are erased or their time is over.
    pub content: ContentRef,
}

/// The picture of a frame that raised or joined a warning was copied into a bucket: the bytes that were judged, not
/// what lies under the thumbnail's key by now. The frame's outcome is this event's cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceCopied {
    /// The frame.
    pub frame: FrameId,
    /// Digest of the picture's bytes: the same as in the frame's assessment.
    pub image: Sha256,
    /// How many they are.
    pub bytes: u32,
    /// Where the copy is, for as long as the bucket keeps it.
    pub object: BucketObject,
}

/// An object in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BucketObject {
    /// The bucket's name.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// Which version of the key, where the bucket keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The entity tag that the bucket answered with, without quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

impl From<&S3Object> for BucketObject {
    fn from(object: &S3Object) -> Self {
        let text = |text: &Arc<str>| text.to_string();
        let S3Object { bucket, key, version, etag, size: _ } = object;
        let (version, etag) = (version.as_ref().map(text), etag.as_ref().map(text));
        Self { bucket: text(bucket), key: text(key), version, etag }
    }
}

/// An assessed frame's picture should have been kept and was not. The decision stands, and its digest is in the frame's
/// assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceUnkept {
    /// The frame.
    pub frame: FrameId,
    /// Digest of the picture's bytes; none if they were never fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Sha256>,
    /// Where it should have been kept.
    pub place: EvidencePlace,
    /// Why it is not, in at most 300 bytes, without addresses or secrets.
    pub reason: String,
}

/// Where pictures are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidencePlace {
    /// The content store, beside the journal.
    Store,
    /// The bucket for copies.
    Bucket,
}

/// The time for which pictures are kept was over, and they were deleted from the content store: those that
/// `EvidenceStored` names at the positions after `after`, up to and with `through`. Or, with `transcripts`, the time for
/// which transcripts are kept: those that `FrameAssessed` names there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceExpired {
    /// Everything up to there had been looked at before.
    pub after: Position,
    /// How far it has been looked at now.
    pub through: Position,
    /// What was kept before this moment has expired.
    pub kept_before: Timestamp,
    /// How many pictures.
    pub pictures: u32,
    /// How many transcripts; then no pictures.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub transcripts: u32,
    /// How many bytes they had.
    pub bytes: u64,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}
