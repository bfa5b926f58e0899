//! The wardens of one arbiter: who is awake, who must be woken, who broke.
//!
//! actix's own supervisor does not survive a panic (the mailbox stays closed), so a warden that broke is replaced by a
//! fresh one that reads its past from the journal. A frame it breaks on twice is set aside.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, ResponseActFuture, WrapFuture,
};
use tokio::sync::{Semaphore, oneshot};

use super::keeper::Again;
use super::pictures::LastPictures;
use super::planes::Planes;
use super::system::Parts;
use super::warden::{ComparingRoom, EvidenceRoom, Inspect, Offer, Order, Reconsider, Rest, Stale, Tick, Warden};
use crate::model::{ChannelId, FrameId, Medium, PolicyId};
use crate::reputation::budget::Purse;
use crate::telemetry::metrics;
use crate::telemetry::metrics::{Held, Mailbox, Unwatched};
use crate::warden::Command;

/// How often due wardens are told that time passed.
const TICK: Duration = Duration::from_secs(1);
/// How often idle wardens are looked for: as often as one can become idle, within these bounds.
const SWEEP: Duration = Duration::from_secs(5);
const SWEEP_MIN: Duration = Duration::from_millis(10);
/// How often the log hears of steps that the journal refused.
const UNRECORDED_SAID_EVERY: Duration = Duration::from_secs(30);
/// States being saved at the same time, per arbiter.
const SAVES_MAX: usize = 32;
/// A frame that its warden broke on so often is set aside.
const PANICS_MAX: u8 = 2;
/// Frames of one channel that are remembered for having broken its warden; more under way at once are not set aside
/// before the first of these are.
const BROKEN_MAX: usize = 16;

/// What the wardens of an arbiter share.
pub(super) struct ShardParts {
    pub(super) house: Parts,
    pub(super) looks: Arc<Semaphore>,
    pub(super) fetches: Arc<Semaphore>,
    /// Room for segments in memory, in MiB.
    pub(super) segments: Arc<Semaphore>,
    pub(super) recoveries: Arc<Semaphore>,
    pub(super) saves: Arc<Semaphore>,
    /// What is left of the process's budget of provider calls; none: calls are not counted. Held for nanoseconds.
    pub(super) purse: Option<Arc<Mutex<Purse>>>,
    pub(super) pictures: Arc<LastPictures>,
    pub(super) again: Arc<Again>,
    pub(super) planes: RefCell<Planes>,
    pub(super) evidence: EvidenceRoom,
    pub(super) comparing: ComparingRoom,
    unrecorded: Cell<Unrecorded>,
}

/// What of refused appends is still to be said.
#[derive(Clone, Copy, Default)]
struct Unrecorded {
    said: Option<Instant>,
    unsaid: u64,
}

/// What the wardens of all arbiters share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) looks: Arc<Semaphore>,
    pub(super) fetches: Arc<Semaphore>,
    pub(super) segments: Arc<Semaphore>,
    pub(super) recoveries: Arc<Semaphore>,
    pub(super) purse: Option<Arc<Mutex<Purse>>>,
    pub(super) pictures: Arc<LastPictures>,
    pub(super) again: Arc<Again>,
}

impl ShardParts {
    pub(super) fn new(house: Parts, shared: Shared) -> Self {
        let Shared { looks, fetches, segments, recoveries, purse, pictures, again } = shared;
        let planes = RefCell::new(Planes::new(house.settings.planes_max));
        let saves = Arc::new(Semaphore::new(SAVES_MAX));
        let (evidence, comparing) = (EvidenceRoom::new(), ComparingRoom::new());
        let unrecorded = Cell::default();
        Self {
            house,
            looks,
            fetches,
            segments,
            recoveries,
            saves,
            purse,
            pictures,
            again,
            planes,
            evidence,
            comparing,
            unrecorded,
        }
    }

    /// A warden's own step was not recorded and will be tried again. On a full disk every warden says so at every tick:
    /// the log hears of the first, and then once in a while how many there were.
    pub(super) fn unrecorded(&self, channel: &ChannelId, stale: &Stale) {
        let Unrecorded { said, unsaid } = self.unrecorded.get();
        if said.is_some_and(|said| said.elapsed() < UNRECORDED_SAID_EVERY) {
            return self.unrecorded.set(Unrecorded { said, unsaid: unsaid + 1 });
        }
        tracing::warn!(%channel, ?stale, others = unsaid, "not recorded now; it will be tried again");
        self.unrecorded.set(Unrecorded { said: Some(Instant::now()), unsaid: 0 });
    }
}

/// What a warden shows its shard without a message: read after its death, too.
pub(super) struct Gauge {
    /// When it wants to be told the time, µs; `i64::MAX` for never.
    pub(super) wake_at: Cell<i64>,
    /// The frame it is working on, or that what it is deciding this moment is about.
    pub(super) frame: Cell<Option<FrameId>>,
    /// Whether it is doing anything.
    pub(super) busy: Cell<bool>,
    /// Whether a session is on the air.
    pub(super) live: Cell<bool>,
    /// That nobody looks at its channel though it is live.
    pub(super) unwatched: RefCell<Option<(Option<PolicyId>, Unwatched)>>,
    /// The media of which no segment is judged though it is live, each counted as long as it stands here.
    pub(super) unjudged: RefCell<Vec<(Medium, Held)>>,
    /// What its panic said.
    pub(super) panic: RefCell<Option<String>>,
}

