//! What somebody outside decided about a frame that they were shown: an external actor, such as another system's rules
//! and reviewers.
//!
//! It is a decision like any other: recorded with who took it, about which frame and broadcast, and what follows stands in
//! the same append. The same action about the same frame is one decision, however often it is told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Action, ActionName, Approval, ExternalId, FrameId, SessionId, Timestamp, WarningId};

/// An external actor decided about a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionReceived {
    /// Who decided.
    pub by: ExternalId,
    /// What they call it.
    pub action: ActionName,
    /// The frame.
    pub frame: FrameId,
    /// The broadcast it is about: the one that the frame was judged in, and no other (invariant I11); of a frame that was
    /// not judged here, the one on the air if it is as old as the frame. None if neither is known.
    pub session: Option<SessionId>,
    /// What the operator has set this action to mean here; none: it is recorded, and nothing follows.
    pub then: Option<Action>,
    /// Whether the operator has a person agree to it.
    pub approval: Approval,
    /// What came of it.
    pub effect: DecisionEffect,
}

/// What came of an external actor's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionEffect {
    /// It was recorded: it means no more here.
    Noted,
    /// A warning was raised in the same append.
    Raised(WarningId),
    /// The warning of the same action in the same broadcast is still open: it speaks for that one.
    Joined(WarningId),
    /// A person answered such a warning a short time ago; no new one until then (captured-at).
    Cooldown(Timestamp),
    /// The frame was not judged here, and the broadcast on the air is younger than it, or no policy watches the channel:
    /// there is nothing that a warning could be about.
    Unplaced,
}

/// Who decided, and what they call it: in place of a policy's rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecidedBy {
    /// Who.
    pub by: ExternalId,
    /// What they call it.
    pub action: ActionName,
}

impl DecisionReceived {
    /// The warning that it raised or speaks for.
    pub fn warning(&self) -> Option<WarningId> {
        match self.effect {
            DecisionEffect::Raised(warning) | DecisionEffect::Joined(warning) => Some(warning),
            DecisionEffect::Noted | DecisionEffect::Cooldown(_) | DecisionEffect::Unplaced => None,
        }
    }
}
