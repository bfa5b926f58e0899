//! Which evidence is lost: asked for by an outcome, and no event says what became of it.

use crate::actors::system::Parts;
use crate::actors::warden::{said_as, wanted};
use crate::events::{Event, EventType, EvidencePlace, FrameAssessed, Recorded};
use crate::journal::{Journal, READ_LIMIT_MAX};
use crate::model::{ChannelId, EventId, FrameId, ImageFacts, Position, S3Object, Timestamp};

use super::KeeperError;

/// Frames of one look whose evidence is lost.
const LOST_MAX: usize = 100;
/// Reads of one look; each is bounded by the journal.
const READS_MAX: usize = 20;

/// A frame whose evidence is lost.
#[derive(Debug)]
pub(super) struct Lost {
    pub channel: ChannelId,
    pub frame: FrameId,
    pub captured_at: Timestamp,
    /// When its outcome was recorded.
    pub recorded_at: Timestamp,
    /// Where its outcome stands.
    pub decided: Position,
    /// What is known of the picture; none if it was never fetched.
    pub image: Option<ImageFacts>,
    /// The object that was judged, where the outcome names it.
    pub object: Option<S3Object>,
    /// Where it should have been kept.
    pub places: Vec<EvidencePlace>,
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub lost: Vec<Lost>,
    /// Everything up to there was looked at.
    pub through: Position,
    /// Whether more may be found at once.
    pub more: bool,
}

/// Looks at outcomes after `after`, as long as it is `due` that their evidence is there. Blocks.
pub(super) fn look(
    parts: &Parts,
    after: Position,
    due: impl Fn(Position, Timestamp) -> bool,
) -> Result<Found, KeeperError> {
    let mut found = Found { through: after, ..Found::default() };
    for _ in 0..READS_MAX {
        let page = parts.journal.read(found.through, READ_LIMIT_MAX)?;
        found.more = !page.is_empty();
        for recorded in &page {
            let envelope = &recorded.envelope;
            if !due(envelope.position, envelope.recorded_at) || found.lost.len() == LOST_MAX {
                found.more = found.lost.len() == LOST_MAX;
                return Ok(found);
            }
            found.lost.extend(lost(parts, recorded)?);
            found.through = envelope.position;
        }
        if !found.more {
            break;
        }
    }
    Ok(found)
}

/// What is lost of the frame with that outcome. Blocks.
pub(super) fn of_frame(parts: &Parts, frame: FrameId) -> Result<Option<Lost>, KeeperError> {
    match parts.journal.find(EventId::outcome_of(frame))? {
        Some(recorded) => lost(parts, &recorded),
        None => Ok(None),
    }
}

fn lost(parts: &Parts, recorded: &Recorded) -> Result<Option<Lost>, KeeperError> {
    let envelope = &recorded.envelope;
    let (Some(channel), true) = (envelope.scope.channel(), envelope.event_type == EventType::FrameAssessed.name())
    else {
        return Ok(None);
    };
    let assessed = match recorded.event() {
        Ok(Event::FrameAssessed(assessed)) => assessed,
        Ok(_) => return Ok(None),
        Err(error) => {
            // What it asks for must not be guessed, and other channels must not wait for it.
            tracing::error!("whether evidence of the outcome at {} is lost nobody can say: {error}", envelope.position);
            return Ok(None);
        }
    };
    let mut places = Vec::new();
    for place in wanted(parts, &assessed) {
        if !is_said(&*parts.journal, assessed.frame, place)? {
            places.push(place);
        }
    }
    if places.is_empty() {
        return Ok(None);
    }
    Ok(Some(Lost {
        channel: channel.clone(),
        frame: assessed.frame,
        captured_at: envelope.captured_at.unwrap_or(envelope.recorded_at),
        recorded_at: envelope.recorded_at,
        decided: envelope.position,
        image: assessed.image,
        object: object(&assessed),
        places,
    }))
}

/// Whether an event says what became of a frame's picture at that place.
fn is_said(journal: &dyn Journal, frame: FrameId, place: EvidencePlace) -> Result<bool, KeeperError> {
    for id in said_as(frame, place) {
        if journal.may_hold(id) && journal.find(id)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The object that was judged: by its version, since what lies under a key by now may be another picture.
fn object(assessed: &FrameAssessed) -> Option<S3Object> {
    let object = assessed.object.as_ref().filter(|object| object.version.is_some())?;
    Some(S3Object {
        bucket: object.bucket.as_str().into(),
        key: object.key.as_str().into(),
        version: object.version.as_deref().map(Into::into),
        etag: object.etag.as_deref().map(Into::into),
        size: None,
    })
}
