//! A content that was erased names the request that it follows from, and says how much there was. Before that nobody
//! could ask for it, and none of either is known.

use ciborium::Value;

use super::Step;

pub(super) const CONTENT_ERASED: Step = Step { event_type: "ContentErased", from: 1, apply: without_request };

fn without_request(payload: Value) -> Option<Value> {
    payload.is_map().then_some(payload)
}
