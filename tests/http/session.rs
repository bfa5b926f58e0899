//! The session of a page: a token kept in cookies, used from pages of ours and from nowhere else, over when the token is.

use std::num::NonZeroU32;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use streamwarden::clock::{Clock, SystemClock};
use streamwarden::http::auth::{Permission, Role, Token, tokens_file};
use streamwarden::http::{Rate, RateConfig};
use streamwarden::model::{ChannelPattern, ModeratorId, Timestamp};

use crate::authorization::{Operation, guarded};
use crate::premises::{Live, json as asked};
use crate::scripted::PATIENCE;

const COOKIE: &str = "streamwarden_session";
/// An origin that the configuration names.
const DESK: &str = "https://desk.example";

async fn sign_in(live: &Live, token: &str) -> Response {
    live.post("/v1/session").json(&json!({ "token": token })).send().await.expect("an answer comes")
}

async fn session(live: &Live, cookie: &str) -> Value {
    let (status, told) = asked(live.get("/v1/session").header("cookie", cookie)).await;
    assert_eq!(status, 200, "{told}");
    told
}

fn cookies(response: &Response) -> Vec<String> {
    response.headers().get_all("set-cookie").iter().map(|set| set.to_str().expect("text").to_owned()).collect()
}

fn pair(token: &str) -> String {
    format!("{COOKIE}={token}")
}

#[actix_rt::test]
async fn who_signs_in_by_a_token_is_known_until_they_sign_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (premises, secrets) = guarded(&folder);
    let live = premises.open().await;
    let nobody = session(&live, "other=1").await;
    assert_eq!(
        (&nobody["ways"], &nobody["caller"], &nobody["undo_ms"]),
        (&json!(["tokens"]), &Value::Null, &json!(60_000))
    );

    let secret = &secrets[&(Role::Moderator, false)];
    let answer = sign_in(&live, &format!(" {secret}\n")).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["cache-control"]),
        (200, &"no-store".parse().expect("a value"))
    );
    let set = cookies(&answer);
    assert_eq!(
        set[0],
        format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict"),
        "as long as the browser is open"
    );
    let told: Value = answer.json().await.expect("JSON");
    assert_eq!((&told["caller"]["id"], &told["expires_at"]), (&json!("Moderator-false"), &Value::Null));
    let permissions = json!(["read", "read_outcome", "moderate", "enforce", "read_evidence"]);
    assert_eq!(
        told["caller"]["grants"],
        json!([{ "role": "moderator", "channels": "own/*", "permissions": permissions }])
    );
    assert_eq!(told["caller"]["permissions"], permissions);

    let again = session(&live, &pair(secret)).await;
    assert_eq!(again["caller"], told["caller"]);
    let read = live.get("/v1/channels").header("cookie", pair(secret)).send().await.expect("an answer comes");
    assert_eq!(read.status().as_u16(), 200);

    let out = live.client.delete(live.url("/v1/session")).header("cookie", pair(secret)).header("origin", live.url(""));
    let out = out.send().await.expect("an answer comes");
    assert_eq!(out.status().as_u16(), 204);
    assert_eq!(out.headers()["clear-site-data"], "\"cache\"", "pictures do not outlive who may see them");
    assert!(cookies(&out).iter().all(|set| set.contains("=; ") && set.ends_with("; Max-Age=0")), "{:?}", cookies(&out));
    assert_eq!(cookies(&out).len(), set.len());
    live.close().await;
}

#[actix_rt::test]
async fn a_token_that_does_not_hold_signs_nobody_in_and_a_session_of_it_is_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let (premises, secrets) = guarded(&folder);
    let live = premises.open().await;
    let made_up = format!("sw_{}_{}", "0".repeat(12), "0".repeat(64));
    for token in [made_up.as_str(), "x", "", "a b", "eyJhbGciOiJub25lIn0.e30.", "t; Path=/"] {
        let answer = sign_in(&live, token).await;
        assert_eq!((answer.status().as_u16(), cookies(&answer).len()), (401, 0), "{token}");
    }
    for body in [json!({}), json!({ "token": 1 }), json!({ "token": "x", "name": "y" })] {
        assert_eq!(asked(live.post("/v1/session").json(&body)).await.0, 400, "{body}");
    }
    let answer = live.get("/v1/session").header("cookie", pair(&made_up)).send().await.expect("an answer comes");
    assert!(cookies(&answer)[0].ends_with("Max-Age=0"));
    let told: Value = answer.json().await.expect("JSON");
    assert_eq!(told["caller"], Value::Null);
    // Two sessions are none: one of them was set by somebody else.
    let secret = &secrets[&(Role::Admin, true)];
    let twice = format!("{}; {}", pair(secret), pair(secret));
    let read = live.get("/v1/channels").header("cookie", &twice).send().await.expect("an answer comes");
    assert_eq!(read.status().as_u16(), 401);
    assert_eq!(session(&live, &twice).await["caller"], Value::Null);
    live.close().await;
}

