//! Who may know whom. The arrows between rooms point one way, and a dependency ends at the room it was taken in for.

use crate::code::{Source, find_words, identifier_at, line_of, sources};
use crate::{Finding, none_of};

/// What a room may know.
enum Knows {
    /// These rooms.
    These(&'static [&'static str]),
    /// Every room before it in the list: it puts them together.
    AllBefore,
}

use Knows::{AllBefore, These};

/// Every room, and the rooms it may know, which all come before it. What ships only: a test may reach where it likes.
const ROOMS: &[(&str, Knows)] = &[
    // The core: pure, and known by everybody.
    ("model", These(&[])),
    ("events", These(&["model"])),
    ("policy", These(&["model", "events"])),
    ("reputation", These(&["model", "events", "policy"])),
    ("warden", These(&["model", "events", "policy", "reputation"])),
    ("projections", These(&["model", "events", "policy", "reputation"])),
    // What many need and what knows nothing.
    ("clock", These(&["model"])),
    ("telemetry", These(&["model", "events"])), // it counts what events say; who reports knows it, it knows nobody
    // One outside thing each: a disk, a picture, a model, a platform. None knows another.
    ("journal", These(&["model", "events", "clock", "telemetry"])), // it times its own commits and syncs
    ("imaging", These(&["model"])),
    ("media", These(&[])),                // containers: bytes in, bytes out
    ("notifications", These(&["model"])), // pure: bytes in, notifications out
    ("egress", These(&[])),               // how others are called over HTTPS where no SDK does it
    ("aws", These(&["model", "clock", "telemetry"])),
    ("providers", These(&["model", "events", "clock", "telemetry", "media", "egress", "aws"])),
    ("control", These(&["model", "events", "warden", "clock", "telemetry", "aws"])), // what was seen of a channel is the plan's own word
    // Where frames come from. The bundled footage names the provider that may read its labels, and no other may.
    ("intake", These(&["model", "events", "clock", "imaging", "providers"])),
    // What the journal says about the past: asks the core and the journal, runs nothing.
    ("audit", These(&["model", "events", "policy", "reputation", "warden", "journal"])),
    // What policies would have made of it: pure but for the reading.
    ("laboratory", These(&["model", "events", "policy", "reputation", "warden", "journal"])),
    // Who runs, and the whole put together: wiring, no rules.
    ("actors", AllBefore),
    // Who reads on outside. It knows nobody who acts: a replay causes nothing.
    ("consumers", These(&["model", "events", "clock", "journal"])),
    // A stream's notifications, from their shards to wardens.
    ("shards", AllBefore),
    // What leaves on our own account. It reads the journal and calls out; a replay to it causes nothing either.
    ("outbox", These(&["model", "events", "clock", "telemetry", "journal", "aws", "consumers"])),
    ("house", AllBefore),
    // Who asks.
    ("http", AllBefore),   // it shows and asks all of them, and none of them knows it
    ("config", AllBefore), // what each of them is told at the start
    ("cli", AllBefore),
];

/// Whether `room` may know `other`; none if there is no such room.
fn may_know(room: &str, other: &str) -> Option<bool> {
    let place = |name: &str| ROOMS.iter().position(|(known, _)| *known == name);
    let at = place(room)?;
    Some(match &ROOMS[at].1 {
        These(known) => known.contains(&other),
        AllBefore => place(other).is_some_and(|before| before < at),
    })
}

