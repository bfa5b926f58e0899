//! Hive's classes as places in a taxonomy. The taxonomy itself is reviewed data of another room and is handed in: this
//! knows only which of its places a class has, and which classes say that there is nothing.

use std::collections::{HashMap, HashSet};

use crate::model::{Confidence, Label, LabelPath};
use crate::providers::ProviderError;

/// Where labels stand whose class the taxonomy does not hold: no rule can name one, and each is said.
pub(super) const UNMAPPED: &str = "unmapped";
/// The most classes in an answer. Every visual head together has fewer than 150; custom heads add to them.
const CLASSES_MAX: usize = 500;

/// The classes of a taxonomy.
#[derive(Debug, Clone, Default)]
pub struct Classes {
    /// By name: those that say what is seen.
    places: HashMap<String, LabelPath>,
    /// Those that say that a head sees nothing: `no_gun`.
    complements: HashSet<String>,
}

/// A class of an answer, with its score as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scored {
    pub(super) class: String,
    /// From 0 to 1, if it is one.
    pub(super) score: f64,
}

impl Classes {
    /// The classes of a taxonomy whose paths are `group/head/class`, and those that it leaves out because they say that
    /// there is nothing. Of `paths` the shorter ones, which are no classes, are passed over.
    pub fn new<'a>(
        paths: impl IntoIterator<Item = &'a LabelPath>,
        complements: impl IntoIterator<Item = String>,
    ) -> Self {
        let classes = paths.into_iter().filter(|path| path.as_str().split('/').count() == 3);
        let places = classes.map(|path| (path.leaf().to_owned(), path.clone())).collect();
        Self { places, complements: complements.into_iter().collect() }
    }

    /// The labels of an answer, surest first, and how many of them the taxonomy does not hold.
    ///
    /// An answer without any class that is known is none: whoever answered it is not what labels were expected of.
    pub(super) fn labels(&self, answer: &[Scored], floor: Confidence) -> Result<(Vec<Label>, u8), ProviderError> {
        if answer.len() > CLASSES_MAX {
            return Err(nonsense(format!("{} classes, expected at most {CLASSES_MAX}", answer.len())));
        }
        let (mut labels, mut unmapped, mut known) = (Vec::new(), 0_u8, 0);
        let mut seen = HashSet::with_capacity(answer.len());
        for Scored { class, score } in answer {
            let confidence = confidence(class, *score)?;
            if !seen.insert(class.as_str()) {
                return Err(nonsense(format!("the class {class:?} twice")));
            }
            let path = match self.places.get(class) {
                Some(path) => path.clone(),
                None if self.complements.contains(class) => {
                    known += 1;
                    continue;
                }
                None => {
                    let path = unmapped_path(class)?; // of whatever score: a name that is none makes the answer none
                    if confidence >= floor {
                        unmapped = unmapped.saturating_add(1);
                        labels.push(Label(path, confidence));
                    }
                    continue;
                }
            };
            known += 1;
            if confidence >= floor {
                labels.push(Label(path, confidence));
            }
        }
        if known == 0 {
            return Err(nonsense(format!("{} classes, none of which the taxonomy holds", answer.len())));
        }
        labels.sort_by(|a, b| b.confidence().cmp(&a.confidence()).then_with(|| a.path().cmp(b.path())));
        Ok((labels, unmapped))
    }

    /// The heads, each by its name, of which `answer` holds no class although they are expected of it.
    pub(super) fn heads_missing<'a>(&self, answer: &[Scored], expected: &'a [String]) -> Vec<&'a str> {
        let heads: HashSet<&str> = answer.iter().filter_map(|scored| head(self.places.get(&scored.class)?)).collect();
        expected.iter().map(String::as_str).filter(|head| !heads.contains(head)).collect()
    }

    /// Whether the taxonomy has a head of that name.
    pub(super) fn has_head(&self, name: &str) -> bool {
        self.places.values().any(|path| head(path) == Some(name))
    }
}

fn head(path: &LabelPath) -> Option<&str> {
    path.as_str().split('/').nth(1)
}

fn unmapped_path(class: &str) -> Result<LabelPath, ProviderError> {
    let path = (!class.contains('/')).then(|| LabelPath::new(format!("{UNMAPPED}/{class}")));
    let shown: String = class.chars().take(60).collect();
    path.and_then(Result::ok).ok_or_else(|| nonsense(format!("a class named {shown:?}")))
}

