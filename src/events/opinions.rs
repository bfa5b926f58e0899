//! What providers said of a frame beside the one that its outcome rests on.
//!
//! A policy may arrange for several: one that screens what another is then asked, one that is asked because another
//! failed, one that must agree before a stream is stopped, one that is asked about a share of the frames to be compared.
//! What the deciding one said is in [`FrameAssessed`](super::FrameAssessed); what every other said, or why it said
//! nothing, is one [`OpinionGiven`] each. Those that the outcome rests on stand before it in the same append; one that
//! is only compared follows when it comes, and nothing rests on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FailedStage;
use crate::model::{Confidence, ContentRef, FrameId, Label, PolicyRef, ProviderRef, RuleId, SessionId};

/// A provider that did not decide the frame was asked about it, and this is what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpinionGiven {
    /// The frame.
    pub frame: FrameId,
    /// The broadcast it shows.
    pub session: SessionId,
    /// The policy version whose arrangement asked.
    pub policy: PolicyRef,
    /// Who was asked, as it answered; as it calls itself where it did not.
    pub provider: ProviderRef,
    /// What for.
    pub role: OpinionRole,
    /// What it said.
    pub said: OpinionSaid,
    /// From the first try to the end of the last, in milliseconds.
    pub took_ms: u32,
}

/// What an opinion is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpinionRole {
    /// Asked first, to find out whether another need be asked; and another was.
    Screened,
    /// Asked first, and it did not answer: another was asked in its place.
    FellOver,
    /// Asked whether it agrees with a stop.
    Seconded,
    /// Asked to be compared with the one that decided.
    Compared,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpinionSaid {
    /// It answered.
    Answer(OpinionAnswer),
    /// It did not.
    Nothing {
        /// Where it failed.
        stage: FailedStage,
        /// What was wrong, in at most 300 bytes, without addresses or secrets.
        reason: String,
        /// How often it was asked.
        attempts: u8,
    },
}

/// An answer that did not decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpinionAnswer {
    /// Every label of it, in the provider's own taxonomy, or those that rules rest on and then the surest where it is
    /// long (then see `answer`).
    #[serde(with = "super::label_list")]
    #[schemars(with = "Vec<Label>")]
    pub labels: Vec<Label>,
    /// The whole answer, where it is too long for an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ContentRef>,
    /// Labels that the provider's taxonomy does not know.
    #[serde(default)]
    pub unmapped: u8,
    /// The least confidence with which it was asked to report labels; none if it reports every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Confidence>,
    /// Rules of the policy that these labels hit, each by itself and without its window, gravest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<RuleId>,
}

/// Why the provider that decided a frame was asked, where the policy arranges for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arranged {
    /// It screens what another is asked, and saw nothing to ask it about: that call was saved.
    NothingToAsk,
    /// The one that screens saw something.
    PastTheScreen,
    /// The one that screens saw nothing to ask about, and the frame was one of those that are asked about all the same.
    Sampled,
    /// So many before it were asked and did not answer.
    InPlaceOf(u8),
}
