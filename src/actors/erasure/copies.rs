//! Deleting the copies in buckets of what was erased: those that events name, and those that may lie there although no
//! event says so, because the process ended or the call ran out of time.
//!
//! A reactor like others: it follows what is durably asked for, deletes, and records that it has. What fails is tried
//! again until it works, is logged each time and measured as long as it lasts. Deleting what is gone is no failure, so
//! beginning anew after a crash is safe, and nothing but the end is kept.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;

use super::{Erasure, ErasureError, Erasures};
use crate::actors::deposit::{Deposit, DepositError, Deposited};
use crate::clock::Clock;
use crate::events::{BucketObject, CodecError, Event, EventType, EvidencePlace, Recorded};
use crate::journal::{Journal, READ_LIMIT_MAX, ReadError};
use crate::model::{ChannelId, FrameId, Position, Scope, Sequence, Timestamp};
use crate::telemetry::metrics;

/// Deletions under way at the same time.
const AT_ONCE_MAX: usize = 8;
/// From one look to the next where something could not be done.
const AGAIN: Duration = Duration::from_secs(60);
/// From one look to the next where a copy may still be on its way.
const SOON: Duration = Duration::from_secs(5);
/// From one look to the next where nothing is left to do; what comes anew is told.
const IDLE: Duration = Duration::from_secs(3600);
/// So long after a frame's outcome its copy may still be on its way, in milliseconds: it waits for its turn and has a
/// time of its own, both well below a minute.
const ON_ITS_WAY_MS: u64 = 120_000;

/// Why copies are still there.
#[derive(Debug, thiserror::Error)]
enum CopiesError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Erasure(#[from] ErasureError),
    #[error("deleting a copy")]
    Deposit(#[from] DepositError),
    #[error(
        "s3://{bucket} holds copies and no bucket is configured here: set evidence.bucket, so that they can be deleted"
    )]
    NoBucket { bucket: String },
    #[error("reading which copies there are broke: {0}")]
    Broke(String),
}

/// What is left after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    Nothing,
    OnItsWay,
    Failed,
}

/// Deletes copies, and ends erasures whose keys could not be destroyed or recorded at once.
pub struct CopyEraser {
    erasures: Arc<Erasures>,
    journal: Arc<dyn Journal>,
    /// None: no bucket is configured.
    deposit: Option<Arc<Deposit>>,
    wall: Arc<dyn Clock>,
}

impl CopyEraser {
    /// Deletes through `deposit`, in whichever bucket an event names.
    pub fn new(
        erasures: Arc<Erasures>,
        journal: Arc<dyn Journal>,
        deposit: Option<Arc<Deposit>>,
        wall: Arc<dyn Clock>,
    ) -> Self {
        Self { erasures, journal, deposit, wall }
    }

