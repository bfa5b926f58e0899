//! What a browser says it can take and already has: `Accept-Encoding` and `If-None-Match` (RFC 9110, sections 12.5.3
//! and 13.1.2), as far as files that never change need it.

use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

/// Whether an answer may be in that encoding: it is named, or `*` is, and not with a weight of nothing.
///
/// Weights beyond that are not compared. Who takes two encodings at all is sent the smaller one.
pub(super) fn is_accepted(encoding: &str, headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).filter_map(|line| line.to_str().ok());
    let offers: Vec<(&str, bool)> = lines.flat_map(|line| line.split(',')).map(offer).collect();
    let said_of = |name: &str| offers.iter().find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, wanted)| *wanted);
    said_of(encoding).or_else(|| said_of("*")).unwrap_or(false)
}

/// An encoding, and whether it is wanted.
fn offer(text: &str) -> (&str, bool) {
    let (name, weight) = text.split_once(';').unwrap_or((text, ""));
    let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
    (name.trim(), weight.is_none_or(|weight| weight > 0.0))
}

/// Whether one of these headers names the tag, or any.
pub(super) fn names_tag<'a>(headers: impl Iterator<Item = &'a HeaderValue>, tag: &str) -> bool {
    let mut named = headers.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim);
    // Compared weakly, as that header is; what is between the quotes has no comma.
    named.any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(text: &'static str) -> HeaderMap {
        [(ACCEPT_ENCODING, HeaderValue::from_static(text))].into_iter().collect()
    }

    #[test]
    fn an_encoding_is_accepted_if_it_is_named_and_not_refused() {
        for (text, brotli, gzip) in [
            ("gzip, deflate, br, zstd", true, true),
            ("GZIP", false, true),
            ("br;q=0.1,gzip;q=0", true, false),
            ("br ; q=0.0, *", false, true),
            ("*;q=0", false, false),
            ("identity", false, false),
            ("brotli", false, false),
            ("", false, false),
        ] {
            let headers = accepting(text);
            assert_eq!((is_accepted("br", &headers), is_accepted("gzip", &headers)), (brotli, gzip), "{text}");
        }
        assert!(!is_accepted("gzip", &HeaderMap::new()));
    }

    #[test]
    fn a_tag_is_known_if_it_is_named_whole() {
        for (text, known) in [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"x\", \"abc\"", true),
            ("*", true),
            ("\"ab\"", false),
            ("abc", false),
            ("", false),
        ] {
            assert_eq!(names_tag([HeaderValue::from_static(text)].iter(), "\"abc\""), known, "{text}");
        }
    }
}
