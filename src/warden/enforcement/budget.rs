//! How many streams rules may stop by themselves. Folded from the journal, so that it survives a restart.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::events::Budget;
use crate::model::{RuleId, Timestamp};

/// Limits on automatic stops. Persons' stops are never held by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetLimits {
    /// All rules together, per minute.
    pub per_minute: u32,
    /// One rule, per minute: so that one gone wild does not eat what the others need.
    pub per_rule_per_minute: u32,
    /// Per minute, in thousandths of the live channels; at least one stop is always allowed by this limit.
    pub live_share_milli: u32,
}

impl Default for BudgetLimits {
    /// Five a minute, three of them by one rule, one percent of the live channels.
    fn default() -> Self {
        Self { per_minute: 5, per_rule_per_minute: 3, live_share_milli: 10 }
    }
}

/// Automatic stops admitted within the last minute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spending(VecDeque<(Timestamp, RuleId)>);

impl Spending {
    const WINDOW_MS: u64 = 60_000;

    /// An automatic stop of `rule` was admitted.
    pub fn admitted(&mut self, at: Timestamp, rule: RuleId) {
        self.0.push_back((at, rule));
        let horizon = at.minus_ms(Self::WINDOW_MS);
        while self.0.front().is_some_and(|(at, _)| *at <= horizon) {
            self.0.pop_front();
        }
    }

    /// Which budget another stop of `rule` would exceed, if any.
    pub fn exceeded(&self, limits: BudgetLimits, now: Timestamp, rule: &RuleId, live_channels: u32) -> Option<Budget> {
        let horizon = now.minus_ms(Self::WINDOW_MS);
        let recent = || self.0.iter().filter(|(at, _)| *at > horizon);
        let used = recent().count() as u32;
        let used_by_rule = recent().filter(|(_, by)| by == rule).count() as u32;
        let share = u64::from(live_channels) * u64::from(limits.live_share_milli) / 1000;
        let share = u32::try_from(share).unwrap_or(u32::MAX).max(1);
        if used >= limits.per_minute {
            Some(Budget::PerMinute { used, of: limits.per_minute })
        } else if used_by_rule >= limits.per_rule_per_minute {
            Some(Budget::PerRule { used: used_by_rule, of: limits.per_rule_per_minute })
        } else if used >= share {
            Some(Budget::LiveShare { used, of: share })
        } else {
            None
        }
    }
}
