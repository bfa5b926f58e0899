//! Every channel as its events leave it: what a list of a hundred thousand channels shows, and no more.
//!
//! Small on purpose. An entry takes about 400 bytes with its places in the orders, and the texts it names (channel,
//! session, policy; some 200 bytes with ARNs): 100,000 channels are about 60 MB. Open warnings are not in here, the
//! [`Queue`](super::Queue) has them.

use std::collections::BTreeMap;
use std::ops::Bound;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::orders::{Ending, Orders, Places, Risk};
use super::unjudged::{self, Unjudged};
use crate::events::{CadenceBecause, CadenceChanged, Envelope, Event, FailedStage, Pace, Skip, UnwatchedBecause};
use crate::model::{ChannelId, FrameId, Medium, PolicyRef, Position, Score, Sequence, SessionId, Timestamp, Verdict};

/// The most channels kept. Beyond it the ones off the air the longest are left out; their events stay.
pub const CHANNELS_MAX: usize = 500_000;
/// One in so many is left out at once, so that not every new channel pays for a search.
const LEFT_OUT_SHARE: usize = 50;

/// Every channel, by id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Saved")]
pub struct Channels {
    channels: BTreeMap<ChannelId, Channel>,
    /// How often a channel was left out for want of room.
    pub left_out: u64,
    /// Follows from the channels.
    #[serde(skip)]
    orders: Orders,
}

/// Channels as they are saved.
#[derive(Deserialize)]
struct Saved {
    channels: BTreeMap<ChannelId, Channel>,
    left_out: u64,
}

impl From<Saved> for Channels {
    fn from(Saved { channels, left_out }: Saved) -> Self {
        Self { orders: Orders::of(channels.iter()), channels, left_out }
    }
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Channel {
    /// The broadcast on the air.
    pub session: Option<OnAir>,
    /// The broadcast that ended last, if nothing is on the air.
    pub ended: Option<Ended>,
    /// The frame whose outcome came last.
    pub last_frame: Option<LastFrame>,
    /// How often frames are taken.
    pub cadence: Option<Cadence>,
    /// Whether somebody looks.
    pub coverage: Coverage,
    /// The media of which no segment is judged though its policy asks for them.
    pub unjudged: Vec<Unjudged>,
    /// What happened so far, counted.
    pub counts: Counts,
    /// The channel's last event.
    pub last_event: LastEvent,
}

/// A broadcast on the air.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OnAir {
    /// The broadcast.
    pub session: SessionId,
    /// When its first frame or announcement says it began.
    pub since: Timestamp,
}

/// A broadcast that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// The broadcast.
    pub session: SessionId,
    /// When it ended.
    pub at: Timestamp,
}

/// The frame whose outcome came last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastFrame {
    /// The frame.
    pub frame: FrameId,
    /// Its own time.
    pub captured_at: Timestamp,
    /// Its outcome.
    pub outcome: LastOutcome,
}

/// What became of a frame, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LastOutcome {
    /// A provider and the policy judged it.
    Assessed(Verdict),
    /// It was not shown to a provider.
    Skipped(SkippedBecause),
    /// It could not be judged. Never taken for clear.
    Failed(FailedStage),
}

/// Why a frame was skipped, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkippedBecause {
    /// The cadence did not ask for it.
    TooSoon,
    /// It shows what the last assessed frame showed.
    Similar,
    /// The budget of provider calls ran short.
    GaveWay,
    /// No room in the process.
    Overloaded,
    /// A newer one took its place.
    Superseded,
    /// Too late to matter.
    Stale,
    /// Another source of the channel is judged.
    OtherSource,
    /// Its session had ended.
    OtherSession,
    /// No policy watches the channel.
    NoPolicy,
    /// Not a kind of picture that is read.
    Unsupported,
    /// A segment without a track of its medium.
    NoTrack,
}

/// How often frames are taken, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ChannelCadence")]
pub struct Cadence {
    /// The distance wanted, and its tolerance.
    pub pace: Pace,
    /// The policy version that sets it.
    pub policy: PolicyRef,
    /// Why it is this one.
    pub because: CadenceBecause,
    /// The channel's reputation when it was set; none where the policy's cadence is fixed.
    pub score: Option<Score>,
}

