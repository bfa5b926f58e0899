//! Questions about the past: asked where they may block, and their refusals as problems that name the parameter.

use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use super::App;
use super::auth::Principal;
use super::blocking::blocking;
use super::problem::{Code, Problem};
use crate::audit::AuditError;
use crate::events::{Event, NewEvent};
use crate::journal::{Append, Expected};
use crate::model::{EventId, Scope, SystemScope};

/// When to come back if the journal takes no events.
const RETRY_AFTER_S: u32 = 5;

/// Asks where it may block.
pub(in crate::http) async fn ask<T: Send + 'static>(
    doing: &'static str,
    question: impl FnOnce() -> Result<T, AuditError> + Send + 'static,
) -> Result<T, Problem> {
    let answer = blocking(doing, move || Ok::<_, Infallible>(question())).await?;
    answer.map_err(|error| match &error {
        AuditError::Beyond { parameter, .. } => Problem::malformed(parameter, &error),
        AuditError::UnknownChannel(channel) => Problem::not_found(format!("event of channel {channel}")),
        AuditError::TooLong { .. } | AuditError::AnswerTooFar { .. } => {
            Problem::new(Code::Unprocessable, error.to_string())
        }
        AuditError::Read(_) | AuditError::Codec { .. } => Problem::internal(doing, &error),
    })
}

/// Reads a parameter, or says what it takes.
pub(in crate::http) fn parameter<T: FromStr<Err: Display>>(
    name: &str,
    takes: &str,
    said: Option<&str>,
) -> Result<Option<T>, Problem> {
    let read = |text: &str| text.parse().map_err(|error| Problem::malformed(name, format!("takes {takes}: {error}")));
    said.map(read).transpose()
}

/// Records that somebody looked at what is kept, or took much of it away. Nothing may leave before this has returned.
pub(in crate::http) async fn record_access(app: &App, caller: &Principal, event: Event) -> Result<(), Problem> {
    // Each access is an event of its own, however alike two of them are.
    static ACCESSES: AtomicU64 = AtomicU64::new(0);
    let number = ACCESSES.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let now = app.clock.now().as_micros().to_be_bytes();
    let new = NewEvent {
        id: EventId::of_command("access", &[caller.id.as_str().as_bytes(), &now, &number]),
        event,
        captured_at: None,
        actor: caller.actor(),
        causation: None,
        correlation: None,
    };
    let append = Append { scope: Scope::System(SystemScope::Access), expected: Expected::Any, events: vec![new] };
    app.journal.append(append).durable().await.map(|_| ()).map_err(|error| {
        tracing::error!("an access could not be recorded, and was refused: {error}");
        Problem::unavailable("this is recorded before it is answered, and nothing can be recorded now", RETRY_AFTER_S)
    })
}
