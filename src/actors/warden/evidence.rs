//! Keeping the picture of a frame, after the frame's outcome is durable and beside everything else.
//!
//! The picture is on the disk before the event that says where it is. Nobody waits for it: a frame is judged and
//! answered whether or not its picture can be kept, and one that cannot is logged and counted. A process that ends in
//! between leaves the decision without its picture, never a decision that was not made.

use std::sync::Arc;

use actix::Context;
use tokio::sync::Semaphore;

use super::super::system::{Evidence, Outcome};
use super::messages::Stale;
use super::{Warden, Work};
use crate::events::Event;
use crate::model::{ChannelId, Verdict};
use crate::telemetry::metrics;
use crate::warden::Command;

/// Pictures on their way to the disk may take so many KiB of memory, per arbiter: a thousand usual ones, sixteen of the
/// largest. Beyond it a picture is not kept.
const IN_LINE_KIB_MAX: usize = 256 * 1024;
/// Pictures being written at the same time, per arbiter. Each waits for a few syncs of the disk.
const WRITERS_MAX: usize = 2;

/// A picture on its way. Dropped before it is kept, as when its warden ends meanwhile, it says that it was lost.
struct OnItsWay {
    channel: ChannelId,
    lost: Option<&'static str>,
}

impl OnItsWay {
    fn of(channel: &ChannelId) -> Self {
        Self { channel: channel.clone(), lost: Some("its warden ended meanwhile") }
    }

    fn kept(mut self) {
        self.lost = None;
    }

    fn lost(mut self, reason: &str) {
        self.lost = None;
        unkept(&self.channel, reason);
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        if let Some(reason) = self.lost {
            unkept(&self.channel, reason);
        }
    }
}

fn unkept(channel: &ChannelId, reason: &str) {
    metrics().content.unkept();
    tracing::warn!(%channel, "a picture was not kept as evidence: {reason}");
}

/// Room for pictures on their way to the disk.
pub(in crate::actors) struct EvidenceRoom {
    in_line_kib: Arc<Semaphore>,
    writers: Arc<Semaphore>,
}

impl EvidenceRoom {
    pub(in crate::actors) fn new() -> Self {
        Self { in_line_kib: Arc::new(Semaphore::new(IN_LINE_KIB_MAX)), writers: Arc::new(Semaphore::new(WRITERS_MAX)) }
    }
}

impl Warden {
    /// Keeps the picture of the frame that came to this outcome, if the outcome asks for it.
    pub(super) fn keep_evidence(&mut self, outcome: &Outcome, work: &Work, ctx: &mut Context<Self>) {
        let Event::FrameAssessed(assessed) = &outcome.event else { return };
        let Some((_, _, bytes)) = work.seen.as_ref().filter(|_| self.is_asked_for(outcome, assessed.verdict)) else {
            return;
        };
        let Some(content) = self.parts.house.content.clone() else { return };
        let room = &self.parts.evidence;
        let kib = (bytes.len() / 1024 + 1) as u32; // a picture has at most a few MiB
        let Ok(permit) = room.in_line_kib.clone().try_acquire_many_owned(kib) else {
            return unkept(&self.channel, "too many pictures are on their way to the disk");
        };
        let (frame, captured_at, image) = (work.frame.id, work.frame.captured_at, assessed.image.sha256);
        let (bytes, writers, subject) = (bytes.clone(), room.writers.clone(), format!("channel/{}", self.channel));
        let keeping = async move {
            let writer = writers.acquire_owned().await;
            let kept = tokio::task::spawn_blocking(move || {
                let _held = (permit, writer);
                content.put(&subject, &bytes)
            });
            match kept.await {
                Ok(Ok(content)) => Ok(content),
                Ok(Err(error)) => Err(error.to_string()),
                Err(broke) => Err(broke.to_string()),
            }
        };
        self.keeping += 1;
        let picture = OnItsWay::of(&self.channel);
        self.beside(keeping, ctx, move |warden, kept, ctx| match kept {
            Ok(content) => warden.kept(picture, Command::KeepEvidence { frame, captured_at, image, content }, ctx),
            Err(reason) => {
                picture.lost(&reason);
                warden.kept_one(ctx);
            }
        });
    }

    fn is_asked_for(&self, outcome: &Outcome, verdict: Verdict) -> bool {
        let by_verdict = match self.parts.house.settings.evidence {
            Evidence::None => false,
            Evidence::NotClear => verdict != Verdict::Clear,
            Evidence::Assessed => true,
        };
        by_verdict && !outcome.repeated
    }

    /// The picture is on the disk: say where.
    fn kept(&mut self, picture: OnItsWay, command: Command, ctx: &mut Context<Self>) {
        let decision = match self.decide(&command) {
            Ok(decision) => decision,
            Err(rejection) => {
                picture.lost(&format!("the warden refuses to say where it is: {rejection}"));
                return self.kept_one(ctx);
            }
        };
        self.commit(decision, ctx, |warden, committed, ctx| match committed {
            Ok(_) => {
                picture.kept();
                warden.kept_one(ctx);
            }
            Err(Stale::Gone) => warden.retire(ctx), // dropping the picture says that it is lost
            Err(stale) => {
                picture.lost(&format!("where it is could not be recorded: {stale:?}"));
                warden.kept_one(ctx);
            }
        });
    }

    fn kept_one(&mut self, ctx: &mut Context<Self>) {
        self.keeping = self.keeping.saturating_sub(1);
        if self.rest.is_some() && self.is_idle() {
            self.retire(ctx);
        }
    }
}
