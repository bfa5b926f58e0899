//! What was said in a segment. Personal data: it is kept apart from the journal, under a key of its own that can be
//! destroyed, and goes to nobody who did not ask for it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Label, Stretch};

/// What was said in a segment, as a provider heard it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Transcript {
    /// The language, as the provider names it; none if it does not say, or knew none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Arc<str>>,
    /// Sentence by sentence, in the order they were said; at most [`Transcript::SENTENCES_MAX`].
    pub sentences: Vec<Sentence>,
}

/// One sentence of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Sentence {
    /// When it was said.
    pub during: Stretch,
    /// The words; what the settings redact stands as `[…]`.
    pub text: Arc<str>,
    /// What it was found to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
}

impl Transcript {
    /// The most sentences. Half a minute of speech has about ten.
    pub const SENTENCES_MAX: usize = 256;
    /// What the subjects begin with under whose keys transcripts are kept; the channel's id follows.
    pub const SUBJECT: &'static str = "transcripts/";

    /// One as it is kept: JSON.
    pub fn from_kept(bytes: &[u8]) -> Result<Self, NoTranscript> {
        serde_json::from_slice(bytes).map_err(|error| NoTranscript(error.classify()))
    }
}

/// What is kept is no transcript. Says nothing of what it is instead: that may be what somebody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is kept is no transcript ({0:?})")]
pub struct NoTranscript(serde_json::error::Category);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_transcript_is_called_so_and_not_quoted() {
        for words in ["my number is 555", r#"{"sentences": "my number is 555"}"#, r#"{"sentences": [{"text": "555"#] {
            let error = Transcript::from_kept(words.as_bytes()).expect_err("none");
            assert!(!format!("{error} {error:?}").contains("555"), "{error}");
        }
    }
}
