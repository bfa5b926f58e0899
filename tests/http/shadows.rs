//! Policies in shadow over HTTP: started, shown beside those in force, explained with a decision, ended; and nothing
//! follows from what they say.

use serde_json::{Value, json};

use crate::broadcast::Broadcast;
use crate::premises::{Live, Premises, json};

/// The policy of the premises as it might be: weapons stop by themselves and from less on, alcohol is let be.
const STRICTER: &str = r#"
policy: test
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 1s, max_age: 24h }
similarity: off
rules:
  - { id: weapons, categories: [Violence/Weapons], confidence: 60, action: stop, approval: none, severity: 5 }
"#;

async fn posted(live: &Live, path: &str, body: Value) -> (u16, Value) {
    json(live.post(path).json(&body)).await
}

async fn decision(live: &Live, outcome: &streamwarden::actors::Outcome) -> Value {
    let (status, decision) = json(live.get(&format!("/v1/decisions/{}", outcome.id))).await;
    assert_eq!(status, 200, "{decision}");
    decision
}

#[actix_rt::test]
async fn what_a_shadow_would_have_done_stands_beside_the_decision_and_is_not_done() {
    let premises = Premises::new();
    let live = premises.open().await;
    let (status, shadowed) = posted(&live, "/v1/policies/shadow", json!({"text": STRICTER, "why": "trying"})).await;
    assert_eq!(status, 200, "{shadowed}");
    let policy = &shadowed["policies"][0];
    assert_eq!(policy["policy"], json!({"id": "test", "version": 2}));
    assert_eq!((&policy["beside"], &policy["unchanged"]), (&json!({"id": "test", "version": 1}), &json!(false)));
    assert_eq!(policy["changes"]["removed"].as_array().map(Vec::len), Some(2), "{policy}");

    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    let missed = stage.shows(&[("Violence/Weapons", 70.0)]).await;
    let drunk = stage.shows(&[("Alcohol", 90.0)]).await;
    let quiet = stage.shows(&[]).await;
    let missed = decision(&live, &missed).await;
    assert_eq!((&missed["verdict"], &missed["followed"]["warnings"]), (&json!("clear"), &json!([])));
    assert_eq!(missed["followed"]["enforcements"], json!([]));
    let shadow = &missed["shadow"];
    assert_eq!((&shadow["verdict"], &shadow["agrees"]), (&json!("stop"), &json!(false)), "{shadow}");
    assert_eq!((&shadow["said"]["would"], &shadow["said"]["rules"][0]["rule"]), (&json!("stop"), &json!("weapons")));
    assert_eq!(shadow["event"]["type"], "ShadowVerdict");
    let because = "test@2 in shadow would have stopped the stream without a person, by weapons (a warning)";
    assert_eq!(shadow["because"], because);
    let drunk = decision(&live, &drunk).await;
    assert_eq!((&drunk["verdict"], &drunk["shadow"]["verdict"]), (&json!("warn"), &json!("clear")));
    let quiet = decision(&live, &quiet).await;
    assert_eq!((&quiet["shadow"]["found"], &quiet["shadow"]["agrees"]), (&json!("no_hit"), &json!(true)));
    let (_, queue) = json(live.get("/v1/warnings")).await;
    assert_eq!(queue["items"].as_array().map(Vec::len), Some(1), "only the live warning waits: {queue}");
    let (_, said) = json(live.get("/v1/events?type=ShadowVerdict&policy=test@2")).await;
    assert_eq!(said["items"].as_array().map(Vec::len), Some(1), "{said}");
    stage.ends().await;
    live.close().await;
}

