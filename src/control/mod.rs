//! The port through which a stream is stopped. What to do is planned in `warden::enforcement`; here it is done.

mod absent;
mod audience;
mod directory;
mod ivs;
mod rehearsal;

pub use absent::NoControl;
pub use audience::{Audience, Rise};
pub use directory::{Directory, DirectorySettings};
pub use ivs::{IvsControl, IvsSettings};
pub use rehearsal::{OnAir, RehearsalControl};

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::events::EnforcementKind;
use crate::model::{ChannelId, SessionId};
use crate::warden::enforcement::Seen;

/// Why the platform did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Nothing is on the air (IVS: 404 ChannelNotBroadcasting).
    #[error("the channel is not broadcasting")]
    NotBroadcasting,
    /// Another session is on the air than the one named. Nothing was done to it.
    #[error("session {0} is on the air, which is not the one meant")]
    OtherSession(SessionId),
    /// The platform knows no such channel (IVS: 404 ResourceNotFoundException).
    #[error("the platform does not know the channel: {0}")]
    Unknown(String),
    /// Too many calls. Certainly nothing was done; later it may be.
    #[error("the platform takes no more calls now: {0}")]
    Throttled(String),
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
            Self::OtherSession(_) => "other_session",
            Self::Unknown(_) => "unknown",
            Self::Throttled(_) => "throttled",
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

    /// How long a call may take, waiting for its turn included. Whoever waits longer takes its answer for lost.
    fn call_time_max(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// What is on the air, and for an act that is about keys whether the channel has a valid one.
    fn look(&self, channel: &ChannelId, act: EnforcementKind) -> Controlling<'_, Seen>;

    /// Stops the channel's broadcast. Platforms stop whatever is on the air: the caller has just looked, and names the
    /// session so that an implementation that can check does, right before it acts.
    fn stop(&self, channel: &ChannelId, session: &SessionId) -> Controlling<'_, ()>;

    /// Revokes all of the channel's stream keys.
    fn revoke_keys(&self, channel: &ChannelId) -> Controlling<'_, ()>;

    /// Gives the channel a new stream key.
    fn restore_keys(&self, channel: &ChannelId) -> Controlling<'_, ()>;
}
