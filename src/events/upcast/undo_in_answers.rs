//! Answers to warnings say for how long they may be taken back. Before that it was a minute for all of them.

use ciborium::Value;

use super::Step;

/// What it was then.
const UNDO_MS: u32 = 60_000;

pub(super) const WARNING_UPHELD: Step = Step { event_type: "WarningUpheld", from: 1, apply: a_minute };
pub(super) const WARNING_DISMISSED: Step = Step { event_type: "WarningDismissed", from: 1, apply: a_minute };

fn a_minute(payload: Value) -> Option<Value> {
    let Value::Map(mut fields) = payload else { return None };
    fields.push((Value::Text("undo_ms".to_owned()), UNDO_MS.into()));
    Some(Value::Map(fields))
}
