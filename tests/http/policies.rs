//! Policies over HTTP: read, checked, tried on the past, published with a diff, retired.

use serde_json::{Value, json};

use crate::broadcast::Broadcast;
use crate::premises::{Live, POLICY, Premises, json};

/// The policy of the premises with a lower threshold for weapons, another rule in alcohol's place, and a slower cadence.
const STRICTER: &str = r#"
policy: test
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 2s, max_age: 24h }
similarity: off
rules:
  - { id: gambling, categories: [Gambling], confidence: 80, action: warn }
  - { id: weapons, categories: [Violence/Weapons], confidence: 60, action: stop, approval: person, severity: 5 }
  - { id: explicit, categories: [Explicit], confidence: 80, action: stop, approval: none, severity: 4 }
"#;

async fn posted(live: &Live, path: &str, body: Value) -> (u16, Value) {
    json(live.post(path).json(&body)).await
}

fn ids(rules: &Value) -> Vec<&str> {
    rules.as_array().expect("rules").iter().map(|rule| rule["rule"].as_str().expect("an id")).collect()
}

#[actix_rt::test]
async fn publishing_says_what_changed_rule_by_rule_and_who_and_why_is_kept() {
    let premises = Premises::new();
    let live = premises.open().await;
    let body = json!({"text": STRICTER, "why": "weapons were missed", "expected_version": 1});
    let (status, published) = posted(&live, "/v1/policies", body).await;
    assert_eq!(status, 200, "{published}");
    let policy = &published["policies"][0];
    assert_eq!((&policy["policy"], &policy["unchanged"]), (&json!({"id": "test", "version": 2}), &json!(false)));
    assert_eq!(policy["before"], json!({"id": "test", "version": 1}));
    let changes = &policy["changes"];
    assert_eq!((ids(&changes["added"]), ids(&changes["removed"])), (vec!["gambling"], vec!["alcohol"]));
    assert_eq!(
        changes["changed"],
        json!([{"rule": "weapons", "changes": [{"what": "confidence", "from": "80", "to": "60"}]}])
    );
    assert!(
        changes["policy"]
            .as_array()
            .is_some_and(|changes| { changes.contains(&json!({"what": "sampling.every", "from": "1s", "to": "2s"})) })
    );

    let (status, version) = json(live.get("/v1/policies/test/versions/2")).await;
    assert_eq!(status, 200, "{version}");
    assert_eq!((&version["text"], &version["why"]), (&json!(STRICTER), &json!("weapons were missed")));
    assert_eq!(version["position"], published["position"]);
    assert!(version["published_by"].as_str().is_some_and(|by| by.starts_with("moderator ")), "{version}");
    assert_eq!(version["outline"]["rules"][1]["confidence"], 60.0);
    let (_, first) = json(live.get("/v1/policies/test/versions/1")).await;
    assert_eq!(first["text"], POLICY, "what was in force before can still be read");

    // The same text again is no other version.
    let (_, again) = posted(&live, "/v1/policies", json!({"text": STRICTER, "why": "again"})).await;
    assert_eq!((&again["policies"][0]["unchanged"], &again["position"]), (&json!(true), &Value::Null));
    let (_, policy) = json(live.get("/v1/policies/test")).await;
    assert_eq!(policy["in_force"]["policy"]["version"], 2);
    assert_eq!(policy["versions"].as_array().map(Vec::len), Some(2), "newest first: {policy}");
    assert_eq!(policy["versions"][0]["policy"]["version"], 2);
    live.close().await;
}

#[actix_rt::test]
async fn whoever_saw_another_version_is_told_and_nothing_is_published() {
    let premises = Premises::new();
    let live = premises.open().await;
    for expected in [0, 2] {
        let body = json!({"text": STRICTER, "why": "w", "expected_version": expected});
        let (status, problem) = posted(&live, "/v1/policies", body).await;
        assert_eq!((status, &problem["code"], &problem["in_force"]), (409, &json!("changed_since"), &json!(1)));
    }
    let (_, list) = json(live.get("/v1/policies")).await;
    assert_eq!((&list["items"][0]["id"], &list["items"][0]["in_force"]), (&json!("test"), &json!(1)));
    live.close().await;
}

#[actix_rt::test]
async fn mistakes_are_named_with_their_place_and_publish_nothing() {
    let premises = Premises::new();
    let live = premises.open().await;
    let wrong = "policy: test\nchannels: [a]\ntaxonomy: rekognition/7.0\nrules:\n  - { id: weapons, categories: [Weapon], confidence: 800 }\n";
    for (status_expected, path, body) in [
        (200, "/v1/policies/check", json!({"text": wrong})),
        (422, "/v1/policies", json!({"text": wrong, "why": "w"})),
        (422, "/v1/policies/dry-run", json!({"text": wrong})),
    ] {
        let (status, said) = posted(&live, path, body).await;
        assert_eq!(status, status_expected, "{path}: {said}");
        let mistakes = said["mistakes"].as_array().expect("mistakes");
        assert_eq!(mistakes.len(), 2, "{said}");
        for mistake in mistakes {
            assert_eq!((&mistake["severity"], &mistake["line"]), (&json!("error"), &json!(5)));
            assert!(mistake["column"].as_u64() > Some(1) && mistake["hint"].is_string(), "{mistake}");
        }
    }
    let (_, checked) = posted(&live, "/v1/policies/check", json!({"text": STRICTER})).await;
    assert_eq!((&checked["valid"], checked["policies"].as_array().map(Vec::len)), (&json!(true), Some(1)));
    let (_, list) = json(live.get("/v1/policies")).await;
    assert_eq!(list["items"][0]["in_force"], 1);
    live.close().await;
}

