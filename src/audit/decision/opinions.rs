//! Whom the policy's arrangement asked about a frame: why, what each said, whose answer decided, and what would have made a
//! provider agree with a stop that it kept from going ahead.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::judgement::LabelView;
use super::{AuditError, EventLink};
use crate::events::{Arranged, Event, FailedStage, FrameAssessed, OpinionGiven, OpinionRole, OpinionSaid, Recorded};
use crate::journal::Journal;
use crate::model::{ChannelId, FrameId, ProviderRef, RuleId, Scope, Sequence};
use crate::policy::explain::explain;
use crate::policy::mapping::Mapping;
use crate::policy::{Policy, read_hits};
use crate::warden::Command;

/// Before an outcome stand at most so many opinions: an order of four and one that must agree.
const BEFORE_MAX: usize = 5;

/// Whom the policy's arrangement asked beside the provider that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Consulted {
    /// Why the one that decided was asked; none where nobody before it was, or nobody decided.
    pub arranged: Option<Arranged>,
    /// The others, in the order in which they were asked; one that was only compared last.
    pub others: Vec<OpinionView>,
    /// In one sentence: who decided, and why.
    pub because: String,
    /// What would have let a stop go ahead that a second provider kept from it, rule by rule.
    pub otherwise: Vec<String>,
}

/// What one of them said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpinionView {
    /// Who.
    pub provider: ProviderRef,
    /// What it was asked for.
    pub role: OpinionRole,
    /// Its labels; those that rules rest on and the surest, where the answer is long.
    pub labels: Vec<LabelView>,
    /// Rules of the policy that these labels hit.
    pub hits: Vec<RuleId>,
    /// Why it said nothing, if it did not answer.
    pub failed: Option<NoAnswer>,
    /// How long it was asked, in milliseconds.
    pub took_ms: u32,
    /// In one sentence.
    pub text: String,
    /// The event that holds it.
    pub event: EventLink,
}

/// Why a provider did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NoAnswer {
    /// Where it failed.
    pub stage: FailedStage,
    /// What was wrong.
    pub reason: String,
    /// How often it was asked.
    pub attempts: u8,
}

/// What is on record of them, before and after the outcome at `sequence`.
pub(super) fn given(
    journal: &dyn Journal,
    channel: &ChannelId,
    sequence: Sequence,
    frame: FrameId,
) -> Result<Vec<(OpinionGiven, EventLink)>, AuditError> {
    let after = Sequence(sequence.0.saturating_sub(1 + BEFORE_MAX as u64));
    let before = journal.read_scope(&Scope::Channel(channel.clone()), after, BEFORE_MAX)?;
    let before = before.into_iter().filter(|recorded| recorded.envelope.sequence < sequence);
    let compared = journal.find(Command::comparison_id(frame))?;
    let all = before.chain(compared).filter_map(|recorded| {
        let given = opinion(&recorded)?;
        (given.frame == frame).then(|| (given, EventLink::from(&recorded)))
    });
    Ok(all.collect())
}

/// Of whoever had to agree, the rules that its labels hit; none where nobody had to.
pub(super) fn agreed(policy: &Policy, by: &str, given: &[(OpinionGiven, EventLink)]) -> Option<Vec<RuleId>> {
    let second = policy.arrangement.second.as_ref()?;
    let said = given.iter().find(|(given, _)| {
        given.role != OpinionRole::Compared && *given.provider.name == *second.as_str() && second.as_str() != by
    });
    Some(match said.map(|(given, _)| &given.said) {
        Some(OpinionSaid::Answer(answer)) => answer.hits.clone(),
        Some(OpinionSaid::Nothing { .. }) | None => Vec::new(),
    })
}

/// All of it explained; none where one provider was asked and the policy names no other.
pub(super) fn of(
    policy: Option<&Policy>,
    assessed: Option<&FrameAssessed>,
    given: Vec<(OpinionGiven, EventLink)>,
) -> Option<Consulted> {
    let arranged = assessed.and_then(|assessed| assessed.arranged);
    let second = policy.and_then(|policy| policy.arrangement.second.as_ref());
    if given.is_empty() && arranged.is_none() && second.is_none() {
        return None;
    }
    let otherwise = policy.zip(assessed).map_or(Vec::new(), |(policy, assessed)| otherwise(policy, assessed, &given));
    Some(Consulted {
        arranged,
        because: because(assessed, &given),
        otherwise,
        others: given.into_iter().map(|(given, event)| view(given, event, policy)).collect(),
    })
}

fn opinion(recorded: &Recorded) -> Option<OpinionGiven> {
    match recorded.event() {
        Ok(Event::OpinionGiven(given)) => Some(given),
        _ => None, // a look at one kind of event, not a fold
    }
}

