//! A channel's reputation over HTTP: earned by clean frames, lost by what a person upholds, set, supposed, and read as it
//! was.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json as value};
use streamwarden::cli::reputation::{Outcome, ReputationArgs, run};
use streamwarden::clock::SystemClock;
use streamwarden::model::{ChannelId, ModeratorId};
use streamwarden::warden::{Answering, ModeratorAct};

use crate::premises::{Live, Premises, json};
use crate::recorded::{BOTTLE, NOTHING, channel, head, moderate, offer, premises, refused, with_tokens};

const PATH: &str = "/v1/channels/trusted%2Fa/reputation";
/// Lets a channel's past set the cadence, so short that minutes show it.
pub const RANGE: &str = r#"
policy: test
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 1s to 60s, max_age: 24h }
reputation: { trust_after: 1m, closely_for: 10s }
similarity: off
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 80, action: warn, severity: 4 }
"#;

/// Premises whose policy has a range in force.
async fn open(premises: &Premises) -> Live {
    let live = premises.open().await;
    let (status, published) =
        json(live.post("/v1/policies").json(&value!({ "text": RANGE, "why": "reputation" }))).await;
    assert_eq!(status, 200, "{published}");
    live
}

/// Clean frames every six seconds, up to that one.
async fn watch(live: &Live, stage: &ChannelId, to_second: u64) {
    for second in (0..=to_second).step_by(6) {
        offer(live, stage, second, NOTHING).await;
    }
}

async fn reputation(live: &Live, query: &str) -> Value {
    let (status, told) = json(live.get(&format!("{PATH}{query}"))).await;
    assert_eq!(status, 200, "{told}");
    told
}

fn score(told: &Value) -> f64 {
    told["score"].as_f64().expect("a score")
}

fn every_ms(told: &Value) -> u64 {
    told["in_force"]["pace"]["interval_ms"].as_u64().expect("a cadence")
}

async fn set(live: &Live, key: &str, body: Value) -> (u16, Value) {
    let request = live.client.put(live.url(PATH)).header("idempotency-key", key);
    json(request.json(&body)).await
}