/// Whether somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ChannelCoverage")]
pub enum Coverage {
    /// Nothing is on the air.
    #[default]
    Idle,
    /// Somebody does.
    Watched {
        /// Since when.
        since: Timestamp,
    },
    /// The channel is live and nobody does.
    Unwatched {
        /// Since when.
        since: Timestamp,
        /// Why.
        because: UnwatchedBecause,
    },
}

/// What happened on a channel, counted. Each counter stops at its greatest value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Broadcasts begun.
    pub sessions: u32,
    /// Frames judged by a provider.
    pub assessed: u32,
    /// Of those, the ones with a verdict other than clear.
    pub not_clear: u32,
    /// Frames skipped: they showed what the last assessed one showed.
    pub similar: u32,
    /// Frames skipped: the cadence did not ask for them.
    pub too_soon: u32,
    /// Frames skipped for any other reason.
    pub skipped_otherwise: u32,
    /// Frames that could not be judged.
    pub failed: u32,
    /// Warnings raised.
    pub warnings: u32,
    /// Answers that agreed, taken back or not.
    pub upheld: u32,
    /// Answers that disagreed, taken back or not.
    pub dismissed: u32,
    /// Answers taken back.
    pub withdrawn: u32,
    /// Enforcements requested.
    pub enforcements: u32,
    /// Milliseconds, live, in which nobody looked; a stretch counts when it is over.
    pub unwatched_ms: u64,
}

/// Where a channel's last event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LastEvent {
    /// Its place in the journal.
    pub position: Position,
    /// Its place within the channel.
    pub sequence: Sequence,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

impl Channels {
    /// The channel of that id.
    pub fn get(&self, channel: &ChannelId) -> Option<&Channel> {
        self.channels.get(channel)
    }

    /// Channels after that id, by id.
    pub fn after(&self, channel: Option<&ChannelId>) -> impl Iterator<Item = (&ChannelId, &Channel)> {
        let from = channel.map_or(Bound::Unbounded, Bound::Excluded);
        self.channels.range::<ChannelId, _>((from, Bound::Unbounded))
    }

    /// Channels after that place, those with the lowest reputation first and by id among equals; those whose cadence no
    /// score has a say in come last.
    pub fn by_risk(&self, after: Option<(Risk, ChannelId)>) -> impl Iterator<Item = (&ChannelId, &Channel)> {
        self.orders.by_risk(after).filter_map(|id| self.channels.get_key_value(id))
    }

    /// Channels off the air after that place, the one whose broadcast ended last first and by id among equals.
    pub fn by_end(&self, after: Option<(Ending, ChannelId)>) -> impl Iterator<Item = (&ChannelId, &Channel)> {
        self.orders.by_end(after).filter_map(|id| self.channels.get_key_value(id))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.channels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// Folds an event in. Says for how many milliseconds nobody had looked, if it ended that.
    pub(super) fn apply(&mut self, channel: &ChannelId, envelope: &Envelope, event: &Event) -> u64 {
        if !self.channels.contains_key(channel) {
            self.make_room(CHANNELS_MAX);
            let new = Channel::default();
            self.orders.put(channel, Places::of(&new));
            self.channels.insert(channel.clone(), new);
        }
        let Some(entry) = self.channels.get_mut(channel) else { return 0 };
        let stood = Places::of(entry);
        let unwatched_ms = entry.counts.unwatched_ms;
        entry.last_event =
            LastEvent { position: envelope.position, sequence: envelope.sequence, recorded_at: envelope.recorded_at };
        entry.apply(envelope.captured_at.unwrap_or(envelope.recorded_at), event);
        let stands = Places::of(entry);
        if stood != stands {
            self.orders.take(channel, stood);
            self.orders.put(channel, stands);
        }
        entry.counts.unwatched_ms - unwatched_ms
    }

    /// Leaves out those off the air the longest. Should every one be on the air, the ones silent the longest.
    fn make_room(&mut self, most: usize) {
        if self.channels.len() < most {
            return;
        }
        let mut order: Vec<(bool, Position, ChannelId)> = self
            .channels
            .iter()
            .map(|(id, channel)| (channel.session.is_some(), channel.last_event.position, id.clone()))
            .collect();
        order.sort_unstable();
        for (_, _, id) in order.into_iter().take((most / LEFT_OUT_SHARE).max(1)) {
            if let Some(channel) = self.channels.remove(&id) {
                self.orders.take(&id, Places::of(&channel));
            }
            self.left_out += 1;
        }
    }
}

impl Channel {
    /// Whether a broadcast is on the air.
    pub fn is_live(&self) -> bool {
        self.session.is_some()
    }

