//! A provider around a provider: it keeps to the account's rate, and stops asking one that fails again and again.
//!
//! *Fair by construction.* Turns are given in the order of asking, and a channel never has more than one frame with its
//! provider: so channels take turns, and none can crowd out another.
//!
//! *The circuit.* Closed: everything is asked. After [`Settings::failures_max`] failures in a row it opens: nothing is
//! asked, and every frame fails at once, as suspended and loudly. After a while one frame is let through: its answer
//! closes the circuit, another failure opens it again for twice as long. What is refused because of the image says
//! nothing of the provider and counts neither way. Each medium has a circuit of its own: an interface for clips that fails
//! takes no picture from the one that answers. The rate is the account's, and all share it.
//!
//! Knows no journal: [`Provider::standing`] shows what changes, and somebody else records it. Repeats nothing itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{Assessing, Picture, Provider, ProviderError, Subject};
use crate::clock::Clock;
use crate::model::{Confidence, Medium, ProviderRef, S3Object, Timestamp};

/// How many turns may be taken at once after a pause, as a share of a second: a bucket, not a metronome.
const BURST: Duration = Duration::from_millis(200);
/// Tries that a first call earns, in thousandths: all in all a fifth of the calls may be second tries.
const RETRY_EARNED_MILLI: u32 = 200;
/// The most tries saved up, in thousandths.
const RETRY_SAVED_MILLI_MAX: u32 = 20_000;

/// What an operator decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Calls a second, as the account's quota says; none: as many as there are frames.
    pub per_second: Option<std::num::NonZeroU32>,
    /// So many failures in a row open the circuit. At least 1.
    pub failures_max: u32,
    /// How long it stays open at first.
    pub open_for: Duration,
    /// How long it stays open at most: each failed trial doubles the time up to this.
    pub open_for_max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            per_second: None,
            failures_max: 10,
            open_for: Duration::from_secs(15),
            open_for_max: Duration::from_secs(120),
        }
    }
}

/// Whether a provider is asked at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Asked,
    /// It is not.
    Suspended {
        /// Since when.
        since: Timestamp,
        /// How often it had failed in a row.
        failures: u32,
        /// What the last failure was.
        because: String,
    },
}

/// A guarded provider.
pub struct Guard {
    provider: Arc<dyn Provider>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    /// When the next turn is. Locked while waiting for it: the lock is fair, so turns come in the order of asking.
    next: tokio::sync::Mutex<Option<Instant>>,
    retry_milli: Mutex<u32>,
    pictures: Line,
    clips: Line,
    sound: Line,
}

/// Whether it is asked about one medium.
struct Line {
    circuit: Mutex<Circuit>,
    standing: watch::Sender<Standing>,
}

#[derive(Debug, Clone, Copy)]
enum Circuit {
    Closed {
        failures: u32,
    },
    Open {
        until: Timestamp,
        opened: u32,
    },
    /// One frame is with the provider to try it.
    Trial {
        opened: u32,
    },
}

impl Guard {
    /// Guards `provider`; the circuit's time is `clock`'s.
    pub fn new(provider: Arc<dyn Provider>, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let line = || Line {
            circuit: Mutex::new(Circuit::Closed { failures: 0 }),
            standing: watch::Sender::new(Standing::Asked),
        };
        let (next, retry_milli) = (tokio::sync::Mutex::default(), Mutex::new(RETRY_SAVED_MILLI_MAX));
        Self { provider, clock, settings, next, retry_milli, pictures: line(), clips: line(), sound: line() }
    }

    fn line(&self, medium: Medium) -> &Line {
        match medium {
            Medium::Picture => &self.pictures,
            Medium::Clip => &self.clips,
            Medium::Sound => &self.sound,
        }
    }

    fn retry_milli(&self) -> MutexGuard<'_, u32> {
        self.retry_milli.lock().unwrap_or_else(PoisonError::into_inner) // every change to it is whole
    }

    /// Waits for a turn. Who stops waiting has taken none.
    async fn turn(&self) {
        let Some(per_second) = self.settings.per_second else { return };
        let mut next = self.next.lock().await;
        let turn = turn_after(*next, Instant::now());
        tokio::time::sleep_until(turn).await;
        *next = Some(turn + Duration::from_secs(1) / per_second.get());
    }

    /// Whether a call about `medium` may be made now, and if so the call whose end must be told.
    fn admit(&self, medium: Medium) -> Result<Call<'_>, ProviderError> {
        let line = self.line(medium);
        line.admit(self.clock.now())?;
        let mut retry_milli = self.retry_milli();
        *retry_milli = RETRY_SAVED_MILLI_MAX.min(*retry_milli + RETRY_EARNED_MILLI);
        Ok(Call { guard: self, line, told: false })
    }
}

