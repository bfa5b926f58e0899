//! Where somebody goes on who has signed in: a path of the pages, and nothing else. A link from elsewhere must not be
//! able to send a person, freshly signed in, to another's door.

use actix_web::http::Uri;

use crate::http::console;

/// The longest. It stands in a cookie beside what an attempt to sign in needs.
const BYTES_MAX: usize = 1_500;

/// A path of the pages, with its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct ReturnTo(String);

impl ReturnTo {
    /// The path if it is one of ours; otherwise the first of the pages. Nobody is told: who followed a wrong link is
    /// signed in all the same.
    pub fn or_home(text: &str) -> Self {
        if is_ours(text) { Self(text.to_owned()) } else { Self("/".to_owned()) }
    }

    /// As it stands in a `Location`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a browser takes the text for a path of this server, however it reads it, and the path is a page's. Browsers
/// take `\` for `/` and leave out tabs and ends of lines, so neither may stand in it.
fn is_ours(text: &str) -> bool {
    let plain = text.len() <= BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let rooted = text.starts_with('/') && !text.starts_with("//");
    let Ok(uri) = text.parse::<Uri>() else { return false };
    plain && rooted && uri.authority().is_none() && uri.scheme().is_none() && console::is_page(uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_ours_is_gone_on_to() {
        for path in [
            "/",
            "/wall",
            "/queue?sort=age&live=true",
            "/cases/42",
            "/channels/demo%2Frehearsal-film",
            "/audit?type=FrameAssessed&at=2026-01-01T00:00:00Z",
            "/decisions/demo%2Fa:1:2",
            "/sign-in",
        ] {
            assert_eq!(ReturnTo::or_home(path).as_str(), path);
        }
        let long = format!("/queue?{}", "a".repeat(BYTES_MAX));
        for other in [
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/ /evil.example",
            "https://evil.example",
            "https:evil.example",
            "https:/evil.example",
            "HTTPS://evil.example/queue",
            "javascript:alert(1)",
            "data:text/html,x",
            "evil.example",
            "@evil.example",
            "queue",
            "./queue",
            "../queue",
            "/%2Fevil.example",
            "/%5Cevil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/queue/..//evil.example",
            "/queue/../../v1/session",
            "/v1/session",
            "/v1/session/oidc?return_to=/queue",
            "/docs",
            "/assets/x.js",
            "/queue\r\nset-cookie: a=b",
            "/queu\u{e9}",
            "/\u{ff0f}evil.example",
            "/wall/paper",
            "",
            "?a",
            "#a",
            long.as_str(),
        ] {
            assert_eq!(ReturnTo::or_home(other).as_str(), "/", "{other:?}");
        }
    }
}
