//! The wardens as the rest of the program sees them: offer a frame, give a command, ask for a state.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix::Addr;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, oneshot, watch};

use super::deposit::Deposit;
use super::keeper::Again;
use super::objects::Objects;
use super::pictures::LastPictures;
use super::shard::{Deliver, Shard, ShardParts, Shared, Shutdown};
use super::warden::{Inspect, Offer, Order, Stale};
use crate::clock::Clock;
use crate::events::Event;
use crate::imaging::Imaging;
use crate::journal::{AppendError, Journal, content, snapshots};
use crate::model::{ChannelId, EventId, Frame, FrameId, Medium, Position, ProviderName};
use crate::policy::PolicySet;
use crate::providers::Provider;
use crate::reputation::budget::Purse;
use crate::telemetry::metrics;
use crate::telemetry::metrics::Mailbox;
use crate::warden::{ChannelState, Command, Rejection};

/// How often an offer or command is taken to a fresh warden when the one it was with broke or was put to rest. Each
/// frame of a channel can break its warden twice before it is set aside, and takes the others with it.
const DELIVERIES_MAX: u32 = 64;

/// The room that the largest segment takes, in MiB: less would never let it in.
const SEGMENT_MIB_MAX: u32 = 32;

/// Objects being fetched at the same time: each holds a connection, and up to the largest picture in memory.
const FETCHES_MAX: usize = 64;

/// Bounds of the actor system.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Threads that wardens run on.
    pub arbiters: usize,
    /// Frames under way in the process; beyond it a live frame is shed at once, with an outcome.
    pub frames_max: usize,
    /// Frames being fetched, decoded and hashed at the same time.
    pub looks_max: usize,
    /// Wardens reading their past at the same time.
    pub recoveries_max: usize,
    /// From being taken up to the outcome at the latest. A frame in line waits at most as long before it is taken up.
    pub frame_deadline: Duration,
    /// The same for a segment, whose call may take long. It holds up no picture.
    pub segment_deadline: Duration,
    /// Segments in memory, fetched and being judged, in MiB, 32 at least; one that there is no room for waits.
    pub segments_mib_max: u32,
    /// Of which segments what was said is kept.
    pub transcripts: Transcripts,
    /// A warden without session and work is put to rest after this.
    pub idle_after: Duration,
    /// Luma planes kept, per arbiter; about 1.2 KiB each.
    pub planes_max: usize,
    /// A warden's state is saved after so many events.
    pub snapshot_every: u32,
    /// Which pictures are kept.
    pub evidence: Evidence,
    /// Bytes of the last pictures of channels that are kept in memory; 0: none are.
    pub pictures_bytes_max: usize,
    /// Provider calls an hour that the process makes; beyond it channels give way to those with more need, down to what
    /// their policies promise at least. None: as many as are asked for.
    pub calls_per_hour: Option<u32>,
}

/// Which pictures are kept as evidence, encrypted under their channel's key, until they are erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// None. What a decision rested on can then be compared with a picture somebody else kept, by its digest.
    None,
    /// Those of frames that some rule was met by.
    #[default]
    NotClear,
    /// Those of every frame that a provider was asked about.
    Assessed,
}

/// Of which segments what was said is kept, encrypted under a key of its channel's own for that, until it is erased or its
/// time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transcripts {
    /// Of none. Which class was heard, how grave and when is in the record all the same.
    None,
    /// Of those that some rule was hit by.
    #[default]
    NotClear,
    /// Of every one in which something was said.
    All,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            arbiters: 2,
            frames_max: 4096,
            looks_max: 4,
            recoveries_max: 50,
            frame_deadline: Duration::from_secs(20),
            segment_deadline: Duration::from_secs(60),
            segments_mib_max: 256,
            transcripts: Transcripts::default(),
            idle_after: Duration::from_secs(120),
            planes_max: 8192,
            snapshot_every: 200,
            evidence: Evidence::default(),
            pictures_bytes_max: 128 << 20,
            calls_per_hour: None,
        }
    }
}

