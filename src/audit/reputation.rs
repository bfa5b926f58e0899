//! How far a channel is trusted, how closely it is watched for it and why, now or at a past moment: folded from the
//! channel's events, and computed with the warden's own functions under the policy version that watched it then.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{
    CadenceBecause, CadenceChanged, Envelope, Event, Pace, Recorded, ReputationAdjusted, ReputationChange, ViewersRose,
};
use crate::model::{ChannelId, ModeratorId, PolicyRef, Position, Score, Sequence, SessionId, Timestamp};
use crate::policy::Policy;
use crate::reputation::forecast::{Forecast, Supposed};
use crate::reputation::{Finding, Grounds, Ledger, Standing};

use super::AuditError;
use super::decision::{Sources, plain_text, policy_version};
use super::state_at::{Basis, Moment, StateAt, folded};

/// The most changes of cadence told of, the newest.
pub const CHANGES_MAX: usize = 50;
/// The most answers told of, the newest.
const FINDINGS_TOLD_MAX: usize = 16;

/// A channel's past as far as its reputation rests on it.
#[derive(Debug, Clone)]
pub struct Past {
    at: Timestamp,
    folded: StateAt,
    head: Position,
    policy: Option<Policy>,
    changes: VecDeque<Change>,
    adjusted: Option<LastSet>,
    missing: Vec<String>,
}

/// A channel's reputation at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReputationAt {
    /// The channel.
    pub channel: ChannelId,
    /// How far it is trusted and what follows. Of a channel on the air the moment is that of its newest frame.
    #[serde(flatten)]
    pub standing: Standing,
    /// Why it is watched as closely as it is, in a sentence.
    pub says: String,
    /// The policy version that the standing is computed under; none if no policy watches the channel.
    pub policy: Option<PolicyRef>,
    /// The cadence in force; none before the first broadcast under a policy. It moves with the next frame, so that it can
    /// be a step behind the standing.
    pub in_force: Option<InForce>,
    /// What a person set, if it still holds.
    pub adjusted: Option<SetBy>,
    /// What is remembered, in sum.
    pub remembered: Remembered,
    /// The last changes of cadence, newest first; at most 50.
    pub changes: Vec<Change>,
    /// What the moment was compared with.
    pub basis: Basis,
    /// Sequence of the last event folded; 0 if none was.
    pub sequence: Sequence,
    /// Its position in the journal; 0 if none was.
    pub position: Position,
    /// The position up to which the journal was read.
    pub head: Position,
    /// What could not be shown, and why.
    pub missing: Vec<String>,
}

/// A cadence in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InForce {
    /// The distance wanted between two frames, and its tolerance.
    pub pace: Pace,
    /// The policy version that set it.
    pub policy: PolicyRef,
    /// Why it was set; none where that was recorded before causes were.
    pub because: Option<CadenceBecause>,
    /// When, and with which score; none where that lies further back than the changes told of.
    pub since: Option<Change>,
}

/// A change of cadence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "CadenceStep")]
pub struct Change {
    /// The event's place in the channel.
    pub sequence: Sequence,
    /// The frame's own time, or when it was recorded where there was no frame.
    pub at: Timestamp,
    /// The broadcast on the air.
    pub session: Option<SessionId>,
    /// Milliseconds between two frames before; none at the first.
    pub from_ms: Option<u32>,
    /// Milliseconds between two frames from then on.
    pub to_ms: u32,
    /// Why.
    pub because: CadenceBecause,
    /// The policy version that set it.
    pub policy: PolicyRef,
    /// The score then; none where the cadence was fixed.
    pub score: Option<Score>,
    /// How many came to watch, where that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewers: Option<ViewersRose>,
}

/// What a person set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SetBy {
    /// Who.
    pub by: ModeratorId,
    /// What.
    pub change: ReputationChange,
    /// Until when; none: until somebody changes it.
    pub until: Option<Timestamp>,
    /// When it was recorded.
    pub since: Option<Timestamp>,
    /// The event's place in the channel.
    pub sequence: Option<Sequence>,
    /// Why, in their words; none if those were erased.
    pub why: Option<String>,
}

