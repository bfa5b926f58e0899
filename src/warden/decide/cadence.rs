//! How often frames are taken: set when a broadcast begins or another policy applies, and moved by what is learnt of
//! the channel. Every change is an event that names its cause.

use crate::events::{Actor, CadenceBecause, CadenceChanged, Event, ViewersRose};
use crate::model::{Score, SessionId, Timestamp};
use crate::policy::Policy;
use crate::reputation::cadence::{Roused, Rousing, wanted};
use crate::reputation::{Ledger, score};

use super::{Decision, Draft};
use crate::warden::ChannelState;

/// A broadcast begins, another policy applies, or a person set the reputation: the cadence is set anew. `news` is what
/// this decision itself has seen and the state does not know yet.
pub(super) fn set(
    draft: &mut Draft<'_>,
    policy: &Policy,
    at: Timestamp,
    news: Option<Rousing>,
    because: CadenceBecause,
) {
    move_to(draft, policy, &draft.state.ledger, at, news, Some(because));
}

/// Something was learnt of the channel: the cadence follows, where the policy in force lets its past have a say. A
/// frame judged under the version before changes nothing.
pub(super) fn follow(draft: &mut Draft<'_>, policy: &Policy, at: Timestamp, news: Option<Rousing>) {
    follow_by(draft, policy, &draft.state.ledger, at, news);
}

/// The same with a ledger that holds what the decision in the making adds to it.
pub(super) fn follow_by(draft: &mut Draft<'_>, policy: &Policy, ledger: &Ledger, at: Timestamp, news: Option<Rousing>) {
    let state = draft.state;
    let in_force = state.pace.as_ref().is_some_and(|(_, set_by)| *set_by == policy.reference);
    // Who gave way waits until the budget has a call, unless something is seen that cannot wait.
    let waits = state.pace_because == Some(CadenceBecause::Budget) && !news.is_some_and(Rousing::is_alarm);
    if policy.reputation.is_some() && in_force && state.session.is_some() && !waits {
        move_to(draft, policy, ledger, at, news, None);
    }
}

/// Many more people watch the broadcast that is on the air: a closer watch for a while. Counted by the platform, on the
/// wall clock, and so from the newest frame on.
pub(super) fn viewers_rose(
    state: &ChannelState,
    policy: Option<&Policy>,
    now: Timestamp,
    session: &SessionId,
    rose: ViewersRose,
) -> Decision {
    let on_air = state.session.as_ref().is_some_and(|current| current.id == *session || !current.id.is_named());
    let (Some(policy), true) = (policy, on_air) else { return Decision::default() };
    let at = state.newest_seen.unwrap_or(now);
    let mut draft = Draft::other(state, Actor::Warden(Some(policy.reference.clone())), "viewers rose");
    draft.captured_at = Some(at);
    follow(&mut draft, policy, at, Some(Rousing::ViewersRose));
    let in_force = state.pace.as_ref().filter(|(_, set_by)| *set_by == policy.reference).map(|(pace, _)| *pace);
    if let (Some(tuning), Some(pace), true) = (&policy.reputation, in_force, draft.events.is_empty())
        && state.session.is_some()
        && state.pace_because != Some(CadenceBecause::Budget)
    {
        // It is watched as closely already, for another reason, which may be over before this one is.
        let (because, score) = (CadenceBecause::ViewersRose, Some(score(&state.ledger, tuning, at)));
        let policy = policy.reference.clone();
        draft.push(CadenceChanged { from: Some(pace), to: pace, policy, because, score, viewers: None });
    }
    for new in &mut draft.events {
        if let Event::CadenceChanged(changed) = &mut new.event
            && changed.because == CadenceBecause::ViewersRose
        {
            changed.viewers = Some(rose);
        }
    }
    draft.decided()
}

/// A person sets the reputation of a channel that is on the air: the cadence is what `ledger`, which holds that
/// already, asks for.
pub(super) fn adjust(draft: &mut Draft<'_>, policy: &Policy, ledger: &Ledger, at: Timestamp) {
    if policy.reputation.is_some() && draft.state.session.is_some() {
        move_to(draft, policy, ledger, at, None, Some(CadenceBecause::Adjusted));
    }
}

