//! Policies published and retired.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ContentRef, PolicyRef};

/// A policy version is in force from this position on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyPublished {
    /// The version.
    pub policy: PolicyRef,
    /// Its text, so that a decision can be explained from the journal alone.
    pub text: ContentRef,
    /// Why, in the words of whoever published it, if they gave any. Who they are stands in the envelope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<ContentRef>,
}

/// A policy is no longer in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyRetired {
    /// The version that was in force.
    pub policy: PolicyRef,
    /// Why, in the words of whoever retired it, if they gave any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<ContentRef>,
}
