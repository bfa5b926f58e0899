//! Which events somebody wants: one filter for the audit, the live feed, consumers and replays.
//!
//! Pure. Every list that is not empty must hold for an event; within a list one value is enough. It is asked in two
//! steps: [`Filter::may_match`] by the envelope alone, so that most events are passed over without reading their
//! payload, and [`Filter::matches`] with it.

mod parameters;
mod said;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use parameters::FilterError;
use said::{Said, said, says};

use super::{Actor, CodecError, Envelope, Event, EventType, Recorded};
use crate::model::{
    ChannelPattern, ExternalId, IdError, LabelPath, ModeratorId, PolicyId, PolicyRef, RuleId, Scope, Timestamp, Verdict,
};

/// Which events somebody wants. The empty filter wants all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Types of events.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded")]
    #[schemars(length(max = 50))]
    pub types: Vec<EventType>,
    /// Channels. Events that belong to no channel are wanted by `*` alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded")]
    #[schemars(length(max = 50))]
    pub channels: Vec<ChannelPattern>,
    /// Verdicts of assessed frames.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded")]
    #[schemars(length(max = 50))]
    pub verdicts: Vec<Verdict>,
    /// Labels in the event, or categories above them.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded")]
    #[schemars(length(max = 50))]
    pub labels: Vec<LabelPath>,
    /// Rules that a label hit, that raised a warning or asked for an enforcement.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded")]
    #[schemars(length(max = 50))]
    pub rules: Vec<RuleId>,
    /// Moderators who acted, or to whom something was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded")]
    #[schemars(length(max = 50))]
    pub moderators: Vec<ModeratorId>,
    /// External actors who decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded")]
    #[schemars(length(max = 50))]
    pub externals: Vec<ExternalId>,
    /// Policies under which something was decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded")]
    #[schemars(length(max = 50))]
    pub policies: Vec<PolicyChoice>,
    /// Recorded at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_from: Option<Timestamp>,
    /// Recorded before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_to: Option<Timestamp>,
    /// Captured at this moment or later. An event that has no captured-at is not wanted then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_from: Option<Timestamp>,
    /// Captured before this moment. An event that has no captured-at is not wanted then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_to: Option<Timestamp>,
    /// What the caller may see; none restricts nothing. Belongs to the caller and not to the filter: never stored.
    #[serde(skip)]
    pub allowed: Option<Vec<ChannelPattern>>,
}

/// A policy in all its versions, or one version of it: `id` or `id@version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChoice {
    /// The policy.
    pub id: PolicyId,
    /// The version; none is all of them.
    pub version: Option<u32>,
}

impl Filter {
    /// The most values one list may hold: each costs a comparison per event.
    pub const VALUES_MAX: usize = 50;

    /// The same filter for a caller who may see these channels only. What belongs to no channel is seen by `*` alone.
    pub fn restricted_to(mut self, channels: &[ChannelPattern]) -> Self {
        self.allowed = Some(channels.to_vec());
        self
    }

    /// Refuses a filter that no event can match because of its times.
    pub fn check(&self) -> Result<(), FilterError> {
        let ranges = [
            ("recorded_from", self.recorded_from, "recorded_to", self.recorded_to),
            ("captured_from", self.captured_from, "captured_to", self.captured_to),
        ];
        for (from_name, from, to_name, to) in ranges {
            if let (Some(from), Some(to)) = (from, to)
                && from >= to
            {
                return Err(FilterError::EmptyRange { from_name, from, to_name, to });
            }
        }
        Ok(())
    }

    /// Whether an event in this envelope may match. "No" is certain; "yes" asks for the payload.
    pub fn may_match(&self, envelope: &Envelope) -> bool {
        // A type that this program does not know may say anything.
        let says = EventType::from_name(&envelope.event_type).map(says);
        let may_say = |stated: fn(&said::Says) -> bool| says.as_ref().is_none_or(stated);
        self.envelope_holds(envelope)
            && (self.verdicts.is_empty() || may_say(|says| says.verdict))
            && (self.labels.is_empty() || may_say(|says| says.labels))
            && (self.rules.is_empty() || may_say(|says| says.rules))
            && (self.moderators.is_empty() || self.names_moderator(envelope) || may_say(|says| says.moderators))
            && (self.policies.is_empty() || self.names_policy(envelope) || may_say(|says| says.policies))
    }

    /// Whether the event matches. Its payload is decoded only if the filter asks for something in it.
    pub fn matches(&self, recorded: &Recorded) -> Result<bool, CodecError> {
        if !self.may_match(&recorded.envelope) {
            return Ok(false);
        }
        if !self.asks_for_payload() {
            return Ok(true);
        }
        Ok(self.payload_holds(&recorded.envelope, &recorded.event()?))
    }

