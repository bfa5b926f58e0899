//! What became of the frames, channel by channel: the closing summary of a run, and `journal stats`.

use std::collections::BTreeMap;

use crate::events::{CodecError, Event, Recorded, Skip};
use crate::model::{ChannelId, Position, Timestamp, Verdict};

/// Counts over a stretch of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// By channel.
    pub channels: BTreeMap<ChannelId, ChannelSummary>,
    /// Position of the last event counted.
    pub position: Position,
    /// Events counted, the system's own included.
    pub events: u64,
}

/// Counts of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelSummary {
    /// Frames with an outcome.
    pub frames: u64,
    /// Judged by a provider.
    pub assessed: u64,
    /// Of those, the ones with a verdict other than clear.
    pub not_clear: u64,
    /// Skipped: showed what the last assessed frame showed.
    pub similar: u64,
    /// Skipped: the cadence did not ask for them.
    pub too_soon: u64,
    /// Skipped for any other reason.
    pub skipped_otherwise: u64,
    /// Could not be judged.
    pub failed: u64,
    /// Warnings raised.
    pub warnings: u64,
    /// Warnings upheld.
    pub upheld: u64,
    /// Warnings dismissed.
    pub dismissed: u64,
    /// Enforcements requested.
    pub requested: u64,
    /// Enforcements held by the budget.
    pub held: u64,
    /// Enforcements seen to have worked.
    pub verified: u64,
    /// Enforcements that ended otherwise.
    pub ended_otherwise: u64,
    /// Milliseconds, live, in which nobody looked.
    pub unwatched_ms: u64,
    /// Since when nobody looks.
    pub unwatched_since: Option<Timestamp>,
}

impl Summary {
    /// Counts one event in.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), CodecError> {
        let event = recorded.event()?;
        self.position = recorded.envelope.position;
        self.events += 1;
        let Some(channel) = recorded.envelope.scope.channel() else { return Ok(()) };
        let at = recorded.envelope.captured_at.unwrap_or(recorded.envelope.recorded_at);
        self.channels.entry(channel.clone()).or_default().apply(&event, at);
        Ok(())
    }

    /// All channels together.
    pub fn total(&self) -> ChannelSummary {
        self.channels.values().fold(ChannelSummary::default(), |mut total, one| {
            total.frames += one.frames;
            total.assessed += one.assessed;
            total.not_clear += one.not_clear;
            total.similar += one.similar;
            total.too_soon += one.too_soon;
            total.skipped_otherwise += one.skipped_otherwise;
            total.failed += one.failed;
            total.warnings += one.warnings;
            total.upheld += one.upheld;
            total.dismissed += one.dismissed;
            total.requested += one.requested;
            total.held += one.held;
            total.verified += one.verified;
            total.ended_otherwise += one.ended_otherwise;
            total.unwatched_ms += one.unwatched_ms;
            total
        })
    }
}

impl ChannelSummary {
    fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::FrameSkipped(skipped) => {
                self.frames += 1;
                match skipped.because {
                    Skip::Similar { .. } => self.similar += 1,
                    Skip::TooSoon { .. } => self.too_soon += 1,
                    Skip::GaveWay { .. }
                    | Skip::Overloaded
                    | Skip::Superseded { .. }
                    | Skip::Stale { .. }
                    | Skip::OtherSource
                    | Skip::OtherSession
                    | Skip::NoPolicy
                    | Skip::Unsupported
                    | Skip::NoTrack { .. } => self.skipped_otherwise += 1,
                }
            }
            Event::FrameAssessed(assessed) => {
                self.frames += 1;
                self.assessed += 1;
                self.not_clear += u64::from(assessed.verdict != Verdict::Clear);
            }
            Event::FrameFailed(_) => {
                self.frames += 1;
                self.failed += 1;
            }
            Event::WarningRaised(_) => self.warnings += 1,
            Event::WarningUpheld(_) => self.upheld += 1,
            Event::WarningDismissed(_) => self.dismissed += 1,
            Event::EnforcementRequested(_) => self.requested += 1,
            Event::EnforcementHeld(_) => self.held += 1,
            Event::EnforcementVerified(_) => self.verified += 1,
            Event::EnforcementNotNeeded(_)
            | Event::EnforcementSuperseded(_)
            | Event::EnforcementFailed(_)
            | Event::EnforcementCancelled(_) => self.ended_otherwise += 1,
            Event::ChannelUnwatched(unwatched) => self.unwatched_since = Some(unwatched.since),
            Event::ChannelWatched(watched) => {
                self.unwatched_since = None;
                self.unwatched_ms += watched.unwatched_ms;
            }
            Event::SessionEnded(_) => {
                if let Some(since) = self.unwatched_since.take() {
                    self.unwatched_ms += at.ms_since(since);
                }
            }
            Event::SessionStarted(_)
            | Event::FrameConflict(_)
            | Event::ShadowVerdict(_)
            | Event::OpinionGiven(_)
            | Event::DecisionReceived(_)
            | Event::ChannelQuarantined(_)
            | Event::SegmentsUnjudged(_)
            | Event::CadenceChanged(_)
            | Event::ReputationAdjusted(_)
            | Event::WarningClaimed(_)
            | Event::WarningReleased(_)
            | Event::WarningAnswerWithdrawn(_)
            | Event::WarningEscalated(_)
            | Event::WarningNoted(_)
            | Event::WarningLapsed(_)
            | Event::WarningOverturned(_)
            | Event::EnforcementAdmitted(_)
            | Event::EnforcementAttempted(_)
            | Event::EnforcementSucceeded(_)
            | Event::PolicyPublished(_)
            | Event::PolicyRetired(_)
            | Event::PolicyShadowed(_)
            | Event::PolicyUnshadowed(_)
            | Event::NotificationRejected(_)
            | Event::InputGap(_)
            | Event::ProviderSuspended(_)
            | Event::ProviderResumed(_)
            | Event::ConsumerCreated(_)
            | Event::ConsumerDeleted(_)
            | Event::ConsumerRewound(_)
            | Event::EntryParked(_)
            | Event::EntryUnparked(_)
            | Event::EntrySettled(_)
            | Event::ReplayStarted(_)
            | Event::ReplayEnded(_)
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
            | Event::ExportMade(_) => {}
        }
    }
}
