//! The local model's own small taxonomy: one category and its two bands. Knows the score, not the network.

use super::super::ProviderError;
use crate::model::{Confidence, Label, LabelPath};

/// Its name and version.
pub const TAXONOMY: &str = "local-nudity/1";
/// From this score on a person should look. The authors' own suggestion.
pub const REVIEW_FROM: Confidence = percent(20);
/// From this score on the model calls it probable. The authors' own suggestion.
pub const PROBABLE_FROM: Confidence = percent(80);

const ROOT: &str = "Preliminary Nudity";
const REVIEW_BAND: &str = "Preliminary Nudity/Review Band";
const PROBABLE: &str = "Preliminary Nudity/Probable";

/// How far a softmax may lie outside 0 to 1 by rounding alone.
const ROUNDING: f32 = 1e-4;

/// The labels for a score from 0 (safe) to 1. The category itself is always there with its score, however low, so that
/// a backtest can try any threshold; the band it lies in, if any, has the same confidence.
pub(super) fn labels(score: f32) -> Result<Vec<Label>, ProviderError> {
    if !(-ROUNDING..=1.0 + ROUNDING).contains(&score) {
        return Err(ProviderError::Nonsense(format!("the local model's score must lie from 0 to 1, this is {score}")));
    }
    let confidence = Confidence::from_percent(f64::from(score.clamp(0.0, 1.0)) * 100.0)
        .expect("a clamped score is a percentage when multiplied by 100");
    let band = if confidence >= PROBABLE_FROM {
        Some(PROBABLE)
    } else if confidence >= REVIEW_FROM {
        Some(REVIEW_BAND)
    } else {
        None
    };
    Ok(std::iter::once(ROOT).chain(band).map(|path| Label(known(path), confidence)).collect())
}

fn known(path: &'static str) -> LabelPath {
    LabelPath::new(path).expect("the taxonomy's own paths are sound")
}

const fn percent(percent: u32) -> Confidence {
    Confidence::from_milli(percent * 1000).expect("a band's edge is at most 100 %")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(score: f32) -> Vec<String> {
        labels(score).expect("a sound score").iter().map(|label| label.path().to_string()).collect()
    }

    #[test]
    fn every_score_has_its_category_and_its_band() {
        for (score, band) in [
            (0.0, None),
            (0.199, None),
            (0.2001, Some(REVIEW_BAND)),
            (0.799, Some(REVIEW_BAND)),
            (0.8001, Some(PROBABLE)),
            (1.0, Some(PROBABLE)),
            (1.000_01, Some(PROBABLE)), // rounding of the softmax
        ] {
            let expected: Vec<_> = std::iter::once(ROOT).chain(band).map(str::to_owned).collect();
            assert_eq!(paths(score), expected, "{score}");
        }
    }

    #[test]
    fn the_band_has_the_score_of_its_category() {
        let labels = labels(0.437).expect("a sound score");
        assert_eq!(labels.iter().map(|label| label.confidence().as_milli()).collect::<Vec<_>>(), [43_700, 43_700]);
    }

    #[test]
    fn a_score_that_is_none_is_nonsense_and_never_clear() {
        for score in [f32::NAN, f32::INFINITY, -0.1, 1.1] {
            assert!(matches!(labels(score), Err(ProviderError::Nonsense(_))), "{score}");
        }
    }
}
