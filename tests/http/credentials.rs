//! Tokens of an issuer: what lets in, what does not, and how often the issuer is asked.

use std::sync::Arc;

use futures_util::future::join_all;
use ring::hmac;
use ring::signature::KeyPair;
use serde_json::{Value, json};
use streamwarden::clock::ManualClock;
use streamwarden::http::auth::config::{AuthConfig, GroupGrant, OidcConfig, Way};
use streamwarden::http::auth::{Authenticator, Permission, Principal, Refusal, Role, Token, tokens_file};
use streamwarden::model::{ChannelId, ChannelPattern, ModeratorId, Timestamp};

use crate::issuer::{Issuer, Keys, base64url};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const NOW_S: i64 = 1_790_000_000;

/// An issuer, and who asks it.
struct Case {
    issuer: Issuer,
    clock: Arc<ManualClock>,
    authenticator: Authenticator,
}

pub fn config(issuer: &Issuer) -> AuthConfig {
    let pattern = |text| ChannelPattern::new(text).expect("a sound pattern");
    let grant = |group: &str, role, on| GroupGrant { group: group.to_owned(), role, channels: vec![pattern(on)] };
    let oidc = OidcConfig {
        issuer: issuer.url.clone(),
        client_ids: vec!["console".to_owned()],
        grants: vec![grant("moderators", Role::Moderator, "demo/*"), grant("everybody", Role::Viewer, "*")],
        ..OidcConfig::default()
    };
    AuthConfig { ways: vec![Way::Oidc], oidc, ..AuthConfig::default() }
}

impl Case {
    fn new() -> Self {
        let issuer = Issuer::start();
        let config = config(&issuer);
        Self::with(issuer, &config)
    }

    fn with(issuer: Issuer, config: &AuthConfig) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let authenticator = Authenticator::open(config, clock.clone()).expect("a sound configuration");
        Self { issuer, clock, authenticator }
    }

    /// The claims of a moderator's access token, as Cognito makes it.
    fn claims(&self) -> Value {
        claims(&self.issuer, NOW_S)
    }

    fn signed(&self, header: Value, claims: &Value) -> String {
        self.issuer.keys.sign(&header, &claims.to_string())
    }

    fn token(&self, change: &[(&str, Value)]) -> String {
        self.signed(json!({ "alg": "ES256", "kid": "ec" }), &changed(self.claims(), change))
    }

    async fn ask(&self, token: &str) -> Result<Principal, Refusal> {
        self.authenticator.authenticate(Some(format!("Bearer {token}").as_bytes())).await
    }
}

/// The claims of a moderator's access token, as Cognito makes it, that was issued a minute before `now_s`.
pub fn claims(issuer: &Issuer, now_s: i64) -> Value {
    json!({
        "iss": issuer.url, "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "client_id": "console", "token_use": "access",
        "cognito:groups": ["moderators", "choir"], "scope": "openid", "version": 2,
        "auth_time": now_s - 60, "iat": now_s - 60, "exp": now_s + 3600,
    })
}

/// Null takes a claim away.
fn changed(mut claims: Value, change: &[(&str, Value)]) -> Value {
    for (name, value) in change {
        let object = claims.as_object_mut().expect("an object");
        match value {
            Value::Null => drop(object.shift_remove(*name)),
            value => drop(object.insert((*name).to_owned(), value.clone())),
        }
    }
    claims
}

