//! Where warnings began: their ids are digests and name no channel, and callers ask by id.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::events::Event;
use crate::model::{Position, WarningId};

/// The newest warnings that are found by id; about 60 bytes each. Older ones are found by searching the events.
pub const WARNINGS_INDEXED_MAX: usize = 500_000;

/// Positions of the events that raised warnings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Index {
    warnings: Newest<WarningId>,
}

impl Index {
    /// Where a warning was raised.
    pub fn warning(&self, warning: WarningId) -> Option<Position> {
        self.warnings.positions.get(&warning).copied()
    }

    pub(super) fn apply(&mut self, position: Position, event: &Event) {
        if let Event::WarningRaised(raised) = event {
            self.warnings.insert(raised.warning, position, WARNINGS_INDEXED_MAX);
        }
    }
}

/// The newest of something, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Newest<Id: Ord> {
    positions: BTreeMap<Id, Position>,
    order: VecDeque<Id>,
}

impl<Id: Ord> Default for Newest<Id> {
    fn default() -> Self {
        Self { positions: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<Id: Copy + Ord> Newest<Id> {
    fn insert(&mut self, id: Id, position: Position, most: usize) {
        if self.positions.insert(id, position).is_some() {
            return; // an id begins once; should it not, the place of the last is as good
        }
        self.order.push_back(id);
        if self.order.len() > most
            && let Some(oldest) = self.order.pop_front()
        {
            self.positions.remove(&oldest);
        }
    }
}

impl<Id: Copy + Ord + Serialize> Serialize for Newest<Id> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = |id: &Id| Some((*id, *self.positions.get(id)?));
        serializer.collect_seq(self.order.iter().filter_map(place))
    }
}

impl<'de, Id: Copy + Ord + Deserialize<'de>> Deserialize<'de> for Newest<Id> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let places = Vec::<(Id, Position)>::deserialize(deserializer)?;
        let order = places.iter().map(|(id, _)| *id).collect();
        Ok(Self { positions: places.into_iter().collect(), order })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_also_after_being_written_and_read_back() {
        let id = |n: u8| WarningId::from_bytes([n; 16]);
        let mut newest = Newest::default();
        for n in 1..=5 {
            newest.insert(id(n), Position(u64::from(n)), 3);
        }
        let mut bytes = Vec::new();
        ciborium::into_writer(&newest, &mut bytes).expect("it can be written");
        let mut again: Newest<WarningId> = ciborium::from_reader(bytes.as_slice()).expect("it can be read");
        assert_eq!(again, newest);
        again.insert(id(6), Position(6), 3);
        let kept: Vec<Option<u64>> = (1..=6).map(|n| again.positions.get(&id(n)).map(|at| at.0)).collect();
        assert_eq!(kept, [None, None, None, Some(4), Some(5), Some(6)]);
    }
}
