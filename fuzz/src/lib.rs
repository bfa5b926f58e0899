//! The rooms that read what comes from outside, by themselves: the fuzzer builds them with instruments, and with the
//! rest of the product, the AWS clients above all, that build did not come to its end within an hour. That they stand
//! alone is what the arrows between rooms promise.
#![allow(dead_code, reason = "the rooms have other users in the product")]

#[path = "../../src/events/mod.rs"]
pub mod events;
#[path = "../../src/imaging/mod.rs"]
pub mod imaging;
#[path = "../../src/media/mod.rs"]
pub mod media;
#[path = "../../src/model/mod.rs"]
pub mod model;
#[path = "../../src/notifications/mod.rs"]
pub mod notifications;
#[path = "../../src/policy/mod.rs"]
pub mod policy;
