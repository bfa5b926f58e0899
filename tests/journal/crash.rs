//! The process ends at the worst moments: killed under load and at every named step, and with every nth call to the
//! kernel failing. No acknowledged event may be lost, and the next start must find the store whole.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::load::{FATAL, Load, REFUSED, acknowledged, check};
use crate::random::Random;

/// The steps of a first start.
pub const FIRST_START: &[&str] = &[
    "open.locked",
    "create.begun",
    "create.opened",
    "commit.after_batch",
    "create.committed",
    "create.hot",
    "replace.written",
    "replace.synced",
    "replace.renamed",
    "create.synced",
    "create.built",
    "create.moved",
    "create.done",
    "open.examined",
    "open.cleaned",
];

/// The steps of a roll-over and of the sealing behind it.
pub const ROLL_OVER: &[&str] = &[
    "roll.begin",
    "roll.created",
    "roll.anchored",
    "roll.switched",
    "seal.written",
    "seal.finished",
    "seal.switched",
    "seal.removed",
];

/// The steps of a commit.
const COMMIT: &[&str] = &[
    "commit.before_batch",
    "commit.after_batch",
    "commit.after_flush",
    "commit.after_sync",
    "anchor.written",
    "anchor.synced",
    "commit.before_ack",
];

#[test]
fn killing_it_at_every_step_of_the_first_start_leaves_nothing_or_a_store() {
    for point in FIRST_START {
        let dir = tempfile::tempdir().unwrap();
        // killed there, and once more at the same step of the start after it, if that passes it
        for _ in 0..2 {
            let load = Load { abort_at: Some((point, 1)), appends: 5, ..Load::on(&dir.path().join("store")) };
            acknowledged(&mut load.command(&[]).spawn().unwrap(), usize::MAX);
        }
        check(&dir.path().join("store"), &BTreeSet::new()).unwrap_or_else(|wrong| panic!("{point}: {wrong:?}"));
    }
}

#[test]
fn killing_it_at_every_step_of_a_commit_or_a_roll_over_loses_no_acknowledged_event() {
    let mut random = Random::seeded("CRASH_SEED");
    for point in COMMIT.iter().chain(ROLL_OVER) {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        let mut must_hold = BTreeSet::new();
        for start in 0..3 {
            let many = if ROLL_OVER.contains(point) || *point == "anchor.synced" { 2 } else { 60 };
            let nth = 1 + random.below(many) as u32;
            let abort_at = Some((*point, nth));
            let load =
                Load { base: start * 10_000_000, abort_at, roll_after_events: 150, appends: 3000, ..Load::on(&store) };
            must_hold.extend(acknowledged(&mut load.command(&[]).spawn().unwrap(), usize::MAX));
            check(&store, &must_hold).unwrap_or_else(|wrong| panic!("{point}, passing {nth}: {wrong:?}"));
        }
    }
}

#[test]
fn killing_it_under_load_again_and_again_loses_no_acknowledged_event() {
    let mut random = Random::seeded("CRASH_SEED");
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut must_hold = BTreeSet::new();
    for round in 0..10 {
        let load = Load { base: round * 10_000_000, roll_after_events: 700, ..Load::on(&store) };
        let kill_after = 1 + random.below(1000) as usize;
        must_hold.extend(acknowledged(&mut load.command(&[]).spawn().unwrap(), kill_after));
        check(&store, &must_hold).unwrap_or_else(|wrong| panic!("round {round}: {wrong:?}"));
    }
}

#[test]
fn a_failing_call_to_the_kernel_ends_the_writer_and_loses_no_acknowledged_event() {
    let traced = Command::new("strace").args(["-e", "trace=none", "true"]).stderr(Stdio::null()).status();
    if !traced.is_ok_and(|status| status.success()) {
        println!("SKIPPED: strace cannot trace here, so no call to the kernel was made to fail");
        return;
    }
    let every: bool = std::env::var_os("INJECT_EVERY").is_some();
    let calls = ["pwrite64", "fdatasync", "fsync", "write", "rename", "ftruncate", "openat"];
    let sampled: &[u32] = &[1, 2, 3, 5, 8, 13, 21, 34];
    let (mut failed, mut refused, mut unharmed) = (0, 0, 0);
    for call in calls {
        for nth in 1..=40 {
            if !every && !sampled.contains(&nth) {
                continue;
            }
            let dir = tempfile::tempdir().unwrap();
            let store = dir.path().join("store");
            let inject = format!("inject={call}:error=EIO:when={nth}");
            let wrapper = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", &inject];
            let load = Load { appends: 40, roll_after_events: 60, ..Load::on(&store) };
            let mut child = load.command(&wrapper).spawn().unwrap();
            let numbers = acknowledged(&mut child, usize::MAX);
            match child.wait().unwrap().code() {
                Some(FATAL) => failed += 1,
                Some(REFUSED) => refused += 1,
                _ => unharmed += 1,
            }
            check(&store, &numbers).unwrap_or_else(|wrong| panic!("{call} {nth}: {wrong:?}"));
        }
    }
    println!("calls failed: the writer ended {failed} times, refused to start {refused}, went on {unharmed}");
    assert!(failed > 0 && refused > 0, "no failure reached the journal");
}
