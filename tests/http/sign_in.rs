//! Signing in at an issuer: there and back over HTTP, step by step as a browser goes, and everything that can be wrong
//! with what comes back. The issuer is a stand-in that is held to its own rules here too.

use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde_json::{Value, json};
use streamwarden::clock::{Clock, SystemClock};
use streamwarden::http::auth::config::{SignInConfig, TokenUse};

use crate::credentials::{claims, config};
use crate::issuer::Issuer;
use crate::premises::{Live, Premises, json as asked};

/// Where browsers find the pages of these tests: a name that is never resolved, as the test carries what a browser would.
const PAGES: &str = "https://pages.example";
const CALLBACK: &str = "https://pages.example/v1/session/oidc/callback";

/// An issuer, a house whose pages are its client, and a browser that follows nothing by itself.
struct Case {
    issuer: Issuer,
    live: Live,
    browser: Client,
}

/// What a browser has after the first step.
struct Begun {
    cookie: String,
    at_issuer: Url,
}

impl Case {
    async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    async fn with(change: impl FnOnce(&Issuer, &mut Premises)) -> Self {
        let issuer = Issuer::start();
        let mut premises = Premises::new();
        premises.auth = config(&issuer);
        premises.auth.oidc.sign_in = SignInConfig { client_id: "console".to_owned(), ..SignInConfig::default() };
        premises.gate.pages.public_url = PAGES.to_owned();
        change(&issuer, &mut premises);
        let live = premises.open().await;
        let browser = Client::builder().redirect(Policy::none()).build().expect("a client");
        let case = Self { issuer, live, browser };
        case.issuer.signs_in(case.id(&[]), case.access(&[]));
        case
    }

    fn access(&self, change: &[(&str, Value)]) -> Value {
        changed(claims(&self.issuer, SystemClock.now().as_micros() / 1_000_000), change)
    }

    fn id(&self, change: &[(&str, Value)]) -> Value {
        let mut id = self.access(&[("token_use", json!("id")), ("aud", json!("console"))]);
        id.as_object_mut().expect("an object").shift_remove("client_id");
        changed(id, change)
    }

    async fn start(&self, return_to: &str) -> Response {
        let mut url = Url::parse(&self.live.url("/v1/session/oidc")).expect("an address");
        url.query_pairs_mut().append_pair("return_to", return_to);
        self.browser.get(url).send().await.expect("an answer comes")
    }

