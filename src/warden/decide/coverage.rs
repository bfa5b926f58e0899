//! Whether somebody looks at the channel. Silence is loud.

use crate::events::{Actor, ChannelUnwatched, ChannelWatched, UnwatchedBecause};
use crate::model::{SessionId, Timestamp};
use crate::policy::Policy;
use crate::warden::{ChannelState, Coverage};

use super::{Decision, Draft};

/// Time passed: lapsed claims are given back, and a live channel whose input has dried up is unwatched.
pub(super) fn tick(state: &ChannelState, policy: Option<&Policy>, now: Timestamp) -> Decision {
    let mut draft = Draft::other(state, Actor::Warden(policy.map(|policy| policy.reference.clone())), "tick");
    super::moderator::lapse_claims(&mut draft, now);
    if let (Coverage::Watched { from }, Some((pace, _))) = (&state.coverage, &state.pace) {
        // Frames take a while to arrive and be judged: a gap is called one after twice the expected interval.
        let silent_from = from.plus_ms(2 * u64::from(pace.interval_ms) + u64::from(pace.tolerance_ms));
        if now >= silent_from {
            let since = state.covered_until().unwrap_or(*from);
            draft.push(ChannelUnwatched { since, because: UnwatchedBecause::NoInput });
        }
    }
    draft.decided()
}

/// A frame of `session` captured at `captured_at` had no covering outcome: the channel is unwatched if nothing else
/// covers it. A frame of a broadcast that is over says nothing of the one on the air.
pub(super) fn uncovered(draft: &mut Draft<'_>, session: &SessionId, captured_at: Timestamp, because: UnwatchedBecause) {
    let since = match draft.state.coverage {
        _ if draft.state.is_replaced(session) => return,
        Coverage::Watched { from } => draft.state.covered_until().unwrap_or(from),
        Coverage::Idle | Coverage::Unwatched { .. } => return, // said already, or nothing on the air
    };
    if captured_at > since || because == UnwatchedBecause::Quarantined {
        draft.push(ChannelUnwatched { since: since.min(captured_at), because });
    }
}

/// A frame came though no policy watches the channel any more: said with the first such frame.
pub(super) fn unpolicied(draft: &mut Draft<'_>, captured_at: Timestamp) {
    if let Coverage::Watched { .. } = draft.state.coverage {
        draft.push(ChannelUnwatched { since: captured_at, because: UnwatchedBecause::NoPolicy });
    }
}

/// A frame of `session` captured at `captured_at` covers the channel under `policy`: says so if it was unwatched.
/// A frame so late that its cover had ended before the channel was called unwatched covers nothing.
pub(super) fn covered(draft: &mut Draft<'_>, policy: &Policy, session: &SessionId, captured_at: Timestamp) {
    let Coverage::Unwatched { since, .. } = draft.state.coverage else { return };
    let until = captured_at.plus_ms(u64::from(policy.sampling.interval_ms) + u64::from(policy.sampling.tolerance_ms));
    if until > since && !draft.state.is_replaced(session) {
        draft.push(ChannelWatched { unwatched_since: since, unwatched_ms: captured_at.ms_since(since) });
    }
}
