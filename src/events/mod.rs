//! What happened. The closed list of events, the envelope around each, and their bytes.
//!
//! Stored bytes are never rewritten: every past version is read ([`upcast`]), only the newest is written. An event
//! of an unknown type is shown raw by the audit commands and stops every fold.

mod access;
mod cadence;
mod codec;
mod consumers;
mod decisions;
mod enforcement;
mod envelope;
mod erasure;
mod event;
mod evidence;
mod filter;
mod frames;
mod label_list;
mod opinions;
mod policies;
mod providers;
mod segments;
mod sessions;
mod shadow;
mod store;
pub mod upcast;
mod view;
mod warnings;

pub use access::{EvidenceRead, ExportFormat, ExportMade, ExportOf};
pub use cadence::{CadenceBecause, CadenceChanged, NearMiss, Pace, ReputationAdjusted, ReputationChange, ViewersRose};
pub use codec::{CodecError, PAYLOAD_BYTES_MAX, decode, encode, payload_to_json};
pub use consumers::{
    ConsumerCreated, ConsumerDeleted, ConsumerRewound, EntryParked, EntrySettled, EntryUnparked, ReplayEnd,
    ReplayEnded, ReplaySpeed, ReplayStarted, ReplayTarget,
};
pub use decisions::{DecidedBy, DecisionEffect, DecisionReceived};
pub use enforcement::{
    Budget, EnforcementAdmitted, EnforcementAttempted, EnforcementCancelled, EnforcementFailed, EnforcementHeld,
    EnforcementKind, EnforcementNotNeeded, EnforcementOrigin, EnforcementRequested, EnforcementSucceeded,
    EnforcementSuperseded, EnforcementVerified, NotNeededBecause, SupersededBecause,
};
pub use envelope::{Actor, Envelope, EnvelopeError, NewEvent, Recorded};
pub use erasure::{ContentErased, CopiesErased, ErasedContent, Erasing, ErasureRequested, HeldContent};
pub use event::{Event, EventType};
pub use evidence::{BucketObject, EvidenceCopied, EvidenceExpired, EvidencePlace, EvidenceStored, EvidenceUnkept};
pub use filter::{Filter, FilterError, PolicyChoice};
pub use frames::{
    ChannelQuarantined, ChannelUnwatched, ChannelWatched, FailedStage, FrameAssessed, FrameConflict, FrameFailed,
    FrameSkipped, RuleEffect, RuleOutcome, Skip, Timings, UnwatchedBecause,
};
pub use opinions::{Arranged, OpinionAnswer, OpinionGiven, OpinionRole, OpinionSaid};
pub use policies::{PolicyPublished, PolicyRetired, PolicyShadowed, PolicyUnshadowed};
pub use providers::{ProviderResumed, ProviderSuspended};
pub use segments::{SegmentFacts, SegmentsUnjudged, Spoken, UnjudgedBecause};
pub use sessions::{SessionEndBecause, SessionEnded, SessionStartBecause, SessionStarted};
pub use shadow::{ShadowEffect, ShadowFound, ShadowLook, ShadowRule, ShadowVerdict};
pub use store::{DataLossAccepted, InputGap, NotificationRejected, SegmentSealed, StoreClosed, StoreOpened};
pub use view::EventView;
pub use warnings::{
    AsksBecause, LapsedBecause, WarningAnswerWithdrawn, WarningClaimed, WarningDismissed, WarningEscalated,
    WarningLapsed, WarningNoted, WarningOverturned, WarningRaised, WarningReleased, WarningUpheld,
};
