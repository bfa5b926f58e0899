//! How a policy is written: the shape of one YAML document, from which its JSON Schema is generated.
//!
//! Every scalar is kept as the text that stands there, with its place: meaning is given in [`file`](super::file), so
//! that a mistaken value is reported with line and column and beside all others. Only the shape is checked here.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::diagnostic::Place;
use super::{bounds, taxonomy::Taxonomy};
use crate::model::{ChannelId, PolicyId, RuleId};

/// A scalar as it stands in the file.
pub(super) type Text = Spanned<String>;

/// Where a value stands.
pub(super) fn place<T>(value: &Spanned<T>) -> Place {
    let at = value.referenced;
    Place { line: at.line().max(1) as u32, column: at.column().max(1) as u32 } // files are bounded far below 2^32
}

/// A Streamwarden policy: which channels it watches, how closely, and what it watches for.
/// One YAML document is one policy; a file may hold several, separated by `---`.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Policy")]
pub(super) struct PolicyDocument {
    /// The policy's id, the same across its versions.
    #[schemars(with = "PolicyId", required)]
    pub policy: Option<Text>,
    /// Its version, from 1. Where none is stated the journal counts on when the policy is published.
    #[schemars(with = "Option<Count>")]
    pub version: Option<Text>,
    /// What people call it.
    #[schemars(with = "Option<String>", length(min = 1, max = 120))]
    pub title: Option<Text>,
    /// The channels it is for: a list of ids, or a pattern. A policy that lists a channel goes before every pattern.
    #[schemars(with = "ChannelsDocument", required)]
    pub channels: Option<Spanned<ChannelsDocument>>,
    /// Of several patterns that find a channel the highest priority wins, then the smaller id. Default 0.
    #[schemars(with = "Option<i32>")]
    pub priority: Option<Text>,
    /// The taxonomy whose categories the rules name. Answers in another one are read by what their labels stand for in
    /// this one, where that has been reviewed; elsewhere their frames fail.
    #[schemars(with = "TaxonomyName", required)]
    pub taxonomy: Option<Text>,
    /// Which frames are looked at.
    pub sampling: Option<SamplingDocument>,
    /// Whose answer decides: one provider's; the first of several that answers, `[rekognition, hive]`; or that of one
    /// that another screens for, `{ first: local, then: rekognition, from: 20 }`. Default: the provider that the
    /// configuration names.
    #[schemars(with = "Option<JudgedByDocument>")]
    pub judged_by: Option<Spanned<JudgedByDocument>>,
    /// The provider that must agree before a rule with `approval: none` stops by itself: its own labels must hit the same
    /// rule. It is asked where the deciding answer hits such a rule; where it disagrees or does not answer, a person is
    /// asked. Default: nobody need agree.
    #[schemars(with = "Option<crate::model::ProviderName>")]
    pub second_opinion: Option<Text>,
    /// A provider that is asked about a share of the judged frames as well, so that its answers can be compared. Nothing
    /// rests on them and nothing waits for them. Default: none.
    #[schemars(with = "Option<CompareWithDocument>")]
    pub compare_with: Option<Spanned<CompareWithDocument>>,
    /// How a channel's past sets its cadence, where `sampling.every` is a range.
    #[schemars(with = "Option<ReputationDocument>")]
    pub reputation: Option<Spanned<ReputationDocument>>,
    /// When a frame shows nothing new and is not assessed; `off` assesses every sampled frame.
    #[schemars(with = "Option<SimilarityDocument>")]
    pub similarity: Option<Spanned<SimilarityDocument>>,
    /// What follows where frames come and nobody can judge them, as while the provider is down: `record` leaves it at
    /// the record that the channel is unwatched, `warn` puts one warning before a moderator, `page` one of the highest
    /// severity that whoever is on duty is told of. No stream is ever stopped for it. Default `warn`.
    #[schemars(with = "Option<crate::model::OnUnavailable>")]
    pub on_unavailable: Option<Text>,
    /// What it takes for a rule with `approval: none` to stop by itself: `1 rule`, itself; `2 rules within 2m`, so many
    /// different rules met within that time, up to 8 and up to 1h; `propose`, nothing. Where it is not there the stop
    /// is proposed to a person. Default `1 rule`.
    #[schemars(with = "Option<AutomaticStopsText>")]
    pub automatic_stops: Option<Text>,
    /// Whether the sound of the channel's recorded segments is judged, how often and by whom:
    /// `{ every: 30s, judged_by: hive-speech }`. Rules on it name `taxonomy: hive-speech/1`. Default: it is not.
    #[schemars(with = "Option<ListeningDocument>")]
    pub sound: Option<Spanned<ListeningDocument>>,
    /// Whether the moving picture of the channel's recorded segments is judged, how often and by whom:
    /// `{ every: 60s, judged_by: hive }`. The rules on pictures hold for it. Default: it is not.
    #[schemars(with = "Option<ListeningDocument>")]
    pub clips: Option<Spanned<ListeningDocument>>,
    /// What is watched for. Rules are independent of each other: every one that is met takes effect.
    #[schemars(with = "Vec<RuleDocument>", required, length(min = 1, max = bounds::RULES_MAX))]
    pub rules: Option<Vec<Spanned<RuleDocument>>>,
}

