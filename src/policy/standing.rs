//! Which of several policies watches a channel, and why not the others.

use std::fmt;
use std::sync::Arc;

use super::{Channels, Policy, PolicySet};
use crate::model::{ChannelId, PolicyRef};

/// What a policy has to do with a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The policy.
    pub policy: PolicyRef,
    /// Whether and why it applies.
    pub because: StandingBecause,
}

/// Why a policy applies to a channel, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandingBecause {
    /// It applies: it lists the channel.
    Lists,
    /// It applies: its pattern finds the channel.
    Finds {
        /// The pattern.
        pattern: String,
    },
    /// It lists other channels.
    ListsOthers,
    /// Its pattern does not find the channel.
    FindsNothing {
        /// The pattern.
        pattern: String,
    },
    /// It would apply, and another goes before it.
    Outranked {
        /// The one that applies.
        by: PolicyRef,
        /// Why that one goes first.
        rank: Rank,
    },
}

/// Why one of two policies for the same channel goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// It lists the channel, the other finds it by pattern.
    ListedFirst,
    /// Its priority is higher.
    Priority {
        /// Its priority.
        winner: i32,
        /// The other's.
        loser: i32,
    },
    /// Their priorities are equal and its id is the smaller one.
    SmallerId,
}

/// Says of every policy what it has to do with a channel, in the order given.
pub fn standings<'a>(policies: impl IntoIterator<Item = &'a Policy>, channel: &ChannelId) -> Vec<Standing> {
    let policies: Vec<&Policy> = policies.into_iter().collect();
    let set = PolicySet::new(policies.iter().map(|policy| Arc::new((*policy).clone())).collect());
    let winner = set.for_channel(channel);
    let standing = |policy: &Policy| {
        let because = match (&policy.channels, winner) {
            (Channels::Listed(_), _) if !policy.channels.holds(channel) => StandingBecause::ListsOthers,
            (Channels::Matching(pattern), _) if !pattern.is_match(channel.as_str()) => {
                StandingBecause::FindsNothing { pattern: pattern.as_str().to_owned() }
            }
            (_, Some(winner)) if winner.reference != policy.reference => {
                StandingBecause::Outranked { by: winner.reference.clone(), rank: rank(winner, policy) }
            }
            (Channels::Listed(_), _) => StandingBecause::Lists,
            (Channels::Matching(pattern), _) => StandingBecause::Finds { pattern: pattern.as_str().to_owned() },
        };
        Standing { policy: policy.reference.clone(), because }
    };
    policies.into_iter().map(standing).collect()
}

fn rank(winner: &Policy, loser: &Policy) -> Rank {
    match (&winner.channels, &loser.channels) {
        (Channels::Listed(_), Channels::Matching(_)) => Rank::ListedFirst,
        _ if winner.priority == loser.priority => Rank::SmallerId,
        _ => Rank::Priority { winner: winner.priority, loser: loser.priority },
    }
}

impl StandingBecause {
    /// Whether the policy applies.
    pub fn applies(&self) -> bool {
        match self {
            Self::Lists | Self::Finds { .. } => true,
            Self::ListsOthers | Self::FindsNothing { .. } | Self::Outranked { .. } => false,
        }
    }

    /// Whether the policy is about the channel at all, whoever goes before it.
    pub fn concerns(&self) -> bool {
        match self {
            Self::Lists | Self::Finds { .. } | Self::Outranked { .. } => true,
            Self::ListsOthers | Self::FindsNothing { .. } => false,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, because } = self;
        match because {
            StandingBecause::Lists => write!(f, "{policy} applies: it lists the channel"),
            StandingBecause::Finds { pattern } => {
                write!(f, "{policy} applies: its pattern {pattern} finds the channel")
            }
            StandingBecause::ListsOthers => write!(f, "{policy} does not apply: it lists other channels"),
            StandingBecause::FindsNothing { pattern } => {
                write!(f, "{policy} does not apply: its pattern {pattern} does not find the channel")
            }
            StandingBecause::Outranked { by, rank: Rank::ListedFirst } => {
                write!(f, "{policy} does not apply: {by} lists the channel, which goes before every pattern")
            }
            StandingBecause::Outranked { by, rank: Rank::Priority { winner, loser } } => {
                write!(f, "{policy} does not apply: {by} goes first, its priority {winner} is above {loser}")
            }
            StandingBecause::Outranked { by, rank: Rank::SmallerId } => {
                write!(f, "{policy} does not apply: {by} goes first, of equal priority and the smaller id")
            }
        }
    }
}
