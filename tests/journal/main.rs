//! The journal from outside: one contract for every implementation, and what disks, crashes and hands can do to it.

#![allow(clippy::unwrap_used)] // the lint spares only functions marked as tests, not what they call

mod commands;
mod contract;
mod crash;
mod damage;
mod events;
mod exporting;
mod load;
#[path = "../power/mod.rs"]
mod power;
mod powerloss;
mod random;
mod rebuilding;
mod rollover;
mod store;
