//! The one thread that writes: it takes what queued while the last sync ran, stores it in one batch, syncs, and only
//! then tells anybody.
//!
//! After any failed write or sync it never writes again: the kernel may have dropped what it could not write, and a
//! second sync would report success. Everything waiting fails, and the process is told to end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use fail::fail_point;

use super::anchor::{Anchor, Anchored};
use super::batch::{Batch, Settle, Standing};
use super::segments::Segments;
use super::{Shared, StoreFault, rollover, whole_story};
use crate::events::{Actor, Event, NewEvent, StoreClosed};
use crate::journal::admission::{self, Prepared};
use crate::journal::{Append, AppendError, Appended, Expected};
use crate::model::{ConsumerName, EventId, Mark, MarkName, Position, Scope, SystemScope};
use crate::telemetry::metrics;

/// The most requests that wait; an appender beyond them waits for a place.
pub const QUEUE_MAX: usize = 4096;
/// The most events in one batch: past it sled's cost per key makes a commit longer, not the rate higher.
const BATCH_EVENTS_MAX: usize = 256;
/// The most bytes of records in one batch.
const BATCH_BYTES_MAX: usize = 512 * 1024;
/// The anchor is synced at least so often while there is anything to sync.
const ANCHOR_SYNC_EVERY: Duration = Duration::from_secs(1);

pub(super) enum Request {
    Append(Prepared, Settle),
    Cursor(ConsumerName, Position, Settle),
    Mark(MarkName, Option<Mark>, Settle),
    Close,
}

