//! The journal from outside: one contract for every implementation, and what disks, crashes and hands can do to it.

mod contract;
mod crash;
mod damage;
mod events;
mod load;
mod powerloss;
mod random;
mod rollover;
mod store;
