//! A connection's seat among all that read from the feed: counted, one of so many of its caller, and looked after while
//! its socket takes nothing.

use std::sync::Arc;

use super::pulse::Pulse;
use super::{Feed, Full, Place};
use crate::http::socket::Socket;
use crate::model::ModeratorId;
use crate::telemetry::metrics;
use crate::telemetry::metrics::Held;

/// A seat; given back when dropped.
pub(in crate::http) struct Seat {
    pulse: Arc<Pulse>,
    _place: Place,
    _counted: Held,
}

impl Seat {
    /// Takes one, if there is one for this caller.
    pub fn take(feed: &Arc<Feed>, caller: &ModeratorId, socket: Option<&Arc<Socket>>) -> Result<Self, Full> {
        let pulse = Arc::new(Pulse::new(socket));
        let place = feed.enter(caller, &pulse)?;
        Ok(Self { pulse, _place: place, _counted: metrics().requests.feed() })
    }

    /// Data was handed over: until more is asked for, the socket has to take it.
    pub fn hands_over(&self) {
        self.pulse.hands_over();
    }

    /// More is asked for: the socket took enough.
    pub fn is_asked(&self) {
        self.pulse.is_asked();
    }

    /// Whether the socket took nothing for too long.
    pub fn is_slow(&self) -> bool {
        self.pulse.is_slow()
    }
}
