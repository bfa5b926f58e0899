//! Which shards may be read now. Pure.
//!
//! A split or a merge closes shards and opens others for the same keys. A shard is read when every parent of it that
//! still exists is read and settled to its end, so that what was put under one key is taken in the order it was put.
//! Shards are discovered by listing; what a read says of children at a shard's end only means that listing is due.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::kinesis::{Shard, ShardId};

/// Whether this node reads the shard. The one place where it is decided: all of them, today. Several nodes would each
/// read the shards whose lease they hold, and learn from the leases which shards the others have brought to their end.
fn reads_here(_shard: &ShardId) -> bool {
    true
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Reading,
    Ended,
}

#[derive(Debug)]
struct Known {
    parents: Vec<ShardId>,
    state: State,
}

/// The shards of a stream and how far each of them is.
#[derive(Debug, Default)]
pub struct Lineage {
    shards: BTreeMap<ShardId, Known>,
}

/// What a listing says beyond what was known.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Vanished {
    /// Shards that were known and not at their end, and are listed no more: the rest of them is lost.
    pub unread: Vec<ShardId>,
    /// Shards that are named as parents, are not listed, and were never known. Lost unless they ended before anybody
    /// read the stream.
    pub never_seen: Vec<ShardId>,
}

impl Lineage {
    /// Knows from the past: the shard was there, and was read to its end or not.
    pub fn remember(&mut self, shard: ShardId, ended: bool) {
        let state = if ended { State::Ended } else { State::Waiting };
        self.shards.insert(shard, Known { parents: Vec::new(), state });
    }

    /// Takes in a complete listing, and forgets what it does not name any more.
    pub fn listed(&mut self, shards: &[Shard]) -> Vanished {
        let named: BTreeSet<&ShardId> = shards.iter().map(|shard| &shard.id).collect();
        let mut vanished = Vanished::default();
        for shard in shards {
            let new = !self.shards.contains_key(&shard.id);
            let unknown = |parent: &&ShardId| new && !named.contains(*parent) && !self.shards.contains_key(*parent);
            vanished.never_seen.extend(shard.parents.iter().filter(unknown).cloned());
        }
        for shard in shards {
            let known =
                self.shards.entry(shard.id.clone()).or_insert(Known { parents: Vec::new(), state: State::Waiting });
            known.parents.clone_from(&shard.parents);
        }
        self.shards.retain(|id, known| {
            let gone = !named.contains(id) && known.state != State::Reading; // a reader finds out by itself
            if gone && known.state == State::Waiting {
                vanished.unread.push(id.clone());
            }
            !gone
        });
        vanished.never_seen.sort_unstable();
        vanished.never_seen.dedup();
        vanished
    }

    /// The shards to begin with now, at most so many that `reading_max` are read at a time; they count as read from
    /// here on. Those with unfinished parents wait.
    pub fn begin(&mut self, reading_max: usize) -> Vec<ShardId> {
        let due: Vec<ShardId> = self.due().take(reading_max.saturating_sub(self.reading())).cloned().collect();
        for shard in &due {
            self.set(shard, State::Reading);
        }
        due
    }

    /// How many could be read now and are not: more than `reading_max` are due.
    pub fn left_over(&self) -> usize {
        self.due().count()
    }

    /// How many are being read.
    pub fn reading(&self) -> usize {
        self.shards.values().filter(|known| known.state == State::Reading).count()
    }

    /// A shard was read to its end and all of it is settled.
    pub fn ended(&mut self, shard: &ShardId) {
        self.set(shard, State::Ended);
    }

    /// A shard's reader stopped before the end; it is due again.
    pub fn interrupted(&mut self, shard: &ShardId) {
        self.set(shard, State::Waiting);
    }

    fn due(&self) -> impl Iterator<Item = &ShardId> {
        let drained = |parent: &ShardId| self.shards.get(parent).is_none_or(|parent| parent.state == State::Ended);
        self.shards
            .iter()
            .filter(move |(id, known)| {
                known.state == State::Waiting && reads_here(id) && known.parents.iter().all(drained)
            })
            .map(|(id, _)| id)
    }

    fn set(&mut self, shard: &ShardId, state: State) {
        if let Some(known) = self.shards.get_mut(shard) {
            known.state = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ShardId {
        ShardId::new(name).expect("a shard's name")
    }

    /// `"c<a,b"`: a shard and its parents.
    fn shards(said: &[&str]) -> Vec<Shard> {
        let shard = |said: &&str| {
            let (name, parents) = said.split_once('<').unwrap_or((said, ""));
            let parents = parents.split(',').filter(|parent| !parent.is_empty()).map(id).collect();
            Shard { id: id(name), parents, closed: false }
        };
        said.iter().map(shard).collect()
    }

    fn begin(lineage: &mut Lineage) -> Vec<String> {
        lineage.begin(usize::MAX).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn children_wait_for_every_parent_that_still_exists() {
        let mut lineage = Lineage::default();
        lineage.listed(&shards(&["a", "b", "c<a,b", "d<c", "e<expired"]));
        assert_eq!(begin(&mut lineage), ["a", "b", "e"]);
        lineage.ended(&id("a"));
        assert_eq!(begin(&mut lineage), [""; 0]);
        lineage.ended(&id("b"));
        assert_eq!(begin(&mut lineage), ["c"]);
        lineage.ended(&id("c"));
        assert_eq!(begin(&mut lineage), ["d"]);
    }

    #[test]
    fn a_parent_that_expires_after_its_end_holds_nobody_up_and_is_not_missed() {
        let mut lineage = Lineage::default();
        lineage.listed(&shards(&["a", "b<a", "c<a"]));
        begin(&mut lineage);
        lineage.ended(&id("a"));
        assert_eq!(lineage.listed(&shards(&["b<a", "c<a"])), Vanished::default());
        assert_eq!(begin(&mut lineage), ["b", "c"]);
        assert_eq!(lineage.listed(&shards(&["b<a", "c<a"])), Vanished::default());
    }

    #[test]
    fn what_was_known_and_unread_or_never_seen_is_missed_once() {
        let mut lineage = Lineage::default();
        lineage.remember(id("a"), false);
        lineage.remember(id("done"), true);
        let vanished = lineage.listed(&shards(&["b<a", "c<other", "d<done"]));
        assert_eq!(vanished, Vanished { unread: vec![id("a")], never_seen: vec![id("other")] });
        assert_eq!(lineage.listed(&shards(&["b<a", "c<other", "d<done"])), Vanished::default());
        assert_eq!(begin(&mut lineage), ["b", "c", "d"]);
    }

    #[test]
    fn a_shard_in_reading_is_not_taken_for_lost_by_a_listing() {
        let mut lineage = Lineage::default();
        lineage.listed(&shards(&["a"]));
        begin(&mut lineage);
        assert_eq!(lineage.listed(&shards(&["b<a"])), Vanished::default());
        assert_eq!(begin(&mut lineage), [""; 0], "its child waits for it");
        lineage.interrupted(&id("a"));
        assert_eq!(lineage.listed(&shards(&["b<a"])), Vanished { unread: vec![id("a")], never_seen: vec![] });
    }

    #[test]
    fn no_more_are_read_at_a_time_than_allowed_and_the_rest_is_named() {
        let mut lineage = Lineage::default();
        lineage.listed(&shards(&["a", "b", "c"]));
        assert_eq!(lineage.begin(2).len(), 2);
        assert_eq!((lineage.reading(), lineage.left_over()), (2, 1));
        assert_eq!(lineage.begin(2), []);
        lineage.ended(&id("a"));
        assert_eq!(lineage.begin(2), [id("c")]);
    }
}
