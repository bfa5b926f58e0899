//! What a warden can be asked, and every way it can refuse.

use std::sync::Arc;

use crate::events::{
    BucketObject, Budget, EvidencePlace, FailedStage, NotNeededBecause, OpinionRole, SegmentFacts, Spoken,
    SupersededBecause, Timings, ViewersRose,
};
use crate::model::{
    Confidence, ContentRef, ContentType, EnforcementId, EventId, Fingerprint, Frame, FrameId, Label, Measurement,
    ModeratorId, Moment, ProviderRef, SessionId, Sha256, Timestamp, WarningId,
};
use crate::policy::Policy;
use crate::reputation::budget::Need;

use super::{Beside, DecidedFrame, ExternalDecision, InVain, ModeratorAct, Opinion};

/// What a warden can be asked. Frames come back to it after each outward step, because those never block it; each
/// time it decides against the state as it is then, under the policy version taken at the frame's start.
#[derive(Debug, Clone)]
pub enum Command {
    /// A broadcast began, says the platform.
    StartSession {
        /// The broadcast.
        session: SessionId,
        /// When it began.
        at: Timestamp,
    },
    /// A broadcast ended, says the platform.
    EndSession {
        /// The broadcast.
        session: SessionId,
    },
    /// A frame arrived.
    TakeFrame {
        /// The frame.
        frame: Frame,
    },
    /// A frame cannot be taken up: too many are waiting in this process.
    ShedFrame {
        /// The frame.
        frame: Frame,
    },
    /// A newer frame took the place of this one, which was waiting.
    SupersedeFrame {
        /// The frame.
        frame: Frame,
        /// The newer one.
        by: FrameId,
    },
    /// The frame is of a source that is not judged, because a better one of the same broadcast is.
    PassOverFrame {
        /// The frame.
        frame: Frame,
    },
    /// A frame was fetched, decoded and hashed.
    CompareFrame {
        /// The frame.
        frame: Frame,
        /// The policy version it started with.
        policy: Arc<Policy>,
        /// What imaging found.
        measured: Measurement,
    },
    /// A frame is to be shown to a provider, where the node has a budget of calls.
    SpendCall {
        /// The frame.
        frame: Frame,
        /// The policy version it started with.
        policy: Arc<Policy>,
        /// How much need a call must have now.
        bar: Need,
    },
    /// A provider answered.
    JudgeFrame {
        /// The frame.
        frame: Frame,
        /// The policy version it started with.
        policy: Arc<Policy>,
        /// The policy version in shadow that it started with, if there was one: it judges beside, and nothing follows.
        shadow: Option<Arc<Policy>>,
        /// What imaging found; none of a picture that the provider read itself, and of a segment.
        measured: Option<Measurement>,
        /// What is known of the segment; none of a picture.
        segment: Option<Box<SegmentFacts>>,
        /// The answer that decides.
        answer: Box<Answered>,
        /// Why it does, and what others said.
        beside: Beside,
        /// What it took.
        took: Timings,
    },
    /// A frame could not be judged.
    FailFrame {
        /// The frame.
        frame: Frame,
        /// Where it failed.
        stage: FailedStage,
        /// What was wrong.
        reason: String,
        /// How often it was tried.
        attempts: u8,
        /// Whom the policy's arrangement asked; none where nobody was asked, or the one that the configuration names.
        asked: Option<Box<InVain>>,
    },
    /// A segment was fetched, and has no track of its medium: nobody was asked.
    FindNoTrack {
        /// The frame.
        frame: Frame,
        /// The policy version it started with.
        policy: Arc<Policy>,
        /// Digest of the segment's bytes.
        sha256: Sha256,
    },
    /// The warden broke on a frame twice.
    Quarantine {
        /// The frame.
        frame: Frame,
        /// What the panic said.
        reason: String,
    },
    /// Another notification came under the id of a frame that has its outcome.
    ReportConflict {
        /// The later frame.
        frame: Frame,
        /// The event that holds the outcome.
        outcome: EventId,
    },
    /// The picture of an assessed frame was put into the content store.
    KeepEvidence {
        /// The frame.
        frame: FrameId,
        /// Its own time.
        captured_at: Timestamp,
        /// Digest of the picture's bytes.
        image: Sha256,
        /// Where they are.
        content: ContentRef,
    },
    /// The picture of a frame that a warning rests on was copied into a bucket.
    CopyEvidence {
        /// The frame.
        frame: FrameId,
        /// Its own time.
        captured_at: Timestamp,
        /// Digest of the picture's bytes.
        image: Sha256,
        /// How many they are.
        bytes: u32,
        /// Where the copy is.
        object: BucketObject,
    },
    /// The picture of an assessed frame could not be kept somewhere.
    MissEvidence {
        /// The frame.
        frame: FrameId,
        /// Its own time.
        captured_at: Timestamp,
        /// Digest of the picture's bytes; none if they were never fetched.
        image: Option<Sha256>,
        /// Where it should have been kept.
        place: EvidencePlace,
        /// Why it is not.
        reason: String,
    },
    /// A provider was asked about a frame that has its outcome, to be compared with the one that decided it.
    CompareProviders {
        /// The frame.
        frame: FrameId,
        /// The broadcast it shows.
        session: SessionId,
        /// Its own time.
        captured_at: Timestamp,
        /// The policy version whose arrangement asked.
        policy: Arc<Policy>,
        /// What it said.
        opinion: Opinion,
    },
    /// The platform counts many more viewers of a broadcast than shortly before.
    ViewersRose {
        /// The broadcast.
        session: SessionId,
        /// How many.
        rose: ViewersRose,
    },
    /// An external actor decided about a frame that has its outcome.
    TakeDecision {
        /// What they decided.
        decision: Box<ExternalDecision>,
        /// About which frame.
        about: Box<DecidedFrame>,
    },
    /// Another policy, or another version, may apply now.
    ReconsiderPolicy,
    /// Time passed.
    Tick,
    /// A moderator acts on warnings or on the stream.
    Moderate {
        /// Unique to this request, so that a repeated one changes nothing.
        request: EventId,
        /// Who.
        by: ModeratorId,
        /// What.
        act: ModeratorAct,
    },
    /// The enforcement reactor reports.
    Report {
        /// The enforcement.
        enforcement: EnforcementId,
        /// What came of it.
        report: EnforcementReport,
    },
}

