//! What the outcome of a segment holds besides that of a picture.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ContentRef, Sha256};

/// What is known of a segment without playing it. The segment itself never enters the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentFacts {
    /// Digest of its bytes as fetched: what was judged is known by it.
    pub sha256: Sha256,
    /// How many they are.
    pub bytes: u32,
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
