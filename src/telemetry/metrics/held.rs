//! Counting what exists at a moment: a value that is one more as long as it lives.

use prometheus_client::metrics::gauge::Gauge;

/// One more in a gauge, until it is dropped: on every way out, a panic's included.
#[derive(Debug)]
pub struct Held(Gauge);

impl Held {
    /// One more.
    pub(super) fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}