    /// Whether an event matches whose payload has been decoded already.
    pub fn matches_decoded(&self, envelope: &Envelope, event: &Event) -> bool {
        self.envelope_holds(envelope) && (!self.asks_for_payload() || self.payload_holds(envelope, event))
    }

    fn asks_for_payload(&self) -> bool {
        !(self.verdicts.is_empty()
            && self.labels.is_empty()
            && self.rules.is_empty()
            && self.moderators.is_empty()
            && self.policies.is_empty())
    }

    fn envelope_holds(&self, envelope: &Envelope) -> bool {
        let within = |at: Timestamp, from: Option<Timestamp>, to: Option<Timestamp>| {
            from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to)
        };
        let captured = self.captured_from.is_none() && self.captured_to.is_none()
            || envelope.captured_at.is_some_and(|at| within(at, self.captured_from, self.captured_to));
        let external = match &envelope.actor {
            Actor::External(external) => self.externals.contains(external),
            Actor::Warden(_) | Actor::Moderator(_) | Actor::Service(_) => false,
        };
        (self.externals.is_empty() || external)
            && (self.types.is_empty() || self.types.iter().any(|wanted| wanted.name() == envelope.event_type))
            && (self.channels.is_empty() || holds_scope(&self.channels, &envelope.scope))
            && self.allowed.as_ref().is_none_or(|allowed| holds_scope(allowed, &envelope.scope))
            && within(envelope.recorded_at, self.recorded_from, self.recorded_to)
            && captured
    }

    fn payload_holds(&self, envelope: &Envelope, event: &Event) -> bool {
        let Said { verdict, labels, rules, moderators, policies } = said(event);
        (self.verdicts.is_empty() || verdict.is_some_and(|verdict| self.verdicts.contains(&verdict)))
            && (self.labels.is_empty()
                || labels.iter().any(|label| self.labels.iter().any(|wanted| label.is_within(wanted))))
            && (self.rules.is_empty() || rules.iter().any(|rule| self.rules.contains(rule)))
            && (self.moderators.is_empty()
                || self.names_moderator(envelope)
                || moderators.iter().any(|moderator| self.moderators.contains(moderator)))
            && (self.policies.is_empty()
                || self.names_policy(envelope)
                || policies.iter().any(|policy| self.wants_policy(policy)))
    }

    fn names_moderator(&self, envelope: &Envelope) -> bool {
        matches!(&envelope.actor, Actor::Moderator(moderator) if self.moderators.contains(moderator))
    }

    fn names_policy(&self, envelope: &Envelope) -> bool {
        matches!(&envelope.actor, Actor::Warden(Some(policy)) if self.wants_policy(policy))
    }

    fn wants_policy(&self, policy: &PolicyRef) -> bool {
        let holds = |wanted: &PolicyChoice| {
            wanted.id == policy.id && wanted.version.is_none_or(|version| version == policy.version)
        };
        self.policies.iter().any(holds)
    }
}

/// Whether the scope is one of these: a channel that a pattern holds; a system scope for `*` alone.
fn holds_scope(patterns: &[ChannelPattern], scope: &Scope) -> bool {
    patterns.iter().any(|pattern| match scope {
        Scope::Channel(channel) => pattern.holds(channel),
        Scope::System(_) => pattern.is_all(),
    })
}

/// Reads a list of at most [`Filter::VALUES_MAX`] values.
fn bounded<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let values = Vec::<T>::deserialize(deserializer)?;
    match values.len() {
        len if len > Filter::VALUES_MAX => {
            let max = Filter::VALUES_MAX;
            Err(serde::de::Error::custom(format!("a list of a filter has at most {max} values, this one has {len}")))
        }
        _ => Ok(values),
    }
}

impl std::str::FromStr for PolicyChoice {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // An id may hold an `@` itself: only a number behind the last one is a version.
        let versioned = text.rsplit_once('@').and_then(|(id, version)| Some((id, version.parse().ok()?)));
        Ok(match versioned {
            Some((id, version)) => Self { id: PolicyId::new(id)?, version: Some(version) },
            None => Self { id: PolicyId::new(text)?, version: None },
        })
    }
}

impl std::fmt::Display for PolicyChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.version {
            Some(version) => write!(f, "{}@{version}", self.id),
            None => self.id.fmt(f),
        }
    }
}

impl Serialize for PolicyChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PolicyChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for PolicyChoice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PolicyChoice".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "minLength": 1, "maxLength": 71,
            "description": "A policy in all its versions, `id`, or one version of it, `id@version`."
        })
    }
}