impl Line {
    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner) // every change to it is whole
    }

    fn admit(&self, now: Timestamp) -> Result<(), ProviderError> {
        let mut circuit = self.circuit();
        match *circuit {
            Circuit::Closed { .. } => {}
            Circuit::Open { until, opened } if now >= until => *circuit = Circuit::Trial { opened },
            Circuit::Open { .. } | Circuit::Trial { .. } => return Err(self.suspended()),
        }
        Ok(())
    }

    fn suspended(&self) -> ProviderError {
        ProviderError::Suspended(match &*self.standing.borrow() {
            Standing::Suspended { since, failures, because } => {
                format!("since {since}, after {failures} failures in a row; the last: {because}")
            }
            Standing::Asked => "it is being tried".to_owned(), // between a trial's start and its end
        })
    }

    fn succeeded(&self) {
        *self.circuit() = Circuit::Closed { failures: 0 };
        self.standing.send_if_modified(|standing| {
            let was_suspended = *standing != Standing::Asked;
            *standing = Standing::Asked;
            was_suspended
        });
    }

    fn failed(&self, settings: &Settings, now: Timestamp, because: &str) {
        let mut circuit = self.circuit();
        let (opened, failures) = match *circuit {
            Circuit::Closed { failures } if failures + 1 < settings.failures_max => {
                *circuit = Circuit::Closed { failures: failures + 1 };
                return;
            }
            Circuit::Closed { failures } => (0, failures + 1),
            Circuit::Trial { opened } => (opened + 1, settings.failures_max),
            Circuit::Open { .. } => return, // asked before it opened
        };
        let doubled = settings.open_for.saturating_mul(1 << opened.min(16));
        let open_for = doubled.min(settings.open_for_max);
        *circuit = Circuit::Open { until: now.plus_ms(open_for.as_millis() as u64), opened };
        drop(circuit);
        self.standing.send_if_modified(|standing| {
            let news = *standing == Standing::Asked;
            if news {
                *standing = Standing::Suspended { since: now, failures, because: because.to_owned() };
            }
            news // a failed trial is no news: it is suspended since before
        });
    }
}

/// When the turn is that comes after what was given so far.
fn turn_after(next: Option<Instant>, now: Instant) -> Instant {
    let earliest = now.checked_sub(BURST).unwrap_or(now);
    next.unwrap_or(earliest).max(earliest)
}

/// A call under way. One that is dropped without an end had none in its time, which is a failure.
struct Call<'a> {
    guard: &'a Guard,
    line: &'a Line,
    told: bool,
}

impl Call<'_> {
    fn ended(mut self, error: Option<&ProviderError>) {
        self.told = true;
        match error {
            // Whatever it says of this image, it is there.
            None | Some(ProviderError::Refused(_)) => self.line.succeeded(),
            Some(
                error @ (ProviderError::Unavailable(_)
                | ProviderError::Throttled(_)
                | ProviderError::Denied(_)
                | ProviderError::Nonsense(_)
                | ProviderError::Broke(_)
                | ProviderError::Absent(_)
                | ProviderError::Suspended(_)),
            ) => self.failed(&error.to_string()),
        }
    }

    fn failed(&self, because: &str) {
        self.line.failed(&self.guard.settings, self.guard.clock.now(), because);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.failed("no answer in the frame's time");
        }
    }
}

impl Provider for Guard {
    fn reference(&self) -> ProviderRef {
        self.provider.reference()
    }

    fn is_present(&self) -> bool {
        self.provider.is_present()
    }

    fn floor(&self) -> Option<Confidence> {
        self.provider.floor()
    }

    fn may_retry(&self) -> bool {
        let mut retry_milli = self.retry_milli();
        let may = *retry_milli >= 1000 && self.provider.may_retry();
        if may {
            *retry_milli -= 1000;
        }
        may
    }

    fn is_free(&self) -> bool {
        let closed = matches!(*self.pictures.circuit(), Circuit::Closed { .. });
        let turn = self.next.try_lock().is_ok_and(|next| turn_after(*next, Instant::now()) <= Instant::now());
        closed && turn && self.provider.is_free()
    }

    fn standing(&self, medium: Medium) -> Option<watch::Receiver<Standing>> {
        Some(self.line(medium).standing.subscribe())
    }

    fn assess(&self, image: Arc<[u8]>) -> Assessing<'_> {
        self.guarded(Medium::Picture, move |provider| provider.assess(image))
    }

    fn media(&self) -> &'static [Medium] {
        self.provider.media()
    }

    fn assess_segment(&self, medium: Medium, segment: Arc<[u8]>) -> Assessing<'_> {
        self.guarded(medium, move |provider| provider.assess_segment(medium, segment))
    }

    fn object_bytes_max(&self) -> Option<u64> {
        self.provider.object_bytes_max()
    }

    fn assess_object(&self, object: S3Object) -> Assessing<'_> {
        self.guarded(Medium::Picture, move |provider| provider.assess_object(object))
    }

    fn assess_frame(&self, subject: Subject, picture: Picture) -> Assessing<'_> {
        self.guarded(Medium::Picture, move |provider| provider.assess_frame(subject, picture))
    }
}

impl Guard {
    /// A call that is begun at its turn, if it may be made then; not before, whatever the provider does when it is asked.
    fn guarded<'a>(
        &'a self,
        medium: Medium,
        ask: impl FnOnce(&'a dyn Provider) -> Assessing<'a> + Send + 'a,
    ) -> Assessing<'a> {
        Box::pin(async move {
            let line = self.line(medium);
            let circuit = *line.circuit();
            if let Circuit::Open { until, .. } = circuit
                && self.clock.now() < until
            {
                return Err(line.suspended()); // at once: no turn is spent on it
            }
            self.turn().await;
            let call = self.admit(medium)?;
            let answered = ask(&*self.provider).await;
            call.ended(answered.as_ref().err());
            answered
        })
    }
}

#[cfg(test)]
mod tests;
