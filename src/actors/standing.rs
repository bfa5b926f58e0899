//! Records whether providers are asked: one follower for each medium of a guarded provider.

use std::sync::Arc;

use tokio::sync::watch;

use crate::events::{Actor, Event, NewEvent, ProviderResumed, ProviderSuspended};
use crate::journal::{Append, Expected, Journal};
use crate::model::{EventId, Medium, ProviderRef, Scope, SystemScope, Timestamp};
use crate::providers::guard::Standing;
use crate::telemetry::metrics;

/// The most bytes of the reason that is recorded.
const BECAUSE_BYTES_MAX: usize = 300;

/// Follows `standing` until its provider is gone. Changes quicker than the journal takes them are recorded as the last
/// of them. What the journal refuses is logged: the frames' own outcomes say it in any case.
pub async fn record_standing(
    journal: Arc<dyn Journal>,
    provider: ProviderRef,
    medium: Medium,
    mut standing: watch::Receiver<Standing>,
) {
    let mut recorded: Option<Timestamp> = None;
    while standing.changed().await.is_ok() {
        let now = standing.borrow_and_update().clone();
        metrics().providers.suspended(&provider.name, medium, now != Standing::Asked);
        let (what, since, event): (_, _, Event) = match (now, recorded) {
            (Standing::Suspended { since, failures, mut because }, _) => {
                tracing::error!(provider = %provider, medium = medium.name(), "the provider is suspended: {because}");
                recorded = Some(since);
                because.truncate(because.floor_char_boundary(BECAUSE_BYTES_MAX));
                let suspended = ProviderSuspended { provider: provider.clone(), medium, since, failures, because };
                ("provider-suspended", since, suspended.into())
            }
            (Standing::Asked, Some(suspended_since)) => {
                tracing::info!(provider = %provider, medium = medium.name(), "the provider answers again");
                recorded = None;
                let resumed = ProviderResumed { provider: provider.clone(), medium, suspended_since };
                ("provider-resumed", suspended_since, resumed.into())
            }
            (Standing::Asked, None) => continue, // it failed and answered again before anybody looked
        };
        let which = [provider.name.as_bytes(), &since.as_micros().to_be_bytes(), medium.name().as_bytes()];
        let id = EventId::of_command(what, &which);
        let actor = Actor::service("provider-guard");
        let new = NewEvent { id, event, captured_at: None, actor, causation: None, correlation: None };
        let scope = Scope::System(SystemScope::Intake);
        let append = Append { scope, expected: Expected::Any, events: vec![new] };
        if let Err(error) = journal.append(append).durable().await {
            tracing::error!(provider = %provider, "whether it is suspended was not recorded: {error}");
        }
    }
}
