//! Who reads on outside: named consumers that keep their place, and replays of the past to them or to the live feed.
//!
//! A consumer's place moves only by its own acknowledgements, by a rewind that is an event, or over what its filter
//! does not want. A replay has a place of its own, so it can neither move nor delay a live one, and what it delivers is
//! [`Replayed`], from which nothing can make the input of a reactor: a replay never causes an enforcement.
//!
//! Everything here blocks on the journal: off the arbiters. It must not know who asks, nor over what.

mod desk;
mod entry;
mod error;
mod lane;
mod lease;
mod outward;
mod pace;
mod reading;
mod registry;
mod replays;
mod status;

pub use desk::{Consumers, Place};
pub use entry::{Entry, ReplayTag, Replayed};
pub use error::ConsumerError;
pub use lease::{LEASE_S_MAX, LEASE_S_MIN, Lease, Token};
pub use pace::{RATE_MAX, REAL_TIME_MILLI_MAX};
pub use reading::{Acknowledged, LaneName, Reading};
pub use registry::{CONSUMERS_MAX, PARKED_MAX, REASON_BYTES_MAX, REPLAYS_MAX};
pub use replays::{Heard, Listener, NewReplay};
pub use status::{ConsumerStatus, ParkedEntry, ReplayState, ReplayStatus};

/// What the names of the outbox's own lanes begin with; no consumer made by hand may be called so.
pub const LANE: &str = "lane/";
/// The most entries one read gives; a reader comes back for more.
pub const ENTRIES_MAX: usize = 500;
