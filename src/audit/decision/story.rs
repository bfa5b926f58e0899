//! What followed from a decision: its warnings from the raising to the answer, what was done to the stream and by
//! whom, step by step.
//!
//! Read from the channel's own list, a bounded stretch before the decision (for a warning that it joined) and behind it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{
    DecisionEffect, DecisionReceived, EnforcementRequested, Event, EventView, FrameAssessed, LapsedBecause, Recorded,
    RuleEffect, WarningRaised,
};
use crate::journal::Journal;
use crate::model::{
    ChannelId, EnforcementId, EventId, FrameId, ModeratorId, Scope, Sequence, SessionId, Timestamp, WarningId,
};

use crate::warden::UndoTime;

use super::outside::DecidedOutside;
use super::{AuditError, EventLink, Sources, plain};

/// The most events read behind a decision, and before it: hours of a channel with a frame a second.
const STORY_EVENTS_MAX: u64 = 5_000;
/// Events read at a time.
const WINDOW_EVENTS: u64 = 500;
/// The most other events listed that the decision caused.
const CAUSED_MAX: usize = 100;
/// The most decisions of external actors that are listed. Each of their actions decides about a frame once.
const DECIDED_MAX: usize = 20;

/// What followed from a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Followed {
    /// The warnings it raised or joined, and those of external actors' decisions about the frame.
    pub warnings: Vec<WarningStory>,
    /// What external actors decided about the frame, at most 20. One that came after the broadcast was over and every
    /// answer final is not looked for.
    pub decided_outside: Vec<DecidedOutside>,
    /// What was asked for against the stream because of them, and whatever else was asked for against the same
    /// broadcast afterwards.
    pub enforcements: Vec<EnforcementStory>,
    /// Further events that it caused, as far as was read, at most 100.
    pub caused: Vec<EventLink>,
    /// Whether everything up to now was read. If not, the channel's events behind `read_to` go on.
    pub complete: bool,
    /// Sequence of the last event read.
    pub read_to: Sequence,
}

/// A warning from its raising on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WarningStory {
    /// The warning.
    pub warning: WarningId,
    /// Whether this decision raised it; otherwise it joined one that was open.
    pub raised_here: bool,
    /// How it was raised; none if that lies further back than one answer reads.
    pub raised: Option<WarningRaised>,
    /// How it stands.
    pub standing: Standing,
    /// Every event about it, oldest first.
    pub events: Vec<EventView>,
}

/// How a warning stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nobody answered.
    Open,
    /// A moderator works on it.
    Claimed {
        /// Who.
        by: ModeratorId,
        /// Until when.
        until: Timestamp,
    },
    /// A moderator agreed.
    Upheld {
        /// Who.
        by: ModeratorId,
        /// When.
        at: Timestamp,
    },
    /// A moderator disagreed.
    Dismissed {
        /// Who.
        by: ModeratorId,
        /// When.
        at: Timestamp,
    },
    /// A moderator agreed, and an appeal overturned it.
    Overturned {
        /// Who overturned it.
        by: ModeratorId,
        /// When.
        at: Timestamp,
        /// Who had upheld it.
        upheld_by: ModeratorId,
        /// When.
        upheld_at: Timestamp,
    },
    /// What it asked about has passed: nobody needs to answer.
    Lapsed {
        /// What has passed.
        because: LapsedBecause,
        /// When.
        at: Timestamp,
    },
}

/// An enforcement from its request on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EnforcementStory {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// What it has to do with the decision.
    pub relation: Relation,
    /// What was asked for, by whom.
    pub requested: EnforcementRequested,
    /// Why, in the words of the person who asked, if they gave any and it can still be read.
    pub reason: Option<String>,
    /// How far it came.
    pub stage: Stage,
    /// Whether that is its end.
    pub ended: bool,
    /// Every event about it, oldest first: each names who brought it about.
    pub events: Vec<EventView>,
}

/// What an enforcement has to do with a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// It goes back to a warning of this decision.
    ThisDecision,
    /// It was asked for later, against the same broadcast, for another reason.
    SameBroadcast,
}

