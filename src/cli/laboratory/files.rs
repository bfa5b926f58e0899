//! A file that is there whole or not at all: written beside its place, then put there.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};

/// Puts a text into a file, in place of what was there.
pub(super) fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    let Some(name) = path.file_name() else { bail!("{} names no file", path.display()) };
    let mut beside = name.to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let placed = written.and_then(|()| std::fs::rename(&beside, path));
    if placed.is_err() {
        let _ = std::fs::remove_file(&beside); // it may not be there; the first failure is what counts
    }
    placed.with_context(|| format!("writing {}", path.display()))
}
