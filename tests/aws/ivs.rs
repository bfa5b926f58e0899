//! Stops carried out on Amazon IVS, over HTTP with the real SDK and the real house, whatever the platform does.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use streamwarden::aws::ivs::IvsPace;
use streamwarden::clock::SystemClock;
use streamwarden::control::{Directory, DirectorySettings, IvsControl, IvsSettings};
use streamwarden::events::{EnforcementKind, Event, NotNeededBecause};
use tokio::sync::{mpsc, watch};

use crate::premises::{Live, PATIENCE, Premises, channel, session};
use crate::standins::Stage;

/// IVS as the house reaches it, believed at once: what its pictures say is for the plan's table.
fn control(stage: &Stage) -> Arc<IvsControl> {
    let pace = IvsPace { calls_per_second: 50, ..IvsPace::default() };
    let settings = IvsSettings { quiet_ms: 0, ..IvsSettings::default() };
    Arc::new(IvsControl::new(Arc::new(stage.aws().ivs(pace)), settings))
}

/// The operations called so far, in order, of those that are named.
async fn called(stage: &Stage, operations: &[&str]) -> Vec<String> {
    let calls = stage.calls().await;
    let named = calls.iter().filter_map(|call| call["op"].as_str()?.strip_prefix("ivs.").map(str::to_owned));
    named.filter(|operation| operations.contains(&operation.as_str())).collect()
}

/// A channel on the air with its session, a person who wants it stopped or suspended, and how that ended.
async fn acted(live: &Live, stage: &Stage, name: &str, about: Value, kind: EnforcementKind) -> Event {
    let judged = session("judged");
    stage.script(json!({ "channels": { (name): about } })).await;
    live.starts(&channel(name), &judged).await;
    let id = live.asks(&channel(name), kind, Some(&judged)).await;
    live.end_of(id).await
}

fn on_air() -> Value {
    json!({ "live": true, "session": session("judged").as_str() })
}

#[actix_rt::test]
async fn a_stop_is_made_once_right_after_a_look_and_seen_to_have_worked() {
    let (premises, stage) = (Premises::new(), Stage::new());
    let live = premises.open(control(&stage)).await;
    let end = acted(&live, &stage, "a", on_air(), EnforcementKind::Stop).await;
    assert!(matches!(end, Event::EnforcementVerified(_)), "{end:?}");
    let calls = called(&stage, &["GetStream", "StopStream"]).await;
    assert_eq!(calls, ["GetStream", "GetStream", "StopStream", "GetStream"]);
    live.close().await;
}

#[actix_rt::test]
async fn an_encoder_that_comes_back_begins_another_session_which_is_not_stopped() {
    let (premises, stage) = (Premises::new(), Stage::new());
    let live = premises.open(control(&stage)).await;
    let about = json!({ "live": true, "session": session("judged").as_str(), "reconnect_s": 0 });
    let end = acted(&live, &stage, "a", about, EnforcementKind::Stop).await;
    assert!(matches!(end, Event::EnforcementVerified(_)), "{end:?}");
    assert_eq!(called(&stage, &["StopStream", "DeleteStreamKey"]).await, ["StopStream"]);
    let back = stage.aws().ivs(IvsPace::default()).get_stream(&channel("a")).await.unwrap();
    assert!(back.is_some_and(|back| back.session != session("judged")), "the encoder is back");
    live.close().await;
}

