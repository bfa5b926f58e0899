//! Decisions of an external actor, told of over HTTP: who may, about what, and what follows on the record.

use std::sync::Arc;

use reqwest::RequestBuilder;
use serde_json::{Value, json as value};
use streamwarden::events::Event;
use streamwarden::model::{Approval, ChannelId, FrameId, SessionId, Timestamp};
use streamwarden::providers::hive::dashboard::UsersAs;
use streamwarden::warden::enforcement::BudgetLimits;

use crate::handing_in::{count, events, picture, until};
use crate::premises::{Live, Outside, Premises, json};
use crate::scripted::{PATIENCE, Says, ScriptedProvider};

/// What the Dashboard's stand-in is called among providers, because frames are shown to it.
const DASHBOARD: &str = "hive-dashboard";

fn stage() -> ChannelId {
    ChannelId::new("stage").expect("a sound id")
}

/// Premises whose frames are shown to the Dashboard, which knows the secret.
fn premises() -> (Premises, Arc<ScriptedProvider>) {
    let mut premises = Premises::new();
    let dashboard = ScriptedProvider::called(DASHBOARD);
    premises.judge = dashboard.clone();
    premises.outside = Some(Outside::default());
    (premises, dashboard)
}

/// The channel is on the air since then, at the platform and with us.
async fn on_the_air(premises: &Premises, live: &Live, session: &str, since: Timestamp) {
    premises.stage.go_live(&stage(), &SessionId::new(session).expect("a sound id"));
    let body = value!({ "session": session, "at": since });
    let (status, started) = json(live.post("/v1/channels/stage/sessions").json(&body)).await;
    assert_eq!(status, 200, "{started}");
}

fn now(live: &Live) -> Timestamp {
    live.house.wardens.clock().now()
}

fn handing(live: &Live, seed: u8, captured_at: Timestamp) -> (FrameId, RequestBuilder) {
    let key = format!("frame-{seed}");
    let path = format!("/v1/channels/stage/frames?session=st-1&captured_at={captured_at}");
    let request = live.post(&path).header("content-type", "image/jpeg").header("idempotency-key", &key);
    (FrameId::of(&stage(), &[b"http key", key.as_bytes()]), request.body(picture(seed)))
}

/// A frame of the channel that is judged, and so was shown.
async fn shown(live: &Live, seed: u8, captured_at: Timestamp) -> FrameId {
    let (frame, request) = handing(live, seed, captured_at);
    let (status, answer) = json(request).await;
    assert_eq!((status, &answer["outcome"]), (200, &value!("assessed")), "{answer}");
    assert_eq!(answer["frame"], value!(frame));
    frame
}

/// A session that began a while ago, and a frame of it that was just shown.
async fn live_frame(premises: &Premises, live: &Live) -> FrameId {
    let now = now(live);
    on_the_air(premises, live, "st-1", now.minus_ms(60_000)).await;
    shown(live, 1, now.minus_ms(1_000)).await
}

fn user() -> String {
    UsersAs::Digest.user(&stage())
}

/// What the Dashboard sends when an action fires.
fn fired(live: &Live, action: &str, post: &str, user: &str) -> RequestBuilder {
    let path = format!("/v1/callbacks/hive/{action}?post_id={post}&user_id={user}");
    live.post(&path).header("authorization", Outside::SECRET)
}

async fn acts(live: &Live, action: &str, frame: FrameId) -> Value {
    let (status, answer) = json(fired(live, action, &frame.to_string(), &user())).await;
    assert_eq!(status, 200, "{action}: {answer}");
    answer
}

