//! Does reputation work, not only run: a seeded population of channels, watched by the real core in three ways at equal
//! provider calls. Prints tables; what they say stands in docs/benches.md, and a small population in `tests/population`.
//!
//! `REPUTATION_CHANNELS` (20000) and `REPUTATION_SEEDS` (11,12,13; the constants were chosen on 1 to 3) set what is run.

mod arms;
mod drive;
mod pictures;
mod population;
mod random;
mod report;
mod sample;
mod tally;

use std::time::Instant;

use arms::{Arm, Population, at_equal_calls, cadence_for, policy};
use population::{Channel, Kind};
use report::{Row, seconds};
use tally::Tallies;

/// Calls of two arms count as equal within this share.
const EQUAL: f64 = 0.008;
/// What the arms are called.
const ARMS: [&str; 3] = ["(a) the AWS sample", "(b) fixed, our similarity", "(c) reputation"];

fn main() {
    let channels = std::env::var("REPUTATION_CHANNELS").map_or(20_000, |text| text.parse().expect("a number"));
    let seeds = std::env::var("REPUTATION_SEEDS").unwrap_or("11,12,13".to_owned());
    let mut all = ARMS.map(|arm| (arm, Tallies::default()));
    for seed in seeds.split(',') {
        let came_of_it = of_seed(Population { seed: seed.parse().expect("a number"), channels, each: 1 });
        for ((_, all), of_seed) in all.iter_mut().zip(&came_of_it) {
            all.add(of_seed);
        }
    }
    report::kinds(&format!("seeds {seeds}, by kind of channel"), &all);
}

fn of_seed(population: Population) -> [Tallies; 3] {
    let began = Instant::now();
    let seed = population.seed;
    drive::jumping_changes_nothing((0..40).map(|number| Channel::of(seed, number)), &policy("every: 10s to 2m", ""));
    let reputation = Arm::Reputation(policy("every: 10s to 2m", "")).watch(population, |_| true);
    let calls = reputation.all().calls;
    let (fixed_every, fixed) = at_equal_calls(Arm::Fixed, population, calls, EQUAL);
    let (sample_every, sample) = at_equal_calls(Arm::Sample, population, calls, EQUAL);
    let cadences = [every(sample_every), every(fixed_every), "10 s to 2 m".to_owned()];
    let came_of_it = [sample, fixed, reputation];
    let rows = ARMS.iter().zip(cadences).zip(&came_of_it);
    let rows: Vec<Row<'_>> = rows.map(|((arm, cadence), tallies)| Row { arm, cadence, tallies }).collect();
    report::arms(seed, &rows);

    let median = came_of_it[2].all().found_within(0.5).expect("half of the episodes are found");
    println!("\nseed {seed}: for a median of {} as (c) with {calls} calls,", seconds(Some(median)));
    let as_soon = |name: &str, arm: fn(f64) -> Arm| {
        let (closest, found) = at_equal_detection(arm, population, median);
        let all: Tallies = arm(closest).watch(population, |_| true);
        let needed = all.all().calls;
        let found = seconds(found.all().found_within(0.5));
        println!(
            "- {name}: {} gives {found} with {needed} calls, {:.1} times as many",
            every(closest),
            needed as f64 / calls as f64
        );
    };
    as_soon(ARMS[0], Arm::Sample);
    as_soon(ARMS[1], Arm::Fixed);
    eprintln!("seed {seed} took {:.0} s", began.elapsed().as_secs_f64());
    came_of_it
}

/// The cadence at which an arm finds half of all episodes as soon as `wanted`, or the closest one that there is; the
/// tallies are those of harmful channels alone.
fn at_equal_detection(arm: impl Fn(f64) -> Arm, population: Population, wanted: u64) -> (f64, Tallies) {
    cadence_for(1.0 / wanted as f64, 0.03, |every| {
        let tallies = arm(every).watch(population, Kind::is_harmful);
        (tallies.all().found_within(0.5).map_or(0.0, |median| 1.0 / median.max(1) as f64), tallies)
    })
}

fn every(ms: f64) -> String {
    format!("{:.1} s", ms / 1000.0)
}
