//! An act on a live stream, from its request to its single end (invariant I5): requested → admitted or held →
//! attempted → succeeded → one of verified, not needed, superseded, failed, cancelled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    ActionName, ContentRef, EnforcementId, ExternalId, ModeratorId, PolicyRef, RuleId, SessionId, Timestamp, WarningId,
};

/// What is to be done to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnforcementKind {
    /// Stop the broadcast. The encoder may reconnect.
    Stop,
    /// Revoke the channel's stream keys, then stop the broadcast.
    Suspend,
    /// Undo a suspension: give the channel a new stream key. An enforcement of its own.
    Lift,
}

/// Who wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnforcementOrigin {
    /// A rule that acts without a person. Counts against the automatic budget.
    Rule {
        /// The policy version.
        policy: PolicyRef,
        /// The rule.
        rule: RuleId,
        /// The warning raised with it.
        warning: WarningId,
    },
    /// A person. Never held by the automatic budget.
    Person {
        /// The moderator.
        by: ModeratorId,
        /// The warning they upheld, if it came from one.
        warning: Option<WarningId>,
    },
    /// An external actor whose decisions need no person here. Counts against the automatic budget.
    External {
        /// Who.
        by: ExternalId,
        /// What they call it.
        action: ActionName,
        /// The warning raised with it, or that it speaks for.
        warning: WarningId,
    },
}

impl EnforcementOrigin {
    /// The warning it goes back to, if any.
    pub fn warning(&self) -> Option<WarningId> {
        match self {
            Self::Rule { warning, .. } | Self::External { warning, .. } => Some(*warning),
            Self::Person { warning, .. } => *warning,
        }
    }

    /// As which rule it counts against the automatic budget; none if a person wants it, whom the budget never holds.
    pub fn counts_as(&self) -> Option<RuleId> {
        match self {
            Self::Rule { rule, .. } => Some(rule.clone()),
            Self::External { by, action, warning: _ } => Some(RuleId::of_external(by, action)),
            Self::Person { .. } => None,
        }
    }
}

/// Somebody wants something done to the stream. Always recorded, before anything is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementRequested {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// What is to be done.
    pub kind: EnforcementKind,
    /// The broadcast that was judged, and no other (invariant I11). None only for a lift, which concerns the channel.
    pub session: Option<SessionId>,
    /// Who wants it.
    pub origin: EnforcementOrigin,
    /// How grave it is, 1 (least) to 5: the order of work.
    pub severity: u8,
    /// When it is too old to be carried out.
    pub expires: Timestamp,
    /// Why, in the words of the person who asked, if it was a person and they gave any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ContentRef>,
}

/// The budget allows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementAdmitted {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// The moderator who admitted it, where it had been held; none if the budget did.
    pub by: Option<ModeratorId>,
}

/// The budget does not allow it: a person is asked. Absence of an answer never stops a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementHeld {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// Which budget is spent.
    pub budget: Budget,
}

/// Which of the automatic budgets is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// Automatic stops per minute, all rules together.
    PerMinute {
        /// Admitted within the last minute.
        used: u32,
        /// Allowed.
        of: u32,
    },
    /// Automatic stops per minute of this rule.
    PerRule {
        /// Admitted within the last minute.
        used: u32,
        /// Allowed.
        of: u32,
    },
    /// Automatic stops as a share of live channels.
    LiveShare {
        /// Stopped within the last minute.
        used: u32,
        /// Allowed at the number of channels now live.
        of: u32,
    },
}

/// It is about to be tried. Durable before the call is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementAttempted {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// Which try, from 1.
    pub attempt: u8,
    /// The session that is stopped, where the one judged has no name: a look showed that this is the one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<SessionId>,
}

/// The platform accepted the call. Not yet the end: it must be seen to have worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementSucceeded {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// Which try.
    pub attempt: u8,
}

/// End: the broadcast was seen to be off the air (a lift: the channel was seen to accept a key again).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementVerified {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// Milliseconds from the request to this.
    pub took_ms: u64,
}

/// End: there was nothing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementNotNeeded {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// Why not.
    pub because: NotNeededBecause,
}

/// Why there was nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotNeededBecause {
    /// The broadcast was already over.
    AlreadyOffline,
    /// There was no suspension to lift.
    NotSuspended,
}

impl std::fmt::Display for NotNeededBecause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AlreadyOffline => "the broadcast was already over",
            Self::NotSuspended => "there was no suspension to lift",
        })
    }
}

/// End: another session had begun; it was not judged, so it is not touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementSuperseded {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// The session found on the air instead.
    pub found: SessionId,
    /// Why it is not taken for the one judged.
    #[serde(default, skip_serializing_if = "SupersededBecause::is_replaced")]
    pub because: SupersededBecause,
}

/// Why a session on the air is not taken for the one judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SupersededBecause {
    /// It goes by another name.
    #[default]
    Replaced,
    /// It began after the judged frame was captured.
    BeganLater,
    /// The one judged has no name, and this one did not certainly begin before the judged frame: it began after it, or so
    /// shortly before that the frame may be of the broadcast before, or nobody says when it began.
    Unproven,
}

impl SupersededBecause {
    fn is_replaced(&self) -> bool {
        *self == Self::Replaced
    }
}

impl std::fmt::Display for SupersededBecause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Replaced => "another session is on the air",
            Self::BeganLater => "the session on the air began after the judged frame was captured",
            Self::Unproven => {
                "the broadcast judged has no name, and the session on the air did not certainly begin before the frame"
            }
        })
    }
}

/// End: it could not be done. A person must act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementFailed {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// What was wrong, in at most 300 bytes.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u8,
}

/// End: it was called off before it was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementCancelled {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// The moderator who called it off; none if it grew too old while held.
    pub by: Option<ModeratorId>,
}
