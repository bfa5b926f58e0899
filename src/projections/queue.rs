//! The moderators' queue: every warning that waits for an answer, and answered ones for as long as the answer can be
//! taken back, in order of urgency ([`Urgency`], the one place that says it).
//!
//! The queue decides nothing: what may be done with a warning the channel's warden says, and its word is the event.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::events::{Envelope, Event, RuleEffect};
use crate::model::{ChannelId, EnforcementId, Position, Timestamp, WarningId};

use super::warning::{About, Act, Entry, Urgency};

/// The most warnings kept; about 1 KB each. Beyond it the oldest of the least grave are left out of the queue and
/// counted ([`Queue::beyond`]); they can still be found and answered by id.
pub const QUEUE_MAX: usize = 20_000;
/// How much longer an answered warning stays: taken back in the last moment, that is recorded a moment after it.
const LEAVING_GRACE_MS: u64 = 60_000;

/// What waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Queue {
    entries: BTreeMap<WarningId, Entry>,
    order: BTreeMap<Urgency, WarningId>,
    of_channel: BTreeMap<ChannelId, BTreeSet<Urgency>>,
    /// Which warning an enforcement goes back to.
    led_to: BTreeMap<EnforcementId, WarningId>,
    /// Answered warnings, by when they leave.
    leaving: BTreeSet<(Timestamp, WarningId)>,
    beyond: u64,
}

impl Queue {
    /// The warning of that id, if it is open or its answer can still be taken back.
    pub fn get(&self, warning: WarningId) -> Option<&Entry> {
        self.entries.get(&warning)
    }

    /// Warnings in the order of work, after that place. At most [`QUEUE_MAX`].
    pub fn after(&self, place: Option<Urgency>) -> impl Iterator<Item = &Entry> {
        let from = place.map_or(Bound::Unbounded, Bound::Excluded);
        self.order.range((from, Bound::Unbounded)).filter_map(|(_, id)| self.entries.get(id))
    }

    /// A channel's warnings, answered ones included, the gravest first.
    pub fn of(&self, channel: &ChannelId) -> impl Iterator<Item = &Entry> {
        let places = self.of_channel.get(channel).into_iter().flatten();
        places.filter_map(|place| self.order.get(place)).filter_map(|id| self.entries.get(id))
    }

    /// A channel's open warnings, the gravest first.
    pub fn open_of(&self, channel: &ChannelId) -> impl Iterator<Item = &Entry> {
        self.of(channel).filter(|entry| entry.answer.is_none())
    }

