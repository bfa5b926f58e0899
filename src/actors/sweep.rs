//! Content that no event refers to: what was written a moment before a stop, or before a frame's time was over, and whose
//! event never came. Nobody can ask for it, and what deletes by events never meets it. So it is looked for by what the
//! store holds, and deleted long before the shortest time for which anything is kept.
//!
//! Only what no event of the whole journal refers to is deleted. When a file was written says merely which files are worth
//! a look: a copied data directory says so wrongly, and what it says must not destroy anything.
//!
//! Where events were lost and the loss was accepted, the journal is no longer whole: what only those named looks as if
//! nobody had named it. So nothing is deleted that was written before the last loss was accepted. There the time of a file
//! does count, as nothing else tells what came later; a hole that no accepted loss covers keeps everything.
//!
//! Knows references and ages; must not know what the content is.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::events::{CodecError, Event, EventType};
use crate::journal::content::{self, ContentError, Unparsable, every_reference_in};
use crate::journal::{AppendError, Journal, READ_LIMIT_MAX, ReadError, position_at};
use crate::model::{ConsumerName, Position, Sha256, Timestamp};
use crate::telemetry::metrics;

/// Content this old whose event has not come never gets one: the longest wait between the two is a minute. With the time
/// between two looks it stays below a day, the shortest time for which something can be kept.
const ORPHANED_AFTER_MS: u64 = 12 * 3600 * 1000;
/// From one look to the next.
const EVERY: Duration = Duration::from_secs(3 * 3600);
/// Contents that are looked for in the journal at the same time. Each takes 40 bytes of memory.
const SUSPECTS_MAX: usize = 1_000_000;
/// How far content has been looked at: everything written before the event there was recorded.
const PLACE: &str = "content-orphans";

/// Why a look was not finished. What it deleted is deleted; the next one does the rest.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The journal cannot be read: what it refers to is not known, and nothing is deleted.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What an event refers to cannot be said: nothing is deleted.
    #[error("the event at position {at}")]
    Unparsable {
        /// Where it stands.
        at: Position,
        /// Why.
        source: Unparsable,
    },
    /// An event about a loss is not understood.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The content store cannot be read, or content cannot be deleted.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// How far the look came cannot be kept.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The process ends.
    #[error("the process ends")]
    Stopped,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Contents that were looked for in the journal.
    pub looked_for: u64,
    /// Those that no event refers to, which are deleted.
    pub deleted: u64,
    /// Those that no event refers to, and that an event which was lost may have: they stay.
    pub spared: u64,
}

/// Deletes content that no event refers to.
pub struct Sweep {
    journal: Arc<dyn Journal>,
    content: Arc<content::Store>,
    /// The time by which files are written.
    wall: Arc<dyn Clock>,
    place: ConsumerName,
}

impl Sweep {
    /// Over this store and its journal.
    pub fn new(journal: Arc<dyn Journal>, content: Arc<content::Store>, wall: Arc<dyn Clock>) -> Self {
        let place = ConsumerName::new(PLACE).expect("a short name of letters and a hyphen");
        Self { journal, content, wall, place }
    }

