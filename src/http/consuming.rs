//! What routes about consumers and those about replays share: work that blocks, and what callers are
//! told when it is refused.

use std::convert::Infallible;
use std::sync::Arc;

use super::App;
use super::blocking;
use super::problem::{Code, Problem};
use crate::consumers::{ConsumerError, Consumers};
use crate::journal::AppendError;

/// Does what blocks on the journal, off the arbiters.
pub(in crate::http) async fn blocking<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Arc<Consumers>) -> Result<T, ConsumerError> + Send + 'static,
) -> Result<T, Problem> {
    let consumers = app.consumers.clone();
    let doing = "keeping consumers and replays";
    // What the work refuses is for the caller; only its breaking is a failure of ours.
    blocking::blocking(doing, move || Ok::<_, Infallible>(work(&consumers))).await?.map_err(problem)
}

/// What callers are told.
pub(in crate::http) fn problem(error: ConsumerError) -> Problem {
    let detail = error.to_string();
    match error {
        ConsumerError::UnknownConsumer(_) | ConsumerError::UnknownReplay(_) | ConsumerError::UnknownEntry { .. } => {
            Problem::new(Code::NotFound, detail)
        }
        ConsumerError::Exists(_)
        | ConsumerError::ReplayOver(_)
        | ConsumerError::TooMany { .. }
        | ConsumerError::StaleLease(_)
        | ConsumerError::NotDelivered { .. } => Problem::new(Code::Conflict, detail),
        ConsumerError::ReplayExists { replay, .. } => Problem::new(Code::Conflict, detail).with("replay", replay),
        ConsumerError::Leased { until, .. } => Problem::new(Code::Conflict, detail).with("until", until),
        ConsumerError::BeyondHead { head, .. } => Problem::new(Code::Unprocessable, detail).with("head", head),
        ConsumerError::EmptyRange { .. }
        | ConsumerError::OutOfBounds { .. }
        | ConsumerError::FilterTooLarge(_)
        | ConsumerError::Reserved(_) => Problem::new(Code::Unprocessable, detail),
        ConsumerError::Contended => Problem::unavailable(detail, 1),
        ConsumerError::Append(AppendError::NoSpace { .. }) => Problem::unavailable("the journal is full", 60),
        ConsumerError::Append(AppendError::Closed | AppendError::Failed(_)) => {
            Problem::unavailable("the journal is closed", 60)
        }
        error @ (ConsumerError::Codec(_) | ConsumerError::Read(_) | ConsumerError::Append(_)) => {
            Problem::internal("keeping consumers and replays", &error)
        }
    }
}
