//! Whether a connection's socket takes what it is given. One that takes nothing for a while is told to resume as soon
//! as it takes anything, and hung up on if it goes on taking nothing. So is one that was told everything and does not
//! take the last of it: the server would wait for it, and not stop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::Feed;
use crate::http::socket::Socket;
use crate::telemetry::metrics;

/// How long sockets that take nothing are borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// After so long a connection is over: it is told to resume as soon as it takes anything.
    pub until_dropped: Duration,
    /// After so long it is hung up on.
    pub until_hung_up: Duration,
}

/// How often it is looked how long sockets have taken nothing, at most.
const ROUND_MAX: Duration = Duration::from_secs(1);

impl Default for Patience {
    /// Ten seconds, then ten more: shorter than a server that stops waits for its connections.
    fn default() -> Self {
        Self { until_dropped: Duration::from_secs(10), until_hung_up: Duration::from_secs(20) }
    }
}

/// What is known of a connection from outside.
pub(super) struct Pulse {
    began: Instant,
    /// Milliseconds since `began` at which data was handed over and not yet asked for more; 0 while it is waited for.
    handed_over_ms: AtomicU64,
    slow: AtomicBool,
    socket: Weak<Socket>,
}

impl Pulse {
    pub fn new(socket: Option<&Arc<Socket>>) -> Self {
        Self {
            began: Instant::now(),
            handed_over_ms: AtomicU64::new(0),
            slow: AtomicBool::new(false),
            socket: socket.map(Arc::downgrade).unwrap_or_default(),
        }
    }

    /// Data was handed over: until more is asked for, the socket has to take it.
    pub fn hands_over(&self) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.handed_over_ms.store(ms.max(1), Ordering::Release);
    }

    /// More is asked for: the socket took enough.
    pub fn is_asked(&self) {
        self.handed_over_ms.store(0, Ordering::Release);
    }

    pub fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Acquire)
    }

    /// Nothing more is handed over. The connection closes once its socket took what the server still holds.
    pub fn leaves(&self) -> Leaving {
        Leaving { socket: self.socket.clone(), since: Instant::now() }
    }

    /// Looks how long the socket has taken nothing.
    fn look(&self, patience: Patience) {
        let handed_over_ms = self.handed_over_ms.load(Ordering::Acquire);
        if handed_over_ms == 0 {
            return;
        }
        let since = self.began.elapsed().saturating_sub(Duration::from_millis(handed_over_ms));
        if since > patience.until_dropped && !self.slow.swap(true, Ordering::AcqRel) {
            metrics().requests.feed_dropped();
        }
        if since > patience.until_hung_up
            && let Some(socket) = self.socket.upgrade()
        {
            socket.hang_up();
        }
    }
}

/// A connection that was told everything, and that is gone once its socket took it.
pub(super) struct Leaving {
    socket: Weak<Socket>,
    since: Instant,
}

impl Leaving {
    /// Whether it is still there and may still take its time.
    fn is_borne(&self, patience: Patience) -> bool {
        let Some(socket) = self.socket.upgrade() else { return false };
        let borne = self.since.elapsed() <= patience.until_hung_up;
        if !borne {
            socket.hang_up();
        }
        borne
    }
}

/// Looks after every connection until the feed is closed, and as long after that as it takes to be rid of those that
/// take nothing.
pub(super) async fn watch_over(feed: Arc<Feed>) {
    let mut round = tokio::time::interval(ROUND_MAX.min(feed.patience.until_dropped));
    let feed = Arc::downgrade(&feed);
    loop {
        round.tick().await;
        let Some(feed) = feed.upgrade() else { return };
        let (pulses, leaving): (Vec<_>, _) = {
            let mut connected = feed.connected();
            connected.leaving.retain(|leaving| leaving.is_borne(feed.patience));
            (connected.pulses.values().cloned().collect(), connected.leaving.len())
        };
        if pulses.is_empty() && leaving == 0 && *feed.closing.borrow() {
            return;
        }
        pulses.iter().for_each(|pulse| pulse.look(feed.patience));
    }
}
