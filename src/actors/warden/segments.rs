//! A segment of the channel, from being taken up to its outcome: beside the frames that are pictures, and never before
//! one. Of each medium one is under way and one waits; of two that wait the newer does.
//!
//! The call for a segment takes seconds, up to a minute. So it has a place, a time and room of its own, and only its
//! decisions go through the warden's one turn. Who is put to rest does not wait for it: the segment has no outcome then,
//! and is announced again.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use actix::Context;

use super::super::system::Outcome;
use super::asking::{Keeping, give_back, spend};
use super::hearing::{Heard, Hearing, Heeded};
use super::messages::{Reply, Stale};
use super::under_way::outcome_again;
use super::{Committed, Waiting, Warden};
use crate::events::Recorded;
use crate::model::{EventId, Frame, Medium, Position};
use crate::policy::Policy;
use crate::telemetry::metrics;
use crate::telemetry::metrics::Held;
use crate::warden::{Beside, Command, Next};

/// The segments of a channel that are with its warden.
#[derive(Default)]
pub(super) struct Segments {
    clips: Slot,
    sound: Slot,
}

/// Those of one medium.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) work: Option<Box<Judging>>,
    pub(super) waiting: Option<Box<Waiting>>,
}

/// The segment under way.
pub(super) struct Judging {
    pub(super) frame: Frame,
    pub(super) replies: Vec<Reply>,
    /// The policy version in force when it was taken up: it is judged wholly under that one.
    policy: Option<Arc<Policy>>,
    begun: Instant,
    _counted: Held,
}

impl Segments {
    /// The place of a medium; none for pictures, which have the warden's own.
    pub(super) fn slot(&mut self, medium: Medium) -> Option<&mut Slot> {
        match medium {
            Medium::Picture => None,
            Medium::Clip => Some(&mut self.clips),
            Medium::Sound => Some(&mut self.sound),
        }
    }

    /// Whether nothing is under way or in line.
    pub(super) fn is_idle(&self) -> bool {
        [&self.clips, &self.sound].iter().all(|slot| slot.work.is_none() && slot.waiting.is_none())
    }
}

impl Warden {
    /// Takes a segment up. A redelivery gets the outcome that it has.
    pub(super) fn begin_segment(&mut self, frame: Frame, replies: Vec<Reply>, ctx: &mut Context<Self>) {
        let (outcome, medium) = (EventId::outcome_of(frame.id), frame.medium);
        let Some(slot) = self.segments.slot(medium) else { return };
        let _counted = metrics().frames.under_way();
        slot.work = Some(Box::new(Judging { frame, replies, policy: None, begun: Instant::now(), _counted }));
        if !self.parts.house.journal.may_hold(outcome) {
            return self.take_segment(medium, ctx);
        }
        let journal = self.parts.house.journal.clone();
        let finding = async move { tokio::task::spawn_blocking(move || journal.find(outcome)).await };
        self.beside(finding, ctx, move |warden, found, ctx| match found {
            Ok(Ok(Some(recorded))) => warden.segment_redelivered(medium, &recorded, ctx),
            Ok(Ok(None)) => warden.take_segment(medium, ctx),
            Ok(Err(error)) => warden.abandon_segment(medium, Stale::Unreadable(error.to_string().into()), ctx),
            Err(error) => warden.abandon_segment(medium, Stale::Unreadable(error.to_string().into()), ctx),
        });
    }

    fn segment_redelivered(&mut self, medium: Medium, recorded: &Recorded, ctx: &mut Context<Self>) {
        let (outcome, print) = match outcome_again(recorded) {
            Ok(found) => found,
            Err(reason) => return self.abandon_segment(medium, Stale::Unreadable(reason.into()), ctx),
        };
        let Some(work) = self.judging(medium) else { return };
        if print.is_none_or(|print| print == work.frame.fingerprint) {
            return self.finish_segment(medium, &outcome, ctx);
        }
        let command = Command::ReportConflict { frame: work.frame.clone(), outcome: outcome.id };
        self.segment_step(medium, &command, ctx, move |warden, _, ctx| warden.finish_segment(medium, &outcome, ctx));
    }

    fn take_segment(&mut self, medium: Medium, ctx: &mut Context<Self>) {
        let policy = self.policy.clone(); // the one it is decided under now, and from here on
        let Some(work) = self.judging(medium) else { return };
        work.policy = policy;
        let command = Command::TakeFrame { frame: work.frame.clone() };
        self.segment_step(medium, &command, ctx, move |warden, committed, ctx| match committed.next {
            Some(Next::Ask) => warden.spend_segment(medium, ctx),
            Some(Next::Look) | None => warden.settle_segment(medium, &committed, ctx),
        });
    }

    /// Counts the call. None is withheld from a segment: its cadence is fixed.
    fn spend_segment(&mut self, medium: Medium, ctx: &mut Context<Self>) {
        let Some(purse) = self.parts.purse.clone() else { return self.hear(medium, ctx) };
        let bar = purse.lock().unwrap_or_else(PoisonError::into_inner).bar(self.parts.house.wall.now());
        metrics().providers.call_needs(bar.as_milli());
        let Some(work) = self.judging(medium) else { return };
        let Some(policy) = work.policy.clone() else { return self.abandon_segment(medium, Stale::Gone, ctx) };
        let command = Command::SpendCall { frame: work.frame.clone(), policy, bar };
        self.segment_step(medium, &command, ctx, move |warden, committed, ctx| match committed.next {
            Some(_) => {
                spend(Some(&*purse));
                warden.hear(medium, ctx);
            }
            None => warden.settle_segment(medium, &committed, ctx),
        });
    }

