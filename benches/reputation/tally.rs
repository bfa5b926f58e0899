//! What came of watching: calls, how soon each harmful episode was found, what moderators were asked.

use std::collections::BTreeMap;

use streamwarden::model::ChannelId;

use crate::pictures::Picture;
use crate::population::{Broadcast, Channel, Kind};
use crate::random::Random;

/// What came of watching channels of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Channels.
    pub channels: u64,
    /// Milliseconds on the air.
    pub on_air: u64,
    /// Pictures that a provider was asked about.
    pub calls: u64,
    /// Milliseconds from the start of each harmful episode to the first picture of it that met a rule; none: never.
    pub found_after: Vec<Option<u64>>,
    /// Broadcasts with a harmful episode.
    pub harmful: u64,
    /// Of those, the ones in which none was found.
    pub missed: u64,
    /// Warnings put before moderators.
    pub warnings: u64,
    /// Of those, the ones raised by a picture that is not harmful.
    pub false_warnings: u64,
}

impl Tally {
    /// Counts another one in.
    pub fn add(&mut self, other: &Self) {
        self.channels += other.channels;
        self.on_air += other.on_air;
        self.calls += other.calls;
        self.found_after.extend(&other.found_after);
        self.harmful += other.harmful;
        self.missed += other.missed;
        self.warnings += other.warnings;
        self.false_warnings += other.false_warnings;
    }

    /// A broadcast was watched to its end; `hits` are the moments whose pictures met a rule, in order.
    pub fn broadcast(&mut self, broadcast: &Broadcast, hits: &[u64]) {
        self.on_air += broadcast.until - broadcast.from;
        if broadcast.episodes.is_empty() {
            return;
        }
        let found = broadcast.episodes.iter().map(|episode| {
            let first = hits.iter().find(|at| (episode.from..episode.until).contains(at));
            first.map(|at| at - episode.from)
        });
        let found: Vec<_> = found.collect();
        self.harmful += 1;
        self.missed += u64::from(found.iter().all(Option::is_none));
        self.found_after.extend(found);
    }

    /// Milliseconds after which that share of all episodes was found; none if more than the rest never was.
    pub fn found_within(&self, share: f64) -> Option<u64> {
        let all = self.found_after.iter().map(|after| after.unwrap_or(u64::MAX));
        share_of(all, share).filter(|after| *after != u64::MAX)
    }

    /// Milliseconds after which that share of those episodes was found that were found at all.
    pub fn of_found_within(&self, share: f64) -> Option<u64> {
        share_of(self.found_after.iter().flatten().copied(), share)
    }

    /// Episodes never found.
    pub fn never_found(&self) -> usize {
        self.found_after.iter().filter(|after| after.is_none()).count()
    }
}

fn share_of(figures: impl Iterator<Item = u64>, share: f64) -> Option<u64> {
    let mut sorted: Vec<u64> = figures.collect();
    sorted.sort_unstable();
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied()
}

/// Tallies by kind of channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies(pub BTreeMap<Kind, Tally>);

impl Tallies {
    /// Counts another one in.
    pub fn add(&mut self, other: &Self) {
        for (kind, tally) in &other.0 {
            self.0.entry(*kind).or_default().add(tally);
        }
    }

    /// The one of a kind.
    pub fn of(&mut self, channel: &Channel) -> &mut Tally {
        self.0.entry(channel.kind).or_default()
    }

    /// All kinds together.
    pub fn all(&self) -> Tally {
        let mut all = Tally::default();
        self.0.values().for_each(|tally| all.add(tally));
        all
    }
}

/// When a moderator answers a warning raised at a moment, and whether they uphold it: after some minutes, and rightly
/// in 97 of 100 cases.
pub fn answer(channel: &Channel, broadcast: &Broadcast, raised: u64) -> (u64, bool) {
    let mut random = Random::of(channel.seed, raised ^ 0xa15e);
    let after = random.around(180_000, 0.6, 30_000, 1_200_000);
    let right = random.chance(0.97);
    (raised + after, right == Picture::at(&broadcast.scenes, raised).is_harmful())
}

/// Where a channel lies between two neighbouring multiples of the distance between thumbnails, from 0 to 1: so that a
/// cadence between them is had by some channels at one and by the others at the other.
pub fn place(channel: &ChannelId) -> f64 {
    let name = channel.as_str().bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte));
    Random::of(name, 0xd17e).unit()
}
