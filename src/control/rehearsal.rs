//! A stand-in for a platform: the channels exist in this process only. For footage played on a laptop; named as a
//! stand-in wherever it shows.

use std::collections::HashMap;
use std::sync::Mutex;

use super::{ControlError, Controlling, StreamControl};
use crate::events::EnforcementKind;
use crate::model::{ChannelId, SessionId};
use crate::warden::enforcement::Seen;

/// Pretended channels: which session each has on the air, and whether it may broadcast.
#[derive(Debug, Default)]
pub struct RehearsalControl {
    channels: Mutex<HashMap<ChannelId, Stage>>,
}

#[derive(Debug, Default, Clone)]
struct Stage {
    on_air: Option<SessionId>,
    suspended: bool,
}

impl RehearsalControl {
    /// Nothing on the air.
    pub fn new() -> Self {
        Self::default()
    }

    /// A broadcast begins. False if the channel has no valid key.
    pub fn go_live(&self, channel: &ChannelId, session: &SessionId) -> bool {
        self.with(channel, |stage| {
            if !stage.suspended {
                stage.on_air = Some(session.clone());
            }
            !stage.suspended
        })
    }

    /// A broadcast ends by itself.
    pub fn go_dark(&self, channel: &ChannelId) {
        self.with(channel, |stage| stage.on_air = None);
    }

    /// Whether this broadcast is on the air.
    pub fn is_live(&self, channel: &ChannelId, session: &SessionId) -> bool {
        self.with(channel, |stage| stage.on_air.as_ref() == Some(session))
    }

    fn with<T>(&self, channel: &ChannelId, act: impl FnOnce(&mut Stage) -> T) -> T {
        let mut channels = self.channels.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        act(channels.entry(channel.clone()).or_default())
    }
}

impl StreamControl for RehearsalControl {
    fn name(&self) -> &str {
        "rehearsal (a stand-in in this process, no platform)"
    }

    fn look(&self, channel: &ChannelId, _: EnforcementKind) -> Controlling<'_, Seen> {
        let seen = self.with(channel, |stage| Seen {
            on_air: stage.on_air.clone(),
            started_at: None,
            suspended: stage.suspended,
            quiet_ms: 0,
        });
        Box::pin(std::future::ready(Ok(seen)))
    }

    fn stop(&self, channel: &ChannelId, session: &SessionId) -> Controlling<'_, ()> {
        let result = self.with(channel, |stage| match &stage.on_air {
            Some(on_air) if on_air == session => {
                stage.on_air = None;
                Ok(())
            }
            _ => Err(ControlError::NotBroadcasting),
        });
        Box::pin(std::future::ready(result))
    }

    fn revoke_keys(&self, channel: &ChannelId) -> Controlling<'_, ()> {
        self.with(channel, |stage| stage.suspended = true);
        Box::pin(std::future::ready(Ok(())))
    }

    fn restore_keys(&self, channel: &ChannelId) -> Controlling<'_, ()> {
        self.with(channel, |stage| stage.suspended = false);
        Box::pin(std::future::ready(Ok(())))
    }
}
