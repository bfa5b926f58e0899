//! The closed list of events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::*;

macro_rules! events {
    ($($name:ident = $version:literal),+ $(,)?) => {
        /// Everything that can have happened. Matched without a `_` arm wherever it is folded.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "type", content = "payload")]
        pub enum Event {
            $(
                #[allow(missing_docs)] // each payload type says what happened
                $name($name),
            )+
        }

        /// The name of an event type, as stored in its envelope.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        pub enum EventType {
            $(
                #[allow(missing_docs)]
                $name,
            )+
        }

        impl EventType {
            /// Every event type this program knows.
            pub const ALL: &'static [EventType] = &[$(EventType::$name),+];

            /// Its name, forever.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            /// The version of its payload that this program writes.
            pub const fn version(self) -> u16 {
                match self { $(Self::$name => $version),+ }
            }

            /// The type of that name, if this program knows it.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)+ _ => None }
            }

            /// The JSON Schema of its payload.
            pub fn payload_schema(self) -> schemars::Schema {
                match self { $(Self::$name => schemars::schema_for!($name)),+ }
            }
        }

        impl EventType {
            /// The schema of its payload as a part of a document that `generator` makes.
            pub fn payload_schema_in(self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                match self { $(Self::$name => generator.subschema_for::<$name>()),+ }
            }
        }

        impl Event {
            /// The event's type.
            pub const fn event_type(&self) -> EventType {
                match self { $(Self::$name(_) => EventType::$name),+ }
            }

            /// The payload alone, as the serialiser at hand writes it.
            pub(super) fn serialize_payload<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$name(payload) => payload.serialize(serializer)),+ }
            }

            pub(super) fn write_payload(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
                match self { $(Self::$name(payload) => codec::write_cbor(payload, out)),+ }
            }

            pub(super) fn read_payload(event_type: EventType, payload: &[u8]) -> Result<Self, CodecError> {
                match event_type { $(EventType::$name => codec::read_cbor(payload).map(Self::$name)),+ }
            }
        }

        $(
            impl From<$name> for Event {
                fn from(payload: $name) -> Self {
                    Self::$name(payload)
                }
            }
        )+
    };
}

events! {
    SessionStarted = 1,
    SessionEnded = 1,
    FrameSkipped = 2,
    FrameAssessed = 1,
    FrameFailed = 1,
    FrameConflict = 1,
    OpinionGiven = 1,
    DecisionReceived = 1,
    ShadowVerdict = 1,
    ChannelWatched = 1,
    ChannelUnwatched = 1,
    ChannelQuarantined = 1,
    SegmentsUnjudged = 1,
    CadenceChanged = 2,
    ReputationAdjusted = 1,
    WarningRaised = 2,
    WarningClaimed = 1,
    WarningReleased = 1,
    WarningUpheld = 2,
    WarningDismissed = 2,
    WarningAnswerWithdrawn = 1,
    WarningEscalated = 1,
    WarningNoted = 1,
    WarningLapsed = 1,
    WarningOverturned = 1,
    EnforcementRequested = 2,
    EnforcementAdmitted = 1,
    EnforcementHeld = 1,
    EnforcementAttempted = 1,
    EnforcementSucceeded = 1,
    EnforcementVerified = 1,
    EnforcementNotNeeded = 1,
    EnforcementSuperseded = 1,
    EnforcementFailed = 1,
    EnforcementCancelled = 1,
    PolicyPublished = 2,
    PolicyRetired = 2,
    PolicyShadowed = 1,
    PolicyUnshadowed = 1,
    NotificationRejected = 1,
    InputGap = 1,
    ProviderSuspended = 1,
    ProviderResumed = 1,
    ConsumerCreated = 1,
    ConsumerDeleted = 1,
    ConsumerRewound = 1,
    EntryParked = 1,
    EntryUnparked = 1,
    EntrySettled = 1,
    ReplayStarted = 1,
    ReplayEnded = 1,
    StoreOpened = 1,
    StoreClosed = 1,
    SegmentSealed = 1,
    DataLossAccepted = 1,
    ErasureRequested = 1,
    ContentErased = 2,
    CopiesErased = 1,
    EvidenceStored = 1,
    EvidenceCopied = 1,
    EvidenceUnkept = 1,
    EvidenceExpired = 1,
    EvidenceRead = 1,
    ExportMade = 1,
}
