//! What is counted of each provider at each model version: calls, time, and its labels by how sure it was of them.
//! Memory is bounded by [`MODELS_MAX`] and [`LABELS_MAX`], whatever is read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::events::{FailedStage, OpinionRole, OpinionSaid};
use crate::laboratory::spread::Spread;
use crate::model::{Confidence, Label, LabelPath, ProviderRef};

use super::report::{Calls, Took};

/// Model versions that are told apart.
pub const MODELS_MAX: usize = 64;
/// Labels that are told apart, of all model versions together; about 700 bytes each.
pub const LABELS_MAX: usize = 8192;
/// Bands of five percent points.
pub(super) const BANDS: usize = 20;
/// The width of one, in thousandths of a percent.
const BAND_MILLI: u32 = 5000;

/// A model version, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ModelNumber(usize);

/// A label's path, by number; the same for every model version.
pub(super) type LabelNumber = u32;

/// A label of a model version.
pub(super) type LabelOf = (ModelNumber, LabelNumber);

/// Everything counted by model version.
#[derive(Debug, Default)]
pub(super) struct Models {
    /// Never iterated.
    numbers: HashMap<ProviderRef, ModelNumber>,
    all: Vec<Model>,
    paths: BTreeMap<LabelPath, LabelNumber>,
    labels: BTreeMap<LabelOf, LabelCounts>,
    pub left_out_answers: u64,
    pub left_out_labels: u64,
}

/// What is counted of a model version.
#[derive(Debug)]
pub(super) struct Model {
    pub reference: ProviderRef,
    pub calls: Calls,
    took: Spread,
}

/// What is counted of a label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LabelCounts {
    pub frames: [u64; BANDS],
    pub unanswered: [u64; BANDS],
    pub upheld: [u64; BANDS],
    pub dismissed: [u64; BANDS],
    /// The lowest threshold that raised a warning because of it.
    pub asked_from: Option<Confidence>,
}

/// What a provider was asked a frame for, beside to decide it.
#[derive(Debug, Clone, Copy)]
pub(super) enum AskedTo {
    Decide,
    /// Or what its opinion is for.
    Opine(OpinionRole),
}

impl Models {
    /// The number of a model version; none beyond the most that are told apart.
    pub fn number(&mut self, of: &ProviderRef) -> Option<ModelNumber> {
        if let Some(known) = self.numbers.get(of) {
            return Some(*known);
        }
        if self.all.len() >= MODELS_MAX {
            return None;
        }
        let number = ModelNumber(self.all.len());
        self.numbers.insert(of.clone(), number);
        self.all.push(Model { reference: of.clone(), calls: Calls::default(), took: Spread::default() });
        Some(number)
    }

    pub fn model(&self, number: ModelNumber) -> &Model {
        &self.all[number.0]
    }

    /// The provider's name.
    pub fn name(&self, number: ModelNumber) -> Arc<str> {
        self.model(number).reference.name.clone()
    }

    /// All of them, by name, model and taxonomy.
    pub fn in_order(&self) -> Vec<ModelNumber> {
        let mut numbers: Vec<ModelNumber> = (0..self.all.len()).map(ModelNumber).collect();
        let key = |number: &ModelNumber| {
            let ProviderRef { name, model, taxonomy } = &self.model(*number).reference;
            (name.clone(), model.clone(), taxonomy.clone())
        };
        numbers.sort_by_key(key);
        numbers
    }

    /// It answered, after so many milliseconds.
    pub fn answered(&mut self, of: ModelNumber, to: AskedTo, took_ms: u32) {
        let model = &mut self.all[of.0];
        model.count(to);
        model.took.add(i64::from(took_ms));
    }

    /// It was asked, or would have been, and gave no answer.
    pub fn gave_nothing(&mut self, of: ModelNumber, role: OpinionRole, said: &OpinionSaid) {
        let OpinionSaid::Nothing { stage, attempts, .. } = said else { return };
        let model = &mut self.all[of.0];
        if *stage == FailedStage::NoProvider || *attempts == 0 {
            model.calls.untried += 1;
            return;
        }
        model.count(AskedTo::Opine(role));
        model.calls.unanswered += 1;
        model.calls.unanswered_tries += u64::from(*attempts);
    }

    /// Counts the labels of an answer, each once, and gives them by number with their whole percents.
    pub fn labels_said(&mut self, by: ModelNumber, labels: &[Label]) -> Arc<[(LabelNumber, u8)]> {
        let mut said: Vec<(LabelNumber, u8)> = Vec::with_capacity(labels.len());
        for label in labels {
            let Some(number) = self.label_of(by, label.path()).map(|(_, number)| number) else {
                self.left_out_labels += 1;
                continue;
            };
            if said.iter().all(|(known, _)| *known != number) {
                self.counts(by, number).frames[band_of(label.confidence())] += 1;
                said.push((number, (label.confidence().as_milli() / 1000) as u8)); // at most 100
            }
        }
        said.into()
    }

    /// A label of a model version by number; none beyond the most that are told apart.
    pub fn label_of(&mut self, by: ModelNumber, path: &LabelPath) -> Option<LabelOf> {
        let next = self.paths.len() as LabelNumber; // at most as many as labels
        let known = self.paths.get(path).copied();
        let key = (by, known.unwrap_or(next));
        if !self.labels.contains_key(&key) {
            if self.labels.len() >= LABELS_MAX {
                return None;
            }
            self.paths.entry(path.clone()).or_insert(next);
            self.labels.insert(key, LabelCounts::default());
        }
        Some(key)
    }

    /// What is counted of a label that has a number.
    pub fn counts(&mut self, by: ModelNumber, label: LabelNumber) -> &mut LabelCounts {
        self.labels.entry((by, label)).or_default()
    }

    /// The labels of a model version, by path.
    pub fn labels_of(&self, of: ModelNumber) -> impl Iterator<Item = (&LabelPath, &LabelCounts)> {
        self.paths.iter().filter_map(move |(path, number)| Some((path, self.labels.get(&(of, *number))?)))
    }

    /// The path of each label, by its number.
    pub fn paths(&self) -> Vec<&LabelPath> {
        let mut paths: Vec<(&LabelNumber, &LabelPath)> =
            self.paths.iter().map(|(path, number)| (number, path)).collect();
        paths.sort();
        paths.into_iter().map(|(_, path)| path).collect()
    }
}

impl Model {
    fn count(&mut self, to: AskedTo) {
        let calls = &mut self.calls;
        calls.asked += 1;
        *match to {
            AskedTo::Decide => &mut calls.decided,
            AskedTo::Opine(OpinionRole::Screened) => &mut calls.screened,
            AskedTo::Opine(OpinionRole::FellOver) => &mut calls.fell_over,
            AskedTo::Opine(OpinionRole::Seconded) => &mut calls.seconded,
            AskedTo::Opine(OpinionRole::Compared) => &mut calls.compared,
        } += 1;
    }

    pub fn took(&self) -> Took {
        let at = |permille| self.took.at_permille(permille).and_then(|ms| u64::try_from(ms).ok());
        Took { of: self.took.count(), median_ms: at(500), p95_ms: at(950), p99_ms: at(990) }
    }
}

/// The band that a confidence lies in; 100 lies in the last.
pub(super) fn band_of(confidence: Confidence) -> usize {
    ((confidence.as_milli() / BAND_MILLI) as usize).min(BANDS - 1)
}

/// Where a band begins; the one after the last begins at 100.
pub(super) fn begin_of(band: usize) -> Confidence {
    Confidence::from_milli(band as u32 * BAND_MILLI).unwrap_or(Confidence::MAX)
}
