//! What happened on the whole node in the last week, hour by hour: how much was seen, what rules asked and people
//! answered, what came of stops, what was asked of providers.
//!
//! For all channels together: an hour of each of 100,000 channels would be as much memory again as the channels take,
//! for every hour. Warnings and stops are few enough to be followed one by one, so that they can be added up for some of the
//! channels, too; frames and calls cannot. A warning and a stop are counted in the hour in which they were raised or asked for, and there as they
//! stand now: so the answers to a rule's warnings always add up to its warnings. Times are counted in the hour in which
//! they ended.

mod followed;
mod hour;
mod spread;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use followed::FollowedNewest;
pub use hour::{Calls, Decided, Frames, Hour, Model, RULES_MAX, Raiser, Stops, Unanswered};
use hour::{Reached, Stands};
pub use spread::Spread;

use crate::events::{
    EnforcementKind, EnforcementOrigin, EnforcementRequested, Envelope, Event, FailedStage, WarningRaised,
};
use crate::model::{ChannelId, EnforcementId, Timestamp, WarningId};

/// The hours kept, the one that is not over included: a week.
pub const HOURS_MAX: u64 = 168;
/// Milliseconds of one.
pub const HOUR_MS: u64 = 3_600_000;
/// The newest warnings whose answers are counted, of those raised within the week; about 300 bytes each. What becomes of
/// older ones is not: they stay counted as open.
pub const WARNINGS_FOLLOWED_MAX: usize = 100_000;
/// The newest stops whose ends are counted, of those asked for within the week; about 250 bytes each.
pub const STOPS_FOLLOWED_MAX: usize = 20_000;

/// The hours of the last week.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overview {
    /// By hours since 1970; hours without an event are not there.
    hours: BTreeMap<u64, Hour>,
    warnings: FollowedNewest<WarningId, Asked>,
    stops: FollowedNewest<EnforcementId, Stopping>,
}

/// A warning, followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    channel: ChannelId,
    raised_at: Timestamp,
    raiser: Raiser,
    stands: Stands,
    /// When somebody answered it first, if only to take that back.
    answered_at: Option<Timestamp>,
}

/// A stop, followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stopping {
    channel: ChannelId,
    automatic: bool,
    reached: Reached,
    /// When it was seen to have worked, and how long that had taken in milliseconds.
    verified: Option<(Timestamp, u64)>,
}

/// The hour in which a moment lies, counted from 1970.
pub fn hour_of(at: Timestamp) -> u64 {
    at.ms_since(Timestamp::default()) / HOUR_MS
}

/// When an hour begins.
pub fn begin_of(hour: u64) -> Timestamp {
    Timestamp::default().plus_ms(hour.saturating_mul(HOUR_MS))
}

impl Overview {
    /// The hours from that one on, each with when it begins, in order; those in which nothing happened are not there.
    pub fn since(&self, hour: u64) -> impl Iterator<Item = (Timestamp, &Hour)> {
        self.hours.range(hour..).map(|(hour, counts)| (begin_of(*hour), counts))
    }

    /// All hours from that one on, added up.
    pub fn sum_since(&self, hour: u64) -> Hour {
        Hour::sum(self.hours.range(hour..).map(|(_, counts)| counts))
    }

    /// The hours from that one on, each by when it begins, of these channels alone: their warnings and stops, as far as
    /// those are followed, and nothing else.
    pub fn of_channels(&self, hour: u64, theirs: impl Fn(&ChannelId) -> bool) -> BTreeMap<Timestamp, Hour> {
        let mut hours: BTreeMap<u64, Hour> = BTreeMap::new();
        for (raised, asked) in self.warnings.iter().filter(|(_, asked)| theirs(&asked.channel)) {
            if raised >= hour {
                *hours.entry(raised).or_default().of_rule(&asked.raiser).count(asked.stands) += 1;
            }
            if let Some(at) = asked.answered_at.filter(|at| hour_of(*at) >= hour) {
                hours.entry(hour_of(at)).or_default().answered_in.add(at.ms_since(asked.raised_at));
            }
        }
        for (requested, stopping) in self.stops.iter().filter(|(_, stopping)| theirs(&stopping.channel)) {
            if requested >= hour {
                *hours.entry(requested).or_default().stops(stopping.automatic).count(stopping.reached) += 1;
            }
            if let Some((at, took_ms)) = stopping.verified.filter(|(at, _)| hour_of(*at) >= hour) {
                hours.entry(hour_of(at)).or_default().stops(stopping.automatic).verified_in.add(took_ms);
            }
        }
        hours.into_iter().map(|(hour, counts)| (begin_of(hour), counts)).collect()
    }

