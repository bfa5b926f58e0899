//! What watching costs against how soon it sees: one policy at many cadences, tried together on the same recording.
//!
//! Each cadence, fixed or following the channels' reputation, is a proposal of its own that differs in nothing else. A
//! cadence finer than the recording is refused. Time to detection runs from the onset of what was warned of, the first
//! recorded frame from which on the rule was hit without a break, to the frame on which the warning would have been
//! raised. The denser the recording, the sharper the onset.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::Subject;
use super::price::Prices;
use super::reading::{Found, Question};
use super::truth::Detections;
use crate::model::{ChannelPattern, PolicyRef};
use crate::policy::{Policy, PolicySet, Sampling, bounds};

/// Fixed cadences that are tried, in milliseconds.
const FIXED_MS: [u32; 15] = [
    1000, 2000, 3000, 5000, 10_000, 15_000, 20_000, 30_000, 45_000, 60_000, 90_000, 120_000, 180_000, 300_000, 600_000,
];
/// Ranges that are tried, closest to slowest.
const RANGES_MS: [(u32, u32); 14] = [
    (1000, 10_000),
    (1000, 30_000),
    (2000, 20_000),
    (2000, 60_000),
    (5000, 30_000),
    (5000, 60_000),
    (5000, 120_000),
    (10_000, 60_000),
    (10_000, 120_000),
    (10_000, 300_000),
    (15_000, 120_000),
    (30_000, 120_000),
    (30_000, 300_000),
    (60_000, 600_000),
];
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// What a call to one provider costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PriceOfProvider")]
pub struct PriceOf {
    /// The provider.
    pub provider: String,
    /// In millionths of a dollar; none where no price is said, and then its calls are in no cost.
    pub price_micros: Option<u64>,
}

/// What watching costs at each cadence, and how soon it sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Frontier {
    /// What was tried, and on what.
    #[serde(flatten)]
    pub subject: Subject,
    /// Which warnings are timed: those that moderators upheld, or all.
    pub detections: DetectionsOf,
    /// Whether the policy asks for segments of which channels have none on record: their calls are in no figure.
    pub unheard: bool,
    /// What calls cost: those of the points are to these providers.
    pub prices: Vec<PriceOf>,
    /// Hours that channels were watched in the recording, in thousandths: the measure of costs.
    pub channel_hours_milli: u64,
    /// Median time between looks in the recording, in milliseconds: finer cadences are refused.
    pub recorded_median_ms: Option<i64>,
    /// The cadences that the recording is dense enough for, cheapest first.
    pub points: Vec<Point>,
    /// The cadences that it is not.
    pub refused: Vec<String>,
    /// The budget that was named, in millionths of a dollar a day for all channels of the recording.
    pub budget_micros_per_day: Option<u64>,
    /// The best cadence within the budget; none without a budget, or if none is within it.
    pub chosen: Option<Chosen>,
}

/// Which warnings are timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DetectionsOf {
    /// Those that moderators upheld.
    UpheldWarnings,
    /// All, whatever was answered: how soon something is said, true or not.
    AllWarnings,
}

/// One cadence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// As a policy says it: `10s`, or `10s to 2m` where reputation sets it.
    pub every: String,
    /// Calls to the provider.
    pub calls: u64,
    /// Calls in an hour of one channel, in thousandths.
    pub calls_per_channel_hour_milli: u64,
    /// Cost of an hour of one channel, in millionths of a dollar.
    pub micros_per_channel_hour: u64,
    /// Cost of a day of all channels as they were on the air, in millionths of a dollar.
    pub micros_per_day: u64,
    /// Episodes that would have been warned of.
    pub detected: u64,
    /// Episodes that certainly would not have been.
    pub missed: u64,
    /// Episodes that may or may not have been.
    pub unknowable: u64,
    /// Median time to detection, in milliseconds, to three digits.
    pub median_ms: Option<i64>,
    /// 95th percentile of the time to detection.
    pub p95_ms: Option<i64>,
    /// Whether no other cadence is at least as good in cost, episodes missed and median time, and better in one.
    pub on_the_frontier: bool,
}

