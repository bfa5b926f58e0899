//! Work beside the warden, and the order in which what comes of it enters.
//!
//! `ctx.wait` keeps messages from a warden whose decision is on its way to the disk, but not the futures that it spawned:
//! actix polls the first of them in the same round in which a message was handled. What such a future brought would be
//! decided against a state that is about to change, and refused by the journal. So results wait here for their turn.

use std::collections::VecDeque;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::Warden;

/// What is done with a result.
type Entry = Box<dyn FnOnce(&mut Warden, &mut Context<Warden>)>;

/// Whether a decision is on its way to the disk, and what came meanwhile.
#[derive(Default)]
pub(super) struct Turns {
    is_taken: bool,
    /// In the order of coming; at most the frame's under way and one for each picture that is being kept.
    due: VecDeque<Entry>,
}

impl Turns {
    /// A decision is on its way to the disk.
    pub(super) fn take(&mut self) {
        debug_assert!(!self.is_taken, "one decision at a time: each is decided against what the one before left");
        self.is_taken = true;
    }

    /// It is there, or refused.
    pub(super) fn give_back(&mut self) {
        self.is_taken = false;
    }
}

impl Warden {
    /// Has `work` done beside the warden; `then` is told of its result when no decision is on its way to the disk.
    pub(super) fn beside<T: 'static>(
        &self,
        work: impl Future<Output = T> + 'static,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, T, &mut Context<Self>) + 'static,
    ) {
        ctx.spawn(work.into_actor(self).map(move |result, warden, ctx| {
            warden.turns.due.push_back(Box::new(move |warden, ctx| then(warden, result, ctx)));
            warden.go_on(ctx);
        }));
    }

    /// Lets in what waits, one after the other, until a decision goes to the disk again.
    pub(super) fn go_on(&mut self, ctx: &mut Context<Self>) {
        while !self.turns.is_taken {
            let Some(enter) = self.turns.due.pop_front() else {
                self.turns.due = VecDeque::new(); // a warden that idles holds no room for what may come
                return;
            };
            enter(self, ctx);
        }
    }
}
