//! How callers may say who they are, as the configuration file says it: `[auth]`. Types and their checks; reads no
//! file and asks no issuer.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Role;
use crate::egress::{AddressError, https_or_loopback};
use crate::model::ChannelPattern;

/// `[auth]`: the ways in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// The ways in that are open. `open` stands alone; `tokens` and `oidc` may stand together, and a caller's token is
    /// then tried by its shape.
    pub ways: Vec<Way>,
    /// The file of bearer tokens, made by `streamwarden token create`. Used by the way `tokens`. It holds digests, not
    /// secrets; only its owner may write it. Read again within a second of a change.
    pub tokens_file: PathBuf,
    /// The issuer of tokens. Used by the way `oidc`.
    pub oidc: OidcConfig,
}

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Whoever reaches the address is `demo` and may do everything. Only on the loopback; nothing starts otherwise.
    Open,
    /// Bearer tokens from the tokens file.
    Tokens,
    /// Tokens of an OpenID Connect issuer, such as Amazon Cognito.
    Oidc,
}

/// `[auth.oidc]`: one issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OidcConfig {
    /// Its name, exactly as the claim `iss` has it; `https`, or `http` on the loopback. For Cognito
    /// `https://cognito-idp.<region>.amazonaws.com/<pool id>`.
    pub issuer: String,
    /// Where its keys are. Empty: where its discovery document (`<issuer>/.well-known/openid-configuration`) says.
    pub jwks_url: String,
    /// Accepted values of the claim `aud`. Empty: `aud` is not looked at, and `client_ids` must not be empty.
    pub audiences: Vec<String>,
    /// Accepted values of the claim `client_id`. Empty: `client_id` is not looked at, and `audiences` must not be empty.
    pub client_ids: Vec<String>,
    /// Which tokens are accepted.
    pub accepts: TokenUse,
    /// The claim that lists the caller's groups.
    pub groups_claim: String,
    /// How far the issuer's clock may differ from ours, in seconds, 0 to 60.
    pub leeway_s: u32,
    /// What each group is granted. Who is in none of them is let in nowhere.
    pub grants: Vec<GroupGrant>,
    /// How people come from the pages to the issuer and back.
    pub sign_in: SignInConfig,
}

/// `[auth.oidc.sign_in]`: the pages as a client of the issuer, by the authorization code flow with PKCE.
///
/// The token that a person's requests then bring is the one that `accepts` wants: their ID token for `id`, otherwise
/// their access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInConfig {
    /// The client's id at the issuer. Empty: people sign in by a token. The client's callback is
    /// `<http.pages.public_url>/v1/session/oidc/callback`.
    pub client_id: String,
    /// A file that holds the client's secret, and nothing else. Empty: the client has none.
    pub client_secret_file: PathBuf,
    /// What is asked for; `openid` is among it.
    pub scopes: Vec<String>,
}

/// Which of an issuer's tokens are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenUse {
    /// Access tokens that say so: `token_use` is `access` (Cognito), or the header's `typ` is `at+jwt` (RFC 9068).
    Access,
    /// Access tokens of an issuer that does not mark them. What is marked as an ID token, or holds a claim that only ID
    /// tokens have (`nonce`, `at_hash`, `c_hash`), is refused.
    UnmarkedAccess,
    /// ID tokens: `token_use` is `id` or is not there, and the header's `typ` is not `at+jwt`.
    Id,
}

/// `[[auth.oidc.grants]]`: what one group is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupGrant {
    /// The group, exactly as the issuer names it.
    pub group: String,
    /// The role it has.
    pub role: Role,
    /// The channels on which it has it.
    pub channels: Vec<ChannelPattern>,
}

