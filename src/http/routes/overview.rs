//! What happened on the node in the last hours, in figures, each with the number of things it rests on.

use std::collections::BTreeMap;
use std::convert::Infallible;

use actix_web::web::{Data, Json, Query};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::actors::Views;
use crate::http::app::App;
use crate::http::auth::Permission;
use crate::http::blocking::blocking;
use crate::http::extract::Caller;
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::laboratory::price::Prices;
use crate::model::{ChannelId, ChannelPattern, PolicyId, Position, RuleId, Timestamp};
use crate::projections::overview::{self, Decided, Frames, Hour, Raiser, Spread, Stops, Unanswered};
use crate::projections::{Coverage, Queue};

/// Channels looked at before the views are let go of for a moment.
const SCAN_AT_ONCE: usize = 20_000;
/// Where one age of open warnings ends and the next begins, in minutes.
const AGES_MIN: [u64; 5] = [1, 5, 15, 60, 24 * 60];
const MINUTE_MS: u64 = 60_000;
/// Hours of a day: over more of them a person reads days.
const DAY_HOURS: u64 = 24;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/overview", "get_overview", Permission::Read)
            .says(
                "The node in figures",
                "Of all channels together for those who may read all of them (`of`: `all`). For others (`of`: `yours`) of \
                 theirs alone, as far as that is kept: warnings and stops, of the newest 100,000 and 20,000; what became \
                 of frames, how long nobody looked, and who judged at what cost are counted for all channels together, and \
                 absent. `hours` are whole hours of UTC by the time of recording, the one that is not over included, up \
                 to a week back.\n\nA warning and a stop are counted in the hour in which they were raised or asked for, \
                 and stand there as they stand now, so that what came of a rule's warnings adds up to them. Times are \
                 counted in the hour in which they ended. A median and a p95 are within 3.2 % of the true ones, and \
                 exact below 16 ms; each stands with how many it is of, and is null where it is of none. `steps` of a rule are hours, or days of UTC where more than a day \
                 is asked for, as `step_ms` says; those in which it raised nothing are not there.",
            )
            .query::<OverviewQuery>()
            .answers::<Overview>(200, "The figures.")
            .to(get_overview),
    ]
}

/// Over how long.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OverviewQuery {
    /// Hours, the one that is not over included.
    hours: Option<Hours>,
}

/// 1 to 168.
#[derive(Debug, Clone, Copy)]
struct Hours(u64);

/// Of which channels figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum FiguresOf {
    /// Of all of them.
    All,
    /// Of those that the caller may read.
    Yours,
}

/// The node in figures.
#[derive(Debug, Serialize, JsonSchema)]
struct Overview {
    /// Of which channels.
    of: FiguresOf,
    /// The position up to which the journal is in this answer.
    head: Position,
    /// Over so many hours.
    hours: u64,
    /// Since then.
    from: Timestamp,
    /// Until now.
    now: Timestamp,
    /// Channels.
    channels: ChannelFigures,
    /// Warnings that wait for an answer now.
    open: OpenWarnings,
    /// From a warning to its first answer, of answers given in these hours, of warnings of the last week.
    answered_in: Took,
    /// Milliseconds of a step of a rule: an hour or a day.
    step_ms: u64,
    /// What rules asked in these hours, and what people said to it.
    rules: Vec<RuleFigures>,
    /// The same of rules beyond the 1,000 that are told apart in each hour.
    other_rules: Decided,
    /// Stops and suspensions asked for in these hours.
    stops: StopFigures,
    /// Who judged; none unless it is of all channels, as of the next two.
    providers: Option<Vec<ProviderFigures>>,
    /// Frames that a provider was asked about in vain. An event of a failed frame does not name the provider.
    unanswered: Option<Unanswered>,
    /// What became of frames.
    frames: Option<Frames>,
    /// Each of the hours, the oldest first.
    series: Vec<HourFigures>,
}

