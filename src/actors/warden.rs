//! One channel's warden: an actor around the pure core.
//!
//! Decide → append → apply is one step that nothing interleaves with (`ctx.wait`). Fetching, hashing and the provider
//! run beside it; their results re-enter as commands and are decided against the state as it is then. So a provider
//! that hangs holds up neither a dismissal nor the end of a session.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, ContextFutureSpawner, Handler, Message,
    WrapFuture,
};
use tokio::sync::oneshot;

use super::ask::{Unanswered, ask};
use super::look::{Looked, Unseen, look};
use super::shard::{Gauge, ShardParts};
use super::system::Outcome;
use crate::events::{Event, FailedStage, NewEvent, Recorded, Timings};
use crate::journal::snapshots::{Snapshot, Snapshots};
use crate::journal::{Append, AppendError, Appended, Expected, Journal, READ_LIMIT_MAX};
use crate::model::{ChannelId, EventId, Fingerprint, Frame, LumaPlane, Measurement, Position, Scope};
use crate::policy::Policy;
use crate::providers::Answer;
use crate::warden::{
    Answered, Applied, ChannelState, Command, Coverage, Decision, Next, Rejection, apply, decide, replay,
};

/// A warden's saved state has this layout; another is ignored and the past read instead.
const SNAPSHOT_SCHEMA: u16 = 1;
/// Answers with more labels than this are kept whole in the content store; the event holds the surest.
const LABELS_INLINE_MAX: usize = 40;
/// Messages waiting for one warden.
const MAILBOX: usize = 16;

/// Why a warden cannot answer.
#[derive(Debug, Clone)]
pub(super) enum Stale {
    /// The journal refuses.
    Journal(AppendError),
    /// Its past cannot be read.
    Unreadable(Arc<str>),
    /// It is no longer the channel's warden; a fresh one is.
    Gone,
    /// No frame or command is taken any more.
    Closing,
}

type Reply = oneshot::Sender<Result<Outcome, Stale>>;

/// Take a frame; `shed`: there is no room for it.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Offer {
    pub(super) frame: Frame,
    pub(super) shed: bool,
    pub(super) reply: Reply,
}

/// Carry out a command that is not about a frame under way.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Order {
    pub(super) channel: ChannelId,
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Result<Result<Vec<EventId>, Rejection>, Stale>>,
}

/// Show the state.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Inspect {
    pub(super) channel: ChannelId,
    pub(super) reply: oneshot::Sender<ChannelState>,
}

/// Go to rest if there is nothing to do; with a reply: as soon as there is nothing to do.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Rest {
    pub(super) reply: Option<oneshot::Sender<()>>,
}

/// Time passed.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Tick;

/// The policies changed.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Reconsider;

/// One channel's warden.
pub(super) struct Warden {
    channel: ChannelId,
    parts: Rc<ShardParts>,
    gauge: Rc<Gauge>,
    life: Life,
    policy: Option<Arc<Policy>>,
    work: Option<Box<Work>>,
    waiting: Option<Box<Waiting>>,
    rest: Option<oneshot::Sender<()>>,
    unsaved: u32,
}

enum Life {
    /// Its past is being read; the mailbox waits.
    Waking,
    /// Knows its channel. Boxed: an actor is moved about, the state is not.
    Awake(Box<ChannelState>),
    /// Its past cannot be read: it refuses rather than guess.
    Unreadable(Arc<str>),
}

/// A frame and those who wait for its outcome.
struct Waiting {
    frame: Frame,
    replies: Vec<Reply>,
}

/// The frame under way.
struct Work {
    frame: Frame,
    replies: Vec<Reply>,
    /// The policy version in force when it was taken up: it is judged wholly under that one.
    policy: Option<Arc<Policy>>,
    begun: Instant,
    seen: Option<(Measurement, LumaPlane, Arc<[u8]>)>,
    took: Timings,
}

/// Events that became durable, and what the frame still needs.
struct Committed {
    first: Position,
    events: Vec<NewEvent>,
    next: Option<Next>,
}