    /// How many are kept, answered ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many open warnings are not kept for want of room.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    pub(super) fn apply(&mut self, channel: &ChannelId, envelope: &Envelope, event: &Event) {
        self.forget_answered(envelope.recorded_at);
        let about = About::of(event);
        match &about {
            About::Nothing => {}
            About::Raised(raised) => {
                self.insert(Entry::new(channel, envelope, raised));
                self.make_room(QUEUE_MAX);
            }
            About::Assessed(assessed) => {
                for outcome in &assessed.rules {
                    if let RuleEffect::Joined(warning) = outcome.effect {
                        self.change(warning, envelope, &about);
                    }
                }
            }
            About::Act(warning, Act::Lapsed(_)) => {
                if self.remove(*warning).is_none() {
                    self.count_beyond(&about);
                }
            }
            About::Act(warning, _) => {
                if self.entries.contains_key(warning) {
                    self.change(*warning, envelope, &about);
                } else {
                    self.count_beyond(&about);
                }
            }
            About::Requested(requested) => {
                if let Some(warning) = requested.origin.warning() {
                    self.change(warning, envelope, &about);
                }
            }
            About::Reached(enforcement, _) => {
                if let Some(warning) = self.led_to.get(enforcement).copied() {
                    self.change(warning, envelope, &about);
                }
            }
        }
    }

    /// Changes an entry, and with it what is found by its enforcement and by its leaving.
    fn change(&mut self, warning: WarningId, envelope: &Envelope, about: &About<'_>) {
        let Some(entry) = self.entries.get_mut(&warning) else { return };
        if let Some(led_to) = &entry.enforcement {
            self.led_to.remove(&led_to.enforcement);
        }
        if let Some(answer) = &entry.answer {
            self.leaving.remove(&(answer.until, warning));
        }
        entry.take(envelope, about);
        if let Some(led_to) = &entry.enforcement {
            self.led_to.insert(led_to.enforcement, warning);
        }
        if let Some(answer) = &entry.answer {
            self.leaving.insert((answer.until, warning));
        }
    }

    /// Every warning was kept when it was raised: one that is not known was left out, and was open until it was answered.
    fn count_beyond(&mut self, about: &About<'_>) {
        match about {
            About::Act(_, Act::Answered { .. } | Act::Lapsed(_)) => self.beyond = self.beyond.saturating_sub(1),
            About::Act(_, Act::Withdrawn) => self.beyond += 1,
            About::Act(
                _,
                Act::Claimed { .. } | Act::Released | Act::Noted | Act::Escalated { .. } | Act::Overturned { .. },
            )
            | About::Nothing
            | About::Raised(_)
            | About::Assessed(_)
            | About::Requested(_)
            | About::Reached(..) => {}
        }
    }

    /// Answered warnings leave when the answer can no longer be taken back. Time is what the journal last said.
    fn forget_answered(&mut self, now: Timestamp) {
        let gone = now.minus_ms(LEAVING_GRACE_MS);
        while let Some((_, warning)) = self.leaving.first().filter(|(until, _)| *until < gone).copied() {
            self.remove(warning);
        }
    }

    /// Leaves out the oldest of the least grave, answered or not.
    fn make_room(&mut self, most: usize) {
        while self.entries.len() > most {
            let Some(least) = self.order.last_key_value().map(|(last, _)| last.severity()) else { return };
            let oldest = self.order.range(Urgency::new(least, Position(0))..).next().map(|(_, id)| *id);
            let Some(entry) = oldest.and_then(|oldest| self.remove(oldest)) else { return };
            if entry.answer.is_none() {
                self.beyond += 1;
            }
        }
    }

    fn insert(&mut self, entry: Entry) {
        let (warning, place) = (entry.warning(), entry.urgency());
        self.order.insert(place, warning);
        self.of_channel.entry(entry.channel.clone()).or_default().insert(place);
        if let Some(led_to) = &entry.enforcement {
            self.led_to.insert(led_to.enforcement, warning);
        }
        if let Some(answer) = &entry.answer {
            self.leaving.insert((answer.until, warning));
        }
        self.entries.insert(warning, entry);
    }

    fn remove(&mut self, warning: WarningId) -> Option<Entry> {
        let entry = self.entries.remove(&warning)?;
        self.order.remove(&entry.urgency());
        if let Some(places) = self.of_channel.get_mut(&entry.channel) {
            places.remove(&entry.urgency());
            if places.is_empty() {
                self.of_channel.remove(&entry.channel);
            }
        }
        if let Some(led_to) = &entry.enforcement {
            self.led_to.remove(&led_to.enforcement);
        }
        if let Some(answer) = &entry.answer {
            self.leaving.remove(&(answer.until, warning));
        }
        Some(entry)
    }
}

/// Saved are the warnings and what is beyond them; the rest is found again.
#[derive(Serialize, Deserialize)]
struct Saved<Entries> {
    entries: Entries,
    beyond: u64,
}

impl Serialize for Queue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries: Vec<&Entry> = self.entries.values().collect();
        Saved { entries, beyond: self.beyond }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Queue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = Saved::<Vec<Entry>>::deserialize(deserializer)?;
        let mut queue = Self { beyond: saved.beyond, ..Self::default() };
        for entry in saved.entries {
            queue.insert(entry);
        }
        Ok(queue)
    }
}
