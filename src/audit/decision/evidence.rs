//! The picture behind a decision: what it was, and whether it can still be looked at.

use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{BucketObject, Event, EvidencePlace, FrameAssessed};
use crate::journal::content::Content;
use crate::model::{ContentRef, EventId, FrameId, ImageFacts, Position};
use crate::warden::Command;

use super::{AuditError, Sources};

/// The picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// Digest, size and format of the bytes as they were fetched; none if they were not, or the frame was not assessed.
    pub image: Option<ImageFacts>,
    /// The object that the provider read itself, where the picture was not fetched to be judged.
    pub object: Option<BucketObject>,
    /// Whether it is kept.
    pub kept: Kept,
    /// The event that says where it was kept.
    pub event: Option<EventId>,
    /// Where it was kept.
    pub content: Option<ContentRef>,
    /// The copy in a bucket, which was put there for a warning; whether the bucket keeps it still, the bucket knows.
    pub copy: Option<Copied>,
    /// Where it should have been kept and could not be.
    pub unkept: Vec<Unkept>,
}

/// A copy in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "EvidenceCopy")]
pub struct Copied {
    /// The event that says so.
    pub event: EventId,
    /// Where it was put.
    pub object: BucketObject,
    /// How many bytes.
    pub bytes: u32,
}

/// A place where the picture is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "EvidenceNotKept")]
pub struct Unkept {
    /// The event that says so.
    pub event: EventId,
    /// Which place.
    pub place: EvidencePlace,
    /// Why it is not there.
    pub reason: String,
}

/// Whether a picture is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It can be looked at.
    Kept,
    /// It was kept, and erased since.
    Erased,
    /// It was kept for as long as it was to be, and deleted then.
    Expired,
    /// It was never kept.
    NotKept,
    /// It was kept and cannot be read; the log of the server says why.
    Unreadable,
}

/// What is known of a frame's picture.
pub(super) fn of(
    sources: Sources<'_>,
    frame: FrameId,
    assessed: Option<&FrameAssessed>,
) -> Result<Evidence, AuditError> {
    let image = assessed.and_then(|assessed| assessed.image);
    let object = assessed.and_then(|assessed| assessed.object.clone());
    let copy = copied(sources, frame)?;
    let unkept = unkept(sources, frame)?;
    let Some((event, _, content)) = told(sources, frame)? else {
        return Ok(Evidence { image, object, kept: Kept::NotKept, event: None, content: None, copy, unkept });
    };
    let kept = match sources.content.get(&content) {
        Ok(Content::Plain(_)) => Kept::Kept,
        Ok(Content::Erased) => Kept::Erased,
        Ok(Content::Expired) => Kept::Expired,
        Err(error) => {
            tracing::error!(content.digest = %content.digest, "a kept picture cannot be read: {error}");
            Kept::Unreadable
        }
    };
    Ok(Evidence { image, object, kept, event: Some(event), content: Some(content), copy, unkept })
}

fn copied(sources: Sources<'_>, frame: FrameId) -> Result<Option<Copied>, AuditError> {
    let Some(recorded) = sources.journal.find(Command::copy_id(frame))? else { return Ok(None) };
    Ok(match recorded.event() {
        Ok(Event::EvidenceCopied(copied)) => {
            Some(Copied { event: recorded.envelope.id, object: copied.object, bytes: copied.bytes })
        }
        _ => None,
    })
}

fn unkept(sources: Sources<'_>, frame: FrameId) -> Result<Vec<Unkept>, AuditError> {
    let mut all = Vec::new();
    for place in [EvidencePlace::Store, EvidencePlace::Bucket] {
        let Some(recorded) = sources.journal.find(Command::unkept_id(frame, place))? else { continue };
        if let Ok(Event::EvidenceUnkept(told)) = recorded.event() {
            all.push(Unkept { event: recorded.envelope.id, place, reason: told.reason });
        }
    }
    Ok(all)
}

/// Where a frame's picture was kept, and the position at which that is said.
pub fn stored(sources: Sources<'_>, frame: FrameId) -> Result<Option<(Position, ContentRef)>, AuditError> {
    Ok(told(sources, frame)?.map(|(_, position, content)| (position, content)))
}

fn told(sources: Sources<'_>, frame: FrameId) -> Result<Option<(EventId, Position, ContentRef)>, AuditError> {
    let Some(recorded) = sources.journal.find(Command::evidence_id(frame))? else { return Ok(None) };
    let envelope = &recorded.envelope;
    Ok(match recorded.event() {
        Ok(Event::EvidenceStored(stored)) => Some((envelope.id, envelope.position, stored.content)),
        _ => None,
    })
}
