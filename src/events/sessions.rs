//! Broadcasts begin and end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::SessionId;

/// A broadcast began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionStarted {
    /// The broadcast.
    pub session: SessionId,
    /// How it is known.
    pub because: SessionStartBecause,
}

/// How a session's start is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStartBecause {
    /// The platform announced it.
    Announced,
    /// A frame of it arrived before, or without, an announcement: announcements are best effort.
    FrameArrived,
}

/// A broadcast ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnded {
    /// The broadcast.
    pub session: SessionId,
    /// How it is known.
    pub because: SessionEndBecause,
}

/// How a session's end is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionEndBecause {
    /// The platform announced it.
    Announced,
    /// Another session of the same channel began; a channel has one broadcast at a time.
    AnotherBegan,
    /// An enforcement was verified: the broadcast is off the air.
    Stopped,
}
