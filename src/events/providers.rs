//! Whether providers are asked at all. What becomes of the frames meanwhile is told by each frame's own outcome.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Medium, ProviderRef, Timestamp};

/// A provider failed again and again about one medium and is asked about it no more: frames of that medium fail at once
/// until it answers a trial. A suspension ends with the process, whose next start (`StoreOpened`, another epoch) asks anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderSuspended {
    /// The provider, as it calls itself before it has answered.
    pub provider: ProviderRef,
    /// What it is not asked about; not said of pictures.
    #[serde(default, skip_serializing_if = "Medium::is_picture")]
    pub medium: Medium,
    /// Since when.
    pub since: Timestamp,
    /// Failures in a row before it.
    pub failures: u32,
    /// What the last of them was, in at most 300 bytes.
    pub because: String,
}

/// A suspended provider answered a trial and is asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderResumed {
    /// The provider, as it calls itself before it has answered.
    pub provider: ProviderRef,
    /// What it is asked about again; not said of pictures.
    #[serde(default, skip_serializing_if = "Medium::is_picture")]
    pub medium: Medium,
    /// Since when it had been suspended.
    pub suspended_since: Timestamp,
}
