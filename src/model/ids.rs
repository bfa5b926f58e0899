//! One newtype per identity. Names are checked where they enter; digests are made, never typed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::Medium;

/// Why a text is not a valid identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty or longer than the identity allows.
    #[error("{kind} must have 1 to {max} bytes, this has {len}")]
    Length {
        /// Which identity was being read.
        kind: &'static str,
        /// The most bytes it may have.
        max: usize,
        /// The bytes it has.
        len: usize,
    },
    /// A character outside the identity's alphabet.
    #[error("{kind} may hold letters, digits and . _ : / @ + = , - only; byte {at} is {found:?}")]
    Character {
        /// Which identity was being read.
        kind: &'static str,
        /// Byte offset of the character.
        at: usize,
        /// The character itself.
        found: char,
    },
    /// Not the expected number of hexadecimal digits.
    #[error("{kind} must be {digits} hexadecimal digits, this is {found:?}")]
    Hex {
        /// Which identity was being read.
        kind: &'static str,
        /// How many digits are expected.
        digits: usize,
        /// The text found.
        found: String,
    },
}

fn check_name(kind: &'static str, max: usize, text: &str) -> Result<(), IdError> {
    if text.is_empty() || text.len() > max {
        return Err(IdError::Length { kind, max, len: text.len() });
    }
    // every envelope read passes here: a table look-up a byte, and characters only for the message
    match text.bytes().position(|byte| !IN_NAMES[usize::from(byte)]) {
        Some(at) => Err(IdError::Character { kind, at, found: text[at..].chars().next().unwrap_or_default() }),
        None => Ok(()),
    }
}

/// The bytes that a name may hold. No byte of a longer character is among them, so the first byte refused begins one.
const IN_NAMES: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        allowed[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(byte as u8, b'.' | b'_' | b':' | b'/' | b'@' | b'+' | b'=' | b',' | b'-');
        byte += 1;
    }
    allowed
};

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The most bytes the name may have.
            pub const BYTES_MAX: usize = $max;

            /// Checks and takes a name.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                check_name($kind, $max, text.as_ref())?;
                Ok(Self(Arc::from(text.as_ref())))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string", "minLength": 1, "maxLength": $max, "pattern": "^[A-Za-z0-9._:/@+=,-]+$"
                })
            }
        }
    };
}

name_id!(
    /// A channel: an IVS channel ARN, or the name of any other live source.
    ChannelId, "a channel id", 200
);
name_id!(
    /// A provider, as policies and the configuration name it: `local`, `rekognition`, `hive`.
    ProviderName, "a provider's name", 24
);
name_id!(
    /// One broadcast of a channel (IVS calls it a stream, `st-…`).
    SessionId, "a session id", 100
);
name_id!(
    /// A policy, across its versions.
    PolicyId, "a policy id", 60
);
name_id!(
    /// A rule within a policy. Stable across the policy's versions.
    RuleId, "a rule id", 60
);
name_id!(
    /// A moderator's pseudonym. The person behind it is kept in the content store, never in an event.
    ModeratorId, "a moderator id", 60
);
name_id!(
    /// Somebody outside who decides about frames that they were shown: `hive-dashboard`.
    ExternalId, "an external actor's name", 20
);
name_id!(
    /// What an external actor calls a decision of theirs: `ban-stream`.
    ActionName, "an action's name", 30
);
name_id!(
    /// A consumer of the journal that keeps a cursor.
    ConsumerName, "a consumer name", 60
);

name_id!(
    /// Why something is erased, as a code that means something elsewhere: `request-2291`. It stays in the journal for
    /// good, so it must not name a person; it has no blanks, so that nobody writes one out.
    ErasureReason, "a reason for an erasure", 60
);
name_id!(
    /// What a [`Mark`] is about: an input, or a part of one that is read in its own order.
    MarkName, "a mark's name", 300
);
name_id!(
    /// How far an input outside has been taken in, in that input's own words: Kinesis counts beyond 64 bits.
    Mark, "a mark", 200
);

macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes 16 bytes as they are, as when read back from the journal.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                super::hex::write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                super::hex::read_hex(text)
                    .map(Self)
                    .ok_or_else(|| IdError::Hex { kind: $kind, digits: 32, found: text.to_owned() })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                super::hex::serialize_bytes(&self.0, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                super::hex::deserialize_bytes(deserializer, $kind).map(Self)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })
            }
        }
    };
}

digest_id!(
    /// A frame, the same for every redelivery of the same thumbnail: a digest of the channel and of what
    /// names the thumbnail at its source, taken from the notification alone.
    FrameId, "a frame id"
);
digest_id!(
    /// An event. Derived, not drawn: the outcome of a frame has the id that [`EventId::outcome_of`] gives,
    /// so a second outcome of the same frame cannot be appended under another id.
    EventId, "an event id"
);
digest_id!(
    /// An open question to a moderator.
    WarningId, "a warning id"
);
digest_id!(
    /// One act on a live stream, from request to its single end.
    EnforcementId, "an enforcement id"
);
digest_id!(
    /// One replay of a part of the past. An event delivered by it is told apart by (event id, replay id).
    ReplayId, "a replay id"
);

