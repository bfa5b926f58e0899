//! The program killed at any moment: what it said had happened has happened, and the next start goes on.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use streamwarden::cli::event_text::one_line;
use streamwarden::events::{Event, Recorded};

use crate::{decoded, demo, journal, outcomes, run, said, streamwarden, weights};

/// How often the program is killed.
const ROUNDS: u64 = 10;

/// The lines that a run printed of events, by position, until it was killed after so many of them or came to its end.
pub fn printed_until_killed(child: &mut Child, lines: u64) -> BTreeMap<u64, String> {
    let mut out = BufReader::new(child.stdout.take().expect("the output is a pipe"));
    let mut printed = BTreeMap::new();
    let mut line = String::new();
    while out.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
        // a line without its end was being written when the program was killed
        if let (Some(whole), Some(position)) = (line.strip_suffix('\n'), position(&line)) {
            printed.insert(position, whole.to_owned());
        }
        line.clear();
        if printed.len() as u64 == lines {
            child.kill().expect("the program can be killed"); // SIGKILL; what is in the pipe was printed before
        }
    }
    child.wait().expect("the program ends");
    printed
}

/// An event's line begins with its position and the time at which it was recorded.
fn position(line: &str) -> Option<u64> {
    let mut words = line.split_whitespace();
    let position = words.next()?.parse().ok()?;
    words.next().filter(|time| time.ends_with('Z') && time.contains('T'))?;
    Some(position)
}

/// A sequence that the seed tells, for moments that differ from round to round.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// What does not hold in a journal: gaps, and events that were printed and are gone or others now. One outcome per frame
/// is asserted.
pub fn broken(events: &[Recorded], printed: &BTreeMap<u64, String>) -> Vec<String> {
    outcomes(&decoded(events));
    let mut broken = Vec::new();
    for (expected, recorded) in (1..).zip(events) {
        if recorded.envelope.position.0 != expected {
            broken.push(format!("position {} stands at place {expected}", recorded.envelope.position));
        }
    }
    for (position, line) in printed {
        let stored = events.get(*position as usize - 1).map(one_line);
        if stored.as_ref() != Some(line) {
            broken.push(format!("printed: {line}\nstored:  {}", stored.unwrap_or_else(|| "nothing".to_owned())));
        }
    }
    broken
}

fn assert_holds(events: &[Recorded], printed: &BTreeMap<u64, String>, round: &str) {
    let broken = broken(events, printed);
    assert!(broken.is_empty(), "{round}: {}", broken.join("\n"));
}

#[test]
fn an_interrupted_demo_ends_its_sessions_and_closes_the_journal_in_order() {
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let data = tempfile::tempdir().expect("a directory");
        let mut command = streamwarden(&["demo", "--once", "--pace", "live", "--data"]);
        command.arg(data.path()).arg("--model").arg(weights()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("the output is a pipe")).lines();
        let seen = out.by_ref().map_while(Result::ok).filter(|line| position(line).is_some()).take(15).count();
        assert_eq!(seen, 15);
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).expect("a signal is sent");
        out.for_each(drop); // until its end, so that it never waits for a reader
        assert_eq!(child.wait().expect("the program ends").code(), Some(130));
        let events = decoded(&journal(data.path()));
        let count = |wanted: fn(&&Event) -> bool| events.iter().filter(wanted).count();
        let started = count(|event| matches!(event, Event::SessionStarted(_)));
        assert_eq!(count(|event| matches!(event, Event::SessionEnded(_))), started, "every session has its end");
        // the reader's own opening says what it found
        let found = events.last();
        assert!(matches!(found, Some(Event::StoreOpened(opened)) if opened.clean), "{found:?}");
    }
}

#[test]
fn a_killed_demo_has_lost_nothing_that_it_had_printed_and_the_next_start_goes_on() {
    let data = tempfile::tempdir().expect("a directory");
    let mut seed: u64 = std::process::id().into();
    seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    println!("seed {seed}");
    for round in 0..ROUNDS {
        // The first rounds die early, in the start-up of a fresh directory.
        let lines = 1 + next(&mut seed) % (20 + 20 * round);
        let mut child = demo(data.path()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let printed = printed_until_killed(&mut child, lines);
        let round = format!("seed {seed}, round {round}, killed after {lines} lines");
        assert_holds(&journal(data.path()), &printed, &round);
    }
    let output = run(&mut demo(data.path()));
    assert!(output.status.success(), "{}", said(&output));
    assert_holds(&journal(data.path()), &BTreeMap::new(), "the last run");
}

#[test]
fn a_demo_killed_before_it_says_anything_leaves_a_directory_that_opens() {
    let data = tempfile::tempdir().expect("a directory");
    for _ in 0..ROUNDS {
        let mut child = demo(data.path()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut out = BufReader::new(child.stdout.take().expect("the output is a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("the introduction, printed before the journal is opened");
        child.kill().expect("the program can be killed");
        child.wait().expect("the program ends");
        assert_holds(&journal(data.path()), &BTreeMap::new(), "killed at its start");
    }
}

#[test]
fn a_second_program_on_the_same_directory_is_refused_with_a_hint() {
    let data = tempfile::tempdir().expect("a directory");
    let mut first = streamwarden(&["demo", "--once", "--pace", "live", "--data"])
        .arg(data.path())
        .arg("--model")
        .arg(crate::weights())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for_an_event(&mut first);
    let output = run(&mut demo(data.path()));
    first.kill().expect("the program can be killed");
    first.wait().expect("the program ends");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(complaint.contains(&named(data.path())) && complaint.contains("hint:"), "{complaint}");
}

fn named(path: &Path) -> String {
    path.display().to_string()
}

fn wait_for_an_event(child: &mut Child) {
    let out = BufReader::new(child.stdout.as_mut().expect("the output is a pipe"));
    let found = out.lines().map_while(Result::ok).any(|line| position(&line).is_some());
    assert!(found, "the program printed no event");
}
