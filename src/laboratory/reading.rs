//! The journal, read once from end to end and handed out by channel to threads that try the proposals on it.
//!
//! One thread reads and looks at envelopes only. What no trial needs is dropped there; the rest goes, a batch at a time
//! through bounded queues, to the thread that has the channel: each channel to one thread, in order. Which thread that
//! is changes nothing of the result: what threads count is merged as sums and as lists with an order of their own.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::asking::Recalled;
use super::channel::{Channel, Kept};
use super::price::Prices;
use super::report::Report;
use super::tally::{Recording, Tally};
use super::truth::Detections;
use crate::events::{CodecError, Event, EventType, OpinionGiven, OpinionSaid, Recorded};
use crate::journal::{Journal, READ_LIMIT_MAX, ReadError, position_at};
use crate::model::{ChannelId, ChannelPattern, ContentRef, FrameId, Label, PolicyId, Position, Timestamp};
use crate::policy::PolicySet;
use crate::warden::Command;

/// Proposals tried together: each has a bit of its own.
pub const PROPOSALS_MAX: usize = 64;
/// Threads that try proposals, besides the one that reads.
pub const THREADS_MAX: usize = 16;
/// Events handed to a thread at a time.
const BATCH: usize = 512;
/// Batches that wait for a thread: a few megabytes at most.
const QUEUED_MAX: usize = 8;

/// Event types that have a part in a trial.
const NEEDED: [EventType; 22] = [
    EventType::FrameSkipped,
    EventType::FrameAssessed,
    EventType::FrameFailed,
    EventType::OpinionGiven,
    EventType::SessionStarted,
    EventType::SessionEnded,
    EventType::ChannelUnwatched,
    EventType::WarningUpheld,
    EventType::WarningDismissed,
    EventType::WarningAnswerWithdrawn,
    EventType::WarningOverturned,
    EventType::ReputationAdjusted,
    EventType::EnforcementRequested,
    EventType::EnforcementAdmitted,
    EventType::EnforcementHeld,
    EventType::EnforcementAttempted,
    EventType::EnforcementSucceeded,
    EventType::EnforcementVerified,
    EventType::EnforcementNotNeeded,
    EventType::EnforcementSuperseded,
    EventType::EnforcementFailed,
    EventType::EnforcementCancelled,
];

/// What is tried, and on which channels.
#[derive(Debug, Clone)]
pub struct Question {
    /// What would be in force under each proposal; at most [`PROPOSALS_MAX`]. Each has the same policies for the same
    /// channels: they differ in what these policies say.
    pub proposals: Vec<PolicySet>,
    /// The policies that are tried: channels that another one would watch have no part in it.
    pub tried: BTreeSet<PolicyId>,
    /// Only channels that one of these holds; all if there is none.
    pub channels: Vec<ChannelPattern>,
    /// Channels that are tried, some 3 KB for each and proposal. Events of others are counted.
    pub channels_max: usize,
    /// Which warnings are timed as detections.
    pub detections: Detections,
    /// Threads that try, at least 1 and at most `THREADS_MAX`.
    pub threads: usize,
}

/// A part of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// It begins after this position.
    pub after: Position,
    /// It ends with this one.
    pub to: Position,
}

