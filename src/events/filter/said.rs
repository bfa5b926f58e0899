//! What an event says that a filter can ask for: verdict, labels, rules, moderators, policies.
//!
//! Two tables of the same fact, by type ([`says`]) and by event ([`said`]); a test holds them together.

use crate::events::{EnforcementOrigin, Erasing, Event, EventType, OpinionSaid};
use crate::model::{Label, LabelPath, ModeratorId, PolicyRef, RuleId, Verdict};

/// What events of a type may say in their payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Says {
    pub verdict: bool,
    pub labels: bool,
    pub rules: bool,
    pub moderators: bool,
    pub policies: bool,
}

/// What one event says in its payload.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub verdict: Option<Verdict>,
    pub labels: Vec<&'a LabelPath>,
    pub rules: Vec<&'a RuleId>,
    pub moderators: Vec<&'a ModeratorId>,
    pub policies: Vec<&'a PolicyRef>,
}

/// What events of the type may say.
pub(super) fn says(event_type: EventType) -> Says {
    const NOTHING: Says = Says { verdict: false, labels: false, rules: false, moderators: false, policies: false };
    const MODERATOR: Says = Says { moderators: true, ..NOTHING };
    const POLICY: Says = Says { policies: true, ..NOTHING };
    match event_type {
        EventType::FrameAssessed => Says { verdict: true, labels: true, rules: true, policies: true, ..NOTHING },
        EventType::ShadowVerdict => Says { verdict: true, labels: true, rules: true, policies: true, ..NOTHING },
        EventType::OpinionGiven => Says { labels: true, rules: true, policies: true, ..NOTHING },
        EventType::WarningRaised => Says { labels: true, rules: true, policies: true, ..NOTHING },
        EventType::EnforcementRequested => Says { rules: true, moderators: true, policies: true, ..NOTHING },
        EventType::WarningClaimed
        | EventType::WarningReleased
        | EventType::WarningUpheld
        | EventType::WarningDismissed
        | EventType::WarningAnswerWithdrawn
        | EventType::WarningEscalated
        | EventType::WarningNoted
        | EventType::WarningOverturned
        | EventType::EnforcementAdmitted
        | EventType::EnforcementCancelled
        | EventType::ReputationAdjusted
        | EventType::ErasureRequested => MODERATOR,
        EventType::CadenceChanged
        | EventType::PolicyPublished
        | EventType::PolicyRetired
        | EventType::PolicyShadowed
        | EventType::PolicyUnshadowed => POLICY,
        EventType::SessionStarted
        | EventType::SessionEnded
        | EventType::FrameSkipped
        | EventType::FrameFailed
        | EventType::FrameConflict
        | EventType::DecisionReceived
        | EventType::ChannelWatched
        | EventType::ChannelUnwatched
        | EventType::ChannelQuarantined
        | EventType::SegmentsUnjudged
        | EventType::WarningLapsed
        | EventType::EnforcementHeld
        | EventType::EnforcementAttempted
        | EventType::EnforcementSucceeded
        | EventType::EnforcementVerified
        | EventType::EnforcementNotNeeded
        | EventType::EnforcementSuperseded
        | EventType::EnforcementFailed
        | EventType::NotificationRejected
        | EventType::InputGap
        | EventType::ProviderSuspended
        | EventType::ProviderResumed
        | EventType::ConsumerCreated
        | EventType::ConsumerDeleted
        | EventType::ConsumerRewound
        | EventType::EntryParked
        | EventType::EntryUnparked
        | EventType::EntrySettled
        | EventType::ReplayStarted
        | EventType::ReplayEnded
        | EventType::StoreOpened
        | EventType::StoreClosed
        | EventType::SegmentSealed
        | EventType::DataLossAccepted
        | EventType::ContentErased
        | EventType::CopiesErased
        | EventType::EvidenceStored
        | EventType::EvidenceCopied
        | EventType::EvidenceUnkept
        | EventType::EvidenceExpired
        | EventType::EvidenceRead
        | EventType::ExportMade => NOTHING,
    }
}

