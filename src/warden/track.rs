//! How far the segments of a broadcast have come, each medium by itself: when the next is due, whether they can be judged,
//! and whether any is judged at all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ChannelState;
use crate::model::{Medium, Timestamp};
use crate::policy::Policy;

/// However often a policy wants a segment, none is missed before this. Only what has come to its end is known here: one may
/// be under way for a minute while the next is in line for as long, and a segment of ten seconds is announced once it is
/// whole and stored. So two minutes between two that are tried are no silence yet.
const UNJUDGED_AFTER_MS_MIN: u64 = 150_000;

/// The segments of a broadcast, each medium by itself: none covers the channel, and no picture is measured by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Segments {
    /// As they look.
    pub clips: Track,
    /// As they sound.
    pub sound: Track,
}

/// How far the segments of one medium have come, by captured-at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Track {
    /// The newest one with any outcome.
    pub seen: Option<Timestamp>,
    /// The newest one that was assessed, or found to have no track of the medium.
    pub assessed: Option<Timestamp>,
    /// The newest one that it was tried with: one of these, or one that failed.
    #[serde(default)]
    pub tried: Option<Timestamp>,
    /// How many have failed since one was assessed; counted up to 255.
    #[serde(default)]
    pub failures: u8,
    /// Whether it was said that none is judged, and none has been tried since.
    #[serde(default)]
    pub unjudged: bool,
}

/// From when on the segments of a medium count as judged by nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unjudged {
    /// Since when none was tried.
    pub since: Timestamp,
    /// Whether one has come since then that was due: what came too soon is no sign that any would have been judged.
    pub arrived: bool,
    /// When that is called so.
    pub from: Timestamp,
}

impl Track {
    /// One captured then has an outcome.
    pub fn saw(&mut self, captured_at: Timestamp) {
        self.seen = self.seen.max(Some(captured_at));
    }

    /// One captured then was assessed, or has nothing that could be.
    pub fn judged(&mut self, captured_at: Timestamp) {
        self.tries(captured_at);
        self.assessed = self.assessed.max(Some(captured_at));
        self.failures = 0;
    }

    /// One could not be judged.
    pub(super) fn failed(&mut self, captured_at: Timestamp) {
        self.tries(captured_at);
        self.failures = self.failures.saturating_add(1);
    }

    fn tries(&mut self, captured_at: Timestamp) {
        self.saw(captured_at);
        self.tried = self.tried.max(Some(captured_at));
        self.unjudged = false;
    }
}

impl ChannelState {
    /// What is remembered of the segments of that medium.
    pub fn track(&self, medium: Medium) -> Track {
        let segments = self.segments.as_deref().copied().unwrap_or_default();
        match medium {
            Medium::Picture => Track::default(), // of pictures more is remembered, elsewhere
            Medium::Clip => segments.clips,
            Medium::Sound => segments.sound,
        }
    }

    /// What is remembered of the segments of that medium, to be changed; none of pictures.
    pub(super) fn track_mut(&mut self, medium: Medium) -> Option<&mut Track> {
        match medium {
            Medium::Picture => None,
            Medium::Clip => Some(&mut self.segments.get_or_insert_default().clips),
            Medium::Sound => Some(&mut self.segments.get_or_insert_default().sound),
        }
    }

    /// From when on the segments of that medium count as judged by nobody: after twice the expected interval, as pictures
    /// do, counted from the last that was tried, or from when the policy came into force for the broadcast. None where
    /// nothing is on the air, the policy does not ask for them, or it was said already.
    pub fn unjudged(&self, policy: &Policy, medium: Medium) -> Option<Unjudged> {
        let (listening, session, track) = (policy.listening(medium)?, self.session.as_ref()?, self.track(medium));
        let in_force = self.pace.as_ref().is_some_and(|(_, set_by)| *set_by == policy.reference);
        if track.unjudged || !in_force {
            return None;
        }
        let since = Some(session.since).max(self.policy_since).max(track.tried)?;
        let pace = listening.pace();
        let wait_ms = 2 * u64::from(pace.interval_ms) + u64::from(pace.tolerance_ms);
        let asked_for_ms = u64::from(pace.interval_ms).saturating_sub(u64::from(pace.tolerance_ms));
        let arrived = track.seen.is_some_and(|seen| {
            seen > since && track.assessed.is_none_or(|assessed| seen >= assessed.plus_ms(asked_for_ms))
        });
        Some(Unjudged { since, arrived, from: since.plus_ms(wait_ms.max(UNJUDGED_AFTER_MS_MIN)) })
    }

    /// From when on something is to be said of segments that nobody judges; none while all are.
    pub fn unjudged_from(&self, policy: &Policy) -> Option<Timestamp> {
        policy
            .media_of_segments()
            .filter_map(|medium| self.unjudged(policy, medium))
            .map(|unjudged| unjudged.from)
            .min()
    }
}
