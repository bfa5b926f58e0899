//! Whether a browser may send this request, and read its answer: the page it comes from must be ours or one that the
//! configuration names. Programs other than browsers say nothing of a page, and nothing is asked of them.

use actix_web::http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use actix_web::http::{Method, Uri};

/// The most origins that are configured.
pub const ORIGINS_MAX: usize = 32;

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "http.origins: `{text}` is no origin; expected `https://` (or `http://`), a host and perhaps a port, and no more"
)]
pub struct OriginError {
    text: String,
}

/// The origins from which other people's pages may ask.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct Origins {
    /// Of other people's pages.
    named: Vec<String>,
    /// Of our own, as browsers see it; none: whatever host a request names.
    own: Option<String>,
}

/// Where a request comes from, as its browser says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Page {
    /// Not from a page, or from a page of this server's.
    Ours,
    /// From a page that the configuration names.
    Named,
    /// From some other page.
    Elsewhere,
}

impl Origins {
    pub fn new(texts: &[String]) -> Result<Self, OriginError> {
        match texts.iter().find(|text| !is_origin(text)) {
            Some(text) => Err(OriginError { text: text.clone() }),
            None => Ok(Self { named: texts.to_vec(), own: None }),
        }
    }

    /// The same, of a server whose own pages are of this origin, whatever a proxy before it makes of the host.
    pub fn and_own(self, own: Option<&str>) -> Self {
        Self { own: own.map(str::to_owned), ..self }
    }

    /// Where a request with these headers comes from.
    pub fn of(&self, headers: &HeaderMap) -> Page {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("null"));
        if let Some(origin) = text(ORIGIN) {
            let host = text(HOST).unwrap_or_default();
            let is_host = |of: &str| !host.is_empty() && of.eq_ignore_ascii_case(host);
            let is_own =
                self.own.as_deref() == Some(origin) || origin.split_once("://").is_some_and(|(_, of)| is_host(of));
            return match (self.named.iter().any(|named| named == origin), is_own) {
                (true, _) => Page::Named,
                (false, true) => Page::Ours,
                (false, false) => Page::Elsewhere,
            };
        }
        match text(HeaderName::from_static("sec-fetch-site")) {
            None | Some("same-origin" | "none") => Page::Ours,
            Some(_) => Page::Elsewhere,
        }
    }

    /// Whether these headers *show* that a page of ours sends the request: a browser says so, by one header at least,
    /// and no header says otherwise.
    pub fn show_ours(&self, headers: &HeaderMap) -> bool {
        let site = headers.get(HeaderName::from_static("sec-fetch-site"));
        let says_so = site.is_some() || headers.contains_key(ORIGIN);
        says_so && self.of(headers) == Page::Ours && site.is_none_or(|site| site == "same-origin")
    }
}

/// Whether a method changes nothing, so that a page elsewhere may send it: it still cannot read the answer.
pub(in crate::http) fn is_safe(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD || method == Method::OPTIONS
}

/// Whether the request was sent to this machine by a name that only this machine has. A page elsewhere can have its own
/// name resolved to the loopback, and is then of the same origin as we are; its name is still its own.
pub(in crate::http) fn is_to_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let Ok(authority) = host.parse::<actix_web::http::uri::Authority>() else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Whether a text is an origin: scheme, host and perhaps port, as a browser writes it.
pub(in crate::http) fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    matches!(scheme, "http" | "https")
        && text == format!("{scheme}://{}", authority.as_str().to_ascii_lowercase())
        && !authority.as_str().contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), value.parse().expect("a header's value"))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_page_is_ours_named_or_from_elsewhere() {
        let origins = Origins::new(&["https://desk.example".to_owned()]).expect("an origin");
        use Page::*;
        for (pairs, page) in [
            (&[][..], Ours),
            (&[("host", "a:1"), ("origin", "http://a:1")], Ours),
            (&[("host", "A:1"), ("origin", "https://a:1")], Ours), // TLS ends before us
            (&[("host", "a:1"), ("origin", "http://a:2")], Elsewhere),
            (&[("host", "a"), ("origin", "http://a.example")], Elsewhere),
            (&[("host", "a"), ("origin", "null")], Elsewhere),
            (&[("host", ""), ("origin", "://")], Elsewhere),
            (&[("host", "a"), ("origin", "https://desk.example")], Named),
            (&[("host", "a"), ("origin", "https://desk.example:8443")], Elsewhere),
            (&[("host", "a"), ("origin", "http://desk.example")], Elsewhere),
            (&[("sec-fetch-site", "same-origin")], Ours),
            (&[("sec-fetch-site", "none")], Ours),
            (&[("sec-fetch-site", "same-site")], Elsewhere),
            (&[("sec-fetch-site", "cross-site")], Elsewhere),
        ] {
            assert_eq!(origins.of(&headers(pairs)), page, "{pairs:?}");
        }
    }

    #[test]
    fn a_page_of_ours_is_shown_by_a_header_and_denied_by_none() {
        let origins = Origins::new(&["https://desk.example".to_owned()]).expect("an origin");
        for (pairs, shown) in [
            (&[][..], false),
            (&[("host", "a:1"), ("origin", "http://a:1")], true),
            (&[("host", "a:1"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "a:1"), ("origin", "http://a:1"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "a:1"), ("origin", "http://a:1"), ("sec-fetch-site", "same-site")], false),
            (&[("host", "a:1"), ("origin", "http://b:1"), ("sec-fetch-site", "same-origin")], false),
            (&[("host", "a:1"), ("origin", "https://desk.example")], false),
            (&[("host", "a:1"), ("origin", "null")], false),
            (&[("host", "a:1"), ("sec-fetch-site", "none")], false),
            (&[("host", "a:1"), ("sec-fetch-site", "cross-site")], false),
        ] {
            assert_eq!(origins.show_ours(&headers(pairs)), shown, "{pairs:?}");
        }
        let behind = origins.and_own(Some("https://pages.example"));
        let inside = |origin| headers(&[("host", "10.0.0.7:8642"), ("origin", origin)]);
        assert!(behind.show_ours(&inside("https://pages.example")));
        for other in ["http://pages.example", "https://pages.example:1", "https://desk.example", "https://x.example"] {
            assert!(!behind.show_ours(&inside(other)), "{other}");
        }
    }

    #[test]
    fn only_names_of_the_loopback_are_the_loopback() {
        for (host, is) in [
            ("localhost", true),
            ("LOCALHOST:8642", true),
            ("127.0.0.1:8642", true),
            ("[::1]:8642", true),
            ("localhost.example:8642", false),
            ("127.0.0.1.example", false),
            ("evil.example", false),
            ("10.0.0.1", false),
            ("", false),
        ] {
            assert_eq!(is_to_loopback(&headers(&[("host", host)])), is, "{host}");
        }
        assert!(!is_to_loopback(&headers(&[])));
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        for sound in ["https://desk.example", "http://127.0.0.1:3000"] {
            assert!(Origins::new(&[sound.to_owned()]).is_ok(), "{sound}");
        }
        for wrong in
            ["*", "null", "desk.example", "https://desk.example/", "https://Desk.example", "https://a@b", "ftp://a"]
        {
            assert!(Origins::new(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
