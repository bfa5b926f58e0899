//! A pattern over channel ids: whom a grant or a filter is for.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ChannelId;

/// A channel id in which each `*` stands for any run of characters, an empty one included: `demo/*`, `*`, or a whole
/// id. Anchored at both ends: a pattern that somebody forgot to finish grants nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelPattern(Arc<str>);

/// Why a text is no channel pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Empty or too long.
    #[error("a channel pattern has 1 to {max} bytes, this one has {len}", max = ChannelPattern::BYTES_MAX)]
    Length {
        /// Its bytes.
        len: usize,
    },
    /// More stars than are worth matching.
    #[error("a channel pattern has at most {max} stars, this one has {found}", max = ChannelPattern::STARS_MAX)]
    Stars {
        /// How many.
        found: usize,
    },
    /// A character that no channel id has.
    #[error("a channel pattern holds `*` and the characters of channel ids; `{found}` at byte {at} is neither")]
    Character {
        /// Where.
        at: usize,
        /// What.
        found: char,
    },
}

impl ChannelPattern {
    /// As long as the longest channel id.
    pub const BYTES_MAX: usize = ChannelId::BYTES_MAX;
    /// Each star may cost a walk over the id.
    pub const STARS_MAX: usize = 8;

    /// Checks and takes a pattern.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() || text.len() > Self::BYTES_MAX {
            return Err(PatternError::Length { len: text.len() });
        }
        let stars = text.bytes().filter(|byte| *byte == b'*').count();
        if stars > Self::STARS_MAX {
            return Err(PatternError::Stars { found: stars });
        }
        match text.char_indices().find(|(_, c)| *c != '*' && ChannelId::new(c.to_string()).is_err()) {
            Some((at, found)) => Err(PatternError::Character { at, found }),
            None => Ok(Self(Arc::from(text))),
        }
    }

    /// Every channel, and what belongs to none.
    pub fn all() -> Self {
        Self(Arc::from("*"))
    }

    /// Whether this is [`ChannelPattern::all`].
    pub fn is_all(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'*')
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the channel is one of these.
    pub fn holds(&self, channel: &ChannelId) -> bool {
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = channel.as_str().strip_prefix(first) else { return false };
        let mut pieces = pieces.peekable();
        if pieces.peek().is_none() {
            return rest.is_empty(); // no star: the whole id
        }
        while let Some(piece) = pieces.next() {
            if pieces.peek().is_none() {
                return rest.ends_with(piece);
            }
            // The leftmost place is as good as any later one: what follows may only shrink.
            let Some(at) = rest.find(piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        true
    }
}

impl FromStr for ChannelPattern {
    type Err = PatternError;
    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::new(text)
    }
}

impl fmt::Display for ChannelPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ChannelPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ChannelPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for ChannelPattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ChannelPattern".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": 200 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(pattern: &str, channel: &str) -> bool {
        let channel = ChannelId::new(channel).expect("a sound id");
        ChannelPattern::new(pattern).expect("a sound pattern").holds(&channel)
    }

    #[test]
    fn a_pattern_is_anchored_at_both_ends_and_a_star_is_any_run() {
        for (pattern, channel, expected) in [
            ("*", "demo/slides", true),
            ("demo/slides", "demo/slides", true),
            ("demo/slides", "demo/slides2", false),
            ("demo/", "demo/slides", false),
            ("demo/*", "demo/slides", true),
            ("demo/*", "demo/", true),
            ("demo/*", "other/demo/slides", false),
            ("*/slides", "demo/slides", true),
            ("*/slides", "demo/slides/x", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("*ab", "aab", true),
            ("a**b", "ab", true),
        ] {
            assert_eq!(holds(pattern, channel), expected, "{pattern} on {channel}");
        }
    }

    #[test]
    fn what_is_no_pattern_says_what_was_expected() {
        assert_eq!(ChannelPattern::new(""), Err(PatternError::Length { len: 0 }));
        assert_eq!(ChannelPattern::new("demo/ x"), Err(PatternError::Character { at: 5, found: ' ' }));
        assert_eq!(ChannelPattern::new("*********"), Err(PatternError::Stars { found: 9 }));
        assert!(ChannelPattern::new("**").expect("two stars").is_all());
    }
}
