//! Reading a stream's shards to their durable end.
//!
//! Records come from Kinesis in the order of their shard, a shard's parents before it, and are handed to [`Deliver`].
//! The cursor of a shard is the highest record such that it and all before it have durable outcomes; it is kept in the
//! journal's own store. What is missing in the input is an event. What a record means is known to whoever takes it; what
//! an operator decides about reading is in [`Settings`].

mod delivery;

pub use delivery::{Deliver, Delivery, NotSettled};
