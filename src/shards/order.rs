//! Puts what arrives for one channel into the order in which it happened. Pure: time is handed in.
//!
//! Notifications are scattered over shards and come late or out of order. What arrives waits a short while for what
//! should come before it, and is let go at once where nothing can be missing: thumbnails are numbered, and the next
//! number after the last one let go has nothing to wait for. So a stream that arrives in order is not held up at all.
//! What comes after its place has passed is let go at once too: whether it is late is the warden's to say.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::model::Timestamp;
use crate::notifications::{Recording, Source};

/// The most that waits for one channel; beyond it the earliest goes at once.
const WAITING_MAX: usize = 256;
/// Series whose last number is remembered: a channel's recordings follow each other, each with few sources.
const SERIES_MAX: usize = 8;

/// Thumbnails that are numbered one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) recording: Option<Recording>,
    pub(super) source: Source,
}

/// What waits for one channel, and what was let go last.
#[derive(Debug)]
pub(super) struct Order<T> {
    wait: Duration,
    waiting: BTreeMap<Key, Waiting<T>>,
    arrivals: u64,
    /// Series and the highest number let go, newest last.
    gone: VecDeque<(Series, u64)>,
}

/// When it happened; its number, because whole seconds are all that some notifications say; its place of arrival.
type Key = (Timestamp, u64, u64);

#[derive(Debug)]
struct Waiting<T> {
    until: Instant,
    series: Option<Series>,
    item: T,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<T> {
    /// Take this.
    Take(T),
    /// Wait until then, or until something arrives.
    Wait(Instant),
    /// There is nothing.
    Idle,
}

impl<T> Order<T> {
    /// Nothing waits longer than `wait`.
    pub(super) fn new(wait: Duration) -> Self {
        Self { wait, waiting: BTreeMap::new(), arrivals: 0, gone: VecDeque::new() }
    }

    /// Something that happened `at` arrived `now`. `numbered`: its series and its number in it.
    pub(super) fn arrive(&mut self, now: Instant, at: Timestamp, numbered: Option<(Series, u64)>, item: T) {
        self.arrivals += 1;
        let (series, number) = numbered.map_or((None, 0), |(series, number)| (Some(series), number));
        let until = now + self.wait;
        self.waiting.insert((at, number, self.arrivals), Waiting { until, series, item });
    }

    /// What to do now. The earliest goes as soon as it, or anything after it, has nothing more to wait for.
    pub(super) fn step(&mut self, now: Instant) -> Step<T> {
        let full = self.waiting.len() > WAITING_MAX;
        let is_ready = |(key, waiting): (&Key, &Waiting<T>)| waiting.until <= now || self.is_next(key.1, waiting);
        if full || self.waiting.iter().any(is_ready) {
            return match self.waiting.pop_first() {
                Some(((_, number, _), waiting)) => {
                    if let Some(series) = waiting.series {
                        self.let_go(series, number);
                    }
                    Step::Take(waiting.item)
                }
                None => Step::Idle,
            };
        }
        self.waiting.values().map(|waiting| waiting.until).min().map_or(Step::Idle, Step::Wait)
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing can come before it any more in its series: it is the first, the next, or late itself.
    fn is_next(&self, number: u64, waiting: &Waiting<T>) -> bool {
        let Some(series) = &waiting.series else { return false };
        match self.gone.iter().find(|(known, _)| known == series) {
            Some((_, last)) => number <= last.saturating_add(1),
            None => number == 0,
        }
    }

    fn let_go(&mut self, series: Series, number: u64) {
        if let Some((_, last)) = self.gone.iter_mut().find(|(known, _)| *known == series) {
            *last = number.max(*last);
            return;
        }
        if self.gone.len() == SERIES_MAX {
            self.gone.pop_front();
        }
        self.gone.push_back((series, number));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notifications::Storage;

    const WAIT: Duration = Duration::from_secs(2);

    fn series(prefix: &str) -> Series {
        let recording = Recording { bucket: "b".into(), prefix: prefix.into() };
        Series { recording: Some(recording), source: Source { storage: Storage::Sequential, rendition: None } }
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(0).plus_ms(second * 1000)
    }

    fn all(order: &mut Order<u64>, now: Instant) -> Vec<u64> {
        let mut taken = Vec::new();
        while let Step::Take(item) = order.step(now) {
            taken.push(item);
        }
        taken
    }

    #[test]
    fn the_next_number_goes_at_once_and_a_missing_one_is_waited_for() {
        let (mut order, begin) = (Order::new(WAIT), Instant::now());
        let arrive = |order: &mut Order<u64>, n| order.arrive(begin, at(n), Some((series("r"), n)), n);
        arrive(&mut order, 0);
        arrive(&mut order, 1);
        assert_eq!(all(&mut order, begin), [0, 1]);
        arrive(&mut order, 4);
        arrive(&mut order, 3);
        assert_eq!(order.step(begin), Step::Wait(begin + WAIT));
        arrive(&mut order, 2);
        assert_eq!(all(&mut order, begin), [2, 3, 4]);
        arrive(&mut order, 6);
        assert_eq!(all(&mut order, begin + WAIT), [6]);
        arrive(&mut order, 5);
        assert_eq!(all(&mut order, begin), [5], "late: nothing is gained by waiting");
    }

    #[test]
    fn what_is_not_numbered_waits_its_time_and_goes_with_what_comes_after_it() {
        let (mut order, begin) = (Order::new(WAIT), Instant::now());
        order.arrive(begin, at(5), None, 50);
        order.arrive(begin, at(4), None, 40);
        assert_eq!(order.step(begin), Step::Wait(begin + WAIT));
        order.arrive(begin, at(6), Some((series("r"), 0)), 60);
        assert_eq!(all(&mut order, begin), [40, 50, 60]);
        order.arrive(begin, at(7), None, 70);
        assert_eq!(all(&mut order, begin + WAIT), [70]);
    }

    #[test]
    fn no_more_waits_than_the_bound() {
        let (mut order, begin) = (Order::new(WAIT), Instant::now());
        for n in 0..=WAITING_MAX as u64 {
            order.arrive(begin, at(n), None, n);
        }
        assert_eq!(all(&mut order, begin), [0]);
        assert_eq!(order.len(), WAITING_MAX);
    }

    proptest! {
        #[test]
        fn whatever_the_order_of_arrival_within_the_wait_the_order_is_that_of_time(
            mut arrivals in prop::collection::vec((0u64..40, any::<bool>(), 0u64..1990), 1..40),
        ) {
            arrivals.sort();
            arrivals.dedup_by_key(|(second, ..)| *second);
            let expected: Vec<u64> = arrivals.iter().map(|(second, ..)| *second).collect();
            // none is numbered as first or next, so that each is waited for
            arrivals.sort_by_key(|(.., delay)| *delay);
            let (mut order, begin) = (Order::new(WAIT), Instant::now());
            let mut taken = Vec::new();
            for (second, numbered, delay) in arrivals {
                let now = begin + Duration::from_millis(delay);
                let numbered = numbered.then(|| (series("r"), second * 2 + 2));
                order.arrive(now, at(second), numbered, second);
                taken.extend(all(&mut order, now));
            }
            taken.extend(all(&mut order, begin + 2 * WAIT));
            prop_assert_eq!(taken, expected);
        }
    }
}