#[actix_rt::test]
async fn clean_frames_slow_the_cadence_what_is_upheld_tightens_it_and_the_past_stays_readable() {
    let premises = premises();
    let live = open(&premises).await;
    let stage = channel("trusted/a");
    offer(&live, &stage, 0, NOTHING).await;
    let new = reputation(&live, "").await;
    assert_eq!((every_ms(&new), &new["in_force"]["because"]), (1000, &value!("session_began")), "{new}");
    watch(&live, &stage, 900).await;
    let trusted = reputation(&live, "").await;
    assert!(score(&trusted) > score(&new) && every_ms(&trusted) > 10_000, "{trusted}");
    assert_eq!(trusted["in_force"]["because"], "trust");
    let follows = &trusted["watch"]["follows"];
    assert_eq!((&follows["fastest_ms"], &follows["slowest_ms"]), (&value!(1000), &value!(60_000)));
    assert_eq!((&follows["roused"], &follows["interval_ms"]), (&Value::Null, &follows["by_score_ms"]));
    assert_eq!(trusted["policy"], value!({ "id": "test", "version": 2 }));

    offer(&live, &stage, 1000, BOTTLE).await;
    let hit = reputation(&live, "").await;
    assert_eq!((every_ms(&hit), &hit["watch"]["follows"]["roused"]), (1000, &value!("hit")));
    assert!(hit["watch"]["follows"]["closer_until"].is_string(), "{hit}");
    let says = hit["says"].as_str().expect("a sentence");
    assert!(says.contains("a rule was hit") && says.contains("by the score alone"), "{says}");

    let open = live.house.wardens.inspect(&stage).await.expect("it is watched");
    let warning = open.open_warnings().next().expect("it was raised").id;
    moderate(&live, &stage, "uphold", ModeratorAct::Uphold(Answering::to([warning]))).await;
    let upheld = reputation(&live, "").await;
    assert!(score(&upheld) < score(&hit), "{upheld}");
    let lines: Vec<&str> =
        upheld["explanation"].as_array().expect("lines").iter().map(|line| line.as_str().expect("text")).collect();
    assert!(lines.len() <= 12 && lines[0].starts_with("score 0."), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("upheld alcohol (severity 4)")), "{lines:?}");
    let sum: i64 = upheld["terms"].as_array().expect("terms").iter().filter_map(|term| term["milli"].as_i64()).sum();
    assert_eq!(sum.clamp(0, 1000), (score(&upheld) * 1000.0).round() as i64);
    assert_eq!(upheld["remembered"]["upheld"], 1);
    assert_eq!(upheld["changes"][0]["because"], "hit", "{}", upheld["changes"]);

    // As it was known before the hit.
    let then = reputation(&live, &format!("?sequence={}", trusted["sequence"])).await;
    for same in ["score", "terms", "explanation", "watch", "in_force", "remembered", "changes", "sequence"] {
        assert_eq!(then[same], trusted[same], "{same}");
    }
    refused(live.get(&format!("{PATH}?sequence=999999")), "sequence").await;
    assert_eq!(json(live.get("/v1/channels/nobody/reputation")).await.0, 404);
    live.close().await;

    // The terminal answers the same of the closed store.
    let (outcome, out, _) = terminal(premises.data(), &stage, true);
    assert_eq!(outcome, Outcome::Fine);
    let told: Value = serde_json::from_str(&out).expect("JSON");
    for same in ["score", "terms", "explanation", "watch", "says", "in_force", "remembered", "changes"] {
        assert_eq!(told[same], upheld[same], "{same}");
    }
    let (_, text, _) = terminal(premises.data(), &stage, false);
    assert!(lines.iter().all(|line| text.contains(line)), "{text}");
    assert!(text.contains("changes of cadence, newest first:") && text.contains("its reputation rose"), "{text}");
    let (outcome, _, err) = terminal(premises.data(), &channel("nobody"), false);
    assert_eq!(outcome, Outcome::Found);
    assert!(err.contains("no event of channel nobody") && err.contains("hint: "), "{err}");
}

/// What `streamwarden reputation` says of a channel.
fn terminal(data: &Path, stage: &ChannelId, json: bool) -> (Outcome, String, String) {
    let args = ReputationArgs { channel: stage.clone(), data: data.to_owned(), at: None, json };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let outcome = run(&args, Arc::new(SystemClock), &mut out, &mut err).expect("writing to memory");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (outcome, text(out), text(err))
}

#[actix_rt::test]
async fn a_person_pins_adjusts_and_releases_and_the_cadence_follows_in_the_same_append() {
    let premises = premises();
    let live = open(&premises).await;
    let stage = channel("trusted/a");
    offer(&live, &stage, 0, NOTHING).await;
    offer(&live, &stage, 20, NOTHING).await;
    let pin = value!({ "change": { "pin": 1.0 }, "why": "a partner of ten years" });
    let (status, done) = set(&live, "k-1", pin.clone()).await;
    assert_eq!((status, &done["repeated"]), (200, &value!(false)), "{done}");
    let types: Vec<&Value> = done["events"].as_array().expect("events").iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["ReputationAdjusted", "CadenceChanged"], "{done}");
    let pinned = reputation(&live, "").await;
    assert_eq!((score(&pinned), &pinned["in_force"]["because"]), (1.0, &value!("adjusted")));
    assert!(every_ms(&pinned) > 50_000, "{pinned}");
    let set_by = &pinned["adjusted"];
    assert_eq!((&set_by["why"], &set_by["change"]), (&value!("a partner of ten years"), &value!({ "pin": 1.0 })));

    let (status, again) = set(&live, "k-1", pin).await;
    assert_eq!((status, &again["repeated"], &again["events"]), (200, &value!(true), &done["events"]));
    for other in [
        value!({ "change": { "pin": 0.5 }, "why": "a partner of ten years" }),
        value!({ "change": { "pin": 1.0 }, "why": "another reason" }),
    ] {
        let (status, problem) = set(&live, "k-1", other).await;
        assert_eq!((status, &problem["rule"]), (409, &value!("came_before_otherwise")), "{problem}");
    }

    let (status, _) = set(&live, "k-2", value!({ "change": { "by": -0.25 }, "why": "a report" })).await;
    assert_eq!(status, 200);
    assert_eq!(reputation(&live, "").await["adjusted"]["change"], value!({ "by": -250 }));
    assert_eq!(set(&live, "k-3", value!({ "change": "release", "why": "settled" })).await.0, 200);
    assert_eq!(reputation(&live, "").await["adjusted"], Value::Null);
    live.close().await;
}