#[actix_rt::test]
async fn a_sound_token_lets_in_under_a_pseudonym_with_what_its_groups_are_granted() {
    let case = Case::new();
    let principal = case.ask(&case.token(&[])).await.expect("a sound token");
    let channel = |text| ChannelId::new(text).expect("a sound id");
    assert!(principal.may(Permission::Moderate, &channel("demo/a")));
    assert!(!principal.may(Permission::Moderate, &channel("studio")));
    assert!(!principal.may(Permission::WritePolicy, &channel("demo/a")));
    assert!(principal.id.as_str().starts_with("oidc-") && principal.id.as_str().len() == 21, "{}", principal.id);

    let by_rsa = case.signed(json!({ "alg": "RS256", "kid": "rsa" }), &case.claims());
    assert_eq!(case.ask(&by_rsa).await.expect("a sound token").id, principal.id, "the same person");
    let other = case.ask(&case.token(&[("sub", json!("other"))])).await.expect("a sound token");
    assert_ne!(other.id, principal.id);
    let both = case.token(&[("cognito:groups", json!(["everybody", "moderators"]))]);
    let both = case.ask(&both).await.expect("a sound token");
    assert!(both.may(Permission::Read, &channel("studio")) && !both.may(Permission::Moderate, &channel("studio")));
    // The issuer's clock may differ by the leeway.
    let token = case.token(&[("nbf", json!(NOW_S + 29)), ("iat", json!(NOW_S + 29)), ("exp", json!(NOW_S - 29))]);
    assert!(case.ask(&token).await.is_ok());
    case.issuer.stop().await;
}