/// Channels.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct ChannelFigures {
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
struct OpenWarnings {
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
struct OpenOfSeverity {
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
struct Age {
    /// Raised at least so many milliseconds ago.
    from_ms: u64,
    /// And less than so many; none for the oldest.
    below_ms: Option<u64>,
    /// How many.
    count: u64,
}

/// How long something took.
#[derive(Debug, Serialize, JsonSchema)]
struct Took {
    /// Of how many.
    count: u64,
    /// Half of them took at most so many milliseconds.
    median_ms: Option<u64>,
    /// 95 of a hundred took at most so many milliseconds.
    p95_ms: Option<u64>,
}

/// A rule's warnings.
#[derive(Debug, Serialize, JsonSchema)]
struct RuleFigures {
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
struct RuleStep {
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
struct StopFigures {
    /// Those that rules asked for, without a person.
    automatic: StopCounts,
    /// Those that persons asked for.
    by_person: StopCounts,
}

/// Stops and suspensions, each in one of the seven.
#[derive(Debug, Serialize, JsonSchema)]
struct StopCounts {
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
struct ProviderFigures {
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
struct HourFigures {
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
struct HourOfAll {
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

async fn get_overview(app: Data<App>, caller: Caller, wanted: Query<OverviewQuery>) -> Result<Json<Overview>, Problem> {
    let Hours(hours) = wanted.hours.unwrap_or(Hours(24));
    let (views, now) = (app.views.clone(), app.clock.now());
    let theirs = (!caller.may_everywhere(Permission::Read)).then(|| caller.channels(Permission::Read));
    let adding = move || Ok::<_, Infallible>(add_up(&views, theirs.as_deref(), hours, now, &app.prices));
    Ok(Json(blocking("adding the overview up", adding).await?))
}

/// `theirs`: of which channels alone; none of all of them.
fn add_up(views: &Views, theirs: Option<&[ChannelPattern]>, hours: u64, now: Timestamp, prices: &Prices) -> Overview {
    let first = (overview::hour_of(now) + 1).saturating_sub(hours);
    let from = overview::begin_of(first);
    let step_ms = if hours > DAY_HOURS { DAY_HOURS * overview::HOUR_MS } else { overview::HOUR_MS };
    let holds = |channel: &ChannelId| theirs.is_none_or(|theirs| theirs.iter().any(|pattern| pattern.holds(channel)));
    let (head, seen, sum, open) = views.read(|view| {
        let seen: BTreeMap<Timestamp, Hour> = match theirs {
            None => view.overview.since(first).map(|(from, hour)| (from, hour.clone())).collect(),
            Some(_) => view.overview.of_channels(first, holds),
        };
        let sum = match theirs {
            None => view.overview.sum_since(first),
            Some(_) => Hour::sum(seen.values()),
        };
        (view.position, seen, sum, OpenWarnings::of(&view.queue, theirs.is_none(), holds, now))
    });
    let is_all = theirs.is_none();
    let series = (first..first + hours).map(overview::begin_of).map(|from| {
        // Those in which nothing happened included: a chart has no gaps where nothing is missing.
        HourFigures::of(from, seen.get(&from).unwrap_or(&Hour::default()), is_all)
    });
    let series = series.collect();
    Overview {
        of: if is_all { FiguresOf::All } else { FiguresOf::Yours },
        head,
        hours,
        from,
        now,
        channels: ChannelFigures::of(views, holds, from, now, is_all.then_some(sum.unwatched_ms)),
        open,
        answered_in: Took::of(&sum.answered_in),
        step_ms,
        rules: rules_of(&sum, &seen, step_ms),
        other_rules: sum.other_rules,
        stops: StopFigures { automatic: StopCounts::of(&sum.automatic), by_person: StopCounts::of(&sum.by_person) },
        providers: is_all.then(|| providers_of(&sum, prices)),
        unanswered: is_all.then_some(sum.unanswered),
        frames: is_all.then_some(sum.frames),
        series,
    }
}

fn providers_of(sum: &Hour, prices: &Prices) -> Vec<ProviderFigures> {
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

fn rules_of(sum: &Hour, hours: &BTreeMap<Timestamp, Hour>, step_ms: u64) -> Vec<RuleFigures> {
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
    fn of(
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
    fn of(queue: &Queue, is_all: bool, holds: impl Fn(&ChannelId) -> bool, now: Timestamp) -> Self {
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
    fn of(spread: &Spread) -> Self {
        Self { count: spread.count(), median_ms: spread.at_most(500), p95_ms: spread.at_most(950) }
    }
}

impl StopCounts {
    fn of(stops: &Stops) -> Self {
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
    fn of(from: Timestamp, hour: &Hour, is_all: bool) -> Self {
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

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer) {
            Ok(hours @ 1..=overview::HOURS_MAX) => Ok(Self(hours)),
            Ok(_) | Err(_) => {
                Err(serde::de::Error::custom(format!("hours: expected a number from 1 to {}", overview::HOURS_MAX)))
            }
        }
    }
}

impl JsonSchema for Hours {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hours".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": overview::HOURS_MAX, "default": 24 })
    }
}
