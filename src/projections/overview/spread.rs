//! How long something took, as counts in bands: a median and a tail of any number of measurements in little memory.

use serde::{Deserialize, Serialize};

/// Bands in each doubling.
const BANDS: u64 = 16;
/// Below it every millisecond has a band of its own.
const EXACT_BELOW: u64 = 16;
/// The greatest that is told apart: some 34 years.
const MS_MAX: u64 = (1 << 40) - 1;

/// Durations in milliseconds. A figure taken from it is within 3.2 % of the true one, and exact below 16 ms: a band
/// holds what differs by less than a sixteenth, and is told by its middle.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spread {
    /// Bands with anything in them, and how many, in order. At most 592.
    bands: Vec<(u16, u32)>,
}

impl Spread {
    /// Counts one in.
    pub fn add(&mut self, ms: u64) {
        let band = band_of(ms);
        match self.bands.binary_search_by_key(&band, |(band, _)| *band) {
            Ok(at) => self.bands[at].1 = self.bands[at].1.saturating_add(1),
            Err(at) => self.bands.insert(at, (band, 1)),
        }
    }

    /// Takes all of another in.
    pub fn merge(&mut self, other: &Self) {
        for (band, count) in &other.bands {
            match self.bands.binary_search_by_key(band, |(band, _)| *band) {
                Ok(at) => self.bands[at].1 = self.bands[at].1.saturating_add(*count),
                Err(at) => self.bands.insert(at, (*band, *count)),
            }
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.bands.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// What so many in a thousand took at most: 500 is the median. None if there are none.
    pub fn at_most(&self, per_mille: u64) -> Option<u64> {
        let rank = (self.count() * per_mille).div_ceil(1000).max(1);
        let mut passed = 0;
        let band = self.bands.iter().find(|(_, count)| {
            passed += u64::from(*count);
            passed >= rank
        });
        band.map(|(band, _)| middle_of(*band))
    }
}

fn band_of(ms: u64) -> u16 {
    let ms = ms.min(MS_MAX);
    if ms < EXACT_BELOW {
        return ms as u16;
    }
    let doublings = u64::from(ms.ilog2() - EXACT_BELOW.ilog2());
    (doublings * BANDS + (ms >> doublings)) as u16 // at most 591
}

/// The middle of what a band holds.
fn middle_of(band: u16) -> u64 {
    let band = u64::from(band);
    if band < EXACT_BELOW {
        return band;
    }
    let (doublings, within) = ((band - EXACT_BELOW) / BANDS, (band - EXACT_BELOW) % BANDS);
    let lowest = (EXACT_BELOW + within) << doublings;
    lowest + ((1 << doublings) - 1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_within_the_error_that_is_stated() {
        let mut last = 0;
        for ms in (0..20_000).chain((0..=40).map(|power| 1 << power)).chain([MS_MAX, u64::MAX]) {
            let (band, told) = (band_of(ms), middle_of(band_of(ms)));
            let ms = ms.min(MS_MAX);
            assert!(told.abs_diff(ms) * 1000 <= ms * 32, "{ms} is told as {told}");
            assert!(band >= last || ms < 20_000, "bands rise with what they hold");
            last = band;
        }
        assert_eq!(band_of(u64::MAX), 591);
    }

    #[test]
    fn ranks_are_counted_as_in_a_sorted_list() {
        let mut spread = Spread::default();
        assert_eq!((spread.count(), spread.at_most(500)), (0, None));
        for ms in [9, 1, 5, 3, 7] {
            spread.add(ms);
        }
        assert_eq!([0, 200, 201, 500, 950, 1000].map(|share| spread.at_most(share)), [1, 1, 3, 5, 9, 9].map(Some));
        let mut both = Spread::default();
        both.add(2);
        both.merge(&spread);
        assert_eq!((both.count(), both.at_most(1000), both.at_most(300)), (6, Some(9), Some(2)));
    }
}
