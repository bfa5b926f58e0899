//! Hive's Moderation Dashboard: the same models asked through an application of its own, whose rules and reviewers then
//! decide about what they were shown and call back. Here are the names that both ways share.

mod posts;

pub use posts::{Posts, UsersAs};

/// What it is called, as a provider and as an external actor.
pub const NAME: &str = "hive-dashboard";
