//! What an operator runs it with: the templates for AWS, their permissions, the container, dashboard, alerts and runbook.
//! None of it is compiled, so what it promises is read and compared here. Nothing is deployed and no network is used.

#![allow(clippy::unwrap_used)] // a test that cannot go on panics

mod container;
mod measurements;
mod permissions;
mod templates;

use std::path::PathBuf;

/// A file of the repository, by its path from the root.
fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Its text.
fn text(file: &str) -> String {
    std::fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file} cannot be read: {error}"))
}

/// Fails with everything that was found.
fn none_of(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
