//! What is to be done about a frame.

use serde::{Deserialize, Serialize};

/// What a judged frame calls for, in rising order. There is no verdict for a frame that was not judged: a failure is
/// never *clear* (invariant I7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No rule is met.
    Clear,
    /// A rule is met that asks a person to look.
    Warn,
    /// A rule is met that stops the stream without waiting for a person.
    Stop,
}

/// What a rule asks for when it is met, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Put it before a moderator.
    Warn,
    /// Stop the stream. The encoder may reconnect.
    Stop,
    /// Revoke the channel's stream keys, then stop the stream: the encoder cannot reconnect.
    Suspend,
}

/// Who must agree before a rule's action is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// Nobody: the warden asks for the action itself.
    None,
    /// A person: the warning proposes the action, upholding it carries it out.
    Person,
}

/// What a policy does where nobody could judge its channels: frames came and failed. Never a stop: the absence of an
/// answer stops nothing (invariant I11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnavailable {
    /// Nothing more than that the channel is recorded as unwatched.
    Record,
    /// A warning is put before a moderator.
    #[default]
    Warn,
    /// A warning of the highest severity, of which whoever is on duty is told whatever else they are told.
    Page,
}
