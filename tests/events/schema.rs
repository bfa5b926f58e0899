//! `schemas/events.json` is generated from the types and committed; consumers of the events build on it.

use std::fs;

use serde_json::{Map, Value, json};
use streamwarden::events::{Envelope, EventType};
use streamwarden::outbox::contract;

use crate::{regenerating, repository};

fn generated() -> String {
    let events: Map<String, Value> = EventType::ALL
        .iter()
        .map(|known| {
            let entry = json!({ "version": known.version(), "payload": known.payload_schema() });
            (known.name().to_owned(), entry)
        })
        .collect();
    let schemas = json!({
        "title": "Events of Streamwarden",
        "description": "The envelope around every event, and per event type the newest version of its payload. \
                        Times are RFC 3339 in UTC, digests hexadecimal.",
        "envelope": schemars::schema_for!(Envelope),
        "events": events,
    });
    let mut text = serde_json::to_string_pretty(&schemas).expect("schemas are JSON");
    text.push('\n');
    text
}

/// One file per type under `schemas/eventbridge/`: what stands in `detail`, and what a schema registry takes.
#[test]
fn the_committed_schemas_of_the_event_bus_are_those_of_the_types() {
    let dir = repository("schemas/eventbridge");
    let mut named = Vec::new();
    for known in contract::types() {
        let files = [
            (format!("{}.json", known.name()), contract::detail_schema(known)),
            (format!("registry/streamwarden@{}.json", known.name()), contract::registry_document(known)),
        ];
        for (name, schema) in files {
            let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("schemas are JSON"));
            let path = dir.join(&name);
            if regenerating() {
                fs::create_dir_all(path.parent().expect("it has one")).expect("making the directory");
                fs::write(&path, &text).expect("writing a schema");
            }
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(
                committed, text,
                "{name}: STREAMWARDEN_REGENERATE=1 cargo test --test events brings it up to date"
            );
            named.push(path);
        }
    }
    for place in [dir.clone(), dir.join("registry")] {
        for entry in fs::read_dir(place).expect("the directory is committed") {
            let path = entry.expect("an entry").path();
            assert!(path.is_dir() || named.contains(&path), "{}: of no type there is", path.display());
        }
    }
}

#[test]
fn the_committed_schemas_are_those_are_those_of_the_types() {
    let path = repository("schemas/events.json");
    if regenerating() {
        fs::write(&path, generated()).expect("writing the schemas");
    }
    let committed = fs::read_to_string(&path).expect("schemas/events.json is committed");
    assert_eq!(committed, generated(), "STREAMWARDEN_REGENERATE=1 cargo test --test events brings it up to date");
}
