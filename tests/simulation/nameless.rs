//! What a finished run's journal says of frames that came without the name of their broadcast, held against what the world
//! knows of them: each has its outcome like any other, a rule that would stop asks a person in its place, and what a person
//! then stops is what was on the air when the judged picture was captured.

use std::collections::HashMap;

use streamwarden::events::{AsksBecause, EnforcementOrigin, EnforcementRequested, Envelope, Event};
use streamwarden::model::{
    Action, Approval, ChannelId, EnforcementId, FrameId, SessionId, Timestamp, Verdict, WarningId,
};

use crate::run::Run;
use crate::world::World;

/// What the events so far say.
#[derive(Default)]
pub struct Nameless {
    /// The frame that was judged last, of each channel: what a rule asks for stands behind it in the same append.
    judged: HashMap<ChannelId, FrameId>,
    /// Stops asked for of a broadcast without a name, and when the picture was captured on which each rests.
    asked: HashMap<EnforcementId, (ChannelId, Option<Timestamp>)>,
    /// Warnings of such frames that would stop, had their broadcast a name.
    kept: Vec<WarningId>,
    pub figures: Figures,
}

/// What happened, so that a simulation in which nothing happens is noticed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Frames without a name that have an outcome, and those that were judged.
    pub frames: u64,
    pub judged: u64,
    /// Warnings of them by which a person is asked in place of a stop.
    pub asked: u64,
    /// Stops that a person wanted of what has no name, and that reached a broadcast.
    pub stopped: u64,
}

fn ensure(truth: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if truth { Ok(()) } else { Err(what()) }
}

impl Nameless {
    /// One more event of a channel.
    pub fn see(&mut self, run: &Run, channel: &ChannelId, envelope: &Envelope, event: &Event) -> Result<(), String> {
        let came_unnamed = |frame: &FrameId| run.world.unnamed.contains(frame);
        match event {
            Event::FrameAssessed(assessed) => {
                self.judged.insert(channel.clone(), assessed.frame);
                self.figures.frames += u64::from(came_unnamed(&assessed.frame));
                self.figures.judged += u64::from(came_unnamed(&assessed.frame));
                ensure(!(came_unnamed(&assessed.frame) && assessed.verdict == Verdict::Stop), || {
                    format!("I11: frame {} came without the name of its broadcast, and stops", assessed.frame)
                })
            }
            Event::FrameSkipped(skipped) => {
                self.figures.frames += u64::from(came_unnamed(&skipped.frame));
                Ok(())
            }
            Event::FrameFailed(failed) => {
                self.figures.frames += u64::from(came_unnamed(&failed.frame));
                Ok(())
            }
            Event::WarningRaised(raised) if came_unnamed(&raised.frame) && raised.unavailable.is_none() => {
                if raised.action == Action::Warn {
                    return Ok(());
                }
                self.kept.push(raised.warning);
                self.figures.asked += u64::from(raised.asks == Some(AsksBecause::Unnamed));
                ensure(raised.approval == Approval::Person, || {
                    format!("I11: warning {} is of a frame without a name, and no person is asked", raised.warning)
                })
            }
            Event::EnforcementRequested(asked) => self.requested(run, channel, envelope, asked),
            _ => Ok(()), // nothing that follows from a frame's broadcast
        }
    }

    fn requested(
        &mut self,
        run: &Run,
        channel: &ChannelId,
        envelope: &Envelope,
        asked: &EnforcementRequested,
    ) -> Result<(), String> {
        let Some(session) = &asked.session else { return Ok(()) };
        if let EnforcementOrigin::Rule { rule, warning, .. } = &asked.origin {
            let judged = self.judged.get(channel);
            let shows = judged.filter(|judged| !run.world.unnamed.contains(*judged));
            let shows = shows.and_then(|judged| run.world.shows.get(judged));
            ensure(shows == Some(session), || {
                format!("I11: {rule} stops {session} by itself, over frame {judged:?}, which shows {shows:?} by name")
            })?;
            ensure(!self.kept.contains(warning), || {
                format!("I11: {rule} stops {session} by itself, over warning {warning} of a frame without a name")
            })?;
        }
        if !session.is_named() {
            self.asked.insert(asked.enforcement, (channel.clone(), envelope.captured_at));
        }
        Ok(())
    }

    /// Whom a stop is meant for that was asked for without a name: what really was on the air when the picture was captured
    /// on which it rests; none if it was asked for by a name.
    pub fn meant(&self, world: &World, enforcement: EnforcementId) -> Option<Option<SessionId>> {
        let (channel, judged_at) = self.asked.get(&enforcement)?;
        Some(judged_at.and_then(|judged_at| world.on_air_at(channel, judged_at).cloned()))
    }
}