/// What is remembered of a channel, in sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Remembered {
    /// Days on which it was on the air, the newest 64.
    pub days: u32,
    /// Broadcasts begun on them.
    pub sessions: u32,
    /// Milliseconds watched.
    pub watched_ms: u64,
    /// Of those, milliseconds in which no rule was hit.
    pub clean_ms: u64,
    /// Warnings upheld, the newest 64.
    pub upheld: u32,
    /// Warnings dismissed, the newest 64.
    pub dismissed: u32,
    /// Answers, newest first; at most 16.
    pub findings: Vec<Finding>,
}

/// A channel's past at a moment. `next` is the policy that would watch it now: it counts where nothing is on the air, and
/// now is asked for. `now` is the time of asking.
pub fn past(
    sources: Sources<'_>,
    channel: &ChannelId,
    moment: Moment,
    next: Option<&Policy>,
    now: Timestamp,
) -> Result<Past, AuditError> {
    let head = *sources.journal.watermark().borrow();
    let mut told = Told::default();
    let folded = folded(sources.journal, channel, moment, |recorded, event| told.see(recorded, event))?;
    let at = moment_of(&folded, moment, now);
    let mut missing = Vec::new();
    let is_waiting = moment == Moment::Now && folded.state.session.is_none();
    let policy = match (next.filter(|_| is_waiting), &folded.state.pace) {
        (Some(next), _) => Some(next.clone()),
        (None, None) => None,
        (None, Some((_, set_by))) => {
            let (version, compiled) = policy_version(sources, set_by.clone())?;
            missing.extend(version.missing);
            compiled
        }
    };
    Ok(Past { at, folded, head, policy, changes: told.changes, adjusted: told.adjusted, missing })
}

/// What a channel's own time is at the moment: of one on the air that of its newest frame, as for its warden.
fn moment_of(folded: &StateAt, moment: Moment, now: Timestamp) -> Timestamp {
    let newest = folded.state.newest_seen;
    if let Some(session) = &folded.state.session {
        return newest.unwrap_or(session.since).max(session.since);
    }
    let asked = match moment {
        Moment::Now => now,
        Moment::Time(at, _) => at,
        Moment::Sequence(_) | Moment::Position(_) => folded.last_recorded_at.unwrap_or(now),
    };
    newest.map_or(asked, |newest| newest.max(asked))
}

/// What is told of the events besides the state that they leave.
#[derive(Debug, Default)]
struct Told {
    session: Option<SessionId>,
    changes: VecDeque<Change>,
    adjusted: Option<LastSet>,
}

/// What a person set or let go last, as its event says it. Whether it holds, the ledger knows.
#[derive(Debug, Clone)]
pub(super) struct LastSet {
    sequence: Sequence,
    since: Timestamp,
    set: ReputationAdjusted,
}

impl LastSet {
    /// As it was recorded.
    pub fn of(envelope: &Envelope, set: &ReputationAdjusted) -> Self {
        Self { sequence: envelope.sequence, since: envelope.recorded_at, set: set.clone() }
    }

    /// With the words of who set it, or why those cannot be shown.
    pub fn told(&self, sources: Sources<'_>, missing: &mut Vec<String>) -> SetBy {
        let ReputationAdjusted { by, change, until, why } = &self.set;
        let why = plain_text(sources, why);
        if let Err(reason) = &why {
            missing.push(format!("why the reputation was set: {reason}"));
        }
        let (since, sequence) = (Some(self.since), Some(self.sequence));
        SetBy { by: by.clone(), change: *change, until: *until, since, sequence, why: why.ok() }
    }
}

