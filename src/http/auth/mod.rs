//! Who may: the caller's identity, and what it grants on which channels. Denied unless granted.
//!
//! Three ways in: open (the demo's, on the loopback only), bearer tokens of our own, tokens of an OpenID Connect issuer.
//! Every one of them ends in a [`Principal`] or a [`Refusal`]. Knows no route and no answer: the gate asks here.

mod authenticator;
pub mod config;
mod external;
mod oidc;
mod pace;
mod principal;
mod refusal;
mod role;
mod tokens;
pub mod tokens_file;

pub use authenticator::{Authenticator, OpenToOthers, StartError};
pub use external::{External, ShortSecret};
pub(in crate::http) use oidc::{Attempt, Back, SignInFailure};
pub use oidc::{OidcError, issuer_answers};
pub use principal::{Grant, Principal, Vouched};
pub use refusal::{Refusal, RefusalKind};
pub use role::{Permission, Role};
pub use tokens::{NoRandomness, Secret, Token, TokenId};

/// The most bytes of a token. One of Cognito with a hundred groups has six thousand.
pub const TOKEN_BYTES_MAX: usize = 16 << 10;
