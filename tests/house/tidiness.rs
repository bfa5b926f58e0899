//! What a Rust file may look like, and what a test may not do.

use std::collections::BTreeMap;

use crate::code::{Source, find_words, line_of, sources};
use crate::{Finding, none_of};

/// The most lines of a file. Uneasy above 500; beyond this it must be split or stand below.
const LINES_MAX: usize = 600;

/// Longer files, each with the reason why splitting would make it worse.
const LONGER: &[(&str, &str)] = &[];

/// Words that nothing of ours may hold, tests included.
const NEVER: &[(&str, &str)] = &[
    ("unsafe", "is forbidden here, without exception"),
    ("todo!", "is a promise instead of code"),
    ("unimplemented!", "is a promise instead of code"),
    ("dbg!", "was left over"),
    ("#[ignore", "keeps a test from ever failing"),
];

/// Ways to wait for a time instead of a condition.
const SLEEPS: &[&str] = &["thread::sleep", "time::sleep", "sleep_ms", "sleep_until"];

/// Tests that may pause: each between two looks at a condition, never instead of one.
const PAUSES: &[(&str, &str)] = &[
    ("tests/aws/standin/wire.rs", "no test pauses here: a slow answer is one of the faults that the stand-in shows"),
    ("benches/kinesis/main.rs", "a provider that takes 300 ms is what the load is measured with"),
    (
        "benches/kinesis/stream.rs",
        "a counter is looked at now and then, so that looking costs what is measured nothing",
    ),
    ("benches/kinesis/world.rs", "records are put at a rate"),
];

fn too_long(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().count();
    let excused = LONGER.iter().any(|(path, _)| source.path == *path);
    (lines > LINES_MAX && !excused).then(|| Finding {
        path: source.path.clone(),
        line: 0,
        what: format!("has {lines} lines, at most {LINES_MAX} are allowed"),
    })
}

fn without_module_doc(source: &Source) -> Option<Finding> {
    let what = "does not begin with `//!`: its job and what it must not know".to_owned();
    (!source.text.starts_with("//!")).then(|| Finding { path: source.path.clone(), line: 1, what })
}

fn never_words(source: &Source) -> Vec<Finding> {
    let code = source.code();
    let found = |(word, why): &(&'static str, &'static str)| -> Vec<Finding> {
        let at_line =
            |at| Finding { path: source.path.clone(), line: line_of(&code, at), what: format!("`{word}` {why}") };
        find_words(&code, word).map(at_line).collect()
    };
    NEVER.iter().flat_map(found).collect()
}

fn sleeping_tests(source: &Source) -> Vec<Finding> {
    if PAUSES.iter().any(|(path, _)| source.path == *path) {
        return Vec::new();
    }
    let code = &source.tests;
    let at_line = |at| Finding {
        path: source.path.clone(),
        line: line_of(code, at),
        what: "a test that sleeps waits for a time, not for what it tests".to_owned(),
    };
    SLEEPS.iter().flat_map(|word| find_words(code, word)).map(at_line).collect()
}

#[test]
fn files_stay_short() {
    none_of(
        sources().iter().filter_map(too_long).collect(),
        "split the file by what it holds; if that makes it worse, list it in LONGER (tests/house/tidiness.rs) with the \
         reason",
    );
}

#[test]
fn every_file_says_its_job_first() {
    none_of(
        sources().iter().filter_map(without_module_doc).collect(),
        "begin the file with a module doc: its job, and what it must not know",
    );
}

#[test]
fn no_unsafe_no_promises_no_ignored_tests() {
    none_of(sources().iter().flat_map(never_words).collect(), "finish it, or take it out");
}

#[test]
fn tests_wait_for_conditions() {
    none_of(
        sources().iter().flat_map(sleeping_tests).collect(),
        "wait on a channel, a watch, a child's output or its exit; a pause between two looks at a condition nobody can \
         wait on is listed in PAUSES (tests/house/tidiness.rs) with the reason",
    );
}

#[test]
fn excuses_are_still_needed() {
    let sources = sources();
    let all = LONGER.iter().chain(PAUSES);
    let lines =
        |path: &str| sources.iter().find(|source| source.path == path).map(|source| source.text.lines().count());
    for (path, reason) in all {
        assert!(lines(path).is_some(), "{path} is gone ({reason}): strike it off the list");
    }
    for (path, reason) in LONGER {
        assert!(lines(path) > Some(LINES_MAX), "{path} is short enough now ({reason}): strike it off the list");
    }
}

#[test]
fn the_lints_that_clippy_cannot_lose_are_set() {
    let manifest = include_str!("../../Cargo.toml");
    for line in ["unsafe_code = \"forbid\"", "unwrap_used = \"warn\"", "disallowed_methods = \"deny\""] {
        assert!(manifest.contains(line), "Cargo.toml lost `{line}`");
    }
    assert!(manifest.contains("sled = { version = \"=0.34.7\""), "sled is pinned to one version (docs/adr/0001)");
    let clippy = include_str!("../../clippy.toml");
    for method in ["chrono::Utc::now", "std::time::SystemTime::now", "actix::Addr::do_send"] {
        assert!(clippy.contains(method), "clippy.toml no longer refuses {method}");
    }
}

/// What a manifest states of its dependencies, by name, without remarks.
fn dependencies(manifest: &str) -> BTreeMap<&str, &str> {
    let stated = manifest.split("\n[dependencies]\n").nth(1).expect("a table of dependencies");
    let stated = stated.split("\n[").next().unwrap_or(stated).lines().filter(|line| !line.starts_with('#'));
    stated
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, what)| (name, what.split(" #").next().unwrap_or(what).trim()))
        .collect()
}

#[test]
fn what_is_fuzzed_is_built_on_what_ships() {
    let product = dependencies(include_str!("../../Cargo.toml"));
    let fuzzed = dependencies(include_str!("../../fuzz/Cargo.toml"));
    for (name, stated) in fuzzed.iter().filter(|(name, _)| **name != "libfuzzer-sys") {
        assert_eq!(product.get(name), Some(stated), "{name} in fuzz/Cargo.toml is not as the product states it");
    }
    assert!(fuzzed.len() > 10, "fuzz/Cargo.toml was read");
}

#[test]
fn planted_untidiness_is_found() {
    let source = |text: &str| Source::new("src/room/a.rs", text);
    assert!(too_long(&source(&"\n".repeat(LINES_MAX + 1))).is_some());
    assert!(too_long(&source(&"\n".repeat(LINES_MAX))).is_none());
    assert!(without_module_doc(&source("use a::b;\n//! late")).is_some());
    assert!(without_module_doc(&source("//! In time.")).is_none());
    for (word, _) in NEVER {
        assert_eq!(never_words(&source(&format!("fn f() {{ {word} }}"))).len(), 1, "{word}");
        assert!(never_words(&source(&format!("// {word}\nconst A: &str = \"{word}\";"))).is_empty(), "{word}");
    }
}

#[test]
fn planted_sleeps_are_found() {
    let nap = "fn f() { std::thread::sleep(LONG) }";
    assert_eq!(sleeping_tests(&Source::new("tests/room/main.rs", nap)).len(), 1);
    assert_eq!(sleeping_tests(&Source::new("src/room/a.rs", &format!("#[cfg(test)]\nmod tests {{ {nap} }}"))).len(), 1);
    assert!(sleeping_tests(&Source::new("src/room/a.rs", nap)).is_empty(), "what ships may pause");
}
