//! One channel under one policy on trial: a warden's state, driven through what was recorded by the warden's own
//! [`decide()`] and [`apply()`].
//!
//! What a frame showed is known only if it was looked at then, and what a provider sees in it only if one was asked. So
//! the cadence is decided anew; where it asks for a frame that nobody looked at, the next that was looked at stands in.
//! Similarity is decided anew from the recorded hash; where it asks for an answer that nobody gave, the frame counts as a
//! call without a known answer, and later frames are compared with it. What was answered is judged.
//!
//! How long a frame had taken to arrive is not recorded: one that was looked at then is never too old here. Nor is the
//! broadcast of a frame that was skipped: it is taken for the one on the air.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::asking::{self, Heard, OnRecord};
use super::judging::Hidden;
use super::likeness::{Like, Luma};
use super::report::{Compared, Passed};
use super::stops::Stops;
use super::tally::Tally;
use super::truth::Matches;
use super::unknowable::{Unknown, UnknownFrame};
use crate::events::{Envelope, Event, FailedStage, FrameAssessed, FrameFailed, NewEvent, Skip};
use crate::model::{
    ChannelId, EnforcementId, Fingerprint, Frame, FrameId, FrameOrigin, Medium, PerceptualHash, Position, RuleId,
    SessionId, Similarity, Timestamp, WarningId,
};
use crate::policy::Policy;
use crate::warden::{Answered, Applied, ChannelState, Command, Coverage, Decision, Reference, apply, decide, due};

/// Warnings and stops of one channel that stay open in a trial: more than a policy has rules.
const OPEN_MAX: usize = 512;

/// One channel under one policy.
pub(super) struct Trial {
    /// Its bit among the proposals tried together.
    pub bit: u64,
    pub policy: Arc<Policy>,
    pub state: ChannelState,
    pub stops: Stops,
    pub matches: Matches,
    pub compared: Compared,
    pub judged: u64,
    /// From the reference on trial to the one on record.
    pub(super) luma: Luma,
    waits: Option<Gap>,
    /// Who judged the last frame for want of another in its policy.
    configured: Arc<str>,
    went_on: BTreeSet<SessionId>,
    /// Enforcements that a person's recorded answer led to, and those that it led to here.
    pub aliases: BTreeMap<EnforcementId, EnforcementId>,
}

/// A look is due, and no frame was looked at since.
struct Gap {
    kind: Unknown,
    first: Timestamp,
    latest: Timestamp,
    looks: u64,
    example: (Position, UnknownFrame),
}

/// A recorded outcome, with what was known before it.
pub(super) struct Seen<'a> {
    pub channel: &'a ChannelId,
    pub envelope: &'a Envelope,
    /// The frame's own time.
    pub captured_at: Timestamp,
    /// The newest frame before it, by captured-at.
    pub seen_before: Option<Timestamp>,
    /// The reference on record before it.
    pub reference: Option<FrameId>,
    /// How far it was from that one.
    pub measured: Option<Similarity>,
    /// A stop of its broadcast was recorded before it.
    pub stopped: bool,
}

/// Whether something of the frame cannot be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// All that there is.
    Whole,
    /// Not all of it.
    Clouded,
}

impl Trial {
    pub fn new(bit: u64, policy: Arc<Policy>, channel: &ChannelId) -> Self {
        Self {
            bit,
            policy,
            state: ChannelState::new(channel.clone()),
            stops: Stops::default(),
            matches: Matches::default(),
            compared: Compared::default(),
            judged: 0,
            luma: Luma::UNKNOWN,
            waits: None,
            went_on: BTreeSet::new(),
            configured: Arc::from("the configured provider"), // until one is seen
            aliases: BTreeMap::new(),
        }
    }

    /// A frame was assessed. `speaks_for` are the recorded warnings that it speaks for.
    pub fn assessed(
        &mut self,
        seen: &Seen<'_>,
        record: OnRecord<'_>,
        speaks_for: &[(RuleId, WarningId)],
        tally: &mut Tally,
    ) -> Known {
        let assessed = record.assessed;
        let luma = Luma::recorded(seen.measured.and_then(|Similarity(_, luma)| luma));
        let before = self.state.reference.as_ref().map(|reference| reference.frame);
        let known = self.decide_assessed(seen, record, speaks_for, tally);
        let now = self.state.reference.as_ref().map(|reference| reference.frame);
        if now == Some(assessed.frame) {
            self.luma = Luma::NONE; // both references are this frame
        } else if now == before {
            self.luma = if now == seen.reference { luma } else { self.luma.and_on(luma) };
        }
        known
    }

