//! Hive's Moderation Dashboard as a provider: the same visual model, asked through an application of the operator's whose
//! rules and reviewers then decide about what they were shown, and call back. The labels that come back at once are judged
//! by the policy like anybody's; what is decided there is another matter, see `http::callbacks`.
//!
//! It is told which frame of which channel it is shown, as post and user, and fetches the picture by its address: there is
//! no way to send one along that is documented. Its v2 interface is spoken; v1 is in maintenance mode.

mod answer;
mod posts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{Response, Url};
use serde::Deserialize;
use serde_json::json;

use super::classes::Classes;
use super::words::Words;
use super::{HiveError, IMAGE_BYTES_MAX, Showing, TAXONOMY};
use crate::egress::{self, BodyError, Secret, Times, https_or_loopback};
use crate::model::{Confidence, ProviderRef, S3Object};
use crate::providers::{Answer, Assessing, Picture, Provider, ProviderError, Subject};

pub use posts::{Posts, UsersAs};

/// What it is called, as a provider and as an external actor.
pub const NAME: &str = "hive-dashboard";
/// Where it is, if nobody says otherwise.
pub const ENDPOINT: &str = "https://api.hivemoderation.com/api/v2/task/sync";
/// The model that a post is sent to, and what it is called before it has answered.
const MODEL: &str = "visual";
/// The most bytes of an answer, and of what says why there is none.
const BODY_BYTES_MAX: usize = 256 << 10;
const ERROR_BYTES_MAX: usize = 16 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections kept for the next calls, and for how long.
const IDLE_MAX: usize = 16;
const IDLE_TIME: Duration = Duration::from_secs(30);
/// The longest name of a model with its version.
const MODEL_BYTES_MAX: usize = 100;

/// What an operator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Another place than the Dashboard's own; none: that one.
    pub endpoint: Option<String>,
    /// Classes below this score, in percent, are not reported and can never be judged afterwards.
    pub floor: Confidence,
    /// For one call, from its beginning to the last byte of its answer.
    pub deadline: Duration,
    /// Heads that an answer must speak of: one without any of their classes is none.
    pub heads: Vec<String>,
    /// As which user a channel is shown.
    pub users_as: UsersAs,
}

/// An application of the Dashboard.
pub struct Dashboard {
    http: reqwest::Client,
    endpoint: Url,
    authorization: HeaderValue,
    words: Words,
    classes: Classes,
    settings: Settings,
    showing: Showing,
    posts: Arc<Posts>,
}

/// How it says that it gives no answer: `{return_code, message}`.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

/// Where it takes posts: what is stated, else its own.
pub fn address(stated: Option<&str>) -> Result<Url, HiveError> {
    https_or_loopback(stated.unwrap_or(ENDPOINT))
        .map_err(|source| HiveError::Address { what: "Hive's Moderation Dashboard", source })
}

impl Dashboard {
    /// Asks with this application's key; pictures are fetched as `showing` says, and each frame that is shown is noted in
    /// `posts`.
    pub fn new(
        settings: Settings,
        key: &Secret,
        classes: Classes,
        showing: Showing,
        posts: Arc<Posts>,
    ) -> Result<Self, HiveError> {
        let endpoint = address(settings.endpoint.as_deref())?;
        if let Some(head) = settings.heads.iter().find(|head| !classes.has_head(head)) {
            return Err(HiveError::Head(head.clone()));
        }
        let times = Times { connect: CONNECT_TIMEOUT.min(settings.deadline), request: settings.deadline };
        let http = egress::client(&endpoint, times).pool_max_idle_per_host(IDLE_MAX).pool_idle_timeout(IDLE_TIME);
        let http = http.build().map_err(HiveError::Client)?;
        let authorization = HeaderValue::from_str(&format!("token {}", key.reveal()));
        let mut authorization = authorization.expect("a secret is printable and has no line breaks");
        authorization.set_sensitive(true);
        let words = Words::without(key.clone());
        Ok(Self { http, endpoint, authorization, words, classes, settings, showing, posts })
    }