impl Command {
    /// The frame it is about, if it is about one.
    pub fn frame(&self) -> Option<FrameId> {
        match self {
            Self::TakeFrame { frame }
            | Self::ShedFrame { frame }
            | Self::SupersedeFrame { frame, .. }
            | Self::PassOverFrame { frame }
            | Self::CompareFrame { frame, .. }
            | Self::SpendCall { frame, .. }
            | Self::JudgeFrame { frame, .. }
            | Self::FailFrame { frame, .. }
            | Self::FindNoTrack { frame, .. }
            | Self::Quarantine { frame, .. }
            | Self::ReportConflict { frame, .. } => Some(frame.id),
            Self::KeepEvidence { frame, .. }
            | Self::CopyEvidence { frame, .. }
            | Self::MissEvidence { frame, .. }
            | Self::CompareProviders { frame, .. } => Some(*frame),
            Self::TakeDecision { about, .. } => Some(about.frame),
            Self::StartSession { .. }
            | Self::EndSession { .. }
            | Self::ViewersRose { .. }
            | Self::ReconsiderPolicy
            | Self::Tick
            | Self::Moderate { .. }
            | Self::Report { .. } => None,
        }
    }

    /// The id of the event under which the journal holds what this command brought about, if it has: a frame's outcome,
    /// or the first event of a moderator's request. Looked for before deciding, so that a repetition changes nothing.
    /// None for commands whose repetition meets a state in which nothing follows from it.
    pub fn done_as(&self) -> Option<EventId> {
        match self {
            Self::TakeFrame { frame }
            | Self::ShedFrame { frame }
            | Self::SupersedeFrame { frame, .. }
            | Self::PassOverFrame { frame }
            | Self::CompareFrame { frame, .. }
            | Self::SpendCall { frame, .. }
            | Self::JudgeFrame { frame, .. }
            | Self::FailFrame { frame, .. }
            | Self::FindNoTrack { frame, .. }
            | Self::Quarantine { frame, .. } => Some(EventId::outcome_of(frame.id)),
            Self::ReportConflict { frame, outcome } => Some(Self::conflict_id(frame.fingerprint, *outcome)),
            Self::KeepEvidence { frame, .. } => Some(Self::evidence_id(*frame)),
            Self::CopyEvidence { frame, .. } => Some(Self::copy_id(*frame)),
            Self::MissEvidence { frame, place, .. } => Some(Self::unkept_id(*frame, *place)),
            Self::CompareProviders { frame, .. } => Some(Self::comparison_id(*frame)),
            Self::TakeDecision { decision, about } => {
                Some(ExternalDecision::id(&decision.by, &decision.action, about.frame))
            }
            Self::Moderate { act: ModeratorAct::Overturn { upheld, .. }, .. } => {
                Some(Self::overturn_id(upheld.warning))
            }
            Self::Moderate { request, .. } => Some(Self::request_id(*request)),
            Self::StartSession { .. }
            | Self::EndSession { .. }
            | Self::ViewersRose { .. }
            | Self::ReconsiderPolicy
            | Self::Tick
            | Self::Report { .. } => None,
        }
    }

