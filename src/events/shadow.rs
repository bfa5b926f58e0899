//! What a policy in shadow makes of answers: recorded beside the live outcome, never acted on.
//!
//! Of most frames it says nothing but that no rule of it was hit, and then [`ShadowLook`] in the frame's own
//! `FrameAssessed` is all of it, so that every frame judged by both is counted. Where rules were hit a [`ShadowVerdict`]
//! follows in the same append. Nothing in it names a warning or an enforcement: there is none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Action, Approval, FrameId, Label, PolicyRef, RuleId, SessionId, Timestamp, Verdict};

/// What the shadow beside the live policy made of the answer, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct ShadowLook {
    /// The policy version in shadow.
    pub policy: PolicyRef,
    /// What it found.
    pub found: ShadowFound,
}

crate::model::tuple_in_binary!(ShadowLook { policy, found });

/// What a shadow found in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShadowFound {
    /// No rule of it was hit: clear.
    NoHit,
    /// Rules were hit: the `ShadowVerdict` in the same append says which and what would have come of it.
    Hit,
    /// The answer is in another taxonomy than its rules are written in: not judged, and not clear.
    OtherTaxonomy,
}

/// What would have come of a frame if the policy in shadow were the live one. Recorded beside the frame's outcome, in
/// the same append, and never acted on: it raises no warning, asks for no stop and changes no cadence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowVerdict {
    /// The frame, whose outcome stands before this in the same append.
    pub frame: FrameId,
    /// The policy version in shadow.
    pub policy: PolicyRef,
    /// The broadcast it was judged in.
    pub session: SessionId,
    /// Its verdict: clear where rules were hit and none of them was met.
    pub verdict: Verdict,
    /// The gravest thing that it would have done: put the frame before a person, or asked for a stop or suspension
    /// without one; none where it is clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<Action>,
    /// The labels that its rules rest on.
    #[serde(with = "super::label_list")]
    #[schemars(with = "Vec<Label>")]
    pub labels: Vec<Label>,
    /// Its rules that a label hit, gravest first, each with its margin and what would have come of it.
    pub rules: Vec<ShadowRule>,
    /// Its rules whose warning, raised before, would have waited for a person, and whose stop this frame would have let
    /// go ahead: it hit the rule again with nothing in the way, or another that agrees with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<RuleId>,
}

/// What one rule of a policy in shadow made of one frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct ShadowRule {
    /// The rule.
    pub rule: RuleId,
    /// Digest of the rule's definition.
    pub rev: u32,
    /// Index into `labels` of the label that hit it with the largest margin.
    pub by: u8,
    /// That label's confidence over the rule's threshold, in thousandths of a percent (never negative here).
    pub margin: i32,
    /// Hits in the rule's window, this one included: the shadow counts its own.
    pub hits: u8,
    /// What would have come of it.
    pub effect: ShadowEffect,
}

crate::model::tuple_in_binary!(ShadowRule { rule, rev, by, margin, hits, effect });

/// What would have come of a rule that a label hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShadowEffect {
    /// Not enough hits in the shadow's window yet.
    Partial,
    /// It would have raised a warning.
    Raised {
        /// Who would have been asked.
        approval: Approval,
        /// After an answer to it, no new one of this rule for so long (captured-at), in milliseconds.
        cooldown_ms: u32,
    },
    /// The warning that it would have raised before is still open, as far as nobody answered a live one like it.
    Joined,
    /// A live warning like the one it would have raised was answered a short time ago; no new one until then
    /// (captured-at).
    Cooldown(Timestamp),
}

impl ShadowEffect {
    /// Whether the rule is met: it would have had a warning, raised now or before.
    pub fn is_met(self) -> bool {
        match self {
            Self::Raised { .. } | Self::Joined => true,
            Self::Partial | Self::Cooldown(_) => false,
        }
    }
}
