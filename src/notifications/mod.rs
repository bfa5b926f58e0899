//! What arrives from outside, read: bytes in, notifications out. Pure: no IO, no clock, no state.
//!
//! Four kinds are understood: *Object Created* of S3 by EventBridge, S3's own `Records[]`, the IVS events by EventBridge,
//! and a minimal frame notification of our own ([`FrameNotification`], `schemas/frame-notification.schema.json`). What
//! is understood and of no use here is [`Notification::Ignored`], counted and forgotten. What is not understood is
//! [`Rejected`] with what was expected and where: never dropped, because it may have been a frame.
//!
//! A frame announced twice, by both ways of S3 or by a replay of EventBridge, has one identity: see [`Announced`].

mod announced;
mod eventbridge;
mod ivs;
pub mod kpl;
mod own;
mod recorded;
mod s3;

pub use announced::{Announced, Recording, Source, Storage};
pub use ivs::{Broadcasting, OnAir};
pub use own::FrameNotification;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// The most bytes of one notification. EventBridge delivers at most 1 MB; more is nothing that we know.
pub const NOTIFICATION_BYTES_MAX: usize = 1 << 20;
/// The most `Records[]` of one S3 notification; S3 itself sends one.
pub const RECORDS_MAX: usize = 1000;
/// The most bytes of a reason.
const REASON_BYTES_MAX: usize = 300;

/// Something that was understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Notification {
    /// There is a new thumbnail.
    Frame(Box<Announced>),
    /// There is a new segment of a recording, of which the looks or the sound may be judged:
    /// [`Announced::of_medium`].
    Segment(Box<Announced>),
    /// A broadcast began or ended, or its recording did.
    Broadcast(Broadcasting),
    /// Nothing follows from it here.
    Ignored(Ignored),
}

/// Why nothing follows from a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// An object that is neither a thumbnail nor a segment: a playlist, something else in the bucket.
    NoThumbnail,
    /// A segment of a channel whose policy asks for none of it.
    NotAskedFor,
    /// A segment in another rendition than the one that is judged.
    OtherRendition,
    /// Something else than a creation happened to an object.
    NotCreated,
    /// S3 says that notifications are switched on.
    TestEvent,
    /// An IVS event that begins or ends nothing: health, limits, takeovers, stages.
    NoChange,
}

impl Ignored {
    /// In a word, for figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoThumbnail => "no_thumbnail",
            Self::NotAskedFor => "not_asked_for",
            Self::OtherRendition => "other_rendition",
            Self::NotCreated => "not_created",
            Self::TestEvent => "test_event",
            Self::NoChange => "no_change",
        }
    }
}

/// What could not be understood: what was expected and where, in at most 300 bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Rejected(String);

impl Rejected {
    /// A rejection that says what was expected and where.
    pub fn because(reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        if reason.len() > REASON_BYTES_MAX {
            let room = REASON_BYTES_MAX - '…'.len_utf8();
            let cut = (0..=room).rev().find(|at| reason.is_char_boundary(*at)).unwrap_or(0);
            reason.truncate(cut);
            reason.push('…');
        }
        Self(reason)
    }

    /// The reason.
    pub fn reason(&self) -> &str {
        &self.0
    }
}

/// Reads one notification, which may announce several things: what it says of each, in its order. Never empty.
pub fn read(bytes: &[u8]) -> Vec<Result<Notification, Rejected>> {
    match kind_of(bytes) {
        Ok(Kind::EventBridge) => vec![eventbridge::read(bytes)],
        Ok(Kind::S3Records) => s3::read_records(bytes),
        Ok(Kind::S3Test) => vec![Ok(Notification::Ignored(Ignored::TestEvent))],
        Ok(Kind::Own) => vec![own::read(bytes)],
        Err(rejected) => vec![Err(rejected)],
    }
}

enum Kind {
    EventBridge,
    S3Records,
    S3Test,
    Own,
}

/// The members that tell the kinds apart; everything else is skipped over.
#[derive(Deserialize)]
struct Outline {
    #[serde(rename = "detail-type")]
    detail_type: Option<IgnoredAny>,
    #[serde(rename = "Records")]
    records: Option<IgnoredAny>,
    #[serde(rename = "Event")]
    event: Option<serde_json::Value>,
    frame: Option<IgnoredAny>,
}

fn kind_of(bytes: &[u8]) -> Result<Kind, Rejected> {
    if bytes.len() > NOTIFICATION_BYTES_MAX {
        let expected = format!("expected at most {NOTIFICATION_BYTES_MAX} bytes, there are {}", bytes.len());
        return Err(Rejected::because(expected));
    }
    let outline: Outline = json(bytes, "a notification")?;
    match outline {
        Outline { detail_type: Some(_), .. } => Ok(Kind::EventBridge),
        Outline { records: Some(_), .. } => Ok(Kind::S3Records),
        Outline { event: Some(event), .. } if event == "s3:TestEvent" => Ok(Kind::S3Test),
        Outline { frame: Some(_), .. } => Ok(Kind::Own),
        _ => Err(Rejected::because(
            "expected an EventBridge event (with \"detail-type\"), an S3 notification (\"Records\") or a frame \
             notification (\"frame\") at the top level, found none of them",
        )),
    }
}

/// Reads JSON, naming what it should be. The position is in what serde says.
fn json<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Rejected> {
    serde_json::from_slice(bytes).map_err(|error| Rejected::because(format!("expected {what}: {error}")))
}
