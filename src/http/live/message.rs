//! What a live connection is sent.

use actix_web::web::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::rows::{ChannelRow, WarningRow};
use crate::model::{Position, Timestamp, WarningId};

/// One message of the live picture: the name of its event, and what its data is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum LiveMessage {
    /// Everything follows anew: forget what is not sent again before `ready`.
    Begin(LiveMoment),
    /// Channels as they now stand.
    Channels(LiveChannels),
    /// Warnings as they now stand.
    Warnings(LiveWarnings),
    /// Everything has been sent; what follows are changes.
    Ready(LiveMoment),
    /// The picture holds everything up to here; every two seconds, whether or not anything changed.
    At(LiveMoment),
    /// The last of the connection: connect again.
    Resume(LiveEnd),
}

/// When, and as of where in the journal.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct LiveMoment {
    /// The position up to which the journal is in what was sent.
    pub head: Position,
    /// The server's time.
    pub now: Timestamp,
}

/// Channels as they now stand.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct LiveChannels {
    /// Their rows, at most 500.
    pub items: Vec<ChannelRow>,
}

/// Warnings as they now stand.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct LiveWarnings {
    /// Their rows, at most 500: open ones, and answered ones whose answer can still be taken back.
    pub items: Vec<WarningRow>,
    /// Warnings sent before that need nobody any more.
    pub gone: Vec<WarningId>,
}

/// Why a connection is over.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct LiveEnd {
    /// The position up to which the journal was in what was sent.
    pub after: Position,
    /// Why.
    pub because: LiveEndBecause,
}

/// Why a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum LiveEndBecause {
    /// It read too slowly.
    Slow,
    /// The server stops.
    Closing,
    /// What is shown does not keep up with the journal.
    Behind,
}

impl LiveMessage {
    /// As a server-sent event with that id.
    pub fn framed(&self, id: Position) -> Bytes {
        let (name, data) = match self {
            Self::Begin(moment) => ("begin", serde_json::to_string(moment)),
            Self::Channels(channels) => ("channels", serde_json::to_string(channels)),
            Self::Warnings(warnings) => ("warnings", serde_json::to_string(warnings)),
            Self::Ready(moment) => ("ready", serde_json::to_string(moment)),
            Self::At(moment) => ("at", serde_json::to_string(moment)),
            Self::Resume(end) => ("resume", serde_json::to_string(end)),
        };
        let data = data.unwrap_or_default(); // maps with text keys are always JSON
        Bytes::from(format!("event: {name}\nid: {id}\ndata: {data}\n\n"))
    }
}