#[actix_rt::test]
async fn a_header_goes_before_a_session_whether_it_holds_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (premises, secrets) = guarded(&folder);
    let live = premises.open().await;
    let (viewer, admin) = (&secrets[&(Role::Viewer, true)], &secrets[&(Role::Admin, true)]);
    let ask = |authorization: String| {
        live.get("/v1/session").header("cookie", pair(admin)).header("authorization", authorization)
    };
    assert_eq!(asked(ask(format!("Bearer {viewer}"))).await.1["caller"]["id"], "Viewer-true");
    assert_eq!(asked(ask("Bearer x".to_owned())).await.1["caller"], Value::Null);
    let read = live.get("/v1/channels").header("cookie", pair(admin)).bearer_auth("x");
    assert_eq!(asked(read).await.0, 401);
    live.close().await;
}

#[actix_rt::test]
async fn a_revoked_token_ends_the_session_and_one_that_ends_says_when() {
    let folder = tempfile::tempdir().expect("a folder");
    let (premises, _) = guarded(&folder);
    let path = premises.auth.tokens_file.clone();
    let now = SystemClock.now();
    let token = |name: &str, expires| {
        let name = ModeratorId::new(name).expect("a sound name");
        let made = Token::create(name, vec![Role::Viewer], vec![ChannelPattern::all()], Timestamp::default(), expires);
        let (token, secret) = made.expect("random bytes");
        tokens_file::add(&path, token.clone()).expect("written");
        (token, secret.reveal().to_owned())
    };
    let (_, over) = token("over", Some(now));
    let (_, ends) = token("ends", Some(now.plus_ms(3_600_000)));
    let (revoked, secret) = token("revoked", None);
    let live = premises.open().await;

    assert_eq!(sign_in(&live, &over).await.status().as_u16(), 401);
    let answer = sign_in(&live, &ends).await;
    let age = cookies(&answer)[0].rsplit_once("Max-Age=").expect("an age").1.parse::<u64>().expect("a number");
    assert!((1..=3_600).contains(&age), "{age}");
    let told: Value = answer.json().await.expect("JSON");
    assert_eq!(told["expires_at"], serde_json::to_value(now.plus_ms(3_600_000)).expect("a time"));

    assert_eq!(session(&live, &pair(&secret)).await["caller"]["id"], "revoked");
    tokens_file::revoke(&path, &revoked.id).expect("it is there");
    let is_out = async {
        while session(&live, &pair(&secret)).await["caller"] != Value::Null {} // the file is looked at once a second
    };
    tokio::time::timeout(PATIENCE, is_out).await.expect("it is found out");
    let read = live.get("/v1/channels").header("cookie", pair(&secret)).send().await.expect("an answer comes");
    assert_eq!(read.status().as_u16(), 401);
    live.close().await;
}

#[actix_rt::test]
async fn where_browsers_come_by_tls_a_session_goes_over_it_only_and_our_origin_is_that_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut premises, secrets) = guarded(&folder);
    premises.gate.pages.public_url = "https://pages.example".to_owned();
    let live = premises.open().await;
    let secret = &secrets[&(Role::Admin, true)];
    let set = cookies(&sign_in(&live, secret).await);
    assert_eq!(set[0], format!("__Host-{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Secure"));
    assert_eq!(session(&live, &pair(secret)).await["caller"], Value::Null, "a cookie that somebody set without TLS");
    let own = format!("__Host-{COOKIE}={secret}");
    assert_eq!(session(&live, &own).await["caller"]["id"], "Admin-true");
    // A proxy before us may make another host of it: the browser's origin is still the one that is configured.
    for (origin, status) in [("https://pages.example", 405), ("http://pages.example", 403), ("https://x.example", 403)]
    {
        let post = live.post("/v1/journal").header("origin", origin).send().await.expect("an answer comes");
        assert_eq!(post.status().as_u16(), status, "{origin}");
    }
    live.close().await;
}

#[actix_rt::test]
async fn attempts_to_sign_in_are_counted_by_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut premises, secrets) = guarded(&folder);
    let one = NonZeroU32::MIN;
    premises.gate.rates = RateConfig { sign_in: Rate { per_s: one, burst: one }, ..RateConfig::UNLIMITED };
    let live = premises.open().await;
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(sign_in(&live, "x").await.status().as_u16());
    }
    assert!(statuses.contains(&401) && statuses.contains(&429), "{statuses:?}");
    let secret = &secrets[&(Role::Admin, true)];
    assert_eq!(session(&live, &pair(secret)).await["caller"]["id"], "Admin-true", "who is in stays in");
    live.close().await;
}

