//! What the arena says: the figures of every provider and model version, of every two providers that saw the same frames,
//! and of what changed when a model did. Shares are in thousandths; their bounds are those of a 95 % interval unless it is
//! said otherwise, the lower one cut down and the upper one cut up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    ChannelId, ChannelPattern, Confidence, FrameId, LabelPath, PolicyId, PolicyRef, Position, ProviderName, RuleId,
    Timestamp,
};

/// Providers held against each other: what each was asked and said, and what people said to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Arena")]
pub struct Report {
    /// The first position that was read.
    pub from: Position,
    /// The last.
    pub to: Position,
    /// When the first event was recorded, if there is one.
    pub recorded_from: Option<Timestamp>,
    /// When the last was.
    pub recorded_to: Option<Timestamp>,
    /// Whether there were more events than are read at a time: then those before `from` are in no count.
    pub cut: bool,
    /// Only channels that one of these holds; all if there is none.
    pub only: Vec<ChannelPattern>,
    /// Only these providers; all if there is none. What two said of a frame is shown if one of them is among these.
    pub providers: Vec<ProviderName>,
    /// The upheld rate that thresholds are suggested for, in thousandths.
    pub wanted_permille: u32,
    /// Frames that a provider's answer decided, whoever's.
    pub frames: u64,
    /// Frames that no provider answered for.
    pub failed: FailedFrames,
    /// Every provider at every model version, by name.
    pub models: Vec<ModelFigures>,
    /// Providers that screen for another.
    pub screens: Vec<Screen>,
    /// Every two providers that saw the same frames.
    pub pairs: Vec<Pair>,
    /// The last changes of a provider's model version, newest first; at most 50.
    pub changes: Vec<ModelChange>,
    /// How many changes there were.
    pub changes_seen: u64,
    /// What was beyond the most that is remembered, and is in no count or in fewer than it belongs to.
    pub left_out: LeftOut,
}

/// Frames that failed at their provider, or for want of one. Their events do not name it; where several were asked, what
/// came of each is counted with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct FailedFrames {
    /// Frames.
    pub frames: u64,
    /// How often a provider was tried for those whose event is all that says so.
    pub tries: u64,
}

/// A share with its uncertainty, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RateWithBounds")]
pub struct Rate {
    /// So many
    pub count: u64,
    /// of so many.
    pub of: u64,
    /// Their share; none of none.
    pub permille: Option<u32>,
    /// It is not less than this.
    pub low_permille: u32,
    /// It is not more than this.
    pub high_permille: u32,
}

/// A provider at a model version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelFigures {
    /// The provider.
    pub provider: String,
    /// The model's own version.
    pub model: String,
    /// The taxonomy of its labels.
    pub taxonomy: String,
    /// What it was asked.
    pub calls: Calls,
    /// How long its answers took, from the first try to the end of the last.
    pub took: Took,
    /// What a call costs, in millionths of a dollar; none where no price is said.
    pub price_micros: Option<u64>,
    /// What its answers cost at that, in millionths of a dollar. What came to no answer is not in it.
    pub cost_micros: Option<u64>,
    /// What it said, and what came of it, by path.
    pub labels: Vec<LabelFigures>,
}

/// How often a provider was asked about a frame, and what for. Tries of one frame count once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ProviderCalls")]
pub struct Calls {
    /// All of them, answered or not.
    pub asked: u64,
    /// Its answer decided the frame.
    pub decided: u64,
    /// To find out whether another need be asked, and another was.
    pub screened: u64,
    /// It was first, and another was asked in its place.
    pub fell_over: u64,
    /// Whether it agrees with a stop.
    pub seconded: u64,
    /// To be compared.
    pub compared: u64,
    /// Of all these, those that came to no answer.
    pub unanswered: u64,
    /// How often it was tried for those that came to no answer.
    pub unanswered_tries: u64,
    /// It would have been asked and was not tried: it was not there, or known not to answer. In no other count.
    pub untried: u64,
}

/// How long something took. Figures are at most 1 % too low, and exact below a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ProviderTook")]
pub struct Took {
    /// Of so many.
    pub of: u64,
    /// Half took at most so many milliseconds.
    pub median_ms: Option<u64>,
    /// 95 of 100 did.
    pub p95_ms: Option<u64>,
    /// 99 of 100 did.
    pub p99_ms: Option<u64>,
}

