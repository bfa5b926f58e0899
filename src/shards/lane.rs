//! The lanes, one for each channel: what arrived, in the order in which it happened, on its way to the channel's warden.
//!
//! A lane is at work while something is in it. It hands over one thing after the other and waits for each outcome, so that
//! the same frames in whatever order of arrival meet the same decisions. A frame that is with a provider for long holds
//! the next one up for [`IntakeSettings::patience`] only: then the warden's own rule holds, by which the newest waits.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::sleep_until;

use super::NotSettled;
use super::intake::{IntakeSettings, WhoIsOnAir};
use super::order::{Order, Series, Step};
use super::sessions::{Sessions, Which};
use super::sources::Sources;
use crate::actors::{CommandError, Wardens};
use crate::events::FailedStage;
use crate::model::{ChannelId, Frame, SessionId, Timestamp};
use crate::notifications::{Announced, Broadcasting, Ignored};
use crate::telemetry::metrics;
use crate::warden::Command;

/// Channels of which something is remembered; beyond it those that nothing came for in a while are forgotten, then all
/// that nothing waits for.
const LANES_MAX: usize = 100_000;
/// A while.
const FORGET_AFTER: Duration = Duration::from_secs(600);
/// Things of one channel that are with its warden at the same time: one under way, one in line, and those that give way.
const UNDER_WAY_MAX: usize = 4;
/// The same for segments: of each of two media.
const SEGMENTS_UNDER_WAY_MAX: usize = 2 * UNDER_WAY_MAX;
/// Segments of all channels that are with their wardens at the same time: a fraction of what may be read ahead of the
/// cursor, so that slow ones hold no picture up.
pub const SEGMENTS_OFFERED_MAX: usize = 128;
/// How often somebody is asked which broadcast of a channel is on the air.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// How long the answer is waited for.
const ASKING_MAX: Duration = Duration::from_secs(5);

/// What a warden is told of its channel.
#[derive(Debug)]
pub(super) enum Work {
    /// There is a new thumbnail, or a new segment.
    Frame(Box<Announced>),
    /// A broadcast began.
    Begin { session: SessionId, at: Timestamp },
    /// A broadcast ended.
    End { session: SessionId },
}

type Settled = oneshot::Sender<Result<(), NotSettled>>;

struct Item {
    work: Work,
    arrived: Instant,
    settled: Settled,
}

/// One channel's lane, and what its notifications have said so far.
struct Lane {
    order: Order<Item>,
    sources: Sources,
    sessions: Sessions,
    asked: Option<Instant>,
    at_work: bool,
    woken: Arc<Notify>,
    touched: Instant,
}

/// All lanes.
pub(super) struct Lanes {
    wardens: Wardens,
    who: Option<Arc<dyn WhoIsOnAir>>,
    settings: IntakeSettings,
    under_way_max: usize,
    offers: Semaphore,
    lanes: Mutex<HashMap<ChannelId, Lane>>,
}

impl Lanes {
    pub(super) fn new(wardens: Wardens, who: Option<Arc<dyn WhoIsOnAir>>, settings: IntakeSettings) -> Self {
        let offers = Semaphore::new(settings.offers_max.max(1));
        Self { wardens, who, settings, under_way_max: UNDER_WAY_MAX, offers, lanes: Mutex::new(HashMap::new()) }
    }

    /// Lanes for segments: beside those for pictures, because a segment may be under way for a minute.
    pub(super) fn of_segments(wardens: Wardens, who: Option<Arc<dyn WhoIsOnAir>>, settings: IntakeSettings) -> Self {
        let offers = Semaphore::new(SEGMENTS_OFFERED_MAX);
        Self { under_way_max: SEGMENTS_UNDER_WAY_MAX, offers, ..Self::new(wardens, who, settings) }
    }

    /// A thumbnail or a segment was announced. Says when it has its outcome.
    pub(super) fn frame(
        self: &Arc<Self>,
        now: Instant,
        announced: Box<Announced>,
    ) -> oneshot::Receiver<Result<(), NotSettled>> {
        let (channel, at) = (announced.channel.clone(), announced.captured_at);
        let series = Series { recording: announced.recording.clone(), source: announced.source.clone() };
        let numbered = announced.number.map(|number| (series, number));
        self.arrive(now, &channel, move |lane, item| {
            if let Some(recording) = &announced.recording {
                lane.sources.hear(recording, &announced.source, at);
            }
            lane.order.arrive(now, at, numbered, item(Work::Frame(announced)));
        })
    }

    /// The platform said something of a broadcast, of which the warden is to be told `work`, if anything. Says when it
    /// knows.
    pub(super) fn broadcast(
        self: &Arc<Self>,
        now: Instant,
        said: &Broadcasting,
        work: Option<Work>,
    ) -> Option<oneshot::Receiver<Result<(), NotSettled>>> {
        match work {
            Some(work) => Some(self.arrive(now, &said.channel, |lane, item| {
                lane.sessions.hear(said);
                lane.order.arrive(now, said.at, None, item(work));
            })),
            None => {
                self.lane(&mut self.lock(), now, &said.channel, |lane| lane.sessions.hear(said));
                None
            }
        }
    }

