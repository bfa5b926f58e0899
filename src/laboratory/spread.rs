//! Many measured values in little room: kept to three significant digits, so that a median of millions is exact to one
//! part in a hundred, the same in whatever order they came.

use std::collections::BTreeMap;

/// The least number that needs a fourth digit.
const FOUR_DIGITS: u64 = 1000;

/// Values by how often they came. At most some twenty thousand different ones, whatever is added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spread {
    counts: BTreeMap<i64, u64>,
    count: u64,
}

impl Spread {
    pub fn add(&mut self, value: i64) {
        *self.counts.entry(three_digits(value)).or_default() += 1;
        self.count += 1;
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The least value that so many in a thousand do not exceed; none without values. 500 is the median.
    pub fn at_permille(&self, permille: u64) -> Option<i64> {
        let wanted = (self.count * permille).div_ceil(1000).max(1);
        let mut passed = 0;
        let reached = |(_, count): &(&i64, &u64)| {
            passed += **count;
            passed >= wanted
        };
        self.counts.iter().find(reached).map(|(value, _)| *value)
    }

    pub fn merge(&mut self, other: Self) {
        for (value, count) in other.counts {
            *self.counts.entry(value).or_default() += count;
        }
        self.count += other.count;
    }
}

fn three_digits(value: i64) -> i64 {
    let magnitude = value.unsigned_abs();
    let mut unit = 1;
    while magnitude / unit >= FOUR_DIGITS {
        unit *= 10;
    }
    let kept = i64::try_from(magnitude / unit * unit).unwrap_or(i64::MAX);
    if value < 0 { -kept } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest_and_digits_beyond_the_third_are_cut() {
        let mut spread = Spread::default();
        assert_eq!(spread.at_permille(500), None);
        for value in [-1500, 10_000, 10_049, 60_000] {
            spread.add(value);
        }
        assert_eq!((spread.at_permille(500), spread.at_permille(950)), (Some(10_000), Some(60_000)));
        assert_eq!(spread.at_permille(1), Some(-1500));
        assert_eq!(
            (three_digits(-12_345), three_digits(999), three_digits(i64::MIN)),
            (-12_300, 999, -9_220_000_000_000_000_000)
        );
    }

    #[test]
    fn merged_it_is_as_if_all_had_been_added_to_one() {
        let (mut one, mut two, mut both) = (Spread::default(), Spread::default(), Spread::default());
        for value in 0..5000 {
            both.add(value * value);
            if value % 3 == 0 { one.add(value * value) } else { two.add(value * value) }
        }
        two.merge(one);
        assert_eq!(two, both);
    }
}