/// Which provider judges which channel where its policy does not say, and which ones a policy may name.
#[derive(Clone, Default)]
pub struct ProviderChoice {
    /// For every channel not named below. None: its frames fail, loudly.
    pub default: Option<Arc<dyn Provider>>,
    /// By channel.
    pub by_channel: HashMap<ChannelId, Arc<dyn Provider>>,
    /// Further ones, which policies may name.
    pub others: Vec<Arc<dyn Provider>>,
}

impl ProviderChoice {
    /// Whether there is one for some channel, and every one that is chosen is there.
    pub fn is_present(&self) -> bool {
        let some = self.default.is_some() || !self.by_channel.is_empty();
        some && self.each().all(|provider| provider.is_present())
    }

    /// The one that calls itself so; none if there is none.
    pub fn named(&self, name: &ProviderName) -> Option<Arc<dyn Provider>> {
        self.each().find(|provider| *provider.reference().name == *name.as_str()).cloned()
    }

    /// Every provider that is chosen, each once.
    pub fn all(&self) -> Vec<Arc<dyn Provider>> {
        let mut all: Vec<Arc<dyn Provider>> = Vec::new();
        for provider in self.each() {
            if !all.iter().any(|known| Arc::ptr_eq(known, provider)) {
                all.push(provider.clone());
            }
        }
        all
    }

    pub(super) fn of(&self, channel: &ChannelId) -> Option<Arc<dyn Provider>> {
        self.by_channel.get(channel).or(self.default.as_ref()).cloned()
    }

    /// Every provider, one that is there for several channels as often.
    fn each(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.default.iter().chain(&self.others).chain(self.by_channel.values())
    }
}

/// What the wardens need of the house.
#[derive(Clone)]
pub struct Parts {
    /// Where decisions are kept.
    pub journal: Arc<dyn Journal>,
    /// Where long answers are kept; none: their surest labels only.
    pub content: Option<Arc<content::Store>>,
    /// Where states are saved; none: a warden always reads its whole past.
    pub snapshots: Option<Arc<snapshots::Snapshots>>,
    /// The time by which frames are judged: the wall clock, or the footage's own where it is played faster.
    pub clock: Arc<dyn Clock>,
    /// The time by which people and platforms act, and by which the journal records.
    pub wall: Arc<dyn Clock>,
    /// The policies in force.
    pub policies: watch::Receiver<Arc<PolicySet>>,
    /// Who judges.
    pub providers: ProviderChoice,
    /// Where objects are fetched that notifications announce; none: their frames fail, loudly.
    pub objects: Option<Arc<dyn Objects>>,
    /// Where pictures of frames that raised or joined a warning are copied; none: they are not.
    pub copies: Option<Arc<Deposit>>,
    /// How pictures are measured.
    pub imaging: Arc<Imaging>,
    /// Bounds.
    pub settings: Settings,
}

/// The recorded outcome of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The event that holds it.
    pub id: EventId,
    /// Where it stands in the journal.
    pub position: Position,
    /// `FrameSkipped`, `FrameAssessed` or `FrameFailed`.
    pub event: Event,
    /// Whether it was there before this offer: a redelivery.
    pub repeated: bool,
}

/// Why a frame has no outcome yet. It was not accepted; offer it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// The journal does not take events now.
    #[error("frame {frame} was not accepted: {reason}")]
    Journal {
        /// The frame.
        frame: FrameId,
        /// Why.
        reason: AppendError,
    },
    /// The channel's past cannot be read; its warden must not guess.
    #[error("channel {channel} cannot be watched, its past cannot be read: {reason}")]
    Unreadable {
        /// The channel.
        channel: ChannelId,
        /// Why.
        reason: Arc<str>,
    },
    /// Its channel's warden broke again and again, on this frame or on others.
    #[error("frame {frame} was not accepted: its channel's warden broke {DELIVERIES_MAX} times meanwhile")]
    Broken {
        /// The frame.
        frame: FrameId,
    },
    /// The system is shutting down.
    #[error("frame {frame} was not accepted: shutting down")]
    ShuttingDown {
        /// The frame.
        frame: FrameId,
    },
}

