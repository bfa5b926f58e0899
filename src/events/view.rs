//! An event as people and programs outside read it: envelope and payload in one JSON object. The one form that the
//! audit, the feed, exports and the terminal show.
//!
//! Total over every event: one of a type that this program does not know is shown raw and says so, never left out.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Envelope, Event, Recorded, payload_to_json};

/// An event with its envelope, as JSON: the envelope's fields, then `payload`, then `note` where the payload is shown
/// raw. Borrows nothing, so that a page of them can leave the thread that read it.
///
/// Only written, never read back: an event enters the system through a decision, not through its own picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventView {
    envelope: Envelope,
    payload: Payload,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Payload {
    Known(Box<Event>),
    Raw { shown: Value, note: String },
}

impl EventView {
    /// The envelope.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// What happened; none if this program does not know the type.
    pub fn event(&self) -> Option<&Event> {
        match &self.payload {
            Payload::Known(event) => Some(event),
            Payload::Raw { .. } => None,
        }
    }
}

impl From<Recorded> for EventView {
    fn from(recorded: Recorded) -> Self {
        let payload = match recorded.event() {
            Ok(event) => Payload::Known(Box::new(event)),
            Err(error) => Payload::Raw {
                shown: payload_to_json(&recorded.payload).unwrap_or_else(|_| Value::from(hex(&recorded.payload))),
                note: format!("shown raw: {error}"),
            },
        };
        Self { envelope: recorded.envelope, payload }
    }
}

impl Serialize for EventView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { envelope, payload } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &envelope.id)?;
        map.serialize_entry("type", &envelope.event_type)?;
        map.serialize_entry("schema_version", &envelope.schema_version)?;
        map.serialize_entry("position", &envelope.position)?;
        map.serialize_entry("scope", &envelope.scope)?;
        map.serialize_entry("sequence", &envelope.sequence)?;
        map.serialize_entry("recorded_at", &envelope.recorded_at)?;
        map.serialize_entry("captured_at", &envelope.captured_at)?;
        map.serialize_entry("epoch", &envelope.epoch)?;
        map.serialize_entry("actor", &envelope.actor)?;
        map.serialize_entry("causation", &envelope.causation)?;
        map.serialize_entry("correlation", &envelope.correlation)?;
        match payload {
            Payload::Known(event) => map.serialize_entry("payload", &PayloadOf(event))?,
            Payload::Raw { shown, note } => {
                map.serialize_entry("payload", shown)?;
                map.serialize_entry("note", note)?;
            }
        }
        map.end()
    }
}

struct PayloadOf<'a>(&'a Event);

impl Serialize for PayloadOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_payload(serializer)
    }
}

impl JsonSchema for EventView {
    fn schema_name() -> Cow<'static, str> {
        "RecordedEvent".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Envelope::json_schema(generator);
        let object = schema.ensure_object();
        object.insert("description".to_owned(), "An event as it was recorded: its envelope and its payload.".into());
        if let Some(Value::Object(properties)) = object.get_mut("properties") {
            let payload = json_schema!({
                "description": "What happened, by `type`: schemas/events.json describes each, in the version that the \
                                program writes; one stored in an older version is shown as if written today. Of a \
                                type that the program does not know, whatever it holds."
            });
            let note = json_schema!({ "type": "string", "description": "Why the payload is shown raw, if it is." });
            properties.insert("payload".to_owned(), payload.into());
            properties.insert("note".to_owned(), note.into());
        }
        if let Some(Value::Array(required)) = object.get_mut("required") {
            required.push("payload".into());
        }
        schema
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Actor, NewEvent, WarningUpheld};
    use crate::model::{ChannelId, Epoch, EventId, ModeratorId, Position, RuleId, Sequence, Timestamp, WarningId};

    fn upheld() -> Recorded {
        let warning = WarningId::of(EventId::from_bytes([1; 16]), &RuleId::new("r").expect("sound"));
        let new = NewEvent {
            id: EventId::of_command("test", &[b"1"]),
            event: WarningUpheld { warning, by: ModeratorId::new("m-17").expect("sound"), undo_ms: 60_000 }.into(),
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        };
        let channel = ChannelId::new("stage").expect("a sound id");
        let at = Timestamp::from_millis(1_772_399_047_120);
        Recorded::seal(&new, channel.into(), Position(42), Sequence(7), at, Epoch(1)).expect("a sound event")
    }

    /// The envelope is written by hand here: a field added to it must appear.
    #[test]
    fn a_view_holds_every_field_of_the_envelope_then_the_payload() {
        let recorded = upheld();
        let envelope = serde_json::to_value(&recorded.envelope).expect("it is JSON");
        let view = serde_json::to_value(EventView::from(recorded)).expect("it is JSON");
        let (envelope, mut view) = (envelope.as_object().expect("an object"), view);
        let view = view.as_object_mut().expect("an object");
        assert_eq!(view.remove("payload").expect("it has one")["by"], "m-17");
        assert_eq!(view, envelope);
    }

    #[test]
    fn a_type_that_is_not_known_is_shown_raw_and_says_so() {
        let mut strange = upheld();
        strange.envelope.event_type = "WarningRumoured".to_owned();
        let view = serde_json::to_value(EventView::from(strange.clone())).expect("it is JSON");
        assert_eq!((&view["type"], &view["payload"]["by"]), (&"WarningRumoured".into(), &"m-17".into()));
        assert!(view["note"].as_str().is_some_and(|note| note.contains("unknown")), "{view}");
        strange.payload = vec![0xff];
        assert_eq!(serde_json::to_value(EventView::from(strange)).expect("it is JSON")["payload"], "ff");
    }

    #[test]
    fn the_schema_requires_what_a_view_always_has() {
        let schema = schemars::schema_for!(EventView);
        let required = schema.get("required").and_then(Value::as_array).expect("it lists them");
        for field in ["id", "type", "position", "payload"] {
            assert!(required.iter().any(|one| one == field), "{field} in {required:?}");
        }
    }
}
