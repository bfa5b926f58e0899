//! What arrives from outside, as this program reads it.
//!
//! `STREAMWARDEN_REGENERATE=1 cargo test --test notifications` rewrites the schema of our own notification.
#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod frames;
mod outcomes;
mod packed;
mod properties;
mod refused;
mod schema;
mod table;

use std::path::PathBuf;

use streamwarden::notifications::{Announced, Notification, Rejected, read};

fn data(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/notifications/data").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The one thing that a notification says.
fn only(bytes: &[u8]) -> Result<Notification, Rejected> {
    let mut said = read(bytes);
    assert_eq!(said.len(), 1, "{said:?}");
    said.remove(0)
}

/// The frame that a notification announces.
fn frame(bytes: &[u8]) -> Announced {
    match only(bytes) {
        Ok(Notification::Frame(announced)) => *announced,
        other => panic!("expected a frame, found {other:?}"),
    }
}

/// A sample with one piece of its text put in the place of another.
fn changed(name: &str, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(data(name)).unwrap();
    assert!(text.contains(from), "{name} does not hold {from}");
    text.replace(from, to).into_bytes()
}
