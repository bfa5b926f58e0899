//! Imaging against what Pillow and imagehash say of the same files, and against damaged and hostile ones.

#![allow(clippy::unwrap_used)] // all of it is test code; clippy's own exception covers only `#[test]` functions

mod equality;
mod hostile;

use std::path::Path;

/// A reference picture of `data/`.
fn picture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imaging/data").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{} should be readable: {error}", path.display()))
}
