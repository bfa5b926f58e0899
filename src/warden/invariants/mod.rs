//! The numbered invariants, one definition each, checked over stored events in the order of their positions.
//!
//! Used by `journal verify`, by the simulation and by tests. Streaming: what is kept is bounded by the channels, by the
//! warnings that can still be answered and by the enforcements under way, never by the length of the journal. What
//! events alone cannot show is checked elsewhere: I3 by replaying, I4 and I10 by the simulation, which sees both sides.

mod channel;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use crate::events::{CodecError, Envelope, Event, OpinionRole, Recorded};
use crate::model::{ChannelId, EnforcementId, EventId, FrameId, Position, Scope, Sequence};

use super::{EnforcementStage, ExternalDecision};
use channel::Channel;

/// What must hold of every journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// I1: every accepted frame has exactly one outcome event, under the one id that follows from the frame's.
    OneOutcome,
    /// I2: positions are gap-free and rising, sequences likewise per scope; only a declared loss leaves a hole.
    NoGaps,
    /// I5: an enforcement takes lawful steps from its request to exactly one end.
    OneEnd,
    /// I6: a decision names the policy version, provider, model version and labels it rests on.
    Explained,
    /// I7: a failure is never clear, and never silent: verdicts follow from rules, coverage is said as it changes.
    NeverSilent,
    /// I8: time enters as data: what is recorded later is never dated earlier, nor by an older writer.
    TimeIsData,
    /// I9: an answer applies to open warnings of its own channel, by id, and to nothing else.
    AnsweredById,
    /// I11: a stop names the session that was judged, and no stop follows from a late frame, from one whose
    /// session nobody named, or from no answer.
    JudgedSessionOnly,
}

impl Invariant {
    /// Its number in the design.
    pub const fn number(self) -> u8 {
        match self {
            Self::OneOutcome => 1,
            Self::NoGaps => 2,
            Self::OneEnd => 5,
            Self::Explained => 6,
            Self::NeverSilent => 7,
            Self::TimeIsData => 8,
            Self::AnsweredById => 9,
            Self::JudgedSessionOnly => 11,
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "I{}", self.number())
    }
}

/// Where a journal breaks an invariant.
#[derive(Debug, thiserror::Error)]
pub enum Violation {
    /// An event that may not stand there.
    #[error("{invariant} is broken at position {position}: {what}")]
    Broken {
        /// Which invariant.
        invariant: Invariant,
        /// At which event.
        position: Position,
        /// What was found and what was expected.
        what: String,
    },
    /// An event of an unknown type or version: nothing can be said of what follows.
    #[error("position {position} cannot be checked")]
    Unreadable {
        /// At which event.
        position: Position,
        /// Why.
        source: CodecError,
    },
}

/// Checks a whole journal.
pub fn check<'a>(events: impl IntoIterator<Item = &'a Recorded>) -> Result<(), Violation> {
    let mut invariants = Invariants::default();
    events.into_iter().try_for_each(|recorded| invariants.see(recorded))
}

/// Frames whose outcome was just seen, so that a second one close behind is named. Further apart the journal's own
/// index of event ids refuses it.
const OUTCOMES_MAX: usize = 4096;

/// The running check. Feed it every event in order of position.
#[derive(Debug, Default)]
pub struct Invariants {
    last: Option<(Position, crate::model::Timestamp, crate::model::Epoch)>,
    /// Rises with each declared loss, after which each scope may go on at any later sequence, once.
    losses: u32,
    scopes: BTreeMap<Scope, (Sequence, u32)>,
    channels: BTreeMap<ChannelId, Channel>,
    enforcements: BTreeMap<EnforcementId, EnforcementStage>,
    /// Those under way whose session has no name: each attempt must say which it reaches.
    unnamed: BTreeSet<EnforcementId>,
    outcomes: VecDeque<FrameId>,
}

type Found = Result<(), (Invariant, String)>;

fn holds(truth: bool, invariant: Invariant, what: impl FnOnce() -> String) -> Found {
    if truth { Ok(()) } else { Err((invariant, what())) }
}

