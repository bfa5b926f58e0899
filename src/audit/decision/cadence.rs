//! Whether a frame was due: the warden's own arithmetic, with every number it was made of.

use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::reputation::{LastSet, SetBy};
use crate::events::{CadenceBecause, Pace, ReputationChange, Skip};
use crate::model::{Medium, PolicyRef, Score, SessionId, Timestamp};
use crate::policy::Policy;
use crate::reputation::score;
use crate::warden::{ChannelState, due, due_of_segment};

use super::Sources;

/// How often frames are taken, and whether this one was due. A frame is taken from `newest_sampled` + `interval_ms` −
/// `early_ms` on; `early_ms` is the tolerance, or half the spacing of the channel's frames where that is less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cadence {
    /// The policy version that set it.
    pub policy: PolicyRef,
    /// Wanted distance between two taken frames, in milliseconds of captured-at.
    pub interval_ms: u32,
    /// Why it was this one; none where that was recorded before causes were.
    pub because: Option<CadenceBecause>,
    /// The channel's reputation just before, where the policy lets it have a say.
    pub score: Option<Score>,
    /// What a person set the reputation to, or that they let it go, where that had a say in how often frames were taken.
    pub adjusted: Option<SetBy>,
    /// How much earlier a frame is still taken at most, in milliseconds.
    pub tolerance_ms: u32,
    /// Captured-at of the newest frame with any outcome, just before.
    pub newest_seen: Option<Timestamp>,
    /// Captured-at of the newest frame that counted as looked at, just before.
    pub newest_sampled: Option<Timestamp>,
    /// How much earlier than the interval asks this frame could be taken, in milliseconds.
    pub early_ms: Option<u64>,
    /// The first captured-at at which a frame was taken; none if any frame was.
    pub due: Option<Timestamp>,
    /// Whether this frame was due.
    pub was_due: bool,
    /// The same in a sentence.
    pub text: String,
}

impl Cadence {
    /// Tells of what a person set last before, where it held when the frame was decided about, or where its setting or its
    /// end is why frames were taken as often as they were.
    pub(super) fn tell_of(&mut self, set: &LastSet, holds: bool, sources: Sources<'_>, missing: &mut Vec<String>) {
        let is_why = matches!(self.because, Some(CadenceBecause::Adjusted | CadenceBecause::AdjustmentOver));
        let had_a_say = is_why || (holds && self.score.is_some());
        if !had_a_say {
            return;
        }
        let set = set.told(sources, missing);
        let did = match set.change {
            ReputationChange::Pin(score) => format!("had pinned the reputation at {score}"),
            ReputationChange::By(milli) => format!("had moved the reputation by {:+.2}", f64::from(milli) / 1000.0),
            ReputationChange::Release => "had let the reputation go again".to_owned(),
        };
        let until = set.until.map_or(String::new(), |until| format!(" until {until}"));
        let why = set.why.as_ref().map_or(String::new(), |why| format!(": “{why}”"));
        self.text = format!("{}; {} {did}{until}{why}", self.text, set.by);
        self.adjusted = Some(set);
    }
}

/// The arithmetic over the state just before. None where no cadence was set.
pub(super) fn arithmetic(
    state: &ChannelState,
    policy: Option<&Policy>,
    medium: Medium,
    session: Option<&SessionId>,
    captured_at: Timestamp,
    skip: Option<&Skip>,
) -> Option<Cadence> {
    let (pace, set_by) = state.pace.as_ref()?;
    let track = state.track(medium);
    let (pace, newest_seen, newest_sampled) = match medium {
        Medium::Picture => {
            (policy.map_or(*pace, |policy| state.pace_under(policy)), state.newest_seen, state.newest_sampled)
        }
        Medium::Clip | Medium::Sound => (policy?.listening(medium)?.pace(), track.seen, track.assessed),
    };
    let Pace { interval_ms, tolerance_ms } = pace;
    let partly_met =
        policy.zip(session).is_some_and(|(policy, session)| state.partly_met(policy, medium, session, captured_at));
    // A frame that was too soon has its due time in its event; of the others the state says it.
    let due = match skip {
        Some(Skip::TooSoon { due }) => Some(*due),
        _ => policy.zip(session).and_then(|(policy, session)| match medium {
            Medium::Picture => due(state, policy, session, captured_at),
            Medium::Clip | Medium::Sound => due_of_segment(state, policy, medium, session, captured_at),
        }),
    };
    let asked_from = newest_sampled.map(|sampled| sampled.plus_ms(u64::from(interval_ms)));
    let early_ms = asked_from.zip(due).map(|(asked_from, due)| asked_from.ms_since(due));
    let was_due = due.is_none_or(|due| captured_at >= due);
    let text = match (due, newest_sampled) {
        (Some(due), Some(sampled)) => {
            let (by, side) = match was_due {
                true => (captured_at.ms_since(due), "after"),
                false => (due.ms_since(captured_at), "before"),
            };
            format!(
                "the last frame looked at was captured at {sampled}; the next was due {interval_ms} ms later, or up to \
                 {} ms early, that is from {due} on; this one was captured {by} ms {side} that",
                early_ms.unwrap_or_default()
            )
        }
        _ if partly_met => "some rule was partly met, so any frame was taken".to_owned(),
        (_, None) => "no frame of the broadcast had been looked at yet, so any frame was taken".to_owned(),
        (None, Some(sampled)) => format!("the last frame looked at was captured at {sampled}"),
    };
    // The cadence of segments follows nothing.
    let tuning = policy.and_then(|policy| policy.reputation).filter(|_| medium.is_picture());
    let score = tuning.map(|tuning| score(&state.ledger, &tuning, captured_at));
    let because = state.pace_because.filter(|_| medium.is_picture());
    let why = because.map_or(String::new(), |because| format!(", because {because}"));
    let trust = score.map_or(String::new(), |score| format!(" (reputation {score})"));
    let text = format!("frames were wanted every {interval_ms} ms{why}{trust}; {text}");
    let policy = policy.map_or(set_by, |policy| &policy.reference).clone();
    Some(Cadence {
        policy,
        interval_ms,
        because,
        score,
        adjusted: None,
        tolerance_ms,
        newest_seen,
        newest_sampled,
        early_ms,
        due,
        was_due,
        text,
    })
}
