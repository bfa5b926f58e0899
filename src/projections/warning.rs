//! One warning as its events leave it: who works on it, what was answered, what it led to, and what speaks for it.
//!
//! The same fold shows the open ones in the [`Queue`](super::Queue) and tells the story of one answered long ago.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{
    Budget, EnforcementKind, EnforcementRequested, Envelope, Event, FrameAssessed, LapsedBecause, RuleEffect,
    WarningRaised,
};
use crate::model::{
    ChannelId, Confidence, EnforcementId, FrameId, Medium, ModeratorId, Position, Sequence, SessionId, Timestamp,
    WarningId,
};

/// The most frames kept as a warning's evidence: the one that raised it, and the newest that joined it.
pub const EVIDENCE_MAX: usize = 8;

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its channel.
    pub channel: ChannelId,
    /// What was raised.
    pub raised: WarningRaised,
    /// Where that is recorded.
    pub position: Position,
    /// When that was recorded.
    pub raised_at: Timestamp,
    /// The own time of the frame that raised it.
    pub captured_at: Timestamp,
    /// Place, within the channel, of the last event that touched the question: raised, claimed, released, noted,
    /// escalated, answered, taken back. A frame that joins brings evidence and leaves the question what it is; if it
    /// counted, a warning of a live channel could never be answered.
    pub version: Sequence,
    /// Who works on it.
    pub claim: Option<Claim>,
    /// How many notes it has.
    pub notes: u32,
    /// The last escalation.
    pub escalated: Option<Escalated>,
    /// Its answer.
    pub answer: Option<Answered>,
    /// The appeal that overturned the answer, if one did.
    #[serde(default)]
    pub overturned: Option<Overturned>,
    /// Why it needs none any more, if so.
    pub lapsed: Option<Lapsed>,
    /// The last enforcement it led to.
    pub enforcement: Option<LedTo>,
    /// Frames that met its rule while it was open, the first included; 0 where frames could not be judged.
    pub hits: u32,
    /// Those of them that are kept, at most [`EVIDENCE_MAX`]: the first, then the newest, oldest first.
    pub evidence: Vec<Evidence>,
}

/// Who works on a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "QueueClaim")]
pub struct Claim {
    /// The moderator.
    pub by: ModeratorId,
    /// When the claim lapses by itself.
    pub until: Timestamp,
}

/// Somebody else was asked to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Escalated {
    /// Who asked.
    pub by: ModeratorId,
    /// Whom, if somebody in particular.
    pub to: Option<ModeratorId>,
    /// When.
    pub at: Timestamp,
}

/// A warning's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "QueueAnswer")]
pub struct Answered {
    /// The moderator.
    pub by: ModeratorId,
    /// Whether they agreed with the rule.
    pub upheld: bool,
    /// When.
    pub at: Timestamp,
    /// Until when its author may take it back.
    pub until: Timestamp,
}

/// An appeal that overturned an upheld warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "QueueOverturned")]
pub struct Overturned {
    /// Who overturned it.
    pub by: ModeratorId,
    /// When.
    pub at: Timestamp,
}

/// A warning that needs no answer any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "QueueLapsed")]
pub struct Lapsed {
    /// What has passed.
    pub because: LapsedBecause,
    /// When that was recorded.
    pub at: Timestamp,
}

/// An enforcement that goes back to a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedTo {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// What is done to the stream.
    pub kind: EnforcementKind,
    /// How far it has come.
    pub stage: Stage,
    /// Since when it is there.
    pub since: Timestamp,
}

/// How far an enforcement has come, its end included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "LedToStage")]
pub enum Stage {
    /// It is wanted.
    Requested,
    /// The budget is spent; a person is asked.
    Held(Budget),
    /// It may be done.
    Admitted,
    /// It is about to be, or was, tried for this time; what came of it is not known.
    Attempted(u8),
    /// The platform accepted it.
    Succeeded(u8),
    /// End: it was seen to have worked.
    Verified,
    /// End: there was nothing to do.
    NotNeeded,
    /// End: this broadcast was on the air instead, which nobody judged.
    Superseded(SessionId),
    /// End: it could not be done. A person must act.
    Failed,
    /// End: it was called off before it was tried.
    Cancelled,
}

