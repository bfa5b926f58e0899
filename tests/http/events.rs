//! Events over HTTP: nothing skipped or repeated while the journal grows, every filter, exports, who sees what.

use serde_json::Value;
use streamwarden::events::EventType;
use streamwarden::model::Position;
use streamwarden::warden::{Answering, ModeratorAct};

use crate::premises::{Live, json};
use crate::recorded::{
    BOTTLE, NOTHING, WEAPON, begun, channel, head, items, moderate, offer, premises, recorded, refused, with_tokens,
};

async fn pages(live: &Live, path: &str, order: &str) -> Vec<u64> {
    let place = if path.contains("/channels/") { "sequence" } else { "position" };
    let stage = channel("growing");
    let (mut seen, mut after) = (Vec::new(), String::new());
    for page in 0..100 {
        let (items, answer) = items(live.get(&format!("{path}?order={order}&limit=3{after}"))).await;
        seen.extend(items.iter().map(|item| item[place].as_u64().expect("a place")));
        if page < 4 {
            // More comes while somebody pages; the channel's own time goes on from walk to walk.
            offer(live, &stage, 100 + head(live).0, NOTHING).await;
        }
        match answer["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => {
                assert_eq!(answer["complete"], true);
                return seen;
            }
        }
    }
    panic!("{path} never ends: {seen:?}");
}

#[actix_rt::test]
async fn pages_neither_skip_nor_repeat_while_the_journal_grows() {
    let premises = premises();
    let live = premises.open().await;
    for second in 0..10 {
        offer(&live, &channel("growing"), second * 10, BOTTLE).await;
    }
    for path in ["/v1/events", "/v1/channels/growing/events"] {
        // Pictures are kept and channels found silent at times of their own: the first page says where the walk began.
        let down = pages(&live, path, "desc").await;
        assert!(down[0] > 10, "{down:?}");
        assert_eq!(down, (1..=down[0]).rev().collect::<Vec<_>>(), "{path} newest first");
        let up = pages(&live, path, "asc").await;
        assert_eq!(up, (1..=up.len() as u64).collect::<Vec<_>>(), "{path} oldest first");
        assert!(up.len() as u64 >= down[0] + 4, "what came meanwhile is reached too");
    }
    live.close().await;
}

#[actix_rt::test]
async fn every_filter_shows_what_matches_and_nothing_else() {
    let premises = premises();
    let live = premises.open().await;
    let (one, other) = (channel("filters/one"), channel("filters/other"));
    offer(&live, &one, 1, NOTHING).await;
    let (_, bottle) = offer(&live, &one, 11, BOTTLE).await;
    recorded(&live, bottle.position, EventType::EvidenceStored).await;
    let (_, weapon) = offer(&live, &other, 1, WEAPON).await;
    recorded(&live, weapon.position, EventType::EvidenceStored).await;
    let state = live.house.wardens.inspect(&other).await.expect("it is watched");
    let warning = state.open_warnings().next().expect("a warning").id;
    moderate(&live, &other, "dismiss", ModeratorAct::Dismiss(Answering::to([warning]))).await;

    let all = items(live.get("/v1/events?limit=200")).await.0;
    let middle = all[all.len() / 2]["recorded_at"].as_str().expect("a time").to_owned();
    let captured = begun().plus_ms(5_000).to_string();
    type Holds<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: Vec<(String, Holds<'_>)> = vec![
        (
            "type=FrameAssessed,WarningRaised".to_owned(),
            Box::new(|event| event["type"] == "FrameAssessed" || event["type"] == "WarningRaised"),
        ),
        ("verdict=warn".to_owned(), Box::new(|event| event["payload"]["verdict"] == "warn")),
        ("label=Alcohol".to_owned(), Box::new(|event| event["payload"].to_string().contains("Alcohol/"))),
        ("rule=weapons".to_owned(), Box::new(|event| event["payload"].to_string().contains("\"weapons\""))),
        ("moderator=m-17".to_owned(), Box::new(|event| event["actor"] == "moderator m-17")),
        (
            "policy=test@1".to_owned(),
            Box::new(|event| event["actor"] == "warden test@1" || event["payload"]["policy"]["id"] == "test"),
        ),
        ("channel=filters%2Fo*r".to_owned(), Box::new(|event| event["scope"] == "filters/other")),
        (format!("recorded_from={middle}"), Box::new(|event| event["recorded_at"].as_str() >= Some(&middle))),
        (format!("recorded_to={middle}"), Box::new(|event| event["recorded_at"].as_str() < Some(&middle))),
        (format!("captured_from={captured}"), Box::new(|event| event["captured_at"].as_str() >= Some(&captured))),
        (
            format!("captured_to={captured}"),
            Box::new(|event| event["captured_at"].as_str().is_some_and(|at| at < captured.as_str())),
        ),
    ];
    // A channel may be found silent meanwhile, which is recorded as well.
    let last = all.last().expect("events")["position"].as_u64().expect("a position");
    let positions = |events: Vec<Value>| -> Vec<u64> {
        let positions = events.iter().map(|event| event["position"].as_u64().expect("a position"));
        positions.filter(|position| *position <= last).collect()
    };
    for (query, holds) in &cases {
        let found = positions(items(live.get(&format!("/v1/events?limit=200&{query}"))).await.0);
        let expected = positions(all.iter().filter(|event| holds(event)).cloned().collect());
        assert!(!expected.is_empty() && expected.len() < all.len(), "{query} tells nothing: {expected:?}");
        assert_eq!(found, expected, "{query}");
        let down = positions(items(live.get(&format!("/v1/events?limit=200&order=desc&{query}"))).await.0);
        assert_eq!(down.into_iter().rev().collect::<Vec<_>>(), expected, "{query}, newest first");
    }
    live.close().await;
}

