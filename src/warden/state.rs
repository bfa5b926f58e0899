//! What a warden knows of its channel: a fold over the channel's events and nothing besides.
//!
//! Small on purpose: one of these is held for each of a hundred thousand live channels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{
    CadenceBecause, EnforcementKind, EnforcementOrigin, Pace, RuleEffect, RuleOutcome, UnwatchedBecause,
};
use crate::model::{
    Action, Approval, ChannelId, EnforcementId, FrameId, Medium, ModeratorId, PerceptualHash, PolicyRef, RuleId,
    Sequence, SessionId, Timestamp, WarningId,
};
use crate::policy::{Policy, Rule, Window};
use crate::reputation::cadence::Roused;
use crate::reputation::{Finding, Ledger};

use super::Shadow;
use super::memory::Memory;
use super::track::Segments;

/// The channel as its events leave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelState {
    /// The channel.
    pub channel: ChannelId,
    /// Sequence of the last event folded in.
    pub sequence: Sequence,
    /// The broadcast on the air, as far as known.
    pub session: Option<Session>,
    /// The broadcasts that ended last, newest last, at most [`ChannelState::ENDED_MAX`]: a late frame or announcement
    /// of one of them begins nothing.
    pub ended_sessions: Vec<SessionId>,
    /// When the newest broadcast began, over or not: what is older than that starts no new session either.
    pub newest_start: Option<Timestamp>,
    /// How often frames are taken, and the policy version that says so.
    pub pace: Option<(Pace, PolicyRef)>,
    /// When the policy that sets the pace came into force for the channel.
    #[serde(default)]
    pub policy_since: Option<Timestamp>,
    /// Why frames are taken so often.
    #[serde(default)]
    pub pace_because: Option<CadenceBecause>,
    /// When the cadence was last changed, in the channel's own time: a closer watch from then on makes nothing of the
    /// time before unwatched.
    #[serde(default)]
    pub pace_since: Option<Timestamp>,
    /// Captured-at of the newest frame that a provider was asked about in vain: the call was made.
    #[serde(default)]
    pub asked_in_vain: Option<Timestamp>,
    /// What is remembered of the channel across broadcasts.
    #[serde(default)]
    pub ledger: Ledger,
    /// The newest event that called for the closest watch.
    #[serde(default)]
    pub alarmed: Option<Roused>,
    /// The newest event that called for a closer watch.
    #[serde(default)]
    pub stirred: Option<Roused>,
    /// The last assessed frame.
    pub reference: Option<Reference>,
    /// Captured-at of the newest frame with any outcome.
    pub newest_seen: Option<Timestamp>,
    /// Captured-at of the newest frame that counted as looked at (assessed or similar).
    pub newest_sampled: Option<Timestamp>,
    /// Whether somebody looks.
    pub coverage: Coverage,
    /// Rules with hits.
    pub windows: Vec<RuleWindow>,
    /// Open warnings, and answered ones for as long as the answer can be taken back.
    pub warnings: Vec<Warning>,
    /// Rules that raise nothing for a while.
    pub cooldowns: Vec<Cooldown>,
    /// Enforcements that have not ended.
    pub enforcements: Vec<Enforcement>,
    /// What is remembered of the broadcast's segments, if any was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Box<Segments>>,
    /// What is remembered of a policy in shadow, if one has hit something lately. Nothing else is decided by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Box<Shadow>>,
}

/// A broadcast on the air.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// The broadcast.
    pub id: SessionId,
    /// When its first frame or announcement says it began.
    pub since: Timestamp,
}

/// The last assessed frame: what later frames are compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reference {
    /// Sequence of its `FrameAssessed`.
    pub sequence: Sequence,
    /// The frame.
    pub frame: FrameId,
    /// Its own time.
    pub captured_at: Timestamp,
    /// Its hash; none if it was never fetched, and then no frame is like it.
    pub hash: Option<PerceptualHash>,
}

