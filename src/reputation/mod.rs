//! What a channel's past says of its future: a pure fold over its events, a score explained term by term, and the
//! cadence that follows from it within the policy's bounds.
//!
//! The grounds are those of the Digital Services Act, Art. 23(3), for suspending a recipient: the absolute number of
//! infringing items, their proportion, their gravity, and the intention as far as it can be known. Here they set only
//! how closely a channel is watched: no score stops a stream, and none raises a warning.
//!
//! Nothing here reads a clock, and everything is whole numbers: the same events give the same score on every machine,
//! and events of equal times the same score in any order.

pub mod budget;
pub mod cadence;
mod fixed;
pub mod forecast;
mod ledger;
mod score;
mod standing;

pub use ledger::{Adjusted, DAYS_MAX, Day, Evidence, FINDINGS_MAX, Finding, Ledger};
pub use score::{Appraisal, Ground, LINES_MAX, Term, score};
pub use standing::{Grounds, Standing, Watch};
