//! What happened within one hour, or several added up.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Spread;
use crate::events::{FrameAssessed, FrameFailed, OpinionGiven, OpinionSaid, Skip};
use crate::model::{PolicyId, ProviderRef, RuleId, Verdict};

/// Rules told apart within one hour; what others raised is counted together.
pub const RULES_MAX: usize = 1000;
/// Models told apart within one hour; calls of others are not told.
const MODELS_MAX: usize = 100;

/// Counts of an hour, by the time of recording.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hour {
    /// What became of frames.
    pub frames: Frames,
    /// Frames that a provider was asked about in vain. Their events do not name it.
    pub unanswered: Unanswered,
    /// Frames that were judged, by who judged them.
    pub models: BTreeMap<Model, Calls>,
    /// Warnings that were raised, by the rule that raised them, as they stand now.
    pub rules: BTreeMap<Raiser, Decided>,
    /// Those of rules beyond [`RULES_MAX`].
    pub other_rules: Decided,
    /// From each warning to its first answer, where that came in this hour.
    pub answered_in: Spread,
    /// Stops that were asked for without a person, as they stand now.
    pub automatic: Stops,
    /// Stops that a person asked for, as they stand now.
    pub by_person: Stops,
    /// Milliseconds, live, in which nobody looked, of stretches that ended in this hour.
    pub unwatched_ms: u64,
}

/// What became of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FrameCounts")]
pub struct Frames {
    /// Judged by a provider.
    pub assessed: u64,
    /// Of those, the ones with a verdict other than clear.
    pub not_clear: u64,
    /// Could not be judged.
    pub failed: u64,
    /// Skipped: the cadence did not ask for them.
    pub too_soon: u64,
    /// Skipped: showed what the last assessed one showed.
    pub similar: u64,
    /// Skipped: the budget of provider calls ran short.
    pub gave_way: u64,
    /// Skipped: no room in the process.
    pub overloaded: u64,
    /// Skipped: a newer one took its place.
    pub superseded: u64,
    /// Skipped: too late to matter.
    pub stale: u64,
    /// Skipped: another source of the channel is judged.
    pub other_source: u64,
    /// Skipped: the session had ended.
    pub other_session: u64,
    /// Skipped: no policy watches the channel.
    pub no_policy: u64,
    /// Skipped: not a kind of picture that is read.
    pub unsupported: u64,
    /// Skipped: segments without a track of their medium, such as mute ones.
    pub no_track: u64,
}

/// Frames that a provider was asked about in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "UnansweredCalls")]
pub struct Unanswered {
    /// Frames.
    pub frames: u64,
    /// Tries, all together.
    pub attempts: u64,
}

/// Who judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Model {
    /// The provider's name.
    pub provider: Arc<str>,
    /// The model's own version.
    pub model: Arc<str>,
}

/// Calls that were answered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calls {
    /// How many.
    pub count: u64,
    /// What each took, all attempts together.
    pub took: Spread,
}

/// A rule, whichever version of its policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Raiser {
    /// The policy.
    pub policy: PolicyId,
    /// The rule.
    pub rule: RuleId,
}

/// Warnings as they stand now. Each is in one of the five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WarningOutcomes")]
pub struct Decided {
    /// Wait for an answer.
    pub open: u64,
    /// Somebody agreed.
    pub upheld: u64,
    /// Somebody disagreed.
    pub dismissed: u64,
    /// Upheld, and overturned on appeal.
    pub overturned: u64,
    /// Need no answer any more.
    pub lapsed: u64,
}

/// How a warning stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stands {
    Open,
    Upheld,
    Dismissed,
    Overturned,
    Lapsed,
}

/// Stops, suspensions included and lifts not, as they stand now. Each is in one of the first seven.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stops {
    /// Asked for or being tried.
    pub under_way: u64,
    /// The budget is spent; a person is asked.
    pub held: u64,
    /// Seen to have worked.
    pub verified: u64,
    /// There was nothing to do.
    pub not_needed: u64,
    /// Could not be done.
    pub failed: u64,
    /// Another broadcast had begun.
    pub superseded: u64,
    /// Called off.
    pub cancelled: u64,
    /// From the request to being seen to have worked.
    pub verified_in: Spread,
}

/// How far a stop has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reached {
    UnderWay,
    Held,
    Verified,
    NotNeeded,
    Failed,
    Superseded,
    Cancelled,
}