/// How far a run has come, and whether it is to go on. Shared with who watches it.
#[derive(Debug, Default)]
pub struct Progress {
    reached: AtomicU64,
    cancelled: AtomicBool,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum LaboratoryError {
    /// The journal could not be read.
    #[error("the journal could not be read")]
    Read(#[from] ReadError),
    /// An event that trials need cannot be understood.
    #[error("the event at position {at} cannot be understood")]
    Codec {
        /// Where it is.
        at: Position,
        /// Why.
        source: CodecError,
    },
    /// Somebody called it off.
    #[error("it was called off after position {after}")]
    Cancelled {
        /// The last position that was read.
        after: Position,
    },
}

/// What came of a run.
#[derive(Debug)]
pub struct Found {
    /// What was read.
    pub stretch: Stretch,
    /// When its first event was recorded, if it has one.
    pub recorded_from: Option<Timestamp>,
    /// When its last was.
    pub recorded_to: Option<Timestamp>,
    /// Recorded outcomes of frames of the channels tried.
    pub frames: u64,
    pub(super) left_out: u64,
    pub(super) recording: Recording,
    pub(super) tallies: Vec<Tally>,
}

/// The stretch recorded from one moment up to another, that one not included; the whole journal if neither is said.
pub fn stretch(journal: &dyn Journal, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Stretch, ReadError> {
    let after = match from {
        Some(from) => Position(position_at(journal, from)?.0 - 1), // positions begin at 1
        None => Position(0),
    };
    let to = match to {
        Some(to) => Position(position_at(journal, to)?.0 - 1),
        None => *journal.watermark().borrow(),
    };
    Ok(Stretch { after, to: to.max(after) })
}

/// Tries the proposals on a stretch of the journal. `whole` gives answers too long for their events, if they are at hand;
/// it is called from several threads. Blocks for as long as it takes.
pub fn run(
    journal: &dyn Journal,
    question: &Question,
    stretch: Stretch,
    whole: &(dyn Fn(&ContentRef) -> Option<Vec<Label>> + Sync),
    progress: &Progress,
) -> Result<Found, LaboratoryError> {
    thread::scope(|threads| {
        let (mut queues, mut working) = (Vec::new(), Vec::new());
        let count = question.threads.clamp(1, THREADS_MAX);
        for _ in 0..count {
            let (queue, batches) = sync_channel(QUEUED_MAX);
            queues.push(queue);
            working.push(threads.spawn(move || Bench::new(question, count, journal).work(&batches, whole)));
        }
        let mut reader = Reader::new(question, queues);
        let read = reader.read(journal, stretch, progress);
        let Reader { recorded_from, recorded_to, left_out, queues, .. } = reader;
        drop(queues); // the threads end when there is nothing more to come
        let worked = working.into_iter().map(|thread| match thread.join() {
            Ok(worked) => worked,
            Err(panic) => std::panic::resume_unwind(panic), // a defect is one wherever it shows
        });
        let worked: Vec<Result<Bench, (Position, CodecError)>> = worked.collect();
        read?;
        let failed = worked.iter().filter_map(|worked| worked.as_ref().err());
        if let Some((at, source)) = failed.min_by_key(|(at, _)| *at) {
            return Err(LaboratoryError::Codec { at: *at, source: source.clone() });
        }
        let mut tallies: Vec<Tally> = question.proposals.iter().map(|_| Tally::default()).collect();
        let (mut recording, mut frames) = (Recording::default(), 0);
        for bench in worked.into_iter().flatten() {
            tallies.iter_mut().zip(bench.tallies).for_each(|(all, part)| all.merge(part));
            recording.merge(bench.recording);
            frames += bench.frames;
        }
        Ok(Found { stretch, recorded_from, recorded_to, frames, left_out, recording, tallies })
    })
}

impl Found {
    /// The report on the first proposal, at these prices.
    pub fn report(mut self, prices: &Prices) -> Report {
        let tally = if self.tallies.is_empty() { Tally::default() } else { self.tallies.swap_remove(0) };
        tally.report(&self.recording, self.left_out, prices)
    }
}

impl Progress {
    /// The last position read so far.
    pub fn reached(&self) -> Position {
        Position(self.reached.load(Ordering::Relaxed))
    }

    pub(super) fn reach(&self, position: Position) {
        self.reached.store(position.0, Ordering::Relaxed);
    }

    /// Calls the run off: it ends with the page that it reads.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was called off.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// An event, with the number of its channel among those tried.
type Numbered = (usize, Recorded);

struct Reader<'a> {
    question: &'a Question,
    queues: Vec<SyncSender<Vec<Numbered>>>,
    batches: Vec<Vec<Numbered>>,
    /// The number of each channel tried, in order of first events; none: another policy would watch it. Never iterated.
    numbers: HashMap<ChannelId, Option<usize>>,
    tried: usize,
    recorded_from: Option<Timestamp>,
    recorded_to: Option<Timestamp>,
    left_out: u64,
}

impl<'a> Reader<'a> {
    fn new(question: &'a Question, queues: Vec<SyncSender<Vec<Numbered>>>) -> Self {
        let batches = queues.iter().map(|_| Vec::with_capacity(BATCH)).collect();
        let numbers = HashMap::new();
        Self { question, queues, batches, numbers, tried: 0, recorded_from: None, recorded_to: None, left_out: 0 }
    }

    fn read(&mut self, journal: &dyn Journal, stretch: Stretch, progress: &Progress) -> Result<(), LaboratoryError> {
        let Stretch { mut after, to } = stretch;
        while after < to {
            if progress.is_cancelled() {
                return Err(LaboratoryError::Cancelled { after });
            }
            let limit = usize::try_from(to.0 - after.0).unwrap_or(usize::MAX).min(READ_LIMIT_MAX);
            let page = journal.read(after, limit)?;
            let Some(last) = page.last() else { break };
            after = last.envelope.position;
            let ended = page.into_iter().take_while(|recorded| recorded.envelope.position <= to);
            for recorded in ended {
                self.recorded_from = self.recorded_from.or(Some(recorded.envelope.recorded_at));
                self.recorded_to = Some(recorded.envelope.recorded_at);
                self.hand_out(recorded);
            }
            progress.reach(after.min(to));
        }
        for at in 0..self.queues.len() {
            self.send(at);
        }
        Ok(())
    }

    fn hand_out(&mut self, recorded: Recorded) {
        let envelope = &recorded.envelope;
        let Some(channel) = envelope.scope.channel() else { return };
        if !NEEDED.iter().any(|needed| needed.name() == envelope.event_type) {
            return;
        }
        let number = match self.numbers.get(channel) {
            Some(known) => *known,
            None => self.number(channel.clone()),
        };
        let Some(number) = number else { return };
        if number >= self.question.channels_max {
            self.left_out += 1;
            return;
        }
        let at = number % self.queues.len();
        self.batches[at].push((number, recorded));
        if self.batches[at].len() >= BATCH {
            self.send(at);
        }
    }

    /// The number of a channel that is new here. Beyond the most that are tried they all have the same.
    fn number(&mut self, channel: ChannelId) -> Option<usize> {
        let wanted =
            self.question.channels.is_empty() || self.question.channels.iter().any(|pattern| pattern.holds(&channel));
        let watching = self.question.proposals.first().and_then(|set| set.for_channel(&channel));
        let tried = wanted && watching.is_some_and(|policy| self.question.tried.contains(&policy.reference.id));
        let number = tried.then_some(self.tried);
        if tried && self.tried < self.question.channels_max {
            self.tried += 1;
        }
        self.numbers.insert(channel, number);
        number
    }

    fn send(&mut self, at: usize) {
        let batch = std::mem::replace(&mut self.batches[at], Vec::with_capacity(BATCH));
        // A thread that takes nothing more has met an event that it cannot read; joining it says which.
        let _ = self.queues[at].send(batch);
    }
}

/// What one thread has before it.
struct Bench<'a> {
    question: &'a Question,
    /// Where an answer is found that was given to be compared.
    journal: &'a dyn Journal,
    /// Every how manieth channel is this thread's.
    threads: usize,
    channels: Vec<Option<Channel>>,
    tallies: Vec<Tally>,
    recording: Recording,
    frames: u64,
}

impl<'a> Bench<'a> {
    fn new(question: &'a Question, threads: usize, journal: &'a dyn Journal) -> Self {
        let tallies = question.proposals.iter().map(|_| Tally::default()).collect();
        let (channels, recording) = (Vec::new(), Recording::default());
        Self { question, journal, threads, channels, tallies, recording, frames: 0 }
    }

    fn work(
        mut self,
        batches: &Receiver<Vec<Numbered>>,
        whole: &(dyn Fn(&ContentRef) -> Option<Vec<Label>> + Sync),
    ) -> Result<Self, (Position, CodecError)> {
        for batch in batches {
            for (number, recorded) in batch {
                self.see(number / self.threads, &recorded, whole)?;
            }
        }
        for channel in std::mem::take(&mut self.channels).into_iter().flatten() {
            channel.finish(self.question.detections, &mut self.tallies);
        }
        Ok(self)
    }

    fn see(
        &mut self,
        at: usize,
        recorded: &Recorded,
        whole: &(dyn Fn(&ContentRef) -> Option<Vec<Label>> + Sync),
    ) -> Result<(), (Position, CodecError)> {
        let event = recorded.event().map_err(|error| (recorded.envelope.position, error))?;
        let mut kept = Kept::default();
        match &event {
            Event::FrameAssessed(assessed) => {
                self.frames += 1;
                kept.whole = assessed.answer.as_ref().and_then(whole);
                kept.compared = self.compared(recorded, assessed.frame, whole)?;
            }
            Event::OpinionGiven(opinion) => kept.whole = whole_of(opinion, whole),
            Event::FrameSkipped(_) | Event::FrameFailed(_) => self.frames += 1,
            _ => {} // counted are frames
        }
        if self.channels.len() <= at {
            self.channels.resize_with(at + 1, || None);
        }
        let Some(id) = recorded.envelope.scope.channel() else { return Ok(()) };
        let question = self.question;
        let channel = self.channels[at].get_or_insert_with(|| {
            let policies = question.proposals.iter().filter_map(|set| set.for_channel(id).cloned());
            Channel::new(id.clone(), policies)
        });
        channel.see(&recorded.envelope, &event, kept, &mut self.tallies, &mut self.recording);
        Ok(())
    }

    /// What a provider said of the frame when it was asked to be compared. Looked for only where a policy on trial names
    /// providers: then it may be one of these. It stands behind the outcome, at a place of its own.
    fn compared(
        &self,
        recorded: &Recorded,
        frame: FrameId,
        whole: &(dyn Fn(&ContentRef) -> Option<Vec<Label>> + Sync),
    ) -> Result<Option<Recalled>, (Position, CodecError)> {
        let Some(channel) = recorded.envelope.scope.channel() else { return Ok(None) };
        let mut policies = self.question.proposals.iter().filter_map(|set| set.for_channel(channel));
        if !policies.any(|policy| policy.arrangement.names_somebody()) {
            return Ok(None);
        }
        // One that cannot be read is as one that was not recorded: then nothing stands in.
        let Ok(Some(found)) = self.journal.find(Command::comparison_id(frame)) else { return Ok(None) };
        let event = found.event().map_err(|error| (found.envelope.position, error))?;
        let Event::OpinionGiven(given) = event else { return Ok(None) };
        let whole = whole_of(&given, whole);
        Ok(Some(Recalled { given, whole }))
    }
}

/// The whole of an answer that is longer than its event, if it is at hand.
fn whole_of(opinion: &OpinionGiven, whole: &(dyn Fn(&ContentRef) -> Option<Vec<Label>> + Sync)) -> Option<Vec<Label>> {
    match &opinion.said {
        OpinionSaid::Answer(answer) => answer.answer.as_ref().and_then(whole),
        OpinionSaid::Nothing { .. } => None,
    }
}
