//! The power goes while the program itself watches pictures: every decision that it had printed is in the journal, the
//! journal verifies, and watching goes on. Where its syncs do nothing the same must lose decisions, or this proves
//! nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use streamwarden::clock::SystemClock;
use streamwarden::journal::{Options, SledJournal};

use crate::kill::{broken, printed_until_killed};
use crate::power::{Mode, Power, rounds};
use crate::random::Random;
use crate::{decoded, journal, outcomes, root, run, said, streamwarden, weights};

/// Two channels: most of their frames are similar, so that many outcomes cost few questions to the model.
const FOLDERS: [&str; 2] = ["demo/footage/be-right-back", "demo/footage/rocket-still"];
/// Cuts on one store before it is watched to the end.
const CUTS: u64 = 4;
/// A cut comes after so many printed events at most: before the end of a run.
const LINES_MAX: u64 = 60;

fn watch(data: &Path) -> Command {
    let mut command = streamwarden(&["watch", "--pace", "fast"]);
    command.args(FOLDERS).arg("--data").arg(data).arg("--model").arg(weights()).stderr(Stdio::null());
    command
}

fn frames() -> usize {
    let files = |folder: &&str| std::fs::read_dir(root().join(folder)).expect("the footage is there").count();
    FOLDERS.iter().map(files).sum()
}

/// Watches until so many events are printed, lets the power go, and gives what was printed.
fn cut(power: &Power, lines: u64, mode: Mode, random: &mut Random, deaf_to: Option<&str>) -> BTreeMap<u64, String> {
    let mut command = watch(&power.store());
    power.watches(&mut command);
    command.envs(deaf_to.map(|file| ("POWERLOSS_DEAF", file)));
    let printed = printed_until_killed(&mut command.stdout(Stdio::piped()).spawn().expect("it starts"), lines);
    assert!(!printed.is_empty(), "the program printed no event");
    power.cut(mode, random);
    printed
}

/// What a start after the cut finds wrong.
fn wrong(data: &Path, printed: &BTreeMap<u64, String>) -> Vec<String> {
    let verified = run(streamwarden(&["journal", "verify", "--data"]).arg(data));
    if !verified.status.success() {
        return vec![said(&verified)];
    }
    if let Err(refused) = SledJournal::open(Options::new(data, Arc::new(SystemClock))) {
        return vec![format!("verified, but refused: {refused:?}")];
    }
    broken(&journal(data), printed)
}

#[test]
fn a_power_cut_of_the_program_loses_no_decision_that_it_had_printed_and_the_next_run_goes_on() {
    let mut random = Random::seeded("POWERLOSS_SEED");
    let mut round = 0;
    while round < rounds(20) {
        let power = Power::new();
        let mut printed = BTreeMap::new();
        for _ in 0..CUTS {
            let mode = if round % 2 == 0 { Mode::All } else { Mode::Half };
            let lines = 1 + random.below(LINES_MAX);
            printed.extend(cut(&power, lines, mode, &mut random, None));
            round += 1;
            let wrong = wrong(&power.store(), &printed);
            assert!(wrong.is_empty(), "round {round}, {mode:?}, cut after {lines} events: {}", wrong.join("\n"));
        }
        let before = outcomes(&decoded(&journal(&power.store()))).len();
        let output = run(&mut watch(&power.store()));
        assert!(output.status.success(), "round {round}: {}", said(&output));
        let after = outcomes(&decoded(&journal(&power.store()))).len();
        assert_eq!(after - before, frames(), "round {round}: one outcome for every frame: {}", said(&output));
    }
}

#[test]
fn a_disk_that_only_says_it_has_synced_the_log_does_lose_printed_decisions() {
    let mut random = Random::seeded("POWERLOSS_SEED");
    let lose = |random: &mut Random| {
        let power = Power::new();
        let printed = cut(&power, LINES_MAX / 2, Mode::All, random, Some("db"));
        wrong(&power.store(), &printed)
    };
    let lost = (0..2).filter(|_| !lose(&mut random).is_empty()).count();
    assert_eq!(lost, 2, "the negative control lost nothing: the power-loss test proves nothing");
}