/// First 16 bytes of SHA-256 over a domain word and length-prefixed parts, so that no two different lists of
/// parts give the same input.
fn derive(domain: &str, parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
        hasher.update((part.len() as u32).to_be_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    id
}

impl SessionId {
    /// Begins the name of a broadcast that nobody named: no platform's own begins so.
    const UNNAMED: &'static str = "unnamed/";

    /// The broadcasts recorded under `recording`, where it is not known which one a frame of it shows. The name tells
    /// the recording apart from others; no stop may go by it, see [`SessionId::is_named`].
    pub fn unnamed(recording: &str) -> Result<Self, IdError> {
        Self::new(format!("{}{recording}", Self::UNNAMED))
    }

    /// Whether it is one broadcast that the platform has named. If not, it may stand for several, and a stop could
    /// reach one that nobody judged (invariant I11).
    pub fn is_named(&self) -> bool {
        !self.0.starts_with(Self::UNNAMED)
    }
}

impl FrameId {
    /// The identity of the thumbnail that `channel`'s source names by `parts` (for S3: bucket, key, version or
    /// sequencer; for HTTP: the idempotency key or the content's digest; for a file: path and time).
    pub fn of(channel: &ChannelId, parts: &[&[u8]]) -> Self {
        let mut all: Vec<&[u8]> = Vec::with_capacity(parts.len() + 1);
        all.push(channel.as_str().as_bytes());
        all.extend_from_slice(parts);
        Self(derive("frame", &all))
    }
}

impl EventId {
    /// The id of the one outcome event of a frame (invariant I1 by construction).
    pub fn outcome_of(frame: FrameId) -> Self {
        Self(derive("outcome", &[&frame.0]))
    }

    /// The id of the `ordinal`th further event that one decision appends together with `first`.
    pub fn follower(first: EventId, ordinal: u32) -> Self {
        Self(derive("follower", &[&first.0, &ordinal.to_be_bytes()]))
    }

    /// The id of an event that a command brings about, where `parts` name the command uniquely.
    pub fn of_command(domain: &str, parts: &[&[u8]]) -> Self {
        Self(derive(domain, parts))
    }
}

impl RuleId {
    /// What stands for the rule where a warning says that frames could not be judged, and what begins it where these are
    /// segments. No rule of a policy may be called so, nor begin so with a `/` after it.
    pub const ON_UNAVAILABLE: &'static str = "on_unavailable";

    /// [`RuleId::ON_UNAVAILABLE`] as an id: of pictures.
    pub fn on_unavailable() -> Self {
        Self(Arc::from(Self::ON_UNAVAILABLE))
    }

    /// The same of a medium: of sound, `on_unavailable/sound`. Each has its own question, and its own quiet time after it.
    pub fn on_unavailable_of(medium: Medium) -> Self {
        match medium {
            Medium::Picture => Self::on_unavailable(),
            Medium::Clip | Medium::Sound => Self(Arc::from(format!("{}/{}", Self::ON_UNAVAILABLE, medium.name()))),
        }
    }

    /// Whether it stands for the rule where frames of some medium could not be judged.
    pub fn is_on_unavailable(&self) -> bool {
        Self::is_reserved_for_unavailable(self.as_str())
    }

    /// Whether no rule of a policy may be called so, because warnings are that say that frames could not be judged.
    pub fn is_reserved_for_unavailable(text: &str) -> bool {
        text.strip_prefix(Self::ON_UNAVAILABLE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// What begins that which stands for the rule where an external actor decided. No rule of a policy may begin so.
    pub const EXTERNAL: &'static str = "external/";

    /// What stands for the rule where an external actor decided: one for each of their actions.
    pub fn of_external(by: &ExternalId, action: &ActionName) -> Self {
        const _: () = assert!(
            RuleId::EXTERNAL.len() + ExternalId::BYTES_MAX + 1 + ActionName::BYTES_MAX <= RuleId::BYTES_MAX,
            "the longest names fit"
        );
        Self(Arc::from(format!("{}{by}/{action}", Self::EXTERNAL)))
    }
}

impl WarningId {
    /// The warning that `rule` raises with the outcome event `outcome`.
    pub fn of(outcome: EventId, rule: &RuleId) -> Self {
        Self(derive("warning", &[outcome.as_bytes(), rule.as_str().as_bytes()]))
    }
}

impl EnforcementId {
    /// The enforcement requested by the event or command `cause`, told apart by `what`.
    pub fn of(cause: EventId, what: &str) -> Self {
        Self(derive("enforcement", &[cause.as_bytes(), what.as_bytes()]))
    }
}

impl ReplayId {
    /// The replay that the event `started` begins.
    pub fn of(started: EventId) -> Self {
        Self(derive("replay", &[started.as_bytes()]))
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The next one. Counters are 64-bit (epochs 32-bit) and never wrap in practice; if one would, the
            /// process must end rather than use a number twice.
            pub fn next(self) -> Self {
                Self(self.0.checked_add(1).expect("a journal counter never reaches its type's end"))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// Place of an event in the whole journal. Gap-free from 1; 0 is "before the first".
    Position, u64
);
counter!(
    /// Place of an event within its scope. Gap-free from 1; 0 is "before the first".
    Sequence, u64
);
counter!(
    /// Which opening of the store wrote an event: one more at every open, so that two writers can be told apart.
    Epoch, u32
);

/// One version of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(remote = "Self")]
pub struct PolicyRef {
    /// The policy.
    pub id: PolicyId,
    /// Its version, from 1.
    pub version: u32,
}

super::tuple_in_binary!(PolicyRef { id, version });

impl fmt::Display for PolicyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.version)
    }
}