impl Warden {
    pub(super) fn wake(channel: ChannelId, parts: Rc<ShardParts>, gauge: Rc<Gauge>) -> Addr<Self> {
        let policy = parts.house.policies.borrow().for_channel(&channel).cloned();
        let warden = Self {
            channel,
            parts,
            gauge,
            life: Life::Waking,
            policy,
            work: None,
            waiting: None,
            rest: None,
            unsaved: 0,
        };
        warden.start()
    }

    fn begin(&mut self, frame: Frame, replies: Vec<Reply>, ctx: &mut Context<Self>) {
        let outcome = EventId::outcome_of(frame.id);
        self.gauge.frame.set(Some(frame.id));
        self.gauge.busy.set(true);
        self.work = Some(Box::new(Work {
            frame,
            replies,
            policy: self.policy.clone(),
            begun: Instant::now(),
            seen: None,
            took: Timings::default(),
        }));
        if !self.parts.house.journal.may_hold(outcome) {
            return self.take(ctx);
        }
        let journal = self.parts.house.journal.clone();
        let finding = async move { tokio::task::spawn_blocking(move || journal.find(outcome)).await };
        let found = finding.into_actor(self).map(|found, warden, ctx| match found {
            Ok(Ok(Some(recorded))) => warden.redelivered(&recorded, ctx),
            Ok(Ok(None)) => warden.take(ctx),
            Ok(Err(error)) => warden.unreadable(error.to_string(), ctx),
            Err(error) => warden.unreadable(error.to_string(), ctx),
        });
        ctx.spawn(found);
    }

    /// The frame has its outcome already: that one is given, and a notification that says something else under the same
    /// id is recorded as a conflict.
    fn redelivered(&mut self, recorded: &Recorded, ctx: &mut Context<Self>) {
        let (outcome, print) = match outcome_again(recorded) {
            Ok(found) => found,
            Err(reason) => return self.unreadable(reason, ctx),
        };
        let Some(work) = &self.work else { return };
        let conflict = print.is_some_and(|print| print != work.frame.fingerprint);
        if !conflict {
            return self.finish(&outcome, ctx);
        }
        let command = Command::ReportConflict { frame: work.frame.clone(), outcome: outcome.id };
        self.step(command, ctx, move |warden, _, ctx| warden.finish(&outcome, ctx));
    }

    fn take(&mut self, ctx: &mut Context<Self>) {
        let Some(work) = &self.work else { return };
        let command = Command::TakeFrame { frame: work.frame.clone() };
        self.step(command, ctx, Self::proceed);
    }

