//! What became of each frame, and whether the channel is watched. Exactly one of [`FrameSkipped`],
//! [`FrameAssessed`], [`FrameFailed`] is the outcome of an accepted frame (invariant I1).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arranged, BucketObject, NearMiss, SegmentFacts, ShadowLook, Spoken};
use crate::model::{
    Confidence, ContentRef, ContentType, Fingerprint, FrameId, ImageFacts, Label, Medium, Moment, PerceptualHash,
    PolicyRef, ProviderRef, RuleId, Sequence, SessionId, Sha256, Similarity, Timestamp, Verdict, WarningId,
};

/// Outcome: the frame was not shown to a provider, and why. Kept small: most frames end here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FrameSkipped {
    /// The frame.
    pub frame: FrameId,
    /// What its notification said, digested.
    pub print: Fingerprint,
    /// What of a segment it is; not said of a picture.
    #[serde(default, skip_serializing_if = "Medium::is_picture")]
    pub medium: Medium,
    /// Why it was skipped.
    pub because: Skip,
}

/// Why a frame was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// The cadence did not ask for a frame yet.
    TooSoon {
        /// The first captured-at at which a frame would be taken, tolerance already deducted.
        due: Timestamp,
    },
    /// It shows what the last assessed frame showed.
    Similar {
        /// Its hash.
        hash: PerceptualHash,
        /// Distance to the reference: hash bits and luma.
        distance: Similarity,
        /// Sequence of the `FrameAssessed` it was compared with.
        to: Sequence,
    },
    /// The node's budget of provider calls ran short, and other channels had more need. It was looked at and showed
    /// something new; nobody judged it.
    GaveWay {
        /// How much harm is to be expected of the channel, in thousandths.
        need: u16,
        /// How much a call needed then.
        bar: u16,
        /// From then on (captured-at) a frame is judged whatever the budget.
        due: Timestamp,
    },
    /// No room: too many frames were waiting in this process.
    Overloaded,
    /// A newer frame of the channel arrived while this one was waiting.
    Superseded {
        /// The newer frame.
        by: FrameId,
    },
    /// Too late to matter: a newer frame was already assessed, or it is older than the policy accepts.
    Stale {
        /// Captured-at of the newest frame assessed, if that is the reason.
        newest: Option<Timestamp>,
    },
    /// Another source of the same channel is judged.
    OtherSource,
    /// Its session had already ended and another had begun.
    OtherSession,
    /// No policy watches this channel: said, never taken for clear. Of a segment: or the one that does asks for none.
    NoPolicy,
    /// The kind of picture is not one that is read.
    Unsupported,
    /// The segment has no track of its medium, and says so itself: it is mute, or has no picture. Nobody was asked, and
    /// there was nothing to be heard or seen; the next is due as after one that was judged.
    NoTrack {
        /// Digest of its bytes.
        sha256: Sha256,
    },
}

/// Outcome: a provider judged the frame, and the policy judged the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FrameAssessed {
    /// The frame.
    pub frame: FrameId,
    /// What its notification said, digested.
    pub print: Fingerprint,
    /// The broadcast it was judged in. A stop reaches this session or none (invariant I11).
    pub session: SessionId,
    /// What of a segment it is; not said of a picture.
    #[serde(default, skip_serializing_if = "Medium::is_picture")]
    pub medium: Medium,
    /// The picture's digest, size and format; none of a segment, and none if it was never fetched, because the provider
    /// read it itself: then see `object`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageFacts>,
    /// The object that the provider read itself, by its version, which is never another picture; or that a segment lay
    /// in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<BucketObject>,
    /// The segment's digest and size; none of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Box<SegmentFacts>>,
    /// Its hash: the reference for the frames after it; none if it was never fetched, and of a segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<PerceptualHash>,
    /// Distance to the reference before it and that reference's sequence, if there was one.
    pub distance: Option<(Similarity, Sequence)>,
    /// Who judged.
    pub provider: ProviderRef,
    /// Why this one, where the policy arranges for several: then each other's [`OpinionGiven`](super::OpinionGiven)
    /// stands before this in the same append.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arranged: Option<Arranged>,
    /// The policy version in force when judging began.
    pub policy: PolicyRef,
    /// Every label of the answer, or the surest of them where the answer is long (then see `answer`).
    #[serde(with = "super::label_list")]
    #[schemars(with = "Vec<Label>")]
    pub labels: Vec<Label>,
    /// The whole answer, where it is too long for an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ContentRef>,
    /// When in the segment the labels show or are heard: of those that rules rest on first, then of the surest, at most
    /// eight. None of a picture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub moments: Vec<Moment>,
    /// Of sound: the language, and where what was said is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spoken: Option<Box<Spoken>>,
    /// Labels that the provider's taxonomy does not know. Never matched by name, never taken for clear.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unmapped: u8,
    /// What kind of picture the provider takes it for (drawn, animated), surest first, at most four; none if it does
    /// not say. No rule is judged on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    pub content_types: Vec<ContentType>,
    /// The least confidence with which the provider was asked to report labels; none if it reports every one. A policy
    /// with a lower threshold cannot be tried on this answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Confidence>,
    /// The rule that a label came nearest to without hitting it, where the policy's margin calls that a near miss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<NearMiss>,
    /// Rules that a label hit, each with its margin and what came of it. The others follow from `labels` and `policy`.
    pub rules: Vec<RuleOutcome>,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether a newer frame had been looked at already, or another session begun: then it may warn, never stop.
    #[serde(default, skip_serializing_if = "is_false")]
    pub late: bool,
    /// What a policy in shadow made of the same answer, if one runs beside the live one. Nothing follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowLook>,
    /// What it took, in milliseconds.
    pub took: Timings,
}

