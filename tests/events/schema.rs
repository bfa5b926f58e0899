//! `schemas/events.json` is generated from the types and committed; consumers of the events build on it.

use std::fs;

use serde_json::{Map, Value, json};
use streamwarden::events::{Envelope, EventType};

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

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let path = repository("schemas/events.json");
    if regenerating() {
        fs::write(&path, generated()).expect("writing the schemas");
    }
    let committed = fs::read_to_string(&path).expect("schemas/events.json is committed");
    assert_eq!(committed, generated(), "STREAMWARDEN_REGENERATE=1 cargo test --test events brings it up to date");
}
