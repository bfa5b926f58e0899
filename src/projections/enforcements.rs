//! Every enforcement from its request to its verified end, step by step: what somebody who asked for one follows.
//!
//! What is due next the enforcement desk says (`warden::enforcement`); this shows what was.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{EnforcementRequested, Envelope, Event};
use crate::model::{ChannelId, EnforcementId, EventId, ModeratorId, Position, Timestamp};

use super::Stage;

/// The most enforcements kept; about 2 KB each. Beyond it the oldest that have ended are left out first; their events
/// are in the journal.
pub const ENFORCEMENTS_MAX: usize = 10_000;
/// The most steps kept of one; five attempts, each accepted, take fourteen.
const STEPS_MAX: usize = 32;

/// The newest enforcements.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Enforcements {
    known: BTreeMap<EnforcementId, Followed>,
    /// By where they were requested.
    order: BTreeMap<Position, EnforcementId>,
}

/// One enforcement, followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// The channel.
    pub channel: ChannelId,
    /// What was asked for.
    pub request: EnforcementRequested,
    /// Where that is recorded.
    pub position: Position,
    /// What came of it, oldest first; at least the request, at most 32, the last of them the newest.
    pub steps: Vec<EnforcementStep>,
}

/// A step of an enforcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementStep {
    /// How far it came.
    pub stage: Stage,
    /// When.
    pub at: Timestamp,
    /// The event that says so.
    pub event: EventId,
    /// Where that is.
    pub position: Position,
    /// The person who took the step, if it was a person.
    pub by: Option<ModeratorId>,
    /// Why it failed or was not needed, if so.
    pub reason: Option<String>,
}

impl Followed {
    /// How far it has come.
    pub fn stage(&self) -> &Stage {
        &self.steps.last().expect("an enforcement is followed from its request on").stage
    }

    /// Whether it has come to its single end.
    pub fn has_ended(&self) -> bool {
        match self.stage() {
            Stage::Requested | Stage::Held(_) | Stage::Admitted | Stage::Attempted(_) | Stage::Succeeded(_) => false,
            Stage::Verified | Stage::NotNeeded | Stage::Superseded(_) | Stage::Failed | Stage::Cancelled => true,
        }
    }
}

impl Enforcements {
    /// The enforcement of that id, if it is one of the newest.
    pub fn get(&self, id: EnforcementId) -> Option<&Followed> {
        self.known.get(&id)
    }

