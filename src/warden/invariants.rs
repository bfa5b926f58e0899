//! The numbered invariants, one definition each, checked over stored events in the order of their positions.
//!
//! Used by `journal verify`, by the simulation and by tests. Streaming: what is kept is bounded by the channels, by the
//! warnings that can still be answered and by the enforcements under way, never by the length of the journal. What
//! events alone cannot show is checked elsewhere: I3 by replaying, I4 and I10 by the simulation, which sees both sides.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use crate::events::{
    CodecError, EnforcementKind, EnforcementOrigin, EnforcementRequested, Envelope, Event, FrameAssessed, Recorded,
    RuleEffect, ShadowFound, ShadowLook, ShadowRule, ShadowVerdict, WarningLapsed, WarningRaised,
};
use crate::model::{
    ChannelId, EnforcementId, EventId, FrameId, PolicyRef, Position, Scope, Sequence, SessionId, Verdict, WarningId,
};

use super::EnforcementStage;

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

/// Answers that can still be taken back are remembered per channel up to this many.
const ANSWERED_MAX: usize = 64;
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

#[derive(Debug, Default)]
struct Channel {
    session: Option<SessionId>,
    unwatched_since: Option<crate::model::Timestamp>,
    open: BTreeMap<WarningId, WarningRaised>,
    answered: VecDeque<WarningRaised>,
    /// What the last assessment promised to raise in the same append.
    promised: Vec<WarningId>,
    assessed: Option<Assessed>,
}

/// The last assessment.
#[derive(Debug)]
struct Assessed {
    frame: FrameId,
    session: SessionId,
    policy: PolicyRef,
    verdict: Verdict,
    late: bool,
    /// Whether a shadow's verdict is promised in the same append.
    shadow: Option<ShadowLook>,
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

impl Channel {
    fn see(&mut self, event: &Event, partial: bool) -> Found {
        match event {
            Event::SessionStarted(started) => {
                holds(self.session.is_none() || partial, Invariant::NeverSilent, || {
                    format!("{} begins while {:?} is on the air", started.session, self.session)
                })?;
                self.session = Some(started.session.clone());
                self.unwatched_since = None;
            }
            Event::SessionEnded(ended) if self.session.as_ref() == Some(&ended.session) => {
                self.session = None;
                self.unwatched_since = None;
            }
            Event::ChannelUnwatched(unwatched) => {
                let lawful = self.session.is_some() && self.unwatched_since.is_none();
                holds(lawful || partial, Invariant::NeverSilent, || {
                    "the channel is called unwatched while it is so already, or is off the air".to_owned()
                })?;
                self.unwatched_since = Some(unwatched.since);
            }
            Event::ChannelWatched(watched) => {
                let lawful = self.unwatched_since == Some(watched.unwatched_since);
                holds(lawful || partial, Invariant::NeverSilent, || {
                    format!("the channel is called watched again, it was unwatched since {:?}", self.unwatched_since)
                })?;
                self.unwatched_since = None;
            }
            Event::FrameAssessed(assessed) => self.assessed(assessed)?,
            Event::ShadowVerdict(verdict) => self.shadowed(verdict, partial)?,
            Event::WarningRaised(raised) => self.raised(raised, partial)?,
            Event::WarningUpheld(upheld) => self.answer(upheld.warning, partial)?,
            Event::WarningDismissed(dismissed) => self.answer(dismissed.warning, partial)?,
            Event::WarningAnswerWithdrawn(withdrawn) => {
                let at = self.answered.iter().position(|raised| raised.warning == withdrawn.warning);
                match at.and_then(|at| self.answered.remove(at)) {
                    Some(raised) => drop(self.open.insert(raised.warning, raised)),
                    None => holds(partial, Invariant::AnsweredById, || {
                        format!("warning {} has no answer that could be taken back", withdrawn.warning)
                    })?,
                }
            }
            Event::WarningOverturned(overturned) => {
                holds(overturned.by != overturned.upheld_by, Invariant::AnsweredById, || {
                    format!("{} overturns what they upheld themselves", overturned.by)
                })?;
                holds(!self.open.contains_key(&overturned.warning), Invariant::AnsweredById, || {
                    format!("warning {} is open, and is overturned", overturned.warning)
                })?;
            }
            Event::WarningLapsed(lapsed) => self.lapsed(lapsed, partial)?,
            Event::WarningClaimed(claimed) => self.is_open(claimed.warning, partial)?,
            Event::WarningReleased(released) => self.is_open(released.warning, partial)?,
            Event::WarningEscalated(escalated) => self.is_open(escalated.warning, partial)?,
            Event::EnforcementRequested(asked) => self.asked(asked, partial)?,
            _ => {} // nothing more to check of the others than their place and step
        }
        Ok(())
    }

