//! The journal from outside: one contract for every implementation, and what disks, crashes and hands can do to it.

mod contract;
mod events;
mod store;
