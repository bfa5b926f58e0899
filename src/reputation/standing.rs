//! How a channel stands at a moment: its score with the grounds, the cadence that follows, and why that one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cadence::{Roused, Rousing, STEPS, interval, wanted};
use super::ledger::Ledger;
use super::score::{Appraisal, Term};
use crate::model::{ChannelId, Score, Timestamp};
use crate::policy::{Policy, Tuning};

/// What a channel's standing rests on.
#[derive(Debug, Clone)]
pub struct Grounds<'a> {
    /// The channel.
    pub channel: &'a ChannelId,
    /// What is remembered of it.
    pub ledger: &'a Ledger,
    /// What calls for a closer watch, over or not.
    pub roused: Vec<Roused>,
    /// The policy version that watches it; none if nobody does.
    pub policy: Option<&'a Policy>,
}

/// How a channel stands at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// The moment, in the channel's own time.
    pub at: Timestamp,
    /// How far it is trusted: 0 is not at all or not known, 1 is fully.
    pub score: Score,
    /// How much is known at all: 0 of a channel never watched, towards 1 with watched time.
    pub certainty: Score,
    /// What the score is made of, the weightiest first. Their sum, held between 0 and 1, is the score.
    pub terms: Vec<Term>,
    /// The same in words: the score, then a line for each term, weightiest first; at most 12 lines.
    pub explanation: Vec<String>,
    /// The cadence that follows. None: no policy watches the channel.
    pub watch: Option<Watch>,
}

/// The cadence that follows from a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// The policy fixes it: the score, computed with the default knobs, has no say in it.
    Fixed {
        /// Distance between two sampled frames, in milliseconds of captured-at.
        interval_ms: u32,
    },
    /// The score sets it, between the policy's bounds.
    Follows {
        /// Distance between two sampled frames, in milliseconds of captured-at.
        interval_ms: u32,
        /// What it would be by the score alone.
        by_score_ms: u32,
        /// What brings it below that; none if nothing does.
        roused: Option<Rousing>,
        /// Until when that lasts.
        closer_until: Option<Timestamp>,
        /// The policy's closest watch.
        fastest_ms: u32,
        /// The policy's most trusting watch.
        slowest_ms: u32,
    },
}

impl Grounds<'_> {
    /// How the channel stands at a moment of its own time.
    pub fn standing(&self, at: Timestamp) -> Standing {
        let tuning = self.policy.and_then(|policy| policy.reputation).unwrap_or_default();
        let appraisal = Appraisal::of(self.ledger, &tuning, at);
        let explanation = appraisal.lines(at);
        let Appraisal { score, certainty, terms } = appraisal;
        let watch = self.policy.map(|policy| self.watch(policy, score, at));
        Standing { at, score, certainty, terms, explanation, watch }
    }

    fn watch(&self, policy: &Policy, score: Score, at: Timestamp) -> Watch {
        let Some(tuning) = &policy.reputation else {
            return Watch::Fixed { interval_ms: policy.sampling.fastest_ms };
        };
        let found = wanted(self.channel, &policy.sampling, tuning, score, self.roused.iter().copied(), at);
        Watch::Follows {
            interval_ms: found.interval_ms,
            by_score_ms: wanted(self.channel, &policy.sampling, tuning, score, [], at).interval_ms,
            roused: found.roused,
            closer_until: found.roused.and_then(|by| self.until(by, tuning, at)),
            fastest_ms: policy.sampling.fastest_ms,
            slowest_ms: policy.sampling.slowest_ms,
        }
    }

    /// Until when what brings the channel under a closer watch does so.
    fn until(&self, by: Rousing, tuning: &Tuning, at: Timestamp) -> Option<Timestamp> {
        let of_it = self.roused.iter().filter(|roused| roused.by == by);
        of_it.map(|roused| roused.at.plus_ms(u64::from(tuning.closely_ms))).filter(|until| at < *until).max()
    }

    /// The most trusting watch of this very channel: the policy's, less its jitter. None where the cadence is fixed.
    pub fn slowest_ms(&self) -> Option<u32> {
        let policy = self.policy.filter(|policy| policy.reputation.is_some())?;
        Some(interval(self.channel, &policy.sampling, STEPS))
    }
}

impl Watch {
    /// Distance between two sampled frames, in milliseconds of captured-at.
    pub fn interval_ms(&self) -> u32 {
        match self {
            Self::Fixed { interval_ms } | Self::Follows { interval_ms, .. } => *interval_ms,
        }
    }
}

/// `looked at every 34.2 s: a rule was hit, until …; by the score alone it would be every 60.0 s; …`.
impl std::fmt::Display for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Fixed { interval_ms } => {
                write!(f, "looked at every {}: the policy fixes it, and the score has no say", seconds(interval_ms))
            }
            Self::Follows { interval_ms, by_score_ms, roused, closer_until, fastest_ms, slowest_ms } => {
                write!(f, "looked at every {}", seconds(interval_ms))?;
                match roused {
                    None => write!(f, " by its score")?,
                    Some(by) => {
                        write!(f, ": {}", by.cause())?;
                        if let Some(until) = closer_until {
                            write!(f, ", until {until}")?;
                        }
                        write!(f, "; by the score alone it would be every {}", seconds(by_score_ms))?;
                    }
                }
                write!(f, "; the policy wants {} to {}", seconds(fastest_ms), seconds(slowest_ms))
            }
        }
    }
}

/// Milliseconds as people read them, towards zero: `12.5 s`, `60 s`.
pub(super) fn seconds(ms: u32) -> String {
    match ms % 1000 / 100 {
        0 => format!("{} s", ms / 1000),
        tenths => format!("{}.{tenths} s", ms / 1000),
    }
}
