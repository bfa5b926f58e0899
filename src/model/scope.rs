//! Where an event belongs: to a channel, or to one of the system's own lists.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ids::{ChannelId, IdError};

/// The system's own scopes: what happened to the store, to policies and so on, outside any channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SystemScope {
    /// Policies published and retired.
    Policies,
    /// Notifications refused, gaps in the input, providers suspended.
    Intake,
    /// Consumers, parked entries, replays.
    Outbox,
    /// The store itself: opened, closed, sealed, repaired, content erased.
    Store,
    /// Who read or exported what.
    Access,
}

impl SystemScope {
    /// The scope's name in the journal, without the leading `$`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::Intake => "intake",
            Self::Outbox => "outbox",
            Self::Store => "store",
            Self::Access => "access",
        }
    }

    /// Every system scope.
    pub const ALL: [Self; 5] = [Self::Policies, Self::Intake, Self::Outbox, Self::Store, Self::Access];
}

/// The list of events that an event belongs to: a channel's, or one of the system's.
///
/// As text a channel is its id, a system scope is `$` and its name; no channel id may start with `$`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// A channel's own list.
    Channel(ChannelId),
    /// One of the system's lists.
    System(SystemScope),
}

impl Scope {
    /// The channel, if the scope is one.
    pub fn channel(&self) -> Option<&ChannelId> {
        match self {
            Self::Channel(channel) => Some(channel),
            Self::System(_) => None,
        }
    }
}

impl From<ChannelId> for Scope {
    fn from(channel: ChannelId) -> Self {
        Self::Channel(channel)
    }
}

impl From<SystemScope> for Scope {
    fn from(scope: SystemScope) -> Self {
        Self::System(scope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(channel) => channel.fmt(f),
            Self::System(scope) => write!(f, "${}", scope.name()),
        }
    }
}

impl FromStr for Scope {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.strip_prefix('$') {
            None => ChannelId::new(text).map(Self::Channel),
            Some(name) => SystemScope::ALL
                .into_iter()
                .find(|scope| scope.name() == name)
                .map(Self::System)
                .ok_or(IdError::Character { kind: "a scope", at: 0, found: '$' }),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Scope {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(\\$[a-z]+|[A-Za-z0-9._:/@+=,-]{1,200})$" })
    }
}