    /// Whether a broadcast is on the air and somebody looks.
    pub fn is_watched(&self) -> bool {
        matches!(self.coverage, Coverage::Watched { .. })
    }

    fn apply(&mut self, at: Timestamp, event: &Event) {
        let policy = self.cadence.as_ref().map(|cadence| &cadence.policy);
        unjudged::follow(&mut self.unjudged, self.session.as_ref(), policy, at, event);
        match event {
            Event::SessionStarted(started) => {
                self.count_unwatched(at);
                self.session = Some(OnAir { session: started.session.clone(), since: at });
                self.ended = None;
                self.coverage = Coverage::Watched { since: at };
                add(&mut self.counts.sessions);
            }
            Event::SessionEnded(ended) => {
                if self.session.as_ref().is_some_and(|on_air| on_air.session == ended.session) {
                    self.count_unwatched(at);
                    self.session = None;
                    self.ended = Some(Ended { session: ended.session.clone(), at });
                    self.coverage = Coverage::Idle;
                }
            }
            Event::FrameSkipped(skipped) => {
                let because = SkippedBecause::of(&skipped.because);
                self.frame((skipped.frame, skipped.medium), at, LastOutcome::Skipped(because));
                add(match because {
                    SkippedBecause::Similar => &mut self.counts.similar,
                    SkippedBecause::TooSoon => &mut self.counts.too_soon,
                    SkippedBecause::GaveWay
                    | SkippedBecause::Overloaded
                    | SkippedBecause::Superseded
                    | SkippedBecause::Stale
                    | SkippedBecause::OtherSource
                    | SkippedBecause::OtherSession
                    | SkippedBecause::NoPolicy
                    | SkippedBecause::Unsupported
                    | SkippedBecause::NoTrack => &mut self.counts.skipped_otherwise,
                });
            }
            Event::FrameAssessed(assessed) => {
                self.frame((assessed.frame, assessed.medium), at, LastOutcome::Assessed(assessed.verdict));
                add(&mut self.counts.assessed);
                if assessed.verdict != Verdict::Clear {
                    add(&mut self.counts.not_clear);
                }
            }
            Event::FrameFailed(failed) => {
                self.frame((failed.frame, failed.medium), at, LastOutcome::Failed(failed.stage));
                add(&mut self.counts.failed);
            }
            Event::CadenceChanged(CadenceChanged { to, policy, because, score, .. }) => {
                self.cadence = Some(Cadence { pace: *to, policy: policy.clone(), because: *because, score: *score });
            }
            Event::ChannelWatched(watched) => {
                self.coverage = Coverage::Watched { since: at };
                self.counts.unwatched_ms = self.counts.unwatched_ms.saturating_add(watched.unwatched_ms);
            }
            Event::ChannelUnwatched(unwatched) => {
                self.coverage = Coverage::Unwatched { since: unwatched.since, because: unwatched.because };
            }
            Event::WarningRaised(_) => add(&mut self.counts.warnings),
            Event::WarningUpheld(_) => add(&mut self.counts.upheld),
            Event::WarningDismissed(_) => add(&mut self.counts.dismissed),
            Event::WarningAnswerWithdrawn(_) => add(&mut self.counts.withdrawn),
            Event::EnforcementRequested(_) => add(&mut self.counts.enforcements),
            Event::FrameConflict(_)
            | Event::ReputationAdjusted(_)
            | Event::ShadowVerdict(_)
            | Event::OpinionGiven(_)
            | Event::DecisionReceived(_)
            | Event::ChannelQuarantined(_)
            | Event::SegmentsUnjudged(_) // followed above
            | Event::WarningClaimed(_)
            | Event::WarningReleased(_)
            | Event::WarningEscalated(_)
            | Event::WarningNoted(_)
            | Event::WarningLapsed(_)
            | Event::WarningOverturned(_)
            | Event::EnforcementAdmitted(_)
            | Event::EnforcementHeld(_)
            | Event::EnforcementAttempted(_)
            | Event::EnforcementSucceeded(_)
            | Event::EnforcementVerified(_)
            | Event::EnforcementNotNeeded(_)
            | Event::EnforcementSuperseded(_)
            | Event::EnforcementFailed(_)
            | Event::EnforcementCancelled(_)
            | Event::PolicyPublished(_)
            | Event::PolicyRetired(_)
            | Event::PolicyShadowed(_)
            | Event::PolicyUnshadowed(_)
            | Event::NotificationRejected(_)
            | Event::InputGap(_)
            | Event::ProviderSuspended(_)
            | Event::ProviderResumed(_)
            | Event::StoreOpened(_)
            | Event::StoreClosed(_)
            | Event::SegmentSealed(_)
            | Event::DataLossAccepted(_)
            | Event::ErasureRequested(_)
            | Event::ContentErased(_)
            | Event::CopiesErased(_)
            | Event::EvidenceStored(_)
            | Event::EvidenceCopied(_)
            | Event::EvidenceUnkept(_)
            | Event::EvidenceExpired(_)
            | Event::EvidenceRead(_)
            | Event::ExportMade(_)
            | Event::ConsumerCreated(_)
            | Event::ConsumerDeleted(_)
            | Event::ConsumerRewound(_)
            | Event::EntryParked(_)
            | Event::EntryUnparked(_)
            | Event::EntrySettled(_)
            | Event::ReplayStarted(_)
            | Event::ReplayEnded(_) => {}
        }
    }

