//! From a notification to durable outcomes.
//!
//! Each notification is read where it arrives; what it says of a channel goes into that channel's [lane](super::lane),
//! which keeps the order; what cannot be understood is set aside in the journal, with a copy. A delivery is settled when
//! all of that is durable. Nothing here decides about a frame: its warden does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::{Semaphore, oneshot};

use super::lane::{Lanes, Work};
use super::{Deliver, Delivery, NotSettled, SettingsError};
use crate::actors::Wardens;
use crate::clock::Clock;
use crate::events::{Actor, NewEvent, NotificationRejected};
use crate::journal::{Append, AppendError, Expected, Journal, content};
use crate::model::{ChannelId, EventId, SessionId, Sha256, SystemScope, Timestamp};
use crate::notifications::{Announced, Ignored, Notification, OnAir, Rejected, read};
use crate::telemetry::metrics;

/// A frame may be so far ahead of our clock, in milliseconds. One further ahead would make every frame after it stale.
const AHEAD_MS_MAX: u64 = 5 * 60_000;
/// Copies of rejected notifications that are written at the same time.
const COPIES_MAX: usize = 4;
/// Whose content the copies are, for whoever erases them.
const COPIES_SUBJECT: &str = "intake/rejected";

/// What an operator decides about taking notifications in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntakeSettings {
    /// How long a notification waits for one that should come before it, at most 30 s. Numbered thumbnails that come in
    /// order do not wait. Default: 2 s.
    pub reorder_wait: Duration,
    /// How long a frame may wait for the frames of its channel before it, at most 300 s; then it fails, which says that
    /// the channel is not watched. With the reorder wait before it and the wardens' deadline after it this bounds the time
    /// from a notification to its outcome. Default: 20 s.
    pub line_wait_max: Duration,
    /// How long the next frame of a channel waits for the outcome of the one before. After that it goes to the warden all
    /// the same, where of the frames that wait the newest one does. At most 60 s. Default: 3 s.
    pub patience: Duration,
    /// Frames that are with the wardens at the same time, 1 to 100,000. Must be less than what the wardens take, who shed
    /// what is beyond. Default: 2,048.
    pub offers_max: usize,
}

impl Default for IntakeSettings {
    fn default() -> Self {
        Self {
            reorder_wait: Duration::from_secs(2),
            line_wait_max: Duration::from_secs(20),
            patience: Duration::from_secs(3),
            offers_max: 2048,
        }
    }
}

impl IntakeSettings {
    /// Whether every setting is within its bounds.
    pub fn check(&self) -> Result<(), SettingsError> {
        let at_most = |setting, expected, found: Duration, most: u64| match found <= Duration::from_secs(most) {
            true => Ok(()),
            false => Err(SettingsError { setting, expected, found: format!("{} s", found.as_secs_f64()) }),
        };
        at_most("reorder_wait", "at most 30 s", self.reorder_wait, 30)?;
        at_most("line_wait_max", "at most 300 s", self.line_wait_max, 300)?;
        at_most("patience", "at most 60 s", self.patience, 60)?;
        match (1..=100_000).contains(&self.offers_max) {
            true => Ok(()),
            false => {
                let found = self.offers_max.to_string();
                Err(SettingsError { setting: "offers_max", expected: "1 to 100000", found })
            }
        }
    }
}

/// Who can say which broadcast of a channel is on the air: asked when a recording is met of which nothing is known, at
/// most twice a minute for one channel. Must answer within seconds.
pub trait WhoIsOnAir: Send + Sync + 'static {
    /// The broadcast and when it began; none if there is none, or if it cannot be said.
    fn on_air<'a>(&'a self, channel: &'a ChannelId) -> BoxFuture<'a, Option<(SessionId, Timestamp)>>;
}

/// What the intake needs of the house.
#[derive(Clone)]
pub struct IntakeParts {
    /// Who decides.
    pub wardens: Wardens,
    /// Where rejections are kept.
    pub journal: Arc<dyn Journal>,
    /// Where copies of rejected notifications are kept.
    pub content: Arc<content::Store>,
    /// The time by which frames ahead of us are known.
    pub clock: Arc<dyn Clock>,
    /// Who can say which broadcast is on the air; none: nobody.
    pub who: Option<Arc<dyn WhoIsOnAir>>,
}

/// Turns deliveries into durable outcomes.
pub struct Intake {
    parts: IntakeParts,
    lanes: Arc<Lanes>,
    /// For segments, which may take long and hold up no picture.
    segments: Arc<Lanes>,
    copies: Arc<Semaphore>,
}

impl Intake {
    /// An intake that nothing has arrived at.
    pub fn new(parts: IntakeParts, settings: IntakeSettings) -> Self {
        let lanes = Arc::new(Lanes::new(parts.wardens.clone(), parts.who.clone(), settings));
        let segments = Arc::new(Lanes::of_segments(parts.wardens.clone(), parts.who.clone(), settings));
        Self { parts, lanes, segments, copies: Arc::new(Semaphore::new(COPIES_MAX)) }
    }