#[actix_rt::test]
async fn an_action_that_needs_nobody_stops_the_broadcast_and_is_explained() {
    let (premises, _) = premises();
    let live = premises.open().await;
    let frame = live_frame(&premises, &live).await;
    let answer = acts(&live, "ban", frame).await;
    assert_eq!((&answer["then"], &answer["repeated"]), (&value!("stop"), &value!(false)));
    let place = format!("/v1/enforcements/{}?wait_s=20", answer["enforcement"].as_str().expect("a stop is asked for"));
    let (_, followed) = json(live.get(&place)).await;
    assert_eq!(followed["stage"], "verified", "{followed}");

    let (_, decision) = json(live.get(&format!("/v1/decisions/{frame}"))).await;
    assert_eq!(decision["verdict"], "clear", "our own rules saw nothing: {decision}");
    let outside = &decision["followed"]["decided_outside"][0];
    assert_eq!((&outside["by"], &outside["action"]), (&value!(DASHBOARD), &value!("ban")));
    assert!(outside["text"].as_str().is_some_and(|text| text.contains("asks here for the broadcast to be stopped")));
    let story = &decision["followed"]["enforcements"][0];
    assert_eq!((&story["relation"], &story["stage"]), (&value!("this_decision"), &value!("verified")));
    assert_eq!(story["requested"]["origin"]["external"]["action"], "ban");

    let (_, found) = json(live.get("/v1/events?external=hive-dashboard")).await;
    let types: Vec<&str> =
        found["items"].as_array().expect("a list").iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(types, ["DecisionReceived", "WarningRaised", "EnforcementRequested"], "{found}");
    let (_, queue) = json(live.get("/v1/warnings")).await;
    let row = &queue["items"][0];
    assert_eq!((&row["decided_by"]["by"], &row["rule"]), (&value!(DASHBOARD), &value!("external/hive-dashboard/ban")));
    live.close().await;
}

#[actix_rt::test]
async fn who_does_not_know_the_secret_decides_nothing() {
    let (premises, _) = premises();
    let live = premises.open().await;
    let frame = live_frame(&premises, &live).await;
    let path = format!("/v1/callbacks/hive/ban?post_id={frame}&user_id={}", user());
    let almost = format!("{}x", &Outside::SECRET[1..]);
    for said in [None, Some(""), Some(almost.as_str()), Some("Bearer sw_000000000000_0"), Some("Basic YTpi")] {
        let request = live.post(&path);
        let request = match said {
            Some(said) => request.header("authorization", said),
            None => request,
        };
        let (status, problem) = json(request).await;
        assert_eq!((status, &problem["code"]), (401, &value!("unauthenticated")), "{said:?}: {problem}");
        assert!(!problem.to_string().contains(&Outside::SECRET[..16]), "{problem}");
    }
    assert_eq!(count(&live, "DecisionReceived"), 0);
    live.close().await;
}

#[actix_rt::test]
async fn where_nobody_decides_outside_nobody_is_let_in() {
    let live = Premises::new().open().await;
    let (status, _) = json(fired(&live, "ban", &"0".repeat(32), &user())).await;
    assert_eq!(status, 401);
    live.close().await;
}

#[actix_rt::test]
async fn an_action_told_again_has_no_second_effect_one_after_the_other_or_at_once() {
    let (premises, _) = premises();
    let live = premises.open().await;
    let frame = live_frame(&premises, &live).await;
    let first = acts(&live, "flag", frame).await;
    let again = acts(&live, "flag", frame).await;
    assert_eq!((&first["repeated"], &again["repeated"]), (&value!(false), &value!(true)));
    assert_eq!((&first["warning"], &first["events"]), (&again["warning"], &again["events"]));
    let at_once = futures_util::future::join_all((0..8).map(|_| acts(&live, "ban", frame))).await;
    assert!(at_once.iter().all(|answer| answer["enforcement"] == at_once[0]["enforcement"]), "{at_once:?}");
    let counts = ["DecisionReceived", "WarningRaised", "EnforcementRequested"].map(|name| count(&live, name));
    assert_eq!(counts, [2, 2, 1]);
    live.close().await;
}

