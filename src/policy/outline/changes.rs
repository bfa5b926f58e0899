//! What differs between two versions of a policy, said for people.

use std::fmt::Display;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChannelsOutline, ComparedOutline, ListeningOutline, Outline, RuleOutline};
use crate::model::{Action, Approval, RuleId};
use crate::policy::terms;

/// Channels named where two lists differ; of the others their number.
const CHANNELS_NAMED_MAX: usize = 50;

/// What differs between two versions of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Changes {
    /// Of the policy itself.
    pub policy: Vec<Changed>,
    /// Rules that are new.
    pub added: Vec<RuleOutline>,
    /// Rules that are gone.
    pub removed: Vec<RuleOutline>,
    /// Rules that say something else.
    pub changed: Vec<ChangedRule>,
}

/// A rule that says something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedRule {
    /// The rule.
    pub rule: RuleId,
    /// What of it.
    pub changes: Vec<Changed>,
}

/// One thing that is said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// What.
    pub what: String,
    /// How it was; of lists only what is not in the other.
    pub from: String,
    /// How it is; of lists only what is not in the other.
    pub to: String,
}

impl Outline {
    /// What differs from the version before; everything is new if there was none.
    pub fn changes_from(&self, before: Option<&Self>) -> Changes {
        let Some(before) = before else {
            return Changes { added: self.rules.clone(), ..Changes::default() };
        };
        let rule_of = |outline: &'_ Self, id: &RuleId| outline.rules.iter().find(|rule| rule.rule == *id).cloned();
        let mut changes = Changes { policy: self.own_changes_from(before), ..Changes::default() };
        for rule in &self.rules {
            match rule_of(before, &rule.rule) {
                None => changes.added.push(rule.clone()),
                Some(earlier) => {
                    let of_rule = rule.changes_from(&earlier);
                    if !of_rule.is_empty() {
                        changes.changed.push(ChangedRule { rule: rule.rule.clone(), changes: of_rule });
                    }
                }
            }
        }
        changes.removed = before.rules.iter().filter(|rule| rule_of(self, &rule.rule).is_none()).cloned().collect();
        changes
    }

    fn own_changes_from(&self, before: &Self) -> Vec<Changed> {
        let similarity = |outline: &Self| match &outline.similarity {
            Some(limits) => format!("hash_distance {}, luma_delta {}", limits.hash_distance, limits.luma_delta),
            None => "off".to_owned(),
        };
        let reputation = |outline: &Self| match &outline.reputation {
            Some(tuning) => tuning.to_string(),
            None => "none".to_owned(),
        };
        let (sampling, earlier) = (&self.sampling, &before.sampling);
        let mut changes = Said::default();
        changes.compare("taxonomy", &before.taxonomy, &self.taxonomy);
        match (&before.channels, &self.channels) {
            (ChannelsOutline::Listed(from), ChannelsOutline::Listed(to)) => changes.compare_lists("channels", from, to),
            (from, to) => changes.compare("channels", shown(from), shown(to)),
        }
        changes.compare("priority", before.priority, self.priority);
        changes.compare("sampling.every", &earlier.every, &sampling.every);
        changes.compare("sampling.tolerance", &earlier.tolerance, &sampling.tolerance);
        changes.compare("sampling.reassess_after", &earlier.reassess_after, &sampling.reassess_after);
        changes.compare("sampling.max_age", &earlier.max_age, &sampling.max_age);
        changes.compare("reputation", reputation(before), reputation(self));
        changes.compare("similarity", similarity(before), similarity(self));
        changes.compare("judged_by", &before.judged_by, &self.judged_by);
        let second = |outline: &Self| outline.second_opinion.as_ref().map_or("none".to_owned(), ToString::to_string);
        changes.compare("second_opinion", second(before), second(self));
        let compared = |outline: &Self| match &outline.compare_with {
            Some(ComparedOutline { provider, share }) => format!("{provider}, {share}"),
            None => "none".to_owned(),
        };
        changes.compare("compare_with", compared(before), compared(self));
        let listening = |listening: &Option<ListeningOutline>| match listening {
            Some(ListeningOutline { every, judged_by }) => format!("every {every}, judged_by {judged_by}"),
            None => "none".to_owned(),
        };
        changes.compare("sound", listening(&before.sound), listening(&self.sound));
        changes.compare("clips", listening(&before.clips), listening(&self.clips));
        let unavailable = |outline: &Self| terms::show_on_unavailable(outline.on_unavailable);
        changes.compare("on_unavailable", unavailable(before), unavailable(self));
        changes.compare("automatic_stops", &before.automatic_stops, &self.automatic_stops);
        changes.0
    }
}

impl RuleOutline {
    fn changes_from(&self, before: &Self) -> Vec<Changed> {
        let percent = |rule: &Self| f64::from(rule.confidence.as_milli()) / 1000.0;
        let taxonomy = |rule: &Self| rule.taxonomy.clone().unwrap_or_else(|| "the policy's".to_owned());
        let mut changes = Said::default();
        changes.compare("taxonomy", taxonomy(before), taxonomy(self));
        changes.compare_lists("categories", &before.categories, &self.categories);
        changes.compare("confidence", percent(before), percent(self));
        changes.compare("window", &before.window, &self.window);
        changes.compare("action", action(before.action), action(self.action));
        changes.compare("approval", approval(before.approval), approval(self.approval));
        changes.compare("severity", before.severity, self.severity);
        changes.compare("cooldown", &before.cooldown, &self.cooldown);
        changes.0
    }
}

/// What was found to be said otherwise.
#[derive(Default)]
struct Said(Vec<Changed>);

impl Said {
    fn compare(&mut self, what: &str, from: impl Display, to: impl Display) {
        let (from, to) = (from.to_string(), to.to_string());
        if from != to {
            self.0.push(Changed { what: what.to_owned(), from, to });
        }
    }

    /// The order of a list does not count.
    fn compare_lists<T: Ord + Display>(&mut self, what: &str, from: &[T], to: &[T]) {
        self.compare(what, only_in(from, to), only_in(to, from));
    }
}

fn only_in<T: Ord + Display>(one: &[T], other: &[T]) -> String {
    let other: std::collections::BTreeSet<&T> = other.iter().collect();
    let only: Vec<String> = one.iter().filter(|item| !other.contains(item)).map(ToString::to_string).collect();
    let named = only.iter().take(CHANNELS_NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match only.len().saturating_sub(CHANNELS_NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn shown(channels: &ChannelsOutline) -> String {
    match channels {
        ChannelsOutline::Listed(ids) => only_in(ids, &[]),
        ChannelsOutline::Matching(pattern) => format!("matching {pattern}"),
    }
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Warn => "warn",
        Action::Stop => "stop",
        Action::Suspend => "suspend",
    }
}

fn approval(approval: Approval) -> &'static str {
    match approval {
        Approval::None => "none",
        Approval::Person => "person",
    }
}
