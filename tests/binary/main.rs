//! The program itself, as a person starts it: the demo, their own pictures and films, and what kills it.
//!
//! What the program left is read back through the library, from the journal on disk.

#![allow(clippy::unwrap_used)] // the lint spares only functions marked as tests, not what they call

mod backtest;
mod demo;
mod ingest;
mod kill;
#[path = "../power/mod.rs"]
mod power;
mod powerloss;
#[path = "../journal/random.rs"]
mod random;
mod serve;
mod watch;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, OnceLock};

use streamwarden::clock::SystemClock;
use streamwarden::events::{Event, Recorded};
use streamwarden::journal::{Journal, Options, READ_LIMIT_MAX, SledJournal};
use streamwarden::model::{FrameId, Position};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs one of the repository's scripts, once per process.
fn fetched(done: &OnceLock<()>, script: &str) {
    done.get_or_init(|| {
        let output = Command::new("sh").arg(root().join(script)).output().expect("sh starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} must succeed for these tests; it said:\n{said}");
    });
}

fn weights() -> PathBuf {
    static DONE: OnceLock<()> = OnceLock::new();
    fetched(&DONE, "scripts/fetch-model.sh");
    root().join("models/open-nsfw.onnx")
}

fn ffmpeg() -> PathBuf {
    static DONE: OnceLock<()> = OnceLock::new();
    fetched(&DONE, "scripts/fetch-ffmpeg.sh");
    root().join(".tools/ffmpeg")
}

/// Everything that the local model labels, once a second.
const POLICY: &str = "\
policy: mine
channels: { matching: .* }
taxonomy: local-nudity/1
sampling: { every: 1s }
similarity: off
rules:
  - { id: any, categories: [\"*\"], confidence: 80 }
";

/// The program, in the repository's root, with nobody's terminal.
fn streamwarden(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamwarden"));
    command.args(args).current_dir(root()).env_remove("STREAMWARDEN_LOG").stdin(Stdio::null());
    command
}

/// The demo on a data directory, as fast as it goes.
fn demo(data: &Path) -> Command {
    let mut command = streamwarden(&["demo", "--once", "--pace", "fast", "--data"]);
    command.arg(data).arg("--model").arg(weights());
    command
}

/// The program's whole run.
fn run(command: &mut Command) -> Output {
    command.output().expect("the program starts")
}

/// What it said, for a message.
fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{}\n--- standard output\n{out}\n--- standard error\n{err}", output.status)
}

/// Every event in a data directory that no program has open. Opening verifies.
fn journal(data: &Path) -> Vec<Recorded> {
    let journal = SledJournal::open(Options::new(data, Arc::new(SystemClock))).expect("the journal opens");
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let after = events.last().map_or(Position(0), |last| last.envelope.position);
        let page = journal.read(after, READ_LIMIT_MAX).expect("the journal can be read");
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

fn decoded(events: &[Recorded]) -> Vec<Event> {
    events.iter().map(|recorded| recorded.event().expect("every event is known")).collect()
}

/// The frames that have an outcome, each of which must have one only (invariant I1).
fn outcomes(events: &[Event]) -> Vec<FrameId> {
    let frame = |event: &Event| match event {
        Event::FrameSkipped(outcome) => Some(outcome.frame),
        Event::FrameAssessed(outcome) => Some(outcome.frame),
        Event::FrameFailed(outcome) => Some(outcome.frame),
        _ => None,
    };
    let mut frames: Vec<FrameId> = events.iter().filter_map(frame).collect();
    let all = frames.len();
    frames.sort_unstable();
    frames.dedup();
    assert_eq!(frames.len(), all, "some frame has two outcomes");
    frames
}
