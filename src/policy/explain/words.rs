//! An explanation in a sentence.

use std::fmt;

use super::{BestLabel, Change, CountsAs, Deaf, Lacks, Reached, RuleExplanation};
use crate::model::{Action, Approval, RuleId};
use crate::policy::taxonomy::Scale;
use crate::policy::{Category, terms};

/// Rules named where any of them would do.
const RULES_NAMED_MAX: usize = 8;

impl fmt::Display for RuleExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match (self.action, self.approval) {
            (Action::Warn, _) => "warn",
            (Action::Stop, Approval::None) => "stop",
            (Action::Stop, Approval::Person) => "stop if a person agrees",
            (Action::Suspend, Approval::None) => "suspend",
            (Action::Suspend, Approval::Person) => "suspend if a person agrees",
        };
        write!(f, "{} ({action}, from {}): ", self.rule, terms::show_threshold(self.threshold, self.stated_in))?;
        match (&self.best, &self.deaf) {
            (Some(best), _) if self.stated_in == Scale::Severity => f.write_str(&terms::show_graded(&best.label))?,
            (Some(best), _) => write!(f, "{best}")?,
            (None, Some(deaf)) => write!(f, "{deaf}")?,
            (None, None) => f.write_str("no label of its categories")?,
        }
        let window = terms::show_window(self.window);
        match (self.reached, self.hits) {
            (Reached::Missed, Some(hits)) => write!(f, ", not a hit; {hits} in its window of {window}")?,
            (Reached::Missed, None) => f.write_str(", not a hit")?,
            (Reached::Partial, hits) => {
                write!(f, ", a hit, {} in its window of {window}: not met yet", hits.unwrap_or(1))?
            }
            (Reached::Met, _) => write!(f, ", met ({window})")?,
            (Reached::Hit, _) => write!(f, ", a hit in its window of {window}")?,
        }
        f.write_str("; otherwise with ")?;
        // A miss needs all of it together, a hit that is not enough comes out otherwise with any of it.
        let joint = if self.reached == Reached::Missed { " and " } else { ", or with " };
        for (index, change) in self.would_change.iter().enumerate() {
            write!(f, "{}{change}", if index == 0 { "" } else { joint })?;
        }
        match &self.lacks {
            Some(lacks) => write!(f, "; the stop is proposed to a person: {lacks}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for BestLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let confidence = Exactly(self.label.confidence().as_milli());
        let margin = Exactly(self.margin.unsigned_abs());
        let sign = if self.margin < 0 { '−' } else { '+' };
        match &self.counts_as {
            None => write!(f, "{} {confidence} ({sign}{margin})", self.label.path()),
            Some(CountsAs { provider, path }) => {
                let name = self.label.path().leaf();
                write!(f, "{provider}'s {name} {confidence} % counts as {path} ({sign}{margin})")
            }
        }
    }
}

impl fmt::Display for Deaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(taxonomy) => write!(f, "it reads answers in {taxonomy} only"),
            Self::NoCounterpart { answered, .. } => write!(f, "no label of {answered} counts as any of its categories"),
        }
    }
}

impl fmt::Display for Lacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person => f.write_str("the policy has every stop proposed"),
            Self::Rules { more, of, within_ms } => {
                let rules = if *more == 1 { "rule" } else { "rules" };
                let of: Vec<&str> = of.iter().take(RULES_NAMED_MAX).map(RuleId::as_str).collect();
                let named = if of.is_empty() { "the policy has no other".to_owned() } else { of.join(" or ") };
                let within = terms::show_duration(*within_ms);
                write!(f, "{more} more {rules} had to be met within {within}, {named}")
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnswerIn { taxonomy } => write!(f, "an answer in {taxonomy}"),
            Self::MoreConfidence { path, by } => write!(f, "{} more on {path}", Exactly(*by)),
            Self::AnyLabel { categories, from } if categories.contains(&Category::Any) => {
                write!(f, "{} or more on any label", Exactly(from.as_milli()))
            }
            Self::AnyLabel { categories, from } => {
                let names: Vec<&str> = categories.iter().map(Category::as_str).collect();
                write!(f, "{} or more on {}", Exactly(from.as_milli()), names.join(" or "))
            }
            Self::MoreHits { more: 1, window } => write!(f, "one more hit ({})", terms::show_window(*window)),
            Self::MoreHits { more, window } => write!(f, "{more} more hits ({})", terms::show_window(*window)),
            Self::LessConfidence { each } => {
                for (index, (path, by)) in each.iter().enumerate() {
                    let joint = if index == 0 { "" } else { " and " };
                    match by {
                        0 => write!(f, "{joint}any less on {path}")?,
                        by => write!(f, "{joint}more than {} less on {path}", Exactly(*by))?,
                    }
                }
                Ok(())
            }
        }
    }
}

/// Thousandths of a percent, shown as percent to the last digit: a margin of 0.002 must not look like none.
struct Exactly(u32);

impl fmt::Display for Exactly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / 1000.0)
    }
}
