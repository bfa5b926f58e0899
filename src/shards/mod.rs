//! Reading a stream's shards to their durable end.
//!
//! Records come from Kinesis in the order of their shard, a shard's parents before it, and are handed to [`Deliver`].
//! The cursor of a shard is the highest record such that it and all before it have durable outcomes; it is kept in the
//! journal's own store. What is missing in the input is an event. What a record means is known to whoever takes it; what
//! an operator decides about reading is in [`Settings`].
//!
//! `discovery` finds the shards, `lineage` says which may be read; each is read by one task (`shard`): a `reader` beside
//! what settles, over its `progress`.
//!
//! [`Intake`] takes what is read: into a `lane` for each channel, which puts it in `order`, with the broadcast (`sessions`)
//! and the one source that is judged (`sources`), and hands it to the wardens.

mod context;
mod delivery;
mod discovery;
mod intake;
mod lane;
mod lineage;
mod order;
mod place;
mod progress;
mod reader;
mod sessions;
mod settings;
mod shard;
mod sources;

pub use delivery::{Deliver, Delivery, NotSettled};
pub use intake::{Intake, IntakeParts, IntakeSettings, WhoIsOnAir};
pub use lane::SEGMENTS_OFFERED_MAX;
pub use settings::{Settings, SettingsError, Start};

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::aws::kinesis::Kinesis;
use crate::clock::Clock;
use crate::journal::Journal;
use context::Context;
use discovery::Discovery;

/// A stream that is being read.
///
/// Dropping it stops the reading as [`stop`](Self::stop) does, without waiting for it.
#[derive(Debug)]
pub struct Shards {
    stop: watch::Sender<bool>,
    status: watch::Receiver<Status>,
    running: JoinHandle<()>,
}

/// How reading a stream stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Shards that are read now.
    pub reading: usize,
    /// Shards that are due and not read, because as many as allowed are.
    pub waiting: usize,
    /// Why the stream's shards could not be found out when last asked for; none: they were, or nobody asked yet.
    pub failure: Option<String>,
}

impl Shards {
    /// Begins to read. Called within a tokio runtime, whose worker then reads; a stream that cannot be read now is asked
    /// for again and again, loudly ([`Status::failure`]), so that a process outlives an outage and a late permission.
    pub fn start(
        settings: Settings,
        kinesis: Kinesis,
        journal: Arc<dyn Journal>,
        deliver: Arc<dyn Deliver>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        let (stop, stopping) = watch::channel(false);
        let (tell, status) = watch::channel(Status::default());
        let retention_ms = Arc::new(AtomicU64::new(0));
        // Whoever finds the shards is not done when a stream is left: for it both signals are the stop.
        let (stop_too, left) = (stopping.clone(), stopping);
        let context = Context { settings, kinesis, journal, deliver, clock, retention_ms, stop: stop_too, left };
        let running = tokio::spawn(Discovery::new(Arc::new(context), tell).run());
        Ok(Self { stop, status, running })
    }

    /// How reading stands; changes as it does.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Stops in order: nothing more is read, what is in flight is waited for as long as the settings say, and every
    /// shard's cursor is kept.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(broke) = self.running.await {
            tracing::error!(error = %broke, "reading the stream broke before it was stopped");
        }
    }
}