/// Why a command changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The warden refuses it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The journal does not take events now.
    #[error("nothing was changed: {0}")]
    Journal(AppendError),
    /// The channel's past cannot be read.
    #[error("the channel's past cannot be read: {0}")]
    Unreadable(Arc<str>),
    /// The channel's warden broke again and again.
    #[error("nothing was changed: the channel's warden broke {DELIVERIES_MAX} times meanwhile")]
    Broken,
    /// The system is shutting down.
    #[error("nothing was changed: shutting down")]
    ShuttingDown,
}

/// All wardens. A cheap handle.
#[derive(Clone)]
pub struct Wardens {
    shards: Arc<[Addr<Shard>]>,
    frames: Arc<Semaphore>,
    pictures: Arc<LastPictures>,
    again: Arc<Again>,
    clock: Arc<dyn Clock>,
    policies: watch::Receiver<Arc<PolicySet>>,
}

impl Wardens {
    /// Starts the shards, each on an arbiter of its own. Call within an actix system.
    pub fn start(parts: &Parts) -> Self {
        let looks = Arc::new(Semaphore::new(parts.settings.looks_max.max(1)));
        let fetches = Arc::new(Semaphore::new(FETCHES_MAX));
        let segments = Arc::new(Semaphore::new(parts.settings.segments_mib_max.max(SEGMENT_MIB_MAX) as usize));
        let recoveries = Arc::new(Semaphore::new(parts.settings.recoveries_max.max(1)));
        let purse = parts.settings.calls_per_hour.map(|calls| Purse::new(calls, parts.wall.now()));
        let purse = purse.map(|purse| Arc::new(Mutex::new(purse)));
        let pictures = Arc::new(LastPictures::new(parts.settings.pictures_bytes_max));
        let begun = *parts.journal.watermark().borrow();
        let again = Arc::new(Again::new(begun));
        let shared =
            Shared { looks, fetches, segments, recoveries, purse, pictures: pictures.clone(), again: again.clone() };
        let shards = (0..parts.settings.arbiters.max(1))
            .map(|_| {
                let arbiter = actix::Arbiter::new().handle();
                let (parts, shared) = (parts.clone(), shared.clone());
                <Shard as actix::Actor>::start_in_arbiter(&arbiter, move |_| Shard::new(ShardParts::new(parts, shared)))
            })
            .collect();
        let frames = Arc::new(Semaphore::new(parts.settings.frames_max.max(1)));
        let policies = parts.policies.clone();
        Self { shards, frames, pictures, again, clock: parts.wall.clone(), policies }
    }

    /// The time by which people and platforms act.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// What of a channel's segments is judged, as the policies in force say: nothing of most channels.
    pub fn media_of_segments(&self, channel: &ChannelId) -> Vec<Medium> {
        let policies = self.policies.borrow();
        policies.for_channel(channel).map(|policy| policy.media_of_segments().collect()).unwrap_or_default()
    }

    /// The last picture of each channel.
    pub fn pictures(&self) -> &Arc<LastPictures> {
        &self.pictures
    }

    /// Frames of an earlier process that came again, and whose evidence may be lost.
    pub(super) fn again(&self) -> &Arc<Again> {
        &self.again
    }

