//! Kept pictures over HTTP: the very bytes, to those who may, never unrecorded.

use streamwarden::events::{Event, EventType};

use crate::premises::json;
use crate::recorded::{BOTTLE, NOTHING, channel, head, items, offer, premises, recorded, with_tokens};

#[actix_rt::test]
async fn looking_at_a_picture_gives_its_bytes_and_is_recorded() {
    let mut premises = premises();
    let folder = tempfile::tempdir().expect("a folder");
    let (viewer, auditor) = with_tokens(&mut premises, folder.path(), "own/*");
    let live = premises.open().await;
    let (frame, outcome) = offer(&live, &channel("own/a"), 1, BOTTLE).await;
    let (foreign, foreign_outcome) = offer(&live, &channel("foreign/a"), 1, BOTTLE).await;
    recorded(&live, outcome.position, EventType::EvidenceStored).await;
    recorded(&live, foreign_outcome.position, EventType::EvidenceStored).await;
    let before = head(&live);
    let path = format!("/v1/evidence/{frame}");

    assert_eq!(json(live.get(&path).bearer_auth(&viewer)).await.0, 403);
    assert_eq!(json(live.get(&format!("/v1/evidence/{foreign}")).bearer_auth(&auditor)).await.0, 404);
    let answer = live.get(&path).bearer_auth(&auditor).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    for (header, value) in [
        ("content-type", "image/jpeg".to_owned()),
        ("content-disposition", format!("attachment; filename=\"{frame}.jpg\"")),
        ("x-content-type-options", "nosniff".to_owned()),
        ("cache-control", "no-store".to_owned()),
    ] {
        assert_eq!(answer.headers()[header], value, "{header}");
    }
    assert_eq!(answer.bytes().await.expect("bytes"), BOTTLE);
    let read = recorded(&live, before, EventType::EvidenceRead).await;
    assert_eq!(read.envelope.actor.to_string(), "moderator Auditor");
    let said = serde_json::to_value(read.event().expect("it is known")).expect("JSON");
    assert_eq!((&said["payload"]["frame"], &said["payload"]["channel"]), (&frame.to_string().into(), &"own/a".into()));
    live.close().await;
}

#[actix_rt::test]
async fn what_was_erased_is_gone_and_what_was_not_kept_is_not_there() {
    let premises = premises();
    let live = premises.open().await;
    let stage = channel("own/a");
    let (clear, _) = offer(&live, &stage, 1, NOTHING).await;
    let (over, over_outcome) = offer(&live, &stage, 6, BOTTLE).await;
    let stored = recorded(&live, over_outcome.position, EventType::EvidenceStored).await;
    let Ok(Event::EvidenceStored(stored)) = stored.event() else { panic!("it is known") };
    let (frame, outcome) = offer(&live, &stage, 11, BOTTLE).await;
    recorded(&live, outcome.position, EventType::EvidenceStored).await;
    let path = format!("/v1/evidence/{frame}");
    assert_eq!(live.get(&path).send().await.expect("an answer").status().as_u16(), 200);
    let content = live.house.content.clone();
    let gone = move || (content.expire(&stored.content).expect("deleted"), content.erase("channel/own/a"));
    tokio::task::spawn_blocking(gone).await.expect("no panic").1.expect("erased");
    let (status, problem) = json(live.get(&path)).await;
    assert_eq!((status, problem["code"].as_str()), (410, Some("gone")));
    let (status, problem) = json(live.get(&format!("/v1/evidence/{over}"))).await;
    assert_eq!((status, problem["code"].as_str()), (410, Some("gone")));
    assert!(problem["detail"].as_str().expect("a detail").contains("as long as it was to be"), "{problem}");
    let decision = json(live.get(&format!("/v1/decisions/{over}"))).await.1;
    assert_eq!(decision["evidence"]["kept"], "expired");
    assert_eq!(json(live.get(&format!("/v1/evidence/{clear}"))).await.0, 404, "clear pictures are not kept");
    assert_eq!(json(live.get(&format!("/v1/evidence/{}", "0".repeat(32)))).await.0, 404);
    let (reads, _) = items(live.get("/v1/events?type=EvidenceRead")).await;
    assert_eq!(reads.len(), 1, "the look before the erasure, and no other: {reads:?}");
    live.close().await;
}
