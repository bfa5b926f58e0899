//! What must hold of one channel's events: broadcasts, coverage, assessments and the warnings and stops that follow.

use std::collections::{BTreeMap, VecDeque};

use crate::events::{
    Arranged, DecisionEffect, DecisionReceived, EnforcementKind, EnforcementOrigin, EnforcementRequested, Event,
    FrameAssessed, OpinionGiven, OpinionRole, OpinionSaid, RuleEffect, ShadowFound, ShadowLook, ShadowRule,
    ShadowVerdict, WarningLapsed, WarningRaised,
};
use crate::model::{
    Action, ActionName, Approval, ExternalId, FrameId, Medium, PolicyRef, RuleId, SessionId, Verdict, WarningId,
};

use super::{Found, Invariant, holds};

/// Answers that can still be taken back are remembered per channel up to this many.
const ANSWERED_MAX: usize = 64;

/// One channel, as far as its events have shown it.
#[derive(Debug, Default)]
pub(super) struct Channel {
    session: Option<SessionId>,
    unwatched_since: Option<crate::model::Timestamp>,
    open: BTreeMap<WarningId, WarningRaised>,
    answered: VecDeque<WarningRaised>,
    /// What the last assessment promised to raise in the same append.
    promised: Vec<WarningId>,
    assessed: Option<Assessed>,
    /// What others said of a frame, whose outcome must be the channel's next event.
    opinions: Vec<OpinionGiven>,
    /// What an external actor decided, as long as what follows from it may still come: in the same append.
    received: Option<DecisionReceived>,
    /// The medium of the last segment that failed, as long as nothing but what follows from that has come.
    failed: Option<Medium>,
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
    /// The rules that whoever was asked to agree with a stop agrees with; none if nobody was.
    agreed: Option<Vec<RuleId>>,
}

