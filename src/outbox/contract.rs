//! What stands in the `detail` of an event on the bus, as schemas: one per type, as JSON Schema, and as the OpenAPI
//! document that an EventBridge schema registry takes. Generated from the types and committed under
//! `schemas/eventbridge/`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::SOURCE;
use super::said::{LEFT_OUT, TRANSCRIPT, TranscriptLeftOut};
use crate::consumers::ReplayTag;
use crate::events::{EventType, EventView};
use crate::model::Transcript;

/// The types that can stand on the bus: all but the one by which a lane says that something cannot.
pub fn types() -> impl Iterator<Item = EventType> {
    EventType::ALL.iter().copied().filter(|known| *known != EventType::EntryParked)
}

/// The JSON Schema of a type's `detail`.
pub fn detail_schema(event_type: EventType) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut detail = detail(event_type, &mut generator);
    let definitions = generator.take_definitions(true);
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        detail.insert("title".to_owned(), event_type.name().into());
        if !definitions.is_empty() {
            detail.insert("$defs".to_owned(), Value::Object(definitions));
        }
    }
    detail
}

/// The document of a type for an EventBridge schema registry, of type `OpenApi3`: the whole event as targets get it.
pub fn registry_document(event_type: EventType) -> Value {
    let mut generator = SchemaSettings::openapi3().into_generator();
    let detail = detail(event_type, &mut generator);
    let mut schemas = generator.take_definitions(true);
    let text = |description: &str| json!({ "type": "string", "description": description });
    let event = json!({
        "type": "object",
        "x-amazon-events-detail-type": event_type.name(),
        "x-amazon-events-source": SOURCE,
        "required": ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"],
        "properties": {
            "version": text("Of the envelope of EventBridge."),
            "id": text("EventBridge's own id, another for each delivery: drop duplicates by `detail.id` instead."),
            "detail-type": { "type": "string", "enum": [event_type.name()] },
            "source": { "type": "string", "enum": [SOURCE] },
            "account": text("The account that put it."),
            "time": { "type": "string", "format": "date-time", "description": "`detail.recorded_at`, in seconds." },
            "region": text("The region of the bus."),
            "resources": {
                "type": "array",
                "items": { "type": "string" },
                "description": "The channel's ARN, if the channel is one of Amazon IVS."
            },
            "detail": { "$ref": "#/components/schemas/Detail" },
        },
    });
    schemas.insert("AWSEvent".to_owned(), event);
    schemas.insert("Detail".to_owned(), detail);
    json!({
        "openapi": "3.0.0",
        "info": { "version": event_type.version().to_string(), "title": format!("{SOURCE}@{}", event_type.name()) },
        "paths": {},
        "components": { "schemas": schemas },
    })
}

/// The event with its envelope, its payload in full, the replay that shows it once more, if one does, and what was said in
/// the segment that it is about, if that goes along.
fn detail(event_type: EventType, generator: &mut SchemaGenerator) -> Value {
    let mut schema = EventView::json_schema(generator);
    let payload = event_type.payload_schema_in(generator);
    let mut replay = generator.subschema_for::<ReplayTag>().to_value();
    if let Some(replay) = replay.as_object_mut()
        && !replay.contains_key("$ref")
    {
        replay.insert("description".to_owned(), "Which replay shows the event once more; absent if none does.".into());
    }
    let mut said = Vec::new();
    if event_type == EventType::FrameAssessed {
        said.push((TRANSCRIPT, generator.subschema_for::<Transcript>().to_value()));
        said.push((LEFT_OUT, generator.subschema_for::<TranscriptLeftOut>().to_value()));
    }
    let object = schema.ensure_object();
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        let only = json!({ "type": "string", "enum": [event_type.name()] });
        let more = [("type", only), ("payload", payload.to_value()), ("replay", replay)];
        let more = more.into_iter().chain(said);
        let more: Map<String, Value> = more.map(|(name, schema)| (name.to_owned(), schema)).collect();
        properties.extend(more);
        properties.remove("note"); // of types that the program does not know, which are not put
    }
    for transform in generator.transforms_mut() {
        transform.transform(&mut schema);
    }
    schema.to_value()
}
