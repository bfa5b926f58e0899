//! Evidence that an outcome asks for and of which no event says what became: the process ended, or a warden did, between
//! the outcome and its picture. It is kept after all where the picture can still be got, and else said to be lost; in any
//! case an event says which, once.
//!
//! The picture can be got where the outcome names the object by its version, or where the frame is announced again, which
//! is what a stream does after a crash with all that it has no cursor beyond. What is got is held against the digest in
//! the outcome: what lies under a thumbnail's key by now may be another picture. So frames of an earlier process are given
//! a minute to come again, and those of this one the longest time that keeping takes.
//!
//! Reads the journal from a place of its own, so that a start looks at what the process before it had not seen to, and at
//! nothing older. The place is one for each setting of what is to be kept: what was decided under another is none of this
//! one's, though its process may have left something unsaid. Knows what was to be kept and whether that was said; must not
//! know why anything was decided.

mod again;
mod lost;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::deposit::Deposited;
use super::erasure::Erasures;
use super::look::read;
use super::objects::FetchError;
use super::system::{CommandError, Evidence, Parts, Wardens};
use super::warden::TURN_WITHIN;
use crate::events::{BucketObject, EvidencePlace};
use crate::journal::{AppendError, ReadError};
use crate::model::{ConsumerName, Frame, FrameOrigin, ImageFormat, Position, S3Object, Sha256, Timestamp, subjects};
use crate::telemetry::metrics;
use crate::warden::Command;

pub(super) use again::Again;
use lost::{Found, Lost};

/// How far evidence has been looked after, by what is to be kept.
const PLACE: &str = "evidence-lost";
/// After its start a process waits so long for frames of the one before it to be announced again.
const AGAIN_WITHIN_MS: u64 = 60_000;
/// So long what cannot be fetched now is tried again: right after a start the way to a bucket may not be open yet.
const FETCHED_WITHIN_MS: u64 = 3_600_000;
/// What was judged longer ago is kept no more: its time would begin anew, and be longer than was promised.
const LATE_WITHIN_MS: u64 = 24 * 3_600_000;
/// Evidence of this process takes less than this, however slow the disk.
const KEPT_WITHIN_MS: u64 = 600_000;
/// From one look to the next.
const EVERY: Duration = Duration::from_secs(30);
/// Looks of a process that ends: what more there is the next one looks at.
const LOOKS_AT_REST_MAX: usize = 10;
/// Between two looks while there is more: it is read beside live channels.
const PAUSE: Duration = Duration::from_secs(1);

/// Why evidence is not looked after now. The next look begins where this one did.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// How far it came cannot be kept.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// What became of a picture cannot be recorded.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A thread broke.
    #[error("looking for lost evidence broke: {0}")]
    Broke(String),
}

/// What a look came to, in pictures and places where they were to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LookedAfter {
    /// Kept after all.
    pub kept: u32,
    /// Said to be lost.
    pub unkept: u32,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// Where a picture may still be got.
enum Source {
    /// Announced again.
    Announced(Frame),
    /// Named by the outcome.
    Named(S3Object),
}

/// What a look came to, and whether some of it is to be looked at again.
#[derive(Default)]
struct Looked {
    done: LookedAfter,
    later: bool,
}

/// Why a picture cannot be had.
struct NotGot {
    reason: String,
    /// Whether it may be had later.
    is_passing: bool,
}

impl NotGot {
    fn at_all(reason: String) -> Self {
        Self { reason, is_passing: false }
    }
}

/// Looks after evidence that is lost.
#[derive(Clone)]
pub struct EvidenceKeeper {
    parts: Parts,
    wardens: Wardens,
    erasures: Arc<Erasures>,
    /// When this process began, on the wall.
    began_at: Timestamp,
    place: ConsumerName,
}

impl EvidenceKeeper {
    /// Over the parts that `wardens` run with; from now on frames of an earlier process may come again.
    pub fn new(parts: &Parts, wardens: Wardens, erasures: Arc<Erasures>) -> Self {
        let kept = if parts.content.is_some() { parts.settings.evidence } else { Evidence::None };
        let place = place(kept, parts.copies.is_some());
        Self { parts: parts.clone(), wardens, erasures, began_at: parts.wall.now(), place }
    }

