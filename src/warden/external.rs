//! What somebody outside decided about a frame, as a command carries it to the warden.

use crate::model::{Action, ActionName, Approval, EventId, ExternalId, FrameId, PolicyRef, SessionId, Timestamp};

/// An external actor's decision, and what the operator has set it to mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalDecision {
    /// Who decided.
    pub by: ExternalId,
    /// What they call it.
    pub action: ActionName,
    /// What it means here; none: it is recorded, and nothing follows.
    pub then: Option<Action>,
    /// Who must agree before a stop or suspension is asked for. A warning always asks a person.
    pub approval: Approval,
    /// How grave it is taken to be, 1 (least) to 5.
    pub severity: u8,
    /// A frame older than this, in milliseconds of its own time, may warn and never stops by itself: what it shows may be
    /// over.
    pub frame_age_max_ms: u64,
    /// After a person answered its warning, no new one of the same action for so long (captured-at), in milliseconds.
    pub cooldown_ms: u32,
}

/// The frame that is decided about, as its outcome says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedFrame {
    /// The frame.
    pub frame: FrameId,
    /// Its own time.
    pub captured_at: Timestamp,
    /// The broadcast it was judged in and the policy version it was judged under; none if it was not judged.
    pub judged: Option<(SessionId, PolicyRef)>,
}

impl ExternalDecision {
    /// The event that records it. The same action about the same frame is one decision, however often it is told.
    pub fn id(by: &ExternalId, action: &ActionName, frame: FrameId) -> EventId {
        EventId::of_command(
            "external decision",
            &[by.as_str().as_bytes(), action.as_str().as_bytes(), frame.as_bytes()],
        )
    }
}
