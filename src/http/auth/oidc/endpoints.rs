//! Where a person signs in and where a code is exchanged, as the issuer's discovery document says it; and when that is
//! asked again.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::fetch::{FetchError, SignInAddresses, Source};
use crate::http::auth::pace::Pace;
use crate::model::Timestamp;

/// The issuer is asked at most so often while it does not answer: people press a button again.
const ASK_EVERY_MS: u64 = 5_000;
/// After this it is asked again.
const FRESH_MS: u64 = 60 * 60_000;

/// The addresses as far as they are known.
pub(super) struct Endpoints {
    source: Arc<Source>,
    known: Mutex<Known>,
}

struct Known {
    pace: Pace,
    addresses: Option<(Timestamp, Arc<SignInAddresses>)>,
}

impl Endpoints {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self { source, known: Mutex::new(Known { pace: Pace::new(ASK_EVERY_MS), addresses: None }) }
    }

    /// The addresses; none if the issuer cannot be asked. Who comes while it is being asked waits, as long as a request
    /// to it may take.
    pub(super) async fn get(&self, now: Timestamp) -> Option<Arc<SignInAddresses>> {
        let mut known = self.known.lock().await;
        let is_fresh = known.addresses.as_ref().is_some_and(|(at, _)| now.ms_since(*at) < FRESH_MS);
        if !is_fresh && known.pace.take(now) {
            match self.source.sign_in_addresses().await {
                Ok(addresses) => known.addresses = Some((now, Arc::new(addresses))),
                Err(error) => tracing::error!(error = error.chain(), "where people sign in at the issuer is not known"),
            }
        }
        known.addresses.as_ref().map(|(_, addresses)| addresses.clone())
    }

    /// Exchanges a code; see [`Source::exchange`].
    pub(super) async fn exchange(
        &self,
        addresses: &SignInAddresses,
        form: &[(&str, &str)],
        client: (&str, Option<&str>),
    ) -> Result<super::fetch::Tokens, FetchError> {
        self.source.exchange(addresses, form, client).await
    }
}
