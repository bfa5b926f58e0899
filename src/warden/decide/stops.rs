//! What may stop a stream by itself, and what only asks a person.

use crate::events::{AsksBecause, EnforcementKind, EnforcementOrigin, EnforcementRequested, Event};
use crate::model::{Action, Approval, EnforcementId, EventId, RuleId, SessionId, Timestamp, Verdict, WarningId};
use crate::policy::{AutomaticStops, Policy, Rule};
use crate::warden::memory::Memory;
use crate::warden::{ENFORCEMENT_TTL_MS, EnforcementStage};

use super::Draft;
use super::answer::Judged;

/// What a met rule calls for. Where something keeps stops from going ahead by themselves (`asks`), it may warn.
pub fn calls_for(rule: &Rule, asks: bool) -> Verdict {
    if rule.stops_by_itself() && !asks { Verdict::Stop } else { Verdict::Warn }
}

/// Why no stop goes ahead by itself, whatever the rules say; none if it may. `met` is how many different rules of the
/// policy were met within the time that it says, this frame's among them.
pub fn why_asks(policy: &Policy, session: &SessionId, late: bool, met: usize) -> Option<AsksBecause> {
    // What a late frame shows may be over; of a broadcast without a name nobody knows which it is.
    if late {
        return Some(AsksBecause::Late);
    }
    if !session.is_named() {
        return Some(AsksBecause::Unnamed);
    }
    match policy.automatic_stops {
        AutomaticStops::OneRule => None,
        AutomaticStops::ProposeOnly => Some(AsksBecause::ProposeOnly),
        AutomaticStops::SeveralRules { rules, within_ms } => (met < usize::from(rules))
            .then(|| AsksBecause::TooFewRules { met: u8::try_from(met).unwrap_or(u8::MAX), needed: rules, within_ms }),
    }
}

/// How many different rules speak for a stop: those that this frame met, and those met within the policy's time before.
pub(super) fn rules_met(
    memory: Memory<'_>,
    policy: &Policy,
    captured_at: Timestamp,
    replaced: bool,
    by_this: &[&RuleId],
) -> usize {
    let before: Vec<&RuleId> = match policy.automatic_stops {
        AutomaticStops::SeveralRules { within_ms, .. } if !replaced => {
            memory.met_within(policy, within_ms, captured_at).map(|rule| &rule.id).collect()
        }
        AutomaticStops::SeveralRules { .. } | AutomaticStops::OneRule | AutomaticStops::ProposeOnly => Vec::new(),
    };
    by_this.len() + before.into_iter().filter(|rule| !by_this.contains(rule)).count()
}

/// Rules that this frame did not meet and whose stop it lets go ahead: each was met within the policy's time and asked
/// a person only because too few rules agreed, and with this frame's enough do.
pub(super) fn backed<'a>(
    memory: Memory<'_>,
    policy: &'a Policy,
    session: &SessionId,
    captured_at: Timestamp,
    by_this: &[&RuleId],
) -> Vec<&'a Rule> {
    let AutomaticStops::SeveralRules { within_ms, .. } = policy.automatic_stops else { return Vec::new() };
    if by_this.is_empty() {
        return Vec::new(); // time alone brings no agreement
    }
    let waits = |rule: &&Rule| memory.open_of(&rule.id, session) == Some(Approval::Person);
    let met = memory.met_within(policy, within_ms, captured_at);
    let stopping = met.filter(|rule| rule.stops_by_itself() && !by_this.contains(&&rule.id));
    let mut backed: Vec<&Rule> = stopping.filter(waits).collect();
    backed.sort_by_key(|rule| std::cmp::Reverse((rule.severity, rule.action)));
    backed
}

/// A warning could only ask a person: its frame came late or was of a broadcast without a name, or too few rules agreed.
/// Now nothing stands in the way: what the rule calls for is asked for, once.
pub(super) fn stop_after_all(
    draft: &mut Draft<'_>,
    now: Timestamp,
    judged: &Judged<'_>,
    rule: &Rule,
    warning: WarningId,
) {
    let waits_for_person = draft.state.warning(warning).is_some_and(|open| open.approval == Approval::Person);
    if waits_for_person {
        let outcome = draft.first;
        ask_for_stop(draft, now, judged, rule, warning, outcome);
    }
}

/// Asks for what the rule calls for, unless as much is asked for already.
pub(super) fn ask_for_stop(
    draft: &mut Draft<'_>,
    now: Timestamp,
    judged: &Judged<'_>,
    rule: &Rule,
    warning: WarningId,
    cause: EventId,
) {
    let Judged { frame, policy, .. } = judged;
    let kind = match rule.action {
        Action::Stop => EnforcementKind::Stop,
        Action::Suspend => EnforcementKind::Suspend,
        Action::Warn => return,
    };
    if !asked_already(draft, &frame.session, kind) {
        draft.push(EnforcementRequested {
            enforcement: EnforcementId::of(cause, "stop"),
            kind,
            session: Some(frame.session.clone()),
            origin: EnforcementOrigin::Rule { policy: policy.reference.clone(), rule: rule.id.clone(), warning },
            severity: rule.severity,
            expires: now.plus_ms(ENFORCEMENT_TTL_MS),
            reason: None,
        });
    }
}

/// Whether this decision, or one before it, already asks for as much: one stop of a session at a time. Rules come
/// gravest first, so a suspension is asked for before a stop. One that is held stands in no other rule's way: each has
/// its own share of the budget.
pub(super) fn asked_already(draft: &Draft<'_>, session: &SessionId, kind: EnforcementKind) -> bool {
    let now =
        draft.events.iter().any(|new| matches!(&new.event, Event::EnforcementRequested(asked) if asked.kind >= kind));
    let before = draft.state.enforcements.iter().any(|asked| {
        asked.stage != EnforcementStage::Held
            && asked.kind != EnforcementKind::Lift
            && asked.kind >= kind
            && asked.session.as_ref() == Some(session)
    });
    now || before
}
