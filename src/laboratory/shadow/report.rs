//! What comes of holding a policy in shadow against the live one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Action, ChannelId, FrameId, PolicyRef, Position, RuleId, Timestamp, Verdict};

/// Differing frames that are shown, the first ones.
pub const DIFFERENCES_MAX: usize = 50;
/// Channels that are named, those with the most differing frames first.
pub const CHANNELS_NAMED_MAX: usize = 200;
/// Live policy versions that are named, the first ones.
pub const LIVE_NAMED_MAX: usize = 50;

/// A policy in shadow, held against what the live one decided. A shadow sees what the live policy looks at, at its
/// cadence and by its similarity, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The version that ran in shadow.
    pub policy: PolicyRef,
    /// The live versions that it ran beside, in the order in which they are met; at most 50.
    pub beside: Vec<PolicyRef>,
    /// Frames judged by both.
    pub frames: u64,
    /// Of those, the ones with the same verdict.
    pub agree: u64,
    /// Of those, the ones that only the live policy warned or stopped for.
    pub live_only: u64,
    /// Of those, the ones that only the shadow would have warned or stopped for.
    pub shadow_only: u64,
    /// Of those, the ones that both would do something about, and not the same.
    pub otherwise: u64,
    /// Frames that the live policy judged and the shadow could not, because the answer was in another taxonomy than its
    /// rules. They are in no other count.
    pub other_taxonomy: u64,
    /// Frames by the two verdicts; pairs that never came are left out.
    pub verdicts: Vec<VerdictPair>,
    /// By rule: frames that met it, under either policy.
    pub rules: Vec<ComparedRule>,
    /// What the live policy raised and asked for on the frames judged by both.
    pub live: Standing,
    /// What the shadow would have.
    pub shadow: Standing,
    /// Channels with a frame judged by both.
    pub channels: u64,
    /// Of those, the ones with the most differing frames; at most 200.
    pub by_channel: Vec<ComparedChannel>,
    /// The first frames with differing verdicts; at most 50.
    pub differences: Vec<Difference>,
    /// Warnings, the shadow's included, beyond the most that one comparison remembers: their answers are not counted.
    pub left_out: u64,
}

/// How often the two came to these verdicts about one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictPair {
    /// The live policy's.
    pub live: Verdict,
    /// The shadow's.
    pub shadow: Verdict,
    /// On so many frames.
    pub frames: u64,
}

/// Frames that met a rule, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedRule {
    /// The rule.
    pub rule: RuleId,
    /// Met under both policies.
    pub both: u64,
    /// Only under the live one.
    pub live_only: u64,
    /// Only under the shadow.
    pub shadow_only: u64,
}

/// Warnings and stops of one policy, and what people said of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// Warnings raised.
    pub warnings: u64,
    /// Frames whose verdict was to stop without a person.
    pub stops: u64,
    /// Warnings upheld: by an answer that stands, to themselves; of the shadow's, to the live warning nearest to them: of
    /// the same rule about one of their frames, else about one of their frames, else of the same rule in the broadcast.
    pub upheld: u64,
    /// Warnings dismissed likewise, and those whose answer an appeal overturned.
    pub dismissed: u64,
    /// Warnings that no answer speaks of.
    pub unanswered: u64,
    /// Upheld of those answered, in thousandths, rounded down; none where none was answered.
    pub precision_milli: Option<u32>,
}

/// One channel, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedChannel {
    /// The channel.
    pub channel: ChannelId,
    /// Frames judged by both.
    pub frames: u64,
    /// Of those, the ones with another verdict.
    pub differing: u64,
}

/// A frame with differing verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Where its outcome is recorded.
    pub position: Position,
    /// The channel.
    pub channel: ChannelId,
    /// The frame.
    pub frame: FrameId,
    /// Its own time.
    pub captured_at: Timestamp,
    /// What was decided.
    pub live: Said,
    /// What would have been.
    pub shadow: Said,
    /// The gravest thing that the shadow would have done; none where it is clear.
    pub would: Option<Action>,
}

/// A verdict and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// The policy version.
    pub policy: PolicyRef,
    /// Its verdict.
    pub verdict: Verdict,
    /// The rules that were met.
    pub rules: Vec<RuleId>,
}

impl Standing {
    /// With the precision that follows from the counts.
    pub(super) fn settled(self) -> Self {
        let answered = self.upheld + self.dismissed;
        let milli = (self.upheld * 1000).checked_div(answered);
        Self { precision_milli: milli.map(|milli| milli as u32), ..self } // at most 1000
    }
}