    pub(super) fn apply(&mut self, channel: &ChannelId, envelope: &Envelope, event: &Event) {
        let step = |stage, by: Option<&ModeratorId>, reason: Option<&String>| EnforcementStep {
            stage,
            at: envelope.recorded_at,
            event: envelope.id,
            position: envelope.position,
            by: by.cloned(),
            reason: reason.cloned(),
        };
        match event {
            Event::EnforcementRequested(request) => {
                let by = match &request.origin {
                    crate::events::EnforcementOrigin::Person { by, .. } => Some(by),
                    crate::events::EnforcementOrigin::Rule { .. }
                    | crate::events::EnforcementOrigin::External { .. } => None,
                };
                let steps = vec![step(Stage::Requested, by, None)];
                let followed =
                    Followed { channel: channel.clone(), request: request.clone(), position: envelope.position, steps };
                self.order.insert(envelope.position, request.enforcement);
                self.known.insert(request.enforcement, followed);
                self.make_room(ENFORCEMENTS_MAX);
            }
            Event::EnforcementAdmitted(it) => self.on(it.enforcement, step(Stage::Admitted, it.by.as_ref(), None)),
            Event::EnforcementHeld(it) => self.on(it.enforcement, step(Stage::Held(it.budget), None, None)),
            Event::EnforcementAttempted(it) => self.on(it.enforcement, step(Stage::Attempted(it.attempt), None, None)),
            Event::EnforcementSucceeded(it) => self.on(it.enforcement, step(Stage::Succeeded(it.attempt), None, None)),
            Event::EnforcementVerified(it) => self.on(it.enforcement, step(Stage::Verified, None, None)),
            Event::EnforcementNotNeeded(it) => {
                let reason = it.because.to_string();
                self.on(it.enforcement, step(Stage::NotNeeded, None, Some(&reason)));
            }
            Event::EnforcementSuperseded(it) => {
                let reason = it.because.to_string();
                self.on(it.enforcement, step(Stage::Superseded(it.found.clone()), None, Some(&reason)));
            }
            Event::EnforcementFailed(it) => self.on(it.enforcement, step(Stage::Failed, None, Some(&it.reason))),
            Event::EnforcementCancelled(it) => self.on(it.enforcement, step(Stage::Cancelled, it.by.as_ref(), None)),
            Event::SessionStarted(_)
            | Event::SessionEnded(_)
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
            | Event::CadenceChanged(_)
            | Event::ReputationAdjusted(_)
            | Event::WarningRaised(_)
            | Event::WarningClaimed(_)
            | Event::WarningReleased(_)
            | Event::WarningUpheld(_)
            | Event::WarningDismissed(_)
            | Event::WarningAnswerWithdrawn(_)
            | Event::WarningEscalated(_)
            | Event::WarningNoted(_)
            | Event::WarningLapsed(_)
            | Event::WarningOverturned(_)
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

    fn on(&mut self, id: EnforcementId, step: EnforcementStep) {
        let Some(followed) = self.known.get_mut(&id) else { return };
        if followed.steps.len() == STEPS_MAX {
            followed.steps.remove(1); // the request stays, and the newest do
        }
        followed.steps.push(step);
    }

    fn make_room(&mut self, most: usize) {
        while self.known.len() > most {
            let ended = |id: &&EnforcementId| self.known.get(id).is_none_or(Followed::has_ended);
            let oldest = self.order.values().find(ended).or_else(|| self.order.values().next()).copied();
            let Some(oldest) = oldest else { return };
            if let Some(gone) = self.known.remove(&oldest) {
                self.order.remove(&gone.position);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Actor, EnforcementAdmitted, EnforcementKind, EnforcementOrigin, EnforcementVerified};
    use crate::model::{Epoch, Scope, Sequence};

    struct Told(Enforcements, u64);

    impl Told {
        fn tell(&mut self, event: impl Into<Event>) {
            self.1 += 1;
            let (event, channel) = (event.into(), ChannelId::new("a").expect("sound"));
            let envelope = Envelope {
                id: EventId::of_command("test", &[&self.1.to_be_bytes()]),
                event_type: event.event_type().name().to_owned(),
                schema_version: 1,
                position: Position(self.1),
                scope: Scope::Channel(channel.clone()),
                sequence: Sequence(self.1),
                recorded_at: Timestamp::from_millis(self.1 as i64),
                captured_at: None,
                epoch: Epoch(1),
                actor: Actor::service("test"),
                causation: None,
                correlation: None,
            };
            self.0.apply(&channel, &envelope, &event);
        }

        fn request(&mut self, n: u8) -> EnforcementId {
            let enforcement = EnforcementId::from_bytes([n; 16]);
            let by = ModeratorId::new("ann").expect("sound");
            self.tell(EnforcementRequested {
                enforcement,
                kind: EnforcementKind::Stop,
                session: None,
                origin: EnforcementOrigin::Person { by, warning: None },
                severity: 5,
                expires: Timestamp::from_millis(0),
                reason: None,
            });
            enforcement
        }
    }

    #[test]
    fn an_enforcement_is_followed_from_its_request_to_its_end() {
        let mut told = Told(Enforcements::default(), 0);
        let id = told.request(1);
        assert!(!told.0.get(id).expect("it is followed").has_ended());
        told.tell(EnforcementAdmitted { enforcement: id, by: None });
        told.tell(EnforcementVerified { enforcement: id, took_ms: 2 });
        let followed = told.0.get(id).expect("it is followed");
        assert!(followed.has_ended());
        let stages: Vec<&Stage> = followed.steps.iter().map(|step| &step.stage).collect();
        assert_eq!(stages, [&Stage::Requested, &Stage::Admitted, &Stage::Verified]);
        assert_eq!(followed.steps[2].at, Timestamp::from_millis(3));
    }

    #[test]
    fn of_too_many_those_that_have_ended_leave_first() {
        let mut told = Told(Enforcements::default(), 0);
        let (first, second, third) = (told.request(1), told.request(2), told.request(3));
        told.tell(EnforcementVerified { enforcement: second, took_ms: 2 });
        told.0.make_room(2);
        assert!(told.0.get(second).is_none() && told.0.get(first).is_some() && told.0.get(third).is_some());
        told.0.make_room(1);
        assert!(told.0.get(first).is_none(), "of those under way the oldest");
        assert_eq!(told.0.order.len(), 1);
    }
}
