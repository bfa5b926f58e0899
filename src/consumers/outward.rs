//! Replays to the event bus, seen by whoever takes them there: what is due, and what was answered for. The place moves
//! by the answer alone, so that a crash in between delivers again and loses nothing.

use super::desk::Consumers;
use super::replays::{Due, Heard};
use super::{ConsumerError, ENTRIES_MAX};
use crate::events::ReplayTarget;
use crate::model::ReplayId;

impl Consumers {
    /// Replays to the event bus that are under way.
    pub fn bus_replays(&self) -> Vec<ReplayId> {
        let registry = self.state().registry.clone();
        let to_bus = registry.running.iter().filter(|(_, replay)| replay.started.target == ReplayTarget::EventBridge);
        to_bus.map(|(id, _)| *id).collect()
    }

    /// What is due of a replay to the event bus, at most `limit`: the same until [`Consumers::delivered_to_bus`] says
    /// that it was delivered. Blocks.
    pub fn pull_for_bus(&self, id: ReplayId, limit: usize) -> Result<Heard, ConsumerError> {
        let due = {
            let mut state = self.state();
            let registry = state.registry.clone();
            let replay = registry.replay_under_way(id)?;
            if replay.started.target != ReplayTarget::EventBridge {
                return Err(ConsumerError::UnknownReplay(id));
            }
            Due::of(&replay.started, state.run(id)?, None)
        };
        Ok(due.pull(&*self.journal, self.clock.now(), limit.clamp(1, ENTRIES_MAX))?)
    }

    /// Everything that was pulled is delivered. Durable when it returns; ends the replay if that was all of it. Blocks.
    pub fn delivered_to_bus(&self, id: ReplayId, heard: &Heard) -> Result<(), ConsumerError> {
        let kept = {
            let mut state = self.state();
            let Some(run) = state.runs.get_mut(&id) else { return Ok(()) }; // called off meanwhile
            run.lane.pass(heard.reached);
            run.lane.keep(&*self.journal)
        };
        if let Some((position, ticket)) = kept {
            ticket.wait()?;
            if let Some(run) = self.state().runs.get_mut(&id) {
                run.lane.is_kept(position);
            }
        }
        if heard.over {
            self.complete(id)?;
        }
        Ok(())
    }
}