/// The budget has no call for the channel: until it has, the channel is watched as closely as its policy promises at
/// least. A frame that started under the version before changes nothing.
pub(super) fn give_way(draft: &mut Draft<'_>, policy: &Policy, score: Score) {
    let to = policy.sampling.pace_at(policy.sampling.slowest_ms);
    let Some((from, _)) = draft.state.pace.as_ref().filter(|(_, set_by)| *set_by == policy.reference) else { return };
    if *from != to {
        let (from, because) = (Some(*from), CadenceBecause::Budget);
        draft.push(CadenceChanged {
            from,
            to,
            policy: policy.reference.clone(),
            because,
            score: Some(score),
            viewers: None,
        });
    }
}

/// The budget has a call for a channel that gave way: its cadence is what its past asks for again.
pub(super) fn ease(draft: &mut Draft<'_>, policy: &Policy, at: Timestamp) {
    let state = draft.state;
    let in_force = state.pace.as_ref().is_some_and(|(_, set_by)| *set_by == policy.reference);
    if in_force && state.pace_because == Some(CadenceBecause::Budget) {
        move_to(draft, policy, &state.ledger, at, None, Some(CadenceBecause::BudgetEased));
    }
}

/// Appends `CadenceChanged` unless pace and policy version are what they were.
fn move_to(
    draft: &mut Draft<'_>,
    policy: &Policy,
    ledger: &Ledger,
    at: Timestamp,
    news: Option<Rousing>,
    because: Option<CadenceBecause>,
) {
    let state = draft.state;
    let (interval_ms, trust) = match &policy.reputation {
        None => (policy.sampling.fastest_ms, None),
        Some(tuning) => {
            let score = score(ledger, tuning, at);
            let news = news.map(|by| Roused { by, at });
            let roused = state.alarmed.into_iter().chain(state.stirred).chain(news);
            let wanted = wanted(&state.channel, &policy.sampling, tuning, score, roused, at);
            (wanted.interval_ms, Some((score, wanted.roused)))
        }
    };
    let to = policy.sampling.pace_at(interval_ms);
    if state.pace.as_ref().is_some_and(|(pace, set_by)| *pace == to && *set_by == policy.reference) {
        return;
    }
    let from = state.pace.as_ref().map(|(pace, _)| *pace);
    let roused = trust.and_then(|(_, roused)| roused);
    let faster = from.is_some_and(|from| to.interval_ms < from.interval_ms);
    let because = match (because, roused) {
        (Some(because), _) => because,
        (None, Some(roused)) if faster => roused.cause(),
        _ if state.pace_because == Some(CadenceBecause::Adjusted) && ledger.adjustment_is_over(at) => {
            CadenceBecause::AdjustmentOver
        }
        (None, None) if faster => CadenceBecause::Distrust,
        // Slower: either what had called for a closer watch is over, or the score alone asks for it.
        _ if state.pace_because.is_some_and(is_for_a_while) => CadenceBecause::Calm,
        _ => CadenceBecause::Trust,
    };
    draft.push(CadenceChanged {
        from,
        to,
        policy: policy.reference.clone(),
        because,
        score: trust.map(|(score, _)| score),
        viewers: None,
    });
}

/// Whether a cadence set for that reason ends by itself.
fn is_for_a_while(because: CadenceBecause) -> bool {
    match because {
        CadenceBecause::SessionBegan
        | CadenceBecause::Hit
        | CadenceBecause::NearMiss
        | CadenceBecause::Reconnected
        | CadenceBecause::Upheld
        | CadenceBecause::ViewersRose => true,
        CadenceBecause::PolicyChanged
        | CadenceBecause::Calm
        | CadenceBecause::Trust
        | CadenceBecause::Distrust
        | CadenceBecause::Adjusted
        | CadenceBecause::AdjustmentOver
        | CadenceBecause::Budget
        | CadenceBecause::BudgetEased => false,
    }
}
