//! The laboratory: what policies would have made of what was recorded, held against what was decided.
//!
//! All but the reading is pure: recorded events come in as data. Nothing here knows who asks, or writes anything.

pub mod shadow;