    /// What becomes of one thing that a notification says.
    fn take(&self, place: &Place, said: Result<Notification, Rejected>) -> BoxFuture<'static, Result<(), NotSettled>> {
        match said {
            Ok(Notification::Ignored(why)) => {
                metrics().notifications.ignored(why.name());
                std::future::ready(Ok(())).boxed()
            }
            Ok(Notification::Frame(announced)) => match self.too_far_ahead(&announced) {
                Some(rejected) => self.reject(place, rejected),
                None => settled(self.lanes.frame(Instant::now(), announced)),
            },
            Ok(Notification::Segment(announced)) => match self.too_far_ahead(&announced) {
                Some(rejected) => self.reject(place, rejected),
                None => self.segment(&announced),
            },
            Ok(Notification::Broadcast(said)) => {
                // Told once, by the lane for pictures; the other one only has to know it.
                if !self.parts.wardens.media_of_segments(&said.channel).is_empty() {
                    self.segments.broadcast(Instant::now(), &said, None);
                }
                let session = said.session.clone();
                let work = match said.what {
                    OnAir::Began => Some(Work::Begin { session, at: said.at }),
                    OnAir::Ended => Some(Work::End { session }),
                    OnAir::RecordingEnded => None, // what was recorded is known now; the broadcast ended before
                };
                self.lanes
                    .broadcast(Instant::now(), &said, work)
                    .map_or_else(|| std::future::ready(Ok(())).boxed(), settled)
            }
            Err(rejected) => self.reject(place, rejected),
        }
    }

    /// A segment is as many frames as its channel's policy asks for, mostly none.
    fn segment(&self, announced: &Announced) -> BoxFuture<'static, Result<(), NotSettled>> {
        let media = self.parts.wardens.media_of_segments(&announced.channel);
        if media.is_empty() {
            metrics().notifications.ignored(Ignored::NotAskedFor.name());
            return std::future::ready(Ok(())).boxed();
        }
        let frames: Vec<_> = media
            .into_iter()
            .map(|medium| settled(self.segments.frame(Instant::now(), Box::new(announced.of_medium(medium)))))
            .collect();
        async move { join_all(frames).await.into_iter().collect() }.boxed()
    }

    fn too_far_ahead(&self, announced: &Announced) -> Option<Rejected> {
        let now = self.parts.clock.now();
        (announced.captured_at > now.plus_ms(AHEAD_MS_MAX)).then(|| {
            let at = announced.captured_at;
            Rejected::because(format!("expected a frame at most 5 minutes ahead of this clock ({now}), it is of {at}"))
        })
    }

    /// Keeps a copy and says in the journal what was expected. The same notification at the same place adds nothing.
    fn reject(&self, place: &Place, rejected: Rejected) -> BoxFuture<'static, Result<(), NotSettled>> {
        let (journal, content) = (self.parts.journal.clone(), self.parts.content.clone());
        let (copies, place) = (self.copies.clone(), place.clone());
        let keep = async move {
            let _permit = copies.acquire_owned().await;
            let (id, asked) = (place.id(), journal.clone());
            let copy = tokio::task::spawn_blocking(move || {
                if asked.may_hold(id) && asked.find(id).map_err(|error| error.to_string())?.is_some() {
                    return Ok(None);
                }
                let copy = content.put(COPIES_SUBJECT, &place.data).map_err(|error| error.to_string())?;
                Ok(Some((copy, place.source)))
            });
            let copy = copy.await.map_err(|broke| NotSettled(broke.to_string()))?;
            let Some((copy, source)) = copy.map_err(NotSettled)? else { return Ok(()) };
            tracing::warn!(input.source = %source, "a notification is not understood and set aside: {rejected}");
            let event = NewEvent {
                id,
                event: NotificationRejected { source, reason: rejected.reason().to_owned(), copy }.into(),
                captured_at: None,
                actor: Actor::service("intake"),
                causation: None,
                correlation: None,
            };
            let append = Append { scope: SystemScope::Intake.into(), expected: Expected::Any, events: vec![event] };
            // Queueing waits for a place while the journal is behind: not on an arbiter.
            let ticket = tokio::task::spawn_blocking(move || journal.append(append)).await;
            match ticket.map_err(|broke| NotSettled(broke.to_string()))?.durable().await {
                // An id that is taken: the same notification was rejected meanwhile, with a copy of its own.
                Err(AppendError::IdTaken { .. }) => Ok(()),
                Ok(_) => {
                    metrics().notifications.rejected();
                    Ok(())
                }
                Err(refused) => Err(NotSettled(refused.to_string())),
            }
        };
        keep.boxed()
    }
}

impl Deliver for Intake {
    fn deliver(&self, delivery: Delivery) -> BoxFuture<'_, Result<(), NotSettled>> {
        // Read and put into the lanes before the first wait: that is what keeps the order of the shard.
        let said = read(&delivery.data);
        let place = |(at, said): (usize, Result<Notification, Rejected>)| {
            let place = Place {
                source: format!("kinesis:{}/{}", delivery.shard, delivery.sequence),
                part: delivery.part,
                at: at as u32, // at most `RECORDS_MAX`
                data: delivery.data.clone(),
            };
            self.take(&place, said)
        };
        let taken: Vec<_> = said.into_iter().enumerate().map(place).collect();
        async move { join_all(taken).await.into_iter().collect() }.boxed()
    }
}

/// Where a notification lay, and which of the things it says is meant.
#[derive(Clone)]
struct Place {
    source: String,
    part: u32,
    at: u32,
    data: Arc<[u8]>,
}

impl Place {
    /// The id of the rejection: of the bytes and their place, so that a redelivery has the same.
    fn id(&self) -> EventId {
        let digest = Sha256::of(&self.data);
        let parts: [&[u8]; 4] = [self.source.as_bytes(), &self.part.to_be_bytes(), &self.at.to_be_bytes(), &digest.0];
        EventId::of_command("notification rejected", &parts)
    }
}

/// Waits for what a lane says. One that broke says nothing: then the notification comes again.
fn settled(said: oneshot::Receiver<Result<(), NotSettled>>) -> BoxFuture<'static, Result<(), NotSettled>> {
    said.map(|said| said.unwrap_or_else(|_| Err(NotSettled("its channel's lane broke".to_owned())))).boxed()
}
