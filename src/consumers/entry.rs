//! What a reader is given: an event as it happened, or one that is shown once more.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::events::{Envelope, EventView, Filter, Recorded};
use crate::model::{ConsumerName, ContentRef, EventId, Position, ReplayId};

/// Which replay delivers an event. With the event's id it tells deliveries apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayTag {
    /// The replay.
    pub id: ReplayId,
    /// What people call it.
    pub name: ConsumerName,
}

/// An event of the past, shown once more. It can be looked at and written out, and that is all: nothing makes the
/// input of a fold or a reactor from it, so that a replay causes nothing. Reactors read the journal themselves.
///
/// What a reactor takes, it takes from the journal:
///
/// ```
/// use streamwarden::{events::Recorded, warden::enforcement::Desk};
/// fn carry_out(desk: &mut Desk, event: &Recorded) {
///     let _ = desk.apply(event);
/// }
/// ```
///
/// A replayed event is not that, and cannot become it:
///
/// ```compile_fail
/// use streamwarden::{consumers::Replayed, warden::enforcement::Desk};
/// fn carry_out(desk: &mut Desk, event: &Replayed) {
///     let _ = desk.apply(event);
/// }
/// ```
///
/// ```compile_fail
/// use streamwarden::{consumers::Replayed, events::Recorded};
/// fn unwrap(event: Replayed) -> Recorded {
///     event.into()
/// }
/// ```
///
/// ```compile_fail
/// use streamwarden::{consumers::Replayed, events::Recorded};
/// fn unwrap(event: Replayed) -> Recorded {
///     event.recorded
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    recorded: Recorded,
    replay: ReplayTag,
}

impl Replayed {
    pub(super) fn new(recorded: Recorded, replay: ReplayTag) -> Self {
        Self { recorded, replay }
    }

    /// Which replay delivers it.
    pub fn replay(&self) -> &ReplayTag {
        &self.replay
    }

    /// The event's own id.
    pub fn event_id(&self) -> EventId {
        self.recorded.envelope.id
    }

    /// Everything about the event but what happened.
    pub fn envelope(&self) -> &Envelope {
        &self.recorded.envelope
    }

    /// The event's own place.
    pub fn position(&self) -> Position {
        self.recorded.envelope.position
    }

    /// Where what was said in the segment that it is about is kept, if it is.
    pub fn transcript(&self) -> Option<ContentRef> {
        self.recorded.event().ok()?.transcript().cloned()
    }

    /// Whether a reader wants it. What cannot be understood is wanted by everybody who may see it.
    pub fn is_wanted(&self, filter: &Filter) -> bool {
        wants(filter, &self.recorded)
    }
}

/// Whether a reader wants the event. One that this program cannot understand is delivered rather than lost.
pub(super) fn wants(filter: &Filter, event: &Recorded) -> bool {
    filter.matches(event).unwrap_or(true)
}

/// What a consumer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// As it came.
    Live(Recorded),
    /// It had been set aside, and is delivered again.
    Unparked(Recorded),
    /// By a replay.
    Replayed(Replayed),
}

impl Entry {
    /// The event's own id.
    pub fn event_id(&self) -> EventId {
        match self {
            Self::Live(recorded) | Self::Unparked(recorded) => recorded.envelope.id,
            Self::Replayed(replayed) => replayed.event_id(),
        }
    }

    /// The event's place.
    pub fn position(&self) -> Position {
        match self {
            Self::Live(recorded) | Self::Unparked(recorded) => recorded.envelope.position,
            Self::Replayed(replayed) => replayed.position(),
        }
    }

    /// The replay that delivers it, if one does.
    pub fn replay(&self) -> Option<&ReplayTag> {
        match self {
            Self::Live(_) | Self::Unparked(_) => None,
            Self::Replayed(replayed) => Some(replayed.replay()),
        }
    }
}

/// The event's JSON, with the replay that delivers it.
impl Serialize for Replayed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            #[serde(flatten)]
            event: EventView,
            replay: &'a ReplayTag,
        }
        Shown { event: self.recorded.clone().into(), replay: &self.replay }.serialize(serializer)
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (event, unparked) = match self {
            Self::Live(recorded) => (recorded, false),
            Self::Unparked(recorded) => (recorded, true),
            Self::Replayed(replayed) => (&replayed.recorded, false),
        };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("event", &EventView::from(event.clone()))?;
        map.serialize_entry("replay", &self.replay())?;
        map.serialize_entry("unparked", &unparked)?;
        map.end()
    }
}

impl JsonSchema for Entry {
    fn schema_name() -> Cow<'static, str> {
        "Entry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let event = generator.subschema_for::<EventView>();
        let replay = generator.subschema_for::<Option<ReplayTag>>();
        json_schema!({
            "type": "object",
            "description": "What a consumer reads: an event with its own id and times, and how it comes.",
            "properties": {
                "event": event,
                "replay": replay,
                "unparked": {
                    "type": "boolean",
                    "description": "Whether it had been set aside and is delivered again: acknowledged by itself."
                },
            },
            "required": ["event", "replay", "unparked"],
        })
    }
}
