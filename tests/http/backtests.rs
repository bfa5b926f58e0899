//! Backtests over HTTP: begun, followed, read as data and as a page, called off; one at a time.

use serde_json::{Value, json};

use crate::broadcast::Broadcast;
use crate::premises::{Live, POLICY, Premises, json};
use crate::scripted::PATIENCE;

/// Looks at the job until it has ended.
async fn ended(live: &Live, id: u64) -> Value {
    let looking = async {
        loop {
            let (status, job) = json(live.get(&format!("/v1/backtests/{id}"))).await;
            assert_eq!(status, 200, "{job}");
            if job["state"] != "running" {
                return job;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("the backtest ends")
}

#[actix_rt::test]
async fn a_backtest_runs_as_a_job_and_its_report_is_data_and_a_page() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    stage.shows(&[("Violence/Weapons", 70.0)]).await;
    stage.shows(&[("Alcohol", 90.0)]).await;
    let stricter = POLICY.replace("[Violence/Weapons], confidence: 80", "[Violence/Weapons], confidence: 60");
    let (status, job) = json(
        live.post("/v1/backtests").json(&json!({"text": stricter, "channels": ["st*"], "prices": ["scripted=2000"]})),
    )
    .await;
    assert_eq!(status, 202, "{job}");
    assert_eq!((&job["id"], &job["policies"]), (&json!(1), &json!([{"id": "test", "version": 2}])));
    let job = ended(&live, 1).await;
    assert_eq!((&job["state"], &job["reached"]), (&json!("done"), &job["to"]), "{job}");

    let (status, report) = json(live.get("/v1/backtests/1/report")).await;
    assert_eq!(status, 200, "{report}");
    assert_eq!((&report["judged"], &report["only"], &report["frames"]), (&json!(2), &json!(["st*"]), &json!(2)));
    assert_eq!(report["total"]["proposed"]["warnings"], 2);
    assert_eq!((&report["gained"]["count"], &report["lost"]["count"]), (&json!(1), &json!(0)));
    assert_eq!(report["calls"]["proposed_micros"], 4000);

    let page = live.get("/v1/backtests/1/page").send().await.expect("an answer comes");
    let header = |name: &str| page.headers()[name].to_str().expect("a readable header").to_owned();
    assert_eq!((page.status().as_u16(), header("content-type").as_str()), (200, "text/html; charset=utf-8"));
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = page.text().await.expect("the page comes");
    assert!(page.contains("test@2") && page.contains("weapons") && !page.contains("<script"), "{page}");

    let (_, list) = json(live.get("/v1/backtests")).await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    let (_, policies) = json(live.get("/v1/policies")).await;
    assert_eq!(policies["items"][0]["in_force"], 1, "nothing was published");
    let (status, cancelled) = json(live.post("/v1/backtests/1/cancel")).await;
    assert_eq!((status, &cancelled["state"]), (200, &json!("done")), "what has ended stays as it is");
    live.close().await;
}

#[actix_rt::test]
async fn what_cannot_be_tried_is_refused_and_what_is_not_there_is_not_found() {
    let premises = Premises::new();
    let live = premises.open().await;
    let refusals = [
        (422, json!({"text": "policy: test"})),
        (400, json!({"text": POLICY, "prices": ["free"]})),
        (400, json!({"text": POLICY, "channels": vec!["a"; 65]})),
        (400, json!({"text": POLICY, "from": "yesterday"})),
        (400, json!({"text": POLICY, "since": "2026-01-01T00:00:00Z"})),
    ];
    for (expected, body) in refusals {
        let (status, problem) = json(live.post("/v1/backtests").json(&body)).await;
        assert_eq!(status, expected, "{body}: {problem}");
    }
    for path in ["/v1/backtests/1", "/v1/backtests/1/report", "/v1/backtests/1/page"] {
        assert_eq!(json(live.get(path)).await.0, 404, "{path}");
    }
    live.close().await;
}

#[actix_rt::test]
async fn one_runs_at_a_time_and_one_that_is_called_off_makes_room_and_has_no_report() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    stage.shows(&[("Alcohol", 90.0)]).await;
    fail::cfg("backtest.begins held", "pause").expect("a fail point");
    let held = json!({ "text": POLICY.replace("policy: test", "policy: held") });
    let (status, job) = json(live.post("/v1/backtests").json(&held)).await;
    assert_eq!((status, &job["state"]), (202, &json!("running")), "{job}");
    let (status, problem) = json(live.post("/v1/backtests").json(&json!({ "text": POLICY }))).await;
    assert_eq!((status, &problem["backtest"]), (409, &json!(1)), "{problem}");
    let (status, cancelled) = json(live.post("/v1/backtests/1/cancel")).await;
    assert_eq!((status, &cancelled["state"]), (200, &json!("cancelled")), "{cancelled}");
    assert_eq!(json(live.get("/v1/backtests/1/report")).await.0, 409, "there is none");
    let (status, second) = json(live.post("/v1/backtests").json(&json!({ "text": POLICY }))).await;
    assert_eq!((status, &second["id"]), (202, &json!(2)), "there is room again: {second}");
    assert_eq!(ended(&live, 2).await["state"], "done");
    fail::remove("backtest.begins held");
    assert_eq!(ended(&live, 1).await["state"], "cancelled", "that it could have ended later changes nothing");
    live.close().await;
}