    /// After a step of the frame under way: its outcome, or the next thing it needs.
    fn proceed(&mut self, committed: Committed, ctx: &mut Context<Self>) {
        let Some(work) = &self.work else { return };
        match committed.next {
            Some(Next::Look) => self.look(ctx),
            Some(Next::Ask) => self.ask(ctx),
            None => {
                let id = EventId::outcome_of(work.frame.id);
                let Some((at, new)) = committed.events.iter().enumerate().find(|(_, new)| new.id == id) else {
                    return self.abandon(Stale::Gone, ctx); // cannot be: a frame's last step has its outcome
                };
                let position = Position(committed.first.0 + at as u64);
                self.finish(&Outcome { id, position, event: new.event.clone(), repeated: false }, ctx);
            }
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let Some(work) = &self.work else { return };
        let (imaging, frame, looks) = (self.parts.house.imaging.clone(), work.frame.clone(), self.parts.looks.clone());
        let left = self.time_left();
        let looking = async move {
            let _permit = looks.acquire_owned().await;
            tokio::task::spawn_blocking(move || look(&imaging, &frame)).await
        };
        let looked = async move { tokio::time::timeout(left, looking).await };
        ctx.spawn(looked.into_actor(self).map(|looked, warden, ctx| match looked {
            Ok(Ok(Ok(looked))) => warden.looked(looked, ctx),
            Ok(Ok(Err(Unseen { stage, reason }))) => warden.fail(stage, reason, 1, ctx),
            Ok(Err(broke)) => warden.fail(FailedStage::Decode, format!("the decoder broke: {broke}"), 1, ctx),
            Err(_) => warden.fail(FailedStage::Deadline, "not fetched and decoded in time".to_owned(), 1, ctx),
        }));
    }

    fn looked(&mut self, looked: Looked, ctx: &mut Context<Self>) {
        let Life::Awake(state) = &self.life else { return };
        let Some(work) = &mut self.work else { return };
        let planes = self.parts.planes.borrow();
        let luma = state.reference.as_ref().and_then(|reference| {
            let plane = planes.get(&self.channel, reference.sequence)?;
            Some((reference.sequence, plane.delta(&looked.measured.plane)))
        });
        drop(planes);
        let measured = Measurement { image: looked.measured.image, hash: looked.measured.hash, luma };
        work.took = Timings(looked.fetch_ms, looked.measure_ms, 0);
        work.seen = Some((measured.clone(), looked.measured.plane, looked.bytes));
        let Some(policy) = work.policy.clone() else { return };
        let command = Command::CompareFrame { frame: work.frame.clone(), policy, measured };
        self.step(command, ctx, Self::proceed);
    }

    fn ask(&mut self, ctx: &mut Context<Self>) {
        let Some(work) = &mut self.work else { return };
        let Some((_, _, image)) = &work.seen else { return };
        let (image, begun) = (image.clone(), Instant::now());
        let provider = self.parts.house.providers.of(&self.channel);
        let content = self.parts.house.content.clone();
        let subject = format!("channel/{}", self.channel);
        let left = self.time_left();
        let asking = async move {
            let answer = ask(provider, image, left).await?;
            let kept = match content {
                Some(content) if answer.labels.len() > LABELS_INLINE_MAX => {
                    let whole = serde_json::to_vec(&answer.labels).unwrap_or_default();
                    let keeping = tokio::task::spawn_blocking(move || content.put(&subject, &whole)).await;
                    let unkept = |reason| Unanswered { stage: FailedStage::Provider, reason, attempts: 1 };
                    Some(
                        keeping
                            .map_err(|error| unkept(error.to_string()))?
                            .map_err(|error| unkept(format!("keeping a long answer: {error}")))?,
                    )
                }
                _ => None,
            };
            Ok((answer, kept, begun.elapsed()))
        };
        ctx.spawn(asking.into_actor(self).map(|answered, warden, ctx| match answered {
            Ok((Answer { provider, labels, unmapped }, kept, took)) => {
                warden.answered(Answered { provider, labels, kept, unmapped }, took, ctx);
            }
            Err(Unanswered { stage, reason, attempts }) => warden.fail(stage, reason, attempts, ctx),
        }));
    }

    fn answered(&mut self, answer: Answered, took: Duration, ctx: &mut Context<Self>) {
        let Some(work) = &mut self.work else { return };
        work.took.2 = took.as_millis() as u32;
        let (Some((measured, ..)), Some(policy)) = (&work.seen, &work.policy) else { return };
        let command = Command::JudgeFrame {
            frame: work.frame.clone(),
            policy: policy.clone(),
            measured: measured.clone(),
            answer,
            took: work.took,
        };
        self.step(command, ctx, Self::proceed);
    }

    fn fail(&mut self, stage: FailedStage, reason: String, attempts: u8, ctx: &mut Context<Self>) {
        let Some(work) = &self.work else { return };
        tracing::warn!(channel = %self.channel, frame = %work.frame.id, ?stage, "a frame failed: {reason}");
        let command = Command::FailFrame { frame: work.frame.clone(), stage, reason, attempts };
        self.step(command, ctx, Self::proceed);
    }

    fn time_left(&self) -> Duration {
        let spent = self.work.as_ref().map_or(Duration::ZERO, |work| work.begun.elapsed());
        self.parts.house.settings.frame_deadline.saturating_sub(spent)
    }

    /// One step of the frame under way. A frame's commands are never refused.
    fn step(
        &mut self,
        command: Command,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, Committed, &mut Context<Self>) + 'static,
    ) {
        match self.decide(&command) {
            Ok(decision) => self.commit(decision, ctx, move |warden, committed, ctx| match committed {
                Ok(committed) => then(warden, committed, ctx),
                Err(stale) => warden.abandon(stale, ctx),
            }),
            Err(_) => self.abandon(Stale::Gone, ctx),
        }
    }