/// How far an enforcement came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Wanted.
    Requested,
    /// May be done.
    Admitted,
    /// The budget is spent; a person is asked.
    Held,
    /// Is about to be, or was, tried.
    Attempted,
    /// The platform accepted it.
    Succeeded,
    /// End: it was seen to have worked.
    Verified,
    /// End: there was nothing to do.
    NotNeeded,
    /// End: another broadcast was on the air.
    Superseded,
    /// End: it could not be done.
    Failed,
    /// End: it was called off.
    Cancelled,
}

impl Stage {
    /// Whether nothing follows it.
    pub fn is_end(self) -> bool {
        match self {
            Self::Requested | Self::Admitted | Self::Held | Self::Attempted | Self::Succeeded => false,
            Self::Verified | Self::NotNeeded | Self::Superseded | Self::Failed | Self::Cancelled => true,
        }
    }
}

/// What followed from a frame's outcome.
pub(super) fn followed(
    Sources { journal, content }: Sources<'_>,
    channel: &ChannelId,
    outcome: &Recorded,
    frame: FrameId,
    assessed: Option<&FrameAssessed>,
    missing: &mut Vec<String>,
) -> Result<Followed, AuditError> {
    let scope = Scope::Channel(channel.clone());
    let head = journal.scope_head(&scope);
    let mut reading = Reading::begin(outcome, frame, assessed);
    reading.backwards(journal, &scope, outcome.envelope.sequence)?;
    reading.is_behind = true;
    let mut after = outcome.envelope.sequence;
    let until = Sequence(after.0.saturating_add(STORY_EVENTS_MAX));
    let mut settled = false;
    while after < head && after < until && !settled {
        let page = journal.read_scope(&scope, after, WINDOW_EVENTS as usize)?;
        let Some(last) = page.last() else { break };
        after = last.envelope.sequence;
        let recorded_at = last.envelope.recorded_at;
        for recorded in page {
            reading.take(recorded);
        }
        settled = reading.is_settled(recorded_at);
    }
    let complete = after >= head || settled;
    let Reading { warnings, decided_outside, mut enforcements, caused, .. } = reading;
    for story in &mut enforcements {
        let Some(reason) = &story.requested.reason else { continue };
        match plain(content, reason) {
            Ok(text) => story.reason = Some(String::from_utf8_lossy(&text).into_owned()),
            Err(why) => missing.push(format!("the reason of enforcement {}: {why}", story.enforcement)),
        }
    }
    Ok(Followed { warnings, decided_outside, enforcements, caused, complete, read_to: after })
}

/// The stories so far.
struct Reading {
    outcome: EventId,
    frame: FrameId,
    session: Option<SessionId>,
    session_over: bool,
    /// Whether what is read now came after the decision.
    is_behind: bool,
    warnings: Vec<WarningStory>,
    decided_outside: Vec<DecidedOutside>,
    enforcements: Vec<EnforcementStory>,
    caused: Vec<EventLink>,
}

impl Reading {
    fn begin(outcome: &Recorded, frame: FrameId, assessed: Option<&FrameAssessed>) -> Self {
        let rules = assessed.map_or(&[][..], |assessed| assessed.rules.as_slice());
        let warnings = rules.iter().filter_map(|rule| match rule.effect {
            RuleEffect::Raised(warning) => Some(WarningStory::of(warning, true)),
            RuleEffect::Joined(warning) => Some(WarningStory::of(warning, false)),
            RuleEffect::Partial | RuleEffect::Cooldown(_) => None,
        });
        Self {
            outcome: outcome.envelope.id,
            frame,
            session: assessed.map(|assessed| assessed.session.clone()),
            session_over: assessed.is_none(),
            is_behind: false,
            warnings: warnings.collect(),
            decided_outside: Vec::new(),
            enforcements: Vec::new(),
            caused: Vec::new(),
        }
    }

