//! Frames that are offered: the same one again joins, one that has its outcome gets it, a new one waits in line, and of
//! two that wait the newer does.

use actix::{ActorFutureExt, Context, ContextFutureSpawner, Handler, WrapFuture};

use super::super::system::Outcome;
use super::messages::{Offer, Reply, Stale};
use super::under_way::outcome_again;
use super::{Life, Waiting, Warden};
use crate::events::Recorded;
use crate::model::{EventId, Frame, Medium, Position};
use crate::warden::Command;

impl Handler<Offer> for Warden {
    type Result = ();

    fn handle(&mut self, offer: Offer, ctx: &mut Context<Self>) {
        let Offer { frame, shed, reply, queued } = offer;
        drop(queued);
        if let Life::Unreadable(past) = &self.life {
            let _ = reply.send(Err(past.stale()));
            return;
        }
        // A frame under way, or waiting, is joined: one provider call, one outcome for all who offer it.
        if let Some((known, replies)) = self.same(&frame) {
            let conflict = known.fingerprint != frame.fingerprint;
            replies.push(reply);
            if conflict {
                let outcome = EventId::outcome_of(frame.id);
                self.step_aside(&Command::ReportConflict { frame, outcome }, ctx);
            }
            return;
        }
        if self.is_free(frame.medium) && !shed {
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
    /// The same frame, under way or in line, and those who wait for it.
    fn same(&mut self, frame: &Frame) -> Option<(&Frame, &mut Vec<Reply>)> {
        let (under_way, in_line) = match self.segments.slot(frame.medium) {
            Some(slot) => {
                let under_way = slot.work.as_mut().map(|work| (&work.frame, &mut work.replies));
                (under_way, slot.waiting.as_mut())
            }
            None => (self.work.as_mut().map(|work| (&work.frame, &mut work.replies)), self.waiting.as_mut()),
        };
        let in_line = in_line.map(|waiting| (&waiting.frame, &mut waiting.replies));
        under_way.into_iter().chain(in_line).find(|(known, _)| known.id == frame.id)
    }

    /// Whether no frame of that medium is under way.
    fn is_free(&mut self, medium: Medium) -> bool {
        match self.segments.slot(medium) {
            Some(slot) => slot.work.is_none(),
            None => self.work.is_none(),
        }
    }

    /// The place in line for frames of that medium.
    fn in_line(&mut self, medium: Medium) -> &mut Option<Box<Waiting>> {
        match self.segments.slot(medium) {
            Some(slot) => &mut slot.waiting,
            None => &mut self.waiting,
        }
    }

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
            return self.conclude(command, Waiting::new(frame, reply), ctx);
        }
        self.stand_in_line(Waiting::new(frame, reply), ctx);
    }

    /// One frame of a medium may wait. Of two the newer does; the other is superseded and has its outcome at once.
    fn stand_in_line(&mut self, new: Waiting, ctx: &mut Context<Self>) {
        let medium = new.frame.medium;
        if self.is_free(medium) {
            return self.begin(new.frame, new.replies, ctx);
        }
        let Some(old) = self.in_line(medium).take() else {
            *self.in_line(medium) = Some(Box::new(new));
            return;
        };
        let (loser, winner) = if old.frame.captured_at <= new.frame.captured_at { (*old, new) } else { (new, *old) };
        let by = winner.frame.id;
        *self.in_line(medium) = Some(Box::new(winner));
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
    pub(super) fn step_aside(&mut self, command: &Command, ctx: &mut Context<Self>) {
        let Ok(decision) = self.decide(command) else { return };
        self.commit(decision, ctx, |warden, committed, ctx| match committed {
            Ok(_) => {}
            Err(Stale::Gone) => warden.retire(ctx),
            Err(stale) => warden.parts.unrecorded(&warden.channel, &stale),
        });
    }
}
