//! A stand-in for a platform: the channels exist in this process only. For footage played on a laptop; named as a
//! stand-in wherever it shows.
//!
//! What is on the air it is told ([`RehearsalControl::go_live`]) or asks ([`RehearsalControl::believe`]): outside the
//! demo nobody plays its channels, and what is on the air is whatever frames come from.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, OnceLock};

use super::{ControlError, Controlling, StreamControl};
use crate::events::EnforcementKind;
use crate::model::{ChannelId, SessionId};
use crate::warden::enforcement::Seen;

/// Says which broadcast of a channel is on the air, as far as somebody else knows.
pub type OnAir = Box<dyn Fn(ChannelId) -> Pin<Box<dyn Future<Output = Option<SessionId>> + Send>> + Send + Sync>;

/// Pretended channels: which session each has on the air, and whether it may broadcast. Of the channels that are acted
/// on; a stand-in forgets none of them.
#[derive(Default)]
pub struct RehearsalControl {
    channels: Mutex<HashMap<ChannelId, Stage>>,
    believed: OnceLock<OnAir>,
}

#[derive(Debug, Default, Clone)]
struct Stage {
    on_air: Option<SessionId>,
    /// The last session that was stopped: it does not come back, whatever others believe.
    stopped: Option<SessionId>,
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

    /// From now on what is on the air is what `on_air` says, unless it was stopped. Said once; later words are ignored.
    pub fn believe(&self, on_air: OnAir) {
        let _ = self.believed.set(on_air); // whoever was believed first still is
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
        let channel = channel.clone();
        Box::pin(async move {
            let believed = match self.believed.get() {
                Some(on_air) => Some(on_air(channel.clone()).await),
                None => None,
            };
            Ok(self.with(&channel, |stage| {
                if let Some(believed) = believed {
                    stage.on_air = believed.filter(|session| stage.stopped.as_ref() != Some(session));
                }
                Seen {
                    on_air: stage.on_air.clone(),
                    started_at: None,
                    started_by: None,
                    suspended: stage.suspended,
                    quiet_ms: 0,
                }
            }))
        })
    }

    fn stop(&self, channel: &ChannelId, session: &SessionId) -> Controlling<'_, ()> {
        let result = self.with(channel, |stage| match &stage.on_air {
            Some(on_air) if on_air == session => {
                stage.stopped = stage.on_air.take();
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
