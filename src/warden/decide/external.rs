//! Somebody outside decided about a frame. What it means here was set by the operator; whether it may stop a stream by
//! itself is decided by the same rules as for a policy's own, against the state as it is now.

use crate::events::{
    Actor, AsksBecause, DecidedBy, DecisionEffect, DecisionReceived, EnforcementKind, EnforcementOrigin,
    EnforcementRequested, WarningRaised,
};
use crate::model::{
    Action, Approval, EnforcementId, EventId, Medium, PolicyRef, RuleId, SessionId, Timestamp, WarningId,
};
use crate::policy::Policy;
use crate::warden::external::{DecidedFrame, ExternalDecision};
use crate::warden::{ChannelState, ENFORCEMENT_TTL_MS};

use super::{Decision, Draft, stops};

/// Records the decision, with the warning and the stop that follow from it.
pub(super) fn take(
    state: &ChannelState,
    policy: Option<&Policy>,
    now: Timestamp,
    decision: &ExternalDecision,
    about: &DecidedFrame,
) -> Decision {
    let ExternalDecision { by, action, then, approval, .. } = decision;
    let mut draft = Draft::other(state, Actor::External(by.clone()), "external decision");
    draft.first = ExternalDecision::id(by, action, about.frame);
    draft.causation = Some(EventId::outcome_of(about.frame));
    draft.captured_at = Some(about.captured_at);

    let rule = RuleId::of_external(by, action);
    let place = place(state, policy, about);
    let effect = match (then, &place) {
        (None, _) => DecisionEffect::Noted,
        (Some(_), None) => DecisionEffect::Unplaced,
        (Some(_), Some((session, _))) => effect(state, &rule, session, about.captured_at, draft.first),
    };
    let session = match &place {
        Some((session, _)) => Some(session.clone()),
        None => about.judged.as_ref().map(|(session, _)| session.clone()),
    };
    draft.push(DecisionReceived {
        by: by.clone(),
        action: action.clone(),
        frame: about.frame,
        session,
        then: *then,
        approval: *approval,
        effect: effect.clone(),
    });
    let (Some(then), Some((session, judged_under))) = (*then, place) else { return draft.decided() };
    let kind = kind(then).filter(|_| *approval == Approval::None);
    let asks = kind.and_then(|_| why_asks(state, policy, now, decision, about, &session));
    let stops = kind.filter(|_| asks.is_none());
    let warning = match effect {
        DecisionEffect::Raised(warning) => {
            draft.push(WarningRaised {
                warning,
                frame: about.frame,
                medium: Medium::Picture, // what is shown outside is pictures
                session: session.clone(),
                policy: judged_under,
                rule,
                rev: 0,
                severity: decision.severity,
                action: then,
                approval: if stops.is_some() { Approval::None } else { Approval::Person },
                label: None,
                margin: 0,
                cooldown_ms: decision.cooldown_ms,
                asks,
                unavailable: None,
                decided_by: Some(DecidedBy { by: by.clone(), action: action.clone() }),
            });
            Some(warning)
        }
        // It asked a person, as of a frame that was too old, and now nothing stands in the way.
        DecisionEffect::Joined(warning) => {
            state.warning(warning).filter(|open| open.approval == Approval::Person).map(|open| open.id)
        }
        DecisionEffect::Noted | DecisionEffect::Cooldown(_) | DecisionEffect::Unplaced => None,
    };
    if let (Some(kind), Some(warning)) = (stops, warning)
        && !stops::asked_already(&draft, &session, kind)
    {
        draft.push(EnforcementRequested {
            enforcement: EnforcementId::of(draft.first, "stop"),
            kind,
            session: Some(session),
            origin: EnforcementOrigin::External { by: by.clone(), action: action.clone(), warning },
            severity: decision.severity,
            expires: now.plus_ms(ENFORCEMENT_TTL_MS),
            reason: None,
        });
    }
    draft.decided()
}

/// The broadcast that a warning is about, and the policy version that it goes back to: those the frame was judged in and
/// under. Of a frame that was not judged nobody has recorded them: the broadcast on the air is it if it is as old as the
/// frame, because a channel carries one at a time.
fn place(state: &ChannelState, policy: Option<&Policy>, about: &DecidedFrame) -> Option<(SessionId, PolicyRef)> {
    if about.judged.is_some() {
        return about.judged.clone();
    }
    let on_air = state.session.as_ref().filter(|on_air| on_air.since <= about.captured_at)?;
    Some((on_air.id.clone(), policy?.reference.clone()))
}

fn effect(
    state: &ChannelState,
    rule: &RuleId,
    session: &SessionId,
    captured_at: Timestamp,
    decision: EventId,
) -> DecisionEffect {
    match (state.open_warning_of(rule, session), state.cooldown_of(rule, session, captured_at)) {
        (Some(open), _) => DecisionEffect::Joined(open.id),
        (None, Some(until)) => DecisionEffect::Cooldown(until),
        (None, None) => DecisionEffect::Raised(WarningId::of(decision, rule)),
    }
}

fn kind(then: Action) -> Option<EnforcementKind> {
    match then {
        Action::Warn => None,
        Action::Stop => Some(EnforcementKind::Stop),
        Action::Suspend => Some(EnforcementKind::Suspend),
    }
}

/// Why its stop does not go ahead by itself; none if it may. An external actor's word weighs as much as one rule that is
/// met: where the policy wants several to agree, or proposes every stop to a person, it does so here too.
fn why_asks(
    state: &ChannelState,
    policy: Option<&Policy>,
    now: Timestamp,
    decision: &ExternalDecision,
    about: &DecidedFrame,
    session: &SessionId,
) -> Option<AsksBecause> {
    let Some(policy) = policy else { return Some(AsksBecause::NoPolicy) };
    let old = now.ms_since(about.captured_at) > decision.frame_age_max_ms;
    let late = old || about.judged.is_none() || !state.is_on_air(session);
    let replaced = state.is_replaced(session);
    let met = stops::rules_met(state.memory(), policy, about.captured_at, replaced, &[]) + 1;
    stops::why_asks(policy, session, late, met)
}
