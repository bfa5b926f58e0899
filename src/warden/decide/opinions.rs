//! What others than the deciding provider said: how it is recorded, and whether the one that must agree with a stop does.

use crate::events::{Actor, NewEvent, OpinionAnswer, OpinionGiven, OpinionRole, OpinionSaid};
use crate::model::{EventId, Frame, FrameId, Label, Medium, SessionId, Timestamp};
use crate::policy::taxonomy::Taxonomy;
use crate::policy::{Category, Policy, RuleHit, read_hits};
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
/// which cannot agree with itself. About a segment nobody asks it.
pub(super) fn second<'a>(policy: &'a Policy, medium: Medium, by: &str, opinions: &[Opinion]) -> Second<'a> {
    let Some(wanted) = &policy.arrangement.second else { return Second::NotNeeded };
    if by == wanted.as_str() {
        return Second::Decides;
    }
    if !medium.is_picture() {
        return Second::NotAsked;
    }
    let answered = opinions.iter().find_map(|opinion| match &opinion.said {
        Said::Answer(answer) if *answer.provider.name == *wanted.as_str() => Some(answer),
        Said::Answer(_) | Said::Nothing { .. } => None,
    });
    match answered.and_then(|answer| hits(policy, answer)) {
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
///
/// A rule for any label is agreed with only by a label that says something against a picture: that it is a photograph is
/// in every answer, and a label that the taxonomy does not hold says nothing that anybody has reviewed.
fn hits<'a>(policy: &'a Policy, answer: &Answered) -> Option<Vec<RuleHit<'a>>> {
    let mut hits = read_hits(policy, &answer.provider.taxonomy, &answer.labels)?;
    let telling = telling(answer);
    hits.retain(|hit| {
        let for_any = hit.rule.categories.contains(&Category::Any);
        !for_any || telling.iter().any(|label| label.confidence() >= hit.rule.confidence)
    });
    keep_rules(&mut hits, &answer.labels);
    Some(hits)
}

/// Labels that say something against a picture; all of them where nobody knows the taxonomy.
fn telling(answer: &Answered) -> Vec<&Label> {
    let Some(taxonomy) = Taxonomy::named(&answer.provider.taxonomy) else { return answer.labels.iter().collect() };
    let tells = |label: &&Label| {
        taxonomy.get(label.path()).is_some() && !taxonomy.descriptive().any(|known| known.path == *label.path())
    };
    answer.labels.iter().filter(tells).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Confidence, LabelPath, ProviderRef};

    fn answer(labels: &[(&str, u32)]) -> Answered {
        let label =
            |(path, milli): &(&str, u32)| Label(LabelPath::new(path).unwrap(), Confidence::from_milli(*milli).unwrap());
        Answered {
            moments: Vec::new(),
            spoken: None,
            provider: ProviderRef { name: "hive".into(), model: "1".into(), taxonomy: Taxonomy::HIVE_VISUAL.into() },
            labels: labels.iter().map(label).collect(),
            kept: None,
            unmapped: 0,
            content_types: Vec::new(),
            floor: None,
        }
    }

    #[test]
    fn that_a_picture_is_one_agrees_with_no_rule_for_any_label() {
        let text = "policy: p\nchannels: [c]\ntaxonomy: hive-visual/1\n\
                    rules: [{ id: any, categories: [\"*\"], score: 0.9, action: stop, approval: none }]\n";
        let policy = crate::policy::file::load("p.yaml", text).unwrap().remove(0).policy;
        for (labels, agrees) in [
            (&[("attributes/image_type/natural", 99_000)][..], false),
            (&[("unmapped/furry-no_furry", 99_000)], false),
            (&[("attributes/image_type/natural", 99_000), ("violence/gun/gun_in_hand", 89_000)], false),
            (&[("attributes/image_type/natural", 99_000), ("violence/gun/gun_in_hand", 91_000)], true),
        ] {
            let hits = hits(&policy, &answer(labels)).unwrap();
            assert_eq!(!hits.is_empty(), agrees, "{labels:?}");
        }
    }
}
