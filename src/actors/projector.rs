//! The one that keeps what is shown: reads the journal behind the watermark, folds channels and queue, and lets readers
//! look at them.
//!
//! It decides nothing and writes nothing into the journal. Readers and the fold share one lock, which no warden ever
//! takes; a reader holds it while it picks a page out, the fold while it takes a page in. An event that cannot be
//! understood stops it for good: showing a fold that left one out would be showing a guess. [`Views::failure`] then
//! says so, and readiness with it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use crate::events::CodecError;
use crate::journal::snapshots::{Snapshot, Snapshots};
use crate::journal::{Journal, READ_LIMIT_MAX, ReadError};
use crate::model::{Position, Scope, Sequence, SystemScope};
use crate::projections::View;

/// The view is saved after so many events, so that a restart reads little: about a second's worth. Saving 100,000
/// channels writes some 40 MB and holds the fold up for a few tenths of a second.
const SAVE_EVERY: u64 = 200_000;
/// The most bytes of a saved view: as many channels as are kept, with the longest names.
const SAVED_BYTES_MAX: usize = 1 << 30;
/// Layout of the saved view. Another one is no snapshot, and the view is folded from the first event.
const SNAPSHOT_SCHEMA: u16 = 7;
/// How many events behind the watermark still counts as caught up: what a busy second brings.
const BEHIND_MAX: u64 = 5_000;

/// What is shown, kept up to date. A cheap handle.
#[derive(Clone)]
pub struct Views {
    shared: Arc<Shared>,
    position: watch::Receiver<Position>,
    watermark: watch::Receiver<Position>,
}

/// The views do not hold an event yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Behind {
    /// The time given has passed. What was written is durable all the same.
    #[error("the views stand at position {at}, position {wanted} was not folded in time")]
    NotYet {
        /// Where they stand.
        at: Position,
        /// What was waited for.
        wanted: Position,
    },
    /// They have stopped and will not come to it before the next start.
    #[error("the views stand still at position {at}: {reason}")]
    Stopped {
        /// Where they stand.
        at: Position,
        /// Why.
        reason: Arc<str>,
    },
}

/// Why the projector ended.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// The journal could not be read.
    #[error("reading the journal after position {after} for the views")]
    Read {
        /// The last position folded.
        after: Position,
        /// Why.
        source: ReadError,
    },
    /// An event cannot be understood.
    #[error("the event at position {at} cannot be folded into the views")]
    Codec {
        /// Its position.
        at: Position,
        /// Why.
        source: CodecError,
    },
    /// A worker broke.
    #[error("folding the views broke after position {after}: {reason}")]
    Broke {
        /// The last position folded.
        after: Position,
        /// What it said.
        reason: String,
    },
}

struct Shared {
    view: RwLock<View>,
    failure: RwLock<Option<Arc<str>>>,
}

/// Folds the journal into the views.
pub struct Projector {
    journal: Arc<dyn Journal>,
    shelf: Option<Arc<Snapshots>>,
    shared: Arc<Shared>,
    position: watch::Sender<Position>,
    saved: Position,
}

