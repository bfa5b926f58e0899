//! From what a request says of its sender to a principal, by the ways in that the configuration opens.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::config::{AuthConfig, AuthConfigError, Way};
use super::oidc::{Attempt, Back, Oidc, OidcError, SignInFailure};
use super::tokens::PREFIX;
use super::tokens_file::{TokensFileError, TokensInForce};
use super::{Grant, Principal, Refusal, Role, TOKEN_BYTES_MAX, Vouched};
use crate::clock::Clock;
use crate::model::{ChannelPattern, ModeratorId, Timestamp};

/// Who everybody is where nobody is asked. In every event that such a caller causes, so that nobody takes it for a
/// person's.
const OPEN_NAME: &str = "demo";

/// Finds out who calls.
pub struct Authenticator {
    door: Door,
    clock: Arc<dyn Clock>,
}

enum Door {
    Open,
    Asks { tokens: Option<Box<TokensInForce>>, oidc: Option<Box<Oidc>> },
}

/// Why nobody could be let in or kept out.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error("the configuration of who may call")]
    Config(#[from] AuthConfigError),
    /// The tokens cannot be used.
    #[error("opening the way `tokens`")]
    Tokens(#[from] TokensFileError),
    /// The issuer cannot be asked.
    #[error("opening the way `oidc`")]
    Oidc(#[from] OidcError),
}

/// The address is not this machine's own, and nobody would be asked who they are.
#[derive(Debug, thiserror::Error)]
#[error("auth.ways is `open`, which lets everybody do everything, and {address} can be reached by others")]
pub struct OpenToOthers {
    /// The address.
    pub address: SocketAddr,
}

impl Authenticator {
    /// Opens the ways in. Blocks: reads the tokens file. The issuer is first asked when somebody comes.
    ///
    /// # Errors
    /// If the configuration is wrong or the tokens file cannot be used.
    pub fn open(config: &AuthConfig, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        config.check()?;
        if config.ways.contains(&Way::Open) {
            return Ok(Self { door: Door::Open, clock });
        }
        let tokens = match config.ways.contains(&Way::Tokens) {
            true => Some(Box::new(TokensInForce::open(&config.tokens_file, clock.now())?)),
            false => None,
        };
        let oidc = match config.ways.contains(&Way::Oidc) {
            true => Some(Box::new(Oidc::new(&config.oidc)?)),
            false => None,
        };
        Ok(Self { door: Door::Asks { tokens, oidc }, clock })
    }

    /// Whether nobody is asked who they are.
    pub fn is_open(&self) -> bool {
        matches!(self.door, Door::Open)
    }

    /// The ways that are open.
    pub fn ways(&self) -> Vec<Way> {
        let Door::Asks { tokens, oidc } = &self.door else { return vec![Way::Open] };
        let tokens = tokens.as_ref().map(|_| Way::Tokens);
        tokens.into_iter().chain(oidc.as_ref().map(|_| Way::Oidc)).collect()
    }

    /// Whether people can sign in at the issuer, rather than by a token of theirs.
    pub fn offers_sign_in(&self) -> bool {
        matches!(&self.door, Door::Asks { oidc: Some(oidc), .. } if oidc.offers_sign_in())
    }

    /// Where a person signs in at the issuer, to come back to `callback`.
    pub(in crate::http) async fn begin_at_issuer(
        &self,
        callback: &str,
        now: Timestamp,
    ) -> Result<(reqwest::Url, Attempt), SignInFailure> {
        match &self.door {
            Door::Asks { oidc: Some(oidc), .. } => oidc.begin(callback, now).await,
            _ => Err(SignInFailure::Unavailable),
        }
    }

    /// The token that a person comes back with from the issuer, and whose it is.
    pub(in crate::http) async fn finish_at_issuer(
        &self,
        back: &Back,
        attempt: &Attempt,
        callback: &str,
        now: Timestamp,
    ) -> Result<(String, Vouched), SignInFailure> {
        match &self.door {
            Door::Asks { oidc: Some(oidc), .. } => oidc.finish(back, attempt, callback, now).await,
            _ => Err(SignInFailure::Unavailable),
        }
    }

    /// Whether a server with these ways in may listen there.
    ///
    /// # Errors
    /// If everybody would be let in and the address is not of the loopback.
    pub fn may_listen(&self, address: SocketAddr) -> Result<(), OpenToOthers> {
        // An IPv4 address in IPv6's clothes is what it is under them.
        let loopback = address.ip().to_canonical().is_loopback();
        if self.is_open() && !loopback { Err(OpenToOthers { address }) } else { Ok(()) }
    }

    /// Who sends a request with this `Authorization` header, if there is one.
    ///
    /// # Errors
    /// Why nobody came of it.
    pub async fn authenticate(&self, authorization: Option<&[u8]>) -> Result<Principal, Refusal> {
        self.vouch(authorization).await.map(|vouched| vouched.principal)
    }

    /// The same, and until when that holds.
    ///
    /// # Errors
    /// As there.
    pub async fn vouch(&self, authorization: Option<&[u8]>) -> Result<Vouched, Refusal> {
        let Door::Asks { tokens, oidc } = &self.door else {
            return Ok(Vouched { principal: anybody(), until: None });
        };
        let token = bearer_token(authorization.ok_or(Refusal::Missing)?)?;
        let now = self.clock.now();
        match (tokens, oidc) {
            (Some(tokens), _) if token.starts_with(PREFIX) => tokens.current(now).await.bearer(token, now),
            (_, Some(oidc)) if !token.starts_with(PREFIX) => oidc.bearer(token, now).await,
            _ => Err(Refusal::Malformed),
        }
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways: &[&str] = match &self.door {
            Door::Open => &["open"],
            Door::Asks { tokens: Some(_), oidc: Some(_) } => &["tokens", "oidc"],
            Door::Asks { tokens: Some(_), oidc: None } => &["tokens"],
            Door::Asks { .. } => &["oidc"],
        };
        f.debug_struct("Authenticator").field("ways", &ways).finish()
    }
}

/// Everybody, where nobody is asked.
fn anybody() -> Principal {
    let id = ModeratorId::new(OPEN_NAME).expect("letters are a sound name");
    Principal { id, grants: vec![Grant { role: Role::Admin, channels: ChannelPattern::all() }] }
}

/// The one token after `Bearer` (RFC 6750; the scheme in any case, RFC 9110).
fn bearer_token(authorization: &[u8]) -> Result<&str, Refusal> {
    let text = std::str::from_utf8(authorization).map_err(|_| Refusal::Malformed)?;
    let (scheme, token) = text.trim().split_once(' ').ok_or(Refusal::Malformed)?;
    let token = token.trim_start();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refusal::Malformed);
    }
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Refusal::TooLong);
    }
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.bytes().all(sound) { Ok(token) } else { Err(Refusal::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::Token;
    use super::super::{Permission, tokens_file};
    use super::*;
    use crate::clock::ManualClock;
    use crate::model::{ChannelId, Timestamp};

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)))
    }

    #[actix_web::test]
    async fn where_nobody_is_asked_everybody_is_the_demo() {
        let authenticator = Authenticator::open(&AuthConfig::open(), clock()).expect("nothing to open");
        let principal = authenticator.authenticate(None).await.expect("nobody is asked");
        assert_eq!(principal.id.as_str(), "demo");
        assert!(principal.may_everywhere(Permission::WritePolicy));
        assert!(principal.may(Permission::Enforce, &ChannelId::new("any/channel").expect("a sound id")));
    }

    #[test]
    fn open_to_everybody_means_on_the_loopback_only() {
        let open = Authenticator::open(&AuthConfig::open(), clock()).expect("nothing to open");
        for (address, fine) in [
            ("127.0.0.1:80", true),
            ("127.9.9.9:0", true),
            ("[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("0.0.0.0:80", false),
            ("[::]:80", false),
            ("192.168.1.7:80", false),
            ("[::ffff:192.168.1.7]:80", false),
            ("[fe80::1]:80", false),
        ] {
            assert_eq!(open.may_listen(address.parse().expect("an address")).is_ok(), fine, "{address}");
        }
    }

    #[actix_web::test]
    async fn only_a_whole_bearer_token_is_looked_at() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens.toml");
        let name = ModeratorId::new("console-1").expect("a sound name");
        let now = clock().now();
        let (token, secret) =
            Token::create(name, vec![Role::Viewer], vec![ChannelPattern::all()], now, None).expect("random bytes");
        tokens_file::add(&path, token).expect("written");
        let config = AuthConfig { tokens_file: path, ..AuthConfig::default() };
        let authenticator = Authenticator::open(&config, clock()).expect("a sound file");
        let secret = secret.reveal();
        for accepted in [format!("Bearer {secret}"), format!("bearer {secret}"), format!(" BEARER   {secret} ")] {
            let principal = authenticator.authenticate(Some(accepted.as_bytes())).await;
            assert_eq!(principal.expect(&accepted).id.as_str(), "console-1");
        }
        let (jwt, huge) = ("Bearer eyJhbGciOiJub25lIn0.e30.".to_owned(), format!("Bearer sw_{}", "0".repeat(1 << 20)));
        for (refused, why) in [
            (String::new(), Refusal::Malformed),
            (secret.to_owned(), Refusal::Malformed),
            ("Bearer ".to_owned(), Refusal::Malformed),
            (format!("Basic {secret}"), Refusal::Malformed),
            (format!("Bearer {secret} {secret}"), Refusal::Malformed),
            (format!("Bearer {secret},"), Refusal::Malformed),
            (format!("Bearer {secret}\u{e9}"), Refusal::Malformed),
            (jwt, Refusal::Malformed), // no issuer is configured
            (huge, Refusal::TooLong),
        ] {
            assert_eq!(authenticator.authenticate(Some(refused.as_bytes())).await, Err(why), "{refused:.60}");
        }
        assert_eq!(authenticator.authenticate(None).await, Err(Refusal::Missing));
        assert_eq!(authenticator.authenticate(Some(b"Bearer \xff\xfe")).await, Err(Refusal::Malformed));
        assert!(!format!("{authenticator:?}").contains(secret));
    }

    #[test]
    fn a_way_that_cannot_be_opened_stops_the_start() {
        let config = AuthConfig { tokens_file: "no/such/tokens.toml".into(), ..AuthConfig::default() };
        assert!(matches!(Authenticator::open(&config, clock()), Err(StartError::Tokens(_))));
        let config = AuthConfig { ways: vec![], ..AuthConfig::default() };
        assert!(matches!(Authenticator::open(&config, clock()), Err(StartError::Config(_))));
    }
}
