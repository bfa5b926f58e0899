//! Reading what older programs wrote: one pure step per version, never rewriting stored bytes.
//!
//! A step turns the payload of one version of one type into the next version's. Steps live in a file each, named for
//! the change, and are listed in [`STEPS`].

mod causes;
mod erasures;
mod labels_of_warnings;
mod reasons;
mod undo_in_answers;

use ciborium::Value;

/// One step: payloads of `event_type` at `from` become those of `from + 1`.
#[derive(Clone, Copy)]
pub struct Step {
    /// The event type's name.
    pub event_type: &'static str,
    /// The version it reads.
    pub from: u16,
    /// The change. Returns none if the payload is not what that version wrote.
    pub apply: fn(Value) -> Option<Value>,
}

/// Every step this program knows.
pub const STEPS: &[Step] = &[
    labels_of_warnings::WARNING_RAISED,
    undo_in_answers::WARNING_UPHELD,
    undo_in_answers::WARNING_DISMISSED,
    causes::CADENCE_CHANGED,
    causes::FRAME_SKIPPED,
    erasures::CONTENT_ERASED,
    reasons::ENFORCEMENT_REQUESTED,
    reasons::POLICY_PUBLISHED,
    reasons::POLICY_RETIRED,
];

/// Takes a payload from version `from` to `to` by the given steps; none if a step is missing or refuses.
pub fn upcast(steps: &[Step], event_type: &str, from: u16, to: u16, payload: Value) -> Option<Value> {
    (from..to).try_fold(payload, |payload, version| {
        let step = steps.iter().find(|step| step.event_type == event_type && step.from == version)?;
        (step.apply)(payload)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rename(payload: Value, old: &str, new: &str) -> Option<Value> {
        let Value::Map(entries) = payload else { return None };
        let renamed = entries.into_iter().map(|(key, value)| match key {
            Value::Text(name) if name == old => (Value::Text(new.to_owned()), value),
            other => (other, value),
        });
        Some(Value::Map(renamed.collect()))
    }

    const STEPS: &[Step] = &[
        Step { event_type: "Old", from: 1, apply: |payload| rename(payload, "a", "b") },
        Step { event_type: "Old", from: 2, apply: |payload| rename(payload, "b", "c") },
    ];

    fn map(key: &str) -> Value {
        Value::Map(vec![(Value::Text(key.to_owned()), Value::Integer(7.into()))])
    }

    #[test]
    fn steps_are_taken_in_order_and_only_those_needed() {
        assert_eq!(upcast(STEPS, "Old", 1, 3, map("a")), Some(map("c")));
        assert_eq!(upcast(STEPS, "Old", 2, 3, map("b")), Some(map("c")));
        assert_eq!(upcast(STEPS, "Old", 3, 3, map("c")), Some(map("c")));
    }

    #[test]
    fn a_missing_step_is_no_guess() {
        assert_eq!(upcast(STEPS, "Old", 1, 4, map("a")), None);
        assert_eq!(upcast(STEPS, "Other", 1, 2, map("a")), None);
    }
}