#[actix_rt::test]
async fn a_shadow_is_listed_beside_what_is_in_force_and_a_restart_finds_it() {
    let premises = Premises::new();
    let other = STRICTER.replace("policy: test", "policy: other");
    let live = premises.open().await;
    for text in [STRICTER, &other] {
        assert_eq!(posted(&live, "/v1/policies/shadow", json!({"text": text, "why": "w"})).await.0, 200);
    }
    let (_, again) = posted(&live, "/v1/policies/shadow", json!({"text": STRICTER, "why": "w"})).await;
    assert_eq!((&again["policies"][0]["unchanged"], &again["position"]), (&json!(true), &Value::Null));
    live.close().await;

    let live = premises.open().await;
    let (_, list) = json(live.get("/v1/policies")).await;
    let shown = |item: &Value| (item["id"].clone(), item["in_force"].clone(), item["in_shadow"].clone());
    let shown: Vec<_> = list["items"].as_array().expect("items").iter().map(shown).collect();
    assert_eq!(shown, [(json!("other"), Value::Null, json!(1)), (json!("test"), json!(1), json!(2))]);
    let (_, shadows) = json(live.get("/v1/policies?in_shadow=false")).await;
    assert_eq!(shadows["items"], json!([]));
    let (_, policy) = json(live.get("/v1/policies/test")).await;
    assert_eq!(
        (&policy["in_force"]["policy"]["version"], &policy["in_shadow"]["policy"]["version"]),
        (&json!(1), &json!(2))
    );
    let versions: Vec<_> = policy["versions"].as_array().expect("versions").iter().map(|one| &one["shadow"]).collect();
    assert_eq!(versions, [&json!(true), &json!(false)]);
    let (_, version) = json(live.get("/v1/policies/test/versions/2")).await;
    assert_eq!((&version["text"], &version["why"], &version["shadow"]), (&json!(STRICTER), &json!("w"), &json!(true)));
    // What is published after it ran in shadow is another version.
    let (_, published) = posted(&live, "/v1/policies", json!({"text": STRICTER, "why": "it did well"})).await;
    assert_eq!(published["policies"][0]["policy"]["version"], 3);
    live.close().await;
}

#[actix_rt::test]
async fn a_shadow_that_ended_says_nothing_more_and_its_words_stay() {
    let premises = Premises::new();
    let live = premises.open().await;
    posted(&live, "/v1/policies/shadow", json!({"text": STRICTER, "why": "trying"})).await;
    let (status, ended) = posted(&live, "/v1/policies/test/unshadow", json!({"why": "seen enough"})).await;
    assert_eq!((status, &ended["policy"]), (200, &json!({"id": "test", "version": 2})), "{ended}");
    assert_eq!(posted(&live, "/v1/policies/test/unshadow", json!({"why": "again"})).await.0, 404);
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    let outcome = stage.shows(&[("Violence/Weapons", 70.0)]).await;
    assert_eq!(decision(&live, &outcome).await["shadow"], Value::Null);
    let (_, version) = json(live.get("/v1/policies/test/versions/2")).await;
    assert_eq!((&version["retired_why"], &version["shadow"]), (&json!("seen enough"), &json!(true)));
    stage.ends().await;
    live.close().await;
}

