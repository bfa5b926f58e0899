//! Bearer tokens of our own: `sw_<id>_<secret>`. What is kept of one is its digest; the secret is shown once, to who
//! creates it. Knows no file.

use std::collections::BTreeMap;
use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use super::{Grant, Principal, Refusal, Role, Vouched};
use crate::model::{ChannelPattern, ModeratorId, Sha256, Timestamp};

/// What begins a token of ours, and nothing that an issuer makes.
pub(super) const PREFIX: &str = "sw_";
/// Random bytes of an id. Not secret: it finds the entry, and names it in the list.
const ID_BYTES: usize = 6;
/// Random bytes of a secret: 256 bits cannot be guessed, so a plain digest is enough to keep.
const SECRET_BYTES: usize = 32;

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Finds it: 12 hexadecimal digits, part of the token's text.
    pub id: TokenId,
    /// The pseudonym under which its bearer's acts are recorded.
    pub name: ModeratorId,
    /// What its bearer may be.
    pub roles: Vec<Role>,
    /// On which channels.
    pub channels: Vec<ChannelPattern>,
    /// SHA-256 of the token's whole text.
    pub sha256: Sha256,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused; never, if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A token's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(String);

/// A token's whole text, shown once and kept nowhere. Does not show itself in a log.
pub struct Secret(String);

/// No randomness could be had.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes for a token")]
pub struct NoRandomness;

/// The tokens that are in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tokens(BTreeMap<TokenId, Token>);

impl Token {
    /// Makes a token and its text.
    ///
    /// # Errors
    /// If the operating system gives no random bytes.
    pub fn create(
        name: ModeratorId,
        roles: Vec<Role>,
        channels: Vec<ChannelPattern>,
        created: Timestamp,
        expires: Option<Timestamp>,
    ) -> Result<(Self, Secret), NoRandomness> {
        let id = TokenId(random_hex::<ID_BYTES>()?);
        let secret = Secret(format!("{PREFIX}{id}_{}", random_hex::<SECRET_BYTES>()?));
        let sha256 = Sha256::of(secret.0.as_bytes());
        Ok((Self { id, name, roles, channels, sha256, created, expires }, secret))
    }

    fn principal(&self) -> Principal {
        let on_each = |role: &Role| {
            let role = *role;
            self.channels.iter().map(move |channels| Grant { role, channels: channels.clone() })
        };
        Principal { id: self.name.clone(), grants: self.roles.iter().flat_map(on_each).collect() }
    }
}

impl Tokens {
    pub(super) fn new(tokens: impl IntoIterator<Item = Token>) -> Self {
        Self(tokens.into_iter().map(|token| (token.id.clone(), token)).collect())
    }

    /// Whose token this is.
    pub(super) fn bearer(&self, text: &str, now: Timestamp) -> Result<Vouched, Refusal> {
        let id = id_of(text).ok_or(Refusal::Malformed)?;
        let digest = Sha256::of(text.as_bytes());
        // An unknown id is compared too, so that the time taken does not say which ids there are.
        let kept = self.0.get(&id);
        let expected = kept.map_or(Sha256::of(b""), |token| token.sha256);
        let same = same_in_constant_time(&digest.0, &expected.0);
        let token = kept.filter(|_| same).ok_or(Refusal::UnknownToken)?;
        if token.expires.is_some_and(|expires| expires <= now) {
            return Err(Refusal::Expired);
        }
        Ok(Vouched { principal: token.principal(), until: token.expires })
    }
}

impl Secret {
    /// The text, to be shown to its new owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.0
    }
}

impl TryFrom<String> for TokenId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if is_hex(&text, ID_BYTES) {
            Ok(Self(text))
        } else {
            Err(format!("a token id has {} lower-case hexadecimal digits, `{text}` has not", ID_BYTES * 2))
        }
    }
}

impl std::str::FromStr for TokenId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

/// The id in a token's text, if it is one.
fn id_of(text: &str) -> Option<TokenId> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    (is_hex(id, ID_BYTES) && is_hex(secret, SECRET_BYTES)).then(|| TokenId(id.to_owned()))
}

fn is_hex(text: &str, bytes: usize) -> bool {
    text.len() == bytes * 2 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Random bytes, as lower-case hexadecimal digits.
pub(super) fn random_hex<const BYTES: usize>() -> Result<String, NoRandomness> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Compares without stopping at the first difference. The digests of random secrets would hardly betray anything by
/// time; it costs nothing not to have to argue it.
pub(super) fn same_in_constant_time(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::auth::Permission;
    use crate::model::ChannelId;

    const CREATED: Timestamp = Timestamp::from_millis(1_000_000);
    const EXPIRES: Timestamp = Timestamp::from_millis(2_000_000);

    fn created() -> (Token, Secret) {
        let pattern = |text| ChannelPattern::new(text).expect("a sound pattern");
        let name = ModeratorId::new("console-1").expect("a sound name");
        let (roles, channels) = (vec![Role::Viewer, Role::Ingest], vec![pattern("demo/*"), pattern("studio")]);
        Token::create(name, roles, channels, CREATED, Some(EXPIRES)).expect("random bytes")
    }

    #[test]
    fn a_created_token_lets_its_bearer_in_until_it_expires() {
        let (token, secret) = created();
        let tokens = Tokens::new([token]);
        let vouched = tokens.bearer(secret.reveal(), EXPIRES.minus_ms(1)).expect("its time has not come");
        assert_eq!(vouched.until, Some(EXPIRES));
        let principal = vouched.principal;
        assert_eq!(principal.id.as_str(), "console-1");
        let channel = |text| ChannelId::new(text).expect("a sound id");
        assert!(principal.may(Permission::Ingest, &channel("demo/a")));
        assert!(principal.may(Permission::Read, &channel("studio")));
        assert!(!principal.may(Permission::Read, &channel("studio2")));
        assert!(!principal.may(Permission::Moderate, &channel("studio")));
        assert_eq!(tokens.bearer(secret.reveal(), EXPIRES), Err(Refusal::Expired));
    }

    #[test]
    fn no_changed_token_lets_anybody_in() {
        let (token, secret) = created();
        let (other, other_secret) = created();
        let tokens = Tokens::new([token.clone()]);
        let text = secret.reveal();
        let swapped = text.replace(token.id.0.as_str(), &other.id.0);
        assert_eq!(tokens.bearer(other_secret.reveal(), CREATED), Err(Refusal::UnknownToken));
        assert_eq!(tokens.bearer(&swapped, CREATED), Err(Refusal::UnknownToken));
        for at in PREFIX.len()..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).expect("digits");
            assert!(tokens.bearer(&changed, CREATED).is_err(), "digit {at}");
        }
        for malformed in [&text[..text.len() - 1], &format!("{text}0"), &text.to_uppercase(), &text[3..], "sw__", ""] {
            assert_eq!(tokens.bearer(malformed, CREATED), Err(Refusal::Malformed), "{malformed}");
        }
    }

    #[test]
    fn what_is_kept_and_what_is_shown_in_logs_hold_no_secret() {
        let (token, secret) = created();
        let hidden = &secret.reveal()[PREFIX.len() + 2 * ID_BYTES + 1..];
        let kept = toml::to_string(&token).expect("a token is TOML");
        for shown in [kept, format!("{token:?}"), format!("{secret:?}")] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        assert_eq!(hidden.len(), 64);
    }
}