impl Told {
    fn see(&mut self, recorded: &Recorded, event: &Event) {
        let envelope = &recorded.envelope;
        match event {
            Event::SessionStarted(started) => self.session = Some(started.session.clone()),
            Event::SessionEnded(_) => self.session = None,
            Event::CadenceChanged(changed) => {
                if self.changes.len() == CHANGES_MAX {
                    self.changes.pop_back();
                }
                self.changes.push_front(Change::of(envelope, changed, self.session.clone()));
            }
            Event::ReputationAdjusted(set) => self.adjusted = Some(LastSet::of(envelope, set)),
            _ => {} // the rest is in the state
        }
    }
}

impl Change {
    /// As it was recorded, in that broadcast.
    pub(super) fn of(envelope: &Envelope, changed: &CadenceChanged, session: Option<SessionId>) -> Self {
        let CadenceChanged { from, to, policy, because, score, viewers } = changed;
        Self {
            sequence: envelope.sequence,
            at: envelope.captured_at.unwrap_or(envelope.recorded_at),
            session,
            from_ms: from.map(|from| from.interval_ms),
            to_ms: to.interval_ms,
            because: *because,
            policy: policy.clone(),
            score: *score,
            viewers: *viewers,
        }
    }
}

impl Past {
    fn grounds(&self) -> Grounds<'_> {
        let state = &self.folded.state;
        Grounds {
            channel: &state.channel,
            ledger: &state.ledger,
            roused: state.alarmed.into_iter().chain(state.stirred).collect(),
            policy: self.policy.as_ref(),
        }
    }

    /// How the channel would stand if that happened from the moment on.
    pub fn forecast(&self, supposed: &Supposed) -> Forecast {
        self.grounds().forecast(supposed, self.at)
    }

    /// The reputation and all that it rests on.
    pub fn told(self, sources: Sources<'_>) -> ReputationAt {
        let standing = self.grounds().standing(self.at);
        let Self { folded, head, policy, changes, adjusted, mut missing, at } = self;
        let state = folded.state;
        let says = match &standing.watch {
            None => "no policy watches it".to_owned(),
            Some(watch) if state.session.is_none() => format!("off the air; it would be {watch}"),
            Some(watch) => watch.to_string(),
        };
        let in_force = state.pace.as_ref().map(|(pace, _)| pace.interval_ms);
        let says = match (in_force.filter(|_| state.session.is_some()), state.pace_because) {
            // The next frame moves it; or the budget of provider calls has none for the channel.
            (Some(in_force), Some(because)) if standing.watch.is_some_and(|watch| watch.interval_ms() != in_force) => {
                format!("{says}; in force is {:.1} s, because {because}", f64::from(in_force) / 1000.0)
            }
            _ => says,
        };
        let in_force = state.pace.map(|(pace, policy)| InForce {
            pace,
            policy,
            because: state.pace_because,
            since: changes.front().cloned(),
        });
        let holds = state.ledger.adjusted(at).is_some();
        let adjusted = adjusted.filter(|_| holds).map(|set| set.told(sources, &mut missing));
        ReputationAt {
            channel: state.channel,
            standing,
            says,
            policy: policy.map(|policy| policy.reference),
            in_force,
            adjusted,
            remembered: Remembered::of(&state.ledger),
            changes: changes.into(),
            basis: folded.basis,
            sequence: folded.last_sequence,
            position: folded.last_position,
            head,
            missing,
        }
    }
}

impl Remembered {
    fn of(ledger: &Ledger) -> Self {
        let answered = |upheld| ledger.findings().iter().filter(|finding| finding.upheld == upheld).count() as u32; // ≤ 64
        Self {
            days: ledger.days().len() as u32, // ≤ 64
            sessions: ledger.days().iter().map(|day| u32::from(day.sessions)).sum(),
            watched_ms: ledger.days().iter().map(|day| u64::from(day.watched_ms)).sum(),
            clean_ms: ledger.days().iter().map(|day| u64::from(day.clean_ms)).sum(),
            upheld: answered(true),
            dismissed: answered(false),
            findings: ledger.findings().iter().rev().take(FINDINGS_TOLD_MAX).cloned().collect(),
        }
    }
}
