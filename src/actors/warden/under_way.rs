//! The frame under way, from being taken up to its outcome. What takes time runs beside the warden, and its result
//! re-enters here as a command.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use actix::Context;

use super::super::ask::{Shown, Unanswered};
use super::super::look::{Looked, Unseen, look};
use super::super::objects::fetch;
use super::super::system::Outcome;
use super::asking::{Among, Asking, Heard, Keeping};
use super::messages::{Reply, Stale};
use super::{Committed, Life, Warden, Work};
use crate::events::{Event, FailedStage, Recorded, Timings};
use crate::model::{EventId, Fingerprint, Frame, FrameOrigin, Measurement, Position, S3Object, subjects};
use crate::providers::Subject;
use crate::telemetry::metrics;
use crate::warden::{Answered, Beside, Command, InVain, Next};

/// The most bytes of the key of an object that a provider reads itself: the event names it, and an event is bounded. A
/// thumbnail's has about 120.
const SHOWN_KEY_BYTES_MAX: usize = 300;

impl Warden {
    pub(super) fn begin(&mut self, frame: Frame, replies: Vec<Reply>, ctx: &mut Context<Self>) {
        if !frame.medium.is_picture() {
            return self.begin_segment(frame, replies, ctx);
        }
        let outcome = EventId::outcome_of(frame.id);
        self.gauge.frame.set(Some(frame.id));
        self.gauge.busy.set(true);
        let content = self.parts.house.content.as_ref();
        let erasures = content.map_or(0, |content| content.erasures_of(&subjects::of_channel(&self.channel)));
        self.work = Some(Box::new(Work {
            frame,
            replies,
            policy: self.policy.clone(),
            shadow: self.shadow.clone(),
            begun: Instant::now(),
            seen: None,
            took: Timings::default(),
            asked: Vec::new(),
            erasures,
            _counted: metrics().frames.under_way(),
        }));
        if !self.parts.house.journal.may_hold(outcome) {
            return self.take(ctx);
        }
        let journal = self.parts.house.journal.clone();
        let finding = async move { tokio::task::spawn_blocking(move || journal.find(outcome)).await };
        self.beside(finding, ctx, |warden, found, ctx| match found {
            Ok(Ok(Some(recorded))) => warden.redelivered(&recorded, ctx),
            Ok(Ok(None)) => warden.take(ctx),
            Ok(Err(error)) => warden.unreadable(error.to_string(), ctx),
            Err(error) => warden.unreadable(error.to_string(), ctx),
        });
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
            self.look_after_evidence(&outcome, &work.frame);
            return self.finish(&outcome, ctx);
        }
        let command = Command::ReportConflict { frame: work.frame.clone(), outcome: outcome.id };
        self.step(command, ctx, move |warden, _, ctx| warden.finish(&outcome, ctx));
    }

    fn take(&mut self, ctx: &mut Context<Self>) {
        let Some(work) = &mut self.work else { return };
        work.policy = self.policy.clone(); // the one it is decided under now, and from here on
        work.shadow = self.shadow.clone();
        let command = Command::TakeFrame { frame: work.frame.clone() };
        self.step(command, ctx, Self::proceed);
    }

    /// After a step of the frame under way: its outcome, or the next thing it needs.
    fn proceed(&mut self, committed: Committed, ctx: &mut Context<Self>) {
        if self.work.is_none() {
            return;
        }
        match committed.next {
            Some(Next::Look) if self.object_to_show().is_some() => self.spend(ctx),
            Some(Next::Look) => self.look(ctx),
            Some(Next::Ask) => self.spend(ctx),
            None => self.settle(&committed, ctx),
        }
    }

    /// The frame has its outcome.
    fn settle(&mut self, committed: &Committed, ctx: &mut Context<Self>) {
        let Some(work) = &self.work else { return };
        let id = EventId::outcome_of(work.frame.id);
        let Some((at, new)) = committed.events.iter().enumerate().find(|(_, new)| new.id == id) else {
            return self.abandon(Stale::Gone, ctx); // cannot be: a frame's last step has its outcome
        };
        if let Some((.., bytes)) = &work.seen {
            let last = Position(committed.first.0 + committed.events.len() as u64 - 1);
            let hit = match &new.event {
                Event::FrameAssessed(assessed) => Some(!assessed.rules.is_empty()),
                _ => None, // not judged: what it shows is known by the frame that it is like, or not at all
            };
            self.parts.pictures.put(&self.channel, work.frame.id, last, hit, bytes.clone());
        }
        let position = Position(committed.first.0 + at as u64);
        self.finish(&Outcome { id, position, event: new.event.clone(), repeated: false }, ctx);
    }

    /// Asks the provider, unless calls are counted and others have more need of this one.
    fn spend(&mut self, ctx: &mut Context<Self>) {
        let Some(purse) = self.parts.purse.clone() else { return self.ask(ctx) };
        let Some(work) = &self.work else { return };
        let Some(policy) = work.policy.clone() else { return self.abandon(Stale::Gone, ctx) };
        let bar = purse.lock().unwrap_or_else(PoisonError::into_inner).bar(self.parts.house.wall.now());
        metrics().providers.call_needs(bar.as_milli());
        let command = Command::SpendCall { frame: work.frame.clone(), policy, bar };
        self.step(command, ctx, move |warden, committed, ctx| match committed.next {
            Some(_) => {
                purse.lock().unwrap_or_else(PoisonError::into_inner).spend();
                warden.ask(ctx);
            }
            None => warden.settle(&committed, ctx),
        });
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let Some(work) = &self.work else { return };
        let (imaging, frame, looks) = (self.parts.house.imaging.clone(), work.frame.clone(), self.parts.looks.clone());
        let (objects, fetches) = (self.parts.house.objects.clone(), self.parts.fetches.clone());
        let left = self.time_left();
        let looking = async move {
            let fetched = match &frame.origin {
                FrameOrigin::S3(object) => {
                    let begun = Instant::now();
                    let _permit = fetches.acquire_owned().await;
                    Some((fetch(objects, frame.id, object, imaging.limits().bytes_max).await?, begun.elapsed()))
                }
                FrameOrigin::File(_) | FrameOrigin::Inline(_) => None,
            };
            let permit = looks.acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                let _permit = permit; // held while the thread works, also when nobody waits for it any more
                look(&imaging, &frame, fetched)
            })
            .await
            .unwrap_or_else(|broke| {
                let reason = format!("the decoder broke: {broke}");
                Err(Unseen { stage: FailedStage::Decode, reason })
            })
            .map_err(|unseen| (unseen, 1))
        };
        let looked = async move { tokio::time::timeout(left, looking).await };
        self.beside(looked, ctx, |warden, looked, ctx| match looked {
            Ok(Ok(looked)) => warden.looked(looked, ctx),
            Ok(Err((Unseen { stage, reason }, attempts))) => warden.fail(stage, reason, attempts, ctx),
            Err(_) => warden.fail(FailedStage::Deadline, "not fetched and decoded in time".to_owned(), 1, ctx),
        });
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
        let Some(policy) = work.policy.clone() else { return self.abandon(Stale::Gone, ctx) };
        let command = Command::CompareFrame { frame: work.frame.clone(), policy, measured };
        self.step(command, ctx, Self::proceed);
    }

    /// The object that the provider reads itself in place of being sent bytes: where nothing else needs them, because
    /// the policy compares no pictures; where its version makes sure that what is read is what was announced; and
    /// where its announced size is one that every provider takes which may be asked. Everything else is fetched.
    fn object_to_show(&self) -> Option<S3Object> {
        let work = self.work.as_ref()?;
        let FrameOrigin::S3(object) = &work.frame.origin else { return None };
        let policy = work.policy.as_ref().filter(|policy| policy.similarity.is_none())?;
        let providers = &self.parts.house.providers;
        let judging = Among::of(providers, &self.channel, policy).object_bytes_max()?;
        let bytes_max = match policy.arrangement.compares(work.frame.id) {
            Some(with) => judging.min(Among::only(providers, with).object_bytes_max()?),
            None => judging,
        };
        let fits = object.size.is_some_and(|bytes| bytes <= bytes_max) && object.key.len() <= SHOWN_KEY_BYTES_MAX;
        (fits && object.version.is_some()).then(|| object.clone())
    }

    fn ask(&mut self, ctx: &mut Context<Self>) {
        let Some(work) = &self.work else { return };
        let seen = work.seen.as_ref().map(|(_, _, bytes)| Shown::Bytes(bytes.clone()));
        let Some(image) = seen.or_else(|| self.object_to_show().map(Shown::Object)) else {
            return self.abandon(Stale::Gone, ctx);
        };
        let Some(policy) = work.policy.clone() else { return self.abandon(Stale::Gone, ctx) };
        let asking = Asking {
            subject: Subject::of(&work.frame),
            image,
            deadline: self.time_left(),
            among: Among::of(&self.parts.house.providers, &self.channel, &policy),
            keeping: Keeping::of(self.parts.house.content.clone(), &self.channel),
            purse: self.parts.purse.clone(),
            policy,
        };
        self.beside(asking.along_the_plan(), ctx, move |warden, heard, ctx| match heard {
            Heard::Decided { answer, beside, took } => warden.answered(answer, beside, took, ctx),
            Heard::Unanswered { unanswered: Unanswered { stage, reason, attempts }, asked } => {
                warden.fail_after(stage, reason, attempts, asked, ctx);
            }
        });
    }

    fn answered(&mut self, answer: Box<Answered>, beside: Beside, took: Duration, ctx: &mut Context<Self>) {
        let Some(work) = &mut self.work else { return };
        work.took.2 = took.as_millis() as u32;
        let others = beside.opinions.iter().map(|opinion| opinion.provider().name.clone());
        work.asked = others.chain([answer.provider.name.clone()]).collect();
        let Some(policy) = &work.policy else { return self.abandon(Stale::Gone, ctx) };
        let command = Command::JudgeFrame {
            frame: work.frame.clone(),
            policy: policy.clone(),
            shadow: work.shadow.clone(),
            measured: work.seen.as_ref().map(|(measured, ..)| measured.clone()),
            segment: None,
            answer,
            beside,
            took: work.took,
        };
        self.step(command, ctx, Self::proceed);
    }

    fn fail(&mut self, stage: FailedStage, reason: String, attempts: u8, ctx: &mut Context<Self>) {
        self.fail_after(stage, reason, attempts, None, ctx);
    }

    /// The frame failed; `asked` are those whom its policy's arrangement asked in vain.
    fn fail_after(
        &mut self,
        stage: FailedStage,
        reason: String,
        attempts: u8,
        asked: Option<Box<InVain>>,
        ctx: &mut Context<Self>,
    ) {
        let Some(work) = &self.work else { return };
        tracing::warn!(channel = %self.channel, frame = %work.frame.id, ?stage, "a frame failed: {reason}");
        let command = Command::FailFrame { frame: work.frame.clone(), stage, reason, attempts, asked };
        self.step(command, ctx, Self::proceed);
    }

    fn time_left(&self) -> Duration {
        let spent = self.work.as_ref().map_or(Duration::ZERO, |work| work.begun.elapsed());
        self.parts.house.settings.frame_deadline.saturating_sub(spent)
    }

    /// One step of the frame under way. A frame's commands are never refused.
    pub(super) fn step(
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
}

/// A recorded outcome as a redelivery gets it, and what the notification that led to it said.
pub(super) fn outcome_again(recorded: &Recorded) -> Result<(Outcome, Option<Fingerprint>), String> {
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
