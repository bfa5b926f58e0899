//! What is watched for: rules and the policies that hold them, how they match channels, and how an answer is judged.
//!
//! Pure: texts come in, never files. [`mod@file`] turns readable YAML into these types and names every mistake,
//! [`check`] finds what is lawful and can never work, [`explain`] says why a verdict is what it is, [`standing`] which policy watches a channel, [`mapping`] how labels
//! of one provider read in another's words, [`import`] translates the configuration of another system.

pub mod arrangement;
pub mod bounds;
mod category;
pub mod check;
pub mod diagnostic;
mod document;
pub mod excerpt;
pub mod explain;
pub mod file;
pub mod import;
mod judge;
mod judged_by;
mod listening;
pub mod mapping;
pub mod outline;
mod reading;
mod rules;
mod shape;
pub mod standing;
pub mod taxonomy;
mod terms;

pub use arrangement::{Arrangement, Comparing, Judges};
pub use document::schema;
pub use judge::{RuleHit, hits, nearest, read_hits};
pub use judged_by::ArrangementPlaces;
pub use listening::{Listening, SegmentPlaces, Segments};

use std::sync::Arc;

use regex::Regex;

use self::taxonomy::Scale;
use crate::events::Pace;
use crate::model::{
    Action, Approval, ChannelId, Confidence, LabelPath, LumaDelta, OnUnavailable, PolicyRef, RuleId, Sha256,
};

/// A policy version, compiled.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Which policy and which version.
    pub reference: PolicyRef,
    /// The taxonomy its rules are written in, but for those with one of their own. An answer in another one is read
    /// through a reviewed [`mapping`]; where there is none it cannot be judged, and is not.
    pub taxonomy: Arc<str>,
    /// The channels it is for.
    pub channels: Channels,
    /// Among pattern policies that match a channel the highest priority wins, then the smaller id.
    pub priority: i32,
    /// Which frames are looked at.
    pub sampling: Sampling,
    /// How a channel's past sets its cadence; none where the cadence is fixed.
    pub reputation: Option<Tuning>,
    /// Who is asked about a picture.
    pub arrangement: Arrangement,
    /// What of the channel's segments is judged besides.
    pub segments: Segments,
    /// When a frame shows nothing new; none: every sampled frame is assessed.
    pub similarity: Option<SimilarityLimits>,
    /// What follows where frames come and nobody can judge them.
    pub on_unavailable: OnUnavailable,
    /// What it takes for a rule without a person's approval to stop a stream by itself.
    pub automatic_stops: AutomaticStops,
    /// What is watched for.
    pub rules: Vec<Rule>,
}

/// What it takes for a rule without a person's approval to stop a stream by itself; where it is not there, the stop is
/// proposed to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AutomaticStops {
    /// The rule alone.
    #[default]
    OneRule,
    /// So many different rules of the policy met within so many milliseconds of captured-at, the rule itself among
    /// them; 2 ≤ rules.
    SeveralRules {
        /// Rules needed.
        rules: u8,
        /// How far back.
        within_ms: u32,
    },
    /// Nothing: every stop is proposed.
    ProposeOnly,
}

/// Which channels a policy is for.
#[derive(Debug, Clone)]
pub enum Channels {
    /// These and no others; goes before every pattern.
    Listed(Vec<ChannelId>),
    /// All whose id the pattern finds (unanchored, as in a search).
    Matching(Regex),
}

impl Channels {
    /// Whether the channel is one of these.
    pub fn holds(&self, channel: &ChannelId) -> bool {
        match self {
            Self::Listed(ids) => ids.contains(channel),
            Self::Matching(pattern) => pattern.is_match(channel.as_str()),
        }
    }
}