/// Which channels a policy is for.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "Channels")]
pub(super) enum ChannelsDocument {
    /// These and no others.
    Listed(#[schemars(with = "Vec<ChannelId>", length(min = 1, max = bounds::CHANNELS_MAX))] Vec<Text>),
    /// All that the pattern finds.
    Matching(MatchingDocument),
    /// Neither: kept to be reported beside other mistakes.
    #[schemars(skip)]
    Word(String),
}

/// All channels whose id the pattern finds.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Matching")]
pub(super) struct MatchingDocument {
    /// A regular expression, found anywhere in the channel's id unless anchored with `^` and `$`.
    #[schemars(with = "String", length(min = 1, max = bounds::PATTERN_BYTES_MAX))]
    pub matching: Text,
}

/// Which frames are looked at, by the time they were captured.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sampling")]
pub(super) struct SamplingDocument {
    /// Wanted distance between two sampled frames, 100ms to 1h: `60s`, or from the closest to the most trusting
    /// watch, `10s to 2m`; within it the channel's reputation sets the cadence. Default 60s.
    #[schemars(with = "Option<CadenceText>")]
    pub every: Option<Text>,
    /// How much earlier a frame is still taken, below `every`. Default a tenth of the cadence in force, at least 500ms,
    /// at most half of it.
    #[schemars(with = "Option<DurationText>")]
    pub tolerance: Option<Text>,
    /// Within how long after its first harmful frame a stream shall be stopped, 5s to 1h, where `every` is a range: it
    /// may go as far as this less 30s, which judging and deciding may take. Default 3m.
    #[schemars(with = "Option<DurationText>")]
    pub time_to_stop: Option<Text>,
    /// A frame like the last assessed one is assessed again after this long, at least `every` and at most 24h.
    /// Default 5m, or `every` if that is longer.
    #[schemars(with = "Option<DurationText>")]
    pub reassess_after: Option<Text>,
    /// A frame older than this on arrival is recorded as stale and not assessed, 1s to 7d. Default 15m.
    #[schemars(with = "Option<DurationText>")]
    pub max_age: Option<Text>,
}

/// How a channel's past sets its cadence, between the two ends of `sampling.every`.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Reputation")]
pub(super) struct ReputationDocument {
    /// After so much watched time without a hit a channel has half of the trust that such time can earn, 1m to 1000h.
    /// Default 12h.
    #[schemars(with = "Option<DurationText>")]
    pub trust_after: Option<Text>,
    /// Evidence of this age counts half, 1h to 45d. Default 30d.
    #[schemars(with = "Option<DurationText>")]
    pub half_life: Option<Text>,
    /// A label this many percent points below a rule's threshold is a near miss, after which the channel is watched
    /// more closely; 0 for never. Default 10.
    #[schemars(with = "Option<crate::model::Confidence>")]
    pub near_miss: Option<Text>,
    /// For how long after a hit, a near miss or the beginning of a broadcast a channel is watched more closely, 0s to
    /// 24h. Default 5m.
    #[schemars(with = "Option<DurationText>")]
    pub closely_for: Option<Text>,
}

/// Whose answer decides.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "JudgedBy")]
pub(super) enum JudgedByDocument {
    /// This provider's.
    One(#[schemars(with = "crate::model::ProviderName")] String),
    /// That of the first of these that answers; each is asked where those before it did not.
    InOrder(#[schemars(with = "Vec<crate::model::ProviderName>", length(min = 1, max = bounds::JUDGES_MAX))] Vec<Text>),
    /// That of one that another screens for.
    Cascade(Box<CascadeDocument>),
}

/// One provider, which costs little, says whether another need be asked. Where it need not, its own answer decides.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Cascade")]
pub(super) struct CascadeDocument {
    /// Who screens.
    #[schemars(with = "crate::model::ProviderName", required)]
    pub first: Option<Text>,
    /// Who is asked, and decides, where the first is sure enough of any label or does not answer.
    #[schemars(with = "crate::model::ProviderName", required)]
    pub then: Option<Text>,
    /// How sure, in percent.
    #[schemars(with = "crate::model::Confidence", required)]
    pub from: Option<Text>,
    /// Of the frames in which the first is not so sure, a share that the second is asked about all the same, so that what
    /// the screen misses is known: `1 in 50`, up to `1 in 10000`. Default: of none.
    #[schemars(with = "Option<ShareText>")]
    pub sample: Option<Text>,
}

/// A provider that is asked about a share of the judged frames as well.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CompareWith")]
pub(super) struct CompareWithDocument {
    /// Which.
    #[schemars(with = "crate::model::ProviderName", required)]
    pub provider: Option<Text>,
    /// Of which share of the frames: `1 in 20`, up to `1 in 10000`.
    #[schemars(with = "ShareText", required)]
    pub share: Option<Text>,
}

/// How often one medium of a channel's segments is judged, and by whom.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Listening")]
pub(super) struct ListeningDocument {
    /// Wanted distance between two segments that are judged, by the time of their ends, 1s to 1h. Default 30s for sound,
    /// 60s for clips.
    #[schemars(with = "Option<DurationText>")]
    pub every: Option<Text>,
    /// Who is asked.
    #[schemars(with = "crate::model::ProviderName", required)]
    pub judged_by: Option<Text>,
}

/// When a frame shows what the last assessed one showed.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "Similarity")]
pub(super) enum SimilarityDocument {
    /// Every sampled frame is assessed.
    Switch(#[schemars(with = "SwitchedOff")] String),
    /// Both limits must hold.
    Limits(SimilarityLimitsDocument),
}

/// Both limits must hold for a frame to be similar.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SimilarityLimits")]
pub(super) struct SimilarityLimitsDocument {
    /// Most differing bits of the 64-bit perceptual hash. Default 10.
    #[schemars(with = "Option<HashBits>")]
    pub hash_distance: Option<Text>,
    /// Most mean difference of the 32×32 grey picture, in grey levels of 256. Default 2.0.
    #[schemars(with = "Option<f32>", range(min = 0, max = 255))]
    pub luma_delta: Option<Text>,
}

/// Categories, a threshold, how often, and what then.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rule", extend("oneOf" = [{ "required": ["confidence"] }, { "required": ["score"] }, { "required": ["from_severity"] }]))]
pub(super) struct RuleDocument {
    /// The rule's id: unique within the policy, the same across its versions.
    #[schemars(with = "RuleId", required)]
    pub id: Option<Text>,
    /// The taxonomy whose categories this rule names, if not the policy's: then only answers in it hit the rule, by their
    /// own names.
    #[schemars(with = "Option<TaxonomyName>")]
    pub taxonomy: Option<Text>,
    /// Any of these: a path of the taxonomy (`Violence/Weapons`), a name that only one label has (`Weapons`), or `*`
    /// for every label. A category holds everything below it.
    #[schemars(with = "Vec<String>", required, length(min = 1, max = bounds::CATEGORIES_MAX))]
    pub categories: Option<Vec<Text>>,
    /// From this confidence on, in percent. Either this, `score` or `from_severity`.
    #[schemars(with = "Option<crate::model::Confidence>")]
    pub confidence: Option<Text>,
    /// From this score on, 0 to 1, as the provider itself says it: where the rule's taxonomy, or else the policy's, is one
    /// of a provider that does, as Hive. Either this or `confidence`.
    #[schemars(with = "Option<f64>", range(min = 0, max = 1))]
    pub score: Option<Text>,
    /// From this severity on, 1 to 3, as the provider itself says it: where the rule's taxonomy, or else the policy's, is
    /// one of a provider that does, as Hive's of speech. Not to be taken for `severity`, which says how grave the rule is.
    #[schemars(with = "Option<ProviderSeverity>")]
    pub from_severity: Option<Text>,
    /// How often: `2 of 3` assessed frames, or `3 within 2m`. Default `1 of 1`.
    #[schemars(with = "Option<WindowText>")]
    pub window: Option<Text>,
    /// What then: `warn` puts it before a moderator, `stop` stops the stream, `suspend` also revokes its keys.
    /// Default `warn`.
    #[schemars(with = "Option<crate::model::Action>")]
    pub action: Option<Text>,
    /// Who must agree to a stop or suspend: `person`, or `none`. Default `person`.
    #[schemars(with = "Option<crate::model::Approval>")]
    pub approval: Option<Text>,
    /// How grave, 1 (least) to 5. Default 3.
    #[schemars(with = "Option<SeverityNumber>")]
    pub severity: Option<Text>,
    /// After a warning of this rule was answered, no new one for so long, up to 24h. Default 5m.
    #[schemars(with = "Option<DurationText>")]
    pub cooldown: Option<Text>,
}

impl<'de> Deserialize<'de> for ChannelsDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;
        impl<'de> Visitor<'de> for Shape {
            type Value = ChannelsDocument;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of channel ids, or `matching:` with a pattern")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut ids = Vec::new();
                while let Some(id) = seq.next_element()? {
                    ids.push(id); // bounded by the file's size
                }
                Ok(ChannelsDocument::Listed(ids))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(map)).map(ChannelsDocument::Matching)
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(ChannelsDocument::Word(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Shape)
    }
}

impl<'de> Deserialize<'de> for JudgedByDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;
        impl<'de> Visitor<'de> for Shape {
            type Value = JudgedByDocument;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a provider's name, a list of them, or `first:`, `then:` and `from:`")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name); // bounded by the file's size
                }
                Ok(JudgedByDocument::InOrder(names))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let cascade = Deserialize::deserialize(MapAccessDeserializer::new(map))?;
                Ok(JudgedByDocument::Cascade(Box::new(cascade)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(JudgedByDocument::One(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Shape)
    }
}

impl<'de> Deserialize<'de> for SimilarityDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;
        impl<'de> Visitor<'de> for Shape {
            type Value = SimilarityDocument;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`off`, or `hash_distance:` and `luma_delta:`")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(map)).map(SimilarityDocument::Limits)
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(SimilarityDocument::Switch(text.to_owned()))
            }
            fn visit_bool<E>(self, on: bool) -> Result<Self::Value, E> {
                Ok(SimilarityDocument::Switch(if on { "on" } else { "off" }.to_owned())) // YAML 1.1 reads `off` so
            }
        }
        deserializer.deserialize_any(Shape)
    }
}

macro_rules! schema_only {
    ($($(#[$doc:meta])* $name:ident = $schema:expr;)*) => {
        $(
            $(#[$doc])*
            enum $name {}

            impl JsonSchema for $name {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    stringify!($name).into()
                }
                fn inline_schema() -> bool {
                    true
                }
                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    $schema
                }
            }
        )*
    };
}

schema_only! {
    /// A number and a unit.
    DurationText = json_schema!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?(ms|s|m|h|d)$" });
    /// One cadence, or from the closest to the most trusting.
    CadenceText = json_schema!({
        "type": "string",
        "pattern": r"^[0-9]+(\.[0-9]+)? ?(ms|s|m|h)( to [0-9]+(\.[0-9]+)? ?(ms|s|m|h))?$",
    });
    /// Frames or time.
    WindowText = json_schema!({
        "type": "string",
        "pattern": r"^[0-9]+ (of [0-9]+|within [0-9]+(\.[0-9]+)? ?(ms|s|m|h|d))$",
    });
    /// Rules, or nothing.
    AutomaticStopsText = json_schema!({
        "type": "string",
        "pattern": r"^(1 rule|[2-8] rules within [0-9]+(\.[0-9]+)? ?(ms|s|m|h)|propose)$",
    });
    /// One in so many.
    ShareText = json_schema!({ "type": "string", "pattern": r"^1 in [1-9][0-9]{0,4}$" });
    /// One that is built in.
    TaxonomyName = json_schema!({
        "type": "string",
        "enum": Taxonomy::all().iter().map(Taxonomy::name).collect::<Vec<_>>(),
    });
    /// YAML 1.1 readers take a bare `off` for false.
    SwitchedOff = json_schema!({ "enum": ["off", false] });
    /// From 1.
    Count = json_schema!({ "type": "integer", "minimum": 1, "maximum": u32::MAX });
    /// Of a 64-bit hash.
    HashBits = json_schema!({ "type": "integer", "minimum": 0, "maximum": 64 });
    /// Of a label, by a provider that answers severities.
    ProviderSeverity = json_schema!({ "type": "integer", "minimum": 1, "maximum": 3 });
    /// Of a rule.
    SeverityNumber = json_schema!({ "type": "integer", "minimum": 1, "maximum": 5 });
}

/// The JSON Schema of a policy document, as committed in `schemas/policy.schema.json`.
pub fn schema() -> Schema {
    schemars::schema_for!(PolicyDocument)
}
