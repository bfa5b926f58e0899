//! Where a threshold is compared: labels against rules.

use super::reading::Reading;
use super::{Category, Policy, Rule};
use crate::model::{Confidence, Label};

/// A rule that a label hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleHit<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Index of the label with the largest margin; of several the first.
    pub label: usize,
    /// Its confidence over the threshold, in thousandths of a percent; never negative.
    pub margin: i32,
}

/// The rules of `policy` that some label hits, in the policy's order. The labels are those of an answer in the taxonomy
/// `answered`; in another one than a rule's they stand for what a reviewed mapping says.
pub fn hits<'a>(policy: &'a Policy, answered: &str, labels: &[Label]) -> Vec<RuleHit<'a>> {
    let reading = Reading::of(policy, answered, labels);
    policy.rules.iter().filter_map(|rule| hit(rule, &reading)).collect()
}

/// The same; none if the policy cannot read an answer in `answered`: rules that name none of its labels would all be silent,
/// and silence would read as clear.
pub fn read_hits<'a>(policy: &'a Policy, answered: &str, labels: &[Label]) -> Option<Vec<RuleHit<'a>>> {
    policy.reads(answered).then(|| hits(policy, answered, labels))
}

fn hit<'a>(rule: &'a Rule, reading: &Reading<'_>) -> Option<RuleHit<'a>> {
    let mut best: Option<RuleHit<'a>> = None;
    for (label, said, _) in reading.held_by(rule) {
        let margin = said.confidence().margin_over(rule.confidence);
        if margin >= 0 && best.as_ref().is_none_or(|best| margin > best.margin) {
            best = Some(RuleHit { rule, label, margin });
        }
    }
    best
}

/// The rule that some label came nearest to without hitting it, and by how much it fell short, in thousandths of a
/// percent; none if no label came within `margin` of a threshold.
pub fn nearest<'a>(
    policy: &'a Policy,
    answered: &str,
    labels: &[Label],
    margin: Confidence,
) -> Option<(&'a Rule, u32)> {
    let reading = Reading::of(policy, answered, labels);
    let short = |rule: &Rule| {
        let surest = reading.held_by(rule).map(|(_, label, _)| label.confidence()).max()?;
        let short = u32::try_from(-surest.margin_over(rule.confidence)).ok()?;
        (short > 0 && short <= margin.as_milli()).then_some(short)
    };
    policy.rules.iter().filter_map(|rule| Some((rule, short(rule)?))).min_by_key(|(_, short)| *short)
}

impl Category {
    /// Whether a label lies in this category by its own name.
    pub fn holds(&self, label: &Label) -> bool {
        match self {
            Self::Any => true,
            Self::Within(category) => label.path().is_within(category),
        }
    }