    fn decide(&mut self, command: &Command) -> Result<Decision, Rejection> {
        let Life::Awake(state) = &self.life else { return Ok(Decision::default()) };
        let now = self.parts.house.clock.now();
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
        let ticket = self.parts.house.journal.append(Append {
            scope: Scope::Channel(self.channel.clone()),
            expected: Expected::At(state.sequence),
            events: events.clone(),
        });
        let durable = ticket.durable().into_actor(self).map(move |appended, warden, ctx| {
            let committed = warden.durable(appended, events, next);
            then(warden, committed, ctx);
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
            // The same conflict was reported before: it is recorded once, and this state has it already.
            Ok(Appended::Repeated { first })
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
        let silent = match (&state.coverage, &state.pace) {
            (Coverage::Watched { from }, Some((pace, _))) => {
                from.plus_ms(2 * u64::from(pace.interval_ms) + u64::from(pace.tolerance_ms)).as_micros()
            }
            _ => i64::MAX,
        };
        let claims = state.open_warnings().filter_map(|warning| warning.claim.as_ref());
        let lapse = claims.map(|claim| claim.until.as_micros()).min().unwrap_or(i64::MAX);
        self.gauge.wake_at.set(silent.min(lapse));
        self.gauge.live.set(state.session.is_some());
    }

    /// Saves the state so that the next to wake reads little. Nobody waits for it, and it may be lost.
    fn save(&mut self) {
        let (Life::Awake(state), Some(snapshots)) = (&self.life, &self.parts.house.snapshots) else { return };
        if self.unsaved == 0 {
            return;
        }
        self.unsaved = 0;
        let mut bytes = Vec::with_capacity(1024);
        if ciborium::into_writer(state.as_ref(), &mut bytes).is_err() {
            return; // a snapshot that cannot be written is one that is not there
        }
        let (snapshots, scope) = (snapshots.clone(), Scope::Channel(self.channel.clone()));
        let snapshot = Snapshot { sequence: state.sequence, position: Position(0), state: bytes };
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = snapshots.save(&scope, SNAPSHOT_SCHEMA, &snapshot) {
                tracing::warn!(%scope, "a snapshot was not saved: {error}");
            }
        }));
    }

    /// The frame has its outcome. The one that waits is next.
    fn finish(&mut self, outcome: &Outcome, ctx: &mut Context<Self>) {
        let Some(work) = self.work.take() else { return };
        for reply in work.replies {
            let _ = reply.send(Ok(outcome.clone())); // who no longer waits has lost nothing: it is in the journal
        }
        self.idle(ctx);
    }

    fn idle(&mut self, ctx: &mut Context<Self>) {
        self.gauge.frame.set(None);
        self.gauge.busy.set(false);
        if let Some(waiting) = self.waiting.take() {
            let Waiting { frame, replies } = *waiting;
            self.begin(frame, replies, ctx);
        } else if self.rest.is_some() {
            self.retire(ctx);
        }
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

    fn unreadable(&mut self, reason: String, ctx: &mut Context<Self>) {
        tracing::error!(channel = %self.channel, "the channel's past cannot be read: {reason}");
        let reason: Arc<str> = reason.into();
        self.life = Life::Unreadable(reason.clone());
        self.abandon(Stale::Unreadable(reason), ctx);
    }

    /// Ends this warden; whoever still waits is taken to a fresh one.
    fn retire(&mut self, ctx: &mut Context<Self>) {
        self.save();
        self.gauge.frame.set(None);
        self.gauge.busy.set(false);
        self.work = None;
        self.waiting = None;
        if let Some(rested) = self.rest.take() {
            let _ = rested.send(());
        }
        ctx.stop();
    }
}

impl Actor for Warden {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(MAILBOX);
        let house = &self.parts.house;
        let scope = Scope::Channel(self.channel.clone());
        if house.journal.scope_head(&scope) == crate::model::Sequence(0) {
            self.life = Life::Awake(Box::new(ChannelState::new(self.channel.clone())));
            return;
        }
        let (journal, snapshots, recoveries) =
            (house.journal.clone(), house.snapshots.clone(), self.parts.recoveries.clone());
        let channel = self.channel.clone();
        let reading = async move {
            let _permit = recoveries.acquire_owned().await;
            tokio::task::spawn_blocking(move || recover(channel, &*journal, snapshots.as_deref())).await
        };
        let read = reading.into_actor(self).map(|read, warden, ctx| match read {
            Ok(Ok(state)) => {
                warden.life = Life::Awake(Box::new(state));
                warden.show();
            }
            Ok(Err(reason)) => warden.unreadable(reason, ctx),
            Err(broke) => warden.unreadable(broke.to_string(), ctx),
        });
        read.wait(ctx);
    }
}

