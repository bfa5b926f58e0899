//! One channel's warden: an actor around the pure core.
//!
//! Decide → append → apply is one step that nothing interleaves with (`ctx.wait` for messages, `turns` for the rest).
//! Fetching, hashing and the provider run beside it; their results re-enter as commands and are decided against the
//! state as it is then. So a provider that hangs holds up neither a dismissal nor the end of a session, and one that is
//! slow over a segment no picture.

mod asking;
mod comparing;
mod evidence;
mod hearing;
mod in_line;
mod messages;
mod past;
mod segments;
mod turns;
mod under_way;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix::{Actor, ActorContext, ActorFutureExt, Addr, Context, ContextFutureSpawner, Handler, WrapFuture};
use tokio::sync::oneshot;

use super::shard::{Gauge, ShardParts};
use super::system::Outcome;
use crate::events::{Event, NewEvent, Timings};
use crate::journal::{Append, AppendError, Appended, Expected};
use crate::model::{ChannelId, EventId, Frame, LumaPlane, Measurement, Medium, Position, Scope, Timestamp};
use crate::policy::Policy;
use crate::telemetry::metrics;
use crate::telemetry::metrics::Held;
use crate::warden::{Applied, ChannelState, Command, Coverage, Decision, Next, Rejection, apply, decide};
pub(super) use comparing::ComparingRoom;
pub(super) use evidence::{EvidenceRoom, TURN_WITHIN, said_as, wanted};
use messages::Reply;
pub(super) use messages::{Inspect, Offer, Order, Reconsider, Rest, Stale, Tick};
use past::Unreadable;
use segments::Segments;
use turns::Turns;

/// Messages waiting for one warden.
const MAILBOX: usize = 16;

/// One channel's warden.
pub(super) struct Warden {
    channel: ChannelId,
    parts: Rc<ShardParts>,
    gauge: Rc<Gauge>,
    life: Life,
    policy: Option<Arc<Policy>>,
    /// Judges beside the live one, if there is one; nothing follows from it.
    shadow: Option<Arc<Policy>>,
    /// The picture under way, and the one that waits.
    work: Option<Box<Work>>,
    waiting: Option<Box<Waiting>>,
    /// Those of segments, which hold up no picture.
    segments: Segments,
    rest: Option<oneshot::Sender<()>>,
    unsaved: u32,
    /// Pictures on their way to the content store, and frames being compared: it rests when they are there.
    keeping: u32,
    turns: Turns,
    _counted: Held,
}

enum Life {
    /// Its past is being read; the mailbox waits.
    Waking,
    /// Knows its channel. Boxed: an actor is moved about, the state is not.
    Awake(Box<ChannelState>),
    /// Its past cannot be read: it refuses rather than guess, and tries again.
    Unreadable(Unreadable),
}

/// A frame and those who wait for its outcome.
struct Waiting {
    frame: Frame,
    replies: Vec<Reply>,
    _counted: Held,
}

impl Waiting {
    fn new(frame: Frame, reply: Reply) -> Self {
        Self { frame, replies: vec![reply], _counted: metrics().frames.in_line() }
    }
}

/// The frame under way.
struct Work {
    frame: Frame,
    replies: Vec<Reply>,
    /// The policy version in force when it was taken up: it is judged wholly under that one.
    policy: Option<Arc<Policy>>,
    /// Likewise, of the policy in shadow.
    shadow: Option<Arc<Policy>>,
    begun: Instant,
    seen: Option<(Measurement, LumaPlane, Arc<[u8]>)>,
    took: Timings,
    /// The names of the providers that were asked about it.
    asked: Vec<Arc<str>>,
    /// How often what is kept of the channel had been erased when it was taken up: its picture is not kept after another.
    erasures: u64,
    _counted: Held,
}

/// Events that became durable, and what the frame still needs.
struct Committed {
    first: Position,
    events: Vec<NewEvent>,
    next: Option<Next>,
}

impl Warden {
    pub(super) fn wake(channel: ChannelId, parts: Rc<ShardParts>, gauge: Rc<Gauge>) -> Addr<Self> {
        let (policy, shadow) = watching(&parts, &channel);
        let warden = Self {
            channel,
            parts,
            gauge,
            life: Life::Waking,
            policy,
            shadow,
            work: None,
            waiting: None,
            segments: Segments::default(),
            rest: None,
            unsaved: 0,
            keeping: 0,
            turns: Turns::default(),
            _counted: metrics().frames.awake(),
        };
        warden.start()
    }

