//! All enforcements under way, folded from the journal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::events::{CodecError, EnforcementRequested, Event, Recorded};
use crate::model::{ChannelId, EnforcementId, Position, SessionId, Timestamp};
use crate::warden::{EnforcementReport, EnforcementStage, HOLD_TTL_MS};

use super::{BudgetLimits, Spending};

/// The enforcements under way, the budget spent, and how many channels are live.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Desk {
    cases: BTreeMap<EnforcementId, Case>,
    spending: Spending,
    live: BTreeSet<ChannelId>,
    /// Position of the last event folded in.
    pub position: Position,
}

/// One enforcement under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The channel.
    pub channel: ChannelId,
    /// What was asked for.
    pub request: EnforcementRequested,
    /// When.
    pub requested_at: Timestamp,
    /// When the frame was captured on which it rests; none if a person asked without one.
    pub judged_at: Option<Timestamp>,
    /// Until when it may be begun: the request's own limit, or anew from a person's admission.
    pub expires: Timestamp,
    /// How far it has come.
    pub stage: EnforcementStage,
    /// Since when it is there.
    pub since: Timestamp,
    /// Captured-at of the newest picture that came since it was asked for, as long as no other session began.
    pub newest_picture: Option<Timestamp>,
    /// The session that is stopped, where the one judged has no name and a look showed which it is.
    pub found: Option<SessionId>,
    /// Whether another session began since: its pictures say nothing of the judged one.
    pub other_began: bool,
}

/// What is due for a case without looking at the channel, or that a look is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Report this.
    Report(EnforcementReport),
    /// Look at the channel, then ask [`super::plan()`].
    Look,
}

impl Desk {
    /// Folds one stored event. Events of unknown types stop the fold.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), CodecError> {
        let event = recorded.event()?;
        self.position = recorded.envelope.position;
        let Some(channel) = recorded.envelope.scope.channel() else { return Ok(()) };
        let at = recorded.envelope.recorded_at;
        match event {
            Event::SessionStarted(started) => {
                self.live.insert(channel.clone());
                for case in self.cases.values_mut().filter(|case| case.channel == *channel) {
                    let meant = [&case.request.session, &case.found];
                    case.other_began |= meant.iter().all(|meant| meant.as_ref() != Some(&started.session));
                }
            }
            Event::FrameSkipped(_) | Event::FrameAssessed(_) | Event::FrameFailed(_) => {
                let captured_at = recorded.envelope.captured_at;
                let showing = |case: &&mut Case| case.channel == *channel && !case.other_began;
                for case in self.cases.values_mut().filter(showing) {
                    case.newest_picture = case.newest_picture.max(captured_at);
                }
            }
            Event::SessionEnded(_) => {
                self.live.remove(channel);
            }
            Event::EnforcementRequested(request) => {
                let expires = request.expires;
                let case = Case {
                    channel: channel.clone(),
                    requested_at: at,
                    judged_at: recorded.envelope.captured_at,
                    expires,
                    stage: EnforcementStage::Requested,
                    since: at,
                    newest_picture: None,
                    found: None,
                    other_began: false,
                    request,
                };
                self.cases.insert(case.request.enforcement, case);
            }
            Event::EnforcementAdmitted(admitted) => {
                self.advance(admitted.enforcement, EnforcementStage::Admitted, at);
                if let Some(case) = self.cases.get_mut(&admitted.enforcement) {
                    if admitted.by.is_some() {
                        case.expires = at.plus_ms(crate::warden::ENFORCEMENT_TTL_MS);
                    } else if let Some(rule) = case.request.origin.counts_as() {
                        self.spending.admitted(at, rule);
                    }
                }
            }
            Event::EnforcementHeld(held) => self.advance(held.enforcement, EnforcementStage::Held, at),
            Event::EnforcementAttempted(tried) => {
                self.advance(tried.enforcement, EnforcementStage::Attempted(tried.attempt), at);
                if let Some(case) = self.cases.get_mut(&tried.enforcement) {
                    case.found = tried.found;
                }
            }
            Event::EnforcementSucceeded(done) => {
                self.advance(done.enforcement, EnforcementStage::Succeeded(done.attempt), at);
            }
            Event::EnforcementVerified(end) => self.close(end.enforcement),
            Event::EnforcementNotNeeded(end) => self.close(end.enforcement),
            Event::EnforcementSuperseded(end) => self.close(end.enforcement),
            Event::EnforcementFailed(end) => self.close(end.enforcement),
            Event::EnforcementCancelled(end) => self.close(end.enforcement),
            Event::FrameConflict(_)
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
        Ok(())
    }

    /// What is due now, gravest first, then oldest.
    ///
    /// Automatic requests are measured against the budget here, each as if those before it in this list had been
    /// admitted; persons' are not measured at all.
    pub fn due(&self, limits: BudgetLimits, now: Timestamp) -> Vec<(EnforcementId, Due)> {
        let mut order: Vec<(&EnforcementId, &Case)> = self.cases.iter().collect();
        order.sort_by_key(|(id, case)| (std::cmp::Reverse(case.request.severity), case.requested_at, **id));
        let mut spending = self.spending.clone();
        let live = self.live.len() as u32;
        let mut due = Vec::new();
        for (id, case) in order {
            let next = match case.stage {
                EnforcementStage::Requested if now > case.expires => Due::Report(EnforcementReport::Expired),
                EnforcementStage::Requested => match case.request.origin.counts_as() {
                    None => Due::Report(EnforcementReport::Admitted),
                    Some(rule) => match spending.exceeded(limits, now, &rule, live) {
                        Some(budget) => Due::Report(EnforcementReport::Held(budget)),
                        None => {
                            spending.admitted(now, rule);
                            Due::Report(EnforcementReport::Admitted)
                        }
                    },
                },
                // Absence of an answer never stops a stream: what nobody admits is called off.
                EnforcementStage::Held if now > case.since.plus_ms(HOLD_TTL_MS) => {
                    Due::Report(EnforcementReport::Expired)
                }
                EnforcementStage::Held => continue,
                EnforcementStage::Admitted | EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_) => {
                    Due::Look
                }
            };
            due.push((*id, next));
        }
        due
    }

    /// A case, if it has not ended.
    pub fn case(&self, id: EnforcementId) -> Option<&Case> {
        self.cases.get(&id)
    }

    /// All cases under way.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values()
    }

    /// The channels that are live.
    pub fn live(&self) -> impl Iterator<Item = &ChannelId> {
        self.live.iter()
    }

    /// How many channels are live.
    pub fn live_channels(&self) -> usize {
        self.live.len()
    }

    fn advance(&mut self, id: EnforcementId, stage: EnforcementStage, at: Timestamp) {
        if let Some(case) = self.cases.get_mut(&id) {
            case.stage = stage;
            case.since = at;
        }
    }

    fn close(&mut self, id: EnforcementId) {
        self.cases.remove(&id);
    }
}