#[actix_rt::test]
async fn what_is_decided_about_an_old_frame_warns_and_never_stops() {
    let (premises, _) = premises();
    let live = premises.open().await;
    let now = now(&live);
    on_the_air(&premises, &live, "st-1", now.minus_ms(40 * 60_000)).await;
    let frame = shown(&live, 1, now.minus_ms(20 * 60_000)).await;
    let answer = acts(&live, "ban", frame).await;
    assert_eq!(answer["enforcement"], Value::Null);
    let (_, queue) = json(live.get("/v1/warnings")).await;
    let row = &queue["items"][0];
    assert_eq!((&row["asks"], &row["approval"], &row["action"]), (&value!("late"), &value!("person"), &value!("stop")));

    // A newer frame lets the stop go ahead that the older one could only propose.
    let newer = shown(&live, 2, now.minus_ms(1_000)).await;
    let answer = acts(&live, "ban", newer).await;
    assert_eq!(answer["effect"]["joined"], row["warning"], "{answer}");
    assert!(answer["enforcement"].is_string(), "{answer}");
    live.close().await;
}

#[actix_rt::test]
async fn after_the_broadcast_an_action_warns_and_reaches_no_other() {
    let (premises, _) = premises();
    let live = premises.open().await;
    let frame = live_frame(&premises, &live).await;
    let (status, _) = json(live.post("/v1/channels/stage/sessions/st-1/end")).await;
    assert_eq!(status, 200);
    on_the_air(&premises, &live, "st-2", now(&live)).await;
    let answer = acts(&live, "ban", frame).await;
    assert!(answer["warning"].is_string() && answer["enforcement"].is_null(), "{answer}");
    let (_, queue) = json(live.get("/v1/warnings")).await;
    assert_eq!((&queue["items"][0]["session"], &queue["items"][0]["asks"]), (&value!("st-1"), &value!("late")));
    live.close().await;
}

#[actix_rt::test]
async fn a_post_of_another_channel_than_the_user_is_refused_and_touches_neither() {
    let (premises, _) = premises();
    let live = premises.open().await;
    let frame = live_frame(&premises, &live).await;
    let before = events(&live).len();
    let other = UsersAs::Digest.user(&ChannelId::new("other").expect("a sound id"));
    for user in [other.as_str(), "stage", "x"] {
        let (status, problem) = json(fired(&live, "ban", &frame.to_string(), user)).await;
        assert_eq!((status, &problem["rule"]), (422, &value!("another_user")), "{problem}");
    }
    assert_eq!(events(&live).len(), before);
    live.close().await;
}