/// What is wrong with `[auth]`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthConfigError {
    /// No way in, or one twice.
    #[error("auth.ways must name `open`, `tokens` or `oidc`, each once")]
    Ways,
    /// `open` beside another.
    #[error(
        "auth.ways: `open` lets everybody in, so `tokens` or `oidc` beside it would ask nobody; name one or the other"
    )]
    OpenBesideOthers,
    /// A key that the chosen way needs.
    #[error("{key} must not be empty while auth.ways names `{way}`")]
    Empty {
        /// The key.
        key: &'static str,
        /// The way.
        way: &'static str,
    },
    /// Neither audience nor client: any token of the issuer would do, whoever it was made for.
    #[error("auth.oidc.audiences or auth.oidc.client_ids must name who the tokens are for")]
    NobodyInParticular,
    /// Too much leeway.
    #[error("auth.oidc.leeway_s is {found}, and may be 0 to {max}", max = OidcConfig::LEEWAY_S_MAX)]
    Leeway {
        /// What was found.
        found: u32,
    },
    /// A grant of nothing.
    #[error("auth.oidc.grants: the group `{group}` is granted a role on no channel; name channels, `*` for all")]
    NoChannels {
        /// The group.
        group: String,
    },
    /// Something that cannot be asked for.
    #[error("auth.oidc.sign_in.scopes must be words, `openid` among them")]
    Scopes,
    /// Tokens that the pages would be given, and their sender refused.
    #[error(
        "auth.oidc.sign_in.client_id is `{client}`, and {key} does not name it: the tokens that people come back with \
         would be refused"
    )]
    SignInClient {
        /// The client.
        client: String,
        /// The key that does not name it.
        key: &'static str,
    },
    /// More than are looked at.
    #[error("{key} has {found} entries, at most {max} are allowed")]
    TooMany {
        /// The key.
        key: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        max: usize,
    },
    /// An address that is not asked.
    #[error("{key}: {source}")]
    Address {
        /// The key.
        key: &'static str,
        /// Why not.
        source: AddressError,
    },
}

impl AuthConfig {
    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The first thing that is wrong, by its key.
    pub fn check(&self) -> Result<(), AuthConfigError> {
        let named = |way| self.ways.iter().filter(|named| **named == way).count();
        if self.ways.is_empty() || [Way::Open, Way::Tokens, Way::Oidc].into_iter().any(|way| named(way) > 1) {
            return Err(AuthConfigError::Ways);
        }
        if named(Way::Open) == 1 && self.ways.len() > 1 {
            return Err(AuthConfigError::OpenBesideOthers);
        }
        if named(Way::Tokens) == 1 && self.tokens_file.as_os_str().is_empty() {
            return Err(AuthConfigError::Empty { key: "auth.tokens_file", way: "tokens" });
        }
        if named(Way::Oidc) == 1 { self.oidc.check() } else { Ok(()) }
    }

    /// Everybody on the loopback may do everything: the demo's way in.
    pub fn open() -> Self {
        Self { ways: vec![Way::Open], ..Self::default() }
    }
}

impl OidcConfig {
    /// RFC 7519 wants "no more than a few minutes"; a minute is what a machine with a time service never needs.
    pub const LEEWAY_S_MAX: u32 = 60;
    /// Each is compared with each group of each token.
    pub const GRANTS_MAX: usize = 256;
    /// Each is compared with each audience of each token.
    pub const AUDIENCES_MAX: usize = 32;
    /// They stand in an address.
    pub const SCOPES_MAX: usize = 32;

    fn check(&self) -> Result<(), AuthConfigError> {
        let empty = |key| Err(AuthConfigError::Empty { key, way: "oidc" });
        if self.issuer.is_empty() {
            return empty("auth.oidc.issuer");
        }
        if self.groups_claim.is_empty() {
            return empty("auth.oidc.groups_claim");
        }
        if self.grants.is_empty() {
            return empty("auth.oidc.grants");
        }
        if self.audiences.is_empty() && self.client_ids.is_empty() {
            return Err(AuthConfigError::NobodyInParticular);
        }
        if self.leeway_s > Self::LEEWAY_S_MAX {
            return Err(AuthConfigError::Leeway { found: self.leeway_s });
        }
        at_most("auth.oidc.grants", self.grants.len(), Self::GRANTS_MAX)?;
        at_most("auth.oidc.audiences", self.audiences.len(), Self::AUDIENCES_MAX)?;
        at_most("auth.oidc.client_ids", self.client_ids.len(), Self::AUDIENCES_MAX)?;
        if let Some(grant) = self.grants.iter().find(|grant| grant.channels.is_empty()) {
            return Err(AuthConfigError::NoChannels { group: grant.group.clone() });
        }
        let address = |key, text| match https_or_loopback(text) {
            Ok(_) => Ok(()),
            Err(source) => Err(AuthConfigError::Address { key, source }),
        };
        address("auth.oidc.issuer", &self.issuer)?;
        self.check_sign_in()?;
        if self.jwks_url.is_empty() { Ok(()) } else { address("auth.oidc.jwks_url", &self.jwks_url) }
    }

    fn check_sign_in(&self) -> Result<(), AuthConfigError> {
        let SignInConfig { client_id, scopes, .. } = &self.sign_in;
        at_most("auth.oidc.sign_in.scopes", scopes.len(), Self::SCOPES_MAX)?;
        let is_word = |scope: &String| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
        if !scopes.iter().all(is_word) || !scopes.iter().any(|scope| scope == "openid") {
            return Err(AuthConfigError::Scopes);
        }
        // An ID token is made for the client that asked; an access token says who asked, where `client_ids` is looked at.
        let (key, named) = match self.accepts {
            TokenUse::Id => ("auth.oidc.audiences", &self.audiences),
            TokenUse::Access | TokenUse::UnmarkedAccess => ("auth.oidc.client_ids", &self.client_ids),
        };
        if self.sign_in.is_offered() && !named.is_empty() && !named.contains(client_id) {
            return Err(AuthConfigError::SignInClient { client: client_id.clone(), key });
        }
        Ok(())
    }
}

