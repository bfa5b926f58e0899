//! How often something outside may be looked at, whoever asks and however often.

use crate::model::Timestamp;

/// Lets one look through per interval.
#[derive(Debug)]
pub(super) struct Pace {
    every_ms: u64,
    last: Option<Timestamp>,
}

impl Pace {
    pub(super) const fn new(every_ms: u64) -> Self {
        Self { every_ms, last: None }
    }

    /// Whether it is time; if so, the next interval begins. Who read the clock a little earlier and comes later finds it
    /// taken; a clock set back by a whole interval does not hold the next look up until it has caught up.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        let apart_ms = |last: Timestamp| now.ms_since(last).max(last.ms_since(now));
        let due = self.last.is_none_or(|last| apart_ms(last) >= self.every_ms);
        if due {
            self.last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_per_interval_and_one_when_the_clock_is_set_back_by_one() {
        let at = Timestamp::from_millis;
        let mut pace = Pace::new(1000);
        assert!(pace.take(at(5000)));
        assert!(!pace.take(at(5000)));
        assert!(!pace.take(at(5999)));
        assert!(pace.take(at(6000)));
        assert!(!pace.take(at(6999)));
        assert!(!pace.take(at(5500)), "a clock read before the last look");
        assert!(pace.take(at(10)), "the clock was set back");
        assert!(!pace.take(at(11)));
    }
}
