//! How far a channel is trusted, and why: a sum of terms that a person can read.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fixed::{ONE, halved};
use super::ledger::{Finding, Ledger, day_of};
use crate::events::ReputationChange;
use crate::model::{ModeratorId, RuleId, Score, Timestamp, WarningId};
use crate::policy::Tuning;

/// The most that clean watched time can earn, in thousandths.
const CLEAN_TIME: i64 = 1000;
/// The most that broadcasts can earn, in thousandths.
const SESSIONS: i64 = 100;
/// Broadcasts that earn half of it.
const SESSIONS_HALF: u64 = 5;
/// What an upheld warning of each severity costs while it is fresh, in thousandths: gravity.
const GRAVITY: [i64; 5] = [30, 80, 150, 300, 600];
/// Somebody who was told before knows: an upheld warning of a rule that was upheld before costs half as much again.
const AGAIN_PERCENT: i64 = 150;
/// The most that the share of upheld warnings among all answered ones can cost, in thousandths: proportion.
const SHARE: i64 = 200;
/// What a dismissed warning earns, in thousandths: a person looked and found nothing.
const DISMISSED: i64 = 15;
/// The most that dismissed warnings can earn together.
const DISMISSED_MAX: i64 = 60;
/// The most lines that an explanation has; the terms beyond are summed up in the last.
pub const LINES_MAX: usize = 12;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// How far a channel is trusted, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Appraisal {
    /// The score: 0 is not at all or not known, 1 is fully.
    pub score: Score,
    /// How much is known at all: 0 of a channel never watched, towards 1 with watched time.
    pub certainty: Score,
    /// What it is made of, the weightiest first. Their sum, held between 0 and 1, is the score.
    pub terms: Vec<Term>,
}

/// One term of a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Term {
    /// What it adds, in thousandths; negative: what it takes away.
    pub milli: i32,
    /// What for.
    pub ground: Ground,
}

/// What a term is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Watched time in which no rule was hit.
    CleanTime {
        /// All that is remembered, in milliseconds, whatever its age.
        ms: u64,
    },
    /// Broadcasts.
    Sessions {
        /// All that are remembered.
        count: u32,
    },
    /// A warning that a person upheld.
    Upheld {
        /// The warning.
        warning: WarningId,
        /// Its rule.
        rule: RuleId,
        /// 1 to 5.
        severity: u8,
        /// When it was raised (captured-at).
        at: Timestamp,
        /// Whether a warning of the same rule had been upheld before.
        again: bool,
    },
    /// The share of upheld warnings among those answered.
    Share {
        /// Upheld.
        upheld: u32,
        /// Answered.
        answered: u32,
    },
    /// Warnings that a person dismissed.
    Dismissed {
        /// How many.
        count: u32,
    },
    /// A person added or took away.
    Adjusted {
        /// Who.
        by: ModeratorId,
        /// Until when.
        until: Option<Timestamp>,
    },
    /// A person set the score: nothing else counts.
    Pinned {
        /// Who.
        by: ModeratorId,
        /// Until when.
        until: Option<Timestamp>,
    },
}

/// How far a channel is trusted at a moment of its own time, in thousandths.
pub fn score(ledger: &Ledger, tuning: &Tuning, at: Timestamp) -> Score {
    let mut sum = 0;
    each_term(ledger, tuning, at, |milli, _| sum += milli);
    Score::clamped(sum)
}

impl Appraisal {
    /// The score of a channel at a moment of its own time, with its grounds.
    pub fn of(ledger: &Ledger, tuning: &Tuning, at: Timestamp) -> Self {
        let (mut sum, mut terms) = (0, Vec::new());
        each_term(ledger, tuning, at, |milli, ground| {
            sum += milli;
            let milli = i32::try_from(milli).unwrap_or(if milli < 0 { i32::MIN } else { i32::MAX });
            terms.push(Term { milli, ground: ground() });
        });
        terms.sort_by_key(|term| std::cmp::Reverse(term.milli.unsigned_abs())); // stable: equals stay in their order
        let watched = ledger.days().iter().map(|day| u64::from(day.watched_ms)).sum();
        let certainty = Score::clamped(saturating(1000, watched, u64::from(tuning.trust_after_ms)));
        Self { score: Score::clamped(sum), certainty, terms }
    }

    /// The explanation, at most [`LINES_MAX`] lines: the score, then a line for each term, weightiest first.
    pub fn lines(&self, at: Timestamp) -> Vec<String> {
        let mut lines = vec![format!("score {}, certainty {}", self.score, self.certainty)];
        let room = LINES_MAX - 1;
        let shown = if self.terms.len() > room { room - 1 } else { self.terms.len() };
        lines.extend(self.terms[..shown].iter().map(|term| term.line(at)));
        if let rest @ [_, ..] = &self.terms[shown..] {
            let sum: i64 = rest.iter().map(|term| i64::from(term.milli)).sum();
            lines.push(format!("{} {} further terms", signed(sum), rest.len()));
        }
        if self.terms.is_empty() {
            lines.push("nothing is known of the channel yet: it is watched as closely as the policy allows".to_owned());
        }
        lines
    }
}

