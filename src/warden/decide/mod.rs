//! From a state and a command to events, or to a refusal. Never changes the state.

mod answer;
mod cadence;
mod coverage;
mod enforcement;
mod evidence;
mod external;
mod frame;
mod judgement;
mod moderator;
mod opinions;
mod segment;
mod session;
mod shadow;
mod stops;

pub use frame::due;
pub use segment::due as due_of_segment;
pub use stops::{calls_for, why_asks};

use crate::events::{Actor, Event, EvidenceCopied, EvidenceStored, EvidenceUnkept, NewEvent};
use crate::model::{EventId, FrameId, Timestamp};
use crate::policy::Policy;

use super::{ChannelState, Command, Rejection};

/// What follows from a command: events to append together, and what the shell is to do next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// To be appended in one piece; possibly none.
    pub events: Vec<NewEvent>,
    /// What the frame still needs, if it has no outcome yet.
    pub next: Option<Next>,
}

impl Decision {
    /// The same with these events before it in the same append.
    fn after(mut self, before: Vec<NewEvent>) -> Self {
        self.events.splice(0..0, before);
        self
    }
}

/// What a frame without an outcome needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Fetch it, decode it, hash it; then [`Command::CompareFrame`].
    Look,
    /// Ask the provider, which of a segment takes fetching it first; then [`Command::JudgeFrame`].
    Ask,
}

/// Decides. `policy` is the one that watches the channel now; a command for a frame under way brings its own.
/// `now` is the time at which the command is decided.
pub fn decide(
    state: &ChannelState,
    policy: Option<&Policy>,
    now: Timestamp,
    command: &Command,
) -> Result<Decision, Rejection> {
    match command {
        Command::StartSession { session, at } => Ok(session::start(state, policy, now, session, *at)),
        Command::EndSession { session } => Ok(session::end(state, session)),
        Command::TakeFrame { frame } => Ok(frame::take(state, policy, now, frame)),
        Command::ShedFrame { frame } => Ok(frame::shed(state, policy, now, frame)),
        Command::SupersedeFrame { frame, by } => Ok(frame::supersede(state, frame, *by)),
        Command::PassOverFrame { frame } => Ok(frame::pass_over(state, frame)),
        Command::CompareFrame { frame, policy, measured } => Ok(frame::compare(state, frame, policy, measured)),
        Command::SpendCall { frame, policy, bar } => Ok(frame::spend(state, frame, policy, *bar)),
        Command::JudgeFrame { frame, policy, shadow, measured, segment, answer, beside, took } => {
            let (shadow, measured, segment, took) = (shadow.as_deref(), measured.as_ref(), segment.as_deref(), *took);
            let judged = answer::Judged { frame, policy, shadow, measured, segment, answer, beside, took };
            Ok(answer::judge(state, now, &judged))
        }
        Command::FailFrame { frame, stage, reason, attempts, asked } => {
            let failed = frame::fail(state, policy, frame, *stage, reason, *attempts);
            Ok(match asked {
                Some(asked) => failed.after(opinions::before(&asked.policy, frame, &asked.opinions)),
                None => failed,
            })
        }
        Command::FindNoTrack { frame, policy, sha256 } => Ok(segment::without_track(state, policy, frame, *sha256)),
        Command::Quarantine { frame, reason } => Ok(frame::quarantine(state, policy, frame, reason)),
        Command::ReportConflict { frame, outcome } => Ok(frame::conflict(state, frame, *outcome)),
        Command::KeepEvidence { frame, captured_at, image, content } => {
            let stored = EvidenceStored { frame: *frame, image: *image, content: content.clone() };
            Ok(evidence::recorded(state, Command::evidence_id(*frame), *frame, *captured_at, stored))
        }
        Command::CopyEvidence { frame, captured_at, image, bytes, object } => {
            let copied = EvidenceCopied { frame: *frame, image: *image, bytes: *bytes, object: object.clone() };
            Ok(evidence::recorded(state, Command::copy_id(*frame), *frame, *captured_at, copied))
        }
        Command::MissEvidence { frame, captured_at, image, place, reason } => {
            let unkept = EvidenceUnkept { frame: *frame, image: *image, place: *place, reason: short(reason) };
            Ok(evidence::recorded(state, Command::unkept_id(*frame, *place), *frame, *captured_at, unkept))
        }
        Command::CompareProviders { frame, session, captured_at, policy, opinion } => {
            Ok(opinions::compared(state, policy, *frame, session, *captured_at, opinion))
        }
        Command::ViewersRose { session, rose } => Ok(cadence::viewers_rose(state, policy, now, session, *rose)),
        Command::TakeDecision { decision, about } => Ok(external::take(state, policy, now, decision, about)),
        Command::ReconsiderPolicy => Ok(session::reconsider(state, policy, now)),
        Command::Tick => Ok(coverage::tick(state, policy, now)),
        Command::Moderate { request, by, act } => moderator::act(state, policy, now, *request, by, act),
        Command::Report { enforcement, report } => enforcement::report(state, now, *enforcement, report),
    }
}

