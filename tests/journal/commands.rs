//! The journal's commands, with arguments as a person types them, on a real store.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use clap::Parser;
use streamwarden::cli::journal::{JournalArgs, Outcome, run};
use streamwarden::clock::SystemClock;
use streamwarden::events::{
    Actor, ErasedContent, Erasing, ErasureRequested, EvidenceStored, NewEvent, PolicyPublished,
};
use streamwarden::journal::{Append, Expected, Journal, SledJournal, content};
use streamwarden::model::{ChannelId, ErasureReason, EventId, FrameId, PolicyId, PolicyRef, Sha256, SystemScope};
use tempfile::TempDir;

use crate::events::{append, channel, event, id};
use crate::store::options;

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    args: JournalArgs,
}

/// What a command answered: exit code, stdout, stderr.
fn journal(data_dir: &Path, arguments: &[&str]) -> (Outcome, String, String) {
    let data_dir = data_dir.to_str().expect("a readable path");
    let all = [&["journal", "--data", data_dir], arguments].concat();
    let program = Program::try_parse_from(all).expect("sound arguments");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let outcome = run(&program.args, Arc::new(SystemClock), &mut out, &mut err).expect("writing to memory");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (outcome, text(out), text(err))
}

/// A store with 60 events of three channels, and one policy with content.
fn filled() -> TempDir {
    let dir = TempDir::new().expect("a directory");
    let data = dir.path().join("data");
    let store = SledJournal::open(options(&data, Arc::new(SystemClock))).expect("opening");
    for number in 0..60 {
        store.append(append(&channel(number % 3), [number])).wait().expect("appending");
    }
    let contents = content::Store::open(&data.join("content"), &data.join("keys")).expect("opening");
    let text = contents.put("policy/p", b"rules").expect("putting");
    let policy = PolicyRef { id: PolicyId::new("p").expect("sound"), version: 1 };
    let published = NewEvent {
        id: EventId::of_command("policy", &[b"1"]),
        event: PolicyPublished { policy, text, why: None }.into(),
        captured_at: None,
        actor: Actor::service("test"),
        causation: None,
        correlation: None,
    };
    let scope = SystemScope::Policies.into();
    store.append(Append { scope, expected: Expected::Any, events: vec![published] }).wait().expect("appending");
    dir
}

fn flip_in_the_middle(file: &Path) {
    let mut bytes = fs::read(file).expect("reading");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).expect("writing");
}

#[test]
fn tail_prints_the_newest_events_of_all_or_of_one_scope() {
    let dir = filled();
    let data = dir.path().join("data");
    let (outcome, out, err) = journal(&data, &["tail", "-n", "5"]);
    assert_eq!((outcome, out.lines().count(), err.as_str()), (Outcome::Fine, 5, ""));
    let last = out.lines().last().expect("lines");
    assert!(last.contains("$store#") && last.contains("StoreClosed"), "{out}");

    let (_, out, _) = journal(&data, &["tail", "-n", "3", "--scope", "channel-1"]);
    assert_eq!(out.lines().count(), 3);
    assert!(out.lines().all(|line| line.contains("channel-1#")), "{out}");

    let (_, out, _) = journal(&data, &["tail", "--after", "0", "--json"]);
    let positions: Vec<u64> = out
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["position"].as_u64().expect("a number")
        })
        .collect();
    assert_eq!(positions, (1..=63).collect::<Vec<u64>>());
}

#[test]
fn show_prints_one_event_by_position_or_id() {
    let dir = filled();
    let data = dir.path().join("data");
    let (outcome, by_id, _) = journal(&data, &["show", &id(7).to_string()]);
    let event: serde_json::Value = serde_json::from_str(&by_id).expect("JSON");
    assert_eq!((outcome, event["scope"].as_str()), (Outcome::Fine, Some("channel-1")));
    let (_, by_position, _) = journal(&data, &["show", &event["position"].to_string()]);
    assert_eq!(by_position, by_id);

    let (outcome, out, err) = journal(&data, &["show", "999"]);
    assert_eq!((outcome, out.as_str()), (Outcome::Found, ""));
    assert!(err.starts_with("error: there is no such event") && err.contains("\nhint: "), "{err}");
}

#[test]
fn stats_counts_every_event() {
    let dir = filled();
    let data = dir.path().join("data");
    let (_, out, _) = journal(&data, &["stats", "--json"]);
    let stats: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((stats["events"].as_u64(), stats["types"]["InputGap"].as_u64()), (Some(63), Some(60)));
    assert_eq!(stats["scopes"]["channel-2"], 20);
    let (outcome, out, _) = journal(&data, &["stats"]);
    assert_eq!(outcome, Outcome::Fine);
    assert!(out.contains("events     63;") && out.contains("InputGap"), "{out}");
}