    /// Reads what happened before the decision to the warnings that it joined.
    fn backwards(&mut self, journal: &dyn Journal, scope: &Scope, outcome: Sequence) -> Result<(), AuditError> {
        let mut before = outcome.0;
        let until = outcome.0.saturating_sub(STORY_EVENTS_MAX).max(1);
        let mut earlier: Vec<Recorded> = Vec::new();
        let joined: Vec<WarningId> =
            self.warnings.iter().filter(|story| !story.raised_here).map(|story| story.warning).collect();
        let mut unraised = joined.len();
        while before > until && unraised > 0 {
            let from = before.saturating_sub(WINDOW_EVENTS).max(until);
            let page = journal.read_scope(scope, Sequence(from - 1), (before - from) as usize)?;
            let raises = |recorded: &Recorded| matches!(recorded.event(), Ok(Event::WarningRaised(raised)) if joined.contains(&raised.warning));
            let page: Vec<Recorded> = page.into_iter().filter(|found| found.envelope.sequence.0 < before).collect();
            unraised = unraised.saturating_sub(page.iter().filter(|found| raises(found)).count());
            earlier.splice(0..0, page);
            before = from;
        }
        for recorded in earlier {
            self.take(recorded);
        }
        Ok(())
    }

    /// Whether nothing recorded later than `now` belongs to the story: the broadcast is over, every warning was answered
    /// so long before that the answer cannot be taken back, every enforcement has ended.
    fn is_settled(&self, now: Timestamp) -> bool {
        let answered = |story: &WarningStory| match story.standing {
            Standing::Open | Standing::Claimed { .. } => false,
            Standing::Lapsed { .. } | Standing::Overturned { .. } => true,
            Standing::Upheld { at, .. } | Standing::Dismissed { at, .. } => {
                now > at.plus_ms(u64::from(UndoTime::MS_MAX))
            }
        };
        self.session_over && self.warnings.iter().all(answered) && self.enforcements.iter().all(|story| story.ended)
    }

    fn take(&mut self, recorded: Recorded) {
        let Ok(event) = recorded.event() else { return }; // of a type that is not known: the channel's events show it
        let caused = recorded.envelope.causation == Some(self.outcome);
        if let Event::DecisionReceived(received) = &event
            && received.frame == self.frame
        {
            self.decided(received, &recorded);
            return;
        }
        match about(&event) {
            About::Warning(id) => {
                if let Some(story) = self.warnings.iter_mut().find(|story| story.warning == id) {
                    story.take(&event, recorded);
                }
            }
            About::Request(requested) => self.request(requested.clone(), recorded),
            About::Enforcement(id, stage) => {
                if let Some(story) = self.enforcements.iter_mut().find(|story| story.enforcement == id) {
                    story.stage = stage;
                    story.ended = stage.is_end();
                    story.events.push(recorded.into());
                }
            }
            About::SessionEnd(session) => self.session_over |= self.session.as_ref() == Some(session),
            About::Else if caused && self.caused.len() < CAUSED_MAX => self.caused.push(EventLink::from(&recorded)),
            About::Else => {}
        }
    }

    /// Its warning belongs to the story from here on.
    fn decided(&mut self, received: &DecisionReceived, recorded: &Recorded) {
        if self.decided_outside.len() == DECIDED_MAX {
            return;
        }
        let raised = matches!(received.effect, DecisionEffect::Raised(_));
        if let Some(warning) = received.warning()
            && self.warnings.iter().all(|story| story.warning != warning)
        {
            self.warnings.push(WarningStory::of(warning, raised));
        }
        self.decided_outside.push(DecidedOutside::of(received, recorded));
    }

    fn request(&mut self, requested: EnforcementRequested, recorded: Recorded) {
        let of_warning = requested.origin.warning();
        let relation = match of_warning {
            Some(warning) if self.warnings.iter().any(|story| story.warning == warning) => Relation::ThisDecision,
            _ if self.is_behind && self.session.is_some() && requested.session == self.session => {
                Relation::SameBroadcast
            }
            _ => return,
        };
        self.enforcements.push(EnforcementStory {
            enforcement: requested.enforcement,
            relation,
            requested,
            reason: None,
            stage: Stage::Requested,
            ended: false,
            events: vec![recorded.into()],
        });
    }
}

impl WarningStory {
    fn of(warning: WarningId, raised_here: bool) -> Self {
        Self { warning, raised_here, raised: None, standing: Standing::Open, events: Vec::new() }
    }