/// What a budget buys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chosen {
    /// The cadence.
    pub every: String,
    /// What it costs in a day, in millionths of a dollar.
    pub micros_per_day: u64,
    /// To paste into the policy.
    pub yaml: String,
}

/// The question behind a frontier, with what is said of each proposal.
pub struct Asked {
    /// The question.
    pub question: Question,
    /// The cadence of each proposal.
    samplings: Vec<Sampling>,
}

/// One policy in place of its namesake in force, at every cadence.
pub fn asked(in_force: &PolicySet, policy: &Arc<Policy>, detections: DetectionsOf) -> Asked {
    let fixed = FIXED_MS.into_iter().map(|every| (every, every));
    let cadences: Vec<(u32, u32)> = fixed.chain(RANGES_MS).collect();
    let policies: Vec<Policy> = cadences.into_iter().map(|range| at_cadence(policy, range)).collect();
    let samplings = policies.iter().map(|policy| policy.sampling).collect();
    let mut question = super::trying(in_force, std::slice::from_ref(policy));
    let others: Vec<Arc<Policy>> =
        in_force.iter().filter(|other| other.reference.id != policy.reference.id).cloned().collect();
    let set = |policy| PolicySet::new(others.iter().cloned().chain([Arc::new(policy)]).collect());
    question.proposals = policies.into_iter().map(set).collect();
    question.detections = match detections {
        DetectionsOf::UpheldWarnings => Detections::Upheld,
        DetectionsOf::AllWarnings => Detections::All,
    };
    Asked { question, samplings }
}

fn at_cadence(policy: &Policy, (fastest_ms, slowest_ms): (u32, u32)) -> Policy {
    let mut policy = policy.clone();
    let sampling = &mut policy.sampling;
    (sampling.fastest_ms, sampling.slowest_ms) = (fastest_ms, slowest_ms);
    sampling.tolerance_ms = sampling.tolerance_ms.filter(|tolerance| *tolerance < fastest_ms);
    sampling.reassess_after_ms = sampling.reassess_after_ms.max(slowest_ms);
    let ranges = fastest_ms < slowest_ms;
    policy.reputation = ranges.then(|| policy.reputation.unwrap_or_default());
    policy
}

impl Asked {
    /// What came of it.
    pub fn frontier(
        &self,
        found: Found,
        policies: Vec<PolicyRef>,
        only: Vec<ChannelPattern>,
        prices: &Prices,
        budget_micros_per_day: Option<u64>,
    ) -> Frontier {
        let subject = Subject::of(&found, policies, only);
        let span_ms = match (found.recorded_from, found.recorded_to) {
            (Some(from), Some(to)) => to.ms_since(from).max(1),
            (None, _) | (_, None) => 1,
        };
        let (recording, mut points, mut refused) = (found.recording, Vec::new(), Vec::new());
        let mut samplings = Vec::new();
        let (mut called, mut unheard) = (BTreeSet::new(), false);
        for (tally, sampling) in found.tallies.into_iter().zip(&self.samplings) {
            if !tally.density(&recording).enough {
                refused.push(every(sampling));
                continue;
            }
            let cost = |per_ms: u64, of_ms: u64| {
                let micros = u128::from(tally.calls.micros(prices)) * u128::from(per_ms);
                u64::try_from(micros / u128::from(of_ms.max(1))).unwrap_or(u64::MAX)
            };
            let hour =
                u128::from(tally.calls.total()) * 1000 * u128::from(HOUR_MS) / u128::from(recording.watched_ms.max(1));
            samplings.push(*sampling);
            called.extend(tally.calls.names().cloned());
            unheard |= !tally.not_on_record.is_empty();
            points.push(Point {
                every: every(sampling),
                calls: tally.calls.total(),
                calls_per_channel_hour_milli: u64::try_from(hour).unwrap_or(u64::MAX),
                micros_per_channel_hour: cost(HOUR_MS, recording.watched_ms),
                micros_per_day: cost(DAY_MS, span_ms),
                detected: tally.detection.count(),
                missed: tally.missed_episodes,
                unknowable: tally.unknowable_episodes,
                median_ms: tally.detection.at_permille(500),
                p95_ms: tally.detection.at_permille(950),
                on_the_frontier: false,
            });
        }
        let best: Vec<bool> = points.iter().map(|point| !points.iter().any(|other| other.beats(point))).collect();
        points.iter_mut().zip(best).for_each(|(point, best)| point.on_the_frontier = best);
        let whole = called.iter().all(|name| prices.of(name).is_some()) && !unheard;
        let chosen = budget_micros_per_day.filter(|_| whole).and_then(|budget| choose(&points, &samplings, budget));
        points.sort_by(|a, b| a.cost_then_name().cmp(&b.cost_then_name()));
        Frontier {
            subject,
            detections: match self.question.detections {
                Detections::Upheld => DetectionsOf::UpheldWarnings,
                Detections::All => DetectionsOf::AllWarnings,
            },
            prices: called
                .into_iter()
                .map(|name| PriceOf { price_micros: prices.of(&name), provider: name.to_string() })
                .collect(),
            channel_hours_milli: recording.watched_ms.saturating_mul(1000) / HOUR_MS,
            recorded_median_ms: recording.spacing.at_permille(500),
            points,
            refused,
            unheard,
            budget_micros_per_day,
            chosen,
        }
    }
}

