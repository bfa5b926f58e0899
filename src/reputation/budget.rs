//! A node's budget of provider calls: when it runs short, calls go where most harm is to be expected, and everybody
//! keeps the cadence that the policy promises at least.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cadence::Roused;
use crate::model::{Score, Timestamp};
use crate::policy::Tuning;

/// How much harm is to be expected of a channel if nobody looks, in thousandths; or from which need on a call is still
/// made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Need(u16);

impl Need {
    /// Something has just been seen of the channel: it is never made to wait.
    pub const URGENT: Self = Self(1000);
    /// Of a channel that nobody knows or trusts, and that has shown nothing.
    const UNKNOWN: u32 = 900;
    /// Of a channel that came near a threshold, or began, at the least.
    const STIRRED: u16 = 600;

    /// Thousandths.
    pub const fn as_milli(self) -> u16 {
        self.0
    }

    /// The need of a channel with that score, roused by whatever of `roused` is not over.
    pub fn of(score: Score, tuning: &Tuning, roused: impl IntoIterator<Item = Roused>, at: Timestamp) -> Self {
        let unknown = u32::from(Score::MAX.as_milli() - score.as_milli()) * Self::UNKNOWN / 1000;
        let by_score = Self(unknown as u16); // at most 900
        let in_force = |roused: &Roused| at < roused.at.plus_ms(u64::from(tuning.closely_ms));
        let by_rousing = |roused: Roused| if roused.by.is_alarm() { Self::URGENT } else { Self(Self::STIRRED) };
        roused.into_iter().filter(in_force).map(by_rousing).fold(by_score, Self::max)
    }
}

/// What one call costs in the unit of the purse: so that a millisecond brings in a whole number.
const CALL: i64 = 3_600_000;
/// The purse holds what comes in within five minutes, so that a burst does not bind at once.
const HOLDS_MS: i64 = 5 * 60 * 1000;

/// A node's budget of provider calls. Calls come in evenly over the hour; the emptier the purse, the greater the need
/// that a call must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purse {
    per_hour: u32,
    level: i64,
    at: Timestamp,
}

impl Purse {
    /// A full purse for so many calls an hour.
    pub fn new(per_hour: u32, at: Timestamp) -> Self {
        let mut purse = Self { per_hour: per_hour.max(1), level: 0, at };
        purse.level = purse.holds();
        purse
    }

    /// The need from which on a call is made now: none while the purse is at least half full, any but an urgent one
    /// when it is empty.
    pub fn bar(&mut self, now: Timestamp) -> Need {
        let passed_ms = now.ms_since(self.at);
        let ms = i64::try_from(passed_ms).unwrap_or(i64::MAX).min(3 * HOLDS_MS); // fills it from its deepest debt
        self.at = self.at.plus_ms(passed_ms); // by whole milliseconds: the rest is counted with the next
        self.level = (self.level + ms * i64::from(self.per_hour)).min(self.holds());
        let half = (self.holds() / 2).max(1);
        let missing = (half - self.level.max(0)).max(0);
        Need((i128::from(missing) * i128::from(Need::URGENT.0) / i128::from(half)) as u16) // at most 1,000
    }

    /// A call is made. What is promised is kept though the purse be empty; the debt is bounded, so that it is over soon.
    pub fn spend(&mut self) {
        self.level = (self.level - CALL).max(-self.holds());
    }

    /// A call that was counted was not made.
    pub fn give_back(&mut self) {
        self.level = (self.level + CALL).min(self.holds());
    }

    fn holds(&self) -> i64 {
        (i64::from(self.per_hour) * HOLDS_MS).max(2 * CALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_an_hour_as_many_calls_are_granted_as_the_budget_says_and_what_the_purse_held() {
        let start = Timestamp::from_millis(0);
        let mut purse = Purse::new(600, start);
        let mut granted = 0;
        for ms in (0..3_600_000).step_by(100) {
            let everyday = Need(500);
            if everyday >= purse.bar(start.plus_ms(ms)) {
                purse.spend();
                granted += 1;
            }
        }
        assert!((600..=650).contains(&granted), "{granted}");
    }

    #[test]
    fn what_is_asked_between_two_milliseconds_loses_no_income() {
        let start = Timestamp::from_micros(0);
        let (mut often, mut once) = (Purse::new(1200, start), Purse::new(1200, start));
        for _ in 0..100 {
            often.spend();
            once.spend();
        }
        for micros in (0..=30_000_000).step_by(700) {
            often.bar(Timestamp::from_micros(micros));
        }
        let end = Timestamp::from_micros(30_000_000);
        assert_eq!(often.bar(end), once.bar(end));
    }

    #[test]
    fn the_emptier_the_purse_the_greater_the_need_and_what_is_urgent_always_passes() {
        let now = Timestamp::from_millis(0);
        let mut purse = Purse::new(1200, now);
        let mut before = purse.bar(now);
        assert_eq!(before, Need(0), "a full purse refuses nobody");
        for _ in 0..400 {
            purse.spend();
            let bar = purse.bar(now);
            assert!(bar >= before && bar <= Need::URGENT);
            before = bar;
        }
        assert_eq!(before, Need::URGENT);
        assert!(purse.bar(now.plus_ms(900_000)) < Need(10), "debt is over soon");
    }
}
