//! Streamwarden watches live channels and can prove afterwards what it did and why.
//!
//! Rooms, and the one direction in which they may know each other (`tests/house` checks it):
//! `model` ← `events` ← `policy` ← `reputation` ← `warden`, `projections` ← `journal`, `imaging`, `media`, `notifications`, `egress`, `aws` ←
//! `providers`, `control` ← `intake`, `audit`, `laboratory`, `actors`, `consumers` ← `shards`, `outbox` ← `http` ← `cli`.
//! The core (`model`, `events`, `policy`, `reputation`, `warden`, `projections`) has no async, clock, randomness, IO or
//! logging: time and identity enter it as data.

pub mod actors;
pub mod audit;
pub mod aws;
pub mod cli;
pub mod clock;
pub mod config;
pub mod consumers;
pub mod control;
pub mod egress;
pub mod events;
pub mod house;
pub mod http;
pub mod imaging;
pub mod intake;
pub mod journal;
pub mod laboratory;
pub mod media;
pub mod model;
pub mod notifications;
pub mod outbox;
pub mod policy;
pub mod projections;
pub mod providers;
pub mod reputation;
pub mod shards;
pub mod telemetry;
pub mod warden;
