//! How grave a provider finds what was said, on a scale of three.

use super::Confidence;

/// How grave something is, 1 to 3, on the scale of a provider that answers severities; 0 on it is no label at all.
///
/// Kept and compared as a confidence, like every other scale: 1 as 33.333 %, 2 as 66.667 %, 3 as 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Severity(u8);

impl Severity {
    /// The gravest.
    pub const MAX: Self = Self(3);
    /// Severities as confidences, in thousandths of a percent, from 1 on.
    const MILLI: [u32; 3] = [33_333, 66_667, 100_000];

    /// From 1 to 3.
    pub const fn new(severity: u8) -> Option<Self> {
        if severity >= 1 && severity <= Self::MAX.0 { Some(Self(severity)) } else { None }
    }

    /// From 1 to 3.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// As it is kept and compared.
    pub const fn confidence(self) -> Confidence {
        Confidence::from_milli(Self::MILLI[self.0 as usize - 1]).expect("at most 100 %")
    }

    /// The severity that is kept as this confidence; none if none is.
    pub fn of(confidence: Confidence) -> Option<Self> {
        (1..=Self::MAX.0).map(Self).find(|severity| severity.confidence() == confidence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_is_one_confidence_and_graver_ones_are_more() {
        let severities: Vec<_> = (0..=4).filter_map(Severity::new).collect();
        assert_eq!(severities.iter().map(|severity| severity.get()).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(severities.is_sorted_by_key(|severity| severity.confidence()));
        for severity in severities {
            assert_eq!(Severity::of(severity.confidence()), Some(severity));
        }
        assert_eq!(Severity::MAX.confidence(), Confidence::MAX);
        assert_eq!(Severity::of(Confidence::from_milli(66_666).expect("a percentage")), None);
    }
}