impl SignInConfig {
    /// Whether people can sign in at the issuer.
    pub fn is_offered(&self) -> bool {
        !self.client_id.is_empty()
    }
}

fn at_most(key: &'static str, found: usize, max: usize) -> Result<(), AuthConfigError> {
    if found > max { Err(AuthConfigError::TooMany { key, found, max }) } else { Ok(()) }
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self { ways: vec![Way::Tokens], tokens_file: "tokens.toml".into(), oidc: OidcConfig::default() }
    }
}

impl Default for OidcConfig {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            jwks_url: String::new(),
            audiences: Vec::new(),
            client_ids: Vec::new(),
            accepts: TokenUse::Access,
            groups_claim: "cognito:groups".to_owned(),
            leeway_s: 30,
            grants: Vec::new(),
            sign_in: SignInConfig::default(),
        }
    }
}

impl Default for SignInConfig {
    fn default() -> Self {
        Self { client_id: String::new(), client_secret_file: PathBuf::new(), scopes: vec!["openid".to_owned()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> AuthConfig {
        toml::from_str(text).unwrap_or_else(|error| panic!("{text}\n{error}"))
    }

    const OIDC: &str = r#"
        ways = ["tokens", "oidc"]
        [oidc]
        issuer = "https://issuer.example/pool"
        client_ids = ["console"]
        [[oidc.grants]]
        group = "moderators"
        role = "moderator"
        channels = ["demo/*"]
    "#;

    #[test]
    fn the_defaults_and_a_whole_example_are_sound() {
        assert_eq!(parsed("").check(), Ok(()));
        assert_eq!(parsed(OIDC).check(), Ok(()));
        assert_eq!(AuthConfig::open().check(), Ok(()));
    }

    #[test]
    fn each_wrong_value_is_refused_by_its_key() {
        for (from, to, key) in [
            (r#"["tokens", "oidc"]"#, "[]", "auth.ways"),
            (r#"["tokens", "oidc"]"#, r#"["oidc", "oidc"]"#, "auth.ways"),
            (r#"["tokens", "oidc"]"#, r#"["open", "oidc"]"#, "`open` lets everybody in"),
            ("ways =", "tokens_file = \"\"\nways =", "auth.tokens_file"),
            ("https://issuer.example/pool", "", "auth.oidc.issuer"),
            ("https://issuer", "http://issuer", "auth.oidc.issuer"),
            ("https://issuer", "ftp://issuer", "auth.oidc.issuer"),
            ("client_ids = [\"console\"]", "", "auth.oidc.audiences"),
            ("[oidc]", "[oidc]\nleeway_s = 61", "auth.oidc.leeway_s"),
            ("[oidc]", "[oidc]\ngroups_claim = \"\"", "auth.oidc.groups_claim"),
            ("[oidc]", "[oidc]\njwks_url = \"http://10.0.0.1/keys\"", "auth.oidc.jwks_url"),
            ("channels = [\"demo/*\"]", "channels = []", "`moderators`"),
            ("[[oidc.grants]]", "[oidc.sign_in]\nclient_id = \"pages\"\n[[oidc.grants]]", "auth.oidc.client_ids"),
            ("[[oidc.grants]]", "[oidc.sign_in]\nscopes = [\"email\"]\n[[oidc.grants]]", "auth.oidc.sign_in.scopes"),
            ("[[oidc.grants]]", "[oidc.sign_in]\nscopes = [\"openid a\"]\n[[oidc.grants]]", "auth.oidc.sign_in.scopes"),
        ] {
            let text = OIDC.replacen(from, to, 1);
            assert_ne!(text, OIDC, "{from} is not in the example");
            let error = parsed(&text).check().expect_err(&text);
            assert!(error.to_string().contains(key), "{error} does not name {key}");
        }
    }

    #[test]
    fn unknown_keys_and_roles_are_refused() {
        for text in [
            "way = [\"open\"]",
            "ways = [\"none\"]",
            "[oidc]\nissuers = \"x\"",
            &OIDC.replace("\"moderator\"", "\"root\""),
        ] {
            assert!(toml::from_str::<AuthConfig>(text).is_err(), "{text}");
        }
    }
}
