//! Consumers and replays over HTTP: a reader's whole life, and what is refused.

use serde_json::{Value, json};

use crate::premises::{Live, Premises, json as answer};

async fn post(live: &Live, path: &str, body: Value) -> (u16, Value) {
    answer(live.post(path).json(&body)).await
}

/// Makes things happen in the journal: policies that nobody applies.
async fn happen(live: &Live, count: usize) {
    for number in 0..count {
        let (status, made) = post(live, "/v1/consumers", json!({ "name": format!("filler-{number}") })).await;
        assert_eq!(status, 201, "{made}");
        let gone = live.client.delete(live.url(&format!("/v1/consumers/filler-{number}"))).send().await;
        assert_eq!(gone.expect("an answer").status(), 204);
    }
}

fn positions(page: &Value) -> Vec<u64> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["event"]["position"].as_u64().expect("a position")).collect()
}

#[actix_rt::test]
async fn a_consumer_reads_acknowledges_sets_aside_and_goes_on_after_a_restart() {
    let premises = Premises::new();
    let live = premises.open().await;
    let wanted = json!({ "name": "tickets", "filter": { "types": ["ConsumerDeleted"] }, "from": "start" });
    let (status, made) = post(&live, "/v1/consumers", wanted).await;
    assert_eq!((status, &made["cursor"]), (201, &json!(0)));
    happen(&live, 4).await;
    let (status, lease) = post(&live, "/v1/consumers/tickets/lease", json!({})).await;
    assert_eq!(status, 200, "{lease}");
    let token = lease["token"].as_str().expect("a token").to_owned();
    let entries = format!("/v1/consumers/tickets/entries?lease={token}");
    let (status, page) = answer(live.get(&entries)).await;
    let all = positions(&page);
    assert_eq!((status, all.len(), &page["complete"]), (200, 4, &json!(true)));
    assert!(page["items"][0]["replay"].is_null() && page["items"][0]["event"]["type"] == "ConsumerDeleted", "{page}");
    let park = json!({ "lease": token, "position": all[0], "reason": "refused by the ticket system" });
    let (status, parked) = post(&live, "/v1/consumers/tickets/parked", park).await;
    assert_eq!((status, &parked["position"]), (200, &json!(all[0])));
    let (status, stands) = post(&live, "/v1/consumers/tickets/acks", json!({ "lease": token, "live": all[1] })).await;
    assert_eq!((status, &stands["cursor"], &stands["parked"]), (200, &json!(all[1]), &json!(1)));
    live.close().await;

    let live = premises.open().await;
    let (status, stale) = answer(live.get(&entries)).await;
    assert_eq!((status, &stale["code"]), (409, &json!("conflict")), "a restart drops leases");
    let (_, lease) = post(&live, "/v1/consumers/tickets/lease", json!({ "seconds": 30 })).await;
    let token = lease["token"].as_str().expect("a token").to_owned();
    let unparked = live.client.delete(live.url(&format!("/v1/consumers/tickets/parked/{}", all[0])));
    assert_eq!(unparked.send().await.expect("an answer").status(), 204);
    let (_, page) = answer(live.get(&format!("/v1/consumers/tickets/entries?lease={token}&limit=50"))).await;
    assert_eq!(positions(&page), [all[2], all[3], all[0]]);
    assert_eq!(page["items"][2]["unparked"], true);
    let (status, _) =
        post(&live, "/v1/consumers/tickets/acks", json!({ "lease": token, "live": all[3], "unparked": [all[0]] }))
            .await;
    assert_eq!(status, 200);
    let (_, page) = answer(live.get(&format!("/v1/consumers/tickets/entries?lease={token}"))).await;
    assert_eq!(positions(&page), [] as [u64; 0]);
    live.close().await;
}

#[actix_rt::test]
async fn a_read_that_waits_gets_what_comes_meanwhile() {
    let premises = Premises::new();
    let live = premises.open().await;
    let wanted = json!({ "name": "tickets", "filter": { "types": ["ConsumerDeleted"] } });
    post(&live, "/v1/consumers", wanted).await;
    let (_, lease) = post(&live, "/v1/consumers/tickets/lease", json!({})).await;
    let token = lease["token"].as_str().expect("a token");
    let waiting = answer(live.get(&format!("/v1/consumers/tickets/entries?lease={token}&wait_s=30")));
    let ((status, page), ()) = tokio::join!(waiting, happen(&live, 1));
    assert_eq!((status, positions(&page).len()), (200, 1));
    live.close().await;
}

#[actix_rt::test]
async fn a_read_that_waits_does_not_hold_the_server_up_when_it_stops() {
    let premises = Premises::new();
    let live = premises.open().await;
    post(&live, "/v1/consumers", json!({ "name": "tickets", "filter": { "types": ["ConsumerDeleted"] } })).await;
    let (_, lease) = post(&live, "/v1/consumers/tickets/lease", json!({ "seconds": 5 })).await;
    let token = lease["token"].as_str().expect("a token");
    let waiting = live.get(&format!("/v1/consumers/tickets/entries?lease={token}&wait_s=30"));
    let waiting = tokio::spawn(answer(waiting));
    let name = streamwarden::model::ConsumerName::new("tickets").expect("a sound name");
    let taken = lease["expires_at"].as_str().expect("a time").to_owned();
    // The read extends the lease: by then it waits.
    while live.house.consumers.consumer(&name).expect("it is there").reader_until.map(|at| at.to_string())
        == Some(taken.clone())
    {
        tokio::task::yield_now().await;
    }
    live.close().await; // the client's patience is shorter than the wait that was asked for
    let (status, page) = waiting.await.expect("an answer, not a broken connection");
    assert_eq!((status, positions(&page).len()), (200, 0));
}

