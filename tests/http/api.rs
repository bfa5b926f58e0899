//! The API described by itself, and what every route has in common.

use std::path::Path;

use serde_json::Value;

use crate::premises::{Premises, json};

#[test]
fn the_description_committed_is_the_one_generated() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/openapi.json");
    let generated = streamwarden::http::openapi();
    if std::env::var_os("STREAMWARDEN_REGENERATE").is_some() {
        std::fs::write(&path, &generated).expect("writing");
    }
    let committed = std::fs::read_to_string(&path).expect("schemas/openapi.json is there");
    assert!(
        committed == generated,
        "schemas/openapi.json is not what the routes say; run `make schemas` and look at the difference"
    );
}

#[test]
fn every_operation_has_an_id_of_its_own_a_summary_and_a_permission() {
    let document: Value = serde_json::from_str(&streamwarden::http::openapi()).expect("JSON");
    let mut ids = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id.to_owned()), "{id} stands twice");
            assert!(!operation["summary"].as_str().expect("a summary").is_empty(), "{method} {path} has no summary");
            assert!(operation["x-permission"].is_string(), "{method} {path} states no permission");
        }
    }
}

#[actix_rt::test]
async fn the_description_is_served_and_there_is_a_page_of_it() {
    let premises = Premises::new();
    let live = premises.open().await;
    let (status, served) = json(live.get("/openapi.json")).await;
    assert_eq!((status, served["openapi"].as_str()), (200, Some("3.1.0")));
    let page = live.get("/docs").send().await.expect("a page").text().await.expect("text");
    assert!(page.contains("get_journal") && page.contains("/v1/journal"), "{page}");
    let (prose, _) = page.split_once("<section id=schemas>").expect("schemas at the end");
    assert!(!prose.contains('`'), "what stands between backticks is shown as code");
    let problems = served["components"]["responses"].as_object().expect("problems that many routes have");
    for name in problems.keys() {
        let (link, place) = (format!("<a href='#problem-{name}'>"), format!("<tr id='problem-{name}'>"));
        assert!(page.contains(&link) && page.matches(&place).count() == 1, "{name} is said once, and linked to");
    }
    live.close().await;
}

#[actix_rt::test]
async fn a_path_or_method_that_is_not_there_is_a_problem_that_says_so() {
    let premises = Premises::new();
    let live = premises.open().await;
    let (status, problem) = json(live.get("/v1/nothing")).await;
    assert_eq!((status, problem["code"].as_str()), (404, Some("not_found")));
    let (status, problem) = json(live.get("/v1/channels?limt=3")).await;
    assert_eq!(status, 400);
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.starts_with("query: unknown field `limt`, expected one of `after`"), "{detail}");
    let (status, problem) = json(live.post("/v1/journal")).await;
    assert_eq!((status, problem["code"].as_str()), (405, Some("method_not_allowed")));
    assert_eq!(problem["allow"], serde_json::json!(["GET"]));
    live.close().await;
}
