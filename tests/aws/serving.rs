//! The program itself, serving by a configuration.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::timeout;

use crate::premises::PATIENCE;

/// The program, serving; killed with the test if that ends before it.
pub struct Serving {
    child: Child,
    /// Where it listens.
    pub base: String,
}

impl Serving {
    /// Starts it, and waits until it listens.
    pub fn start(config: &Path) -> Self {
        Self::start_logging(config, Stdio::inherit())
    }

    /// The same, with its log there.
    pub fn start_logging(config: &Path, log: impl Into<Stdio>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_streamwarden"))
            .args(["serve", "--config"])
            .arg(config)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("NO_PROXY", "127.0.0.1,localhost")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {line:?}")).to_owned();
        Self { child, base }
    }

    /// Puts a policy in force.
    pub async fn publish(&self, policy: &'static str) {
        let publish = reqwest::Client::new().post(format!("{}/v1/policies?why=test", self.base));
        let published = publish.header("content-type", "application/yaml").body(policy).send().await.unwrap();
        assert_eq!(published.status().as_u16(), 200, "{}", published.text().await.unwrap());
    }

    /// What it answers.
    pub async fn get(&self, path: &str) -> Value {
        reqwest::get(format!("{}{path}", self.base)).await.unwrap().json().await.unwrap()
    }

    /// Asks until the answer is as wanted.
    pub async fn until(&self, what: &str, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let answer = self.get(path).await;
                if wanted(&answer) {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{what} does not come"))
    }

    /// Ends it in order.
    pub fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "it ends in order");
    }

    /// Ends it at once, by SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
    }
}