/// A recorded outcome as a redelivery gets it, and what the notification that led to it said.
fn outcome_again(recorded: &Recorded) -> Result<(Outcome, Option<Fingerprint>), String> {
    let event = recorded.event().map_err(|error| error.to_string())?;
    let print = match &event {
        Event::FrameSkipped(outcome) => Some(outcome.print),
        Event::FrameAssessed(outcome) => Some(outcome.print),
        Event::FrameFailed(outcome) => Some(outcome.print),
        _ => None, // an id that is no outcome's cannot be derived from a frame
    };
    let (id, position) = (recorded.envelope.id, recorded.envelope.position);
    Ok((Outcome { id, position, event, repeated: true }, print))
}

/// The channel's state from its last snapshot and the events after it, or from all its events.
fn recover(channel: ChannelId, journal: &dyn Journal, snapshots: Option<&Snapshots>) -> Result<ChannelState, String> {
    let scope = Scope::Channel(channel.clone());
    let saved = snapshots.and_then(|snapshots| snapshots.load(&scope, SNAPSHOT_SCHEMA));
    let saved = saved.and_then(|saved| ciborium::from_reader::<ChannelState, _>(saved.state.as_slice()).ok());
    let mut state = saved
        .filter(|state| state.channel == channel && state.sequence <= journal.scope_head(&scope))
        .unwrap_or_else(|| ChannelState::new(channel));
    loop {
        let page = journal.read_scope(&scope, state.sequence, READ_LIMIT_MAX).map_err(|error| error.to_string())?;
        if page.is_empty() {
            return Ok(state);
        }
        state = replay(state, &page).map_err(|error| error.to_string())?;
    }
}

impl Handler<Offer> for Warden {
    type Result = ();

