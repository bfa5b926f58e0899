//! Whom the policy on trial would have asked about a frame, and what is on record of what each of them said.
//!
//! The warden's own plan is followed over recorded answers, whatever each was asked for then: one that only screened, or
//! was only compared, said what it would have said had it been asked to decide. Somebody who was not asked about the frame
//! at all is not guessed at.

use std::sync::Arc;

use crate::events::{FailedStage, FrameAssessed, OpinionGiven, OpinionRole, OpinionSaid};
use crate::model::{FrameId, Label, ProviderRef};
use crate::policy::arrangement::{Asked, Gist, Step, Who, role_of};
use crate::policy::{Policy, read_hits};
use crate::warden::{Answered, Beside, Opinion, Said};

/// What somebody said of a frame beside the one that decided it, with the whole of an answer that is longer than its
/// event, if it is at hand.
#[derive(Debug)]
pub(super) struct Recalled {
    pub given: OpinionGiven,
    pub whole: Option<Vec<Label>>,
}

/// Everything on record of an assessed frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnRecord<'a> {
    pub assessed: &'a FrameAssessed,
    /// The whole answer that decided, where the event holds only the surest labels and it is at hand.
    pub whole: Option<&'a [Label]>,
    /// What others said before the outcome.
    pub before: &'a [Recalled],
    /// What one said that was asked afterwards, to be compared.
    pub compared: Option<&'a Recalled>,
}

/// What comes of following the plan.
#[derive(Debug)]
pub(super) enum Heard {
    /// An answer decides.
    Decided(Box<Deciding>),
    /// Nobody who may decide answered then.
    Unanswered,
    /// Somebody would have been asked who was not.
    NotAsked,
}

/// The answer that decides on trial, and what stands beside it.
#[derive(Debug)]
pub(super) struct Deciding {
    pub answer: Answered,
    pub beside: Beside,
    /// Answers that something of the verdict rests on are known only in part.
    pub in_part: bool,
}

/// One recorded answer, or that there was none.
struct Known {
    said: Said,
    took_ms: u32,
    in_part: bool,
}

impl Recalled {
    /// Whether it was tried.
    pub fn was_called(&self) -> bool {
        !matches!(self.given.said, OpinionSaid::Nothing { attempts: 0, .. })
    }
}

impl OnRecord<'_> {
    /// Whether whoever decided was the one that the configuration named, and nobody else was in question.
    pub fn is_of_the_configured(&self) -> bool {
        let arranged = self.before.iter().any(|other| other.given.role != OpinionRole::Seconded);
        self.assessed.arranged.is_none() && !arranged
    }
}

/// Who is asked first under `policy`; `configured` where it names nobody.
pub(super) fn first(policy: &Policy, frame: FrameId, configured: &Arc<str>) -> Arc<str> {
    match policy.arrangement.next(frame, policy.stops_by_itself(), &[]) {
        Step::Ask { who, .. } => name_of(who, configured),
        Step::Decided { .. } | Step::Unanswered => configured.clone(), // no plan begins so
    }
}

fn name_of(who: Who<'_>, configured: &Arc<str>) -> Arc<str> {
    match who {
        Who::Configured => configured.clone(),
        Who::Named(name) => name.as_str().into(),
    }
}

