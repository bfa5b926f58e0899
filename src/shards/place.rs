//! Where reading a stream and its shards goes on, as it is kept in the journal's store. Pure.
//!
//! Three things are kept as text: of a stream, where its reading once began and which stream of that name it was; of a
//! shard, the cursor; of a shard read to its end, that it was. Beside each stands until when it is known that nothing was
//! missed, because a cursor alone does not tell a quiet shard from one whose next records have expired.

use std::time::Duration;

use crate::aws::kinesis::{KinesisSequence, Place, ShardId};
use crate::model::{IdError, Mark, MarkName, Timestamp};

/// Where reading a stream began, the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// With the oldest record kept.
    Oldest,
    /// With what arrived from then on. "With the newest" is this too, with the time of the first start: a shard that
    /// opens while nobody runs is then read from its first record, and one that is never written to needs no cursor.
    From(Timestamp),
}

/// What is kept of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamMark {
    /// When the stream was made. Another time means another stream, in which no cursor of this one holds.
    pub created_at: Timestamp,
    /// When it was first read.
    pub begun_at: Timestamp,
    /// Where.
    pub beginning: Beginning,
}

/// What is kept of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ShardMark {
    /// Nothing of it is settled yet, and it had given all it had.
    Begun {
        /// Until when nothing was missed.
        until: Timestamp,
    },
    /// This record and all before it are settled.
    After {
        /// The record.
        sequence: KinesisSequence,
        /// Until when nothing was missed.
        until: Timestamp,
    },
    /// All of it is settled, and nothing is added to it any more.
    Ended {
        /// When that was seen.
        until: Timestamp,
    },
}

impl Beginning {
    /// Where a shard without a cursor is read from.
    pub fn place(self) -> Place {
        match self {
            Self::Oldest => Place::TrimHorizon,
            Self::From(time) => Place::Time(time),
        }
    }
}

impl StreamMark {
    /// The mark's name.
    pub fn name(stream: &str) -> Result<MarkName, IdError> {
        MarkName::new(format!("kinesis/{stream}"))
    }

    pub fn to_mark(self) -> Mark {
        let beginning = match self.beginning {
            Beginning::Oldest => "oldest".to_owned(),
            Beginning::From(time) => micros(time),
        };
        let text = format!("from={beginning},begun={},created={}", micros(self.begun_at), micros(self.created_at));
        Mark::new(text).expect("words and three numbers of at most 20 digits are a mark")
    }

    pub fn read(mark: &Mark) -> Option<Self> {
        let (beginning, rest) = mark.as_str().strip_prefix("from=")?.split_once(",begun=")?;
        let (begun, created) = rest.split_once(",created=")?;
        let beginning = match beginning {
            "oldest" => Beginning::Oldest,
            time => Beginning::From(time_of(time)?),
        };
        Some(Self { created_at: time_of(created)?, begun_at: time_of(begun)?, beginning })
    }
}

impl ShardMark {
    /// What the names of a stream's shards begin with.
    pub fn prefix(stream: &str) -> String {
        format!("kinesis/{stream}/")
    }

    /// The mark's name.
    pub fn name(stream: &str, shard: &ShardId) -> Result<MarkName, IdError> {
        MarkName::new(Self::prefix(stream) + shard.as_str())
    }

    pub fn to_mark(&self) -> Mark {
        let text = match self {
            Self::Begun { until } => format!("begun,until={}", micros(*until)),
            Self::After { sequence, until } => format!("after={sequence},until={}", micros(*until)),
            Self::Ended { until } => format!("ended,until={}", micros(*until)),
        };
        Mark::new(text).expect("a sequence of at most 128 digits, a word and a number are a mark")
    }

    pub fn read(mark: &Mark) -> Option<Self> {
        let (state, until) = mark.as_str().split_once(",until=")?;
        let until = time_of(until)?;
        match state {
            "begun" => Some(Self::Begun { until }),
            "ended" => Some(Self::Ended { until }),
            state => Some(Self::After { sequence: KinesisSequence::new(state.strip_prefix("after=")?)?, until }),
        }
    }

    /// Until when nothing of the shard was missed.
    pub fn until(&self) -> Timestamp {
        match self {
            Self::Begun { until } | Self::After { until, .. } | Self::Ended { until } => *until,
        }
    }
}

/// The time of which records may have expired unread, if nothing was missed until `until` and records are kept so long.
pub(super) fn gap(until: Timestamp, retention: Duration, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let horizon = now.minus_ms(u64::try_from(retention.as_millis()).unwrap_or(u64::MAX));
    (until < horizon).then_some((until, horizon))
}

fn micros(time: Timestamp) -> String {
    time.as_micros().to_string()
}

fn time_of(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_345_200_000);

    #[test]
    fn what_is_kept_is_read_as_it_was_written() {
        let sequence = KinesisSequence::new(&"9".repeat(KinesisSequence::DIGITS_MAX)).expect("digits");
        for mark in [
            ShardMark::Begun { until: NOON },
            ShardMark::After { sequence, until: Timestamp::from_micros(i64::MIN) },
            ShardMark::Ended { until: NOON },
        ] {
            assert_eq!(ShardMark::read(&mark.to_mark()), Some(mark));
        }
        for beginning in [Beginning::Oldest, Beginning::From(NOON)] {
            let mark = StreamMark { created_at: NOON.minus_ms(9), begun_at: NOON, beginning };
            assert_eq!(StreamMark::read(&mark.to_mark()), Some(mark));
        }
    }

    #[test]
    fn what_nobody_wrote_is_no_place() {
        for text in ["after=1", "after=x,until=1", "until=1", "ended,until=now", "LATEST,until=1"] {
            assert_eq!(ShardMark::read(&Mark::new(text).expect("a mark")), None, "{text}");
        }
    }

    #[test]
    fn no_stream_s_shards_are_taken_for_another_s() {
        let shard = ShardId::new("shardId-000000000000").expect("a shard's name");
        let name = ShardMark::name("frames", &shard).expect("a mark's name");
        assert!(name.as_str().starts_with(&ShardMark::prefix("frames")));
        assert!(!name.as_str().starts_with(&ShardMark::prefix("frame")));
        assert!(!StreamMark::name("frames").expect("a mark's name").as_str().starts_with(&ShardMark::prefix("frames")));
        let longest = ShardId::new(&"s".repeat(128)).expect("a shard's name");
        assert!(ShardMark::name(&"n".repeat(128), &longest).is_ok());
    }

    #[test]
    fn records_are_missing_from_the_last_look_to_the_oldest_kept() {
        let day = Duration::from_secs(24 * 3600);
        let (hour, day_ms) = (3_600_000, 24 * 3_600_000);
        assert_eq!(gap(NOON.minus_ms(day_ms), day, NOON), None);
        assert_eq!(
            gap(NOON.minus_ms(day_ms + hour), day, NOON),
            Some((NOON.minus_ms(day_ms + hour), NOON.minus_ms(day_ms)))
        );
    }
}