#[actix_rt::test]
async fn a_text_by_itself_is_taken_as_yaml_and_nothing_else_is() {
    let premises = Premises::new();
    let live = premises.open().await;
    let yaml = |path: &str| live.post(path).header("content-type", "application/yaml").body(STRICTER);
    let (status, checked) = json(yaml("/v1/policies/check")).await;
    assert_eq!((status, &checked["valid"]), (200, &json!(true)));
    let (status, problem) = json(yaml("/v1/policies")).await;
    assert_eq!((status, &problem["parameter"]), (400, &json!("why")), "nobody publishes without a reason");
    let (status, published) = json(yaml("/v1/policies?why=tightened&expected_version=1")).await;
    assert_eq!((status, &published["policies"][0]["policy"]["version"]), (200, &json!(2)), "{published}");
    let (status, _) = json(live.post("/v1/policies/check").header("content-type", "text/csv").body("a")).await;
    assert_eq!(status, 415);
    let (status, _) = json(live.post("/v1/policies/check").json(&json!({"text": "x".repeat(300_000)}))).await;
    assert_eq!(status, 413);
    let (status, _) = json(yaml("/v1/policies/check").body(vec![0xff, 0xfe])).await;
    assert_eq!(status, 400);
    let (status, _) = posted(&live, "/v1/policies", json!({"text": STRICTER, "why": "w", "who": "me"})).await;
    assert_eq!(status, 400, "unknown fields are refused");
    live.close().await;
}

#[actix_rt::test]
async fn a_dry_run_says_what_would_have_been_and_publishes_nothing() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    stage.shows(&[("Violence/Weapons", 70.0)]).await;
    stage.shows(&[("Alcohol", 90.0)]).await;
    let (status, run) = posted(&live, "/v1/policies/dry-run", json!({"text": STRICTER, "hours": 1})).await;
    assert_eq!(status, 200, "{run}");
    assert_eq!(run["policies"], json!([{"id": "test", "version": 2}]));
    assert_eq!((&run["judged"], &run["differing"], &run["channels"]), (&json!(2), &json!(2), &json!(1)));
    assert_eq!((&run["total"]["recorded"]["warnings"], &run["total"]["proposed"]["warnings"]), (&json!(1), &json!(1)));
    let first = &run["differences"][0];
    assert_eq!((&first["recorded"]["verdict"], &first["proposed"]["verdict"]), (&json!("clear"), &json!("warn")));
    assert_eq!(first["proposed"]["rules"], json!(["weapons"]));
    let (_, same) = posted(&live, "/v1/policies/dry-run", json!({"text": POLICY, "hours": 168})).await;
    assert_eq!((&same["judged"], &same["differing"]), (&json!(2), &json!(0)));
    let elsewhere = STRICTER.replace("matching: .*", "matching: ^nowhere");
    let (_, nothing) = posted(&live, "/v1/policies/dry-run", json!({"text": elsewhere})).await;
    assert_eq!((&nothing["judged"], &nothing["cut"]), (&json!(0), &json!(false)));
    for hours in [0, 169] {
        let body = json!({"text": STRICTER, "hours": hours});
        let (status, problem) = posted(&live, "/v1/policies/dry-run", body).await;
        assert_eq!((status, &problem["parameter"]), (400, &json!("hours")));
    }
    let body = json!({"text": STRICTER, "hours": 1});
    let (status, problem) = posted(&live, "/v1/policies/dry-run?hours=2", body).await;
    assert_eq!((status, &problem["parameter"]), (400, &json!("hours")), "said twice, nobody knows which holds");
    let (_, list) = json(live.get("/v1/policies")).await;
    assert_eq!((&list["items"][0]["in_force"], &list["items"][0]["versions"]), (&json!(1), &json!(1)));
    live.close().await;
}

#[actix_rt::test]
async fn a_retired_policy_watches_nothing_and_its_versions_are_never_given_again() {
    let premises = Premises::new();
    let live = premises.open().await;
    let retire = |why: &str| live.post("/v1/policies/test/retire").json(&json!({"why": why}));
    let (status, problem) = json(retire(" ")).await;
    assert_eq!((status, &problem["parameter"]), (400, &json!("why")));
    let (status, retired) = json(retire("superseded")).await;
    assert_eq!((status, &retired["policy"]), (200, &json!({"id": "test", "version": 1})), "{retired}");
    let (status, _) = json(retire("again")).await;
    assert_eq!(status, 404, "it is in force no more");
    let (_, channel) = json(live.get("/v1/channels/any/policy")).await;
    assert_eq!((&channel["policy"], &channel["candidates"]), (&Value::Null, &json!([])));
    let (_, version) = json(live.get("/v1/policies/test/versions/1")).await;
    assert_eq!((&version["retired_why"], &version["text"]), (&json!("superseded"), &json!(POLICY)));
    let (_, list) = json(live.get("/v1/policies?in_force=false")).await;
    assert_eq!((&list["items"][0]["id"], &list["items"][0]["in_force"]), (&json!("test"), &Value::Null));
    let (_, again) = posted(&live, "/v1/policies", json!({"text": POLICY, "why": "back"})).await;
    assert_eq!(again["policies"][0]["policy"]["version"], 2, "version 1 names what it always named");
    for path in ["/v1/policies/other", "/v1/policies/test/versions/9"] {
        assert_eq!(json(live.get(path)).await.0, 404, "{path}");
    }
    assert_eq!(json(live.get("/v1/policies/test/versions/-1")).await.0, 400);
    live.close().await;
}