#[test]
fn verify_covers_events_and_content() {
    let dir = filled();
    let data = dir.path().join("data");
    let (outcome, out, _) = journal(&data, &["verify"]);
    assert_eq!(outcome, Outcome::Fine, "{out}");
    assert!(out.starts_with("63 events verified up to position 63"), "{out}");
    assert!(out.contains("1 contents verified, 0 erased, 0 expired, 0 damaged, 0 orphans"), "{out}");

    let shard = fs::read_dir(data.join("content")).expect("listing").next().expect("a shard").expect("listing");
    let file = fs::read_dir(shard.path()).expect("listing").next().expect("a file").expect("listing");
    flip_in_the_middle(&file.path());
    let (outcome, out, err) = journal(&data, &["verify"]);
    assert_eq!(outcome, Outcome::Found);
    assert!(out.contains("damaged: ") && err.contains("1 contents are damaged") && err.contains("hint: "), "{err}");
}

#[test]
fn content_that_is_gone_as_if_its_time_were_over_is_damage_where_no_event_says_so() {
    let dir = filled();
    let data = dir.path().join("data");
    let shard = fs::read_dir(data.join("content")).expect("listing").next().expect("a shard").expect("listing");
    let file = fs::read_dir(shard.path()).expect("listing").next().expect("a file").expect("listing");
    fs::write(file.path(), [0]).expect("writing what an expired content leaves");
    let (outcome, out, _) = journal(&data, &["verify"]);
    assert_eq!(outcome, Outcome::Found, "{out}");
    assert!(
        out.contains("0 contents verified, 0 erased, 0 expired, 1 damaged") && out.contains("no event says so"),
        "{out}"
    );
}

#[test]
fn exports_continue_each_other_and_import_into_a_new_store() {
    let dir = filled();
    let data = dir.path().join("data");
    let [one, two] = ["one", "two"].map(|name| dir.path().join(name).to_str().expect("readable").to_owned());
    let (outcome, out, err) = journal(&data, &["export", &one, "--to", "40"]);
    assert_eq!((outcome, err.as_str()), (Outcome::Fine, ""));
    assert!(out.starts_with("40 events from position 1 to 40"), "{out}");
    let (_, out, _) = journal(&data, &["export", &two, "--continues", &one]);
    assert!(out.starts_with("23 events from position 41 to 63"), "{out}");

    let copy = dir.path().join("copy");
    let (outcome, _, err) = journal(&copy, &["import", &two]);
    assert_eq!(outcome, Outcome::Unanswered);
    assert!(err.contains("hint: give the exports in order"), "{err}");
    let (outcome, out, err) = journal(&copy, &["import", &one, &two]);
    assert_eq!((outcome, err.as_str()), (Outcome::Fine, ""));
    assert!(out.starts_with("63 events up to position 63 imported"), "{out}");
    let chain = |text: &str| text.lines().find(|line| line.starts_with("chain ")).map(str::to_owned);
    let (_, verified, _) = journal(&data, &["verify"]);
    assert_eq!(chain(&out), chain(&verified));
    assert_eq!(journal(&copy, &["verify"]).0, Outcome::Fine);
}

/// A store whose first channel has a picture and a transcript.
fn with_pictures() -> TempDir {
    let dir = filled();
    let data = dir.path().join("data");
    let store = SledJournal::open(options(&data, Arc::new(SystemClock))).expect("opening");
    let contents = content::Store::open(&data.join("content"), &data.join("keys")).expect("opening");
    for (number, subject) in ["channel/channel-1", "transcripts/channel-1"].into_iter().enumerate() {
        let kept = EvidenceStored {
            frame: FrameId::from_bytes([number as u8; 16]),
            image: Sha256::of(b"seen"),
            content: contents.put(subject, b"a picture or a word").expect("putting"),
        };
        let kept = NewEvent { event: kept.into(), ..event(1000 + number as u64) };
        let append = Append { scope: channel(1), expected: Expected::Any, events: vec![kept] };
        store.append(append).wait().expect("appending");
    }
    dir
}

