//! What we decide, and nothing else: pure and synchronous, time and identity handed in as data.
//!
//! A warden's whole behaviour is three functions. [`decide()`] looks at the state and a command and names the events
//! that follow, or why none may; [`apply()`] folds one stored event into the state and never fails or decides;
//! [`react()`] names the outward work that a stored event calls for. [`enforcement`] plans that work where it
//! touches a stream. The walkthroughs in ARCHITECTURE.md follow a frame, an answer and a stop through them.

mod appeal;
mod apply;
mod command;
mod decide;
pub mod enforcement;
mod external;
pub mod invariants;
mod memory;
mod moderator;
mod opinion;
mod react;
mod rejection;
mod shadow;
mod state;
mod track;

pub use appeal::{Appealed, UpheldWarning};
pub use apply::{Applied, apply, replay};
pub use command::{Answered, Command, EnforcementReport};
pub use decide::{Decision, Next, calls_for, decide, due, due_of_segment, why_asks};
pub use external::{DecidedFrame, ExternalDecision};
pub use moderator::{Answering, ModeratorAct, SeenWarning, UndoTime, WARNINGS_PER_ANSWER_MAX};
pub use opinion::{Beside, InVain, Opinion, Said};
pub use react::{Alarm, Reaction, react};
pub use rejection::Rejection;
pub use shadow::{Shadow, ShadowWarning};
pub use state::{
    Answer, ChannelState, Claim, Cooldown, Coverage, Enforcement, EnforcementStage, Reference, RuleWindow, Session,
    Warning,
};
pub use track::{Segments, Track, Unjudged};

/// A stop older than this is not carried out: what was judged may no longer be on the air.
pub const ENFORCEMENT_TTL_MS: u64 = 60_000;
/// A stop held by the budget waits this long for a person, then it is called off.
pub const HOLD_TTL_MS: u64 = 15 * 60_000;
/// A claim lapses by itself after this.
pub const CLAIM_MS: u64 = 5 * 60_000;
/// Above this mean |Δ| of the 32×32 luma two frames differ, whatever their hashes say: a hash does not see brightness.
pub const LUMA_DELTA_DIFFERENT: crate::model::LumaDelta = crate::model::LumaDelta(2_000);
/// Up to this mean |Δ| of the 32×32 luma two frames are the same, whatever their hashes say. Measured: repeats of a noisy
/// slate stay below 0.12, neighbouring dark frames across a cut above 1.39; the two dark scenes closest to each other
/// are 0.61 apart, so this must not be raised. What is smaller than that waits for `reassess_after`.
pub const LUMA_DELTA_SAME: crate::model::LumaDelta = crate::model::LumaDelta(50);
