//! The one place where the wall clock is read. Everything else is handed a time.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::model::Timestamp;

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // this is the clock
    fn now(&self) -> Timestamp {
        chrono::Utc::now().into()
    }
}

/// A clock that stands still until it is set: for tests, simulation and footage played faster than it was filmed.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_micros()))
    }

    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::Release);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Acquire))
    }
}

/// The footage's own time while it is played faster than it was filmed, the wall clock's when it is over. It never runs
/// backwards: until the wall clock has come to where the footage ended it stands there.
#[derive(Debug)]
pub struct FootageClock {
    shown: ManualClock,
    over: AtomicBool,
}

impl FootageClock {
    /// A clock for footage that begins at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self { shown: ManualClock::at(start), over: AtomicBool::new(false) }
    }

    /// The footage has come to `now`.
    pub fn set(&self, now: Timestamp) {
        self.shown.set(now);
    }

    /// The footage is over.
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
    }
}

impl Clock for FootageClock {
    fn now(&self) -> Timestamp {
        let shown = self.shown.now();
        if self.over.load(Ordering::Acquire) { shown.max(SystemClock.now()) } else { shown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn footage_ahead_of_the_wall_clock_is_waited_for_and_footage_behind_it_is_left() {
        let ahead = FootageClock::at(SystemClock.now());
        let end = SystemClock.now().plus_ms(3_600_000);
        ahead.set(end);
        ahead.end();
        assert_eq!(ahead.now(), end);
        let behind = FootageClock::at(Timestamp::from_millis(1000));
        assert_eq!(behind.now(), Timestamp::from_millis(1000));
        behind.end();
        assert!(behind.now() > Timestamp::from_millis(1000));
    }
}