    /// Up to where everything is seen to, or none of ours: kept under another setting, or by an older program, which may have
    /// been told to keep nothing. None if nothing is known under this setting, or another one was in force since.
    fn seen_to(&self) -> Result<Option<Position>, ReadError> {
        let mut others = None;
        for other in places().filter(|other| *other != self.place) {
            others = others.max(self.parts.journal.cursor(&other)?);
        }
        Ok(self.parts.journal.cursor(&self.place)?.filter(|own| Some(*own) >= others))
    }

    /// Looks again and again until asked to stop. What is under way then is taken up by the next process.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.look_after_all() => {}
        }
    }

    async fn look_after_all(&self) {
        let mut next = tokio::time::Instant::now();
        loop {
            let done = tokio::select! {
                frame = self.wardens.again().next() => {
                    let looked = self.came_again(frame.clone()).await;
                    if !matches!(looked, Ok(Looked { later: false, .. })) {
                        self.wardens.again().came(&frame);
                        tokio::time::sleep(PAUSE).await;
                    }
                    looked.map(|looked| looked.done)
                }
                () = tokio::time::sleep_until(next) => {
                    let stepped = self.step().await;
                    let more = stepped.as_ref().is_ok_and(|done| done.more);
                    next = tokio::time::Instant::now() + if more { PAUSE } else { EVERY };
                    stepped
                }
            };
            match done {
                Ok(LookedAfter { kept: 0, unkept: 0, .. }) => {}
                Ok(LookedAfter { kept, unkept, .. }) => {
                    tracing::info!(
                        kept,
                        unkept,
                        "evidence of which nothing was said: kept after all, or said to be lost"
                    );
                }
                Err(error) => {
                    next = tokio::time::Instant::now() + EVERY;
                    let causes = std::iter::successors(Some(&error as &dyn Error), |&error| error.source());
                    let causes = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
                    tracing::error!("lost evidence is not looked after, and it is tried again: {causes}");
                }
            }
        }
    }

    /// One bounded look at what is due. The first over a journal begins at its head.
    pub async fn step(&self) -> Result<LookedAfter, KeeperError> {
        let keeper = self.clone();
        let (begun, all_came) = (self.wardens.again().begun, self.wardens.again().is_empty());
        let (after, found) = blocking(move || {
            let Some(after) = keeper.seen_to()? else {
                keeper.parts.journal.save_cursor(&keeper.place, begun).wait()?;
                return Ok((begun, Found { through: begun, more: true, ..Found::default() }));
            };
            let now = keeper.parts.wall.now();
            let due = |position, recorded_at| match position <= begun {
                // One that has come is looked after before anything is called lost.
                true => all_came && now.ms_since(keeper.began_at) >= AGAIN_WITHIN_MS,
                false => now.ms_since(recorded_at) >= KEPT_WITHIN_MS,
            };
            Ok((after, lost::look(&keeper.parts, after, due)?))
        })
        .await?;
        let mut looked = Looked::default();
        for lost in &found.lost {
            let named = lost.object.clone().map(Source::Named);
            self.look_after(lost, named, &mut looked).await?;
        }
        if looked.later {
            return Ok(looked.done); // the next look begins where this one did, and what was said is not said again
        }
        self.save(after, found.through).await?;
        Ok(LookedAfter { more: found.more, ..looked.done })
    }

    /// A frame of an earlier process came again: its picture can be got, if it is lost.
    async fn came_again(&self, frame: Frame) -> Result<Looked, KeeperError> {
        let (keeper, id) = (self.clone(), frame.id);
        let mut looked = Looked::default();
        let lost = blocking(move || {
            let Some(seen_to) = keeper.seen_to()? else { return Ok(None) }; // the first look begins at the head
            Ok(lost::of_frame(&keeper.parts, id)?.filter(|lost| lost.decided > seen_to))
        });
        if let Some(lost) = lost.await? {
            // By its version, where the outcome says which it was: an announcement may say less.
            let source = lost.object.clone().map_or(Source::Announced(frame), Source::Named);
            self.look_after(&lost, Some(source), &mut looked).await?;
        }
        Ok(looked)
    }

    /// Moves on over what needs nothing, so that the next process, which may be told to keep something else, begins behind
    /// it. Blocks; call when all wardens are at rest.
    pub fn rest(&self) -> Result<(), KeeperError> {
        let Some(after) = self.seen_to()? else { return Ok(()) };
        let mut through = after;
        for _ in 0..LOOKS_AT_REST_MAX {
            let found = lost::look(&self.parts, through, |_, _| true)?;
            let first = found.lost.first().map(|lost| Position(lost.decided.0 - 1));
            through = first.unwrap_or(found.through);
            if first.is_some() || !found.more {
                break;
            }
        }
        if through > after {
            self.parts.journal.save_cursor(&self.place, through).wait()?;
        }
        Ok(())
    }

    async fn save(&self, after: Position, through: Position) -> Result<(), KeeperError> {
        if through > after {
            let saved = self.parts.journal.save_cursor(&self.place, through);
            saved.durable().await?;
        }
        Ok(())
    }

    /// Keeps a lost picture wherever it should be, or says of each place why it is not there; nothing of one that may be
    /// fetched later.
    async fn look_after(&self, lost: &Lost, source: Option<Source>, looked: &mut Looked) -> Result<(), KeeperError> {
        // While this is held nobody looks for copies to delete them: what is put below has its event by then, or this
        // process has ended and whoever looks finds it by its outcome.
        let _nobody_deletes = self.erasures.copying().await;
        let subject = subjects::of_channel(&lost.channel);
        let erasures = self.parts.content.as_ref().map_or(0, |content| content.erasures_of(&subject));
        let age_ms = self.parts.wall.now().ms_since(lost.recorded_at);
        let picture = match source {
            _ if self.erasures.was_asked_after(&subject, lost.decided) => {
                Err("what is kept of the channel was erased meanwhile".to_owned())
            }
            _ if age_ms > LATE_WITHIN_MS => {
                Err("it was judged more than a day ago, which is too late to begin to keep it".to_owned())
            }
            Some(source) => match self.get(lost, source).await {
                Err(NotGot { is_passing: true, reason }) if age_ms < FETCHED_WITHIN_MS => {
                    tracing::warn!(channel = %lost.channel, frame = %lost.frame, "a picture to keep is tried again: {reason}");
                    looked.later = true;
                    return Ok(());
                }
                got => got.map_err(|not| not.reason),
            },
            None => {
                Err("whoever was to keep it ended before it was kept, and its frame did not come again in time"
                    .to_owned())
            }
        };
        for place in &lost.places {
            let kept = match &picture {
                Ok(picture) => self.keep(*place, picture, erasures).await,
                Err(reason) => Err(reason.clone()),
            };
            let command = match kept {
                Ok(command) => {
                    looked.done.kept += 1;
                    command
                }
                Err(reason) => {
                    looked.done.unkept += 1;
                    metrics().content.unkept();
                    tracing::warn!(channel = %lost.channel, ?place, "a picture was not kept as evidence: {reason}");
                    let (frame, captured_at) = (lost.frame, lost.captured_at);
                    let image = lost.image.map(|image| image.sha256).or(picture.as_ref().ok().map(|got| got.image));
                    Command::MissEvidence { frame, captured_at, image, place: *place, reason }
                }
            };
            match self.wardens.command(&lost.channel, command).await {
                Ok(_) => {}
                Err(error @ (CommandError::Journal(_) | CommandError::ShuttingDown)) => return Err(error.into()),
                // Other channels must not wait for one that nobody can write to.
                Err(error @ (CommandError::Rejected(_) | CommandError::Unreadable(_) | CommandError::Broken)) => {
                    tracing::error!(channel = %lost.channel, frame = %lost.frame, "what became of a picture is not recorded: {error}");
                }
            }
        }
        Ok(())
    }

    /// The picture that was judged, or why it cannot be had.
    async fn get(&self, lost: &Lost, source: Source) -> Result<Deposited, NotGot> {
        let limits = *self.parts.imaging.limits();
        let by_version = matches!(source, Source::Named(_));
        let object = match &source {
            Source::Named(object) | Source::Announced(Frame { origin: FrameOrigin::S3(object), .. }) => Some(object),
            Source::Announced(_) => None,
        };
        let fetched = match object {
            Some(object) => {
                let objects = self.parts.objects.as_ref().ok_or_else(|| {
                    NotGot::at_all(format!("fetching {object}: nothing is configured that reads objects of a bucket"))
                })?;
                let fetched = tokio::time::timeout(TURN_WITHIN, objects.fetch(object, limits.bytes_max)).await;
                let late = |_| NotGot {
                    reason: format!("it was not fetched within {} s", TURN_WITHIN.as_secs()),
                    is_passing: true,
                };
                let fetched = fetched.map_err(late)?;
                Some(fetched.map_err(|FetchError { reason, is_passing }| NotGot { reason, is_passing })?)
            }
            None => None,
        };
        let known = lost.image;
        let looked = blocking_or(move || {
            let bytes = match (fetched, source) {
                (Some(bytes), _) => bytes,
                (None, Source::Announced(frame)) => read(&frame, limits.bytes_max).map_err(|unseen| unseen.reason)?,
                (None, Source::Named(object)) => return Err(format!("{object} was not fetched")),
            };
            let image = Sha256::of(&bytes);
            match known {
                Some(known) if known.sha256 != image => {
                    Err("what is announced now is another picture than the one that was judged".to_owned())
                }
                Some(known) => Ok((image, known.format, bytes)),
                None if !by_version => Err("nobody knows any more which picture was judged".to_owned()),
                None => limits.sniff(&bytes).map(|format| (image, format, bytes)).map_err(|error| error.to_string()),
            }
        });
        let (image, format, bytes): (Sha256, ImageFormat, Arc<[u8]>) = looked.await.map_err(NotGot::at_all)?;
        let Lost { channel, frame, captured_at, .. } = lost;
        Ok(Deposited { channel: channel.clone(), frame: *frame, captured_at: *captured_at, image, format, bytes })
    }

    /// Keeps a picture in one place; says what its event is.
    async fn keep(&self, place: EvidencePlace, picture: &Deposited, erasures: u64) -> Result<Command, String> {
        let Deposited { frame, captured_at, image, .. } = *picture;
        match (place, &self.parts.content, &self.parts.copies) {
            (EvidencePlace::Store, Some(content), _) => {
                let (content, picture) = (content.clone(), picture.clone());
                let kept = blocking_or(move || {
                    let subject = subjects::of_channel(&picture.channel);
                    let kept = content.put_unless_erased(&subject, erasures, &picture.bytes);
                    kept.map_err(|error| error.to_string())
                });
                Ok(Command::KeepEvidence { frame, captured_at, image, content: kept.await? })
            }
            (EvidencePlace::Bucket, _, Some(copies)) => {
                let object = copies.put(picture).await.map_err(|error| error.to_string())?;
                let bytes = picture.bytes.len() as u32; // a picture has at most a few MiB
                Ok(Command::CopyEvidence { frame, captured_at, image, bytes, object: BucketObject::from(&object) })
            }
            (EvidencePlace::Store, None, _) | (EvidencePlace::Bucket, _, None) => {
                Err("nothing is configured that keeps it there".to_owned()) // cannot be: then it is not wanted there
            }
        }
    }
}

/// Where it is noted how far evidence was looked after while this was to be kept.
fn place(kept: Evidence, copied: bool) -> ConsumerName {
    let kept = match kept {
        Evidence::None => "none",
        Evidence::NotClear => "not-clear",
        Evidence::Assessed => "assessed",
    };
    let copied = if copied { "-copied" } else { "" };
    ConsumerName::new(format!("{PLACE}-{kept}{copied}")).expect("a short name of letters and hyphens")
}

fn places() -> impl Iterator<Item = ConsumerName> {
    let kept = [Evidence::None, Evidence::NotClear, Evidence::Assessed];
    kept.into_iter().flat_map(|kept| [place(kept, false), place(kept, true)])
}

fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeeperError> + Send + 'static,
) -> impl Future<Output = Result<T, KeeperError>> {
    let working = tokio::task::spawn_blocking(work);
    async move { working.await.unwrap_or_else(|broke| Err(KeeperError::Broke(broke.to_string()))) }
}

async fn blocking_or<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|broke| Err(broke.to_string()))
}
