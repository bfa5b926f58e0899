//! What kind of picture a provider takes one for: drawn, animated, a sport, a game.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use super::Confidence;

/// A kind of picture, as the provider names it, and how sure it is. `[name, confidence]` in the journal. No rule is
/// judged on it; who looks at a decision is helped by knowing that the weapons were drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ContentType(#[schemars(length(min = 1, max = 40))] Arc<str>, Confidence);

impl ContentType {
    /// The most bytes of a name. Rekognition's longest has 11.
    pub const NAME_BYTES_MAX: usize = 40;
    /// The most of them that an event holds, the surest first. Rekognition knows two.
    pub const INLINE_MAX: usize = 4;

    /// Takes a name that may stand in an event: not empty, not overlong, without control characters.
    pub fn new(name: &str, confidence: Confidence) -> Option<Self> {
        let sound = !name.is_empty() && name.len() <= Self::NAME_BYTES_MAX && !name.chars().any(char::is_control);
        sound.then(|| Self(name.into(), confidence))
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// How sure the provider is.
    pub fn confidence(&self) -> Confidence {
        self.1
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

impl<'de> Deserialize<'de> for ContentType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, confidence) = <(String, Confidence)>::deserialize(deserializer)?;
        Self::new(&name, confidence)
            .ok_or_else(|| serde::de::Error::custom("a content type has a name of 1 to 40 bytes"))
    }
}
