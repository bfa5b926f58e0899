//! Reference to content that is too large or too personal for an event.

use serde::{Deserialize, Serialize};

use super::{ChannelId, ModeratorId, Sha256, Transcript};

/// Points into the content store. The content is encrypted under its subject's key; erasing destroys the key and
/// leaves every event and the chain as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContentRef {
    /// Whose key encrypts it: a pseudonym such as `policy/nudity`, `channel/<id>`, `moderator/<id>`.
    pub subject: String,
    /// SHA-256 of a random salt and the plain content. Salted, because the bare digest of a short note can be guessed.
    pub digest: Sha256,
    /// Bytes of the plain content.
    pub bytes: u32,
}

/// Whose keys there are. Everything that is put into the content store about a channel or a person lies under one of
/// these: what is to be erasable together lies together.
pub mod subjects {
    use super::{ChannelId, ModeratorId, Transcript};

    /// A channel's pictures, and providers' answers that were too long for an event.
    pub fn of_channel(channel: &ChannelId) -> String {
        format!("channel/{channel}")
    }

    /// What was said on a channel.
    pub fn of_transcripts(channel: &ChannelId) -> String {
        format!("{}{channel}", Transcript::SUBJECT)
    }

    /// What a person wrote.
    pub fn of_person(person: &ModeratorId) -> String {
        format!("moderator/{person}")
    }
}
