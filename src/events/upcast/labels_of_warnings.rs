//! A warning may be about frames that nobody could judge: then no label raised it. Before that every warning had one, and
//! said neither that nor why it asks a person.

use ciborium::Value;

use super::Step;

pub(super) const WARNING_RAISED: Step = Step { event_type: "WarningRaised", from: 1, apply: by_a_label };

fn by_a_label(payload: Value) -> Option<Value> {
    payload.is_map().then_some(payload)
}
