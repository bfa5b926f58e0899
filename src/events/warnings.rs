//! Open questions to a moderator, and their answers. An answer names warnings by id and applies to nothing else
//! (invariant I9).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Event;
use crate::model::{
    Action, Approval, ContentRef, FrameId, Label, ModeratorId, PolicyRef, RuleId, SessionId, Timestamp, WarningId,
};

/// A rule is met and a person is asked to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningRaised {
    /// The warning.
    pub warning: WarningId,
    /// The frame whose assessment met the rule.
    pub frame: FrameId,
    /// The broadcast it was judged in.
    pub session: SessionId,
    /// The policy version the rule belongs to.
    pub policy: PolicyRef,
    /// The rule.
    pub rule: RuleId,
    /// Digest of the rule's definition.
    pub rev: u32,
    /// How grave the policy calls it, 1 (least) to 5.
    pub severity: u8,
    /// What the rule asks for.
    pub action: Action,
    /// Who must agree to it.
    pub approval: Approval,
    /// The label that hit the rule with the largest margin.
    pub label: Label,
    /// Its confidence over the rule's threshold, in thousandths of a percent.
    pub margin: i32,
    /// After the answer, no new warning of this rule for so long (captured-at), in milliseconds.
    pub cooldown_ms: u32,
}

/// A moderator took the warning up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningClaimed {
    /// The warning.
    pub warning: WarningId,
    /// The moderator.
    pub by: ModeratorId,
    /// When the claim lapses by itself.
    pub until: Timestamp,
}

/// The claim was given back, or lapsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningReleased {
    /// The warning.
    pub warning: WarningId,
    /// Who held it.
    pub by: ModeratorId,
    /// Whether the claim lapsed instead of being given back.
    pub lapsed: bool,
}

/// A moderator agrees: it was what the rule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningUpheld {
    /// The warning.
    pub warning: WarningId,
    /// The moderator.
    pub by: ModeratorId,
    /// For how long it may be taken back, in milliseconds.
    pub undo_ms: u32,
}

/// A moderator disagrees: it was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningDismissed {
    /// The warning.
    pub warning: WarningId,
    /// The moderator.
    pub by: ModeratorId,
    /// For how long it may be taken back, in milliseconds.
    pub undo_ms: u32,
}

/// An answer was taken back: the warning is open again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningAnswerWithdrawn {
    /// The warning.
    pub warning: WarningId,
    /// The moderator.
    pub by: ModeratorId,
}

/// A moderator asks somebody else to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningEscalated {
    /// The warning.
    pub warning: WarningId,
    /// The moderator.
    pub by: ModeratorId,
    /// To whom, if to somebody in particular.
    pub to: Option<ModeratorId>,
}

/// A note was added. Its text is personal and lives in the content store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningNoted {
    /// The warning.
    pub warning: WarningId,
    /// The moderator.
    pub by: ModeratorId,
    /// The text.
    pub note: ContentRef,
}

impl Event {
    /// The warning that this event is about, of which it makes another version.
    pub fn warning(&self) -> Option<WarningId> {
        match self {
            Self::WarningRaised(it) => Some(it.warning),
            Self::WarningClaimed(it) => Some(it.warning),
            Self::WarningReleased(it) => Some(it.warning),
            Self::WarningUpheld(it) => Some(it.warning),
            Self::WarningDismissed(it) => Some(it.warning),
            Self::WarningAnswerWithdrawn(it) => Some(it.warning),
            Self::WarningEscalated(it) => Some(it.warning),
            Self::WarningNoted(it) => Some(it.warning),
            _ => None, // a question about one event, not a fold: no event of another family is about a warning
        }
    }
}