    fn decide_assessed(
        &mut self,
        seen: &Seen<'_>,
        record: OnRecord<'_>,
        speaks_for: &[(RuleId, WarningId)],
        tally: &mut Tally,
    ) -> Known {
        let assessed = record.assessed;
        let session = &assessed.session;
        let over = self.state.is_replaced(session) || self.state.has_ended(session);
        let mut known = Known::Whole;
        if !over {
            if let Some(passed) = self.passes(seen, session) {
                self.pass(seen, assessed, passed, tally);
                return Known::Whole;
            }
            self.take(seen, tally);
            match self.like(seen, session, assessed.frame, assessed.hash) {
                Like::Same(events) => {
                    self.apply_all(&events, seen.envelope.recorded_at);
                    self.pass(seen, assessed, Passed::Similar, tally);
                    return Known::Whole;
                }
                Like::Different => {}
                // Either it would have been asked about, and the answer is known; or it is the same picture as one that was.
                Like::Unknown(kind) => self.unknown(kind, seen, assessed.frame, tally),
            }
        }
        if record.is_of_the_configured() {
            self.configured = assessed.provider.name.clone();
        }
        let (heard, calls) = asking::ask(&self.policy, assessed.frame, record, &self.configured);
        self.count_calls(seen, session, &calls, tally);
        let deciding = match heard {
            Heard::Decided(deciding) if self.policy.reads(&deciding.answer.provider.taxonomy) => *deciding,
            Heard::Decided(_) => return self.without_answer(Unknown::OtherTaxonomy, seen, assessed, tally),
            Heard::NotAsked => return self.without_answer(Unknown::NotAsked, seen, assessed, tally),
            Heard::Unanswered => {
                self.unknown(Unknown::Failed, seen, assessed.frame, tally);
                let frame = self.frame(seen, session, assessed.frame);
                let (stage, reason) = (FailedStage::Provider, "nobody answered who may decide".to_owned());
                let command = Command::FailFrame { frame, stage, reason, attempts: 1, asked: None };
                self.run(&command, seen.envelope.recorded_at);
                return Known::Clouded;
            }
        };
        self.judged += 1;
        tally.judged += 1;
        let Answered { provider, labels, floor, .. } = &deciding.answer;
        let (taxonomy, labels) = (provider.taxonomy.clone(), labels.clone());
        let hidden = Hidden { taxonomy, labels, floor: *floor, gone: deciding.in_part };
        let decided = self.judge(seen, assessed, deciding, speaks_for, tally);
        if self.hides_a_hit(&hidden, &decided, assessed.frame, seen, tally) {
            known = Known::Clouded;
        }
        if decided.verdict != Some(assessed.verdict) {
            self.differ(seen, assessed, decided, tally);
        }
        known
    }

    /// It would have been asked about, and the answer is not known, or not readable: later frames are compared with it.
    fn without_answer(&mut self, kind: Unknown, seen: &Seen<'_>, assessed: &FrameAssessed, tally: &mut Tally) -> Known {
        tally.calls_without_answer += 1;
        self.unknown(kind, seen, assessed.frame, tally);
        self.sampled(seen.captured_at);
        self.refer_to(assessed.frame, assessed.hash, seen.captured_at);
        Known::Clouded
    }

    /// A frame was found similar to the reference on record.
    pub fn similar(
        &mut self,
        seen: &Seen<'_>,
        event: &Event,
        frame: FrameId,
        hash: PerceptualHash,
        tally: &mut Tally,
    ) -> Known {
        let Some(session) = self.state.session.as_ref().map(|session| session.id.clone()) else {
            self.apply_one(event, seen.envelope.recorded_at, Some(seen.captured_at));
            return Known::Whole;
        };
        if self.passes(seen, &session).is_some() {
            self.seen(seen.captured_at);
            return Known::Whole;
        }
        self.take(seen, tally);
        match self.like(seen, &session, frame, Some(hash)) {
            Like::Same(events) => {
                self.apply_all(&events, seen.envelope.recorded_at);
                Known::Whole
            }
            Like::Unknown(kind) => {
                self.unknown(kind, seen, frame, tally);
                self.apply_one(event, seen.envelope.recorded_at, Some(seen.captured_at)); // as it was decided then
                Known::Clouded
            }
            Like::Different => {
                let first = asking::first(&self.policy, frame, &self.configured);
                self.count_calls(seen, &session, &[first], tally);
                tally.calls_without_answer += 1;
                self.unknown(Unknown::SimilarThen, seen, frame, tally);
                self.apply_one(event, seen.envelope.recorded_at, Some(seen.captured_at));
                self.refer_to(frame, Some(hash), seen.captured_at);
                self.luma = Luma::recorded(seen.measured.and_then(|Similarity(_, luma)| luma));
                Known::Clouded
            }
        }
    }

