//! Who looked at what is kept, and who took much of it away. The actor in the envelope is the person. Durable before
//! the first byte leaves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ChannelId, ContentRef, FrameId, Position};

/// Somebody looked at a kept picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceRead {
    /// The frame.
    pub frame: FrameId,
    /// The channel it showed.
    pub channel: ChannelId,
    /// The picture.
    pub content: ContentRef,
}

/// Somebody took many events away in one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportMade {
    /// Which list of events.
    pub what: ExportOf,
    /// As what.
    pub format: ExportFormat,
    /// The filter, as the query parameters said it, in at most 300 bytes; empty if there was none.
    pub filter: String,
    /// The position after which it began.
    pub from: Position,
    /// The last position that it may hold.
    pub to: Position,
    /// The most events that it may hold: it is recorded before it is counted.
    pub events_max: u32,
}

/// Which list of events was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportOf {
    /// The whole journal, as far as its reader may see it.
    Journal,
    /// One channel's events.
    Channel(ChannelId),
}

/// How exported events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// One JSON object per line.
    Ndjson,
    /// Comma-separated values.
    Csv,
}
