//! Which consumers and replays there are: a fold over the events of the system scope `$outbox`. Pure; where a reader
//! stands is not in it, only which cursor slot says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::ConsumerError;
use crate::events::{
    Actor, CodecError, ConsumerCreated, ConsumerRewound, EntryParked, Event, Filter, Recorded, ReplayEnd, ReplayStarted,
};
use crate::model::{ConsumerName, EventId, Position, ReplayId, Sequence, Timestamp};

/// The most consumers at the same time.
pub const CONSUMERS_MAX: usize = 64;
/// The most replays under way at the same time.
pub const REPLAYS_MAX: usize = 8;
/// The most entries that one consumer may have set aside or waiting to be delivered again. One that sets everything
/// aside is broken, and should hear it.
pub const PARKED_MAX: usize = 1000;
/// The most bytes of the reason why an entry was set aside.
pub const REASON_BYTES_MAX: usize = 300;
/// Replays that ended and are still shown. The journal has all of them.
const ENDED_SHOWN: usize = 64;
/// Cursor slots: one each, and one more, because a rewind fills another before it leaves its own.
const SLOTS: u8 = (CONSUMERS_MAX + REPLAYS_MAX + 1) as u8;

/// The consumers and replays there are.
#[derive(Debug, Clone, Default)]
pub(super) struct Registry {
    /// Last event folded.
    pub sequence: Sequence,
    pub consumers: BTreeMap<ConsumerName, Consumer>,
    pub running: BTreeMap<ReplayId, Replay>,
    /// Newest last.
    pub ended: VecDeque<(ReplayId, Replay)>,
}

/// A consumer as its events tell it.
#[derive(Debug, Clone)]
pub(super) struct Consumer {
    pub filter: Filter,
    pub slot: u8,
    /// Where it began in this slot: its place, as long as the slot was never moved.
    pub from: Position,
    pub created_at: Timestamp,
    pub created_by: Actor,
    /// Set aside.
    pub parked: BTreeMap<Position, Parked>,
    /// To be delivered again.
    pub unparked: BTreeMap<Position, EventId>,
    /// Set aside, delivered again and done, perhaps ahead of the cursor: the live lane brings them no more.
    pub settled: BTreeSet<Position>,
}

/// An entry set aside.
#[derive(Debug, Clone)]
pub(super) struct Parked {
    pub event: EventId,
    pub reason: String,
    pub at: Timestamp,
    pub by: Actor,
}

/// A replay as its events tell it.
#[derive(Debug, Clone)]
pub(super) struct Replay {
    pub started: ReplayStarted,
    pub started_at: Timestamp,
    pub started_by: Actor,
    pub ended: Option<Ended>,
}

/// How and where a replay ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub how: ReplayEnd,
    pub reached: Position,
    pub at: Timestamp,
}

/// The journal's name for a cursor slot. Names of consumers are the users' own and are never names of cursors.
pub(super) fn slot_name(slot: u8) -> ConsumerName {
    ConsumerName::new(format!("outbox/{slot}")).expect("a short name of letters, a slash and digits")
}

impl Consumer {
    /// What the live lane leaves out: what is set aside, what comes by itself, and what did.
    pub fn leaves_out(&self) -> BTreeSet<Position> {
        self.parked.keys().chain(self.unparked.keys()).chain(&self.settled).copied().collect()
    }

    /// Entries that have to be remembered one by one.
    pub fn remembered(&self) -> usize {
        self.parked.len() + self.unparked.len() + self.settled.len()
    }

    /// Forgets what the live lane has passed: only a rewind could bring it, and that brings everything.
    pub fn forget_settled(&mut self, cursor: Position) {
        self.settled = self.settled.split_off(&cursor.next());
    }
}

impl Registry {
    /// A cursor slot that nobody has.
    pub fn free_slot(&self) -> u8 {
        let taken: BTreeSet<u8> = (self.consumers.values().map(|consumer| consumer.slot))
            .chain(self.running.values().map(|replay| replay.started.slot))
            .collect();
        (0..SLOTS).find(|slot| !taken.contains(slot)).expect("there is a slot more than consumers and replays may be")
    }

    /// The consumer of that name.
    pub fn consumer(&self, name: &ConsumerName) -> Result<&Consumer, ConsumerError> {
        self.consumers.get(name).ok_or_else(|| ConsumerError::UnknownConsumer(name.clone()))
    }

    /// The replay under way with that id.
    pub fn replay_under_way(&self, id: ReplayId) -> Result<&Replay, ConsumerError> {
        match self.running.get(&id) {
            Some(replay) => Ok(replay),
            None if self.ended.iter().any(|(ended, _)| *ended == id) => Err(ConsumerError::ReplayOver(id)),
            None => Err(ConsumerError::UnknownReplay(id)),
        }
    }

    /// Replays under way to that consumer.
    pub fn replays_to(&self, name: &ConsumerName) -> impl Iterator<Item = (ReplayId, &Replay)> {
        let to = crate::events::ReplayTarget::Consumer(name.clone());
        self.running.iter().filter(move |(_, replay)| replay.started.target == to).map(|(id, replay)| (*id, replay))
    }

