//! Whether what came before under a request's identity was this very request. A key is its caller's promise that it
//! names one request; where it does not, what came first stays, and must not pass for the answer to something else.
//! Words are compared by who can read them.

use crate::events::{Event, Recorded};
use crate::model::{Sequence, WarningId};
use crate::warden::{Answering, ModeratorAct, SeenWarning};

/// How an act compares with what was recorded under its identity.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum Compared {
    /// It is that act.
    Same,
    /// It is that act if its author had answered these warnings so before: then nothing was recorded about them.
    SameIfAnswered(Vec<WarningId>),
    /// It is another act.
    Another,
}

/// Compares an act, its words apart, with the events recorded under its identity.
pub(in crate::http) fn compared(act: &ModeratorAct, story: &[Recorded]) -> Compared {
    let told: Vec<Told> = story
        .iter()
        .filter_map(|recorded| Some(Told { sequence: recorded.envelope.sequence, event: recorded.event().ok()? }))
        .collect();
    let same = match act {
        ModeratorAct::Claim(seen) | ModeratorAct::Release(seen) | ModeratorAct::Withdraw(seen) => {
            is_about(&told, *seen)
        }
        ModeratorAct::Note { warning, .. } => is_about(&told, *warning),
        ModeratorAct::Escalate { warning, to } => {
            let escalated = |one: &Told| matches!(&one.event, Event::WarningEscalated(it) if it.to == *to);
            is_about(&told, *warning) && told.iter().any(escalated)
        }
        ModeratorAct::Uphold(answering) | ModeratorAct::Dismiss(answering) => return answered(&told, answering),
        // A warning is overturned once: what came before is this act if it was about the same warning.
        ModeratorAct::Overturn { upheld, .. } => told.iter().any(|one| one.warning() == Some(upheld.warning)),
        ModeratorAct::Enforce { kind, session, .. } => told.iter().any(|one| match &one.event {
            // A lift concerns the channel: what broadcast was named with it is not recorded.
            Event::EnforcementRequested(it) => it.kind == *kind && (it.session.is_none() || it.session == *session),
            _ => false, // what it replaces is called off in the same decision
        }),
        ModeratorAct::AdjustReputation { change, until, .. } => told.iter().any(|one| match &one.event {
            Event::ReputationAdjusted(it) => it.change == *change && it.until == *until,
            _ => false, // the cadence that follows
        }),
        // The enforcement is part of the identity, and there is nothing else to say.
        ModeratorAct::AdmitHeld(_) | ModeratorAct::Cancel(_) => true,
    };
    if same { Compared::Same } else { Compared::Another }
}

struct Told {
    sequence: Sequence,
    event: Event,
}

impl Told {
    fn warning(&self) -> Option<WarningId> {
        self.event.warning()
    }
}

/// Whether these events are about the warning as it was seen: whoever names a version that they made, or a later one,
/// has seen them and means something new.
fn is_about(told: &[Told], seen: SeenWarning) -> bool {
    let first = told.iter().find(|one| one.warning() == Some(seen.warning));
    first.is_some_and(|first| seen.seen.is_none_or(|version| version < first.sequence))
}

fn answered(told: &[Told], answering: &Answering) -> Compared {
    let named = |warning| answering.warnings.iter().any(|one| one.warning == warning);
    if !told.iter().filter_map(Told::warning).all(named) {
        return Compared::Another;
    }
    let mut untold = Vec::new();
    for one in &answering.warnings {
        if !told.iter().any(|told| told.warning() == Some(one.warning)) {
            untold.push(one.warning);
        } else if !is_about(told, *one) {
            return Compared::Another;
        }
    }
    if untold.is_empty() { Compared::Same } else { Compared::SameIfAnswered(untold) }
}
