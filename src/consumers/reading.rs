//! Reading a consumer's entries, acknowledging them, setting one aside: under a lease, one reader at a time.
//!
//! Entries come in lanes: live ones, those that had been set aside and come again, and one lane for each replay. Each
//! lane is acknowledged by itself; whatever happens in one never moves another.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::desk::{Consumers, Reader, State};
use super::entry::wants;
use super::lane::{Choice, scan};
use super::lease::{LEASE_S_MAX, LEASE_S_MIN, Lease, Token};
use super::registry::{Consumer, PARKED_MAX, REASON_BYTES_MAX};
use super::replays::Due;
use super::{ConsumerError, ConsumerStatus, ENTRIES_MAX, Entry, ParkedEntry};
use crate::events::{Actor, EntryParked, EntrySettled, EntryUnparked};
use crate::journal::ReadError;
use crate::model::{ConsumerName, EventId, ModeratorId, Position, ReplayId, Timestamp};

/// Which of a consumer's lanes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneName {
    /// All of them: live entries first, then those that come again, then replays.
    All,
    /// Live entries.
    Live,
    /// Those that had been set aside and come again.
    Unparked,
    /// One replay's.
    Replay(ReplayId),
}

/// What one read gives.
#[derive(Debug)]
pub struct Reading {
    /// The entries: the same ones again until they are acknowledged or set aside.
    pub entries: Vec<Entry>,
    /// Whether all there is now was looked at. If not, a further read finds more, even if this one found nothing.
    pub complete: bool,
    /// The lease, extended.
    pub lease: Lease,
    /// The journal's head as the read saw it.
    pub head: Position,
}

/// What a reader is done with. Repeating it changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acknowledged {
    /// Every live entry up to this position.
    pub live: Option<Position>,
    /// These entries, which had been set aside and came again, each by its position.
    pub unparked: Vec<Position>,
    /// By replay: every entry of it up to this position.
    pub replays: BTreeMap<ReplayId, Position>,
}

/// What is read of one consumer, taken down so that the journal is read without holding anything.
struct Plan {
    consumer: Consumer,
    cursor: Position,
    due: Vec<Due>,
    lease: Lease,
}

impl Consumers {
    /// Takes the lease, or extends it if `token` is the one in force.
    pub fn lease(
        &self,
        name: &ConsumerName,
        holder: &ModeratorId,
        seconds: u32,
        token: Option<Token>,
    ) -> Result<Lease, ConsumerError> {
        if !(LEASE_S_MIN..=LEASE_S_MAX).contains(&seconds) {
            let expected = format!("{LEASE_S_MIN} to {LEASE_S_MAX}");
            return Err(ConsumerError::OutOfBounds { what: "seconds", expected, found: seconds.to_string() });
        }
        let now = self.clock.now();
        let mut state = self.state();
        let replays: Vec<ReplayId> = state.registry.replays_to(name).map(|(id, _)| id).collect();
        let reader = state.reader(name)?;
        if let Some(lease) = reader.lease.as_mut().filter(|lease| lease.holds(now)) {
            if token != Some(lease.token) {
                return Err(ConsumerError::Leased { consumer: name.clone(), until: lease.expires_at });
            }
            lease.extends_s = seconds;
            lease.expires_at = now;
            lease.extend(now);
            return Ok(lease.clone());
        }
        reader.live.forget_delivered();
        for id in replays {
            if let Some(run) = state.runs.get_mut(&id) {
                run.lane.forget_delivered();
            }
        }
        let token = self.next_token(&mut state);
        let mut lease = Lease { token, holder: holder.clone(), expires_at: now, extends_s: seconds };
        lease.extend(now);
        state.reader(name)?.lease = Some(lease.clone());
        Ok(lease)
    }

    /// Gives the lease back.
    pub fn release(&self, name: &ConsumerName, token: Token) -> Result<(), ConsumerError> {
        let now = self.clock.now();
        let mut state = self.state();
        state.leased(name, token, now)?.lease = None;
        Ok(())
    }

    /// The next entries, at most `limit` and [`ENTRIES_MAX`]: the same ones until they are acknowledged or set aside.
    pub fn read(
        &self,
        name: &ConsumerName,
        token: Token,
        lane: LaneName,
        limit: usize,
    ) -> Result<Reading, ConsumerError> {
        let limit = limit.clamp(1, ENTRIES_MAX);
        let now = self.clock.now();
        let head = self.head();
        let plan = self.plan(name, token, lane, now)?;
        let mut entries = Vec::new();
        let mut complete = true;
        let mut live = None;
        if matches!(lane, LaneName::All | LaneName::Live) {
            let left_out = plan.consumer.leaves_out();
            let scanned = scan(&*self.journal, plan.cursor, head, limit, |event| {
                let open = wants(&plan.consumer.filter, event) && !left_out.contains(&event.envelope.position);
                if open { Choice::Take } else { Choice::Pass }
            })?;
            complete &= scanned.reached >= head;
            live = Some((scanned.passed(), scanned.found.last().map(|last| last.envelope.position)));
            entries.extend(scanned.found.into_iter().map(Entry::Live));
        }
        if matches!(lane, LaneName::All | LaneName::Unparked) {
            let again = plan.consumer.unparked.iter().take(limit - entries.len());
            for (position, event) in again {
                entries.extend(self.event_at(*position, *event)?.map(Entry::Unparked));
            }
        }
        let mut replayed = Vec::new();
        for due in plan.due {
            let heard = due.pull(&*self.journal, now, limit - entries.len())?;
            complete &= heard.complete;
            replayed.push((due.id(), heard.passed, heard.delivered));
            entries.extend(heard.entries.into_iter().map(Entry::Replayed));
        }
        self.delivered(name, token, live, &replayed)?;
        Ok(Reading { entries, complete, lease: plan.lease, head })
    }

