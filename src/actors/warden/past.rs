//! A warden's past: read when it wakes, saved now and then so that the next to wake reads little.

use crate::journal::snapshots::{Snapshot, Snapshots};
use crate::journal::{Journal, READ_LIMIT_MAX};
use crate::model::{ChannelId, Position, Scope};
use crate::warden::{ChannelState, replay};

use super::{Life, Warden};

/// A warden's saved state has this layout; another is ignored and the past read instead.
const SNAPSHOT_SCHEMA: u16 = 2;

impl Warden {
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