/// A frame that met a warning's rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WarningEvidence")]
pub struct Evidence {
    /// The frame.
    pub frame: FrameId,
    /// What of the stream it is.
    pub medium: Medium,
    /// Its own time.
    pub captured_at: Timestamp,
    /// Confidence of the label that hit the rule with the largest margin.
    pub confidence: Confidence,
    /// That confidence over the rule's threshold, in thousandths of a percent.
    pub margin: i32,
}

/// The order of work among warnings that stand alike: the graver first, of the equally grave the one that has waited
/// longer. A warning keeps its place for as long as it lives, so a page can go on after it.
///
/// All warnings of a severity are to be answered within the same time ([`answer_within_ms`]), so the one that has
/// waited longer is the one nearer its deadline, or farther past it. Positions rise with the time of recording, and no
/// two are equal, so the order is complete and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency {
    severity: Reverse<u8>,
    raised: Position,
}

impl Urgency {
    /// The place of a warning of that severity, raised there.
    pub fn new(severity: u8, raised: Position) -> Self {
        Self { severity: Reverse(severity), raised }
    }

    /// How grave, 1 (least) to 5.
    pub fn severity(self) -> u8 {
        self.severity.0
    }

    /// Where it was raised.
    pub fn raised(self) -> Position {
        self.raised
    }
}

/// Within how many milliseconds of its being raised a warning of that severity should be answered.
pub fn answer_within_ms(severity: u8) -> u64 {
    const MINUTE: u64 = 60_000;
    match severity {
        5.. => MINUTE,
        4 => 3 * MINUTE,
        3 => 10 * MINUTE,
        2 => 30 * MINUTE,
        0 | 1 => 120 * MINUTE,
    }
}

/// How a warning stands to somebody who looks at the queue. What needs somebody comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "QueueStanding")]
pub enum Standing {
    /// Open, and nobody else works on it.
    Open,
    /// Open, and somebody else works on it.
    ClaimedByAnother,
    /// Answered; the answer can, or a moment ago could, still be taken back.
    Answered,
    /// It needs no answer any more. No such warning is in the queue.
    Lapsed,
}