    fn decide(&mut self, command: &Command) -> Result<Decision, Rejection> {
        let Life::Awake(state) = &self.life else { return Ok(Decision::default()) };
        let now = match command {
            // What people and the platform do happens on the wall clock, whatever time the frames are from.
            Command::Moderate { .. } | Command::Report { .. } => self.parts.house.wall.now(),
            _ => self.parts.house.clock.now(),
        };
        // A panic is laid to the frame that the command is about, not to one that happens to be under way.
        let under_way = self.gauge.frame.replace(command.frame());
        let decided = self.guarded(|| {
            fail::fail_point!(&format!("warden.decide {}", self.channel));
            decide(state, self.policy.as_deref(), now, command)
        });
        self.gauge.frame.set(under_way);
        decided
    }

    /// Runs a part of the core; what a panic in it says is left where the shard finds it.
    fn guarded<T>(&self, core: impl FnOnce() -> T) -> T {
        catch_unwind(AssertUnwindSafe(core)).unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
            let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
            *self.gauge.panic.borrow_mut() = Some(said.unwrap_or_else(|| "a panic without words".to_owned()));
            resume_unwind(panic)
        })
    }

    /// Appends a decision, waits until it is durable, applies it; only then goes on.
    fn commit(
        &mut self,
        decision: Decision,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, Result<Committed, Stale>, &mut Context<Self>) + 'static,
    ) {
        let Decision { events, next } = decision;
        if events.is_empty() {
            return then(self, Ok(Committed { first: Position(0), events, next }), ctx);
        }
        let Life::Awake(state) = &self.life else { return then(self, Err(Stale::Gone), ctx) };
        self.turns.take();
        let ticket = self.parts.house.journal.append(Append {
            scope: Scope::Channel(self.channel.clone()),
            expected: Expected::At(state.sequence),
            events: events.clone(),
        });
        let durable = ticket.durable().into_actor(self).map(move |appended, warden, ctx| {
            let committed = warden.durable(appended, events, next);
            warden.turns.give_back();
            then(warden, committed, ctx);
            warden.go_on(ctx);
        });
        durable.wait(ctx);
    }

    fn durable(
        &mut self,
        appended: Result<Appended, AppendError>,
        events: Vec<NewEvent>,
        next: Option<Next>,
    ) -> Result<Committed, Stale> {
        match appended {
            Ok(Appended::New { first, last_sequence, recorded_at }) => {
                let Life::Awake(mut state) = std::mem::replace(&mut self.life, Life::Waking) else {
                    return Err(Stale::Gone);
                };
                let mut sequence = crate::model::Sequence(last_sequence.0 - events.len() as u64);
                self.guarded(|| {
                    for new in &events {
                        sequence = sequence.next();
                        let at = Applied { sequence, recorded_at, captured_at: new.captured_at };
                        apply(&mut state, at, &new.event);
                    }
                });
                self.life = Life::Awake(state);
                self.after(&events);
                Ok(Committed { first, events, next })
            }
            // The same conflict was reported before, perhaps captured at another time, which is no part of its identity:
            // it is recorded once, and this state has it already.
            Ok(Appended::Repeated { first }) | Err(AppendError::IdTaken { position: first, .. })
                if events.iter().all(|new| matches!(new.event, Event::FrameConflict(_))) =>
            {
                Ok(Committed { first, events, next })
            }
            // Somebody has written to the channel, or these events were durable before: this warden's state is not the
            // channel's. A fresh one reads it.
            Ok(Appended::Repeated { .. })
            | Err(AppendError::WrongSequence { .. })
            | Err(AppendError::IdTaken { .. }) => Err(Stale::Gone),
            Err(error) => Err(Stale::Journal(error)),
        }
    }

    /// Keeps what lives beside the state in step with it.
    fn after(&mut self, events: &[NewEvent]) {
        metrics().recorded(events.iter().map(|new| &new.event));
        let Life::Awake(state) = &self.life else { return };
        let assessed = events.iter().any(|new| matches!(new.event, Event::FrameAssessed(_)));
        if let (true, Some(work), Some(reference)) = (assessed, &mut self.work, &state.reference)
            && reference.frame == work.frame.id
            && let Some((_, plane, _)) = &work.seen
        {
            self.parts.planes.borrow_mut().put(&self.channel, reference.sequence, plane.clone());
        }
        self.unsaved += events.len() as u32;
        self.show();
        if self.unsaved >= self.parts.house.settings.snapshot_every {
            self.save();
        }
    }

    /// Sets what the shard sees.
    fn show(&self) {
        let Life::Awake(state) = &self.life else { return };
        let silent = state.silent_from().map_or(i64::MAX, Timestamp::as_micros);
        let unjudged = self.policy.as_ref().and_then(|policy| state.unjudged_from(policy));
        let unjudged = unjudged.map_or(i64::MAX, Timestamp::as_micros);
        let claims = state.open_warnings().filter_map(|warning| warning.claim.as_ref());
        let lapse = claims.map(|claim| claim.until.as_micros()).min().unwrap_or(i64::MAX);
        self.gauge.wake_at.set(silent.min(unjudged).min(lapse));
        self.gauge.live.set(state.session.is_some());
        self.show_coverage(state);
        self.show_unjudged(state);
    }

    /// Counts a live channel for each medium of which nothing is judged, from when that was said until one is tried, the
    /// broadcast is over, or its policy asks no more.
    fn show_unjudged(&self, state: &ChannelState) {
        let mut shown = self.gauge.unjudged.borrow_mut();
        for medium in [Medium::Clip, Medium::Sound] {
            let asked = self.policy.as_ref().is_some_and(|policy| policy.listening(medium).is_some());
            let unjudged = asked && state.session.is_some() && state.track(medium).unjudged;
            let counted = shown.iter().any(|(counted, _)| *counted == medium);
            if unjudged && !counted {
                shown.push((medium, metrics().frames.unjudged(medium)));
            } else if !unjudged && counted {
                shown.retain(|(counted, _)| *counted != medium);
            }
        }
    }

    /// Counts a live channel that nobody looks at to the policy that should watch it.
    fn show_coverage(&self, state: &ChannelState) {
        let mut shown = self.gauge.unwatched.borrow_mut();
        let Coverage::Unwatched { .. } = state.coverage else {
            *shown = None;
            return;
        };
        let class = self.policy.as_ref().map(|policy| policy.reference.id.clone());
        if shown.as_ref().is_none_or(|(counted, _)| *counted != class) {
            let unwatched = metrics().frames.unwatched(class.as_ref());
            *shown = Some((class, unwatched));
        }
    }

    /// The frame has its outcome. The one that waits is next.
    fn finish(&mut self, outcome: &Outcome, ctx: &mut Context<Self>) {
        let Some(mut work) = self.work.take() else { return };
        for reply in work.replies.drain(..) {
            let _ = reply.send(Ok(outcome.clone())); // who no longer waits has lost nothing: it is in the journal
        }
        self.keep_evidence(outcome, &work, ctx);
        self.compare(outcome, &work, ctx);
        self.idle(ctx);
    }

    fn idle(&mut self, ctx: &mut Context<Self>) {
        self.gauge.frame.set(None);
        self.gauge.busy.set(false);
        if let Some(waiting) = self.waiting.take() {
            let Waiting { frame, replies, .. } = *waiting;
            self.begin(frame, replies, ctx);
        } else if self.rest.is_some() && self.is_idle() {
            self.retire(ctx);
        }
    }

    /// Whether no picture is under way, in line or on its way to the disk.
    fn is_idle(&self) -> bool {
        self.work.is_none() && self.waiting.is_none() && self.keeping == 0
    }

    /// The frame cannot go on; nobody is told that it has an outcome.
    fn abandon(&mut self, stale: Stale, ctx: &mut Context<Self>) {
        if let Some(work) = self.work.take() {
            for reply in work.replies {
                let _ = reply.send(Err(stale.clone()));
            }
        }
        match stale {
            Stale::Gone => self.retire(ctx),
            Stale::Journal(_) | Stale::Unreadable(_) | Stale::Closing => self.idle(ctx),
        }
    }

    /// Ends this warden; whoever still waits is taken to a fresh one.
    fn retire(&mut self, ctx: &mut Context<Self>) {
        self.save();
        self.gauge.frame.set(None);
        self.gauge.busy.set(false);
        *self.gauge.unwatched.borrow_mut() = None;
        self.work = None;
        self.waiting = None;
        self.segments = Segments::default();
        self.turns = Turns::default();
        if let Some(rested) = self.rest.take() {
            let _ = rested.send(());
        }
        ctx.stop();
    }
}