#[actix_rt::test]
async fn absurd_questions_are_refused_by_the_name_of_the_parameter() {
    let premises = premises();
    let live = premises.open().await;
    offer(&live, &channel("absurd"), 1, NOTHING).await;
    for path in ["/v1/events", "/v1/channels/absurd/events"] {
        for (query, parameter) in [
            ("after=-1", "after"),
            ("after=18446744073709551615", "after"),
            ("after=18446744073709551616", "after"),
            ("after=x", "after"),
            ("after=1&after=2", "after"),
            ("order=desc&after=99999999", "after"),
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=many", "limit"),
            ("order=up", "query"),
            ("before=7", "before"),
            ("format=xml", "query"),
            ("type=Nothing", "type"),
            ("verdict=guilty", "verdict"),
            ("channel=%20", "channel"),
            ("recorded_from=yesterday", "recorded_from"),
            ("recorded_to=2026-13-01T00:00:00Z", "recorded_to"),
            ("captured_from=2026-03-02T00:00:00Z&captured_to=2026-03-01T00:00:00Z", "captured_from"),
            ("format=csv&order=desc", "order"),
            ("format=ndjson&limit=5", "limit"),
            ("format=ndjson&after=99999999", "after"),
        ] {
            refused(live.get(&format!("{path}?{query}")), parameter).await;
        }
        // Far away is no mistake: nothing is there.
        let (found, _) = items(live.get(&format!("{path}?recorded_from=9999-12-31T23:59:59Z"))).await;
        assert!(found.is_empty());
    }
    for id in ["x", "0", "00000000000000000000000000000000Z"] {
        let (status, _) = json(live.get(&format!("/v1/events/{id}"))).await;
        assert_eq!(status, 400, "{id}");
    }
    live.close().await;
}

#[actix_rt::test]
async fn a_scoped_viewer_sees_only_theirs() {
    let mut premises = premises();
    let folder = tempfile::tempdir().expect("a folder");
    let (viewer, auditor) = with_tokens(&mut premises, folder.path(), "own/*");
    let live = premises.open().await;
    let (_, own) = offer(&live, &channel("own/a"), 1, BOTTLE).await;
    let (_, foreign) = offer(&live, &channel("foreign/a"), 1, BOTTLE).await;
    let (seen, answer) = items(live.get("/v1/events?limit=200").bearer_auth(&viewer)).await;
    assert!(seen.iter().all(|event| event["scope"] == "own/a") && !seen.is_empty(), "{seen:?}");
    assert!(answer["head"].as_u64() >= Some(foreign.position.0), "the list goes on behind what they may not see");
    let status = async |path: String, token: &str| json(live.get(&path).bearer_auth(token)).await.0;
    assert_eq!(status(format!("/v1/events/{}", own.id), &viewer).await, 200);
    assert_eq!(status(format!("/v1/events/{}", foreign.id), &viewer).await, 404);
    assert_eq!(status("/v1/channels/own%2Fa/events".to_owned(), &viewer).await, 200);
    assert_eq!(status("/v1/channels/foreign%2Fa/events".to_owned(), &viewer).await, 403);
    assert_eq!(status("/v1/events?channel=foreign%2F*".to_owned(), &viewer).await, 200);
    assert!(items(live.get("/v1/events?channel=foreign%2F*").bearer_auth(&viewer)).await.0.is_empty());
    // The policy's publication belongs to no channel.
    assert!(items(live.get("/v1/events?type=PolicyPublished").bearer_auth(&viewer)).await.0.is_empty());
    // Reading is not taking away.
    assert_eq!(status("/v1/events?format=ndjson".to_owned(), &viewer).await, 403);
    let taken = live.get("/v1/events?format=ndjson").bearer_auth(&auditor).send().await.expect("an answer");
    let taken = taken.text().await.expect("text");
    assert!(taken.contains("own/a") && !taken.contains("foreign/a"), "{taken}");
    live.close().await;
}

