//! How sure a provider is of a label.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Confidence in percent, 0 to 100, kept in thousandths of a percent.
///
/// An integer, so that judging is exact and replays to the bit on every machine. A provider's value is cut, never
/// rounded up, so that 59.9999 does not reach a threshold of 60.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Confidence(u32);

/// The value is not a percentage.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("a confidence is a number from 0 to 100, this is {0}")]
pub struct ConfidenceError(pub f64);

impl Confidence {
    /// Sure.
    pub const MAX: Self = Self(100_000);

    /// From percent; refuses NaN and anything outside 0 to 100.
    pub fn from_percent(percent: f64) -> Result<Self, ConfidenceError> {
        if (0.0..=100.0).contains(&percent) {
            // 1e-7 of slack: 59.3 is 59.29999… in binary, and must stay 59.3.
            Ok(Self((percent * 1000.0 + 1e-7 * 1000.0).floor().min(100_000.0) as u32))
        } else {
            Err(ConfidenceError(percent))
        }
    }

    /// From thousandths of a percent, at most 100,000.
    pub const fn from_milli(milli: u32) -> Option<Self> {
        if milli <= 100_000 { Some(Self(milli)) } else { None }
    }

    /// Thousandths of a percent.
    pub const fn as_milli(self) -> u32 {
        self.0
    }

    /// By how much this lies above `threshold`, in thousandths of a percent; negative below it.
    pub const fn margin_over(self, threshold: Self) -> i32 {
        self.0 as i32 - threshold.0 as i32
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}", f64::from(self.0) / 1000.0)
    }
}

impl fmt::Debug for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 1000.0)
    }
}

impl Serialize for Confidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(f64::from(self.0) / 1000.0)
        } else {
            serializer.serialize_u32(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Confidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Self::from_percent(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
        } else {
            let milli = u32::deserialize(deserializer)?;
            Self::from_milli(milli).ok_or_else(|| serde::de::Error::custom(ConfidenceError(f64::from(milli) / 1000.0)))
        }
    }
}

impl schemars::JsonSchema for Confidence {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Confidence".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": 100 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_is_cut_never_rounded_up() {
        assert_eq!(Confidence::from_percent(59.9999).map(Confidence::as_milli), Ok(59_999));
        assert_eq!(Confidence::from_percent(59.3).map(Confidence::as_milli), Ok(59_300));
        assert_eq!(Confidence::from_percent(100.0), Ok(Confidence::MAX));
    }

    #[test]
    fn nonsense_is_refused() {
        for nonsense in [f64::NAN, -0.1, 100.1, f64::INFINITY] {
            assert!(Confidence::from_percent(nonsense).is_err(), "{nonsense}");
        }
    }
}