/// Events of one decision in the making: each gets an id that follows from the decision's first.
struct Draft<'a> {
    state: &'a ChannelState,
    actor: Actor,
    first: EventId,
    causation: Option<EventId>,
    captured_at: Option<Timestamp>,
    events: Vec<NewEvent>,
}

impl<'a> Draft<'a> {
    /// A decision whose first event is the outcome of a frame.
    fn outcome(state: &'a ChannelState, policy: Option<&Policy>, frame: FrameId, captured_at: Timestamp) -> Self {
        Self {
            state,
            actor: Actor::Warden(policy.map(|policy| policy.reference.clone())),
            first: EventId::outcome_of(frame),
            causation: None,
            captured_at: Some(captured_at),
            events: Vec::with_capacity(2),
        }
    }

    /// A decision of another kind. Its ids follow from the sequence that its first event will have, which no other
    /// event of the channel ever has.
    fn other(state: &'a ChannelState, actor: Actor, kind: &str) -> Self {
        let parts: [&[u8]; 2] = [state.channel.as_str().as_bytes(), &state.sequence.next().0.to_be_bytes()];
        Self {
            state,
            actor,
            first: EventId::of_command(kind, &parts),
            causation: None,
            captured_at: None,
            events: Vec::new(),
        }
    }

    /// The events that must stand before a frame's outcome in the same append, and then the outcome.
    fn after(self, before: Vec<NewEvent>) -> Decision {
        self.decided().after(before)
    }

    fn push(&mut self, event: impl Into<Event>) -> EventId {
        let ordinal = self.events.len() as u32; // a decision has a handful of events
        let id = if ordinal == 0 { self.first } else { EventId::follower(self.first, ordinal) };
        self.push_as(id, event)
    }

    fn push_as(&mut self, id: EventId, event: impl Into<Event>) -> EventId {
        self.events.push(NewEvent {
            id,
            event: event.into(),
            captured_at: self.captured_at,
            actor: self.actor.clone(),
            causation: if self.events.is_empty() { self.causation } else { Some(self.first) },
            correlation: Some(self.first),
        });
        id
    }

    /// The event pushed last rests on a frame captured at that time.
    fn rests_on(&mut self, captured_at: Timestamp) {
        if let Some(last) = self.events.last_mut() {
            last.captured_at = Some(captured_at);
        }
    }

    fn decided(self) -> Decision {
        Decision { events: self.events, next: None }
    }
}

/// A reason as it may stand in an event: at most 300 bytes, no control characters.
fn short(reason: &str) -> String {
    const BYTES_MAX: usize = 300;
    let mut text: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.len() > BYTES_MAX {
        let cut = (0..=BYTES_MAX - 3).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(cut);
        text.push('…');
    }
    text
}
