//! Asking another provider about a share of the judged frames, after their outcome is durable and beside everything else,
//! so that its answers can be compared with those that decided.
//!
//! Nothing rests on what it says, and nobody waits for it. There is room for a few at a time; where there is none, or calls
//! run short, or others wait for that provider, a frame is not compared: what is compared is a sample, and a smaller one says the same less surely.

use std::sync::{Arc, PoisonError};

use actix::Context;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::ask::Shown;
use super::super::system::Outcome;
use super::asking::{Among, Keeping, give_back, spend};
use super::{Warden, Work};
use crate::events::{Event, OpinionRole};
use crate::model::FrameOrigin;
use crate::policy::arrangement::Who;
use crate::providers::Subject;
use crate::reputation::budget::Need;
use crate::warden::Command;

/// Frames being compared at the same time, per arbiter: each holds its picture.
const COMPARED_MAX: usize = 8;

/// Room for frames that are compared.
pub(in crate::actors) struct ComparingRoom(Arc<Semaphore>);

impl ComparingRoom {
    pub(in crate::actors) fn new() -> Self {
        Self(Arc::new(Semaphore::new(COMPARED_MAX)))
    }

    fn take(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().try_acquire_owned().ok()
    }
}

impl Warden {
    /// Asks whom the policy compares with about the frame that came to this outcome, if it is one of the share and that
    /// provider has not been asked about it already.
    pub(super) fn compare(&mut self, outcome: &Outcome, work: &Work, ctx: &mut Context<Self>) {
        let (Event::FrameAssessed(_), false) = (&outcome.event, outcome.repeated) else { return };
        if self.rest.is_some() {
            return; // it is to rest, and nothing waits for a comparison
        }
        let Some(policy) = work.policy.clone() else { return };
        let Some(with) = policy.arrangement.compares(work.frame.id).cloned() else { return };
        if work.asked.iter().any(|name| **name == *with.as_str()) {
            return;
        }
        let image = match (&work.seen, &work.frame.origin) {
            (Some((.., bytes)), _) => Shown::Bytes(bytes.clone()),
            (None, FrameOrigin::S3(object)) => Shown::Object(object.clone()),
            (None, FrameOrigin::File(_) | FrameOrigin::Inline(_)) => return, // these are judged on their bytes
        };
        if let Some(purse) = &self.parts.purse {
            let now = self.parts.house.wall.now();
            if purse.lock().unwrap_or_else(PoisonError::into_inner).bar(now) > Need::default() {
                return;
            }
        }
        let Some(room) = self.parts.comparing.take() else { return };
        let among = Among::only(&self.parts.house.providers, &with);
        if !among.is_free() {
            return; // frames that are to be judged wait for it
        }
        let purse = self.parts.purse.clone();
        spend(purse.as_deref());
        let keeping = Keeping::of(self.parts.house.content.clone(), &self.channel);
        let (subject, within) = (Subject::of(&work.frame), self.parts.house.settings.frame_deadline);
        let asking = async move {
            let _room = room;
            let one = among.ask(Who::Named(&with), &subject, image, within, &keeping).await;
            if !one.was_called() {
                give_back(purse.as_deref());
            }
            one
        };
        let (frame, session, captured_at) = (work.frame.id, work.frame.session.clone(), work.frame.captured_at);
        self.keeping += 1;
        self.beside(asking, ctx, move |warden, one, ctx| {
            let opinion = one.into_opinion(OpinionRole::Compared);
            warden.record(Command::CompareProviders { frame, session, captured_at, policy, opinion }, None, ctx);
        });
    }
}
