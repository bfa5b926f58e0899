//! Channels as they stand now, and which policy watches each.

use serde_json::{Value, json};

use crate::broadcast::Broadcast;
use crate::premises::{Live, Premises, json};
use crate::reputation::RANGE;

async fn list(live: &Live, query: &str) -> Value {
    let (status, page) = json(live.get(&format!("/v1/channels{query}"))).await;
    assert_eq!(status, 200, "{page}");
    page
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().expect("items").iter().map(|item| item["channel"].as_str().expect("an id")).collect()
}

#[actix_rt::test]
async fn a_channel_shows_its_broadcast_its_last_frame_and_what_waits_for_an_answer() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut stage = Broadcast::begins(&live, &premises, "demo/stage").await;
    stage.shows(&[]).await;
    stage.shows(&[("Violence/Weapons", 95.0)]).await;
    let (status, channel) = json(live.get("/v1/channels/demo%2Fstage")).await;
    assert_eq!(status, 200, "{channel}");
    assert_eq!(channel["channel"], "demo/stage");
    assert_eq!(channel["session"]["session"], "st-1");
    assert!(channel["coverage"]["watched"]["since"].is_string(), "{channel}");
    assert_eq!(channel["last_frame"]["outcome"], json!({"assessed": "warn"}));
    assert_eq!(channel["cadence"]["policy"], json!({"id": "test", "version": 1}));
    assert_eq!((&channel["open_warnings"], &channel["worst_severity"]), (&json!(1), &json!(5)));
    assert_eq!(channel["warnings"].as_array().map(Vec::len), Some(1));
    assert_eq!((&channel["counts"]["assessed"], &channel["counts"]["not_clear"]), (&json!(2), &json!(1)));
    stage.ends().await;
    let (_, channel) = json(live.get("/v1/channels/demo%2Fstage")).await;
    assert_eq!((&channel["session"], &channel["coverage"]), (&Value::Null, &json!("idle")));
    assert_eq!(channel["open_warnings"], 1, "the question stays when the broadcast is over");
    let (status, problem) = json(live.get("/v1/channels/demo%2Fnobody")).await;
    assert_eq!((status, problem["code"].as_str()), (404, Some("not_found")));
    live.close().await;
}

