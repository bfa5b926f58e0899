//! The moderators' and auditors' pages: one document for every path of theirs, and the files it names, embedded in the
//! program. Knows no data: what a page shows, it asks the API for, as its caller.
//!
//! These routes stand beside those of the API and not in its description: a path here is for a browser's address line.

mod encoding;
mod files;

use std::future::ready;

use actix_web::http::Method;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, VARY,
};
use actix_web::{HttpRequest, HttpResponse};

use super::auth::Permission;
use super::problem::Problem;
use super::route::Route;
use files::{File, Files};

/// The paths of the pages. What stands behind a noun is the page's own affair: it asks the API whether there is such a
/// thing.
const PAGES: &[&str] = &[
    "/",
    "/wall",
    "/queue",
    "/queue/{rest:.*}",
    "/cases",
    "/cases/{rest:.*}",
    "/channels",
    "/channels/{rest:.*}",
    "/audit",
    "/audit/{rest:.*}",
    "/decisions",
    "/decisions/{rest:.*}",
    "/policies",
    "/policies/{rest:.*}",
    "/overview",
    "/arena",
    "/settings",
    "/sign-in",
];

/// Where the files are that a page names.
const ASSETS: &str = "/assets/";
/// Characters of the digest that the build puts before the ending of a name, after a dash.
const DIGEST_CHARS: usize = 8;

/// What a page may do: show itself and ask this server. No script or style but from here, none inline, no frame around
/// it, nothing sent elsewhere, and no text becomes script.
const MAY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
    font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'";

/// What a browser could offer a page and these do not want.
const OFFERS_DECLINED: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), \
    fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), \
    picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), usb=(), web-share=(), xr-spatial-tracking=()";

/// Asked again each time whether it is still the one: it names the files of this version.
const ASK_AGAIN: &str = "no-cache";
/// Never asked again: another content has another name.
const FOR_A_YEAR: &str = "public, max-age=31536000, immutable";

/// What stands where the pages would, in a program that was built without them. It has no style and no script.
const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Streamwarden</title>\
    <h1>The pages are not in this program</h1>\
    <p>It was built without them. <code>make web</code> builds them (it needs Node), and the next build of the program \
    takes them in; <code>make demo</code> does both.\
    <p>The API answers: <a href=/docs>what it can be asked</a>.\n";

/// Every route of the pages.
pub(in crate::http) fn routes() -> Vec<Route> {
    let pages = PAGES.iter().flat_map(|path| reads(path, "get_page", page));
    let assets = reads("/assets/{name:.*}", "get_page_file", asset);
    let beside = Files::embedded().paths().filter(|path| !path.starts_with(ASSETS) && *path != files::PAGE);
    let beside = beside.flat_map(|path| reads(path, "get_page_file", file_beside));
    pages.chain(assets).chain(beside).collect()
}

/// Whether the pages are in this program.
pub fn has_pages() -> bool {
    Files::embedded().page().is_some()
}

/// How a page is asked for.
type Answers = fn(&HttpRequest) -> Result<HttpResponse, Problem>;

/// Whether a path, without its query, is one of the pages'.
pub(in crate::http) fn is_page(path: &str) -> bool {
    let plain = !path.split('/').any(|part| matches!(part, "." | ".."));
    plain
        && PAGES.iter().any(|page| match page.strip_suffix("{rest:.*}") {
            Some(begins) => path.starts_with(begins),
            None => path == *page,
        })
}

/// GET and HEAD of a path.
fn reads(path: &'static str, id: &'static str, answers: Answers) -> [Route; 2] {
    let handler = move |request: HttpRequest| ready(answers(&request));
    [Method::GET, Method::HEAD].map(|method| Route::unlisted(method, path, id, Permission::Open).to(handler))
}

fn page(request: &HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(page_of(Files::embedded(), request))
}

fn page_of(files: &Files, request: &HttpRequest) -> HttpResponse {
    let Some(page) = files.page() else {
        return HttpResponse::NotFound()
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .insert_header((CACHE_CONTROL, ASK_AGAIN))
            .body(NOT_BUILT);
    };
    answer(page, ASK_AGAIN, request)
}

fn asset(request: &HttpRequest) -> Result<HttpResponse, Problem> {
    asset_of(Files::embedded(), request)
}

fn asset_of(files: &Files, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let name = request.path();
    let file = files.named(name).filter(|_| name.starts_with(ASSETS));
    let cache = if is_named_for_its_content(name) { FOR_A_YEAR } else { ASK_AGAIN };
    file.map(|file| answer(file, cache, request)).ok_or_else(|| Problem::not_found("file of the pages"))
}

/// Whether another content would have another name: `/assets/index-B4c_x9Qz.js`.
fn is_named_for_its_content(path: &str) -> bool {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let Some(at) = stem.len().checked_sub(DIGEST_CHARS + 1) else { return false };
    let is_digest = |digest: &str| digest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    stem.get(at..).and_then(|end| end.strip_prefix('-')).is_some_and(is_digest)
}

