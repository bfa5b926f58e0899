//! The content store: writes, bytes, time.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::seconds;

/// The content store.
pub struct ContentMetrics {
    writes: Histogram,
    failed: Counter,
    unkept: Counter,
    bytes: Counter,
}

impl ContentMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            writes: seconds(),
            failed: Counter::default(),
            unkept: Counter::default(),
            bytes: Counter::default(),
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
        metrics
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
