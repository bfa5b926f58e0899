//! Reports as pages for people: each one file that loads nothing, runs nothing, and looks the same in light and dark.
//! Every chart has its figures in a table behind it.

mod backtest;
mod chart;
mod frontier;
pub(super) mod words;

use std::fmt::Write;
use std::sync::LazyLock;

use crate::model::Sha256;

pub use backtest::page as backtest;
pub use frontier::page as frontier;

/// The style of a page; no other is applied.
const STYLE: &str = include_str!("page.css");

/// What a page may do, for its own head and for who serves it: show itself, with the one style that has this digest.
pub fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let digest = base64(&Sha256::of(STYLE.as_bytes()).0);
        format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
    });
    &POLICY
}

/// A whole page around its main part.
fn framed(title: &str, main: &str) -> String {
    let mut page = String::with_capacity(main.len() + STYLE.len() + 1024);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{main}</main>\n</body>\n</html>\n",
        content_security_policy(),
        escaped(title),
    );
    page
}

/// Text as it may stand in a page.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// Standard base64 with padding (RFC 4648, section 4), as a policy names a digest.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let all = three.iter().chain([&0, &0]).take(3).fold(0u32, |all, byte| all << 8 | u32::from(*byte));
        for place in 0..4 {
            let digit = DIGITS[(all >> (18 - 6 * place) & 63) as usize];
            text.push(if place > three.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn nothing_in_a_text_becomes_markup() {
        let page = framed("<script>", &escaped("<a href='x'>\"&"));
        assert!(!page.contains("<script>") && page.contains("&lt;a href=&#39;x&#39;&gt;&quot;&amp;"));
    }
}
