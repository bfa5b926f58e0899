//! Frames handed in over HTTP: decided once, answered when durable; what is no picture is told so and recorded.

use serde_json::{Value, json as value};
use streamwarden::actors::Settings;
use streamwarden::events::Event;
use streamwarden::http::GateConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::handing_in::{count, decided, events, frame, picture, until};
use crate::premises::{Live, Premises, json};
use crate::scripted::{PATIENCE, Says};

const FRAMES: &str = "/v1/channels/stage/frames";

/// A moment a few seconds ago, as a query parameter, and so many seconds later.
fn at(seconds: u64) -> String {
    use streamwarden::clock::{Clock, SystemClock};
    SystemClock.now().minus_ms(60_000).plus_ms(seconds * 1000).to_string()
}

#[actix_rt::test]
async fn a_frame_is_answered_with_its_decision_when_that_is_durable() {
    let premises = Premises::new();
    let live = premises.open().await;
    let met = picture(1);
    premises.provider.says(&met, Says::Labels(&[("Alcohol", 95.0)]));
    let answer = decided(&live, FRAMES, &met).await;
    assert_eq!((&answer["outcome"], &answer["verdict"]), (&value!("assessed"), &value!("warn")));
    assert_eq!(answer["rules"][0]["rule"], "alcohol");
    assert_eq!(answer["policy"], value!({ "id": "test", "version": 1 }));
    assert_eq!(answer["repeated"], false);
    let event = events(&live).into_iter().find(|one| answer["event"] == one.envelope.id.to_string());
    let event = event.expect("the outcome is in the journal").envelope;
    assert_eq!((answer["position"].as_u64(), event.event_type.as_str()), (Some(event.position.0), "FrameAssessed"));

    let found = format!("{FRAMES}/{}", answer["frame"].as_str().expect("an id"));
    let (status, again) = json(live.get(&found)).await;
    assert_eq!((status, &again["event"], &again["verdict"]), (200, &answer["event"], &value!("warn")));
    let elsewhere = found.replace("/stage/", "/other/");
    assert_eq!(json(live.get(&elsewhere)).await.0, 404, "it is another channel's");
    assert_eq!(json(live.get(&format!("{FRAMES}/{}", "0".repeat(32)))).await.0, 404);
    live.close().await;
}

#[actix_rt::test]
async fn the_same_frame_twice_has_one_outcome_and_the_same_answer() {
    let premises = Premises::new();
    let live = premises.open().await;
    let shown = picture(1);
    let by_content = format!("{FRAMES}?captured_at={}&session=st-1", at(0));
    let first = decided(&live, &by_content, &shown).await;
    let second = decided(&live, &by_content, &shown).await;
    assert_eq!((&second["event"], &second["repeated"]), (&first["event"], &value!(true)));

    let keyed = |picture: &[u8]| frame(&live, FRAMES, picture).header("idempotency-key", "frame-7");
    let other = picture(2);
    let (status, first) = json(keyed(&other)).await;
    assert_eq!((status, &first["repeated"]), (200, &value!(false)), "{first}");
    let (status, second) = json(keyed(&other)).await;
    assert_eq!((status, &second["event"], &second["repeated"]), (200, &first["event"], &value!(true)));
    assert_eq!(premises.provider.calls(&other), 1);

    let (status, problem) = json(keyed(&picture(3))).await;
    assert_eq!((status, &problem["code"]), (409, &value!("conflict")));
    assert_eq!(problem["first"]["event"], first["event"], "the first outcome stays and is named");
    let conflict = until(&live, "the conflict", |event| match event {
        Event::FrameConflict(conflict) => Some(conflict.clone()),
        _ => None,
    });
    assert_eq!(first["event"], conflict.await.outcome.to_string());
    let recorded = events(&live).into_iter().find(|one| problem["conflict"] == one.envelope.id.to_string());
    assert_eq!(recorded.expect("the conflict named is recorded").envelope.event_type, "FrameConflict");
    live.close().await;
}

