//! What a person wants done comes with their reason: publishing and retiring a policy, acting on a stream. Before that
//! none was asked for, so an older payload is one without a reason.

use ciborium::Value;

use super::Step;

pub(super) const POLICY_PUBLISHED: Step = Step { event_type: "PolicyPublished", from: 1, apply: unreasoned };
pub(super) const POLICY_RETIRED: Step = Step { event_type: "PolicyRetired", from: 1, apply: unreasoned };
pub(super) const ENFORCEMENT_REQUESTED: Step = Step { event_type: "EnforcementRequested", from: 1, apply: unreasoned };

fn unreasoned(payload: Value) -> Option<Value> {
    payload.is_map().then_some(payload)
}