#[actix_rt::test]
async fn pages_go_through_every_channel_once_while_others_come() {
    let premises = Premises::new();
    let live = premises.open().await;
    for number in 0..7 {
        Broadcast::begins(&live, &premises, &format!("c{number}")).await;
    }
    live.shown().await;
    let mut seen: Vec<String> = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        let page = list(&live, &query).await;
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        assert_eq!(page["complete"], true);
        // One behind the cursor and one before it come meanwhile.
        Broadcast::begins(&live, &premises, "a").await;
        Broadcast::begins(&live, &premises, "c5-later").await;
        live.shown().await;
        match page["next"].as_str() {
            Some(next) => query = format!("?limit=3&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["c0", "c1", "c2", "c3", "c4", "c5", "c5-later", "c6"]);
    live.close().await;
}

#[actix_rt::test]
async fn filters_hold_and_what_they_cannot_be_is_said() {
    let premises = Premises::new();
    let live = premises.open().await;
    Broadcast::begins(&live, &premises, "quiet").await;
    Broadcast::begins(&live, &premises, "over").await.ends().await;
    let mut armed = Broadcast::begins(&live, &premises, "armed").await;
    armed.shows(&[("Violence/Weapons", 95.0)]).await;
    for (query, expected) in [
        ("", &["armed", "over", "quiet"][..]),
        ("?live=true", &["armed", "quiet"]),
        ("?live=false", &["over"]),
        ("?watched=true", &["armed", "quiet"]),
        ("?watched=false", &[]),
        ("?open_warnings=true", &["armed"]),
        ("?open_warnings=false&live=true", &["quiet"]),
        ("?channel=*r*", &["armed", "over"]),
        ("?after=over", &["quiet"]),
        ("?after=zzz", &[]),
    ] {
        let page = list(&live, query).await;
        assert_eq!(ids(&page), expected, "{query}");
        assert_eq!((&page["next"], &page["complete"]), (&Value::Null, &json!(true)), "{query}");
    }
    for query in ["?limit=0", "?limit=201", "?limit=x", "?live=perhaps", "?after=%20", "?channel=%00", "?unknown=1"] {
        let (status, problem) = json(live.get(&format!("/v1/channels{query}"))).await;
        assert_eq!((status, problem["code"].as_str()), (400, Some("malformed")), "{query}: {problem}");
    }
    live.close().await;
}

#[actix_rt::test]
async fn the_least_trusted_come_first_page_after_page() {
    let premises = Premises::new();
    let live = premises.open().await;
    let (status, said) = json(live.post("/v1/policies").json(&json!({ "text": RANGE, "why": "for the order" }))).await;
    assert_eq!(status, 200, "{said}");
    for (name, pin) in [("d", 0.9), ("a:1", 0.9), ("b", 0.5), ("c", 0.0)] {
        let mut stage = Broadcast::begins(&live, &premises, name).await;
        stage.shows(&[]).await;
        let pinned = json!({ "change": { "pin": pin }, "why": "for the order" });
        let path = format!("/v1/channels/{name}/reputation");
        let (status, said) = json(live.client.put(live.url(&path)).json(&pinned)).await;
        assert_eq!(status, 200, "{said}");
        stage.shows(&[]).await;
    }
    let mut seen: Vec<String> = Vec::new();
    let mut query = "?order=risk&limit=1".to_owned();
    loop {
        let page = list(&live, &query).await;
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => query = format!("?order=risk&limit=1&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["c", "b", "a:1", "d"]);
    let (status, problem) = json(live.get("/v1/channels?order=risk&after=d")).await;
    assert_eq!((status, problem["parameter"].as_str()), (400, Some("after")), "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|says| says.contains("same order")), "{problem}");
    live.close().await;
}

#[actix_rt::test]
async fn those_that_ended_lately_are_listed_with_when() {
    let premises = Premises::new();
    let live = premises.open().await;
    for name in ["first", "second", "third"] {
        Broadcast::begins(&live, &premises, name).await.ends().await;
    }
    let middle = list(&live, "?channel=second").await["items"][0]["ended"]["at"].as_str().expect("a time").to_owned();
    Broadcast::begins(&live, &premises, "on-air").await;
    live.shown().await;
    assert_eq!(ids(&list(&live, "?order=ended").await), ["third", "second", "first"]);
    let lately = list(&live, &format!("?order=ended&limit=2&ended_since={middle}")).await;
    assert_eq!(
        (ids(&lately), &lately["next"]),
        (vec!["third", "second"], &Value::Null),
        "what ended before is not looked at"
    );
    assert_eq!(ids(&list(&live, &format!("?ended_since={middle}")).await), ["second", "third"]);
    let page = list(&live, "?order=ended&limit=2").await;
    let next = page["next"].as_str().expect("there is more");
    assert_eq!(ids(&list(&live, &format!("?order=ended&after={next}")).await), ["first"]);
    assert_eq!(page["items"][0]["ended"]["session"], "st-1");
    assert_eq!(list(&live, "?channel=on-air").await["items"][0]["ended"], Value::Null);
    for (query, parameter) in [("?ended_since=lately", "ended_since"), ("?order=ended&after=x:y", "after")] {
        let (status, problem) = json(live.get(&format!("/v1/channels{query}"))).await;
        assert_eq!((status, problem["parameter"].as_str()), (400, Some(parameter)), "{query}: {problem}");
    }
    live.close().await;
}

#[actix_rt::test]
async fn the_policy_of_a_channel_is_named_with_the_reason_for_every_candidate() {
    let premises = Premises::new();
    let live = premises.open().await;
    let (status, found) = json(live.get("/v1/channels/never%2Fseen/policy")).await;
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["policy"], json!({"id": "test", "version": 1}));
    let candidate = &found["candidates"][0];
    assert_eq!((&candidate["applies"], &candidate["because"]), (&json!(true), &json!("finds")));
    assert_eq!(candidate["pattern"], ".*");
    assert!(candidate["says"].as_str().is_some_and(|says| says.contains("finds the channel")), "{candidate}");
    live.close().await;
}
