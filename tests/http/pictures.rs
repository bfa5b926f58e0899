//! Pictures that nobody asked to be shown in full: small while nothing is asked of a channel, coarse and grey while
//! something is, and out of memory when the channel's content is erased.

use reqwest::{RequestBuilder, Response};
use serde_json::json;
use streamwarden::events::EventType;
use streamwarden::model::{FrameId, WarningId};
use streamwarden::warden::{Answering, ModeratorAct};

use crate::premises::{Live, json as answer};
use crate::recorded::{
    BOTTLE, NOTHING, WEAPON, channel, head, items, moderate, offer, premises, recorded, with_tokens,
};

async fn sent(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

/// What a picture is: of which frame, whether blurred, of which kind, how large, whether grey.
async fn seen(response: Response) -> (FrameId, bool, String, (u32, u32), bool) {
    assert_eq!(response.status().as_u16(), 200);
    let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
    let (frame, blurred) = (header("streamwarden-frame"), header("streamwarden-blurred"));
    let kind = header("content-type");
    let picture = image::load_from_memory(&response.bytes().await.expect("bytes")).expect("a picture");
    let grey = !picture.color().has_color();
    let size = (picture.width(), picture.height());
    (frame.parse().expect("a frame's id"), blurred == "true", kind, size, grey)
}

#[actix_rt::test]
async fn a_channel_shows_its_last_picture_small_and_coarse_and_grey_while_it_is_warned_of() {
    let premises = premises();
    let live = premises.open().await;
    let stage = channel("demo/stage");
    let path = "/v1/channels/demo%2Fstage/picture";
    assert_eq!(answer(live.get(path)).await.0, 404, "nothing was seen yet");
    let (clear, _) = offer(&live, &stage, 1, NOTHING).await;
    let first = sent(live.get(path)).await;
    assert_eq!(first.headers()["cache-control"], "private, no-cache");
    assert_eq!(seen(first).await, (clear, false, "image/jpeg".to_owned(), (61, 45), false));

    let (weapon, _) = offer(&live, &stage, 6, WEAPON).await;
    assert_eq!(seen(sent(live.get(path)).await).await, (weapon, true, "image/png".to_owned(), (32, 24), true));

    live.shown().await;
    let (warnings, _) = items(live.get("/v1/warnings")).await;
    let id: WarningId = warnings[0]["warning"].as_str().expect("an id").parse().expect("a warning's id");
    moderate(&live, &stage, "dismiss", ModeratorAct::Dismiss(Answering::to([id]))).await;
    live.shown().await;
    let (_, blurred, ..) = seen(sent(live.get(path)).await).await;
    assert!(blurred, "an answer makes another picture of nothing: to see this one is recorded");
    let (clear, _) = offer(&live, &stage, 12, NOTHING).await;
    assert_eq!(seen(sent(live.get(path)).await).await, (clear, false, "image/jpeg".to_owned(), (61, 45), false));
    let (reads, _) = items(live.get("/v1/events?type=EvidenceRead")).await;
    assert!(reads.is_empty(), "{reads:?}");
    live.close().await;
}

#[actix_rt::test]
async fn who_has_a_picture_is_not_sent_it_again_and_has_it_replaced_when_it_is_another() {
    let premises = premises();
    let live = premises.open().await;
    let stage = channel("a");
    offer(&live, &stage, 1, NOTHING).await;
    let first = sent(live.get("/v1/channels/a/picture")).await;
    let tag = first.headers()["etag"].clone();
    let again = sent(live.get("/v1/channels/a/picture").header("if-none-match", tag.clone())).await;
    assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &tag));
    assert!(again.bytes().await.expect("nothing").is_empty());
    // The same frame, and yet another picture: it is warned of now.
    let (frame, outcome) = offer(&live, &stage, 6, WEAPON).await;
    let blurred = sent(live.get("/v1/channels/a/picture").header("if-none-match", tag)).await;
    assert_eq!(blurred.status().as_u16(), 200);
    recorded(&live, outcome.position, EventType::EvidenceStored).await;

    let path = format!("/v1/evidence/{frame}/preview");
    let preview = sent(live.get(&path)).await;
    let tag = preview.headers()["etag"].clone();
    assert_eq!((preview.status().as_u16(), &preview.headers()["content-type"]), (200, &"image/png".parse().expect("")));
    let preview = image::load_from_memory(&preview.bytes().await.expect("bytes")).expect("a picture");
    assert_eq!((preview.width(), preview.height(), preview.color().has_color()), (32, 24, false));
    assert_eq!(sent(live.get(&path).header("if-none-match", tag)).await.status().as_u16(), 304);
    live.close().await;
}

#[actix_rt::test]
async fn pictures_are_for_those_who_may_see_evidence_of_the_channel() {
    let mut premises = premises();
    let folder = tempfile::tempdir().expect("a folder");
    let (viewer, auditor) = with_tokens(&mut premises, folder.path(), "own/*");
    let live = premises.open().await;
    let before = head(&live);
    let (own, outcome) = offer(&live, &channel("own/a"), 1, BOTTLE).await;
    recorded(&live, outcome.position, EventType::EvidenceStored).await;
    let (foreign, outcome) = offer(&live, &channel("foreign/a"), 1, BOTTLE).await;
    recorded(&live, outcome.position, EventType::EvidenceStored).await;
    let status = async |path: String, token: &str| sent(live.get(&path).bearer_auth(token)).await.status().as_u16();
    for (channel, frame, for_auditor) in [("own%2Fa", own, (200, 200)), ("foreign%2Fa", foreign, (403, 404))] {
        let (picture, preview) = (format!("/v1/channels/{channel}/picture"), format!("/v1/evidence/{frame}/preview"));
        assert_eq!((status(picture.clone(), &viewer).await, status(preview.clone(), &viewer).await), (403, 403));
        assert_eq!((status(picture, &auditor).await, status(preview, &auditor).await), for_auditor, "{channel}");
    }
    assert!(before < head(&live));
    let (reads, _) = items(live.get("/v1/events?type=EvidenceRead").bearer_auth(&auditor)).await;
    assert!(reads.is_empty(), "looking at what is coarse is not recorded: {reads:?}");
    live.close().await;
}

#[actix_rt::test]
async fn what_is_erased_is_out_of_memory_too_and_none_is_kept_where_none_is_asked_for() {
    let mut premises = premises();
    let live = premises.open().await;
    offer(&live, &channel("a"), 1, NOTHING).await;
    offer(&live, &channel("b"), 1, NOTHING).await;
    let content = live.house.content.clone();
    let erased = tokio::task::spawn_blocking(move || content.erase("channel/a")).await.expect("no panic");
    erased.expect("erased");
    let status = async |live: &Live, path: &str| sent(live.get(path)).await.status().as_u16();
    assert_eq!(status(&live, "/v1/channels/a/picture").await, 404);
    assert_eq!(status(&live, "/v1/channels/b/picture").await, 200);
    live.close().await;

    premises.settings.pictures_bytes_max = 0;
    let live = premises.open().await;
    assert_eq!(status(&live, "/v1/channels/b/picture").await, 404, "gone with the process");
    offer(&live, &channel("b"), 6, NOTHING).await;
    let (status, problem) = answer(live.get("/v1/channels/b/picture")).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    live.close().await;
}