#[actix_rt::test]
async fn where_nobody_is_asked_everybody_is_in_and_no_cookie_is_set() {
    let live = crate::premises::Premises::new().open().await;
    let told = session(&live, &pair("left-behind")).await;
    assert_eq!((&told["ways"], &told["caller"]["id"]), (&json!(["open"]), &json!("demo")));
    assert!(told["caller"]["permissions"].as_array().expect("a list").contains(&json!("write_policy")));
    let answer = sign_in(&live, "anything").await;
    assert_eq!((answer.status().as_u16(), cookies(&answer).len()), (200, 0));
    let written = live.post("/v1/channels/a/sessions").header("cookie", pair("left-behind"));
    assert_eq!(asked(written.json(&json!({ "session": "st-1" }))).await.0, 200);
    live.close().await;
}

/// What a browser, or a program, says of the page that asks, and what becomes of it: changing something by a session,
/// reading by one, changing something by a header, reading by one.
type Said = (&'static [(&'static str, &'static str)], [Ends; 4]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Passes,
    /// 401: a session counts for nothing here.
    Nobody,
    /// 403.
    Refused,
}

use Ends::{Nobody, Passes, Refused};

/// `OWN` stands for this server's own origin.
const SAID: &[Said] = &[
    (&[], [Refused, Passes, Passes, Passes]), // no browser says nothing; a forged form of an old one might
    (&[("origin", "OWN")], [Passes, Passes, Passes, Passes]),
    (&[("sec-fetch-site", "same-origin")], [Passes, Passes, Passes, Passes]),
    (&[("origin", "OWN"), ("sec-fetch-site", "same-origin")], [Passes, Passes, Passes, Passes]),
    (&[("origin", "OWN"), ("sec-fetch-site", "cross-site")], [Refused, Passes, Passes, Passes]),
    (&[("sec-fetch-site", "none")], [Refused, Passes, Passes, Passes]),
    (&[("sec-fetch-site", "same-site")], [Refused, Nobody, Refused, Passes]),
    (&[("sec-fetch-site", "cross-site")], [Refused, Nobody, Refused, Passes]),
    (&[("origin", "null")], [Refused, Nobody, Refused, Passes]),
    (&[("origin", "http://evil.example")], [Refused, Nobody, Refused, Passes]),
    (&[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")], [Refused, Nobody, Refused, Passes]),
    (&[("origin", DESK)], [Nobody, Nobody, Passes, Passes]),
    (&[("origin", DESK), ("sec-fetch-site", "same-site")], [Nobody, Nobody, Passes, Passes]),
];

#[actix_rt::test]
async fn every_operation_is_done_by_a_session_only_from_a_page_of_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut premises, secrets) = guarded(&folder);
    premises.gate.origins = vec![DESK.to_owned()];
    let live = premises.open().await;
    let (own, secret) = (live.url(""), &secrets[&(Role::Admin, true)]);
    let (mut cells, mut wrong) = (0, Vec::new());
    // Open ones ask nobody, and an external actor's is done by no session and no token.
    let asks = |operation: &Operation| !matches!(operation.permission, Permission::Open | Permission::Decide);
    for operation in Operation::all().into_iter().filter(asks) {
        let reads = operation.method == Method::GET;
        for (said, ends) in SAID {
            for by_session in [true, false] {
                let request = live.client.request(operation.method.clone(), live.url(&operation.path_for("own%2Fa")));
                let request = match by_session {
                    true => request.header("cookie", pair(secret)),
                    false => request.bearer_auth(secret),
                };
                let say = |request: reqwest::RequestBuilder, (name, value): &(&str, &str)| {
                    request.header(*name, if *value == "OWN" { &own } else { *value })
                };
                let status = said.iter().fold(request, say).send().await.expect("an answer comes").status().as_u16();
                let found = match status {
                    401 => Nobody,
                    403 => Refused,
                    _ => Passes,
                };
                let expected = ends[usize::from(!by_session) * 2 + usize::from(reads)];
                if found != expected || status >= 500 {
                    wrong.push(format!("{}, by a session: {by_session}, {said:?}: {status}", operation.id));
                }
                cells += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells > 1_000, "{cells} cells");
    live.close().await;
}

#[actix_rt::test]
async fn no_page_of_another_origin_signs_anybody_in_or_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut premises, secrets) = guarded(&folder);
    premises.gate.origins = vec![DESK.to_owned()];
    let live = premises.open().await;
    let secret = &secrets[&(Role::Admin, true)];
    for origin in [DESK, "https://evil.example", "null"] {
        let into = live.post("/v1/session").json(&json!({ "token": secret }));
        let out = live.client.delete(live.url("/v1/session"));
        for request in [into, out] {
            let answer = request.header("origin", origin).send().await.expect("an answer comes");
            assert_eq!((answer.status().as_u16(), cookies(&answer).len()), (403, 0), "{origin}");
        }
        let looked = live.get("/v1/session").header("cookie", pair(secret)).header("origin", origin);
        assert_eq!(asked(looked).await.1["caller"], Value::Null, "{origin}");
    }
    live.close().await;
}
