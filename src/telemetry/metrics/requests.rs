//! HTTP: requests, refusals, feed connections.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::{Held, Histograms, Labels, histograms};

/// An operation and a status.
type OperationAndStatus = (Labels<1>, [(&'static str, u16); 1]);

/// HTTP.
pub struct RequestMetrics {
    answers: Family<OperationAndStatus, Counter>,
    took: Histograms<1>,
    feeds: Gauge,
    feeds_dropped: Counter,
    limited: Family<Labels<1>, Counter>,
    unauthenticated: Family<Labels<1>, Counter>,
}

impl RequestMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            answers: Family::default(),
            took: histograms(),
            feeds: Gauge::default(),
            feeds_dropped: Counter::default(),
            limited: Family::default(),
            unauthenticated: Family::default(),
        };
        registry.register("http_requests", "Requests answered, by operation and status", metrics.answers.clone());
        registry.register_with_unit(
            "http_request",
            "From a request's head to the head of its answer, by operation",
            Unit::Seconds,
            metrics.took.clone(),
        );
        registry.register("feed_connections", "Connections of the live feed now", metrics.feeds.clone());
        registry.register(
            "feed_dropped",
            "Connections of the live feed that were told to resume because they read too slowly",
            metrics.feeds_dropped.clone(),
        );
        registry.register(
            "http_rate_limited",
            "Requests refused by a rate limit, by its class",
            metrics.limited.clone(),
        );
        registry.register(
            "http_auth_failures",
            "Requests refused because their credentials do not hold, by why",
            metrics.unauthenticated.clone(),
        );
        metrics
    }

    /// A request was answered. `operation`: the route's id, or `none` where no route was found.
    pub fn answered(&self, operation: &'static str, status: u16, took: Duration) {
        self.answers.get_or_create(&([("operation", operation)], [("status", status)])).inc();
        self.took.get_or_create(&[("operation", operation)]).observe(took.as_secs_f64());
    }

    /// A connection of the live feed, as long as the answer lives.
    pub fn feed(&self) -> Held {
        Held::of(&self.feeds)
    }

    /// A connection of the live feed read too slowly.
    pub fn feed_dropped(&self) {
        self.feeds_dropped.inc();
    }

    /// A rate limit refused a request. `class`: one of the limits' names.
    pub fn rate_limited(&self, class: &'static str) {
        self.limited.get_or_create(&[("class", class)]).inc();
    }

    /// Credentials did not hold. `why`: one of a fixed few words, never anything of the credentials.
    pub fn unauthenticated(&self, why: &'static str) {
        self.unauthenticated.get_or_create(&[("why", why)]).inc();
    }
}
