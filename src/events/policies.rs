//! Policies published and retired, and run in shadow.

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

/// A policy version runs in shadow from this position on: it judges beside the live policy, and nothing follows from its
/// verdicts. Versions are counted together with the live ones of the same policy, each used once: a text that is
/// published after it ran in shadow is another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyShadowed {
    /// The version.
    pub policy: PolicyRef,
    /// Its text.
    pub text: ContentRef,
    /// Why, in the words of whoever started it, if they gave any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<ContentRef>,
}

/// A policy version no longer runs in shadow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyUnshadowed {
    /// The version that ran in shadow.
    pub policy: PolicyRef,
    /// Why, in the words of whoever ended it, if they gave any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<ContentRef>,
}