    fn assessed(&mut self, assessed: &FrameAssessed) -> Found {
        let provider = &assessed.provider;
        let named = [&provider.name, &provider.model, &provider.taxonomy].iter().all(|text| !text.is_empty());
        holds(named, Invariant::Explained, || "an assessment does not name its provider, model and taxonomy".into())?;
        let shown = assessed.image.is_some() != assessed.object.is_some();
        holds(shown, Invariant::Explained, || "an assessment names not one picture, by digest or as object".into())?;
        for rule in &assessed.rules {
            let rests_on_label = usize::from(rule.by) < assessed.labels.len() && rule.margin >= 0;
            holds(rests_on_label, Invariant::Explained, || {
                format!("rule {} rests on no label of the event", rule.rule)
            })?;
        }
        let met =
            assessed.rules.iter().any(|rule| matches!(rule.effect, RuleEffect::Raised(_) | RuleEffect::Joined(_)));
        holds(met == (assessed.verdict != Verdict::Clear), Invariant::NeverSilent, || {
            format!("the verdict is {:?}, a rule is met: {met}", assessed.verdict)
        })?;
        holds(!(assessed.late && assessed.verdict == Verdict::Stop), Invariant::JudgedSessionOnly, || {
            "a late frame stops".to_owned()
        })?;
        let unnamed = !assessed.session.is_named();
        holds(!(unnamed && assessed.verdict == Verdict::Stop), Invariant::JudgedSessionOnly, || {
            format!("a frame of {}, which may be any session, stops", assessed.session)
        })?;
        holds(self.promised.is_empty(), Invariant::NeverSilent, || format!("never raised: {:?}", self.promised))?;
        let raised = assessed.rules.iter().filter_map(|rule| match rule.effect {
            RuleEffect::Raised(warning) => Some(warning),
            RuleEffect::Partial | RuleEffect::Joined(_) | RuleEffect::Cooldown(_) => None,
        });
        self.promised = raised.collect();
        self.shadow_kept_its_word()?;
        self.assessed = Some(Assessed {
            frame: assessed.frame,
            session: assessed.session.clone(),
            policy: assessed.policy.clone(),
            verdict: assessed.verdict,
            late: assessed.late,
            shadow: assessed.shadow.clone(),
        });
        Ok(())
    }

    /// A shadow's verdict stands in the append of the outcome that promised it, names that frame, and rests on labels.
    fn shadowed(&mut self, verdict: &ShadowVerdict, partial: bool) -> Found {
        let promised = self.assessed.as_mut().is_some_and(|assessed| {
            let same = assessed.frame == verdict.frame && assessed.session == verdict.session;
            same && assessed
                .shadow
                .take()
                .is_some_and(|look| look.policy == verdict.policy && look.found == ShadowFound::Hit)
        });
        holds(promised || partial, Invariant::Explained, || {
            format!("no assessment announces a verdict of {} in shadow about frame {}", verdict.policy, verdict.frame)
        })?;
        let rests = |rule: &ShadowRule| usize::from(rule.by) < verdict.labels.len() && rule.margin >= 0;
        holds(verdict.rules.iter().all(rests), Invariant::Explained, || {
            format!("a rule of {} in shadow rests on no label of the event", verdict.policy)
        })?;
        let met = verdict.rules.iter().any(|rule| rule.effect.is_met());
        holds(met == (verdict.verdict != Verdict::Clear), Invariant::NeverSilent, || {
            format!("the verdict in shadow is {:?}, a rule is met: {met}", verdict.verdict)
        })
    }

    /// A verdict that was announced has come before the next assessment.
    fn shadow_kept_its_word(&self) -> Found {
        let owed = self.assessed.as_ref().and_then(|assessed| assessed.shadow.as_ref());
        holds(owed.is_none_or(|look| look.found != ShadowFound::Hit), Invariant::Explained, || {
            format!("the verdict in shadow that was announced never came: {owed:?}")
        })
    }

