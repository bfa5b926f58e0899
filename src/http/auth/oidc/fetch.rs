//! Asks the issuer: for its discovery document, its key set, and tokens for a code. Within a time and a size; follows no
//! redirect and nothing that a token says.

use std::collections::BTreeMap;
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{OidcError, cryptography};
use crate::egress::{self, AddressError, BodyError, Times, https_or_loopback};

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

/// Where a person signs in, and how a code is exchanged.
#[derive(Debug)]
pub(super) struct SignInAddresses {
    pub(super) authorization: Url,
    token: Url,
    /// Whether a client says its secret in a header; otherwise in the form.
    secret_in_header: bool,
    /// Whether the issuer names itself when it sends somebody back (RFC 9207).
    pub(super) names_itself: bool,
}

/// What an issuer gives for a code. Has no `Debug`: it must not come into a log.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) id_token: Option<String>,
    pub(super) access_token: Option<String>,
}

/// The parts of a discovery document that are looked at.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Why the issuer gave nothing that can be used.
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
    #[error("the discovery document names an address")]
    Address(#[from] AddressError),
    #[error("the discovery document names no {what}")]
    NoAddress { what: &'static str },
    #[error("{url} holds no key that signs RS256 or ES256 and has an id")]
    NoKeys { url: Url },
}

/// Where an issuer's keys are.
pub(super) struct Source {
    client: Client,
    issuer: String,
    document: Url,
    /// None: where the document says.
    keys: Option<Url>,
}

impl FetchError {
    /// In words, with all that led to it.
    pub(super) fn chain(&self) -> String {
        egress::chain(self)
    }
}

impl Source {
    pub(super) fn new(issuer: &str, jwks_url: &str) -> Result<Self, OidcError> {
        cryptography::install();
        let address = |text: &str| https_or_loopback(text).map_err(OidcError::Address);
        let document = address(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))?;
        let keys = if jwks_url.is_empty() { None } else { Some(address(jwks_url)?) };
        let times = Times { connect: CONNECT_TIMEOUT, request: REQUEST_TIMEOUT };
        // No connection is kept: it is asked once an hour, by whichever thread.
        let client = egress::client(keys.as_ref().unwrap_or(&document), times).pool_max_idle_per_host(0);
        let client = client.build().map_err(OidcError::Client)?;
        Ok(Self { client, issuer: issuer.to_owned(), document, keys })
    }

    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let url = match &self.keys {
            Some(url) => url.clone(),
            None => named(self.discover().await?.jwks_uri, "address of keys")?,
        };
        let set: JwkSet = self.get(&url, "a set of keys").await?;
        let keys = usable(set);
        if keys.is_empty() { Err(FetchError::NoKeys { url }) } else { Ok(keys) }
    }

    /// Where a person signs in.
    pub(super) async fn sign_in_addresses(&self) -> Result<SignInAddresses, FetchError> {
        let document = self.discover().await?;
        let methods = document.token_endpoint_auth_methods_supported;
        Ok(SignInAddresses {
            authorization: named(document.authorization_endpoint, "authorization_endpoint")?,
            token: named(document.token_endpoint, "token_endpoint")?,
            // What is meant by saying nothing (OpenID Connect Discovery, section 3).
            secret_in_header: methods
                .is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic")),
            names_itself: document.authorization_response_iss_parameter_supported,
        })
    }

    /// Tokens for a code, or whatever else the form offers, of a client and perhaps its secret.
    pub(super) async fn exchange(
        &self,
        addresses: &SignInAddresses,
        form: &[(&str, &str)],
        (client, secret): (&str, Option<&str>),
    ) -> Result<Tokens, FetchError> {
        let mut form = form.to_vec();
        let mut request = self.client.post(addresses.token.clone());
        match secret {
            Some(secret) if addresses.secret_in_header => {
                // Encoded as in a form first (RFC 6749, section 2.3.1).
                request = request.basic_auth(value_encoded(client), Some(value_encoded(secret)));
            }
            Some(secret) => form.extend([("client_id", client), ("client_secret", secret)]),
            None => form.push(("client_id", client)),
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(encoded(&form));
        self.answer(&addresses.token, request, "tokens").await
    }

    async fn discover(&self) -> Result<Document, FetchError> {
        let document: Document = self.get(&self.document, "a discovery document").await?;
        if document.issuer != self.issuer {
            return Err(FetchError::OtherIssuer { url: self.document.clone(), found: document.issuer });
        }
        Ok(document)
    }

    async fn get<T: DeserializeOwned>(&self, url: &Url, expected: &'static str) -> Result<T, FetchError> {
        self.answer(url, self.client.get(url.clone()), expected).await
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        url: &Url,
        request: RequestBuilder,
        expected: &'static str,
    ) -> Result<T, FetchError> {
        let failed = |source: reqwest::Error| FetchError::Request { url: url.clone(), source: source.without_url() };
        let answer = request.header("accept", "application/json").send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status { url: url.clone(), status });
        }
        let body = egress::body(answer, BODY_BYTES_MAX).await.map_err(|error| match error {
            BodyError::TooLong { .. } => FetchError::TooLong { url: url.clone() },
            BodyError::Broken(source) => failed(source),
        })?;
        serde_json::from_slice(&body).map_err(|source| FetchError::Content { url: url.clone(), expected, source })
    }
}

/// An address that the discovery document names.
fn named(address: Option<String>, what: &'static str) -> Result<Url, FetchError> {
    let address = address.ok_or(FetchError::NoAddress { what })?;
    Ok(https_or_loopback(&address)?)
}

/// A form, as it is sent.
fn encoded(form: &[(&str, &str)]) -> String {
    let mut url = Url::parse("https://form.invalid/").expect("an address"); // it encodes; nothing is asked there
    url.query_pairs_mut().extend_pairs(form);
    url.query().unwrap_or_default().to_owned()
}

fn value_encoded(text: &str) -> String {
    encoded(&[("", text)]).trim_start_matches('=').to_owned()
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