#[actix_rt::test]
async fn what_is_past_or_out_of_bounds_is_refused_by_the_name_of_the_field() {
    let premises = premises();
    let live = open(&premises).await;
    offer(&live, &channel("trusted/a"), 0, NOTHING).await;
    let put = |body: Value| live.client.put(live.url(PATH)).json(&body);
    let pinned = |pin: f64, until: &str| value!({ "change": { "pin": pin }, "until": until, "why": "w" });
    refused(put(pinned(0.5, "2020-01-01T00:00:00Z")), "until").await;
    refused(put(value!({ "change": { "pin": 1.5 }, "why": "w" })), "change.pin").await;
    refused(put(value!({ "change": { "by": -1.2 }, "why": "w" })), "change.by").await;
    refused(put(value!({ "change": "release", "until": "2999-01-01T00:00:00Z", "why": "w" })), "until").await;
    refused(put(value!({ "change": { "pin": 0.5 }, "why": " " })), "1 to 2000 bytes").await;
    let simulate = |body: Value| live.post(&format!("{PATH}/simulate")).json(&body);
    refused(simulate(value!({ "clean_hours": 1001 })), "clean_hours").await;
    refused(simulate(value!({ "clean_hours": 7, "after_hours": 6 })), "after_hours").await;
    refused(simulate(value!({ "dismissed": 65 })), "dismissed").await;
    refused(simulate(value!({ "upheld": [{ "rule": "r", "severity": 6 }] })), "upheld[0].severity").await;
    refused(simulate(value!({ "cleanhours": 7 })), "cleanhours").await;
    live.close().await;
}

#[actix_rt::test]
async fn what_if_tells_score_and_cadence_before_and_after_and_records_nothing() {
    let premises = premises();
    let live = open(&premises).await;
    let stage = channel("trusted/a");
    offer(&live, &stage, 0, NOTHING).await;
    watch(&live, &stage, 60).await;
    let before = head(&live);
    let what_if = async |body: Value| {
        let (status, told) = json(live.post(&format!("{PATH}/simulate")).json(&body)).await;
        assert_eq!(status, 200, "{told}");
        told
    };
    let clean = what_if(value!({ "clean_hours": 7, "sessions": 1 })).await;
    assert!(score(&clean["after"]) > score(&clean["before"]), "{clean}");
    let slower = clean["slower"].as_array().expect("a list");
    assert_eq!(clean["reaches_slowest"], true, "{clean}");
    let slowest = slower.last().expect("cadences")["interval_ms"].as_u64().expect("a number");
    assert!((55_000..=60_000).contains(&slowest), "the policy's slowest, less the channel's jitter: {slowest}");
    let says = clean["says"].as_array().expect("lines");
    assert!(says.iter().any(|line| line.as_str().is_some_and(|line| line.contains("clean hour"))), "{says:?}");
    let worse = what_if(value!({ "upheld": [{ "rule": "alcohol", "severity": 5, "hours_ago": 2 }] })).await;
    assert!(score(&worse["after"]) < score(&worse["before"]), "{worse}");
    assert_eq!(worse["after"]["watch"]["follows"]["interval_ms"], 1000, "{worse}");
    let mended = what_if(value!({ "dismissed": 1 })).await;
    assert!(score(&mended["after"]) >= score(&mended["before"]), "{mended}");
    assert_eq!(head(&live), before, "nothing was recorded");
    live.close().await;
}

