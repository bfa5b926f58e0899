//! How a label of one taxonomy reads in the words of another: reviewed data, built into the program.
//!
//! A counterpart means that a frame which truly deserves the label deserves that one too. That some label has none is
//! said with the reason, never left out: a test holds every table against both of its taxonomies. Knows nothing of
//! policies and compares no threshold.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::LabelPath;

/// How labels of one taxonomy read in the words of another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    from: String,
    to: String,
    source: String,
    note: String,
    labels: BTreeMap<String, Counterparts>,
}

/// What a label stands for in the words of another taxonomy.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Counterparts {
    /// Each of these: a frame that deserves the label deserves them.
    Are(Vec<LabelPath>),
    /// Nothing, and why.
    None(String),
}

static MAPPINGS: LazyLock<[Mapping; 7]> = LazyLock::new(|| {
    [
        include_str!("taxonomies/hive-visual-1-as-rekognition-7.0.json"),
        include_str!("taxonomies/local-nudity-1-as-rekognition-7.0.json"),
        include_str!("taxonomies/rekognition-7.0-as-hive-visual-1.json"),
        include_str!("taxonomies/local-nudity-1-as-hive-visual-1.json"),
        include_str!("taxonomies/rekognition-7.0-as-local-nudity-1.json"),
        include_str!("taxonomies/hive-visual-1-as-local-nudity-1.json"),
        include_str!("taxonomies/rekognition-6.1-as-7.0.json"),
    ]
    .map(|text| serde_json::from_str(text).expect("the built-in mappings are read by a test"))
});

