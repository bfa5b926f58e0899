//! How closely a channel is watched: its score on a ladder between the policy's bounds, and what brings it down the
//! ladder for a while.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fixed::{ONE, doublings, halved};
use crate::events::CadenceBecause;
use crate::model::{ChannelId, Score, Sha256, Timestamp};
use crate::policy::{Sampling, Tuning};

/// Steps between the closest and the most trusting watch. A cadence changes by whole steps, so that a score that
/// creeps up does not fill the journal.
pub const STEPS: u32 = 10;
/// A cadence is shortened by up to this share of itself, by the channel's name: else thousands of channels that began
/// together would be looked at together for ever.
const JITTER_SHARE: u32 = 16;

/// A broadcast that begins within this time after a stop, in milliseconds, is taken for the one that was stopped.
pub const RECONNECT_MS: u64 = 60 * 60 * 1000;

/// What brings a channel under a closer watch for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rousing {
    /// A rule was hit.
    Hit,
    /// A person upheld a warning.
    Upheld,
    /// The platform stopped the broadcast; what comes next on the channel is watched.
    Stopped,
    /// A broadcast began soon after a stop.
    Reconnected,
    /// A label came near a threshold.
    NearMiss,
    /// A broadcast began.
    Began,
    /// Many more people came to watch.
    ViewersRose,
}

/// Something that brought a channel under a closer watch, and when (captured-at).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Roused {
    /// What.
    pub by: Rousing,
    /// When.
    pub at: Timestamp,
}

impl Rousing {
    /// Whether it calls for the closest watch; else for one half-way down the ladder.
    pub fn is_alarm(self) -> bool {
        match self {
            Self::Hit | Self::Upheld | Self::Stopped | Self::Reconnected => true,
            Self::NearMiss | Self::Began | Self::ViewersRose => false,
        }
    }

    /// The cause that a change of cadence names.
    pub fn cause(self) -> CadenceBecause {
        match self {
            Self::Hit => CadenceBecause::Hit,
            Self::Upheld => CadenceBecause::Upheld,
            Self::Stopped | Self::Reconnected => CadenceBecause::Reconnected,
            Self::NearMiss => CadenceBecause::NearMiss,
            Self::Began => CadenceBecause::SessionBegan,
            Self::ViewersRose => CadenceBecause::ViewersRose,
        }
    }
}

/// The cadence wanted of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Distance between two sampled frames, in milliseconds of captured-at.
    pub interval_ms: u32,
    /// What brings it below what the score alone asks for, if anything does.
    pub roused: Option<Rousing>,
}

/// The cadence of a channel with that score at a moment of its own time, roused by whatever of `roused` is not over.
/// Never outside the policy's bounds; a lower score or one more rousing never makes it slower.
pub fn wanted(
    channel: &ChannelId,
    sampling: &Sampling,
    tuning: &Tuning,
    score: Score,
    roused: impl IntoIterator<Item = Roused>,
    at: Timestamp,
) -> Wanted {
    let trusted = u32::from(score.as_milli()) * STEPS / 1000;
    let in_force = |roused: &Roused| at < roused.at.plus_ms(u64::from(tuning.closely_ms));
    let strongest = roused.into_iter().filter(in_force).max_by_key(|roused| (roused.by.is_alarm(), roused.at));
    let step = match strongest {
        Some(roused) if roused.by.is_alarm() => 0,
        Some(_) => trusted / 2,
        None => trusted,
    };
    Wanted {
        interval_ms: interval(channel, sampling, step),
        roused: strongest.filter(|_| step < trusted).map(|roused| roused.by),
    }
}

/// The cadence at a step of the ladder: each is the same share longer than the one before.
pub fn interval(channel: &ChannelId, sampling: &Sampling, step: u32) -> u32 {
    let Sampling { fastest_ms, slowest_ms, .. } = *sampling;
    if step == 0 || fastest_ms >= slowest_ms {
        return fastest_ms;
    }
    let down = STEPS.saturating_sub(step);
    let halvings = u64::from(doublings(slowest_ms, fastest_ms)) * u64::from(down) / u64::from(STEPS);
    let plain = (u64::from(slowest_ms) * u64::from(halved(halvings, u64::from(ONE))) / u64::from(ONE)) as u32;
    let [name, ..] = Sha256::of(channel.as_str().as_bytes()).0;
    let jittered = plain - (u64::from(plain) * u64::from(name) / u64::from(JITTER_SHARE * 256)) as u32;
    (jittered / 100 * 100).clamp(fastest_ms, slowest_ms)
}
