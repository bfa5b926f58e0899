//! Moderators act: on warnings by id, on the stream by naming the broadcast they see.

use crate::events::{
    Actor, EnforcementAdmitted, EnforcementCancelled, EnforcementKind, EnforcementOrigin, EnforcementRequested, Event,
    LapsedBecause, NewEvent, ReputationAdjusted, ReputationChange, WarningAnswerWithdrawn, WarningClaimed,
    WarningDismissed, WarningEscalated, WarningLapsed, WarningNoted, WarningOverturned, WarningReleased, WarningUpheld,
};
use crate::model::{
    Action, Approval, ContentRef, EnforcementId, EventId, Medium, ModeratorId, RuleId, Score, SessionId, Timestamp,
    WarningId,
};
use crate::policy::Policy;
use crate::reputation::cadence::Rousing;
use crate::reputation::{Evidence, Ledger};
use crate::warden::{
    Answering, CLAIM_MS, ChannelState, Command, Coverage, ENFORCEMENT_TTL_MS, EnforcementStage, ModeratorAct,
    Rejection, SeenWarning, UpheldWarning, WARNINGS_PER_ANSWER_MAX, Warning,
};

use super::{Decision, Draft, cadence};

/// A person's stop is as grave as it gets: it goes before every automatic one.
const SEVERITY_OF_A_PERSON: u8 = 5;

pub(super) fn act(
    state: &ChannelState,
    policy: Option<&Policy>,
    now: Timestamp,
    request: EventId,
    by: &ModeratorId,
    act: &ModeratorAct,
) -> Result<Decision, Rejection> {
    let mut draft = Draft::other(state, Actor::Moderator(by.clone()), "moderation");
    draft.first = Command::request_id(request);
    match act {
        ModeratorAct::Claim(warning) => claim(&mut draft, now, by, *warning)?,
        ModeratorAct::Release(warning) => release(&mut draft, now, by, *warning)?,
        ModeratorAct::Uphold(answering) => {
            answer(&mut draft, now, by, answering, true)?;
            if let (Some(policy), false) = (policy, draft.events.is_empty()) {
                let at = state.newest_seen.unwrap_or(now);
                let ledger = ledger_with(&draft);
                cadence::follow_by(&mut draft, policy, &ledger, at, Some(Rousing::Upheld));
            }
        }
        ModeratorAct::Dismiss(answering) => answer(&mut draft, now, by, answering, false)?,
        ModeratorAct::Withdraw(warning) => withdraw(&mut draft, policy, now, by, *warning)?,
        ModeratorAct::Escalate { warning, to } => {
            let warning = open(known(state, *warning)?)?.id;
            draft.push(WarningEscalated { warning, by: by.clone(), to: to.clone() });
        }
        ModeratorAct::Note { warning, note } => {
            let warning = known(state, *warning)?.id;
            draft.push(WarningNoted { warning, by: by.clone(), note: note.clone() });
        }
        ModeratorAct::Overturn { upheld, why } => overturn(&mut draft, now, by, upheld, why)?,
        ModeratorAct::Enforce { kind, session, reason } => {
            enforce(&mut draft, now, by, *kind, session.as_ref(), reason.clone())?;
        }
        ModeratorAct::AdjustReputation { change, until, why } => {
            adjust(&mut draft, policy, now, by, *change, *until, why.clone())?;
        }
        ModeratorAct::AdmitHeld(enforcement) => {
            let held = under_way(state, *enforcement)?;
            if held.stage != EnforcementStage::Held {
                return Err(Rejection::WrongStage { enforcement: *enforcement, what: "admitted" });
            }
            draft.push(EnforcementAdmitted { enforcement: *enforcement, by: Some(by.clone()) });
        }
        ModeratorAct::Cancel(enforcement) => {
            if !can_be_called_off(under_way(state, *enforcement)?.stage) {
                return Err(Rejection::WrongStage { enforcement: *enforcement, what: "cancelled" });
            }
            draft.push(EnforcementCancelled { enforcement: *enforcement, by: Some(by.clone()) });
        }
    }
    Ok(draft.decided())
}

