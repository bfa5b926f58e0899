//! One reader at a time. A lease lives in memory and lapses by itself; a restart drops all of them, and its readers
//! take new ones. Pure.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{ModeratorId, Position, Timestamp};

/// The shortest lease, in seconds.
pub const LEASE_S_MIN: u32 = 5;
/// The longest lease, in seconds. It is extended by every read and acknowledgement.
pub const LEASE_S_MAX: u32 = 300;

/// Tells one lease from every other there ever was: a reader whose lease went to somebody else is refused by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    /// The journal's head when this process began to give leases: it rises with every opening of the store.
    pub(super) opened_at: Position,
    /// The how manieth of this process.
    pub(super) count: u64,
}

/// The right to read a consumer's entries and to acknowledge them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lease {
    /// Goes with every read and acknowledgement.
    pub token: Token,
    /// Who has it.
    pub holder: ModeratorId,
    /// When it lapses, if it is not used before.
    pub expires_at: Timestamp,
    /// For how long each use extends it, in seconds.
    pub extends_s: u32,
}

impl Lease {
    /// Whether it holds at that moment.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// It was used.
    pub(super) fn extend(&mut self, now: Timestamp) {
        self.expires_at = self.expires_at.max(now.plus_ms(u64::from(self.extends_s) * 1000));
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.opened_at, self.count)
    }
}

/// Why a text is no lease token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a lease is two numbers joined by a hyphen, as it was given; this is {found:?}")]
pub struct TokenError {
    /// The text, shortened.
    found: String,
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let parts = text.split_once('-').and_then(|(opened_at, count)| {
            Some(Self { opened_at: Position(opened_at.parse().ok()?), count: count.parse().ok()? })
        });
        parts.ok_or_else(|| TokenError { found: text.chars().take(100).collect() })
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Token {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LeaseToken".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9]{1,20}-[0-9]{1,20}$", "maxLength": 41 })
    }
}
