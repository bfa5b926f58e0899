//! Replays: a part of the past delivered once more, from a place of its own and at a speed of its own.
//!
//! A replay has no task. Whoever it is delivered to pulls; what is due is reckoned from the time then. So one that
//! nobody takes costs nothing, and one that is taken slowly waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::desk::{Consumers, Place, State};
use super::entry::wants;
use super::lane::{Choice, Lane, scan};
use super::pace::Pace;
use super::registry::{REPLAYS_MAX, slot_name};
use super::{ConsumerError, ENTRIES_MAX, ReplayStatus, ReplayTag, Replayed};
use crate::events::{Actor, Event, Filter, ReplayEnd, ReplayEnded, ReplaySpeed, ReplayStarted, ReplayTarget};
use crate::journal::{Journal, ReadError};
use crate::model::{ConsumerName, EventId, Position, ReplayId, Timestamp};

/// What somebody wants to see once more.
#[derive(Debug, Clone)]
pub struct NewReplay {
    /// What people call it. While it is under way no other may have the name.
    pub name: ConsumerName,
    /// It delivers what comes after this place …
    pub from: Place,
    /// … up to this one.
    pub to: Place,
    /// What of the range is delivered.
    pub filter: Filter,
    /// To whom.
    pub target: ReplayTarget,
    /// How fast.
    pub speed: ReplaySpeed,
}

/// A replay under way.
pub(super) struct Run {
    pub lane: Lane,
    /// Of a replay to a consumer. Each listener to the feed has one of their own.
    pace: Arc<Mutex<Pace>>,
    /// Where the listeners to the feed are.
    listeners: HashMap<u64, Position>,
    listeners_ever: u64,
}

/// A replay that may have something to deliver, taken down so that the journal is read without holding anything.
pub(super) struct Due {
    tag: ReplayTag,
    filter: Filter,
    /// What the consumer wants, if it goes to one.
    also: Option<Filter>,
    after: Position,
    last: Position,
    pace: Arc<Mutex<Pace>>,
}

/// What a replay delivers at once.
#[derive(Debug)]
pub struct Heard {
    /// The events.
    pub entries: Vec<Replayed>,
    /// Everything before the first of them is not wanted.
    pub(super) passed: Position,
    /// The last of them.
    pub(super) delivered: Option<Position>,
    /// Everything up to here was looked at.
    pub(super) reached: Position,
    /// Whether all that is due was looked at.
    pub complete: bool,
    /// Whether the replay is over for this listener.
    pub over: bool,
}

/// A connection to the live feed that listens to a replay. Going away, it holds the replay up no more.
pub struct Listener {
    consumers: Arc<Consumers>,
    number: u64,
    due: Due,
}

impl Run {
    pub fn of(journal: &dyn Journal, started: &ReplayStarted) -> Result<Self, ReadError> {
        let lane = Lane::of_slot(journal, slot_name(started.slot), before(started.first))?;
        let pace = Arc::new(Mutex::new(Pace::new(started.speed, lane.cursor())));
        Ok(Self { lane, pace, listeners: HashMap::new(), listeners_ever: 0 })
    }
}

impl State {
    pub(super) fn run(&mut self, id: ReplayId) -> Result<&mut Run, ConsumerError> {
        self.runs.get_mut(&id).ok_or(ConsumerError::UnknownReplay(id))
    }
}

impl Due {
    pub fn of(started: &ReplayStarted, run: &Run, also: Option<Filter>) -> Self {
        Self {
            tag: ReplayTag { id: started.replay, name: started.name.clone() },
            filter: started.filter.clone(),
            also,
            after: run.lane.cursor(),
            last: started.last,
            pace: run.pace.clone(),
        }
    }

    pub fn id(&self) -> ReplayId {
        self.tag.id
    }

    /// Reads what is due now, at most `limit`.
    pub fn pull(&self, journal: &dyn Journal, now: Timestamp, limit: usize) -> Result<Heard, ReadError> {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waits = false;
        let scanned = scan(journal, self.after, self.last, limit, |event| {
            if !wants(&self.filter, event) || !self.also.as_ref().is_none_or(|also| wants(also, event)) {
                return Choice::Pass;
            }
            waits = !pace.releases(now, &event.envelope);
            if waits { Choice::Stop } else { Choice::Take }
        })?;
        Ok(Heard {
            passed: scanned.passed(),
            delivered: scanned.found.last().map(|last| last.envelope.position),
            reached: scanned.reached,
            complete: waits || scanned.reached >= self.last,
            over: scanned.reached >= self.last,
            entries: scanned.found.into_iter().map(|found| Replayed::new(found, self.tag.clone())).collect(),
        })
    }
}

impl Consumers {
    /// Starts a replay. Durable when it returns.
    pub fn start_replay(&self, new: &NewReplay, by: &Actor) -> Result<ReplayStatus, ConsumerError> {
        Pace::check(new.speed)?;
        let (first, last) = (self.position_of(new.from)?.next(), self.position_of(new.to)?);
        if first > last {
            return Err(ConsumerError::EmptyRange { first, last });
        }
        let started = Mutex::new(None);
        self.change(by, |registry| {
            if let ReplayTarget::Consumer(consumer) = &new.target {
                registry.consumer(consumer)?;
            }
            if let Some((replay, _)) = registry.running.iter().find(|(_, running)| running.started.name == new.name) {
                return Err(ConsumerError::ReplayExists { name: new.name.clone(), replay: *replay });
            }
            if registry.running.len() >= REPLAYS_MAX {
                return Err(ConsumerError::TooMany { what: "replays under way", max: REPLAYS_MAX });
            }
            let slot = registry.free_slot();
            self.fill_slot(slot, before(first))?;
            let cause = EventId::of_command("replay", &[&registry.sequence.0.to_be_bytes()]);
            let replay = ReplayId::of(cause);
            *started.lock().unwrap_or_else(PoisonError::into_inner) = Some(replay);
            let (name, filter, target) = (new.name.clone(), new.filter.clone(), new.target.clone());
            Ok(vec![ReplayStarted { replay, name, first, last, filter, target, speed: new.speed, slot }.into()])
        })?;
        let started = started.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.replay(started.expect("the change was decided, or it would have been refused"))
    }

