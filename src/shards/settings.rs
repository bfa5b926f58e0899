//! What an operator decides about reading a stream.

use std::time::Duration;

use super::place::StreamMark;
use crate::model::Timestamp;

/// Where reading begins when nothing of the stream was ever read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With what arrives from now on.
    Latest,
    /// With the oldest record kept.
    TrimHorizon,
    /// With what arrived at that time and later.
    At(Timestamp),
}

/// How a stream is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The stream's name, 1 to 128 letters, digits and `_ . -`.
    pub stream: String,
    /// Where reading begins the first time; afterwards it goes on where it was. Default: the newest.
    pub start: Start,
    /// The ARN of a registered consumer: records are then pushed to it (enhanced fan-out) instead of polled for.
    /// Default: none.
    pub consumer_arn: Option<String>,
    /// A shard that is polled is asked so often at most, in milliseconds, 200 to 10,000: five reads a second are all that
    /// a shard allows, to all its readers together. Default: 250.
    pub poll_every_ms: u64,
    /// Notifications of one shard that are handed over and not settled, at most, 1 to 10,000. At the bound nothing more is
    /// read, and the lag grows. Default: 500.
    pub in_flight_max: usize,
    /// Shards read at a time, at most, 1 to 1,000. Each may hold two reads of 10 MiB in memory. Default: 200.
    pub shards_max: usize,
    /// How often the stream is asked for new shards, in seconds, 1 to 3,600; at a shard's end it is asked at once.
    /// Default: 30.
    pub discover_every_s: u64,
    /// How long an orderly stop waits for notifications in flight, in seconds, at most 300. What is not settled by then
    /// is read again after the next start. Default: 10.
    pub stop_within_s: u64,
}

/// A setting out of its bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} must be {expected}, it is {found}")]
pub struct SettingsError {
    /// Which one.
    pub setting: &'static str,
    /// What it may be.
    pub expected: &'static str,
    /// What it is.
    pub found: String,
}

impl Settings {
    /// The defaults for a stream.
    pub fn new(stream: impl Into<String>) -> Self {
        Self {
            stream: stream.into(),
            start: Start::Latest,
            consumer_arn: None,
            poll_every_ms: 250,
            in_flight_max: 500,
            shards_max: 200,
            discover_every_s: 30,
            stop_within_s: 10,
        }
    }

    /// Whether every setting is within its bounds.
    pub fn check(&self) -> Result<(), SettingsError> {
        let refuse = |setting, expected, found: &dyn ToString| {
            Err(SettingsError { setting, expected, found: found.to_string() })
        };
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if !(1..=128).contains(&self.stream.len()) || !self.stream.bytes().all(sound) {
            return refuse("stream", "1 to 128 letters, digits and _ . -", &self.stream);
        }
        debug_assert!(StreamMark::name(&self.stream).is_ok(), "every stream's name fits into a mark's");
        if !(200..=10_000).contains(&self.poll_every_ms) {
            return refuse("poll_every_ms", "200 to 10000", &self.poll_every_ms);
        }
        if !(1..=10_000).contains(&self.in_flight_max) {
            return refuse("in_flight_max", "1 to 10000", &self.in_flight_max);
        }
        if !(1..=1_000).contains(&self.shards_max) {
            return refuse("shards_max", "1 to 1000", &self.shards_max);
        }
        if !(1..=3_600).contains(&self.discover_every_s) {
            return refuse("discover_every_s", "1 to 3600", &self.discover_every_s);
        }
        if self.stop_within_s > 300 {
            return refuse("stop_within_s", "0 to 300", &self.stop_within_s);
        }
        match &self.consumer_arn {
            Some(arn) if !arn.starts_with("arn:") || !arn.contains(":stream/") || !arn.contains("/consumer/") => {
                refuse("consumer_arn", "the ARN of a stream's consumer (arn:…:stream/…/consumer/…)", arn)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn poll_every(&self) -> Duration {
        Duration::from_millis(self.poll_every_ms)
    }

    pub(super) fn stop_within(&self) -> Duration {
        Duration::from_secs(self.stop_within_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_bounds() {
        assert_eq!(Settings::new("frames").check(), Ok(()));
    }

    #[test]
    fn a_setting_out_of_bounds_is_named() {
        type Change = fn(&mut Settings);
        let cases: [(&str, Change); 7] = [
            ("stream", |s| s.stream = "frames/1".to_owned()),
            ("poll_every_ms", |s| s.poll_every_ms = 199),
            ("in_flight_max", |s| s.in_flight_max = 0),
            ("shards_max", |s| s.shards_max = 1_001),
            ("discover_every_s", |s| s.discover_every_s = 0),
            ("stop_within_s", |s| s.stop_within_s = 301),
            ("consumer_arn", |s| s.consumer_arn = Some("frames-consumer".to_owned())),
        ];
        for (named, change) in cases {
            let mut settings = Settings::new("frames");
            change(&mut settings);
            let error = settings.check().expect_err(named);
            assert_eq!(error.setting, named);
        }
    }
}
