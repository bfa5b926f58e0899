//! The queue in order of urgency, and one warning with its story.

use serde_json::{Value, json};
use streamwarden::model::{EventId, ModeratorId, WarningId};
use streamwarden::warden::{Answering, Command, ModeratorAct};

use crate::broadcast::{Broadcast, Labels};
use crate::premises::{Live, Premises, json};

const ALCOHOL: Labels = &[("Alcohol", 95.0)];
const WEAPONS: Labels = &[("Violence/Weapons", 95.0)];
const BOTH: Labels = &[("Alcohol", 90.0), ("Violence/Weapons", 95.0)];

async fn queue(live: &Live, query: &str) -> Value {
    let (status, page) = json(live.get(&format!("/v1/warnings{query}"))).await;
    assert_eq!(status, 200, "{page}");
    page
}

/// Channel and rule of each warning of a page.
fn seen(page: &Value) -> Vec<(&str, &str)> {
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| (item["channel"].as_str().expect("an id"), item["rule"].as_str().expect("a rule"))).collect()
}

/// A moderator acts, as the acts' own routes do.
async fn acts(stage: &Broadcast<'_>, live: &Live, by: &str, act: ModeratorAct) {
    let request = EventId::of_command("test", &[by.as_bytes(), format!("{act:?}").as_bytes()]);
    let by = ModeratorId::new(by).expect("a sound id");
    let command = Command::Moderate { request, by, act };
    live.house.wardens.command(&stage.channel, command).await.expect("the act is lawful");
    live.shown().await;
}

fn warning(item: &Value) -> WarningId {
    item["warning"].as_str().expect("an id").parse().expect("a warning id")
}

fn dismissing(id: WarningId) -> ModeratorAct {
    ModeratorAct::Dismiss(Answering::to([id]))
}

#[actix_rt::test]
async fn the_graver_comes_first_then_the_older_and_what_another_works_on_last() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut a = Broadcast::begins(&live, &premises, "a").await;
    let mut b = Broadcast::begins(&live, &premises, "b").await;
    a.shows(ALCOHOL).await;
    b.shows(BOTH).await;
    a.shows(BOTH).await;
    let page = queue(&live, "").await;
    let expected = [("b", "weapons"), ("a", "weapons"), ("a", "alcohol"), ("b", "alcohol")];
    assert_eq!(seen(&page), expected, "{page}");
    assert_eq!((&page["next"], &page["complete"], &page["beyond"]), (&Value::Null, &json!(true), &json!(0)));

    let gravest = warning(&page["items"][0]);
    acts(&b, &live, "ben", ModeratorAct::Claim(gravest.into())).await;
    let page = queue(&live, "").await;
    assert_eq!(seen(&page), [("a", "weapons"), ("a", "alcohol"), ("b", "alcohol"), ("b", "weapons")]);
    assert_eq!(page["items"][3]["standing"], "claimed_by_another");
    assert_eq!(page["items"][3]["claim"]["by"], "ben");
    live.close().await;
}

#[actix_rt::test]
async fn pages_go_through_the_queue_and_skip_and_repeat_none_that_nobody_touched() {
    let premises = Premises::new();
    let live = premises.open().await;
    for number in 0..5 {
        Broadcast::begins(&live, &premises, &format!("c{number}")).await.shows(BOTH).await;
    }
    let all: Vec<Value> = queue(&live, "").await["items"].as_array().expect("items").clone();
    assert_eq!(all.len(), 10);
    let mut walked: Vec<WarningId> = Vec::new();
    let mut query = "?limit=3".to_owned();
    let mut round = 0;
    loop {
        let page = queue(&live, &query).await;
        walked.extend(page["items"].as_array().expect("items").iter().map(warning));
        // A grave one comes before the cursor meanwhile.
        Broadcast::begins(&live, &premises, &format!("late{round}")).await.shows(WEAPONS).await;
        round += 1;
        match page["next"].as_str() {
            Some(next) => query = format!("?limit=3&after={next}"),
            None => break,
        }
    }
    let before: Vec<WarningId> = all.iter().map(warning).collect();
    let unmoved: Vec<WarningId> = walked.iter().copied().filter(|id| before.contains(id)).collect();
    assert_eq!(unmoved, before, "each of the first ten once, in order");
    live.close().await;
}