    /// Acknowledges entries. Durable when it returns.
    pub fn acknowledge(
        &self,
        name: &ConsumerName,
        token: Token,
        done: &Acknowledged,
    ) -> Result<ConsumerStatus, ConsumerError> {
        let now = self.clock.now();
        let mut tickets = Vec::new();
        {
            let mut state = self.state();
            state.leased(name, token, now)?;
            let open: Vec<ReplayId> = state.registry.replays_to(name).map(|(id, _)| id).collect();
            // All or nothing: what one lane refuses must not have moved another.
            if let Some(to) = done.live {
                state.reader(name)?.live.may_acknowledge(to)?;
            }
            for (id, to) in &done.replays {
                if open.contains(id) {
                    state.run(*id)?.lane.may_acknowledge(*to)?;
                } else if !state.registry.ended.iter().any(|(ended, _)| ended == id) {
                    return Err(ConsumerError::UnknownReplay(*id)); // one that ended meanwhile has nothing left to do
                }
            }
            if let Some(to) = done.live {
                let live = &mut state.reader(name)?.live;
                live.acknowledge(to)?;
                tickets.extend(live.keep(&*self.journal).map(|kept| (None, kept)));
            }
            for (id, to) in done.replays.iter().filter(|(id, _)| open.contains(id)) {
                let lane = &mut state.run(*id)?.lane;
                lane.acknowledge(*to)?;
                tickets.extend(lane.keep(&*self.journal).map(|kept| (Some(*id), kept)));
            }
        }
        for (replay, (position, ticket)) in tickets {
            ticket.wait()?;
            let mut state = self.state();
            match replay {
                // Set elsewhere or ended meanwhile: then it was another lane that was kept.
                None => state.leased(name, token, now)?.live.is_kept(position),
                Some(id) => {
                    if let Some(run) = state.runs.get_mut(&id) {
                        run.lane.is_kept(position);
                    }
                }
            }
        }
        self.settle_unparked(name, &done.unparked)?;
        self.end_what_is_done(name)?;
        self.consumer(name)
    }

    /// Sets an entry aside that was delivered under this lease, so that it holds nothing up. Durable when it returns.
    pub fn park(
        &self,
        name: &ConsumerName,
        token: Token,
        position: Position,
        reason: &str,
        by: &Actor,
    ) -> Result<ParkedEntry, ConsumerError> {
        if reason.is_empty() || reason.len() > REASON_BYTES_MAX {
            let expected = format!("1 to {REASON_BYTES_MAX} bytes");
            return Err(ConsumerError::OutOfBounds { what: "reason", expected, found: reason.len().to_string() });
        }
        let event = self.journal.read(Position(position.0.saturating_sub(1)), 1)?.into_iter().next();
        let now = self.clock.now();
        self.change(by, |registry| {
            let consumer = registry.consumer(name)?;
            if consumer.parked.contains_key(&position) {
                return Ok(Vec::new());
            }
            if consumer.remembered() >= PARKED_MAX {
                return Err(ConsumerError::TooMany { what: "entries set aside", max: PARKED_MAX });
            }
            let mut state = self.state();
            let reader = state.leased(name, token, now)?;
            let unknown = || ConsumerError::NotDelivered {
                position,
                after: reader.live.cursor(),
                delivered: reader.live.delivered(),
            };
            let event = match (&event, consumer.unparked.get(&position)) {
                (_, Some(again)) => *again,
                (Some(event), None) if event.envelope.position == position && wants(&consumer.filter, event) => {
                    reader.live.holds_open(position)?;
                    event.envelope.id
                }
                (_, None) => return Err(unknown()),
            };
            let (consumer, reason) = (name.clone(), reason.to_owned());
            Ok(vec![EntryParked { consumer, event, position, reason }.into()])
        })?;
        let state = self.state();
        let parked = state.registry.consumer(name)?.parked.get(&position);
        parked.map(|parked| ParkedEntry::of(position, parked)).ok_or_else(|| unknown_entry(name, position))
    }