    async fn begin(&self, return_to: &str) -> Begun {
        let answer = self.start(return_to).await;
        assert_eq!(answer.status().as_u16(), 303);
        let at_issuer = Url::parse(&location(&answer)).expect("an address");
        let set = cookies(&answer);
        assert_eq!(set.len(), 1, "{set:?}");
        assert!(set[0].starts_with("__Host-streamwarden_sign_in="), "{set:?}");
        assert!(set[0].ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"), "{set:?}");
        Begun { cookie: set[0].split(';').next().expect("a pair").to_owned(), at_issuer }
    }

    /// The person signs in; where the issuer sends them.
    async fn consent(&self, begun: &Begun) -> Url {
        let answer = self.browser.get(begun.at_issuer.clone()).send().await.expect("an answer comes");
        assert_eq!(answer.status().as_u16(), 302);
        let back = Url::parse(&location(&answer)).expect("an address");
        assert!(back.as_str().starts_with(&format!("{CALLBACK}?")), "{back}");
        back
    }

    async fn come_back(&self, cookie: &str, back: &Url) -> Response {
        let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
        self.browser.get(self.live.url(&path)).header("cookie", cookie).send().await.expect("an answer comes")
    }

    /// All the way; where it ends.
    async fn sign_in(&self) -> Response {
        let begun = self.begin("/queue").await;
        let back = self.consent(&begun).await;
        self.come_back(&begun.cookie, &back).await
    }

    async fn close(self) {
        self.live.close().await;
        self.issuer.stop().await;
    }
}

fn changed(mut claims: Value, change: &[(&str, Value)]) -> Value {
    for (name, value) in change {
        claims[*name] = value.clone();
    }
    claims
}

fn location(answer: &Response) -> String {
    answer.headers()["location"].to_str().expect("text").to_owned()
}

fn cookies(answer: &Response) -> Vec<String> {
    answer.headers().get_all("set-cookie").iter().map(|set| set.to_str().expect("text").to_owned()).collect()
}

/// Where it ended, and whether a session was begun.
fn ended(answer: &Response) -> (u16, String, bool) {
    let begun = cookies(answer).iter().any(|set| set.starts_with("__Host-streamwarden_session=ey"));
    (answer.status().as_u16(), location(answer), begun)
}

fn failed(problem: &str) -> (u16, String, bool) {
    (303, format!("/sign-in?problem={problem}"), false)
}

fn with(url: &Url, change: &[(&str, Option<&str>)]) -> Url {
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    for (name, value) in change {
        pairs.retain(|(known, _)| known != name);
        pairs.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
    }
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url
}

#[actix_rt::test]
async fn somebody_signs_in_at_the_issuer_and_goes_on_where_they_were() {
    let case = Case::new().await;
    assert_eq!(asked(case.live.get("/v1/session")).await.1["ways"], json!(["oidc"]));
    let begun = case.begin("/channels/demo%2Fa?at=1").await;
    let sent: std::collections::BTreeMap<_, _> = begun.at_issuer.query_pairs().into_owned().collect();
    assert!(begun.at_issuer.as_str().starts_with(&format!("{}/authorize?tenant=t&", case.issuer.url)));
    assert_eq!((sent["client_id"].as_str(), sent["redirect_uri"].as_str()), ("console", CALLBACK));
    assert_eq!((sent["scope"].as_str(), sent["code_challenge_method"].as_str()), ("openid", "S256"));

    let back = case.consent(&begun).await;
    let answer = case.come_back(&begun.cookie, &back).await;
    assert_eq!(ended(&answer), (303, "/channels/demo%2Fa?at=1".to_owned(), true));
    let set = cookies(&answer);
    let session = set.iter().find(|set| set.starts_with("__Host-streamwarden_session=")).expect("a session");
    assert!(session.contains("; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age="), "{session}");
    assert!(
        set.iter().any(|set| set.starts_with("__Host-streamwarden_sign_in=;") && set.ends_with("Max-Age=0")),
        "{set:?}"
    );

    let cookie = session.split(';').next().expect("a pair");
    let told = asked(case.live.get("/v1/session").header("cookie", cookie)).await.1;
    assert!(told["caller"]["id"].as_str().expect("a name").starts_with("oidc-"), "{told}");
    assert_eq!(told["caller"]["grants"][0]["role"], "moderator");
    assert!(told["expires_at"].is_string(), "{told}");
    let read = case.live.get("/v1/channels").header("cookie", cookie).send().await.expect("an answer comes");
    assert_eq!(read.status().as_u16(), 200);
    // What is used up cannot be used again, whoever comes with it.
    assert_eq!(ended(&case.come_back(&begun.cookie, &back).await), failed("refused"));
    case.close().await;
}

#[actix_rt::test]
async fn nobody_is_sent_elsewhere_after_signing_in() {
    let case = Case::new().await;
    for elsewhere in
        ["//evil.example", "/\\evil.example", "https://evil.example", "/%2F%2Fevil.example", "/v1/session", ""]
    {
        let begun = case.begin(elsewhere).await;
        let back = case.consent(&begun).await;
        let answer = case.come_back(&begun.cookie, &with(&back, &[("return_to", Some("//evil.example"))])).await;
        assert_eq!(ended(&answer), (303, "/".to_owned(), true), "{elsewhere:?}");
    }
    let (status, problem) = asked(case.live.get("/v1/session/oidc?return=/queue")).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("malformed")));
    case.close().await;
}