/// The warning named, if it is what the moderator saw. Whatever else there is to refuse comes after this: who acts on
/// what is no longer so must learn that first.
fn known(state: &ChannelState, named: SeenWarning) -> Result<&Warning, Rejection> {
    let warning = state.warning(named.warning).ok_or(Rejection::UnknownWarning(named.warning))?;
    match named.seen {
        Some(seen) if seen != warning.version => {
            Err(Rejection::ChangedSince { warning: warning.id, seen, now: warning.version })
        }
        _ => Ok(warning),
    }
}

fn open(warning: &Warning) -> Result<&Warning, Rejection> {
    match &warning.answer {
        None => Ok(warning),
        Some(answer) => {
            Err(Rejection::AlreadyAnswered { warning: warning.id, by: answer.by.clone(), upheld: answer.upheld })
        }
    }
}

fn under_way(state: &ChannelState, id: EnforcementId) -> Result<&crate::warden::Enforcement, Rejection> {
    state.enforcement(id).ok_or(Rejection::UnknownEnforcement(id))
}

/// Only what has not been tried can be called off; afterwards it is lifted.
fn can_be_called_off(stage: EnforcementStage) -> bool {
    match stage {
        EnforcementStage::Requested | EnforcementStage::Held | EnforcementStage::Admitted => true,
        EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_) => false,
    }
}

fn claim(draft: &mut Draft<'_>, now: Timestamp, by: &ModeratorId, named: SeenWarning) -> Result<(), Rejection> {
    let warning = open(known(draft.state, named)?)?;
    not_anothers(warning, now, by)?;
    draft.push(WarningClaimed { warning: warning.id, by: by.clone(), until: now.plus_ms(CLAIM_MS) });
    Ok(())
}

fn not_anothers(warning: &Warning, now: Timestamp, by: &ModeratorId) -> Result<(), Rejection> {
    match &warning.claim {
        Some(claim) if claim.by != *by && claim.until > now => {
            Err(Rejection::ClaimedByAnother { warning: warning.id, by: claim.by.clone(), until: claim.until })
        }
        _ => Ok(()),
    }
}

fn release(draft: &mut Draft<'_>, now: Timestamp, by: &ModeratorId, named: SeenWarning) -> Result<(), Rejection> {
    let warning = open(known(draft.state, named)?)?;
    match &warning.claim {
        Some(claim) if claim.by == *by && claim.until > now => {
            draft.push(WarningReleased { warning: warning.id, by: by.clone(), lapsed: false });
            Ok(())
        }
        _ => Err(Rejection::NotClaimed(warning.id)),
    }
}

/// Claims given back at one tick; the next tick goes on. Fits an append with room to spare.
const LAPSED_PER_TICK_MAX: usize = 32;

/// Claims that have run out are given back, so that the warning shows as free to everybody.
pub(super) fn lapse_claims(draft: &mut Draft<'_>, now: Timestamp) {
    let lapsed = draft.state.open_warnings().filter_map(|warning| {
        let claim = warning.claim.as_ref().filter(|claim| claim.until <= now)?;
        Some(WarningReleased { warning: warning.id, by: claim.by.clone(), lapsed: true })
    });
    for released in lapsed.take(LAPSED_PER_TICK_MAX) {
        draft.push(released);
    }
}

/// One answer to the warnings the moderator saw (invariant I9): all of them or, if one cannot be answered, none.
/// The same answer by the same moderator again changes nothing.
fn answer(
    draft: &mut Draft<'_>,
    now: Timestamp,
    by: &ModeratorId,
    answering: &Answering,
    upheld: bool,
) -> Result<(), Rejection> {
    let Answering { warnings, note, undo } = answering;
    if warnings.is_empty() {
        return Err(Rejection::NoWarningNamed);
    }
    if warnings.len() > WARNINGS_PER_ANSWER_MAX {
        return Err(Rejection::TooManyWarningsNamed { named: warnings.len() });
    }
    let seen: Vec<&Warning> = warnings.iter().map(|named| known(draft.state, *named)).collect::<Result<_, _>>()?;
    let mut named: Vec<WarningId> = Vec::with_capacity(seen.len());
    for warning in seen {
        let id = warning.id;
        match &warning.answer {
            Some(answer) if answer.by == *by && answer.upheld == upheld => continue,
            Some(_) => open(warning).map(|_| ())?,
            None => not_anothers(warning, now, by)?,
        }
        if named.contains(&id) {
            continue;
        }
        named.push(id);
        if let Some(note) = note {
            draft.push(WarningNoted { warning: id, by: by.clone(), note: note.clone() });
        }
        let undo_ms = undo.as_ms();
        if upheld {
            let upheld = draft.push(WarningUpheld { warning: id, by: by.clone(), undo_ms });
            carry_out(draft, now, by, warning, upheld);
        } else {
            draft.push(WarningDismissed { warning: id, by: by.clone(), undo_ms });
            call_off(draft, by, id);
        }
    }
    Ok(())
}

