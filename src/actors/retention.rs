//! Kept pictures whose time is over, and what was said in segments. Reads the journal from a place of its own up to what is
//! young enough, deletes what it passes from the content store, and says so in one event per step. Knows which events keep
//! something and when; must not know who looks at it. Copies in a bucket end by the bucket's own
//! lifecycle rule, or when their channel is erased.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::events::{Actor, Event, EventType, EvidenceExpired, NewEvent, Recorded};
use crate::journal::content::{self, ContentError};
use crate::journal::{Append, AppendError, Appended, Expected, Journal, READ_LIMIT_MAX, ReadError};
use crate::model::{ConsumerName, ContentRef, EventId, Position, Scope, SystemScope};

/// Things deleted in one step, which one event tells of.
const KEPT_PER_STEP_MAX: usize = 500;
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

/// What has a time for which it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptForATime {
    /// Pictures.
    Pictures,
    /// What was said in segments.
    Transcripts,
}

impl KeptForATime {
    /// The place that whoever deletes it keeps in the journal.
    const fn place(self) -> &'static str {
        match self {
            Self::Pictures => "evidence-retention",
            Self::Transcripts => "transcript-retention",
        }
    }

    /// In a word, and what the ids of the events that tell of it are made of.
    const fn name(self) -> &'static str {
        match self {
            Self::Pictures => "evidence",
            Self::Transcripts => "transcripts",
        }
    }
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// How much it deleted.
    pub deleted: u32,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// Deletes what is kept and whose time is over.
pub struct Retention {
    what: KeptForATime,
    journal: Arc<dyn Journal>,
    content: Arc<content::Store>,
    /// The time by which the journal records.
    wall: Arc<dyn Clock>,
    keep: Duration,
    place: ConsumerName,
}

impl Retention {
    /// `what` is kept for `keep` after it was recorded.
    pub fn new(
        what: KeptForATime,
        journal: Arc<dyn Journal>,
        content: Arc<content::Store>,
        wall: Arc<dyn Clock>,
        keep: Duration,
    ) -> Self {
        let place = ConsumerName::new(what.place()).expect("a short name of letters and a hyphen");
        Self { what, journal, content, wall, keep, place }
    }

    /// Looks again and again until asked to stop. A step that fails is tried again at the next look.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let (what, retention) = (self.what.name(), Arc::new(self));
        loop {
            let stepping = retention.clone();
            let wait = match tokio::task::spawn_blocking(move || stepping.step()).await {
                Ok(Ok(Step { deleted, more })) => {
                    if deleted > 0 {
                        tracing::info!(deleted, "kept {what} whose time is over: deleted");
                    }
                    if more { PAUSE } else { EVERY }
                }
                Ok(Err(error)) => {
                    let causes = std::iter::successors(Some(&error as &dyn Error), |&error| error.source());
                    let causes = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
                    tracing::error!("{what} whose time is over: still kept: {causes}");
                    EVERY
                }
                Err(broke) => {
                    tracing::error!("{what} whose time is over: still kept: {broke}");
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
                due.extend(kept_by(self.what, recorded)?);
                through = recorded.envelope.position;
                if due.len() == KEPT_PER_STEP_MAX {
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
        let deleted = due.len() as u32; // at most KEPT_PER_STEP_MAX
        if deleted > 0 {
            let (pictures, transcripts) = match self.what {
                KeptForATime::Pictures => (deleted, 0),
                KeptForATime::Transcripts => (0, deleted),
            };
            through = self.record(EvidenceExpired { after, through, kept_before, pictures, transcripts, bytes })?;
        }
        if through > after {
            self.journal.save_cursor(&self.place, through).wait()?;
        }
        Ok(Step { deleted, more })
    }

    /// Records a step; says how far it reached. One that was recorded before its place was kept reached as far as it
    /// says itself: what this one deleted beyond it is told of by the next.
    fn record(&self, expired: EvidenceExpired) -> Result<Position, RetentionError> {
        let through = expired.through;
        let id = EventId::of_command(&format!("{} expired", self.what.name()), &[&expired.after.0.to_be_bytes()]);
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

/// What an event says is kept, if it does.
fn kept_by(what: KeptForATime, recorded: &Recorded) -> Result<Option<ContentRef>, RetentionError> {
    let envelope = &recorded.envelope;
    let says = match what {
        KeptForATime::Pictures => EventType::EvidenceStored,
        KeptForATime::Transcripts => EventType::FrameAssessed,
    };
    if envelope.event_type != says.name() {
        return Ok(None);
    }
    match (what, recorded.event()) {
        (KeptForATime::Pictures, Ok(Event::EvidenceStored(stored))) => Ok(Some(stored.content)),
        (KeptForATime::Transcripts, Ok(Event::FrameAssessed(assessed))) => {
            Ok(assessed.spoken.and_then(|spoken| spoken.transcript))
        }
        (_, Ok(_)) => Ok(None),
        (_, Err(error)) => Err(RetentionError::Strange { position: envelope.position, reason: error.to_string() }),
    }
}
