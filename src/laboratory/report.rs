//! What came of a backtest, as it is written: JSON for programs, and the page is made from it too. Integers throughout,
//! lists in a fixed order: the same journal and policy give the same bytes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::unknowable::UnknownOf;
use crate::model::{ChannelId, FrameId, Label, Medium, PolicyRef, Position, RuleId, SessionId, Timestamp, Verdict};

/// Channels that the report names, those with the largest difference first.
pub const CHANNELS_NAMED_MAX: usize = 200;
/// Differing decisions that the report shows, the first ones.
pub const DIFFERENCES_MAX: usize = 50;
/// Warnings gained, and as many lost, that the report shows: those that a person answered before the others.
pub const EPISODES_MAX: usize = 100;

/// What came of a backtest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Assessments judged again.
    pub judged: u64,
    /// Recorded assessments with another verdict than was recorded, or that would not have been made though their
    /// verdict was not clear.
    pub differing: u64,
    /// Channels that the policy would watch and that had a frame assessed.
    pub channels: u64,
    /// Events of channels beyond the most that one backtest tries.
    pub left_out: u64,
    /// All rules and channels together.
    pub total: Compared,
    /// By rule. A rule that is only in what was recorded would be gone.
    pub rules: Vec<ComparedRule>,
    /// By channel, those with the largest difference first; not all of them, if they are many.
    pub by_channel: Vec<ComparedChannel>,
    /// Warnings that would have been raised and were not. None counts that would have come after a stop.
    pub gained: Episodes,
    /// Warnings that were raised and would not have been, where that is certain.
    pub lost: Episodes,
    /// How warnings stand against what moderators answered.
    pub truth: Truth,
    /// How much sooner or later the warnings that moderators upheld would have been raised.
    pub to_warning: Change,
    /// How much sooner or later a stop would have been asked for, of broadcasts with an upheld warning.
    pub to_stop: Change,
    /// Calls to the provider, and what they cost.
    pub calls: Calls,
    /// How densely the recording looked, against what the policy asks for.
    pub density: Density,
    /// Broadcasts that go on in the recording though they would have been stopped.
    pub after_stop: AfterStop,
    /// What cannot be known, by kind.
    pub unknowable: Vec<UnknownOf>,
    /// The first decisions with another verdict.
    pub differences: Vec<Difference>,
}

/// What was recorded in the stretch, and what would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// What was recorded.
    pub recorded: Raised,
    /// What would have been.
    pub proposed: Raised,
}

/// Warnings and stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Raised {
    /// Warnings raised.
    pub warnings: u64,
    /// Stops and suspensions asked for without a person.
    pub stops: u64,
}

/// One rule, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedRule {
    /// The rule.
    pub rule: RuleId,
    /// What was recorded of it, and what would have been.
    #[serde(flatten)]
    pub compared: Compared,
    /// How its warnings stand against moderators' answers: as recorded.
    pub answers_recorded: Answers,
    /// And as they would have been.
    pub answers_proposed: Answers,
}

/// One channel, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedChannel {
    /// The channel.
    pub channel: ChannelId,
    /// What was recorded of it, and what would have been.
    #[serde(flatten)]
    pub compared: Compared,
}

/// Warnings of one kind: how many, and the first of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Episodes {
    /// How many there are.
    pub count: u64,
    /// Some of them: what a person upheld first, then what one dismissed, then the others, each in order.
    pub shown: Vec<Episode>,
}

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Episode {
    /// Where the assessment that raised it is recorded.
    pub position: Position,
    /// The channel.
    pub channel: ChannelId,
    /// The broadcast.
    pub session: SessionId,
    /// The rule.
    pub rule: RuleId,
    /// The frame that raised it.
    pub frame: FrameId,
    /// Its own time.
    pub captured_at: Timestamp,
    /// The label that hit the rule.
    pub label: Option<Label>,
    /// What a person answered to it, or to what shares a frame with it.
    pub answer: AnswerKind,
}

/// How a moderator answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// They agreed.
    Upheld,
    /// They did not.
    Dismissed,
    /// Nobody answered, or the answer was taken back.
    Unanswered,
}

/// Warnings by what moderators answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Answers {
    /// Upheld, or sharing a frame with one that was.
    pub upheld: u64,
    /// Dismissed, or sharing a frame with one that was and with none that was upheld.
    pub dismissed: u64,
    /// Without an answer.
    pub unanswered: u64,
    /// Upheld among those answered, in thousandths; none if none was answered.
    pub precision_permille: Option<u32>,
}

/// How warnings stand against moderators' answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Truth {
    /// Of the warnings recorded.
    pub recorded: Answers,
    /// Of those that would have been raised.
    pub proposed: Answers,
    /// Of the upheld warnings recorded: how many would have been raised too, by their own rule or another.
    pub upheld_found: u64,
    /// How many of them certainly would not have been.
    pub upheld_lost: u64,
    /// How many may or may not have been.
    pub upheld_unknowable: u64,
    /// Found among all upheld, in thousandths; none if nothing was upheld. What nobody was ever warned of is in no
    /// recording, so this says nothing of it.
    pub recall_permille: Option<u32>,
    /// Of the dismissed warnings recorded: how many would not have been raised.
    pub dismissed_spared: u64,
}

/// Sooner or later, in milliseconds of what the journal recorded: negative is sooner.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Upheld warnings that are in both.
    pub in_both: u64,
    /// Sooner.
    pub sooner: u64,
    /// Later.
    pub later: u64,
    /// Median change, to three digits.
    pub median_ms: Option<i64>,
    /// 95th percentile of the change: one in twenty is later than this.
    pub p95_ms: Option<i64>,
    /// Only in the proposed.
    pub gained: u64,
    /// Only in what was recorded.
    pub lost: u64,
}

