//! What others than the deciding provider said: how it is recorded, and whether the one that must agree with a stop does.

use crate::events::{Actor, NewEvent, OpinionAnswer, OpinionGiven, OpinionRole, OpinionSaid};
use crate::model::{EventId, Frame, FrameId, SessionId, Timestamp};
use crate::policy::{Policy, RuleHit, read_hits};
use crate::warden::{Answered, ChannelState, Command, Opinion, Said};

use super::answer::keep_labels;
use super::judgement::{Second, keep_rules};
use super::{Decision, Draft, short};

/// The opinions that a frame's outcome rests on, which stand before it in its append. Their ids follow from the frame,
/// what each was asked for and who it is: nobody is asked twice about a frame.
pub(super) fn before(policy: &Policy, frame: &Frame, opinions: &[Opinion]) -> Vec<NewEvent> {
    let recorded = |opinion: &Opinion| NewEvent {
        id: Command::opinion_id(frame.id, opinion.role, &opinion.provider().name),
        event: given(policy, frame.id, &frame.session, opinion).into(),
        captured_at: Some(frame.captured_at),
        actor: Actor::Warden(Some(policy.reference.clone())),
        causation: None, // it led to the outcome, and not the outcome to it
        correlation: Some(EventId::outcome_of(frame.id)),
    };
    opinions.iter().map(recorded).collect()
}

/// A provider was asked after the outcome, to be compared: it is said because of that, and changes nothing.
pub(super) fn compared(
    state: &ChannelState,
    policy: &Policy,
    frame: FrameId,
    session: &SessionId,
    captured_at: Timestamp,
    opinion: &Opinion,
) -> Decision {
    let mut draft = Draft::other(state, Actor::Warden(Some(policy.reference.clone())), "opinion compared");
    draft.first = Command::comparison_id(frame);
    draft.causation = Some(EventId::outcome_of(frame));
    draft.captured_at = Some(captured_at);
    draft.push(OpinionGiven { role: OpinionRole::Compared, ..given(policy, frame, session, opinion) });
    draft.decided()
}

/// What the provider that must agree with a stop makes of the frame. `by` is the name of the one whose answer decides,
/// which cannot agree with itself.
pub(super) fn second<'a>(policy: &'a Policy, by: &str, opinions: &[Opinion]) -> Second<'a> {
    let Some(wanted) = &policy.arrangement.second else { return Second::NotNeeded };
    let answered = opinions.iter().find_map(|opinion| match &opinion.said {
        Said::Answer(answer) if *answer.provider.name == *wanted.as_str() => Some(answer),
        Said::Answer(_) | Said::Nothing { .. } => None,
    });
    match answered.filter(|_| by != wanted.as_str()).and_then(|answer| hits(policy, answer)) {
        Some(hits) => Second::Hits(hits.into_iter().map(|hit| &hit.rule.id).collect()),
        None => Second::Silent,
    }
}

fn given(policy: &Policy, frame: FrameId, session: &SessionId, opinion: &Opinion) -> OpinionGiven {
    let said = match &opinion.said {
        Said::Answer(answer) => OpinionSaid::Answer(recorded(policy, answer)),
        Said::Nothing { stage, reason, attempts, .. } => {
            OpinionSaid::Nothing { stage: *stage, reason: short(reason), attempts: *attempts }
        }
    };
    OpinionGiven {
        frame,
        session: session.clone(),
        policy: policy.reference.clone(),
        provider: opinion.provider().clone(),
        role: opinion.role,
        said,
        took_ms: opinion.took_ms,
    }
}

fn recorded(policy: &Policy, answer: &Answered) -> OpinionAnswer {
    let hits = hits(policy, answer).unwrap_or_default();
    let (labels, _) = keep_labels(&answer.labels, |label| hits.iter().any(|hit| hit.label == label));
    OpinionAnswer {
        labels,
        answer: answer.kept.clone(),
        unmapped: answer.unmapped,
        floor: answer.floor,
        hits: hits.iter().map(|hit| hit.rule.id.clone()).collect(),
    }
}

/// The rules that an answer hits, gravest first, as many as its event holds: whoever reads it sees what was decided
/// by. None if the policy cannot read the answer at all.
fn hits<'a>(policy: &'a Policy, answer: &Answered) -> Option<Vec<RuleHit<'a>>> {
    let mut hits = read_hits(policy, &answer.provider.taxonomy, &answer.labels)?;
    keep_rules(&mut hits, &answer.labels);
    Some(hits)
}
