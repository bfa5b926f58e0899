//! What answers name, in words that providers have in common: the categories of one taxonomy, into which the reviewed
//! tables read the others. A category that a provider has no word for is no "no" of it, and is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::model::{Confidence, Label, LabelPath};
use crate::policy::mapping::Mapping;
use crate::policy::taxonomy::Taxonomy;

/// In whose words: of all taxonomies the one that most others are read in.
pub(super) const COMMON: &str = Taxonomy::REKOGNITION;
/// From where on an answer counts as naming a category, each provider's on its own scale.
pub(super) const NAMED_FROM: Confidence = match Confidence::from_milli(50_000) {
    Some(half) => half,
    None => panic!("50 is a percentage"),
};

/// A category of the common taxonomy, by its place there.
pub(super) type Category = u16;

/// What one answer names.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// What its provider has words for.
    can: &'static BTreeSet<Category>,
    names: BTreeSet<Category>,
}

impl Named {
    /// What an answer in the words of `taxonomy` names; none where nobody reviewed how these read in the common ones.
    pub fn by(taxonomy: &str, labels: &[Label]) -> Option<Self> {
        let can = CAN.get(taxonomy)?;
        let mapping = Mapping::between(taxonomy, COMMON);
        let mut names = BTreeSet::new();
        for label in labels.iter().filter(|label| label.confidence() >= NAMED_FROM) {
            match mapping {
                Some(mapping) => mapping.read(label.path()).iter().for_each(|path| name_all(path, &mut names)),
                None => name_all(label.path(), &mut names),
            }
        }
        Some(Self { can, names })
    }

    /// Every category that both have words for, with whether this one and the other name it.
    pub fn beside<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (Category, bool, bool)> + 'a {
        let both = self.can.intersection(other.can);
        both.map(|category| (*category, self.names.contains(category), other.names.contains(category)))
    }
}

/// The path of a category.
pub(super) fn path_of(category: Category) -> &'static LabelPath {
    &common().labels()[usize::from(category)].path
}

fn common() -> &'static Taxonomy {
    Taxonomy::named(COMMON).expect("it is built in")
}

/// The categories that a path lies in, itself among them.
fn name_all(path: &LabelPath, names: &mut BTreeSet<Category>) {
    let above = std::iter::successors(Some(path.as_str()), |path| Some(path.rsplit_once('/')?.0));
    names.extend(above.filter_map(|path| PLACES.get(path)));
}

static PLACES: LazyLock<BTreeMap<&'static str, Category>> = LazyLock::new(|| {
    let numbered = common().labels().iter().zip(0..);
    numbered.map(|(label, place)| (label.path.as_str(), place)).collect()
});

/// What each taxonomy has words for.
static CAN: LazyLock<BTreeMap<&'static str, BTreeSet<Category>>> = LazyLock::new(|| {
    let all = || PLACES.values().copied();
    let read = Mapping::all().iter().filter(|mapping| mapping.ends().1 == COMMON);
    let can = |mapping: &'static Mapping| {
        (mapping.ends().0, all().filter(|category| mapping.reaches(path_of(*category))).collect())
    };
    read.map(can).chain([(COMMON, all().collect())]).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    fn label(path: &str, percent: u32) -> Label {
        let confidence = Confidence::from_milli(percent * 1000).expect("at most 100");
        Label(LabelPath::new(path).expect("a sound path"), confidence)
    }

    fn beside(one: (&str, &[Label]), other: (&str, &[Label])) -> Vec<(&'static str, bool, bool)> {
        let [one, other] = [one, other].map(|(taxonomy, labels)| Named::by(taxonomy, labels).expect("reviewed"));
        let named = one.beside(&other).filter(|(_, one, other)| *one || *other);
        named.map(|(category, one, other)| (path_of(category).as_str(), one, other)).collect()
    }

    #[test]
    fn a_label_names_its_category_in_the_common_words_and_those_above() {
        let gun = [label("violence/gun/gun_in_hand", 93)];
        let weapons = [label("Violence/Weapons", 97), label("Alcohol", 49)];
        assert_eq!(
            beside((Taxonomy::HIVE_VISUAL, &gun), (COMMON, &weapons)),
            [("Violence", true, true), ("Violence/Weapons", true, true)]
        );
        assert_eq!(
            beside((Taxonomy::HIVE_VISUAL, &[]), (COMMON, &weapons)),
            [("Violence", false, true), ("Violence/Weapons", false, true)]
        );
    }

    #[test]
    fn what_one_of_them_has_no_word_for_is_not_held_against_it() {
        let weapons = [label("Violence/Weapons", 97)];
        assert!(beside((Taxonomy::LOCAL_NUDITY, &[]), (COMMON, &weapons)).is_empty(), "it sees nudity alone");
        let nudity = [label("Explicit/Explicit Nudity", 90)];
        assert_eq!(beside((Taxonomy::LOCAL_NUDITY, &[]), (COMMON, &nudity)), [("Explicit", false, true)]);
        assert!(Named::by("hive-speech/1", &[]).is_none(), "what is heard is not seen");
    }
}