impl Frontier {
    /// Whether calls are in no cost, so that what a budget buys cannot be told.
    pub fn is_part_of_the_cost(&self) -> bool {
        self.unheard || self.prices.iter().any(|of| of.price_micros.is_none())
    }
}

impl Point {
    /// What makes it better: fewer episodes missed, then sooner, then cheaper.
    fn badness(&self) -> (u64, i64, i64, u64) {
        let unless_none = |ms: Option<i64>| ms.unwrap_or(i64::MAX);
        (self.missed + self.unknowable, unless_none(self.median_ms), unless_none(self.p95_ms), self.micros_per_day)
    }

    fn beats(&self, other: &Self) -> bool {
        let of = |point: &Self| (point.calls, point.badness().0, point.badness().1);
        let ((calls, missed, median), theirs) = (of(self), of(other));
        let as_good = calls <= theirs.0 && missed <= theirs.1 && median <= theirs.2;
        as_good && (calls, missed, median) != theirs
    }

    fn cost_then_name(&self) -> (u64, &str) {
        (self.calls, &self.every)
    }
}

fn choose(points: &[Point], samplings: &[Sampling], budget: u64) -> Option<Chosen> {
    let within = points.iter().zip(samplings).filter(|(point, _)| point.micros_per_day <= budget);
    let (point, sampling) = within.min_by_key(|(point, _)| (point.badness(), point.every.clone()))?;
    Some(Chosen { every: point.every.clone(), micros_per_day: point.micros_per_day, yaml: yaml(sampling) })
}

/// What stands under `sampling:` in a policy.
fn yaml(sampling: &Sampling) -> String {
    let mut lines = format!("sampling:\n  every: {}\n", every(sampling));
    if sampling.fastest_ms < sampling.slowest_ms {
        let time_to_stop = sampling.slowest_ms.saturating_add(bounds::JUDGE_AND_STOP_MS);
        lines.push_str(&format!("  time_to_stop: {}\n", duration(time_to_stop)));
    }
    lines.push_str(&format!("  reassess_after: {}\n", duration(sampling.reassess_after_ms)));
    lines
}

/// The cadence as a policy says it.
fn every(sampling: &Sampling) -> String {
    match sampling.fastest_ms < sampling.slowest_ms {
        true => format!("{} to {}", duration(sampling.fastest_ms), duration(sampling.slowest_ms)),
        false => duration(sampling.fastest_ms),
    }
}

/// Milliseconds as a policy writes them.
fn duration(ms: u32) -> String {
    match ms {
        ms if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        ms if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}
