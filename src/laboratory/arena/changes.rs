//! What changed when a provider's model version did.
//!
//! Held against each other are the last answers of the one version and the first of the other that are comparable: of
//! the same channel, under the same policy version, asked for the same reason with the same floor; of each such kind as
//! many before as after, those nearest to the change. So another mix of channels is not taken for another model.
//!
//! How often a label is seen is compared by the interval of the difference of two shares, and how surely by the distance
//! of the two spreads of confidence. The population stability index was the other choice; what it calls much (0.1, 0.25)
//! is a custom without a level of error, and grows as samples shrink. Both bounds here are at 99 %: of a hundred labels
//! that did not change, one is expected to be called changed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::model::{ChannelId, Confidence, PolicyRef, Position, Timestamp};

use super::models::{LabelNumber, ModelNumber, Models};
use super::report::{LabelChange, ModelChange, Moved};
use super::statistics::{Z_99, cut_down, cut_up, difference, distance, nearest};

/// Providers whose changes are followed.
pub const PROVIDERS_MAX: usize = 16;
/// Answers that are held on either side of a change; some 200 bytes each and five for each label.
pub const STRETCH_MAX: usize = 2000;
/// Changes that are told, the newest.
pub const CHANGES_MAX: usize = 50;
/// Fewer comparable answers on either side say nothing: a share of a tenth would have to double to be seen.
const FRAMES_MIN: u64 = 100;
/// Labels that are listed of one change.
const LABELS_LISTED_MAX: usize = 50;
/// Whole percents.
const PERCENTS: usize = 101;

/// What must be the same for two answers to be comparable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub channel: ChannelId,
    pub policy: PolicyRef,
    pub floor: Option<Confidence>,
    pub reason: Reason,
}

/// Why it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// As the first, or the only one.
    First,
    /// Because the screen saw something.
    PastTheScreen,
    /// Although the screen saw nothing.
    Sampled,
    /// In place of one that did not answer.
    InPlace,
    /// Whether it agrees with a stop.
    Second,
    /// To be compared.
    Compared,
}

/// An answer, as far as it is compared.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub kind: Kind,
    /// Labels with their whole percents, each once.
    pub labels: Arc<[(LabelNumber, u8)]>,
}

/// Where and when an answer is recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub position: Position,
    pub at: Timestamp,
}

/// Every provider's changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Few; looked for one by one.
    runs: Vec<Run>,
    told: VecDeque<ModelChange>,
    pub seen: u64,
}

/// A stretch in which a provider answers with one model version.
#[derive(Debug)]
struct Run {
    name: Arc<str>,
    model: ModelNumber,
    began: Place,
    /// The version before it and its last answers, if there was one.
    before: Option<(ModelNumber, VecDeque<Said>)>,
    first: Vec<Said>,
    last: VecDeque<Said>,
}

impl Changes {
    pub fn answered(&mut self, models: &Models, model: ModelNumber, place: Place, said: Said) {
        let name = &models.model(model).reference.name;
        let at = match self.runs.iter().position(|run| run.name == *name) {
            Some(at) => at,
            None if self.runs.len() >= PROVIDERS_MAX => return,
            None => {
                self.runs.push(Run::new(name.clone(), model, place, None));
                self.runs.len() - 1
            }
        };
        if self.runs[at].model != model {
            let run = &mut self.runs[at];
            let before = (run.model, std::mem::take(&mut run.last));
            let ended = std::mem::replace(run, Run::new(name.clone(), model, place, Some(before)));
            self.tell(models, ended);
        }
        self.runs[at].add(said);
    }

    /// The last changes, newest first, of providers that are to be shown; and how many there were.
    pub fn report(mut self, models: &Models, shown: impl Fn(&str) -> bool) -> (Vec<ModelChange>, u64) {
        for run in std::mem::take(&mut self.runs) {
            self.tell(models, run);
        }
        let mut told: Vec<ModelChange> = self.told.into_iter().filter(|change| shown(&change.provider)).collect();
        told.sort_by_key(|change| Reverse(change.position));
        (told, self.seen)
    }

    fn tell(&mut self, models: &Models, run: Run) {
        let Some(change) = run.change(models) else { return };
        self.seen += 1;
        if self.told.len() >= CHANGES_MAX {
            self.told.pop_front();
        }
        self.told.push_back(change);
    }
}