#[actix_rt::test]
async fn an_action_or_a_post_that_nobody_knows_is_named() {
    let (premises, _) = premises();
    let live = premises.open().await;
    let frame = live_frame(&premises, &live).await;
    for (action, post, says) in [
        ("unheard-of", frame.to_string(), "no action of that name"),
        ("ban", "0".repeat(32), "no frame was shown to hive-dashboard as post 0000"),
        ("ban", "p1".to_owned(), "no frame was shown to hive-dashboard as post p1"),
    ] {
        let (status, problem) = json(fired(&live, action, &post, &user())).await;
        assert_eq!(status, 404, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{problem}");
    }
    let (status, problem) = json(fired(&live, "ban", &frame.to_string(), &format!("{}&post_id=2", user()))).await;
    assert_eq!((status, &problem["parameter"]), (400, &value!("post_id")), "{problem}");
    live.close().await;
}

#[actix_rt::test]
async fn a_frame_that_was_shown_to_somebody_else_is_no_post() {
    let mut premises = Premises::new();
    premises.outside = Some(Outside::default());
    let live = premises.open().await;
    let frame = live_frame(&premises, &live).await;
    let (status, problem) = json(fired(&live, "ban", &frame.to_string(), &user())).await;
    assert_eq!(status, 404, "{problem}");
    assert_eq!(count(&live, "DecisionReceived"), 0);
    live.close().await;
}

#[actix_rt::test]
async fn a_body_may_name_the_post_and_may_not_be_endless() {
    let (premises, _) = premises();
    let live = premises.open().await;
    let frame = live_frame(&premises, &live).await;
    let path = "/v1/callbacks/hive/flag";
    let asking = |body: String| {
        live.post(path).header("authorization", Outside::SECRET).header("content-type", "application/json").body(body)
    };
    let body = value!({ "post_id": frame, "user_id": user(), "moderator": { "email": "x" } });
    let (status, answer) = json(asking(body.to_string())).await;
    assert_eq!(status, 200, "{answer}");
    let (status, problem) = json(asking(" ".repeat((256 << 10) + 1))).await;
    assert_eq!((status, &problem["code"]), (413, &value!("too_large")), "{problem}");
    live.close().await;
}

#[actix_rt::test]
async fn an_action_on_a_frame_that_is_still_being_judged_waits_for_its_outcome() {
    let (premises, dashboard) = premises();
    let live = premises.open().await;
    let now = now(&live);
    on_the_air(&premises, &live, "st-1", now.minus_ms(60_000)).await;
    dashboard.says(&picture(1), Says::Held(&[]));
    let (frame, request) = handing(&live, 1, now);
    let (status, _) = json(request.header("prefer", "respond-async")).await;
    assert_eq!(status, 202);
    dashboard.asked(&picture(1)).await;
    let (status, _) = json(fired(&live, "ban", &frame.to_string(), &user())).await;
    assert_eq!(status, 404, "nobody says that it is being shown");

    premises.outside.as_ref().expect("set above").posts.show(frame);
    let waiting = actix_rt::spawn(fired(&live, "ban", &frame.to_string(), &user()).send());
    tokio::task::yield_now().await;
    dashboard.release();
    let answer = tokio::time::timeout(PATIENCE, waiting).await.expect("an answer comes").expect("no panic");
    assert_eq!(answer.expect("an answer").status().as_u16(), 200);
    let stands = events(&live).iter().map(|one| one.envelope.event_type.clone()).collect::<Vec<_>>();
    let place = |name: &str| stands.iter().position(|found| found == name).expect("it is on record");
    assert!(place("FrameAssessed") < place("DecisionReceived"));
    live.close().await;
}

#[actix_rt::test]
async fn an_action_that_needs_a_person_is_carried_out_when_one_agrees() {
    let (mut premises, _) = premises();
    let outside = premises.outside.as_mut().expect("set above");
    outside.actions.get_mut("ban").expect("an action").approval = Approval::Person;
    let live = premises.open().await;
    let frame = live_frame(&premises, &live).await;
    let answer = acts(&live, "ban", frame).await;
    assert_eq!(answer["enforcement"], Value::Null);
    let warning = answer["warning"].as_str().expect("a warning").to_owned();
    let (_, row) = json(live.get(&format!("/v1/warnings/{warning}"))).await;
    let version = &row["version"];
    let body = value!({ "answer": "uphold", "warnings": [{ "id": warning, "version": version }] });
    let (status, upheld) = json(live.post("/v1/answers").json(&body)).await;
    assert_eq!(status, 200, "{upheld} {row}");
    let verified = until(&live, "the verified end", |event| match event {
        Event::EnforcementVerified(verified) => Some(verified.enforcement),
        _ => None,
    });
    verified.await;
    live.close().await;
}

#[actix_rt::test]
async fn the_budget_holds_an_external_actors_stop_as_it_holds_a_rules() {
    let (mut premises, _) = premises();
    premises.budget = BudgetLimits { per_minute: 0, ..premises.budget };
    let live = premises.open().await;
    let frame = live_frame(&premises, &live).await;
    acts(&live, "ban", frame).await;
    until(&live, "that it is held", |event| matches!(event, Event::EnforcementHeld(_)).then_some(())).await;
    assert_eq!(count(&live, "EnforcementAttempted"), 0);
    live.close().await;
}

#[actix_rt::test]
async fn an_action_that_is_only_noted_asks_nobody() {
    let (premises, _) = premises();
    let live = premises.open().await;
    let frame = live_frame(&premises, &live).await;
    let answer = acts(&live, "note", frame).await;
    assert_eq!((&answer["effect"], &answer["warning"]), (&value!("noted"), &Value::Null));
    assert_eq!((count(&live, "DecisionReceived"), count(&live, "WarningRaised")), (1, 0));
    live.close().await;
}
