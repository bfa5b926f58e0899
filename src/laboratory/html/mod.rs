//! Reports as pages for people: each one file that loads nothing, runs nothing, and looks the same in light and dark.
//! Every chart has its figures in a table behind it.

mod backtest;
mod chart;
mod frontier;
pub(super) mod words;

use std::fmt::Write;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::model::Sha256;

pub use backtest::page as backtest;
pub use frontier::page as frontier;

/// The style of a page; no other is applied.
const STYLE: &str = include_str!("page.css");

/// What a page may do, for its own head and for who serves it: show itself, with the one style that has this digest.
pub fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let digest = STANDARD.encode(Sha256::of(STYLE.as_bytes()).0);
        format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
    });
    &POLICY
}

/// A whole page around its main part.
pub(super) fn framed(title: &str, main: &str) -> String {
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

/// Text as it may stand in a page: nothing in it becomes markup.
pub fn escaped(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_becomes_markup() {
        let page = framed("<script>", &escaped("<a href='x'>\"&"));
        assert!(!page.contains("<script>") && page.contains("&lt;a href=&#39;x&#39;&gt;&quot;&amp;"));
    }
}