/// Names every term: what it adds, in thousandths, and on demand what for.
fn each_term(ledger: &Ledger, tuning: &Tuning, at: Timestamp, mut term: impl FnMut(i64, &dyn Fn() -> Ground)) {
    if let Some(adjusted) = ledger.adjusted(at)
        && let ReputationChange::Pin(score) = adjusted.change
    {
        let pinned = || Ground::Pinned { by: adjusted.by.clone(), until: adjusted.until };
        return term(i64::from(score.as_milli()), &pinned);
    }
    let half_life = u64::from(tuning.half_life_ms);
    let today = day_of(at);

    let (mut clean, mut sessions) = (0, 0); // weighed by age, in 1/65,536
    for day in ledger.days() {
        let weight = u64::from(halved(u64::from(today.saturating_sub(day.day)) * DAY_MS, half_life));
        clean += u64::from(day.clean_ms) * weight;
        sessions += u64::from(day.sessions) * weight;
    }
    let earned = saturating(CLEAN_TIME, clean / u64::from(ONE), u64::from(tuning.trust_after_ms));
    if earned > 0 {
        let all = || ledger.days().iter().map(|day| u64::from(day.clean_ms)).sum();
        term(earned, &|| Ground::CleanTime { ms: all() });
    }
    let earned = saturating(SESSIONS, sessions, SESSIONS_HALF * u64::from(ONE));
    if earned > 0 {
        let all = || ledger.days().iter().map(|day| u32::from(day.sessions)).sum();
        term(earned, &|| Ground::Sessions { count: all() });
    }

    let (mut upheld, mut dismissed) = (0, 0); // weighed by age, in 1/65,536
    for (place, finding) in ledger.findings().iter().enumerate() {
        let weight = i64::from(halved(at.ms_since(finding.at), half_life));
        if !finding.upheld {
            dismissed += weight;
            continue;
        }
        upheld += weight;
        let again = ledger.findings()[..place].iter().any(|earlier| earlier.upheld && earlier.rule == finding.rule);
        let gravity = GRAVITY[usize::from(finding.severity.clamp(1, 5)) - 1];
        let cost = if again { gravity * AGAIN_PERCENT / 100 } else { gravity } * weight / i64::from(ONE);
        if cost > 0 {
            term(-cost, &|| finding.ground(again));
        }
    }
    // One more answer of neither kind stands for what is not known: a single upheld warning is not all of a channel.
    let share = SHARE * upheld / (upheld + dismissed + i64::from(ONE));
    let count = |upheld| ledger.findings().iter().filter(|finding| finding.upheld == upheld).count() as u32; // of each kind ≤ 64
    if share > 0 {
        term(-share, &|| Ground::Share { upheld: count(true), answered: count(true) + count(false) });
    }
    let repaired = (DISMISSED * dismissed / i64::from(ONE)).min(DISMISSED_MAX);
    if repaired > 0 {
        term(repaired, &|| Ground::Dismissed { count: count(false) });
    }
    if let Some(adjusted) = ledger.adjusted(at)
        && let ReputationChange::By(milli) = adjusted.change
    {
        term(i64::from(milli), &|| Ground::Adjusted { by: adjusted.by.clone(), until: adjusted.until });
    }
}

/// What `amount` earns of `most` if `half` of it earns half, twice `half` three quarters, and so on.
fn saturating(most: i64, amount: u64, half: u64) -> i64 {
    most * i64::from(ONE - halved(amount, half)) / i64::from(ONE)
}

impl Finding {
    fn ground(&self, again: bool) -> Ground {
        Ground::Upheld { warning: self.warning, rule: self.rule.clone(), severity: self.severity, at: self.at, again }
    }
}

impl Term {
    /// The term in a line: `+0.76 clean hours (41 h)`, `−0.11 upheld swimwear 12 days ago`.
    pub fn line(&self, at: Timestamp) -> String {
        let Self { milli, ground } = self;
        let what = match ground {
            Ground::CleanTime { ms } => format!("clean hours ({} h)", tenths(*ms, HOUR_MS)),
            Ground::Sessions { count } => format!("broadcasts ({count})"),
            Ground::Upheld { rule, severity, at: raised, again, .. } => {
                let again = if *again { ", not for the first time" } else { "" };
                format!("upheld {rule} (severity {severity}) {}{again}", ago(at.ms_since(*raised)))
            }
            Ground::Share { upheld, answered } => format!("{upheld} of {answered} answered warnings upheld"),
            Ground::Dismissed { count: 1 } => "a warning dismissed".to_owned(),
            Ground::Dismissed { count } => format!("{count} warnings dismissed"),
            Ground::Adjusted { by, until } => format!("adjusted by {by}{}", until_when(*until)),
            Ground::Pinned { by, until } => format!("pinned by {by}{}", until_when(*until)),
        };
        format!("{} {what}", signed(i64::from(*milli)))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&signed(i64::from(self.milli)))
    }
}

fn until_when(until: Option<Timestamp>) -> String {
    until.map(|until| format!(" until {until}")).unwrap_or_default()
}

/// Thousandths with two decimals and their sign, towards zero.
fn signed(milli: i64) -> String {
    let (sign, size) = (if milli < 0 { '−' } else { '+' }, milli.unsigned_abs());
    format!("{sign}{}.{:02}", size / 1000, size % 1000 / 10)
}

fn tenths(amount: u64, unit: u64) -> String {
    let tenths = amount * 10 / unit;
    if tenths >= 100 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

fn ago(ms: u64) -> String {
    let (count, unit) = match ms {
        DAY_MS.. => (ms / DAY_MS, "day"),
        HOUR_MS.. => (ms / HOUR_MS, "hour"),
        _ => (ms / 60_000, "minute"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}
