//! Which labels a provider knows, at one version of its model: reviewed data, built into the program.
//!
//! A policy names categories of one taxonomy. A name that the taxonomy does not hold is found here and not by a frame
//! that silently matches nothing. Knows nothing of policies.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Confidence, Label, LabelPath};

/// The most edits between a mistaken name and the one it is taken for; above it no suggestion is made.
const EDITS_MAX: usize = 3;
/// Names longer than this are compared up to here: the comparison is quadratic.
const COMPARED_CHARS_MAX: usize = 80;

/// A provider's tree of categories.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taxonomy {
    name: String,
    source: String,
    note: String,
    #[serde(default)]
    answers: Answers,
    #[serde(default)]
    scale: Scale,
    #[serde(default)]
    sense: Sense,
    floor: Confidence,
    floor_note: String,
    labels: Vec<KnownLabel>,
    /// Categories that say what is in a picture and nothing against it.
    #[serde(default)]
    describes: Vec<LabelPath>,
    /// What the provider also answers, and what is no label: how sure it is that there is nothing.
    #[serde(default)]
    complements: Vec<String>,
}

/// Which places of a taxonomy an answer can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// Every one: a label comes with the categories that it lies in.
    #[default]
    Labels,
    /// Only those that hold no other; the others are for rules.
    Leaves,
}

/// The scale in which a provider says how sure it is. Kept and compared in percent, whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// 0 to 100.
    #[default]
    Percent,
    /// 0 to 1.
    Unit,
    /// How grave it is, 0 to 3; 0 is no label.
    Severity,
}

/// What a provider judges by. What is heard and what is seen have no words in common: no label of the one has a
/// counterpart in the other, and between two taxonomies of different senses nobody reviews one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sense {
    /// Pictures, one or many.
    #[default]
    Sight,
    /// Sound.
    Hearing,
}

/// A label that the taxonomy holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownLabel {
    /// Its place in the tree.
    pub path: LabelPath,
    /// The least confidence it is ever given with; the taxonomy's floor if not stated.
    pub from: Option<Confidence>,
    /// The provider calls it something else from this confidence on.
    pub below: Option<Confidence>,
}

/// Why a text names no category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// No label has that path or name.
    Unknown {
        /// The label that was perhaps meant.
        closest: Option<LabelPath>,
    },
    /// Several labels have that name.
    Ambiguous {
        /// All of them.
        paths: Vec<LabelPath>,
    },
}

static TAXONOMIES: LazyLock<[Taxonomy; 5]> = LazyLock::new(|| {
    [
        include_str!("taxonomies/rekognition-7.0.json"),
        include_str!("taxonomies/rekognition-6.1.json"),
        include_str!("taxonomies/local-nudity-1.json"),
        include_str!("taxonomies/hive-visual-1.json"),
        include_str!("taxonomies/hive-speech-1.json"),
    ]
    .map(|text| Taxonomy::parse(text).expect("the built-in taxonomies are read by a test"))
});

static FROM_REKOGNITION_6: LazyLock<BTreeMap<String, Vec<LabelPath>>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Mapping {
        labels: BTreeMap<String, Vec<LabelPath>>,
    }
    let text = include_str!("taxonomies/rekognition-6.1-to-7.0.json");
    serde_json::from_str::<Mapping>(text).expect("the built-in mapping is read by a test").labels
});

impl Taxonomy {
    /// The name of the taxonomy that Rekognition 7 answers in.
    pub const REKOGNITION: &'static str = "rekognition/7.0";
    /// The name of the local model's taxonomy.
    pub const LOCAL_NUDITY: &'static str = "local-nudity/1";
    /// The name of the taxonomy of Hive's visual classes.
    pub const HIVE_VISUAL: &'static str = "hive-visual/1";
    /// The name of the taxonomy of Hive's classes of what is said.
    pub const HIVE_SPEECH: &'static str = "hive-speech/1";