    /// Whether every label in `other` lies in this category too.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Within(_), Self::Any) => false,
            (Self::Within(wide), Self::Within(narrow)) => narrow.is_within(wide),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Confidence, LabelPath};
    use crate::policy::file;

    fn label(path: &str, milli: u32) -> Label {
        Label(LabelPath::new(path).unwrap(), Confidence::from_milli(milli).unwrap())
    }

    /// A policy in `words` with one rule.
    fn policy(words: &str, rule: &str) -> Policy {
        let text = format!("policy: p\nchannels: [c]\ntaxonomy: {words}\nrules: [{{id: r, {rule}}}]");
        file::load("p.yaml", &text).unwrap().remove(0).policy
    }

    fn judged(categories: &str, labels: &[(&str, u32)]) -> Option<(usize, i32)> {
        let policy = policy("rekognition/7.0", &format!("categories: {categories}, confidence: 80"));
        let labels: Vec<Label> = labels.iter().map(|(path, milli)| label(path, *milli)).collect();
        hits(&policy, "rekognition/7.0", &labels).first().map(|hit| (hit.label, hit.margin))
    }

    #[test]
    fn a_label_hits_from_the_threshold_on_in_its_category_or_below() {
        let weapons = "Violence/Weapons";
        for (categories, labels, expected) in [
            ("[Violence]", &[(weapons, 80_000)][..], Some((0, 0))),
            ("[Violence]", &[(weapons, 79_999)], None),
            ("[Weapons]", &[("Violence", 99_000)], None),
            ("[Weapons]", &[], None),
            ("[\"*\"]", &[("A New Label", 81_000)], Some((0, 1000))),
            (
                "[Explicit, Violence]",
                &[("Gambling", 99_000), (weapons, 90_000), ("Explicit", 95_000)],
                Some((2, 15_000)),
            ),
            ("[Violence]", &[("Violence", 90_000), (weapons, 90_000)], Some((0, 10_000))),
        ] {
            assert_eq!(judged(categories, labels), expected, "{categories} {labels:?}");
        }
    }

    /// Each kind of reading: one to one, to the category above, none, every label, a rule in words of its own, a score.
    #[test]
    fn labels_in_other_words_hit_what_they_stand_for() {
        const GUN: &str = "violence/gun/gun_in_hand";
        const NATURAL: &str = "attributes/image_type/natural";
        const NOTHING: &[(&str, u32)] = &[];
        for (words, rule, answered, labels, expected) in [
            (
                "rekognition/7.0",
                "categories: [Weapons], confidence: 90",
                "hive-visual/1",
                &[(GUN, 93_000)][..],
                Some(0),
            ),
            ("rekognition/7.0", "categories: [Violence], confidence: 90", "hive-visual/1", &[(GUN, 93_000)], Some(0)),
            ("rekognition/7.0", "categories: [Weapons], confidence: 90", "hive-visual/1", &[(GUN, 89_999)], None),
            ("rekognition/7.0", "categories: [Alcohol], confidence: 90", "hive-visual/1", &[(GUN, 93_000)], None),
            // The surest of several, by its place in the answer.
            (
                "rekognition/7.0",
                "categories: [Violence], confidence: 50",
                "hive-visual/1",
                &[(NATURAL, 99_000), (GUN, 60_000), ("violence/blood/very_bloody", 70_000)],
                Some(2),
            ),
            // To the category above: the narrower rule is not hit.
            (
                "hive-visual/1",
                "categories: [violence], confidence: 80",
                "rekognition/7.0",
                &[("Violence/Weapons", 90_000)],
                Some(0),
            ),
            (
                "hive-visual/1",
                "categories: [gun], confidence: 80",
                "rekognition/7.0",
                &[("Violence/Weapons", 90_000)],
                None,
            ),
            // Two counterparts of one label.
            (
                "hive-visual/1",
                "categories: [yes_female_nudity], confidence: 80",
                "rekognition/7.0",
                &[("Explicit/Explicit Nudity/Exposed Female Nipple", 90_000)],
                Some(0),
            ),
            // None, and * all the same.
            (
                "rekognition/7.0",
                "categories: [Visually Disturbing], confidence: 10",
                "hive-visual/1",
                &[(NATURAL, 99_000)],
                None,
            ),
            ("rekognition/7.0", "categories: [\"*\"], confidence: 90", "hive-visual/1", &[(NATURAL, 99_000)], Some(0)),
            (
                "rekognition/7.0",
                "categories: [\"*\"], confidence: 90",
                "hive-visual/1",
                &[("furry/yes_furry", 99_000)],
                Some(0),
            ),
            ("rekognition/7.0", "categories: [\"*\"], confidence: 90", "hive-visual/1", NOTHING, None),
            // In words of its own: by its own names, and no other answer.
            (
                "rekognition/7.0",
                "taxonomy: hive-visual/1, categories: [gun], confidence: 90",
                "hive-visual/1",
                &[(GUN, 93_000)],
                Some(0),
            ),
            (
                "rekognition/7.0",
                "taxonomy: hive-visual/1, categories: [violence], confidence: 90",
                "rekognition/7.0",
                &[("Violence", 99_000)],
                None,
            ),
            (
                "rekognition/7.0",
                "taxonomy: hive-visual/1, categories: [\"*\"], confidence: 90",
                "rekognition/7.0",
                &[("Violence", 99_000)],
                None,
            ),
            (
                "rekognition/7.0",
                "taxonomy: rekognition/7.0, categories: [Violence], confidence: 90",
                "hive-visual/1",
                &[(GUN, 99_000)],
                None,
            ),
            // A score is a threshold like any other.
            ("hive-visual/1", "categories: [gun], score: 0.9", "hive-visual/1", &[(GUN, 90_000)], Some(0)),
            ("hive-visual/1", "categories: [gun], score: 0.9", "hive-visual/1", &[(GUN, 89_999)], None),
            (
                "hive-visual/1",
                "categories: [violence], score: 0.9",
                "rekognition/7.0",
                &[("Violence", 90_000)],
                Some(0),
            ),
            // The older model of the same provider.
            (
                "rekognition/7.0",
                "categories: [Self-Harm], confidence: 80",
                "rekognition/6.1",
                &[("Violence/Self Injury", 90_000)],
                Some(0),
            ),
            // Nobody has reviewed it.
            ("rekognition/7.0", "categories: [\"*\"], confidence: 10", "other/1", &[("Violence", 99_000)], None),
        ] {
            let policy = policy(words, rule);
            let labels: Vec<Label> = labels.iter().map(|(path, milli)| label(path, *milli)).collect();
            let hit = hits(&policy, answered, &labels).first().map(|hit| hit.label);
            assert_eq!(hit, expected, "{rule} of {words} on {labels:?} in {answered}");
            // A near miss is read the same way: one step above the threshold of a hit it is one.
            if let Some(at) = expected {
                let threshold = labels[at].confidence().as_milli() + 1;
                let mut above = policy.clone();
                above.rules[0].confidence = Confidence::from_milli(threshold).unwrap();
                let near = nearest(&above, answered, &labels[at..=at], Confidence::from_milli(10).unwrap());
                assert_eq!(near.map(|(_, short)| short), Some(1), "{rule} of {words}");
            }
        }
    }

    #[test]
    fn an_answer_that_no_rule_could_read_is_not_judged() {
        let own = "taxonomy: hive-visual/1, categories: [gun], confidence: 90";
        for (words, rule, answered, reads) in [
            ("rekognition/7.0", "categories: [Weapons], confidence: 90", "rekognition/7.0", true),
            ("rekognition/7.0", "categories: [Weapons], confidence: 90", "hive-visual/1", true),
            ("rekognition/7.0", "categories: [Weapons], confidence: 90", "rekognition/6.1", true),
            ("rekognition/6.1", "categories: [Weapons], confidence: 90", "rekognition/7.0", false),
            ("rekognition/7.0", "categories: [Weapons], confidence: 90", "rekognition/8", false),
            ("rekognition/7.0", own, "hive-visual/1", true),
            ("rekognition/7.0", own, "rekognition/7.0", false),
            ("rekognition/6.1", own, "hive-visual/1", true),
        ] {
            assert_eq!(policy(words, rule).reads(answered), reads, "{rule} of {words}, answered in {answered}");
        }
    }
}