impl Run {
    fn new(name: Arc<str>, model: ModelNumber, began: Place, before: Option<(ModelNumber, VecDeque<Said>)>) -> Self {
        Self { name, model, began, before, first: Vec::new(), last: VecDeque::new() }
    }

    fn add(&mut self, said: Said) {
        if self.before.is_some() && self.first.len() < STRETCH_MAX {
            self.first.push(said.clone());
        }
        if self.last.len() >= STRETCH_MAX {
            self.last.pop_front();
        }
        self.last.push_back(said);
    }

    /// What changed when it began; none if nothing was before it.
    fn change(self, models: &Models) -> Option<ModelChange> {
        let (before, last) = self.before?;
        let (old, new) = (&models.model(before).reference, &models.model(self.model).reference);
        let sides = Sides::matched(&last, &self.first);
        let too_few = sides.frames < FRAMES_MIN;
        let labels = if too_few { Vec::new() } else { sides.labels(models) };
        Some(ModelChange {
            provider: self.name.to_string(),
            before: old.model.to_string(),
            after: new.model.to_string(),
            other_taxonomy: old.taxonomy != new.taxonomy,
            position: self.began.position,
            at: self.began.at,
            frames: sides.frames,
            too_few,
            labels_seen: labels.len() as u64,
            labels: labels.into_iter().take(LABELS_LISTED_MAX).collect(),
        })
    }
}

/// As many comparable answers of each kind on either side, those nearest to the change.
struct Sides {
    frames: u64,
    /// Answers by label and whole percent, before and after.
    labels: BTreeMap<LabelNumber, [Percents; 2]>,
}

type Percents = Box<[u64; PERCENTS]>;

impl Sides {
    fn matched(before: &VecDeque<Said>, after: &[Said]) -> Self {
        let (mut before_of, mut after_of) = (BTreeMap::new(), BTreeMap::new());
        before.iter().for_each(|said| *before_of.entry(&said.kind).or_insert(0u64) += 1);
        after.iter().for_each(|said| *after_of.entry(&said.kind).or_insert(0u64) += 1);
        let mut quota: BTreeMap<&Kind, u64> = BTreeMap::new();
        for (kind, count) in before_of {
            if let Some(other) = after_of.get(kind) {
                quota.insert(kind, count.min(*other));
            }
        }
        let mut sides = Self { frames: quota.values().sum(), labels: BTreeMap::new() };
        sides.take(0, before.iter().rev(), quota.clone()); // nearest to the change first
        sides.take(1, after.iter(), quota);
        sides
    }

