//! Those who follow the journal, and how far they are behind it.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Those who follow the journal: `enforcement`, `views`, and `consumer/<name>` for each named consumer, of which there
/// is a bounded number.
pub struct ReaderMetrics {
    lag: Family<[(&'static str, String); 1], Gauge>,
}

impl ReaderMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self { lag: Family::default() };
        registry.register(
            "reader_lag_events",
            "Durable events that a reader of the journal has not come to yet",
            metrics.lag.clone(),
        );
        metrics
    }

    /// A reader has come to `position`, the journal to `head`.
    pub fn stands_at(&self, reader: &str, position: u64, head: u64) {
        let behind = i64::try_from(head.saturating_sub(position)).unwrap_or(i64::MAX);
        self.lag.get_or_create(&[("reader", reader.to_owned())]).set(behind);
    }

    /// A reader is gone and has no figure any more.
    pub fn gone(&self, reader: &str) {
        self.lag.remove(&[("reader", reader.to_owned())]);
    }
}
