//! What the journal says of a warning that is appealed against, long after its channel has forgotten it.

use crate::journal::{Journal, READ_LIMIT_MAX};
use crate::model::{ChannelId, Position, Scope, Timestamp, WarningId};
use crate::warden::{Appealed, Command, UndoTime};

use super::AuditError;

/// The most events of the channel that are read behind the raising for its answer: days of a channel with a frame a
/// second.
const ANSWER_EVENTS_MAX: u64 = 500_000;

/// The warning that the event at `raised` raised, with its channel: its answer, if it has one that nobody took back, and
/// whether it was overturned. None if no such warning was raised there.
pub fn appealed(
    journal: &dyn Journal,
    warning: WarningId,
    raised: Position,
) -> Result<Option<(ChannelId, Appealed)>, AuditError> {
    let before = Position(raised.0.saturating_sub(1));
    let first = journal.read(before, 1)?.into_iter().find(|first| first.envelope.position == raised);
    let Some(first) = first else { return Ok(None) }; // in a declared hole, or not there yet
    let Some(channel) = first.envelope.scope.channel().cloned() else { return Ok(None) };
    let understood = |recorded: &crate::events::Recorded| {
        let (scope, sequence) = (recorded.envelope.scope.clone(), recorded.envelope.sequence);
        recorded.event().map_err(|source| AuditError::Codec { scope, sequence, source })
    };
    if understood(&first)?.warning() != Some(warning) {
        return Ok(None);
    }
    let mut appealed = Appealed::default();
    appealed.see(warning, &first, &understood(&first)?);
    let scope = Scope::Channel(channel.clone());
    let mut after = first.envelope.sequence;
    let until = after.0.saturating_add(ANSWER_EVENTS_MAX);
    let mut answered: Option<Timestamp> = None;
    loop {
        let page = journal.read_scope(&scope, after, READ_LIMIT_MAX)?;
        let Some(last) = page.last() else { break };
        after = last.envelope.sequence;
        // What is about warnings is known before it is decoded, and nothing else needs to be understood.
        for recorded in page.iter().filter(|recorded| recorded.envelope.event_type.starts_with("Warning")) {
            let event = understood(recorded)?;
            if event.warning() == Some(warning) {
                appealed.see(warning, recorded, &event);
                answered = appealed.upheld_at();
            }
        }
        let final_by = answered.map(|at| at.plus_ms(u64::from(UndoTime::MS_MAX)));
        if final_by.is_some_and(|final_by| last.envelope.recorded_at > final_by) {
            break;
        }
        if after.0 > until {
            return Err(AuditError::AnswerTooFar { warning, read: ANSWER_EVENTS_MAX });
        }
    }
    // The appeal came later than anything else, and has an id that follows from the warning.
    if let Some(overturned) = journal.find(Command::overturn_id(warning))? {
        let event = understood(&overturned)?;
        appealed.see(warning, &overturned, &event);
    }
    Ok(Some((channel, appealed)))
}