    /// Every taxonomy that is built in.
    pub fn all() -> &'static [Self] {
        TAXONOMIES.as_slice()
    }

    /// The taxonomy of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|taxonomy| taxonomy.name == name)
    }

    /// The taxonomy that a provider of that name answers in, as far as it is known before it answers.
    pub fn answered_by(provider: &str) -> Option<&'static Self> {
        Self::named(match provider {
            "rekognition" | "rehearsal" => Self::REKOGNITION,
            "local" => Self::LOCAL_NUDITY,
            "hive" | "hive-dashboard" => Self::HIVE_VISUAL,
            "hive-speech" => Self::HIVE_SPEECH,
            _ => return None,
        })
    }

    fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Its name and version, as in [`ProviderRef`](crate::model::ProviderRef).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the data comes from, and what must be known of it.
    pub fn provenance(&self) -> (&str, &str) {
        (&self.source, &self.note)
    }

    /// The least confidence the provider reports, and why.
    pub fn floor(&self) -> (Confidence, &str) {
        (self.floor, &self.floor_note)
    }

    /// The scale in which the provider says how sure it is.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// What the provider judges by.
    pub fn sense(&self) -> Sense {
        self.sense
    }

    /// Every label, parents before their children.
    pub fn labels(&self) -> &[KnownLabel] {
        &self.labels
    }

    /// The label at that place.
    pub fn get(&self, path: &LabelPath) -> Option<&KnownLabel> {
        self.labels.iter().find(|label| label.path == *path)
    }

    /// The labels that an answer can hold.
    pub fn answerable(&self) -> impl Iterator<Item = &KnownLabel> {
        self.labels.iter().filter(|label| self.answers == Answers::Labels || self.is_leaf(label))
    }

    /// The label that a provider means which answers with last names only, as Hive does with its classes. Where a
    /// category has the same name, the label is meant.
    pub fn class(&self, name: &str) -> Option<&KnownLabel> {
        self.labels.iter().find(|label| label.path.leaf() == name && self.is_leaf(label))
    }

    /// Whether the name is one that the provider answers and that is no label: how sure it is that there is nothing.
    pub fn is_complement(&self, name: &str) -> bool {
        self.complements.iter().any(|known| known == name)
    }

    /// Every such name.
    pub fn complements(&self) -> impl Iterator<Item = &str> {
        self.complements.iter().map(String::as_str)
    }

    /// The labels that say what is in a picture and nothing against it: some of them are in every answer.
    pub fn descriptive(&self) -> impl Iterator<Item = &KnownLabel> {
        self.answerable().filter(|label| self.describes.iter().any(|category| label.path.is_within(category)))
    }

    fn is_leaf(&self, label: &KnownLabel) -> bool {
        !self.labels.iter().any(|other| other.path != label.path && other.path.is_within(&label.path))
    }

    /// How many of an answer's labels this taxonomy does not hold.
    pub fn unmapped(&self, labels: &[Label]) -> usize {
        labels.iter().filter(|label| self.get(label.path()).is_none()).count()
    }

    /// The label meant by a full path, or by the last names of one where only one label has them. Where a label has the
    /// name of the category that it lies in, the category is meant.
    pub fn resolve(&self, text: &str) -> Result<&KnownLabel, Unresolved> {
        if let Some(label) = self.labels.iter().find(|label| label.path.as_str() == text) {
            return Ok(label);
        }
        let named: Vec<_> = self.labels.iter().filter(|label| ends_with_names(label.path.as_str(), text)).collect();
        let holds_all = |above: &&KnownLabel| named.iter().all(|label| label.path.is_within(&above.path));
        if let Some(category) = named.iter().copied().find(holds_all) {
            return Ok(category);
        }
        if named.is_empty() {
            return Err(Unresolved::Unknown { closest: self.closest(text) });
        }
        Err(Unresolved::Ambiguous { paths: named.iter().map(|label| label.path.clone()).collect() })
    }

    fn closest(&self, text: &str) -> Option<LabelPath> {
        let paths = self.labels.iter().map(|label| (label.path.as_str(), label));
        let leaves = self.labels.iter().map(|label| (label.path.leaf(), label));
        closest_of(text, paths.chain(leaves)).map(|label| label.path.clone())
    }
}

