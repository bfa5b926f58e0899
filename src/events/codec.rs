//! Payloads as bytes: CBOR (RFC 8949), because it is compact and describes itself, so that a program which does not
//! know an event's type can still show what it holds.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Event, EventType, upcast};

/// The most bytes a payload may have, so that an event with its envelope stays below sled's safe value size.
/// Anything larger belongs in the content store.
pub const PAYLOAD_BYTES_MAX: usize = 3072;

/// Why bytes are not an event, or an event not bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// This program does not know the type. Audit shows it raw; a fold stops.
    #[error("event type {event_type:?} version {version} is unknown to this program; a newer one wrote it")]
    UnknownType {
        /// The type's name.
        event_type: String,
        /// The payload's version.
        version: u16,
    },
    /// The type is known, its payload is not what that version holds.
    #[error("the payload is not a {event_type} of version {version}: {reason}")]
    Malformed {
        /// The type's name.
        event_type: String,
        /// The payload's version.
        version: u16,
        /// What was wrong.
        reason: String,
    },
    /// The payload is larger than an event may be.
    #[error("the payload of {event_type} has {bytes} bytes, at most {PAYLOAD_BYTES_MAX} are allowed")]
    TooLarge {
        /// The type's name.
        event_type: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// Writing failed, which only a serialiser's defect can bring about.
    #[error("the payload cannot be written: {0}")]
    Unwritable(String),
}

/// The payload's bytes, in the version this program writes.
pub fn encode(event: &Event) -> Result<Vec<u8>, CodecError> {
    let mut payload = Vec::with_capacity(192);
    event.write_payload(&mut payload)?;
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(CodecError::TooLarge { event_type: event.event_type().name(), bytes: payload.len() });
    }
    Ok(payload)
}

/// The event in a payload, of whichever version.
pub fn decode(event_type: &str, version: u16, payload: &[u8]) -> Result<Event, CodecError> {
    let unknown = || CodecError::UnknownType { event_type: event_type.to_owned(), version };
    let known = EventType::from_name(event_type).ok_or_else(unknown)?;
    let named = |error: CodecError| match error {
        CodecError::Unwritable(reason) => CodecError::Malformed { event_type: event_type.to_owned(), version, reason },
        other => other,
    };
    if version == known.version() {
        return Event::read_payload(known, payload).map_err(named);
    }
    if version > known.version() {
        return Err(unknown());
    }
    let value: ciborium::Value = read_cbor(payload).map_err(named)?;
    let value = upcast::upcast(upcast::STEPS, event_type, version, known.version(), value).ok_or_else(|| {
        CodecError::Malformed { event_type: event_type.to_owned(), version, reason: "no upcast takes it".to_owned() }
    })?;
    let mut newest = Vec::with_capacity(payload.len() + 32);
    write_cbor(&value, &mut newest)?;
    Event::read_payload(known, &newest).map_err(named)
}

/// The payload as JSON without knowing its type: byte strings become hexadecimal text.
pub fn payload_to_json(payload: &[u8]) -> Result<serde_json::Value, CodecError> {
    fn json(value: ciborium::Value) -> serde_json::Value {
        use ciborium::Value as Cbor;
        use serde_json::Value as Json;
        match value {
            Cbor::Integer(number) => i64::try_from(number)
                .map(Json::from)
                .or_else(|_| u64::try_from(number).map(Json::from))
                .unwrap_or_else(|_| Json::from(i128::from(number).to_string())),
            Cbor::Bytes(bytes) => Json::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
            Cbor::Float(number) => Json::from(number),
            Cbor::Text(text) => Json::from(text),
            Cbor::Bool(flag) => Json::from(flag),
            Cbor::Null => Json::Null,
            Cbor::Tag(_, inner) => json(*inner),
            Cbor::Array(items) => items.into_iter().map(json).collect(),
            Cbor::Map(entries) => Json::Object(
                entries
                    .into_iter()
                    .map(|(key, value)| match key {
                        Cbor::Text(text) => (text, json(value)),
                        other => (json(other).to_string(), json(value)),
                    })
                    .collect(),
            ),
            _ => Json::Null, // ciborium's Value may grow kinds; raw display then shows nothing rather than failing
        }
    }
    Ok(json(read_cbor(payload)?))
}

pub(super) fn write_cbor<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    ciborium::into_writer(value, out).map_err(|error| CodecError::Unwritable(error.to_string()))
}

pub(super) fn read_cbor<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut rest = bytes;
    let value = ciborium::from_reader(&mut rest).map_err(|error| CodecError::Unwritable(error.to_string()))?;
    if rest.is_empty() { Ok(value) } else { Err(CodecError::Unwritable(format!("{} bytes follow it", rest.len()))) }
}