impl Invariants {
    /// Checks from the middle of a journal on: what came before `position` is taken as it is.
    pub fn resuming_after(position: Position) -> Self {
        let dawn = crate::model::Timestamp::from_micros(i64::MIN);
        Self { last: Some((position, dawn, crate::model::Epoch(0))), losses: 1, ..Self::default() }
    }

    /// Enforcements that have not ended.
    pub fn under_way(&self) -> impl Iterator<Item = EnforcementId> {
        self.enforcements.keys().copied()
    }

    /// Checks one more event.
    pub fn see(&mut self, recorded: &Recorded) -> Result<(), Violation> {
        let envelope = &recorded.envelope;
        let position = envelope.position;
        let event = recorded.event().map_err(|source| Violation::Unreadable { position, source })?;
        let found = self.placed(envelope, &event).and_then(|()| self.lawful(envelope, &event));
        found.map_err(|(invariant, what)| Violation::Broken { invariant, position, what })
    }

    fn placed(&mut self, envelope: &Envelope, event: &Event) -> Found {
        let position = envelope.position;
        let expected = self.last.map_or(Position(1), |(last, ..)| last.next());
        if let Event::DataLossAccepted(loss) = event {
            holds(loss.to.next() == position && loss.from <= expected, Invariant::NoGaps, || {
                format!("the loss of {} to {} does not end right before it", loss.from, loss.to)
            })?;
            self.losses += 1;
        } else {
            holds(position == expected, Invariant::NoGaps, || format!("position {expected} was expected"))?;
        }
        if let Some((_, recorded_at, epoch)) = self.last {
            holds(envelope.recorded_at >= recorded_at, Invariant::TimeIsData, || {
                format!("recorded at {}, the event before it at {recorded_at}", envelope.recorded_at)
            })?;
            holds(envelope.epoch >= epoch, Invariant::TimeIsData, || {
                format!("written in epoch {} after epoch {epoch}", envelope.epoch)
            })?;
        }
        self.last = Some((position, envelope.recorded_at, envelope.epoch));
        let (last, losses) = self.scopes.get(&envelope.scope).copied().unwrap_or((Sequence(0), 0));
        let after_loss = losses < self.losses && envelope.sequence > last;
        holds(envelope.sequence == last.next() || after_loss, Invariant::NoGaps, || {
            format!("sequence {} of {} after {last}", envelope.sequence, envelope.scope)
        })?;
        self.scopes.insert(envelope.scope.clone(), (envelope.sequence, self.losses));
        Ok(())
    }

    fn lawful(&mut self, envelope: &Envelope, event: &Event) -> Found {
        if let Some(frame) = frame_of_outcome(event) {
            self.outcome(envelope.id, frame)?;
        }
        if let Event::OpinionGiven(opinion) = event
            && opinion.role == OpinionRole::Compared
        {
            let outcome = EventId::outcome_of(opinion.frame);
            holds(envelope.causation == Some(outcome), Invariant::Explained, || {
                format!("{} was compared, and not because of the frame's outcome {outcome}", opinion.provider.name)
            })?;
        }
        if let Event::DecisionReceived(received) = event {
            let (id, cause) = (
                ExternalDecision::id(&received.by, &received.action, received.frame),
                EventId::outcome_of(received.frame),
            );
            holds(envelope.id == id && envelope.causation == Some(cause), Invariant::Explained, || {
                format!("{} of {} about frame {} has another id or cause", received.action, received.by, received.frame)
            })?;
        }
        let partial = self.losses > 0;
        self.step(event, partial)?;
        let Some(channel) = envelope.scope.channel() else { return Ok(()) };
        self.channels.entry(channel.clone()).or_default().see(event, partial)
    }

    fn outcome(&mut self, id: EventId, frame: FrameId) -> Found {
        holds(id == EventId::outcome_of(frame), Invariant::OneOutcome, || {
            format!("the outcome of frame {frame} has id {id}, not the one that follows from the frame")
        })?;
        holds(!self.outcomes.contains(&frame), Invariant::OneOutcome, || {
            format!("frame {frame} has an outcome already")
        })?;
        self.outcomes.push_back(frame);
        if self.outcomes.len() > OUTCOMES_MAX {
            self.outcomes.pop_front();
        }
        Ok(())
    }