    /// Fetches the segment and asks about it.
    fn hear(&mut self, medium: Medium, ctx: &mut Context<Self>) {
        let within = self.parts.house.settings.segment_deadline;
        let Some(work) = self.judging(medium) else { return };
        let (frame, policy, spent) = (work.frame.clone(), work.policy.clone(), work.begun.elapsed());
        let listening = policy.as_ref().and_then(|policy| policy.listening(medium)).cloned();
        let (Some(policy), Some(listening)) = (policy, listening) else {
            return self.abandon_segment(medium, Stale::Gone, ctx); // cannot be: it was taken up under that policy
        };
        let house = &self.parts.house;
        let hearing = Hearing {
            frame,
            policy,
            provider: house.providers.named(&listening.judged_by),
            name: listening.judged_by,
            within: within.saturating_sub(spent),
            objects: house.objects.clone(),
            fetches: self.parts.fetches.clone(),
            room: self.parts.segments.clone(),
            keeping: Keeping::of(house.content.clone(), &self.channel),
            transcripts: house.settings.transcripts,
        };
        self.beside(hearing.run(), ctx, move |warden, heard, ctx| {
            if !heard.was_asked() {
                give_back(warden.parts.purse.as_deref());
            }
            warden.heard(medium, heard, ctx);
        });
    }

    fn heard(&mut self, medium: Medium, heard: Heard, ctx: &mut Context<Self>) {
        let channel = self.channel.clone();
        let Some(work) = self.judging(medium) else { return };
        let frame = work.frame.clone();
        let Heard { segment, took, said } = heard;
        let Some(policy) = work.policy.clone() else { return self.abandon_segment(medium, Stale::Gone, ctx) };
        let command = match said {
            Heeded::Answer(answer) => {
                Command::JudgeFrame {
                    frame,
                    policy,
                    shadow: None, // it is tried on pictures
                    measured: None,
                    segment,
                    answer,
                    beside: Beside::default(),
                    took,
                }
            }
            Heeded::NoTrack(sha256) => Command::FindNoTrack { frame, policy, sha256 },
            Heeded::Nothing(unanswered) => {
                let (stage, reason, attempts) = (unanswered.stage, unanswered.reason, unanswered.attempts);
                let medium = medium.name();
                tracing::warn!(%channel, frame = %frame.id, medium, ?stage, "a segment failed: {reason}");
                Command::FailFrame { frame, stage, reason, attempts, asked: None }
            }
        };
        self.segment_step(medium, &command, ctx, move |warden, committed, ctx| {
            warden.settle_segment(medium, &committed, ctx);
        });
    }

    /// The segment has its outcome.
    fn settle_segment(&mut self, medium: Medium, committed: &Committed, ctx: &mut Context<Self>) {
        let Some(work) = self.judging(medium) else { return };
        let id = EventId::outcome_of(work.frame.id);
        let Some((at, new)) = committed.events.iter().enumerate().find(|(_, new)| new.id == id) else {
            return self.abandon_segment(medium, Stale::Gone, ctx); // cannot be: a frame's last step has its outcome
        };
        let position = Position(committed.first.0 + at as u64);
        self.finish_segment(medium, &Outcome { id, position, event: new.event.clone(), repeated: false }, ctx);
    }

    fn finish_segment(&mut self, medium: Medium, outcome: &Outcome, ctx: &mut Context<Self>) {
        let Some(work) = self.segments.slot(medium).and_then(|slot| slot.work.take()) else { return };
        for reply in work.replies {
            let _ = reply.send(Ok(outcome.clone())); // who no longer waits has lost nothing: it is in the journal
        }
        self.next_segment(medium, ctx);
    }

    fn next_segment(&mut self, medium: Medium, ctx: &mut Context<Self>) {
        let Some(waiting) = self.segments.slot(medium).and_then(|slot| slot.waiting.take()) else { return };
        let Waiting { frame, replies, .. } = *waiting;
        self.begin_segment(frame, replies, ctx);
    }

    /// The segment cannot go on; nobody is told that it has an outcome.
    fn abandon_segment(&mut self, medium: Medium, stale: Stale, ctx: &mut Context<Self>) {
        if let Some(work) = self.segments.slot(medium).and_then(|slot| slot.work.take()) {
            for reply in work.replies {
                let _ = reply.send(Err(stale.clone()));
            }
        }
        match stale {
            Stale::Gone => self.retire(ctx),
            Stale::Journal(_) | Stale::Unreadable(_) | Stale::Closing => self.next_segment(medium, ctx),
        }
    }

    fn judging(&mut self, medium: Medium) -> Option<&mut Judging> {
        self.segments.slot(medium).and_then(|slot| slot.work.as_deref_mut())
    }

    /// One step of the segment under way. A frame's commands are never refused.
    fn segment_step(
        &mut self,
        medium: Medium,
        command: &Command,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, Committed, &mut Context<Self>) + 'static,
    ) {
        match self.decide(command) {
            Ok(decision) => self.commit(decision, ctx, move |warden, committed, ctx| match committed {
                Ok(committed) => then(warden, committed, ctx),
                Err(stale) => warden.abandon_segment(medium, stale, ctx),
            }),
            Err(_) => self.abandon_segment(medium, Stale::Gone, ctx),
        }
    }
}
