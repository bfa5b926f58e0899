//! `streamwarden backtest` and `frontier` on a store that `streamwarden watch` left.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use streamwarden::clock::SystemClock;
use streamwarden::events::{Event, NewEvent};
use streamwarden::journal::{Append, Expected, Journal, Options, SledJournal};
use streamwarden::model::{EventId, FrameId};

use crate::{POLICY, journal, root, run, said, streamwarden, weights};

/// Frames of a recording that takes a while to try again.
const MANY: u64 = 40_000;
/// Frames of one append.
const AT_ONCE: u64 = 50;

fn recorded(dir: &Path) {
    std::fs::write(dir.join("policy.yaml"), POLICY).expect("a file can be written");
    let mut command = streamwarden(&["watch"]);
    command.arg(root().join("demo/footage/film-night")).arg("--data").arg(dir.join("data"));
    command.arg("--policy").arg(dir.join("policy.yaml")).arg("--model").arg(weights());
    let output = run(&mut command);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

fn asked(what: &str, dir: &Path, policy: &str, name: &str) -> Command {
    let mut command = streamwarden(&[what]);
    command.arg("--policy").arg(dir.join(policy)).arg("--data").arg(dir.join("data"));
    command.arg("--json").arg(dir.join(format!("{name}.json"))).arg("--html").arg(dir.join(format!("{name}.html")));
    command
}

#[test]
fn what_was_watched_is_tried_again_without_a_model_and_gives_the_same_bytes_each_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    recorded(dir);
    let output = run(&mut asked("backtest", dir, "policy.yaml", "same"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("mine@2 on ") && text.contains("gained       none\n"), "{text}");
    assert!(text.contains("lost         none\n") && !text.contains("0 lost"), "{text}");
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).expect("it was written");
    let report: serde_json::Value = serde_json::from_str(&read("same.json")).expect("JSON");
    assert!(report["judged"].as_u64() > Some(5), "{text}");
    assert_eq!((&report["differing"], &report["lost"]["count"]), (&0.into(), &0.into()), "{text}");

    std::fs::write(dir.join("looser.yaml"), POLICY.replace("confidence: 80", "confidence: 1")).expect("a file");
    for (name, threads) in [("one", "1"), ("two", "2")] {
        let output = run(asked("backtest", dir, "looser.yaml", name).args(["--threads", threads]));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    assert_eq!(read("one.json"), read("two.json"));
    assert_eq!(read("one.html"), read("two.html"));
    let report: serde_json::Value = serde_json::from_str(&read("one.json")).expect("JSON");
    assert!(report["gained"]["count"].as_u64() > Some(0), "{report}");

    let output = run(asked("frontier", dir, "policy.yaml", "curve").args(["--all-warnings", "--budget", "50/day"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let curve: serde_json::Value = serde_json::from_str(&read("curve.json")).expect("JSON");
    assert!(curve["points"].as_array().is_some_and(|points| points.len() > 5), "{curve}");
    let left: Vec<_> =
        std::fs::read_dir(dir).expect("it can be listed").map(|entry| entry.expect("an entry")).collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().contains(".part")), "nothing half-written");
}

#[test]
fn a_mistake_in_the_policy_and_a_store_that_is_not_there_are_said_and_nothing_is_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    std::fs::write(dir.join("policy.yaml"), POLICY.replace("confidence: 80", "confidence: 800")).expect("a file");
    let output = run(&mut asked("backtest", dir, "policy.yaml", "none"));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("policy.yaml:7:"), "{}", said(&output));
    std::fs::write(dir.join("policy.yaml"), POLICY).expect("a file");
    let output = run(&mut asked("backtest", dir, "policy.yaml", "none"));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("hint: "), "{}", said(&output));
    assert!(!dir.join("none.json").exists() && !dir.join("none.html").exists());
}

/// Many more frames of the channel, each with what the provider said to one of them.
fn lengthened(dir: &Path) {
    let data = dir.join("data");
    let recorded = journal(&data);
    let judged = recorded.iter().rev().find_map(|recorded| match recorded.event() {
        Ok(Event::FrameAssessed(assessed)) => Some((recorded.envelope.clone(), assessed)),
        _ => None,
    });
    let (envelope, assessed) = judged.expect("a frame was judged");
    let channel = envelope.scope.channel().expect("of a channel").clone();
    let captured_at = envelope.captured_at.expect("frames have a time");
    let journal = SledJournal::open(Options::new(&data, Arc::new(SystemClock))).expect("the journal opens");
    let mut tickets = Vec::new();
    for begin in (0..MANY).step_by(AT_ONCE as usize) {
        let one = |number: u64| {
            let mut assessed = assessed.clone();
            assessed.frame = FrameId::of(&channel, &[&number.to_be_bytes()]);
            NewEvent {
                id: EventId::outcome_of(assessed.frame),
                event: assessed.into(),
                captured_at: Some(captured_at.plus_ms((number + 1) * 1000)),
                actor: envelope.actor.clone(),
                causation: None,
                correlation: None,
            }
        };
        let events = (begin..begin + AT_ONCE).map(one).collect();
        tickets.push(journal.append(Append { scope: envelope.scope.clone(), expected: Expected::Any, events }));
    }
    tickets.into_iter().for_each(|ticket| {
        ticket.wait().expect("the disk has room");
    });
    journal.close();
}

/// Waits until the program hears that signal: before, it would end at once, as every program does.
fn heard(child: &mut Child, signal: Signal) {
    let status = format!("/proc/{}/status", child.id());
    loop {
        assert!(child.try_wait().expect("it can be asked").is_none(), "it ended before it could be interrupted");
        let told = std::fs::read_to_string(&status).expect("the program is there");
        let caught = told.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("what it hears is told");
        let caught = u64::from_str_radix(caught.trim(), 16).expect("a mask");
        if caught & (1 << (signal.as_raw() - 1)) != 0 {
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn interrupted_it_says_so_and_leaves_the_reports_of_before_as_they_were() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    recorded(dir);
    lengthened(dir);
    std::fs::write(dir.join("told.json"), "of before").expect("a file can be written");
    for signal in [Signal::INT, Signal::TERM] {
        let mut command = asked("backtest", dir, "policy.yaml", "told");
        command.args(["--threads", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        heard(&mut child, signal);
        kill_process(Pid::from_child(&child), signal).expect("a signal is sent");
        let output = child.wait_with_output().expect("the program ends");
        assert_eq!(output.status.code(), Some(130), "{}", said(&output));
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains("error: interrupted: nothing was written"), "{}", said(&output));
        assert!(output.stdout.is_empty(), "{}", said(&output));
        let mut left: Vec<String> = std::fs::read_dir(dir)
            .expect("it can be listed")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        assert_eq!(left, ["data", "policy.yaml", "told.json"], "nothing half-written");
        assert_eq!(std::fs::read_to_string(dir.join("told.json")).expect("it is there"), "of before");
    }
    // Left alone, the same question is answered: it was the signal that ended it.
    let output = run(&mut asked("backtest", dir, "policy.yaml", "told"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(std::fs::read_to_string(dir.join("told.json")).expect("it is there").starts_with('{'));
}
