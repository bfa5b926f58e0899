//! The envelope around every event: readable without decoding the payload.
//!
//! Stored bytes, integers big-endian (so the layout can be read off a hex dump):
//!
//! ```text
//! 0       format, 1
//! 1       flags: 1 captured at, 2 causation id, 4 correlation id
//! 2..10   position            u64
//! 10..18  sequence            u64
//! 18..26  recorded at, µs     i64
//! 26..30  writer epoch        u32
//! 30..46  event id            16 bytes
//! …       captured at, µs     i64       if flagged
//! …       causation id        16 bytes  if flagged
//! …       correlation id      16 bytes  if flagged
//! …       schema version      u16
//! …       type                u8 length, text
//! …       scope               u8 length, text
//! …       actor               u8 length, text
//! …       payload             u16 length, CBOR
//! ```

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CodecError, Event, decode, encode};
use crate::model::{
    Epoch, EventId, ExternalId, ModeratorId, PolicyId, PolicyRef, Position, Scope, Sequence, Timestamp,
};

const FORMAT: u8 = 1;
const HAS_CAPTURED_AT: u8 = 1;
const HAS_CAUSATION: u8 = 2;
const HAS_CORRELATION: u8 = 4;

/// Who brought an event about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A channel's warden, under a policy version where one applied.
    Warden(Option<PolicyRef>),
    /// A moderator, by pseudonym.
    Moderator(ModeratorId),
    /// Somebody outside who decides: `hive-dashboard`.
    External(ExternalId),
    /// A part of the system: `store`, `enforcement`, `intake`, …
    Service(Arc<str>),
}

impl Actor {
    /// A part of the system by name.
    pub fn service(name: &str) -> Self {
        Self::Service(Arc::from(name))
    }

    /// Whether the text is what this actor is written as.
    fn reads(&self, text: &str) -> bool {
        match self {
            Self::Warden(None) => text == "warden",
            Self::Warden(Some(policy)) => text
                .strip_prefix("warden ")
                .and_then(|text| text.rsplit_once('@'))
                .is_some_and(|(id, version)| id == policy.id.as_str() && version.parse() == Ok(policy.version)),
            Self::Moderator(moderator) => text.strip_prefix("moderator ") == Some(moderator.as_str()),
            Self::External(external) => text.strip_prefix("external ") == Some(external.as_str()),
            Self::Service(name) => text.strip_prefix("service ") == Some(name),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Warden(None) => f.write_str("warden"),
            Self::Warden(Some(policy)) => write!(f, "warden {policy}"),
            Self::Moderator(moderator) => write!(f, "moderator {moderator}"),
            Self::External(external) => write!(f, "external {external}"),
            Self::Service(name) => write!(f, "service {name}"),
        }
    }
}

impl FromStr for Actor {
    type Err = EnvelopeError;

    fn from_str(text: &str) -> Result<Self, EnvelopeError> {
        let actor = match text.split_once(' ') {
            None if text == "warden" => Some(Self::Warden(None)),
            Some(("warden", policy)) => policy.rsplit_once('@').and_then(|(id, version)| {
                let policy = PolicyRef { id: PolicyId::new(id).ok()?, version: version.parse().ok()? };
                Some(Self::Warden(Some(policy)))
            }),
            Some(("moderator", id)) => ModeratorId::new(id).ok().map(Self::Moderator),
            Some(("external", id)) => ExternalId::new(id).ok().map(Self::External),
            Some(("service", name)) => Some(Self::service(name)),
            _ => None,
        };
        actor.ok_or(EnvelopeError::Malformed("actor"))
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Actor {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Actor".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(warden( .+@[0-9]+)?|moderator .+|external .+|service .+)$" })
    }
}

