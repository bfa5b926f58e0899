//! Erasing what is kept about a channel or a person: that it was asked for, that keys were destroyed, that copies are
//! gone. Events and chain stay as they are; only what they refer to can no longer be read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ChannelId, ErasureReason, EventId, ModeratorId, subjects};

/// Somebody asked for content to be erased. Durable before anything is destroyed: from here on it is carried out, by
/// whatever process is the next to open the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErasureRequested {
    /// What is to be erased.
    pub what: Erasing,
    /// Why, as a short code of the operator's: never the person's name.
    pub reason: ErasureReason,
}

/// What is to be erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Erasing {
    /// What is kept of a channel.
    Channel {
        /// The channel.
        channel: ChannelId,
        /// Which of it.
        content: ErasedContent,
    },
    /// What a person wrote: notes and reasons.
    Person(ModeratorId),
}

/// Which of a channel's content is to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasedContent {
    /// All of it.
    #[default]
    Everything,
    /// Pictures with their copies in a bucket, and providers' answers that were too long for an event, which lie under
    /// the same key.
    Pictures,
    /// What was said.
    Transcripts,
}

impl Erasing {
    /// Under whose keys it lies.
    pub fn subjects(&self) -> Vec<String> {
        match self {
            Self::Channel { channel, content } => match content {
                ErasedContent::Everything => vec![subjects::of_channel(channel), subjects::of_transcripts(channel)],
                ErasedContent::Pictures => vec![subjects::of_channel(channel)],
                ErasedContent::Transcripts => vec![subjects::of_transcripts(channel)],
            },
            Self::Person(person) => vec![subjects::of_person(person)],
        }
    }

    /// The channel whose copies in a bucket are to go, if any are.
    pub fn copies_of(&self) -> Option<&ChannelId> {
        match self {
            Self::Channel { channel, content: ErasedContent::Everything | ErasedContent::Pictures } => Some(channel),
            Self::Channel { content: ErasedContent::Transcripts, .. } | Self::Person(_) => None,
        }
    }
}

/// A subject's key was destroyed, if it had one: what lay under it can no longer be read by anybody. Events and chain
/// stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContentErased {
    /// Whose.
    pub subject: String,
    /// Why, as a short code of the operator's: never the person's name.
    pub reason: String,
    /// The `ErasureRequested` that it follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<EventId>,
    /// How much can no longer be read; none if it was not counted, because the process ended in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldContent>,
}

/// How much lay under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct HeldContent {
    /// Pictures, transcripts, notes.
    pub contents: u64,
    /// How many bytes they had.
    pub bytes: u64,
}

/// The copies in buckets that an `ErasureRequested` concerns are deleted: those that events name, and those that may be
/// there although none does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopiesErased {
    /// The `ErasureRequested`.
    pub request: EventId,
    /// Whose pictures they were.
    pub channel: ChannelId,
    /// How many of those that events name; one that its bucket had deleted before is counted too.
    pub copies: u64,
}
