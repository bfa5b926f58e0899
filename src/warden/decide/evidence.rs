//! What became of an assessed frame's picture: said after the frame's outcome, because of it, and changing nothing else.

use crate::events::{Actor, Event};
use crate::model::{EventId, FrameId, Timestamp};
use crate::warden::ChannelState;

use super::{Decision, Draft};

/// One event about the picture of `frame`, under an id of its own: it is said once.
pub(super) fn recorded(
    state: &ChannelState,
    id: EventId,
    frame: FrameId,
    captured_at: Timestamp,
    event: impl Into<Event>,
) -> Decision {
    let mut draft = Draft::other(state, Actor::service("evidence"), "evidence");
    draft.first = id;
    draft.causation = Some(EventId::outcome_of(frame));
    draft.captured_at = Some(captured_at);
    draft.push(event);
    draft.decided()
}
