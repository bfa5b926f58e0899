//! What a hot segment keeps in memory to answer "where is the event of that id" and "which events has this scope".
//!
//! Loaded from the `i` and `n` chunks at open. Memory per million events: 24 to 48 MB for the ids (a table of 20-byte
//! entries that doubles when seven eighths full), 4 to 8 MB for the scopes' lists; about 280 bytes per scope on top.
//! Roll-over bounds it: 200,000 events, the default, take 6 to 12 MB.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use super::hot::Carried;
use crate::model::{ChannelId, ConsumerName, EventId, Mark, MarkName, Position, Scope, Sequence};

#[derive(Debug, Default)]
pub(super) struct Index {
    first: Position,
    events: u32,
    ids: HashMap<EventId, u32>,
    numbers: HashMap<Scope, u32>,
    scopes: Vec<ScopeList>,
    /// The channels among the scopes, by name.
    channels: BTreeSet<ChannelId>,
    pub cursors: BTreeMap<ConsumerName, Position>,
    marks: BTreeMap<MarkName, Mark>,
}

#[derive(Debug)]
struct ScopeList {
    scope: Scope,
    /// Its last sequence before its first event in this segment.
    carry: Sequence,
    /// Offsets from the segment's first position, rising.
    offsets: Vec<u32>,
}

impl ScopeList {
    fn last(&self) -> Sequence {
        Sequence(self.carry.0 + self.offsets.len() as u64)
    }
}

impl Index {
    pub fn new(first: Position) -> Self {
        Self { first, ..Self::default() }
    }

    /// Number of events.
    pub fn events(&self) -> u32 {
        self.events
    }

    /// The position after the last event.
    pub fn next(&self) -> Position {
        Position(self.first.0 + u64::from(self.events))
    }

    /// Registers a scope and returns its number; a known one keeps its own.
    pub fn register(&mut self, scope: &Scope, carry: Sequence) -> u32 {
        let next = u32::try_from(self.scopes.len()).expect("a segment has fewer than 2^32 scopes");
        let number = *self.numbers.entry(scope.clone()).or_insert(next);
        if number == next {
            self.scopes.push(ScopeList { scope: scope.clone(), carry, offsets: Vec::new() });
            self.channels.extend(scope.channel().cloned());
        }
        number
    }

    /// The scope's number, if it is registered.
    pub fn number(&self, scope: &Scope) -> Option<u32> {
        self.numbers.get(scope).copied()
    }

    /// How many scopes are registered.
    pub fn scopes(&self) -> u32 {
        self.scopes.len() as u32 // `register` has checked that it fits
    }

    /// Channels after `after` by name, at most `limit`. Every scope is carried from segment to segment, so these are
    /// all that the journal has.
    pub fn channels(&self, after: Option<&ChannelId>, limit: usize) -> Vec<ChannelId> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.channels.range((from, Bound::Unbounded)).take(limit).cloned().collect()
    }

    /// Adds the next event. False if its scope is not registered or its id occurs already.
    pub fn push(&mut self, id: EventId, scope: u32) -> bool {
        let Some(list) = self.scopes.get_mut(scope as usize) else { return false };
        list.offsets.push(self.events);
        let fresh = self.ids.insert(id, self.events).is_none();
        self.events += 1;
        fresh
    }

    pub fn position(&self, id: EventId) -> Option<Position> {
        self.ids.get(&id).map(|&offset| Position(self.first.0 + u64::from(offset)))
    }

    /// The scope's last sequence; none if the segment does not know it.
    pub fn last_sequence(&self, scope: &Scope) -> Option<Sequence> {
        self.number(scope).map(|number| self.scopes[number as usize].last())
    }

    /// The scope's last sequence before this segment; none if the segment does not know it.
    pub fn carry(&self, scope: &Scope) -> Option<Sequence> {
        self.number(scope).map(|number| self.scopes[number as usize].carry)
    }

    /// Positions of a scope's events after `after`, at most `limit`, none after `until`.
    pub fn scope_positions(&self, scope: &Scope, after: Sequence, limit: usize, until: Position) -> Vec<Position> {
        let Some(number) = self.number(scope) else { return Vec::new() };
        let list = &self.scopes[number as usize];
        let skip = usize::try_from(after.0.saturating_sub(list.carry.0)).unwrap_or(usize::MAX);
        let positions = list.offsets.iter().skip(skip).map(|&offset| Position(self.first.0 + u64::from(offset)));
        positions.take(limit).take_while(|position| *position <= until).collect()
    }

    /// Whether the index says of the event at `position` what its record says.
    pub fn agrees(&self, position: Position, id: EventId, scope: &Scope, sequence: Sequence) -> bool {
        let Some(offset) = position.0.checked_sub(self.first.0).and_then(|offset| u32::try_from(offset).ok()) else {
            return false;
        };
        let Some(list) = self.number(scope).and_then(|number| self.scopes.get(number as usize)) else { return false };
        let Ok(nth) = list.offsets.binary_search(&offset) else { return false };
        self.ids.get(&id) == Some(&offset) && sequence.0 == list.carry.0 + nth as u64 + 1
    }

    /// Keeps a mark, or with none forgets it.
    pub fn mark(&mut self, name: MarkName, mark: Option<Mark>) {
        match mark {
            Some(mark) => self.marks.insert(name, mark),
            None => self.marks.remove(&name),
        };
    }

    /// The marks whose names begin with `prefix`, by name.
    pub fn marks(&self, prefix: &str) -> Vec<(MarkName, Mark)> {
        let named = self.marks.iter().filter(|(name, _)| name.as_str().starts_with(prefix));
        named.map(|(name, mark)| (name.clone(), mark.clone())).collect()
    }

    /// What the next segment starts from: every scope with its last sequence, by number, every cursor, every mark.
    pub fn carried(&self) -> Carried {
        Carried {
            scopes: self.scopes.iter().map(|list| (list.scope.clone(), list.last())).collect(),
            cursors: self.cursors.iter().map(|(name, at)| (name.clone(), *at)).collect(),
            marks: self.marks(""),
        }
    }
}
