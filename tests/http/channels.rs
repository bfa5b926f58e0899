//! Channels as they stand now, and which policy watches each.

use serde_json::{Value, json};

use crate::broadcast::Broadcast;
use crate::premises::{Live, Premises, json};

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
