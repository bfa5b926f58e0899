//! What people's answers say of warnings, those that a shadow would have raised included.
//!
//! Nobody was asked about the shadow's. What stands nearest to one of them speaks for it: the live warning of the same rule
//! about one of its frames; without such a one, any live warning about one of its frames; and if those have no answer, one
//! of the same rule in the same broadcast. Of several alike the answer that upholds counts: somebody looked and saw it. An
//! answer that was taken back is none, and one that an appeal overturned says that there was nothing.

use std::collections::BTreeMap;

use crate::model::{ChannelId, RuleId, SessionId, WarningId};

use super::report::Standing;

/// Warnings remembered of each kind; about 200 bytes each.
pub const WARNINGS_MAX: usize = 200_000;
/// Live warnings remembered beside one of the shadow's: more than a few mean catch-alls.
const BESIDE_MAX: usize = 8;

/// A rule in a broadcast: it has at most one open warning there.
pub(super) type Place = (ChannelId, SessionId, RuleId);

/// Warnings and answers.
#[derive(Debug, Default)]
pub(super) struct Truth {
    live: BTreeMap<WarningId, Live>,
    /// The last of each rule in each broadcast is the open one.
    shadow: BTreeMap<Place, Vec<Vec<WarningId>>>,
    shadows: usize,
    pub(super) left_out: u64,
}

#[derive(Debug)]
struct Live {
    place: Place,
    /// Whether it was raised on a frame judged by both.
    counts: bool,
    answer: Option<Answer>,
}

/// In the order in which they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    Dismissed,
    Upheld,
}

impl Truth {
    pub(super) fn raised(&mut self, warning: WarningId, place: Place, counts: bool) {
        if self.live.len() < WARNINGS_MAX {
            self.live.insert(warning, Live { place, counts, answer: None });
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn answered(&mut self, warning: WarningId, answer: Option<Answer>) {
        if let Some(live) = self.live.get_mut(&warning) {
            live.answer = answer;
        }
    }

    /// The shadow would have raised a warning on a frame that speaks for these live ones.
    pub(super) fn would_raise(&mut self, place: Place, beside: &[WarningId]) {
        if self.shadows < WARNINGS_MAX {
            self.shadows += 1;
            self.shadow.entry(place).or_default().push(beside.iter().copied().take(BESIDE_MAX).collect());
        } else {
            self.left_out += 1;
        }
    }

    /// A further frame would have joined it.
    pub(super) fn would_join(&mut self, place: &Place, beside: &[WarningId]) {
        let Some(open) = self.shadow.get_mut(place).and_then(|raised| raised.last_mut()) else { return };
        for warning in beside {
            if open.len() < BESIDE_MAX && !open.contains(warning) {
                open.push(*warning);
            }
        }
    }

    /// What the answers say of the live warnings and of the shadow's.
    pub(super) fn count(&self, live: &mut Standing, shadow: &mut Standing) {
        for warning in self.live.values().filter(|warning| warning.counts) {
            live.count(warning.answer);
        }
        let mut by_place: BTreeMap<&Place, Option<Answer>> = BTreeMap::new();
        for warning in self.live.values() {
            let said = by_place.entry(&warning.place).or_default();
            *said = (*said).max(warning.answer);
        }
        for (place, raised) in &self.shadow {
            let namesake = by_place.get(place).copied().flatten();
            for beside in raised {
                let of_a_frame = || beside.iter().filter_map(|warning| self.live.get(warning));
                let mut same = of_a_frame().filter(|live| live.place == *place).peekable();
                shadow.count(match same.peek() {
                    Some(_) => same.filter_map(|live| live.answer).max(),
                    None => of_a_frame().filter_map(|live| live.answer).max().or(namesake),
                });
            }
        }
    }
}

impl Standing {
    fn count(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Upheld) => self.upheld += 1,
            Some(Answer::Dismissed) => self.dismissed += 1,
            None => self.unanswered += 1,
        }
    }
}
