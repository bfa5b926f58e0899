//! An external actor at the gate: known by one secret that it sends as its `Authorization`, and by nothing else. It has no
//! role, no token and no session, and there is one thing that it may.

use std::fmt;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use super::tokens::same_in_constant_time;
use super::{Refusal, TOKEN_BYTES_MAX};
use crate::egress;
use crate::model::{ExternalId, ModeratorId, Sha256};

/// Words that may stand before the secret, and mean nothing: it depends on the sender whether one does.
const SCHEMES: [&str; 2] = ["bearer", "token"];

/// Who decides outside. What is kept of the secret is its digest.
pub struct External {
    /// As whom it is counted.
    counted_as: ModeratorId,
    expected: Sha256,
}

/// The secret could be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret of {by} must have at least {min} characters, it has {found}", min = External::SECRET_CHARS_MIN)]
pub struct ShortSecret {
    by: &'static str,
    found: usize,
}

impl External {
    /// The least characters of a secret: 128 bits, written in hexadecimal digits.
    pub const SECRET_CHARS_MIN: usize = 32;

    /// One who knows that secret.
    ///
    /// # Errors
    /// If the secret is too short.
    pub fn new(name: &'static str, secret: &egress::Secret) -> Result<Self, ShortSecret> {
        let found = secret.reveal().len();
        if found < Self::SECRET_CHARS_MIN {
            return Err(ShortSecret { by: name, found });
        }
        let by = ExternalId::new(name).expect("a name in the program is sound");
        let counted_as = ModeratorId::new(format!("external/{by}")).expect("it is shorter than a moderator's may be");
        Ok(Self { counted_as, expected: Sha256::of(secret.reveal().as_bytes()) })
    }

    /// As whom a request with these headers is counted, if it is of that actor.
    ///
    /// # Errors
    /// Why it is not.
    pub(in crate::http) fn vouch(&self, headers: &HeaderMap) -> Result<&ModeratorId, Refusal> {
        let mut said = headers.get_all(AUTHORIZATION);
        let authorization = said.next().ok_or(Refusal::Missing)?.as_bytes();
        if said.next().is_some() {
            return Err(Refusal::Malformed); // which of the two is meant, a proxy before us may see otherwise
        }
        if authorization.len() > TOKEN_BYTES_MAX {
            return Err(Refusal::TooLong);
        }
        // Digests of one length: how long the comparison takes says nothing of the secret.
        let digest = Sha256::of(secret_in(authorization));
        same_in_constant_time(&digest.0, &self.expected.0).then_some(&self.counted_as).ok_or(Refusal::External)
    }
}

/// The header without a scheme before the secret and blanks around it.
fn secret_in(authorization: &[u8]) -> &[u8] {
    let trimmed = authorization.trim_ascii();
    let scheme = SCHEMES.iter().find(|scheme| {
        trimmed.get(..scheme.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(scheme.as_bytes()))
            && trimmed.get(scheme.len()).is_some_and(u8::is_ascii_whitespace)
    });
    scheme.map_or(trimmed, |scheme| trimmed[scheme.len()..].trim_ascii())
}

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("External").field("counted_as", &self.counted_as).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn external() -> External {
        External::new("hive-dashboard", &egress::Secret::new(SECRET).expect("a secret")).expect("it is long enough")
    }

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).expect("a sound value"));
        }
        headers
    }

    #[test]
    fn the_secret_is_known_with_and_without_a_scheme() {
        for said in ["{}", "Bearer {}", "token {}", "TOKEN   {}"] {
            let said = said.replace("{}", SECRET);
            assert!(external().vouch(&headers(&[&said])).is_ok(), "{said}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        let longer = format!("{SECRET}0");
        let huge = "x".repeat(TOKEN_BYTES_MAX + 1);
        for (said, why) in [
            (&[][..], Refusal::Missing),
            (&[""], Refusal::External),
            (&["Bearer"], Refusal::External),
            (&[&SECRET[..31]], Refusal::External),
            (&[longer.as_str()], Refusal::External),
            (&["Basic 0123456789abcdef0123456789abcdef"], Refusal::External),
            (&[SECRET, SECRET], Refusal::Malformed),
            (&[huge.as_str()], Refusal::TooLong),
        ] {
            assert_eq!(external().vouch(&headers(said)).err(), Some(why), "{said:.60?}");
        }
    }

    #[test]
    fn a_secret_that_could_be_guessed_is_none_and_none_is_shown() {
        let short = egress::Secret::new(&SECRET[..31]).expect("a secret");
        assert!(External::new("hive-dashboard", &short).is_err());
        assert!(!format!("{:?}", external()).contains(SECRET));
    }
}