/// The policy that watches a channel, and the one in shadow beside it.
fn watching(parts: &ShardParts, channel: &ChannelId) -> (Option<Arc<Policy>>, Option<Arc<Policy>>) {
    let policies = parts.house.policies.borrow();
    (policies.for_channel(channel).cloned(), policies.shadow_of(channel).cloned())
}

impl Actor for Warden {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(MAILBOX);
        let scope = Scope::Channel(self.channel.clone());
        if self.parts.house.journal.scope_head(&scope) == crate::model::Sequence(0) {
            self.life = Life::Awake(Box::new(ChannelState::new(self.channel.clone())));
            return;
        }
        self.read_past(ctx);
    }
}

impl Handler<Order> for Warden {
    type Result = ();

    fn handle(&mut self, order: Order, ctx: &mut Context<Self>) {
        let Order { command, reply, queued, .. } = order;
        drop(queued);
        if let Life::Unreadable(past) = &self.life {
            let _ = reply.send(Err(past.stale()));
            return;
        }
        // A request that was carried out before changes nothing and is answered as it was.
        if let Some(done) = command.done_as()
            && self.parts.house.journal.may_hold(done)
        {
            let journal = self.parts.house.journal.clone();
            let finding = async move { tokio::task::spawn_blocking(move || journal.find(done)).await };
            let found = finding.into_actor(self).map(move |found, warden, ctx| match found {
                Ok(Ok(Some(_))) => {
                    let _ = reply.send(Ok(Ok(vec![done])));
                }
                Ok(Ok(None)) => warden.carry_out(&command, reply, ctx),
                Ok(Err(error)) => {
                    let _ = reply.send(Err(Stale::Unreadable(error.to_string().into())));
                }
                Err(broke) => {
                    let _ = reply.send(Err(Stale::Unreadable(broke.to_string().into())));
                }
            });
            found.wait(ctx);
            return;
        }
        self.carry_out(&command, reply, ctx);
    }
}

