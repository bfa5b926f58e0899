//! Erasing over HTTP: asked for once, carried out at once, said wherever it is missed.

use reqwest::RequestBuilder;
use serde_json::{Value, json as body};
use streamwarden::events::{EventType, FrameAssessed};
use streamwarden::http::auth::Role;
use streamwarden::journal::content::Content;
use streamwarden::model::{ContentRef, Fingerprint, Frame, FrameId, Medium};

use crate::authorization::guarded;
use crate::premises::{Live, Premises, json};
use crate::recorded::{BOTTLE, NOTHING, channel, frame, head, items, offer, premises, recorded};
use crate::scripted::{Says, ScriptedProvider};

/// Pictures as ever; sound by the one who hears.
const HEARD: &str = "policy: heard\nchannels: { matching: .* }\ntaxonomy: rekognition/7.0\n\
                     sampling: { every: 1s, max_age: 24h }\nsimilarity: off\n\
                     sound: { every: 10s, judged_by: hive-speech }\n\
                     rules:\n- { id: alcohol, categories: [Alcohol], confidence: 80 }\n\
                     - { id: hate, taxonomy: hive-speech/1, categories: [hate], from_severity: 2 }\n";
const WORDS: &[u8] = b"call [...] about something hateful";

/// Premises with one who hears.
fn hearing(mut premises: Premises) -> Premises {
    let speech = ScriptedProvider::answering_in("hive-speech/1", "hive-speech");
    speech.says(WORDS, Says::Labels(&[("hate", 100.0)]));
    premises.others.push(speech);
    premises.policy = HEARD;
    premises
}

/// Offers a segment in which those words are said; its frame.
async fn says(live: &Live, name: &str, second: u64) -> (FrameId, FrameAssessed) {
    let of = channel(name);
    let shown = frame(&of, second, WORDS);
    let print = Fingerprint::of(&[&second.to_be_bytes(), b"sound"]);
    let id = FrameId::of(&of, &[&second.to_be_bytes(), b"sound"]);
    let segment = Frame { medium: Medium::Sound, id, fingerprint: print, ..shown };
    let outcome = live.house.wardens.offer(segment).await.expect("the segment is taken");
    match outcome.event {
        streamwarden::events::Event::FrameAssessed(assessed) => (id, assessed),
        other => panic!("the segment was to be assessed: {other:?}"),
    }
}

fn erase(live: &Live, what: &Value) -> RequestBuilder {
    live.post("/v1/erasures").json(what)
}

async fn is_erased(live: &Live, content: ContentRef) -> bool {
    let store = live.house.content.clone();
    let got = tokio::task::spawn_blocking(move || store.get(&content)).await.expect("no panic");
    got.expect("the store says") == Content::Erased
}

