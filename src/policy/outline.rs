//! A policy as data for readers: what its file says, in the words of the file and with every default written out, and
//! what differs between two versions.

mod changes;

pub use changes::{Changed, ChangedRule, Changes};

use std::fmt::Display;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::taxonomy::Scale;
use super::{
    Arrangement, AutomaticStops, Channels, Judges, Listening, Policy, Rule, Sampling, Segments, SimilarityLimits,
    Tuning, terms,
};
use crate::model::{Action, Approval, ChannelId, Confidence, OnUnavailable, PolicyRef, ProviderName, RuleId, Severity};

/// A policy version as its file says it, with every default written out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outline {
    /// Which policy and which version.
    pub policy: PolicyRef,
    /// The taxonomy its rules are written in.
    pub taxonomy: String,
    /// The channels it is for.
    pub channels: ChannelsOutline,
    /// Among patterns that find a channel the highest priority wins, then the smaller id.
    pub priority: i32,
    /// Which frames are looked at.
    pub sampling: SamplingOutline,
    /// Whose answer decides: `as configured`, `hive`, `[rekognition, hive]` for the first that answers,
    /// `{ first: local, then: rekognition, from: 20 }` where one screens for another.
    #[serde(default = "as_configured")]
    pub judged_by: String,
    /// Who must agree before a rule stops by itself; none: nobody.
    #[serde(default)]
    pub second_opinion: Option<ProviderName>,
    /// Who is asked about a share of the frames to be compared; none: nobody.
    #[serde(default)]
    pub compare_with: Option<ComparedOutline>,
    /// How the sound of segments is judged; none: it is not.
    #[serde(default)]
    pub sound: Option<ListeningOutline>,
    /// How the moving picture of segments is judged; none: it is not.
    #[serde(default)]
    pub clips: Option<ListeningOutline>,
    /// How a channel's past sets its cadence; none where the cadence is fixed.
    #[serde(default)]
    pub reputation: Option<ReputationOutline>,
    /// When a frame shows nothing new; none: every sampled frame is assessed.
    pub similarity: Option<SimilarityOutline>,
    /// What follows where frames come and nobody can judge them.
    #[serde(default)]
    pub on_unavailable: OnUnavailable,
    /// What it takes for a rule to stop by itself: `1 rule`, `2 rules within 2m`, `propose`.
    #[serde(default = "one_rule")]
    pub automatic_stops: String,
    /// What is watched for.
    pub rules: Vec<RuleOutline>,
}

/// What outlines were written before anything else could be asked for.
fn one_rule() -> String {
    terms::show_automatic_stops(AutomaticStops::OneRule)
}

/// What outlines were written before a policy could name its providers.
fn as_configured() -> String {
    terms::show_judges(&Judges::Configured)
}

/// Who is asked about a share of the frames to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedOutline {
    /// Who.
    pub provider: ProviderName,
    /// About which share: `1 in 20`.
    pub share: String,
}

/// How one medium of segments is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListeningOutline {
    /// Wanted distance between two segments that are judged: `30s`.
    pub every: String,
    /// Who is asked.
    pub judged_by: ProviderName,
}

/// The channels a policy is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelsOutline {
    /// These and no others.
    Listed(Vec<ChannelId>),
    /// All whose id this regular expression finds.
    Matching(String),
}

/// Which frames are looked at; durations as a policy file writes them: `10s`, `5m`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SamplingOutline {
    /// Wanted distance between two sampled frames: `60s`, or from the closest to the most trusting, `10s to 2m`.
    pub every: String,
    /// How much earlier a frame is still taken; where it follows the cadence, at the closest.
    pub tolerance: String,
    /// From which age on a reference excuses no frame any more.
    pub reassess_after: String,
    /// From which age on a frame is stale.
    pub max_age: String,
}

/// How a channel's past sets its cadence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReputationOutline {
    /// Watched time without a hit that earns half of the trust that such time can earn.
    pub trust_after: String,
    /// Age at which evidence counts half.
    pub half_life: String,
    /// How far below a threshold a label is a near miss, in percent points; 0 is never.
    pub near_miss: Confidence,
    /// For how long a channel is watched more closely after a hit, a near miss or a beginning.
    pub closely_for: String,
}

/// When a frame shows nothing new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SimilarityOutline {
    /// Most differing hash bits, of 64.
    pub hash_distance: u8,
    /// Most mean difference of brightness, in grey levels.
    pub luma_delta: String,
}