    fn raised(&mut self, raised: &WarningRaised, partial: bool) -> Found {
        if raised.unavailable.is_some() {
            return self.silent(raised, partial);
        }
        let of_the_live = self.assessed.as_ref().is_some_and(|assessed| assessed.policy == raised.policy);
        holds(of_the_live || partial, Invariant::Explained, || {
            format!("warning {} is of {}, which did not judge the frame", raised.warning, raised.policy)
        })?;
        match self.promised.iter().position(|warning| *warning == raised.warning) {
            Some(promised) => drop(self.promised.remove(promised)),
            None => {
                holds(partial, Invariant::Explained, || format!("no assessment raises warning {}", raised.warning))?
            }
        }
        self.open.insert(raised.warning, raised.clone());
        Ok(())
    }

    /// Frames could not be judged and a person is asked: once while the question is open, and of a channel that is
    /// called unwatched.
    fn silent(&mut self, raised: &WarningRaised, partial: bool) -> Found {
        holds(partial || self.unwatched_since.is_some(), Invariant::NeverSilent, || {
            format!("warning {} says that nobody looks, and the channel is watched", raised.warning)
        })?;
        let asked = self.open.values().find(|open| open.unavailable.is_some() && open.session == raised.session);
        holds(asked.is_none(), Invariant::AnsweredById, || {
            format!("warning {} asks what {:?} asks already", raised.warning, asked.map(|asked| asked.warning))
        })?;
        self.open.insert(raised.warning, raised.clone());
        Ok(())
    }

    fn lapsed(&mut self, lapsed: &WarningLapsed, partial: bool) -> Found {
        self.is_open(lapsed.warning, partial)?;
        let raised = self.open.remove(&lapsed.warning);
        let silent = raised.as_ref().is_none_or(|raised| raised.unavailable.is_some());
        holds(silent, Invariant::AnsweredById, || {
            format!("warning {} lapses, which a rule raised and only a person may answer", lapsed.warning)
        })
    }

    fn is_open(&self, id: WarningId, partial: bool) -> Found {
        holds(partial || self.open.contains_key(&id), Invariant::AnsweredById, || {
            format!("warning {id} is not open on this channel")
        })
    }

    fn answer(&mut self, id: WarningId, partial: bool) -> Found {
        self.is_open(id, partial)?;
        self.answered.extend(self.open.remove(&id));
        if self.answered.len() > ANSWERED_MAX {
            self.answered.pop_front();
        }
        Ok(())
    }

    fn asked(&self, asked: &EnforcementRequested, partial: bool) -> Found {
        let names_session = asked.session.is_some() == (asked.kind != EnforcementKind::Lift);
        holds(names_session, Invariant::JudgedSessionOnly, || {
            format!("a {:?} of session {:?}", asked.kind, asked.session)
        })?;
        if let EnforcementOrigin::Rule { policy, rule, .. } = &asked.origin {
            let judged = self.assessed.as_ref().is_some_and(|assessed| {
                let stops = assessed.verdict == Verdict::Stop && !assessed.late;
                Some(&assessed.session) == asked.session.as_ref() && assessed.policy == *policy && stops
            });
            holds(judged || partial, Invariant::JudgedSessionOnly, || {
                format!(
                    "rule {rule} of {policy} stops {:?}, the last assessment says {:?}",
                    asked.session, self.assessed
                )
            })?;
        }
        let Some(warning) = asked.origin.warning() else { return Ok(()) };
        let answered = || self.answered.iter().find(|raised| raised.warning == warning);
        match self.open.get(&warning).or_else(answered) {
            Some(raised) if raised.unavailable.is_some() => holds(false, Invariant::JudgedSessionOnly, || {
                format!("warning {warning} is of no answer, and a stop follows")
            }),
            Some(raised) => {
                holds(asked.session.as_ref() == Some(&raised.session), Invariant::JudgedSessionOnly, || {
                    format!("warning {warning} is about session {}, the stop about {:?}", raised.session, asked.session)
                })
            }
            None => holds(partial, Invariant::JudgedSessionOnly, || format!("warning {warning} was never raised")),
        }
    }
}
