//! Streams stopped, suspended and lifted over HTTP, and followed to their verified end.

use serde_json::{Value, json as value};
use streamwarden::model::{ChannelId, SessionId};

use crate::handing_in::{count, decided, picture};
use crate::premises::{Live, Premises, json};
use crate::scripted::Says;

const ASK: &str = "/v1/channels/stage/enforcements";

/// The channel is on the air, at the platform and with us.
async fn on_the_air(premises: &Premises, live: &Live) {
    let channel = ChannelId::new("stage").expect("a sound id");
    premises.stage.go_live(&channel, &SessionId::new("st-1").expect("a sound id"));
    let (status, started) = json(live.post("/v1/channels/stage/sessions").json(&value!({ "session": "st-1" }))).await;
    assert_eq!(status, 200, "{started}");
}

async fn ended(live: &Live, told: &Value) -> Value {
    let place = format!("/v1/enforcements/{}?wait_s=20", told["enforcement"].as_str().expect("an id"));
    let (status, followed) = json(live.get(&place)).await;
    assert_eq!((status, &followed["ended"]), (200, &value!(true)), "{followed}");
    followed
}

fn stages(told: &Value) -> Vec<String> {
    let name = |stage: &Value| match stage {
        Value::Object(fields) => fields.keys().next().cloned().unwrap_or_default(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    told["steps"].as_array().expect("a list").iter().map(|step| name(&step["stage"])).collect()
}

#[actix_rt::test]
async fn a_stop_is_followed_to_its_verified_end_with_every_step() {
    let premises = Premises::new();
    let live = premises.open().await;
    on_the_air(&premises, &live).await;
    let body = value!({ "kind": "stop", "session": "st-1", "reason": "a weapon in the picture" });
    let response = live.post(ASK).json(&body).send().await.expect("an answer comes");
    assert_eq!(response.status().as_u16(), 201);
    let place = response.headers()["location"].to_str().expect("text").to_owned();
    let told: Value = response.json().await.expect("JSON");
    assert_eq!(place, format!("/v1/enforcements/{}", told["enforcement"].as_str().expect("an id")));
    assert_eq!((&told["session"], &told["reason"]), (&value!("st-1"), &value!("a weapon in the picture")));

    let followed = ended(&live, &told).await;
    assert_eq!(followed["stage"], "verified");
    assert_eq!(stages(&followed), ["requested", "admitted", "attempted", "succeeded", "verified"]);
    for step in followed["steps"].as_array().expect("a list") {
        assert!(step["event"].is_string() && step["at"].is_string() && step["position"].is_u64(), "{step}");
    }
    assert!(followed["steps"][0]["by"].is_string(), "a person asked");
    assert_eq!(count(&live, "EnforcementVerified"), 1);

    let (status, lift) = json(live.post(ASK).json(&value!({ "kind": "lift", "reason": "in error" }))).await;
    assert_eq!((status, &lift["session"]), (201, &Value::Null));
    let lift = ended(&live, &lift).await;
    assert_eq!(lift["stage"], "not_needed");
    let last = lift["steps"].as_array().and_then(|steps| steps.last()).expect("steps");
    assert_eq!(last["reason"], "there was no suspension to lift");
    live.close().await;
}

#[actix_rt::test]
async fn a_suspension_is_undone_by_a_lift() {
    let premises = Premises::new();
    let live = premises.open().await;
    on_the_air(&premises, &live).await;
    let suspend = value!({ "kind": "suspend", "session": "st-1", "reason": "again" });
    let (_, told) = json(live.post(ASK).json(&suspend)).await;
    assert_eq!(ended(&live, &told).await["stage"], "verified");
    let (_, lift) = json(live.post(ASK).json(&value!({ "kind": "lift", "reason": "appeal upheld" }))).await;
    assert_eq!(ended(&live, &lift).await["stage"], "verified");
    live.close().await;
}

#[actix_rt::test]
async fn the_same_request_twice_is_one_stop() {
    let premises = Premises::new();
    let live = premises.open().await;
    on_the_air(&premises, &live).await;
    let body = value!({ "kind": "stop", "session": "st-1", "reason": "once" });
    let ask = || live.post(ASK).header("idempotency-key", "stop-1").json(&body);
    let ((first, told), (second, again)) = (json(ask()).await, json(ask()).await);
    assert_eq!((first, second), (201, 201));
    assert_eq!(told["enforcement"], again["enforcement"]);
    assert_eq!(count(&live, "EnforcementRequested"), 1);
    live.close().await;
}

#[actix_rt::test]
async fn a_key_of_a_stop_is_no_key_of_a_lift_or_of_a_stop_for_another_reason() {
    let premises = Premises::new();
    let live = premises.open().await;
    on_the_air(&premises, &live).await;
    let ask = |body: Value| json(live.post(ASK).header("idempotency-key", "k").json(&body));
    let (status, told) = ask(value!({ "kind": "suspend", "session": "st-1", "reason": "a weapon" })).await;
    assert_eq!(status, 201, "{told}");
    for body in [
        value!({ "kind": "lift", "reason": "a weapon" }),
        value!({ "kind": "stop", "session": "st-1", "reason": "a weapon" }),
        value!({ "kind": "suspend", "session": "st-2", "reason": "a weapon" }),
        value!({ "kind": "suspend", "session": "st-1", "reason": "another" }),
    ] {
        let (status, problem) = ask(body.clone()).await;
        assert_eq!((status, &problem["rule"]), (409, &value!("came_before_otherwise")), "{body}: {problem}");
    }
    let (status, again) = ask(value!({ "kind": "suspend", "session": "st-1", "reason": "a weapon" })).await;
    assert_eq!((status, &again["enforcement"]), (201, &told["enforcement"]));
    assert_eq!(count(&live, "EnforcementRequested"), 1);
    live.close().await;
}

#[actix_rt::test]
async fn a_stand_in_that_believes_the_wardens_stops_what_they_hold_to_be_on_the_air() {
    let premises = Premises::new();
    let live = premises.open().await;
    premises.stage.believe(live.house.on_air());
    let (status, started) = json(live.post("/v1/channels/stage/sessions").json(&value!({ "session": "st-1" }))).await;
    assert_eq!(status, 200, "{started}");
    let body = value!({ "kind": "stop", "session": "st-1", "reason": "rehearsed" });
    let (_, told) = json(live.post(ASK).json(&body)).await;
    assert_eq!(ended(&live, &told).await["stage"], "verified");
    let (_, channel) = json(live.get("/v1/channels/stage")).await;
    assert_eq!(channel["session"], Value::Null, "stopped");
    live.close().await;
}

#[actix_rt::test]
async fn a_stop_reaches_no_other_broadcast_and_needs_a_reason() {
    let premises = Premises::new();
    let live = premises.open().await;
    on_the_air(&premises, &live).await;
    for (body, status, rule) in [
        (value!({ "kind": "stop", "session": "st-2", "reason": "x" }), 409, value!("other_session")),
        (value!({ "kind": "stop", "reason": "x" }), 422, value!("session_not_named")),
        (value!({ "kind": "stop", "session": "st-1" }), 400, Value::Null),
        (value!({ "kind": "stop", "session": "st-1", "reason": "  " }), 400, Value::Null),
        (value!({ "kind": "explode", "session": "st-1", "reason": "x" }), 400, Value::Null),
    ] {
        let (found, problem) = json(live.post(ASK).json(&body)).await;
        assert_eq!((found, &problem["rule"]), (status, &rule), "{body}: {problem}");
    }
    assert_eq!(count(&live, "EnforcementRequested"), 0);
    assert_eq!(json(live.get(&format!("/v1/enforcements/{}", "0".repeat(32)))).await.0, 404);
    assert_eq!(json(live.get("/v1/enforcements/none")).await.0, 400);
    let (status, problem) = json(live.get(&format!("/v1/enforcements/{}?wait_s=31", "0".repeat(32)))).await;
    assert_eq!((status, &problem["parameter"]), (400, &value!("wait_s")));
    live.close().await;
}

#[actix_rt::test]
async fn what_the_budget_holds_a_person_admits_or_calls_off() {
    let mut premises = Premises::new();
    premises.budget.per_minute = 0;
    let live = premises.open().await;
    on_the_air(&premises, &live).await;
    let met = picture(1);
    premises.provider.says(&met, Says::Labels(&[("Explicit", 95.0)]));
    let answer = decided(&live, "/v1/channels/stage/frames?session=st-1", &met).await;
    assert_eq!(answer["verdict"], "stop");
    let asked = crate::handing_in::until(&live, "the hold", |event| match event {
        streamwarden::events::Event::EnforcementHeld(held) => Some(held.enforcement),
        _ => None,
    });
    let held = value!({ "enforcement": asked.await.to_string() });
    let place = format!("/v1/enforcements/{}", held["enforcement"].as_str().expect("an id"));
    let (status, admitted) = json(live.post(&format!("{place}/admit"))).await;
    assert_eq!(status, 200, "{admitted}");
    assert_eq!(ended(&live, &held).await["stage"], "verified");
    let (status, problem) = json(live.post(&format!("{place}/cancel"))).await;
    assert_eq!((status, &problem["rule"]), (409, &value!("not_under_way")));
    live.close().await;
}
