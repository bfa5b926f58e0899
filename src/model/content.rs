//! Reference to content that is too large or too personal for an event.

use serde::{Deserialize, Serialize};

use super::Sha256;

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