/// Whether somebody looks at the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// No session is on the air: nothing to look at.
    Idle,
    /// A frame covers the channel until then.
    Watched {
        /// Captured-at of the frame, or when the session began.
        from: Timestamp,
    },
    /// Nobody looks, and that was said.
    Unwatched {
        /// Since when.
        since: Timestamp,
        /// Why.
        because: UnwatchedBecause,
    },
}

/// A rule's hits. Windows count assessed frames only, and those of the medium that the rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleWindow {
    /// The rule.
    pub rule: RuleId,
    /// Digest of its definition when it was hit.
    pub rev: u32,
    /// Whether it is about what is heard: then it counts sound, and else pictures and clips.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heard: bool,
    /// The last 32 assessed frames that count for it, newest in the lowest bit.
    pub recent: u32,
    /// Captured-at of its hits, oldest first; at most [`RuleWindow::HITS_MAX`].
    pub hits_at: Vec<Timestamp>,
    /// Captured-at of the newest frame that met it, with a warning raised or joined: then it speaks for another rule's
    /// stop. None again when a person dismisses its warning.
    #[serde(default)]
    pub met_at: Option<Timestamp>,
}

/// A question to a moderator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// The warning.
    pub id: WarningId,
    /// The broadcast judged.
    pub session: SessionId,
    /// The rule that raised it.
    pub rule: RuleId,
    /// What the rule asks for.
    pub action: Action,
    /// Who must agree.
    pub approval: Approval,
    /// 1 to 5.
    pub severity: u8,
    /// How long the rule is quiet after the answer.
    pub cooldown_ms: u32,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// Captured-at of the newest frame that speaks for it: the one that raised it, or one that joined.
    pub newest_hit: Timestamp,
    /// Sequence of the last event that touched it: raised, claimed, released, noted, escalated, answered, withdrawn. An
    /// answer names the version that the moderator saw. A frame that joins the warning is no change: it is evidence for
    /// the same question, and on a live channel one comes every few seconds, so that nobody could ever answer.
    pub version: Sequence,
    /// Who works on it.
    pub claim: Option<Claim>,
    /// Its answer, if it has one.
    pub answer: Option<Answer>,
}

/// A moderator's claim on a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// Who.
    pub by: ModeratorId,
    /// Until when.
    pub until: Timestamp,
}

/// A moderator's answer to a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// Who.
    pub by: ModeratorId,
    /// Whether they agreed with the rule.
    pub upheld: bool,
    /// When.
    pub at: Timestamp,
    /// Until when it may be taken back.
    pub undo_until: Timestamp,
    /// The enforcement that it led to, once that was seen to have worked, or that was held and went ahead at this answer:
    /// when that has been tried there is nothing to take back.
    pub carried_out: Option<EnforcementId>,
}

/// A rule that raises nothing for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cooldown {
    /// The rule.
    pub rule: RuleId,
    /// In this session only (the warning was upheld), or in any (it was dismissed).
    pub session: Option<SessionId>,
    /// Until when, by captured-at.
    pub until: Timestamp,
    /// The warning whose answer began it: taking the answer back ends it.
    pub warning: WarningId,
}

/// An enforcement that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Enforcement {
    /// The enforcement.
    pub id: EnforcementId,
    /// What is to be done.
    pub kind: EnforcementKind,
    /// The broadcast judged.
    pub session: Option<SessionId>,
    /// The session that is stopped, where the one judged has no name and a look showed which it is.
    #[serde(default)]
    pub found: Option<SessionId>,
    /// Who wants it.
    pub origin: EnforcementOrigin,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// How far it has come.
    pub stage: EnforcementStage,
}

/// How far an enforcement has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnforcementStage {
    /// Wanted.
    Requested,
    /// The budget is spent; a person is asked.
    Held,
    /// May be done.
    Admitted,
    /// Is about to be, or was, tried; the outcome is not known.
    Attempted(u8),
    /// The platform accepted it.
    Succeeded(u8),
}

