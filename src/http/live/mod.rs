//! The live picture: rows of channels and of the queue as they now stand, sent again whenever they change, so that a
//! page folds nothing itself.
//!
//! Which channels changed a connection reads from the feed's ring; how they stand now it reads from the views, once
//! these have folded as much. So ten thousand events of one channel are a few rows, and a connection that fell behind
//! begins anew with how everything stands. No lock is held while rows are written out or sent.

mod connection;
mod message;
mod picture;

pub(super) use connection::stream;
pub(super) use message::LiveMessage;
