//! Deleting the copies in buckets of what was erased: those that events name, and those that may lie there although no
//! event says so, because the process ended or the call ran out of time.
//!
//! A reactor like others: it follows what is durably asked for, deletes, and records that it has. What fails is tried
//! again until it works, is logged each time and measured as long as it lasts. Deleting what is gone is no failure, so
//! beginning anew after a crash is safe, and nothing but the end is kept. What one bucket refuses keeps nothing in another,
//! or after it, from being deleted.
//!
//! Where no bucket is configured, nothing is sought beyond what events name, and an erasure is ended unless an event of the
//! channel ever spoke of a bucket: then it waits for one to be configured.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;

use super::{Erasure, ErasureError, Erasures};
use crate::actors::deposit::{Deposit, DepositError, Deposited};
use crate::actors::warden::TURN_WITHIN;
use crate::clock::Clock;
use crate::events::{BucketObject, CodecError, Event, EventType, EvidencePlace, Recorded};
use crate::journal::{Journal, READ_LIMIT_MAX, ReadError};
use crate::model::{ChannelId, EventId, FrameId, ImageFormat, Position, Scope, Sequence, Sha256, Timestamp};
use crate::telemetry::metrics;

/// Deletions under way at the same time.
const AT_ONCE_MAX: usize = 8;
/// From one look to the next where something could not be done.
const AGAIN: Duration = Duration::from_secs(60);
/// From one look to the next where a copy may still be on its way.
const SOON: Duration = Duration::from_secs(5);
/// From one look to the next where nothing is left to do; what comes anew is told.
const IDLE: Duration = Duration::from_secs(3600);
/// What a copy takes beside its times for fetching, for its turn and for its calls: recording it, and clocks that differ.
const SLACK: Duration = Duration::from_secs(30);

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
    #[error(
        "copies may lie in a bucket although no event names them, and no bucket is configured here: set evidence.bucket \
         as it was, so that they can be sought"
    )]
    Unsought,
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
    /// Frames whose copies were deleted by this process, by the erasure whose end is not durable yet.
    deleted: HashMap<EventId, HashSet<FrameId>>,
}

impl CopyEraser {
    /// Deletes through `deposit`, in whichever bucket an event names.
    pub fn new(
        erasures: Arc<Erasures>,
        journal: Arc<dyn Journal>,
        deposit: Option<Arc<Deposit>>,
        wall: Arc<dyn Clock>,
    ) -> Self {
        Self { erasures, journal, deposit, wall, deleted: HashMap::new() }
    }

