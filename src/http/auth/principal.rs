//! The caller, once it is known.

use super::{Permission, Role};
use crate::events::Actor;
use crate::model::{ChannelId, ChannelPattern, ModeratorId, Timestamp};

/// A role on some channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// The channels it is for.
    pub channels: ChannelPattern,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The pseudonym under which their acts are recorded. Never a name or an address.
    pub id: ModeratorId,
    /// What they may.
    pub grants: Vec<Grant>,
}

/// Somebody whose credential holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// Who they are.
    pub principal: Principal,
    /// When the credential ends; never by itself, if it does not say.
    pub until: Option<Timestamp>,
}

impl Principal {
    /// Who acts, as the journal has it.
    pub fn actor(&self) -> Actor {
        Actor::Moderator(self.id.clone())
    }

    /// Whether they may, on that channel.
    pub fn may(&self, permission: Permission, channel: &ChannelId) -> bool {
        self.grants.iter().any(|grant| grant.role.may(permission) && grant.channels.holds(channel))
    }

    /// Whether they may on some channel: enough to ask for a list, which shows only theirs.
    pub fn may_somewhere(&self, permission: Permission) -> bool {
        self.grants.iter().any(|grant| grant.role.may(permission))
    }

    /// Whether they may on every channel, and so with what belongs to none: policies, consumers, the store.
    pub fn may_everywhere(&self, permission: Permission) -> bool {
        self.grants.iter().any(|grant| grant.role.may(permission) && grant.channels.is_all())
    }

    /// The channels on which they may.
    pub fn channels(&self, permission: Permission) -> Vec<ChannelPattern> {
        let granting = self.grants.iter().filter(|grant| grant.role.may(permission));
        granting.map(|grant| grant.channels.clone()).collect()
    }
}
