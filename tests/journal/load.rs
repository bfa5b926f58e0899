//! A program that writes under load, to be killed: this test binary itself, started again with settings in its
//! environment. It prints the number of every event that the journal has acknowledged.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use streamwarden::clock::SystemClock;
use streamwarden::journal::{Journal, OpenError, Options, READ_LIMIT_MAX, SledJournal};
use streamwarden::model::{Position, Sequence};

use crate::events::{append, channel, event, id};
use crate::store::options;

/// Exit code of a load whose journal failed for good.
pub const FATAL: i32 = 70;
/// Exit code of a load whose journal would not open.
pub const REFUSED: i32 = 71;
const WRITERS: u64 = 4;

/// What the child shall do.
#[derive(Debug, Clone)]
pub struct Load {
    pub dir: PathBuf,
    /// Numbers of its events start here.
    pub base: u64,
    /// Appends per writer, should nobody kill it.
    pub appends: u64,
    pub roll_after_events: u64,
    /// Abort at the nth passing of this fail point.
    pub abort_at: Option<(&'static str, u32)>,
    /// Leave our own sync out: the negative control.
    pub skip_sync: bool,
}

impl Load {
    pub fn on(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            base: 0,
            appends: 100_000,
            roll_after_events: u64::MAX,
            abort_at: None,
            skip_sync: false,
        }
    }

    /// The command that runs it; more may be put before it by the caller (a tracer) or into its environment.
    pub fn command(&self, wrapper: &[&str]) -> Command {
        let this = std::env::current_exe().unwrap();
        let mut words = wrapper.iter().map(|word| (*word).into()).chain([this.into_os_string()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words);
        command.args(["--exact", "load::a_load_prints_only_what_is_durable", "--nocapture", "--test-threads=1"]);
        command.env("LOAD_DIR", &self.dir);
        command.env("LOAD_BASE", self.base.to_string());
        command.env("LOAD_APPENDS", self.appends.to_string());
        command.env("LOAD_ROLL", self.roll_after_events.to_string());
        if let Some((point, nth)) = self.abort_at {
            command.env("LOAD_ABORT_AT", point).env("LOAD_ABORT_NTH", nth.to_string());
        }
        if self.skip_sync {
            command.env("LOAD_SKIP_SYNC", "1");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    fn from_environment() -> Option<Self> {
        let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
        let dir = PathBuf::from(std::env::var_os("LOAD_DIR")?);
        let point = std::env::var("LOAD_ABORT_AT").ok().map(|point| &*point.leak());
        Some(Self {
            dir,
            base: number("LOAD_BASE"),
            appends: number("LOAD_APPENDS"),
            roll_after_events: number("LOAD_ROLL"),
            abort_at: point.map(|point| (point, number("LOAD_ABORT_NTH") as u32)),
            skip_sync: std::env::var_os("LOAD_SKIP_SYNC").is_some(),
        })
    }

    fn run(&self) {
        if let Some((point, nth)) = self.abort_at {
            let passed = AtomicU32::new(0);
            fail::cfg_callback(point, move || {
                if passed.fetch_add(1, Ordering::SeqCst) + 1 == nth {
                    std::process::abort();
                }
            })
            .unwrap();
        }
        if self.skip_sync {
            fail::cfg("journal.skip_sync", "return").unwrap();
        }
        if std::env::var_os("LOAD_FAIL_SYNC").is_some() {
            fail::cfg("commit.sync", "20*off->return").unwrap();
        }
        let on_fatal = Arc::new(|_: &str| std::process::exit(FATAL));
        let options = Options {
            roll_after_events: self.roll_after_events,
            on_fatal,
            ..options(&self.dir, Arc::new(SystemClock))
        };
        let journal = match SledJournal::open(options) {
            Ok(journal) => journal,
            Err(_) => std::process::exit(REFUSED),
        };
        std::thread::scope(|threads| {
            for writer in 0..WRITERS {
                let journal = &journal;
                threads.spawn(move || {
                    for turn in 0..self.appends {
                        let first = self.base + turn * WRITERS * 4 + writer * 4;
                        let numbers = first..first + 1 + turn % 4;
                        let scope = channel((turn + writer) % 50);
                        if journal.append(append(&scope, numbers.clone())).wait().is_err() {
                            return;
                        }
                        let acknowledged: String = numbers.map(|number| format!("ack {number}\n")).collect();
                        let mut out = std::io::stdout().lock();
                        let _ = out.write_all(acknowledged.as_bytes()).and_then(|()| out.flush());
                    }
                });
            }
        });
    }
}

/// Reads a child's acknowledgements until it ends; kills it once it has acknowledged `kill_after` events.
pub fn acknowledged(child: &mut Child, kill_after: usize) -> BTreeSet<u64> {
    let mut numbers = BTreeSet::new();
    let mut killed = false;
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while out.read_line(&mut line).unwrap() > 0 {
        // the harness writes the test's name before the first one, without an end of line
        if let (Some((_, number)), true) = (line.trim_end().rsplit_once("ack "), line.ends_with('\n')) {
            numbers.insert(number.parse().unwrap());
        }
        line.clear();
        if numbers.len() >= kill_after && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    numbers
}

/// What is wrong with a store in which these events must be.
#[derive(Debug)]
pub enum Wrong {
    Refused(#[allow(dead_code)] OpenError), // shown by Debug in a failing test
    Missing(#[allow(dead_code)] Vec<u64>),
    Unsound(#[allow(dead_code)] String),
}

/// Opens the store and looks for every one of these events, then reads all of it.
pub fn check(dir: &Path, must_hold: &BTreeSet<u64>) -> Result<(), Wrong> {
    let journal = SledJournal::open(options(dir, Arc::new(SystemClock))).map_err(Wrong::Refused)?;
    let unsound = |what: &dyn std::fmt::Debug| Wrong::Unsound(format!("{what:?}"));
    let mut missing = Vec::new();
    for &number in must_hold {
        match journal.find(id(number)) {
            Ok(Some(found)) if found.event().ok() == Some(event(number).event) => {}
            Ok(None) => missing.push(number),
            other => return Err(unsound(&other)),
        }
    }
    if !missing.is_empty() {
        return Err(Wrong::Missing(missing));
    }
    // sealing may append behind this: what is looked at ends here
    let until = *journal.watermark().borrow();
    let mut next = Position(1);
    let mut sequences = std::collections::HashMap::new();
    while next <= until {
        let page = journal.read(Position(next.0 - 1), READ_LIMIT_MAX).map_err(|error| unsound(&error))?;
        if page.is_empty() {
            return Err(unsound(&(next, until)));
        }
        for event in page {
            let sequence: &mut Sequence = sequences.entry(event.envelope.scope.clone()).or_default();
            *sequence = sequence.next();
            if event.envelope.position != next || event.envelope.sequence != *sequence {
                return Err(unsound(&(next, event.envelope)));
            }
            next = next.next();
        }
    }
    Ok(())
}

#[test]
fn a_load_prints_only_what_is_durable() {
    if let Some(load) = Load::from_environment() {
        return load.run();
    }
    let dir = tempfile::tempdir().unwrap();
    let load = Load { appends: 20, ..Load::on(&dir.path().join("store")) };
    let mut child = load.command(&[]).spawn().unwrap();
    let numbers = acknowledged(&mut child, usize::MAX);
    assert_eq!(numbers.len(), 20 / 4 * (1 + 2 + 3 + 4) * WRITERS as usize);
    check(&load.dir, &numbers).unwrap();
}
