//! Rows of channels and warnings as they now stand. Lists and the live picture send the same ones, made here.

mod channel;
mod warning;

pub(super) use channel::ChannelRow;
pub(super) use warning::{Asker, WarningRow};
