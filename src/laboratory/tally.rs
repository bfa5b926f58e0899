//! What is counted of one proposal while its trials run. Tallies of different channels merge into the same whole in
//! whatever order: sums, spreads, and lists that keep the first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::price::Prices;
use super::report::{
    AfterStop, AnswerKind, Answers, CHANNELS_NAMED_MAX, Calls, CallsTo, Change, Compared, ComparedChannel,
    ComparedRule, DIFFERENCES_MAX, Density, Difference, EPISODES_MAX, Episode, Episodes, NotOnRecord, Report, Truth,
    permille,
};
use super::shown::Shown;
use super::spread::Spread;
use super::unknowable::Unknowns;
use crate::model::{ChannelId, Medium, Position, RuleId};

/// At most one look in so many may be late or missed for the recording to count as dense enough.
const SPARSE_ONE_IN: u64 = 10;

/// Everything that is counted of one proposal.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub judged: u64,
    pub calls: CallsBy,
    pub calls_without_answer: u64,
    /// Channels without any outcome of a medium that the policy on trial listens to.
    pub not_on_record: BTreeMap<Medium, u64>,
    pub channels: u64,
    pub rules: BTreeMap<RuleId, OfRule>,
    pub by_channel: Shown<(Reverse<u64>, ChannelId), ComparedChannel, CHANNELS_NAMED_MAX>,
    pub gained: ShownEpisodes,
    pub lost: ShownEpisodes,
    pub truth: Truth,
    pub to_warning: Changes,
    pub to_stop: Changes,
    pub asked: Spread,
    pub tolerance_ms_max: u32,
    pub late: Spread,
    pub missed: u64,
    /// Looks that were late or missed because of the cadence then.
    pub sparse: u64,
    pub after_stop: AfterStop,
    pub unknown: Unknowns,
    pub differences: Shown<Position, Difference, DIFFERENCES_MAX>,
    /// Time from the onset of an upheld warning's episode until it would have been warned of, in milliseconds.
    pub detection: Spread,
    /// Episodes that certainly would not have been warned of.
    pub missed_episodes: u64,
    /// Episodes that may or may not have been.
    pub unknowable_episodes: u64,
}

/// What a person answered first, then in order of position and rule.
pub(super) type ShownEpisodes = Shown<(AnswerKind, Position, RuleId), Episode, EPISODES_MAX>;

/// What is counted of one rule.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OfRule {
    pub compared: Compared,
    pub recorded: Answers,
    pub proposed: Answers,
}

/// Sooner and later.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    pub spread: Spread,
    pub sooner: u64,
    pub later: u64,
    pub gained: u64,
    pub lost: u64,
}

/// Calls by the provider that they go to.
#[derive(Debug, Clone, Default)]
pub(super) struct CallsBy(BTreeMap<Arc<str>, u64>);

/// What is counted of the recording itself, once however many proposals are tried on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Recording {
    pub calls: CallsBy,
    pub spacing: Spread,
    pub watched_ms: u64,
}

