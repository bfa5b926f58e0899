//! What is remembered of a channel: days watched, and what people found. Small, because a warden holds one for each
//! channel: nothing on the heap before the first broadcast, 12 bytes for a day, 48 for an answered warning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::ReputationChange;
use crate::model::{ModeratorId, RuleId, Timestamp, WarningId};

/// Days remembered, the newest on which anything was watched.
pub const DAYS_MAX: usize = 64;
/// Answers to warnings remembered, the gravest: so many upheld and so many dismissed. Counted apart, so that no rule that
/// is often wrong can push out of memory what people upheld. What fell out for a newer one does not come back when that
/// one is taken back.
pub const FINDINGS_MAX: usize = 64;

/// What is remembered of a channel: a fold over its [`Evidence`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Days on which the channel was on the air, oldest first.
    days: Vec<Day>,
    /// What people answered to its warnings, oldest first.
    findings: Vec<Finding>,
    /// What a person set, if somebody did.
    adjusted: Option<Box<Adjusted>>,
}

/// One day (UTC) of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Day {
    /// Days since 1970-01-01.
    pub day: u16,
    /// Broadcasts begun.
    pub sessions: u16,
    /// Milliseconds watched.
    pub watched_ms: u32,
    /// Of those, milliseconds in which no rule was hit.
    pub clean_ms: u32,
}

/// A person's answer to a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The warning.
    pub warning: WarningId,
    /// The rule that raised it.
    pub rule: RuleId,
    /// How grave the policy called it, 1 to 5.
    pub severity: u8,
    /// Whether the person agreed with the rule.
    pub upheld: bool,
    /// When it was raised (captured-at).
    pub at: Timestamp,
}

/// What a person set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Adjusted {
    /// Who.
    pub by: ModeratorId,
    /// What.
    pub change: ReputationChange,
    /// Until when; none: until somebody changes it.
    pub until: Option<Timestamp>,
}

/// What bears on a channel's reputation, taken from its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A broadcast began.
    Began {
        /// When.
        at: Timestamp,
    },
    /// Somebody looked.
    Watched {
        /// Captured-at of the frame up to which it was covered.
        until: Timestamp,
        /// For how long, in milliseconds.
        ms: u32,
        /// Whether no rule was hit.
        clean: bool,
    },
    /// A person answered a warning.
    Found(Finding),
    /// The answer was taken back or overturned: it leaves no trace.
    Unfound(WarningId),
    /// A person set the reputation, or let it go again.
    Adjusted(Option<Adjusted>),
}

impl Evidence {
    /// What a person did with the reputation.
    pub fn adjusted(by: &ModeratorId, change: ReputationChange, until: Option<Timestamp>) -> Self {
        let adjusted = Adjusted { by: by.clone(), change, until };
        Self::Adjusted(if change == ReputationChange::Release { None } else { Some(adjusted) })
    }
}

impl Ledger {
    /// Folds one piece of evidence in.
    pub fn take(&mut self, evidence: Evidence) {
        match evidence {
            Evidence::Began { at } => self.on_day(at, |day| day.sessions = day.sessions.saturating_add(1)),
            Evidence::Watched { until, ms, clean } => self.on_day(until, |day| {
                day.watched_ms = day.watched_ms.saturating_add(ms);
                day.clean_ms = day.clean_ms.saturating_add(if clean { ms } else { 0 });
            }),
            Evidence::Found(finding) => {
                self.findings.retain(|known| known.warning != finding.warning);
                let at =
                    self.findings.partition_point(|known| (known.at, known.warning) < (finding.at, finding.warning));
                let upheld = finding.upheld;
                self.findings.reserve_exact(1);
                self.findings.insert(at, finding);
                self.forget_beyond(upheld);
            }
            Evidence::Unfound(warning) => self.findings.retain(|known| known.warning != warning),
            Evidence::Adjusted(adjusted) => self.adjusted = adjusted.map(Box::new),
        }
    }

    /// Forgets one answer of that kind, if one more than [`FINDINGS_MAX`] are remembered: the least grave, of those the
    /// oldest, so that no further one can push out a graver.
    fn forget_beyond(&mut self, upheld: bool) {
        let of_kind = self.findings.iter().enumerate().filter(|(_, known)| known.upheld == upheld);
        let least = of_kind.clone().min_by_key(|(_, known)| known.severity).map(|(place, _)| place);
        if let (Some(least), true) = (least, of_kind.count() > FINDINGS_MAX) {
            self.findings.remove(least);
        }
    }

    fn on_day(&mut self, at: Timestamp, change: impl FnOnce(&mut Day)) {
        let day = day_of(at);
        let place = match self.days.binary_search_by_key(&day, |known| known.day) {
            Ok(place) => place,
            Err(place) => {
                self.days.reserve_exact(1);
                self.days.reserve_exact(1); // one is added a day, and there is a list for each channel
                self.days.insert(place, Day { day, sessions: 0, watched_ms: 0, clean_ms: 0 });
                place
            }
        };
        change(&mut self.days[place]);
        let surplus = self.days.len().saturating_sub(DAYS_MAX);
        self.days.drain(..surplus);
    }

    /// Days on which the channel was on the air, oldest first.
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// What people answered to its warnings, oldest first.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether what a person set has run out by that moment.
    pub fn adjustment_is_over(&self, at: Timestamp) -> bool {
        self.adjusted.is_some() && self.adjusted(at).is_none()
    }

    /// What a person set, if it still holds `at` that moment.
    pub fn adjusted(&self, at: Timestamp) -> Option<&Adjusted> {
        self.adjusted.as_deref().filter(|adjusted| adjusted.until.is_none_or(|until| at < until))
    }
}

/// The day (UTC) of a moment, in days since 1970-01-01; the first or the last that fits for moments beyond.
pub(super) fn day_of(at: Timestamp) -> u16 {
    const DAY_US: i64 = 86_400_000_000;
    u16::try_from(at.as_micros().div_euclid(DAY_US).clamp(0, i64::from(u16::MAX))).unwrap_or(u16::MAX)
}
