//! The content store: writes, bytes, time; what was erased, and what could not be.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::seconds;

/// The content store.
pub struct ContentMetrics {
    writes: Histogram,
    failed: Counter,
    unkept: Counter,
    bytes: Counter,
    erasures_unfinished: Gauge,
    erasures_failed: Counter,
    copies_erased: Counter,
    orphans_deleted: Counter,
}

impl ContentMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            writes: seconds(),
            failed: Counter::default(),
            unkept: Counter::default(),
            bytes: Counter::default(),
            erasures_unfinished: Gauge::default(),
            erasures_failed: Counter::default(),
            copies_erased: Counter::default(),
            orphans_deleted: Counter::default(),
        };
        registry.register_with_unit(
            "content_write",
            "Encrypting content and bringing it to the disk",
            Unit::Seconds,
            metrics.writes.clone(),
        );
        registry.register("content_writes_failed", "Content that could not be stored", metrics.failed.clone());
        registry.register(
            "evidence_unkept",
            "Pictures that should have been kept and were not",
            metrics.unkept.clone(),
        );
        registry.register_with_unit(
            "content_written",
            "Plain bytes of content stored",
            Unit::Bytes,
            metrics.bytes.clone(),
        );
        registry.register(
            "erasures_unfinished",
            "Erasures that were asked for and not carried out to their end: keys or copies are left",
            metrics.erasures_unfinished.clone(),
        );
        registry.register(
            "erasures_failed",
            "Times that keys or copies could not be destroyed, which is tried again",
            metrics.erasures_failed.clone(),
        );
        registry.register("copies_erased", "Copies in buckets deleted for an erasure", metrics.copies_erased.clone());
        registry.register(
            "content_orphans_deleted",
            "Contents deleted because no event refers to them",
            metrics.orphans_deleted.clone(),
        );
        metrics
    }

    /// So many erasures are not carried out to their end.
    pub fn erasures_unfinished(&self, count: usize) {
        self.erasures_unfinished.set(count as i64);
    }

    /// Keys or copies could not be destroyed.
    pub fn erasure_failed(&self) {
        self.erasures_failed.inc();
    }

    /// A copy in a bucket is deleted for an erasure.
    pub fn copy_erased(&self) {
        self.copies_erased.inc();
    }

    /// Contents that no event refers to are deleted.
    pub fn orphans_deleted(&self, count: u64) {
        self.orphans_deleted.inc_by(count);
    }

    /// Content is on the disk.
    pub fn stored(&self, bytes: usize, took: Duration) {
        self.writes.observe(took.as_secs_f64());
        self.bytes.inc_by(bytes as u64);
    }

    /// A picture that the settings ask to keep was not kept.
    pub fn unkept(&self) {
        self.unkept.inc();
    }

    /// Content could not be stored.
    pub fn failed(&self) {
        self.failed.inc();
    }
}
