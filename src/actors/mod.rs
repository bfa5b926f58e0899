//! Who runs: one warden per channel, its supervision, the reactors, and the projector. Rules live in `warden`; here is only the
//! order in which things happen.
//!
//! A frame's way: [`Wardens::offer`] → the shard of its channel → its warden, which decides, has the decision made
//! durable, and lets fetching, hashing and the provider run outside meanwhile. Nobody but a channel's warden appends
//! to the channel's list.

mod ask;
mod deposit;
mod enforcement;
mod erasure;
mod keeper;
mod look;
mod objects;
mod pause;
mod pictures;
mod planes;
mod policies;
mod projector;
mod retention;
mod shard;
mod standing;
mod surprise;
mod sweep;
mod system;
mod warden;

pub use deposit::{Deposit, DepositError, Deposited, PlaceError};
pub use enforcement::{EnforcementReactor, ReactorError};
pub use erasure::{CopyEraser, ErasedCopies, ErasedSubject, Erasure, ErasureError, Erasures, Remains};
pub use keeper::{EvidenceKeeper, KeeperError, LookedAfter};
pub use objects::{FetchError, Fetching, Objects};
pub use pictures::{LastPicture, LastPictures};
pub use policies::{
    PolicyAct, PolicyDesk, PolicyHistory, PolicyVersion, PolicyVersions, PublishError, REASON_BYTES_MAX, SHADOWS_MAX,
};
pub use projector::{Behind, Projector, ProjectorError, Views};
pub use retention::{KeptForATime, Retention, RetentionError, Step};
pub use standing::record_standing;
pub use sweep::{Sweep, SweepError, Swept};
pub use system::{CommandError, Evidence, OfferError, Outcome, Parts, ProviderChoice, Settings, Transcripts, Wardens};