impl Hour {
    /// All of these, added up.
    pub fn sum<'a>(hours: impl Iterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        hours.for_each(|hour| sum.merge(hour));
        sum
    }

    /// Takes another hour in.
    pub fn merge(&mut self, other: &Self) {
        self.frames.merge(&other.frames);
        self.unanswered.frames += other.unanswered.frames;
        self.unanswered.attempts += other.unanswered.attempts;
        for (model, calls) in &other.models {
            let mine = self.models.entry(model.clone()).or_default();
            mine.count += calls.count;
            mine.took.merge(&calls.took);
        }
        for (rule, decided) in &other.rules {
            self.rules.entry(rule.clone()).or_default().merge(decided);
        }
        self.other_rules.merge(&other.other_rules);
        self.answered_in.merge(&other.answered_in);
        self.automatic.merge(&other.automatic);
        self.by_person.merge(&other.by_person);
        self.unwatched_ms = self.unwatched_ms.saturating_add(other.unwatched_ms);
    }

    /// Warnings raised, of all rules.
    pub fn raised(&self) -> u64 {
        self.rules.values().map(Decided::raised).sum::<u64>() + self.other_rules.raised()
    }

    /// The counts of that rule, or of those that are counted together.
    pub(super) fn of_rule(&mut self, raiser: &Raiser) -> &mut Decided {
        if self.rules.len() >= RULES_MAX && !self.rules.contains_key(raiser) {
            return &mut self.other_rules;
        }
        self.rules.entry(raiser.clone()).or_default()
    }

    pub(super) fn stops(&mut self, automatic: bool) -> &mut Stops {
        if automatic { &mut self.automatic } else { &mut self.by_person }
    }

    pub(super) fn assessed(&mut self, assessed: &FrameAssessed) {
        self.frames.assessed += 1;
        self.frames.not_clear += u64::from(assessed.verdict != Verdict::Clear);
        self.answered(&assessed.provider, assessed.took.2);
    }

    /// Somebody answered who did not decide the frame: a call like every other.
    pub(super) fn opined(&mut self, given: &OpinionGiven) {
        if let OpinionSaid::Answer(_) = given.said {
            self.answered(&given.provider, given.took_ms);
        }
    }

    fn answered(&mut self, by: &ProviderRef, took_ms: u32) {
        let model = Model { provider: by.name.clone(), model: by.model.clone() };
        if self.models.len() < MODELS_MAX || self.models.contains_key(&model) {
            let calls = self.models.entry(model).or_default();
            calls.count += 1;
            calls.took.add(took_ms.into());
        }
    }

    pub(super) fn failed(&mut self, failed: &FrameFailed, asked: bool) {
        self.frames.failed += 1;
        if asked {
            self.unanswered.frames += 1;
            self.unanswered.attempts += u64::from(failed.attempts);
        }
    }
}

impl Frames {
    /// Frames with an outcome.
    pub fn all(&self) -> u64 {
        let skipped = [
            self.too_soon,
            self.similar,
            self.gave_way,
            self.overloaded,
            self.superseded,
            self.stale,
            self.other_source,
            self.other_session,
            self.no_policy,
            self.unsupported,
            self.no_track,
        ];
        self.assessed + self.failed + skipped.iter().sum::<u64>()
    }

    pub(super) fn skipped(&mut self, because: &Skip) {
        let count = match because {
            Skip::TooSoon { .. } => &mut self.too_soon,
            Skip::Similar { .. } => &mut self.similar,
            Skip::GaveWay { .. } => &mut self.gave_way,
            Skip::Overloaded => &mut self.overloaded,
            Skip::Superseded { .. } => &mut self.superseded,
            Skip::Stale { .. } => &mut self.stale,
            Skip::OtherSource => &mut self.other_source,
            Skip::OtherSession => &mut self.other_session,
            Skip::NoPolicy => &mut self.no_policy,
            Skip::Unsupported => &mut self.unsupported,
            Skip::NoTrack { .. } => &mut self.no_track,
        };
        *count += 1;
    }

    fn merge(&mut self, other: &Self) {
        self.assessed += other.assessed;
        self.not_clear += other.not_clear;
        self.failed += other.failed;
        self.too_soon += other.too_soon;
        self.similar += other.similar;
        self.gave_way += other.gave_way;
        self.overloaded += other.overloaded;
        self.superseded += other.superseded;
        self.stale += other.stale;
        self.other_source += other.other_source;
        self.other_session += other.other_session;
        self.no_policy += other.no_policy;
        self.unsupported += other.unsupported;
        self.no_track += other.no_track;
    }
}

impl Decided {
    /// All of them.
    pub fn raised(&self) -> u64 {
        self.open + self.upheld + self.dismissed + self.overturned + self.lapsed
    }

    /// Those that somebody answered.
    pub fn answered(&self) -> u64 {
        self.upheld + self.dismissed + self.overturned
    }

    pub(super) fn count(&mut self, stands: Stands) -> &mut u64 {
        match stands {
            Stands::Open => &mut self.open,
            Stands::Upheld => &mut self.upheld,
            Stands::Dismissed => &mut self.dismissed,
            Stands::Overturned => &mut self.overturned,
            Stands::Lapsed => &mut self.lapsed,
        }
    }

    /// Takes others in.
    pub fn merge(&mut self, other: &Self) {
        self.open += other.open;
        self.upheld += other.upheld;
        self.dismissed += other.dismissed;
        self.overturned += other.overturned;
        self.lapsed += other.lapsed;
    }
}

impl Stops {
    /// All of them.
    pub fn requested(&self) -> u64 {
        self.under_way + self.held + self.verified + self.not_needed + self.failed + self.superseded + self.cancelled
    }

    pub(super) fn count(&mut self, reached: Reached) -> &mut u64 {
        match reached {
            Reached::UnderWay => &mut self.under_way,
            Reached::Held => &mut self.held,
            Reached::Verified => &mut self.verified,
            Reached::NotNeeded => &mut self.not_needed,
            Reached::Failed => &mut self.failed,
            Reached::Superseded => &mut self.superseded,
            Reached::Cancelled => &mut self.cancelled,
        }
    }

    fn merge(&mut self, other: &Self) {
        self.under_way += other.under_way;
        self.held += other.held;
        self.verified += other.verified;
        self.not_needed += other.not_needed;
        self.failed += other.failed;
        self.superseded += other.superseded;
        self.cancelled += other.cancelled;
        self.verified_in.merge(&other.verified_in);
    }
}