impl Tally {
    pub fn count(&mut self, rule: &RuleId, of_channel: &mut Compared, change: impl Fn(&mut Compared)) {
        change(of_channel);
        match self.rules.get_mut(rule) {
            Some(known) => change(&mut known.compared),
            None => change(&mut self.rules.entry(rule.clone()).or_default().compared),
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.judged += other.judged;
        self.calls.merge(other.calls);
        self.calls_without_answer += other.calls_without_answer;
        self.channels += other.channels;
        for (medium, channels) in other.not_on_record {
            *self.not_on_record.entry(medium).or_default() += channels;
        }
        for (rule, counted) in other.rules {
            let known = self.rules.entry(rule).or_default();
            known.compared.merge(counted.compared);
            known.recorded.merge(counted.recorded);
            known.proposed.merge(counted.proposed);
        }
        self.by_channel.merge(other.by_channel);
        self.gained.merge(other.gained);
        self.lost.merge(other.lost);
        self.truth.merge(other.truth);
        self.to_warning.merge(other.to_warning);
        self.to_stop.merge(other.to_stop);
        self.asked.merge(other.asked);
        self.tolerance_ms_max = self.tolerance_ms_max.max(other.tolerance_ms_max);
        self.late.merge(other.late);
        self.missed += other.missed;
        self.sparse += other.sparse;
        self.after_stop.sessions += other.after_stop.sessions;
        self.after_stop.calls += other.after_stop.calls;
        self.after_stop.warnings += other.after_stop.warnings;
        self.after_stop.cut_short += other.after_stop.cut_short;
        self.unknown.merge(other.unknown);
        self.differences.merge(other.differences);
        self.detection.merge(other.detection);
        self.missed_episodes += other.missed_episodes;
        self.unknowable_episodes += other.unknowable_episodes;
    }

    /// The report, at these prices.
    pub fn report(self, recording: &Recording, left_out: u64, prices: &Prices) -> Report {
        let density = self.density(recording);
        let calls = Calls {
            without_answer: self.calls_without_answer,
            not_on_record: self
                .not_on_record
                .iter()
                .map(|(medium, channels)| NotOnRecord { medium: *medium, channels: *channels })
                .collect(),
            ..calls(&recording.calls, density.enough.then_some(&self.calls), prices)
        };
        let calls = match calls.not_on_record.is_empty() {
            true => calls,
            false => Calls { proposed_micros: None, ..calls },
        };
        let mut total = Compared::default();
        self.rules.values().for_each(|of| total.merge(of.compared));
        let rules = self.rules.into_iter().map(|(rule, of)| ComparedRule {
            rule,
            compared: of.compared,
            answers_recorded: of.recorded,
            answers_proposed: of.proposed,
        });
        let mut truth = self.truth;
        truth.recall_permille = permille(truth.upheld_found, truth.recorded.upheld);
        Report {
            judged: self.judged,
            differing: self.differences.count(),
            channels: self.channels,
            left_out,
            total,
            rules: rules.collect(),
            by_channel: self.by_channel.into_items(),
            gained: episodes(self.gained),
            lost: episodes(self.lost),
            truth,
            to_warning: self.to_warning.into_change(),
            to_stop: self.to_stop.into_change(),
            calls,
            density,
            after_stop: self.after_stop,
            unknowable: self.unknown.into_list(),
            differences: self.differences.into_items(),
        }
    }

    /// A cadence finer than the recording cannot be tried on it: what lies between its looks is not known. It is finer
    /// if it asks for looks more often than there were any, unless almost all that it asked for were there: where frames
    /// themselves came seldom, every cadence looks at them alike.
    pub fn density(&self, recording: &Recording) -> Density {
        let (recorded, asked) = (recording.spacing.at_permille(500), self.asked.at_permille(500));
        let coarser = match (recorded, asked) {
            (Some(recorded), Some(asked)) => recorded <= asked.saturating_add(i64::from(self.tolerance_ms_max)),
            (None, _) | (_, None) => true, // nothing was asked for, or no broadcast had two looks
        };
        let enough = coarser || self.sparse * SPARSE_ONE_IN <= self.asked.count();
        Density {
            recorded_median_ms: recorded,
            asked_median_ms: asked,
            enough,
            late: self.late.count(),
            late_median_ms: self.late.at_permille(500),
            missed: self.missed,
        }
    }
}

fn calls(recorded: &CallsBy, proposed: Option<&CallsBy>, prices: &Prices) -> Calls {
    let names: BTreeSet<&Arc<str>> = recorded.names().chain(proposed.into_iter().flat_map(CallsBy::names)).collect();
    let to = |name: &Arc<str>| CallsTo {
        provider: name.to_string(),
        recorded: recorded.to(name),
        proposed: proposed.map(|proposed| proposed.to(name)),
        price_micros: prices.of(name),
    };
    Calls {
        recorded: recorded.total(),
        proposed: proposed.map(CallsBy::total),
        by_provider: names.into_iter().map(to).collect(),
        recorded_micros: recorded.micros(prices),
        proposed_micros: proposed.map(|proposed| proposed.micros(prices)),
        ..Calls::default()
    }
}

impl CallsBy {
    pub fn add(&mut self, provider: &Arc<str>) {
        match self.0.get_mut(provider) {
            Some(calls) => *calls += 1,
            None => {
                self.0.insert(provider.clone(), 1);
            }
        }
    }

    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// What they cost, in millionths of a dollar: of those to providers with a price.
    pub fn micros(&self, prices: &Prices) -> u64 {
        let of = |(name, calls): (&Arc<str>, &u64)| prices.of(name).unwrap_or_default().saturating_mul(*calls);
        self.0.iter().map(of).fold(0, u64::saturating_add)
    }

    fn to(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }

    fn merge(&mut self, other: Self) {
        for (name, calls) in other.0 {
            *self.0.entry(name).or_default() += calls;
        }
    }
}

fn episodes(shown: ShownEpisodes) -> Episodes {
    Episodes { count: shown.count(), shown: shown.into_items() }
}

impl Truth {
    fn merge(&mut self, other: Self) {
        self.recorded.merge(other.recorded);
        self.proposed.merge(other.proposed);
        self.upheld_found += other.upheld_found;
        self.upheld_lost += other.upheld_lost;
        self.upheld_unknowable += other.upheld_unknowable;
        self.dismissed_spared += other.dismissed_spared;
    }
}

impl Changes {
    pub fn add(&mut self, change_ms: i64) {
        self.spread.add(change_ms);
        self.sooner += u64::from(change_ms < 0);
        self.later += u64::from(change_ms > 0);
    }

    fn merge(&mut self, other: Self) {
        self.spread.merge(other.spread);
        self.sooner += other.sooner;
        self.later += other.later;
        self.gained += other.gained;
        self.lost += other.lost;
    }

    fn into_change(self) -> Change {
        Change {
            in_both: self.spread.count(),
            sooner: self.sooner,
            later: self.later,
            median_ms: self.spread.at_permille(500),
            p95_ms: self.spread.at_permille(950),
            gained: self.gained,
            lost: self.lost,
        }
    }
}

impl Recording {
    pub fn merge(&mut self, other: Self) {
        self.calls.merge(other.calls);
        self.spacing.merge(other.spacing);
        self.watched_ms += other.watched_ms;
    }
}