#[actix_rt::test]
async fn a_suspension_revokes_every_key_before_it_stops_and_a_lift_makes_one() {
    let (premises, stage) = (Premises::new(), Stage::new());
    let live = premises.open(control(&stage)).await;
    let about = json!({ "live": true, "session": session("judged").as_str(), "reconnect_s": 0, "stream_keys": 3 });
    let end = acted(&live, &stage, "a", about, EnforcementKind::Suspend).await;
    assert!(matches!(end, Event::EnforcementVerified(_)), "{end:?}");
    let acts = ["DeleteStreamKey", "StopStream", "CreateStreamKey"];
    let deleted = ["DeleteStreamKey"; 3];
    assert_eq!(called(&stage, &acts).await, [&deleted[..], &["StopStream"]].concat());
    let ivs = stage.aws().ivs(IvsPace::default());
    assert_eq!(ivs.get_stream(&channel("a")).await.unwrap(), None, "without a key no encoder comes back");

    let lift = live.asks(&channel("a"), EnforcementKind::Lift, None).await;
    let end = live.end_of(lift).await;
    assert!(matches!(end, Event::EnforcementVerified(_)), "{end:?}");
    assert_eq!(called(&stage, &acts).await.last().map(String::as_str), Some("CreateStreamKey"));
    assert_eq!(ivs.stream_keys(&channel("a")).await.unwrap().len(), 1);
    ivs.create_stream_key(&channel("a")).await.expect("a channel that has its key keeps it");
    live.close().await;
}

#[actix_rt::test]
async fn a_stop_whose_answer_was_lost_is_seen_to_have_worked_and_not_repeated() {
    let (premises, stage) = (Premises::new(), Stage::new());
    stage.script(json!({ "faults": [{ "op": "ivs.StopStream", "kind": "lost" }] })).await;
    let live = premises.open(control(&stage)).await;
    let end = acted(&live, &stage, "a", on_air(), EnforcementKind::Stop).await;
    assert!(matches!(end, Event::EnforcementVerified(_)), "{end:?}");
    assert_eq!(called(&stage, &["StopStream"]).await, ["StopStream"]);
    live.close().await;
}

#[actix_rt::test]
async fn nothing_on_the_air_needs_no_stop_and_a_channel_nobody_knows_is_a_persons_matter() {
    let (premises, stage) = (Premises::new(), Stage::new());
    let live = premises.open(control(&stage)).await;
    let end = acted(&live, &stage, "dark", json!({}), EnforcementKind::Stop).await;
    let because = NotNeededBecause::AlreadyOffline;
    assert!(matches!(&end, Event::EnforcementNotNeeded(end) if end.because == because), "{end:?}");

    let judged = session("judged");
    live.starts(&channel("gone"), &judged).await;
    let stop = live.asks(&channel("gone"), EnforcementKind::Stop, Some(&judged)).await;
    let end = live.end_of(stop).await;
    assert!(matches!(&end, Event::EnforcementFailed(end) if end.reason.contains("does not know")), "{end:?}");
    assert_eq!(called(&stage, &["StopStream"]).await, [""; 0], "neither was stopped");
    live.close().await;
}

#[actix_rt::test]
async fn another_session_than_the_one_judged_is_never_stopped() {
    let (premises, stage) = (Premises::new(), Stage::new());
    let live = premises.open(control(&stage)).await;
    let about = json!({ "live": true, "session": session("other").as_str() });
    let end = acted(&live, &stage, "a", about, EnforcementKind::Stop).await;
    assert!(matches!(&end, Event::EnforcementSuperseded(end) if end.found == session("other")), "{end:?}");
    assert_eq!(called(&stage, &["StopStream"]).await, [""; 0]);
    live.close().await;
}

#[actix_rt::test]
async fn too_many_calls_are_made_again_later_and_a_denial_is_the_end() {
    let (premises, stage) = (Premises::new(), Stage::new());
    let denied =
        json!({ "op": "ivs.StopStream", "kind": "error", "code": "AccessDeniedException", "where": "/denied" });
    let throttled = json!({ "op": "ivs.*Stream", "kind": "throttle", "times": 3, "where": "/busy" });
    stage.script(json!({ "faults": [denied, throttled] })).await;
    let live = premises.open(control(&stage)).await;
    let end = acted(&live, &stage, "busy", on_air(), EnforcementKind::Stop).await;
    assert!(matches!(end, Event::EnforcementVerified(_)), "{end:?}");
    let end = acted(&live, &stage, "denied", on_air(), EnforcementKind::Stop).await;
    assert!(matches!(&end, Event::EnforcementFailed(end) if end.attempts == 1), "{end:?}");
    live.close().await;
}

