//! Which threshold a label would need for a wanted upheld rate: from what people said to the warnings that it raised.
//!
//! A rule with a threshold shows people everything from there on, so what is held against the wanted rate is everything
//! that was answered from there on, not one band: no shape of the rate over the score is assumed. Every band in which a
//! warning was answered is looked at, from the lowest; that one of several looks good by chance is paid for by bounds
//! that hold for all of them together.

use super::models::{BANDS, LabelCounts, begin_of};
use super::report::{Rate, Threshold};
use super::statistics::{cut_down, cut_up, nearest, wilson, z_of};

impl Rate {
    /// So many of so many, with bounds of that quantile.
    pub(super) fn of(count: u64, of: u64, z: f64) -> Self {
        let (low, high) = wilson(count, of, z);
        let thousandths = |milli: i32| milli.clamp(0, 1000) as u32;
        Self {
            count,
            of,
            permille: (of > 0).then(|| thousandths(nearest(count as f64 / of as f64))),
            low_permille: thousandths(cut_down(low)),
            high_permille: thousandths(cut_up(high)),
        }
    }
}

/// The threshold for an upheld rate of so many thousandths.
pub(super) fn threshold(counts: &LabelCounts, wanted_permille: u32) -> Threshold {
    let raised: u64 = counts.unanswered.iter().chain(&counts.upheld).chain(&counts.dismissed).sum();
    if raised == 0 {
        return Threshold::NothingAsked;
    }
    let answered: Vec<usize> = (0..BANDS).filter(|band| counts.upheld[*band] + counts.dismissed[*band] > 0).collect();
    let z = z_of(answered.len());
    let from = |band: usize| -> (u64, u64) {
        let upheld: u64 = counts.upheld[band..].iter().sum();
        (upheld, upheld + counts.dismissed[band..].iter().sum::<u64>())
    };
    let looks: Vec<(usize, Rate)> = answered
        .iter()
        .map(|band| {
            let (upheld, answers) = from(*band);
            (*band, Rate::of(upheld, answers, z))
        })
        .collect();
    let answers = from(0).1;
    let needed = (1..).find(|n| Rate::of(*n, *n, z).low_permille >= wanted_permille).unwrap_or(u64::MAX);
    if answers < needed {
        return Threshold::TooFew { answers, needed };
    }
    let reaches = |rate: &Rate| rate.low_permille >= wanted_permille;
    let Some(at) = looks.iter().position(|(_, rate)| reaches(rate)) else {
        // of several alike the lowest
        let best = looks.iter().rev().max_by_key(|(_, rate)| rate.low_permille);
        return match best {
            Some((band, upheld)) => Threshold::NotReached { best: begin_of(*band), upheld: *upheld },
            None => Threshold::NothingAsked, // there is a look where there are answers
        };
    };
    let (band, upheld) = looks[at];
    let lowest_asked = counts.asked_from.unwrap_or_default();
    let below = |answers: &[u64; BANDS]| answers[..band].iter().sum();
    Threshold::From {
        threshold: begin_of(band).max(lowest_asked),
        upheld,
        upheld_below: below(&counts.upheld),
        dismissed_below: below(&counts.dismissed),
        uneven: looks[at..].iter().any(|(_, rate)| rate.permille.is_some_and(|rate| rate < wanted_permille)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Confidence;

    /// Bands as `(band, upheld, dismissed)`.
    fn counts(bands: &[(usize, u64, u64)]) -> LabelCounts {
        let mut counts = LabelCounts::default();
        for (band, upheld, dismissed) in bands {
            (counts.upheld[*band], counts.dismissed[*band]) = (*upheld, *dismissed);
        }
        counts
    }

    fn percent(percent: f64) -> Confidence {
        Confidence::from_percent(percent).expect("a percentage")
    }

    /// With z = 1.96 all of n have the lower bound n / (n + 3.8415): 34 of 34 gives 0.8984 and 35 of 35 gives 0.9011.
    #[test]
    fn ninety_of_a_hundred_take_thirty_five_answers_at_least() {
        assert_eq!(threshold(&counts(&[(16, 34, 0)]), 900), Threshold::TooFew { answers: 34, needed: 35 });
        let Threshold::From { threshold, upheld, .. } = threshold(&counts(&[(16, 35, 0)]), 900) else {
            panic!("thirty-five do")
        };
        assert_eq!((threshold, upheld.low_permille, upheld.permille), (percent(80.0), 901, Some(1000)));
    }

    #[test]
    fn the_lowest_threshold_is_taken_that_certainly_reaches_the_rate_and_what_it_costs_is_said() {
        // From 60 on 190 of 250 (76 %), from 80 on 150 of 160 (93.8 %), from 95 on 100 of 102.
        let label = counts(&[(12, 40, 50), (16, 50, 8), (19, 100, 2)]);
        assert_eq!(
            threshold(&label, 800),
            Threshold::From {
                threshold: percent(80.0),
                upheld: Rate::of(150, 160, z_of(3)),
                upheld_below: 40,
                dismissed_below: 50,
                uneven: false,
            }
        );
        let Threshold::From { threshold: dear, upheld_below, .. } = threshold(&label, 910) else {
            panic!("98 of 100 do")
        };
        assert_eq!((dear, upheld_below), (percent(95.0), 90));
        let Threshold::NotReached { best, .. } = threshold(&label, 950) else { panic!("102 answers do not") };
        assert_eq!(best, percent(95.0));
    }

    #[test]
    fn nothing_is_suggested_below_the_threshold_that_was_in_force() {
        let mut label = counts(&[(16, 400, 0)]);
        label.asked_from = Some(percent(82.5));
        let Threshold::From { threshold, .. } = threshold(&label, 900) else { panic!("400 do") };
        assert_eq!(threshold, percent(82.5));
    }

    #[test]
    fn scores_that_do_not_mean_more_are_said_to_be_uneven() {
        let Threshold::From { uneven, .. } = threshold(&counts(&[(12, 990, 10), (19, 5, 5)]), 900) else {
            panic!("995 of 1010 do")
        };
        assert!(uneven, "of the surest only half were upheld");
    }

    #[test]
    fn where_nobody_was_asked_or_answered_nothing_is_said() {
        assert_eq!(threshold(&LabelCounts::default(), 900), Threshold::NothingAsked);
        let mut waiting = LabelCounts::default();
        waiting.unanswered[16] = 500;
        assert_eq!(threshold(&waiting, 900), Threshold::TooFew { answers: 0, needed: 35 });
    }
}