/// One label of a model version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LabelFigures {
    /// The label.
    pub label: LabelPath,
    /// Answers that name it.
    pub frames: u64,
    /// Warnings that were raised because of it: it hit the rule with the largest margin.
    pub warnings: u64,
    /// Upheld of those that were answered. An answer that was taken back is none, and one that an appeal overturned
    /// says that there was nothing.
    pub upheld: Rate,
    /// The lowest threshold that raised one of them. Below it nobody was asked; none without warnings.
    pub asked_from: Option<Confidence>,
    /// The same by how sure it was, in bands of five percent points; bands without a frame are left out.
    pub by_score: Vec<Band>,
    /// The threshold for the wanted upheld rate.
    pub threshold: Threshold,
}

/// What became of a label at a confidence from `from` on and below `to`; at 100 the last holds it too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ScoreBand")]
pub struct Band {
    /// From this confidence on.
    pub from: Confidence,
    /// Below this one.
    pub to: Confidence,
    /// Answers that name it so surely.
    pub frames: u64,
    /// Warnings that wait for an answer.
    pub unanswered: u64,
    /// Upheld of those answered.
    pub upheld: Rate,
}

/// A threshold for a wanted upheld rate, or why none can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "said", rename_all = "snake_case")]
#[schemars(rename = "SuggestedThreshold")]
pub enum Threshold {
    /// Nobody was asked about this label.
    NothingAsked,
    /// There are fewer answers than would tell it even if all upheld.
    TooFew {
        /// Answers there are.
        answers: u64,
        /// Answers that would do if all upheld.
        needed: u64,
    },
    /// No threshold certainly reaches the rate.
    NotReached {
        /// The best there is, by its lower bound.
        best: Confidence,
        /// What people said to everything from there on.
        upheld: Rate,
    },
    /// The lowest threshold that certainly reaches it: the lower bound of what was upheld from there on does, with 95 %
    /// (two-sided) for all thresholds that were looked at together.
    From {
        /// The threshold.
        threshold: Confidence,
        /// What people said to everything from there on, with the bounds that hold together.
        upheld: Rate,
        /// Warnings that people upheld and that it would have let pass.
        upheld_below: u64,
        /// Warnings that people dismissed and that it would have spared.
        dismissed_below: u64,
        /// Whether some higher threshold was upheld less often than is wanted: then more of the score does not mean more
        /// truth, and this should not be relied on.
        uneven: bool,
    },
}

/// A provider that screens for another under a policy version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ScreenFigures")]
pub struct Screen {
    /// The policy version.
    pub policy: PolicyRef,
    /// Who screens.
    pub provider: String,
    /// Who is asked then, as last seen; none if nobody ever was.
    pub then: Option<String>,
    /// Frames in which it saw nothing to ask about: calls to the other that were saved.
    pub saved: u64,
    /// What these would have cost, in millionths of a dollar; none where no price is said.
    pub saved_micros: Option<u64>,
    /// Frames in which it saw something, and the other decided.
    pub passed: u64,
    /// Frames in which it saw nothing and the other was asked all the same.
    pub sampled: u64,
    /// Of the sampled, those in which the other's answer hit a rule: missed by the screen.
    pub missed: Rate,
    /// Of the sampled, those of which the other named a label that the screen did not, or any if their taxonomies are
    /// not the same. That is no miss by itself.
    pub sampled_labelled: u64,
    /// How many of the saved were missed likewise, if the sample tells.
    pub missed_of_saved: Option<Estimate>,
}

/// A number that was not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "EstimateWithBounds")]
pub struct Estimate {
    /// About so many,
    pub about: u64,
    /// at least so many,
    pub low: u64,
    /// at most so many.
    pub high: u64,
}

/// Two providers that saw the same frames. One of them decided these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ProviderPair")]
pub struct Pair {
    /// The one whose name comes first.
    pub one: String,
    /// The other.
    pub other: String,
    /// Why both saw them.
    pub because: BothAsked,
    /// Frames.
    pub frames: u64,
    /// Whether any rule was hit.
    pub any_rule: Agreement,
    /// Each rule that either's answer hit, by itself and without its window.
    pub rules: Vec<RuleAgreement>,
    /// Each category that either named at 50 % or above and both have words for, in the words of Rekognition 7.0.
    pub categories: Vec<CategoryAgreement>,
}

/// Why two providers saw the same frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BothAsked {
    /// To be compared, whatever anybody saw. These alone tell how far the two agree.
    Compared,
    /// To be compared, of frames that had been screened: which of the two is asked about such a frame depends on what the
    /// screen saw.
    ComparedBehindAScreen,
    /// The one saw something in it, and the other was asked.
    PastTheScreen,
    /// The one saw nothing in it, and the other was asked all the same.
    Sampled,
    /// The one's answer would have stopped the stream, and the other was asked whether it agrees.
    Seconded,
}