    /// Offers a frame and waits for its durable outcome. The same frame again gives the same outcome.
    ///
    /// Offers for one channel that do not wait for each other compete: one frame is under way and one waits, the newer
    /// taking the older's place. A source that must not lose frames that way waits for each outcome.
    pub async fn offer(&self, frame: Frame) -> Result<Outcome, OfferError> {
        let begun = Instant::now();
        let permit = self.frames.try_acquire().ok();
        let shed = permit.is_none();
        for _ in 0..DELIVERIES_MAX {
            let (reply, outcome) = oneshot::channel();
            let queued = metrics().frames.queued(Mailbox::Shards);
            let offer = Offer { frame: frame.clone(), shed, reply, queued };
            if self.shard(&frame.channel).send(Deliver::Offer(Box::new(offer))).await.is_err() {
                return Err(OfferError::ShuttingDown { frame: frame.id });
            }
            match outcome.await {
                Ok(Ok(outcome)) => {
                    if !outcome.repeated {
                        metrics().frames.decided(&outcome.event, begun.elapsed());
                    }
                    return Ok(outcome);
                }
                Ok(Err(Stale::Journal(reason))) => return Err(OfferError::Journal { frame: frame.id, reason }),
                Ok(Err(Stale::Unreadable(reason))) => {
                    return Err(OfferError::Unreadable { channel: frame.channel, reason });
                }
                Ok(Err(Stale::Closing)) => return Err(OfferError::ShuttingDown { frame: frame.id }),
                // The warden broke, or was put to rest with the offer in its mailbox: take it to a fresh one.
                Ok(Err(Stale::Gone)) | Err(_) => {}
            }
        }
        Err(OfferError::Broken { frame: frame.id })
    }

    /// Gives a command and waits until what follows from it is durable. Returns the ids of the events appended.
    pub async fn command(&self, channel: &ChannelId, command: Command) -> Result<Vec<EventId>, CommandError> {
        for _ in 0..DELIVERIES_MAX {
            let (reply, done) = oneshot::channel();
            let queued = metrics().frames.queued(Mailbox::Shards);
            let order = Order { channel: channel.clone(), command: command.clone(), reply, queued };
            if self.shard(channel).send(Deliver::Order(Box::new(order))).await.is_err() {
                return Err(CommandError::ShuttingDown);
            }
            match done.await {
                Ok(Ok(result)) => return result.map_err(CommandError::Rejected),
                Ok(Err(Stale::Journal(reason))) => return Err(CommandError::Journal(reason)),
                Ok(Err(Stale::Unreadable(reason))) => return Err(CommandError::Unreadable(reason)),
                Ok(Err(Stale::Closing)) => return Err(CommandError::ShuttingDown),
                Ok(Err(Stale::Gone)) | Err(_) => {}
            }
        }
        Err(CommandError::Broken)
    }

    /// The state a channel's warden holds now.
    pub async fn inspect(&self, channel: &ChannelId) -> Option<ChannelState> {
        for _ in 0..DELIVERIES_MAX {
            let (reply, state) = oneshot::channel();
            let queued = metrics().frames.queued(Mailbox::Shards);
            let inspect = Inspect { channel: channel.clone(), reply, queued };
            self.shard(channel).send(Deliver::Inspect(inspect)).await.ok()?;
            if let Ok(state) = state.await {
                return Some(state);
            }
        }
        None
    }

    /// How many of the threads that wardens run on take messages, and how many there are.
    pub fn shards_alive(&self) -> (usize, usize) {
        (self.shards.iter().filter(|shard| shard.connected()).count(), self.shards.len())
    }

    /// How many wardens are awake.
    pub async fn awake(&self) -> usize {
        let mut awake = 0;
        for shard in self.shards.iter() {
            awake += shard.send(super::shard::Count).await.unwrap_or(0);
        }
        awake
    }

    /// Lets every frame under way come to its outcome (each has a deadline), then puts all wardens to rest.
    pub async fn shutdown(&self) {
        // All at once: while one waits for its frames, the others must not go on accepting new ones.
        let closing: Vec<_> = self.shards.iter().map(|shard| shard.send(Shutdown)).collect();
        for closed in closing {
            let _ = closed.await; // a shard that is gone has nothing left to end
        }
    }

    fn shard(&self, channel: &ChannelId) -> &Addr<Shard> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(channel);
        &self.shards[(hash % self.shards.len() as u64) as usize]
    }
}