#[actix_rt::test]
async fn many_stops_at_once_share_their_looks() {
    let (premises, stage) = (Premises::new(), Stage::new());
    let live = premises.open(control(&stage)).await;
    let names: Vec<String> = (0..20).map(|n| format!("ch{n}")).collect();
    let mut stops = Vec::new();
    for name in &names {
        stage.script(json!({ "channels": { (name): on_air() } })).await;
        live.starts(&channel(name), &session("judged")).await;
    }
    for name in &names {
        stops.push(live.asks(&channel(name), EnforcementKind::Stop, Some(&session("judged"))).await);
    }
    for stop in stops {
        let end = live.end_of(stop).await;
        assert!(matches!(end, Event::EnforcementVerified(_)), "{end:?}");
    }
    assert_eq!(called(&stage, &["StopStream"]).await.len(), 20);
    assert!(!called(&stage, &["ListStreams"]).await.is_empty(), "looks that came together were answered by a list");
    live.close().await;
}

#[actix_rt::test]
async fn the_directory_knows_who_is_on_the_air_and_by_which_name() {
    let stage = Stage::new();
    let channels = (0..120).map(|n| (format!("ch{n}"), json!({ "live": n % 2 == 0, "name": format!("Stage-{n}") })));
    stage.script(json!({ "channels": channels.collect::<serde_json::Map<_, _>>() })).await;
    let ivs = Arc::new(stage.aws().ivs(IvsPace { calls_per_second: 50, ..IvsPace::default() }));
    let directory = Directory::new(ivs, Arc::new(SystemClock), DirectorySettings::default());
    assert_eq!(directory.as_of(), None);
    directory.refresh().await.unwrap();
    assert!(directory.on_air(&channel("ch4")).is_some() && directory.on_air(&channel("ch5")).is_none());
    assert_eq!(directory.name(&channel("ch118")).as_deref(), Some("Stage-118"));
    directory.refresh().await.unwrap();
    // The stand-in writes a call down after it was answered, so the newest may be missing.
    let asked = called(&stage, &["ListStreams", "BatchGetChannel"]).await;
    assert_eq!(
        asked[..3],
        ["ListStreams", "BatchGetChannel", "BatchGetChannel"],
        "60 on the air: one page, two batches"
    );
    assert_eq!(called(&stage, &["BatchGetChannel"]).await.len(), 2, "names that are known are not asked for again");
}

#[actix_rt::test]
async fn the_directory_tells_of_a_broadcast_that_many_more_people_came_to_watch() {
    let stage = Stage::new();
    let watched_by = |viewers: u32| json!({ "channels": { "ch": { "live": true, "viewers": viewers, "session": session("judged").as_str() } } });
    stage.script(watched_by(80)).await;
    let ivs = Arc::new(stage.aws().ivs(IvsPace { calls_per_second: 100, ..IvsPace::default() }));
    let settings = DirectorySettings { refresh: Duration::from_millis(20) };
    let directory = Arc::new(Directory::new(ivs, Arc::new(SystemClock), settings));
    let ((stop, stopping), (rises, mut risen)) = (watch::channel(false), mpsc::channel(8));
    let running = directory.clone();
    let running = actix_rt::spawn(async move { running.run(stopping, rises).await });
    let counts = async |viewers: u64| {
        while directory.on_air(&channel("ch")).and_then(|live| live.viewers) != Some(viewers) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, counts(80)).await.expect("the viewers are counted");
    stage.script(watched_by(412)).await;
    let rise = tokio::time::timeout(PATIENCE, risen.recv()).await.expect("it is told in time").expect("it is told");
    assert_eq!((rise.channel, rise.before, rise.now), (channel("ch"), 80, 412));
    stop.send(true).unwrap();
    running.await.unwrap();
}