    /// A frame could not be judged. Nothing says that it could have been under another policy.
    pub fn failed(&mut self, seen: &Seen<'_>, failed: &FrameFailed, tally: &mut Tally) -> Known {
        let Some(session) = self.state.session.as_ref().map(|session| session.id.clone()) else {
            self.seen(seen.captured_at);
            return Known::Whole;
        };
        if self.passes(seen, &session).is_some() {
            self.seen(seen.captured_at);
            return Known::Whole;
        }
        self.unknown(Unknown::Failed, seen, failed.frame, tally);
        let frame = self.frame(seen, &session, failed.frame);
        let FrameFailed { stage, reason, attempts, .. } = failed;
        let (stage, reason, attempts) = (*stage, reason.clone(), *attempts);
        let command = Command::FailFrame { frame, stage, reason, attempts, asked: None };
        self.run(&command, seen.envelope.recorded_at);
        Known::Clouded
    }

    /// A frame was not looked at. Where a look is due for it, the next that was looked at has to stand in.
    pub fn unseen(&mut self, seen: &Seen<'_>, event: &Event, frame: FrameId, because: &Skip) -> Known {
        let kind = match because {
            Skip::TooSoon { .. } => Some(Unknown::TooSoonThen),
            Skip::Superseded { .. } | Skip::Overloaded | Skip::GaveWay { .. } => Some(Unknown::CrowdedOut),
            Skip::Stale { .. } | Skip::NoPolicy => Some(Unknown::PassedOver),
            // Of another broadcast or source, or nothing that anybody could read.
            Skip::OtherSession
            | Skip::OtherSource
            | Skip::Unsupported
            | Skip::Similar { .. }
            | Skip::NoTrack { .. } => None,
        };
        let age_ms = seen.envelope.recorded_at.ms_since(seen.captured_at);
        let too_old = age_ms > u64::from(self.policy.sampling.max_age_ms);
        let session = self.state.session.as_ref().map(|session| session.id.clone());
        let mut known = Known::Whole;
        if let (Some(kind), Some(session), false) = (kind, session, too_old)
            && self.passes_as(seen, &session, self.state.newest_seen).is_none()
        {
            self.wait(kind, seen, frame);
            known = Known::Clouded;
        }
        self.apply_one(event, seen.envelope.recorded_at, Some(seen.captured_at));
        known
    }

    /// A command decided against the state on trial; what follows from it is applied. A refusal changes nothing.
    pub fn run(&mut self, command: &Command, now: Timestamp) {
        if let Ok(Decision { events, .. }) = decide(&self.state, Some(&self.policy), now, command) {
            self.apply_all(&events, now);
        }
    }

    pub fn apply_all(&mut self, events: &[NewEvent], now: Timestamp) {
        for new in events {
            self.apply_one(&new.event, now, new.captured_at);
        }
    }

    pub fn apply_one(&mut self, event: &Event, now: Timestamp, captured_at: Option<Timestamp>) {
        self.stops.see(event, now);
        self.matches.see(event);
        let sequence = self.state.sequence.next();
        apply(&mut self.state, Applied { sequence, recorded_at: now, captured_at }, event);
    }

    /// Nobody answers what only the trial asks: what is open of broadcasts long over is let go, the oldest first.
    pub fn let_go(&mut self) {
        let state = &mut self.state;
        state.warnings.drain(..state.warnings.len().saturating_sub(OPEN_MAX));
        state.enforcements.drain(..state.enforcements.len().saturating_sub(OPEN_MAX));
    }

    /// A broadcast began: there is nothing to compare with, and no look is due.
    pub fn broadcast_began(&mut self) {
        self.luma = Luma::UNKNOWN;
        self.waits = None;
    }

    /// Why a frame that was looked at would not have been; none if it would. While it was with its provider newer ones
    /// may have come, but it was taken before them.
    fn passes(&mut self, seen: &Seen<'_>, session: &SessionId) -> Option<Passed> {
        let newer_came = self.state.newest_seen.is_some_and(|newest| newest > seen.captured_at);
        let newest_seen = if newer_came { seen.seen_before } else { self.state.newest_seen };
        self.passes_as(seen, session, newest_seen)
    }

