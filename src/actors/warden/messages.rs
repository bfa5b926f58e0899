//! What a warden is sent, and what it answers when it cannot do it.

use std::sync::Arc;

use actix::Message;
use tokio::sync::oneshot;

use super::super::system::Outcome;
use crate::journal::AppendError;
use crate::model::{ChannelId, EventId, Frame};
use crate::telemetry::metrics::Held;
use crate::warden::{ChannelState, Command, Rejection};

/// Why a warden cannot answer.
#[derive(Debug, Clone)]
pub(in crate::actors) enum Stale {
    /// The journal refuses.
    Journal(AppendError),
    /// Its past cannot be read.
    Unreadable(Arc<str>),
    /// It is no longer the channel's warden; a fresh one is.
    Gone,
    /// No frame or command is taken any more.
    Closing,
}

/// Where an offered frame's outcome goes.
pub(super) type Reply = oneshot::Sender<Result<Outcome, Stale>>;

/// Take a frame; `shed`: there is no room for it.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Offer {
    pub(in crate::actors) frame: Frame,
    pub(in crate::actors) shed: bool,
    pub(in crate::actors) reply: Reply,
    /// Counts it in the mailbox it is in.
    pub(in crate::actors) queued: Held,
}

/// Carry out a command that is not about a frame under way.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Order {
    pub(in crate::actors) channel: ChannelId,
    pub(in crate::actors) command: Command,
    pub(in crate::actors) reply: oneshot::Sender<Result<Result<Vec<EventId>, Rejection>, Stale>>,
    /// Counts it in the mailbox it is in.
    pub(in crate::actors) queued: Held,
}

/// Show the state.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Inspect {
    pub(in crate::actors) channel: ChannelId,
    pub(in crate::actors) reply: oneshot::Sender<ChannelState>,
    /// Counts it in the mailbox it is in.
    pub(in crate::actors) queued: Held,
}

/// Go to rest if there is nothing to do; with a reply: as soon as there is nothing to do.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Rest {
    pub(in crate::actors) reply: Option<oneshot::Sender<()>>,
}

/// Time passed.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Tick;

/// The policies changed.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Reconsider;
