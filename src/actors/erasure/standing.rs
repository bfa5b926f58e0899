//! Which erasures there are and how far each has come: a fold over the events of the system scope `$store`. Pure.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use crate::events::{Actor, CodecError, ErasureRequested, Event, EventType, HeldContent, Recorded};
use crate::model::{EventId, Position, Sequence, Timestamp};

/// An erasure as its events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The event that asked for it.
    pub request: EventId,
    /// Where that stands.
    pub position: Position,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Who asked.
    pub by: Actor,
    /// What for, and why.
    pub requested: ErasureRequested,
    /// Whose keys are destroyed, in the order of [`subjects`](crate::events::Erasing::subjects).
    pub subjects: Vec<ErasedSubject>,
    /// That the copies in buckets are deleted; none as long as they are not, or if none are to be.
    pub copies: Option<ErasedCopies>,
}

/// A subject whose key is destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedSubject {
    /// The subject.
    pub subject: String,
    /// When that was recorded.
    pub at: Timestamp,
    /// How much had lain under it; none if the process ended before that was recorded.
    pub held: Option<HeldContent>,
}

/// Copies that are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErasedCopies {
    /// When that was recorded.
    pub at: Timestamp,
    /// How many.
    pub copies: u64,
}

impl Erasure {
    /// Subjects whose keys are still to be destroyed.
    pub fn subjects_left(&self) -> Vec<String> {
        let mut subjects = self.requested.what.subjects();
        subjects.retain(|subject| !self.subjects.iter().any(|erased| erased.subject == *subject));
        subjects
    }

    /// Whether copies in buckets are still to be deleted.
    pub fn leaves_copies(&self) -> bool {
        self.requested.what.copies_of().is_some() && self.copies.is_none()
    }

    /// Whether anything is left to do.
    pub fn is_finished(&self) -> bool {
        self.subjects_left().is_empty() && !self.leaves_copies()
    }
}

/// The erasures there are.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Last event folded.
    pub sequence: Sequence,
    /// By the position of their request.
    erasures: BTreeMap<Position, Erasure>,
    positions: HashMap<EventId, Position>,
    /// When each subject was erased.
    moments: HashMap<String, Vec<(Position, Timestamp)>>,
}

impl Known {
    /// Folds one event of the store's list in.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), CodecError> {
        let envelope = &recorded.envelope;
        self.sequence = envelope.sequence;
        let ours = [EventType::ErasureRequested, EventType::ContentErased, EventType::CopiesErased];
        if !ours.iter().any(|known| known.name() == envelope.event_type) {
            return Ok(());
        }
        match recorded.event()? {
            Event::ErasureRequested(requested) => {
                self.positions.insert(envelope.id, envelope.position);
                let erasure = Erasure {
                    request: envelope.id,
                    position: envelope.position,
                    requested_at: envelope.recorded_at,
                    by: envelope.actor.clone(),
                    requested,
                    subjects: Vec::new(),
                    copies: None,
                };
                self.erasures.insert(envelope.position, erasure);
            }
            Event::ContentErased(erased) => {
                let at = envelope.recorded_at;
                self.moments.entry(erased.subject.clone()).or_default().push((envelope.position, at));
                if let Some(erasure) = erased.request.and_then(|request| self.of_mut(request)) {
                    let (subject, held) = (erased.subject, erased.held);
                    erasure.subjects.push(ErasedSubject { subject, at, held });
                }
            }
            Event::CopiesErased(erased) => {
                let (at, copies) = (envelope.recorded_at, erased.copies);
                if let Some(erasure) = self.of_mut(erased.request) {
                    erasure.copies = Some(ErasedCopies { at, copies });
                }
            }
            _ => {} // no other is ours
        }
        Ok(())
    }

    /// The erasure that this event asked for.
    pub fn of(&self, request: EventId) -> Option<&Erasure> {
        self.erasures.get(self.positions.get(&request)?)
    }

    fn of_mut(&mut self, request: EventId) -> Option<&mut Erasure> {
        self.erasures.get_mut(self.positions.get(&request)?)
    }

    /// All, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Erasure> {
        self.erasures.values().rev()
    }

    /// Those with something left to do, the oldest first.
    pub fn unfinished(&self) -> impl Iterator<Item = &Erasure> {
        self.erasures.values().filter(|erasure| !erasure.is_finished())
    }

    /// When content of a subject that was recorded at `stored` was erased: with the first erasure after it. One recorded
    /// after every erasure of its subject was on its way while its key went.
    pub fn erased_at(&self, subject: &str, stored: Position) -> Option<Timestamp> {
        let last = || self.moments.get(subject)?.last().map(|(_, at)| *at);
        self.erased_after(subject, stored).or_else(last)
    }

    /// Whether somebody asked after `stored` that a subject be erased.
    pub fn was_asked_after(&self, subject: &str, stored: Position) -> bool {
        let after = (Bound::Excluded(stored), Bound::Unbounded);
        self.erasures.range(after).any(|(_, erasure)| erasure.requested.what.subjects().iter().any(|s| s == subject))
    }

    /// When a subject was first erased after `stored`.
    pub fn erased_after(&self, subject: &str, stored: Position) -> Option<Timestamp> {
        let moments = self.moments.get(subject)?;
        moments.iter().find(|(position, _)| *position > stored).map(|(_, at)| *at)
    }
}
