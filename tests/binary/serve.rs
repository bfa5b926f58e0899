//! `streamwarden serve`: it starts where it is told, says what is wrong where it cannot, and ends in order.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use streamwarden::events::Event;
use tempfile::TempDir;

use crate::{decoded, journal, run, said, streamwarden, weights};

/// A configuration on a directory of its own; `more` stands at its end.
pub struct Desk {
    dir: TempDir,
}

/// The program, serving.
pub struct Serving {
    pub child: Child,
    /// `http://127.0.0.1:…`
    pub base: String,
}

impl Desk {
    pub fn new(more: &str) -> Self {
        let desk = Self { dir: tempfile::tempdir().expect("a directory") };
        let text = format!(
            "[data]\ndirectory = {:?}\n[listen]\naddress = \"127.0.0.1:0\"\n[auth]\nways = [\"open\"]\n[provider]\n\
             local_model = {:?}\n{more}",
            desk.data(),
            weights()
        );
        std::fs::write(desk.config(), text).expect("a file can be written");
        desk
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("streamwarden.toml")
    }

    pub fn change(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.config()).expect("it was written");
        assert!(text.contains(from), "{from} is not in {text}");
        std::fs::write(self.config(), text.replace(from, to)).expect("a file can be written");
    }

    fn command(&self) -> Command {
        let mut command = streamwarden(&["serve", "--config"]);
        command.arg(self.config());
        command
    }

    pub fn serve(&self) -> Serving {
        let mut child = self.command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("the output is a pipe");
        BufReader::new(out).read_line(&mut line).expect("it says where it listens");
        let base = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {line:?}")).to_owned();
        Serving { child, base }
    }
}

impl Serving {
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a signal is sent");
    }

    /// Asks it to end, and gives the exit code.
    pub fn end(mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        self.child.wait().expect("the program ends").code()
    }
}

/// Asks from a runtime of its own: these tests have none.
pub fn ask<T>(asking: impl Future<Output = T>) -> T {
    let _ = rustls::crypto::ring::default_provider().install_default(); // some test before this one may have
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(asking)
}

/// What answers to a GET: status and text.
fn get(url: String) -> (u16, String) {
    ask(async {
        let answer = reqwest::get(url).await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    })
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn it_listens_on_a_free_port_says_which_answers_and_ends_when_it_is_told_to() {
    for signal in [Signal::TERM, Signal::INT] {
        let desk = Desk::new("");
        let serving = desk.serve();
        assert_eq!(get(format!("{}/healthz", serving.base)).0, 200);
        let (status, readiness) = get(format!("{}/readyz", serving.base));
        assert_eq!(status, 200, "{readiness}");
        let (status, figures) = get(format!("{}/metrics", serving.base));
        assert!(status == 200 && figures.contains("streamwarden_journal_head_position 1\n"), "{status} {figures}");
        assert_eq!(serving.end(signal), Some(0), "an order is no failure");
        let events = decoded(&journal(&desk.data()));
        // the reader's own opening says what it found
        assert!(matches!(events.last(), Some(Event::StoreOpened(opened)) if opened.clean), "{events:?}");
    }
}

#[test]
fn a_wrong_configuration_starts_nothing_and_names_the_key_its_line_and_what_was_expected() {
    let desk = Desk::new("[wardens]\nlooks_max = 0\n");
    let output = run(&mut desk.command());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let complaint = complaint(&output);
    for expected in ["streamwarden.toml:10: wardens.looks_max: ", "`0`", "a whole number from 1 to 256", "hint: "] {
        assert!(complaint.contains(expected), "{expected} is missing: {complaint}");
    }
    assert!(output.stdout.is_empty() && !desk.data().exists(), "nothing was opened: {}", said(&output));
}

#[test]
fn a_door_that_is_open_to_everybody_is_refused_on_any_address_but_the_loopback() {
    let desk = Desk::new("");
    desk.change("127.0.0.1:0", "0.0.0.0:0");
    let output = run(&mut desk.command());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(complaint(&output).contains("0.0.0.0:0") && complaint(&output).contains("open"), "{}", said(&output));
    assert!(!desk.data().exists(), "nothing was opened");
}

#[test]
fn a_missing_configuration_and_missing_tokens_are_named_with_a_hint() {
    let output = run(&mut streamwarden(&["serve", "--config", "no/such/file.toml"]));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        complaint(&output).contains("no/such/file.toml") && complaint(&output).contains("hint:"),
        "{}",
        said(&output)
    );
    let desk = Desk::new("");
    desk.change("ways = [\"open\"]", "ways = [\"tokens\"]\ntokens_file = \"no/such/tokens.toml\"");
    let output = run(&mut desk.command());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(complaint(&output).contains("no/such/tokens.toml"), "{}", said(&output));
    assert!(!desk.data().exists(), "nothing was opened");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it has an address").to_string();
    let desk = Desk::new("");
    desk.change("127.0.0.1:0", &address);
    let output = run(&mut desk.command());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(complaint(&output).contains(&format!("listening on {address}")), "{}", said(&output));
}

#[test]
fn json_logs_are_one_object_per_line() {
    let desk = Desk::new("[logs]\nformat = \"json\"\nfilter = \"info\"\n");
    let mut child = desk.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("it says where it listens");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("a signal is sent");
    let mut logged = String::new();
    child.stderr.as_mut().expect("a pipe").read_to_string(&mut logged).expect("text");
    assert_eq!(child.wait().expect("the program ends").code(), Some(0), "{logged}");
    assert!(logged.lines().count() > 0, "it says at least that it ends");
    for line in logged.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(object["message"].is_string() && object["level"].is_string() && object["at"].is_string(), "{line}");
    }
}

/// The demo's door: where it says that it is.
pub fn link(out: &mut impl BufRead) -> String {
    let mut line = String::new();
    while out.read_line(&mut line).expect("text") > 0 {
        if let Some(at) = line.find("http://") {
            let link = &line[at..];
            let path = link["http://".len()..].find('/').expect("a link to a page") + "http://".len();
            return link[..path].to_owned();
        }
        line.clear();
    }
    panic!("the demo names no link");
}

#[test]
fn the_demo_stays_open_after_its_summary_and_ctrl_c_then_is_an_order() {
    let data = tempfile::tempdir().expect("a directory");
    let mut command = streamwarden(&["demo", "--pace", "fast", "--data"]);
    command.arg(data.path()).arg("--model").arg(weights()).env_remove("CI");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    let mut out = BufReader::new(child.stdout.take().expect("the output is a pipe"));
    let base = link(&mut out);
    let over = out.by_ref().lines().map_while(Result::ok).any(|line| line.contains("the show is over"));
    assert!(over, "it says that it stays");
    let (status, head) = get(format!("{base}/v1/journal"));
    assert!(status == 200 && head.contains("\"head\""), "{status} {head}");
    assert_eq!(get(format!("{base}/readyz")).0, 200);
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal is sent");
    assert_eq!(child.wait().expect("the program ends").code(), Some(0));
    let events = decoded(&journal(data.path()));
    assert!(matches!(events.last(), Some(Event::StoreOpened(opened)) if opened.clean), "closed in order");
}

#[test]
fn the_demo_ends_by_itself_where_nobody_sits_in_front_of_it() {
    let data = tempfile::tempdir().expect("a directory");
    let mut command = streamwarden(&["demo", "--pace", "fast", "--quiet", "--data"]);
    command.arg(data.path()).arg("--model").arg(weights()).env("CI", "true");
    assert_eq!(run(&mut command).status.code(), Some(0));
}