impl Gauge {
    fn new(panic: Option<String>) -> Self {
        Self {
            wake_at: Cell::new(i64::MAX),
            frame: Cell::new(None),
            busy: Cell::new(false),
            live: Cell::new(false),
            unwatched: RefCell::new(None),
            unjudged: RefCell::new(Vec::new()),
            panic: RefCell::new(panic),
        }
    }
}

struct Entry {
    warden: Addr<Warden>,
    gauge: Rc<Gauge>,
    used: Instant,
    /// The frames that it or one before it broke on, and how often; the latest last, at most [`BROKEN_MAX`].
    broken: Vec<(FrameId, u8)>,
}

/// The wardens of one arbiter.
pub(super) struct Shard {
    parts: Rc<ShardParts>,
    wardens: HashMap<ChannelId, Entry>,
    closing: bool,
}

/// Something for a warden.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum Deliver {
    Offer(Box<Offer>),
    Order(Box<Order>),
    Inspect(Inspect),
}

impl Deliver {
    /// From the shard's mailbox into a warden's.
    fn moves_on(&mut self) {
        let queued = match self {
            Self::Offer(offer) => &mut offer.queued,
            Self::Order(order) => &mut order.queued,
            Self::Inspect(inspect) => &mut inspect.queued,
        };
        *queued = metrics().frames.queued(Mailbox::Wardens);
    }

    /// The system is closing. Who asks to inspect is told by the end of the reply.
    fn refuse(self) {
        match self {
            Self::Offer(offer) => drop(offer.reply.send(Err(Stale::Closing))),
            Self::Order(order) => drop(order.reply.send(Err(Stale::Closing))),
            Self::Inspect(_) => {}
        }
    }
}

/// How many wardens are awake.
#[derive(Message)]
#[rtype(result = "usize")]
pub(super) struct Count;

/// Put every warden to rest.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Shutdown;

impl Shard {
    pub(super) fn new(parts: ShardParts) -> Self {
        Self { parts: Rc::new(parts), wardens: HashMap::new(), closing: false }
    }

    /// The channel's warden, woken or replaced if need be.
    fn warden(&mut self, channel: &ChannelId) -> &mut Entry {
        let dead = match self.wardens.get_mut(channel) {
            Some(entry) if entry.warden.connected() => None,
            Some(entry) => Some((autopsy(channel, entry), entry.gauge.panic.take())),
            None => Some((Vec::new(), None)),
        };
        if let Some((broken, panic)) = dead {
            let gauge = Rc::new(Gauge::new(panic));
            let warden = Warden::wake(channel.clone(), self.parts.clone(), gauge.clone());
            self.wardens.insert(channel.clone(), Entry { warden, gauge, used: Instant::now(), broken });
        }
        let entry = self.wardens.get_mut(channel).expect("the entry is there or was just inserted");
        entry.used = Instant::now();
        entry
    }

    fn tick(&mut self, passed: Duration) {
        for entry in self.wardens.values() {
            if let Some((_, unwatched)) = &*entry.gauge.unwatched.borrow() {
                unwatched.passed(passed);
            }
        }
        let now = self.parts.house.clock.now().as_micros();
        let due = self.wardens.iter().filter(|(_, entry)| entry.gauge.wake_at.get() <= now);
        let due: Vec<ChannelId> = due.map(|(channel, _)| channel.clone()).collect();
        for channel in due {
            // One that broke has nobody else to bring it back if its channel's input has dried up.
            let entry = self.warden(&channel);
            // A full mailbox means that it is awake anyway; the next round comes in a second.
            let _ = entry.warden.try_send(Tick);
        }
    }

    fn sweep(&mut self) {
        let idle_after = self.parts.house.settings.idle_after;
        self.wardens.retain(|_, entry| {
            let nothing_due = entry.gauge.wake_at.get() == i64::MAX && !entry.gauge.live.get();
            // One that ended with something due (it broke, or somebody else had written to its channel) stays, so that
            // the next tick that concerns it brings a fresh one.
            if !entry.warden.connected() && entry.gauge.frame.get().is_none() && nothing_due {
                return false; // it was put to rest
            }
            let idle = !entry.gauge.busy.get() && nothing_due && entry.used.elapsed() >= idle_after;
            if idle {
                // It rests only if it is still idle when it gets there. Who is behind it in the mailbox is told that it
                // is gone and comes back here, where a fresh one is woken.
                let _ = entry.warden.try_send(Rest { reply: None });
            }
            true
        });
    }
}