#[actix_rt::test]
async fn filters_hold_and_what_they_cannot_be_is_said() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut a = Broadcast::begins(&live, &premises, "demo/a").await;
    let mut b = Broadcast::begins(&live, &premises, "demo/b").await;
    a.shows(BOTH).await;
    b.shows(ALCOHOL).await;
    let of_b = warning(&queue(&live, "?channel=*/b").await["items"][0]);
    acts(&b, &live, "ben", ModeratorAct::Claim(of_b.into())).await;
    let gravest = warning(&queue(&live, "?severity=5").await["items"][0]);
    acts(&a, &live, "ben", dismissing(gravest)).await;
    for (query, expected) in [
        ("", &[("demo/a", "alcohol"), ("demo/b", "alcohol")][..]),
        ("?state=all", &[("demo/a", "alcohol"), ("demo/b", "alcohol"), ("demo/a", "weapons")]),
        ("?state=answered", &[("demo/a", "weapons")]),
        ("?state=all&severity=5", &[("demo/a", "weapons")]),
        ("?rule=weapons", &[]),
        ("?claimed=nobody", &[("demo/a", "alcohol")]),
        ("?claimed=another", &[("demo/b", "alcohol")]),
        ("?claimed=me", &[]),
        ("?channel=demo/a", &[("demo/a", "alcohol")]),
        ("?after=0-5-0", &[("demo/a", "alcohol"), ("demo/b", "alcohol")]),
        ("?after=2-0-0", &[]),
    ] {
        assert_eq!(seen(&queue(&live, query).await), expected, "{query}");
    }
    for query in ["?severity=0", "?severity=6", "?after=7", "?claimed=you", "?state=x", "?limit=0", "?x=1", "?rule=%20"]
    {
        let (status, problem) = json(live.get(&format!("/v1/warnings{query}"))).await;
        assert_eq!((status, problem["code"].as_str()), (400, Some("malformed")), "{query}: {problem}");
    }
    live.close().await;
}

#[actix_rt::test]
async fn a_warning_tells_its_story_also_after_the_house_has_been_closed_and_opened() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    stage.shows(WEAPONS).await;
    let id = warning(&queue(&live, "").await["items"][0]);
    stage.shows(WEAPONS).await;
    acts(&stage, &live, "ann", ModeratorAct::Claim(id.into())).await;
    stage.shows(&[]).await;
    acts(&stage, &live, "ann", dismissing(id)).await;
    let shown = async |live: &Live| {
        let (status, shown) = json(live.get(&format!("/v1/warnings/{id}"))).await;
        assert_eq!(status, 200, "{shown}");
        let types: Vec<String> = shown["story"]
            .as_array()
            .expect("a story")
            .iter()
            .map(|event| event["type"].as_str().expect("a type").to_owned())
            .collect();
        assert_eq!(types, ["WarningRaised", "FrameAssessed", "WarningClaimed", "WarningDismissed"]);
        assert_eq!((&shown["hits"], &shown["answer"]["by"]), (&json!(2), &json!("ann")));
        assert_eq!((&shown["answer"]["upheld"], &shown["story_complete"]), (&json!(false), &json!(true)));
        let last = shown["story"].as_array().and_then(|story| story.last()).expect("an event");
        assert_eq!(shown["version"], last["sequence"], "the version is that of the answer");
        shown
    };
    shown(&live).await;
    live.close().await;

    let live = premises.open().await;
    shown(&live).await;
    let (status, problem) = json(live.get("/v1/warnings/00000000000000000000000000000000")).await;
    assert_eq!((status, problem["code"].as_str()), (404, Some("not_found")));
    let (status, _) = json(live.get("/v1/warnings/nonsense")).await;
    assert_eq!(status, 400);
    live.close().await;
}

#[actix_rt::test]
async fn where_nobody_can_judge_one_question_stands_in_the_queue_until_somebody_can_again() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut a = Broadcast::begins(&live, &premises, "a").await;
    for number in 1..=3 {
        a.fails(number * 600_000).await;
    }
    let page = queue(&live, "").await;
    assert_eq!(seen(&page), [("a", "on_unavailable")], "{page}");
    let item = &page["items"][0];
    assert_eq!((&item["unavailable"], &item["severity"]), (&json!("warn"), &json!(3)), "{item}");
    assert_eq!((&item["label"], &item["confidence"], &item["evidence"]), (&Value::Null, &Value::Null, &json!([])));
    assert_eq!((&item["action"], &item["hits"]), (&json!("warn"), &json!(0)), "{item}");
    assert_eq!(item["medium"], "picture", "{item}");

    a.later(2_400_000);
    a.shows(ALCOHOL).await;
    assert_eq!(seen(&queue(&live, "").await), [("a", "alcohol")]);
    let (status, one) = json(live.get(&format!("/v1/warnings/{}", warning(item)))).await;
    assert_eq!((status, &one["standing"]), (200, &json!("lapsed")), "{one}");
    assert_eq!(one["lapsed"]["because"], "watched_again");
    let types: Vec<&Value> = one["story"].as_array().expect("a story").iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["WarningRaised", "WarningLapsed"]);
    live.close().await;
}
