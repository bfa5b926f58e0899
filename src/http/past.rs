//! Questions about the past: asked where they may block, and their refusals as problems that name the parameter.

use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::Deserialize;

use super::App;
use super::auth::Principal;
use super::blocking::blocking;
use super::problem::{Code, Problem};
use crate::audit::AuditError;
use crate::audit::state_at::{Basis, Moment};
use crate::events::{Event, NewEvent};
use crate::journal::{Append, Expected};
use crate::model::{EventId, Position, Scope, Sequence, SystemScope, Timestamp};

/// When to come back if the journal takes no events.
const RETRY_AFTER_S: u32 = 5;

/// How far ahead of this machine's clock a source's may run: frames are taken in up to as far.
const CAPTURED_AHEAD_MS_MAX: u64 = 5 * 60_000;

/// Which moment: at most one of `at`, `sequence` and `position`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PastMoment {
    /// At this time, RFC 3339.
    #[schemars(with = "Option<Timestamp>")]
    at: Option<String>,
    /// After this event of the channel.
    #[schemars(with = "Option<Sequence>")]
    sequence: Option<String>,
    /// After the channel's last event up to this position of the journal.
    #[schemars(with = "Option<Position>")]
    position: Option<String>,
    /// What `at` is compared with; `recorded` unless said otherwise.
    basis: Option<Basis>,
}

impl PastMoment {
    /// The moment, if it has come.
    pub fn moment(&self, now: Timestamp) -> Result<Moment, Problem> {
        let at: Option<Timestamp> = parameter("at", "a moment in RFC 3339", self.at.as_deref())?;
        let sequence: Option<u64> = parameter("sequence", "a whole number", self.sequence.as_deref())?;
        let position: Option<u64> = parameter("position", "a whole number", self.position.as_deref())?;
        if self.basis.is_some() && at.is_none() {
            return Err(Problem::malformed("basis", "goes with `at`, which is not given"));
        }
        match (at, sequence, position) {
            (None, None, None) => Ok(Moment::Now),
            (Some(at), None, None) => {
                let basis = self.basis.unwrap_or_default();
                let latest = match basis {
                    Basis::Recorded => now,
                    Basis::Captured => now.plus_ms(CAPTURED_AHEAD_MS_MAX),
                };
                if at > latest {
                    return Err(Problem::malformed("at", format!("{at} has not come yet; it is {now}")));
                }
                Ok(Moment::Time(at, basis))
            }
            (None, Some(sequence), None) => Ok(Moment::Sequence(Sequence(sequence))),
            (None, None, Some(position)) => Ok(Moment::Position(Position(position))),
            _ => Err(Problem::malformed("at", "give one of `at`, `sequence` and `position`, not several")),
        }
    }
}

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
