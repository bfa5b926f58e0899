//! How fast a replay goes. Pure: the time is handed in.

use super::ConsumerError;
use crate::events::{Envelope, ReplaySpeed};
use crate::model::{Position, Timestamp};

/// The most events in a second that a paced replay may ask for; faster is `max`.
pub const RATE_MAX: u32 = 10_000;
/// The fastest multiple of real time, in thousandths; faster is `max`.
pub const REAL_TIME_MILLI_MAX: u32 = 1_000_000;

/// Lets a replay's events go, one after the other, at its speed.
#[derive(Debug)]
pub(super) struct Pace {
    speed: ReplaySpeed,
    /// Everything up to here was let go before: delivering it again costs nothing.
    released: Position,
    /// Events that may go now, in millionths of an event.
    saved_up: u64,
    /// When that was reckoned.
    reckoned_at: Option<Timestamp>,
    /// The first event let go: when, and when it had been recorded.
    anchor: Option<(Timestamp, Timestamp)>,
}

const WHOLE: u64 = 1_000_000;

impl Pace {
    pub fn new(speed: ReplaySpeed, from: Position) -> Self {
        Self { speed, released: from, saved_up: WHOLE, reckoned_at: None, anchor: None }
    }

    /// Refuses a speed outside its bounds.
    pub fn check(speed: ReplaySpeed) -> Result<(), ConsumerError> {
        let bounded = |what, found: u32, max: u32| match found {
            found if (1..=max).contains(&found) => Ok(()),
            _ => {
                let expected = format!("1 to {max}");
                Err(ConsumerError::OutOfBounds { what, expected, found: found.to_string() })
            }
        };
        match speed {
            ReplaySpeed::Max => Ok(()),
            ReplaySpeed::EventsPerSecond(rate) => bounded("events_per_second", rate, RATE_MAX),
            ReplaySpeed::RealTimeMilli(milli) => bounded("real_time_milli", milli, REAL_TIME_MILLI_MAX),
        }
    }

    /// Whether the event may go now; if so, it counts as gone. Asked in the order of positions.
    pub fn releases(&mut self, now: Timestamp, event: &Envelope) -> bool {
        if event.position <= self.released {
            return true;
        }
        let goes = match self.speed {
            ReplaySpeed::Max => true,
            ReplaySpeed::EventsPerSecond(rate) => self.spend(now, u64::from(rate)),
            ReplaySpeed::RealTimeMilli(milli) => {
                let (began, first) = *self.anchor.get_or_insert((now, event.recorded_at));
                let since_began_us = now.as_micros().saturating_sub(began.as_micros()).max(0);
                let since_first_us = event.recorded_at.as_micros().saturating_sub(first.as_micros()).max(0);
                // in 128 bits, because a thousandfold of some years of microseconds does not fit in 64
                i128::from(since_first_us) * 1000 <= i128::from(since_began_us) * i128::from(milli)
            }
        };
        if goes {
            self.released = event.position;
        }
        goes
    }

    /// Takes one event out of what was saved up at `rate` events a second; never more than a second's worth is saved.
    fn spend(&mut self, now: Timestamp, rate: u64) -> bool {
        let since = self.reckoned_at.map_or(0, |at| now.as_micros().saturating_sub(at.as_micros()).max(0)) as u64;
        self.reckoned_at = Some(self.reckoned_at.map_or(now, |at| at.max(now)));
        // a microsecond at one event a second is a millionth of an event
        self.saved_up = self.saved_up.saturating_add(since.saturating_mul(rate)).min(rate * WHOLE);
        match self.saved_up.checked_sub(WHOLE) {
            Some(rest) => {
                self.saved_up = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Actor, NewEvent, Recorded, StoreClosed};
    use crate::model::{Epoch, EventId, Sequence, SystemScope};

    fn event(position: u64, recorded_ms: i64) -> Envelope {
        let new = NewEvent {
            id: EventId::from_bytes([0; 16]),
            event: StoreClosed { head: Position(0) }.into(),
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        };
        let at = Timestamp::from_millis(recorded_ms);
        let scope = SystemScope::Store.into();
        Recorded::seal(&new, scope, Position(position), Sequence(position), at, Epoch(1)).expect("encodable").envelope
    }

    /// How many of a hundred events, recorded 10 ms apart, have gone at each of these moments.
    fn gone(speed: ReplaySpeed, moments_ms: &[i64]) -> Vec<u64> {
        let mut pace = Pace::new(speed, Position(0));
        let mut next = 1;
        let mut gone = Vec::new();
        for ms in moments_ms {
            let now = Timestamp::from_millis(1_000_000 + ms);
            while next <= 100 && pace.releases(now, &event(next, next as i64 * 10)) {
                next += 1;
            }
            gone.push(next - 1);
        }
        gone
    }

    #[test]
    fn each_speed_lets_go_what_is_due_and_no_more() {
        assert_eq!(gone(ReplaySpeed::Max, &[0]), [100]);
        assert_eq!(gone(ReplaySpeed::EventsPerSecond(10), &[0, 99, 100, 450, 1000]), [1, 1, 2, 5, 11]);
        assert_eq!(gone(ReplaySpeed::RealTimeMilli(1000), &[0, 9, 10, 500, 990]), [1, 1, 2, 51, 100]);
        assert_eq!(gone(ReplaySpeed::RealTimeMilli(10_000), &[0, 50, 99]), [1, 51, 100]);
        assert_eq!(gone(ReplaySpeed::RealTimeMilli(100), &[0, 100, 200]), [1, 2, 3]);
    }

    #[test]
    fn a_pause_saves_up_a_second_and_no_more() {
        assert_eq!(gone(ReplaySpeed::EventsPerSecond(10), &[0, 1_000_000]), [1, 11]);
    }

    #[test]
    fn what_went_before_goes_again_at_once() {
        let mut pace = Pace::new(ReplaySpeed::EventsPerSecond(1), Position(0));
        let now = Timestamp::from_millis(0);
        assert!(pace.releases(now, &event(7, 0)));
        assert!(pace.releases(now, &event(7, 0)) && pace.releases(now, &event(3, 0)));
        assert!(!pace.releases(now, &event(8, 0)));
    }

    #[test]
    fn a_speed_outside_its_bounds_is_refused() {
        for (speed, sound) in [
            (ReplaySpeed::Max, true),
            (ReplaySpeed::EventsPerSecond(0), false),
            (ReplaySpeed::EventsPerSecond(RATE_MAX), true),
            (ReplaySpeed::EventsPerSecond(RATE_MAX + 1), false),
            (ReplaySpeed::RealTimeMilli(0), false),
            (ReplaySpeed::RealTimeMilli(REAL_TIME_MILLI_MAX + 1), false),
        ] {
            assert_eq!(Pace::check(speed).is_ok(), sound, "{speed:?}");
        }
    }
}