/// Follows the plan of `policy`; with who would have been asked, as far as that is known.
pub(super) fn ask(
    policy: &Policy,
    frame: FrameId,
    record: OnRecord<'_>,
    configured: &Arc<str>,
) -> (Heard, Vec<Arc<str>>) {
    let may_stop = policy.stops_by_itself();
    let mut heard: Vec<(String, Known)> = Vec::new();
    // The plan names nobody twice.
    loop {
        let asked: Vec<Asked<'_>> = heard.iter().map(|(name, known)| known.asked(name, policy)).collect();
        let called = heard.iter().filter(|(_, known)| known.was_called());
        let calls = || called.clone().map(|(name, _)| Arc::from(name.as_str())).collect::<Vec<_>>();
        match policy.arrangement.next(frame, may_stop, &asked) {
            Step::Ask { who, .. } => match known(who, record) {
                Some(known) => heard.push(known),
                None => {
                    let mut calls = calls();
                    calls.push(name_of(who, configured));
                    return (Heard::NotAsked, calls);
                }
            },
            Step::Unanswered => return (Heard::Unanswered, calls()),
            Step::Decided { by, arranged } => {
                let calls = calls();
                let (_, Known { said, in_part, .. }) = heard.remove(by);
                let Said::Answer(answer) = said else { return (Heard::Unanswered, calls) }; // no plan decides so
                let in_part = in_part || heard.iter().skip(by).any(|(_, second)| second.in_part);
                let opinion = |(at, (_, known)): (usize, (String, Known))| {
                    let role = role_of(matches!(known.said, Said::Answer(_)), at >= by);
                    Opinion { role, said: known.said, took_ms: known.took_ms }
                };
                let beside = Beside { arranged, opinions: heard.into_iter().enumerate().map(opinion).collect() };
                return (Heard::Decided(Box::new(Deciding { answer, beside, in_part })), calls);
            }
        }
    }
}

/// What is on record of whoever is meant; none if nothing is. Which provider the configuration named is known only of a
/// frame that it judged.
fn known(who: Who<'_>, record: OnRecord<'_>) -> Option<(String, Known)> {
    let OnRecord { assessed, before, compared, .. } = record;
    let name = &assessed.provider.name;
    let decided = match who {
        Who::Configured => {
            if !record.is_of_the_configured() {
                return None;
            }
            true
        }
        Who::Named(wanted) => **name == *wanted.as_str(),
    };
    if decided {
        return Some((name.to_string(), Known::decided(record)));
    }
    let Who::Named(wanted) = who else { return None };
    let found = before.iter().chain(compared).find(|other| *other.given.provider.name == *wanted.as_str())?;
    Some((wanted.to_string(), Known::said(found)))
}

impl Known {
    /// Whether it was tried: one that was not there, or known not to answer, was not, and costs nothing.
    fn was_called(&self) -> bool {
        !matches!(self.said, Said::Nothing { attempts: 0, .. })
    }

    fn decided(OnRecord { assessed, whole, .. }: OnRecord<'_>) -> Self {
        let answer = Answered {
            moments: Vec::new(),
            spoken: None,
            provider: assessed.provider.clone(),
            labels: whole.unwrap_or(&assessed.labels).to_vec(),
            kept: assessed.answer.clone(),
            unmapped: assessed.unmapped,
            content_types: assessed.content_types.clone(),
            floor: assessed.floor,
        };
        let in_part = whole.is_none() && assessed.answer.is_some();
        Self { said: Said::Answer(answer), took_ms: assessed.took.2, in_part }
    }

    fn said(Recalled { given, whole }: &Recalled) -> Self {
        let (said, in_part) = match &given.said {
            OpinionSaid::Answer(answer) => {
                let labels = whole.as_ref().unwrap_or(&answer.labels).clone();
                let answered = Answered {
                    moments: Vec::new(),
                    spoken: None,
                    provider: given.provider.clone(),
                    labels,
                    kept: answer.answer.clone(),
                    unmapped: answer.unmapped,
                    content_types: Vec::new(),
                    floor: answer.floor,
                };
                (Said::Answer(answered), whole.is_none() && answer.answer.is_some())
            }
            OpinionSaid::Nothing { stage, reason, attempts } => {
                (nothing(&given.provider, *stage, reason, *attempts), false)
            }
        };
        Self { said, took_ms: given.took_ms, in_part }
    }

    fn asked<'a>(&self, name: &'a str, policy: &Policy) -> Asked<'a> {
        let said = match &self.said {
            Said::Answer(answer) => {
                let hits = read_hits(policy, &answer.provider.taxonomy, &answer.labels).unwrap_or_default();
                Some(Gist::of(&answer.labels, hits.iter().any(|hit| hit.rule.stops_by_itself())))
            }
            Said::Nothing { .. } => None,
        };
        Asked { name, said }
    }
}

fn nothing(provider: &ProviderRef, stage: FailedStage, reason: &str, attempts: u8) -> Said {
    Said::Nothing { provider: provider.clone(), stage, reason: reason.to_owned(), attempts }
}