fn is_zero(count: &u8) -> bool {
    *count == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Milliseconds spent: fetching the bytes, decoding and hashing, waiting for the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Timings(
    /// Fetch.
    pub u32,
    /// Decode and hash.
    pub u32,
    /// Provider, all attempts.
    pub u32,
);

/// What one rule made of one frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct RuleOutcome {
    /// The rule.
    pub rule: RuleId,
    /// Digest of the rule's definition: a changed rule starts with an empty window.
    pub rev: u32,
    /// Index into `labels` of the label that hit it with the largest margin.
    pub by: u8,
    /// That label's confidence over the rule's threshold, in thousandths of a percent (never negative here).
    pub margin: i32,
    /// Hits in the rule's window, this one included.
    pub hits: u8,
    /// What came of it.
    pub effect: RuleEffect,
}

crate::model::tuple_in_binary!(RuleOutcome { rule, rev, by, margin, hits, effect });

/// What came of a rule that a label hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleEffect {
    /// Not enough hits in the window yet: the next frame is assessed whatever the cadence.
    Partial,
    /// A warning was raised in the same append.
    Raised(WarningId),
    /// The rule's warning is still open: this frame was added to it instead of raising another.
    Joined(WarningId),
    /// The rule's warning was answered a short time ago; no new one until then (captured-at).
    Cooldown(Timestamp),
}

impl FrameAssessed {
    /// Whether a warning rests on this frame: it raised one, or was added to one.
    pub fn bears_a_warning(&self) -> bool {
        let rests = |effect: &RuleEffect| matches!(effect, RuleEffect::Raised(_) | RuleEffect::Joined(_));
        self.rules.iter().any(|rule| rests(&rule.effect))
    }
}

/// Outcome: the frame could not be judged. Never taken for clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FrameFailed {
    /// The frame.
    pub frame: FrameId,
    /// What its notification said, digested.
    pub print: Fingerprint,
    /// What of a segment it is; not said of a picture.
    #[serde(default, skip_serializing_if = "Medium::is_picture")]
    pub medium: Medium,
    /// Where it failed.
    pub stage: FailedStage,
    /// What was wrong, in at most 300 bytes, without addresses or secrets.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u8,
}

/// Where a frame failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailedStage {
    /// Fetching its bytes.
    Fetch,
    /// Decoding: not a picture, damaged, or beyond the limits.
    Decode,
    /// The provider refused, did not answer in time, or answered nonsense.
    Provider,
    /// No provider is configured or present.
    NoProvider,
    /// Its total deadline passed.
    Deadline,
    /// The warden itself broke on it, twice.
    Warden,
}

/// Another notification came under the id of a frame that already has an outcome. The first outcome stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FrameConflict {
    /// The frame id.
    pub frame: FrameId,
    /// The event that holds its outcome.
    pub outcome: crate::model::EventId,
    /// What the later notification said, digested.
    pub print: Fingerprint,
}

/// The channel is watched again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelWatched {
    /// Since when it had not been.
    pub unwatched_since: Timestamp,
    /// For how long, in milliseconds.
    pub unwatched_ms: u64,
}

/// The channel is live and nobody looks: silence is loud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelUnwatched {
    /// Since when (captured-at of the last frame that covered it, plus its cadence and tolerance).
    pub since: Timestamp,
    /// Why.
    pub because: UnwatchedBecause,
}

/// Why a channel is not watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnwatchedBecause {
    /// Frames arrive and fail.
    Failed,
    /// No frames arrive.
    NoInput,
    /// Frames arrive and are dropped for want of room.
    Overloaded,
    /// The channel is quarantined.
    Quarantined,
    /// No policy watches it.
    NoPolicy,
}

/// The channel's warden broke on a frame twice; the frame is set aside and a person should look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelQuarantined {
    /// The frame it broke on.
    pub frame: FrameId,
    /// What the panic said, in at most 300 bytes.
    pub reason: String,
}