/// A rule of a policy, as both read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleAgreement {
    /// The policy.
    pub policy: PolicyId,
    /// The rule.
    pub rule: RuleId,
    /// How they agree, on frames judged by versions of the policy under which either ever hit it.
    pub agreement: Agreement,
}

/// A category that two providers have words for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CategoryAgreement {
    /// The category, in the words of Rekognition 7.0.
    pub category: LabelPath,
    /// Frames of which both could name it: those answered in words that are read so.
    pub frames: u64,
    /// How they agree on these.
    pub agreement: Agreement,
}

/// Frames by who said yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agreement {
    /// Both.
    pub both: u64,
    /// Only the one.
    pub one_only: u64,
    /// Only the other.
    pub other_only: u64,
    /// Neither.
    pub neither: u64,
    /// Cohen's kappa; none where the frames were chosen by what one of them said, as they are too where the one that
    /// compares also seconds stops; where they are fewer than 30; or where nobody ever said yes.
    pub kappa: Option<Kappa>,
    /// The last frames on which they differ, newest first; at most 5.
    pub examples: Vec<Example>,
}

/// Agreement beyond chance, in thousandths: 1000 is perfect, 0 is what chance brings, less is contradiction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kappa {
    /// Kappa.
    pub milli: i32,
    /// It is not less than this.
    pub low_milli: i32,
    /// It is not more than this.
    pub high_milli: i32,
}

/// A frame on which two differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DifferingFrame")]
pub struct Example {
    /// Where its outcome is recorded.
    pub position: Position,
    /// The channel.
    pub channel: ChannelId,
    /// The frame.
    pub frame: FrameId,
    /// Its own time.
    pub captured_at: Timestamp,
    /// Who said yes.
    pub yes: String,
}

/// A provider's model version became another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelChange {
    /// The provider.
    pub provider: String,
    /// The version before.
    pub before: String,
    /// The version after.
    pub after: String,
    /// Whether the taxonomy changed with it: then a label may have another name, and counts as two.
    pub other_taxonomy: bool,
    /// Where the first answer of the new one is recorded.
    pub position: Position,
    /// When it was recorded.
    pub at: Timestamp,
    /// Answers held against each other on either side: of the same channels, under the same policy versions, asked for the
    /// same reason with the same floor, as many before as after, those nearest to the change.
    pub frames: u64,
    /// Whether they are too few to say anything, fewer than 100. Then no label is listed.
    pub too_few: bool,
    /// Labels that either side names, first those whose rate certainly changed; at most 50.
    pub labels: Vec<LabelChange>,
    /// How many labels that either side names.
    pub labels_seen: u64,
}

/// A label on both sides of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LabelChange {
    /// The label.
    pub label: LabelPath,
    /// Answers that name it, before.
    pub before: u64,
    /// After.
    pub after: u64,
    /// By how much its share changed at least, in thousandths of the answers: the bounds of a 99 % interval.
    pub low_permille: i32,
    /// And at most.
    pub high_permille: i32,
    /// What that says.
    pub rate: Moved,
    /// How far the confidences of before and after lie apart, in thousandths: the greatest distance of their cumulative
    /// shares. None where one side does not name it.
    pub apart_permille: Option<u32>,
    /// Whether that is more than chance brings once in a hundred.
    pub confidence_moved: bool,
}

/// Whether something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "LabelMoved")]
pub enum Moved {
    /// It is seen more often.
    More,
    /// It is seen less often.
    Less,
    /// What differs may be chance.
    NotCertain,
}

/// What was beyond the most that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ArenaLeftOut")]
pub struct LeftOut {
    /// Answers of model versions beyond the first 64: in no count.
    pub model_answers: u64,
    /// Labels beyond the first 8,192 of all model versions, each time that they were named.
    pub labels: u64,
    /// Answers too long for their events of which the whole was not at hand: their surest labels are counted.
    pub cut_answers: u64,
    /// Warnings beyond the newest 200,000: what was said to them later is not known.
    pub warnings: u64,
    /// Frames of two providers beyond the first 32 pairs, and hits of rules beyond the first 256 of a pair.
    pub pairs: u64,
    /// Compared answers whose frame was judged before what was read, or more than 10,000 frames before.
    pub compared: u64,
    /// Frames of screens beyond the first 64 policy versions with one.
    pub screens: u64,
}
