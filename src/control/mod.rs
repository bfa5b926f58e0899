//! The port through which a stream is stopped. What to do is planned in `warden::enforcement`; here it is done.

mod absent;
mod rehearsal;

pub use absent::NoControl;
pub use rehearsal::{OnAir, RehearsalControl};

use std::future::Future;
use std::pin::Pin;

use crate::model::{ChannelId, SessionId};
use crate::warden::enforcement::Seen;

/// Why the platform did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Nothing is on the air (IVS: 404 ChannelNotBroadcasting).
    #[error("the channel is not broadcasting")]
    NotBroadcasting,
    /// We may not, and asking again will not change that.
    #[error("the platform denies it: {0}")]
    Denied(String),
    /// Perhaps later. Whether the call had an effect is not known.
    #[error("the platform is unavailable: {0}")]
    Unavailable(String),
}

impl ControlError {
    /// What kind of error it is, in a word for figures.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotBroadcasting => "not_broadcasting",
            Self::Denied(_) => "denied",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// The platform's answer to come.
pub type Controlling<'a, T> = Pin<Box<dyn Future<Output = Result<T, ControlError>> + Send + 'a>>;

/// A platform that carries live streams. Every call may be repeated, and may have had its effect though it failed.
pub trait StreamControl: Send + Sync + 'static {
    /// What carries the streams, as said on screen and in logs.
    fn name(&self) -> &str;

    /// What is on the air, and whether the channel has a valid key.
    fn look(&self, channel: &ChannelId) -> Controlling<'_, Seen>;

    /// Stops the channel's broadcast. Platforms stop whatever is on the air: the caller has just looked, and names the
    /// session so that an implementation that can check does.
    fn stop(&self, channel: &ChannelId, session: &SessionId) -> Controlling<'_, ()>;

    /// Revokes all of the channel's stream keys.
    fn revoke_keys(&self, channel: &ChannelId) -> Controlling<'_, ()>;

    /// Gives the channel a new stream key.
    fn restore_keys(&self, channel: &ChannelId) -> Controlling<'_, ()>;
}