impl Views {
    /// Looks at the views. Brief: the fold waits meanwhile, and with it every other reader. Never across an `await`.
    pub fn read<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        // A fold that broke has said so; what it left is as old as its position says.
        look(&self.shared.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the views stand; rises.
    pub fn position(&self) -> watch::Receiver<Position> {
        self.position.clone()
    }

    /// Waits until the event at `wanted` is folded in, for at most `within`: a caller then reads what they wrote.
    pub async fn reached(&self, wanted: Position, within: Duration) -> Result<(), Behind> {
        let mut position = self.position.clone();
        let waited = tokio::time::timeout(within, position.wait_for(|at| *at >= wanted)).await;
        if let Ok(Ok(_)) = waited {
            return Ok(());
        }
        let at = *self.position.borrow();
        Err(match (self.failure(), waited) {
            (Some(reason), _) => Behind::Stopped { at, reason },
            (None, Ok(_)) => Behind::Stopped { at, reason: "the house is closing".into() },
            (None, Err(_)) => Behind::NotYet { at, wanted },
        })
    }

    /// Whether the views hold all but the newest few events, and go on.
    pub fn is_caught_up(&self) -> bool {
        self.failure().is_none() && self.lag() <= BEHIND_MAX
    }

    /// How many positions the views are behind the watermark.
    pub fn lag(&self) -> u64 {
        let durable = *self.watermark.borrow();
        durable.0.saturating_sub(self.position.borrow().0)
    }

    /// Why the views stand still, if they do.
    pub fn failure(&self) -> Option<Arc<str>> {
        self.shared.failure.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Projector {
    /// A projector that starts from the last saved view, or from the first event, and the handle to its views. Blocks
    /// on reading what was saved.
    pub fn new(journal: Arc<dyn Journal>, snapshots: Option<&Snapshots>) -> (Self, Views) {
        let shelf = snapshots.and_then(|snapshots| match snapshots.shelf("views", SAVED_BYTES_MAX) {
            Ok(shelf) => Some(Arc::new(shelf)),
            Err(error) => {
                tracing::warn!("saved views cannot be used, all events are read: {error}");
                None
            }
        });
        let saved = shelf.as_ref().and_then(|shelf| shelf.load(&view_scope(), SNAPSHOT_SCHEMA));
        let view: Option<View> = saved.and_then(|saved| ciborium::from_reader(saved.state.as_slice()).ok());
        let watermark = journal.watermark();
        let view = view.filter(|view| view.position <= *watermark.borrow()).unwrap_or_default();
        let saved = view.position;
        let position = watch::Sender::new(saved);
        let shared = Arc::new(Shared { view: RwLock::new(view), failure: RwLock::new(None) });
        let views = Views { shared: shared.clone(), position: position.subscribe(), watermark };
        (Self { journal, shelf, shared, position, saved }, views)
    }

    /// Runs until `stop` turns true or the journal ends. What cannot be folded ends it with an error, which the views
    /// show from then on.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<(), ProjectorError> {
        let mut watermark = self.journal.watermark();
        loop {
            let durable = *watermark.borrow_and_update(); // the guard is not held while reading: it holds up commits
            if let Err(error) = self.catch_up(durable, &stop).await {
                let reason = format!("{error}{}", cause(&error));
                *self.shared.failure.write().unwrap_or_else(PoisonError::into_inner) = Some(reason.into());
                return Err(error);
            }
            tokio::select! {
                changed = watermark.changed() => if changed.is_err() { break },
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        self.save().await;
        Ok(())
    }

    async fn catch_up(&mut self, durable: Position, stop: &watch::Receiver<bool>) -> Result<(), ProjectorError> {
        let mut at = *self.position.borrow();
        while at < durable && !*stop.borrow() {
            let (journal, shared) = (self.journal.clone(), self.shared.clone());
            let folding = tokio::task::spawn_blocking(move || fold_page(&*journal, &shared, at));
            let folded = folding.await;
            let (reached, ended) =
                folded.map_err(|broke| ProjectorError::Broke { after: at, reason: broke.to_string() })?;
            let stands = reached == at;
            at = reached;
            self.position.send_replace(at);
            ended?;
            if stands {
                break; // nothing more to read yet
            }
            if at.0 - self.saved.0 >= SAVE_EVERY {
                self.save().await;
            }
        }
        Ok(())
    }

    async fn save(&mut self) {
        let Some(shelf) = self.shelf.clone().filter(|_| self.saved < *self.position.borrow()) else { return };
        let shared = self.shared.clone();
        let saving = move || {
            let mut state = Vec::new();
            let position = {
                let view = shared.view.read().unwrap_or_else(PoisonError::into_inner);
                if ciborium::into_writer(&*view, &mut state).is_err() {
                    return None; // the next start reads from the one before
                }
                view.position
            };
            let snapshot = Snapshot { sequence: Sequence(0), position, state };
            match shelf.save(&view_scope(), SNAPSHOT_SCHEMA, &snapshot) {
                Ok(()) => Some(position),
                Err(error) => {
                    tracing::warn!("the views were not saved: {error}");
                    None
                }
            }
        };
        let saved = tokio::task::spawn_blocking(saving).await.ok().flatten();
        // What was not saved is tried again after as many events more, not at every page.
        self.saved = saved.unwrap_or(*self.position.borrow());
    }
}

/// Reads a page, decodes it, and folds it: all of it, or up to the event that cannot be understood. Says how far.
fn fold_page(journal: &dyn Journal, shared: &Shared, after: Position) -> (Position, Result<(), ProjectorError>) {
    let page = match journal.read(after, READ_LIMIT_MAX) {
        Ok(page) => page,
        Err(source) => return (after, Err(ProjectorError::Read { after, source })),
    };
    let mut events = Vec::with_capacity(page.len());
    let mut ended = Ok(());
    for recorded in &page {
        match recorded.event() {
            Ok(event) => events.push(event),
            Err(source) => {
                ended = Err(ProjectorError::Codec { at: recorded.envelope.position, source });
                break;
            }
        }
    }
    // Decoded before the lock is taken: readers wait for the fold only.
    let mut view = shared.view.write().unwrap_or_else(PoisonError::into_inner);
    for (recorded, event) in page.iter().zip(&events) {
        view.apply(recorded, event);
    }
    (view.position.max(after), ended)
}

fn cause(error: &ProjectorError) -> String {
    std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default()
}

/// The views are no scope of the journal's; on their shelf they stand under the store's name.
fn view_scope() -> Scope {
    Scope::System(SystemScope::Store)
}
