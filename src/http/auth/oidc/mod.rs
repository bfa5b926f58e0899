//! Tokens of one OpenID Connect issuer, such as Amazon Cognito: signed by a key that the issuer publishes, for us, in
//! force, and of the use that is asked. Their groups become roles on channels.
//!
//! Only the key's id is taken from a token before its signature holds. Addresses, keys and certificates that its header
//! may bring along (`jku`, `jwk`, `x5u`, `x5c`) are never looked at.

mod claims;
mod cryptography;
mod endpoints;
mod fetch;
mod keys;
mod sign_in;

use std::collections::HashSet;
use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use sha2::{Digest, Sha256};

use super::config::OidcConfig;
use super::{Grant, Principal, Refusal, Vouched};
use crate::egress::{AddressError, SecretError, chain};
use crate::model::{ModeratorId, Timestamp};

use claims::{Claims, Subject};
use fetch::{Key, Source};
use keys::Keys;
use sign_in::SignIn;
pub(in crate::http) use sign_in::{Attempt, Back, SignInFailure};

/// Why the issuer cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// Its address.
    #[error("the issuer's address")]
    Address(#[source] AddressError),
    /// TLS could not be set up: without certificates of authorities, for one.
    #[error("setting up the connection to the issuer")]
    Client(#[source] reqwest::Error),
    /// Our own secret.
    #[error("our secret as the issuer's client")]
    Secret(#[from] SecretError),
}

/// Whether an issuer is there, as it is configured: how many of its keys can be used, and, where people sign in at it, that
/// it says where and that our secret can be read. Otherwise what is wrong, with all that led to it.
pub async fn issuer_answers(config: &OidcConfig) -> Result<usize, String> {
    let oidc = Oidc::new(config).map_err(|error| chain(&error))?;
    let source = Source::new(&config.issuer, &config.jwks_url).map_err(|error| chain(&error))?;
    if oidc.sign_in.is_some() {
        source.sign_in_addresses().await.map_err(|error| error.chain())?;
    }
    source.fetch().await.map(|keys| keys.len()).map_err(|error| error.chain())
}

/// Lets in whom one issuer vouches for.
pub(super) struct Oidc {
    config: OidcConfig,
    keys: Keys,
    /// How people sign in at the issuer; none: they come with a token.
    sign_in: Option<SignIn>,
}

impl Oidc {
    /// Blocks: reads the file of our secret, if there is one.
    pub(super) fn new(config: &OidcConfig) -> Result<Self, OidcError> {
        let source = Arc::new(Source::new(&config.issuer, &config.jwks_url)?);
        let sign_in = match config.sign_in.is_offered() {
            true => Some(SignIn::new(&config.sign_in, source.clone())?),
            false => None,
        };
        Ok(Self { config: config.clone(), keys: Keys::new(source), sign_in })
    }

    /// Whose token this is.
    pub(super) async fn bearer(&self, token: &str, now: Timestamp) -> Result<Vouched, Refusal> {
        let (typ, claims) = self.signed(token, now).await?;
        let subject = claims.check(typ.as_deref(), &self.config, now)?;
        Ok(Vouched { principal: self.principal(&subject)?, until: Some(subject.until) })
    }

    /// The claims of a token that the issuer signed, and the type that its header names. What they say is not checked.
    async fn signed(&self, token: &str, now: Timestamp) -> Result<(Option<String>, Claims), Refusal> {
        let header = decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::Json(_) => Refusal::Algorithm, // `none`, or another that has no name here
            _ => Refusal::Malformed,
        })?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(Refusal::Algorithm);
        }
        if header.crit.is_some() {
            return Err(Refusal::Malformed); // it wants something understood that we do not
        }
        let id = header.kid.as_deref().ok_or(Refusal::UnknownKey)?;
        let key = self.keys.get(id, now).await?;
        let claims = verified(token, header.alg, &key)?;
        Ok((header.typ, claims))
    }

    fn principal(&self, subject: &Subject) -> Result<Principal, Refusal> {
        let granted = self.config.grants.iter().filter(|grant| subject.groups.contains(&grant.group));
        let grants: Vec<Grant> = granted
            .flat_map(|grant| grant.channels.iter().map(|on| Grant { role: grant.role, channels: on.clone() }))
            .collect();
        if grants.is_empty() {
            return Err(Refusal::NothingGranted);
        }
        Ok(Principal { id: pseudonym(&self.config.issuer, &subject.id), grants })
    }
}

/// The claims, once the signature over them holds. What they say is checked by [`Claims::check`], which is handed its
/// time; the library would read a clock.
fn verified(token: &str, algorithm: Algorithm, key: &Key) -> Result<Claims, Refusal> {
    if algorithm != key.algorithm {
        return Err(Refusal::Algorithm);
    }
    let mut validation = Validation::new(key.algorithm);
    validation.required_spec_claims = HashSet::new();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let decoded = decode::<Claims>(token, &key.key, &validation).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::Json(_) => Refusal::Claim("claims"),
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => Refusal::Algorithm,
        _ => Refusal::Malformed,
    })?;
    Ok(decoded.claims)
}

/// The same person is the same pseudonym, and nobody reads who it is from it.
fn pseudonym(issuer: &str, subject: &str) -> ModeratorId {
    let digest = Sha256::digest(format!("{issuer}|{subject}"));
    let first: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    ModeratorId::new(format!("oidc-{first}")).expect("hexadecimal digits are a sound name")
}
