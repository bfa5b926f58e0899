//! What leaves on our own account: delivered, tried again, set aside.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Labels;

/// Events sent to buses, chat rooms and topics.
pub struct OutboxMetrics {
    delivered: Family<Labels<1>, Counter>,
    retried: Family<Labels<2>, Counter>,
    set_aside: Family<Labels<1>, Counter>,
}

impl OutboxMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self { delivered: Family::default(), retried: Family::default(), set_aside: Family::default() };
        registry.register("outbox_delivered", "Events that a destination took, by lane", metrics.delivered.clone());
        registry.register(
            "outbox_retried",
            "Events that a destination did not take and that are tried again, by lane and why",
            metrics.retried.clone(),
        );
        registry.register(
            "outbox_set_aside",
            "Events that a destination refused for good, by lane: alarm on any",
            metrics.set_aside.clone(),
        );
        metrics
    }

    /// A destination took an event.
    pub fn delivered(&self, lane: &'static str) {
        self.delivered.get_or_create(&[("lane", lane)]).inc();
    }

    /// A destination did not take an event now. `why`: one of a fixed few words.
    pub fn retried(&self, lane: &'static str, why: &'static str) {
        self.retried.get_or_create(&[("lane", lane), ("why", why)]).inc();
    }

    /// A destination refused an event for good, and that is recorded.
    pub fn set_aside(&self, lane: &'static str) {
        self.set_aside.get_or_create(&[("lane", lane)]).inc();
    }
}