impl Mapping {
    /// Every mapping that is built in.
    pub fn all() -> &'static [Self] {
        MAPPINGS.as_slice()
    }

    /// How labels of `from` read in the words of `to`; none if nobody has reviewed that, and of a taxonomy to itself.
    pub fn between(from: &str, to: &str) -> Option<&'static Self> {
        Self::all().iter().find(|mapping| mapping.from == from && mapping.to == to)
    }

    /// The taxonomy whose labels it reads, and that in whose words.
    pub fn ends(&self) -> (&str, &str) {
        (&self.from, &self.to)
    }

    /// Where it comes from, and what must be known of it.
    pub fn provenance(&self) -> (&str, &str) {
        (&self.source, &self.note)
    }

    /// Every label that it reads, with what that stands for.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &Counterparts)> {
        self.labels.iter().map(|(path, counterparts)| (path.as_str(), counterparts))
    }

    /// What a label stands for; nothing where it has no counterpart. One that a newer model adds below a known label is
    /// read as that one.
    pub fn read(&self, label: &LabelPath) -> &[LabelPath] {
        let above = std::iter::successors(Some(label.as_str()), |path| Some(path.rsplit_once('/')?.0));
        match above.filter_map(|path| self.labels.get(path)).next() {
            Some(Counterparts::Are(paths)) => paths,
            Some(Counterparts::None(_)) | None => &[],
        }
    }

    /// Why a label stands for nothing; none where it stands for something, or is not known.
    pub fn why_none(&self, label: &LabelPath) -> Option<&str> {
        match self.labels.get(label.as_str())? {
            Counterparts::Are(_) => None,
            Counterparts::None(reason) => Some(reason),
        }
    }

    /// Whether any label that an answer can hold reads as part of this category.
    pub fn reaches(&self, category: &LabelPath) -> bool {
        self.labels.values().any(|counterparts| match counterparts {
            Counterparts::Are(paths) => paths.iter().any(|path| path.is_within(category)),
            Counterparts::None(_) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::taxonomy::Taxonomy;

    fn path(text: &str) -> LabelPath {
        LabelPath::new(text).unwrap()
    }

    fn read(from: &str, to: &str, label: &str) -> Vec<String> {
        let mapping = Mapping::between(from, to).unwrap();
        mapping.read(&path(label)).iter().map(LabelPath::to_string).collect()
    }

    #[test]
    fn every_label_that_can_be_answered_has_an_entry_and_every_entry_both_of_its_ends() {
        for mapping in Mapping::all() {
            let (from, to) = mapping.ends();
            let [from, to] = [from, to].map(|name| Taxonomy::named(name).unwrap_or_else(|| panic!("no {name}")));
            for label in from.answerable() {
                assert!(mapping.labels.contains_key(label.path.as_str()), "{mapping:?} says nothing of {}", label.path);
            }
            assert_eq!(mapping.labels.len(), from.answerable().count(), "{} as {}", from.name(), to.name());
            for (label, counterparts) in mapping.labels() {
                match counterparts {
                    Counterparts::Are(paths) => {
                        assert!(!paths.is_empty(), "{label}: nothing, and no reason");
                        paths.iter().for_each(|it| assert!(to.get(it).is_some(), "{label} → {it} is not in {to:?}"));
                    }
                    Counterparts::None(reason) => assert!(reason.len() > 7, "{label}: {reason:?} is no reason"),
                }
            }
        }
    }

    /// Which pairs are read. Rules in the names of Rekognition 6.1, which is superseded, judge its own answers only. What
    /// is heard has no counterpart in what is seen: a table that says so label by label would let an answer of the one
    /// pass for clear under rules of the other.
    #[test]
    fn every_two_taxonomies_that_are_in_use_are_read_in_each_others_words() {
        for from in Taxonomy::all() {
            for to in Taxonomy::all() {
                let superseded = from.name() == "rekognition/6.1" || to.name() == "rekognition/6.1";
                let reviewed = from.name() != to.name() && !superseded && from.sense() == to.sense()
                    || (from.name(), to.name()) == ("rekognition/6.1", Taxonomy::REKOGNITION);
                let known = Mapping::between(from.name(), to.name()).is_some();
                assert_eq!(known, reviewed, "{} as {}", from.name(), to.name());
            }
        }
    }

    #[test]
    fn what_is_plainly_sexual_is_never_silent_under_rules_in_the_local_models_words() {
        for (from, label) in [
            ("rekognition/7.0", "Explicit/Explicit Nudity"),
            ("rekognition/7.0", "Explicit/Explicit Sexual Activity"),
            ("hive-visual/1", "sexual/general_nsfw/general_nsfw"),
            ("hive-visual/1", "sexual/sexual_activity/yes_sexual_activity"),
            ("hive-visual/1", "sexual/realistic_nsfw/yes_realistic_nsfw"),
        ] {
            let mapping = Mapping::between(from, "local-nudity/1").unwrap();
            let read: Vec<&str> = mapping.read(&path(label)).iter().map(LabelPath::as_str).collect();
            assert_eq!(read, ["Preliminary Nudity"], "{label} of {from}");
        }
    }

    /// A label's parents hold for it, so what they stand for must.
    #[test]
    fn a_label_stands_for_whatever_its_parents_stand_for() {
        for mapping in Mapping::all() {
            for (label, _) in mapping.labels() {
                let Some((parent, _)) = label.rsplit_once('/') else { continue };
                for above in mapping.read(&path(parent)) {
                    let below = mapping.read(&path(label));
                    assert!(below.iter().any(|it| it.is_within(above)), "{:?}: {label} {above}", mapping.ends());
                }
            }
        }
    }

    #[test]
    fn labels_read_one_to_one_to_the_category_above_and_to_none() {
        let (rekognition, hive, local) = (Taxonomy::REKOGNITION, Taxonomy::HIVE_VISUAL, Taxonomy::LOCAL_NUDITY);
        for (from, to, label, expected) in [
            (hive, rekognition, "violence/gun/gun_in_hand", &["Violence/Weapons"][..]),
            (rekognition, hive, "Violence/Weapons", &["violence"]),
            (hive, rekognition, "attributes/image_type/natural", &[]),
            (rekognition, hive, "Visually Disturbing/Crashes/Air Crash", &[]),
            (local, rekognition, "Preliminary Nudity/Probable", &["Explicit"]),
            (rekognition, local, "Violence", &[]),
            ("rekognition/6.1", rekognition, "Gambling/Gambling", &["Gambling"]),
            // What a newer model adds.
            (rekognition, hive, "Violence/Weapons/Swords", &["violence"]),
            (hive, rekognition, "unheard_of", &[]),
        ] {
            assert_eq!(read(from, to, label), expected, "{from} {label} as {to}");
        }
    }

    #[test]
    fn what_nothing_stands_for_is_known_with_the_reason() {
        let back = Mapping::between(Taxonomy::REKOGNITION, Taxonomy::HIVE_VISUAL).unwrap();
        assert_eq!(back.why_none(&path("Visually Disturbing/Crashes")), Some("Hive has no class for crashes"));
        assert_eq!(back.why_none(&path("Violence")), None);
        let mapping = Mapping::between(Taxonomy::HIVE_VISUAL, Taxonomy::REKOGNITION).unwrap();
        assert!(mapping.reaches(&path("Violence")) && mapping.reaches(&path("Violence/Weapons")));
        assert!(!mapping.reaches(&path("Visually Disturbing/Crashes")));
    }
}