/// Calls to one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CallsToProvider")]
pub struct CallsTo {
    /// The provider. Of frames that nobody asked about, the one that the policy names; where it names none, the one that
    /// judged the channel's frame before.
    pub provider: String,
    /// Recorded.
    pub recorded: u64,
    /// What would have been; none if the recording is too sparse to say.
    pub proposed: Option<u64>,
    /// Price of a call, in millionths of a dollar; none where no price is said.
    pub price_micros: Option<u64>,
}

/// A medium that the policy on trial asks for and of which channels have nothing on record: nobody announced, or asked for,
/// their segments then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MediumNotOnRecord")]
pub struct NotOnRecord {
    /// The medium.
    pub medium: Medium,
    /// So many channels.
    pub channels: u64,
}

/// Calls to providers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Calls {
    /// Recorded.
    pub recorded: u64,
    /// What would have been; none if the recording is too sparse to say.
    pub proposed: Option<u64>,
    /// Of the proposed: those about frames that nobody asked about, so that no answer is known.
    pub without_answer: u64,
    /// By provider, in the order of their names.
    pub by_provider: Vec<CallsTo>,
    /// Cost of those recorded, in millionths of a dollar: of those to providers with a price.
    pub recorded_micros: u64,
    /// Media whose calls are in no figure. Then no proposed cost is told.
    pub not_on_record: Vec<NotOnRecord>,
    /// Cost of those proposed, likewise.
    pub proposed_micros: Option<u64>,
}

/// How densely the recording looked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Density {
    /// Median time between frames of a broadcast that were looked at, in milliseconds.
    pub recorded_median_ms: Option<i64>,
    /// Median time that the policy on trial wanted between them.
    pub asked_median_ms: Option<i64>,
    /// Whether the recording looked often enough for what the policy asks for. If not, its calls cannot be estimated.
    pub enough: bool,
    /// Looks that came later than they were due, because no frame was looked at just then.
    pub late: u64,
    /// How much later, at the median, in milliseconds.
    pub late_median_ms: Option<i64>,
    /// Looks that were due and for which no frame was looked at in time.
    pub missed: u64,
}

/// Broadcasts that would have been stopped, and go on in the recording.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct AfterStop {
    /// Such broadcasts.
    pub sessions: u64,
    /// Calls after their stop. They are counted as made: what is saved by a stop is not counted as gained.
    pub calls: u64,
    /// Warnings after their stop, which nobody would have seen: not counted as gained.
    pub warnings: u64,
    /// Broadcasts that were stopped, where the policy on trial asks for no stop: what they would have shown is not
    /// recorded.
    pub cut_short: u64,
}

/// A decision that would have been another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Where it is recorded.
    pub position: Position,
    /// The channel.
    pub channel: ChannelId,
    /// The frame.
    pub frame: FrameId,
    /// Its own time.
    pub captured_at: Timestamp,
    /// What was decided.
    pub recorded: Decided,
    /// What would have been.
    pub proposed: Decided,
}

/// One decision about one frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decided {
    /// The policy version that judged.
    pub policy: PolicyRef,
    /// The verdict; none where it could not judge the answer, or would not have asked for one.
    pub verdict: Option<Verdict>,
    /// Why it would not have asked, where it would not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Passed>,
    /// The rules that the verdict rests on: met, with a warning raised or open.
    pub rules: Vec<RuleId>,
}

/// Why a frame would not have been shown to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Passed {
    /// The cadence would not have asked for it.
    TooSoon,
    /// It would have been found similar to another.
    Similar,
    /// A newer frame would have been assessed already.
    Stale,
    /// It is of a segment, and the policy on trial asks for none of it.
    NotAskedFor,
}

impl Passed {
    /// In words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::TooSoon => "too soon",
            Self::Similar => "similar",
            Self::Stale => "stale",
            Self::NotAskedFor => "not asked for",
        }
    }
}

impl Answers {
    /// Counts one.
    pub(super) fn add(&mut self, answer: AnswerKind) {
        match answer {
            AnswerKind::Upheld => self.upheld += 1,
            AnswerKind::Dismissed => self.dismissed += 1,
            AnswerKind::Unanswered => self.unanswered += 1,
        }
        self.precision_permille = permille(self.upheld, self.upheld + self.dismissed);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.upheld += other.upheld;
        self.dismissed += other.dismissed;
        self.unanswered += other.unanswered;
        self.precision_permille = permille(self.upheld, self.upheld + self.dismissed);
    }
}

impl Compared {
    /// How far apart the two are.
    pub(super) fn distance(&self) -> u64 {
        self.recorded.warnings.abs_diff(self.proposed.warnings) + self.recorded.stops.abs_diff(self.proposed.stops)
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.recorded.warnings += other.recorded.warnings;
        self.recorded.stops += other.recorded.stops;
        self.proposed.warnings += other.proposed.warnings;
        self.proposed.stops += other.proposed.stops;
    }
}

/// A share in thousandths, cut; none of nothing.
pub(super) fn permille(part: u64, whole: u64) -> Option<u32> {
    let share = u128::from(part) * 1000;
    share.checked_div(u128::from(whole)).and_then(|share| u32::try_from(share).ok())
}

impl Calls {
    /// Whether calls to some provider are in no cost.
    pub fn is_unpriced(&self) -> bool {
        self.by_provider.iter().any(|to| to.price_micros.is_none())
    }
}
