//! Media of which nobody judges a segment though the channel's policy asks for them: a fold that ends with what ends it for
//! the channel's warden, so that a row and the warden never differ.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OnAir;
use crate::events::{CadenceChanged, Event, SegmentsUnjudged, Skip, UnjudgedBecause, UnwatchedBecause};
use crate::model::{Medium, PolicyRef, SessionId, Timestamp};

/// A medium of which no segment is judged though the channel is live and its policy asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ChannelUnjudged")]
pub struct Unjudged {
    /// What of the segments.
    pub medium: Medium,
    /// Since when none was tried.
    pub since: Timestamp,
    /// Why.
    pub because: UnjudgedBecause,
}

/// Folds an event that happened `at` into what is unjudged. `on_air` and `policy`, which sets the cadence, as they were
/// before it.
pub(super) fn follow(
    unjudged: &mut Vec<Unjudged>,
    on_air: Option<&OnAir>,
    policy: Option<&PolicyRef>,
    at: Timestamp,
    event: &Event,
) {
    if let Event::SegmentsUnjudged(SegmentsUnjudged { medium, since, because, .. }) = event {
        unjudged.retain(|known| known.medium != *medium);
        unjudged.reserve_exact(1); // most channels have none, and none has many
        return unjudged.push(Unjudged { medium: *medium, since: *since, because: *because });
    }
    if unjudged.is_empty() {
        return;
    }
    let ends_all = match event {
        Event::SessionStarted(_) => true,
        Event::SessionEnded(ended) => on_air.is_some_and(|on_air| on_air.session == ended.session),
        // It is said anew of a policy that asks for them, and one that does not has none to miss.
        Event::CadenceChanged(CadenceChanged { policy: now, .. }) => policy.is_none_or(|before| before != now),
        Event::ChannelUnwatched(unwatched) => unwatched.because == UnwatchedBecause::NoPolicy,
        _ => false, // no other ends a broadcast or a policy
    };
    if ends_all {
        *unjudged = Vec::new();
    } else if let Some(medium) = tried(on_air, at, event) {
        unjudged.retain(|known| known.medium != medium);
    }
}

/// The medium of a segment of the broadcast on the air that was tried: judged, found to have no such track, or failed.
fn tried(on_air: Option<&OnAir>, at: Timestamp, event: &Event) -> Option<Medium> {
    let on_air = on_air?;
    let shows = |session: &SessionId| on_air.session == *session || !session.is_named();
    let (medium, of_this) = match event {
        Event::FrameAssessed(assessed) => (assessed.medium, shows(&assessed.session)),
        // These name no broadcast: one captured before this one began was of another.
        Event::FrameFailed(failed) => (failed.medium, at >= on_air.since),
        Event::FrameSkipped(skipped) => {
            (skipped.medium, matches!(skipped.because, Skip::NoTrack { .. }) && at >= on_air.since)
        }
        _ => return None, // nothing of a segment
    };
    (of_this && !medium.is_picture()).then_some(medium)
}
