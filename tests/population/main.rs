//! The proof of `benches/reputation` on a small population: at equal provider calls reputation finds harmful episodes
//! sooner than the AWS sample's way of watching, and misses no more.
//!
//! Constants of the reputation are not chosen on this seed.

#[path = "../../benches/reputation/arms.rs"]
mod arms;
#[path = "../../benches/reputation/drive.rs"]
mod drive;
#[path = "../../benches/reputation/pictures.rs"]
mod pictures;
#[path = "../../benches/reputation/population.rs"]
mod population;
#[path = "../../benches/reputation/random.rs"]
mod random;
#[path = "../../benches/reputation/sample.rs"]
mod sample;
#[path = "../../benches/reputation/tally.rs"]
mod tally;

use arms::{Arm, Population, at_equal_calls, policy};
use population::{Channel, Kind};

const SEED: u64 = 21;
/// Calls are counted over these: each eightieth of all.
const SOME: Population = Population { seed: SEED, channels: 10_000, each: 80 };
/// Episodes over the harmful ones of these: some 75 channels.
const ALL: Population = Population { seed: SEED, channels: 10_000, each: 1 };

/// The first channels of each kind.
fn first_of_each(count: usize) -> impl Iterator<Item = Channel> {
    let of = move |kind| (0..ALL.channels).filter(move |number| Kind::of(SEED, *number) == kind).take(count);
    Kind::ALL.into_iter().flat_map(move |(kind, _)| of(kind)).map(|number| Channel::of(SEED, number))
}

#[test]
fn jumping_over_what_comes_too_soon_changes_nothing() {
    drive::jumping_changes_nothing(first_of_each(1), &policy("every: 10s to 2m", ""));
    drive::jumping_changes_nothing(first_of_each(1).take(3), &policy("every: 35s", ""));
}

#[test]
fn at_equal_calls_reputation_finds_harm_sooner_than_the_aws_sample_and_misses_no_more() {
    let reputation = Arm::Reputation(policy("every: 10s to 2m", ""));
    let calls = reputation.watch(SOME, |_| true).all().calls;
    let (every, sample) = at_equal_calls(Arm::Sample, SOME, calls, 0.01);
    let off = sample.all().calls as f64 / calls as f64 - 1.0;
    assert!(off.abs() <= 0.02, "{calls} calls for reputation, {off:+.3} of that for the sample at {every} ms");

    let (ours, theirs) =
        (reputation.watch(ALL, Kind::is_harmful).all(), Arm::Sample(every).watch(ALL, Kind::is_harmful).all());
    let median = |of: &tally::Tally| of.found_within(0.5).expect("half of the episodes are found");
    for (name, arm) in [("reputation", &ours), ("the sample", &theirs)] {
        let (median, late, never) = (median(arm), arm.of_found_within(0.95), arm.never_found());
        println!("seed {SEED}, {calls} calls: {name} {median} ms, p95 {late:?}, {never} never, {} missed", arm.missed);
    }
    assert!(ours.found_after.len() > 60, "{} episodes are too few to say anything", ours.found_after.len());
    assert!(median(&ours) * 3 < median(&theirs) * 2, "{} ms, the sample {} ms", median(&ours), median(&theirs));
    assert!(ours.missed <= theirs.missed, "{} harmful broadcasts missed, the sample {}", ours.missed, theirs.missed);
}

#[test]
fn a_population_watched_twice_gives_the_same_figures() {
    let few = Population { seed: SEED, channels: 400, each: 20 };
    for arm in [Arm::Reputation(policy("every: 10s to 2m", "")), Arm::Fixed(37_000.0), Arm::Sample(37_000.0)] {
        let once = arm.watch(few, |_| true);
        assert!(once.all().calls > 1000, "{} calls", once.all().calls);
        assert_eq!(once, arm.watch(few, |_| true), "{arm:?}");
    }
}
