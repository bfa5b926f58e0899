//! Kept pictures whose time is over. Reads the journal from a place of its own up to what is young enough, deletes the
//! pictures it passes from the content store, and says so in one event per step. Knows which events keep a picture and
//! when; must not know who looks at them. Copies in a bucket end by the bucket's own lifecycle rule.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::events::{Actor, Event, EventType, EvidenceExpired, NewEvent, Recorded};
use crate::journal::content::{self, ContentError};
use crate::journal::{Append, AppendError, Appended, Expected, Journal, READ_LIMIT_MAX, ReadError};
use crate::model::{ConsumerName, ContentRef, EventId, Position, Scope, SystemScope};

/// The place it keeps in the journal.
const PLACE: &str = "evidence-retention";
/// Pictures deleted in one step, which one event tells of.
const PICTURES_PER_STEP_MAX: usize = 500;
/// Reads of one step; each is bounded by the journal.
const READS_PER_STEP_MAX: usize = 20;
/// From one look to the next when nothing is left to do.
const EVERY: Duration = Duration::from_secs(3600);
/// Between two steps while there is: pictures are deleted beside live channels.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a step was not finished. What it deleted is deleted; the next one says so.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event about a kept picture is not understood: what it names must not be guessed.
    #[error("the event at position {position} is not understood: {reason}")]
    Strange {
        /// Where it stands.
        position: Position,
        /// Why.
        reason: String,
    },
    /// A picture cannot be deleted.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// That pictures were deleted cannot be recorded.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// How many pictures it deleted.
    pub pictures: u32,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// Deletes kept pictures whose time is over.
pub struct Retention {
    journal: Arc<dyn Journal>,
    content: Arc<content::Store>,
    /// The time by which the journal records.
    wall: Arc<dyn Clock>,
    keep: Duration,
    place: ConsumerName,
}

impl Retention {
    /// Pictures are kept for `keep` after they were recorded.
    pub fn new(journal: Arc<dyn Journal>, content: Arc<content::Store>, wall: Arc<dyn Clock>, keep: Duration) -> Self {
        let place = ConsumerName::new(PLACE).expect("a short name of letters and a hyphen");
        Self { journal, content, wall, keep, place }
    }

    /// Looks again and again until asked to stop. A step that fails is tried again at the next look.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let retention = Arc::new(self);
        loop {
            let stepping = retention.clone();
            let wait = match tokio::task::spawn_blocking(move || stepping.step()).await {
                Ok(Ok(Step { pictures, more })) => {
                    if pictures > 0 {
                        tracing::info!(pictures, "kept pictures whose time is over were deleted");
                    }
                    if more { PAUSE } else { EVERY }
                }
                Ok(Err(error)) => {
                    let causes = std::iter::successors(Some(&error as &dyn Error), |&error| error.source());
                    let causes = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
                    tracing::error!("pictures whose time is over are still kept: {causes}");
                    EVERY
                }
                Err(broke) => {
                    tracing::error!("pictures whose time is over are still kept: {broke}");
                    EVERY
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One bounded step. Blocks.
    pub fn step(&self) -> Result<Step, RetentionError> {
        let after = self.journal.cursor(&self.place)?.unwrap_or(Position(0));
        let keep_ms = u64::try_from(self.keep.as_millis()).unwrap_or(u64::MAX);
        let kept_before = self.wall.now().minus_ms(keep_ms);
        let (mut through, mut due, mut more) = (after, Vec::new(), true);
        'reading: for _ in 0..READS_PER_STEP_MAX {
            let events = self.journal.read(through, READ_LIMIT_MAX)?;
            more = !events.is_empty();
            for recorded in &events {
                if recorded.envelope.recorded_at >= kept_before {
                    more = false;
                    break 'reading;
                }
                due.extend(kept_by(recorded)?);
                through = recorded.envelope.position;
                if due.len() == PICTURES_PER_STEP_MAX {
                    break 'reading;
                }
            }
            if !more {
                break;
            }
        }
        let mut bytes = 0;
        for content in &due {
            // Also one that an unfinished step before this has deleted already: it is told of once, here.
            self.content.expire(content)?;
            bytes += u64::from(content.bytes);
        }
        let pictures = due.len() as u32; // at most PICTURES_PER_STEP_MAX
        if pictures > 0 {
            through = self.record(EvidenceExpired { after, through, kept_before, pictures, bytes })?;
        }
        if through > after {
            self.journal.save_cursor(&self.place, through).wait()?;
        }
        Ok(Step { pictures, more })
    }

    /// Records a step; says how far it reached. One that was recorded before its place was kept reached as far as it
    /// says itself: what this one deleted beyond it is told of by the next.
    fn record(&self, expired: EvidenceExpired) -> Result<Position, RetentionError> {
        let through = expired.through;
        let id = EventId::of_command("evidence expired", &[&expired.after.0.to_be_bytes()]);
        let event = NewEvent {
            id,
            event: expired.into(),
            captured_at: None,
            actor: Actor::service("evidence"),
            causation: None,
            correlation: Some(id),
        };
        let scope = Scope::from(SystemScope::Store);
        match self.journal.append(Append { scope, expected: Expected::Any, events: vec![event] }).wait() {
            Ok(Appended::New { .. } | Appended::Repeated { .. }) => Ok(through),
            Err(AppendError::IdTaken { position, .. }) => match self.journal.find(id)?.map(|found| found.event()) {
                Some(Ok(Event::EvidenceExpired(told))) => Ok(told.through),
                _ => Err(RetentionError::Strange { position, reason: "expected EvidenceExpired".to_owned() }),
            },
            Err(error) => Err(error.into()),
        }
    }
}

/// The picture that an event says is kept, if it does.
fn kept_by(recorded: &Recorded) -> Result<Option<ContentRef>, RetentionError> {
    let envelope = &recorded.envelope;
    if envelope.event_type != EventType::EvidenceStored.name() {
        return Ok(None);
    }
    match recorded.event() {
        Ok(Event::EvidenceStored(stored)) => Ok(Some(stored.content)),
        Ok(_) => Ok(None),
        Err(error) => Err(RetentionError::Strange { position: envelope.position, reason: error.to_string() }),
    }
}
