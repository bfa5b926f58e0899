//! Up, ready or not and why, measured.

use std::sync::Arc;

use serde_json::Value;
use streamwarden::providers::ProviderError;
use streamwarden::providers::local::AbsentModel;

use crate::premises::{Premises, json};

fn check<'a>(readiness: &'a Value, name: &str) -> &'a Value {
    let checks = readiness["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no check {name} in {readiness}"))
}

#[actix_rt::test]
async fn a_whole_house_is_up_and_ready_with_nothing_to_complain_of() {
    let premises = Premises::new();
    let live = premises.open().await;
    let (status, health) = json(live.get("/healthz")).await;
    assert_eq!((status, &health["up"]), (200, &Value::Bool(true)));
    let (status, readiness) = json(live.get("/readyz")).await;
    assert_eq!((status, &readiness["ready"]), (200, &Value::Bool(true)), "{readiness}");
    for name in ["journal", "views", "wardens", "enforcement", "provider"] {
        let check = check(&readiness, name);
        assert_eq!((&check["well"], &check["reason"]), (&Value::Bool(true), &Value::Null), "{readiness}");
    }
    live.close().await;
}

#[actix_rt::test]
async fn a_house_without_its_model_is_up_and_says_that_it_is_not_ready() {
    let mut premises = Premises::new();
    premises.judge = Arc::new(AbsentModel::because(&ProviderError::Absent("no weights at some/path".to_owned())));
    let live = premises.open().await;
    assert_eq!(json(live.get("/healthz")).await.0, 200);
    let (status, readiness) = json(live.get("/readyz")).await;
    assert_eq!((status, &readiness["ready"]), (503, &Value::Bool(false)));
    let provider = check(&readiness, "provider");
    assert_eq!(provider["well"], false);
    assert!(provider["reason"].as_str().is_some_and(|reason| !reason.contains("path")), "no detail: {readiness}");
    assert_eq!(check(&readiness, "journal")["well"], true);
    live.close().await;
}

#[actix_rt::test]
async fn a_house_whose_journal_is_closed_is_not_ready() {
    let premises = Premises::new();
    let live = premises.open().await;
    let journal = live.house.journal.clone();
    tokio::task::spawn_blocking(move || journal.close()).await.expect("it closes");
    let (status, readiness) = json(live.get("/readyz")).await;
    assert_eq!((status, &check(&readiness, "journal")["well"]), (503, &Value::Bool(false)), "{readiness}");
    live.close().await;
}

#[actix_rt::test]
async fn measurements_name_what_the_operator_asked_for_and_count_requests_by_operation() {
    let premises = Premises::new();
    let live = premises.open().await;
    json(live.get("/healthz")).await;
    json(live.get("/v1/nothing")).await;
    let answer = live.get("/metrics").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let media = answer.headers()["content-type"].to_str().expect("text").to_owned();
    assert!(media.starts_with("application/openmetrics-text"), "{media}");
    let text = answer.text().await.expect("text");
    for line in [
        "streamwarden_http_requests_total{operation=\"get_health\",status=\"200\"} ",
        "streamwarden_http_requests_total{operation=\"none\",status=\"404\"} ",
        "streamwarden_http_request_seconds_count{operation=\"get_health\"} ",
        "streamwarden_reader_lag_events{reader=\"views\"} 0\n",
        "streamwarden_append_seconds_count ",
        "streamwarden_sync_seconds_count ",
        "streamwarden_warnings_open{severity=\"5\",age=\"under_1m\"} ",
        "streamwarden_mailbox_messages{mailbox=\"wardens\"} ",
        "streamwarden_frames_under_way ",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    live.close().await;
}
