//! The directory on disk: who may open it, what lies in it, what it refuses.

use std::path::Path;
use std::sync::Arc;

use streamwarden::clock::Clock;
use streamwarden::journal::{Options, SledJournal};

/// Options for tests: no reserve, and small caches, since a test opens many stores.
pub fn options(data_dir: &Path, clock: Arc<dyn Clock>) -> Options {
    Options { reserve_bytes: 0, cache_bytes: 8 << 20, ..Options::new(data_dir, clock) }
}

/// Waits until every full segment is sealed and announced.
pub fn settled(journal: &SledJournal) {
    loop {
        let manifest = journal.manifest();
        let busy = !manifest.retired.is_empty() || manifest.sealed.iter().any(|sealed| !sealed.announced);
        if !busy || journal.failure().is_some() {
            return;
        }
        std::thread::yield_now();
    }
}
