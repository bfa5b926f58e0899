//! The cookies of a session, read and written. Knows no token's form: whether one holds, the gate asks.

use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue, InvalidHeaderValue};

/// The most cookies that a token is spread over, and the most of it in each: browsers keep cookies of 4,096 bytes, name
/// and attributes included.
const PARTS_MAX: usize = 4;
const PART_BYTES_MAX: usize = 3_800;

/// How a session stands in cookies.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct SessionCookie {
    /// Over TLS only, and set by nobody but this host: what the prefix `__Host-` makes a browser see to (RFC 6265bis,
    /// section 4.1.3.2).
    secure: bool,
}

/// Whose requests a cookie goes along with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum SameSite {
    /// Those of our own pages.
    Strict,
    /// Those, and when a link or a redirect elsewhere leads here.
    Lax,
}

/// Two cookies of one name: one of them was set by somebody else, a host beside ours for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Twice;

impl SessionCookie {
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// The token that these headers hold, if they hold one.
    pub fn read(self, headers: &HeaderMap) -> Result<Option<String>, Twice> {
        let mut token = String::new();
        for part in 0..PARTS_MAX {
            match named(headers, &self.name(part))? {
                Some(value) => token.push_str(value),
                None => break,
            }
        }
        Ok((!token.is_empty()).then_some(token))
    }

    /// Headers that keep the token for so many seconds, or as long as the browser is open. None if it is too long, or
    /// no text that a cookie can hold.
    pub fn keep(self, token: &str, for_s: Option<u64>) -> Option<Vec<HeaderValue>> {
        let bytes = token.as_bytes();
        if bytes.is_empty() || bytes.len() > PARTS_MAX * PART_BYTES_MAX || !bytes.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let mut parts = bytes.chunks(PART_BYTES_MAX);
        let each = (0..PARTS_MAX).map(|part| match parts.next() {
            Some(value) => self.header(part, &String::from_utf8_lossy(value), for_s),
            None => self.header(part, "", Some(0)), // of a longer token before
        });
        each.collect::<Result<_, _>>().ok()
    }

    /// Headers that make the browser forget.
    pub fn forget(self) -> Vec<HeaderValue> {
        let each = (0..PARTS_MAX).map(|part| self.header(part, "", Some(0)));
        each.collect::<Result<_, _>>().expect("a name and attributes of ours are a header's value")
    }

    fn header(self, part: usize, value: &str, for_s: Option<u64>) -> Result<HeaderValue, InvalidHeaderValue> {
        HeaderValue::from_str(&cookie(&self.name(part), value, self.secure, SameSite::Strict, for_s))
    }

    fn name(self, part: usize) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        let part = if part == 0 { String::new() } else { format!(".{part}") };
        format!("{prefix}streamwarden_session{part}")
    }
}

/// A cookie as it is set: for this host only, read by no script.
pub(super) fn cookie(name: &str, value: &str, secure: bool, same_site: SameSite, for_s: Option<u64>) -> String {
    let site = match same_site {
        SameSite::Strict => "Strict",
        SameSite::Lax => "Lax",
    };
    let secure = if secure { "; Secure" } else { "" };
    let age = for_s.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    format!("{name}={value}; Path=/; HttpOnly; SameSite={site}{secure}{age}")
}

/// The value of the cookie of that name.
pub(super) fn named<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Twice> {
    let lines = headers.get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Twice),
        (value, None) => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a browser sends that was sent these.
    fn sent_back(set: &[HeaderValue]) -> HeaderMap {
        let pairs = set.iter().map(|set| set.to_str().expect("text").split(';').next().expect("a pair"));
        let kept: Vec<&str> = pairs.filter(|pair| !pair.ends_with('=')).collect();
        [(COOKIE, HeaderValue::from_str(&kept.join("; ")).expect("a header's value"))].into_iter().collect()
    }

    #[test]
    fn a_token_of_any_length_that_fits_comes_back_whole() {
        for (length, parts) in [(1, 1), (3_800, 1), (3_801, 2), (15_200, 4)] {
            for cookie in [SessionCookie::new(true), SessionCookie::new(false)] {
                let token: String = ('a'..='z').cycle().take(length).collect();
                let set = cookie.keep(&token, Some(60)).expect("it fits");
                let headers = sent_back(&set);
                let sent = headers.get(COOKIE).expect("cookies").to_str().expect("text");
                assert_eq!(sent.split("; ").count(), parts);
                assert_eq!(cookie.read(&headers), Ok(Some(token)));
                assert!(set.iter().all(|set| set.len() < 4_096));
            }
        }
        assert!(SessionCookie::new(true).keep(&"a".repeat(15_201), None).is_none());
        for no_cookie in ["", "a b", "a\r\nset-cookie: b", "ä"] {
            assert!(SessionCookie::new(true).keep(no_cookie, None).is_none(), "{no_cookie:?}");
        }
    }

    #[test]
    fn no_script_reads_a_session_and_no_other_site_sends_one() {
        for (secure, first) in [
            (true, "__Host-streamwarden_session=t; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=60"),
            (false, "streamwarden_session=t; Path=/; HttpOnly; SameSite=Strict; Max-Age=60"),
        ] {
            let cookie = SessionCookie::new(secure);
            assert_eq!(cookie.keep("t", Some(60)).expect("it fits")[0], first);
            assert!(!cookie.keep("t", None).expect("it fits")[0].to_str().expect("text").contains("Max-Age"));
            for set in cookie.keep("t", Some(60)).into_iter().flatten().skip(1).chain(cookie.forget()) {
                let set = set.to_str().expect("text");
                assert!(set.contains("=; Path=/; HttpOnly") && set.ends_with("Max-Age=0"), "{set}");
            }
        }
    }

    #[test]
    fn another_name_is_another_cookie_and_two_of_one_name_are_none() {
        let read = |text: &'static str, secure| {
            let headers = [(COOKIE, HeaderValue::from_static(text))].into_iter().collect();
            SessionCookie::new(secure).read(&headers)
        };
        let found = |token: &str| Ok(Some(token.to_owned()));
        assert_eq!(read("a=b; streamwarden_session=t=; c=d", false), found("t="));
        assert_eq!(read("a=b; streamwarden_session=t; c=d", true), Ok(None), "set without TLS");
        assert_eq!(read("xstreamwarden_session=t", false), Ok(None));
        assert_eq!(read("streamwarden_session.1=t", false), Ok(None), "without its beginning");
        assert_eq!(read("streamwarden_session=t; streamwarden_session=u", false), Err(Twice));
        assert_eq!(
            read("streamwarden_session=t; streamwarden_session.1=u; streamwarden_session.1=v", false),
            Err(Twice)
        );
    }
}
