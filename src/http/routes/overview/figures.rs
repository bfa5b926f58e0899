//! The parts of the overview, each put together from what the projections hold. A part says of how many things it is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::actors::Views;
use crate::laboratory::price::Prices;
use crate::model::{ChannelId, PolicyId, RuleId, Timestamp};
use crate::projections::overview::{Decided, Hour, Raiser, Spread, Stops};
use crate::projections::{Coverage, Queue};

/// Channels looked at before the views are let go of for a moment.
const SCAN_AT_ONCE: usize = 20_000;
/// Where one age of open warnings ends and the next begins, in minutes.
const AGES_MIN: [u64; 5] = [1, 5, 15, 60, 24 * 60];
const MINUTE_MS: u64 = 60_000;

/// Channels.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct ChannelFigures {
    /// Known.
    known: u64,
    /// On the air now.
    live: u64,
    /// On the air now, and somebody looks.
    watched: u64,
    /// On the air now, and nobody looks.
    unwatched: u64,
    /// Milliseconds, live, in which nobody looked: of stretches that ended in these hours, and of those that go on, what
    /// lies in these hours. None unless it is of all channels.
    unwatched_ms: Option<u64>,
}

/// Warnings that wait for an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OpenWarnings {
    /// In the queue.
    count: u64,
    /// Beyond the queue, for want of room; they are in none of the figures below. Counted for all channels alone.
    beyond: u64,
    /// Past the time by which a warning of their severity should be answered.
    past_due: u64,
    /// By how grave they are, the gravest first.
    severities: Vec<OpenOfSeverity>,
}

/// Open warnings of a severity.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OpenOfSeverity {
    /// How grave, 1 (least) to 5.
    severity: u8,
    /// How many.
    count: u64,
    /// How many of them are past their time.
    past_due: u64,
    /// When the one that has waited longest was raised.
    oldest: Option<Timestamp>,
    /// How many have waited for how long.
    ages: Vec<Age>,
}

/// Open warnings of an age.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Age {
    /// Raised at least so many milliseconds ago.
    from_ms: u64,
    /// And less than so many; none for the oldest.
    below_ms: Option<u64>,
    /// How many.
    count: u64,
}

/// How long something took.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Took {
    /// Of how many.
    count: u64,
    /// Half of them took at most so many milliseconds.
    median_ms: Option<u64>,
    /// 95 of a hundred took at most so many milliseconds.
    p95_ms: Option<u64>,
}

/// A rule's warnings.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RuleFigures {
    /// The policy, whichever version.
    policy: PolicyId,
    /// The rule.
    rule: RuleId,
    /// Warnings raised.
    raised: u64,
    /// How they stand now.
    #[serde(flatten)]
    decided: Decided,
    /// Those that somebody answered.
    answered: u64,
    /// Of those, the ones that were upheld and stand, in thousandths.
    upheld_milli: Option<u64>,
    /// The same step by step, the oldest first.
    steps: Vec<RuleStep>,
}

/// A rule's warnings of an hour or a day.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RuleStep {
    /// When it began; it has `step_ms`.
    from: Timestamp,
    /// Warnings raised in it.
    raised: u64,
    /// Of those, the ones that somebody answered.
    answered: u64,
    /// Of those, the ones that were upheld and stand.
    upheld: u64,
    /// The same in thousandths of those answered; none if none was.
    upheld_milli: Option<u64>,
}

/// Stops and suspensions.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StopFigures {
    /// Those that rules asked for, without a person.
    pub(super) automatic: StopCounts,
    /// Those that persons asked for.
    pub(super) by_person: StopCounts,
}

/// Stops and suspensions, each in one of the seven.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StopCounts {
    /// All of them.
    requested: u64,
    /// Asked for or being tried.
    under_way: u64,
    /// The budget is spent; a person is asked.
    held: u64,
    /// Seen to have worked.
    verified: u64,
    /// There was nothing to do.
    not_needed: u64,
    /// Could not be done: a person must act.
    failed: u64,
    /// Another broadcast had begun, which nobody judged.
    superseded: u64,
    /// Called off.
    cancelled: u64,
    /// From the request to being seen to have worked, of those seen in these hours.
    verified_in: Took,
}