    /// What is shown of the channel is its last picture: a segment is counted and takes no place of one.
    fn frame(&mut self, (frame, medium): (FrameId, Medium), captured_at: Timestamp, outcome: LastOutcome) {
        if !medium.is_picture() {
            return;
        }
        self.last_frame = Some(LastFrame { frame, captured_at, outcome });
    }

    /// An unwatched stretch that nobody's look has ended is over when its broadcast is.
    fn count_unwatched(&mut self, until: Timestamp) {
        if let Coverage::Unwatched { since, .. } = self.coverage {
            self.counts.unwatched_ms = self.counts.unwatched_ms.saturating_add(until.ms_since(since));
        }
    }
}

impl SkippedBecause {
    fn of(skip: &Skip) -> Self {
        match skip {
            Skip::TooSoon { .. } => Self::TooSoon,
            Skip::Similar { .. } => Self::Similar,
            Skip::GaveWay { .. } => Self::GaveWay,
            Skip::Overloaded => Self::Overloaded,
            Skip::Superseded { .. } => Self::Superseded,
            Skip::Stale { .. } => Self::Stale,
            Skip::OtherSource => Self::OtherSource,
            Skip::OtherSession => Self::OtherSession,
            Skip::NoPolicy => Self::NoPolicy,
            Skip::Unsupported => Self::Unsupported,
            Skip::NoTrack { .. } => Self::NoTrack,
        }
    }
}

fn add(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_off_the_air_the_longest_makes_room() {
        let id = |n: u64| ChannelId::new(format!("c{n}")).expect("a sound id");
        let mut channels = Channels::default();
        for n in 0..4 {
            let session = (n == 0)
                .then(|| OnAir { session: SessionId::new("s").expect("a sound id"), since: Timestamp::default() });
            let last_event = LastEvent { position: Position(n), ..LastEvent::default() };
            channels.channels.insert(id(n), Channel { session, last_event, ..Channel::default() });
        }
        channels.make_room(5);
        assert_eq!((channels.len(), channels.left_out), (4, 0), "there is room for a fifth");
        channels.make_room(4);
        assert_eq!((channels.len(), channels.left_out), (3, 1));
        assert!(channels.get(&id(1)).is_none(), "the oldest of those off the air goes first");
        assert!(channels.get(&id(0)).is_some(), "what is on the air stays");
    }
}