#[actix_rt::test]
async fn more_shadows_than_may_be_are_refused_and_so_is_a_text_with_mistakes() {
    let premises = Premises::new();
    let live = premises.open().await;
    let named = |name: usize| STRICTER.replace("policy: test", &format!("policy: shadow-{name}"));
    for name in 0..streamwarden::actors::SHADOWS_MAX {
        assert_eq!(posted(&live, "/v1/policies/shadow", json!({"text": named(name), "why": "w"})).await.0, 200);
    }
    let (status, problem) = posted(&live, "/v1/policies/shadow", json!({"text": named(99), "why": "w"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{problem}");
    let replaced = named(0).replace("confidence: 60", "confidence: 61");
    let (status, again) = posted(&live, "/v1/policies/shadow", json!({"text": replaced, "why": "w"})).await;
    assert_eq!(
        (status, &again["policies"][0]["policy"]["version"]),
        (200, &json!(2)),
        "one in another's place is none more"
    );
    let wrong = STRICTER.replace("confidence: 60", "confidence: 600");
    assert_eq!(posted(&live, "/v1/policies/shadow", json!({"text": wrong, "why": "w"})).await.0, 422);
    assert_eq!(posted(&live, "/v1/policies/shadow", json!({"text": STRICTER, "why": " "})).await.0, 400);
    live.close().await;
}

#[actix_rt::test]
async fn a_shadow_is_held_against_what_was_decided_over_http_and_at_the_terminal() {
    let premises = Premises::new();
    let live = premises.open().await;
    let (status, problem) = json(live.get("/v1/policies/test/shadow")).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "{problem}");
    posted(&live, "/v1/policies/shadow", json!({"text": STRICTER, "why": "trying"})).await;
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    stage.shows(&[("Violence/Weapons", 70.0)]).await;
    stage.shows(&[("Violence/Weapons", 95.0)]).await;
    stage.shows(&[("Alcohol", 90.0)]).await;
    stage.shows(&[]).await;
    let (_, open) = json(live.get("/v1/warnings")).await;
    let weapons = open["items"].as_array().expect("items").iter().find(|one| one["rule"] == "weapons").expect("one");
    let answer = json!({"answer": "uphold", "warnings": [{"id": weapons["warning"], "version": weapons["version"]}]});
    let (status, answered) = posted(&live, "/v1/answers", answer).await;
    assert_eq!(status, 200, "{answered}");
    stage.ends().await;

    let (status, compared) = json(live.get("/v1/policies/test/shadow?version=2")).await;
    assert_eq!(status, 200, "{compared}");
    let counts = ["frames", "agree", "live_only", "shadow_only", "otherwise"].map(|name| compared[name].as_u64());
    assert_eq!(counts, [Some(4), Some(1), Some(1), Some(1), Some(1)], "{compared}");
    assert_eq!(compared["beside"], json!([{"id": "test", "version": 1}]));
    assert_eq!((&compared["live"]["upheld"], &compared["shadow"]["precision_milli"]), (&json!(1), &json!(1000)));
    assert_eq!(compared["differences"].as_array().map(Vec::len), Some(3));
    let page = live.get("/v1/policies/test/shadow?format=html").send().await.expect("an answer");
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let page = page.text().await.expect("the page");
    assert!(page.contains("test@2 in shadow") && page.contains("1 got the same verdict"), "{page}");
    assert_eq!(json(live.get("/v1/policies/test/shadow?version=1")).await.0, 404, "that one never ran in shadow");
    live.close().await;

    let called = |arguments: &[&str]| {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_streamwarden"));
        program.args(["policy", "compare"]).args(arguments).arg("--data").arg(premises.data());
        let done = program.output().expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (done.status.code(), text(done.stdout), text(done.stderr))
    };
    let (code, text, err) = called(&["test"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(text.contains("4 frames judged by both") && text.contains("the shadow would have stopped"), "{text}");
    let (_, said, _) = called(&["test@2", "--json"]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&said["frames"], &said["differences"]), (&compared["frames"], &compared["differences"]));
    let written = premises.data().join("page.html");
    assert_eq!(called(&["test", "--html", written.to_str().expect("a path")]).0, Some(0));
    assert!(std::fs::read_to_string(&written).expect("the page").starts_with("<!doctype html>"));
    let (code, _, err) = called(&["test@9"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("test@9 never ran in shadow") && err.contains("\nhint: "), "{err}");
}

#[actix_rt::test]
async fn where_a_shadow_and_the_live_policy_part_ways_is_measured() {
    let premises = Premises::new();
    let live = premises.open().await;
    let text = STRICTER.replace("policy: test", "policy: counted"); // figures are of the process: no other test has it
    assert_eq!(posted(&live, "/v1/policies/shadow", json!({"text": text, "why": "w"})).await.0, 200);
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    let shown: [crate::broadcast::Labels; 4] = [&[("Violence/Weapons", 70.0)], &[("Alcohol", 90.0)], &[], &[]];
    for labels in shown {
        stage.shows(labels).await;
    }
    stage.ends().await;
    let figures = live.get("/metrics").send().await.expect("an answer").text().await.expect("text");
    for (verdicts, count) in [
        ("live=\"clear\",shadow=\"stop\"", 1),
        ("live=\"warn\",shadow=\"clear\"", 1),
        ("live=\"clear\",shadow=\"clear\"", 2),
    ] {
        let line = format!("streamwarden_shadow_verdicts_total{{policy=\"counted\",{verdicts}}} {count}\n");
        assert!(figures.contains(&line), "{line} in {figures}");
    }
    live.close().await;
}