/// Calls of a model that were answered.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProviderFigures {
    /// The provider.
    provider: String,
    /// The model's own version.
    model: String,
    /// Frames that it judged; tries of one count once.
    calls: u64,
    /// What each took, all attempts together.
    took: Took,
    /// What they cost at the price of the configuration, in millionths of a dollar; none where no price is known.
    cost_micros: Option<u64>,
}

/// An hour.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct HourFigures {
    /// When it began.
    from: Timestamp,
    /// What is counted for all channels together; none unless it is of all of them.
    #[serde(flatten)]
    counted: Option<HourOfAll>,
    /// Warnings raised.
    raised: u64,
    /// Of those, the ones that somebody agreed with.
    upheld: u64,
    /// Of those, the ones that somebody disagreed with.
    dismissed: u64,
    /// From a warning to its first answer.
    answered_in: Took,
    /// Stops and suspensions that rules asked for.
    automatic_stops: u64,
    /// Stops and suspensions that persons asked for.
    stops_by_person: u64,
}

/// What is counted in an hour for all channels together.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct HourOfAll {
    /// Frames with an outcome.
    frames: u64,
    /// Of those, the ones that a provider judged.
    assessed: u64,
    /// Of those, the ones with a verdict other than clear.
    not_clear: u64,
    /// Frames that could not be judged.
    failed: u64,
    /// Milliseconds, live, in which nobody looked, of stretches that ended in this hour.
    unwatched_ms: u64,
}

pub(super) fn providers_of(sum: &Hour, prices: &Prices) -> Vec<ProviderFigures> {
    let providers = sum.models.iter().map(|(model, calls)| ProviderFigures {
        provider: model.provider.to_string(),
        model: model.model.to_string(),
        calls: calls.count,
        took: Took::of(&calls.took),
        // Dollars for a million calls are millionths of a dollar for one.
        cost_micros: prices.of(&model.provider).map(|micros| calls.count * micros),
    });
    providers.collect()
}

pub(super) fn rules_of(sum: &Hour, hours: &BTreeMap<Timestamp, Hour>, step_ms: u64) -> Vec<RuleFigures> {
    let mut steps: BTreeMap<&Raiser, BTreeMap<u64, Decided>> = BTreeMap::new();
    for (from, hour) in hours {
        let step = from.ms_since(Timestamp::default()) / step_ms;
        for (raiser, decided) in &hour.rules {
            steps.entry(raiser).or_default().entry(step).or_default().merge(decided);
        }
    }
    let step = |(step, decided): (u64, Decided)| RuleStep {
        from: Timestamp::default().plus_ms(step * step_ms),
        raised: decided.raised(),
        answered: decided.answered(),
        upheld: decided.upheld,
        upheld_milli: upheld_milli(&decided),
    };
    let rules = sum.rules.iter().map(|(raiser, decided)| RuleFigures {
        policy: raiser.policy.clone(),
        rule: raiser.rule.clone(),
        raised: decided.raised(),
        decided: *decided,
        answered: decided.answered(),
        upheld_milli: upheld_milli(decided),
        steps: steps.remove(raiser).unwrap_or_default().into_iter().map(step).collect(),
    });
    rules.collect()
}

fn upheld_milli(decided: &Decided) -> Option<u64> {
    (decided.upheld * 1000).checked_div(decided.answered())
}

