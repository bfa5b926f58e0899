//! One frame, a thumbnail or a segment as it looks or sounds: who sent it, when it was captured, where its bytes are.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest;

use super::{ChannelId, FrameId, Medium, SessionId, Timestamp};

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $len:literal, $kind:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                super::hex::write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                super::hex::serialize_bytes(&self.0, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                super::hex::deserialize_bytes(deserializer, $kind).map(Self)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

digest!(
    /// A SHA-256 digest.
    Sha256, 32, "a SHA-256 digest", "^[0-9a-f]{64}$"
);
digest!(
    /// First 8 bytes of a digest over what a notification says of a frame besides its identity (captured at, place,
    /// content digest or etag if stated). A redelivery has the same one; another notification under the same frame
    /// id has not, and is recorded as a conflict.
    Fingerprint, 8, "a fingerprint", "^[0-9a-f]{16}$"
);

impl Sha256 {
    /// Digests bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl Fingerprint {
    /// Digests length-prefixed parts.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = sha2::Sha256::new();
        for part in parts {
            hasher.update((part.len() as u32).to_be_bytes());
            hasher.update(part);
        }
        let digest = hasher.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(first)
    }
}

/// A thumbnail, or a segment as it looks or sounds, as its notification announces it.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The channel it shows.
    pub channel: ChannelId,
    /// The broadcast it belongs to.
    pub session: SessionId,
    /// Its identity, the same for every redelivery.
    pub id: FrameId,
    /// Whether it is one picture, or what of a segment is judged.
    pub medium: Medium,
    /// Its own time, from the notification. A segment's is that of its end: it shows what was before it.
    pub captured_at: Timestamp,
    /// What else the notification says, digested.
    pub fingerprint: Fingerprint,
    /// Where the bytes are.
    pub origin: FrameOrigin,
}

/// Where a frame's bytes are.
#[derive(Clone, PartialEq)]
pub enum FrameOrigin {
    /// A file of this machine.
    File(PathBuf),
    /// Handed over with the notification.
    Inline(Arc<[u8]>),
    /// An object in a bucket.
    S3(S3Object),
}

/// An object as a notification announces it. What is fetched must be this one and no later one under the same key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct S3Object {
    /// The bucket's name.
    pub bucket: Arc<str>,
    /// The key, decoded.
    pub key: Arc<str>,
    /// Which version of the key, where the bucket keeps versions.
    pub version: Option<Arc<str>>,
    /// The entity tag announced, without quotes: under the same key another one is another picture.
    pub etag: Option<Arc<str>>,
    /// Bytes, as announced.
    pub size: Option<u64>,
}

impl fmt::Display for S3Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

impl fmt::Debug for FrameOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Inline(bytes) => write!(f, "Inline({} bytes)", bytes.len()),
            Self::S3(object) => write!(f, "S3({object})"),
        }
    }
}

/// The picture formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
}

impl ImageFormat {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Jpeg, Self::Png, Self::Webp];

    /// What HTTP calls it.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }

    /// What the names of its files end with.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }
}

/// What is known of a picture without showing it. The picture itself never enters the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(remote = "Self")]
pub struct ImageFacts {
    /// Digest of the bytes as fetched: the evidence reference.
    pub sha256: Sha256,
    /// Number of bytes as fetched.
    pub bytes: u32,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Container and codec.
    pub format: ImageFormat,
}

super::tuple_in_binary!(ImageFacts { sha256, bytes, width, height, format });
