//! Amazon IVS Chat: an event to everybody in a room.

use std::collections::HashMap;

use aws_sdk_ivschat::Client;

use super::{Aws, Failure};

/// The most bytes that an event's attributes may take, names and values together.
pub const ATTRIBUTES_BYTES_MAX: usize = 1024;

/// Amazon IVS Chat in one region.
#[derive(Debug, Clone)]
pub struct IvsChat(Client);

impl Aws {
    /// Amazon IVS Chat.
    pub fn ivs_chat(&self) -> IvsChat {
        let mut config = aws_sdk_ivschat::config::Builder::from(self.config());
        if let Some(endpoint) = &self.endpoints().ivs_chat {
            config = config.endpoint_url(endpoint);
        }
        IvsChat(Client::from_conf(config.build()))
    }
}

impl IvsChat {
    /// Whether there is a room of that ARN: fails if not.
    pub async fn room_is_there(&self, room: &str) -> Result<(), Failure> {
        let call = self.0.get_room().identifier(room).send().await;
        call.map(|_| ()).map_err(|error| Failure::of("GetRoom", &error))
    }

    /// Sends an event to everybody in a room, by the room's ARN. `name` has 1 to 100 characters.
    pub async fn send_event(
        &self,
        room: &str,
        name: &str,
        attributes: &[(&'static str, String)],
    ) -> Result<(), Failure> {
        let attributes: HashMap<String, String> =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let call = self.0.send_event().room_identifier(room).event_name(name).set_attributes(Some(attributes));
        call.send().await.map(|_| ()).map_err(|error| Failure::of("SendEvent", &error))
    }
}