impl ChannelState {
    /// How many ended broadcasts are remembered: announcements are late by seconds, not by many broadcasts.
    pub const ENDED_MAX: usize = 4;

    /// A channel before its first event.
    pub fn new(channel: ChannelId) -> Self {
        Self {
            channel,
            sequence: Sequence(0),
            session: None,
            ended_sessions: Vec::new(),
            newest_start: None,
            pace: None,
            policy_since: None,
            pace_because: None,
            pace_since: None,
            asked_in_vain: None,
            ledger: Ledger::default(),
            alarmed: None,
            stirred: None,
            reference: None,
            newest_seen: None,
            newest_sampled: None,
            coverage: Coverage::Idle,
            windows: Vec::new(),
            warnings: Vec::new(),
            cooldowns: Vec::new(),
            enforcements: Vec::new(),
            segments: None,
            shadow: None,
        }
    }

    /// Whether `session`, known from something that happened `at`, is over: it ended, or a newer one has begun.
    pub fn is_over(&self, session: &SessionId, at: Timestamp) -> bool {
        let begun_after = self.newest_start.is_some_and(|newest| at < newest);
        match &self.session {
            Some(current) if current.id == *session => false,
            Some(_) if !session.is_named() => begun_after, // it shows the one on the air, or the one before
            Some(_) | None => self.has_ended(session) || begun_after,
        }
    }

    /// Whether `session` is on the air. One that nobody named is taken for the one that is, whichever that be: it must
    /// not end a broadcast that is known by name, whose frames would then be those of an ended one.
    pub fn is_on_air(&self, session: &SessionId) -> bool {
        self.session.as_ref().is_some_and(|current| current.id == *session || !session.is_named())
    }

    /// Whether that session is known to have ended.
    pub fn has_ended(&self, session: &SessionId) -> bool {
        self.ended_sessions.contains(session)
    }

    /// Whether another session than `session` is on the air.
    pub fn is_replaced(&self, session: &SessionId) -> bool {
        self.session.is_some() && !self.is_on_air(session)
    }

    /// The warning of that id, if it is open or its answer can still be taken back.
    pub fn warning(&self, id: WarningId) -> Option<&Warning> {
        self.warnings.iter().find(|warning| warning.id == id)
    }

    /// Warnings without an answer.
    pub fn open_warnings(&self) -> impl Iterator<Item = &Warning> {
        self.warnings.iter().filter(|warning| warning.answer.is_none())
    }

    /// The open warning of `rule` in `session`: a further hit joins it instead of raising another.
    pub fn open_warning_of(&self, rule: &RuleId, session: &SessionId) -> Option<&Warning> {
        self.open_warnings().find(|warning| warning.rule == *rule && warning.session == *session)
    }

    /// Until when `rule` raises nothing in `session`, if that is later than `captured_at`.
    pub fn cooldown_of(&self, rule: &RuleId, session: &SessionId, captured_at: Timestamp) -> Option<Timestamp> {
        self.memory().cooldown_of(rule, session, captured_at)
    }

    /// Whether a rule's outcome calls for the closest watch. A hit in the quiet time after an answer does only if the
    /// person agreed with the rule: else who upholds a warning would loosen the watch on what goes on to be harmful.
    pub fn is_alarming(&self, outcome: &RuleOutcome, session: &SessionId, captured_at: Timestamp) -> bool {
        match outcome.effect {
            RuleEffect::Partial | RuleEffect::Raised(_) | RuleEffect::Joined(_) => true,
            RuleEffect::Cooldown(_) => self.cooldowns.iter().any(|cooldown| {
                // Of one session: the answer was that the rule is right.
                cooldown.rule == outcome.rule
                    && cooldown.session.as_ref() == Some(session)
                    && cooldown.until > captured_at
            }),
        }
    }

