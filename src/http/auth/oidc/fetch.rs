//! Asks the issuer for its keys: its discovery document, then the key set. Within a time and a size; follows no
//! redirect and nothing that a token says.

use std::collections::BTreeMap;
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::{Client, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{OidcError, cryptography};
use crate::http::auth::address::{AddressError, https_or_loopback, is_loopback};

/// The most bytes of an answer. A key is about a thousand.
const BODY_BYTES_MAX: usize = 256 << 10;
/// The most keys of a set that are kept. Issuers have two to five.
const KEYS_MAX: usize = 64;
/// The longest id of a key.
const KEY_ID_BYTES_MAX: usize = 256;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// For one request, from its beginning to the last byte of its answer. A person may be waiting.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A key, and the one way in which it signs.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// Keys by their ids.
pub(super) type KeySet = BTreeMap<String, Key>;

/// Why there are no new keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("asking {url}")]
    Request { url: Url, source: reqwest::Error },
    #[error("{url} answered {status}, expected 200")]
    Status { url: Url, status: u16 },
    #[error("{url} answered more than {BODY_BYTES_MAX} bytes")]
    TooLong { url: Url },
    #[error("{url} answered something else than {expected}")]
    Content { url: Url, expected: &'static str, source: serde_json::Error },
    #[error("{url} is the discovery document of `{found}`, which is another issuer")]
    OtherIssuer { url: Url, found: String },
    #[error("the discovery document names its keys' address")]
    Address(#[from] AddressError),
    #[error("{url} holds no key that signs RS256 or ES256 and has an id")]
    NoKeys { url: Url },
}

/// Where an issuer's keys are.
pub(super) struct Source {
    client: Client,
    issuer: String,
    keys: Place,
}

enum Place {
    /// Configured.
    Known(Url),
    /// As the document there says.
    Discovered(Url),
}

impl Source {
    pub(super) fn new(issuer: &str, jwks_url: &str) -> Result<Self, OidcError> {
        cryptography::install();
        let address = |text: &str| https_or_loopback(text).map_err(OidcError::Address);
        let keys = if jwks_url.is_empty() {
            let document = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
            Place::Discovered(address(&document)?)
        } else {
            Place::Known(address(jwks_url)?)
        };
        let (Place::Known(first) | Place::Discovered(first)) = &keys;
        let mut client = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .pool_max_idle_per_host(0) // it is asked once an hour, by whichever thread
            .user_agent(concat!("streamwarden/", env!("CARGO_PKG_VERSION")));
        if is_loopback(first) {
            client = client.no_proxy();
        }
        let client = client.build().map_err(OidcError::Client)?;
        Ok(Self { client, issuer: issuer.to_owned(), keys })
    }

    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let url = match &self.keys {
            Place::Known(url) => url.clone(),
            Place::Discovered(url) => self.discover(url).await?,
        };
        let set: JwkSet = self.get(&url, "a set of keys").await?;
        let keys = usable(set);
        if keys.is_empty() { Err(FetchError::NoKeys { url }) } else { Ok(keys) }
    }

    async fn discover(&self, url: &Url) -> Result<Url, FetchError> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: String,
        }

        let Document { issuer, jwks_uri } = self.get(url, "a discovery document").await?;
        if issuer != self.issuer {
            return Err(FetchError::OtherIssuer { url: url.clone(), found: issuer });
        }
        Ok(https_or_loopback(&jwks_uri)?)
    }

    async fn get<T: DeserializeOwned>(&self, url: &Url, expected: &'static str) -> Result<T, FetchError> {
        let failed = |source: reqwest::Error| FetchError::Request { url: url.clone(), source: source.without_url() };
        let mut answer = self.client.get(url.clone()).send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status { url: url.clone(), status });
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(FetchError::TooLong { url: url.clone() });
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|source| FetchError::Content { url: url.clone(), expected, source })
    }
}

/// The keys that sign in a way we accept, by their ids. Others (for encryption, of other curves) an issuer may well
/// have; they are left out. Of two with one id the first stays.
fn usable(set: JwkSet) -> KeySet {
    let mut keys = KeySet::new();
    for jwk in set.keys.into_iter().take(KEYS_MAX) {
        let Some(algorithm) = algorithm_of(&jwk) else { continue };
        let Ok(key) = DecodingKey::from_jwk(&jwk) else { continue };
        if let Some(id) = jwk.common.key_id.filter(|id| !id.is_empty() && id.len() <= KEY_ID_BYTES_MAX) {
            keys.entry(id).or_insert(Key { algorithm, key });
        }
    }
    keys
}

fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    if jwk.common.public_key_use.as_ref().is_some_and(|for_| *for_ != PublicKeyUse::Signature) {
        return None;
    }
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    jwk.common.key_algorithm.is_none_or(|said| said == named).then_some(algorithm)
}