/// A rule as its file says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleOutline {
    /// The rule.
    pub rule: RuleId,
    /// Digest of its definition; another one begins with an empty window.
    pub rev: u32,
    /// The taxonomy its categories are named in, where it has one of its own.
    #[serde(default)]
    pub taxonomy: Option<String>,
    /// Any of these hits; `*` is every label.
    pub categories: Vec<String>,
    /// From this confidence on.
    pub confidence: Confidence,
    /// The same as a score from 0 to 1, where the file states it so.
    #[serde(default)]
    pub score: Option<String>,
    /// The same as a provider's severity, 1 to 3, where the file states it so.
    #[serde(default)]
    pub from_severity: Option<u8>,
    /// How often within what: `2 of 3`, `2 within 30s`.
    pub window: String,
    /// What then.
    pub action: Action,
    /// Who must agree.
    pub approval: Approval,
    /// 1 (least) to 5.
    pub severity: u8,
    /// After an answer, no new warning of it for so long.
    pub cooldown: String,
}

impl Outline {
    /// The outline of a policy version.
    pub fn of(policy: &Policy) -> Self {
        let Policy {
            reference,
            taxonomy,
            arrangement: Arrangement { judges, second, comparing },
            segments: Segments { sound, clips },
            channels,
            priority,
            sampling,
            reputation,
            similarity,
            on_unavailable,
            automatic_stops,
            rules,
        } = policy;
        Self {
            policy: reference.clone(),
            taxonomy: taxonomy.to_string(),
            channels: match channels {
                Channels::Listed(ids) => ChannelsOutline::Listed(ids.clone()),
                Channels::Matching(pattern) => ChannelsOutline::Matching(pattern.as_str().to_owned()),
            },
            priority: *priority,
            sampling: SamplingOutline::of(sampling),
            judged_by: terms::show_judges(judges),
            second_opinion: second.clone(),
            compare_with: comparing.as_ref().map(|comparing| ComparedOutline {
                provider: comparing.with.clone(),
                share: terms::show_share(comparing.one_in),
            }),
            sound: sound.as_ref().map(ListeningOutline::of),
            clips: clips.as_ref().map(ListeningOutline::of),
            reputation: reputation.as_ref().map(ReputationOutline::of),
            similarity: similarity.as_ref().map(SimilarityOutline::of),
            on_unavailable: *on_unavailable,
            automatic_stops: terms::show_automatic_stops(*automatic_stops),
            rules: rules.iter().map(RuleOutline::of).collect(),
        }
    }
}

impl SamplingOutline {
    fn of(sampling: &Sampling) -> Self {
        Self {
            every: terms::show_cadence(sampling.fastest_ms, sampling.slowest_ms),
            tolerance: terms::show_duration(sampling.closest().tolerance_ms),
            reassess_after: terms::show_duration(sampling.reassess_after_ms),
            max_age: terms::show_duration(sampling.max_age_ms),
        }
    }
}

impl ListeningOutline {
    fn of(listening: &Listening) -> Self {
        let Listening { every_ms, judged_by } = listening;
        Self { every: terms::show_duration(*every_ms), judged_by: judged_by.clone() }
    }
}

impl ReputationOutline {
    fn of(tuning: &Tuning) -> Self {
        Self {
            trust_after: terms::show_duration(tuning.trust_after_ms),
            half_life: terms::show_duration(tuning.half_life_ms),
            near_miss: tuning.near_miss,
            closely_for: terms::show_duration(tuning.closely_ms),
        }
    }
}

impl Display for ReputationOutline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { trust_after, half_life, near_miss, closely_for } = self;
        let near_miss = f64::from(near_miss.as_milli()) / 1000.0;
        write!(f, "trust_after {trust_after}, half_life {half_life}, near_miss {near_miss}, closely_for {closely_for}")
    }
}

impl SimilarityOutline {
    fn of(limits: &SimilarityLimits) -> Self {
        Self { hash_distance: limits.hash_distance_max, luma_delta: limits.luma_delta_max.to_string() }
    }
}

