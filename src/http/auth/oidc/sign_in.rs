//! A person's way from the pages to the issuer and back with a token: the authorization code flow of OpenID Connect with
//! PKCE (RFC 7636). Knows no cookie and no page: what must be remembered meanwhile, the person's browser keeps.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use sha2::{Digest, Sha256};

use super::endpoints::Endpoints;
use super::fetch::{FetchError, Source, Tokens};
use super::{Oidc, pseudonym};
use crate::egress::{Secret, SecretError};
use crate::http::auth::config::{SignInConfig, TokenUse};
use crate::http::auth::tokens::random_hex;
use crate::http::auth::{NoRandomness, Refusal, RefusalKind, Vouched};
use crate::model::Timestamp;

/// Random bytes of what must not be guessed while somebody signs in.
const RANDOM_BYTES: usize = 32;

/// What is offered to sign in by, and where.
pub(super) struct SignIn {
    client_id: String,
    secret: Option<Secret>,
    scopes: String,
    endpoints: Endpoints,
}

/// An attempt to sign in, as the browser that made it keeps it. Each part is random.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Attempt {
    /// Comes back in the address: what does not hold it was not begun by this browser.
    pub state: String,
    /// Comes back in the ID token: what does not hold it was made for another attempt.
    pub nonce: String,
    /// Shows the issuer that who began also brings the code.
    pub verifier: String,
}

/// What somebody comes back with.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct Back {
    pub code: Option<String>,
    pub state: Option<String>,
    pub error: Option<String>,
    pub iss: Option<String>,
}

/// Why nobody came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum SignInFailure {
    /// The person, or the issuer, did not want to.
    Denied,
    /// It answers no attempt of this browser's.
    Unknown,
    /// What came back does not hold.
    Refused,
    /// It holds, and grants nothing here.
    NothingGranted,
    /// The issuer cannot be asked.
    Unavailable,
}

impl SignIn {
    pub(super) fn new(config: &SignInConfig, source: Arc<Source>) -> Result<Self, SecretError> {
        let file = &config.client_secret_file;
        let secret = if file.as_os_str().is_empty() {
            None
        } else {
            Some(Secret::read("auth.oidc.sign_in.client_secret_file", file)?)
        };
        let (client_id, scopes) = (config.client_id.clone(), config.scopes.join(" "));
        Ok(Self { client_id, secret, scopes, endpoints: Endpoints::new(source) })
    }
}

impl Attempt {
    fn new() -> Result<Self, NoRandomness> {
        let random = random_hex::<RANDOM_BYTES>;
        Ok(Self { state: random()?, nonce: random()?, verifier: random()? })
    }

    /// What the issuer is told of the verifier beforehand.
    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

impl Oidc {
    /// Whether people can sign in at the issuer.
    pub(in crate::http::auth) fn offers_sign_in(&self) -> bool {
        self.sign_in.is_some()
    }

    /// Where a person signs in, to come back to `callback`.
    pub(in crate::http::auth) async fn begin(
        &self,
        callback: &str,
        now: Timestamp,
    ) -> Result<(Url, Attempt), SignInFailure> {
        let sign_in = self.sign_in.as_ref().ok_or(SignInFailure::Unavailable)?;
        let addresses = sign_in.endpoints.get(now).await.ok_or(SignInFailure::Unavailable)?;
        let attempt = Attempt::new().map_err(|NoRandomness| SignInFailure::Unavailable)?;
        let mut url = addresses.authorization.clone();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &sign_in.client_id),
            ("redirect_uri", callback),
            ("scope", &sign_in.scopes),
            ("state", &attempt.state),
            ("nonce", &attempt.nonce),
            ("code_challenge", &attempt.challenge()),
            ("code_challenge_method", "S256"),
        ]);
        Ok((url, attempt))
    }

    /// The token that a person comes back with, and whose it is.
    pub(in crate::http::auth) async fn finish(
        &self,
        back: &Back,
        attempt: &Attempt,
        callback: &str,
        now: Timestamp,
    ) -> Result<(String, Vouched), SignInFailure> {
        let sign_in = self.sign_in.as_ref().ok_or(SignInFailure::Unavailable)?;
        let addresses = sign_in.endpoints.get(now).await.ok_or(SignInFailure::Unavailable)?;
        // Another issuer's answer must not be taken for this one's (RFC 9207).
        let names_another = match &back.iss {
            Some(named) => *named != self.config.issuer,
            None => addresses.names_itself,
        };
        if back.state.as_ref() != Some(&attempt.state) || names_another {
            return Err(SignInFailure::Unknown);
        }
        if let Some(error) = &back.error {
            let said = if error.len() <= 64 && error.is_ascii() { error.as_str() } else { "something long" };
            tracing::warn!(said, "the issuer sent somebody back without a code");
            return Err(SignInFailure::Denied);
        }
        let code = back.code.as_deref().ok_or(SignInFailure::Unknown)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", callback),
            ("code_verifier", &attempt.verifier),
        ];
        let client = (sign_in.client_id.as_str(), sign_in.secret.as_ref().map(Secret::reveal));
        let tokens = sign_in.endpoints.exchange(&addresses, &form, client).await.map_err(|error| not_given(&error))?;
        self.checked(tokens, sign_in, &attempt.nonce, now).await.map_err(|refusal| {
            tracing::warn!(refusal = refusal.name(), "what somebody came back with from the issuer does not hold");
            match refusal.kind() {
                RefusalKind::Unauthenticated => SignInFailure::Refused,
                RefusalKind::Forbidden => SignInFailure::NothingGranted,
                RefusalKind::Unavailable => SignInFailure::Unavailable,
            }
        })
    }

    /// The token that requests will bring, if it holds and is of the person who answered.
    async fn checked(
        &self,
        tokens: Tokens,
        sign_in: &SignIn,
        nonce: &str,
        now: Timestamp,
    ) -> Result<(String, Vouched), Refusal> {
        let id_token = tokens.id_token.ok_or(Refusal::Missing)?;
        let (_, claims) = self.signed(&id_token, now).await?;
        let subject = claims.check_answer(&self.config, &sign_in.client_id, nonce, now)?;
        let token = match self.config.accepts {
            TokenUse::Id => id_token,
            TokenUse::Access | TokenUse::UnmarkedAccess => tokens.access_token.ok_or(Refusal::Missing)?,
        };
        let vouched = self.bearer(&token, now).await?;
        if vouched.principal.id != pseudonym(&self.config.issuer, &subject) {
            return Err(Refusal::Claim("sub"));
        }
        Ok((token, vouched))
    }
}

/// The issuer refuses a code by a status of its own; whatever else goes wrong is not the person's doing.
fn not_given(error: &FetchError) -> SignInFailure {
    tracing::warn!(error = error.chain(), "the issuer gave no tokens for a code");
    match error {
        FetchError::Status { status: 400..=499, .. } => SignInFailure::Refused,
        _ => SignInFailure::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_the_verifiers_as_the_standard_computes_it() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let attempt = Attempt { state: String::new(), nonce: String::new(), verifier };
        assert_eq!(attempt.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn no_part_of_an_attempt_is_another() {
        let (one, other) = (Attempt::new().expect("random bytes"), Attempt::new().expect("random bytes"));
        let parts: std::collections::BTreeSet<_> =
            [&one.state, &one.nonce, &one.verifier, &other.state, &other.nonce, &other.verifier].into();
        assert_eq!(parts.len(), 6);
        assert!((43..=128).contains(&one.verifier.len()), "RFC 7636, section 4.1");
    }
}