    /// The enforcement of that id, if it has not ended.
    pub fn enforcement(&self, id: EnforcementId) -> Option<&Enforcement> {
        self.enforcements.iter().find(|enforcement| enforcement.id == id)
    }

    /// Hits of a rule if the frame captured at `captured_at` hit it as well (`and_this`) or not.
    pub fn hits(&self, rule: &RuleId, rev: u32, window: Window, captured_at: Timestamp, and_this: bool) -> u8 {
        self.memory().hits(rule, rev, window, captured_at, and_this)
    }

    /// The rules of `policy`, as they are defined now, that were met within `within_ms` before a frame captured at
    /// `captured_at`, in the broadcast on the air.
    pub fn met_within<'a>(
        &'a self,
        policy: &'a Policy,
        within_ms: u32,
        captured_at: Timestamp,
    ) -> impl Iterator<Item = &'a Rule> {
        self.memory().met_within(policy, within_ms, captured_at)
    }

    /// What the live policy is judged with.
    pub(super) fn memory(&self) -> Memory<'_> {
        Memory::live(&self.windows, &self.cooldowns, &self.warnings)
    }

    /// Whether some rule of `policy` on that medium has hits but not enough, so that the next frame of it must be assessed
    /// whatever the cadence and however similar.
    pub fn partly_met(&self, policy: &Policy, medium: Medium, session: &SessionId, captured_at: Timestamp) -> bool {
        policy.rules.iter().filter(|rule| policy.counts(rule, medium)).any(|rule| {
            let needed = rule.window.hits_needed();
            let so_far = self.hits(&rule.id, rule.rev, rule.window, captured_at, false);
            needed > 1
                && so_far > 0
                && self.open_warning_of(&rule.id, session).is_none()
                && self.cooldown_of(&rule.id, session, captured_at).is_none()
        })
    }

    /// How often frames of the channel are taken under `policy`: what was set, where its past has a say, else what
    /// the policy says.
    pub fn pace_under(&self, policy: &Policy) -> Pace {
        match &self.pace {
            Some((pace, set_by)) if policy.reputation.is_some() && *set_by == policy.reference => *pace,
            _ => policy.sampling.closest(),
        }
    }

    /// Until when (captured-at) the channel counts as watched; none if nobody looks or nothing is on the air.
    pub fn covered_until(&self) -> Option<Timestamp> {
        self.covered_for(1)
    }

    /// From when on the channel is called unwatched if no frame comes: frames take a while to arrive and be judged, so
    /// a gap is called one after twice the expected interval.
    pub fn silent_from(&self) -> Option<Timestamp> {
        self.covered_for(2)
    }

    fn covered_for(&self, intervals: u64) -> Option<Timestamp> {
        match (&self.coverage, &self.pace) {
            (Coverage::Watched { from }, Some((pace, _))) => {
                let from = self.pace_since.map_or(*from, |since| since.max(*from));
                Some(from.plus_ms(intervals * u64::from(pace.interval_ms) + u64::from(pace.tolerance_ms)))
            }
            _ => None,
        }
    }

    /// Whether an enforcement of ours is taking that broadcast off the air, or has.
    pub fn is_being_stopped(&self, session: &SessionId) -> bool {
        self.enforcements.iter().any(|asked| {
            let stops = matches!(asked.kind, EnforcementKind::Stop | EnforcementKind::Suspend);
            let tried = matches!(asked.stage, EnforcementStage::Attempted(_) | EnforcementStage::Succeeded(_));
            stops && tried && (asked.session.as_ref() == Some(session) || asked.found.as_ref() == Some(session))
        })
    }
}

impl Warning {
    /// What the answer to it is to the channel's reputation; nothing where no rule raised it.
    pub fn finding(&self, upheld: bool) -> Option<Finding> {
        let Self { id, rule, severity, raised_at, .. } = self;
        let finding = Finding { warning: *id, rule: rule.clone(), severity: *severity, upheld, at: *raised_at };
        (!rule.is_on_unavailable()).then_some(finding)
    }
}