    fn take<'a>(&mut self, side: usize, answers: impl Iterator<Item = &'a Said>, mut quota: BTreeMap<&Kind, u64>) {
        for said in answers {
            let Some(left) = quota.get_mut(&said.kind).filter(|left| **left > 0) else { continue };
            *left -= 1;
            for (label, percent) in said.labels.iter() {
                let [before, after] =
                    self.labels.entry(*label).or_insert_with(|| [Box::new([0; PERCENTS]), Box::new([0; PERCENTS])]);
                let percents = if side == 0 { before } else { after };
                percents[usize::from(*percent).min(PERCENTS - 1)] += 1;
            }
        }
    }

    /// Every label that either side names: first those whose rate certainly changed, by how far at least, then by path.
    fn labels(&self, models: &Models) -> Vec<LabelChange> {
        let paths = models.paths();
        let change = |(label, [before, after]): (&LabelNumber, &[Percents; 2])| {
            let (was, is) = (before.iter().sum::<u64>(), after.iter().sum::<u64>());
            let (low, high) = difference((was, self.frames), (is, self.frames), Z_99);
            let apart = distance(&before[..], &after[..]);
            LabelChange {
                label: paths[*label as usize].clone(),
                before: was,
                after: is,
                low_permille: cut_down(low),
                high_permille: cut_up(high),
                rate: match (low > 0.0, high < 0.0) {
                    (true, _) => Moved::More,
                    (_, true) => Moved::Less,
                    (false, false) => Moved::NotCertain,
                },
                apart_permille: apart.map(|(apart, _)| nearest(apart).unsigned_abs()),
                confidence_moved: apart.is_some_and(|(apart, critical)| apart > critical),
            }
        };
        let mut labels: Vec<LabelChange> = self.labels.iter().map(change).collect();
        labels.sort_by(|a, b| {
            let key = |one: &LabelChange| {
                let least = one.low_permille.max(-one.high_permille); // by how much at least, where it is certain
                (one.rate == Moved::NotCertain, !one.confidence_moved, Reverse(least))
            };
            key(a).cmp(&key(b)).then_with(|| a.label.cmp(&b.label))
        });
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Label, LabelPath, PolicyId, ProviderRef};

    fn reference(model: &str) -> ProviderRef {
        ProviderRef { name: "hive".into(), model: model.into(), taxonomy: "hive-visual/1".into() }
    }

    /// Answers in order: the model, the channel, and how sure it is of a gun, if it sees one.
    fn changes(answers: impl IntoIterator<Item = (&'static str, &'static str, Option<u32>)>) -> Vec<ModelChange> {
        let (mut models, mut changes) = (Models::default(), Changes::default());
        for (at, (model, channel, gun)) in (1..).zip(answers) {
            let model = models.number(&reference(model)).expect("few models");
            let sure = |milli| Confidence::from_milli(milli).expect("a percentage");
            let path = LabelPath::new("violence/gun").expect("a sound path");
            let labels: Vec<Label> = gun.map(|milli| Label(path, sure(milli))).into_iter().collect();
            let labels = models.labels_said(model, &labels);
            let kind = Kind {
                channel: ChannelId::new(channel).expect("a sound name"),
                policy: PolicyRef { id: PolicyId::new("p").expect("a sound name"), version: 1 },
                floor: None,
                reason: Reason::First,
            };
            let place = Place { position: Position(at), at: Timestamp::from_millis(at as i64) };
            changes.answered(&models, model, place, Said { kind, labels });
        }
        changes.report(&models, |_| true).0
    }

    fn every(
        nth: usize,
        count: usize,
        model: &'static str,
        milli: u32,
    ) -> Vec<(&'static str, &'static str, Option<u32>)> {
        (0..count).map(|at| (model, "stage", at.is_multiple_of(nth).then_some(milli))).collect()
    }

    #[test]
    fn a_label_that_is_seen_twice_as_often_and_less_surely_has_changed() {
        let told = changes([every(5, 400, "a", 90_000), every(2, 400, "b", 60_000)].concat());
        assert_eq!((told.len(), told[0].frames, told[0].position), (1, 400, Position(401)));
        let gun = &told[0].labels[0];
        assert_eq!((gun.before, gun.after, gun.rate), (80, 200, Moved::More));
        // By hand: 0.2 and 0.5 of 400; the difference 0.3 less and more about 2.576·√(0.16/400 + 0.25/400) = 0.083.
        assert!((210..225).contains(&gun.low_permille) && (370..390).contains(&gun.high_permille), "{gun:?}");
        assert_eq!((gun.apart_permille, gun.confidence_moved), (Some(1000), true));
    }

    #[test]
    fn a_model_that_says_the_same_has_not_changed() {
        let told = changes([every(5, 400, "a", 90_000), every(5, 400, "b", 90_000)].concat());
        let gun = &told[0].labels[0];
        assert_eq!((gun.rate, gun.apart_permille, gun.confidence_moved), (Moved::NotCertain, Some(0), false));
        assert!(gun.low_permille < 0 && gun.high_permille > 0);
    }

    #[test]
    fn another_mix_of_channels_is_not_taken_for_another_model() {
        let mut answers = every(2, 300, "a", 90_000);
        answers.extend((0..300).map(|_| ("b", "range", Some(90_000)))); // guns all the time, on another channel
        let told = changes(answers.clone());
        assert_eq!((told[0].frames, told[0].too_few, told[0].labels.len()), (0, true, 0));
        answers.extend(every(2, 150, "b", 90_000));
        let told = changes(answers);
        assert_eq!((told[0].frames, told[0].labels[0].rate), (150, Moved::NotCertain));
    }

    #[test]
    fn stretches_end_with_the_next_change_and_are_bounded() {
        let back = [every(5, 200, "a", 90_000), every(5, 99, "b", 90_000), every(5, 200, "a", 90_000)].concat();
        let told = changes(back);
        let frames: Vec<(u64, bool)> = told.iter().map(|change| (change.frames, change.too_few)).collect();
        assert_eq!(frames, [(99, true), (99, true)]);
        let long = [every(5, 3 * STRETCH_MAX, "a", 90_000), every(5, 3 * STRETCH_MAX, "b", 90_000)].concat();
        assert_eq!(changes(long)[0].frames, STRETCH_MAX as u64);
    }
}
