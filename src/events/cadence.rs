//! How often a channel's frames are taken, and what a person thinks of its reputation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ContentRef, ModeratorId, PolicyRef, RuleId, Score, Timestamp};

/// How often a channel's frames are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pace {
    /// Wanted distance between two taken frames, in milliseconds of captured-at.
    pub interval_ms: u32,
    /// How much earlier than that a frame is still taken, and how much later a channel still counts as watched.
    pub tolerance_ms: u32,
}

/// The channel's cadence is another from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CadenceChanged {
    /// Before; none at the first.
    pub from: Option<Pace>,
    /// From now on.
    pub to: Pace,
    /// The policy version that sets it.
    pub policy: PolicyRef,
    /// Why.
    pub because: CadenceBecause,
    /// The channel's reputation then; none where the policy's cadence is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// How many watched shortly before and how many then, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewers: Option<ViewersRose>,
}

/// Many more people watch a broadcast than shortly before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewersRose {
    /// Shortly before.
    pub before: u64,
    /// Then.
    pub now: u64,
}

/// Why a cadence changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CadenceBecause {
    /// A session began under this policy.
    SessionBegan,
    /// Another policy, or another version of it, applies.
    PolicyChanged,
    /// A rule was hit.
    Hit,
    /// A label came within the policy's margin of a threshold.
    NearMiss,
    /// A broadcast began soon after a stop.
    Reconnected,
    /// A person upheld a warning.
    Upheld,
    /// Many more people came to watch.
    ViewersRose,
    /// What had called for a closer watch is over.
    Calm,
    /// The channel's reputation rose.
    Trust,
    /// The channel's reputation fell.
    Distrust,
    /// A person set the channel's reputation.
    Adjusted,
    /// What a person had set is over.
    AdjustmentOver,
    /// The node's budget of provider calls ran short: the channel is watched as closely as its policy promises at
    /// least.
    Budget,
    /// The budget has a call for it again.
    BudgetEased,
}

impl std::fmt::Display for CadenceBecause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SessionBegan => "a broadcast began",
            Self::PolicyChanged => "another policy version applies",
            Self::Hit => "a rule was hit",
            Self::NearMiss => "a label came near a threshold",
            Self::Reconnected => "a broadcast began soon after a stop",
            Self::Upheld => "a warning was upheld",
            Self::ViewersRose => "many more people came to watch",
            Self::Calm => "what called for a closer watch is over",
            Self::Trust => "its reputation rose",
            Self::Distrust => "its reputation fell",
            Self::Adjusted => "a person set its reputation",
            Self::AdjustmentOver => "what a person had set is over",
            Self::Budget => "the budget of provider calls ran short",
            Self::BudgetEased => "the budget has a call for it again",
        })
    }
}

/// A label that came near a rule's threshold without reaching it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NearMiss {
    /// The rule.
    pub rule: RuleId,
    /// By how much it fell short, in thousandths of a percent.
    pub short: u32,
}

/// A person set a channel's reputation, or let it go again. It tunes the watch and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReputationAdjusted {
    /// Who.
    pub by: ModeratorId,
    /// What.
    pub change: ReputationChange,
    /// Until when (captured-at); none: until somebody changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why, in their words.
    pub why: ContentRef,
}

/// What a person does with a channel's reputation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReputationChange {
    /// Sets it: nothing else counts for as long.
    Pin(Score),
    /// Adds to what the events say, in thousandths; takes away if negative.
    By(#[schemars(range(min = -1000, max = 1000))] i16),
    /// Ends what was set before.
    Release,
}