/// Dependencies with a home: the rooms that may name them. The others are language extensions (serde, thiserror, …).
const HOMES: &[(&str, &[&str])] = &[
    ("aws_config", &["aws"]), // the SDK ends at its adapters
    ("aws_sdk_eventbridge", &["aws"]),
    ("aws_sdk_ivs", &["aws"]),
    ("aws_sdk_ivschat", &["aws"]),
    ("aws_sdk_kinesis", &["aws"]),
    ("aws_sdk_rekognition", &["aws"]),
    ("aws_sdk_s3", &["aws"]),
    ("aws_sdk_sns", &["aws"]),
    ("aws_sdk_sts", &["aws"]),
    ("aws_smithy_http_client", &["aws"]),
    ("aws_smithy_runtime_api", &["aws"]),
    ("aws_smithy_types", &["aws"]),
    ("sled", &["journal"]),
    ("zstd", &["journal"]),
    ("xorf", &["journal"]),
    ("chacha20poly1305", &["journal"]),
    ("getrandom", &["journal", "shards"]),
    ("rustix", &["journal"]),
    ("ciborium", &["events", "journal", "actors"]), // actors: snapshots of state, derived and deletable
    ("image", &["imaging", "providers"]),
    ("image_hasher", &["imaging"]),
    ("fast_image_resize", &["imaging", "providers"]),
    ("zune_jpeg", &["imaging", "providers"]),
    ("zune_core", &["imaging", "providers"]),
    ("jpeg_encoder", &["imaging", "providers"]),
    ("md5", &["notifications"]), // the digest of packed records, which is not ours to choose
    ("shiguredo_mp4", &["media"]),
    ("rten", &["providers"]),
    ("rten_tensor", &["providers"]),
    ("base64", &["laboratory", "http", "aws"]), // http: what proves who began to sign in (RFC 7636) is sent in it; aws: signatures
    ("regex", &["policy"]),
    ("serde_saphyr", &["policy"]),
    ("chrono", &["model", "clock"]),
    ("actix", &["actors", "cli"]),
    ("actix_rt", &["actors", "cli"]),
    ("governor", &["http"]),
    ("jsonwebtoken", &["http"]),
    ("reqwest", &["egress", "providers", "http"]),
    ("ring", &["http"]),
    ("rustls", &["egress", "aws"]), // aws: keys in PEM, and what signs addresses with them
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("anyhow", &["cli"]),
    ("actix_web", &["http"]),
    ("toml", &["http", "config"]),
    ("csv", &["audit", "http"]),
    ("governor", &["http"]),
    ("prometheus_client", &["telemetry"]),
    ("jsonwebtoken", &["http"]),
    ("tracing_subscriber", &["telemetry"]),
];

/// Every mention of a room that the file's own may not know.
fn forbidden_arrows(source: &Source) -> Vec<Finding> {
    let Some(room) = source.room() else { return Vec::new() };
    let finding = |line, what| Finding { path: source.path.clone(), line, what };
    if may_know(room, "model").is_none() {
        return vec![finding(0, format!("the room `{room}` has no place among the arrows"))];
    }
    rooms_named(source)
        .into_iter()
        .filter(|(_, named)| named != room && may_know(room, named) != Some(true))
        .map(|(at, named)| {
            finding(line_of(&source.ships, at), format!("`{room}` names `{named}`, which it may not know"))
        })
        .collect()
}

/// The rooms that a file's shipping code names, by `crate::` or by climbing to the root with `super::`.
fn rooms_named(source: &Source) -> Vec<(usize, String)> {
    let code = &source.ships;
    let mut named = Vec::new();
    for at in find_words(code, "crate::") {
        named.extend(first_names(code, at + "crate::".len()));
    }
    let climb = "super::".repeat(source.depth());
    for at in find_words(code, &climb) {
        let longer = code[..at].ends_with("super::") || code[at + climb.len()..].starts_with("super::");
        if !longer {
            named.extend(first_names(code, at + climb.len()));
        }
    }
    let is_room = |name: &str| ROOMS.iter().any(|(room, _)| *room == name);
    named.retain(|(_, name)| is_room(name));
    named
}

