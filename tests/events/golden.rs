//! Golden files: for each released version of each type its bytes, and what they read as today.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use streamwarden::events::{CodecError, Event, EventType, decode, encode, payload_to_json};

use crate::samples::sample;
use crate::{regenerating, repository};

fn file(name: &str, version: u16, extension: &str) -> PathBuf {
    repository("tests/golden").join(format!("{name}.v{version}.{extension}"))
}

fn pretty(event: &Event) -> String {
    let mut text = serde_json::to_string_pretty(event).expect("an event is JSON");
    text.push('\n');
    text
}

fn regenerate() {
    for event_type in EventType::ALL {
        let bytes = encode(&sample(*event_type)).expect("samples are encodable");
        fs::write(file(event_type.name(), event_type.version(), "cbor"), bytes).expect("writing a golden file");
        for version in 1..=event_type.version() {
            let bytes = fs::read(file(event_type.name(), version, "cbor")).expect("reading a golden file");
            let event = decode(event_type.name(), version, &bytes).expect("every released version is readable");
            fs::write(file(event_type.name(), version, "json"), pretty(&event)).expect("writing a golden file");
        }
    }
}

#[test]
fn every_released_version_reads_as_its_golden_json_and_the_newest_is_what_we_write() {
    if regenerating() {
        regenerate();
    }
    for event_type in EventType::ALL {
        for version in 1..=event_type.version() {
            let path = file(event_type.name(), version, "cbor");
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("golden file {}: {error}", path.display()));
            let event = decode(event_type.name(), version, &bytes).expect("every released version is readable");
            let json = fs::read_to_string(path.with_extension("json")).expect("a golden JSON file");
            assert_eq!(pretty(&event), json, "{} version {version} reads differently", event_type.name());
            let again: Event = serde_json::from_str(&json).expect("the JSON of an event reads back");
            assert_eq!(again, event, "{} version {version} is not the same through JSON", event_type.name());
        }
        let written = encode(&sample(*event_type)).expect("samples are encodable");
        let newest = fs::read(file(event_type.name(), event_type.version(), "cbor")).expect("a golden file");
        assert_eq!(written, newest, "{} is written differently without a new version", event_type.name());
    }
}

#[test]
fn no_golden_file_is_of_a_type_or_version_that_is_gone() {
    let known: BTreeSet<PathBuf> = EventType::ALL
        .iter()
        .flat_map(|known| (1..=known.version()).map(move |version| (known.name(), version)))
        .flat_map(|(name, version)| ["cbor", "json"].map(|extension| file(name, version, extension)))
        .collect();
    let found = fs::read_dir(repository("tests/golden")).expect("the golden files");
    for path in found.map(|entry| entry.expect("listing").path()) {
        assert!(known.contains(&path), "{}: released bytes must stay readable", path.display());
    }
}

#[test]
fn an_unknown_type_is_refused_by_decode_and_shown_raw() {
    let payload = encode(&sample(EventType::WarningNoted)).expect("samples are encodable");
    let refused = decode("WarningRumoured", 1, &payload);
    assert!(
        matches!(refused, Err(CodecError::UnknownType { ref event_type, version: 1 }) if event_type == "WarningRumoured")
    );
    let raw = payload_to_json(&payload).expect("CBOR");
    assert_eq!(raw["by"], "m-17");
    assert_eq!(raw["note"]["digest"].as_str().map(str::len), Some(64), "bytes are shown as hexadecimal text");
}

#[test]
fn a_newer_version_is_refused_rather_than_guessed() {
    for event_type in EventType::ALL {
        let payload = encode(&sample(*event_type)).expect("samples are encodable");
        let refused = decode(event_type.name(), event_type.version() + 1, &payload);
        assert!(matches!(refused, Err(CodecError::UnknownType { .. })), "{}", event_type.name());
    }
}

#[test]
fn a_payload_cut_short_or_with_bytes_behind_it_is_refused() {
    for event_type in EventType::ALL {
        let mut payload = encode(&sample(*event_type)).expect("samples are encodable");
        for len in 0..payload.len() {
            let refused = decode(event_type.name(), event_type.version(), &payload[..len]);
            assert!(matches!(refused, Err(CodecError::Malformed { .. })), "{} cut at {len}", event_type.name());
        }
        payload.push(0);
        let refused = decode(event_type.name(), event_type.version(), &payload);
        assert!(matches!(refused, Err(CodecError::Malformed { .. })), "{}", event_type.name());
    }
}
