//! Those who label images: how long they take, how often there is no answer.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::seconds;

type Named<const N: usize> = [(&'static str, String); N];

/// Those who label images. Their names are those of the providers that the program was started with.
pub struct ProviderMetrics {
    answers: Family<Named<1>, Histogram, fn() -> Histogram>,
    errors: Family<Named<2>, Counter>,
}

impl ProviderMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics =
            Self { answers: Family::new_with_constructor(seconds as fn() -> Histogram), errors: Family::default() };
        registry.register_with_unit(
            "provider_answer",
            "From asking a provider to its answer, each try for itself",
            Unit::Seconds,
            metrics.answers.clone(),
        );
        registry.register(
            "provider_errors",
            "Tries without an answer, by provider and why (absent, unavailable, refused, nonsense, deadline)",
            metrics.errors.clone(),
        );
        metrics
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