    /// Looks now and then until asked to stop. A look that fails is taken up at the next.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let sweep = Arc::new(self);
        loop {
            let (looking, stopping) = (sweep.clone(), stop.clone());
            match tokio::task::spawn_blocking(move || looking.step(&stopping)).await {
                Ok(Ok(Swept { deleted: 0, spared: 0, .. }) | Err(SweepError::Stopped)) => {}
                Ok(Ok(Swept { deleted, spared, .. })) => {
                    tracing::warn!(
                        deleted,
                        spared,
                        "content that no event refers to: deleted, or spared because events were lost that may have"
                    );
                }
                Ok(Err(error)) => {
                    let causes = std::iter::successors(Some(&error as &dyn Error), |&error| error.source());
                    let causes = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
                    tracing::error!("content that no event refers to was not looked for to the end: {causes}");
                }
                Err(broke) => tracing::error!("content that no event refers to was not looked for: {broke}"),
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// One look. Reads what the journal has since the last one, and all of it if something is found that nothing there
    /// refers to. Blocks.
    pub fn step(&self, stop: &watch::Receiver<bool>) -> Result<Swept, SweepError> {
        let after = self.journal.cursor(&self.place)?.unwrap_or(Position(0));
        let before = self.wall.now().minus_ms(ORPHANED_AFTER_MS);
        let since = self.recorded_at(after)?;
        // Whatever is written before the event there was recorded is judged by this look, or was by one before it.
        let through = Position(position_at(&*self.journal, before)?.0 - 1);
        let mut look = Look { sweep: self, stop, after, swept: Swept::default() };
        let mut suspects = HashMap::new();
        self.content.written(since, before, |found| {
            if *stop.borrow() {
                return Err(SweepError::Stopped);
            }
            suspects.extend(found.into_iter().map(|written| (written.digest, written.at)));
            if suspects.len() >= SUSPECTS_MAX {
                look.judge(std::mem::take(&mut suspects))?;
            }
            Ok::<(), SweepError>(())
        })?;
        look.judge(suspects)?;
        let swept = look.swept;
        metrics().content.orphans_deleted(swept.deleted);
        if through > after {
            self.journal.save_cursor(&self.place, through).wait()?;
        }
        Ok(swept)
    }

    /// When the event at a position was recorded; long ago for none.
    fn recorded_at(&self, position: Position) -> Result<Timestamp, ReadError> {
        if position.0 == 0 {
            return Ok(Timestamp::from_micros(i64::MIN));
        }
        let page = self.journal.read(Position(position.0 - 1), 1)?;
        Ok(page.first().map_or(Timestamp::from_micros(i64::MIN), |found| found.envelope.recorded_at))
    }
}

/// A look under way.
struct Look<'a> {
    sweep: &'a Sweep,
    stop: &'a watch::Receiver<bool>,
    /// Where the last one ended.
    after: Position,
    swept: Swept,
}

/// What is missing in the events that were read.
#[derive(Default)]
struct Losses {
    /// First and last position of each stretch without events.
    holes: Vec<(Position, Position)>,
    /// First and last position of each that was accepted, and when.
    accepted: Vec<(Position, Position, Timestamp)>,
}

impl Losses {
    /// What was written before this may be named by an event that is lost; none if none is. After every time if it is not
    /// known when the loss was.
    fn until(&self) -> Option<Timestamp> {
        let covers = |from, to| self.accepted.iter().any(|(first, last, _)| *first <= from && to <= *last);
        match self.holes.iter().all(|(from, to)| covers(*from, *to)) {
            true => self.accepted.iter().map(|(_, _, at)| *at).max(),
            false => Some(Timestamp::from_micros(i64::MAX)),
        }
    }
}

impl Look<'_> {
    /// Deletes those of the suspects that no event refers to. What refers to content comes a moment after it, so most are
    /// acquitted by what is new in the journal. If any is left, all of the journal was read.
    fn judge(&mut self, mut suspects: HashMap<Sha256, Timestamp>) -> Result<(), SweepError> {
        self.swept.looked_for += suspects.len() as u64;
        let mut losses = Losses::default();
        self.acquit(&mut suspects, self.after, None, &mut losses)?;
        self.acquit(&mut suspects, Position(0), Some(self.after), &mut losses)?;
        let spared_until = losses.until();
        for (orphan, written_at) in &suspects {
            if *self.stop.borrow() {
                return Err(SweepError::Stopped);
            }
            if spared_until.is_some_and(|until| *written_at <= until) {
                self.swept.spared += 1;
            } else {
                self.swept.deleted += u64::from(self.sweep.content.discard(orphan)?);
            }
        }
        Ok(())
    }

    /// Strikes off what events after `after`, up to and with `to`, refer to, and notes which are missing there.
    fn acquit(
        &self,
        suspects: &mut HashMap<Sha256, Timestamp>,
        mut after: Position,
        to: Option<Position>,
        losses: &mut Losses,
    ) -> Result<(), SweepError> {
        let head = *self.sweep.journal.watermark().borrow();
        while !suspects.is_empty() && to.is_none_or(|to| after < to) {
            if *self.stop.borrow() {
                return Err(SweepError::Stopped);
            }
            let page = self.sweep.journal.read(after, READ_LIMIT_MAX)?;
            if page.is_empty() {
                if after < head {
                    losses.holes.push((after.next(), head));
                }
                break;
            }
            for recorded in &page {
                let envelope = &recorded.envelope;
                let at = envelope.position;
                if at > after.next() {
                    losses.holes.push((after.next(), Position(at.0 - 1)));
                }
                after = at;
                if envelope.event_type == EventType::DataLossAccepted.name()
                    && let Event::DataLossAccepted(loss) = recorded.event()?
                {
                    losses.accepted.push((loss.from, loss.to, envelope.recorded_at));
                }
                let named = every_reference_in(&recorded.payload);
                for content in named.map_err(|source| SweepError::Unparsable { at, source })? {
                    suspects.remove(&content.digest);
                }
            }
        }
        Ok(())
    }
}