/// Everything about an event but its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Envelope {
    /// The event's identity.
    pub id: EventId,
    /// The type's name; possibly one this program does not know.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The payload's version.
    pub schema_version: u16,
    /// Place in the journal.
    pub position: Position,
    /// The list it belongs to.
    pub scope: Scope,
    /// Place in that list.
    pub sequence: Sequence,
    /// When it was appended; never earlier than the event before it.
    pub recorded_at: Timestamp,
    /// The frame's own time, where there is one.
    pub captured_at: Option<Timestamp>,
    /// Which opening of the store wrote it.
    pub epoch: Epoch,
    /// Who brought it about.
    pub actor: Actor,
    /// The event that led to it.
    pub causation: Option<EventId>,
    /// The first event of the story it belongs to.
    pub correlation: Option<EventId>,
}

/// An event as handed to the journal, which adds position, sequence, recorded-at and epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its identity. The same id with the same event is a repetition; with another, a conflict.
    pub id: EventId,
    /// What happened.
    pub event: Event,
    /// The frame's own time, where there is one.
    pub captured_at: Option<Timestamp>,
    /// Who brought it about.
    pub actor: Actor,
    /// The event that led to it.
    pub causation: Option<EventId>,
    /// The first event of the story it belongs to.
    pub correlation: Option<EventId>,
}

/// An event as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its envelope.
    pub envelope: Envelope,
    /// Its payload, CBOR.
    pub payload: Vec<u8>,
}

