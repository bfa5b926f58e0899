//! The arms: how a population is watched, and how an arm is brought to the same number of calls as another.

use std::sync::Arc;

use streamwarden::policy::{Policy, file};

use crate::drive::{self, Thumbnails};
use crate::population::{Channel, Kind, RULES, THUMBNAIL};
use crate::sample;
use crate::tally::{Tallies, place};

/// From this confidence on a rule is met, in thousandths of a percent.
const THRESHOLD: u32 = 80_000;

/// A way of watching.
#[derive(Debug, Clone)]
pub enum Arm {
    /// The AWS sample, a picture every so many milliseconds.
    Sample(f64),
    /// Our core, at a fixed cadence of so many milliseconds.
    Fixed(f64),
    /// Our core under a policy whose cadence follows the channel's past.
    Reputation(Arc<Policy>),
}

/// A policy with that much under `sampling:` and after it.
pub fn policy(sampling: &str, more: &str) -> Arc<Policy> {
    let rule = |(id, category): &(&str, &str)| {
        format!("  - {{ id: {id}, categories: [{category}], confidence: {}, severity: 4 }}\n", THRESHOLD / 1000)
    };
    let rules: String = RULES.iter().map(rule).collect();
    let text = format!(
        "policy: simulated\nversion: 1\nchannels: {{ matching: . }}\ntaxonomy: rekognition/7.0\n\
         sampling: {{ {sampling} }}\n{more}\nrules:\n{rules}"
    );
    let mut read = file::load("simulated.yaml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Arc::new(read.remove(0).policy)
}

/// A population: channels by number, from a seed.
#[derive(Debug, Clone, Copy)]
pub struct Population {
    /// The seed.
    pub seed: u64,
    /// How many channels.
    pub channels: u64,
    /// Only each so-manieth of them is watched: 1 is all.
    pub each: u64,
}

/// A fixed cadence in milliseconds as its two neighbouring multiples of the distance between thumbnails.
struct Between {
    shorter: u64,
    share_of_longer: f64,
}

impl Between {
    fn of(every: f64) -> Self {
        let steps = (every / THUMBNAIL as f64).max(1.0);
        Self { shorter: steps as u64 * THUMBNAIL, share_of_longer: steps.fract() }
    }

    fn for_channel(&self, channel: &Channel) -> u64 {
        self.shorter + if place(&channel.id) < self.share_of_longer { THUMBNAIL } else { 0 }
    }
}

impl Arm {
    /// Watches the wanted kinds of a population, on every core, with the same outcome on any number of them.
    pub fn watch(&self, population: Population, wanted: impl Fn(Kind) -> bool + Sync) -> Tallies {
        let workers = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let numbers = (0..population.channels).step_by(population.each as usize);
        std::thread::scope(|scope| {
            let work = |worker| {
                let (numbers, wanted) = (numbers.clone(), &wanted);
                scope.spawn(move || {
                    let mut tallies = Tallies::default();
                    let prepared = Prepared::of(self);
                    for number in numbers.skip(worker as usize).step_by(workers as usize) {
                        if wanted(Kind::of(population.seed, number)) {
                            prepared.watch(&Channel::of(population.seed, number), &mut tallies);
                        }
                    }
                    tallies
                })
            };
            let working: Vec<_> = (0..workers).map(work).collect();
            let mut all = Tallies::default();
            for worker in working {
                all.add(&worker.join().expect("a worker broke; its message is above"));
            }
            all
        })
    }
}

/// An arm with its policies read.
enum Prepared {
    Sample(Between),
    Fixed(Between, [Arc<Policy>; 2]),
    Reputation(Arc<Policy>),
}

impl Prepared {
    fn of(arm: &Arm) -> Self {
        match arm {
            Arm::Sample(every) => Self::Sample(Between::of(*every)),
            Arm::Fixed(every) => {
                let between = Between::of(*every);
                let at = |every: u64| policy(&format!("every: {every}ms"), "");
                let both = [at(between.shorter), at(between.shorter + THUMBNAIL)];
                Self::Fixed(between, both)
            }
            Arm::Reputation(policy) => Self::Reputation(policy.clone()),
        }
    }

    fn watch(&self, channel: &Channel, tallies: &mut Tallies) {
        let tally = tallies.of(channel);
        match self {
            Self::Sample(between) => sample::watch(channel, between.for_channel(channel), THRESHOLD, tally),
            Self::Fixed(between, policies) => {
                let longer = usize::from(between.for_channel(channel) > between.shorter);
                drive::watch(channel, &policies[longer], Thumbnails::Due, tally);
            }
            Self::Reputation(policy) => {
                let watched = drive::watch(channel, policy, Thumbnails::Due, tally);
                let bounds = policy.sampling.fastest_ms..=policy.sampling.slowest_ms;
                let outside = watched.cadences.iter().find(|cadence| !bounds.contains(cadence));
                assert_eq!(outside, None, "a cadence outside the policy's bounds: {}", channel.id);
            }
        }
    }
}

/// The cadence at which an arm makes as many calls as `wanted`, within a share of `tolerance` if so many tries allow it.
pub fn at_equal_calls(arm: impl Fn(f64) -> Arm, population: Population, wanted: u64, tolerance: f64) -> (f64, Tallies) {
    cadence_for(wanted as f64, tolerance, |every| {
        let tallies = arm(every).watch(population, |_| true);
        (tallies.all().calls as f64, tallies)
    })
}

/// Looks for the cadence at which a figure that falls as the cadence slows is as wanted, within a share of `tolerance`.
/// Gives it with the tallies it was found by.
pub fn cadence_for(wanted: f64, tolerance: f64, figure: impl Fn(f64) -> (f64, Tallies)) -> (f64, Tallies) {
    const TRIES_MAX: usize = 12;
    let (mut low, mut high) = (THUMBNAIL as f64, 600_000.0);
    let mut every = 40_000.0;
    let mut tries = 1;
    loop {
        let (found, tallies) = figure(every);
        if (found / wanted - 1.0).abs() <= tolerance || tries == TRIES_MAX || high - low < 50.0 {
            return (every, tallies);
        }
        if found > wanted {
            low = every
        } else {
            high = every
        }
        // Both figures are close to inversely proportional to the cadence.
        let guess = every * found / wanted;
        let inside = guess > low && guess < high;
        every = if inside && tries % 3 != 0 { guess } else { (low * high).sqrt() };
        tries += 1;
    }
}