/// What the event says.
pub(super) fn said(event: &Event) -> Said<'_> {
    let moderator = |by| Said { moderators: vec![by], ..Said::default() };
    let policy = |policy| Said { policies: vec![policy], ..Said::default() };
    match event {
        Event::FrameAssessed(e) => Said {
            verdict: Some(e.verdict),
            labels: e.labels.iter().map(|label| label.path()).collect(),
            rules: e.rules.iter().map(|outcome| &outcome.rule).collect(),
            policies: vec![&e.policy],
            moderators: Vec::new(),
        },
        Event::OpinionGiven(e) => {
            let answer = match &e.said {
                OpinionSaid::Answer(answer) => Some(answer),
                OpinionSaid::Nothing { .. } => None,
            };
            Said {
                verdict: None,
                labels: answer.iter().flat_map(|answer| &answer.labels).map(Label::path).collect(),
                rules: answer.iter().flat_map(|answer| &answer.hits).collect(),
                policies: vec![&e.policy],
                moderators: Vec::new(),
            }
        }
        Event::ShadowVerdict(e) => Said {
            verdict: Some(e.verdict),
            labels: e.labels.iter().map(|label| label.path()).collect(),
            rules: e.rules.iter().map(|outcome| &outcome.rule).collect(),
            policies: vec![&e.policy],
            moderators: Vec::new(),
        },
        Event::WarningRaised(e) => {
            let labels = e.label.iter().map(|label| label.path()).collect();
            Said { labels, rules: vec![&e.rule], policies: vec![&e.policy], ..Said::default() }
        }
        Event::EnforcementRequested(e) => match &e.origin {
            EnforcementOrigin::Rule { policy, rule, warning: _ } => {
                Said { rules: vec![rule], policies: vec![policy], ..Said::default() }
            }
            EnforcementOrigin::Person { by, warning: _ } => moderator(by),
            // it names no rule: its warning does
            EnforcementOrigin::External { .. } => Said::default(),
        },
        Event::WarningClaimed(e) => moderator(&e.by),
        Event::WarningReleased(e) => moderator(&e.by),
        Event::WarningUpheld(e) => moderator(&e.by),
        Event::WarningDismissed(e) => moderator(&e.by),
        Event::WarningAnswerWithdrawn(e) => moderator(&e.by),
        Event::WarningEscalated(e) => {
            Said { moderators: std::iter::once(&e.by).chain(&e.to).collect(), ..Said::default() }
        }
        Event::WarningNoted(e) => moderator(&e.by),
        Event::WarningOverturned(e) => Said { moderators: vec![&e.by, &e.upheld_by], ..Said::default() },
        Event::EnforcementAdmitted(e) => Said { moderators: e.by.iter().collect(), ..Said::default() },
        Event::EnforcementCancelled(e) => Said { moderators: e.by.iter().collect(), ..Said::default() },
        Event::ReputationAdjusted(e) => moderator(&e.by),
        Event::ErasureRequested(e) => match &e.what {
            Erasing::Person(person) => moderator(person),
            Erasing::Channel { .. } => Said::default(),
        },
        Event::CadenceChanged(e) => policy(&e.policy),
        Event::PolicyPublished(e) => policy(&e.policy),
        Event::PolicyRetired(e) => policy(&e.policy),
        Event::PolicyShadowed(e) => policy(&e.policy),
        Event::PolicyUnshadowed(e) => policy(&e.policy),
        Event::SessionStarted(_)
        | Event::SessionEnded(_)
        | Event::FrameSkipped(_)
        | Event::FrameFailed(_)
        | Event::FrameConflict(_)
        | Event::DecisionReceived(_)
        | Event::ChannelWatched(_)
        | Event::ChannelUnwatched(_)
        | Event::ChannelQuarantined(_)
        | Event::SegmentsUnjudged(_)
        | Event::WarningLapsed(_)
        | Event::EnforcementHeld(_)
        | Event::EnforcementAttempted(_)
        | Event::EnforcementSucceeded(_)
        | Event::EnforcementVerified(_)
        | Event::EnforcementNotNeeded(_)
        | Event::EnforcementSuperseded(_)
        | Event::EnforcementFailed(_)
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
        | Event::ContentErased(_)
        | Event::CopiesErased(_)
        | Event::EvidenceStored(_)
        | Event::EvidenceCopied(_)
        | Event::EvidenceUnkept(_)
        | Event::EvidenceExpired(_)
        | Event::EvidenceRead(_)
        | Event::ExportMade(_) => Said::default(),
    }
}