/// The name at `at`, or the first names of each path of the group there: `{a::b, c::{d, e}}` gives `a` and `c`.
fn first_names(code: &str, at: usize) -> Vec<(usize, String)> {
    if !code[at..].starts_with('{') {
        return vec![(at, identifier_at(code, at).to_owned())];
    }
    let mut names = Vec::new();
    let (mut depth, mut expects_name) = (0, false);
    for (offset, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            b'{' => {
                depth += 1;
                expects_name = depth == 1;
            }
            b'}' => depth -= 1,
            b',' => expects_name = depth == 1,
            byte if byte.is_ascii_whitespace() => {}
            _ if expects_name => {
                names.push((offset, identifier_at(code, offset).to_owned()));
                expects_name = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// Every mention of a dependency outside its home.
fn dependencies_away_from_home(source: &Source) -> Vec<Finding> {
    let Some(room) = source.room() else { return Vec::new() };
    let code = &source.ships;
    let mut findings = Vec::new();
    for (dependency, homes) in HOMES.iter().filter(|(_, homes)| !homes.contains(&room)) {
        for at in find_words(code, dependency) {
            let before = code[..at].trim_end();
            let after = code[at + dependency.len()..].trim_start();
            let is_path = after.starts_with("::") && !before.ends_with("::") && !before.ends_with("::{");
            let is_use = before.ends_with("use") && after.starts_with([';', ':', ' ']);
            if is_path || is_use {
                let what = format!("`{room}` names the dependency `{dependency}`, whose home is {}", homes.join(", "));
                findings.push(Finding { path: source.path.clone(), line: line_of(code, at), what });
            }
        }
    }
    findings
}

#[test]
fn rooms_know_only_what_lies_before_them() {
    none_of(
        sources().iter().flat_map(forbidden_arrows).collect(),
        "move the code to the room whose job it is, or hand the thing in as data; a new room gets an entry in ROOMS \
         (tests/house/arrows.rs), with a line in ARCHITECTURE.md",
    );
}

#[test]
fn dependencies_end_at_their_home() {
    none_of(
        sources().iter().flat_map(dependencies_away_from_home).collect(),
        "use the types of `model` at the border and convert in the dependency's own room; a new home needs a reason \
         in HOMES (tests/house/arrows.rs)",
    );
}

#[test]
fn the_arrows_themselves_have_no_circle() {
    for (place, (room, knows)) in ROOMS.iter().enumerate() {
        let These(known) = knows else { continue };
        for other in *known {
            let before = ROOMS.iter().position(|(name, _)| name == other);
            assert!(before.is_some_and(|before| before < place), "`{room}` may know `{other}`, which comes after it");
        }
    }
}

#[test]
fn planted_arrows_are_found() {
    let found = |path: &str, text: &str| forbidden_arrows(&Source::new(path, text)).len();
    assert_eq!(found("src/model/ids.rs", "use crate::events::Event;"), 1);
    assert_eq!(found("src/events/mod.rs", "use crate::{model::Frame, policy::{Policy, Rule}, journal};"), 2);
    assert_eq!(found("src/warden/decide/frame.rs", "fn f() { crate::journal::open() }"), 1);
    assert_eq!(found("src/warden/decide/frame.rs", "use super::super::super::journal::Journal;"), 1);
    assert_eq!(found("src/clock.rs", "use super::events::Event;"), 1);
    assert_eq!(found("src/attic/mod.rs", ""), 1, "a room without a place");
    assert_eq!(found("src/actors/mod.rs", "use crate::house::House;"), 1, "it comes before the whole");
    // What is allowed, and what is no arrow.
    assert_eq!(found("src/cli/demo.rs", "use crate::house::House; use crate::actors::Wardens;"), 0);
    assert_eq!(found("src/warden/decide/frame.rs", "use super::super::Reference; use crate::policy::Policy;"), 0);
    assert_eq!(found("src/model/ids.rs", "// crate::events\nconst A: &str = \"crate::events\";"), 0);
    assert_eq!(found("src/model/ids.rs", "#[cfg(test)]\nmod tests { use crate::events::Event; }"), 0);
    assert_eq!(found("src/main.rs", "use crate::cli;"), 0);
}

#[test]
fn planted_dependencies_are_found() {
    let found = |path: &str, text: &str| dependencies_away_from_home(&Source::new(path, text)).len();
    assert_eq!(found("src/warden/state.rs", "use sled::Db;"), 1);
    assert_eq!(found("src/actors/look.rs", "fn f() { image::load_from_memory(b) }"), 1);
    assert_eq!(found("src/journal/store/hot.rs", "use sled::Db;"), 0);
    assert_eq!(found("src/warden/state.rs", "let image = measured.image; model::image::f();"), 0);
}
