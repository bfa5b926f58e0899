//! IVS Chat as a destination: who watches a channel is told in its chat room that something was done.
//!
//! A room is public. By default nothing but a stop that was seen to work is told there, and never why: rules, labels
//! and moderators stay inside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::{Destination, Letter, Sending, SettingsError, check_bounds, check_types};
use crate::aws::ivschat::{ATTRIBUTES_BYTES_MAX, IvsChat};
use crate::aws::{Class, Crowded, Failure, Turns};
use crate::clock::Clock;
use crate::events::{EventType, EventView, Recorded};
use crate::model::{ChannelId, Scope};

/// Calls that may wait for their turn.
const WAITING_MAX: usize = 16;
/// What a room is told of an event's payload, as far as the event has it.
const TOLD: [&str; 3] = ["session", "enforcement", "warning"];

/// What is told in chat rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSettings {
    /// The room of each channel, by the room's ARN. Channels without one are told nothing.
    pub rooms: BTreeMap<ChannelId, String>,
    /// Types of events that are told.
    pub types: Vec<EventType>,
    /// An event recorded longer ago is not told any more, in seconds, 1 to 3600.
    pub age_s_max: u32,
    /// Calls to SendEvent in a second, 1 to 100, which is what AWS grants.
    pub calls_per_second: u32,
}

impl Default for ChatSettings {
    fn default() -> Self {
        let types = vec![EventType::EnforcementVerified];
        Self { rooms: BTreeMap::new(), types, age_s_max: 60, calls_per_second: 50 }
    }
}

/// Chat rooms.
pub struct Chat {
    chat: IvsChat,
    clock: Arc<dyn Clock>,
    rooms: BTreeMap<ChannelId, String>,
    types: BTreeSet<EventType>,
    age_ms_max: u64,
    turns: Turns,
}

/// An event for a room.
#[derive(Debug, Clone)]
pub struct RoomEvent {
    room: String,
    name: String,
    attributes: Vec<(&'static str, String)>,
}

impl Chat {
    /// The rooms, with what is told there.
    pub fn new(chat: IvsChat, clock: Arc<dyn Clock>, settings: &ChatSettings) -> Result<Self, SettingsError> {
        check_types(&settings.types)?;
        check_bounds("age_s_max", settings.age_s_max, 1, 3600)?;
        check_bounds("calls_per_second", settings.calls_per_second, 1, 100)?;
        Ok(Self {
            chat,
            clock,
            rooms: settings.rooms.clone(),
            types: settings.types.iter().copied().collect(),
            age_ms_max: u64::from(settings.age_s_max) * 1000,
            turns: Turns::new(settings.calls_per_second, WAITING_MAX),
        })
    }
}

impl Destination for Chat {
    type Letter = RoomEvent;

    fn name(&self) -> &'static str {
        "chat"
    }

    fn letters_max(&self) -> usize {
        1
    }

    fn bytes_max(&self) -> usize {
        ATTRIBUTES_BYTES_MAX
    }

    fn letter(&self, event: &Recorded) -> Option<RoomEvent> {
        let envelope = &event.envelope;
        let known = EventType::from_name(&envelope.event_type)?;
        let Scope::Channel(channel) = &envelope.scope else { return None };
        let room = self.rooms.get(channel)?;
        let is_old = self.clock.now().ms_since(envelope.recorded_at) > self.age_ms_max;
        if is_old || !self.types.contains(&known) {
            return None;
        }
        let shown = serde_json::to_value(EventView::from(event.clone())).ok()?;
        Some(RoomEvent { room: room.clone(), name: format!("streamwarden:{}", known.name()), attributes: told(&shown) })
    }

    fn send(&self, letters: Vec<RoomEvent>) -> Sending<'_> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(letters.len());
            for letter in &letters {
                self.turns.take().await.map_err(|crowded: Crowded| Failure {
                    operation: "SendEvent",
                    class: Class::Throttled,
                    code: None,
                    said: crowded.to_string(),
                })?;
                let sent = self.chat.send_event(&letter.room, &letter.name, &letter.attributes).await;
                answers.push(sent.map_err(|mut failure| {
                    if failure.class == Class::NotFound {
                        failure.class = Class::Refused; // one channel's room is gone, which is no other's matter
                    }
                    failure
                }));
            }
            Ok(answers)
        })
    }
}

impl Letter for RoomEvent {
    fn bytes(&self) -> usize {
        self.attributes.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// What a room is told: which event, when, and what it is about. Together less than a room takes, whatever the names.
fn told(shown: &Value) -> Vec<(&'static str, String)> {
    let mut bytes = 0;
    let envelope = ["id", "type", "recorded_at", "scope"].map(|name| (name, &shown[name]));
    let payload = TOLD.map(|name| (name, &shown["payload"][name]));
    let texts = envelope.into_iter().chain(payload);
    let fitting = texts.filter_map(|(name, value)| {
        let value = value.as_str()?;
        bytes += name.len() + value.len();
        (bytes <= ATTRIBUTES_BYTES_MAX).then(|| (if name == "scope" { "channel" } else { name }, value.to_owned()))
    });
    fitting.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_room_is_told_what_happened_and_never_why_in_less_than_it_takes() {
        let shown = json!({
            "id": "0f".repeat(16), "type": "EnforcementRequested", "recorded_at": "2026-03-01T09:04:07.120000Z",
            "scope": "c".repeat(200), "sequence": 7,
            "payload": { "session": "s".repeat(100), "enforcement": "e".repeat(32), "origin": { "rule": {} } },
        });
        let told = told(&shown);
        let names: Vec<_> = told.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["id", "type", "recorded_at", "channel", "session", "enforcement"]);
        let bytes: usize = told.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(bytes < ATTRIBUTES_BYTES_MAX, "{bytes}");
    }
}
