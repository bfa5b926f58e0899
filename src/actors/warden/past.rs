//! A warden's past: read when it wakes, again and again where it cannot be, and saved now and then so that the next to
//! wake reads little.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{ActorFutureExt, Context, ContextFutureSpawner, WrapFuture};

use super::messages::Stale;
use crate::journal::snapshots::{Snapshot, Snapshots};
use crate::journal::{Journal, READ_LIMIT_MAX};
use crate::model::{ChannelId, Position, Scope};
use crate::warden::{ChannelState, Command, replay};

use super::{Life, Warden};

/// A warden's saved state has this layout and meaning; another is ignored and the past read instead.
const SNAPSHOT_SCHEMA: u16 = 6;

/// How soon a past that could not be read is tried again. A disk that did not answer once is the usual reason.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// And how late at most, the pause doubling each time: damage stays, and many channels may lie in it.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(60);

/// A past that cannot be read, and when it is tried again.
pub(super) struct Unreadable {
    reason: Arc<str>,
    pause: Duration,
    again: Instant,
}

impl Unreadable {
    /// After this failure, the first or another in a row.
    fn after(before: Option<&Self>, reason: Arc<str>) -> Self {
        let pause = before.map_or(AGAIN_AFTER, |before| (2 * before.pause).min(AGAIN_AFTER_MAX));
        Self { reason, pause, again: Instant::now() + pause }
    }

    /// Whether it is time to try again.
    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.again
    }

    /// The answer to whoever asks meanwhile.
    pub(super) fn stale(&self) -> Stale {
        Stale::Unreadable(self.reason.clone())
    }
}

impl Warden {
    /// Reads the channel's state from the journal; the mailbox waits meanwhile.
    pub(super) fn read_past(&mut self, ctx: &mut Context<Self>) {
        let house = &self.parts.house;
        let (journal, snapshots, recoveries) =
            (house.journal.clone(), house.snapshots.clone(), self.parts.recoveries.clone());
        let channel = self.channel.clone();
        let reading = async move {
            let _permit = recoveries.acquire_owned().await;
            tokio::task::spawn_blocking(move || recover(channel, &*journal, snapshots.as_deref())).await
        };
        let read = reading.into_actor(self).map(|read, warden, ctx| match read {
            Ok(Ok(state)) => {
                if let Life::Unreadable(_) = warden.life {
                    tracing::info!(channel = %warden.channel, "the channel's past can be read again");
                }
                warden.life = Life::Awake(Box::new(state));
                warden.show();
                warden.step_aside(&Command::ReconsiderPolicy, ctx); // it may have changed while nobody was awake
            }
            Ok(Err(reason)) => warden.unreadable(reason, ctx),
            Err(broke) => warden.unreadable(broke.to_string(), ctx),
        });
        read.wait(ctx);
    }

    /// Refuses from now on, and tries again later: said once per reason, not once per attempt.
    pub(super) fn unreadable(&mut self, reason: String, ctx: &mut Context<Self>) {
        let before = match &self.life {
            Life::Unreadable(before) => Some(before),
            Life::Waking | Life::Awake(_) => None,
        };
        if before.is_none_or(|before| *before.reason != *reason) {
            tracing::error!(channel = %self.channel, "the channel's past cannot be read, and is tried again: {reason}");
        }
        let past = Unreadable::after(before, reason.into());
        let stale = past.stale();
        self.life = Life::Unreadable(past);
        // Every tick concerns it until it is read: a live channel must not stay unwatched because of one failed read.
        self.gauge.wake_at.set(i64::MIN);
        for reply in self.waiting.take().into_iter().flat_map(|waiting| waiting.replies) {
            let _ = reply.send(Err(stale.clone())); // who no longer waits asks again
        }
        self.abandon(stale, ctx);
    }

    /// Saves the state so that the next to wake reads little. Nobody waits for it, and it may be lost.
    pub(super) fn save(&mut self) {
        let (Life::Awake(state), Some(snapshots)) = (&self.life, &self.parts.house.snapshots) else { return };
        if self.unsaved == 0 {
            return;
        }
        // A bounded number are written at a time. Where many rest at once the others are not saved: they read more.
        let Ok(permit) = self.parts.saves.clone().try_acquire_owned() else { return };
        self.unsaved = 0;
        let mut bytes = Vec::with_capacity(1024);
        if ciborium::into_writer(state.as_ref(), &mut bytes).is_err() {
            return; // a snapshot that cannot be written is one that is not there
        }
        let (snapshots, scope) = (snapshots.clone(), Scope::Channel(self.channel.clone()));
        let snapshot = Snapshot { sequence: state.sequence, position: Position(0), state: bytes };
        drop(tokio::task::spawn_blocking(move || {
            let _permit = permit;
            if let Err(error) = snapshots.save(&scope, SNAPSHOT_SCHEMA, &snapshot) {
                tracing::warn!(%scope, "a snapshot was not saved: {error}");
            }
        }));
    }
}

/// The channel's state from its last snapshot and the events after it, or from all its events.
pub(super) fn recover(
    channel: ChannelId,
    journal: &dyn Journal,
    snapshots: Option<&Snapshots>,
) -> Result<ChannelState, String> {
    let scope = Scope::Channel(channel.clone());
    let saved = snapshots.and_then(|snapshots| snapshots.load(&scope, SNAPSHOT_SCHEMA));
    let saved = saved.and_then(|saved| ciborium::from_reader::<ChannelState, _>(saved.state.as_slice()).ok());
    let mut state = saved
        .filter(|state| state.channel == channel && state.sequence <= journal.scope_head(&scope))
        .unwrap_or_else(|| ChannelState::new(channel));
    loop {
        let page = journal.read_scope(&scope, state.sequence, READ_LIMIT_MAX).map_err(|error| error.to_string())?;
        if page.is_empty() {
            return Ok(state);
        }
        state = replay(state, &page).map_err(|error| error.to_string())?;
    }
}
