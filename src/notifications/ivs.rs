//! What IVS says of a broadcast. Best effort: an event may be lost, hours late, or before the one it should follow.

use serde::Deserialize;

use super::eventbridge::Event;
use super::{Ignored, Notification, Recording, Rejected};
use crate::model::{ChannelId, SessionId, Timestamp};

/// The most broadcasts that one recording holds: IVS joins no more.
const JOINED_MAX: usize = 20;

/// What IVS says of one channel's broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcasting {
    /// The channel.
    pub channel: ChannelId,
    /// The broadcast.
    pub session: SessionId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub what: OnAir,
    /// The recording and the broadcasts that are in it, where the event is about one. A reconnect within the window is
    /// recorded under the prefix of the broadcast before.
    pub recording: Option<(Recording, Vec<SessionId>)>,
}

/// What happened to a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnAir {
    /// It is on the air.
    Began,
    /// It is off the air.
    Ended,
    /// Its recording ended, which may be long after it.
    RecordingEnded,
}

#[derive(Deserialize)]
struct StreamState {
    event_name: String,
    stream_id: String,
}

#[derive(Deserialize)]
struct RecordingState {
    recording_status: String,
    stream_id: String,
    recording_s3_bucket_name: String,
    recording_s3_key_prefix: String,
    #[serde(default)]
    recording_session_stream_ids: Vec<String>,
}

pub(super) fn read(event: &Event) -> Result<Notification, Rejected> {
    match event.detail_type.as_str() {
        "IVS Stream State Change" => stream_state(event),
        "IVS Recording State Change" => recording_state(event),
        // Health, limits, and what real-time stages say.
        _ => Ok(Notification::Ignored(Ignored::NoChange)),
    }
}

fn stream_state(event: &Event) -> Result<Notification, Rejected> {
    let state: StreamState = event.detail()?;
    let what = match state.event_name.as_str() {
        "Stream Start" => OnAir::Began,
        "Stream End" | "Session Ended" => OnAir::Ended, // in either order
        // Before the broadcast is on the air; trouble that need not end it; another encoder of the same broadcast.
        "Session Created" | "Stream Failure" | "Stream Takeover" | "Stream Takeover Failure" => {
            return Ok(Notification::Ignored(Ignored::NoChange));
        }
        other => {
            return Err(Rejected::because(format!(
                "expected detail.event_name to be a change of a stream's state that is known, found {other:?}"
            )));
        }
    };
    broadcast(event, &state.stream_id, what, None)
}

fn recording_state(event: &Event) -> Result<Notification, Rejected> {
    let state: RecordingState = event.detail()?;
    let what = match state.recording_status.as_str() {
        "Recording Start" => OnAir::Began,
        "Recording End" | "Recording End Failure" => OnAir::RecordingEnded,
        "Recording Start Failure" => return Ok(Notification::Ignored(Ignored::NoChange)), // nothing is recorded
        other => {
            return Err(Rejected::because(format!(
                "expected detail.recording_status to be a change of a recording's state that is known, found {other:?}"
            )));
        }
    };
    let prefix = state.recording_s3_key_prefix.trim_matches('/');
    if prefix.is_empty() {
        return Err(Rejected::because("expected detail.recording_s3_key_prefix to be a prefix, it is empty"));
    }
    let mut joined: Vec<SessionId> = Vec::new();
    for id in std::iter::once(&state.stream_id).chain(&state.recording_session_stream_ids) {
        let id = session(id)?;
        if !joined.contains(&id) {
            joined.push(id);
        }
        if joined.len() > JOINED_MAX {
            let expected = format!("expected at most {JOINED_MAX} broadcasts in detail.recording_session_stream_ids");
            return Err(Rejected::because(expected));
        }
    }
    let recording = Recording { bucket: state.recording_s3_bucket_name.into(), prefix: prefix.into() };
    broadcast(event, &state.stream_id, what, Some((recording, joined)))
}

fn broadcast(
    event: &Event,
    stream: &str,
    what: OnAir,
    recording: Option<(Recording, Vec<SessionId>)>,
) -> Result<Notification, Rejected> {
    let arn = event.resources.first().map(String::as_str).unwrap_or_default();
    // `arn:aws:ivs:<region>:<account>:channel/<id>`; the region is the ARN's, an envelope may say another.
    let is_channel = arn.starts_with("arn:aws:ivs:") && arn.contains(":channel/");
    let channel = ChannelId::new(arn).ok().filter(|_| is_channel);
    let channel = channel.ok_or_else(|| {
        Rejected::because(format!(
            "expected resources[0] to be a channel's ARN, arn:aws:ivs:…:channel/…, found {arn:?}"
        ))
    })?;
    let session = session(stream)?;
    Ok(Notification::Broadcast(Broadcasting { channel, session, at: event.time, what, recording }))
}

fn session(stream: &str) -> Result<SessionId, Rejected> {
    let id = SessionId::new(stream).ok().filter(SessionId::is_named);
    id.ok_or_else(|| Rejected::because(format!("expected a stream's id in the detail, found {stream:?}")))
}
