//! Those who label images: how long they take, how often there is no answer.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::seconds;
use crate::model::Medium;

type Named<const N: usize> = [(&'static str, String); N];

/// Those who label images. Their names are those of the providers that the program was started with.
pub struct ProviderMetrics {
    answers: Family<Named<1>, Histogram, fn() -> Histogram>,
    errors: Family<Named<2>, Counter>,
    suspended: Family<Named<2>, Gauge>,
    unmapped: Family<Named<1>, Counter>,
    call_needs: Gauge,
}

impl ProviderMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            answers: Family::new_with_constructor(seconds as fn() -> Histogram),
            errors: Family::default(),
            suspended: Family::default(),
            unmapped: Family::default(),
            call_needs: Gauge::default(),
        };
        registry.register_with_unit(
            "provider_answer",
            "From asking a provider to its answer, each try for itself",
            Unit::Seconds,
            metrics.answers.clone(),
        );
        registry.register(
            "provider_errors",
            "Tries without an answer, by provider and why (absent, unavailable, throttled, suspended, refused, nonsense, broke, deadline)",
            metrics.errors.clone(),
        );
        registry.register(
            "provider_suspended",
            "1 while a provider is asked about a medium no more because it failed again and again",
            metrics.suspended.clone(),
        );
        registry.register(
            "provider_labels_unmapped",
            "Labels in answers that the provider's taxonomy does not hold: no rule can name them",
            metrics.unmapped.clone(),
        );
        registry.register(
            "provider_call_needs",
            "How much need, in thousandths, a channel must have for a provider call: 0 unless the budget of calls runs short",
            metrics.call_needs.clone(),
        );
        metrics
    }

    /// A channel must have so much need, in thousandths, for a call to be made for it.
    pub fn call_needs(&self, milli: u16) {
        self.call_needs.set(i64::from(milli));
    }

    /// A provider is asked about a medium no more, or again.
    pub fn suspended(&self, provider: &str, medium: Medium, is: bool) {
        let labels = [("provider", provider.to_owned()), ("medium", medium.name().to_owned())];
        self.suspended.get_or_create(&labels).set(i64::from(is));
    }

    /// An answer held labels that the provider's taxonomy does not.
    pub fn unmapped(&self, provider: &str, labels: usize) {
        self.unmapped.get_or_create(&[("provider", provider.to_owned())]).inc_by(labels as u64);
    }

    /// A provider answered.
    pub fn answered(&self, provider: &str, took: Duration) {
        self.answers.get_or_create(&[("provider", provider.to_owned())]).observe(took.as_secs_f64());
    }

    /// A provider did not answer. `why`: one of a fixed few words.
    pub fn failed(&self, provider: &str, why: &str) {
        self.errors.get_or_create(&[("provider", provider.to_owned()), ("why", why.to_owned())]).inc();
    }
}
