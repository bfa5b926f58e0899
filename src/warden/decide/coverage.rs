//! Whether somebody looks at the channel. Silence is loud.

use crate::events::{
    Actor, ChannelUnwatched, ChannelWatched, Event, LapsedBecause, UnwatchedBecause, WarningLapsed, WarningRaised,
};
use crate::model::{Action, Approval, Frame, Medium, OnUnavailable, RuleId, SessionId, Timestamp, WarningId};
use crate::policy::{Policy, bounds};
use crate::warden::{ChannelState, Coverage};

use super::{Decision, Draft, segment};

/// Time passed: lapsed claims are given back, a live channel whose input has dried up is unwatched, and where segments are
/// asked for and none is judged, that is said.
pub(super) fn tick(state: &ChannelState, policy: Option<&Policy>, now: Timestamp) -> Decision {
    let mut draft = Draft::other(state, Actor::Warden(policy.map(|policy| policy.reference.clone())), "tick");
    super::moderator::lapse_claims(&mut draft, now);
    if let (Some(since), Some(silent_from)) = (state.covered_until(), state.silent_from())
        && now >= silent_from
    {
        draft.push(ChannelUnwatched { since, because: UnwatchedBecause::NoInput });
    }
    if let Some(policy) = policy {
        segment::miss(&mut draft, policy, now);
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

/// How grave a warning is that says that frames cannot be judged; of a page it is [`bounds::SEVERITY_MAX`].
const SEVERITY_OF_SILENCE: u8 = 3;
/// After such a warning was answered, no new one for so long: as long as a rule is quiet by default.
const SILENCE_COOLDOWN_MS: u32 = 300_000;

/// A picture failed and nobody looks: a person is asked to, if the policy says so.
pub(super) fn ask_to_look(draft: &mut Draft<'_>, policy: Option<&Policy>, frame: &Frame) {
    let state = draft.state;
    let said_now = draft.events.iter().any(|new| matches!(new.event, Event::ChannelUnwatched(_)));
    let unwatched = match state.coverage {
        Coverage::Unwatched { since, .. } => frame.captured_at > since && state.is_on_air(&frame.session),
        Coverage::Watched { .. } | Coverage::Idle => said_now,
    };
    if let Some(policy) = policy.filter(|_| unwatched) {
        ask_because_of(draft, policy, frame);
    }
}

/// Frames of a medium cannot be judged: a person is asked to look, or to listen, as the policy says. Once for as long as
/// the question is open, however many frames fail; never a stop (invariant I11).
pub(super) fn ask_because_of(draft: &mut Draft<'_>, policy: &Policy, frame: &Frame) {
    let severity = match policy.on_unavailable {
        OnUnavailable::Record => return,
        OnUnavailable::Warn => SEVERITY_OF_SILENCE,
        OnUnavailable::Page => bounds::SEVERITY_MAX,
    };
    let state = draft.state;
    let rule = RuleId::on_unavailable_of(frame.medium);
    // Frames of the broadcast on the air may come under its name and under none.
    let of_this = |session: &SessionId| *session == frame.session || state.is_on_air(session);
    let asked = state.open_warnings().any(|open| open.rule == rule && of_this(&open.session))
        || state.cooldown_of(&rule, &frame.session, frame.captured_at).is_some();
    if !asked {
        draft.push(WarningRaised {
            warning: WarningId::of(draft.first, &rule),
            frame: frame.id,
            medium: frame.medium,
            session: frame.session.clone(),
            policy: policy.reference.clone(),
            rule,
            rev: 0,
            severity,
            action: Action::Warn,
            approval: Approval::Person,
            label: None,
            margin: 0,
            cooldown_ms: SILENCE_COOLDOWN_MS,
            asks: None,
            unavailable: Some(policy.on_unavailable),
            decided_by: None,
        });
    }
}

/// Warnings that lapse in one decision, so that it fits an append; there is one for each broadcast that nobody looked
/// at and whose end nobody heard of. What is left lapses with the next.
const LAPSED_MAX: usize = 16;

/// Nobody needs to look or listen any more, whatever the medium: what asked for it needs no answer.
pub(super) fn lapse_all(draft: &mut Draft<'_>, because: LapsedBecause) {
    lapse(draft, because, RuleId::is_on_unavailable);
}

/// Frames of that medium need nobody any more.
pub(super) fn lapse_of(draft: &mut Draft<'_>, medium: Medium, because: LapsedBecause) {
    let silent = RuleId::on_unavailable_of(medium);
    lapse(draft, because, |rule| *rule == silent);
}

fn lapse(draft: &mut Draft<'_>, because: LapsedBecause, of: impl Fn(&RuleId) -> bool) {
    let open = draft.state.open_warnings().filter(|warning| of(&warning.rule));
    let lapsed: Vec<WarningId> = open.map(|warning| warning.id).take(LAPSED_MAX).collect();
    for warning in lapsed {
        draft.push(WarningLapsed { warning, because });
    }
}

/// No policy watches the channel any more, which is said unless it is unwatched already: a second word would move the
/// beginning of the silence.
pub(super) fn unpolicied(draft: &mut Draft<'_>, since: Timestamp) {
    if let Coverage::Watched { .. } = draft.state.coverage {
        draft.push(ChannelUnwatched { since, because: UnwatchedBecause::NoPolicy });
    }
}

/// A frame of `session` captured at `captured_at` covers the channel under `policy`: says so if it was unwatched.
/// A frame so late that its cover had ended before the channel was called unwatched covers nothing.
pub(super) fn covered(draft: &mut Draft<'_>, policy: &Policy, session: &SessionId, captured_at: Timestamp) {
    let Coverage::Unwatched { since, .. } = draft.state.coverage else { return };
    let pace = draft.state.pace_under(policy);
    let until = captured_at.plus_ms(u64::from(pace.interval_ms) + u64::from(pace.tolerance_ms));
    if until > since && !draft.state.is_replaced(session) {
        draft.push(ChannelWatched { unwatched_since: since, unwatched_ms: captured_at.ms_since(since) });
        lapse_of(draft, Medium::Picture, LapsedBecause::WatchedAgain);
    }
}
