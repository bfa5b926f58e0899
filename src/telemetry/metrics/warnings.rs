//! Questions to moderators: how many, how grave, how old.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Labels;

/// How old an open warning is, in milliseconds up to which each name holds.
const AGES: [(&str, u64); 5] = [
    ("under_1m", 60_000),
    ("under_5m", 300_000),
    ("under_15m", 900_000),
    ("under_1h", 3_600_000),
    ("over_1h", u64::MAX),
];
/// Names of the severities from 1 (least) to 5.
const SEVERITIES: [&str; 5] = ["1", "2", "3", "4", "5"];

/// Questions to moderators.
pub struct WarningMetrics {
    open: Family<Labels<2>, Gauge>,
    raised: Family<Labels<1>, Counter>,
    answered: Family<Labels<1>, Counter>,
}

impl WarningMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self { open: Family::default(), raised: Family::default(), answered: Family::default() };
        registry.register("warnings_open", "Warnings without an answer now, by severity and age", metrics.open.clone());
        registry.register("warnings_raised", "Warnings raised, by severity", metrics.raised.clone());
        registry.register(
            "warnings_answered",
            "Answers to warnings (upheld, dismissed), answers taken back (withdrawn) or overturned by an appeal (overturned), \
             warnings that needed none (lapsed)",
            metrics.answered.clone(),
        );
        metrics
    }

    /// The warnings that are open now: severity and age in milliseconds of each.
    pub fn open(&self, warnings: impl Iterator<Item = (u8, u64)>) {
        let mut counts = [[0_i64; AGES.len()]; SEVERITIES.len()];
        for (severity, age_ms) in warnings {
            let at = AGES.iter().position(|(_, until)| age_ms < *until).unwrap_or(AGES.len() - 1);
            counts[severity_index(severity)][at] += 1;
        }
        for (severity, ages) in SEVERITIES.iter().zip(counts) {
            for ((age, _), count) in AGES.iter().zip(ages) {
                self.open.get_or_create(&[("severity", severity), ("age", age)]).set(count);
            }
        }
    }

    pub(super) fn raised(&self, severity: u8) {
        self.raised.get_or_create(&[("severity", SEVERITIES[severity_index(severity)])]).inc();
    }

    pub(super) fn answered(&self, answer: &'static str) {
        self.answered.get_or_create(&[("answer", answer)]).inc();
    }
}

/// Out of bounds is as near as the names go.
fn severity_index(severity: u8) -> usize {
    usize::from(severity.clamp(1, SEVERITIES.len() as u8)) - 1
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;

    #[test]
    fn open_warnings_fall_into_the_bucket_of_their_age_and_leave_it_again() {
        let metrics = Metrics::new();
        metrics.warnings.open([(5, 59_999), (5, 60_000), (1, 7_200_000)].into_iter());
        let text = metrics.text();
        for line in [
            "streamwarden_warnings_open{severity=\"5\",age=\"under_1m\"} 1\n",
            "streamwarden_warnings_open{severity=\"5\",age=\"under_5m\"} 1\n",
            "streamwarden_warnings_open{severity=\"1\",age=\"over_1h\"} 1\n",
            "streamwarden_warnings_open{severity=\"3\",age=\"under_1h\"} 0\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        metrics.warnings.open(std::iter::empty());
        assert!(metrics.text().contains("streamwarden_warnings_open{severity=\"5\",age=\"under_1m\"} 0\n"));
    }
}