/// The Rekognition 7.0 labels that took the place of a 6.1 label name; none if 6.1 had no such label.
pub fn from_rekognition_6(name: &str) -> Option<&'static [LabelPath]> {
    FROM_REKOGNITION_6.get(name).map(Vec::as_slice)
}

/// The name nearest to a mistaken one, if any is near enough to be meant.
pub fn closest_name<'a>(mistaken: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    closest_of(mistaken, names.into_iter().map(|name| (name, name)))
}

fn closest_of<'a, T>(mistaken: &str, candidates: impl Iterator<Item = (&'a str, T)>) -> Option<T> {
    let mistaken = mistaken.to_lowercase();
    let allowed = EDITS_MAX.min(mistaken.chars().count() / 3);
    candidates
        .map(|(name, meant)| (edits(&mistaken, &name.to_lowercase()), meant))
        .filter(|(edits, _)| *edits <= allowed)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, meant)| meant)
}

fn ends_with_names(path: &str, names: &str) -> bool {
    path.strip_suffix(names).is_some_and(|above| above.ends_with('/'))
}

/// How many insertions, deletions and replacements turn one text into the other (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(COMPARED_CHARS_MAX).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(COMPARED_CHARS_MAX).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rekognition() -> &'static Taxonomy {
        Taxonomy::named(Taxonomy::REKOGNITION).unwrap()
    }

    fn hive() -> &'static Taxonomy {
        Taxonomy::named(Taxonomy::HIVE_VISUAL).unwrap()
    }

    fn speech() -> &'static Taxonomy {
        Taxonomy::named(Taxonomy::HIVE_SPEECH).unwrap()
    }

    #[test]
    fn the_built_in_data_is_whole() {
        assert_eq!(rekognition().labels().len(), 52);
        assert_eq!(Taxonomy::named(Taxonomy::LOCAL_NUDITY).unwrap().labels().len(), 3);
        assert_eq!(Taxonomy::named("rekognition/6.1").unwrap().labels().len(), 45);
        assert_eq!(hive().labels().len(), 6 + 54 + 72, "groups, heads, classes");
        assert_eq!(speech().labels().len(), 4 + 6, "of speech, and of the text that it is built on");
        for taxonomy in Taxonomy::all() {
            for label in taxonomy.labels() {
                if let Some((parent, _)) = label.path.as_str().rsplit_once('/') {
                    assert!(taxonomy.resolve(parent).is_ok(), "{} has no parent", label.path);
                }
                // Names are unique, but for a child that has its parent's (Gambling in 6.1, general_nsfw of Hive): then the
                // parent is meant.
                let meant = &taxonomy.resolve(label.path.leaf()).unwrap().path;
                assert!(label.path.is_within(meant) && label.path.leaf() == meant.leaf(), "{} is {meant}", label.path);
            }
        }
    }

    #[test]
    fn every_label_of_6_has_a_place_in_7() {
        assert_eq!(FROM_REKOGNITION_6.len(), 44, "10 labels of level 1 and 35 of level 2, Gambling on both");
        for (old, new) in &*FROM_REKOGNITION_6 {
            assert!(!new.is_empty(), "{old}");
            let before = Taxonomy::named("rekognition/6.1").unwrap();
            assert!(before.resolve(old).is_ok(), "{old} is mapped and not among the labels of 6.1");
            for path in new {
                assert!(rekognition().get(path).is_some(), "{old} → {path}");
            }
        }
    }

    #[test]
    fn a_name_at_any_level_is_found_and_a_near_one_suggested() {
        let path = |text| LabelPath::new(text).unwrap();
        for (text, expected) in [
            ("Weapons", Ok(path("Violence/Weapons"))),
            ("Violence/Weapons", Ok(path("Violence/Weapons"))),
            ("Graphic Violence/Blood & Gore", Ok(path("Violence/Graphic Violence/Blood & Gore"))),
            ("weapons", Err(Unresolved::Unknown { closest: Some(path("Violence/Weapons")) })),
            ("Violence/Wepons", Err(Unresolved::Unknown { closest: Some(path("Violence/Weapons")) })),
            ("apons", Err(Unresolved::Unknown { closest: None })),
            ("Suggestive", Err(Unresolved::Unknown { closest: None })),
        ] {
            assert_eq!(rekognition().resolve(text).map(|label| label.path.clone()), expected, "{text}");
        }
    }

    #[test]
    fn a_name_that_two_labels_have_is_not_guessed() {
        let text = r#"{"name":"x/1","source":"","note":"","floor":0,"floor_note":"",
            "labels":[{"path":"A"},{"path":"A/Blood"},{"path":"B"},{"path":"B/Blood"}]}"#;
        let taxonomy = Taxonomy::parse(text).unwrap();
        let paths = ["A/Blood", "B/Blood"].map(|path| LabelPath::new(path).unwrap()).to_vec();
        assert_eq!(taxonomy.resolve("Blood").map(|label| &label.path), Err(Unresolved::Ambiguous { paths }));
        assert_eq!(taxonomy.resolve("B/Blood").map(|label| label.path.as_str()), Ok("B/Blood"));
    }

    #[test]
    fn a_head_of_hives_is_meant_where_a_class_has_its_name_and_the_class_where_hive_answers_it() {
        let head = hive().resolve("general_nsfw").unwrap();
        assert_eq!(head.path.as_str(), "sexual/general_nsfw");
        assert_eq!(hive().resolve("general_nsfw/general_nsfw").unwrap().path.leaf(), "general_nsfw");
        let class = hive().class("general_nsfw").unwrap();
        assert_eq!(class.path.as_str(), "sexual/general_nsfw/general_nsfw");
        assert_eq!(hive().class("gun_in_hand").unwrap().path.as_str(), "violence/gun/gun_in_hand");
        assert!(hive().class("gun").is_none(), "a head has no score");
    }

    #[test]
    fn a_complement_of_hives_is_no_label_and_not_unknown_either() {
        assert_eq!(hive().complements.len(), 53, "one for each head but image_type");
        for complement in &hive().complements {
            assert!(hive().is_complement(complement) && hive().resolve(complement).is_err(), "{complement}");
        }
        assert!(!hive().is_complement("gun_in_hand") && !hive().is_complement("furry-yes_furry"));
    }

    #[test]
    fn what_an_answer_can_hold_is_every_label_of_rekognition_and_only_the_classes_of_hive() {
        assert_eq!(rekognition().answerable().count(), 52);
        assert_eq!(hive().answerable().count(), 72);
        assert!(hive().answerable().all(|label| label.path.as_str().split('/').count() == 3));
        assert_eq!((rekognition().scale(), hive().scale()), (Scale::Percent, Scale::Unit));
        assert_eq!((speech().scale(), speech().answerable().count()), (Scale::Severity, 10));
        assert!(hive().descriptive().any(|label| label.path.leaf() == "natural"));
        assert_eq!(rekognition().descriptive().count(), 0);
    }

    #[test]
    fn labels_outside_the_taxonomy_are_counted() {
        let label = |path| Label(LabelPath::new(path).unwrap(), Confidence::MAX);
        assert_eq!(rekognition().unmapped(&[label("Violence"), label("Suggestive"), label("Weapons")]), 2);
    }

    #[test]
    fn what_is_heard_begins_at_severity_one_and_only_it_is_heard() {
        use crate::model::Severity;
        assert_eq!(Some(speech().floor().0), Severity::new(1).map(Severity::confidence));
        let starts = speech().labels().iter().filter_map(|label| label.from);
        assert!(starts.clone().count() == 5 && starts.into_iter().all(|from| from == Severity::MAX.confidence()));
        let heard = Taxonomy::all().iter().filter(|taxonomy| taxonomy.sense() == Sense::Hearing);
        assert_eq!(heard.map(Taxonomy::name).collect::<Vec<_>>(), [Taxonomy::HIVE_SPEECH]);
        assert_eq!(Taxonomy::answered_by("hive-speech").map(Taxonomy::name), Some(Taxonomy::HIVE_SPEECH));
    }
}
