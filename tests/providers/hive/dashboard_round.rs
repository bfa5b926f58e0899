//! The whole way round, by the program itself: a frame is handed in, put into a bucket and submitted; a rule of the
//! Dashboard fires an action at our callback; the broadcast is stopped, and all of it is on the record.

use std::path::Path;

use serde_json::Value;

use super::picture;
use super::serving::Serving;
use crate::dashboard_standin::{Action, DashboardStandin, Rule};
use crate::standins::{emulator, s3};

const SECRET: &str = "5b0e7c1fa2d84e639c7d1f0b8a6e4c29";
/// Our own rules see nothing in the pictures of this test: what is stopped is stopped by the Dashboard.
const POLICY: &str = "
policy: hive
channels: { matching: .* }
taxonomy: hive-visual/1
sampling: { every: 1s }
similarity: off
rules:
  - { id: alcohol, categories: [drugs/alcohol/yes_alcohol], confidence: 90, action: warn }
";

fn configuration(standin: &DashboardStandin, folder: &Path, bucket: &str) -> std::path::PathBuf {
    let file = folder.join("streamwarden.toml");
    let (data, endpoint, s3) = (folder.join("data"), &standin.endpoint, emulator());
    let text = format!(
        "[data]\ndirectory = {data:?}\n[listen]\naddress = \"127.0.0.1:0\"\n[auth]\nways = [\"open\"]\n\
         [logs]\nfilter = \"trace\"\n[aws]\nregion = \"us-east-1\"\n[aws.endpoints]\ns3 = {s3:?}\n\
         [http.store_frames]\nbucket = {bucket:?}\n[control]\nplatform = \"rehearsal\"\n\
         [provider]\njudge = \"hive-dashboard\"\n\
         [provider.hive_dashboard]\nendpoint = {endpoint:?}\nkey_env = \"HIVE_TEST_KEY\"\n\
         [hive_dashboard]\nsecret_env = \"HIVE_TEST_SECRET\"\n\
         [[hive_dashboard.actions]]\nname = \"ban-stream\"\nthen = \"stop\"\napproval = \"none\"\n\
         [[hive_dashboard.actions]]\nname = \"flag\"\nthen = \"warn\"\n"
    );
    std::fs::write(&file, text).expect("written");
    file
}

#[tokio::test]
async fn a_rule_there_fires_its_action_and_the_broadcast_here_is_stopped_and_verified() {
    s3().create_bucket().bucket("dashboard-round").send().await.expect("a bucket");
    let standin = DashboardStandin::start();
    let folder = tempfile::tempdir().expect("a folder");
    let config = configuration(&standin, folder.path(), "dashboard-round");
    let key = standin.world().key.clone();
    let environment = [
        ("HIVE_TEST_KEY", key.as_str()),
        ("HIVE_TEST_SECRET", SECRET),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let serving = Serving::start_in(&config, &environment);
    {
        let action = |name, authorization: &str| {
            let url = format!("{}/v1/callbacks/hive/{name}", serving.base);
            Action { name, url, authorization: authorization.to_owned() }
        };
        let mut world = standin.world();
        // One is set up with an old secret: it stands as failed in the log there.
        world.actions = vec![action("ban-stream", SECRET), action("flag", "an old secret of thirty-two chars")];
        let rule = |action| Rule { class: "gun_in_hand", over: 0.9, action };
        world.rules = vec![rule("ban-stream"), rule("flag")];
    }
    let (status, published) = serving.post("/v1/policies?why=test", "application/yaml", POLICY).await;
    assert_eq!(status, 200, "{published}");
    let (status, judged) =
        serving.post("/v1/channels/stage/frames", "image/jpeg", picture("gun_in_hand=0.97").to_vec()).await;
    assert_eq!((status, judged["verdict"].as_str()), (200, Some("clear")), "our rules see nothing: {judged}");

    let log = standin.fired(2);
    let of = |name: &str| log.iter().find(|fired| fired.action == name).expect("it was fired");
    assert_eq!((of("ban-stream").status, of("flag").status), (200, 401), "{log:?}");
    assert_eq!(Some(of("ban-stream").post.as_str()), judged["frame"].as_str());
    let told = &of("ban-stream").answer;
    let place = format!("/v1/enforcements/{}?wait_s=20", told["enforcement"].as_str().expect("a stop is asked for"));
    let followed: Value = serde_json::from_str(&serving.get(&place).await).expect("JSON");
    assert_eq!(followed["stage"], "verified", "{followed}");

    let frame = judged["frame"].as_str().expect("an id");
    let decision: Value = serde_json::from_str(&serving.get(&format!("/v1/decisions/{frame}")).await).expect("JSON");
    let decided = &decision["followed"]["decided_outside"];
    assert_eq!(decided.as_array().map(Vec::len), Some(1), "{decision}");
    assert_eq!(decided[0]["action"], "ban-stream");
    let (events, log) = (serving.get("/v1/events?limit=100").await, serving.end());
    let log = String::from_utf8_lossy(&log);
    for secret in [key.as_str(), SECRET] {
        assert!(!events.contains(secret) && !log.contains(secret), "a secret is said again");
    }
}