impl Warden {
    fn carry_out(
        &mut self,
        command: &Command,
        reply: oneshot::Sender<Result<Result<Vec<EventId>, Rejection>, Stale>>,
        ctx: &mut Context<Self>,
    ) {
        match self.decide(command) {
            Err(rejection) => {
                let _ = reply.send(Ok(Err(rejection)));
            }
            Ok(decision) => self.commit(decision, ctx, move |warden, committed, ctx| {
                let retire = matches!(committed, Err(Stale::Gone));
                let done = committed.map(|committed| Ok(committed.events.iter().map(|new| new.id).collect()));
                let _ = reply.send(done);
                if retire {
                    warden.retire(ctx);
                }
            }),
        }
    }
}

impl Handler<Inspect> for Warden {
    type Result = ();

    fn handle(&mut self, inspect: Inspect, _: &mut Context<Self>) {
        if let Life::Awake(state) = &self.life {
            let _ = inspect.reply.send(state.as_ref().clone());
        }
    }
}

impl Handler<Tick> for Warden {
    type Result = ();

    fn handle(&mut self, _: Tick, ctx: &mut Context<Self>) {
        match &self.life {
            Life::Unreadable(past) if past.is_due() => self.read_past(ctx),
            Life::Unreadable(_) | Life::Waking => {}
            Life::Awake(_) => self.step_aside(&Command::Tick, ctx),
        }
    }
}

impl Handler<Reconsider> for Warden {
    type Result = ();

    fn handle(&mut self, _: Reconsider, ctx: &mut Context<Self>) {
        (self.policy, self.shadow) = watching(&self.parts, &self.channel);
        self.step_aside(&Command::ReconsiderPolicy, ctx);
    }
}

impl Handler<Rest> for Warden {
    type Result = ();

    fn handle(&mut self, rest: Rest, ctx: &mut Context<Self>) {
        let idle = self.is_idle();
        match rest.reply {
            Some(reply) => {
                self.rest = Some(reply);
                if idle {
                    self.retire(ctx);
                }
            }
            None if idle && self.segments.is_idle() && !self.gauge.live.get() => self.retire(ctx),
            None => {}
        }
    }
}
