//! A stretch of a channel's past as a page draws it: broadcasts, when somebody looked, how often, and what was asked.
//!
//! Told from the channel's events alone. What holds when the stretch begins is looked for a bounded way back; where it
//! lies further, that part of the stretch is left undrawn rather than guessed.

use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{Event, Recorded, UnwatchedBecause};
use crate::journal::{Journal, READ_LIMIT_MAX};
use crate::model::{ChannelId, FrameId, Position, RuleId, Scope, Sequence, SessionId, Timestamp, WarningId};

use super::AuditError;
use super::reputation::Change;
use super::search::{List, Within};

/// The most events read for one stretch, those before it included: some tens of milliseconds.
pub const EVENTS_MAX: u64 = 20_000;
/// Events before the stretch that are looked at for what holds when it begins.
const LOOK_BACK: u64 = 5_000;

/// A stretch of a channel's past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ChannelHistory")]
pub struct History {
    /// The channel.
    pub channel: ChannelId,
    /// Of events recorded from then on,
    pub from: Timestamp,
    /// and before then.
    pub to: Timestamp,
    /// Broadcasts, the oldest first.
    pub sessions: Vec<SessionSpan>,
    /// When somebody looked and when nobody did, the oldest first; nothing where nothing was on the air.
    pub coverage: Vec<CoverageSpan>,
    /// How often frames were taken, each change with its cause and the score then. The first may lie before `from`: it
    /// is the one that held then.
    pub cadence: Vec<Change>,
    /// Warnings raised, those first that waited for an answer when the stretch began, and their last answers.
    pub warnings: Vec<WarningMark>,
    /// Whether every event of the stretch was read. If not, the stretch is told up to `read_to`: ask on from there.
    pub complete: bool,
    /// When the last event that was read was recorded; none if there was none.
    pub read_to: Option<Timestamp>,
    /// The position up to which the journal is in this answer.
    pub head: Position,
}

/// A broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SessionSpan {
    /// The broadcast.
    pub session: SessionId,
    /// When it began; none if that lies further back than was looked.
    pub from: Option<Timestamp>,
    /// When it ended; none if it had not.
    pub to: Option<Timestamp>,
}

/// A time in which somebody looked, or nobody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CoverageSpan {
    /// Whether somebody looked.
    pub watched: bool,
    /// Why nobody did.
    pub because: Option<UnwatchedBecause>,
    /// Since when.
    pub from: Timestamp,
    /// Until when; none if it goes on.
    pub to: Option<Timestamp>,
}

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WarningMark {
    /// The warning.
    pub warning: WarningId,
    /// The rule.
    pub rule: RuleId,
    /// How grave, 1 (least) to 5.
    pub severity: u8,
    /// The frame that raised it.
    pub frame: FrameId,
    /// The own time of that frame.
    pub at: Timestamp,
    /// Whether somebody agreed, as the stretch leaves it; none if nobody had answered.
    pub upheld: Option<bool>,
    /// When that was recorded.
    pub answered_at: Option<Timestamp>,
}

/// What a channel's events recorded from `from` on and before `to` tell.
pub fn history(
    journal: &dyn Journal,
    channel: &ChannelId,
    from: Timestamp,
    to: Timestamp,
) -> Result<History, AuditError> {
    let head = *journal.watermark().borrow();
    let list = List::of(journal, &Within::Channel(channel.clone()));
    if list.head == 0 {
        return Err(AuditError::UnknownChannel(channel.clone()));
    }
    let before = list.last_within(|recorded| recorded.envelope.recorded_at < from)?;
    let last = list.last_within(|recorded| recorded.envelope.recorded_at < to)?;
    let begin = before.saturating_sub(LOOK_BACK);
    let end = last.min(begin + EVENTS_MAX);
    let mut told = History {
        channel: channel.clone(),
        from,
        to,
        sessions: Vec::new(),
        coverage: Vec::new(),
        cadence: Vec::new(),
        warnings: Vec::new(),
        complete: end == last,
        read_to: None,
        head,
    };
    let scope = Scope::Channel(channel.clone());
    let mut after = Sequence(begin);
    let mut is_before = true;
    while after.0 < end {
        let page = journal.read_scope(&scope, after, READ_LIMIT_MAX)?;
        let Some(newest) = page.last() else { break }; // what is left was declared lost
        after = newest.envelope.sequence;
        for recorded in page.into_iter().filter(|recorded| recorded.envelope.sequence.0 <= end) {
            if recorded.envelope.sequence.0 > before {
                told.read_to = Some(recorded.envelope.recorded_at);
                if std::mem::replace(&mut is_before, false) {
                    told.begin();
                }
            }
            // One that cannot be understood is about something that this program does not know.
            if let Ok(event) = recorded.event() {
                told.see(&recorded, &event);
            }
        }
    }
    if is_before {
        told.begin();
    }
    Ok(told)
}

