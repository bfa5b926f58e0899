//! What of a stream is judged: a picture, or a recorded stretch of it, as it looks or as it sounds.

use serde::{Deserialize, Serialize};

/// What a frame is made of. A *segment* is the stretch of a broadcast, some seconds long, that one recorded object holds;
/// what is judged of it is a frame like every other, with an identity and an outcome of its own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// One picture.
    #[default]
    Picture,
    /// The moving picture of a segment.
    Clip,
    /// The sound of a segment.
    Sound,
}

impl Medium {
    /// Whether it is one picture, as most are.
    pub const fn is_picture(&self) -> bool {
        matches!(self, Self::Picture)
    }

    /// Its name in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Clip => "clip",
            Self::Sound => "sound",
        }
    }
}

/// A stretch of a segment, in milliseconds from its beginning. One instant is a stretch that ends where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(remote = "Self")]
pub struct Stretch {
    /// Its beginning.
    pub from_ms: u32,
    /// Its end, not before its beginning.
    pub to_ms: u32,
}

super::tuple_in_binary!(Stretch { from_ms, to_ms });

/// When in a segment a label shows or is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(remote = "Self")]
pub struct Moment {
    /// Index of the label among those of the same answer. The label's confidence is that of the worst moment.
    pub label: u8,
    /// The first stretch in which the label is reported at all.
    pub first: Stretch,
    /// The first of those in which it is surest, or gravest.
    pub worst: Stretch,
}

super::tuple_in_binary!(Moment { label, first, worst });
