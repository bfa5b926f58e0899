//! The node in figures, over HTTP.

use serde_json::{Value, json};
use streamwarden::model::{EventId, ModeratorId, WarningId};
use streamwarden::warden::{Answering, Command, ModeratorAct};

use crate::broadcast::Broadcast;
use crate::premises::{Live, Premises, json as answer};
use crate::recorded::with_tokens;

async fn overview(live: &Live, query: &str) -> Value {
    let (status, figures) = answer(live.get(&format!("/v1/overview{query}"))).await;
    assert_eq!(status, 200, "{figures}");
    figures
}

async fn dismiss(live: &Live, stage: &Broadcast<'_>, warning: &Value) {
    let id: WarningId = warning.as_str().expect("an id").parse().expect("a warning's id");
    let by = ModeratorId::new("ann").expect("a sound id");
    let act = ModeratorAct::Dismiss(Answering::to([id]));
    let request = EventId::of_command("test", &[id.as_bytes()]);
    live.house.wardens.command(&stage.channel, Command::Moderate { request, by, act }).await.expect("it is lawful");
    live.shown().await;
}

#[actix_rt::test]
async fn the_figures_are_of_what_happened_and_say_how_much_that_was() {
    let premises = Premises::new();
    let live = premises.open().await;
    let nothing = overview(&live, "").await;
    assert_eq!((&nothing["hours"], nothing["series"].as_array().map(Vec::len)), (&json!(24), Some(24)));
    assert_eq!(nothing["answered_in"], json!({ "count": 0, "median_ms": null, "p95_ms": null }));

    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    Broadcast::begins(&live, &premises, "quiet").await;
    stage.shows(&[]).await;
    stage.shows(&[("Violence/Weapons", 95.0)]).await;
    stage.shows(&[("Alcohol", 95.0)]).await;
    let (_, queue) = answer(live.get("/v1/warnings")).await;
    dismiss(&live, &stage, &queue["items"][0]["warning"]).await;

    let figures = overview(&live, "?hours=1").await;
    let channels = &figures["channels"];
    assert_eq!((&channels["known"], &channels["live"], &channels["watched"]), (&json!(2), &json!(2), &json!(2)));
    assert_eq!((&figures["frames"]["assessed"], &figures["frames"]["not_clear"]), (&json!(3), &json!(2)));
    let rules = figures["rules"].as_array().expect("rules");
    let of = |rule: &str| rules.iter().find(|row| row["rule"] == rule).expect("it raised one");
    let weapons = of("weapons");
    assert_eq!(
        (&weapons["raised"], &weapons["dismissed"], &weapons["upheld_milli"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!((&of("alcohol")["open"], &of("alcohol")["upheld_milli"]), (&json!(1), &Value::Null));
    assert_eq!((&figures["answered_in"]["count"], &figures["open"]["count"]), (&json!(1), &json!(1)));
    let gravest = figures["open"]["severities"].as_array().expect("severities");
    let severities: Vec<&Value> = gravest.iter().map(|row| &row["severity"]).collect();
    assert_eq!(severities, [5, 4, 3, 2, 1]);
    let youngest: u64 = gravest.iter().filter_map(|row| row["ages"][0]["count"].as_u64()).sum();
    assert_eq!(youngest, 1, "{gravest:?}");
    let providers = figures["providers"].as_array().expect("providers");
    assert_eq!((providers.len(), &providers[0]["calls"], &providers[0]["took"]["count"]), (1, &json!(3), &json!(3)));
    assert_eq!(providers[0]["cost_micros"], Value::Null, "only Rekognition's calls have a price");
    let hour = &figures["series"][0];
    assert_eq!((&hour["frames"], &hour["raised"], &hour["dismissed"]), (&json!(3), &json!(2), &json!(1)));
    live.close().await;

    let live = premises.open().await;
    live.shown().await;
    let again = overview(&live, "?hours=1").await;
    assert_eq!(
        (&again["rules"], &again["frames"]),
        (&figures["rules"], &figures["frames"]),
        "a restart changes nothing"
    );
    live.close().await;
}

#[actix_rt::test]
async fn who_may_read_some_channels_is_told_of_those_and_of_nothing_that_is_counted_for_all() {
    let mut premises = Premises::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (viewer, _) = with_tokens(&mut premises, folder.path(), "own/*");
    let live = premises.open().await;
    let mut own = Broadcast::begins(&live, &premises, "own/a").await;
    let mut foreign = Broadcast::begins(&live, &premises, "foreign/a").await;
    for stage in [&mut own, &mut foreign] {
        stage.shows(&[("Violence/Weapons", 95.0)]).await;
    }
    foreign.shows(&[("Alcohol", 95.0)]).await;
    let (_, queue) = answer(live.get("/v1/warnings").bearer_auth(&viewer)).await;
    assert_eq!(queue["items"].as_array().map(Vec::len), Some(1), "{queue}");
    dismiss(&live, &own, &queue["items"][0]["warning"]).await;

    let (status, figures) = answer(live.get("/v1/overview?hours=1").bearer_auth(&viewer)).await;
    assert_eq!((status, &figures["of"]), (200, &json!("yours")), "{figures}");
    let channels = &figures["channels"];
    assert_eq!((&channels["known"], &channels["live"]), (&json!(1), &json!(1)));
    let rules = figures["rules"].as_array().expect("rules");
    assert_eq!((rules.len(), &rules[0]["rule"], &rules[0]["dismissed"]), (1, &json!("weapons"), &json!(1)));
    assert_eq!((&figures["answered_in"]["count"], &figures["open"]["count"]), (&json!(1), &json!(0)));
    for of_all in ["frames", "providers", "unanswered"] {
        assert_eq!(figures[of_all], Value::Null, "{of_all} is counted for all channels together");
    }
    assert_eq!(channels["unwatched_ms"], Value::Null);
    let hour = &figures["series"][0];
    assert_eq!((&hour["raised"], hour.get("frames")), (&json!(1), None), "{hour}");
    live.close().await;
}

#[actix_rt::test]
async fn a_rule_is_told_step_by_step_by_the_hour_or_by_the_day() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    stage.shows(&[("Violence/Weapons", 95.0)]).await;
    let (_, queue) = answer(live.get("/v1/warnings")).await;
    dismiss(&live, &stage, &queue["items"][0]["warning"]).await;
    for (query, step_ms) in [("?hours=24", 3_600_000_u64), ("?hours=25", 86_400_000), ("?hours=168", 86_400_000)] {
        let figures = overview(&live, query).await;
        assert_eq!((&figures["of"], &figures["step_ms"]), (&json!("all"), &json!(step_ms)), "{query}");
        let rule = &figures["rules"][0];
        let [step] = rule["steps"].as_array().expect("steps").as_slice() else { panic!("one step: {rule}") };
        assert_eq!((&step["raised"], &step["answered"], &step["upheld"]), (&json!(1), &json!(1), &json!(0)));
        assert_eq!(step["upheld_milli"], json!(0));
        let begins: streamwarden::model::Timestamp = step["from"].as_str().expect("a time").parse().expect("a moment");
        assert_eq!(begins.as_micros() % (i64::try_from(step_ms).expect("small") * 1000), 0, "{step}");
    }
    live.close().await;
}

#[actix_rt::test]
async fn it_goes_back_a_week_at_most() {
    let premises = Premises::new();
    let live = premises.open().await;
    assert_eq!(overview(&live, "?hours=168").await["series"].as_array().map(Vec::len), Some(168));
    for query in ["?hours=0", "?hours=169", "?hours=x", "?days=1"] {
        let (status, problem) = answer(live.get(&format!("/v1/overview{query}"))).await;
        assert_eq!((status, &problem["code"]), (400, &json!("malformed")), "{query}: {problem}");
    }
    live.close().await;
}
