//! The pages as a browser gets them: every path of theirs is the one document, with what it may do; what is no path of
//! theirs stays the API's. Built or not: a program without them says how they are built.

use std::path::Path;

use reqwest::header::HeaderMap;
use reqwest::{Method, Response};
use serde_json::Value;

use crate::premises::{Live, Premises, json};

/// Every kind of path that a link of the pages may have.
const PATHS: &[&str] = &[
    "/",
    "/wall",
    "/queue",
    "/queue/next",
    "/cases/18446744073709551615",
    "/cases/3/frames",
    "/channels/demo%2Frehearsal-film",
    "/audit?type=FrameAssessed",
    "/decisions/demo%2Fa:1:2",
    "/policies/house@3/edit",
    "/overview",
    "/arena?wanted=95",
    "/settings",
    "/sign-in?problem=expired",
];

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

/// The headers that are the same each time.
fn lasting(response: &Response) -> HeaderMap {
    let mut headers = response.headers().clone();
    headers.remove("date");
    headers.remove("x-request-id");
    headers
}

async fn send(live: &Live, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = live.client.request(method, live.url(path));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.expect("an answer comes")
}

#[actix_rt::test]
async fn every_path_of_the_pages_is_the_one_document_with_what_it_may_do() {
    let built = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("web/dist/index.html")).ok();
    assert_eq!(streamwarden::http::has_pages(), built.is_some(), "the program has what was built");
    let premises = Premises::new();
    let live = premises.open().await;
    for path in PATHS {
        let head = send(&live, Method::HEAD, path, &[]).await;
        let page = send(&live, Method::GET, path, &[]).await;
        assert_eq!(head.status(), page.status(), "{path}");
        assert_eq!(lasting(&head), lasting(&page), "{path}");
        assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(header(&page, "cache-control"), "no-cache", "{path}");
        assert_eq!(header(&page, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&page, "set-cookie"), "", "{path}");
        let policy = header(&page, "content-security-policy").to_owned();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        if let Some(built) = &built {
            assert_eq!(page.status().as_u16(), 200, "{path}");
            assert!(policy.contains("script-src 'self';"), "{path}: {policy}");
            assert_eq!(header(&page, "cross-origin-opener-policy"), "same-origin", "{path}");
            assert!(header(&page, "permissions-policy").contains("camera=()"), "{path}");
            assert_eq!(page.bytes().await.expect("the body comes"), built, "{path}");
        } else {
            assert_eq!(page.status().as_u16(), 404, "{path}");
            assert!(page.text().await.expect("text").contains("make web"), "{path}");
        }
        assert_eq!(head.text().await.expect("no body"), "", "{path}");
    }
    live.close().await;
}

#[actix_rt::test]
async fn a_page_that_the_browser_has_is_not_sent_again() {
    if !streamwarden::http::has_pages() {
        return; // there is nothing to have; what is tested is tested without a server as well
    }
    let premises = Premises::new();
    let live = premises.open().await;
    let page = send(&live, Method::GET, "/queue", &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(header(&page, "content-encoding"), "br");
    let tag = header(&page, "etag").to_owned();
    let again = [("accept-encoding", "br, gzip"), ("if-none-match", tag.as_str())];
    for path in ["/queue", "/wall"] {
        assert_eq!(send(&live, Method::GET, path, &again).await.status().as_u16(), 304, "{path}");
    }
    let names: Vec<&str> = page.headers().get_all("vary").iter().map(|value| value.to_str().expect("text")).collect();
    assert_eq!(names, ["accept-encoding", "origin"]);
    live.close().await;
}

#[actix_rt::test]
async fn what_is_no_path_of_the_pages_stays_a_problem() {
    let premises = Premises::new();
    let live = premises.open().await;
    for path in [
        "/v1/nope",
        "/v1",
        "/v1/",
        "/assets",
        "/assets/",
        "/assets/no-such1.js",
        "/assets/..%2findex.html",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/index.html",
        "/wallpaper",
        "/wall/paper",
        "/sign-in/twice",
    ] {
        let (status, problem) = json(live.get(path)).await;
        assert_eq!((status, problem["code"].as_str()), (404, Some("not_found")), "{path}");
    }
    let (status, problem) = json(live.post("/queue")).await;
    assert_eq!((status, problem["code"].as_str()), (405, Some("method_not_allowed")));
    live.close().await;
}

#[test]
fn the_description_of_the_api_has_no_page() {
    let document: Value = serde_json::from_str(&streamwarden::http::openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.keys().all(|path| !path.starts_with("/assets") && path != "/queue" && path != "/"), "{paths:?}");
}
