//! A channel as it was, over HTTP.

use serde_json::Value;
use streamwarden::clock::{Clock, SystemClock};

use crate::premises::json;
use crate::recorded::{BOTTLE, NOTHING, begun, channel, offer, premises, refused, with_tokens};

const PATH: &str = "/v1/channels/past%2Fa/state";

#[actix_rt::test]
async fn a_channel_is_shown_as_its_warden_held_it_at_any_moment() {
    let premises = premises();
    let live = premises.open().await;
    let stage = channel("past/a");
    let mut held = Vec::new();
    for second in [1, 11, 21] {
        let (_, outcome) = offer(&live, &stage, second, BOTTLE).await;
        let state = live.house.wardens.inspect(&stage).await.expect("it is watched");
        held.push((outcome.position, SystemClock.now(), serde_json::to_value(state).expect("JSON")));
    }
    let get = async |query: String| {
        let (status, answer) = json(live.get(&format!("{PATH}{query}"))).await;
        assert_eq!(status, 200, "{answer}");
        answer
    };
    // Keeping the pictures is recorded beside the frames and changes nothing but the sequence.
    let bare = |state: &Value| {
        let mut state = state.clone();
        state.as_object_mut().expect("a state").remove("sequence");
        state
    };
    for (position, then, state) in &held {
        let at = get(format!("?at={then}")).await;
        assert_eq!((bare(&at["state"]), &at["basis"]), (bare(state), &"recorded".into()));
        assert_eq!(bare(&get(format!("?sequence={}", state["sequence"])).await["state"]), bare(state));
        let later = get(format!("?position={position}")).await;
        assert_eq!(later["state"]["newest_sampled"], state["newest_sampled"]);
    }
    let now = get(String::new()).await;
    assert_eq!(bare(&now["state"]), bare(&held[2].2));
    assert_eq!(now["left_out"], 0);
    // By the frames' own time the third frame had not been captured by second 15.
    let captured = get(format!("?at={}&basis=captured", begun().plus_ms(15_000))).await;
    assert_eq!(
        (&captured["basis"], &captured["state"]["newest_sampled"]),
        (&"captured".into(), &held[1].2["newest_sampled"])
    );
    assert!(captured["left_out"].as_u64() > Some(0), "{captured}");
    live.close().await;
}

#[actix_rt::test]
async fn an_absurd_moment_is_refused_by_the_name_of_the_parameter() {
    let premises = premises();
    let live = premises.open().await;
    offer(&live, &channel("past/a"), 1, NOTHING).await;
    for (query, parameter) in [
        ("at=tomorrow", "at"),
        ("at=2999-01-01T00:00:00Z", "at"),
        ("at=2999-01-01T00:00:00Z&basis=captured", "at"),
        ("at=2026-02-30T00:00:00Z", "at"),
        ("sequence=-1", "sequence"),
        ("sequence=999999", "sequence"),
        ("position=1e3", "position"),
        ("position=18446744073709551615", "position"),
        ("sequence=1&position=1", "at"),
        ("basis=captured", "basis"),
        ("at=2026-01-01T00:00:00Z&basis=guessed", "basis"),
        ("when=now", "when"),
    ] {
        let (status, problem) = json(live.get(&format!("{PATH}?{query}"))).await;
        assert_eq!(status, 400, "{query}: {problem}");
        if !["basis", "when"].contains(&parameter) {
            refused(live.get(&format!("{PATH}?{query}")), parameter).await;
        }
    }
    let (status, problem) = json(live.get("/v1/channels/nobody/state")).await;
    assert_eq!((status, problem["code"].as_str()), (404, Some("not_found")));
    // Long before anything is no mistake.
    let (status, answer) = json(live.get(&format!("{PATH}?at=1970-01-01T00:00:00Z"))).await;
    assert_eq!((status, &answer["folded"]), (200, &0.into()));
    live.close().await;
}

#[actix_rt::test]
async fn a_scoped_viewer_travels_on_their_channels_only() {
    let mut premises = premises();
    let folder = tempfile::tempdir().expect("a folder");
    let (viewer, _) = with_tokens(&mut premises, folder.path(), "past/*");
    let live = premises.open().await;
    offer(&live, &channel("past/a"), 1, NOTHING).await;
    offer(&live, &channel("foreign/a"), 1, NOTHING).await;
    assert_eq!(json(live.get(PATH).bearer_auth(&viewer)).await.0, 200);
    assert_eq!(json(live.get("/v1/channels/foreign%2Fa/state").bearer_auth(&viewer)).await.0, 403);
    live.close().await;
}