#[actix_rt::test]
async fn an_export_holds_every_event_and_is_recorded_first() {
    let mut premises = premises();
    let folder = tempfile::tempdir().expect("a folder");
    let (_, auditor) = with_tokens(&mut premises, folder.path(), "*");
    let live = premises.open().await;
    for second in 0..20 {
        offer(&live, &channel("export/a"), second * 10, BOTTLE).await;
    }
    let before = head(&live);
    let asked = live.get("/v1/events").header("accept", "application/x-ndjson").bearer_auth(&auditor);
    let answer = asked.send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert!(answer.headers().get("streamwarden-next").is_none());
    let text = answer.text().await.expect("text");
    let positions: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["position"].as_u64().expect("a position"))
        .collect();
    assert_eq!(positions[..before.0 as usize], (1..=before.0).collect::<Vec<_>>());
    let made = recorded(&live, before, EventType::ExportMade).await;
    assert_eq!(made.envelope.actor.to_string(), "moderator Auditor");
    let (_, listed) = items(live.get("/v1/events?type=ExportMade").bearer_auth(&auditor)).await;
    assert_eq!(listed["items"][0]["payload"]["format"], "ndjson", "{listed}");

    let before = head(&live);
    let asked = live.get("/v1/channels/export%2Fa/events?format=csv&type=FrameAssessed").bearer_auth(&auditor);
    let answer = asked.send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/csv");
    let text = answer.text().await.expect("text");
    assert!(text.starts_with("position,recorded_at,captured_at,scope,"), "{text}");
    assert_eq!(text.lines().count(), 21);
    let made = recorded(&live, before, EventType::ExportMade).await;
    let said = serde_json::to_value(made.event().expect("it is known")).expect("JSON");
    assert_eq!(said["payload"]["what"]["channel"], "export/a");
    assert_eq!(said["payload"]["filter"], "format=csv&type=FrameAssessed");
    // Not `before`: pictures of the last frame may have been kept since.
    let to = Position(said["payload"]["to"].as_u64().expect("a position"));
    assert!(to < made.envelope.position, "{to} in {}", made.envelope.position);
    live.close().await;
}

#[actix_rt::test]
async fn an_export_in_parts_is_the_whole_and_says_how_far_it_is() {
    let mut premises = premises();
    let folder = tempfile::tempdir().expect("a folder");
    let (_, auditor) = with_tokens(&mut premises, folder.path(), "*");
    let live = premises.open().await;
    for second in 0..6 {
        offer(&live, &channel("export/a"), second * 10, NOTHING).await; // nothing of them is kept, so nothing comes later
    }
    let part = async |query: &str| {
        let path = format!("/v1/channels/export%2Fa/events?format=ndjson{query}");
        let answer = live.get(&path).bearer_auth(&auditor).send().await.expect("an answer");
        let said = |name: &str| answer.headers().get(name).map(|said| said.to_str().expect("text").to_owned());
        let (next, places) = (said("streamwarden-next"), said("streamwarden-places").expect("it says how far it is"));
        (next, places, answer.text().await.expect("text"))
    };
    let (_, all, whole) = part("").await;
    let last = all.split('/').nth(1).expect("the last place").to_owned();
    let (mut after, mut parts, mut count) = (String::new(), String::new(), 0);
    loop {
        let (next, places, text) = part(&format!("&span=3{after}")).await;
        parts.push_str(&text);
        assert_eq!(places, format!("{}-{}/{last}", count * 3 + 1, next.clone().unwrap_or_else(|| last.clone())));
        count += 1;
        match next {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(parts, whole);
    assert!(count > 2, "{count} parts");
    let made = live.get("/v1/events?type=ExportMade").bearer_auth(&auditor);
    let (_, made) = items(made).await;
    assert_eq!(made["items"].as_array().map(Vec::len), Some(count + 1), "each is recorded");
    for wrong in ["&span=0", "&span=100001", "&span=x", "&limit=5"] {
        let path = format!("/v1/events?format=csv{wrong}");
        refused(live.get(&path).bearer_auth(&auditor), if wrong == "&limit=5" { "limit" } else { "span" }).await;
    }
    refused(live.get("/v1/events?span=5").bearer_auth(&auditor), "span").await;
    live.close().await;
}