#[actix_rt::test]
async fn under_a_fixed_cadence_the_score_is_shown_and_said_to_have_no_say() {
    let premises = premises();
    let live = premises.open().await;
    offer(&live, &channel("trusted/a"), 0, NOTHING).await;
    let told = reputation(&live, "").await;
    assert_eq!(told["watch"], value!({ "fixed": { "interval_ms": 1000 } }));
    assert!(told["says"].as_str().is_some_and(|says| says.contains("has no say")), "{told}");
    assert!(told["score"].is_number(), "{told}");
    let (_, forecast) = json(live.post(&format!("{PATH}/simulate")).json(&value!({ "clean_hours": 7 }))).await;
    assert_eq!(forecast["slower"], value!([]), "{forecast}");
    live.close().await;
}

#[actix_rt::test]
async fn who_may_not_write_policies_reads_and_supposes_and_sets_nothing() {
    let mut premises = premises();
    let folder = tempfile::tempdir().expect("a folder");
    let (viewer, _) = with_tokens(&mut premises, folder.path(), "trusted/*");
    let live = premises.open().await;
    offer(&live, &channel("trusted/a"), 0, NOTHING).await;
    offer(&live, &channel("foreign/a"), 0, NOTHING).await;
    assert_eq!(json(live.get(PATH).bearer_auth(&viewer)).await.0, 200);
    let supposing = live.post(&format!("{PATH}/simulate")).json(&value!({})).bearer_auth(&viewer);
    assert_eq!(json(supposing).await.0, 200);
    let pin = value!({ "change": { "pin": 1.0 }, "why": "w" });
    assert_eq!(json(live.client.put(live.url(PATH)).json(&pin).bearer_auth(&viewer)).await.0, 403);
    assert_eq!(json(live.get("/v1/channels/foreign%2Fa/reputation").bearer_auth(&viewer)).await.0, 403);
    live.close().await;
}

#[actix_rt::test]
async fn a_consumer_is_told_of_channels_whose_watch_changed_and_of_what_people_set() {
    let premises = premises();
    let live = open(&premises).await;
    let wanted = value!({
        "name": "watch", "from": "start",
        "filter": { "types": ["CadenceChanged", "ReputationAdjusted"], "channels": ["trusted/*"] }
    });
    let (status, made) = json(live.post("/v1/consumers").json(&wanted)).await;
    assert_eq!(status, 201, "{made}");
    let stage = channel("trusted/a");
    offer(&live, &channel("foreign/a"), 0, NOTHING).await;
    offer(&live, &stage, 0, NOTHING).await;
    offer(&live, &stage, 20, NOTHING).await;
    assert_eq!(set(&live, "k", value!({ "change": { "pin": 1.0 }, "why": "a partner" })).await.0, 200);
    let (_, lease) = json(live.post("/v1/consumers/watch/lease").json(&value!({}))).await;
    let token = lease["token"].as_str().expect("a token");
    let (_, page) = json(live.get(&format!("/v1/consumers/watch/entries?lease={token}"))).await;
    let events: Vec<&Value> = page["items"].as_array().expect("items").iter().map(|item| &item["event"]).collect();
    let told: Vec<(&str, &Value)> =
        events.iter().map(|event| (event["type"].as_str().expect("a type"), &event["scope"])).collect();
    assert!(told.iter().all(|(_, scope)| **scope == value!("trusted/a")), "{told:?}");
    let types: Vec<&str> = told.iter().map(|(name, _)| *name).collect();
    assert_eq!(types.first(), Some(&"CadenceChanged"), "{types:?}");
    assert_eq!(types[types.len() - 2..], ["ReputationAdjusted", "CadenceChanged"], "{types:?}");
    let last = events.last().expect("events");
    assert_eq!((&last["payload"]["because"], &last["payload"]["score"]), (&value!("adjusted"), &value!(1.0)), "{last}");
    let set_by: ModeratorId = serde_json::from_value(events[events.len() - 2]["payload"]["by"].clone()).expect("who");
    assert!(!set_by.as_str().is_empty());
    live.close().await;
}