    /// Calls a replay off. What is delivered already stays delivered.
    pub fn cancel_replay(&self, id: ReplayId, by: &Actor) -> Result<ReplayStatus, ConsumerError> {
        self.change(by, |registry| {
            registry.replay_under_way(id)?;
            let reached = self.reached(id);
            Ok(vec![ReplayEnded { replay: id, how: ReplayEnd::Cancelled, reached }.into()])
        })?;
        self.replay(id)
    }

    /// Replays under way, then those that ended lately, the newest first.
    pub fn replays(&self) -> Vec<ReplayStatus> {
        let state = self.state();
        let running = state.registry.running.iter().filter_map(|(id, replay)| {
            let run = state.runs.get(id)?;
            Some(ReplayStatus::of(replay, run.lane.cursor()))
        });
        let ended = state.registry.ended.iter().rev().map(|(_, replay)| ReplayStatus::of(replay, Position(0)));
        running.chain(ended).collect()
    }

    /// One replay.
    pub fn replay(&self, id: ReplayId) -> Result<ReplayStatus, ConsumerError> {
        self.replays().into_iter().find(|replay| replay.id == id).ok_or(ConsumerError::UnknownReplay(id))
    }

    /// Replays to the live feed that are under way.
    pub fn feed_replays(&self) -> Vec<ReplayId> {
        let registry = self.state().registry.clone();
        let to_feed = registry.running.iter().filter(|(_, replay)| replay.started.target == ReplayTarget::Feed);
        to_feed.map(|(id, _)| *id).collect()
    }

    /// Listens to a replay to the live feed, from where the slowest of its listeners is.
    pub fn listen(self: &Arc<Self>, id: ReplayId) -> Result<Listener, ConsumerError> {
        let mut state = self.state();
        let registry = state.registry.clone();
        let replay = registry.replay_under_way(id)?;
        if replay.started.target != ReplayTarget::Feed {
            return Err(ConsumerError::UnknownReplay(id));
        }
        let run = state.run(id)?;
        run.listeners_ever += 1;
        let number = run.listeners_ever;
        let mut due = Due::of(&replay.started, run, None);
        due.pace = Arc::new(Mutex::new(Pace::new(replay.started.speed, due.after)));
        run.listeners.insert(number, due.after);
        Ok(Listener { consumers: self.clone(), number, due })
    }

    /// How far a replay has come.
    pub(super) fn reached(&self, id: ReplayId) -> Position {
        self.state().runs.get(&id).map_or(Position(0), |run| run.lane.cursor())
    }

    /// Ends the replays to that consumer of which everything is acknowledged.
    pub(super) fn end_what_is_done(&self, name: &ConsumerName) -> Result<(), ConsumerError> {
        let done = {
            let state = self.state();
            let is_done = |(id, replay): (ReplayId, &super::registry::Replay)| {
                let reached = state.runs.get(&id)?.lane.cursor();
                (reached >= replay.started.last).then_some(id)
            };
            state.registry.replays_to(name).filter_map(is_done).collect::<Vec<_>>()
        };
        done.into_iter().try_for_each(|id| self.complete(id))
    }

    /// Records that all of a replay was delivered. Somebody else may have ended it meanwhile.
    pub(super) fn complete(&self, id: ReplayId) -> Result<(), ConsumerError> {
        self.change(&Actor::service("replay"), |registry| {
            let running = registry.running.get(&id);
            let ended = |running: &super::registry::Replay| {
                Event::from(ReplayEnded { replay: id, how: ReplayEnd::Completed, reached: running.started.last })
            };
            Ok(running.map(ended).into_iter().collect())
        })
    }
}

impl Listener {
    /// Which replay it listens to.
    pub fn replay(&self) -> &ReplayTag {
        &self.due.tag
    }

    /// What is due now, at most `limit`: delivered with this, so take it to the connection. Blocks.
    pub fn hear(&mut self, limit: usize) -> Result<Heard, ConsumerError> {
        let now = self.consumers.clock.now();
        let heard = self.due.pull(&*self.consumers.journal, now, limit.clamp(1, ENTRIES_MAX))?;
        self.due.after = heard.reached;
        let all_heard = {
            let mut state = self.consumers.state();
            let Some(run) = state.runs.get_mut(&self.due.id()) else {
                return Ok(Heard { entries: Vec::new(), over: true, ..heard }); // called off
            };
            run.listeners.insert(self.number, heard.reached);
            let slowest = run.listeners.values().min().copied().unwrap_or(heard.reached);
            run.lane.pass(slowest);
            run.lane.keep_now_and_then(&*self.consumers.journal);
            slowest >= self.due.last
        };
        if all_heard {
            self.consumers.complete(self.due.id())?;
        }
        Ok(heard)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(run) = self.consumers.state().runs.get_mut(&self.due.id()) {
            run.listeners.remove(&self.number);
        }
    }
}

fn before(position: Position) -> Position {
    Position(position.0.saturating_sub(1))
}
