//! A thumbnail or a segment as it was announced, and the identity that follows from that alone.

use std::sync::Arc;

use crate::model::{ChannelId, Fingerprint, Frame, FrameId, FrameOrigin, Medium, S3Object, SessionId, Timestamp};

/// A new thumbnail in a bucket, or a new segment as it looks or sounds.
///
/// Its identity is made of what every way of announcing it carries: channel, bucket, key, and the one write to that key:
/// its version where the bucket keeps versions, else the sequencer (case folded, zeros before it dropped, because the two
/// ways of S3 differ in that), else the entity tag, else its time. The tag does not go before the sequencer: under the
/// key that is overwritten every interval a picture that stands still is written again with the same tag, and would be
/// taken for a redelivery of the first. Of a segment the medium belongs to it: its looks and its sound are two frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Announced {
    /// The channel it shows.
    pub channel: ChannelId,
    /// The broadcast, if the notification names it: only ours can.
    pub session: Option<SessionId>,
    /// Where it was recorded: what its broadcast can be known by. None for pictures that no IVS recording holds.
    pub recording: Option<Recording>,
    /// Which of the channel's series of thumbnails or segments it belongs to.
    pub source: Source,
    /// Its number in that series, where the series counts: it says whether one is missing before it.
    pub number: Option<u64>,
    /// Whether it is one picture, or what of the segment is meant.
    pub medium: Medium,
    /// Its own time: when the object was created, says the notification. Of a segment that is after its end.
    pub captured_at: Timestamp,
    /// Where the picture is.
    pub object: S3Object,
    /// Orders the writes to one key, if stated; folded.
    pub sequencer: Option<String>,
    /// Whether EventBridge sent it again from its archive. The same frame: it has its outcome already, or gets one now.
    pub replayed: bool,
}

/// One recording of a channel: the prefix that all its objects share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Recording {
    /// The bucket.
    pub bucket: Arc<str>,
    /// The prefix, without a slash at its end.
    pub prefix: Arc<str>,
}

impl Recording {
    /// The last part of the prefix: the recording's own name.
    pub fn name(&self) -> &str {
        self.prefix.rsplit('/').next().unwrap_or(&self.prefix)
    }
}

/// One series of thumbnails or segments of a channel. A channel may have several of each at once; one is judged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    /// How the thumbnails are kept.
    pub storage: Storage,
    /// The folder of the rendition, where thumbnails are kept by rendition.
    pub rendition: Option<Arc<str>>,
}

/// How a series is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Storage {
    /// Each under a key of its own.
    Sequential,
    /// Each over the one before, under one key: it may be gone before it is fetched.
    Latest,
    /// Segments of the recording, each under a key of its own.
    Segments,
}

impl Announced {
    /// The same segment, of which this is meant.
    pub fn of_medium(&self, medium: Medium) -> Self {
        Self { medium, ..self.clone() }
    }

    /// The frame's identity.
    pub fn id(&self) -> FrameId {
        let time = self.captured_at.as_micros().to_be_bytes();
        let (kind, write): (&str, &[u8]) = match (&self.object.version, &self.sequencer, &self.object.etag) {
            (Some(version), ..) => ("version", version.as_bytes()),
            (None, Some(sequencer), _) => ("sequencer", sequencer.as_bytes()),
            (None, None, Some(etag)) => ("etag", etag.as_bytes()),
            (None, None, None) => ("time", &time),
        };
        let object = [self.object.bucket.as_bytes(), self.object.key.as_bytes()];
        match self.medium {
            Medium::Picture => FrameId::of(&self.channel, &[b"s3", object[0], object[1], kind.as_bytes(), write]),
            Medium::Clip | Medium::Sound => {
                let medium = self.medium.name().as_bytes();
                FrameId::of(&self.channel, &[b"s3", object[0], object[1], kind.as_bytes(), write, medium])
            }
        }
    }

    /// What else is said of it. The time is not in it: of the two ways of S3 one says milliseconds and one does not, and
    /// the write that the identity names has one time.
    pub fn fingerprint(&self) -> Fingerprint {
        let tag = self.object.etag.as_deref().unwrap_or_default();
        let size = self.object.size.map(u64::to_be_bytes);
        let size = size.as_ref().map_or(&[] as &[u8], |size| size.as_slice());
        Fingerprint::of(&[b"s3", tag.as_bytes(), size])
    }

    /// The frame, in the broadcast it turned out to belong to.
    pub fn into_frame(self, session: SessionId) -> Frame {
        let (id, fingerprint) = (self.id(), self.fingerprint());
        Frame {
            medium: self.medium,
            channel: self.channel,
            session,
            id,
            captured_at: self.captured_at,
            fingerprint,
            origin: FrameOrigin::S3(self.object),
        }
    }
}
