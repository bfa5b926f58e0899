//! The program itself, judging by Hive as its configuration says; and where its key is to be found afterwards: nowhere.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{APIS, picture};
use crate::hive_standin::{Fault, HiveStandin};

const POLICY: &str = "
policy: hive
channels: { matching: .* }
taxonomy: hive-visual/1
sampling: { every: 1s }
similarity: off
rules:
  - { id: gun, categories: [violence/gun/gun_in_hand], confidence: 90, action: warn }
";

fn configuration(
    standin: &HiveStandin,
    folder: &Path,
    (_, api): (impl Sized, &str),
    secret: &str,
) -> std::path::PathBuf {
    let file = folder.join("streamwarden.toml");
    let (data, endpoint) = (folder.join("data"), standin.endpoint(api));
    let text = format!(
        "[data]\ndirectory = {data:?}\n[listen]\naddress = \"127.0.0.1:0\"\n[auth]\nways = [\"open\"]\n\
         [logs]\nfilter = \"trace\"\n[provider]\njudge = \"hive\"\n\
         [provider.hive]\napi = {api:?}\nendpoint = {endpoint:?}\n{secret}\nheads = [\"gun\"]\n"
    );
    std::fs::write(&file, text).expect("written");
    file
}

/// The program, serving; killed with the test if that ends before it.
pub struct Serving {
    child: Child,
    pub base: String,
    log: std::thread::JoinHandle<Vec<u8>>,
}

impl Serving {
    fn start(config: &Path, key: &str) -> Self {
        Self::start_in(config, &[("HIVE_TEST_KEY", key)])
    }