#[actix_rt::test]
async fn a_replay_brings_the_past_beside_what_is_live_and_ends_when_acknowledged() {
    let premises = Premises::new();
    let live = premises.open().await;
    happen(&live, 3).await;
    let wanted = json!({ "name": "tickets", "filter": { "types": ["ConsumerDeleted"] } });
    post(&live, "/v1/consumers", wanted).await;
    let started = json!({ "name": "appeal", "target": { "consumer": "tickets" }, "speed": "max" });
    let (status, replay) = post(&live, "/v1/replays", started.clone()).await;
    assert_eq!((status, &replay["state"]), (201, &json!("running")), "{replay}");
    let id = replay["id"].as_str().expect("an id").to_owned();
    let (status, twice) = post(&live, "/v1/replays", started).await;
    assert_eq!((status, &twice["replay"]), (409, &json!(id)));
    happen(&live, 1).await;
    let (_, lease) = post(&live, "/v1/consumers/tickets/lease", json!({})).await;
    let token = lease["token"].as_str().expect("a token");
    let (_, page) = answer(live.get(&format!("/v1/consumers/tickets/entries?lease={token}"))).await;
    let replays: Vec<&Value> = page["items"].as_array().expect("items").iter().map(|item| &item["replay"]).collect();
    assert!(replays[0].is_null(), "live first");
    assert_eq!(replays[1..], vec![&json!({ "id": id, "name": "appeal" }); 3]);
    let last = *positions(&page).last().expect("entries");
    let (status, _) =
        post(&live, "/v1/consumers/tickets/acks", json!({ "lease": token, "replays": { id.as_str(): last } })).await;
    assert_eq!(status, 200);
    answer(live.get(&format!("/v1/consumers/tickets/entries?lease={token}&lane={id}"))).await;
    let (_, replay) = answer(live.get(&format!("/v1/replays/{id}"))).await;
    assert_eq!((&replay["state"], &replay["done_milli"]), (&json!("completed"), &json!(1000)));
    let (status, over) = post(&live, &format!("/v1/replays/{id}/cancel"), json!({})).await;
    assert_eq!((status, &over["code"]), (409, &json!("conflict")));
    live.close().await;
}

#[actix_rt::test]
async fn what_is_refused_says_why() {
    let premises = Premises::new();
    let live = premises.open().await;
    post(&live, "/v1/consumers", json!({ "name": "tickets" })).await;
    for (path, body, status, says) in [
        ("/v1/consumers", json!({ "name": "tickets" }), 409, "already"),
        ("/v1/consumers", json!({ "name": "a b" }), 400, "letters, digits"),
        ("/v1/consumers", json!({ "name": "a", "filtre": {} }), 400, "unknown field"),
        ("/v1/consumers", json!({ "name": "a", "filter": { "types": ["Rumour"] } }), 400, "unknown variant"),
        ("/v1/consumers", json!({ "name": "a", "from": { "after": 1_000_000 } }), 422, "beyond the journal's head"),
        ("/v1/consumers/nobody/lease", json!({}), 404, "no consumer"),
        ("/v1/consumers/tickets/lease", json!({ "seconds": 1 }), 422, "5 to 300"),
        ("/v1/consumers/tickets/acks", json!({ "lease": "1-1", "live": 1 }), 409, "take a new one"),
        ("/v1/consumers/tickets/acks", json!({ "lease": "x" }), 400, "two numbers"),
        ("/v1/consumers/tickets/acks", json!({ "lease": "1-1", "liv": 1 }), 400, "unknown field"),
        ("/v1/consumers/tickets/rewind", json!({ "to": { "after": 1_000_000 } }), 422, "beyond the journal's head"),
        ("/v1/replays", json!({ "name": "a", "target": { "consumer": "nobody" } }), 404, "no consumer"),
        ("/v1/replays", json!({ "name": "a", "target": "feed", "speed": { "events_per_second": 0 } }), 422, "1 to"),
        ("/v1/replays", json!({ "name": "a", "target": "feed", "from": "now" }), 422, "holds no event"),
        (
            "/v1/consumers",
            json!({ "name": "lane/bus", "from": "now" }),
            422,
            "only the names of the outbox's own lanes",
        ),
    ] {
        let (found, problem) = post(&live, path, body.clone()).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(found == status && detail.contains(says), "{path} {body}: {found} {detail}");
    }
    for (path, status) in [
        ("/v1/consumers/nobody", 404),
        ("/v1/replays/00000000000000000000000000000000", 404),
        ("/v1/replays/zzz", 400),
        ("/v1/consumers/tickets/entries", 400),
        ("/v1/consumers/tickets/entries?lease=1-1&limit=0", 400),
        ("/v1/consumers/tickets/entries?lease=1-1&wait_s=31", 400),
        ("/v1/consumers/tickets/entries?lease=1-1&lane=dead", 400),
        ("/v1/consumers/tickets/parked?after=-1", 400),
    ] {
        let (found, problem) = answer(live.get(path)).await;
        assert_eq!(found, status, "{path}: {problem}");
    }
    live.close().await;
}