/// An upheld warning that proposed a stop asks for it, unless as much is under way for that session. Where the rule
/// asked by itself and is held by the budget, this is the person's word that the hold waits for.
fn carry_out(draft: &mut Draft<'_>, now: Timestamp, by: &ModeratorId, warning: &Warning, cause: EventId) {
    let kind = match (warning.action, warning.approval) {
        (Action::Stop, Approval::Person) => EnforcementKind::Stop,
        (Action::Suspend, Approval::Person) => EnforcementKind::Suspend,
        (_, Approval::None) => return admit_held(draft, by, warning.id),
        (Action::Warn, Approval::Person) => return,
    };
    let asked_in_this_answer = draft.events.iter().any(|new| {
        matches!(&new.event, Event::EnforcementRequested(asked)
            if asked.kind >= kind && asked.session.as_ref() == Some(&warning.session))
    });
    if !asked_in_this_answer && give_way(draft, by, kind, &warning.session).is_none() {
        draft.push(EnforcementRequested {
            enforcement: EnforcementId::of(cause, "stop"),
            kind,
            session: Some(warning.session.clone()),
            origin: EnforcementOrigin::Person { by: by.clone(), warning: Some(warning.id) },
            severity: warning.severity,
            expires: now.plus_ms(ENFORCEMENT_TTL_MS),
            reason: None, // the warning is the reason
        });
        draft.rests_on(warning.newest_hit);
    }
}

/// A dismissal that is durable before its stop is tried calls the stop off.
fn call_off(draft: &mut Draft<'_>, by: &ModeratorId, id: WarningId) {
    for enforcement in &draft.state.enforcements {
        if enforcement.origin.warning() == Some(id) && can_be_called_off(enforcement.stage) {
            draft.push(EnforcementCancelled { enforcement: enforcement.id, by: Some(by.clone()) });
        }
    }
}

fn admit_held(draft: &mut Draft<'_>, by: &ModeratorId, id: WarningId) {
    for enforcement in &draft.state.enforcements {
        let held = enforcement.stage == EnforcementStage::Held && !settled_in(draft, enforcement.id);
        if enforcement.origin.warning() == Some(id) && held {
            draft.push(EnforcementAdmitted { enforcement: enforcement.id, by: Some(by.clone()) });
        }
    }
}

/// Whether the answer in the making has admitted an enforcement or called it off already.
fn settled_in(draft: &Draft<'_>, id: EnforcementId) -> bool {
    draft.events.iter().any(|new| match &new.event {
        Event::EnforcementAdmitted(admitted) => admitted.enforcement == id,
        Event::EnforcementCancelled(end) => end.enforcement == id,
        _ => false,
    })
}

/// The most enforcements called off in favour of a person's own by one decision, so that it fits an append. Any beyond
/// it stay held, which is no harm: they wait for a person, find nothing on the air, or lapse.
const REPLACED_MAX: usize = 16;

