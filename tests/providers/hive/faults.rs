//! Whatever goes wrong between a picture and its labels is an error of the right kind, and never no labels.

use std::time::Duration;

use serde_json::json;
use streamwarden::providers::hive::{Settings, Showing};
use streamwarden::providers::{Provider, ProviderError};

use super::{APIS, asking, hive, picture, settings};
use crate::hive_standin::{Fault, HiveStandin};

fn body(status: u16, media_type: &str, body: &str) -> Fault {
    Fault::Body { status, media_type: media_type.to_owned(), body: body.to_owned() }
}

fn error(status: u16) -> Fault {
    Fault::Error { status, message: "as scripted".to_owned(), retry_after_s: None }
}

fn score(class: &str, score: serde_json::Value) -> Fault {
    Fault::Score { class: class.to_owned(), score }
}

#[tokio::test]
async fn each_failure_is_an_error_of_its_kind() {
    const JSON: &str = "application/json";
    let deep = "[".repeat(100_000);
    let faults = [
        (error(400), "refused"),
        (error(401), "denied"),
        (error(403), "denied"),
        (error(405), "denied"),
        (error(413), "refused"),
        (error(415), "refused"),
        (error(429), "throttled"),
        (error(408), "unavailable"),
        (error(500), "unavailable"),
        (error(502), "unavailable"),
        (error(503), "unavailable"),
        (body(503, "text/html", "<html>busy</html>"), "unavailable"),
        (body(403, JSON, "{\"return_code\": "), "denied"),
        (body(429, JSON, &"x".repeat(1 << 20)), "throttled"),
        (body(204, JSON, ""), "nonsense"),
        (body(202, JSON, "{}"), "nonsense"),
        (body(200, JSON, "{\"return_code\": 429, \"message\": \"slow down\"}"), "throttled"),
        (body(200, JSON, "{\"return_code\": 500, \"message\": \"\"}"), "unavailable"),
        (body(200, JSON, "{\"return_code\": -1, \"message\": \"\"}"), "nonsense"),
        (body(200, JSON, ""), "nonsense"),
        (body(200, JSON, "null"), "nonsense"),
        (body(200, JSON, "{}"), "nonsense"),
        (body(200, JSON, "not JSON"), "nonsense"),
        (body(200, JSON, &deep), "nonsense"),
        (body(200, "text/html", "<html>a proxy's page</html>"), "nonsense"),
        (Fault::Huge { bytes: 1 << 20 }, "nonsense"),
        (Fault::Cut, "unavailable"),
        (Fault::Redirect { to: "http://127.0.0.1:1/elsewhere".to_owned() }, "nonsense"),
        (Fault::TwoMoments, "nonsense"),
        (score("gun_in_hand", json!(1.5)), "nonsense"),
        (score("gun_in_hand", json!(-0.1)), "nonsense"),
        (score("gun_in_hand", json!("NaN")), "nonsense"),
        (score("gun_in_hand", json!(null)), "nonsense"),
        (score("a/b", json!(0.0)), "nonsense"),
        (score("", json!(0.0)), "nonsense"),
        (score(&"x".repeat(300), json!(0.0)), "nonsense"),
    ];
    for api in APIS {
        let standin = HiveStandin::start();
        let provider = asking(&standin, api);
        for (fault, kind) in &faults {
            standin.script([fault.clone()]);
            let found = provider.assess(picture("gun_in_hand=0.9")).await;
            let error = found.expect_err(&format!("{fault:?}"));
            assert_eq!(error.name(), *kind, "{} {fault:?}: {error}", api.1);
        }
        assert_eq!(standin.world().calls.len(), faults.len(), "each is asked once: who repeats is not the client");
        assert_eq!(standin.world().calls.iter().filter(|call| call.status == 302).count(), 1, "nothing is followed");
    }
}

