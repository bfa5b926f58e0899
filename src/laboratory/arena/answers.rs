//! What people said to the warnings that a label raised. The newest [`WARNINGS_MAX`] are remembered, so that an answer that
//! is taken back, or that an appeal overturns, changes what was counted.

use std::collections::{HashMap, VecDeque};

use crate::events::WarningRaised;
use crate::model::{Confidence, WarningId};

use super::models::{LabelCounts, LabelOf, Models, band_of};

/// Warnings whose answers may still change; about 120 bytes each.
pub const WARNINGS_MAX: usize = 200_000;

/// Warnings that can still be answered, or answered otherwise.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Never iterated.
    warnings: HashMap<WarningId, Warned>,
    /// The oldest first.
    order: VecDeque<WarningId>,
    /// Warnings that made room for newer ones.
    pub forgotten: u64,
}

#[derive(Debug, Clone, Copy)]
struct Warned {
    because: LabelOf,
    band: usize,
    answer: Answer,
}

/// What stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    None,
    Upheld,
    Dismissed,
}

impl Answers {
    /// A label hit a rule, and a person is asked.
    pub fn raised(&mut self, models: &mut Models, because: LabelOf, confidence: Confidence, raised: &WarningRaised) {
        if self.warnings.contains_key(&raised.warning) {
            return;
        }
        if self.order.len() >= WARNINGS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.warnings.remove(&oldest); // what was said to it stays counted
            self.forgotten += 1;
        }
        let band = band_of(confidence);
        let counts = models.counts(because.0, because.1);
        counts.unanswered[band] += 1;
        let threshold = i64::from(confidence.as_milli()) - i64::from(raised.margin);
        let threshold = u32::try_from(threshold).ok().and_then(Confidence::from_milli);
        counts.asked_from = match (counts.asked_from, threshold) {
            (Some(known), Some(this)) => Some(known.min(this)),
            (known, this) => known.or(this),
        };
        self.order.push_back(raised.warning);
        self.warnings.insert(raised.warning, Warned { because, band, answer: Answer::None });
    }

    /// Somebody answered, took the answer back, or overturned it. Warnings that were raised before what was read, and
    /// those of frames that could not be judged, are not known here.
    pub fn answered(&mut self, models: &mut Models, warning: WarningId, answer: Answer) {
        let Some(warned) = self.warnings.get_mut(&warning) else { return };
        let counts = models.counts(warned.because.0, warned.because.1);
        *counts.of(warned.answer, warned.band) -= 1;
        *counts.of(answer, warned.band) += 1;
        warned.answer = answer;
    }
}

impl LabelCounts {
    fn of(&mut self, answer: Answer, band: usize) -> &mut u64 {
        match answer {
            Answer::None => &mut self.unanswered[band],
            Answer::Upheld => &mut self.upheld[band],
            Answer::Dismissed => &mut self.dismissed[band],
        }
    }
}
