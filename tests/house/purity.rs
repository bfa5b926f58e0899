//! What the core may not touch. A decision that could read a clock, a file or a coin would not replay.

use crate::code::{Source, find_words, line_of, sources};
use crate::{Finding, none_of};

/// The rooms that decide and fold.
const CORE: &[&str] = &["model", "events", "policy", "reputation", "warden", "projections"];

/// Words that let the outside in, and what each would bring.
const OUTSIDE: &[(&str, &str)] = &[
    ("SystemTime", "a clock"),
    ("Instant", "a clock"),
    ("Utc::now", "a clock"),
    ("Local::now", "a clock"),
    ("crate::clock", "a clock"),
    ("std::time::Duration", "a clock's unit; durations are milliseconds as integers"),
    ("getrandom", "randomness"),
    ("rand", "randomness"),
    ("RandomState", "randomness"),
    ("HashMap", "randomness: its order differs from run to run; use BTreeMap or a Vec"),
    ("HashSet", "randomness: its order differs from run to run; use BTreeSet or a Vec"),
    ("std::fs", "files"),
    ("std::io", "IO"),
    ("std::net", "the network"),
    ("std::env", "the environment"),
    ("std::process", "processes"),
    ("std::thread", "threads"),
    ("thread_local", "threads"),
    ("Mutex", "threads"),
    ("RwLock", "threads"),
    ("Condvar", "threads"),
    ("tokio", "async"),
    ("actix", "async"),
    ("async", "async"),
    ("await", "async"),
    ("tracing", "logging"),
    ("log::", "logging"),
    ("println!", "the terminal"),
    ("eprintln!", "the terminal"),
    ("print!", "the terminal"),
    ("eprint!", "the terminal"),
    ("dbg!", "the terminal"),
    ("include_bytes!", "files at build time without a name for their text"),
];

/// Where a decision is computed or stored: integers only, so that it replays to the bit on every machine.
const INTEGERS_ONLY: &[&str] = &[
    "src/model/",
    "src/events/",
    "src/policy/mod.rs",
    "src/policy/judge.rs",
    "src/reputation/",
    "src/warden/",
    "src/projections/",
];

/// Where a float is read or shown, and becomes or was an integer.
const FLOATS_END_HERE: &[(&str, &str)] = &[
    ("src/model/confidence.rs", "a provider's percentage is cut to thousandths here; people are shown percent"),
    ("src/model/score.rs", "people are shown, and may write, a share of one"),
    ("src/model/perceptual.rs", "a mean difference is cut to hundredths here; people are shown levels"),
    ("src/events/codec.rs", "shows the payload of an event type that it does not know, whatever is in it"),
];

fn outside_in_core(source: &Source) -> Vec<Finding> {
    if !source.room().is_some_and(|room| CORE.contains(&room)) {
        return Vec::new();
    }
    words(source, OUTSIDE.iter().map(|(word, brings)| (*word, format!("`{word}` brings {brings} into the core"))))
}

fn floats_in_decisions(source: &Source) -> Vec<Finding> {
    let decides = INTEGERS_ONLY.iter().any(|place| source.path.starts_with(place));
    let ends_here = FLOATS_END_HERE.iter().any(|(place, _)| source.path == *place);
    if !decides || ends_here {
        return Vec::new();
    }
    words(
        source,
        ["f32", "f64", "Float"].map(|word| (word, format!("`{word}` where decisions are computed or stored"))),
    )
}

fn words(source: &Source, forbidden: impl IntoIterator<Item = (&'static str, String)>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (word, what) in forbidden {
        for at in find_words(&source.ships, word) {
            let line = line_of(&source.ships, at);
            findings.push(Finding { path: source.path.clone(), line, what: what.clone() });
        }
    }
    findings
}

#[test]
fn the_core_has_no_clock_no_randomness_no_io_no_async_no_logging() {
    none_of(
        sources().iter().flat_map(outside_in_core).collect(),
        "let the command carry the time, the id or the bytes, or do the work in the shell and hand in its result",
    );
}

#[test]
fn decisions_are_computed_in_integers() {
    none_of(
        sources().iter().flat_map(floats_in_decisions).collect(),
        "take `Confidence`, `LumaDelta` or milliseconds (docs/adr/0005); a place where floats end needs its reason in \
         FLOATS_END_HERE (tests/house/purity.rs)",
    );
}

#[test]
fn the_places_where_floats_end_are_there() {
    for (path, reason) in FLOATS_END_HERE {
        assert!(
            sources().iter().any(|source| source.path == *path),
            "{path} is gone ({reason}): strike it off the list"
        );
    }
}

#[test]
fn planted_outsiders_are_found() {
    for (word, _) in OUTSIDE {
        let planted = Source::new("src/warden/apply.rs", &format!("fn f() {{ {word} }}"));
        assert!(!outside_in_core(&planted).is_empty(), "{word}");
    }
    let harmless = "fn operand(random_walk: Instantly) {} // tokio, HashMap\nconst A: &str = \"async\";";
    assert!(outside_in_core(&Source::new("src/warden/apply.rs", harmless)).is_empty());
    assert!(
        outside_in_core(&Source::new("src/warden/apply.rs", "#[cfg(test)]\nmod tests { use std::fs; }")).is_empty()
    );
    assert!(outside_in_core(&Source::new("src/journal/mod.rs", "use tokio::sync;")).is_empty(), "no core");
}

#[test]
fn planted_floats_are_found() {
    assert_eq!(floats_in_decisions(&Source::new("src/warden/state.rs", "struct A { b: f64 }")).len(), 1);
    assert!(floats_in_decisions(&Source::new("src/policy/file.rs", "let a: f64 = read();")).is_empty());
}