#[actix_rt::test]
async fn no_bad_token_lets_in() {
    let case = Case::new();
    let elsewhere = Issuer::start();
    let intruder = Keys::new();
    let claims = case.claims();
    let text = claims.to_string();
    let es256 = || json!({ "alg": "ES256", "kid": "ec" });
    let headed = |change: &[(&str, Value)]| case.signed(changed(es256(), change), &claims);
    let with = |change: &[(&str, Value)]| case.token(change);
    let raw = |payload: &str| case.issuer.keys.sign(&es256(), payload);
    let sound = case.token(&[]);
    let (head, rest) = sound.split_once('.').expect("three parts");
    let (_, signature) = rest.split_once('.').expect("three parts");
    let admin = base64url(changed(claims.clone(), &[("cognito:groups", json!(["everybody"]))]).to_string().as_bytes());
    let hs256 = |secret: &[u8]| {
        let header = json!({ "alg": "HS256", "kid": "ec" }).to_string();
        let message = format!("{}.{}", base64url(header.as_bytes()), base64url(text.as_bytes()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", base64url(tag.as_ref()))
    };
    let unsigned = |alg: &str| {
        let header = json!({ "alg": alg, "kid": "ec" }).to_string();
        format!("{}.{}.", base64url(header.as_bytes()), base64url(text.as_bytes()))
    };
    let own_key = &intruder.set()["keys"][0];
    let by_intruder = |change: &[(&str, Value)]| intruder.sign(&changed(es256(), change), &text);

    use Refusal as R;
    let bad = [
        ("not a token at all", "hello".to_owned(), R::Malformed),
        ("two parts", format!("{head}.{signature}"), R::Malformed),
        ("four parts", format!("{sound}.{signature}"), R::Malformed),
        ("a header that is no base64url", format!("{head}=.{rest}"), R::Malformed),
        ("a header that is no JSON", format!("{}.{rest}", base64url(b"{")), R::Algorithm),
        ("a bearer token of the other way in", format!("sw_{}_{}", "0".repeat(12), "0".repeat(64)), R::Malformed),
        ("a megabyte", format!("{head}.{}.{signature}", "A".repeat(1 << 20)), R::TooLong),
        ("unsigned", unsigned("none"), R::Algorithm),
        ("unsigned, in other letters", unsigned("nOnE"), R::Algorithm),
        ("the method left out", headed(&[("alg", Value::Null)]), R::Algorithm),
        ("HS256 with the public key as its secret", hs256(case.issuer.keys.ec.public_key().as_ref()), R::Algorithm),
        ("HS256 with the key set as its secret", hs256(case.issuer.keys.set().to_string().as_bytes()), R::Algorithm),
        ("ES384 in name", headed(&[("alg", json!("ES384"))]), R::Algorithm),
        ("PS256 in name", headed(&[("alg", json!("PS256")), ("kid", json!("rsa"))]), R::Algorithm),
        ("RS256 by the key of a curve", headed(&[("alg", json!("RS256"))]), R::Algorithm),
        ("ES256 by the RSA key", headed(&[("kid", json!("rsa"))]), R::Algorithm),
        ("no key named", headed(&[("kid", Value::Null)]), R::UnknownKey),
        ("an unknown key named", headed(&[("kid", json!("../../keys"))]), R::UnknownKey),
        ("the key for encryption named", headed(&[("kid", json!("sealing"))]), R::UnknownKey),
        ("something critical that nobody knows", headed(&[("crit", json!(["exp"]))]), R::Malformed),
        ("another's key under the same id", by_intruder(&[]), R::Signature),
        (
            "another's key at an address it brings along",
            by_intruder(&[("jku", json!(format!("{}/keys", elsewhere.url)))]),
            R::Signature,
        ),
        (
            "the same with an id of its own",
            by_intruder(&[("jku", json!(format!("{}/keys", elsewhere.url))), ("kid", json!("mine"))]),
            R::UnknownKey,
        ),
        (
            "a certificate at an address it brings along",
            by_intruder(&[("x5u", json!(format!("{}/keys", elsewhere.url)))]),
            R::Signature,
        ),
        ("another's key brought along itself", by_intruder(&[("jwk", own_key.clone())]), R::Signature),
        ("the payload changed", format!("{head}.{admin}.{signature}"), R::Signature),
        ("the header changed", format!("{}.{rest}", base64url(br#"{"kid":"ec","alg":"ES256"}"#)), R::Signature),
        ("the signature cut off", sound[..sound.len() - 2].to_owned(), R::Signature),
        ("the signature left out", format!("{}.", sound.rsplit_once('.').expect("three parts").0), R::Signature),
        (
            "the signature of zeros",
            format!("{}.{}", sound.rsplit_once('.').expect("parts").0, base64url(&[0; 64])),
            R::Signature,
        ),
        ("an ID token", with(&[("token_use", json!("id")), ("aud", json!("console"))]), R::Use),
        ("of no stated use", with(&[("token_use", Value::Null)]), R::Use),
        ("for another client", with(&[("client_id", json!("game"))]), R::Audience),
        (
            "for another client, with our name as its audience",
            with(&[("client_id", Value::Null), ("aud", json!("console"))]),
            R::Audience,
        ),
        ("of another pool", with(&[("iss", json!(format!("{}/other", case.issuer.url)))]), R::Issuer),
        ("of this pool with a slash", with(&[("iss", json!(format!("{}/", case.issuer.url)))]), R::Issuer),
        ("of no issuer", with(&[("iss", Value::Null)]), R::Issuer),
        ("of two issuers", with(&[("iss", json!([case.issuer.url, "x"]))]), R::Claim("iss")),
        ("expired", with(&[("exp", json!(NOW_S - 30))]), R::Expired),
        ("expired long ago", with(&[("exp", json!(0))]), R::Expired),
        ("that never expires", with(&[("exp", Value::Null)]), R::Claim("exp")),
        ("that expires at a text", with(&[("exp", json!((NOW_S + 3600).to_string()))]), R::Claim("exp")),
        ("that expires before 1970", with(&[("exp", json!(-1))]), R::Claim("exp")),
        ("that expires at infinity", raw(&text.replace(&(NOW_S + 3600).to_string(), "1e400")), R::Claim("claims")),
        ("not valid before a minute from now", with(&[("nbf", json!(NOW_S + 60))]), R::NotYetValid),
        ("issued a minute from now", with(&[("iat", json!(NOW_S + 60))]), R::NotYetValid),
        ("with a claim twice", raw(&text.replacen('{', r#"{"sub":"admin","#, 1)), R::Claim("claims")),
        (
            "with its groups twice",
            raw(&text.replacen('{', r#"{"cognito:groups":["everybody"],"#, 1)),
            R::Claim("claims"),
        ),
        ("whose claims are a list", raw("[]"), R::Claim("claims")),
        ("whose claims are no JSON", raw("{"), R::Claim("claims")),
        ("of nobody", with(&[("sub", Value::Null)]), R::Claim("sub")),
        ("of no group", with(&[("cognito:groups", Value::Null)]), R::NothingGranted),
        ("of a group that is granted nothing", with(&[("cognito:groups", json!(["Moderators"]))]), R::NothingGranted),
        ("of groups that are no texts", with(&[("cognito:groups", json!([["moderators"]]))]), R::Claim("groups")),
        (
            "of groups under another name",
            with(&[("cognito:groups", Value::Null), ("groups", json!(["moderators"]))]),
            R::NothingGranted,
        ),
    ];
    assert!(bad.len() >= 50);
    for (what, token, why) in bad {
        assert_eq!(case.ask(&token).await, Err(why), "a token {what}");
    }
    for (sent, why) in
        [(None, R::Missing), (Some(&b"Bearer"[..]), R::Malformed), (Some(sound.as_bytes()), R::Malformed)]
    {
        assert_eq!(case.authenticator.authenticate(sent).await, Err(why));
    }
    assert!(case.ask(&sound).await.is_ok(), "the control");
    assert_eq!(elsewhere.asked(), 0, "an address in a token was followed");
    assert_eq!(case.issuer.asked(), 1, "within one minute");
    case.issuer.stop().await;
    elsewhere.stop().await;
}

#[actix_rt::test]
async fn a_flood_of_unknown_keys_asks_the_issuer_once_a_minute() {
    let case = Case::new();
    let flood = async || {
        let made_up = |n: usize| case.signed(json!({ "alg": "ES256", "kid": format!("made-up-{n}") }), &case.claims());
        let tokens: Vec<String> = (0..200).map(made_up).collect();
        for refused in join_all(tokens.iter().map(|token| case.ask(token))).await {
            assert_eq!(refused, Err(Refusal::UnknownKey));
        }
        assert!(case.ask(&case.token(&[])).await.is_ok(), "meanwhile others are let in");
        case.issuer.asked()
    };
    assert_eq!(flood().await, 1);
    case.clock.set(NOW.plus_ms(59_999));
    assert_eq!(flood().await, 1);
    case.clock.set(NOW.plus_ms(60_000));
    assert_eq!(flood().await, 2);
    case.issuer.stop().await;
}

#[actix_rt::test]
async fn a_new_key_is_found_and_a_withdrawn_one_is_believed_no_longer_than_an_hour() {
    let case = Case::new();
    let old = case.token(&[("exp", json!(NOW_S + 100_000))]);
    assert!(case.ask(&old).await.is_ok());
    let next = Keys::new();
    let mut set = next.set();
    set["keys"][0]["kid"] = json!("next");
    case.issuer.answer(200, set);
    let new = next.sign(&json!({ "alg": "ES256", "kid": "next" }), &case.claims().to_string());
    assert_eq!(case.ask(&new).await, Err(Refusal::UnknownKey), "the issuer was asked within the minute");
    assert!(case.ask(&old).await.is_ok());
    case.clock.set(NOW.plus_ms(60_000));
    assert!(case.ask(&new).await.is_ok());
    assert_eq!(case.ask(&old).await, Err(Refusal::UnknownKey), "it is no longer in the set");

    case.issuer.answer(200, json!({ "keys": case.issuer.keys.set()["keys"] }));
    let old = case.token(&[("exp", json!(NOW_S + 100_000))]);
    assert!(case.ask(&new).await.is_ok(), "not asked again yet");
    case.clock.set(NOW.plus_ms(60_000 + 60 * 60_000));
    assert_eq!(case.ask(&new).await, Err(Refusal::UnknownKey), "asked again after an hour");
    assert!(case.ask(&old).await.is_ok());
    case.issuer.stop().await;
}

#[actix_rt::test]
async fn an_issuer_that_is_down_locks_nobody_out_for_a_day_and_lets_nobody_in_without_its_keys() {
    let case = Case::new();
    let token = case.token(&[("exp", json!(NOW_S + 1_000_000))]);
    case.issuer.answer(500, "");
    assert_eq!(case.ask(&token).await, Err(Refusal::IssuerUnavailable), "it was never heard of");
    case.issuer.answer(200, case.issuer.keys.set());
    let first = NOW.plus_ms(60_000);
    case.clock.set(first);
    assert!(case.ask(&token).await.is_ok());
    case.issuer.answer(500, "");
    const DAY_MS: u64 = 24 * 60 * 60_000;
    for later_ms in [60 * 60_000, DAY_MS - 1] {
        case.clock.set(first.plus_ms(later_ms));
        assert!(case.ask(&token).await.is_ok(), "{later_ms} ms later");
    }
    case.clock.set(first.plus_ms(DAY_MS + 60_000));
    assert_eq!(case.ask(&token).await, Err(Refusal::IssuerUnavailable));
    case.issuer.stop().await;
}

#[actix_rt::test]
async fn an_issuer_that_answers_something_else_has_no_keys() {
    let issuer = Issuer::start();
    let set = issuer.keys.set();
    let huge = format!("{{\"keys\": [], \"x\": \"{}\"}}", "x".repeat(256 << 10));
    for (status, body) in [
        (302, set.to_string()), // to where the same set is
        (404, set.to_string()),
        (200, huge),
        (200, "<html>".to_owned()),
        (200, json!({ "keys": [] }).to_string()),
        (200, json!({ "keys": [set["keys"][2]] }).to_string()),
    ] {
        issuer.answer(status, &body);
        let clock = Arc::new(ManualClock::at(NOW));
        let authenticator = Authenticator::open(&config(&issuer), clock).expect("a sound configuration");
        let token = issuer.keys.sign(&json!({ "alg": "ES256", "kid": "ec" }), &claims(&issuer, NOW_S).to_string());
        let asked = authenticator.authenticate(Some(format!("Bearer {token}").as_bytes())).await;
        assert_eq!(asked, Err(Refusal::IssuerUnavailable), "{status} {body:.40}");
    }
    assert_eq!(issuer.asked(), 6, "no redirect was followed");
    issuer.stop().await;
}

#[actix_rt::test]
async fn a_discovery_document_of_another_issuer_or_with_a_plain_address_is_not_followed() {
    let elsewhere = Issuer::start();
    let issuer = Issuer::start();
    for document in [
        json!({ "issuer": elsewhere.url, "jwks_uri": format!("{}/keys", issuer.url) }),
        json!({ "issuer": issuer.url, "jwks_uri": "http://keys.example/keys" }),
        json!({ "issuer": issuer.url, "jwks_uri": "file:///etc/passwd" }),
        json!({ "issuer": issuer.url }),
    ] {
        issuer.discover(document.clone());
        let clock = Arc::new(ManualClock::at(NOW));
        let authenticator = Authenticator::open(&config(&issuer), clock).expect("a sound configuration");
        let token = issuer.keys.sign(&json!({ "alg": "ES256", "kid": "ec" }), &claims(&issuer, NOW_S).to_string());
        let asked = authenticator.authenticate(Some(format!("Bearer {token}").as_bytes())).await;
        assert_eq!(asked, Err(Refusal::IssuerUnavailable), "{document}");
    }
    assert_eq!((issuer.asked(), elsewhere.asked()), (0, 0));
    issuer.stop().await;
    elsewhere.stop().await;
}

#[actix_rt::test]
async fn keys_are_taken_from_a_stated_address_without_a_discovery_document() {
    let issuer = Issuer::start();
    issuer.discover(json!(null));
    let mut config = config(&issuer);
    config.oidc.jwks_url = format!("{}/keys", issuer.url);
    let case = Case::with(issuer, &config);
    assert!(case.ask(&case.token(&[])).await.is_ok());
    case.issuer.stop().await;
}

#[actix_rt::test]
async fn both_ways_in_stand_together_and_are_told_apart_by_the_tokens_shape() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tokens.toml");
    let name = ModeratorId::new("exporter").expect("a sound name");
    let (token, secret) =
        Token::create(name, vec![Role::Auditor], vec![ChannelPattern::all()], NOW, None).expect("random bytes");
    tokens_file::add(&path, token).expect("written");
    let issuer = Issuer::start();
    let config = AuthConfig { ways: vec![Way::Tokens, Way::Oidc], tokens_file: path, ..config(&issuer) };
    let case = Case::with(issuer, &config);
    assert_eq!(case.ask(secret.reveal()).await.expect("a sound token").id.as_str(), "exporter");
    assert_eq!(case.issuer.asked(), 0, "the issuer is not asked about our own");
    assert!(case.ask(&case.token(&[])).await.expect("a sound token").id.as_str().starts_with("oidc-"));
    case.issuer.stop().await;
}