#[actix_rt::test]
async fn a_caller_who_does_not_wait_is_told_where_the_outcome_will_be() {
    let premises = Premises::new();
    let live = premises.open().await;
    let held = picture(1);
    premises.provider.says(&held, Says::Held(&[("Alcohol", 95.0)]));
    let request = frame(&live, "/v1/channels/stage%2Fleft/frames", &held).header("prefer", "wait=1, respond-async");
    let response = request.send().await.expect("an answer comes");
    assert_eq!(response.status().as_u16(), 202);
    let place = response.headers()["location"].to_str().expect("text").to_owned();
    let taken: Value = response.json().await.expect("JSON");
    assert_eq!((&taken["channel"], &taken["outcome"]), (&value!("stage/left"), &value!(place)));
    assert_eq!(json(live.get(&place)).await.0, 404, "nothing is decided yet");
    premises.provider.release();
    until(&live, "the outcome", |event| matches!(event, Event::FrameAssessed(_)).then_some(())).await;
    let (status, outcome) = json(live.get(&place)).await;
    assert_eq!((status, &outcome["verdict"]), (200, &value!("warn")));
    live.close().await;
}

#[actix_rt::test]
async fn frames_belong_to_the_broadcast_on_the_air_and_the_first_begins_one() {
    let premises = Premises::new();
    let live = premises.open().await;
    decided(&live, FRAMES, &picture(1)).await;
    let began = |live: &Live| count(live, "SessionStarted");
    assert_eq!(began(&live), 1);
    decided(&live, FRAMES, &picture(2)).await;
    assert_eq!(began(&live), 1, "the second frame is of the same broadcast");

    let sessions = "/v1/channels/stage/sessions";
    let (status, started) = json(live.post(sessions).json(&value!({ "session": "st-2" }))).await;
    assert_eq!((status, &started["on_air"]), (200, &value!("st-2")), "{started}");
    let types: Vec<&Value> = started["events"].as_array().expect("a list").iter().map(|one| &one["type"]).collect();
    assert_eq!(types, ["SessionEnded", "SessionStarted"]);
    let (_, again) = json(live.post(sessions).json(&value!({ "session": "st-2" }))).await;
    assert_eq!((&again["on_air"], &again["events"]), (&value!("st-2"), &value!([])), "said again it changes nothing");
    let (status, ended) = json(live.post(&format!("{sessions}/st-2/end"))).await;
    assert_eq!((status, &ended["on_air"]), (200, &Value::Null));
    assert_eq!(ended["events"][0]["type"], "SessionEnded");

    let skipped = decided(&live, &format!("{FRAMES}?session=st-2"), &picture(3)).await;
    assert_eq!((&skipped["outcome"], &skipped["skipped"]), (&value!("skipped"), &value!("other_session")));
    assert_eq!(skipped["verdict"], Value::Null, "what was not judged has no verdict");
    live.close().await;
}

#[actix_rt::test]
async fn a_frame_there_is_no_room_for_is_an_outcome_like_any_other() {
    let mut premises = Premises::new();
    premises.settings = Settings { frames_max: 1, ..premises.settings };
    let live = premises.open().await;
    let held = picture(1);
    premises.provider.says(&held, Says::Held(&[]));
    let waiting = frame(&live, FRAMES, &held);
    let waiting = actix_rt::spawn(json(waiting));
    premises.provider.asked(&held).await;
    let shed = decided(&live, "/v1/channels/other/frames", &picture(2)).await;
    assert_eq!((&shed["outcome"], &shed["skipped"]), (&value!("skipped"), &value!("overloaded")));
    premises.provider.release();
    let (status, decided) = waiting.await.expect("it is answered");
    assert_eq!((status, &decided["outcome"]), (200, &value!("assessed")));
    live.close().await;
}

#[actix_rt::test]
async fn what_is_no_picture_is_refused_clearly_and_recorded_and_takes_nothing_with_it() {
    let premises = Premises::new();
    let live = premises.open().await;
    let good = picture(1);
    let accepted = decided(&live, &format!("{FRAMES}?captured_at={}&session=st-1", at(0)), &good).await;
    let wide = png(10_000, 10);
    let bomb = png(4_096, 4_096);
    for (nth, (what, bytes)) in [
        ("cut short", &good[..good.len() / 2]),
        ("empty", b"".as_slice()),
        ("text", b"this is no picture".as_slice()),
        ("another kind of file", b"GIF89a\x01\0\x01\0".as_slice()),
        ("10,000 pixels wide", wide.as_slice()),
        ("a size its bytes do not hold", bomb.as_slice()),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("{FRAMES}?captured_at={}&session=st-1", at(nth as u64 * 2 + 2));
        let (status, problem) = json(frame(&live, &path, bytes)).await;
        assert_eq!((status, &problem["code"]), (422, &value!("unprocessable")), "{what}: {problem}");
        let outcome = &problem["outcome"];
        assert_eq!(
            (&outcome["outcome"], &outcome["failed"]["stage"]),
            (&value!("failed"), &value!("decode")),
            "{what}"
        );
        assert_eq!(outcome["verdict"], Value::Null, "{what} is never clear");
    }
    assert_eq!(count(&live, "FrameFailed"), 6, "each is recorded");
    let found = format!("{FRAMES}/{}", accepted["frame"].as_str().expect("an id"));
    assert_eq!(json(live.get(&found)).await.1["event"], accepted["event"], "what was accepted is still there");
    live.close().await;
}

