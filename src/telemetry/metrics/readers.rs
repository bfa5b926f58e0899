//! Those who follow the journal, and how far they are behind it.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Those who follow the journal: our own (`enforcement`, `views`), and the named consumers, of which there is a bounded
/// number.
pub struct ReaderMetrics {
    lag: Family<[(&'static str, &'static str); 1], Gauge>,
    consumers: Family<[(&'static str, String); 1], Gauge>,
}

impl ReaderMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self { lag: Family::default(), consumers: Family::default() };
        registry.register(
            "reader_lag_events",
            "Durable events that a reader of our own has not come to yet",
            metrics.lag.clone(),
        );
        registry.register(
            "consumer_lag_events",
            "Durable events that a named consumer has not acknowledged, and that are not known to be unwanted",
            metrics.consumers.clone(),
        );
        metrics
    }

    /// A reader has come to `position`, the journal to `head`.
    pub fn stands_at(&self, reader: &'static str, position: u64, head: u64) {
        self.lag.get_or_create(&[("reader", reader)]).set(behind(position, head));
    }

    /// The consumers there are now, each with where it stands and where the journal does. Others have no figure.
    pub fn consumers(&self, consumers: impl Iterator<Item = (String, u64, u64)>) {
        self.consumers.clear();
        for (name, position, head) in consumers {
            self.consumers.get_or_create(&[("consumer", name)]).set(behind(position, head));
        }
    }
}

fn behind(position: u64, head: u64) -> i64 {
    i64::try_from(head.saturating_sub(position)).unwrap_or(i64::MAX)
}