impl ChannelFigures {
    /// Looks at every channel, and lets others look in between: the counts are as of about now.
    pub(super) fn of(
        views: &Views,
        holds: impl Fn(&ChannelId) -> bool,
        from: Timestamp,
        now: Timestamp,
        unwatched_ms: Option<u64>,
    ) -> Self {
        let mut figures = Self { unwatched_ms, ..Self::default() };
        let mut after: Option<ChannelId> = None;
        loop {
            after = views.read(|view| {
                let mut last = None;
                for (id, channel) in view.channels.after(after.as_ref()).take(SCAN_AT_ONCE) {
                    last = Some(id);
                    if !holds(id) {
                        continue;
                    }
                    figures.known += 1;
                    figures.live += u64::from(channel.is_live());
                    figures.watched += u64::from(channel.is_live() && channel.is_watched());
                    if let Coverage::Unwatched { since, .. } = channel.coverage {
                        figures.unwatched += 1;
                        let lasts = now.ms_since(since.max(from));
                        figures.unwatched_ms = figures.unwatched_ms.map(|ms| ms.saturating_add(lasts));
                    }
                }
                last.cloned()
            });
            if after.is_none() {
                return figures;
            }
        }
    }
}

impl OpenWarnings {
    pub(super) fn of(queue: &Queue, is_all: bool, holds: impl Fn(&ChannelId) -> bool, now: Timestamp) -> Self {
        let mut severities: Vec<OpenOfSeverity> = (1..=5).rev().map(OpenOfSeverity::none).collect();
        for entry in queue.after(None).filter(|entry| entry.answer.is_none() && holds(&entry.channel)) {
            let at = usize::from(5 - entry.raised.severity.clamp(1, 5));
            let of = &mut severities[at];
            of.count += 1;
            of.past_due += u64::from(entry.due_at() < now);
            of.oldest = Some(of.oldest.map_or(entry.raised_at, |oldest| oldest.min(entry.raised_at)));
            let waited = now.ms_since(entry.raised_at);
            if let Some(age) = of.ages.iter_mut().find(|age| age.below_ms.is_none_or(|below| waited < below)) {
                age.count += 1;
            }
        }
        let sum = |of: fn(&OpenOfSeverity) -> u64| severities.iter().map(of).sum();
        // Whose those beyond the queue are is not known any more.
        let beyond = if is_all { queue.beyond() } else { 0 };
        Self { count: sum(|of| of.count), beyond, past_due: sum(|of| of.past_due), severities }
    }
}

impl OpenOfSeverity {
    fn none(severity: u8) -> Self {
        let begins = std::iter::once(0).chain(AGES_MIN).map(|minutes| minutes * MINUTE_MS);
        let ends = AGES_MIN.iter().map(|minutes| Some(minutes * MINUTE_MS)).chain([None]);
        let ages = begins.zip(ends).map(|(from_ms, below_ms)| Age { from_ms, below_ms, count: 0 });
        Self { severity, count: 0, past_due: 0, oldest: None, ages: ages.collect() }
    }
}

impl Took {
    pub(super) fn of(spread: &Spread) -> Self {
        Self { count: spread.count(), median_ms: spread.at_most(500), p95_ms: spread.at_most(950) }
    }
}

impl StopCounts {
    pub(super) fn of(stops: &Stops) -> Self {
        Self {
            requested: stops.requested(),
            under_way: stops.under_way,
            held: stops.held,
            verified: stops.verified,
            not_needed: stops.not_needed,
            failed: stops.failed,
            superseded: stops.superseded,
            cancelled: stops.cancelled,
            verified_in: Took::of(&stops.verified_in),
        }
    }
}

impl HourFigures {
    pub(super) fn of(from: Timestamp, hour: &Hour, is_all: bool) -> Self {
        let decided = |of: fn(&Decided) -> u64| hour.rules.values().map(of).sum::<u64>() + of(&hour.other_rules);
        let counted = || HourOfAll {
            frames: hour.frames.all(),
            assessed: hour.frames.assessed,
            not_clear: hour.frames.not_clear,
            failed: hour.frames.failed,
            unwatched_ms: hour.unwatched_ms,
        };
        Self {
            from,
            counted: is_all.then(counted),
            raised: hour.raised(),
            upheld: decided(|of| of.upheld),
            dismissed: decided(|of| of.dismissed),
            answered_in: Took::of(&hour.answered_in),
            automatic_stops: hour.automatic.requested(),
            stops_by_person: hour.by_person.requested(),
        }
    }
}