    /// Looks whenever something is asked for, and again and again, until asked to stop. What is half done then is taken
    /// up at the next start.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
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
    async fn look(&mut self) -> Left {
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

    /// Deletes the copies that one erasure concerns, and records it once none can be there any more. The first thing that
    /// goes wrong is told at the end.
    async fn erase_copies(&mut self, erasure: &Erasure) -> Result<Left, CopiesError> {
        let Some(channel) = erasure.requested.what.copies_of() else { return Ok(Left::Nothing) };
        let erasures = self.erasures.clone();
        let _nobody_copies = erasures.copying().await;
        let (mut found, mut after, mut first) = (Found::default(), Sequence(0), Ok(()));
        loop {
            let (journal, scope) = (self.journal.clone(), Scope::Channel(channel.clone()));
            let page = blocking(move || Ok(journal.read_scope(&scope, after, READ_LIMIT_MAX)?)).await?;
            let Some(last) = page.last() else { break };
            after = last.envelope.sequence;
            let mut named = Vec::new();
            for recorded in &page {
                named.extend(found.read(recorded, erasure.position)?);
            }
            let before = self.deleted.entry(erasure.request).or_default();
            named.retain(|(frame, _)| !before.contains(frame));
            let (gone, deleted) = self.delete(named).await;
            first = first.and(deleted);
            gone.iter().for_each(|_| metrics().content.copy_erased());
            self.deleted.entry(erasure.request).or_default().extend(gone);
        }
        match &self.deposit {
            Some(deposit) => {
                let (now, within) = (self.wall.now(), on_its_way_ms(deposit));
                if found.expected.values().any(|copy| copy.may_come(now, within)) {
                    return first.map(|()| Left::OnItsWay);
                }
                // No event says that these are there, and none that they are not.
                let unnamed = found.expected.into_iter();
                let unnamed = unnamed.flat_map(|(frame, copy)| {
                    copy.objects(deposit, channel, frame).into_iter().map(move |object| (frame, object))
                });
                first = first.and(self.delete(unnamed.collect()).await.1);
            }
            None if found.bucket_spoken_of && !found.expected.is_empty() => {
                first = first.and(Err(CopiesError::Unsought))
            }
            None => {}
        }
        first?;
        let copies = self.deleted.remove(&erasure.request).map_or(0, |deleted| deleted.len() as u64);
        let (erasures, erasure) = (self.erasures.clone(), erasure.clone());
        blocking(move || Ok(erasures.copies_erased(&erasure, copies)?)).await?;
        Ok(Left::Nothing)
    }

    /// Deletes all it can. The frames whose copies are gone, and the first thing that went wrong.
    async fn delete(&self, objects: Vec<(FrameId, BucketObject)>) -> (Vec<FrameId>, Result<(), CopiesError>) {
        let Some(deposit) = &self.deposit else {
            let first = objects.into_iter().next();
            let refused = first.map(|(_, BucketObject { bucket, .. })| CopiesError::NoBucket { bucket });
            return (Vec::new(), refused.map_or(Ok(()), Err));
        };
        let mut deletions = stream::iter(objects)
            .map(|(frame, object)| async move { (frame, deposit.delete(&object).await) })
            .buffer_unordered(AT_ONCE_MAX);
        let (mut gone, mut first) = (Vec::new(), Ok(()));
        while let Some((frame, deleted)) = deletions.next().await {
            match deleted {
                Ok(()) => gone.push(frame),
                Err(error) => first = first.and(Err(error.into())),
            }
        }
        (gone, first)
    }
}

/// So long after a frame's outcome its copy may still be on its way, in milliseconds: its picture is fetched, it waits for
/// its turn, and its calls have a time of their own.
fn on_its_way_ms(deposit: &Deposit) -> u64 {
    (TURN_WITHIN * 2 + deposit.within() + SLACK).as_millis() as u64 // a few minutes at most
}

/// What the events of a channel tell of copies.
#[derive(Default)]
struct Found {
    /// What may have been copied, until an event says where it is.
    expected: HashMap<FrameId, MayBeThere>,
    /// Whether any event says that a bucket was configured when it was recorded.
    bucket_spoken_of: bool,
}

impl Found {
    /// The copy that an event names, if it is one of a frame that was decided by position `through`.
    fn read(&mut self, recorded: &Recorded, through: Position) -> Result<Option<(FrameId, BucketObject)>, CodecError> {
        let envelope = &recorded.envelope;
        let ours =
            [EventType::FrameAssessed, EventType::EvidenceStored, EventType::EvidenceCopied, EventType::EvidenceUnkept];
        if !ours.iter().any(|known| known.name() == envelope.event_type) {
            return Ok(None);
        }
        match recorded.event()? {
            Event::FrameAssessed(assessed) if assessed.bears_a_warning() && envelope.position <= through => {
                let copy = MayBeThere {
                    image: assessed.image.map(|image| (image.sha256, Some(image.format))),
                    captured_at: envelope.captured_at,
                    decided_at: Some(envelope.recorded_at),
                };
                self.expected.insert(assessed.frame, copy);
            }
            Event::EvidenceStored(stored) => self.is_of(stored.frame, Some(stored.image)),
            // Of a frame that was decided later: what is kept from then on was not asked for.
            Event::EvidenceCopied(copied) => {
                self.bucket_spoken_of = true;
                return Ok(self.expected.remove(&copied.frame).map(|_| (copied.frame, copied.object)));
            }
            Event::EvidenceUnkept(unkept) => {
                self.is_of(unkept.frame, unkept.image);
                if unkept.place == EvidencePlace::Bucket {
                    self.bucket_spoken_of = true;
                    if let Some(copy) = self.expected.get_mut(&unkept.frame) {
                        copy.decided_at = None; // it is not on its way; a call that ran out of time may have done it
                    }
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// Notes which picture a frame has, where its outcome does not say so: a provider read that one itself.
    fn is_of(&mut self, frame: FrameId, image: Option<Sha256>) {
        if let (Some(copy), Some(image)) = (self.expected.get_mut(&frame), image) {
            copy.image.get_or_insert((image, None));
        }
    }
}

/// A copy that no event names.
struct MayBeThere {
    /// Of which picture, and what kind it is where that is known; none if no event says.
    image: Option<(Sha256, Option<ImageFormat>)>,
    captured_at: Option<Timestamp>,
    /// When its frame was decided, as long as nobody has said that it was not kept.
    decided_at: Option<Timestamp>,
}

impl MayBeThere {
    /// Whether it may still be on its way to the bucket, where that takes at most so many milliseconds.
    fn may_come(&self, now: Timestamp, within_ms: u64) -> bool {
        self.decided_at.is_some_and(|decided| now.ms_since(decided) < within_ms)
    }

    /// What it may be called; nothing where no event says of which picture it is.
    fn objects(&self, deposit: &Deposit, channel: &ChannelId, frame: FrameId) -> Vec<BucketObject> {
        let Some(((image, format), captured_at)) = self.image.zip(self.captured_at) else { return Vec::new() };
        let formats = format.map_or_else(|| ImageFormat::ALL.to_vec(), |format| vec![format]);
        let pictures = formats.into_iter().map(|format| Deposited {
            channel: channel.clone(),
            frame,
            captured_at,
            image,
            format,
            bytes: Arc::from([]),
        });
        pictures.map(|picture| BucketObject::from(&deposit.object(&picture))).collect()
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
