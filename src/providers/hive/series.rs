//! What was found moment by moment, made into one answer: each label once, with the worst that it was, and when.

use std::collections::BTreeMap;

use super::classes::UNMAPPED;
use crate::model::{Confidence, Label, LabelPath, Moment, Stretch};

/// The labels of a segment with their moments, surest first, and how many of them the taxonomy does not hold. `series` is
/// in the order of time. Of labels beyond the 256th, the least sure ones, the moments are left out.
pub(super) fn folded(series: impl IntoIterator<Item = (Stretch, Vec<Label>)>) -> (Vec<Label>, u8, Vec<Moment>) {
    let mut seen: BTreeMap<LabelPath, Seen> = BTreeMap::new();
    for (during, labels) in series {
        for Label(path, confidence) in labels {
            let seen = seen.entry(path).or_insert(Seen { worst: confidence, first_at: during, worst_at: during });
            if confidence > seen.worst {
                (seen.worst, seen.worst_at) = (confidence, during);
            }
        }
    }
    let mut found: Vec<(LabelPath, Seen)> = seen.into_iter().collect();
    found.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.worst)); // stable: by their paths where they are as sure
    let of_others = found.iter().filter(|(path, _)| path.as_str().split('/').next() == Some(UNMAPPED)).count();
    let moments = (0..=u8::MAX).zip(&found).map(|(label, (_, seen))| Moment {
        label,
        first: seen.first_at,
        worst: seen.worst_at,
    });
    let moments = moments.collect();
    let labels = found.into_iter().map(|(path, seen)| Label(path, seen.worst)).collect();
    (labels, u8::try_from(of_others).unwrap_or(u8::MAX), moments)
}

/// A label over the segment.
struct Seen {
    worst: Confidence,
    first_at: Stretch,
    worst_at: Stretch,
}

/// A time of an answer, in milliseconds from the beginning of the segment; none if it is not within what was sent, which
/// begins at `begins_ms` and has `lasts_ms`. A provider that counts pictures may be off by one: a second is let pass.
pub(super) fn time(at_s: f64, begins_ms: u32, lasts_ms: u32) -> Option<u32> {
    const SLACK_MS: f64 = 1_000.0;
    let ms = (at_s * 1_000.0).round();
    let within = (0.0..=f64::from(lasts_ms) + SLACK_MS).contains(&ms);
    within.then(|| begins_ms.saturating_add(ms as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(path: &str, percent: u32) -> Label {
        let confidence = Confidence::from_milli(percent * 1_000).expect("a percentage");
        Label(LabelPath::new(path).expect("a sound path"), confidence)
    }

    #[test]
    fn a_label_is_the_worst_it_was_with_when_it_was_first_and_when_worst() {
        let at = |ms| Stretch { from_ms: ms, to_ms: ms };
        let series = [
            (at(0), vec![label("b", 10)]),
            (at(1_000), vec![label("a", 60), label("unmapped/x", 5)]),
            (at(2_000), vec![label("a", 90), label("b", 90)]),
            (at(3_000), vec![label("a", 90)]),
        ];
        let (labels, unmapped, moments) = folded(series);
        assert_eq!(labels, [label("a", 90), label("b", 90), label("unmapped/x", 5)]);
        assert_eq!(unmapped, 1);
        let expected = [(0, 1_000, 2_000), (1, 0, 2_000), (2, 1_000, 1_000)];
        let expected = expected.map(|(label, first, worst)| Moment { label, first: at(first), worst: at(worst) });
        assert_eq!(moments, expected);
        assert_eq!(folded([]), (vec![], 0, vec![]));
    }

    #[test]
    fn a_time_lies_within_what_was_sent() {
        assert_eq!(time(1.0214, 40, 6_000), Some(1_061));
        assert_eq!((time(7.0, 0, 6_000), time(7.001, 0, 6_000)), (Some(7_000), None));
        for nonsense in [-0.1, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(time(nonsense, 0, 6_000), None, "{nonsense}");
        }
    }
}
