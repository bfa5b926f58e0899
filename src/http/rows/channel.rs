//! A channel's row.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::ChannelId;
use crate::projections::{Cadence, Channel, Counts, Coverage, Ended, LastEvent, LastFrame, OnAir, Unjudged, View};

/// A channel as it stands now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Channel")]
pub(in crate::http) struct ChannelRow {
    /// The channel.
    pub channel: ChannelId,
    /// The broadcast on the air; none if nothing is.
    pub session: Option<OnAir>,
    /// The broadcast that ended last, and when; none while something is on the air, and before the first end.
    pub ended: Option<Ended>,
    /// Whether somebody looks, since when, and why not.
    pub coverage: Coverage,
    /// The media of which no segment is judged though its policy asks for them, since when, and why; else empty. A channel
    /// may be watched, as pictures tell, and have some.
    pub unjudged: Vec<Unjudged>,
    /// How often its frames are taken; none before its first broadcast.
    pub cadence: Option<Cadence>,
    /// The frame whose outcome came last.
    pub last_frame: Option<LastFrame>,
    /// Warnings that wait for an answer.
    pub open_warnings: u32,
    /// Severity of the gravest of them, 1 (least) to 5.
    pub worst_severity: Option<u8>,
    /// What happened so far, counted.
    pub counts: Counts,
    /// Its last event.
    pub last_event: LastEvent,
}

impl ChannelRow {
    /// Of what is shown of it.
    pub fn of(view: &View, id: &ChannelId, channel: &Channel) -> Self {
        let mut open_warnings = 0;
        let mut worst_severity = None;
        for warning in view.queue.open_of(id) {
            open_warnings += 1;
            worst_severity = worst_severity.max(Some(warning.raised.severity));
        }
        Self {
            channel: id.clone(),
            session: channel.session.clone(),
            ended: channel.ended.clone(),
            coverage: channel.coverage,
            unjudged: channel.unjudged.clone(),
            cadence: channel.cadence.clone(),
            last_frame: channel.last_frame,
            open_warnings,
            worst_severity,
            counts: channel.counts,
            last_event: channel.last_event,
        }
    }
}