/// A person wants `kind` for `session`. The enforcement that already does as much, if one is under way; else those that
/// the person's own replaces are called off in its favour: lesser ones not yet tried, and automatic ones that nobody
/// admitted, because the automatic budget must never hold what a person wants.
fn give_way(
    draft: &mut Draft<'_>,
    by: &ModeratorId,
    kind: EnforcementKind,
    session: &SessionId,
) -> Option<EnforcementId> {
    let mut replaced = Vec::new();
    for asked in &draft.state.enforcements {
        if asked.kind == EnforcementKind::Lift || asked.session.as_ref() != Some(session) {
            continue;
        }
        let automatic = !matches!(asked.origin, EnforcementOrigin::Person { .. });
        let unadmitted = match asked.stage {
            EnforcementStage::Held => true,
            EnforcementStage::Requested => automatic,
            EnforcementStage::Admitted | EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_) => false,
        };
        let admitted_now = draft
            .events
            .iter()
            .any(|new| matches!(&new.event, Event::EnforcementAdmitted(admitted) if admitted.enforcement == asked.id));
        if !admitted_now && (unadmitted || asked.kind < kind && can_be_called_off(asked.stage)) {
            replaced.push(asked.id);
        } else if asked.kind >= kind {
            return Some(asked.id);
        }
    }
    let called_off = |new: &NewEvent| matches!(new.event, Event::EnforcementCancelled(_));
    let mut room = REPLACED_MAX.saturating_sub(draft.events.iter().filter(|new| called_off(new)).count());
    for enforcement in replaced {
        if room > 0 && !settled_in(draft, enforcement) {
            room -= 1;
            draft.push(EnforcementCancelled { enforcement, by: Some(by.clone()) });
        }
    }
    None
}

fn withdraw(
    draft: &mut Draft<'_>,
    policy: Option<&Policy>,
    now: Timestamp,
    by: &ModeratorId,
    named: SeenWarning,
) -> Result<(), Rejection> {
    let warning = known(draft.state, named)?;
    let id = warning.id;
    let answer = warning.answer.as_ref().ok_or(Rejection::NotAnswered(id))?;
    if answer.by != *by {
        return Err(Rejection::AnsweredByAnother { warning: id, by: answer.by.clone() });
    }
    if now > answer.undo_until {
        return Err(Rejection::WithdrawnTooLate { warning: id, until: answer.undo_until });
    }
    let led_to = draft.state.enforcements.iter().filter(|enforcement| {
        let asked_for =
            matches!(&enforcement.origin, EnforcementOrigin::Person { warning: Some(asked), .. } if *asked == id);
        asked_for || answer.carried_out == Some(enforcement.id)
    });
    let led_to: Vec<_> = led_to.map(|enforcement| (enforcement.id, enforcement.stage)).collect();
    let done = answer.carried_out.is_some_and(|done| led_to.iter().all(|(under_way, _)| *under_way != done));
    if done || led_to.iter().any(|(_, stage)| !can_be_called_off(*stage)) {
        return Err(Rejection::AlreadyCarriedOut(id));
    }
    draft.push(WarningAnswerWithdrawn { warning: id, by: by.clone() });
    if let Some(because) = passed(draft.state, policy, warning) {
        draft.push(WarningLapsed { warning: id, because }); // open again, it asks for what is no longer so
    }
    for (enforcement, _) in led_to {
        draft.push(EnforcementCancelled { enforcement, by: Some(by.clone()) });
    }
    Ok(())
}

/// Why a warning that frames could not be judged asks for nothing any more; none if it does, or is of a rule.
fn passed(state: &ChannelState, policy: Option<&Policy>, warning: &Warning) -> Option<LapsedBecause> {
    let of = |medium: Medium| warning.rule == RuleId::on_unavailable_of(medium);
    if of(Medium::Picture) {
        let watched = !matches!(state.coverage, Coverage::Unwatched { .. });
        return watched.then_some(LapsedBecause::WatchedAgain);
    }
    let medium = [Medium::Clip, Medium::Sound].into_iter().find(|medium| of(*medium))?;
    if !state.is_on_air(&warning.session) {
        return Some(LapsedBecause::SessionOver);
    }
    if policy.is_none_or(|policy| policy.listening(medium).is_none()) {
        return Some(LapsedBecause::NotAskedFor);
    }
    (state.track(medium).failures == 0).then_some(LapsedBecause::JudgedAgain)
}

/// The channel's ledger with what the answer in the making upholds.
fn ledger_with(draft: &Draft<'_>) -> Ledger {
    let mut ledger = draft.state.ledger.clone();
    for new in &draft.events {
        if let Event::WarningUpheld(upheld) = &new.event
            && let Some(finding) = draft.state.warning(upheld.warning).and_then(|warning| warning.finding(true))
        {
            ledger.take(Evidence::Found(finding));
        }
    }
    ledger
}

