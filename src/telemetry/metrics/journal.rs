//! Appending, syncing, and what was refused.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{Labels, seconds};

/// Appending and syncing.
pub struct JournalMetrics {
    append: Histogram,
    flush: Histogram,
    sync: Histogram,
    batch: Histogram,
    events: Counter,
    refused: Family<Labels<1>, Counter>,
    head: Gauge,
}

impl JournalMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            append: seconds(),
            flush: seconds(),
            sync: seconds(),
            batch: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]),
            events: Counter::default(),
            refused: Family::default(),
            head: Gauge::default(),
        };
        let mut timed = |name: &'static str, help: &'static str, histogram: &Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        };
        timed("append", "From an append's being queued to its being durable or refused", &metrics.append);
        timed("flush", "Writing one batch into the log and flushing it", &metrics.flush);
        timed("sync", "Our own sync of the log after a batch", &metrics.sync);
        registry.register("batch_events", "Events that became durable together", metrics.batch.clone());
        registry.register("events", "Events appended", metrics.events.clone());
        registry.register("appends_refused", "Appends refused, by why", metrics.refused.clone());
        registry.register("journal_head_position", "Position of the last durable event", metrics.head.clone());
        metrics
    }

    /// An append has its answer, so long after it was queued.
    pub fn appended(&self, took: Duration) {
        self.append.observe(took.as_secs_f64());
    }

    /// A batch was written and flushed, then synced.
    pub fn committed(&self, events: usize, flush: Duration, sync: Duration) {
        self.flush.observe(flush.as_secs_f64());
        self.sync.observe(sync.as_secs_f64());
        self.batch.observe(events as f64);
        self.events.inc_by(events as u64);
    }

    /// The journal has come so far.
    pub fn head(&self, position: u64) {
        self.head.set(i64::try_from(position).unwrap_or(i64::MAX));
    }

    /// An append was refused. `why`: one of a fixed few words.
    pub fn refused(&self, why: &'static str) {
        self.refused.get_or_create(&[("why", why)]).inc();
    }
}
