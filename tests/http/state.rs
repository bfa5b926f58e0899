//! A channel as it was, over HTTP.

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
        held.push((outcome.position, serde_json::to_value(state).expect("JSON")));
    }
    let get = async |query: String| {
        let (status, answer) = json(live.get(&format!("{PATH}{query}"))).await;
        assert_eq!(status, 200, "{answer}");
        answer
    };
    for (position, state) in &held {
        let by_sequence = get(format!("?sequence={}", state["sequence"])).await;
        assert_eq!(&by_sequence["state"], state);
        // Other events of the channel may have been recorded at the very same moment.
        let then = by_sequence["last_recorded_at"].as_str().expect("a time");
        let by_time = get(format!("?at={then}")).await;
        assert_eq!((&by_time["basis"], by_time["last_recorded_at"].as_str()), (&"recorded".into(), Some(then)));
        assert_eq!(by_time["state"], get(format!("?sequence={}", by_time["last_sequence"])).await["state"]);
        let by_position = get(format!("?position={position}")).await;
        assert_eq!(by_position["state"]["newest_sampled"], state["newest_sampled"]);
    }
    let now = get(String::new()).await;
    assert_eq!((&now["state"]["newest_sampled"], &now["left_out"]), (&held[2].1["newest_sampled"], &0.into()));
    // By the frames' own time the third frame had not been captured by second 15.
    let captured = get(format!("?at={}&basis=captured", begun().plus_ms(15_000))).await;
    assert_eq!(
        (&captured["basis"], &captured["state"]["newest_sampled"]),
        (&"captured".into(), &held[1].1["newest_sampled"])
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