#[actix_rt::test]
async fn what_answers_no_attempt_of_this_browser_signs_nobody_in() {
    let case = Case::new().await;
    let (mine, other) = (case.begin("/queue").await, case.begin("/queue").await);
    let (back, others) = (case.consent(&mine).await, case.consent(&other).await);
    assert_eq!(ended(&case.come_back("", &others).await), failed("expired"), "a browser that began nothing");
    assert_eq!(ended(&case.come_back("__Host-streamwarden_sign_in=x.y", &others).await), failed("expired"));
    let twice = format!("{}; {}", mine.cookie, other.cookie);
    assert_eq!(ended(&case.come_back(&twice, &back).await), failed("expired"), "one of two was planted");
    for (what, url) in [
        ("another's answer", others.clone()),
        ("no state", with(&back, &[("state", None)])),
        ("an empty state", with(&back, &[("state", Some(""))])),
        ("no code", with(&back, &[("code", None)])),
        ("another issuer's answer", with(&back, &[("iss", Some("https://other.example"))])),
        ("an answer of nobody", with(&back, &[("iss", None)])),
        ("a refusal for another", with(&others, &[("error", Some("access_denied"))])),
    ] {
        let answer = case.come_back(&mine.cookie, &url).await;
        assert_eq!(ended(&answer), failed("unknown"), "{what}");
        assert!(cookies(&answer).is_empty(), "{what}: the attempt that is under way goes on");
    }
    // Another's code under our own state: the issuer knows that it was not begun here.
    let code = others.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let injected = case.come_back(&mine.cookie, &with(&back, &[("code", Some(&code))])).await;
    assert_eq!(ended(&injected), failed("refused"));
    assert_eq!(ended(&case.come_back(&mine.cookie, &back).await), (303, "/queue".to_owned(), true), "the control");
    case.close().await;
}