#[test]
fn erase_destroys_the_keys_and_the_store_verifies_exports_and_imports_as_before() {
    let dir = with_pictures();
    let data = dir.path().join("data");
    let before = journal(&data, &["verify"]).1;
    assert!(before.contains("3 contents verified, 0 erased"), "{before}");
    let (outcome, out, err) = journal(&data, &["erase", "--channel", "channel-1", "--reason", "request-2291"]);
    assert_eq!((outcome, err.as_str()), (Outcome::Fine, ""));
    assert!(out.contains("channel/channel-1: destroyed, 1 contents, 19 bytes\n"), "{out}");
    assert!(out.contains("transcripts/channel-1: destroyed, 1 contents, 19 bytes\n"), "{out}");
    assert!(out.contains("deleted by the next `serve`") && out.contains("stays: events: "), "{out}");

    let (outcome, out, _) = journal(&data, &["verify"]);
    assert_eq!(outcome, Outcome::Fine, "{out}");
    assert!(out.contains("1 contents verified, 2 erased, 0 expired, 0 damaged, 0 orphans"), "{out}");
    assert!(out.contains("is not finished: copies in buckets are left: the next `serve` deletes them\n"), "{out}");
    let (_, tail, _) = journal(&data, &["tail", "-n", "4", "--scope", "$store"]);
    assert!(tail.contains("ErasureRequested") && tail.contains("everything of channel-1 (request-2291)"), "{tail}");
    let (_, events, _) = journal(&data, &["tail", "--scope", "channel-1", "-n", "100"]);
    assert_eq!(events.lines().count(), 22, "events stay");

    let [export, copy] = ["export", "copy"].map(|name| dir.path().join(name));
    assert_eq!(journal(&data, &["export", export.to_str().expect("readable")]).0, Outcome::Fine);
    let (outcome, out, err) = journal(&copy, &["import", export.to_str().expect("readable")]);
    assert_eq!((outcome, err.as_str()), (Outcome::Fine, ""));
    assert!(out.contains("1 contents verified, 2 erased, 0 expired"), "{out}");
    let chain = |text: &str| text.lines().find(|line| line.starts_with("chain ")).map(str::to_owned);
    assert_eq!(chain(&out), chain(&journal(&data, &["verify"]).1), "the chain is the one there was");

    // Nothing is left to be read, and that is said.
    let (_, out, _) = journal(&data, &["erase", "--channel", "channel-1", "--reason", "request-2291"]);
    assert!(out.contains("channel/channel-1: had no key, or nothing that could be read lay under it\n"), "{out}");
}

/// A process ended between the request and the keys' end: what is exported then would hold the keys.
#[test]
fn export_refuses_while_a_key_is_left_that_was_to_be_destroyed() {
    let dir = with_pictures();
    let data = dir.path().join("data");
    let what =
        Erasing::Channel { channel: ChannelId::new("channel-1").expect("sound"), content: ErasedContent::Everything };
    let asked = ErasureRequested { what, reason: ErasureReason::new("request-2291").expect("sound") };
    let asked = NewEvent { event: asked.into(), ..event(2000) };
    let store = SledJournal::open(options(&data, Arc::new(SystemClock))).expect("opening");
    let scope = SystemScope::Store.into();
    store.append(Append { scope, expected: Expected::Any, events: vec![asked] }).wait().expect("appending");
    drop(store);

    let export = dir.path().join("export");
    let to = export.to_str().expect("readable");
    let (outcome, out, err) = journal(&data, &["export", to]);
    assert_eq!((outcome, out.as_str()), (Outcome::Found, ""));
    assert!(err.contains("has not destroyed its keys") && err.contains("hint: "), "{err}");
    assert!(!export.exists(), "nothing is copied");
    // Whatever is erased next, the opening ends it.
    assert_eq!(journal(&data, &["erase", "--channel", "channel-2", "--reason", "r"]).0, Outcome::Fine);
    let (outcome, _, err) = journal(&data, &["export", to]);
    assert_eq!((outcome, err.as_str()), (Outcome::Fine, ""));
    assert!(journal(&data, &["verify"]).1.contains("1 contents verified, 2 erased"));
}