/// What a dead warden leaves behind: the frames it and those before it broke on, counted.
fn autopsy(channel: &ChannelId, dead: &mut Entry) -> Vec<(FrameId, u8)> {
    let mut broken = std::mem::take(&mut dead.broken);
    let Some(frame) = dead.gauge.frame.get() else { return broken };
    let before = broken.iter().position(|(of, _)| *of == frame).map(|at| broken.remove(at).1);
    let times = before.unwrap_or(0).saturating_add(1);
    metrics().frames.broke();
    tracing::error!(%channel, %frame, times, "a warden broke; a fresh one takes over from the journal");
    if broken.len() == BROKEN_MAX {
        broken.remove(0);
    }
    broken.push((frame, times));
    broken
}

impl Actor for Shard {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(1024);
        ctx.run_interval(TICK, |shard, _| shard.tick(TICK));
        let sweep = SWEEP.min(self.parts.house.settings.idle_after.max(SWEEP_MIN));
        ctx.run_interval(sweep, |shard, _| shard.sweep());
        let mut policies = self.parts.house.policies.clone();
        let changes = async move { policies.changed().await.is_ok() };
        ctx.spawn(changes.into_actor(self).map(follow_policies));
    }
}

/// Tells every warden that is awake that the policies changed, then waits for the next change.
fn follow_policies(changed: bool, shard: &mut Shard, ctx: &mut Context<Shard>) {
    if !changed {
        return; // nobody publishes any more
    }
    let wardens: Vec<Addr<Warden>> = shard.wardens.values().map(|entry| entry.warden.clone()).collect();
    let mut policies = shard.parts.house.policies.clone();
    policies.mark_unchanged();
    let told = async move {
        for warden in wardens {
            let _ = warden.send(Reconsider).await; // one that is gone takes the new policy when it wakes
        }
        policies.changed().await.is_ok()
    };
    ctx.spawn(told.into_actor(shard).map(follow_policies));
}

impl Handler<Deliver> for Shard {
    type Result = ();

    fn handle(&mut self, mut deliver: Deliver, ctx: &mut Context<Self>) {
        if self.closing {
            return deliver.refuse();
        }
        deliver.moves_on();
        match deliver {
            Deliver::Offer(offer) => {
                let entry = self.warden(&offer.frame.channel);
                let broke = |(frame, times): &(FrameId, u8)| *frame == offer.frame.id && *times >= PANICS_MAX;
                match entry.broken.iter().position(broke) {
                    Some(at) => {
                        let (_, times) = entry.broken.remove(at);
                        let reason = entry.gauge.panic.borrow().clone();
                        let reason = reason.unwrap_or_else(|| format!("the warden broke on it {times} times"));
                        let command = Command::Quarantine { frame: offer.frame.clone(), reason };
                        let (reply, _) = oneshot::channel();
                        let channel = offer.frame.channel.clone();
                        let queued = metrics().frames.queued(Mailbox::Wardens);
                        forward(&entry.warden, Order { channel, command, reply, queued }, ctx);
                        // Behind it in the same mailbox, the offer finds the outcome.
                        forward(&entry.warden, *offer, ctx);
                    }
                    None => forward(&entry.warden, *offer, ctx),
                }
            }
            Deliver::Order(order) => {
                let entry = self.warden(&order.channel);
                forward(&entry.warden, *order, ctx);
            }
            Deliver::Inspect(inspect) => {
                let entry = self.warden(&inspect.channel);
                forward(&entry.warden, inspect, ctx);
            }
        }
    }
}

/// Hands a message on without waiting here: a full mailbox holds up its own sender only.
fn forward<M>(warden: &Addr<Warden>, message: M, ctx: &mut Context<Shard>)
where
    M: Message<Result = ()> + Send + 'static,
    Warden: Handler<M>,
{
    if let Err(actix::prelude::SendError::Full(message)) = warden.try_send(message) {
        let warden = warden.clone();
        ctx.spawn(actix::fut::wrap_future(async move {
            let _ = warden.send(message).await; // a warden that is gone drops the reply end, and the sender comes back
        }));
    }
}

impl Handler<Count> for Shard {
    type Result = usize;

    fn handle(&mut self, _: Count, _: &mut Context<Self>) -> usize {
        self.wardens.values().filter(|entry| entry.warden.connected()).count()
    }
}

impl Handler<Shutdown> for Shard {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        self.closing = true;
        let wardens: Vec<Addr<Warden>> = self.wardens.values().map(|entry| entry.warden.clone()).collect();
        let patience = self.parts.house.settings.frame_deadline;
        let rested = async move {
            let mut waiting = Vec::with_capacity(wardens.len());
            for warden in wardens {
                let (reply, rested) = oneshot::channel();
                if warden.send(Rest { reply: Some(reply) }).await.is_ok() {
                    waiting.push(rested);
                }
            }
            let all = async {
                for rested in waiting {
                    let _ = rested.await;
                }
            };
            // Frames under way end by their deadline; twice that means that something hangs, and the journal is safe.
            let _ = tokio::time::timeout(2 * patience, all).await;
        };
        // Its ticks would keep it, and with it the journal's directory, for as long as the process lives.
        Box::pin(rested.into_actor(self).map(|(), _, context| context.stop()))
    }
}