    /// Has an entry that was set aside delivered again. Durable when it returns.
    pub fn unpark(&self, name: &ConsumerName, position: Position, by: &Actor) -> Result<(), ConsumerError> {
        self.change(by, |registry| {
            let consumer = registry.consumer(name)?;
            let Some(parked) = consumer.parked.get(&position) else {
                let again = consumer.unparked.contains_key(&position);
                return if again { Ok(Vec::new()) } else { Err(unknown_entry(name, position)) };
            };
            Ok(vec![EntryUnparked { consumer: name.clone(), event: parked.event, position }.into()])
        })
    }

    /// Entries set aside, by position: those after `after`, at most `limit`.
    pub fn parked(
        &self,
        name: &ConsumerName,
        after: Position,
        limit: usize,
    ) -> Result<Vec<ParkedEntry>, ConsumerError> {
        let registry = self.state().registry.clone();
        let parked = registry.consumer(name)?.parked.range(after.next()..);
        Ok(parked.take(limit).map(|(position, parked)| ParkedEntry::of(*position, parked)).collect())
    }

    /// Takes down what is to be read.
    fn plan(&self, name: &ConsumerName, token: Token, lane: LaneName, now: Timestamp) -> Result<Plan, ConsumerError> {
        let mut state = self.state();
        let reader = state.leased(name, token, now)?;
        let cursor = reader.live.cursor();
        let lease = reader.lease.clone().ok_or_else(|| ConsumerError::StaleLease(name.clone()))?;
        let consumer = state.registry.consumer(name)?.clone();
        let wanted = |id: ReplayId| lane == LaneName::All || lane == LaneName::Replay(id);
        let registry = state.registry.clone();
        let replays = registry.replays_to(name).filter(|(id, _)| wanted(*id));
        let due = replays.filter_map(|(id, replay)| {
            let run = state.runs.get(&id)?;
            Some(Due::of(&replay.started, run, Some(consumer.filter.clone())))
        });
        Ok(Plan { cursor, lease, due: due.collect(), consumer })
    }

    /// Notes what was given to the reader, unless they lost the lease meanwhile.
    fn delivered(
        &self,
        name: &ConsumerName,
        token: Token,
        live: Option<(Position, Option<Position>)>,
        replayed: &[(ReplayId, Position, Option<Position>)],
    ) -> Result<(), ConsumerError> {
        {
            let now = self.clock.now();
            let mut state = self.state();
            let reader = state.leased(name, token, now)?;
            if let Some((passed, delivered)) = live {
                reader.live.pass(passed);
                reader.live.deliver(delivered.unwrap_or_default());
                reader.live.keep_now_and_then(&*self.journal);
            }
            for (id, passed, delivered) in replayed {
                let Some(run) = state.runs.get_mut(id) else { continue };
                run.lane.pass(*passed);
                run.lane.deliver(delivered.unwrap_or_default());
                run.lane.keep_now_and_then(&*self.journal);
            }
        }
        self.end_what_is_done(name)
    }

    /// Records that entries which had been set aside are done. One that is not waiting was done before.
    fn settle_unparked(&self, name: &ConsumerName, positions: &[Position]) -> Result<(), ConsumerError> {
        if positions.is_empty() {
            return Ok(());
        }
        self.change(&Actor::service("consumers"), |registry| {
            let waiting = &registry.consumer(name)?.unparked;
            let settled = positions.iter().filter_map(|position| {
                let event = *waiting.get(position)?;
                Some(EntrySettled { consumer: name.clone(), event, position: *position }.into())
            });
            Ok(settled.collect())
        })
    }

    /// The event at a position, if it is that one.
    fn event_at(&self, position: Position, event: EventId) -> Result<Option<crate::events::Recorded>, ReadError> {
        let found = self.journal.read(Position(position.0.saturating_sub(1)), 1)?.into_iter().next();
        Ok(found.filter(|found| found.envelope.id == event))
    }
}

impl State {
    pub(super) fn reader(&mut self, name: &ConsumerName) -> Result<&mut Reader, ConsumerError> {
        self.readers.get_mut(name).ok_or_else(|| ConsumerError::UnknownConsumer(name.clone()))
    }

    /// The reader, if the lease is theirs; being used, it is extended.
    fn leased(&mut self, name: &ConsumerName, token: Token, now: Timestamp) -> Result<&mut Reader, ConsumerError> {
        let reader = self.reader(name)?;
        match reader.lease.as_mut().filter(|lease| lease.token == token && lease.holds(now)) {
            Some(lease) => lease.extend(now),
            None => return Err(ConsumerError::StaleLease(name.clone())),
        }
        Ok(reader)
    }
}

fn unknown_entry(name: &ConsumerName, position: Position) -> ConsumerError {
    ConsumerError::UnknownEntry { consumer: name.clone(), position }
}

impl FromStr for LaneName {
    type Err = LaneNameError;

    fn from_str(text: &str) -> Result<Self, LaneNameError> {
        match text {
            "all" => Ok(Self::All),
            "live" => Ok(Self::Live),
            "unparked" => Ok(Self::Unparked),
            replay => replay.parse().map(Self::Replay).map_err(|_| LaneNameError),
        }
    }
}

/// Why a text names no lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a lane is `all`, `live`, `unparked` or the id of a replay")]
pub struct LaneNameError;