#[tokio::test]
async fn what_v2_says_inside_of_its_answer_counts() {
    let standin = HiveStandin::start();
    let provider = asking(&standin, APIS[0]);
    let recorded = include_str!("../data/hive-v2-visual-response.json");
    let with = |from: &str, to: &str| {
        assert!(recorded.contains(from));
        body(200, "application/json", &recorded.replacen(from, to, 1))
    };
    let not_done = Fault::NotDone { code: "3".to_owned(), message: "FAILED".to_owned() };
    for (fault, kind) in [
        (not_done, "refused"),
        (with("\"code\": 200", "\"code\": 503"), "unavailable"),
        (with("\"code\": 200", "\"code\": \"200\""), "nonsense"), // a number outside
        (with("\"code\": \"0\"", "\"code\": 0"), "nonsense"),     // a text inside
        (with("\"model_version\": 1,", ""), "nonsense"),
        (with("\"score\": 0.93", "\"score\": 1e999"), "nonsense"),
        (with("\"class\": \"gun_not_in_hand\"", "\"class\": \"gun_in_hand\""), "nonsense"),
        (body(200, "application/json", "{\"code\": 200, \"status\": []}"), "nonsense"),
    ] {
        standin.script([fault.clone()]);
        let error = provider.assess(picture("")).await.expect_err(kind);
        assert_eq!(error.name(), kind, "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn what_is_asked_in_vain_says_why() {
    let standin = HiveStandin::start();
    let provider = asking(&standin, APIS[1]);
    let wait = Fault::Error { status: 429, message: "Too many requests".to_owned(), retry_after_s: Some(7) };
    standin.script([wait]);
    let error = provider.assess(picture("")).await.expect_err("scripted");
    assert_eq!(
        error,
        ProviderError::Throttled("it answered 429, and asks to wait for 7 s: Too many requests".to_owned())
    );
    standin.world().balance = Some(1);
    provider.assess(picture("")).await.expect("one answer is paid for");
    let error = provider.assess(picture("")).await.expect_err("the next is not");
    assert_eq!(
        error.to_string(),
        "the provider refuses us: it answered 405 (the account has no balance for it): Insufficient balance"
    );
    standin.world().balance = None;
    standin.world().calls_max = Some(3);
    assert_eq!(provider.assess(picture("")).await.expect_err("over the limit").name(), "throttled");
}

#[tokio::test]
async fn a_file_that_is_no_picture_is_refused_and_one_too_long_is_not_sent() {
    for api in APIS {
        let standin = HiveStandin::start();
        let provider = asking(&standin, api);
        let garbage = provider.assess(b"not a picture".to_vec().into()).await.expect_err("no picture");
        assert_eq!(garbage.name(), "refused", "{garbage}");
        let long = provider.assess(vec![0; (20 << 20) + 1].into()).await.expect_err("too long");
        assert_eq!(long.name(), "refused", "{long}");
        assert_eq!(standin.world().calls.len(), 1);
    }
}

#[tokio::test]
async fn one_that_hangs_is_unavailable_in_its_time_and_one_that_is_gone_at_once() {
    for api in APIS {
        let standin = HiveStandin::start();
        standin.script([Fault::Hang]);
        let within = Settings { deadline: Duration::from_millis(300), ..settings(&standin, api) };
        let error = hive(&standin, within, Showing::Bytes).assess(picture("")).await.expect_err("it hangs");
        assert_eq!(error, ProviderError::Unavailable("no answer within 300 ms".to_owned()));
        let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("a port");
        let gone = Settings { endpoint: Some(format!("http://{closed}/")), ..settings(&standin, api) };
        let error = hive(&standin, gone, Showing::Bytes).assess(picture("")).await.expect_err("nobody is there");
        assert_eq!(error.name(), "unavailable", "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_speak_of_a_head_that_it_must_is_none() {
    for api in APIS {
        let standin = HiveStandin::start();
        let wanted = Settings { heads: vec!["gun".to_owned()], ..settings(&standin, api) };
        let provider = hive(&standin, wanted, Showing::Bytes);
        provider.assess(picture("")).await.expect("it speaks of all of them");
        standin.script([Fault::Without { head: "gun".to_owned() }]);
        let error = provider.assess(picture("gun_in_hand=0.9")).await.expect_err("scripted");
        assert_eq!(error, ProviderError::Nonsense("an answer that does not speak of gun".to_owned()));
    }
}