impl RuleOutline {
    fn of(rule: &Rule) -> Self {
        Self {
            rule: rule.id.clone(),
            rev: rule.rev,
            taxonomy: rule.taxonomy.as_deref().map(str::to_owned),
            categories: rule.categories.iter().map(|category| category.as_str().to_owned()).collect(),
            confidence: rule.confidence,
            score: (rule.stated_in == Scale::Unit).then(|| terms::show_score(rule.confidence)),
            from_severity: match rule.stated_in {
                Scale::Severity => Severity::of(rule.confidence).map(Severity::get),
                Scale::Percent | Scale::Unit => None,
            },
            window: terms::show_window(rule.window),
            action: rule.action,
            approval: rule.approval,
            severity: rule.severity,
            cooldown: terms::show_duration(rule.cooldown_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::file;

    fn outline(rest: &str) -> Outline {
        let text = format!("policy: p\ntaxonomy: rekognition/7.0\n{rest}");
        Outline::of(&file::load("p.yaml", &text).unwrap().remove(0).policy)
    }

    const BEFORE: &str = "channels: [a, b]\nrules:\n- {id: weapons, categories: [Violence], confidence: 90}\n\
                          - {id: alcohol, categories: [Alcohol], confidence: 80}\n";

    #[test]
    fn what_is_the_same_is_no_change_whatever_its_order() {
        let again = "channels: [b, a]\npriority: 0\nrules:\n- {id: alcohol, categories: [Alcohol], confidence: 80}\n\
                     - {id: weapons, categories: [Violence], confidence: 90.0, action: warn}\n";
        assert_eq!(outline(again).changes_from(Some(&outline(BEFORE))), Changes::default());
    }

    #[test]
    fn who_is_asked_is_shown_and_compared() {
        let rules = "rules: [{id: r, categories: [Violence], confidence: 90, action: stop, approval: none}]";
        let of = |asks: &str| outline(&format!("channels: [a]\n{asks}{rules}"));
        let before = of("");
        assert_eq!((before.judged_by.as_str(), &before.second_opinion), ("as configured", &None));
        let after = of("judged_by: {first: local, then: rekognition, from: 20, sample: 1 in 50}\n\
                        second_opinion: hive\ncompare_with: {provider: hive, share: 1 in 20}\n");
        let changed = after.changes_from(Some(&before)).policy;
        let said: Vec<String> = changed.iter().map(|c| format!("{}: {} → {}", c.what, c.from, c.to)).collect();
        assert_eq!(
            said,
            [
                "judged_by: as configured → { first: local, then: rekognition, from: 20, sample: 1 in 50 }",
                "second_opinion: none → hive",
                "compare_with: none → hive, 1 in 20",
            ]
        );
        assert_eq!(of("judged_by: hive\n").judged_by, "hive");
        assert_eq!(of("judged_by: [rekognition, hive]\n").judged_by, "[rekognition, hive]");
    }

    #[test]
    fn every_kind_of_change_is_named_rule_by_rule() {
        let after = "channels: [b, c]\nsampling: {every: 10s}\non_unavailable: page\n\
                     automatic_stops: 2 rules within 2m\nrules:\n\
                     - {id: weapons, categories: [Violence, Gambling], confidence: 92.5, window: 2 of 3}\n\
                     - {id: explicit, categories: [Explicit], confidence: 80}\n";
        let changes = outline(after).changes_from(Some(&outline(BEFORE)));
        let said = |changes: &[Changed]| -> Vec<String> {
            changes.iter().map(|it| format!("{}: {} → {}", it.what, it.from, it.to)).collect()
        };
        let policy = said(&changes.policy);
        assert!(policy.contains(&"channels: a → c".to_owned()), "{policy:?}");
        assert!(policy.contains(&"sampling.every: 1m → 10s".to_owned()), "{policy:?}");
        assert!(policy.contains(&"on_unavailable: warn → page".to_owned()), "{policy:?}");
        assert!(policy.contains(&"automatic_stops: 1 rule → 2 rules within 2m".to_owned()), "{policy:?}");
        assert_eq!(changes.added.iter().map(|rule| rule.rule.as_str()).collect::<Vec<_>>(), ["explicit"]);
        assert_eq!(changes.removed.iter().map(|rule| rule.rule.as_str()).collect::<Vec<_>>(), ["alcohol"]);
        let [changed] = changes.changed.as_slice() else { panic!("{:?}", changes.changed) };
        let weapons = ["categories:  → Gambling", "confidence: 90 → 92.5", "window: 1 of 1 → 2 of 3"];
        assert_eq!(said(&changed.changes), weapons);
    }

    #[test]
    fn a_rules_own_taxonomy_is_a_change_and_the_scale_of_its_threshold_none() {
        let hive = |threshold: &str, own: &str| {
            outline(&format!("channels: [a]\nrules:\n- {{id: r, {own}categories: [\"*\"], {threshold}}}\n"))
        };
        let own = "taxonomy: hive-visual/1, ";
        let (percent, score) = (hive("confidence: 90", own), hive("score: 0.9", own));
        assert_eq!((percent.rules[0].score.as_deref(), score.rules[0].score.as_deref()), (None, Some("0.9")));
        assert_eq!(score.changes_from(Some(&percent)), Changes::default());
        let changes = hive("confidence: 90", own).changes_from(Some(&hive("confidence: 90", "")));
        let [Changed { what, from, to }] = changes.changed[0].changes.as_slice() else { panic!("{changes:?}") };
        assert_eq!((&**what, &**from, &**to), ("taxonomy", "the policy's", "hive-visual/1"));
    }

    #[test]
    fn of_a_first_version_every_rule_is_new() {
        let changes = outline(BEFORE).changes_from(None);
        assert_eq!((changes.added.len(), changes.removed.len(), changes.changed.len()), (2, 0, 0));
    }
}