    /// Looks whenever something is asked for, and again and again, until asked to stop. What is half done then is taken
    /// up at the next start.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut wanted = self.erasures.wanted();
        loop {
            wanted.borrow_and_update();
            let left = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                left = self.look() => left,
            };
            let wait = match left {
                Left::Nothing => IDLE,
                Left::OnItsWay => SOON,
                Left::Failed => AGAIN,
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                _ = wanted.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One look at everything that is left to do.
    async fn look(&self) -> Left {
        let mut left = Left::Nothing;
        let erasures = self.erasures.clone();
        if let Err(error) = blocking(move || Ok(erasures.finish()?)).await {
            metrics().content.erasure_failed();
            tracing::error!("an erasure is not carried out and will be tried again: {}", causes(&error));
            left = Left::Failed;
        }
        for erasure in self.erasures.unfinished().into_iter().filter(Erasure::leaves_copies) {
            let this = match self.erase_copies(&erasure).await {
                Ok(this) => this,
                Err(error) => {
                    metrics().content.erasure_failed();
                    let request = erasure.request;
                    tracing::error!(%request, "erased copies are still there and will be tried again: {}", causes(&error));
                    Left::Failed
                }
            };
            left = left.max(this);
        }
        left
    }

    /// Deletes the copies that one erasure concerns, and records it once none can be there any more.
    async fn erase_copies(&self, erasure: &Erasure) -> Result<Left, CopiesError> {
        let Some(channel) = erasure.requested.what.copies_of() else { return Ok(Left::Nothing) };
        let (mut expected, mut deleted, mut after) = (HashMap::new(), 0, Sequence(0));
        loop {
            let (journal, scope) = (self.journal.clone(), Scope::Channel(channel.clone()));
            let page = blocking(move || Ok(journal.read_scope(&scope, after, READ_LIMIT_MAX)?)).await?;
            let Some(last) = page.last() else { break };
            after = last.envelope.sequence;
            let mut named = Vec::new();
            for recorded in &page {
                named.extend(self.read(recorded, channel, erasure.position, &mut expected)?);
            }
            deleted += named.len() as u64;
            self.delete(named).await?;
        }
        let now = self.wall.now();
        if expected.values().any(|copy| copy.may_come(now)) {
            return Ok(Left::OnItsWay);
        }
        // No event says that these are there, and none that they are not.
        self.delete(expected.into_values().filter_map(|copy| copy.object).collect()).await?;
        let (erasures, erasure) = (self.erasures.clone(), erasure.clone());
        blocking(move || Ok(erasures.copies_erased(&erasure, deleted)?)).await?;
        Ok(Left::Nothing)
    }

    /// The copy that an event names, if it is one of a frame that was decided by position `through`. What may have been
    /// copied goes into `expected`, until an event says where it is.
    fn read(
        &self,
        recorded: &Recorded,
        channel: &ChannelId,
        through: Position,
        expected: &mut HashMap<FrameId, MayBeThere>,
    ) -> Result<Option<BucketObject>, CodecError> {
        let envelope = &recorded.envelope;
        let ours = [EventType::FrameAssessed, EventType::EvidenceCopied, EventType::EvidenceUnkept];
        if !ours.iter().any(|known| known.name() == envelope.event_type) {
            return Ok(None);
        }
        match recorded.event()? {
            Event::FrameAssessed(assessed) if assessed.bears_a_warning() && envelope.position <= through => {
                let object = self.deposit.as_ref().zip(assessed.image).zip(envelope.captured_at);
                let object = object.map(|((deposit, image), captured_at)| {
                    let (channel, frame) = (channel.clone(), assessed.frame);
                    let (image, format, bytes) = (image.sha256, image.format, Arc::from([]));
                    let picture = Deposited { channel, frame, captured_at, image, format, bytes };
                    BucketObject::from(&deposit.object(&picture))
                });
                let decided_at = Some(envelope.recorded_at);
                expected.insert(assessed.frame, MayBeThere { object, decided_at });
                Ok(None)
            }
            // Of a frame that was decided later: what is kept from then on was not asked for.
            Event::EvidenceCopied(copied) => Ok(expected.remove(&copied.frame).map(|_| copied.object)),
            Event::EvidenceUnkept(unkept) if unkept.place == EvidencePlace::Bucket => {
                if let Some(copy) = expected.get_mut(&unkept.frame) {
                    copy.decided_at = None; // it is not on its way; a call that ran out of time may have done it
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    async fn delete(&self, objects: Vec<BucketObject>) -> Result<(), CopiesError> {
        let Some(deposit) = &self.deposit else {
            return match objects.into_iter().next() {
                Some(BucketObject { bucket, .. }) => Err(CopiesError::NoBucket { bucket }),
                None => Ok(()),
            };
        };
        let mut deletions = stream::iter(objects)
            .map(|object| async move { deposit.delete(&object).await })
            .buffer_unordered(AT_ONCE_MAX);
        while let Some(deleted) = deletions.next().await {
            deleted?;
            metrics().content.copy_erased();
        }
        Ok(())
    }
}

/// A copy that no event names.
struct MayBeThere {
    /// What it would be called; none if that cannot be said, or no bucket is configured.
    object: Option<BucketObject>,
    /// When its frame was decided, as long as nobody has said that it was not kept.
    decided_at: Option<Timestamp>,
}

impl MayBeThere {
    /// Whether it may still be on its way to the bucket.
    fn may_come(&self, now: Timestamp) -> bool {
        self.object.is_some() && self.decided_at.is_some_and(|decided| now.ms_since(decided) < ON_ITS_WAY_MS)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CopiesError> + Send + 'static,
) -> Result<T, CopiesError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|broke| Err(CopiesError::Broke(broke.to_string())))
}

fn causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
