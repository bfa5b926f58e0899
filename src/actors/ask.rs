//! Asking a provider, with the one retry loop there is.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;

use super::{pause, surprise};
use crate::events::FailedStage;
use crate::model::{Medium, S3Object};
use crate::providers::{Answer, Picture, Provider, ProviderError, Subject};
use crate::telemetry::metrics;

/// How often a provider that is merely unavailable is asked, all in all.
const ATTEMPTS_MAX: u8 = 3;
/// The pause after the first attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(200);
/// The same where the provider said that it is asked too often.
const PAUSE_THROTTLED: Duration = Duration::from_millis(500);

/// What a provider is shown.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    /// A picture's bytes.
    Bytes(Arc<[u8]>),
    /// A picture that it reads in its bucket itself.
    Object(S3Object),
    /// A segment's bytes, and what of it is meant.
    Segment(Medium, Arc<[u8]>),
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) stage: FailedStage,
    pub(super) reason: String,
    /// How often it was called: a provider that is not there, or is suspended, was not.
    pub(super) attempts: u8,
}

/// Asks until there is an answer, a refusal, or `deadline` has passed.
pub(super) async fn ask(
    provider: Option<Arc<dyn Provider>>,
    subject: &Subject,
    image: Shown,
    deadline: Duration,
) -> Result<Answer, Unanswered> {
    let Some(provider) = provider else {
        let reason = "no provider is configured for this channel".to_owned();
        return Err(Unanswered { stage: FailedStage::NoProvider, reason, attempts: 0 });
    };
    let name = provider.reference().name;
    let mut attempts = 0;
    let asking = async {
        loop {
            attempts += 1;
            let begun = Instant::now();
            // Not the warden's panic: a provider that breaks on a picture costs its frame, and no channel its warden.
            let asked = AssertUnwindSafe(async {
                let picture = match &image {
                    Shown::Bytes(bytes) => Picture::Bytes(bytes.clone()),
                    Shown::Object(object) => Picture::Object(object.clone()),
                    Shown::Segment(medium, bytes) => return provider.assess_segment(*medium, bytes.clone()).await,
                };
                provider.assess_frame(subject.clone(), picture).await
            });
            let asked = asked.catch_unwind();
            let answered = asked.await.unwrap_or_else(|panic| Err(ProviderError::Broke(words(&*panic))));
            match &answered {
                Ok(_) => metrics().providers.answered(&name, begun.elapsed()),
                Err(error) => metrics().providers.failed(&name, error.name()),
            }
            match answered {
                Ok(mut answer) => {
                    surprise::note(&mut answer);
                    return Ok(answer);
                }
                Err(error) if error.is_passing() && attempts < ATTEMPTS_MAX && provider.may_retry() => {
                    let first = if matches!(error, ProviderError::Throttled(_)) { PAUSE_THROTTLED } else { PAUSE };
                    tokio::time::sleep(pause::after(attempts, first, subject.frame)).await;
                }
                Err(error) => return Err(error),
            }
        }
    };
    match tokio::time::timeout(deadline, asking).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            if matches!(error, ProviderError::Absent(_) | ProviderError::Suspended(_)) {
                attempts -= 1; // this one was none: nobody was called
            }
            let (stage, reason) = match error {
                // The stage says already that there is none.
                ProviderError::Absent(reason) => (FailedStage::NoProvider, reason),
                ProviderError::Unavailable(_)
                | ProviderError::Throttled(_)
                | ProviderError::Suspended(_)
                | ProviderError::Refused(_)
                | ProviderError::Denied(_)
                | ProviderError::Nonsense(_)
                | ProviderError::Broke(_) => (FailedStage::Provider, error.to_string()),
            };
            Err(Unanswered { stage, reason, attempts })
        }
        Err(_) => {
            metrics().providers.failed(&name, "deadline");
            let reason = format!("no answer within {} ms", deadline.as_millis());
            Err(Unanswered { stage: FailedStage::Deadline, reason, attempts })
        }
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}
