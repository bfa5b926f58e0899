//! The issuer's keys as far as they are known, and when it is asked again. Knows no token.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

use super::fetch::{Key, KeySet, Source};
use crate::http::auth::Refusal;
use crate::http::auth::pace::Pace;
use crate::model::Timestamp;

/// The issuer is asked at most so often, whatever tokens come: a flood of made-up key ids must not become a flood of
/// requests to it.
const ASK_EVERY_MS: u64 = 60_000;
/// After this, keys are asked for again: a key that the issuer withdrew is believed no longer than so.
const FRESH_MS: u64 = 60 * 60_000;
/// Keys older than this are not believed, however long the issuer has been silent. Until then an issuer that is down
/// locks nobody out whose token has not expired.
const USABLE_MS: u64 = 24 * 60 * 60_000;

/// The keys, and who may ask for them.
pub(super) struct Keys {
    source: Arc<Source>,
    known: Arc<RwLock<Option<Known>>>,
    /// Held while the issuer is being asked.
    asking: Arc<Mutex<Pace>>,
}

#[derive(Clone)]
struct Known {
    keys: Arc<KeySet>,
    at: Timestamp,
}

impl Keys {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self { source, known: Arc::default(), asking: Arc::new(Mutex::new(Pace::new(ASK_EVERY_MS))) }
    }

    /// The key of that id. Asks the issuer if it is not known, or what is known has aged.
    pub(super) async fn get(&self, id: &str, now: Timestamp) -> Result<Key, Refusal> {
        match self.known(now) {
            Some(known) if known.keys.contains_key(id) => {
                if now.ms_since(known.at) >= FRESH_MS && self.asking.try_lock().is_ok() {
                    self.ask(now).await; // the others meanwhile go on with what is known
                }
            }
            _ => self.ask(now).await,
        }
        let known = self.known(now).ok_or(Refusal::IssuerUnavailable)?;
        known.keys.get(id).cloned().ok_or(Refusal::UnknownKey)
    }

    fn known(&self, now: Timestamp) -> Option<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.filter(|known| now.ms_since(known.at) < USABLE_MS)
    }

    /// Asks the issuer, unless it was asked within the minute. Waits for who is asking already, at most as long as a
    /// request may take.
    async fn ask(&self, now: Timestamp) {
        let mut pace = Arc::clone(&self.asking).lock_owned().await;
        if !pace.take(now) {
            return;
        }
        let (source, known) = (Arc::clone(&self.source), Arc::clone(&self.known));
        // On its own, so that a caller who goes away does not take everybody's keys along: it would be a minute until
        // the issuer is asked again.
        let asked = tokio::spawn(async move {
            let _asking = pace;
            match source.fetch().await {
                Ok(keys) => {
                    tracing::info!(keys = keys.len(), "the issuer's keys were fetched");
                    let fetched = Known { keys: Arc::new(keys), at: now };
                    *known.write().unwrap_or_else(PoisonError::into_inner) = Some(fetched);
                }
                Err(error) => {
                    tracing::error!(
                        error = error.chain(),
                        "the issuer's keys were not fetched; asked again in a minute"
                    );
                }
            }
        });
        let _ = asked.await; // a panic there leaves the keys as they are
    }
}