#[actix_rt::test]
async fn what_is_kept_of_a_channel_is_gone_and_says_when_and_what_comes_after_is_kept() {
    let premises = premises();
    let live = premises.open().await;
    let stage = channel("own/a");
    let (before, outcome) = offer(&live, &stage, 1, BOTTLE).await;
    recorded(&live, outcome.position, EventType::EvidenceStored).await;
    assert_eq!(live.get("/v1/channels/own%2Fa/picture").send().await.expect("an answer").status().as_u16(), 200);

    let asked = body!({ "channel": "own/a", "reason": "request-2291" });
    let (status, answer) = json(erase(&live, &asked).header("idempotency-key", "k1")).await;
    assert_eq!(status, 200, "{answer}");
    let [pictures, words] = &answer["subjects"].as_array().expect("subjects")[..] else { panic!("{answer}") };
    assert_eq!((&pictures["subject"], &pictures["held"]["contents"]), (&"channel/own/a".into(), &1.into()), "{answer}");
    assert_eq!(pictures["held"]["bytes"], BOTTLE.len());
    assert_eq!((&words["subject"], &words["held"]["contents"]), (&"transcripts/own/a".into(), &0.into()), "{answer}");
    assert!(answer["remains"].as_array().expect("a list").iter().any(|one| one["what"] == "events"), "{answer}");
    assert_eq!(answer["repeated"], false);

    for path in [format!("/v1/evidence/{before}"), format!("/v1/evidence/{before}/preview")] {
        let (status, problem) = json(live.get(&path)).await;
        assert_eq!((status, &problem["because"]), (410, &"erased".into()), "{path}: {problem}");
        assert_eq!(problem["erased_at"], pictures["destroyed_at"], "{path}: {problem}");
        assert!(problem["detail"].as_str().expect("words").contains("was erased at "), "{problem}");
    }
    assert_eq!(json(live.get("/v1/channels/own%2Fa/picture")).await.0, 404, "also what was in memory");
    let (status, decision) = json(live.get(&format!("/v1/decisions/{before}"))).await;
    assert_eq!((status, &decision["evidence"]["kept"]), (200, &"erased".into()), "the decision stands: {decision}");
    let (told, _) = items(live.get("/v1/events?type=ErasureRequested,ContentErased")).await;
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.iter().all(|event| event["scope"] == "$store"), "{told:?}");

    let (after, outcome) = offer(&live, &stage, 11, BOTTLE).await;
    recorded(&live, outcome.position, EventType::EvidenceStored).await;
    let seen = live.get(&format!("/v1/evidence/{after}")).send().await.expect("an answer");
    assert_eq!(seen.status().as_u16(), 200, "under a new key");

    // The same request again is answered as it stands, and what was kept since stays.
    let (status, again) = json(erase(&live, &asked).header("idempotency-key", "k1")).await;
    assert_eq!((status, &again["erasure"], &again["repeated"]), (200, &answer["erasure"], &true.into()), "{again}");
    assert_eq!(live.get(&format!("/v1/evidence/{after}")).send().await.expect("an answer").status().as_u16(), 200);
    let other = body!({ "channel": "own/a", "reason": "request-2292" });
    let (status, problem) = json(erase(&live, &other).header("idempotency-key", "k1")).await;
    assert_eq!((status, &problem["rule"]), (409, &"came_before_otherwise".into()), "{problem}");
    live.close().await;

    // The next house knows it all, and the copies of which there are none are done with.
    let live = premises.open().await;
    assert_eq!(json(live.get(&format!("/v1/evidence/{before}"))).await.0, 410);
    let done = recorded(&live, streamwarden::model::Position(0), EventType::CopiesErased).await;
    let (listed, _) = erasures(&live).await;
    assert_eq!((listed.len(), &listed[0]["finished"]), (1, &true.into()), "{listed:?}");
    assert_eq!(listed[0]["copies"]["at"], serde_json::to_value(done.envelope.recorded_at).expect("JSON"));
    live.close().await;
}

async fn erasures(live: &Live) -> (Vec<Value>, Value) {
    items(live.get("/v1/erasures")).await
}