/// Which frames are looked at, by captured-at. Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Wanted distance between two sampled frames of a channel that is watched as closely as it gets.
    pub fastest_ms: u32,
    /// Wanted distance between two sampled frames of a channel that is fully trusted; the same where the cadence is
    /// fixed.
    pub slowest_ms: u32,
    /// How much earlier a frame is still taken, so that jitter does not skip every other one; none: a tenth of the
    /// cadence in force, see [`Sampling::pace_at`].
    pub tolerance_ms: Option<u32>,
    /// A reference older than this no longer excuses a frame: a still violating picture stays one, slow drift is seen.
    pub reassess_after_ms: u32,
    /// A frame older than this on arrival is stale.
    pub max_age_ms: u32,
}

impl Sampling {
    /// The pace of a channel whose frames are wanted every `interval_ms`.
    pub fn pace_at(&self, interval_ms: u32) -> Pace {
        let tenth = || (interval_ms / 10).max(500).min(interval_ms / 2);
        Pace { interval_ms, tolerance_ms: self.tolerance_ms.unwrap_or_else(tenth) }
    }

    /// The pace of a channel that is watched as closely as it gets; the only one where the cadence is fixed.
    pub fn closest(&self) -> Pace {
        self.pace_at(self.fastest_ms)
    }
}

/// How a channel's past sets its cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Clean watched time, in milliseconds, after which a channel has half of the trust that such time can earn.
    pub trust_after_ms: u32,
    /// Age, in milliseconds, at which evidence counts half.
    pub half_life_ms: u32,
    /// How far below a rule's threshold a label is a near miss.
    pub near_miss: Confidence,
    /// For how long after a hit, a near miss or a beginning a channel is watched more closely, in milliseconds of
    /// captured-at.
    pub closely_ms: u32,
}

/// What holds where a policy says nothing of it.
impl Default for Tuning {
    fn default() -> Self {
        Self {
            trust_after_ms: 12 * 3_600_000,
            half_life_ms: 30 * 86_400_000,
            near_miss: Confidence::from_milli(10_000).expect("10 is a percentage"),
            closely_ms: 300_000,
        }
    }
}

/// When a frame shows what the last assessed one showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimilarityLimits {
    /// Most differing hash bits, of 64.
    pub hash_distance_max: u8,
    /// Most mean |Δ| of the 32×32 luma.
    pub luma_delta_max: LumaDelta,
}

/// Categories, a threshold, how often, and what then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Stable across versions.
    pub id: RuleId,
    /// Digest of everything below: a changed rule starts with an empty window.
    pub rev: u32,
    /// The taxonomy its categories are named in, if it has one of its own: then it reads answers in that one only. None:
    /// the policy's, and answers in others through what they stand for.
    pub taxonomy: Option<Arc<str>>,
    /// Any of these hits.
    pub categories: Vec<Category>,
    /// From this confidence on.
    pub confidence: Confidence,
    /// The scale in which the file states that.
    pub stated_in: Scale,
    /// How often within what.
    pub window: Window,
    /// What then.
    pub action: Action,
    /// Who must agree.
    pub approval: Approval,
    /// 1 (least) to 5.
    pub severity: u8,
    /// After a warning was answered, no new one of this rule for so long. Milliseconds of captured-at.
    pub cooldown_ms: u32,
}

impl Policy {
    /// Whether some rule stops a stream without asking a person, and the policy lets it.
    pub fn stops_by_itself(&self) -> bool {
        self.automatic_stops != AutomaticStops::ProposeOnly && self.rules.iter().any(Rule::stops_by_itself)
    }
}

impl Rule {
    /// Whether it stops a stream without asking a person, as far as it is written.
    pub fn stops_by_itself(&self) -> bool {
        matches!((self.action, self.approval), (Action::Stop | Action::Suspend, Approval::None))
    }

    /// Its threshold in the scale that its file states it in: `90 %`, `score 0.9`.
    pub fn threshold(&self) -> String {
        terms::show_threshold(self.confidence, self.stated_in)
    }

