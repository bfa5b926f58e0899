//! What the stand-in holds: its key, what it was asked, what it has charged, and the faults that it was told to show.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// What a call shows instead of its answer, once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The right answer: for a script that begins later.
    #[default]
    None,
    /// An error, as documented: `{return_code, message}`.
    Error { status: u16, message: String, retry_after_s: Option<u32> },
    /// This status, and this body as it stands.
    Body { status: u16, media_type: String, body: String },
    /// No answer for as long as somebody waits.
    Hang,
    /// A body that is shorter than its head says.
    Cut,
    /// An answer of so many bytes.
    Huge { bytes: usize },
    /// The right answer, with this class of this score in place of the one of its name, or beside the others.
    Score { class: String, score: serde_json::Value },
    /// The right answer without this head.
    Without { head: String },
    /// The right answer for a moment more; of a clip, for its first moment once more.
    TwoMoments,
    /// What was heard is in a language in which nothing is moderated.
    Unsupported { language: String },
    /// 200 around a task that was not done (v2).
    NotDone { code: String, message: String },
    /// Another address to ask.
    Redirect { to: String },
}

/// One call.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// `v2` or `v3`.
    pub api: &'static str,
    /// The picture's address, if it was shown by one.
    pub url: Option<String>,
    /// The file's name and media type, if it was sent along.
    pub file: Option<(String, String)>,
    /// Its bytes, sent or fetched; none if there was no picture.
    pub bytes: Option<usize>,
    /// With what it was answered; 0 if it was not.
    pub status: u16,
}

/// The stand-in's world.
#[derive(Debug)]
pub struct World {
    /// The key of the project that sees, whatever the interface.
    pub key: String,
    /// The key of the project that hears, by v2: a project is a model.
    pub speech_key: String,
    pub calls: Vec<Call>,
    /// What is shown next, first come first served; afterwards the right answers.
    pub faults: VecDeque<Fault>,
    /// Answers until the account has no balance; none: as many as are asked for.
    pub balance: Option<u32>,
    /// Calls until the limit of the day is reached (100 for a self-serve account); none: no limit.
    pub calls_max: Option<usize>,
    /// Millionths of a dollar.
    pub charged_micros: u64,
}

/// What is charged for a picture, and for a moment of a clip, as the documented answers say: 0.003 dollars.
pub const CHARGE_MICROS: u64 = 3_000;
/// What is charged for a second of sound: 0.102 dollars for 33.1 s in the documented answer.
pub const SECOND_CHARGE_MICROS: u64 = 3_077;

impl World {
    pub fn new() -> Self {
        let key = "standin-key-0123456789".to_owned();
        let speech_key = "standin-speech-key-0123456789".to_owned();
        Self {
            key,
            speech_key,
            calls: Vec::new(),
            faults: VecDeque::new(),
            balance: None,
            calls_max: None,
            charged_micros: 0,
        }
    }

    /// Why this call is refused, if its account may not make it.
    pub fn refusal(&mut self) -> Option<(u16, &'static str)> {
        if self.calls_max.is_some_and(|max| self.calls.len() >= max) {
            return Some((429, "Too many requests"));
        }
        (self.balance == Some(0)).then_some((405, "Insufficient balance"))
    }

    /// A call was answered, at this price.
    pub fn charge(&mut self, micros: u64) {
        self.balance = self.balance.map(|left| left.saturating_sub(1));
        self.charged_micros += micros;
    }
}