    fn handle(&mut self, offer: Offer, ctx: &mut Context<Self>) {
        let Offer { frame, shed, reply } = offer;
        if let Life::Unreadable(reason) = &self.life {
            let _ = reply.send(Err(Stale::Unreadable(reason.clone())));
            return;
        }
        // A frame under way, or waiting, is joined: one provider call, one outcome for all who offer it.
        let under_way = self.work.as_mut().map(|work| (&work.frame, &mut work.replies));
        let in_line = self.waiting.as_mut().map(|waiting| (&waiting.frame, &mut waiting.replies));
        let same = under_way.into_iter().chain(in_line).find(|(known, _)| known.id == frame.id);
        if let Some((known, replies)) = same {
            let conflict = known.fingerprint != frame.fingerprint;
            replies.push(reply);
            if conflict {
                let outcome = EventId::outcome_of(frame.id);
                self.step_aside(&Command::ReportConflict { frame, outcome }, ctx);
            }
            return;
        }
        if self.work.is_none() && !shed {
            return self.begin(frame, vec![reply], ctx);
        }
        let outcome = EventId::outcome_of(frame.id);
        if self.parts.house.journal.may_hold(outcome) {
            // Perhaps a redelivery: then it needs no place, and must take none from a frame without an outcome.
            let journal = self.parts.house.journal.clone();
            let finding = async move { tokio::task::spawn_blocking(move || journal.find(outcome)).await };
            let found = finding.into_actor(self).map(move |found, warden, ctx| match found {
                Ok(Ok(Some(recorded))) => warden.answer_again(&recorded, frame, reply, ctx),
                Ok(Ok(None)) => warden.make_room(frame, shed, reply, ctx),
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
        self.make_room(frame, shed, reply, ctx);
    }
}

impl Warden {
    /// A frame that has its outcome, beside the one under way.
    fn answer_again(&mut self, recorded: &Recorded, frame: Frame, reply: Reply, ctx: &mut Context<Self>) {
        let (outcome, print) = match outcome_again(recorded) {
            Ok(found) => found,
            Err(reason) => {
                let _ = reply.send(Err(Stale::Unreadable(reason.into())));
                return;
            }
        };
        let conflict = print.is_some_and(|print| print != frame.fingerprint);
        let _ = reply.send(Ok(outcome.clone())); // who no longer waits has lost nothing: it is in the journal
        if conflict {
            self.step_aside(&Command::ReportConflict { frame, outcome: outcome.id }, ctx);
        }
    }

    /// A frame that is new, while another is under way or there is no room.
    fn make_room(&mut self, frame: Frame, shed: bool, reply: Reply, ctx: &mut Context<Self>) {
        if shed {
            let command = Command::ShedFrame { frame: frame.clone() };
            return self.conclude(command, Waiting { frame, replies: vec![reply] }, ctx);
        }
        self.stand_in_line(Waiting { frame, replies: vec![reply] }, ctx);
    }

    /// One frame may wait. Of two the newer does; the other is superseded and has its outcome at once.
    fn stand_in_line(&mut self, new: Waiting, ctx: &mut Context<Self>) {
        if self.work.is_none() {
            return self.begin(new.frame, new.replies, ctx);
        }
        let Some(old) = self.waiting.take() else {
            self.waiting = Some(Box::new(new));
            return;
        };
        let (loser, winner) = if old.frame.captured_at <= new.frame.captured_at { (*old, new) } else { (new, *old) };
        let by = winner.frame.id;
        self.waiting = Some(Box::new(winner));
        self.conclude(Command::SupersedeFrame { frame: loser.frame.clone(), by }, loser, ctx);
    }

    /// Gives a frame that is not under way its outcome.
    fn conclude(&mut self, command: Command, waiting: Waiting, ctx: &mut Context<Self>) {
        let id = EventId::outcome_of(waiting.frame.id);
        let Ok(decision) = self.decide(&command) else { return };
        self.commit(decision, ctx, move |warden, committed, ctx| {
            let (answer, stale) = match committed {
                Ok(committed) => {
                    let at = committed.events.iter().position(|new| new.id == id).unwrap_or(0);
                    let event = committed.events[at].event.clone();
                    (
                        Ok(Outcome { id, position: Position(committed.first.0 + at as u64), event, repeated: false }),
                        None,
                    )
                }
                Err(stale) => (Err(stale.clone()), Some(stale)),
            };
            for reply in waiting.replies {
                let _ = reply.send(answer.clone());
            }
            if let Some(Stale::Gone) = stale {
                warden.retire(ctx);
            }
        });
    }

    /// A step beside the frame under way, of which nobody waits for the result.
    fn step_aside(&mut self, command: &Command, ctx: &mut Context<Self>) {
        let Ok(decision) = self.decide(command) else { return };
        self.commit(decision, ctx, |warden, committed, ctx| match committed {
            Ok(_) => {}
            Err(Stale::Gone) => warden.retire(ctx),
            Err(stale) => tracing::warn!(channel = %warden.channel, ?stale, "not recorded now; it will be tried again"),
        });
    }
}

impl Handler<Order> for Warden {
    type Result = ();

    fn handle(&mut self, order: Order, ctx: &mut Context<Self>) {
        let Order { command, reply, .. } = order;
        if let Life::Unreadable(reason) = &self.life {
            let _ = reply.send(Err(Stale::Unreadable(reason.clone())));
            return;
        }
        // A request that was carried out before changes nothing and is answered as it was.
        if let Some(done) = command.first_event()
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
        self.step_aside(&Command::Tick, ctx);
    }
}

impl Handler<Reconsider> for Warden {
    type Result = ();

    fn handle(&mut self, _: Reconsider, ctx: &mut Context<Self>) {
        self.policy = self.parts.house.policies.borrow().for_channel(&self.channel).cloned();
        self.step_aside(&Command::ReconsiderPolicy, ctx);
    }
}

impl Handler<Rest> for Warden {
    type Result = ();

    fn handle(&mut self, rest: Rest, ctx: &mut Context<Self>) {
        let idle = self.work.is_none() && self.waiting.is_none();
        match rest.reply {
            Some(reply) => {
                self.rest = Some(reply);
                if idle {
                    self.retire(ctx);
                }
            }
            None if idle && !self.gauge.live.get() => self.retire(ctx),
            None => {}
        }
    }
}
