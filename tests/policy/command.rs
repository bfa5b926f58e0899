//! The `policy` command as people call it: what goes where, and the exit code.

use std::path::PathBuf;

use clap::Parser;
use streamwarden::cli::policy::{Outcome, PolicyArgs, run};

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    args: PolicyArgs,
}

struct Called {
    outcome: Outcome,
    out: String,
    err: String,
}

/// Calls the command in a directory of its own that holds the given files.
fn call(files: &[(&str, &str)], args: &[&str]) -> Called {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let in_dir = |arg: &&str| -> PathBuf { if arg.contains('.') { dir.path().join(arg) } else { arg.into() } };
    let args = std::iter::once(PathBuf::from("policy")).chain(args.iter().map(in_dir));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let outcome = run(&Program::parse_from(args).args, &mut out, &mut err).unwrap();
    let shown = |bytes| String::from_utf8(bytes).unwrap().replace(&format!("{}/", dir.path().display()), "");
    Called { outcome, out: shown(out), err: shown(err) }
}

const SOUND: &str = "policy: a\nchannels: {matching: ^live-}\ntaxonomy: rekognition/7.0\nrules:\n\
    - {id: r, categories: [Weapons], confidence: 80}\n";
const LISTING: &str = "policy: b\nchannels: [live-1]\ntaxonomy: local-nudity/1\nrules:\n\
    - {id: r, categories: [Probable], confidence: 80, action: stop, window: 2 of 3}\n";
const OTHER: &str = "policy: c\nchannels: {matching: ^live}\npriority: -1\ntaxonomy: rekognition/7.0\nrules:\n\
    - {id: r, categories: [\"*\"], confidence: 40}\n";
const BROKEN: &str = "policy: d\nchanels: [x]\n";

#[test]
fn check_reports_to_standard_output_and_exits_by_the_gravest() {
    let sound = call(&[("a.yaml", SOUND)], &["check", "a.yaml"]);
    assert_eq!((sound.outcome, sound.out.as_str()), (Outcome::Fine, ""));
    assert_eq!(sound.err, "1 policies are sound; 0 errors, 0 warnings in 1 files\n");

    let warned = call(&[("c.yaml", OTHER)], &["check", "c.yaml"]);
    assert_eq!(warned.outcome, Outcome::Fine);
    assert!(
        warned.out.starts_with("c.yaml:6:42: warning: rekognition/7.0 reports nothing below 50.0 %"),
        "{}",
        warned.out
    );
    assert_eq!(call(&[("c.yaml", OTHER)], &["check", "--deny-warnings", "c.yaml"]).outcome, Outcome::Found);

    let broken = call(&[("a.yaml", SOUND), ("d.yaml", BROKEN)], &["check", "a.yaml", "d.yaml"]);
    assert_eq!(broken.outcome, Outcome::Found);
    assert!(
        broken.out.starts_with("d.yaml:2:1: error: `chanels` is not a key here\n  expected: policy, version"),
        "{}",
        broken.out
    );
    assert!(broken.out.contains("hint: did you mean `channels`?"), "{}", broken.out);
}

#[test]
fn check_names_channels_that_nobody_watches() {
    let called = call(&[("a.yaml", SOUND)], &["check", "--channel", "live-1", "--channel", "stage", "a.yaml"]);
    assert_eq!(called.outcome, Outcome::Fine);
    assert!(called.out.starts_with("warning: channel stage is watched by no policy\n"), "{}", called.out);
}

#[test]
fn a_file_that_cannot_be_read_is_no_answer() {
    let called = call(&[], &["check", "missing.yaml"]);
    assert_eq!((called.outcome, called.out.as_str()), (Outcome::Unanswered, ""));
    assert!(called.err.starts_with("error: reading missing.yaml: "), "{}", called.err);
}

#[test]
fn explain_says_which_policy_applies_and_why_the_others_do_not() {
    let files = [("a.yaml", SOUND), ("b.yaml", LISTING), ("c.yaml", OTHER)];
    let listed = call(&files, &["explain", "--channel", "live-1", "a.yaml", "b.yaml", "c.yaml"]);
    assert_eq!(listed.outcome, Outcome::Fine);
    assert_eq!(
        listed.out,
        "b@1 applies: it lists the channel (b.yaml:2)\n\
         \x20 a frame every 60 s (−6 s), assessed again after 300 s though similar, stale after 900 s\n\
         \x20 similar up to 10 hash bits and 2.00 grey levels\n\
         \x20 where nobody can judge a moderator is asked to look\n\
         \x20 r: Preliminary Nudity/Probable from 80 % in 2 of 3 frames (local-nudity/1): \
         a moderator is asked to stop the stream\n\
         a@1 does not apply: b@1 lists the channel, which goes before every pattern (a.yaml:2)\n\
         c@1 does not apply: b@1 lists the channel, which goes before every pattern (c.yaml:2)\n"
    );
    let found = call(&files, &["explain", "--channel", "live-2", "a.yaml", "b.yaml", "c.yaml"]);
    let first_lines: Vec<&str> = found.out.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(
        first_lines,
        [
            "a@1 applies: its pattern ^live- finds the channel (a.yaml:2)",
            "b@1 does not apply: it lists other channels (b.yaml:2)",
            "c@1 does not apply: a@1 goes first, its priority 0 is above -1 (c.yaml:2)",
        ]
    );
}

#[test]
fn a_channel_without_a_policy_is_said_to_be_unwatched() {
    let called = call(&[("a.yaml", SOUND)], &["explain", "--channel", "stage", "a.yaml"]);
    assert_eq!(called.outcome, Outcome::Found);
    assert!(called.out.contains("its pattern ^live- does not find the channel"), "{}", called.out);
    assert!(called.out.contains("channel stage is watched by no policy"), "{}", called.out);
}

#[test]
fn explain_gives_no_answer_from_files_with_errors() {
    let called =
        call(&[("a.yaml", SOUND), ("d.yaml", BROKEN)], &["explain", "--channel", "live-1", "a.yaml", "d.yaml"]);
    assert_eq!((called.outcome, called.out.as_str()), (Outcome::Unanswered, ""));
    assert!(called.err.contains("d.yaml:2:1: error"), "{}", called.err);
}

#[test]
fn import_writes_policies_to_standard_output_and_notes_beside_it() {
    let sample = include_str!("sample-default.json");
    let called = call(&[("config.json", sample)], &["import", "config.json"]);
    assert_eq!(called.outcome, Outcome::Fine);
    assert!(called.out.starts_with("policy: \"default-global-config\"\n"), "{}", called.out);
    assert!(called.err.contains("note: item 1 (Default global config): priority 3 becomes -3"), "{}", called.err);
    assert_eq!(call(&[("p.yaml", &called.out)], &["check", "--deny-warnings", "p.yaml"]).outcome, Outcome::Fine);

    let refused = call(&[("config.json", "[{}]")], &["import", "config.json"]);
    assert_eq!((refused.outcome, refused.out.as_str()), (Outcome::Found, ""));
    assert!(refused.err.contains("item 1: image is missing"), "{}", refused.err);
}

#[test]
fn schema_writes_the_committed_schema() {
    assert_eq!(call(&[], &["schema"]).out, include_str!("../../schemas/policy.schema.json"));
}