    /// The same, if the newest frame before it was that one.
    fn passes_as(&mut self, seen: &Seen<'_>, session: &SessionId, newest_seen: Option<Timestamp>) -> Option<Passed> {
        let at = seen.captured_at;
        if self.state.reference.as_ref().is_some_and(|reference| at <= reference.captured_at) {
            return Some(Passed::Stale);
        }
        let kept = std::mem::replace(&mut self.state.newest_seen, newest_seen);
        let due = due(&self.state, &self.policy, session, at);
        self.state.newest_seen = kept;
        due.is_some_and(|due| at < due).then_some(Passed::TooSoon)
    }

    /// The frame is looked at: if a look was due before and no frame was at hand, this one stands in.
    fn take(&mut self, seen: &Seen<'_>, tally: &mut Tally) {
        let pace = self.state.pace_under(&self.policy);
        tally.asked.add(i64::from(pace.interval_ms));
        tally.tolerance_ms_max = tally.tolerance_ms_max.max(pace.tolerance_ms);
        if let Some(gap) = self.waits.take()
            && gap.first <= seen.captured_at
        {
            tally.late.add(i64::try_from(seen.captured_at.ms_since(gap.first)).unwrap_or(i64::MAX));
            tally.missed += gap.looks - 1;
            tally.sparse += if gap.kind == Unknown::CrowdedOut { 0 } else { gap.looks };
            tally.unknown.add(gap.kind, gap.example.0, || gap.example.1);
        }
    }

    fn wait(&mut self, kind: Unknown, seen: &Seen<'_>, frame: FrameId) {
        let interval_ms = u64::from(self.state.pace_under(&self.policy).interval_ms);
        match &mut self.waits {
            Some(gap) if seen.captured_at >= gap.latest.plus_ms(interval_ms) => {
                gap.latest = seen.captured_at;
                gap.looks += 1;
            }
            Some(_) => {}
            None => {
                self.waits = Some(Gap {
                    kind,
                    first: seen.captured_at,
                    latest: seen.captured_at,
                    looks: 1,
                    example: (seen.envelope.position, seen.example(frame)),
                });
            }
        }
    }

    /// Every provider that the frame is shown to is a call.
    pub(super) fn count_calls(&mut self, seen: &Seen<'_>, session: &SessionId, calls: &[Arc<str>], tally: &mut Tally) {
        calls.iter().for_each(|provider| tally.calls.add(provider));
        if self.goes_on(seen, session) {
            tally.after_stop.calls += calls.len() as u64;
            if self.went_on.insert(session.clone()) {
                tally.after_stop.sessions += 1;
            }
        }
    }

    /// Whether the broadcast would have been stopped, and goes on because it was not.
    pub(super) fn goes_on(&self, seen: &Seen<'_>, session: &SessionId) -> bool {
        !seen.stopped && self.stops.of(session).is_some()
    }

    pub(super) fn unknown(&self, kind: Unknown, seen: &Seen<'_>, frame: FrameId, tally: &mut Tally) {
        tally.unknown.add(kind, seen.envelope.position, || seen.example(frame));
    }

    /// The frame is compared with from now on.
    pub(super) fn refer_to(&mut self, frame: FrameId, hash: Option<PerceptualHash>, captured_at: Timestamp) {
        self.state.reference = Some(Reference { sequence: self.state.sequence, frame, captured_at, hash });
    }

    pub(super) fn seen(&mut self, captured_at: Timestamp) {
        self.state.newest_seen = self.state.newest_seen.max(Some(captured_at));
    }

    pub(super) fn sampled(&mut self, captured_at: Timestamp) {
        self.seen(captured_at);
        self.state.newest_sampled = self.state.newest_sampled.max(Some(captured_at));
        if let Coverage::Watched { from } = self.state.coverage {
            self.state.coverage = Coverage::Watched { from: from.max(captured_at) };
        }
    }

    pub(super) fn frame(&self, seen: &Seen<'_>, session: &SessionId, id: FrameId) -> Frame {
        static NO_PICTURE: std::sync::LazyLock<Arc<[u8]>> = std::sync::LazyLock::new(|| Arc::from([]));
        Frame {
            medium: Medium::Picture,
            channel: seen.channel.clone(),
            session: session.clone(),
            id,
            captured_at: seen.captured_at,
            fingerprint: Fingerprint([0; 8]),
            origin: FrameOrigin::Inline(NO_PICTURE.clone()), // it is not looked at again
        }
    }
}

impl Seen<'_> {
    pub fn example(&self, frame: FrameId) -> UnknownFrame {
        UnknownFrame {
            position: self.envelope.position,
            channel: self.channel.clone(),
            frame,
            captured_at: self.captured_at,
        }
    }
}