/// Why the committer ended for good.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fatal {
    #[error("committing failed")]
    Store(#[from] StoreFault),
    #[error("syncing the log failed")]
    Sync(#[source] std::io::Error),
    #[error("writing the anchor failed")]
    Anchor(#[source] std::io::Error),
    #[error("rolling over failed")]
    RollOver(#[source] super::OpenError),
}

pub(super) struct Committer {
    pub shared: Arc<Shared>,
    pub queue: Receiver<Request>,
    pub anchor: Anchor,
    pub standing: Standing,
    /// Bytes of records in the hot segment, as far as this process wrote them.
    pub hot_bytes: u64,
    /// Answers that are given once the batch is durable.
    pub answers: Vec<(Settle, Result<Appended, AppendError>)>,
}

impl Committer {
    /// Runs until it is closed or fails.
    pub fn run(mut self) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.commit_until_closed()));
        let reason: Arc<str> = match ended {
            Ok(Ok(())) => return,
            Ok(Err(fatal)) => Arc::from(whole_story(&fatal)),
            Err(panic) => Arc::from(format!("the committer panicked: {}", StoreFault::panicked(panic.as_ref()))),
        };
        let _ = self.shared.failed.set(reason.clone()); // set once, here only
        tracing::error!(journal.reason = %reason, "the journal failed and stops for good");
        let waiting = self.queue.try_iter().filter_map(|request| match request {
            Request::Append(_, settle) | Request::Cursor(_, _, settle) | Request::Mark(_, _, settle) => Some(settle),
            Request::Close => None,
        });
        for settle in self.answers.drain(..).map(|(settle, _)| settle).chain(waiting) {
            settle.send(Err(AppendError::Failed(reason.clone())));
        }
        (self.shared.options.on_fatal)(&reason);
    }

    fn commit_until_closed(&mut self) -> Result<(), Fatal> {
        let mut anchor_synced = Instant::now();
        loop {
            let request = self.queue.recv_timeout(ANCHOR_SYNC_EVERY);
            let closing = match request {
                Ok(request) => self.commit_waiting(request)?,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            if closing {
                self.note_closed()?;
                return self.anchor.sync().map_err(Fatal::Anchor);
            }
            if anchor_synced.elapsed() >= ANCHOR_SYNC_EVERY {
                self.anchor.sync().map_err(Fatal::Anchor)?;
                anchor_synced = Instant::now();
            }
            if self.segment_is_full() {
                rollover::roll(self)?;
            }
        }
    }

    /// Commits this request and what else is waiting, as far as a batch goes. True if asked to close.
    fn commit_waiting(&mut self, first: Request) -> Result<bool, Fatal> {
        let segments = self.shared.segments();
        let shared = self.shared.clone();
        let mut batch = Batch::new(&segments, self.standing, shared.options.clock.now());
        let no_space = shared.below_reserve();
        let (mut events, mut bytes) = (0, 0);
        let mut next = Some(first);
        let mut closing = false;
        while let Some(request) = next.take() {
            match request {
                Request::Append(_, settle) | Request::Cursor(_, _, settle) | Request::Mark(_, _, settle)
                    if no_space.is_some() =>
                {
                    let refused = no_space.clone().expect("the guard has looked");
                    self.answers.push((settle, Err(refused)));
                }
                Request::Append(prepared, settle) => {
                    events += prepared.events.len();
                    bytes += prepared.bytes;
                    self.answers.push((settle, batch.add(prepared)));
                }
                Request::Cursor(consumer, position, settle) => {
                    events += 1;
                    batch.cursors.push((consumer, position));
                    let (last_sequence, recorded_at) = Default::default();
                    self.answers.push((settle, Ok(Appended::New { first: position, last_sequence, recorded_at })));
                }
                Request::Mark(name, mark, settle) => {
                    events += 1;
                    batch.marks.push((name, mark));
                    let (first, last_sequence, recorded_at) = Default::default();
                    self.answers.push((settle, Ok(Appended::New { first, last_sequence, recorded_at })));
                }
                Request::Close => {
                    closing = true;
                    break;
                }
            }
            if events < BATCH_EVENTS_MAX && bytes < BATCH_BYTES_MAX && self.answers.len() < QUEUE_MAX {
                next = self.queue.try_recv().ok();
            }
        }
        self.commit(&segments, batch)?;
        Ok(closing)
    }

    /// Makes a batch durable and answers, in this order and no other.
    fn commit(&mut self, segments: &Segments, batch: Batch<'_>) -> Result<(), Fatal> {
        if !batch.is_empty() {
            let hot = &segments.hot;
            let (sled_batch, scopes) = batch.to_sled(self.shared.store);
            fail_point!("commit.before_batch");
            let begun = Instant::now();
            hot.commit(sled_batch)?;
            let flushed = Instant::now();
            fail_point!("commit.after_flush");
            hot.sync().map_err(Fatal::Sync)?;
            metrics().journal.committed(batch.records.len(), flushed - begun, flushed.elapsed());
            fail_point!("commit.after_sync");
            self.standing = batch.standing;
            self.write_anchor(hot.first)?;
            self.hot_bytes += batch.records.iter().map(|record| record.bytes.len() as u64).sum::<u64>();
            let mut index = hot.index_mut();
            for scope in &scopes {
                index.register(scope, Default::default());
            }
            for (id, scope) in &batch.index {
                let number = index.number(scope).expect("registered just now or before");
                index.push(*id, number);
            }
            index.cursors.extend(batch.cursors);
            for (name, mark) in batch.marks {
                index.mark(name, mark);
            }
            drop(index);
            self.shared.watermark.send_replace(self.standing.position);
            metrics().journal.head(self.standing.position.0);
            fail_point!("commit.before_ack");
        }
        for (settle, answer) in self.answers.drain(..) {
            settle.send(answer);
        }
        Ok(())
    }

    /// Writes where the journal stands into the anchor.
    pub fn write_anchor(&mut self, segment: Position) -> Result<(), Fatal> {
        let Standing { position, chain, epoch, .. } = self.standing;
        self.anchor.write(Anchored { position, chain, epoch, segment }).map_err(Fatal::Anchor)
    }

    fn segment_is_full(&self) -> bool {
        let events = u64::from(self.shared.segments().hot.index().events());
        let options = &self.shared.options;
        // a segment of one event would be announced by one event, and so on for ever
        events >= 2 && (events >= options.roll_after_events || self.hot_bytes >= options.roll_after_bytes)
    }

    /// The last event of an orderly end. Where the disk has no room for it, the next start says "not clean".
    fn note_closed(&mut self) -> Result<(), Fatal> {
        if self.shared.below_reserve().is_some() {
            return Ok(());
        }
        let epoch = self.standing.epoch;
        let closed = store_event(&self.shared.store, "store-closed", &epoch.0.to_be_bytes(), {
            StoreClosed { head: self.standing.position }
        });
        let prepared = admission::prepare(closed).expect("an event of two numbers is within every limit");
        let segments = self.shared.segments();
        let mut batch = Batch::new(&segments, self.standing, self.shared.options.clock.now());
        if batch.add(prepared).is_err() {
            return Ok(()); // its id is this epoch's own and taken only by a defect; closing is not the place to fail
        }
        self.commit(&segments, batch)
    }
}

/// An event of the store's own, with an id derived from what it is about, so that saying it twice changes nothing.
pub(super) fn store_event(store: &[u8; 16], domain: &str, about: &[u8], event: impl Into<Event>) -> Append {
    let event = NewEvent {
        id: EventId::of_command(domain, &[store, about]),
        event: event.into(),
        captured_at: None,
        actor: Actor::service("store"),
        causation: None,
        correlation: None,
    };
    Append { scope: Scope::System(SystemScope::Store), expected: Expected::Any, events: vec![event] }
}
