//! Keeping the picture of a frame, after the frame's outcome is durable and beside everything else: in the content store
//! as the settings ask for it, and a copy in a bucket of what a warning rests on.
//!
//! The warden does it, and not a reader of the journal, because it has the bytes that were judged at hand: what lies
//! under a thumbnail's key later may be another picture. The picture is there before the event that says where it is.
//! Nobody waits for it: a frame is judged and answered whether or not its picture can be kept, and one that cannot is
//! recorded, logged and counted. A process that ends in between leaves the decision without its picture, never a
//! decision that was not made; the next one looks after it (`actors::keeper`).

use std::sync::Arc;
use std::time::Duration;

use actix::Context;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::deposit::{Deposit, Deposited};
use super::super::objects::fetch;
use super::super::system::{Evidence, Outcome, Parts};
use super::messages::Stale;
use super::{Warden, Work};
use crate::events::{BucketObject, Event, EvidencePlace, FrameAssessed};
use crate::journal::content;
use crate::model::{
    ChannelId, EventId, Frame, FrameId, FrameOrigin, ImageFormat, S3Object, Sha256, Timestamp, Verdict, subjects,
};
use crate::telemetry::metrics;
use crate::warden::Command;

/// Pictures on their way may take so many KiB of memory, per arbiter and place: a thousand usual ones, sixteen of the
/// largest. Beyond it a picture is not kept.
const IN_LINE_KIB_MAX: usize = 256 * 1024;
/// Pictures being written at the same time, per arbiter. Each waits for a few syncs of the disk.
const WRITERS_MAX: usize = 2;
/// Pictures being copied into a bucket at the same time, per arbiter.
const COPIERS_MAX: usize = 8;
/// How long a copy may wait for its turn, and before that for its picture to be fetched. The calls have a time of their
/// own.
pub(in crate::actors) const TURN_WITHIN: Duration = Duration::from_secs(20);

/// Room for pictures on their way.
pub(in crate::actors) struct EvidenceRoom {
    store: Line,
    bucket: Line,
}

/// Who is on the way to one place.
struct Line {
    kib: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// A picture on its way. Dropped before it is kept, as when its warden ends meanwhile, it says that it was lost.
pub(super) struct OnItsWay {
    channel: ChannelId,
    place: EvidencePlace,
    lost: Option<&'static str>,
}

impl EvidenceRoom {
    pub(in crate::actors) fn new() -> Self {
        Self { store: Line::of(WRITERS_MAX), bucket: Line::of(COPIERS_MAX) }
    }
}

impl Line {
    fn of(turns: usize) -> Self {
        Self { kib: Arc::new(Semaphore::new(IN_LINE_KIB_MAX)), turns: Arc::new(Semaphore::new(turns)) }
    }

    fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = (bytes / 1024 + 1) as u32; // a picture has at most a few MiB
        self.kib.clone().try_acquire_many_owned(kib).ok()
    }
}

impl OnItsWay {
    fn kept(mut self) {
        self.lost = None;
    }

    fn lost(mut self, reason: &str) {
        self.lost = None;
        self.say(reason);
    }

    fn say(&self, reason: &str) {
        metrics().content.unkept();
        let (channel, place) = (&self.channel, self.place);
        tracing::warn!(%channel, ?place, "a picture was not kept as evidence: {reason}");
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        if let Some(reason) = self.lost {
            self.say(reason);
        }
    }
}

impl Warden {
    /// Keeps the picture of the frame that came to this outcome, wherever that is asked for.
    pub(super) fn keep_evidence(&mut self, outcome: &Outcome, work: &Work, ctx: &mut Context<Self>) {
        let Event::FrameAssessed(assessed) = &outcome.event else { return };
        let wanted = wanted(&self.parts.house, assessed);
        if outcome.repeated || wanted.is_empty() {
            return;
        }
        match (&work.seen, &work.frame.origin) {
            (Some((measured, _, bytes)), _) => {
                let (image, format) = (measured.image.sha256, measured.image.format);
                let picture = self.picture(&work.frame, image, format, bytes.clone());
                self.keep_all(&wanted, &picture, work.erasures, ctx);
            }
            (None, FrameOrigin::S3(object)) => self.fetch_to_keep(wanted, work, object.clone(), ctx),
            (None, FrameOrigin::File(_) | FrameOrigin::Inline(_)) => {} // a frame of these is judged on its bytes
        }
    }

