//! What stands in for AWS, started once for all tests of this program and ended with it: `tests/standins/standin.py`
//! for Rekognition, IVS and IVS Chat, `tests/standins/emu.py` for S3, EventBridge, SQS and SNS.
#![allow(dead_code)] // what one service's tests do not need, another's do

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use serde_json::Value;
use streamwarden::aws::{Aws, CallTimes, Endpoints, Key};

/// Where everything is said to be.
pub const REGION: &str = "us-east-1";
/// Whose everything is said to be.
pub const ACCOUNT: &str = "123456789012";

/// A process that ends when its standard input does: with this program, however that ends.
struct Standin {
    address: String,
    _child: Mutex<Child>,
}

impl Standin {
    fn start(program: &str) -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let tools = Command::new(format!("{root}/scripts/tools.sh")).arg("standins").current_dir(root).status();
        assert!(tools.is_ok_and(|status| status.success()), "scripts/tools.sh standins cannot install the stand-ins");
        let mut child = Command::new(format!("{root}/.tools/standins/bin/python"))
            .args([&format!("{root}/tests/standins/{program}"), "--follow-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("starting {program}: {error}"));
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{program} did not start: it said {address:?}");
        Self { address, _child: Mutex::new(child) }
    }
}

/// The address of S3, EventBridge, SQS and SNS. One world for all tests: name buckets, buses and queues after the test.
pub fn emulator() -> &'static str {
    static EMULATOR: OnceLock<Standin> = OnceLock::new();
    &EMULATOR.get_or_init(|| Standin::start("emu.py")).address
}

/// Rekognition, IVS and IVS Chat for one test: its own channels, verdicts, faults and quotas.
pub struct Stage {
    /// Where the services of this stage are.
    pub endpoint: String,
    http: reqwest::Client,
}

impl Stage {
    pub fn new() -> Self {
        static STANDIN: OnceLock<Standin> = OnceLock::new();
        static STAGES: AtomicU32 = AtomicU32::new(0);
        let address = &STANDIN.get_or_init(|| Standin::start("standin.py")).address;
        let endpoint = format!("{address}/stage-{}", STAGES.fetch_add(1, Ordering::Relaxed));
        let _ = rustls::crypto::ring::default_provider().install_default(); // reqwest wants one; the first test sets it
        Self { endpoint, http: reqwest::Client::new() }
    }

    /// Adds to the stage's settings: `SETTINGS` in `tests/standins/services.py` lists them.
    pub async fn script(&self, settings: Value) {
        let sent = self.http.post(format!("{}/_standin/script", self.endpoint)).json(&settings).send().await.unwrap();
        assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
    }

    /// Every call made to this stage so far: `op`, `request`, `status`, `error`, `fault`, `ms`.
    pub async fn calls(&self) -> Vec<Value> {
        self.http.get(format!("{}/_standin/calls", self.endpoint)).send().await.unwrap().json().await.unwrap()
    }

    /// The calls that are in and neither answered nor given up: `op`, `request`, `fault`.
    pub async fn under_way(&self) -> Vec<Value> {
        self.http.get(format!("{}/_standin/under_way", self.endpoint)).send().await.unwrap().json().await.unwrap()
    }

    /// Calls as the program makes them, with short limits so that a test of a hang does not take long.
    pub fn aws(&self) -> Aws {
        self.aws_within(CallTimes { connect: Duration::from_secs(2), call: Duration::from_secs(5) })
    }

    pub fn aws_within(&self, times: CallTimes) -> Aws {
        let here = || Some(self.endpoint.clone());
        let endpoints = Endpoints { rekognition: here(), ivs: here(), ivs_chat: here(), ..Endpoints::default() };
        Aws::for_endpoints(REGION, endpoints, key(), times)
    }
}

/// Calls to the emulator as the program makes them.
pub fn emulated() -> Aws {
    let here = || Some(emulator().to_owned());
    let endpoints = Endpoints { s3: here(), eventbridge: here(), sns: here(), ..Endpoints::default() };
    Aws::for_endpoints(REGION, endpoints, key(), CallTimes::default())
}

/// The key that emulator and stand-ins take.
pub fn key() -> Key {
    Key { id: "test".to_owned(), secret: "test".to_owned() }
}

/// For what a test itself does with the SDK, such as making a bucket: give it to `aws_sdk_*::config::Builder::from`.
pub fn sdk(endpoint: &str) -> aws_config::SdkConfig {
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_http_client::Builder;
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
        .http_client(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
        .build()
}

/// S3 as a test itself uses it: to make a bucket, put a picture, look at what was stored.
pub fn s3() -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&sdk(emulator())).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

/// A small JPEG file of which the stand-in "sees" what its comment says: `Weapons=97.5; Alcohol=40`.
pub fn picture(labels: &str) -> std::sync::Arc<[u8]> {
    let picture = include_bytes!("../imaging/data/411-96x72.jpg");
    let comment = format!("moderation: {labels}");
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xFE];
    bytes.extend(u16::try_from(comment.len() + 2).unwrap().to_be_bytes());
    bytes.extend(comment.as_bytes());
    bytes.extend(&picture[2..]);
    bytes.into()
}
