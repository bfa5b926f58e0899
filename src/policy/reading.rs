//! An answer's labels as a policy's rules read them: by their own names, or by what they stand for in the words that the
//! rules are written in. Compares no threshold.

use super::mapping::Mapping;
use super::{Category, Policy, Rule};
use crate::model::{Label, LabelPath};

/// An answer, ready to be held against the rules of one policy.
pub(super) struct Reading<'a> {
    answered: &'a str,
    labels: &'a [Label],
    words: Words,
}

enum Words {
    /// The policy is written in the taxonomy of the answer.
    Own,
    /// It is not: what each label stands for, in the order of the answer. Looked up once, whatever the number of rules.
    Others(Vec<&'static [LabelPath]>),
    /// It is not, and nobody has reviewed how to read it: only rules in the words of the answer can be hit.
    Unread,
}

/// That a label lies in a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// By its own name.
    AsItself,
    /// By what it stands for in the words of the rule.
    As(&'static LabelPath),
}

impl<'a> Reading<'a> {
    /// The labels of an answer given in the taxonomy `answered`, as the rules of `policy` read them.
    pub(super) fn of(policy: &Policy, answered: &'a str, labels: &'a [Label]) -> Self {
        let words = match Mapping::between(answered, &policy.taxonomy) {
            _ if *answered == *policy.taxonomy => Words::Own,
            Some(mapping) => Words::Others(labels.iter().map(|label| mapping.read(label.path())).collect()),
            None => Words::Unread,
        };
        Self { answered, labels, words }
    }

    /// The labels that lie in a rule's categories, each with its index in the answer and how it lies in them.
    pub(super) fn held_by<'r>(&'r self, rule: &'r Rule) -> impl Iterator<Item = (usize, &'a Label, Held)> {
        let labels = if rule.reads(self.answered) { self.labels } else { &[] };
        let held = move |at, label| rule.categories.iter().find_map(|category| self.held(rule, category, at, label));
        labels.iter().enumerate().filter_map(move |(at, label)| Some((at, label, held(at, label)?)))
    }

    fn held(&self, rule: &Rule, category: &Category, at: usize, label: &Label) -> Option<Held> {
        let as_itself = || category.holds(label).then_some(Held::AsItself);
        match (&self.words, category) {
            (Words::Own, _) => as_itself(),
            _ if rule.taxonomy.is_some() => as_itself(), // which is the answer's, or the rule would not read it
            (Words::Others(_), Category::Any) => as_itself(),
            (Words::Others(stand_for), Category::Within(category)) => {
                stand_for[at].iter().find(|path| path.is_within(category)).map(Held::As)
            }
            (Words::Unread, _) => None,
        }
    }
}

impl Rule {
    /// Whether it reads answers in that taxonomy at all: one with a taxonomy of its own reads no other.
    pub fn reads(&self, answered: &str) -> bool {
        self.taxonomy.as_deref().is_none_or(|own| own == answered)
    }
}

impl Policy {
    /// Whether an answer in that taxonomy can be judged: rules in the policy's words need them to be the answer's too, or
    /// a reviewed mapping from the answer's; and some rule must read it. Otherwise every rule would be silent, and silence
    /// would pass for clear. Rules on sound say nothing of pictures; of an answer about sound see
    /// [`reads_of`](Self::reads_of).
    pub fn reads(&self, answered: &str) -> bool {
        let mut sighted = self.rules.iter().filter(|rule| !self.hears(rule)).peekable();
        let in_policys_words = sighted.peek().is_none() || sighted.any(|rule| rule.taxonomy.is_none());
        match in_policys_words {
            true => *self.taxonomy == *answered || Mapping::between(answered, &self.taxonomy).is_some(),
            false => self.rules.iter().any(|rule| !self.hears(rule) && rule.reads(answered)),
        }
    }
}
