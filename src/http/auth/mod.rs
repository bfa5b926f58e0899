//! Who may: the caller's identity, and what it grants on which channels. Denied unless granted.

mod principal;
mod role;

pub use principal::{Grant, Principal};
pub use role::{Permission, Role};