    /// A frame came again that has this outcome. If an earlier process should have kept its picture, somebody looks whether
    /// it did: here is known where the picture is.
    pub(super) fn look_after_evidence(&self, outcome: &Outcome, frame: &Frame) {
        let Event::FrameAssessed(assessed) = &outcome.event else { return };
        let (again, journal) = (&self.parts.again, &self.parts.house.journal);
        let is_lost = |place: &EvidencePlace| said_as(frame.id, *place).iter().all(|said| !journal.may_hold(*said));
        if outcome.position <= again.begun && wanted(&self.parts.house, assessed).iter().any(is_lost) {
            again.came(frame);
        }
    }

    fn picture(&self, frame: &Frame, image: Sha256, format: ImageFormat, bytes: Arc<[u8]>) -> Deposited {
        let (channel, captured_at) = (self.channel.clone(), frame.captured_at);
        Deposited { channel, frame: frame.id, captured_at, image, format, bytes }
    }

    fn keep_all(&mut self, wanted: &[EvidencePlace], picture: &Deposited, erasures: u64, ctx: &mut Context<Self>) {
        for place in wanted {
            let line = match place {
                EvidencePlace::Store => &self.parts.evidence.store,
                EvidencePlace::Bucket => &self.parts.evidence.bucket,
            };
            let (room, turns, picture) = (line.take(picture.bytes.len()), line.turns.clone(), picture.clone());
            match place {
                EvidencePlace::Store => {
                    let Some(content) = self.parts.house.content.clone() else { continue };
                    self.keep(*place, &picture.clone(), store(content, picture, erasures, room, turns), ctx);
                }
                EvidencePlace::Bucket => {
                    let Some(copies) = self.parts.house.copies.clone() else { continue };
                    self.keep(*place, &picture.clone(), copy(copies, picture, room, turns), ctx);
                }
            }
        }
    }

    /// The provider read the picture in its bucket itself. It is fetched by its version, which is what was judged, and
    /// whatever lies under its key by now.
    fn fetch_to_keep(&mut self, wanted: Vec<EvidencePlace>, work: &Work, object: S3Object, ctx: &mut Context<Self>) {
        let (objects, fetches) = (self.parts.house.objects.clone(), self.parts.fetches.clone());
        let (frame, erasures) = (work.frame.clone(), work.erasures);
        let (id, limits) = (frame.id, *self.parts.house.imaging.limits());
        let fetching = async move {
            let _permit = fetches.acquire_owned().await;
            let bytes = fetch(objects, id, &object, limits.bytes_max).await.map_err(|(unseen, _)| unseen.reason)?;
            let digesting = tokio::task::spawn_blocking(move || {
                let format = limits.sniff(&bytes).map_err(|error| error.to_string())?;
                Ok((Sha256::of(&bytes), format, bytes))
            });
            digesting.await.map_err(|broke| broke.to_string())?
        };
        let fetching = async move {
            let late = |_| Err(format!("it was not fetched within {} s", TURN_WITHIN.as_secs()));
            tokio::time::timeout(TURN_WITHIN, fetching).await.unwrap_or_else(late)
        };
        self.keeping += 1;
        self.beside(fetching, ctx, move |warden, fetched: Result<_, String>, ctx| {
            match fetched {
                Ok((image, format, bytes)) => {
                    let picture = warden.picture(&frame, image, format, bytes);
                    warden.keep_all(&wanted, &picture, erasures, ctx);
                }
                Err(reason) => {
                    for place in wanted {
                        let unkept = std::future::ready(Err(reason.clone()));
                        warden.keep_or_miss(place, frame.id, frame.captured_at, None, unkept, ctx);
                    }
                }
            }
            warden.kept_one(ctx);
        });
    }

    /// Says what became of the picture when `keeping` has ended: what it came to, or why to nothing.
    fn keep(
        &mut self,
        place: EvidencePlace,
        picture: &Deposited,
        keeping: impl Future<Output = Result<Command, String>> + 'static,
        ctx: &mut Context<Self>,
    ) {
        self.keep_or_miss(place, picture.frame, picture.captured_at, Some(picture.image), keeping, ctx);
    }