/// A PNG that says to be so large and holds next to nothing.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    file.extend_from_slice(&width.to_be_bytes());
    file.extend_from_slice(&height.to_be_bytes());
    file.extend_from_slice(&[8, 2, 0, 0, 0]);
    let crc = crc32fast::hash(&file[12..]);
    file.extend_from_slice(&crc.to_be_bytes());
    file
}

#[actix_rt::test]
async fn a_request_that_cannot_be_meant_names_what_is_wrong_and_records_nothing() {
    let premises = Premises::new();
    let live = premises.open().await;
    let shown = picture(1);
    for (query, parameter) in [
        (format!("captured_at={}", at(60 + 6 * 60)), "captured_at"),
        ("captured_at=2001-01-01T00:00:00Z".to_owned(), "captured_at"),
        ("captured_at=yesterday".to_owned(), "query"),
        ("session=a%20b".to_owned(), "query"),
        ("colour=red".to_owned(), "query"),
    ] {
        let (status, problem) = json(frame(&live, &format!("{FRAMES}?{query}"), &shown)).await;
        assert_eq!((status, &problem["parameter"]), (400, &value!(parameter)), "{query}: {problem}");
    }
    let (status, problem) = json(frame(&live, FRAMES, &shown).header("idempotency-key", "a b")).await;
    assert_eq!((status, &problem["parameter"]), (400, &value!("Idempotency-Key")));
    let (status, _) = json(frame(&live, "/v1/channels/a%20b/frames", &shown)).await;
    assert_eq!(status, 400, "no channel is called so");
    for kind in ["text/plain", "image/gif", "application/json"] {
        let request = live.post(FRAMES).header("content-type", kind).body(shown.clone());
        assert_eq!(json(request).await.0, 415, "{kind}");
    }
    assert_eq!(json(live.post(FRAMES).body(shown.clone())).await.0, 415, "of no kind at all");
    let future = value!({ "session": "st-1", "at": at(60 + 6 * 60) });
    let (status, problem) = json(live.post("/v1/channels/stage/sessions").json(&future)).await;
    assert_eq!((status, &problem["parameter"]), (400, &value!("at")));
    assert!(events(&live).iter().all(|one| one.envelope.scope.channel().is_none()), "nothing of a channel is recorded");
    live.close().await;
}

/// What a server says to a request whose body does not come as announced.
async fn answered(live: &Live, head: &str, body: &[u8]) -> String {
    let mut socket = TcpStream::connect(live.server.address()).await.expect("it listens");
    let head = format!("POST {FRAMES} HTTP/1.1\r\nhost: {}\r\n{head}\r\n\r\n", live.server.address());
    socket.write_all(head.as_bytes()).await.expect("it reads");
    let _ = socket.write_all(body).await; // it may have answered and closed before all is sent
    let mut answer = vec![0; 64 * 1024];
    let read = tokio::time::timeout(PATIENCE, socket.read(&mut answer)).await.expect("an answer comes in time");
    String::from_utf8_lossy(&answer[..read.expect("it is read")]).into_owned()
}

#[actix_rt::test]
async fn a_body_that_is_too_large_or_too_slow_is_not_waited_for() {
    let mut premises = Premises::new();
    premises.gate = GateConfig { body_timeout_s: 1, ..premises.gate };
    let live = premises.open().await;
    let large = answered(&live, "content-type: image/jpeg\r\ncontent-length: 17000000", b"").await;
    assert!(large.starts_with("HTTP/1.1 413 "), "{large}");
    let slow = answered(&live, "content-type: image/jpeg\r\ncontent-length: 1000", b"\xff\xd8").await;
    assert!(slow.starts_with("HTTP/1.1 408 "), "{slow}");
    assert!(events(&live).iter().all(|one| one.envelope.scope.channel().is_none()), "nothing of a channel is recorded");
    decided(&live, FRAMES, &picture(1)).await;
    live.close().await;
}