#[actix_rt::test]
async fn what_was_said_is_read_by_who_may_and_recorded_until_it_is_erased() {
    let folder = tempfile::tempdir().expect("a folder");
    let (premises, secrets) = guarded(&folder);
    let premises = hearing(premises);
    let live = premises.open().await;
    let (spoken, assessed) = says(&live, "own/a", 10).await;
    let (foreign, _) = says(&live, "foreign/a", 10).await;
    let path = format!("/v1/evidence/{spoken}/transcript");
    let may = [Role::Moderator, Role::AppealReviewer, Role::Auditor, Role::Admin];
    for ((role, for_all), secret) in &secrets {
        let expected = if may.contains(role) { 200 } else { 403 };
        assert_eq!(json(live.get(&path).bearer_auth(secret)).await.0, expected, "{role:?}, for all: {for_all}");
        let elsewhere = json(live.get(&format!("/v1/evidence/{foreign}/transcript")).bearer_auth(secret)).await.0;
        let hidden = if may.contains(role) { 404 } else { 403 };
        assert_eq!(elsewhere, if *for_all { expected } else { hidden }, "{role:?}, for all: {for_all}");
    }
    let admin = &secrets[&(Role::Admin, true)];
    let before = head(&live);
    let (_, transcript) = json(live.get(&path).bearer_auth(admin)).await;
    assert_eq!(transcript["sentences"][0]["text"], "call [...] about something hateful", "as it was redacted, no more");
    let read = recorded(&live, before, EventType::EvidenceRead).await;
    assert_eq!(read.envelope.actor.to_string(), "moderator Admin-true");
    let silent = frame(&channel("own/a"), 12, NOTHING);
    let silent_id = silent.id;
    live.house.wardens.offer(silent).await.expect("the frame is taken");
    let none = json(live.get(&format!("/v1/evidence/{silent_id}/transcript")).bearer_auth(admin)).await;
    assert_eq!(none.0, 404, "of a picture there are no words: {none:?}");

    let kept = assessed.spoken.and_then(|spoken| spoken.transcript).expect("it was kept");
    let asked = body!({ "channel": "own/a", "content": "transcripts", "reason": "request-7" });
    let (status, answer) = json(erase(&live, &asked).bearer_auth(admin)).await;
    assert_eq!((status, &answer["copies"]["state"], &answer["finished"]), (200, &"untouched".into(), &true.into()));
    assert!(is_erased(&live, kept.clone()).await);
    let before = head(&live);
    let (status, problem) = json(live.get(&path).bearer_auth(admin)).await;
    assert_eq!((status, &problem["because"]), (410, &"erased".into()), "{problem}");
    assert_eq!(problem["erased_at"], answer["subjects"][0]["destroyed_at"], "{problem}");
    assert_eq!(head(&live), before, "nothing was read, and no reading is recorded");
    let content = live.house.content.clone();
    tokio::task::spawn_blocking(move || content.expire(&kept)).await.expect("no panic").expect("it is deleted");
    let (_, later) = json(live.get(&path).bearer_auth(admin)).await;
    assert_eq!(later["erased_at"], problem["erased_at"], "also when its time is over: {later}");
    let others = json(live.get(&format!("/v1/evidence/{foreign}/transcript")).bearer_auth(admin)).await;
    assert_eq!(others.0, 200, "another channel's are another's");
    live.close().await;
}

#[actix_rt::test]
async fn words_whose_time_is_over_are_gone_and_told_from_erased_ones() {
    let premises = hearing(premises());
    let live = premises.open().await;
    let (spoken, assessed) = says(&live, "own/a", 10).await;
    let kept = assessed.spoken.and_then(|spoken| spoken.transcript).expect("it was kept");
    let content = live.house.content.clone();
    tokio::task::spawn_blocking(move || content.expire(&kept)).await.expect("no panic").expect("it is deleted");
    let (status, problem) = json(live.get(&format!("/v1/evidence/{spoken}/transcript"))).await;
    assert_eq!((status, &problem["because"]), (410, &"expired".into()), "{problem}");
    live.close().await;
}

#[actix_rt::test]
async fn what_cannot_be_meant_is_refused_with_what_was_expected() {
    let premises = premises();
    let live = premises.open().await;
    offer(&live, &channel("own/a"), 1, BOTTLE).await;
    let before = head(&live);
    for (asked, status, says) in [
        (body!({ "reason": "r" }), 400, "name either `channel` or `person`"),
        (body!({ "channel": "own/a", "person": "ann", "reason": "r" }), 400, "name either `channel` or `person`"),
        (body!({ "person": "ann", "content": "transcripts", "reason": "r" }), 400, "goes with `channel`"),
        (body!({ "channel": "own/a" }), 400, "reason"),
        (body!({ "channel": "own/a", "reason": "at Ann's request" }), 400, "letters, digits"),
        (body!({ "channel": "own/a", "content": "half", "reason": "r" }), 400, "everything"),
        (body!({ "channel": "own/a", "reason": "r", "keys": true }), 400, "unknown field"),
        (body!({ "channel": "own/b", "reason": "r" }), 404, "nothing is kept here of the channel own/b"),
        (body!({ "person": "nobody", "reason": "r" }), 404, "nothing is kept here of what nobody wrote"),
    ] {
        let (found, problem) = json(erase(&live, &asked)).await;
        assert_eq!(found, status, "{asked}: {problem}");
        assert!(problem["detail"].as_str().expect("words").contains(says), "{asked}: {problem}");
    }
    assert_eq!(items(live.get("/v1/events?type=ErasureRequested")).await.0.len(), 0, "after {before}");
    live.close().await;
}
