//! An attempt to sign in at the issuer, kept meanwhile by the browser that began it: random texts and where it goes on.
//!
//! It lies open in its cookie rather than sealed, and not in this server's memory. Nothing in it is a secret from the
//! person whose browser it is; the way back is checked again when it is read; and who could plant a cookie of their own
//! could as well plant a sealed one that they were given. So a restart, or another server behind the same name, ends no
//! attempt, and no flood of attempts fills a memory.

use actix_web::http::header::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ReturnTo;
use super::cookie::{SameSite, cookie, named};
use crate::http::auth::Attempt;
use crate::model::Timestamp;

/// How long somebody may take at the issuer, a second factor and a look for the telephone included.
const TAKES_AT_MOST_S: u64 = 600;

/// The cookie of an attempt. A browser makes one at a time: the later of two goes on.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct AttemptCookie {
    /// As a session's.
    secure: bool,
}

/// An attempt, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Begun {
    pub attempt: Attempt,
    pub return_to: ReturnTo,
    pub at: Timestamp,
}

impl AttemptCookie {
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// A header that keeps the attempt until somebody comes back, or it takes too long.
    pub fn keep(self, begun: &Begun) -> HeaderValue {
        let Attempt { state, nonce, verifier } = &begun.attempt;
        let (at, return_to) = (begun.at.as_micros(), URL_SAFE_NO_PAD.encode(begun.return_to.as_str()));
        self.header(&format!("{state}.{nonce}.{verifier}.{at}.{return_to}"), TAKES_AT_MOST_S)
    }

    /// The attempt that these headers hold, if it is not too long ago.
    pub fn read(self, headers: &HeaderMap, now: Timestamp) -> Option<Begun> {
        let value = named(headers, self.name()).ok().flatten()?;
        let parts: Vec<&str> = value.split('.').collect();
        let [state, nonce, verifier, at, return_to] = parts[..] else { return None };
        let at = Timestamp::from_micros(at.parse().ok()?);
        let return_to = String::from_utf8(URL_SAFE_NO_PAD.decode(return_to).ok()?).ok()?;
        let attempt = Attempt { state: state.to_owned(), nonce: nonce.to_owned(), verifier: verifier.to_owned() };
        let in_time = now.ms_since(at) <= TAKES_AT_MOST_S * 1000;
        let whole = [state, nonce, verifier].iter().all(|part| !part.is_empty());
        (in_time && whole).then(|| Begun { attempt, return_to: ReturnTo::or_home(&return_to), at })
    }

    /// A header that makes the browser forget.
    pub fn forget(self) -> HeaderValue {
        self.header("", 0)
    }

    fn header(self, value: &str, for_s: u64) -> HeaderValue {
        // Lax: the way back from the issuer begins on the issuer's page, and a Strict cookie would stay behind. It goes
        // along when somebody comes here by an address, and never with what a page elsewhere sends or embeds.
        let text = cookie(self.name(), value, self.secure, SameSite::Lax, Some(for_s));
        HeaderValue::from_str(&text).expect("digits, letters, dots and dashes are a header's value")
    }

    const fn name(self) -> &'static str {
        if self.secure { "__Host-streamwarden_sign_in" } else { "streamwarden_sign_in" }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::COOKIE;

    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_000_000);

    fn begun(return_to: &str) -> Begun {
        let attempt = Attempt { state: "aa".to_owned(), nonce: "bb".to_owned(), verifier: "cc".to_owned() };
        Begun { attempt, return_to: ReturnTo::or_home(return_to), at: AT }
    }

    fn sent_back(set: &HeaderValue) -> HeaderMap {
        let pair = set.to_str().expect("text").split(';').next().expect("a pair");
        [(COOKIE, HeaderValue::from_str(pair).expect("a header's value"))].into_iter().collect()
    }

    #[test]
    fn an_attempt_comes_back_as_it_was_within_its_time() {
        for cookie in [AttemptCookie::new(true), AttemptCookie::new(false)] {
            let begun = begun("/channels/demo%2Fa?at=1");
            let headers = sent_back(&cookie.keep(&begun));
            assert_eq!(cookie.read(&headers, AT.plus_ms(600_000)), Some(begun));
            assert_eq!(cookie.read(&headers, AT.plus_ms(600_001)), None);
            assert_eq!(cookie.read(&sent_back(&cookie.forget()), AT), None);
        }
        let set = AttemptCookie::new(true).keep(&begun("/"));
        let set = set.to_str().expect("text");
        assert!(set.starts_with("__Host-streamwarden_sign_in="), "{set}");
        assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"), "{set}");
    }

    #[test]
    fn a_changed_attempt_leads_nowhere_else() {
        let cookie = AttemptCookie::new(false);
        let read = |value: &str| {
            let text = format!("streamwarden_sign_in={value}");
            let headers = [(COOKIE, HeaderValue::from_str(&text).expect("a header's value"))].into_iter().collect();
            cookie.read(&headers, AT)
        };
        let elsewhere = URL_SAFE_NO_PAD.encode("//evil.example");
        let planted = read(&format!("aa.bb.cc.1000000000.{elsewhere}")).expect("it has its parts");
        assert_eq!(planted.return_to.as_str(), "/");
        for broken in [
            "",
            "aa",
            "aa.bb.cc.1000000000",
            "aa.bb.cc.x.Lw",
            "..cc.1000000000.Lw",
            "aa.bb.cc.1000000000.L*",
            "a.b.c.1.Lw.d",
        ] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
