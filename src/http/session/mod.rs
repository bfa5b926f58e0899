//! A page's session: the caller's own token, kept by their browser in cookies that no script can read. Nothing is kept
//! here, so a restart ends no session, and a token that is revoked or expires ends it at the next request.

mod attempt;
mod cookie;
mod credential;
mod return_to;

pub(in crate::http) use attempt::{AttemptCookie, Begun};
pub(in crate::http) use cookie::SessionCookie;
pub(in crate::http) use credential::{Credential, NotFromAPage};
pub(in crate::http) use return_to::ReturnTo;

use serde::{Deserialize, Serialize};

use super::origin::is_origin;

/// `[http.pages]`: the moderators' pages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PagesConfig {
    /// Where browsers find the pages: `https://host`, with a port if it is an unusual one. Behind a proxy that ends TLS it
    /// must be set, so that cookies go over TLS only. Empty: whatever address a browser used.
    pub public_url: String,
}

/// What is wrong with a [`PagesConfig`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("http.pages.public_url: `{text}` is no `https://host` or `https://host:port` (or `http://`), and no more")]
pub struct PublicUrlError {
    text: String,
}

impl PagesConfig {
    /// Checks what types cannot say.
    ///
    /// # Errors
    /// If the address is no origin.
    pub fn check(&self) -> Result<(), PublicUrlError> {
        if self.public_url.is_empty() || is_origin(&self.public_url) {
            return Ok(());
        }
        Err(PublicUrlError { text: self.public_url.clone() })
    }

    /// The pages' own origin, if it is known.
    pub(in crate::http) fn origin(&self) -> Option<&str> {
        (!self.public_url.is_empty()).then_some(self.public_url.as_str())
    }

    /// Where an issuer sends somebody back to, if that is known.
    pub(in crate::http) fn callback(&self) -> Option<String> {
        self.origin().map(|origin| format!("{origin}/v1/session/oidc/callback"))
    }

    /// Whether browsers come by TLS.
    pub(in crate::http) fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