    fn keep_or_miss(
        &mut self,
        place: EvidencePlace,
        frame: FrameId,
        captured_at: Timestamp,
        image: Option<Sha256>,
        keeping: impl Future<Output = Result<Command, String>> + 'static,
        ctx: &mut Context<Self>,
    ) {
        self.keeping += 1;
        let on_its_way = OnItsWay { channel: self.channel.clone(), place, lost: Some("its warden ended meanwhile") };
        self.beside(keeping, ctx, move |warden, kept, ctx| match kept {
            Ok(command) => warden.record(command, Some(on_its_way), ctx),
            Err(reason) => {
                on_its_way.lost(&reason);
                warden.record(Command::MissEvidence { frame, captured_at, image, place, reason }, None, ctx);
            }
        });
    }

    /// Makes durable what came of something beside the frame under way, such as what became of a picture.
    pub(super) fn record(&mut self, command: Command, kept: Option<OnItsWay>, ctx: &mut Context<Self>) {
        let decision = match self.decide(&command) {
            Ok(decision) => decision,
            Err(rejection) => {
                if let Some(picture) = kept {
                    picture.lost(&format!("the warden refuses to say where it is: {rejection}"));
                }
                return self.kept_one(ctx);
            }
        };
        self.commit(decision, ctx, |warden, committed, ctx| match (committed, kept) {
            (Err(Stale::Gone), _) => warden.retire(ctx), // dropping the picture says that it is lost
            (Ok(_), kept) => {
                if let Some(picture) = kept {
                    picture.kept();
                }
                warden.kept_one(ctx);
            }
            (Err(stale), kept) => {
                if let Some(picture) = kept {
                    picture.lost(&format!("where it is could not be recorded: {stale:?}"));
                }
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

/// Where the picture of a frame with this outcome is to be kept.
pub(in crate::actors) fn wanted(house: &Parts, assessed: &FrameAssessed) -> Vec<EvidencePlace> {
    if !assessed.medium.is_picture() {
        return Vec::new();
    }
    let asked_for = match house.settings.evidence {
        Evidence::None => false,
        Evidence::NotClear => assessed.verdict != Verdict::Clear,
        Evidence::Assessed => true,
    };
    let store = (house.content.is_some() && asked_for).then_some(EvidencePlace::Store);
    let bucket = (house.copies.is_some() && assessed.bears_a_warning()).then_some(EvidencePlace::Bucket);
    store.into_iter().chain(bucket).collect()
}

/// The events of which one says what became of a frame's picture at that place.
pub(in crate::actors) fn said_as(frame: FrameId, place: EvidencePlace) -> [EventId; 2] {
    let kept = match place {
        EvidencePlace::Store => Command::evidence_id(frame),
        EvidencePlace::Bucket => Command::copy_id(frame),
    };
    [kept, Command::unkept_id(frame, place)]
}

async fn store(
    content: Arc<content::Store>,
    picture: Deposited,
    erasures: u64,
    room: Option<OwnedSemaphorePermit>,
    turns: Arc<Semaphore>,
) -> Result<Command, String> {
    let Deposited { channel, frame, captured_at, image, bytes, format: _ } = picture;
    let room = room.ok_or("too many pictures are on their way to the disk")?;
    let turn = turns.acquire_owned().await;
    let kept = tokio::task::spawn_blocking(move || {
        let _held = (room, turn);
        fail::fail_point!(&format!("evidence.store {channel}"));
        content.put_unless_erased(&subjects::of_channel(&channel), erasures, &bytes)
    });
    let content = kept.await.map_err(|broke| broke.to_string())?.map_err(|error| error.to_string())?;
    Ok(Command::KeepEvidence { frame, captured_at, image, content })
}

async fn copy(
    copies: Arc<Deposit>,
    picture: Deposited,
    room: Option<OwnedSemaphorePermit>,
    turns: Arc<Semaphore>,
) -> Result<Command, String> {
    let _room = room.ok_or("too many pictures are on their way to the bucket")?;
    let turn = tokio::time::timeout(TURN_WITHIN, turns.acquire_owned()).await;
    let _turn = turn.map_err(|_| format!("its turn did not come within {} s", TURN_WITHIN.as_secs()))?;
    let object = BucketObject::from(&copies.put(&picture).await.map_err(|error| error.to_string())?);
    let Deposited { frame, captured_at, image, bytes, .. } = picture;
    let bytes = bytes.len() as u32; // a picture has at most a few MiB
    Ok(Command::CopyEvidence { frame, captured_at, image, bytes, object })
}