/// By its decimal digits, cut after the fifth: a score of 0.599999 never reaches a threshold of 60 %.
fn confidence(class: &str, score: f64) -> Result<Confidence, ProviderError> {
    let wrong = || {
        let class: String = class.chars().take(60).collect();
        nonsense(format!("{class:?} with a score of {score}, expected 0 to 1"))
    };
    if !(0.0..=1.0).contains(&score) {
        return Err(wrong());
    }
    let digits = format!("{score}"); // the shortest that mean this number, never with an exponent
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits.as_str(), ""));
    let milli: String = whole.chars().chain(fraction.chars().chain(std::iter::repeat('0')).take(5)).collect();
    milli.parse().ok().and_then(Confidence::from_milli).ok_or_else(wrong)
}

fn nonsense(said: String) -> ProviderError {
    ProviderError::Nonsense(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Classes {
        let path = |text| LabelPath::new(text).expect("a sound path");
        let paths = [
            path("violence"),
            path("violence/gun"),
            path("violence/gun/gun_in_hand"),
            path("violence/gun/animated_gun"),
            path("sexual/general_nsfw/general_nsfw"),
        ];
        let complements = ["no_gun", "general_not_nsfw_not_suggestive"].map(str::to_owned);
        Classes::new(&paths, complements)
    }

    fn scored(answer: &[(&str, f64)]) -> Vec<Scored> {
        answer.iter().map(|(class, score)| Scored { class: (*class).to_owned(), score: *score }).collect()
    }

    fn labels(answer: &[(&str, f64)], floor_percent: u32) -> Result<(Vec<String>, u8), ProviderError> {
        let floor = Confidence::from_milli(floor_percent * 1000).expect("a percentage");
        let (labels, unmapped) = classes().labels(&scored(answer), floor)?;
        let text = |label: &Label| format!("{} {}", label.path(), label.confidence().as_milli());
        Ok((labels.iter().map(text).collect(), unmapped))
    }

    #[test]
    fn classes_are_labels_from_the_floor_on_surest_first_and_complements_are_none() {
        let answer = [("no_gun", 0.99), ("animated_gun", 0.05), ("general_nsfw", 0.049_999), ("gun_in_hand", 0.93)];
        let expected = ["violence/gun/gun_in_hand 93000", "violence/gun/animated_gun 5000"].map(str::to_owned);
        assert_eq!(labels(&answer, 5), Ok((expected.to_vec(), 0)));
    }

    #[test]
    fn a_score_is_the_decimal_that_was_sent_cut_and_never_rounded_up() {
        for (score, milli) in [
            (0.29, 29_000),
            (0.57, 57_000),
            (1.0, 100_000),
            (0.0, 0),
            (0.599_999_999_99, 59_999),
            (0.999_999_861_788_931_3, 99_999),
            (1e-7, 0),
        ] {
            assert_eq!(confidence("x", score).map(Confidence::as_milli), Ok(milli), "{score}");
        }
    }

    #[test]
    fn a_class_that_the_taxonomy_does_not_hold_is_a_label_that_is_counted() {
        let answer = [("no_gun", 0.99), ("furry-yes_furry", 0.7), ("furry-no_furry", 0.01)];
        assert_eq!(labels(&answer, 5), Ok((vec!["unmapped/furry-yes_furry 70000".to_owned()], 1)));
    }

    #[test]
    fn what_is_no_answer_is_nonsense_and_never_clear() {
        let many: Vec<(String, f64)> = (0..=CLASSES_MAX).map(|n| (format!("c{n}"), 0.1)).collect();
        let many: Vec<(&str, f64)> = many.iter().map(|(class, score)| (class.as_str(), *score)).collect();
        let nonsense: [&[(&str, f64)]; 9] = [
            &[],
            &[("furry-yes_furry", 0.9)],
            &[("no_gun", 1.01)],
            &[("no_gun", -0.01)],
            &[("no_gun", f64::NAN)],
            &[("gun_in_hand", 0.5), ("gun_in_hand", 0.6)],
            &[("no_gun", 0.9), ("a/b", 0.01)],
            &[("no_gun", 0.9), ("", 0.01)],
            &many,
        ];
        for answer in nonsense {
            let found = labels(answer, 5);
            assert!(matches!(found, Err(ProviderError::Nonsense(_))), "{answer:?}: {found:?}");
        }
    }

    #[test]
    fn a_head_of_which_no_class_came_is_missing() {
        let expected = ["gun", "general_nsfw"].map(str::to_owned);
        let missing = |answer| classes().heads_missing(&scored(answer), &expected).join(" ");
        assert_eq!(missing(&[("gun_in_hand", 0.1)]), "general_nsfw");
        assert_eq!(missing(&[("gun_in_hand", 0.1), ("general_nsfw", 0.0)]), "");
        assert!(classes().has_head("gun") && !classes().has_head("violence"));
    }
}
