//! What the outcome of a segment holds besides that of a picture, and whether segments are judged at all.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Event;
use crate::model::{ContentRef, Medium, SessionId, Sha256, Timestamp};

/// What is known of a segment without playing it. The segment itself never enters the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentFacts {
    /// Digest of its bytes as fetched: what was judged is known by it.
    pub sha256: Sha256,
    /// How many they are.
    pub bytes: u32,
}

/// Segments of a live broadcast are judged by nobody, though its policy asks for them: none of that medium was tried for
/// twice the time after which one is due. The next that is tried ends it. Whether the channel is watched is said by
/// pictures, and not by this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentsUnjudged {
    /// What of them.
    pub medium: Medium,
    /// The broadcast.
    pub session: SessionId,
    /// Since when: the last was tried then (captured-at), or the broadcast began, or the policy came into force.
    pub since: Timestamp,
    /// Why.
    pub because: UnjudgedBecause,
}

/// Why segments are judged by nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnjudgedBecause {
    /// None arrives: they are not recorded, or not announced.
    NoInput,
    /// They arrive, and each is passed over: too late, or without room for it.
    PassedOver,
}

/// What was said in a segment, but for the words: those are personal data and never in an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spoken {
    /// The language, as the provider names it; none if it does not say, or knew none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Arc<str>>,
    /// Where the transcript is kept, under a key of its own, until it is erased or its time is over; none if the settings
    /// keep none of such a segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<ContentRef>,
}

impl Event {
    /// Where what was said in the segment that it is about is kept; none if it is about none, or none of it is kept.
    pub fn transcript(&self) -> Option<&ContentRef> {
        let Self::FrameAssessed(assessed) = self else { return None };
        assessed.spoken.as_ref()?.transcript.as_ref()
    }
}
