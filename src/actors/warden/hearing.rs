//! Fetching a segment and asking about it, off the arbiters and within a time of its own.
//!
//! A segment is megabytes where a picture is kilobytes: what all of them together may hold in memory is bounded, and one
//! that there is no room for waits within its time. What was said in it is kept before anything is decided by it, apart
//! from everything else and under a key of its own; the events have no word of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::super::ask::{Shown, Unanswered, ask};
use super::super::look::read;
use super::super::objects::{Objects, fetch};
use super::super::system::Transcripts;
use super::asking::Keeping;
use crate::events::{FailedStage, SegmentFacts, Spoken, Timings};
use crate::media::{self, Of};
use crate::model::{ContentRef, Frame, FrameOrigin, Medium, ProviderName, Sha256, Transcript};
use crate::policy::{Policy, hits};
use crate::providers::{Answer, Provider, Subject};
use crate::warden::Answered;

/// The most bytes of a segment. Ten seconds at 8 Mbit/s are ten million.
const SEGMENT_BYTES_MAX: usize = 32 << 20;
/// In what room for segments is counted.
const MIB: u64 = 1 << 20;

/// A segment that is asked about.
pub(super) struct Hearing {
    pub frame: Frame,
    pub policy: Arc<Policy>,
    /// Who is asked, by name, and who that is.
    pub name: ProviderName,
    pub provider: Option<Arc<dyn Provider>>,
    /// For everything together.
    pub within: Duration,
    pub objects: Option<Arc<dyn Objects>>,
    /// Objects that are fetched at the same time.
    pub fetches: Arc<Semaphore>,
    /// Room for segments in memory, in MiB.
    pub room: Arc<Semaphore>,
    /// Where what is long or was said is kept.
    pub keeping: Keeping,
    /// Of which segments it is kept.
    pub transcripts: Transcripts,
}

/// What came of it.
pub(super) struct Heard {
    /// What is known of the segment; none if it was not fetched.
    pub segment: Option<Box<SegmentFacts>>,
    pub took: Timings,
    pub said: Heeded,
}

/// What was found in it.
pub(super) enum Heeded {
    /// Somebody answered.
    Answer(Box<Answered>),
    /// It says itself that it has no track of its medium, and nobody was asked.
    NoTrack(Sha256),
    /// Nobody answered.
    Nothing(Unanswered),
}

/// The bytes, what is known of them, and the room that they take until they are let go.
struct Fetched {
    bytes: Arc<[u8]>,
    facts: SegmentFacts,
    /// Whether it says itself that it has no track of its medium.
    no_track: bool,
    room: OwnedSemaphorePermit,
}

impl Heard {
    /// Whether anybody was called at all.
    pub(super) fn was_asked(&self) -> bool {
        match &self.said {
            Heeded::Answer(_) => true,
            Heeded::NoTrack(_) => false,
            Heeded::Nothing(unanswered) => self.segment.is_some() && unanswered.attempts > 0,
        }
    }
}