#[test]
fn erase_says_what_it_takes_and_makes_no_store_where_there_is_none() {
    let dir = filled();
    let data = dir.path().join("data");
    let (outcome, out, err) = journal(&data, &["erase", "--channel", "channel-9", "--reason", "r"]);
    assert_eq!((outcome, out.as_str()), (Outcome::Found, ""));
    assert!(err.contains("nothing is kept here of the channel channel-9") && err.contains("hint: "), "{err}");
    let nowhere = dir.path().join("nowhere");
    assert_eq!(journal(&nowhere, &["erase", "--person", "ann", "--reason", "r"]).0, Outcome::Unanswered);
    assert!(!nowhere.exists());
    let writer = SledJournal::open(options(&data, Arc::new(SystemClock))).expect("opening");
    let (outcome, _, err) = journal(&data, &["erase", "--channel", "channel-1", "--reason", "r"]);
    assert_eq!(outcome, Outcome::Unanswered);
    assert!(err.contains("in use") && err.contains("hint: stop the process"), "{err}");
    drop(writer);
    for wrong in [
        &["erase", "--reason", "r"][..],
        &["erase", "--channel", "channel-1"],
        &["erase", "--channel", "channel-1", "--person", "ann", "--reason", "r"],
        &["erase", "--channel", "channel-1", "--reason", "at Ann's request"],
    ] {
        assert!(Program::try_parse_from([&["journal"], wrong].concat()).is_err(), "{wrong:?}");
    }
}

#[test]
fn damage_is_named_and_only_repaired_when_its_loss_is_accepted() {
    let dir = filled();
    let data = dir.path().join("data");
    assert_eq!(journal(&data, &["repair", "--accept-loss"]).1, "everything verifies; nothing was done\n");
    let older = dir.path().join("older");
    fs::create_dir(&older).expect("creating");
    let hot = fs::read_dir(data.join("hot")).expect("listing").next().expect("a segment").expect("listing").path();
    copy_files(&hot, &older);
    let journal_again = SledJournal::open(options(&data, Arc::new(SystemClock))).expect("opening");
    journal_again.append(append(&channel(1), 100..120)).wait().expect("appending");
    drop(journal_again);
    fs::remove_dir_all(&hot).expect("removing");
    fs::create_dir(&hot).expect("creating");
    copy_files(&older, &hot); // as if the disk had gone back

    let (outcome, _, err) = journal(&data, &["verify"]);
    assert_eq!(outcome, Outcome::Found);
    assert!(err.contains("positions 64 to ") && err.contains("hint: "), "{err}");
    let (outcome, _, err) = journal(&data, &["repair"]);
    assert_eq!(outcome, Outcome::Unanswered);
    assert!(err.contains("--accept-loss"), "{err}");
    fs::create_dir(data.join("derived")).expect("snapshots of what is lost");
    let (outcome, out, _) = journal(&data, &["repair", "--accept-loss"]);
    assert_eq!(outcome, Outcome::Fine, "{out}");
    assert!(out.starts_with("positions 64 to "), "{out}");
    assert!(!data.join("derived").exists());
    assert_eq!(journal(&data, &["verify"]).0, Outcome::Fine);
}

#[test]
fn a_list_that_is_gone_is_named_and_made_anew_by_a_repair_that_needs_no_loss() {
    let dir = filled();
    let data = dir.path().join("data");
    let verified = journal(&data, &["verify"]).1;
    for list in ["FORMAT", "MANIFEST"] {
        fs::remove_file(data.join(list)).expect("removing");
        for command in ["verify", "tail"] {
            let (outcome, _, err) = journal(&data, &[command]);
            assert_eq!(outcome, Outcome::Found, "{err}");
            assert!(err.contains(list) && err.contains("`journal repair`"), "{err}");
        }
        let (outcome, out, err) = journal(&data, &["repair"]);
        assert_eq!(outcome, Outcome::Fine, "{err}");
        assert!(out.starts_with(&format!("{list} was made anew from the segments\n")), "{out}");
        assert_eq!(journal(&data, &["verify"]).1, verified);
    }
    assert_eq!(journal(&data, &["repair"]).1, "everything verifies; nothing was done\n");
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("listing").map(|entry| entry.expect("listing")) {
        if entry.file_type().expect("a type").is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copying");
        } else {
            fs::create_dir(to.join(entry.file_name())).expect("creating");
            copy_files(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

#[test]
fn a_journal_in_use_or_absent_is_said_with_a_hint() {
    let dir = filled();
    let data = dir.path().join("data");
    let writer = SledJournal::open(options(&data, Arc::new(SystemClock))).expect("opening");
    let (outcome, _, err) = journal(&data, &["tail"]);
    assert_eq!(outcome, Outcome::Unanswered);
    assert!(err.contains("in use") && err.contains("hint: stop the process"), "{err}");
    drop(writer);
    let (outcome, _, err) = journal(&dir.path().join("nowhere"), &["stats"]);
    assert_eq!(outcome, Outcome::Unanswered);
    assert!(err.contains("hint: give the data directory"), "{err}");
}
