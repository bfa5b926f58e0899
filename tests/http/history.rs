//! A channel through time.

use serde_json::{Value, json};
use streamwarden::clock::{Clock, SystemClock};
use streamwarden::model::{EventId, ModeratorId, WarningId};
use streamwarden::warden::{Answering, Command, ModeratorAct};

use crate::broadcast::Broadcast;
use crate::premises::{Premises, json as answer};
use crate::recorded::refused;

#[actix_rt::test]
async fn broadcasts_coverage_cadence_and_warnings_are_told_of_the_stretch_that_is_asked_for() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    stage.shows(&[("Violence/Weapons", 95.0)]).await;
    let (_, queue) = answer(live.get("/v1/warnings")).await;
    let id: WarningId = queue["items"][0]["warning"].as_str().expect("an id").parse().expect("a warning's id");
    let (by, request) = (ModeratorId::new("ann").expect("a sound id"), EventId::of_command("test", &[b"dismiss"]));
    let act = ModeratorAct::Dismiss(Answering::to([id]));
    live.house.wardens.command(&stage.channel, Command::Moderate { request, by, act }).await.expect("it is lawful");
    let middle = SystemClock.now();
    let channel = stage.channel.clone();
    stage.ends().await;

    let (status, told) = answer(live.get("/v1/channels/stage/history")).await;
    assert_eq!((status, &told["complete"]), (200, &json!(true)), "{told}");
    let sessions = told["sessions"].as_array().expect("broadcasts");
    assert_eq!((sessions.len(), &sessions[0]["session"]), (1, &json!("st-1")));
    assert!(sessions[0]["from"].is_string() && sessions[0]["to"].is_string(), "{told}");
    let coverage = told["coverage"].as_array().expect("coverage");
    assert_eq!((coverage.len(), &coverage[0]["watched"]), (1, &json!(true)), "{told}");
    assert!(coverage[0]["to"].is_string(), "nobody looks at what is not on the air");
    assert_eq!((&told["cadence"][0]["because"], &told["cadence"][0]["to_ms"]), (&json!("session_began"), &json!(1000)));
    let warnings = told["warnings"].as_array().expect("warnings");
    assert_eq!((warnings.len(), &warnings[0]["rule"], &warnings[0]["upheld"]), (1, &json!("weapons"), &json!(false)));

    // The stretch begins in the midst of it: what held then is told, what was over is not.
    let (_, later) = answer(live.get(&format!("/v1/channels/{channel}/history?from={middle}"))).await;
    assert_eq!((&later["sessions"], &later["cadence"]), (&told["sessions"], &told["cadence"]), "{later}");
    assert_eq!(later["coverage"], told["coverage"]);
    let (_, earlier) = answer(live.get(&format!("/v1/channels/{channel}/history?to={middle}"))).await;
    assert_eq!(earlier["sessions"][0]["to"], Value::Null, "it had not ended then");
    let after = SystemClock.now();
    let (_, nothing) =
        answer(live.get(&format!("/v1/channels/{channel}/history?from={after}&to={}", after.plus_ms(1)))).await;
    assert_eq!(
        (&nothing["sessions"], &nothing["warnings"], &nothing["read_to"]),
        (&json!([]), &json!([]), &Value::Null)
    );

    assert_eq!(answer(live.get("/v1/channels/nobody/history")).await.0, 404);
    refused(live.get("/v1/channels/stage/history?from=yesterday"), "from").await;
    refused(live.get("/v1/channels/stage/history?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"), "from").await;
    live.close().await;
}
