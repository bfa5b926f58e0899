//! What happened to the store itself and to its input.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ContentRef, Position, Sha256, Timestamp};

/// The journal was opened for writing; every event from here on bears its epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreOpened {
    /// Whether the last writer closed it in order.
    pub clean: bool,
    /// The head found.
    pub head: Position,
    /// Version of the program.
    pub program: String,
}

/// The journal was closed in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreClosed {
    /// The head left.
    pub head: Position,
}

/// A full segment was sealed into a compact, verified file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentSealed {
    /// First position in it.
    pub first: Position,
    /// Last position in it.
    pub last: Position,
    /// Chain value after its last event.
    pub chain: Sha256,
    /// Digest of the file.
    pub file: Sha256,
    /// Size of the file.
    pub bytes: u64,
}

/// An operator accepted that events are gone. The only lawful hole in the positions (invariant I2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DataLossAccepted {
    /// First position lost.
    pub from: Position,
    /// Last position lost.
    pub to: Position,
    /// What was found, as verify named it.
    pub finding: String,
}

/// A notification could not be understood. It is set aside and blocks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationRejected {
    /// Which input it came from.
    pub source: String,
    /// What was expected and where, in at most 300 bytes.
    pub reason: String,
    /// A copy of it.
    pub copy: ContentRef,
}

/// Input is missing: retention passed, a shard was trimmed, files vanished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputGap {
    /// Which input.
    pub source: String,
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: Timestamp,
}
