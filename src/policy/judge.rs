//! Where a threshold is compared: labels against rules.

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

/// The rules of `policy` that some label hits, in the policy's order.
pub fn hits<'a>(policy: &'a Policy, labels: &[Label]) -> Vec<RuleHit<'a>> {
    policy.rules.iter().filter_map(|rule| hit(rule, labels)).collect()
}

/// The same of an answer in `taxonomy`; none if the policy cannot read one in it: rules that name none of its labels would
/// all be silent, and silence would read as clear.
pub fn read_hits<'a>(policy: &'a Policy, taxonomy: &str, labels: &[Label]) -> Option<Vec<RuleHit<'a>>> {
    (*taxonomy == *policy.taxonomy).then(|| hits(policy, labels))
}

fn hit<'a>(rule: &'a Rule, labels: &[Label]) -> Option<RuleHit<'a>> {
    let mut best: Option<RuleHit<'a>> = None;
    for (label, said) in labels.iter().enumerate() {
        let margin = said.confidence().margin_over(rule.confidence);
        let surer = best.as_ref().is_none_or(|best| margin > best.margin);
        if margin >= 0 && surer && rule.categories.iter().any(|category| category.holds(said)) {
            best = Some(RuleHit { rule, label, margin });
        }
    }
    best
}

/// The rule that some label came nearest to without hitting it, and by how much it fell short, in thousandths of a
/// percent; none if no label came within `margin` of a threshold.
pub fn nearest<'a>(policy: &'a Policy, labels: &[Label], margin: Confidence) -> Option<(&'a Rule, u32)> {
    let short = |rule: &Rule| {
        let held = labels.iter().filter(|label| rule.categories.iter().any(|category| category.holds(label)));
        let surest = held.map(|label| label.confidence()).max()?;
        let short = u32::try_from(-surest.margin_over(rule.confidence)).ok()?;
        (short > 0 && short <= margin.as_milli()).then_some(short)
    };
    policy.rules.iter().filter_map(|rule| Some((rule, short(rule)?))).min_by_key(|(_, short)| *short)
}

impl Category {
    /// Whether a label lies in this category.
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

    fn judged(categories: &str, labels: &[(&str, u32)]) -> Option<(usize, i32)> {
        let text = format!(
            "policy: p\nchannels: [c]\ntaxonomy: rekognition/7.0\n\
             rules: [{{id: r, categories: {categories}, confidence: 80}}]"
        );
        let policy = file::load("p.yaml", &text).unwrap().remove(0).policy;
        let label =
            |(path, milli): &(&str, u32)| Label(LabelPath::new(path).unwrap(), Confidence::from_milli(*milli).unwrap());
        let labels: Vec<Label> = labels.iter().map(label).collect();
        hits(&policy, &labels).first().map(|hit| (hit.label, hit.margin))
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
}
