//! Roles, and the permissions each of them is. One table, read by the gate, the tests and the API description.

use serde::{Deserialize, Serialize};

/// What a caller may be. Given together with the channels it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks: channels, decisions, warnings, policies, the live feed.
    Viewer,
    /// Works the queue and may stop streams.
    Moderator,
    /// Decides appeals: sees what a moderator sees, kept pictures included, and overturns what others decided.
    AppealReviewer,
    /// Publishes and retires policies.
    PolicyAuthor,
    /// Asks about the past: exports, evidence, consumers and replays.
    Auditor,
    /// Hands in frames and sees what became of them; nothing else.
    Ingest,
    /// Everything that anybody may who is known by a token.
    Admin,
}

/// What a route needs. Every route states one; there is none without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Anybody, without saying who: health, the API description.
    Open,
    /// See channels, decisions, warnings, policies, the feed.
    Read,
    /// Hand in a frame.
    Ingest,
    /// Tell of a decision that was taken outside. No role has it: an external actor does, which is known by its own
    /// secret and may nothing else.
    Decide,
    /// See what became of a frame: who hands in may, and who reads may.
    ReadOutcome,
    /// Claim, answer, note, escalate.
    Moderate,
    /// Overturn what somebody else upheld.
    Appeal,
    /// Stop, suspend, lift.
    Enforce,
    /// Look at kept pictures. Recorded.
    ReadEvidence,
    /// Take many events away in one answer. Recorded.
    Export,
    /// Make, read and rewind consumers; start and cancel replays.
    Consume,
    /// Publish and retire policies, try them over the past.
    WritePolicy,
    /// Destroy what is kept of a channel or a person, for good. Recorded.
    Erase,
    /// Read measurements of the process.
    Operate,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 14] = [
        Self::Open,
        Self::Read,
        Self::Ingest,
        Self::Decide,
        Self::ReadOutcome,
        Self::Moderate,
        Self::Appeal,
        Self::Enforce,
        Self::ReadEvidence,
        Self::Export,
        Self::Consume,
        Self::WritePolicy,
        Self::Erase,
        Self::Operate,
    ];
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Viewer,
        Self::Moderator,
        Self::AppealReviewer,
        Self::PolicyAuthor,
        Self::Auditor,
        Self::Ingest,
        Self::Admin,
    ];

    /// Whether the role may.
    pub fn may(self, permission: Permission) -> bool {
        use Permission::*;
        match self {
            Self::Admin => permission != Decide,
            Self::Viewer => matches!(permission, Open | Read | ReadOutcome),
            Self::Moderator => {
                matches!(permission, Open | Read | ReadOutcome | Moderate | Enforce | ReadEvidence)
            }
            Self::AppealReviewer => matches!(permission, Open | Read | ReadOutcome | ReadEvidence | Appeal),
            Self::PolicyAuthor => matches!(permission, Open | Read | ReadOutcome | WritePolicy),
            Self::Auditor => {
                matches!(permission, Open | Read | ReadOutcome | ReadEvidence | Export | Consume | Operate)
            }
            Self::Ingest => matches!(permission, Open | Ingest | ReadOutcome),
        }
    }
}
