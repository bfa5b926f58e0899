//! A cadence changes for more reasons than before, and says the reputation it follows. An older payload has one of the
//! reasons there were, and none.

use ciborium::Value;

use super::Step;

pub(super) const CADENCE_CHANGED: Step = Step { event_type: "CadenceChanged", from: 1, apply: as_it_was };

fn as_it_was(payload: Value) -> Option<Value> {
    payload.is_map().then_some(payload)
}
