//! One lane: reads the journal on, sends what its destination wants, keeps its place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Destination;
use super::courier::{Courier, Item};
use crate::journal::{AppendError, Journal, READ_LIMIT_MAX, ReadError};
use crate::model::Position;
use crate::telemetry::metrics;

/// The place is kept at most so often while events come without a pause; always before a lane ends.
const KEEP_EVERY: Duration = Duration::from_millis(500);
/// How long nothing at all may happen before the lane looks around by itself.
const IDLE: Duration = Duration::from_secs(60);
/// The pause before a journal that is full is asked again to keep the first place.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// Why a lane ended.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// The journal could not be read.
    #[error("the journal cannot be read after position {after}: {source}")]
    Read {
        /// The last position read.
        after: Position,
        /// Why.
        source: ReadError,
    },
    /// The journal keeps no place any more.
    #[error("the place cannot be kept: {0}")]
    Place(AppendError),
    /// A worker broke.
    #[error("a worker broke: {0}")]
    Broke(String),
}

/// A lane from the journal to a destination.
pub struct Lane<D: Destination> {
    journal: Arc<dyn Journal>,
    destination: Arc<D>,
}

/// A lane under way.
struct Running<D: Destination> {
    journal: Arc<dyn Journal>,
    courier: Courier<D>,
    /// The place that is certainly on the disk.
    kept: Position,
    kept_at: Instant,
}

impl<D: Destination> Lane<D> {
    /// A lane to a destination. There is one to each.
    pub fn new(journal: Arc<dyn Journal>, destination: Arc<D>) -> Self {
        Self { journal, destination }
    }

    /// The destination's name.
    pub fn name(&self) -> &'static str {
        self.destination.name()
    }

    /// Sends until `stop` turns true. A lane that never ran begins with what is recorded from now on; the past is for a
    /// replay to show.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> Result<(), LaneError> {
        let mut watermark = self.journal.watermark();
        let mut lane = Running::begin(self).await?;
        loop {
            let head = *watermark.borrow_and_update(); // the guard is not held while reading: it holds up commits
            let reads_on = lane.read_on(head).await?;
            lane.courier.begin_calls();
            lane.keep_now_and_then().await;
            metrics().readers.stands_at(lane.courier.destination.name(), lane.courier.window.settled().0, head.0);
            if reads_on && !*stop.borrow() {
                continue;
            }
            let pause = lane.pause();
            tokio::select! {
                called = lane.courier.called() => called.map_err(|broke| LaneError::Broke(broke.to_string()))?,
                changed = watermark.changed() => if changed.is_err() { break },
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        while lane.courier.is_calling() {
            lane.courier.called().await.map_err(|broke| LaneError::Broke(broke.to_string()))?;
        }
        lane.keep().await;
        Ok(())
    }
}

impl<D: Destination> Running<D> {
    /// Takes up the lane's place; one that never ran keeps the journal's head first, so that a crash before its first
    /// event loses none.
    async fn begin(lane: Lane<D>) -> Result<Self, LaneError> {
        let Lane { journal, destination } = lane;
        let mut courier = Courier::new(journal.clone(), destination.clone(), Position(0));
        let (reading, cursor) = (journal.clone(), courier.name.clone());
        let place = tokio::task::spawn_blocking(move || reading.cursor(&cursor)).await;
        let place = place.map_err(|broke| LaneError::Broke(broke.to_string()))?;
        let place = match place.map_err(|source| LaneError::Read { after: Position(0), source })? {
            Some(place) => place,
            None => {
                let head = *journal.watermark().borrow();
                loop {
                    match journal.save_cursor(&courier.name, head).durable().await {
                        Ok(_) => break head,
                        Err(over @ (AppendError::Closed | AppendError::Failed(_))) => {
                            return Err(LaneError::Place(over));
                        }
                        Err(_) => tokio::time::sleep(REFUSED_PAUSE).await, // no room on the disk: it comes back
                    }
                }
            }
        };
        courier.window.passed(place);
        Ok(Self { journal, courier, kept: place, kept_at: Instant::now() })
    }

    /// Takes in one page of what the journal has beyond the window, as far as there is room. Says whether there is more
    /// to take in at once.
    async fn read_on(&mut self, head: Position) -> Result<bool, LaneError> {
        let (after, room) = (self.courier.window.read_to(), self.courier.window.room());
        if after >= head || room == 0 {
            return Ok(false);
        }
        let (journal, destination) = (self.journal.clone(), self.courier.destination.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let events = journal.read(after, room.min(READ_LIMIT_MAX))?;
            // A declared hole at the end: nothing will ever come there.
            let last = events.last().map_or(head, |event| event.envelope.position);
            let wanted = events.into_iter().filter_map(|event| {
                let letter = destination.letter(&event)?;
                Some((event.envelope.position, event.envelope.scope, Item { letter, event: event.envelope.id }))
            });
            Ok((last, wanted.collect::<Vec<_>>()))
        });
        let read = reading.await.map_err(|broke| LaneError::Broke(broke.to_string()))?;
        let (last, wanted) = read.map_err(|source| LaneError::Read { after, source })?;
        for (position, scope, item) in wanted {
            self.courier.add(position, scope, item);
        }
        self.courier.window.passed(last);
        Ok(last < head && self.courier.window.room() > 0)
    }

    async fn keep_now_and_then(&mut self) {
        if self.kept_at.elapsed() >= KEEP_EVERY || !self.courier.is_calling() {
            self.keep().await;
        }
    }

    /// Keeps the place. One that is not kept costs events that come again after a crash.
    async fn keep(&mut self) {
        let place = self.courier.window.settled();
        if place <= self.kept {
            return;
        }
        self.kept_at = Instant::now();
        match self.journal.save_cursor(&self.courier.name, place).durable().await {
            Ok(_) => self.kept = place,
            Err(error) => {
                tracing::warn!(lane = self.courier.destination.name(), "the place {place} was not kept: {error}");
            }
        }
    }

    /// How long to wait if nothing happens.
    fn pause(&self) -> Duration {
        let keep = if self.courier.window.settled() > self.kept { KEEP_EVERY } else { IDLE };
        self.courier.until_due().map_or(keep, |due| due.min(keep))
    }
}
