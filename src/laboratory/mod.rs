//! The laboratory: policies tried on what was recorded, without a call to any provider.
//!
//! Every recorded channel is gone through in order and put to trial under a proposed policy, by the decisions that
//! judge live ([`crate::warden`]). What comes out is a [`Report`]: warnings gained and lost, how they stand against what
//! moderators answered, how much sooner or later, at what cost, and what the recording cannot say, which is counted and
//! never guessed. `docs/laboratory.md` says what each of these means.
//!
//! All but the reading is pure: recorded events come in as data, and so do answers too long for their events. Nothing
//! here knows who asks, or writes anything.

mod answers;
pub mod arena;
mod asking;
mod channel;
pub mod document;
pub mod frontier;
mod hearing;
pub mod html;
mod judging;
mod likeness;
mod past;
pub mod price;
mod proposal;
mod reading;
pub mod report;
pub mod shadow;
mod shown;
mod spread;
mod stops;
pub mod summary;
mod tally;
mod trial;
mod truth;
pub mod unknowable;

pub use document::Backtest;
pub use proposal::{proposed, trying, whole_answer};
pub use reading::{Found, LaboratoryError, PROPOSALS_MAX, Progress, Question, Stretch, run, stretch};
pub use report::Report;
pub use truth::Detections;