/// Why bytes are not a recorded event, or a recorded event not bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes end too early.
    #[error("the record ends within its {0}")]
    Truncated(&'static str),
    /// A field holds what it cannot hold.
    #[error("the record's {0} is malformed")]
    Malformed(&'static str),
    /// Another format.
    #[error("the record has format {0}, this program reads format {FORMAT}")]
    Format(u8),
    /// Bytes follow the payload.
    #[error("{0} bytes follow the record")]
    Trailing(usize),
    /// A text is too long for its length field.
    #[error("the record's {0} is too long")]
    TooLong(&'static str),
}

impl Recorded {
    /// Puts a new event into its envelope.
    pub fn seal(
        new: &NewEvent,
        scope: Scope,
        position: Position,
        sequence: Sequence,
        recorded_at: Timestamp,
        epoch: Epoch,
    ) -> Result<Self, CodecError> {
        let event_type = new.event.event_type();
        Ok(Self {
            payload: encode(&new.event)?,
            envelope: Envelope {
                id: new.id,
                event_type: event_type.name().to_owned(),
                schema_version: event_type.version(),
                position,
                scope,
                sequence,
                recorded_at,
                captured_at: new.captured_at,
                epoch,
                actor: new.actor.clone(),
                causation: new.causation,
                correlation: new.correlation,
            },
        })
    }

    /// The event in the payload.
    pub fn event(&self) -> Result<Event, CodecError> {
        decode(&self.envelope.event_type, self.envelope.schema_version, &self.payload)
    }

    /// The stored bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EnvelopeError> {
        let envelope = &self.envelope;
        let mut out = Vec::with_capacity(160 + self.payload.len());
        let flags = flag(envelope.captured_at.is_some(), HAS_CAPTURED_AT)
            | flag(envelope.causation.is_some(), HAS_CAUSATION)
            | flag(envelope.correlation.is_some(), HAS_CORRELATION);
        out.extend_from_slice(&[FORMAT, flags]);
        out.extend_from_slice(&envelope.position.0.to_be_bytes());
        out.extend_from_slice(&envelope.sequence.0.to_be_bytes());
        out.extend_from_slice(&envelope.recorded_at.as_micros().to_be_bytes());
        out.extend_from_slice(&envelope.epoch.0.to_be_bytes());
        out.extend_from_slice(envelope.id.as_bytes());
        if let Some(captured_at) = envelope.captured_at {
            out.extend_from_slice(&captured_at.as_micros().to_be_bytes());
        }
        for id in [envelope.causation, envelope.correlation].into_iter().flatten() {
            out.extend_from_slice(id.as_bytes());
        }
        out.extend_from_slice(&envelope.schema_version.to_be_bytes());
        write_short(&mut out, "type", &envelope.event_type)?;
        write_short(&mut out, "scope", &envelope.scope.to_string())?;
        write_short(&mut out, "actor", &envelope.actor.to_string())?;
        let payload_len = u16::try_from(self.payload.len()).map_err(|_| EnvelopeError::TooLong("payload"))?;
        out.extend_from_slice(&payload_len.to_be_bytes());
        out.extend_from_slice(&self.payload);
        Ok(out)
    }

    /// Reads stored bytes. The payload is copied, not decoded.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        Self::from_bytes_after(None, bytes)
    }

    /// The same, of the record that follows `before`: scope and actor are shared with it where they are the same, as
    /// they mostly are in a run of events, instead of being checked and allocated once more.
    pub fn from_bytes_after(before: Option<&Self>, bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let before = before.map(|before| &before.envelope);
        let mut reader = Reader { rest: bytes };
        let [format, flags] = reader.take::<2>("format")?;
        if format != FORMAT {
            return Err(EnvelopeError::Format(format));
        }
        let position = Position(u64::from_be_bytes(reader.take("position")?));
        let sequence = Sequence(u64::from_be_bytes(reader.take("sequence")?));
        let recorded_at = Timestamp::from_micros(i64::from_be_bytes(reader.take("recorded at")?));
        let epoch = Epoch(u32::from_be_bytes(reader.take("epoch")?));
        let id = EventId::from_bytes(reader.take("event id")?);
        let captured_at = match flags & HAS_CAPTURED_AT {
            0 => None,
            _ => Some(Timestamp::from_micros(i64::from_be_bytes(reader.take("captured at")?))),
        };
        let mut id_if = |bit: u8, what| match flags & bit {
            0 => Ok(None),
            _ => reader.take(what).map(EventId::from_bytes).map(Some),
        };
        let causation = id_if(HAS_CAUSATION, "causation id")?;
        let correlation = id_if(HAS_CORRELATION, "correlation id")?;
        let schema_version = u16::from_be_bytes(reader.take("schema version")?);
        let event_type = reader.short("type")?.to_owned();
        let scope = reader.short("scope")?;
        let scope = match before {
            Some(Envelope { scope: Scope::Channel(same), .. }) if same.as_str() == scope => same.clone().into(),
            _ => scope.parse().map_err(|_| EnvelopeError::Malformed("scope"))?,
        };
        let actor = reader.short("actor")?;
        let actor = match before {
            Some(Envelope { actor: same, .. }) if same.reads(actor) => same.clone(),
            _ => actor.parse()?,
        };
        let payload_len = u16::from_be_bytes(reader.take("payload length")?);
        let payload = reader.slice(usize::from(payload_len), "payload")?.to_vec();
        if !reader.rest.is_empty() {
            return Err(EnvelopeError::Trailing(reader.rest.len()));
        }
        Ok(Self {
            envelope: Envelope {
                id,
                event_type,
                schema_version,
                position,
                scope,
                sequence,
                recorded_at,
                captured_at,
                epoch,
                actor,
                causation,
                correlation,
            },
            payload,
        })
    }
}

fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

fn write_short(out: &mut Vec<u8>, what: &'static str, text: &str) -> Result<(), EnvelopeError> {
    out.push(u8::try_from(text.len()).map_err(|_| EnvelopeError::TooLong(what))?);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn slice(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], EnvelopeError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(EnvelopeError::Truncated(what))?;
        self.rest = rest;
        Ok(taken)
    }

    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], EnvelopeError> {
        let taken = self.slice(N, what)?;
        Ok(taken.try_into().expect("slice() returns exactly the bytes asked for"))
    }

    fn short(&mut self, what: &'static str) -> Result<&'a str, EnvelopeError> {
        let [len] = self.take::<1>(what)?;
        std::str::from_utf8(self.slice(usize::from(len), what)?).map_err(|_| EnvelopeError::Malformed(what))
    }
}