impl Hearing {
    pub(super) async fn run(self) -> Heard {
        let begun = Instant::now();
        let mut took = Timings::default();
        let nothing = |took, unanswered| Heard { segment: None, took, said: Heeded::Nothing(unanswered) };
        let Some(provider) = self.provider.clone() else {
            let reason = format!("there is no provider here that is called {}", self.name);
            return nothing(took, unheard(FailedStage::NoProvider, reason, 0));
        };
        let Fetched { bytes, facts, no_track, room } = match timeout(self.within, self.fetched()).await {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(unanswered)) => return nothing(took, unanswered),
            Err(_) => {
                let reason = format!("not fetched within {} ms", self.within.as_millis());
                return nothing(took, unheard(FailedStage::Deadline, reason, 1));
            }
        };
        took.0 = ms(begun.elapsed());
        if no_track {
            let said = Heeded::NoTrack(facts.sha256);
            return Heard { segment: Some(Box::new(facts)), took, said };
        }
        let asked = Instant::now();
        let floor = provider.floor();
        let shown = Shown::Segment(self.frame.medium, bytes);
        let answer =
            ask(Some(provider), &Subject::of(&self.frame), shown, self.within.saturating_sub(begun.elapsed())).await;
        drop(room);
        took.2 = ms(asked.elapsed());
        let said = match answer {
            Ok(answer) => {
                let left = self.within.saturating_sub(begun.elapsed());
                let Answer { provider, labels, unmapped, content_types, moments, transcript } = answer;
                let spoken = match transcript {
                    Some(transcript) => Some(Box::new(self.kept(*transcript, &provider.taxonomy, &labels, left).await)),
                    None => None,
                };
                let kept = None;
                let answer = Answered { provider, labels, kept, unmapped, content_types, floor, moments, spoken };
                self.keeping.keep(answer, self.within.saturating_sub(begun.elapsed())).await
            }
            Err(unanswered) => Err(unanswered),
        };
        let said = said.map_or_else(Heeded::Nothing, |answer| Heeded::Answer(Box::new(answer)));
        Heard { segment: Some(Box::new(facts)), took, said }
    }

    async fn fetched(&self) -> Result<Fetched, Unanswered> {
        let announced = match &self.frame.origin {
            FrameOrigin::S3(object) => object.size,
            FrameOrigin::Inline(bytes) => Some(bytes.len() as u64),
            FrameOrigin::File(_) => None,
        };
        if let Some(size) = announced.filter(|size| *size > SEGMENT_BYTES_MAX as u64) {
            let reason = format!("the segment has {size} bytes, at most {SEGMENT_BYTES_MAX} are taken");
            return Err(unheard(FailedStage::Fetch, reason, 0));
        }
        let mib = announced.unwrap_or(SEGMENT_BYTES_MAX as u64).div_ceil(MIB).max(1);
        let room = self.room.clone().acquire_many_owned(mib as u32).await.expect("the semaphore is never closed");
        let bytes = match &self.frame.origin {
            FrameOrigin::S3(object) => {
                let _permit = self.fetches.acquire().await;
                fetch(self.objects.clone(), self.frame.id, object, SEGMENT_BYTES_MAX)
                    .await
                    .map_err(|(unseen, attempts)| unheard(unseen.stage, unseen.reason, attempts))?
            }
            FrameOrigin::File(_) | FrameOrigin::Inline(_) => {
                let frame = self.frame.clone();
                let reading = tokio::task::spawn_blocking(move || read(&frame, SEGMENT_BYTES_MAX)).await;
                let read = reading.map_err(|broke| unheard(FailedStage::Fetch, broke.to_string(), 1))?;
                read.map_err(|unseen| unheard(unseen.stage, unseen.reason, 1))?
            }
        };
        if bytes.len() > SEGMENT_BYTES_MAX {
            let reason = format!("the segment has more than {SEGMENT_BYTES_MAX} bytes");
            return Err(unheard(FailedStage::Fetch, reason, 1));
        }
        let (read, medium) = (bytes.clone(), self.frame.medium);
        let reading = tokio::task::spawn_blocking(move || (Sha256::of(&read), has_no_track(medium, &read))).await;
        let (sha256, no_track) = reading.map_err(|broke| unheard(FailedStage::Fetch, broke.to_string(), 1))?;
        let facts = SegmentFacts { sha256, bytes: bytes.len() as u32 }; // at most `SEGMENT_BYTES_MAX`
        Ok(Fetched { bytes, facts, no_track, room })
    }

    /// What an event may hold of what was said. No verdict rests on the words: where they cannot be kept, the segment is
    /// judged all the same, and the log says so.
    async fn kept(
        &self,
        transcript: Transcript,
        taxonomy: &str,
        labels: &[crate::model::Label],
        within: Duration,
    ) -> Spoken {
        let language = transcript.language.clone();
        let is_kept = match self.transcripts {
            Transcripts::None => false,
            Transcripts::NotClear => !hits(&self.policy, taxonomy, labels).is_empty(),
            Transcripts::All => true,
        };
        let kept: Option<ContentRef> = match is_kept {
            true => self.keeping.keep_transcript(&transcript, within).await.unwrap_or_else(|reason| {
                tracing::error!(frame = %self.frame.id, "what was said in a segment is not kept: {reason}");
                None
            }),
            false => None,
        };
        Spoken { language, transcript: kept }
    }
}

/// Whether a segment says itself that there is nothing of that medium in it. In doubt there is, and somebody is asked.
fn has_no_track(medium: Medium, segment: &[u8]) -> bool {
    match medium {
        Medium::Picture => false, // which no segment is shown as
        Medium::Clip => media::lacks(segment, Of::Pictures),
        Medium::Sound => media::lacks(segment, Of::Sound),
    }
}

fn unheard(stage: FailedStage, reason: String, attempts: u8) -> Unanswered {
    Unanswered { stage, reason, attempts }
}

fn ms(elapsed: Duration) -> u32 {
    u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX)
}
