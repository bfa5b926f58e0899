//! Pictures kept as evidence. The bytes live in the content store; the journal holds where, and what they were.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ContentRef, FrameId, Sha256};

/// An assessed frame's picture was kept. The frame's outcome, which is this event's cause, was durable before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceStored {
    /// The frame.
    pub frame: FrameId,
    /// Digest of the picture's bytes: the same as in the frame's assessment.
    pub image: Sha256,
    /// Where the bytes are, until they are erased.
    pub content: ContentRef,
}
