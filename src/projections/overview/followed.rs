//! The newest of something, by id and by the hour they began in: what later events still change.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// By id; bounded, the oldest forgotten first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FollowedNewest<Id: Ord, Of> {
    known: BTreeMap<Id, (u64, Of)>,
    order: VecDeque<Id>,
}

impl<Id: Ord, Of> Default for FollowedNewest<Id, Of> {
    fn default() -> Self {
        Self { known: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<Id: Copy + Ord, Of> FollowedNewest<Id, Of> {
    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut Of> {
        self.known.get_mut(&id).map(|(_, of)| of)
    }

    /// All of them, each with the hour it began in.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Of)> {
        self.known.values().map(|(hour, of)| (*hour, of))
    }

    /// The hour it began in.
    pub(super) fn hour_of(&self, id: Id) -> Option<u64> {
        self.known.get(&id).map(|(hour, _)| *hour)
    }

    /// Follows another one. An id begins once; should it not, the first stays.
    pub(super) fn insert(&mut self, id: Id, hour: u64, of: Of, most: usize) {
        if self.known.contains_key(&id) {
            return;
        }
        self.known.insert(id, (hour, of));
        self.order.push_back(id);
        while self.order.len() > most {
            self.forget_oldest();
        }
    }

    /// Forgets those that began before that hour.
    pub(super) fn forget_before(&mut self, hour: u64) {
        while self.order.front().and_then(|id| self.hour_of(*id)).is_some_and(|began| began < hour) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.order.pop_front() {
            self.known.remove(&oldest);
        }
    }
}

impl<Id: Copy + Ord + Serialize, Of: Serialize> Serialize for FollowedNewest<Id, Of> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let one = |id: &Id| self.known.get(id).map(|(hour, of)| (*id, *hour, of));
        serializer.collect_seq(self.order.iter().filter_map(one))
    }
}

impl<'de, Id: Copy + Ord + Deserialize<'de>, Of: Deserialize<'de>> Deserialize<'de> for FollowedNewest<Id, Of> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::<(Id, u64, Of)>::deserialize(deserializer)?;
        let order = all.iter().map(|(id, ..)| *id).collect();
        Ok(Self { known: all.into_iter().map(|(id, hour, of)| (id, (hour, of))).collect(), order })
    }
}
