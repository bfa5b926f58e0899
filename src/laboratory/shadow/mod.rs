//! A policy in shadow held against the live one: a fold over recorded events. What the shadow said was recorded as it
//! was said, so nothing is judged again here.

mod fold;
pub mod html;
mod reading;
mod report;
mod truth;

pub use fold::Comparing;
pub use reading::{Compared, ComparisonError, Ran, compare, ran};
pub use report::{
    CHANNELS_NAMED_MAX, ComparedChannel, ComparedRule, Comparison, DIFFERENCES_MAX, Difference, LIVE_NAMED_MAX, Said,
    Standing, VerdictPair,
};
pub use truth::WARNINGS_MAX;