    /// The rule with the [`rev`](Self::rev) that its definition has. The order of its categories does not count.
    pub fn revised(mut self) -> Self {
        let Self {
            id: _,
            rev: _,
            taxonomy,
            categories,
            confidence,
            stated_in: _, // 0.9 and 90 % are the same threshold
            window,
            action,
            approval,
            severity,
            cooldown_ms,
        } = &self;
        let mut names: Vec<&str> = categories.iter().map(Category::as_str).collect();
        names.sort_unstable();
        names.dedup();
        // Written out by hand: the digest stays the same however these types come to be serialised.
        let mut definition = format!(
            "rule/1\n{}\n{}\n{}\n{}\n{}\n{severity}\n{cooldown_ms}",
            names.join("\n"),
            confidence.as_milli(),
            terms::show_window(*window),
            match action {
                Action::Warn => "warn",
                Action::Stop => "stop",
                Action::Suspend => "suspend",
            },
            match approval {
                Approval::None => "none",
                Approval::Person => "person",
            },
        );
        if let Some(taxonomy) = taxonomy {
            definition.push_str("\ntaxonomy ");
            definition.push_str(taxonomy);
        }
        let [a, b, c, d, ..] = Sha256::of(definition.as_bytes()).0;
        self.rev = u32::from_be_bytes([a, b, c, d]);
        self
    }
}

/// Part of a taxonomy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Category {
    /// Every label, unmapped ones included.
    Any,
    /// This label and all below it.
    Within(LabelPath),
}

impl Category {
    /// The category as a policy file names it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Any => "*",
            Self::Within(path) => path.as_str(),
        }
    }
}

/// How many hits meet a rule. Only assessed frames count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// `hits` of the last `of` assessed frames; 1 ≤ hits ≤ of ≤ 32.
    Frames {
        /// Hits needed.
        hits: u8,
        /// Frames looked back upon.
        of: u8,
    },
    /// `hits` within so many milliseconds of captured-at; 1 ≤ hits ≤ 32.
    Time {
        /// Hits needed.
        hits: u8,
        /// How far back.
        within_ms: u32,
    },
}

impl Window {
    /// How many hits fill it.
    pub fn hits_needed(self) -> u8 {
        match self {
            Self::Frames { hits, .. } | Self::Time { hits, .. } => hits,
        }
    }
}

/// The policies in force, and those in shadow, as one immutable snapshot: a frame is decided wholly under those it
/// started with.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    policies: Vec<Arc<Policy>>,
    shadows: Vec<Arc<Policy>>,
}

impl PolicySet {
    /// Takes the policies in force, at most one version of each.
    pub fn new(policies: Vec<Arc<Policy>>) -> Self {
        Self { policies: in_order(policies), shadows: Vec::new() }
    }

    /// With these in shadow beside them, at most one version of each.
    pub fn with_shadows(self, shadows: Vec<Arc<Policy>>) -> Self {
        Self { shadows: in_order(shadows), ..self }
    }

    /// The policy that watches a channel: one that lists it, else the first pattern by priority that finds it.
    pub fn for_channel(&self, channel: &ChannelId) -> Option<&Arc<Policy>> {
        first_for(&self.policies, channel)
    }

    /// The policy in shadow that judges beside the live one on a channel: chosen among those in shadow as the live one
    /// is among the live, so that a channel has at most one.
    pub fn shadow_of(&self, channel: &ChannelId) -> Option<&Arc<Policy>> {
        first_for(&self.shadows, channel)
    }

    /// All that are in force, in order of priority.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.policies.iter()
    }

    /// All that are in shadow, in order of priority.
    pub fn shadows(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.shadows.iter()
    }
}

fn in_order(mut policies: Vec<Arc<Policy>>) -> Vec<Arc<Policy>> {
    policies.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.reference.id.cmp(&b.reference.id)));
    policies
}

fn first_for<'a>(policies: &'a [Arc<Policy>], channel: &ChannelId) -> Option<&'a Arc<Policy>> {
    let listing = policies.iter().filter(|policy| matches!(policy.channels, Channels::Listed(_)));
    let matching = policies.iter().filter(|policy| matches!(policy.channels, Channels::Matching(_)));
    listing.chain(matching).find(|policy| policy.channels.holds(channel))
}