    /// Folds an event of a channel in. `unwatched_ms`: how long nobody had looked, where this event ends that.
    pub(super) fn apply(&mut self, envelope: &Envelope, event: &Event, unwatched_ms: u64) {
        let Some(channel) = envelope.scope.channel() else { return };
        let at = envelope.recorded_at;
        let hour = hour_of(at);
        let newest = self.hours.last_key_value().map_or(hour, |(newest, _)| (*newest).max(hour));
        let oldest = (newest + 1).saturating_sub(HOURS_MAX);
        if hour < oldest {
            return; // a clock that was set back by more than a week
        }
        self.forget_before(oldest);
        let counts = self.hours.entry(hour).or_default();
        counts.unwatched_ms = counts.unwatched_ms.saturating_add(unwatched_ms);
        match event {
            Event::FrameSkipped(skipped) => counts.frames.skipped(&skipped.because),
            Event::FrameAssessed(assessed) => counts.assessed(assessed),
            Event::OpinionGiven(given) => counts.opined(given),
            Event::FrameFailed(failed) => {
                counts.failed(failed, failed.stage == FailedStage::Provider);
            }
            Event::WarningRaised(raised) => self.raise(hour, at, channel, raised),
            Event::WarningUpheld(it) => self.answer(it.warning, at, Stands::Upheld),
            Event::WarningDismissed(it) => self.answer(it.warning, at, Stands::Dismissed),
            Event::WarningAnswerWithdrawn(it) => self.put(it.warning, Stands::Open),
            Event::WarningOverturned(it) => self.put(it.warning, Stands::Overturned),
            Event::WarningLapsed(it) => self.put(it.warning, Stands::Lapsed),
            Event::EnforcementRequested(requested) => self.request(hour, channel, requested),
            Event::EnforcementAdmitted(it) => self.reach(it.enforcement, Reached::UnderWay),
            Event::EnforcementHeld(it) => self.reach(it.enforcement, Reached::Held),
            Event::EnforcementAttempted(it) => self.reach(it.enforcement, Reached::UnderWay),
            Event::EnforcementSucceeded(it) => self.reach(it.enforcement, Reached::UnderWay),
            Event::EnforcementVerified(it) => {
                self.reach(it.enforcement, Reached::Verified);
                if let Some(stopping) = self.stops.get_mut(it.enforcement) {
                    let automatic = stopping.automatic;
                    stopping.verified = Some((at, it.took_ms));
                    self.hours.entry(hour).or_default().stops(automatic).verified_in.add(it.took_ms);
                }
            }
            Event::EnforcementNotNeeded(it) => self.reach(it.enforcement, Reached::NotNeeded),
            Event::EnforcementSuperseded(it) => self.reach(it.enforcement, Reached::Superseded),
            Event::EnforcementFailed(it) => self.reach(it.enforcement, Reached::Failed),
            Event::EnforcementCancelled(it) => self.reach(it.enforcement, Reached::Cancelled),
            Event::SessionStarted(_)
            | Event::SessionEnded(_)
            | Event::FrameConflict(_)
            | Event::ShadowVerdict(_)
            | Event::DecisionReceived(_)
            | Event::ChannelWatched(_)
            | Event::ChannelUnwatched(_)
            | Event::ChannelQuarantined(_)
            | Event::SegmentsUnjudged(_)
            | Event::CadenceChanged(_)
            | Event::ReputationAdjusted(_)
            | Event::WarningClaimed(_)
            | Event::WarningReleased(_)
            | Event::WarningEscalated(_)
            | Event::WarningNoted(_)
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

    fn forget_before(&mut self, oldest: u64) {
        if self.hours.first_key_value().is_some_and(|(first, _)| *first < oldest) {
            self.hours = self.hours.split_off(&oldest);
            self.warnings.forget_before(oldest);
            self.stops.forget_before(oldest);
        }
    }

    fn raise(&mut self, hour: u64, at: Timestamp, channel: &ChannelId, raised: &WarningRaised) {
        let raiser = Raiser { policy: raised.policy.id.clone(), rule: raised.rule.clone() };
        *self.hours.entry(hour).or_default().of_rule(&raiser).count(Stands::Open) += 1;
        let (channel, stands) = (channel.clone(), Stands::Open);
        let asked = Asked { channel, raised_at: at, raiser, stands, answered_at: None };
        self.warnings.insert(raised.warning, hour, asked, WARNINGS_FOLLOWED_MAX);
    }

    fn answer(&mut self, warning: WarningId, at: Timestamp, stands: Stands) {
        if let Some(asked) = self.warnings.get_mut(warning)
            && asked.answered_at.is_none()
        {
            asked.answered_at = Some(at);
            let waited = at.ms_since(asked.raised_at);
            self.hours.entry(hour_of(at)).or_default().answered_in.add(waited);
        }
        self.put(warning, stands);
    }

    /// Moves a warning from how it stood to how it stands, in the hour in which it was raised.
    fn put(&mut self, warning: WarningId, stands: Stands) {
        let Some(hour) = self.warnings.hour_of(warning) else { return };
        let Some(asked) = self.warnings.get_mut(warning) else { return };
        let stood = std::mem::replace(&mut asked.stands, stands);
        let counts = self.hours.entry(hour).or_default().of_rule(&asked.raiser);
        let before = counts.count(stood);
        *before = before.saturating_sub(1); // it was counted there; a snapshot of another program may not have
        *counts.count(stands) += 1;
    }

    fn request(&mut self, hour: u64, channel: &ChannelId, requested: &EnforcementRequested) {
        let automatic = match requested.origin {
            EnforcementOrigin::Rule { .. } | EnforcementOrigin::External { .. } => true,
            EnforcementOrigin::Person { .. } => false,
        };
        match requested.kind {
            EnforcementKind::Stop | EnforcementKind::Suspend => {}
            EnforcementKind::Lift => return,
        }
        let reached = Reached::UnderWay;
        *self.hours.entry(hour).or_default().stops(automatic).count(reached) += 1;
        let stopping = Stopping { channel: channel.clone(), automatic, reached, verified: None };
        self.stops.insert(requested.enforcement, hour, stopping, STOPS_FOLLOWED_MAX);
    }

    /// Moves a stop to where it has come, in the hour in which it was asked for.
    fn reach(&mut self, enforcement: EnforcementId, reached: Reached) {
        let Some(hour) = self.stops.hour_of(enforcement) else { return };
        let Some(stopping) = self.stops.get_mut(enforcement) else { return };
        let was = std::mem::replace(&mut stopping.reached, reached);
        let counts = self.hours.entry(hour).or_default().stops(stopping.automatic);
        let before = counts.count(was);
        *before = before.saturating_sub(1);
        *counts.count(reached) += 1;
    }
}
