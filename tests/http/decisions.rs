//! A decision over HTTP: the whole explanation, for every kind of outcome, and for nobody who may not see it.

use streamwarden::events::EventType;
use streamwarden::warden::{Answering, ModeratorAct};

use crate::premises::json;
use crate::recorded::{BOTTLE, NOTHING, WEAPON, channel, moderate, offer, premises, recorded, with_tokens};

#[actix_rt::test]
async fn a_decision_is_explained_from_the_picture_to_the_end_of_the_stop() {
    let premises = premises();
    let live = premises.open().await;
    let stage = channel("decisions/a");
    offer(&live, &stage, 1, NOTHING).await;
    let (frame, outcome) = offer(&live, &stage, 11, WEAPON).await;
    recorded(&live, outcome.position, EventType::EvidenceStored).await;
    let state = live.house.wardens.inspect(&stage).await.expect("it is watched");
    let warning = state.open_warnings().next().expect("a warning").id;
    moderate(&live, &stage, "uphold", ModeratorAct::Uphold(Answering::to([warning]))).await;
    // The platform has nothing of that name on the air, so there is nothing to stop.
    recorded(&live, outcome.position, EventType::EnforcementNotNeeded).await;

    let (status, decision) = json(live.get(&format!("/v1/decisions/{frame}"))).await;
    assert_eq!(status, 200, "{decision}");
    assert_eq!((decision["outcome"].as_str(), decision["verdict"].as_str()), (Some("assessed"), Some("warn")));
    assert_eq!(decision["missing"].as_array().map(Vec::len), Some(0), "{decision}");
    assert_eq!(decision["evidence"]["kept"], "kept");
    assert_eq!(decision["evidence"]["image"]["width"], 96);
    assert_eq!(decision["cadence"]["interval_ms"], 1000);
    assert_eq!(decision["cadence"]["was_due"], true);
    assert!(decision["likeness"]["compared_with"]["frame"].is_string());
    let judged = &decision["judgement"];
    assert_eq!((&judged["provider"]["name"], &judged["provider"]["model"]), (&"scripted".into(), &"test".into()));
    assert_eq!(judged["labels"][0]["path"], "Violence/Weapons");
    assert_eq!(judged["decided_by"], serde_json::json!(["weapons"]));
    let weapons = judged["rules"].as_array().expect("rules").iter().find(|rule| rule["rule"] == "weapons");
    let weapons = weapons.expect("the rule is there");
    assert_eq!((&weapons["best"]["margin"], &weapons["reached"]), (&19_000.into(), &"met".into()));
    assert_eq!(
        (&weapons["otherwise"][0]["verdict"], &weapons["otherwise"][0]["changes_verdict"]),
        (&"clear".into(), &true.into())
    );
    assert!(decision["policy"]["text"].as_str().is_some_and(|text| text.contains("id: weapons")));
    let followed = &decision["followed"];
    assert_eq!(followed["warnings"][0]["standing"]["upheld"]["by"], "m-17");
    assert_eq!(followed["enforcements"][0]["stage"], "not_needed");
    assert_eq!(followed["enforcements"][0]["requested"]["origin"]["person"]["by"], "m-17");
    let caused = followed["caused"].as_array().expect("what it caused");
    assert!(caused.iter().any(|event| event["type"] == "EvidenceStored"), "{caused:?}"); // on a slow machine not alone

    let (status, same) = json(live.get(&format!("/v1/decisions/{}", outcome.id))).await;
    assert_eq!((status, &same["frame"]), (200, &decision["frame"]));
    live.close().await;
}

#[actix_rt::test]
async fn skipped_and_failed_frames_are_explained_as_well() {
    let premises = premises();
    let live = premises.open().await;
    let stage = channel("decisions/b");
    offer(&live, &stage, 10, NOTHING).await;
    let (stale, _) = offer(&live, &stage, 5, BOTTLE).await;
    let (failed, _) = offer(&live, &stage, 20, b"this is no picture").await;
    let (_, decision) = json(live.get(&format!("/v1/decisions/{stale}"))).await;
    assert_eq!((decision["outcome"].as_str(), &decision["verdict"]), (Some("skipped"), &serde_json::Value::Null));
    assert!(decision["because"].as_str().is_some_and(|because| because.contains("was assessed before")), "{decision}");
    let (_, decision) = json(live.get(&format!("/v1/decisions/{failed}"))).await;
    assert_eq!((decision["outcome"].as_str(), &decision["verdict"]), (Some("failed"), &serde_json::Value::Null));
    assert_eq!(decision["evidence"]["kept"], "not_kept");
    live.close().await;
}

#[actix_rt::test]
async fn a_decision_is_there_for_those_who_may_see_it() {
    let mut premises = premises();
    let folder = tempfile::tempdir().expect("a folder");
    let (viewer, _) = with_tokens(&mut premises, folder.path(), "own/*");
    let live = premises.open().await;
    let (own, _) = offer(&live, &channel("own/a"), 1, BOTTLE).await;
    let (foreign, _) = offer(&live, &channel("foreign/a"), 1, BOTTLE).await;
    let status = async |id: String| json(live.get(&format!("/v1/decisions/{id}")).bearer_auth(&viewer)).await.0;
    assert_eq!(status(own.to_string()).await, 200);
    assert_eq!(status(foreign.to_string()).await, 404);
    assert_eq!(status("0".repeat(32)).await, 404);
    assert_eq!(status("nonsense".to_owned()).await, 400);
    live.close().await;
}

#[actix_rt::test]
async fn what_watches_a_channel_is_shown_without_what_watches_those_that_are_not_theirs() {
    const POLICIES: &str = "
policy: own
channels: { matching: ^own/ }
priority: 10
taxonomy: rekognition/7.0
sampling: { every: 1s, max_age: 24h }
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 80 }
---
policy: foreign
channels: { matching: ^foreign/ }
priority: 10
taxonomy: rekognition/7.0
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 80 }
";
    let mut premises = premises();
    let folder = tempfile::tempdir().expect("a folder");
    let (viewer, _) = with_tokens(&mut premises, folder.path(), "own/*");
    let (everywhere, _) = with_tokens(&mut premises, folder.path(), "*");
    let live = premises.open().await;
    let desk = live.house.policies.clone();
    let publishing = tokio::task::spawn_blocking(move || {
        let mut desk = desk.lock().expect("nobody panicked");
        desk.publish("both.yaml", POLICIES, &streamwarden::events::Actor::service("test"), None).expect("sound");
    });
    publishing.await.expect("published");
    let (frame, _) = offer(&live, &channel("own/a"), 1, BOTTLE).await;
    let decision = format!("/v1/decisions/{frame}");
    for (path, own) in [(decision.as_str(), "policy: own"), ("/v1/channels/own%2Fa/policy", "^own/")] {
        let shown = async |token: &str| json(live.get(path).bearer_auth(token)).await.1.to_string();
        let theirs = shown(&viewer).await;
        assert!(theirs.contains(own) && !theirs.contains("foreign"), "{path}: {theirs}");
        assert!(shown(&everywhere).await.contains("foreign"), "{path}: the control");
    }
    live.close().await;
}
