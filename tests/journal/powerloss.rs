//! The power goes while a real process writes: what was not synced is taken back, all of it or a random half, and
//! every acknowledged event must still be there. The same without our own sync must lose events, or this test proves
//! nothing.

use std::collections::BTreeSet;

use crate::load::{Load, Wrong, acknowledged, check};
use crate::power::{Mode, Power, rounds};
use crate::random::Random;

/// Runs the load until it has acknowledged so many events or ended by itself, then lets the power go.
fn lose_power(power: &Power, load: &Load, kill_after: usize, mode: Mode, random: &mut Random) -> BTreeSet<u64> {
    let mut command = load.command(&[]);
    power.watches(&mut command);
    let numbers = acknowledged(&mut command.spawn().unwrap(), kill_after);
    power.cut(mode, random);
    numbers
}

/// Rounds on one store after the other, each with a few cuts in a row. Returns what was wrong, per round.
fn series(rounds: u64, skip_sync: bool, random: &mut Random) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut round = 0;
    while round < rounds {
        let power = Power::new();
        let mut must_hold = BTreeSet::new();
        for cut in 0..3 {
            let mode = if round % 2 == 0 { Mode::All } else { Mode::Half };
            let load = Load {
                base: cut * 10_000_000,
                roll_after_events: 500 + random.below(3000),
                skip_sync,
                ..Load::on(&power.store())
            };
            let kill_after = 100 + random.below(1500) as usize;
            must_hold.extend(lose_power(&power, &load, kill_after, mode, random));
            round += 1;
            if let Err(found) = check(&power.store(), &must_hold) {
                println!("round {round}, {mode:?}, of {} acknowledged: {}", must_hold.len(), brief(&found));
                wrong.push(found);
                break;
            }
        }
    }
    wrong
}

fn brief(wrong: &Wrong) -> String {
    format!("{wrong:?}").chars().take(200).collect()
}

#[test]
fn a_power_cut_loses_no_acknowledged_event() {
    let mut random = Random::seeded("POWERLOSS_SEED");
    let wrong = series(rounds(20), false, &mut random);
    assert!(wrong.is_empty(), "{} rounds of {} went wrong: {wrong:?}", wrong.len(), rounds(20));
}

#[test]
fn without_our_sync_the_same_cuts_do_lose_events() {
    let mut random = Random::seeded("POWERLOSS_SEED");
    let wrong = series(4, true, &mut random);
    assert!(!wrong.is_empty(), "the negative control lost nothing: the power-loss test proves nothing");
}

#[test]
fn a_power_cut_during_the_first_start_leaves_nothing_or_a_store() {
    let mut random = Random::seeded("POWERLOSS_SEED");
    for (nth, point) in crate::crash::FIRST_START.iter().enumerate() {
        for mode in [Mode::All, Mode::Half] {
            let power = Power::new();
            let load = Load { abort_at: Some((point, 1)), ..Load::on(&power.store()) };
            let numbers = lose_power(&power, &load, usize::MAX, mode, &mut random);
            assert!(numbers.is_empty(), "{point}: nothing can have been acknowledged");
            check(&power.store(), &numbers).unwrap_or_else(|wrong| panic!("{nth} {point} {mode:?}: {wrong:?}"));
        }
    }
}

#[test]
fn a_power_cut_during_a_roll_over_loses_no_acknowledged_event() {
    let mut random = Random::seeded("POWERLOSS_SEED");
    for point in crate::crash::ROLL_OVER {
        for mode in [Mode::All, Mode::Half] {
            let power = Power::new();
            let nth = 1 + random.below(2) as u32;
            let load = Load { abort_at: Some((point, nth)), roll_after_events: 200, ..Load::on(&power.store()) };
            let numbers = lose_power(&power, &load, usize::MAX, mode, &mut random);
            assert!(numbers.len() >= 150, "{point}: it ended before it rolled over");
            check(&power.store(), &numbers).unwrap_or_else(|wrong| panic!("{point} {mode:?}: {wrong:?}"));
        }
    }
}
