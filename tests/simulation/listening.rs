//! What a finished run's journal says of segments and of providers that were asked beside one another, held against what the
//! world knows: counted anew from the events alone.

use std::collections::{HashMap, HashSet};

use streamwarden::events::{Arranged, Envelope, Event, FrameAssessed, OpinionGiven, OpinionSaid, Skip};
use streamwarden::model::{ChannelId, Label, Medium, PolicyRef, SessionId, Timestamp};

use crate::run::Run;
use crate::run::arranged::{SCREEN, says};

/// After so many failed segments of a medium in a row a person is asked.
const FAILURES_TO_ASK: u32 = 3;

/// What the events so far say.
#[derive(Default)]
pub struct Listening {
    channels: HashMap<ChannelId, Channel>,
}

#[derive(Default)]
struct Channel {
    session: Option<SessionId>,
    /// When that began.
    since: Timestamp,
    /// The policy version that asks.
    policy: Option<PolicyRef>,
    /// Segments of it that failed in a row under that policy.
    rows: HashMap<Medium, u32>,
    /// Of which a person was asked, in any broadcast: an answer to that may keep the channel quiet for a while.
    asked: HashSet<Medium>,
    /// The event that must come next.
    owed: Option<Medium>,
    /// What others said of the frame whose outcome comes next.
    opinions: Vec<OpinionGiven>,
}

fn ensure(truth: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if truth { Ok(()) } else { Err(what()) }
}

impl Listening {
    /// One more event of a channel.
    pub fn see(&mut self, run: &Run, channel: &ChannelId, envelope: &Envelope, event: &Event) -> Result<(), String> {
        let at = self.channels.entry(channel.clone()).or_default();
        if let Some(medium) = at.owed.take() {
            let asks = matches!(event, Event::WarningRaised(raised) if raised.unavailable.is_some() && raised.medium == medium);
            ensure(asks, || {
                format!("I7: {medium:?} of {channel} failed {FAILURES_TO_ASK} times, and nobody is asked")
            })?;
        }
        let captured_at = envelope.captured_at.unwrap_or(envelope.recorded_at);
        match event {
            Event::CadenceChanged(changed) => {
                if at.policy.as_ref() != Some(&changed.policy) {
                    at.rows.clear();
                }
                at.policy = Some(changed.policy.clone());
            }
            Event::SessionStarted(started) => {
                at.since = captured_at;
                at.session = Some(started.session.clone());
                at.rows.clear();
            }
            Event::SessionEnded(ended) if at.session.as_ref() == Some(&ended.session) => at.session = None,
            Event::OpinionGiven(opinion) => at.opinions.push(opinion.clone()),
            Event::FrameSkipped(skipped) => {
                if let Skip::NoTrack { .. } = skipped.because {
                    let mute = run.world.mute.contains(&skipped.frame);
                    ensure(mute, || format!("segment {} is called mute, and is not", skipped.frame))?;
                    at.rows.remove(&skipped.medium);
                }
            }
            Event::FrameAssessed(assessed) => {
                let truth = run.world.truth.get(&assessed.frame).cloned().unwrap_or_default();
                opinions_are_what_was_said(std::mem::take(&mut at.opinions), Some(&truth))?;
                if assessed.medium.is_picture() {
                    decided_by_whom_the_plan_says(assessed, &truth)?;
                } else if at.session.as_ref().is_some_and(|on_air| covers(on_air, &assessed.session)) {
                    at.rows.remove(&assessed.medium);
                }
            }
            Event::FrameFailed(failed) => {
                opinions_are_what_was_said(std::mem::take(&mut at.opinions), None)?;
                // One that comes late may be of the broadcast before.
                if !failed.medium.is_picture() && captured_at >= at.since {
                    let row = at.rows.entry(failed.medium).or_default();
                    *row += 1;
                    let of = run.world.segments.get(&failed.frame);
                    let on_air = at.session.as_ref().zip(of).is_some_and(|(on_air, of)| covers(on_air, of));
                    // A version that does not ask for them may have come into force in between.
                    let wanted = run.policies.iter().all(|policy| policy.listening(failed.medium).is_some());
                    if *row >= FAILURES_TO_ASK && on_air && wanted && !at.asked.contains(&failed.medium) {
                        at.owed = Some(failed.medium);
                    }
                }
            }
            Event::WarningRaised(raised) if raised.unavailable.is_some() => {
                at.asked.insert(raised.medium);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a frame of that session is one of the broadcast on the air.
fn covers(on_air: &SessionId, of: &SessionId) -> bool {
    on_air == of || !of.is_named()
}

fn opinions_are_what_was_said(opinions: Vec<OpinionGiven>, truth: Option<&[Label]>) -> Result<(), String> {
    for OpinionGiven { frame, provider, said, .. } in opinions {
        let recorded = match said {
            OpinionSaid::Answer(answer) => Some(answer.labels.into_iter().collect::<Vec<_>>()),
            OpinionSaid::Nothing { .. } => None,
        };
        let really = says(&provider.name, frame, truth);
        let same = match (&recorded, &really) {
            (Some(recorded), Some(really)) => is_the_same(recorded, really),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        ensure(same, || format!("I6: {} said {really:?} of {frame}, recorded is {recorded:?}", provider.name))?;
    }
    Ok(())
}

/// The answer that decides is what that provider says; and one that screens decides only where there was nothing to ask.
fn decided_by_whom_the_plan_says(assessed: &FrameAssessed, truth: &[Label]) -> Result<(), String> {
    const PAST_THE_SCREEN_MILLI: u32 = 65_000;
    let (frame, name) = (assessed.frame, &*assessed.provider.name);
    let said = says(name, frame, Some(truth)).unwrap_or_default();
    ensure(is_the_same(&assessed.labels, &said), || {
        format!("I6: {name} said {said:?} of {frame}, judged is {:?}", assessed.labels)
    })?;
    let surest = said.iter().map(|label| label.confidence().as_milli()).max().unwrap_or(0);
    let lawful = match (name == SCREEN, assessed.arranged) {
        (true, arranged) => arranged == Some(Arranged::NothingToAsk) && surest < PAST_THE_SCREEN_MILLI,
        (false, arranged) => arranged != Some(Arranged::NothingToAsk),
    };
    ensure(lawful, || format!("I6: {name} decided {frame} as {:?}, surest of {surest}", assessed.arranged))
}

fn is_the_same(some: &[Label], others: &[Label]) -> bool {
    some.len() == others.len() && others.iter().all(|label| some.contains(label))
}