    /// Starts it with these variables in its environment.
    pub fn start_in(config: &Path, environment: &[(&str, &str)]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_streamwarden"));
        let program = program.args(["serve", "--config"]).arg(config).envs(environment.iter().copied());
        let program = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().expect("it starts");
        let mut errors = child.stderr.take().expect("its log");
        let log = std::thread::spawn(move || {
            let mut said = Vec::new();
            errors.read_to_end(&mut said).map(|_| said).expect("its log is read")
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("it says where it listens");
        let base = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {line:?}")).to_owned();
        Self { child, base, log }
    }

    pub async fn post(&self, path: &str, media_type: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let post = reqwest::Client::new().post(format!("{}{path}", self.base)).header("content-type", media_type);
        let answer = post.body(body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    pub async fn get(&self, path: &str) -> String {
        let answer = reqwest::get(format!("{}{path}", self.base)).await.expect("an answer");
        answer.text().await.expect("text")
    }

    /// Ends it in order; what it logged.
    pub fn end(mut self) -> Vec<u8> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0), "it ends in order");
        self.log.join().expect("its log is read")
    }
}

pub fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

pub fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[tokio::test]
async fn frames_are_judged_by_hive_and_its_key_is_in_no_log_no_event_and_no_figure() {
    for api in APIS {
        let standin = HiveStandin::start();
        let folder = tempfile::tempdir().expect("a folder");
        let key = standin.world().key.clone();
        let config = configuration(&standin, folder.path(), api, "key_env = \"HIVE_TEST_KEY\"");
        let serving = Serving::start(&config, &key);
        let (status, published) = serving.post("/v1/policies?why=test", "application/yaml", POLICY).await;
        assert_eq!(status, 200, "{published}");
        let shown = |channel: &str| (format!("/v1/channels/{channel}/frames"), picture("gun_in_hand=0.93").to_vec());
        let (path, frame) = shown("one");
        let (status, judged) = serving.post(&path, "image/jpeg", frame).await;
        assert_eq!((status, judged["verdict"].as_str()), (200, Some("warn")), "{judged}");
        // One that fails with everything that must not be said again.
        let message = format!("no such token: {key}");
        standin.script([Fault::Error { status: 403, message, retry_after_s: None }]);
        let (path, frame) = shown("two");
        let (_, failed) = serving.post(&path, "image/jpeg", frame).await;
        assert!(failed.to_string().contains("403"), "{failed}");
        let (events, figures) = (serving.get("/v1/events?limit=100").await, serving.get("/metrics").await);
        assert!(events.contains("gun_in_hand") && events.contains("(our key)"), "{events}");
        assert!(figures.contains("hive"), "{figures}");
        let log = serving.end();
        assert!(holds(&log, "a frame failed"), "the log is that of the run");
        let mut kept = Vec::new();
        files(&folder.path().join("data"), &mut kept);
        assert!(!kept.is_empty());
        let of_disk = kept.iter().map(|path| (path.display().to_string(), std::fs::read(path).expect("a file")));
        let said = [("events", events.into_bytes()), ("figures", figures.into_bytes()), ("log", log)];
        for (place, bytes) in said.map(|(place, bytes)| (place.to_owned(), bytes)).into_iter().chain(of_disk) {
            assert!(!holds(&bytes, &key), "the key is in {place}");
        }
    }
}

async fn doctor(config: &Path, key: Option<&str>) -> String {
    let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_streamwarden"));
    program.args(["doctor", "--config"]).arg(config).env("AWS_EC2_METADATA_DISABLED", "true");
    match key {
        Some(key) => program.env("HIVE_TEST_KEY", key),
        None => program.env_remove("HIVE_TEST_KEY"),
    };
    let Output { stdout, .. } = program.output().await.expect("it runs");
    String::from_utf8(stdout).expect("text")
}

#[tokio::test]
async fn the_doctor_looks_at_key_and_interface_and_shows_no_picture() {
    let standin = HiveStandin::start();
    let folder = tempfile::tempdir().expect("a folder");
    let key = standin.world().key.clone();
    let config = configuration(&standin, folder.path(), APIS[0], "key_env = \"HIVE_TEST_KEY\"");
    let said = doctor(&config, Some(&key)).await;
    assert!(
        said.contains("well      hive") && said.contains("the first picture tells") && !said.contains(&key),
        "{said}"
    );
    assert!(standin.world().calls.is_empty(), "nothing was charged");
    let said = doctor(&config, None).await;
    assert!(said.contains("WRONG     hive") && said.contains("provider.hive.key_env names the variable"), "{said}");
    let url_key = folder.path().join("url.pem");
    let with = format!(
        "key_env = \"HIVE_TEST_KEY\"\nby = \"url\"\nurl_base = \"https://d.example\"\nurl_bucket = \"b\"\n\
         url_key_pair_id = \"K1\"\nurl_key_file = {url_key:?}"
    );
    let config = configuration(&standin, folder.path(), APIS[0], &with);
    let said = doctor(&config, Some(&key)).await;
    assert!(said.contains("WRONG     hive") && said.contains("reading provider.hive.url_key_file"), "{said}");
    std::fs::write(&url_key, include_str!("../data/cloudfront/test-encrypted.pem")).expect("written");
    let said = doctor(&config, Some(&key)).await;
    assert!(said.contains("provider.hive.url_key_file") && said.contains("holds a key that is encrypted"), "{said}");
    std::fs::write(&url_key, include_str!("../data/cloudfront/test-p256.pem")).expect("written");
    let said = doctor(&config, Some(&key)).await;
    assert!(said.contains("well      hive") && said.contains("addresses are signed as K1"), "{said}");
    let config = configuration(&standin, folder.path(), APIS[0], "");
    let said = doctor(&config, None).await;
    assert!(said.contains("WRONG     config") && said.contains("set provider.hive.key_file"), "{said}");
}

#[tokio::test]
async fn the_doctor_looks_at_speech_as_at_a_provider_of_its_own() {
    let standin = HiveStandin::start();
    let folder = tempfile::tempdir().expect("a folder");
    let key_file = folder.path().join("speech.key");
    std::fs::write(&key_file, &standin.world().speech_key).expect("written");
    let config = configuration(&standin, folder.path(), APIS[0], "key_env = \"HIVE_TEST_KEY\"");
    let text = std::fs::read_to_string(&config).expect("it was written");
    let text = text.replace("judge = \"hive\"\n", "judge = \"hive\"\nalso = [\"hive-speech\"]\n");
    let endpoint = standin.endpoint("v2");
    let text = format!("{text}[provider.hive_speech]\nendpoint = {endpoint:?}\nkey_file = {key_file:?}\n");
    std::fs::write(&config, text).expect("written");
    let key = standin.world().key.clone();
    let said = doctor(&config, Some(&key)).await;
    assert!(said.contains("well      hive-speech") && said.contains("the first sound tells"), "{said}");
    assert!(standin.world().calls.is_empty(), "nothing was charged");
    std::fs::remove_file(&key_file).expect("it is there");
    let said = doctor(&config, Some(&key)).await;
    assert!(said.contains("WRONG     hive-speech") && said.contains("provider.hive_speech.key_file"), "{said}");
}
