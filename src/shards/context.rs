//! What the readers of one stream share: whom they ask, whom they tell, when they stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::{Deliver, Settings};
use crate::aws::kinesis::Kinesis;
use crate::clock::Clock;
use crate::events::{Actor, InputGap, NewEvent};
use crate::journal::{Append, AppendError, Expected, Journal};
use crate::model::{EventId, Mark, MarkName, SystemScope, Timestamp};
use crate::telemetry::metrics;

/// After a first failure, in milliseconds; twice as long after each further one.
const BACKOFF_FIRST_MS: u64 = 250;
/// Never longer, in milliseconds.
const BACKOFF_MAX_MS: u64 = 10_000;

/// What the readers of one stream share.
#[derive(Clone)]
pub(super) struct Context {
    pub settings: Settings,
    pub kinesis: Kinesis,
    pub journal: Arc<dyn Journal>,
    pub deliver: Arc<dyn Deliver>,
    pub clock: Arc<dyn Clock>,
    /// How long the stream keeps a record, as last described; 0: not known yet.
    pub retention_ms: Arc<AtomicU64>,
    /// True: stop.
    pub stop: watch::Receiver<bool>,
    /// True: the stream is gone, and so is what its shards' readers are for.
    pub left: watch::Receiver<bool>,
}

impl Context {
    /// The context of those who read what the stream is now, until that is left.
    pub fn until_left(&self, left: watch::Receiver<bool>) -> Arc<Self> {
        Arc::new(Self { left, ..self.clone() })
    }

    /// The time of which records may have expired unread, if nothing was missed until `until`.
    pub fn gap(&self, until: Timestamp) -> Option<(Timestamp, Timestamp)> {
        match self.retention_ms.load(Ordering::Relaxed) {
            0 => None,
            kept => super::place::gap(until, Duration::from_millis(kept), self.clock.now()),
        }
    }

    /// Keeps a mark, or removes it. Durable when this returns.
    pub async fn save(&self, name: &MarkName, mark: Option<Mark>) -> Result<(), AppendError> {
        let (journal, name) = (self.journal.clone(), name.clone());
        // queueing waits for a place while the journal is behind: not on an arbiter
        let queued = tokio::task::spawn_blocking(move || journal.save_mark(&name, mark.as_ref())).await;
        queued.map_err(|_| AppendError::Closed)?.durable().await.map(|_| ())
    }

    /// Says in the journal that input of a part of the stream is missing. Once: the same gap said again adds nothing. Keeps
    /// trying until it is durable; false: told to stop before that.
    pub async fn note_gap(&self, part: &str, from: Timestamp, to: Timestamp) -> bool {
        let source = match part {
            "" => format!("kinesis:{}", self.settings.stream),
            part => format!("kinesis:{}/{part}", self.settings.stream),
        };
        tracing::error!(input.source = %source, %from, %to, "input is missing: records expired before they were read");
        metrics().shards.gap();
        let id = EventId::of_command("input-gap", &[source.as_bytes(), &from.as_micros().to_be_bytes()]);
        let event = NewEvent {
            id,
            event: InputGap { source: source.clone(), from, to }.into(),
            captured_at: None,
            actor: Actor::service("intake"),
            causation: None,
            correlation: None,
        };
        let append = Append { scope: SystemScope::Intake.into(), expected: Expected::Any, events: vec![event] };
        let mut failures = 0;
        loop {
            let (journal, append) = (self.journal.clone(), append.clone());
            let queued = tokio::task::spawn_blocking(move || journal.append(append)).await;
            let refused = match queued {
                Ok(ticket) => match ticket.durable().await {
                    // An id that is taken: the same gap, seen to end at another moment.
                    Ok(_) | Err(AppendError::IdTaken { .. }) => return true,
                    Err(refused) => refused.to_string(),
                },
                Err(failed) => failed.to_string(),
            };
            tracing::warn!(input.source = %source, reason = %refused, "a gap in the input is not recorded yet");
            failures += 1;
            if self.stopped_within(backoff(failures)).await {
                return false;
            }
        }
    }

    /// Resolves when it is time to stop.
    pub async fn stopped(&self) {
        let (mut stop, mut left) = (self.stop.clone(), self.left.clone());
        // Where whoever could say so is gone, that is a stop too.
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            _ = left.wait_for(|left| *left) => {}
        }
    }

    /// Waits so long; true: told to stop meanwhile.
    pub async fn stopped_within(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.stopped()).await.is_ok()
    }
}

/// How long to wait after so many failures in a row: between half of it and all, so that readers who failed together
/// do not come back together.
pub(super) fn backoff(failures: u32) -> Duration {
    let longest = (BACKOFF_FIRST_MS << failures.saturating_sub(1).min(16)).min(BACKOFF_MAX_MS);
    let mut random = [0; 2];
    // without randomness all come back together, which is slower and no worse
    let _ = getrandom::fill(&mut random);
    Duration::from_millis(longest / 2 + longest / 2 * u64::from(u16::from_be_bytes(random)) / u64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_are_never_nothing() {
        for failures in 0..100_u32 {
            let longest = (BACKOFF_FIRST_MS << failures.saturating_sub(1).min(16)).min(BACKOFF_MAX_MS);
            let pause = backoff(failures);
            assert!(pause >= Duration::from_millis(longest / 2) && pause <= Duration::from_millis(longest));
        }
    }
}