#[actix_rt::test]
async fn what_comes_back_must_hold() {
    let case = Case::new().await;
    let sub = |sub: &str| ("sub", json!(sub));
    let past = json!(1_000_000);
    for (what, id, access, problem) in [
        ("of another attempt", case.id(&[("nonce", json!("made-up"))]), case.access(&[]), "refused"),
        ("for another client", case.id(&[("aud", json!("game"))]), case.access(&[]), "refused"),
        ("of another issuer", case.id(&[("iss", json!("https://other.example"))]), case.access(&[]), "refused"),
        ("expired", case.id(&[("exp", past.clone())]), case.access(&[]), "refused"),
        ("that is missing", Value::Null, case.access(&[]), "refused"),
        ("beside no access token", case.id(&[]), Value::Null, "refused"),
        ("beside an expired access token", case.id(&[]), case.access(&[("exp", past)]), "refused"),
        ("beside another's access token", case.id(&[]), case.access(&[sub("somebody-else")]), "refused"),
        ("beside one for another client", case.id(&[]), case.access(&[("client_id", json!("game"))]), "refused"),
        ("of nobody's group", case.id(&[]), case.access(&[("cognito:groups", json!(["choir"]))]), "no_role"),
    ] {
        case.issuer.signs_in(if id.is_null() { json!({ "nonce": "x", "iss": "x" }) } else { id }, access);
        assert_eq!(ended(&case.sign_in().await), failed(problem), "an ID token {what}");
    }
    case.issuer.signs_in(case.id(&[]), case.access(&[]));
    let begun = case.begin("/queue").await;
    let back = case.consent(&begun).await;
    let denied = with(&back, &[("code", None), ("error", Some("access_denied"))]);
    assert_eq!(ended(&case.come_back(&begun.cookie, &denied).await), failed("denied"));
    for (status, body, problem) in [
        (400, r#"{"error":"invalid_grant"}"#, "refused"),
        (500, "", "unavailable"),
        (200, "<html>", "unavailable"),
        (302, "", "unavailable"),
        (200, r#"{"token_type":"Bearer"}"#, "refused"),
    ] {
        case.issuer.answers_instead(status, body);
        assert_eq!(ended(&case.sign_in().await), failed(problem), "{status} {body}");
    }
    case.close().await;
}

#[actix_rt::test]
async fn id_tokens_are_the_session_where_those_are_accepted_and_a_long_one_is_spread() {
    let case = Case::with(|_, premises| {
        let oidc = &mut premises.auth.oidc;
        (oidc.accepts, oidc.audiences, oidc.client_ids) = (TokenUse::Id, vec!["console".to_owned()], vec![]);
    })
    .await;
    case.issuer.signs_in(case.id(&[("picture", json!("x".repeat(6_000)))]), Value::Null);
    let answer = case.sign_in().await;
    assert_eq!(ended(&answer), (303, "/queue".to_owned(), true));
    let kept: Vec<String> = cookies(&answer)
        .iter()
        .map(|set| set.split(';').next().expect("a pair").to_owned())
        .filter(|pair| !pair.ends_with('='))
        .collect();
    assert_eq!(kept.len(), 3, "a token of {} bytes", kept.concat().len());
    let told = asked(case.live.get("/v1/session").header("cookie", kept.join("; "))).await.1;
    assert_eq!(told["caller"]["grants"][0]["role"], "moderator");
    case.issuer.signs_in(case.id(&[("picture", json!("x".repeat(11_500)))]), Value::Null);
    assert_eq!(ended(&case.sign_in().await), failed("too_long"));
    case.close().await;
}

#[actix_rt::test]
async fn a_client_with_a_secret_says_it_as_the_issuer_wants_it() {
    for in_header in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        std::fs::write(&file, "s3cret\n").expect("written");
        let case = Case::with(|issuer, premises| {
            issuer.wants_secret("s3cret", in_header);
            premises.auth.oidc.sign_in.client_secret_file = file.clone();
        })
        .await;
        assert_eq!(ended(&case.sign_in().await), (303, "/queue".to_owned(), true), "in a header: {in_header}");
        case.issuer.wants_secret("another", in_header);
        assert_eq!(ended(&case.sign_in().await), failed("refused"), "in a header: {in_header}");
        case.close().await;
    }
}

#[actix_rt::test]
async fn an_issuer_that_is_not_there_is_said_and_one_that_is_not_configured_is_no_way() {
    let case = Case::with(|issuer, _| issuer.discover(json!({ "issuer": issuer.url }))).await;
    let answer = case.start("/queue").await;
    assert_eq!((ended(&answer), cookies(&answer).len()), (failed("unavailable"), 0));
    case.close().await;
    let case = Case::with(|_, premises| premises.auth.oidc.sign_in = SignInConfig::default()).await;
    assert_eq!(asked(case.live.get("/v1/session")).await.1["ways"], json!(["tokens"]), "its tokens are handed in");
    for path in ["/v1/session/oidc", "/v1/session/oidc/callback?code=a&state=b"] {
        assert_eq!(asked(case.live.get(path)).await.0, 404, "{path}");
    }
    case.close().await;
}

/// The stand-in keeps the rules that the tests above lean on.
#[actix_rt::test]
async fn the_issuer_gives_tokens_once_to_who_began_and_for_where_they_asked() {
    let issuer = Issuer::start();
    issuer.signs_in(json!({ "sub": "a" }), json!({ "sub": "a" }));
    let browser = Client::builder().redirect(Policy::none()).build().expect("a client");
    // RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let code = async || {
        let address = format!(
            "{}/authorize?response_type=code&client_id=c&redirect_uri=http://127.0.0.1/x&scope=openid&state=s&nonce=n\
             &code_challenge={challenge}&code_challenge_method=S256",
            issuer.url
        );
        let back = Url::parse(&location(&browser.get(address).send().await.expect("an answer"))).expect("an address");
        back.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned()
    };
    let exchange = async |code: &str, redirect_uri: &str, verifier: &str, client: &str| {
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}&code_verifier={verifier}\
             &client_id={client}"
        );
        let request = browser.post(format!("{}/token", issuer.url)).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.send().await.expect("an answer comes").status().as_u16()
    };
    let right = "http://127.0.0.1/x";
    let used = code().await;
    assert_eq!(exchange(&used, right, verifier, "c").await, 200);
    assert_eq!(exchange(&used, right, verifier, "c").await, 400, "used up");
    assert_eq!(exchange("made-up", right, verifier, "c").await, 400);
    assert_eq!(exchange(&code().await, "http://127.0.0.1/y", verifier, "c").await, 400, "for another place");
    assert_eq!(exchange(&code().await, right, &verifier.replace('d', "e"), "c").await, 400, "another verifier");
    assert_eq!(exchange(&code().await, right, verifier, "d").await, 401, "another client");
    issuer.stop().await;
}
