//! Channels in the orders that people look for them in, besides that of their ids: the least trusted first, and those
//! off the air, the one that ended last first.
//!
//! Worked out from the rows and kept beside them, so that a page of a hundred thousand channels is found without sorting
//! them. A channel's place moves only when what it is ordered by does.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Bound;

use super::Channel;
use crate::model::{ChannelId, Score, Timestamp};

/// How doubtful a channel is: by the score that its cadence was set with, the lowest first. One whose cadence no score
/// has a say in comes after all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Risk(u16);

/// When a broadcast ended, the latest first.
pub type Ending = Reverse<Timestamp>;

/// The orders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Orders {
    by_risk: BTreeSet<(Risk, ChannelId)>,
    by_end: BTreeSet<(Ending, ChannelId)>,
}

/// Where a channel stands in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    risk: Risk,
    end: Option<Ending>,
}

impl Risk {
    /// Of a channel whose cadence no score has a say in.
    const UNKNOWN: Self = Self(Score::MAX.as_milli() + 1);

    /// Of a score.
    pub fn of(score: Option<Score>) -> Self {
        score.map_or(Self::UNKNOWN, |score| Self(score.as_milli()))
    }
}

impl Places {
    pub fn of(channel: &Channel) -> Self {
        let risk = Risk::of(channel.cadence.as_ref().and_then(|cadence| cadence.score));
        Self { risk, end: channel.ended.as_ref().map(|ended| Reverse(ended.at)) }
    }
}

impl Orders {
    /// Of all channels.
    pub fn of<'a>(channels: impl Iterator<Item = (&'a ChannelId, &'a Channel)>) -> Self {
        let mut orders = Self::default();
        channels.for_each(|(id, channel)| orders.put(id, Places::of(channel)));
        orders
    }

    pub fn put(&mut self, id: &ChannelId, places: Places) {
        self.by_risk.insert((places.risk, id.clone()));
        self.by_end.extend(places.end.map(|end| (end, id.clone())));
    }

    pub fn take(&mut self, id: &ChannelId, places: Places) {
        self.by_risk.remove(&(places.risk, id.clone()));
        if let Some(end) = places.end {
            self.by_end.remove(&(end, id.clone()));
        }
    }

    pub fn by_risk(&self, after: Option<(Risk, ChannelId)>) -> impl Iterator<Item = &ChannelId> {
        behind(&self.by_risk, after)
    }

    pub fn by_end(&self, after: Option<(Ending, ChannelId)>) -> impl Iterator<Item = &ChannelId> {
        behind(&self.by_end, after)
    }
}

fn behind<Key: Ord>(
    order: &BTreeSet<(Key, ChannelId)>,
    after: Option<(Key, ChannelId)>,
) -> impl Iterator<Item = &ChannelId> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    order.range((from, Bound::Unbounded)).map(|(_, id)| id)
}