    /// Folds the next event of the scope.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), CodecError> {
        let event = recorded.event()?;
        let envelope = &recorded.envelope;
        self.sequence = envelope.sequence;
        match event {
            Event::ConsumerCreated(ConsumerCreated { consumer, filter, from, slot }) => {
                let created = Consumer {
                    filter,
                    slot,
                    from,
                    created_at: envelope.recorded_at,
                    created_by: envelope.actor.clone(),
                    parked: BTreeMap::new(),
                    unparked: BTreeMap::new(),
                    settled: BTreeSet::new(),
                };
                self.consumers.insert(consumer, created);
            }
            Event::ConsumerDeleted(e) => {
                self.consumers.remove(&e.consumer);
            }
            Event::ConsumerRewound(ConsumerRewound { consumer, to, slot, from: _ }) => {
                self.change(&consumer, |consumer| {
                    (consumer.slot, consumer.from) = (slot, to);
                    consumer.settled.clear();
                });
            }
            Event::EntryParked(EntryParked { consumer, event, position, reason }) => {
                let parked = Parked { event, reason, at: envelope.recorded_at, by: envelope.actor.clone() };
                self.change(&consumer, |consumer| {
                    consumer.unparked.remove(&position);
                    consumer.settled.remove(&position);
                    consumer.parked.insert(position, parked);
                });
            }
            Event::EntryUnparked(e) => self.change(&e.consumer, |consumer| {
                consumer.parked.remove(&e.position);
                consumer.unparked.insert(e.position, e.event);
            }),
            Event::EntrySettled(e) => self.change(&e.consumer, |consumer| {
                consumer.unparked.remove(&e.position);
                consumer.settled.insert(e.position);
            }),
            Event::ReplayStarted(started) => {
                let id = started.replay;
                let (started_at, started_by) = (envelope.recorded_at, envelope.actor.clone());
                self.running.insert(id, Replay { started, started_at, started_by, ended: None });
            }
            Event::ReplayEnded(e) => {
                if let Some(mut replay) = self.running.remove(&e.replay) {
                    replay.ended = Some(Ended { how: e.how, reached: e.reached, at: envelope.recorded_at });
                    self.ended.push_back((e.replay, replay));
                    if self.ended.len() > ENDED_SHOWN {
                        self.ended.pop_front();
                    }
                }
            }
            Event::SessionStarted(_)
            | Event::SessionEnded(_)
            | Event::FrameSkipped(_)
            | Event::FrameAssessed(_)
            | Event::FrameFailed(_)
            | Event::FrameConflict(_)
            | Event::ShadowVerdict(_)
            | Event::OpinionGiven(_)
            | Event::DecisionReceived(_)
            | Event::ChannelWatched(_)
            | Event::ChannelUnwatched(_)
            | Event::ChannelQuarantined(_)
            | Event::SegmentsUnjudged(_)
            | Event::CadenceChanged(_)
            | Event::ReputationAdjusted(_)
            | Event::WarningRaised(_)
            | Event::WarningClaimed(_)
            | Event::WarningReleased(_)
            | Event::WarningUpheld(_)
            | Event::WarningDismissed(_)
            | Event::WarningAnswerWithdrawn(_)
            | Event::WarningEscalated(_)
            | Event::WarningNoted(_)
            | Event::WarningLapsed(_)
            | Event::WarningOverturned(_)
            | Event::EnforcementRequested(_)
            | Event::EnforcementAdmitted(_)
            | Event::EnforcementHeld(_)
            | Event::EnforcementAttempted(_)
            | Event::EnforcementSucceeded(_)
            | Event::EnforcementVerified(_)
            | Event::EnforcementNotNeeded(_)
            | Event::EnforcementSuperseded(_)
            | Event::EnforcementFailed(_)
            | Event::EnforcementCancelled(_)
            | Event::PolicyPublished(_)
            | Event::PolicyRetired(_)
            | Event::PolicyShadowed(_)
            | Event::PolicyUnshadowed(_)
            | Event::NotificationRejected(_)
            | Event::InputGap(_)
            | Event::ProviderSuspended(_)
            | Event::ProviderResumed(_)
            | Event::StoreOpened(_)
            | Event::StoreClosed(_)
            | Event::SegmentSealed(_)
            | Event::DataLossAccepted(_)
            | Event::ErasureRequested(_)
            | Event::ContentErased(_)
            | Event::CopiesErased(_)
            | Event::EvidenceStored(_)
            | Event::EvidenceCopied(_)
            | Event::EvidenceUnkept(_)
            | Event::EvidenceExpired(_)
            | Event::EvidenceRead(_)
            | Event::ExportMade(_) => {}
        }
        Ok(())
    }

    /// A consumer that is not there any more has nothing to change: its events are of the past.
    fn change(&mut self, name: &ConsumerName, change: impl FnOnce(&mut Consumer)) {
        if let Some(consumer) = self.consumers.get_mut(name) {
            change(consumer);
        }
    }
}
