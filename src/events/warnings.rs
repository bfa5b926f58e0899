//! Open questions to a moderator, and their answers. An answer names warnings by id and applies to nothing else
//! (invariant I9).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DecidedBy, Event};
use crate::model::{
    Action, Approval, ContentRef, FrameId, Label, Medium, ModeratorId, OnUnavailable, PolicyRef, RuleId, SessionId,
    Timestamp, WarningId,
};

/// A rule is met, somebody outside decided, or frames could not be judged, and a person is asked to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningRaised {
    /// The warning.
    pub warning: WarningId,
    /// The frame whose assessment met the rule, or the one that failed.
    pub frame: FrameId,
    /// What of a segment that frame is; not said of a picture.
    #[serde(default, skip_serializing_if = "Medium::is_picture")]
    pub medium: Medium,
    /// The broadcast it was judged in.
    pub session: SessionId,
    /// The policy version the rule belongs to.
    pub policy: PolicyRef,
    /// The rule; [`RuleId::on_unavailable_of`] its medium where frames could not be judged, [`RuleId::of_external`] where an external
    /// actor decided.
    pub rule: RuleId,
    /// Digest of the rule's definition; 0 where no rule raised it.
    pub rev: u32,
    /// How grave the policy calls it, 1 (least) to 5.
    pub severity: u8,
    /// What the rule asks for.
    pub action: Action,
    /// Who must agree to it.
    pub approval: Approval,
    /// The label that hit the rule with the largest margin; none where no rule raised it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// Its confidence over the rule's threshold, in thousandths of a percent; 0 where there is no label.
    pub margin: i32,
    /// After the answer, no new warning of this rule for so long (captured-at), in milliseconds.
    pub cooldown_ms: u32,
    /// Why a person is asked though the rule would stop without one; none if it asks as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<AsksBecause>,
    /// Raised because frames could not be judged, not by a rule: what the policy says of that, `warn` or `page`. The
    /// `FrameFailed` of `frame` says what failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<OnUnavailable>,
    /// Raised because an external actor decided about `frame`, not by a rule: who, and what they call it. The
    /// `DecisionReceived` before it in the same append says what that means here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<DecidedBy>,
}

impl WarningRaised {
    /// Whether a rule of a policy raised it, because of a label.
    pub fn is_of_rule(&self) -> bool {
        self.unavailable.is_none() && self.decided_by.is_none()
    }
}

/// Why a rule that stops without a person only asks one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsksBecause {
    /// The frame came late: what it shows may be over.
    Late,
    /// Nobody knows by name which broadcast the frame is of.
    Unnamed,
    /// The policy proposes every stop to a person.
    ProposeOnly,
    /// The policy asks for several different rules to be met before a stop goes ahead by itself.
    TooFewRules {
        /// Rules met within the time, this one included.
        met: u8,
        /// Rules needed.
        needed: u8,
        /// Within how many milliseconds of captured-at.
        within_ms: u32,
    },
    /// The policy asks for a second provider to agree, and it answered and did not.
    SecondDisagrees,
    /// The policy asks for a second provider to agree, and it gave no answer.
    NoSecond,
    /// The policy asks for a second provider to agree, and about a segment only one is asked.
    SecondNotAsked,
    /// The policy asks for a second provider to agree, and that one decided the frame itself: it cannot agree with itself.
    SecondDecided,
    /// No policy watches the channel any more: none says that its streams may be stopped without a person.
    NoPolicy,
}

impl std::fmt::Display for AsksBecause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Late => f.write_str("the frame came late"),
            Self::Unnamed => f.write_str("nobody knows by name which broadcast the frame is of"),
            Self::SecondDisagrees => f.write_str("the second provider does not agree"),
            Self::NoSecond => f.write_str("the second provider gave no answer"),
            Self::SecondNotAsked => f.write_str("no second provider is asked about sound and clips"),
            Self::SecondDecided => f.write_str("the second provider is the one that decided"),
            Self::NoPolicy => f.write_str("no policy watches the channel any more"),
            Self::ProposeOnly => f.write_str("the policy proposes every stop to a person"),
            Self::TooFewRules { met, needed, within_ms } => {
                write!(f, "{met} of the {needed} different rules were met that the policy wants within {within_ms} ms")
            }
        }
    }
}

/// Nobody needs to answer any more: what the warning asked about has passed by itself. Only of warnings that frames
/// could not be judged; what a rule saw is answered by a person or stays open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningLapsed {
    /// The warning.
    pub warning: WarningId,
    /// What has passed.
    pub because: LapsedBecause,
}

/// Why a warning needs no answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LapsedBecause {
    /// The channel is watched again.
    WatchedAgain,
    /// Segments of the warning's medium are judged again.
    JudgedAgain,
    /// No policy asks for segments of the warning's medium any more.
    NotAskedFor,
    /// The broadcast is over.
    SessionOver,
}

impl std::fmt::Display for LapsedBecause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::WatchedAgain => "the channel is watched again",
            Self::JudgedAgain => "they are judged again",
            Self::NotAskedFor => "no policy asks for them any more",
            Self::SessionOver => "the broadcast is over",
        })
    }
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

/// An appeal overturned a warning that a moderator had upheld: the decision no longer stands, and leaves no trace in what
/// is thought of the channel. A person's act, and never that of whoever upheld it. What has come of the decision, a stop
/// or revoked keys, is lifted by an act of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningOverturned {
    /// The warning.
    pub warning: WarningId,
    /// Who overturned it.
    pub by: ModeratorId,
    /// Why. The text is kept in the content store.
    pub why: ContentRef,
    /// Who had upheld it.
    pub upheld_by: ModeratorId,
    /// When.
    pub upheld_at: Timestamp,
    /// The broadcast it was about.
    pub session: SessionId,
    /// The rule that had raised it.
    pub rule: RuleId,
    /// How grave the policy called it, 1 (least) to 5.
    pub severity: u8,
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
            Self::WarningLapsed(it) => Some(it.warning),
            Self::WarningOverturned(it) => Some(it.warning),
            _ => None, // a question about one event, not a fold: no event of another family is about a warning
        }
    }
}
