//! A server that runs, asked from the terminal: where it is, who asks, and what it says to a refusal.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::event_text::printable;
use crate::egress::{self, AddressError, BodyError, Secret, SecretError, Times};

/// A server is near, or it is not there.
const TIMES: Times = Times { connect: Duration::from_secs(5), request: Duration::from_secs(60) };
/// The most bytes of an answer: what changed in a text of policies, and a refusal with every mistake in it.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Which server, and who asks it.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Where the server is: https, or http by the number of this machine's loopback.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8642")]
    server: String,
    /// A file that holds the token of who asks, on one line. Without it nobody in particular asks.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Why there is no answer, or not the one hoped for.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServerError {
    /// The server understood and said no.
    #[error("{server} refuses: {detail}")]
    Refused {
        /// Which server.
        server: String,
        /// What it said, in its words, one line for each mistake.
        detail: String,
        /// The status of its answer.
        status: u16,
    },
    /// The address is none that is asked.
    #[error("--server: {0}")]
    Address(#[from] AddressError),
    /// There is no token.
    #[error("{}", egress::chain(.0))]
    Token(#[from] SecretError),
    /// It could not be asked, or did not answer.
    #[error("{server} gives no answer: {reason}")]
    NoAnswer {
        /// Which server.
        server: String,
        /// Why.
        reason: String,
    },
}

impl ServerError {
    /// What to try.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused { status: 401, .. } => {
                "name a file with a token that holds there: --token-file FILE (streamwarden token create makes one)"
            }
            Self::Refused { status: 403, .. } => {
                "it takes a token whose role may write policies on all of their channels, such as policy-author"
            }
            Self::Refused { .. } => "nothing was changed",
            Self::Address(_) => "https://HOST, or http://127.0.0.1:PORT for a server on this machine",
            Self::Token(_) => "the file holds the token and nothing else",
            Self::NoAnswer { .. } => {
                "whether it was done is not known; GET /v1/policies of the server says what is in force"
            }
        }
    }
}

/// What a server says of a refusal (RFC 9457), as far as it is shown.
#[derive(Deserialize)]
struct Refusal {
    detail: String,
    #[serde(default)]
    mistakes: Vec<Mistake>,
}

#[derive(Deserialize)]
struct Mistake {
    line: u64,
    column: u64,
    what: String,
}

impl ServerArgs {
    /// Posts to the path of these segments, and reads the answer.
    pub(super) fn post<T: DeserializeOwned>(&self, path: &[&str], body: &Value) -> Result<T, ServerError> {
        let mut url = egress::https_or_loopback(&self.server)?;
        let token = self.token_file.as_deref().map(|file| Secret::read("--token-file", file)).transpose()?;
        let server = printable(&self.server);
        let no_answer = |reason: String| ServerError::NoAnswer { server: server.clone(), reason: printable(&reason) };
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let client = egress::client(&url, TIMES).build().map_err(|error| no_answer(egress::chain(&error)))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| no_answer(error.to_string()))?;
        let (status, answer) = runtime.block_on(async {
            let mut request = client.post(url).json(body);
            if let Some(token) = &token {
                request = request.bearer_auth(token.reveal());
            }
            let answer = request.send().await.map_err(|error| no_answer(egress::chain(&error.without_url())))?;
            let status = answer.status().as_u16();
            let taken = egress::body(answer, ANSWER_BYTES_MAX).await;
            let taken = taken.map_err(|error: BodyError| no_answer(egress::chain(&error)))?;
            Ok::<_, ServerError>((status, taken))
        })?;
        if (200..300).contains(&status) {
            let strange = |error| no_answer(format!("its answer is not what this program knows: {error}"));
            return serde_json::from_slice(&answer).map_err(strange);
        }
        let detail = match serde_json::from_slice::<Refusal>(&answer) {
            Ok(Refusal { detail, mistakes }) => {
                let line = |it: &Mistake| printable(&format!("line {}, column {}: {}", it.line, it.column, it.what));
                let lines: Vec<String> = std::iter::once(printable(&detail)).chain(mistakes.iter().map(line)).collect();
                lines.join("\n  ")
            }
            Err(_) => format!("it answers {status}, and not in the words of this program's server"),
        };
        Err(ServerError::Refused { server, detail, status })
    }
}
