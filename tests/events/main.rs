//! What consumers of the events rely on: past bytes stay readable, sizes stay small, schemas stay in step.
//!
//! `STREAMWARDEN_REGENERATE=1 cargo test --test events` rewrites golden files and schemas. A golden file of a released
//! version must never change: a payload that changes gets a new version and an upcast.

mod envelope;
mod filter;
mod golden;
mod samples;
mod schema;
mod sizes;

/// Whether generated files are to be written instead of compared.
fn regenerating() -> bool {
    std::env::var_os("STREAMWARDEN_REGENERATE").is_some()
}

/// A path of the repository.
fn repository(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