    /// One enforcement's next step. `partial`: it may have begun in a part of the journal that is not seen.
    fn step(&mut self, event: &Event, partial: bool) -> Found {
        use EnforcementStage as S;
        /// The enforcement, where the step leads (nowhere: its end), and from which stages it may be taken.
        type Taken = (EnforcementId, Option<EnforcementStage>, fn(EnforcementStage, u8) -> bool);
        let (id, next, lawful): Taken = match event {
            Event::EnforcementRequested(asked) => {
                let fresh = self.enforcements.insert(asked.enforcement, S::Requested).is_none();
                if asked.session.as_ref().is_some_and(|session| !session.is_named()) {
                    self.unnamed.insert(asked.enforcement);
                }
                return holds(fresh, Invariant::OneEnd, || format!("{} is requested twice", asked.enforcement));
            }
            Event::EnforcementAdmitted(it) if it.by.is_some() => {
                (it.enforcement, Some(S::Admitted), |at, _| at == S::Held)
            }
            Event::EnforcementAdmitted(it) => (it.enforcement, Some(S::Admitted), |at, _| at == S::Requested),
            Event::EnforcementHeld(it) => (it.enforcement, Some(S::Held), |at, _| at == S::Requested),
            Event::EnforcementAttempted(it) => {
                let names = it.found.is_some() || !self.unnamed.contains(&it.enforcement);
                holds(names, Invariant::JudgedSessionOnly, || {
                    format!("attempt {} of {} does not say which session it reaches", it.attempt, it.enforcement)
                })?;
                (it.enforcement, Some(S::Attempted(it.attempt)), |at, attempt| match at {
                    S::Admitted => attempt == 1,
                    S::Attempted(before) | S::Succeeded(before) => before.checked_add(1) == Some(attempt),
                    S::Requested | S::Held => false,
                })
            }
            Event::EnforcementSucceeded(it) => {
                (it.enforcement, Some(S::Succeeded(it.attempt)), |at, attempt| at == S::Attempted(attempt))
            }
            Event::EnforcementVerified(it) => {
                (it.enforcement, None, |at, _| matches!(at, S::Attempted(_) | S::Succeeded(_)))
            }
            Event::EnforcementNotNeeded(it) => {
                (it.enforcement, None, |at, _| matches!(at, S::Admitted | S::Attempted(_)))
            }
            Event::EnforcementSuperseded(it) => (it.enforcement, None, |at, _| !matches!(at, S::Requested | S::Held)),
            Event::EnforcementFailed(it) => (it.enforcement, None, |at, _| !matches!(at, S::Requested | S::Held)),
            Event::EnforcementCancelled(it) => {
                (it.enforcement, None, |at, _| matches!(at, S::Requested | S::Held | S::Admitted))
            }
            _ => return Ok(()), // a check, not a fold: an event of another family has no step to take
        };
        let attempt = match next {
            Some(S::Attempted(attempt) | S::Succeeded(attempt)) => attempt,
            _ => 0,
        };
        let name = event.event_type().name();
        match self.enforcements.get(&id) {
            Some(at) => holds(lawful(*at, attempt), Invariant::OneEnd, || format!("{name} of {id}, which is {at:?}"))?,
            None => holds(partial, Invariant::OneEnd, || format!("{name} of {id}, which has ended or never was"))?,
        }
        match next {
            Some(stage) => self.enforcements.insert(id, stage),
            None => {
                self.unnamed.remove(&id);
                self.enforcements.remove(&id)
            }
        };
        Ok(())
    }
}

fn frame_of_outcome(event: &Event) -> Option<FrameId> {
    match event {
        Event::FrameSkipped(skipped) => Some(skipped.frame),
        Event::FrameAssessed(assessed) => Some(assessed.frame),
        Event::FrameFailed(failed) => Some(failed.frame),
        _ => None, // every other event is no outcome
    }
}
