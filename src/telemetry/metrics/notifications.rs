//! What arrives from outside and becomes no frame.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Labels;

/// Notifications.
pub struct NotificationMetrics {
    ignored: Family<Labels<1>, Counter>,
    rejected: Counter,
}

impl NotificationMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self { ignored: Family::default(), rejected: Counter::default() };
        registry.register(
            "notifications_ignored",
            "Notifications that were understood and from which nothing follows, by why",
            metrics.ignored.clone(),
        );
        registry.register(
            "notifications_rejected",
            "Notifications that were not understood and set aside",
            metrics.rejected.clone(),
        );
        metrics
    }

    /// Nothing follows from a notification.
    pub fn ignored(&self, why: &'static str) {
        self.ignored.get_or_create(&[("why", why)]).inc();
    }

    /// A notification was set aside.
    pub fn rejected(&self) {
        self.rejected.inc();
    }
}
