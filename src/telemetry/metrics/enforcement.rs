//! Acts on streams: how many are asked for, how they end, how long the platform takes.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{Histograms, Labels, histograms, seconds};
use crate::events::{EnforcementKind, EnforcementOrigin, EnforcementRequested, EnforcementVerified};

/// Acts on streams.
pub struct EnforcementMetrics {
    requested: Family<Labels<2>, Counter>,
    held: Counter,
    ended: Family<Labels<1>, Counter>,
    verified: Histogram,
    calls: Histograms<2>,
    under_way: Gauge,
}

impl EnforcementMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requested: Family::default(),
            held: Counter::default(),
            ended: Family::default(),
            verified: seconds(),
            calls: histograms(),
            under_way: Gauge::default(),
        };
        registry.register(
            "enforcements_requested",
            "Enforcements asked for, by kind and by who asks (rule, person)",
            metrics.requested.clone(),
        );
        registry.register("enforcements_held", "Enforcements held by the automatic budget", metrics.held.clone());
        registry.register("enforcements_ended", "Enforcements that ended, by how", metrics.ended.clone());
        registry.register_with_unit(
            "enforcement_verified",
            "From an enforcement's request to its being seen to have worked",
            Unit::Seconds,
            metrics.verified.clone(),
        );
        registry.register_with_unit(
            "enforcement_call",
            "Calls to the platform that carries the streams, by kind and result",
            Unit::Seconds,
            metrics.calls.clone(),
        );
        registry.register("enforcements_under_way", "Enforcements without an end now", metrics.under_way.clone());
        metrics
    }

    /// How many enforcements have no end yet.
    pub fn under_way(&self, count: usize) {
        self.under_way.set(count as i64);
    }

    /// The platform was called. `result`: one of a fixed few words.
    pub fn called(&self, kind: EnforcementKind, result: &'static str, took: Duration) {
        let labels = [("kind", kind_name(kind)), ("result", result)];
        self.calls.get_or_create(&labels).observe(took.as_secs_f64());
    }

    pub(super) fn requested(&self, request: &EnforcementRequested) {
        let origin = match request.origin {
            EnforcementOrigin::Rule { .. } => "rule",
            EnforcementOrigin::Person { .. } => "person",
            EnforcementOrigin::External { .. } => "external",
        };
        self.requested.get_or_create(&[("kind", kind_name(request.kind)), ("origin", origin)]).inc();
    }

    pub(super) fn held(&self) {
        self.held.inc();
    }

    pub(super) fn verified(&self, verified: &EnforcementVerified) {
        self.verified.observe(verified.took_ms as f64 / 1000.0);
        self.ended("verified");
    }

    pub(super) fn ended(&self, end: &'static str) {
        self.ended.get_or_create(&[("end", end)]).inc();
    }
}

fn kind_name(kind: EnforcementKind) -> &'static str {
    match kind {
        EnforcementKind::Stop => "stop",
        EnforcementKind::Suspend => "suspend",
        EnforcementKind::Lift => "lift",
    }
}