impl History {
    fn see(&mut self, recorded: &Recorded, event: &Event) {
        let envelope = &recorded.envelope;
        let at = envelope.captured_at.unwrap_or(envelope.recorded_at);
        match event {
            Event::SessionStarted(started) => {
                self.end_session(at);
                self.cover(at, true, None);
                self.sessions.push(SessionSpan { session: started.session.clone(), from: Some(at), to: None });
            }
            Event::SessionEnded(ended) => {
                if self.sessions.is_empty() {
                    self.sessions.push(SessionSpan { session: ended.session.clone(), from: None, to: None });
                }
                if self.sessions.last().is_some_and(|last| last.session == ended.session) {
                    self.end_session(at);
                }
            }
            Event::ChannelUnwatched(unwatched) => self.cover(unwatched.since, false, Some(unwatched.because)),
            Event::ChannelWatched(_) => self.cover(at, true, None),
            Event::CadenceChanged(changed) => {
                let session = self.sessions.last().filter(|last| last.to.is_none()).map(|last| last.session.clone());
                self.cadence.push(Change::of(envelope, changed, session));
            }
            Event::WarningRaised(raised) => self.warnings.push(WarningMark {
                warning: raised.warning,
                rule: raised.rule.clone(),
                severity: raised.severity,
                frame: raised.frame,
                at,
                upheld: None,
                answered_at: None,
            }),
            Event::WarningUpheld(it) => self.answer(it.warning, Some(true), envelope.recorded_at),
            Event::WarningDismissed(it) => self.answer(it.warning, Some(false), envelope.recorded_at),
            Event::WarningAnswerWithdrawn(it) => self.answer(it.warning, None, envelope.recorded_at),
            Event::WarningOverturned(it) => self.answer(it.warning, Some(false), envelope.recorded_at),
            _ => {} // a drawing of these, not a fold: nothing else is drawn
        }
    }

    fn end_session(&mut self, at: Timestamp) {
        if let Some(last) = self.sessions.last_mut().filter(|last| last.to.is_none()) {
            last.to = Some(at);
        }
        if let Some(last) = self.coverage.last_mut().filter(|last| last.to.is_none()) {
            last.to = Some(at.max(last.from));
        }
    }

    /// From then on somebody looks, or nobody does. Where that is found out later than it began, what was drawn is cut.
    fn cover(&mut self, from: Timestamp, watched: bool, because: Option<UnwatchedBecause>) {
        if let Some(last) = self.coverage.last_mut().filter(|last| last.to.is_none()) {
            last.to = Some(from.max(last.from));
        }
        self.coverage.push(CoverageSpan { watched, because, from, to: None });
    }

    fn answer(&mut self, warning: WarningId, upheld: Option<bool>, at: Timestamp) {
        if let Some(mark) = self.warnings.iter_mut().rev().find(|mark| mark.warning == warning) {
            (mark.upheld, mark.answered_at) = (upheld, upheld.map(|_| at));
        }
    }

    /// The stretch begins here: what was over before was read for what came of it, and is not of the stretch.
    fn begin(&mut self) {
        self.sessions.retain(|span| span.to.is_none());
        self.coverage.retain(|span| span.to.is_none());
        self.warnings.retain(|mark| mark.upheld.is_none());
        let held = self.cadence.len().saturating_sub(1);
        self.cadence.drain(..held);
    }
}