    /// Submits a frame as a post of its channel, and reads what the model sees in it.
    async fn submit(&self, subject: &Subject, object: &S3Object) -> Result<Answer, ProviderError> {
        let address = self.showing.address(object).await?;
        let post = json!({
            "post_id": subject.frame.to_string(),
            "user_id": self.settings.users_as.user(&subject.channel),
            "url": address,
            "models": [MODEL],
        });
        // Before the call: it may act on the frame before its answer is here.
        self.posts.show(subject.frame);
        let request =
            self.http.post(self.endpoint.clone()).header(AUTHORIZATION, self.authorization.clone()).json(&post);
        let answer = request.send().await.map_err(|error| self.unreached(error))?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(self.refused(status, answer).await);
        }
        let body = egress::body(answer, BODY_BYTES_MAX).await.map_err(|error| match error {
            BodyError::TooLong { bytes_max } => ProviderError::Nonsense(format!("an answer of over {bytes_max} bytes")),
            BodyError::Broken(source) => self.unreached(source),
        })?;
        self.read(&body)
    }

    fn read(&self, body: &[u8]) -> Result<Answer, ProviderError> {
        let said = answer::read(body).map_err(|wrong| ProviderError::Nonsense(self.words.shown(&wrong)))?;
        let (model, classes) = match said {
            answer::Said::Yes { model, classes } => (model.unwrap_or_else(|| MODEL.to_owned()), classes),
            answer::Said::NotDone { code, message } => {
                let (code, message) = (self.words.shown(&code), self.words.shown(&message));
                return Err(ProviderError::Refused(format!("the task ended with status {code}: {message}")));
            }
            answer::Said::No { code, message } => {
                return Err(self.refusal(u16::try_from(code).unwrap_or(0), &message, None));
            }
        };
        if model.is_empty() || model.len() > MODEL_BYTES_MAX {
            return Err(ProviderError::Nonsense(format!("a model whose name has {} bytes", model.len())));
        }
        let scored = answer::scored(classes);
        let (labels, unmapped) = self.classes.labels(&scored, self.settings.floor)?;
        let missing = self.classes.heads_missing(&scored, &self.settings.heads).join(", ");
        if !missing.is_empty() {
            return Err(ProviderError::Nonsense(format!("an answer that does not speak of {missing}")));
        }
        Ok(Answer { unmapped, ..Answer::of(reference(&model), labels) })
    }

    async fn refused(&self, status: u16, answer: Response) -> ProviderError {
        let wait = answer.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse::<u32>().ok());
        let body = egress::body(answer, ERROR_BYTES_MAX).await.unwrap_or_default();
        let message = serde_json::from_slice::<Refusal>(&body).map(|said| said.message).unwrap_or_default();
        self.refusal(status, &message, wait)
    }

    fn refusal(&self, status: u16, message: &str, wait_s: Option<u32>) -> ProviderError {
        let wait = wait_s.map(|wait| format!(", and asks to wait for {wait} s")).unwrap_or_default();
        let message = self.words.shown(message);
        let message = if message.is_empty() { String::new() } else { format!(": {message}") };
        let said = format!("it answered {status}{wait}{message}");
        match status {
            429 => ProviderError::Throttled(said),
            408 | 500..=599 => ProviderError::Unavailable(said),
            400..=499 => ProviderError::Refused(said),
            _ => ProviderError::Nonsense(said),
        }
    }

    fn unreached(&self, error: reqwest::Error) -> ProviderError {
        ProviderError::Unavailable(if error.is_timeout() {
            format!("no answer within {} ms", self.settings.deadline.as_millis())
        } else {
            self.words.shown(&egress::chain(&error.without_url()))
        })
    }
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dashboard").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Provider for Dashboard {
    fn reference(&self) -> ProviderRef {
        reference(MODEL)
    }

    fn floor(&self) -> Option<Confidence> {
        Some(self.settings.floor)
    }

    fn object_bytes_max(&self) -> Option<u64> {
        Some(IMAGE_BYTES_MAX as u64)
    }

    fn assess(&self, _: Arc<[u8]>) -> Assessing<'_> {
        Box::pin(async { Err(ProviderError::Refused("it is shown frames, and this is none".to_owned())) })
    }

    fn assess_frame(&self, subject: Subject, picture: Picture) -> Assessing<'_> {
        Box::pin(async move {
            let object = match (picture, &subject.object) {
                (Picture::Object(object), _) => object,
                (Picture::Bytes(_), Some(object)) => object.clone(),
                (Picture::Bytes(_), None) => {
                    let why = "it fetches pictures by their address, and this one lies in no bucket".to_owned();
                    return Err(ProviderError::Refused(why));
                }
            };
            self.submit(&subject, &object).await
        })
    }
}

fn reference(model: &str) -> ProviderRef {
    ProviderRef { name: NAME.into(), model: model.into(), taxonomy: TAXONOMY.into() }
}
