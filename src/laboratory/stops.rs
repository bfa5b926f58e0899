//! Which broadcasts a stop was asked for, and when: recorded, or on trial. Called-off ones are forgotten.

use std::collections::BTreeMap;

use crate::events::{EnforcementKind, Event};
use crate::model::{EnforcementId, SessionId, Timestamp};

/// The stops asked for of each broadcast.
#[derive(Debug, Default)]
pub(super) struct Stops(BTreeMap<SessionId, Vec<(EnforcementId, Timestamp)>>);

impl Stops {
    /// Takes an event in, recorded at that time; all but requests and their being called off change nothing.
    pub fn see(&mut self, event: &Event, at: Timestamp) {
        if let Event::EnforcementRequested(requested) = event
            && let (Some(session), EnforcementKind::Stop | EnforcementKind::Suspend) =
                (&requested.session, requested.kind)
        {
            self.0.entry(session.clone()).or_default().push((requested.enforcement, at));
        } else if let Event::EnforcementCancelled(cancelled) = event {
            for asked in self.0.values_mut() {
                asked.retain(|(enforcement, _)| *enforcement != cancelled.enforcement);
            }
            self.0.retain(|_, asked| !asked.is_empty());
        }
    }

    /// When the broadcast's stop was first asked for, if one was.
    pub fn of(&self, session: &SessionId) -> Option<Timestamp> {
        self.0.get(session)?.first().map(|(_, at)| *at)
    }

    /// The broadcasts.
    pub fn sessions(&self) -> impl Iterator<Item = &SessionId> {
        self.0.keys()
    }
}