    /// A frame's picture is kept once.
    pub fn evidence_id(frame: FrameId) -> EventId {
        EventId::of_command("evidence", &[frame.as_bytes()])
    }

    /// A provider says something of a frame once, for whatever it is asked.
    pub fn opinion_id(frame: FrameId, role: OpinionRole, provider: &str) -> EventId {
        let role: &[u8] = match role {
            OpinionRole::Screened => b"screened",
            OpinionRole::FellOver => b"fell over",
            OpinionRole::Seconded => b"seconded",
            OpinionRole::Compared => b"compared",
        };
        EventId::of_command("opinion", &[frame.as_bytes(), role, provider.as_bytes()])
    }

    /// One provider is compared with the one that decided a frame, once.
    pub fn comparison_id(frame: FrameId) -> EventId {
        EventId::of_command("opinion compared", &[frame.as_bytes()])
    }

    /// A policy in shadow finds something in a frame once.
    pub fn shadow_id(frame: FrameId) -> EventId {
        EventId::of_command("shadow verdict", &[frame.as_bytes()])
    }

    /// A frame's picture is copied once.
    pub fn copy_id(frame: FrameId) -> EventId {
        EventId::of_command("evidence copy", &[frame.as_bytes()])
    }

    /// That a frame's picture could not be kept is said once for each place.
    pub fn unkept_id(frame: FrameId, place: EvidencePlace) -> EventId {
        let place: &[u8] = match place {
            EvidencePlace::Store => b"store",
            EvidencePlace::Bucket => b"bucket",
        };
        EventId::of_command("evidence unkept", &[frame.as_bytes(), place])
    }

    /// The first event that a person's request brings about, if it brings about any.
    pub fn request_id(request: EventId) -> EventId {
        EventId::of_command("moderation", &[request.as_bytes()])
    }

    /// A warning is overturned once, by whomever.
    pub fn overturn_id(warning: WarningId) -> EventId {
        EventId::of_command("overturn", &[warning.as_bytes()])
    }

    /// One conflict per frame and print, however often that notification comes.
    pub fn conflict_id(print: Fingerprint, outcome: EventId) -> EventId {
        EventId::of_command("frame conflict", &[outcome.as_bytes(), &print.0])
    }
}

/// A provider's answer as the warden needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Who answered.
    pub provider: ProviderRef,
    /// Every label: rules are judged on all of them.
    pub labels: Vec<Label>,
    /// Where the whole answer was put, if it is too long for an event.
    pub kept: Option<ContentRef>,
    /// How many labels the provider's taxonomy does not know.
    pub unmapped: u8,
    /// What kind of picture the provider takes it for, surest first; no rule is judged on it.
    pub content_types: Vec<ContentType>,
    /// The least confidence the provider reports; none if it reports every label.
    pub floor: Option<Confidence>,
    /// Of a segment: when its labels show or are heard, each by its index in `labels`.
    pub moments: Vec<Moment>,
    /// Of sound: the language, and where what was said was put, if it is to be kept.
    pub spoken: Option<Box<Spoken>>,
}

impl Answered {
    /// The most labels kept in the event itself, the rules' own first, then the surest.
    pub const LABELS_INLINE_MAX: usize = 40;
    /// The most moments kept there, those of the labels that rules rest on first.
    pub const MOMENTS_INLINE_MAX: usize = 8;
    /// The most bytes that the labels may take there.
    pub const LABELS_BYTES_INLINE_MAX: usize = 1000;

    /// Whether these labels are too many for an event: then the whole answer belongs into the content store before it
    /// is judged, and [`Answered::kept`] says where (invariant I6).
    pub fn is_long(labels: &[Label]) -> bool {
        let bytes: usize = labels.iter().map(Self::bytes_of).sum();
        labels.len() > Self::LABELS_INLINE_MAX || bytes > Self::LABELS_BYTES_INLINE_MAX
    }

    /// Bytes that a label takes in an event, at most.
    pub(super) fn bytes_of(label: &Label) -> usize {
        label.path().as_str().len() + 8
    }
}

/// What the enforcement reactor reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnforcementReport {
    /// The budget allows it.
    Admitted,
    /// The budget does not.
    Held(Budget),
    /// It is about to be tried.
    Attempting {
        /// Which try.
        attempt: u8,
        /// The session to be stopped, where the one judged has no name.
        found: Option<SessionId>,
    },
    /// The platform accepted it.
    Succeeded(u8),
    /// It was seen to have worked.
    Verified,
    /// There was nothing to do.
    NotNeeded(NotNeededBecause),
    /// Another session is on the air.
    Superseded {
        /// That session.
        found: SessionId,
        /// Why it is not taken for the one judged.
        because: SupersededBecause,
    },
    /// It could not be done.
    Failed(String),
    /// It grew too old.
    Expired,
}
