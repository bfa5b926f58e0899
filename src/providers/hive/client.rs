//! One call to Hive: what is sent, within which limits, and what follows from what came back. Whatever is not an answer
//! in the documented shape is an error; none of them is ever no labels.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, Url};
use serde::Deserialize;
use serde_json::json;

use super::words::Words;
use super::{Api, HiveError, Said, v2, v3};
use crate::egress::{self, BodyError, Secret, Times};
use crate::model::Sha256;
use crate::providers::ProviderError;

/// The most bytes that are read of what says why there is none.
const ERROR_BYTES_MAX: usize = 16 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections kept for the next calls, and for how long: a new one costs a handshake of TLS.
const IDLE_MAX: usize = 16;
const IDLE_TIME: Duration = Duration::from_secs(30);
/// What the file of a clip is called, and its type; of a sound as the documented answer has it.
const CLIP_FILE: (&str, &str) = ("clip.mp4", "video/mp4");
const SOUND_FILE: (&str, &str) = ("sound.m4a", "audio/mp4");
/// The longest name of a model with its version.
const MODEL_BYTES_MAX: usize = 100;

/// What Hive is shown.
pub(super) enum Media<'a> {
    /// A picture's bytes.
    Picture(&'a [u8]),
    /// A clip's, as an MP4.
    Clip(&'a [u8]),
    /// A sound's, as an MP4.
    Sound(&'a [u8]),
    /// Where it fetches the picture: a secret, because whoever has it can read there.
    Address(&'a str),
}

/// Within which limits it answers.
pub(super) struct Limits {
    /// From the call's beginning to the last byte of its answer.
    pub(super) time: Duration,
    /// The most bytes of the answer.
    pub(super) bytes_max: usize,
}

/// A client of one project.
pub(super) struct Client {
    http: reqwest::Client,
    api: Api,
    endpoint: Url,
    authorization: HeaderValue,
    words: Words,
}

/// How it says that it gives no answer: `{return_code, message}`.
#[derive(Deserialize)]
struct Refusal {
    return_code: i64,
    #[serde(default)]
    message: String,
}

impl Client {
    /// A client whose calls end within `longest` at the latest.
    pub(super) fn new(api: Api, endpoint: Url, key: &Secret, longest: Duration) -> Result<Self, HiveError> {
        let http = builder(&endpoint, longest).build().map_err(HiveError::Client)?;
        let scheme = match api {
            Api::V2 => v2::SCHEME,
            Api::V3 => v3::SCHEME,
        };
        let authorization = HeaderValue::from_str(&format!("{scheme} {}", key.reveal()));
        let mut authorization = authorization.expect("a secret is printable and has no line breaks");
        authorization.set_sensitive(true);
        Ok(Self { http, api, endpoint, authorization, words: Words::without(key.clone()) })
    }

    /// The model that answered, and what `read` finds in its answer.
    pub(super) async fn ask<T>(
        &self,
        media: Media<'_>,
        limits: &Limits,
        read: impl FnOnce(&[u8]) -> Result<Said<T>, String>,
    ) -> Result<(String, T), ProviderError> {
        let request = self.http.post(self.endpoint.clone()).header(AUTHORIZATION, self.authorization.clone());
        let request = request.header("accept", "application/json").timeout(limits.time);
        let answer = self.shown(request, media).send().await.map_err(|error| self.unreached(error, limits))?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(self.refused(status, answer).await);
        }
        let body = egress::body(answer, limits.bytes_max).await.map_err(|error| match error {
            BodyError::TooLong { bytes_max } => ProviderError::Nonsense(format!("an answer of over {bytes_max} bytes")),
            BodyError::Broken(source) => self.unreached(source, limits),
        })?;
        self.understood(&body, read)
    }

    /// What Hive says, made fit to be said again.
    pub(super) fn words(&self) -> &Words {
        &self.words
    }

    fn shown(&self, request: RequestBuilder, media: Media<'_>) -> RequestBuilder {
        match (self.api, media) {
            (Api::V3, Media::Address(address)) => request.json(&json!({ "input": [{ "media_url": address }] })),
            (Api::V2, Media::Address(address)) => form(request, "url", None, address.as_bytes()),
            (Api::V2 | Api::V3, Media::Picture(bytes)) => form(request, "media", Some(file_of(bytes)), bytes),
            (Api::V2 | Api::V3, Media::Clip(bytes)) => form(request, "media", Some(CLIP_FILE), bytes),
            (Api::V2 | Api::V3, Media::Sound(bytes)) => form(request, "media", Some(SOUND_FILE), bytes),
        }
    }

    fn understood<T>(
        &self,
        body: &[u8],
        read: impl FnOnce(&[u8]) -> Result<Said<T>, String>,
    ) -> Result<(String, T), ProviderError> {
        let said = match serde_json::from_slice::<Refusal>(body) {
            Ok(Refusal { return_code, message }) => Ok(Said::No { code: return_code, message }),
            Err(_) => read(body),
        };
        match said {
            Ok(Said::Yes { model, found }) if !model.is_empty() && model.len() <= MODEL_BYTES_MAX => Ok((model, found)),
            Ok(Said::Yes { model, .. }) => {
                Err(ProviderError::Nonsense(format!("a model whose name has {} bytes", model.len())))
            }
            Ok(Said::NotDone { code, message }) => {
                let (code, message) = (self.words.shown(&code), self.words.shown(&message));
                Err(ProviderError::Refused(format!("the task ended with status {code}: {message}")))
            }
            // A status other than 200 is said inside of one that is.
            Ok(Said::No { code, message }) => Err(self.refusal(u16::try_from(code).unwrap_or(0), &message, None)),
            Err(wrong) => Err(ProviderError::Nonsense(self.words.shown(&wrong))),
        }
    }

    async fn refused(&self, status: u16, answer: Response) -> ProviderError {
        let wait = answer.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse::<u32>().ok());
        // The status says what follows; what else is said is for the person who reads it.
        let body = egress::body(answer, ERROR_BYTES_MAX).await.unwrap_or_default();
        let message = serde_json::from_slice::<Refusal>(&body).map(|said| said.message).unwrap_or_default();
        self.refusal(status, &message, wait)
    }

    fn refusal(&self, status: u16, message: &str, wait_s: Option<u32>) -> ProviderError {
        let meaning = match status {
            401 | 403 => " (the key is refused)",
            405 => " (the account has no balance for it)",
            413 => " (what it was sent is too large)",
            _ => "",
        };
        let wait = wait_s.map(|wait| format!(", and asks to wait for {wait} s")).unwrap_or_default();
        let message = self.words.shown(message);
        let message = if message.is_empty() { String::new() } else { format!(": {message}") };
        let said = format!("it answered {status}{meaning}{wait}{message}");
        match status {
            429 => ProviderError::Throttled(said),
            408 | 500..=599 => ProviderError::Unavailable(said),
            401 | 403 | 405 => ProviderError::Denied(said),
            400..=499 => ProviderError::Refused(said),
            _ => ProviderError::Nonsense(said),
        }
    }

    fn unreached(&self, error: reqwest::Error, limits: &Limits) -> ProviderError {
        ProviderError::Unavailable(if error.is_timeout() {
            format!("no answer within {} ms", limits.time.as_millis())
        } else {
            self.words.shown(&egress::chain(&error.without_url()))
        })
    }
}

/// Whether something answers at `endpoint`, and with what status: no key is said and no picture shown, so nothing is
/// charged. Otherwise why nothing does.
pub async fn answers(endpoint: &Url, within: Duration) -> Result<u16, String> {
    let http = builder(endpoint, within).build().map_err(|error| egress::chain(&error))?;
    let answer = http.get(endpoint.clone()).send().await.map_err(|error| egress::chain(&error.without_url()))?;
    Ok(answer.status().as_u16())
}

fn builder(endpoint: &Url, deadline: Duration) -> reqwest::ClientBuilder {
    let times = Times { connect: CONNECT_TIMEOUT.min(deadline), request: deadline };
    egress::client(endpoint, times).pool_max_idle_per_host(IDLE_MAX).pool_idle_timeout(IDLE_TIME)
}

/// A form with one part (RFC 7578). `file`: the name and media type of what is sent as a file.
fn form(request: RequestBuilder, name: &str, file: Option<(&str, &str)>, value: &[u8]) -> RequestBuilder {
    // What is sent cannot hold its own digest.
    let boundary = &Sha256::of(value).to_string()[..40];
    let file = file.map(|(name, media_type)| format!("; filename=\"{name}\"\r\ncontent-type: {media_type}"));
    let head =
        format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"{}\r\n\r\n", file.unwrap_or_default());
    let tail = format!("\r\n--{boundary}--\r\n");
    let body = [head.as_bytes(), value, tail.as_bytes()].concat();
    request.header(CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}")).body(body)
}

/// What the picture's file is called, and its type, by its first bytes.
fn file_of(bytes: &[u8]) -> (&'static str, &'static str) {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => ("frame.png", "image/png"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ("frame.webp", "image/webp"),
        _ => ("frame.jpg", "image/jpeg"),
    }
}
