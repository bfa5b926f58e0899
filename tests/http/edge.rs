//! What every request meets and every answer carries.

use reqwest::{Method, Response};
use streamwarden::http::{GateConfig, Rate, RateConfig};

use crate::premises::{Live, Premises, json};

async fn send(live: &Live, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = live.client.request(method, live.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer comes")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

#[actix_rt::test]
async fn every_answer_whatever_it_is_carries_the_headers_and_an_id_of_its_own() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut ids = std::collections::BTreeSet::new();
    for (method, path, status) in [
        (Method::GET, "/v1/journal", 200),
        (Method::GET, "/openapi.json", 200),
        (Method::GET, "/docs", 200),
        (Method::GET, "/v1/nothing", 404),
        (Method::DELETE, "/v1/journal", 405),
        (Method::TRACE, "/v1/journal", 405),
        (Method::OPTIONS, "/v1/journal", 405),
    ] {
        let answer = send(&live, method.clone(), path, &[]).await;
        let about = format!("{method} {path}");
        assert_eq!(answer.status().as_u16(), status, "{about}");
        let policy = header(&answer, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{about}: {policy}"
        );
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{about}");
        assert_eq!(header(&answer, "referrer-policy"), "no-referrer", "{about}");
        assert_eq!(header(&answer, "cross-origin-resource-policy"), "same-origin", "{about}");
        assert!(answer.headers().contains_key("cache-control"), "{about}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{about}");
        assert!(ids.insert(header(&answer, "x-request-id").to_owned()), "{about}: the id was there before");
    }
    live.close().await;
}

#[actix_rt::test]
async fn another_method_is_told_which_there_are_in_body_and_header() {
    let premises = Premises::new();
    let live = premises.open().await;
    let answer = send(&live, Method::POST, "/v1/journal", &[]).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "allow")), (405, "GET"));
    live.close().await;
}

#[actix_rt::test]
async fn an_open_server_answers_by_names_of_this_machine_only() {
    let premises = Premises::new();
    let live = premises.open().await;
    let port = live.server.address().port();
    for (host, status) in [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        (format!("rebound.example:{port}"), 403),
        ("169.254.169.254".to_owned(), 403),
    ] {
        let answer = send(&live, Method::GET, "/v1/journal", &[("host", &host)]).await;
        assert_eq!(answer.status().as_u16(), status, "{host}");
    }
    live.close().await;
}

#[actix_rt::test]
async fn a_page_of_another_origin_may_write_nothing_and_read_nothing() {
    let premises = Premises::new();
    let live = premises.open().await;
    let own = live.url("");
    for (headers, status) in [
        (vec![("origin", own.as_str())], 405), // past the edge: the path takes no POST
        (vec![("origin", "http://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("sec-fetch-site", "same-origin")], 405),
        (vec![("origin", own.as_str()), ("sec-fetch-site", "same-origin")], 405),
    ] {
        let answer = send(&live, Method::POST, "/v1/journal", &headers).await;
        assert_eq!(answer.status().as_u16(), status, "{headers:?}");
    }
    let read = send(&live, Method::GET, "/v1/journal", &[("origin", "http://evil.example")]).await;
    assert_eq!((read.status().as_u16(), header(&read, "access-control-allow-origin")), (200, ""));
    let asked = [("origin", "http://evil.example"), ("access-control-request-method", "POST")];
    let preflight = send(&live, Method::OPTIONS, "/v1/journal", &asked).await;
    assert_eq!((preflight.status().as_u16(), header(&preflight, "access-control-allow-origin")), (405, ""));
    live.close().await;
}

#[actix_rt::test]
async fn a_page_whose_origin_is_named_may_read_and_write() {
    let mut premises = Premises::new();
    premises.gate.origins = vec!["https://desk.example".to_owned()];
    let live = premises.open().await;
    let asked = [("origin", "https://desk.example"), ("access-control-request-method", "POST")];
    let preflight = send(&live, Method::OPTIONS, "/v1/journal", &asked).await;
    assert_eq!(preflight.status().as_u16(), 204);
    assert_eq!(header(&preflight, "access-control-allow-origin"), "https://desk.example");
    assert!(header(&preflight, "access-control-allow-headers").contains("authorization"));
    assert_eq!(header(&preflight, "vary"), "origin");
    let read = send(&live, Method::GET, "/v1/journal", &[("origin", "https://desk.example")]).await;
    assert_eq!(header(&read, "access-control-allow-origin"), "https://desk.example");
    assert_eq!(header(&read, "access-control-allow-credentials"), "");
    let exposed = header(&read, "access-control-expose-headers");
    assert!(
        exposed.contains("streamwarden-next") && exposed.contains("streamwarden-places"),
        "an export goes on there"
    );
    let other = send(&live, Method::GET, "/v1/journal", &[("origin", "https://desk.example:1")]).await;
    assert_eq!(header(&other, "access-control-allow-origin"), "");
    live.close().await;
}

#[actix_rt::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let one = std::num::NonZeroU32::MIN;
    let few = Rate { per_s: one, burst: one };
    for rates in
        [RateConfig { address: few, ..RateConfig::UNLIMITED }, RateConfig { read: few, ..RateConfig::UNLIMITED }]
    {
        let mut premises = Premises::new();
        premises.gate = GateConfig { rates, ..premises.gate };
        let live = premises.open().await;
        let (mut passed, mut limited) = (0, 0);
        for _ in 0..20 {
            let answer = live.get("/v1/journal").send().await.expect("an answer comes");
            match answer.status().as_u16() {
                200 => passed += 1,
                429 => {
                    assert_eq!(header(&answer, "retry-after"), "1");
                    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
                    let problem: serde_json::Value = answer.json().await.expect("a problem");
                    assert_eq!(problem["code"], "too_many");
                    limited += 1;
                }
                other => panic!("{other}"),
            }
        }
        assert!(passed >= 1 && limited >= 1, "{passed} passed, {limited} were limited");
        // The limit is on who reads, not on the machine: what asks nobody is still there unless the address is limited.
        if rates.read == few {
            assert_eq!(json(live.get("/openapi.json")).await.0, 200);
        }
        live.close().await;
    }
}