/// A file beside the page: its icon, its manifest. Its name stays when its content changes.
fn file_beside(request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let file = Files::embedded().named(request.path());
    file.map(|file| answer(file, ASK_AGAIN, request)).ok_or_else(|| Problem::not_found("file of the pages"))
}

fn answer(file: &File, cache: &'static str, request: &HttpRequest) -> HttpResponse {
    let encoded = file.best(|encoding| encoding::is_accepted(encoding, request.headers()));
    let is_known = encoding::names_tag(request.headers().get_all(IF_NONE_MATCH), &encoded.tag);
    let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = HttpResponse::build(status);
    response
        .insert_header((ETAG, encoded.tag.as_str()))
        .insert_header((CACHE_CONTROL, cache))
        .insert_header((VARY, "accept-encoding"))
        .insert_header((CONTENT_SECURITY_POLICY, MAY))
        .insert_header((HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .insert_header((HeaderName::from_static("permissions-policy"), OFFERS_DECLINED));
    if is_known {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, file.media));
    if let Some(encoding) = encoded.encoding {
        response.insert_header((CONTENT_ENCODING, encoding));
    }
    response.body(encoded.bytes)
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;
    use actix_web::test::TestRequest;

    use super::*;

    fn asked(path: &str, headers: &[(&'static str, &str)]) -> HttpRequest {
        let request = TestRequest::get().uri(path);
        headers.iter().fold(request, |request, header| request.insert_header(*header)).to_http_request()
    }

    fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
    }

    fn body(response: HttpResponse) -> Vec<u8> {
        response.into_body().try_into_bytes().expect("it is whole").to_vec()
    }

    #[test]
    fn a_page_comes_in_the_smallest_encoding_that_is_accepted_each_with_a_tag_of_its_own() {
        let files = files::made_up();
        let mut tags = std::collections::BTreeSet::new();
        for (accepted, encoding, bytes) in [
            ("gzip, br", "br", &b"page in br"[..]),
            ("gzip", "gzip", b"page in gzip"),
            ("br;q=0, gzip;q=0", "", b"<!doctype html>"),
        ] {
            let page = page_of(&files, &asked("/wall", &[("accept-encoding", accepted)]));
            assert_eq!((page.status().as_u16(), header(&page, "content-encoding")), (200, encoding));
            assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
            assert_eq!((header(&page, "cache-control"), header(&page, "vary")), ("no-cache", "accept-encoding"));
            assert!(tags.insert(header(&page, "etag").to_owned()), "{accepted}: the tag of other bytes");
            assert_eq!(body(page), bytes);
        }
    }

    #[test]
    fn a_page_that_is_known_is_not_sent_again_and_one_in_another_encoding_is() {
        let files = files::made_up();
        let page = page_of(&files, &asked("/", &[("accept-encoding", "br")]));
        let tag = header(&page, "etag");
        let again = page_of(&files, &asked("/", &[("accept-encoding", "br"), ("if-none-match", tag)]));
        assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, tag));
        assert!(header(&again, "content-security-policy").contains("script-src 'self'"));
        assert!(body(again).is_empty());
        let other = page_of(&files, &asked("/", &[("accept-encoding", "gzip"), ("if-none-match", tag)]));
        assert_eq!(other.status().as_u16(), 200);
    }

    #[test]
    fn an_asset_is_kept_for_a_year_and_one_that_is_not_there_is_a_problem() {
        let files = files::made_up();
        let script =
            asset_of(&files, &asked("/assets/a-B4c_x9Qz.js", &[("accept-encoding", "br, gzip")])).expect("it is");
        assert_eq!(header(&script, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(
            (header(&script, "content-type"), header(&script, "content-encoding")),
            ("text/javascript; charset=utf-8", "gzip")
        );
        for path in
            ["/assets/", "/assets/b.js", "/assets/../index.html", "/assets/a-B4c_x9Qz.js/", "/icon.svg", "/index.html"]
        {
            assert!(asset_of(&files, &asked(path, &[])).is_err(), "{path}");
        }
    }

    #[test]
    fn nothing_inline_and_nothing_from_elsewhere_may_run_in_a_page() {
        for loose in ["unsafe-inline", "unsafe-eval", "http:", "https:", "data:", "*"] {
            assert!(!MAY.contains(loose), "{loose}");
        }
        for strict in
            ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"]
        {
            assert!(MAY.contains(strict), "{strict}");
        }
    }

    #[test]
    fn a_program_without_the_pages_says_how_they_are_built() {
        let page = page_of(&Files::default(), &asked("/", &[]));
        assert_eq!(page.status().as_u16(), 404);
        assert!(String::from_utf8(body(page)).expect("text").contains("make web"));
    }
}
