//! A stretch of a channel's past as a page draws it: broadcasts, when somebody looked, how often, and what was asked.
//!
//! Told from the channel's events alone. What holds when the stretch begins is looked for a bounded way back; where it
//! lies further, that part of the stretch is left undrawn rather than guessed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{Event, Recorded, UnwatchedBecause};
use crate::journal::READ_LIMIT_MAX;
use crate::model::{
    ChannelId, FrameId, ModeratorId, Position, RuleId, Scope, Sequence, SessionId, Timestamp, WarningId,
};

use super::AuditError;
use super::decision::Sources;
use super::reputation::{Change, LastSet, SetBy};
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
    /// Every answer that was recorded, the oldest first, also to warnings of long before.
    pub answers: Vec<AnswerMark>,
    /// What persons set the reputation to, or that they let it go, the oldest first.
    pub adjustments: Vec<SetBy>,
    /// Whether every event of the stretch was read. If not, the stretch is told up to `read_to`: ask on from there; or,
    /// where its end was wanted, from `from` on: ask for what is before that.
    pub complete: bool,
    /// When the last event that was read was recorded; none if there was none.
    pub read_to: Option<Timestamp>,
    /// The position up to which the journal is in this answer.
    pub head: Position,
    /// What could not be shown, and why.
    pub missing: Vec<String>,
}

/// Which part of a stretch is told if it has more events than one answer reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistoryPart {
    /// Its beginning.
    #[default]
    Beginning,
    /// Its end.
    End,
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

/// An answer to a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AnswerMark {
    /// The warning.
    pub warning: WarningId,
    /// What was said.
    pub said: AnswerSaid,
    /// Who said it.
    pub by: ModeratorId,
    /// When it was recorded.
    pub at: Timestamp,
}

/// What was said to a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerSaid {
    /// Somebody agreed.
    Upheld,
    /// Somebody disagreed.
    Dismissed,
    /// They took their answer back.
    Withdrawn,
    /// An appeal overturned what somebody had agreed to.
    Overturned,
}

/// What a channel's events recorded from `from` on and before `to` tell.
pub fn history(
    sources: Sources<'_>,
    channel: &ChannelId,
    from: Timestamp,
    to: Timestamp,
    part: HistoryPart,
) -> Result<History, AuditError> {
    let journal = sources.journal;
    let head = *journal.watermark().borrow();
    let list = List::of(journal, &Within::Channel(channel.clone()));
    if list.head == 0 {
        return Err(AuditError::UnknownChannel(channel.clone()));
    }
    let mut before = list.last_within(|recorded| recorded.envelope.recorded_at < from)?;
    let last = list.last_within(|recorded| recorded.envelope.recorded_at < to)?;
    let mut begin = before.saturating_sub(LOOK_BACK);
    let is_cut = last - begin > EVENTS_MAX;
    if is_cut && part == HistoryPart::End {
        begin = last - EVENTS_MAX;
        before = begin + LOOK_BACK;
    }
    let end = last.min(begin + EVENTS_MAX);
    let mut told = History {
        channel: channel.clone(),
        from,
        to,
        sessions: Vec::new(),
        coverage: Vec::new(),
        cadence: Vec::new(),
        warnings: Vec::new(),
        answers: Vec::new(),
        adjustments: Vec::new(),
        complete: !is_cut,
        read_to: None,
        head,
        missing: Vec::new(),
    };
    let scope = Scope::Channel(channel.clone());
    let mut after = Sequence(begin);
    let mut is_before = true;
    while after.0 < end {
        let page = journal.read_scope(&scope, after, READ_LIMIT_MAX)?;
        let Some(newest) = page.last() else { break }; // what is left was declared lost
        after = newest.envelope.sequence;
        for recorded in page.into_iter().filter(|recorded| recorded.envelope.sequence.0 <= end) {
            let at = recorded.envelope.recorded_at;
            if recorded.envelope.sequence.0 > before {
                told.read_to = Some(at);
                if std::mem::replace(&mut is_before, false) {
                    told.begin();
                    if is_cut && part == HistoryPart::End {
                        told.from = at;
                    }
                }
            }
            // One that cannot be understood is about something that this program does not know.
            let Ok(event) = recorded.event() else { continue };
            told.see(&recorded, &event);
            if let (false, Event::ReputationAdjusted(set)) = (is_before, &event) {
                let set = LastSet::of(&recorded.envelope, set).told(sources, &mut told.missing);
                told.adjustments.push(set);
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
            Event::ChannelWatched(watched) => {
                if self.coverage.is_empty() {
                    self.cover(watched.unwatched_since, false, None); // its beginning lies further back than was looked
                }
                self.cover(at, true, None);
            }
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
            Event::WarningUpheld(it) => self.answer(it.warning, AnswerSaid::Upheld, &it.by, envelope.recorded_at),
            Event::WarningDismissed(it) => self.answer(it.warning, AnswerSaid::Dismissed, &it.by, envelope.recorded_at),
            Event::WarningAnswerWithdrawn(it) => {
                self.answer(it.warning, AnswerSaid::Withdrawn, &it.by, envelope.recorded_at);
            }
            Event::WarningOverturned(it) => {
                self.answer(it.warning, AnswerSaid::Overturned, &it.by, envelope.recorded_at);
            }
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

    fn answer(&mut self, warning: WarningId, said: AnswerSaid, by: &ModeratorId, at: Timestamp) {
        self.answers.push(AnswerMark { warning, said, by: by.clone(), at });
        let upheld = match said {
            AnswerSaid::Upheld => Some(true),
            AnswerSaid::Dismissed | AnswerSaid::Overturned => Some(false),
            AnswerSaid::Withdrawn => None,
        };
        if let Some(mark) = self.warnings.iter_mut().rev().find(|mark| mark.warning == warning) {
            (mark.upheld, mark.answered_at) = (upheld, upheld.map(|_| at));
        }
    }

    /// The stretch begins here: what was over before was read for what came of it, and is not of the stretch.
    fn begin(&mut self) {
        self.sessions.retain(|span| span.to.is_none());
        self.coverage.retain(|span| span.to.is_none());
        self.warnings.retain(|mark| mark.upheld.is_none());
        self.answers.clear();
        let held = self.cadence.len().saturating_sub(1);
        self.cadence.drain(..held);
    }
}
