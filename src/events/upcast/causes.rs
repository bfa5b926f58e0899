//! Frames are skipped and cadences change for more reasons than before, and a cadence says the reputation it follows. An
//! older payload has one of the reasons there were, and no reputation.

use ciborium::Value;

use super::Step;

pub(super) const CADENCE_CHANGED: Step = Step { event_type: "CadenceChanged", from: 1, apply: as_it_was };

pub(super) const FRAME_SKIPPED: Step = Step { event_type: "FrameSkipped", from: 1, apply: as_it_was };

fn as_it_was(payload: Value) -> Option<Value> {
    payload.is_map().then_some(payload)
}
