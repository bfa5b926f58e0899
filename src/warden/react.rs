//! What a stored event calls for outside. Effects run only from stored events, so that a restart and normal running
//! are one path: whoever acts reads the journal from a durable cursor and asks here what to do.

use crate::events::Event;
use crate::model::{EnforcementId, WarningId};

/// Outward work that a stored event calls for. Performed by reactors, never by the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// Take the enforcement up: ask the budget, then carry it out.
    OpenEnforcement(EnforcementId),
    /// Go on with it from the stage it has reached.
    ContinueEnforcement(EnforcementId),
    /// Nothing more is to be done about it.
    CloseEnforcement(EnforcementId),
    /// Tell a person: a warning waits.
    Notify(WarningId),
    /// Tell a person: something needs them that is no warning.
    Alarm(Alarm),
    /// The policies in force are others.
    ReloadPolicies,
}

/// Things that need a person though no rule was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// A live channel is not watched.
    Unwatched,
    /// A live channel's segments are judged by nobody.
    SegmentsUnjudged,
    /// A warden broke on a frame twice.
    Quarantined,
    /// An enforcement is held by the budget.
    Held,
    /// An enforcement failed.
    EnforcementFailed,
    /// Two notifications under one frame id.
    Conflict,
    /// Input is missing.
    InputGap,
    /// A provider is asked no more, and frames fail.
    ProviderSuspended,
    /// Events are gone.
    DataLoss,
}

/// What a stored event calls for, if anything.
pub fn react(event: &Event) -> Option<Reaction> {
    match event {
        Event::EnforcementRequested(asked) => Some(Reaction::OpenEnforcement(asked.enforcement)),
        Event::EnforcementAdmitted(on) => Some(Reaction::ContinueEnforcement(on.enforcement)),
        Event::EnforcementAttempted(on) => Some(Reaction::ContinueEnforcement(on.enforcement)),
        Event::EnforcementSucceeded(on) => Some(Reaction::ContinueEnforcement(on.enforcement)),
        Event::EnforcementHeld(_) => Some(Reaction::Alarm(Alarm::Held)),
        Event::EnforcementVerified(done) => Some(Reaction::CloseEnforcement(done.enforcement)),
        Event::EnforcementNotNeeded(done) => Some(Reaction::CloseEnforcement(done.enforcement)),
        Event::EnforcementSuperseded(done) => Some(Reaction::CloseEnforcement(done.enforcement)),
        Event::EnforcementCancelled(done) => Some(Reaction::CloseEnforcement(done.enforcement)),
        Event::EnforcementFailed(_) => Some(Reaction::Alarm(Alarm::EnforcementFailed)),
        Event::WarningRaised(raised) => Some(Reaction::Notify(raised.warning)),
        Event::WarningEscalated(escalated) => Some(Reaction::Notify(escalated.warning)),
        Event::WarningAnswerWithdrawn(withdrawn) => Some(Reaction::Notify(withdrawn.warning)),
        Event::ChannelUnwatched(_) => Some(Reaction::Alarm(Alarm::Unwatched)),
        Event::SegmentsUnjudged(_) => Some(Reaction::Alarm(Alarm::SegmentsUnjudged)),
        Event::ChannelQuarantined(_) => Some(Reaction::Alarm(Alarm::Quarantined)),
        Event::FrameConflict(_) => Some(Reaction::Alarm(Alarm::Conflict)),
        Event::InputGap(_) => Some(Reaction::Alarm(Alarm::InputGap)),
        Event::ProviderSuspended(_) => Some(Reaction::Alarm(Alarm::ProviderSuspended)),
        Event::DataLossAccepted(_) => Some(Reaction::Alarm(Alarm::DataLoss)),
        Event::PolicyPublished(_) | Event::PolicyRetired(_) | Event::PolicyShadowed(_) | Event::PolicyUnshadowed(_) => {
            Some(Reaction::ReloadPolicies)
        }
        Event::SessionStarted(_)
        | Event::SessionEnded(_)
        | Event::FrameSkipped(_)
        | Event::FrameAssessed(_)
        | Event::FrameFailed(_)
        | Event::ShadowVerdict(_)
        | Event::OpinionGiven(_)
        | Event::DecisionReceived(_) // its warning and its stop are events of their own
        | Event::ChannelWatched(_)
        | Event::CadenceChanged(_)
        | Event::ReputationAdjusted(_)
        | Event::WarningClaimed(_)
        | Event::WarningReleased(_)
        | Event::WarningUpheld(_)
        | Event::WarningDismissed(_)
        | Event::WarningNoted(_)
        | Event::WarningLapsed(_)
        | Event::WarningOverturned(_)
        | Event::NotificationRejected(_)
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
        | Event::ErasureRequested(_)
        | Event::ContentErased(_)
        | Event::CopiesErased(_)
        | Event::EvidenceStored(_)
        | Event::EvidenceCopied(_)
        | Event::EvidenceUnkept(_)
        | Event::EvidenceExpired(_)
        | Event::EvidenceRead(_)
        | Event::ExportMade(_) => None,
    }
}
