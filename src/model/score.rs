//! How far a channel is trusted.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How far a channel is trusted, in thousandths from 0 (not at all, or not known) to 1,000 (fully); a number from 0
/// to 1 where people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Score(u16);

impl Score {
    /// Fully.
    pub const MAX: Self = Self(1000);

    /// From thousandths; none if they are more than a thousand.
    pub const fn from_milli(milli: u16) -> Option<Self> {
        if milli <= 1000 { Some(Self(milli)) } else { None }
    }

    /// From thousandths, held between 0 and 1,000.
    pub const fn clamped(milli: i64) -> Self {
        Self(if milli < 0 {
            0
        } else if milli > 1000 {
            1000
        } else {
            milli as u16
        })
    }

    /// Thousandths.
    pub const fn as_milli(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 1000, self.0 % 1000 / 10)
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(f64::from(self.0) / 1000.0)
        } else {
            serializer.serialize_u16(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let milli = if deserializer.is_human_readable() {
            let share = f64::deserialize(deserializer)?;
            (0.0..=1.0).contains(&share).then(|| (share * 1000.0).round() as u16)
        } else {
            Some(u16::deserialize(deserializer)?)
        };
        let score = milli.and_then(Self::from_milli);
        score.ok_or_else(|| serde::de::Error::custom("a score is a number from 0 to 1"))
    }
}

impl schemars::JsonSchema for Score {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Score".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_reads_as_it_is_written_and_nothing_else_is_one() {
        let score = Score::from_milli(812).unwrap();
        assert_eq!(serde_json::to_string(&score).unwrap(), "0.812");
        assert_eq!(serde_json::from_str::<Score>("0.812").unwrap(), score);
        assert_eq!(score.to_string(), "0.81");
        for nonsense in ["-0.1", "1.01", "\"0.5\""] {
            assert!(serde_json::from_str::<Score>(nonsense).is_err(), "{nonsense}");
        }
    }
}