    /// Puts something into a channel's lane, and the lane to work.
    fn arrive(
        self: &Arc<Self>,
        now: Instant,
        channel: &ChannelId,
        put: impl FnOnce(&mut Lane, Box<dyn FnOnce(Work) -> Item>),
    ) -> oneshot::Receiver<Result<(), NotSettled>> {
        let (settled, waits) = oneshot::channel();
        let item = Box::new(move |work| Item { work, arrived: now, settled });
        let begin = self.lane(&mut self.lock(), now, channel, |lane| {
            put(lane, item);
            lane.woken.notify_one();
            (!std::mem::replace(&mut lane.at_work, true)).then(|| lane.woken.clone())
        });
        if let Some(woken) = begin {
            tokio::spawn(self.clone().work(channel.clone(), woken));
        }
        waits
    }

    fn lane<T>(
        &self,
        lanes: &mut HashMap<ChannelId, Lane>,
        now: Instant,
        channel: &ChannelId,
        with: impl FnOnce(&mut Lane) -> T,
    ) -> T {
        if lanes.len() >= LANES_MAX && !lanes.contains_key(channel) {
            lanes.retain(|_, lane| lane.at_work || now.duration_since(lane.touched) < FORGET_AFTER);
            if lanes.len() >= LANES_MAX {
                lanes.retain(|_, lane| lane.at_work);
            }
        }
        let lane = lanes.entry(channel.clone()).or_insert_with(|| Lane {
            order: Order::new(self.settings.reorder_wait),
            sources: Sources::default(),
            sessions: Sessions::default(),
            asked: None,
            at_work: false,
            woken: Arc::new(Notify::new()),
            touched: now,
        });
        lane.touched = now;
        with(lane)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ChannelId, Lane>> {
        // Nothing that can break a lane halfway is done under the lock.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over what is in the lane, until nothing is.
    async fn work(self: Arc<Self>, channel: ChannelId, woken: Arc<Notify>) {
        let mut at_work = AtWork { lanes: &self, channel: &channel, is_done: false };
        let mut under_way: FuturesUnordered<BoxFuture<'_, u64>> = FuturesUnordered::new();
        let mut begun: BTreeMap<u64, Instant> = BTreeMap::new();
        let mut ordinal = 0;
        loop {
            while let Some(first) = begun.values().next() {
                let is_full = begun.len() >= self.under_way_max;
                let patient_until = *first + self.settings.patience;
                if !is_full && patient_until <= Instant::now() {
                    break;
                }
                tokio::select! {
                    biased;
                    Some(done) = under_way.next() => { begun.remove(&done); }
                    () = sleep_until(patient_until.into()), if !is_full => {}
                }
            }
            match self.step(&channel) {
                Step::Take(Item { work, arrived, settled }) => {
                    ordinal += 1;
                    let (number, lanes, channel) = (ordinal, &self, &channel);
                    begun.insert(number, Instant::now());
                    under_way.push(Box::pin(async move {
                        let said = lanes.settle(channel, work, arrived).await;
                        let _ = settled.send(said); // a reader that has stopped reads it again
                        number
                    }));
                }
                Step::Wait(until) => tokio::select! {
                    Some(done) = under_way.next(), if !under_way.is_empty() => { begun.remove(&done); }
                    () = woken.notified() => {}
                    () = sleep_until(until.into()) => {}
                },
                Step::Idle if under_way.is_empty() => {
                    if at_work.ends() {
                        return;
                    }
                }
                Step::Idle => tokio::select! {
                    Some(done) = under_way.next() => { begun.remove(&done); }
                    () = woken.notified() => {}
                },
            }
        }
    }

    fn step(&self, channel: &ChannelId) -> Step<Item> {
        self.lock().get_mut(channel).map_or(Step::Idle, |lane| lane.order.step(Instant::now()))
    }

    /// Tells the warden, and waits until what follows is durable.
    async fn settle(&self, channel: &ChannelId, work: Work, arrived: Instant) -> Result<(), NotSettled> {
        match work {
            Work::Begin { session, at } => self.command(channel, Command::StartSession { session, at }).await,
            Work::End { session } => self.command(channel, Command::EndSession { session }).await,
            Work::Frame(announced) => self.settle_frame(channel, *announced, arrived).await,
        }
    }

    async fn settle_frame(
        &self,
        channel: &ChannelId,
        announced: Announced,
        arrived: Instant,
    ) -> Result<(), NotSettled> {
        let session = self.session_of(channel, &announced).await;
        let is_judged = announced.recording.as_ref().is_none_or(|recording| {
            let (source, medium, at) = (&announced.source, announced.medium, announced.captured_at);
            self.lock().get(channel).is_none_or(|lane| lane.sources.is_judged(recording, source, medium, at))
        });
        if !is_judged && !announced.medium.is_picture() {
            // Every segment comes in every rendition: one of them is a frame, and a record of the others would drown it.
            metrics().notifications.ignored(Ignored::OtherRendition.name());
            return Ok(());
        }
        let frame = announced.into_frame(session);
        if !is_judged {
            return self.command(channel, Command::PassOverFrame { frame }).await;
        }
        let may_wait = self.settings.reorder_wait + self.settings.line_wait_max;
        let left = may_wait.saturating_sub(arrived.elapsed());
        if left.is_zero() {
            return self.too_late(channel, frame).await;
        }
        // A segment may be with its provider for a minute. Those that are many wait for nobody: pictures behind them on the
        // stream would wait as well.
        let patience = if frame.medium.is_picture() { left } else { Duration::ZERO };
        let Ok(permit) = tokio::time::timeout(patience, self.offers.acquire()).await else {
            if !frame.medium.is_picture() {
                return self.command(channel, Command::ShedFrame { frame }).await;
            }
            return self.too_late(channel, frame).await;
        };
        let _permit = permit.expect("the semaphore is never closed");
        let offered = self.wardens.offer(frame).await;
        offered.map(|_| ()).map_err(|error| NotSettled(error.to_string()))
    }

    /// It waited for the frames before it for too long. Never silent: it fails.
    async fn too_late(&self, channel: &ChannelId, frame: Frame) -> Result<(), NotSettled> {
        let waited = self.settings.line_wait_max.as_secs();
        let reason = format!("waited more than {waited} s for the frames before it");
        let command = Command::FailFrame { frame, stage: FailedStage::Deadline, reason, attempts: 0, asked: None };
        self.command(channel, command).await
    }

    async fn command(&self, channel: &ChannelId, command: Command) -> Result<(), NotSettled> {
        match self.wardens.command(channel, command).await {
            Ok(_) => Ok(()),
            // None of these commands has a rule that refuses it; if one had, nothing more would follow from it.
            Err(CommandError::Rejected(rejection)) => {
                tracing::error!(%channel, "a warden refuses what it was told: {rejection}");
                Ok(())
            }
            Err(error) => Err(NotSettled(error.to_string())),
        }
    }

    /// The broadcast that a frame shows, or a name that says that nobody knows.
    async fn session_of(&self, channel: &ChannelId, announced: &Announced) -> SessionId {
        if let Some(session) = &announced.session {
            return session.clone();
        }
        let (recording, at) = (announced.recording.as_ref(), announced.captured_at);
        let (mut which, may_ask) = {
            let mut lanes = self.lock();
            match lanes.get_mut(channel) {
                None => (Which::Unknown, false),
                Some(lane) => {
                    let which = lane.sessions.of(recording, at);
                    let may_ask =
                        which == Which::Unknown && lane.asked.is_none_or(|asked| asked.elapsed() >= ASK_AGAIN);
                    if may_ask {
                        lane.asked = Some(Instant::now());
                    }
                    (which, may_ask)
                }
            }
        };
        if may_ask {
            // The warden remembers what was on the air before this process began.
            let remembered = self.wardens.inspect(channel).await.and_then(|state| state.session);
            let remembered =
                remembered.filter(|session| session.id.is_named()).map(|session| (session.id, session.since));
            let looked_up = match &self.who {
                Some(who) => tokio::time::timeout(ASKING_MAX, who.on_air(channel)).await.unwrap_or_default(),
                None => None,
            };
            if let Some(lane) = self.lock().get_mut(channel) {
                for (session, since) in remembered.into_iter().chain(looked_up) {
                    lane.sessions.is_on_air(&session, since);
                }
                which = lane.sessions.of(recording, at);
            }
        }
        match which {
            Which::One(session) => session,
            Which::Several | Which::Unknown => unnamed(recording.map_or("channel", |recording| recording.name())),
        }
    }
}

/// The name of a recording's broadcast that nobody can name. A recording with an odd name shares one with its likes.
fn unnamed(recording: &str) -> SessionId {
    SessionId::unnamed(recording)
        .or_else(|_| SessionId::unnamed("recording"))
        .expect("the word has only a session id's characters and is shorter than one may be")
}

/// A lane at work. If its work breaks, the lane is forgotten, and those who wait for what was in it hear of it.
struct AtWork<'a> {
    lanes: &'a Lanes,
    channel: &'a ChannelId,
    is_done: bool,
}

impl AtWork<'_> {
    /// Whether the lane is empty and its work has ended; what arrives from now on begins it anew.
    fn ends(&mut self) -> bool {
        let mut lanes = self.lanes.lock();
        let Some(lane) = lanes.get_mut(self.channel) else {
            self.is_done = true;
            return true;
        };
        self.is_done = lane.order.len() == 0;
        lane.at_work = !self.is_done;
        self.is_done
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.lanes.lock().remove(self.channel);
        }
    }
}