/// What an event says of warnings.
pub(super) enum About<'a> {
    /// Nothing.
    Nothing,
    /// One was raised.
    Raised(&'a WarningRaised),
    /// Some may have been joined.
    Assessed(&'a FrameAssessed),
    /// Somebody acted on one.
    Act(WarningId, Act<'a>),
    /// An enforcement is asked for, perhaps because of one.
    Requested(&'a EnforcementRequested),
    /// An enforcement came that far.
    Reached(EnforcementId, Stage),
}

/// What somebody did with a warning.
pub(super) enum Act<'a> {
    Claimed { by: &'a ModeratorId, until: Timestamp },
    Released,
    Noted,
    Escalated { by: &'a ModeratorId, to: Option<&'a ModeratorId> },
    Answered { by: &'a ModeratorId, upheld: bool, undo_ms: u32 },
    Withdrawn,
    Lapsed(LapsedBecause),
    Overturned { by: &'a ModeratorId },
}

impl Entry {
    /// A warning as it is raised. None if the event raises none or belongs to no channel.
    pub fn raised(envelope: &Envelope, event: &Event) -> Option<Self> {
        let About::Raised(raised) = About::of(event) else { return None };
        envelope.scope.channel().map(|channel| Self::new(channel, envelope, raised))
    }

    /// Folds a later event of its channel in, and says whether it was about this warning.
    pub fn apply(&mut self, envelope: &Envelope, event: &Event) -> bool {
        self.take(envelope, &About::of(event))
    }

    /// The warning.
    pub fn warning(&self) -> WarningId {
        self.raised.warning
    }

    /// Its place in the order of work.
    pub fn urgency(&self) -> Urgency {
        Urgency::new(self.raised.severity, self.position)
    }

    /// By when it should be answered.
    pub fn due_at(&self) -> Timestamp {
        self.raised_at.plus_ms(answer_within_ms(self.raised.severity))
    }

    /// Who works on it now. A claim that has run out is none, said or not.
    pub fn claimed(&self, now: Timestamp) -> Option<&Claim> {
        self.claim.as_ref().filter(|claim| claim.until > now)
    }

    /// Whether its answer can no longer be taken back: it is on its way out of the queue.
    pub fn is_leaving(&self, now: Timestamp) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.until < now)
    }

    /// How it stands to `asker` at that time.
    pub fn standing(&self, asker: &ModeratorId, now: Timestamp) -> Standing {
        match self.claimed(now) {
            _ if self.lapsed.is_some() => Standing::Lapsed,
            _ if self.answer.is_some() => Standing::Answered,
            Some(claim) if claim.by != *asker => Standing::ClaimedByAnother,
            Some(_) | None => Standing::Open,
        }
    }

    pub(super) fn new(channel: &ChannelId, envelope: &Envelope, raised: &WarningRaised) -> Self {
        let captured_at = envelope.captured_at.unwrap_or(envelope.recorded_at);
        // Where frames could not be judged nothing was seen that could be evidence.
        let seen = raised.label.as_ref().map(|label| Evidence {
            frame: raised.frame,
            medium: raised.medium,
            captured_at,
            confidence: label.confidence(),
            margin: raised.margin,
        });
        Self {
            channel: channel.clone(),
            raised: raised.clone(),
            position: envelope.position,
            raised_at: envelope.recorded_at,
            captured_at,
            version: envelope.sequence,
            claim: None,
            notes: 0,
            escalated: None,
            answer: None,
            overturned: None,
            enforcement: None,
            lapsed: None,
            hits: u32::from(seen.is_some()),
            evidence: seen.into_iter().collect(),
        }
    }

    pub(super) fn take(&mut self, envelope: &Envelope, about: &About<'_>) -> bool {
        let at = envelope.recorded_at;
        match about {
            About::Nothing | About::Raised(_) => false,
            About::Assessed(assessed) => self.join(envelope.captured_at.unwrap_or(at), assessed),
            About::Act(warning, act) if *warning == self.warning() => {
                self.version = envelope.sequence;
                self.act(at, act);
                true
            }
            About::Requested(requested) if requested.origin.warning() == Some(self.warning()) => {
                let (enforcement, kind) = (requested.enforcement, requested.kind);
                self.enforcement = Some(LedTo { enforcement, kind, stage: Stage::Requested, since: at });
                true
            }
            About::Reached(enforcement, stage) => match &mut self.enforcement {
                Some(led_to) if led_to.enforcement == *enforcement => {
                    (led_to.stage, led_to.since) = (stage.clone(), at);
                    true
                }
                Some(_) | None => false,
            },
            About::Act(..) | About::Requested(_) => false, // another's
        }
    }

    fn act(&mut self, at: Timestamp, act: &Act<'_>) {
        match act {
            Act::Claimed { by, until } => self.claim = Some(Claim { by: (*by).clone(), until: *until }),
            Act::Released => self.claim = None,
            Act::Noted => self.notes = self.notes.saturating_add(1),
            Act::Escalated { by, to } => {
                self.claim = None;
                self.escalated = Some(Escalated { by: (*by).clone(), to: to.cloned(), at });
            }
            Act::Answered { by, upheld, undo_ms } => {
                let until = at.plus_ms(u64::from(*undo_ms));
                self.claim = None;
                self.answer = Some(Answered { by: (*by).clone(), upheld: *upheld, at, until });
            }
            Act::Withdrawn => self.answer = None,
            Act::Overturned { by } => self.overturned = Some(Overturned { by: (*by).clone(), at }),
            Act::Lapsed(because) => {
                self.claim = None;
                self.lapsed = Some(Lapsed { because: *because, at });
            }
        }
    }

    /// The assessment that raises a warning stands before the warning: its frame is evidence already.
    fn join(&mut self, captured_at: Timestamp, assessed: &FrameAssessed) -> bool {
        let joined = RuleEffect::Joined(self.warning());
        let Some(outcome) = assessed.rules.iter().find(|outcome| outcome.effect == joined) else { return false };
        self.hits = self.hits.saturating_add(1);
        if self.evidence.len() >= EVIDENCE_MAX {
            self.evidence.remove(1);
        }
        let confidence = assessed.labels.get(usize::from(outcome.by)).map(|label| label.confidence());
        self.evidence.push(Evidence {
            frame: assessed.frame,
            medium: assessed.medium,
            captured_at,
            confidence: confidence.unwrap_or_default(), // the index is checked where the event is made
            margin: outcome.margin,
        });
        true
    }
}

impl<'a> About<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        match event {
            Event::WarningRaised(raised) => Self::Raised(raised),
            Event::FrameAssessed(assessed) => Self::Assessed(assessed),
            Event::WarningClaimed(it) => Self::Act(it.warning, Act::Claimed { by: &it.by, until: it.until }),
            Event::WarningReleased(it) => Self::Act(it.warning, Act::Released),
            Event::WarningNoted(it) => Self::Act(it.warning, Act::Noted),
            Event::WarningLapsed(it) => Self::Act(it.warning, Act::Lapsed(it.because)),
            Event::WarningEscalated(it) => Self::Act(it.warning, Act::Escalated { by: &it.by, to: it.to.as_ref() }),
            Event::WarningUpheld(it) => {
                Self::Act(it.warning, Act::Answered { by: &it.by, upheld: true, undo_ms: it.undo_ms })
            }
            Event::WarningDismissed(it) => {
                Self::Act(it.warning, Act::Answered { by: &it.by, upheld: false, undo_ms: it.undo_ms })
            }
            Event::WarningAnswerWithdrawn(it) => Self::Act(it.warning, Act::Withdrawn),
            Event::WarningOverturned(it) => Self::Act(it.warning, Act::Overturned { by: &it.by }),
            Event::EnforcementRequested(requested) => Self::Requested(requested),
            Event::EnforcementAdmitted(it) => Self::Reached(it.enforcement, Stage::Admitted),
            Event::EnforcementHeld(it) => Self::Reached(it.enforcement, Stage::Held(it.budget)),
            Event::EnforcementAttempted(it) => Self::Reached(it.enforcement, Stage::Attempted(it.attempt)),
            Event::EnforcementSucceeded(it) => Self::Reached(it.enforcement, Stage::Succeeded(it.attempt)),
            Event::EnforcementVerified(it) => Self::Reached(it.enforcement, Stage::Verified),
            Event::EnforcementNotNeeded(it) => Self::Reached(it.enforcement, Stage::NotNeeded),
            Event::EnforcementSuperseded(it) => Self::Reached(it.enforcement, Stage::Superseded(it.found.clone())),
            Event::EnforcementFailed(it) => Self::Reached(it.enforcement, Stage::Failed),
            Event::EnforcementCancelled(it) => Self::Reached(it.enforcement, Stage::Cancelled),
            Event::SessionStarted(_)
            | Event::SessionEnded(_)
            | Event::FrameSkipped(_)
            | Event::FrameFailed(_)
            | Event::FrameConflict(_)
            | Event::ShadowVerdict(_)
            | Event::OpinionGiven(_)
            | Event::DecisionReceived(_)
            | Event::ChannelWatched(_)
            | Event::ChannelUnwatched(_)
            | Event::ChannelQuarantined(_)
            | Event::SegmentsUnjudged(_)
            | Event::CadenceChanged(_)
            | Event::ReputationAdjusted(_)
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
            | Event::ReplayEnded(_) => Self::Nothing,
        }
    }
}