fn because(assessed: Option<&FrameAssessed>, given: &[(OpinionGiven, EventLink)]) -> String {
    let named = |role: OpinionRole| -> String {
        let names = given.iter().filter(|(given, _)| given.role == role);
        names.map(|(given, _)| given.provider.name.as_ref()).collect::<Vec<_>>().join(" and ")
    };
    let Some(assessed) = assessed else {
        return "nobody answered who may decide".to_owned();
    };
    let by = &assessed.provider.name;
    match assessed.arranged {
        None => format!("{by} decided, the first that was asked"),
        Some(Arranged::NothingToAsk) => {
            format!("{by} screened, saw nothing to ask another about, and decided: that call was saved")
        }
        Some(Arranged::PastTheScreen) => {
            format!("{by} decided, because {}, which screens, saw something", named(OpinionRole::Screened))
        }
        Some(Arranged::Sampled) => format!(
            "{by} decided, though {}, which screens, saw nothing: the frame is one of the share that is asked about \
             all the same",
            named(OpinionRole::Screened)
        ),
        Some(Arranged::InPlaceOf(_)) => {
            format!("{by} decided in place of {}, which did not answer", named(OpinionRole::FellOver))
        }
    }
}

/// Why whoever had to agree did not, for each rule of the frame that would stop by itself.
fn otherwise(policy: &Policy, assessed: &FrameAssessed, given: &[(OpinionGiven, EventLink)]) -> Vec<String> {
    let Some(agreed) = agreed(policy, &assessed.provider.name, given) else { return Vec::new() };
    let Some(second) = &policy.arrangement.second else { return Vec::new() };
    let said = given.iter().map(|(given, _)| given).find(|given| *given.provider.name == *second.as_str());
    let hit = |id: &RuleId| assessed.rules.iter().any(|outcome| outcome.rule == *id);
    let objected = policy
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.stops_by_itself() && hit(&rule.id) && !agreed.contains(&rule.id));
    let why = |(at, rule): (usize, &crate::policy::Rule)| {
        let needed = rule.confidence;
        match said.map(|given| (given, &given.said)) {
            None if second.as_str() == &*assessed.provider.name => {
                format!("{}: {second} decided itself, and nobody else was asked to agree", rule.id)
            }
            None => format!("{}: {second} was not asked", rule.id),
            Some((_, OpinionSaid::Nothing { reason, .. })) => {
                format!("{}: {second} gave no answer ({reason}); one that hits the rule was needed", rule.id)
            }
            Some((given, OpinionSaid::Answer(answer))) => {
                if read_hits(policy, &given.provider.taxonomy, &answer.labels).is_none() {
                    return format!(
                        "{}: {second} answered in {}, which the policy cannot read",
                        rule.id, given.provider.taxonomy
                    );
                }
                match explain(policy, &given.provider, &answer.labels, &[])
                    .into_iter()
                    .nth(at)
                    .and_then(|rule| rule.best)
                {
                    Some(best) => format!(
                        "{}: {second} did not agree: its surest label for this rule, {}, was {} %, {needed} % needed",
                        rule.id,
                        best.label.path(),
                        best.label.confidence()
                    ),
                    None => format!(
                        "{}: {second} did not agree: it gave no label for this rule, {needed} % needed",
                        rule.id
                    ),
                }
            }
        }
    };
    objected.map(why).collect()
}

fn view(given: OpinionGiven, event: EventLink, policy: Option<&Policy>) -> OpinionView {
    let OpinionGiven { provider, role, said, took_ms, .. } = given;
    let purpose = match role {
        OpinionRole::Screened => "asked first, to screen",
        OpinionRole::FellOver => "asked, and another in its place",
        OpinionRole::Seconded => "asked to agree with a stop",
        OpinionRole::Compared => "asked to be compared, and no part of the decision",
    };
    let mut text = format!("{}, {purpose}: ", provider.name);
    let (labels, hits, failed) = match said {
        OpinionSaid::Answer(answer) => {
            let mapping = policy.and_then(|policy| Mapping::between(&provider.taxonomy, &policy.taxonomy));
            let shown = answer.labels.iter().map(|label| LabelView {
                path: label.path().clone(),
                confidence: label.confidence(),
                counts_as: mapping.map(|mapping| mapping.read(label.path()).to_vec()),
            });
            let mut labels: Vec<LabelView> = shown.collect();
            labels.sort_by_key(|label| std::cmp::Reverse(label.confidence));
            match labels.first() {
                Some(surest) => {
                    let _ = write!(text, "{} {} % at the surest", surest.path, surest.confidence);
                }
                None => text.push_str("no labels"),
            }
            let rules: Vec<&str> = answer.hits.iter().map(RuleId::as_str).collect();
            let _ = match rules.as_slice() {
                [] => write!(text, ", which hits no rule"),
                rules => write!(text, ", which hits {}", rules.join(", ")),
            };
            (labels, answer.hits, None)
        }
        OpinionSaid::Nothing { stage, reason, attempts } => {
            let _ = write!(text, "no answer ({reason})");
            (Vec::new(), Vec::new(), Some(NoAnswer { stage, reason, attempts }))
        }
    };
    OpinionView { provider, role, labels, hits, failed, took_ms, text, event }
}