    fn take(&mut self, event: &Event, recorded: Recorded) {
        let at = recorded.envelope.recorded_at;
        match event {
            Event::WarningRaised(raised) => self.raised = Some(raised.clone()),
            Event::WarningClaimed(claim) => {
                self.standing = Standing::Claimed { by: claim.by.clone(), until: claim.until };
            }
            Event::WarningReleased(_) | Event::WarningEscalated(_) | Event::WarningAnswerWithdrawn(_) => {
                self.standing = Standing::Open;
            }
            Event::WarningUpheld(answer) => self.standing = Standing::Upheld { by: answer.by.clone(), at },
            Event::WarningDismissed(answer) => self.standing = Standing::Dismissed { by: answer.by.clone(), at },
            Event::WarningOverturned(act) => {
                let (by, upheld_by, upheld_at) = (act.by.clone(), act.upheld_by.clone(), act.upheld_at);
                self.standing = Standing::Overturned { by, at, upheld_by, upheld_at };
            }
            Event::WarningLapsed(lapsed) => self.standing = Standing::Lapsed { because: lapsed.because, at },
            _ => {} // a note changes nothing of how it stands, and nothing else is about a warning
        }
        self.events.push(recorded.into());
    }
}

/// What an event is about, as far as a story goes.
enum About<'a> {
    Warning(WarningId),
    Request(&'a EnforcementRequested),
    Enforcement(EnforcementId, Stage),
    SessionEnd(&'a SessionId),
    Else,
}

fn about(event: &Event) -> About<'_> {
    match event {
        Event::WarningRaised(e) => About::Warning(e.warning),
        Event::WarningClaimed(e) => About::Warning(e.warning),
        Event::WarningReleased(e) => About::Warning(e.warning),
        Event::WarningUpheld(e) => About::Warning(e.warning),
        Event::WarningDismissed(e) => About::Warning(e.warning),
        Event::WarningAnswerWithdrawn(e) => About::Warning(e.warning),
        Event::WarningEscalated(e) => About::Warning(e.warning),
        Event::WarningNoted(e) => About::Warning(e.warning),
        Event::WarningLapsed(e) => About::Warning(e.warning),
        Event::WarningOverturned(e) => About::Warning(e.warning),
        Event::EnforcementRequested(e) => About::Request(e),
        Event::EnforcementAdmitted(e) => About::Enforcement(e.enforcement, Stage::Admitted),
        Event::EnforcementHeld(e) => About::Enforcement(e.enforcement, Stage::Held),
        Event::EnforcementAttempted(e) => About::Enforcement(e.enforcement, Stage::Attempted),
        Event::EnforcementSucceeded(e) => About::Enforcement(e.enforcement, Stage::Succeeded),
        Event::EnforcementVerified(e) => About::Enforcement(e.enforcement, Stage::Verified),
        Event::EnforcementNotNeeded(e) => About::Enforcement(e.enforcement, Stage::NotNeeded),
        Event::EnforcementSuperseded(e) => About::Enforcement(e.enforcement, Stage::Superseded),
        Event::EnforcementFailed(e) => About::Enforcement(e.enforcement, Stage::Failed),
        Event::EnforcementCancelled(e) => About::Enforcement(e.enforcement, Stage::Cancelled),
        Event::SessionEnded(e) => About::SessionEnd(&e.session),
        Event::SessionStarted(_)
        | Event::FrameSkipped(_)
        | Event::FrameAssessed(_)
        | Event::FrameFailed(_)
        | Event::FrameConflict(_)
        | Event::ShadowVerdict(_)
        | Event::OpinionGiven(_)
        | Event::DecisionReceived(_)
        | Event::ChannelWatched(_)
        | Event::ChannelUnwatched(_)
        | Event::ChannelQuarantined(_)
        | Event::SegmentsUnjudged(_)
        | Event::EvidenceStored(_)
        | Event::EvidenceCopied(_)
        | Event::EvidenceUnkept(_)
        | Event::EvidenceExpired(_)
        | Event::EvidenceRead(_)
        | Event::ExportMade(_)
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
        | Event::CopiesErased(_) => About::Else,
    }
}