impl Channel {
    /// One more event of the channel.
    pub(super) fn see(&mut self, event: &Event, partial: bool) -> Found {
        let opinions = self.opinions_for(event)?;
        self.received_kept_its_word(event)?;
        let failed = self.failed.take();
        match event {
            Event::FrameFailed(segment) if !segment.medium.is_picture() => self.failed = Some(segment.medium),
            Event::ChannelQuarantined(_) => self.failed = failed, // of the segment that failed
            Event::SegmentsUnjudged(unjudged) => {
                let on_air = self.session.as_ref() == Some(&unjudged.session);
                holds(on_air && !unjudged.medium.is_picture() || partial, Invariant::NeverSilent, || {
                    format!(
                        "{:?} of {} is called unjudged, on the air is {:?}",
                        unjudged.medium, unjudged.session, self.session
                    )
                })?;
            }
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
            Event::FrameAssessed(assessed) => self.assessed(assessed, &opinions, partial)?,
            Event::OpinionGiven(opinion) => self.opined(opinion, opinions)?,
            Event::DecisionReceived(received) => self.received = Some(received.clone()),
            Event::ShadowVerdict(verdict) => self.shadowed(verdict, partial)?,
            Event::WarningRaised(raised) => self.raised(raised, failed, partial)?,
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

    /// What others said stands right before the outcome of the frame that it is about, in the same append.
    fn opinions_for(&mut self, event: &Event) -> Result<Vec<OpinionGiven>, (Invariant, String)> {
        let opinions = std::mem::take(&mut self.opinions);
        let Some(first) = opinions.first() else { return Ok(opinions) };
        let follows = match event {
            Event::OpinionGiven(next) => next.frame == first.frame && next.role != OpinionRole::Compared,
            Event::FrameAssessed(outcome) => outcome.frame == first.frame,
            Event::FrameFailed(outcome) => outcome.frame == first.frame,
            _ => false, // nothing else may come between
        };
        holds(follows, Invariant::Explained, || {
            format!("{} was asked about frame {}, and its outcome does not follow", first.provider.name, first.frame)
        })?;
        Ok(opinions)
    }

    fn opined(&mut self, opinion: &OpinionGiven, before: Vec<OpinionGiven>) -> Found {
        if opinion.role == OpinionRole::Compared {
            return Ok(()); // nothing rests on it
        }
        let again = before.iter().any(|other| other.provider.name == opinion.provider.name);
        holds(!again, Invariant::Explained, || {
            format!("{} was asked twice about frame {}", opinion.provider.name, opinion.frame)
        })?;
        self.opinions = before;
        self.opinions.push(opinion.clone());
        Ok(())
    }

    /// What others said accounts for why the one that decided was asked.
    fn arranged(assessed: &FrameAssessed, opinions: &[OpinionGiven], partial: bool) -> Found {
        let count = |role: OpinionRole| opinions.iter().filter(|opinion| opinion.role == role).count();
        let wanted = match assessed.arranged {
            None | Some(Arranged::NothingToAsk) => (0, 0),
            Some(Arranged::PastTheScreen | Arranged::Sampled) => (1, 0),
            Some(Arranged::InPlaceOf(n)) => (0, usize::from(n)),
        };
        let found = (count(OpinionRole::Screened), count(OpinionRole::FellOver));
        holds(found == wanted || partial, Invariant::Explained, || {
            format!(
                "{} decided frame {} as {:?}, with {} that screened and {} that did not answer before it",
                assessed.provider.name, assessed.frame, assessed.arranged, found.0, found.1
            )
        })?;
        let itself = opinions.iter().any(|opinion| opinion.provider.name == assessed.provider.name);
        holds(!itself, Invariant::Explained, || {
            format!("{} decided frame {} and was asked twice about it", assessed.provider.name, assessed.frame)
        })
    }

    fn assessed(&mut self, assessed: &FrameAssessed, opinions: &[OpinionGiven], partial: bool) -> Found {
        Self::arranged(assessed, opinions, partial)?;
        let provider = &assessed.provider;
        let named = [&provider.name, &provider.model, &provider.taxonomy].iter().all(|text| !text.is_empty());
        holds(named, Invariant::Explained, || "an assessment does not name its provider, model and taxonomy".into())?;
        let shown = match assessed.medium.is_picture() {
            true => assessed.image.is_some() != assessed.object.is_some() && assessed.segment.is_none(),
            false => assessed.image.is_none() && assessed.hash.is_none() && assessed.segment.is_some(),
        };
        holds(shown, Invariant::Explained, || {
            "an assessment names not one picture, by digest or as object, or one segment".into()
        })?;
        let timed = assessed.moments.iter().all(|moment| usize::from(moment.label) < assessed.labels.len());
        holds(timed, Invariant::Explained, || "a moment is of no label of the event".to_owned())?;
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
            agreed: agreed(opinions),
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

    fn raised(&mut self, raised: &WarningRaised, failed: Option<Medium>, partial: bool) -> Found {
        if raised.unavailable.is_some() {
            return self.silent(raised, failed, partial);
        }
        if let Some(decided) = &raised.decided_by {
            let received = self.received.as_ref().is_some_and(|received| {
                let same = (&received.by, &received.action) == (&decided.by, &decided.action);
                let about = received.frame == raised.frame && received.session.as_ref() == Some(&raised.session);
                same && about && received.effect == DecisionEffect::Raised(raised.warning)
            });
            holds(received || partial, Invariant::Explained, || {
                format!("warning {} says that {} decided, and the event before it does not", raised.warning, decided.by)
            })?;
            self.open.insert(raised.warning, raised.clone());
            return Ok(());
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

    /// Frames of a medium could not be judged and a person is asked: once while the question is open; of pictures, where
    /// the channel is called unwatched, and else right after a segment that failed.
    fn silent(&mut self, raised: &WarningRaised, failed: Option<Medium>, partial: bool) -> Found {
        let rests = match raised.medium {
            Medium::Picture => self.unwatched_since.is_some(),
            medium @ (Medium::Clip | Medium::Sound) => failed == Some(medium),
        };
        holds(partial || rests, Invariant::NeverSilent, || {
            format!(
                "warning {} says that no {} is judged, and nothing before it does",
                raised.warning,
                raised.medium.name()
            )
        })?;
        holds(raised.rule == RuleId::on_unavailable_of(raised.medium), Invariant::Explained, || {
            format!("warning {} about a {} is of {}", raised.warning, raised.medium.name(), raised.rule)
        })?;
        let asks_so = |open: &&WarningRaised| open.unavailable.is_some() && open.medium == raised.medium;
        let asked = self.open.values().filter(asks_so).find(|open| open.session == raised.session);
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

    /// A warning that a decision announces comes right after it, and a decision is followed by nothing but its own.
    fn received_kept_its_word(&mut self, event: &Event) -> Found {
        let Some(received) = &self.received else { return Ok(()) };
        let announced = match received.effect {
            DecisionEffect::Raised(warning) => (!self.open.contains_key(&warning)).then_some(warning),
            DecisionEffect::Noted
            | DecisionEffect::Joined(_)
            | DecisionEffect::Cooldown(_)
            | DecisionEffect::Unplaced => None,
        };
        let (raises, asks) = match event {
            Event::WarningRaised(raised) => (Some(raised.warning), false),
            Event::EnforcementRequested(asked) => (None, matches!(asked.origin, EnforcementOrigin::External { .. })),
            _ => (None, false), // nothing else belongs to a decision
        };
        holds(announced.is_none() || announced == raises, Invariant::NeverSilent, || {
            format!("{} of {} announces warning {announced:?}, which does not follow", received.action, received.by)
        })?;
        if announced.is_none() && !asks {
            self.received = None;
        }
        Ok(())
    }

    /// An external actor's stop is of the decision before it, which needs no person, and reaches the session that was
    /// judged, by its name and while it is on the air.
    fn asked_outside(
        &self,
        asked: &EnforcementRequested,
        (by, action, warning): (&ExternalId, &ActionName, WarningId),
        partial: bool,
    ) -> Found {
        let decided = self.received.as_ref().is_some_and(|received| {
            let means = match asked.kind {
                EnforcementKind::Stop => received.then == Some(Action::Stop),
                EnforcementKind::Suspend => received.then == Some(Action::Suspend),
                EnforcementKind::Lift => false,
            };
            let same = (&received.by, &received.action) == (by, action) && received.warning() == Some(warning);
            same && means && received.approval == Approval::None && received.session == asked.session
        });
        holds(decided || partial, Invariant::JudgedSessionOnly, || {
            format!("{action} of {by} stops {:?}, the decision before it is {:?}", asked.session, self.received)
        })?;
        let named = asked.session.as_ref().is_some_and(SessionId::is_named);
        let on_air = asked.session.is_some() && asked.session == self.session;
        holds(named && (on_air || partial), Invariant::JudgedSessionOnly, || {
            format!("{action} of {by} stops {:?} while {:?} is on the air", asked.session, self.session)
        })
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
            let agreed = self.assessed.as_ref().and_then(|assessed| assessed.agreed.as_ref());
            holds(agreed.is_none_or(|agreed| agreed.contains(rule)), Invariant::JudgedSessionOnly, || {
                format!("rule {rule} of {policy} stops by itself; who was asked to agree hits {agreed:?}")
            })?;
        }
        if let EnforcementOrigin::External { by, action, warning } = &asked.origin {
            self.asked_outside(asked, (by, action, *warning), partial)?;
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

/// The rules that whoever was asked to agree hits: none of them where it did not answer.
fn agreed(opinions: &[OpinionGiven]) -> Option<Vec<RuleId>> {
    let second = opinions.iter().find(|opinion| opinion.role == OpinionRole::Seconded)?;
    Some(match &second.said {
        OpinionSaid::Answer(answer) => answer.hits.clone(),
        OpinionSaid::Nothing { .. } => Vec::new(),
    })
}
