//! What if: how a channel would be watched after more of one thing or another. The same fold, the same score, the same
//! ladder, over evidence that has not happened. Nothing is recorded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cadence::{Roused, Rousing};
use super::ledger::{Evidence, Finding};
use super::standing::{Grounds, Standing, seconds};
use crate::model::{RuleId, Timestamp, WarningId};

/// The most hours that can be supposed, clean or passing.
pub const HOURS_MAX: u16 = 1000;
/// The most broadcasts that can be supposed.
pub const SESSIONS_MAX: u16 = 200;
/// The most upheld warnings that can be supposed.
pub const UPHELD_MAX: usize = 16;
/// The most dismissed warnings that can be supposed.
pub const DISMISSED_MAX: u8 = 64;

const HOUR_MS: u64 = 3_600_000;

/// What would have to happen, from a moment on. Each field is within the bound of its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Supposed {
    /// Hours on the air, watched, in which no rule is hit: the first ones.
    pub clean_hours: u16,
    /// Broadcasts that begin at the moment.
    pub sessions: u16,
    /// Warnings that are upheld at the moment.
    pub upheld: Vec<SupposedWarning>,
    /// Warnings of that moment that are dismissed.
    pub dismissed: u8,
    /// When it is looked at again; not before the clean hours are over.
    pub after_hours: u16,
}

/// A warning that would be upheld.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupposedWarning {
    /// Its rule.
    pub rule: RuleId,
    /// 1 to 5.
    pub severity: u8,
    /// How long before the moment it was raised.
    pub hours_ago: u16,
}

/// How the channel would stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forecast {
    /// As things are.
    pub before: Standing,
    /// As they would be. Supposed warnings have made-up ids.
    pub after: Standing,
    /// If from the moment on it stayed on the air and clean: after how many clean hours each slower cadence is first
    /// reached, in order. Empty where the cadence is fixed.
    pub slower: Vec<Reached>,
    /// Whether the last of them is the most trusting watch that this channel can have; if not, it would take more than
    /// 1,000 clean hours.
    pub reaches_slowest: bool,
    /// The same in words.
    pub says: Vec<String>,
}

/// A cadence that would be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reached {
    /// After so many clean hours.
    pub clean_hours: u16,
    /// Distance between two sampled frames then, in milliseconds of captured-at.
    pub interval_ms: u32,
}

impl Grounds<'_> {
    /// How the channel would stand if that happened from `at` on.
    pub fn forecast(&self, supposed: &Supposed, at: Timestamp) -> Forecast {
        let before = self.standing(at);
        let mut ledger = self.ledger.clone();
        let mut roused = self.roused.clone();
        for _ in 0..supposed.sessions {
            ledger.take(Evidence::Began { at });
        }
        if supposed.sessions > 0 {
            roused.push(Roused { by: Rousing::Began, at });
        }
        let upheld = supposed.upheld.iter().map(|one| (one.rule.clone(), one.severity, true, one.hours_ago));
        let dismissed = (0..supposed.dismissed).map(|_| (RuleId::on_unavailable(), 1, false, 0)); // neither counts there
        for (number, (rule, severity, upheld, hours_ago)) in upheld.chain(dismissed).enumerate() {
            let raised = at.minus_ms(u64::from(hours_ago) * HOUR_MS);
            let warning = WarningId::from_bytes((number as u128).to_be_bytes());
            ledger.take(Evidence::Found(Finding { warning, rule, severity, upheld, at: raised }));
        }
        if !supposed.upheld.is_empty() {
            roused.push(Roused { by: Rousing::Upheld, at });
        }
        let (slower, reaches_slowest) =
            Grounds { ledger: &ledger, roused: roused.clone(), ..self.clone() }.staying_clean(at);
        for hour in 1..=supposed.clean_hours {
            ledger.take(clean_hour(at, hour));
        }
        let then = at.plus_ms(u64::from(supposed.after_hours) * HOUR_MS);
        let after = Grounds { ledger: &ledger, roused, ..self.clone() }.standing(then);
        let says = in_words(&before, &after, supposed, &slower, reaches_slowest);
        Forecast { before, after, slower, reaches_slowest, says }
    }

    /// The cadences that the channel would reach by staying on the air and clean, and whether the last is the slowest.
    fn staying_clean(&self, at: Timestamp) -> (Vec<Reached>, bool) {
        let (Some(slowest_ms), Some(policy)) = (self.slowest_ms(), self.policy) else { return (Vec::new(), false) };
        let mut ledger = self.ledger.clone();
        let pace = |grounds: &Grounds<'_>, at| grounds.standing(at).watch.map_or(0, |watch| watch.interval_ms());
        let mut newest_ms = pace(self, at);
        let mut reached = Vec::new();
        if newest_ms >= slowest_ms {
            return (vec![Reached { clean_hours: 0, interval_ms: newest_ms }], true);
        }
        for clean_hours in 1..=HOURS_MAX {
            ledger.take(clean_hour(at, clean_hours));
            let then = at.plus_ms(u64::from(clean_hours) * HOUR_MS);
            let grounds =
                Grounds { ledger: &ledger, roused: self.roused.clone(), channel: self.channel, policy: Some(policy) };
            let interval_ms = pace(&grounds, then);
            if interval_ms > newest_ms {
                newest_ms = interval_ms;
                reached.push(Reached { clean_hours, interval_ms });
            }
            if interval_ms >= slowest_ms {
                return (reached, true);
            }
        }
        (reached, false)
    }
}

/// The clean hour of that number from `at` on, counted from 1.
fn clean_hour(at: Timestamp, number: u16) -> Evidence {
    Evidence::Watched { until: at.plus_ms(u64::from(number) * HOUR_MS), ms: HOUR_MS as u32, clean: true }
}

fn in_words(
    before: &Standing,
    after: &Standing,
    supposed: &Supposed,
    slower: &[Reached],
    reaches_slowest: bool,
) -> Vec<String> {
    let watched = |standing: &Standing| standing.watch.map_or("by nobody".to_owned(), |watch| watch.to_string());
    let mut says = vec![
        format!("now: score {}, {}", before.score, watched(before)),
        format!("{} h later: score {}, {}", supposed.after_hours, after.score, watched(after)),
    ];
    says.extend(slower.iter().map(|Reached { clean_hours, interval_ms }| {
        let hours = if *clean_hours == 1 { "hour" } else { "hours" };
        format!("{clean_hours} clean {hours} → {}", seconds(*interval_ms))
    }));
    if slower.last().is_some() && !reaches_slowest {
        says.push(format!("the most trusting watch takes more than {HOURS_MAX} clean hours"));
    }
    says
}