/// A person knows better than the events. It tunes the watch and nothing else.
fn adjust(
    draft: &mut Draft<'_>,
    policy: Option<&Policy>,
    now: Timestamp,
    by: &ModeratorId,
    change: ReputationChange,
    until: Option<Timestamp>,
    why: ContentRef,
) -> Result<(), Rejection> {
    if let Some(until) = until.filter(|until| *until <= now) {
        return Err(Rejection::ExpiredAlready { until });
    }
    if let ReputationChange::By(milli) = change
        && milli.unsigned_abs() > Score::MAX.as_milli()
    {
        return Err(Rejection::AdjustedTooFar { milli });
    }
    let mut ledger = draft.state.ledger.clone();
    ledger.take(Evidence::adjusted(by, change, until));
    draft.push(ReputationAdjusted { by: by.clone(), change, until, why });
    if let Some(policy) = policy {
        cadence::adjust(draft, policy, &ledger, draft.state.newest_seen.unwrap_or(now));
    }
    Ok(())
}

/// An appeal is decided by somebody else than the decision, and after its author can no longer take it back. What the
/// channel remembers of the warning, if anything, must be what the appeal was decided on.
fn overturn(
    draft: &mut Draft<'_>,
    now: Timestamp,
    by: &ModeratorId,
    upheld: &UpheldWarning,
    why: &ContentRef,
) -> Result<(), Rejection> {
    let UpheldWarning { warning, upheld_by, upheld_at, session, rule, severity } = upheld;
    if let Some(remembered) = draft.state.warning(*warning) {
        let answer = remembered.answer.as_ref().filter(|answer| answer.upheld).ok_or(Rejection::NotUpheld(*warning))?;
        if now <= answer.undo_until || answer.at != *upheld_at {
            return Err(Rejection::AnswerNotFinal { warning: *warning, until: answer.undo_until });
        }
    }
    if by == upheld_by {
        return Err(Rejection::DecidedByTheSame { warning: *warning, by: by.clone() });
    }
    draft.first = Command::overturn_id(*warning);
    draft.push(WarningOverturned {
        warning: *warning,
        by: by.clone(),
        why: why.clone(),
        upheld_by: upheld_by.clone(),
        upheld_at: *upheld_at,
        session: session.clone(),
        rule: rule.clone(),
        severity: *severity,
    });
    Ok(())
}

fn enforce(
    draft: &mut Draft<'_>,
    now: Timestamp,
    by: &ModeratorId,
    kind: EnforcementKind,
    session: Option<&SessionId>,
    reason: Option<ContentRef>,
) -> Result<(), Rejection> {
    let session = match (kind, session) {
        (EnforcementKind::Lift, _) => {
            let lifting = draft.state.enforcements.iter().find(|asked| asked.kind == EnforcementKind::Lift);
            if let Some(lifting) = lifting {
                return Err(Rejection::AlreadyUnderWay(lifting.id));
            }
            None
        }
        (EnforcementKind::Stop | EnforcementKind::Suspend, None) => return Err(Rejection::SessionNotNamed),
        (EnforcementKind::Stop | EnforcementKind::Suspend, Some(named)) => {
            let found = draft.state.session.as_ref().map(|current| current.id.clone());
            if found.as_ref() != Some(named) {
                return Err(Rejection::OtherSession { named: named.clone(), found });
            }
            if let Some(under_way) = give_way(draft, by, kind, named) {
                return Err(Rejection::AlreadyUnderWay(under_way));
            }
            Some(named.clone())
        }
    };
    // Of a broadcast without a name nothing is known but when its first picture was captured.
    let seen_since = draft.state.session.as_ref().filter(|current| !current.id.is_named()).map(|current| current.since);
    let enforcement = EnforcementId::of(draft.first, "person");
    draft.push(EnforcementRequested {
        enforcement,
        kind,
        session,
        origin: EnforcementOrigin::Person { by: by.clone(), warning: None },
        severity: SEVERITY_OF_A_PERSON,
        expires: now.plus_ms(ENFORCEMENT_TTL_MS),
        reason,
    });
    if let (Some(since), EnforcementKind::Stop | EnforcementKind::Suspend) = (seen_since, kind) {
        draft.rests_on(since);
    }
    Ok(())
}
