//! Reading a stream's shards: what was read, what is settled, how far behind.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Held, Labels};

/// Reading a stream's shards. A shard has a figure of its own while it is read; how many are read at a time is bounded
/// by the settings.
pub struct ShardMetrics {
    read: Counter,
    settled: Counter,
    put_back: Counter,
    in_flight: Gauge,
    reading: Gauge,
    waiting: Gauge,
    lag_ms: Family<[(&'static str, String); 1], Gauge>,
    failed: Family<Labels<2>, Counter>,
    gaps: Counter,
}

/// A shard's lag, shown as long as this lives.
#[derive(Debug)]
pub struct Lag {
    family: Family<[(&'static str, String); 1], Gauge>,
    labels: [(&'static str, String); 1],
}

impl Lag {
    /// The oldest record that is not settled arrived so long ago, or the last read was so far behind.
    pub fn is(&self, ms: u64) {
        self.family.get_or_create(&self.labels).set(i64::try_from(ms).unwrap_or(i64::MAX));
    }
}

impl Drop for Lag {
    fn drop(&mut self) {
        self.family.remove(&self.labels);
    }
}

impl ShardMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            read: Counter::default(),
            settled: Counter::default(),
            put_back: Counter::default(),
            in_flight: Gauge::default(),
            reading: Gauge::default(),
            waiting: Gauge::default(),
            lag_ms: Family::default(),
            failed: Family::default(),
            gaps: Counter::default(),
        };
        registry.register("kinesis_records_read", "Records read from the stream", metrics.read.clone());
        registry.register(
            "kinesis_records_settled",
            "Records whose outcomes are durable, with those of all before them on their shard",
            metrics.settled.clone(),
        );
        registry.register(
            "kinesis_notifications_put_back",
            "Times that a notification found no durable outcome and was kept to be handed over again",
            metrics.put_back.clone(),
        );
        registry.register(
            "kinesis_notifications_in_flight",
            "Notifications handed over and not settled now",
            metrics.in_flight.clone(),
        );
        registry.register("kinesis_shards_reading", "Shards that are read now", metrics.reading.clone());
        registry.register(
            "kinesis_shards_waiting",
            "Shards that could be read now and are not, because as many as allowed are",
            metrics.waiting.clone(),
        );
        registry.register(
            "kinesis_lag_milliseconds",
            "How long ago the oldest record of a shard arrived that is not settled, or how far behind the last read was",
            metrics.lag_ms.clone(),
        );
        registry.register(
            "kinesis_calls_failed",
            "Calls to Kinesis that failed, by operation and what follows from it",
            metrics.failed.clone(),
        );
        registry.register("kinesis_gaps", "Gaps found in the input", metrics.gaps.clone());
        metrics
    }

    /// So many records were read.
    pub fn read(&self, records: usize) {
        self.read.inc_by(records as u64);
    }

    /// The cursor has passed so many more records.
    pub fn settled(&self, records: u64) {
        self.settled.inc_by(records);
    }

    /// A notification is kept, to be handed over again.
    pub fn put_back(&self) {
        self.put_back.inc();
    }

    /// A notification is handed over, as long as the answer lives.
    pub fn in_flight(&self) -> Held {
        Held::of(&self.in_flight)
    }

    /// A shard is read, as long as the answer lives.
    pub fn reading(&self) -> Held {
        Held::of(&self.reading)
    }

    /// So many shards are due and not read.
    pub fn waiting(&self, shards: usize) {
        self.waiting.set(shards as i64);
    }

    /// A shard's lag.
    pub fn lag(&self, shard: &str) -> Lag {
        Lag { family: self.lag_ms.clone(), labels: [("shard", shard.to_owned())] }
    }

    /// A call failed. `operation` and `class`: each one of a fixed few words.
    pub fn failed(&self, operation: &'static str, class: &'static str) {
        self.failed.get_or_create(&[("operation", operation), ("class", class)]).inc();
    }

    /// A gap was found.
    pub fn gap(&self) {
        self.gaps.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;

    #[test]
    fn a_shard_has_a_lag_as_long_as_it_is_read() {
        let metrics = Metrics::new();
        let lag = metrics.shards.lag("shardId-000000000000");
        lag.is(1500);
        let said = "streamwarden_kinesis_lag_milliseconds{shard=\"shardId-000000000000\"} 1500\n";
        assert!(metrics.text().contains(said), "{}", metrics.text());
        drop(lag);
        assert!(!metrics.text().contains("shardId-"));
    }
}
