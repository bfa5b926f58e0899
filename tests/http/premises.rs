//! A data directory, and a house with a server on it, as often as a test wants one.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use streamwarden::actors::{ProviderChoice, Settings};
use streamwarden::clock::SystemClock;
use streamwarden::control::RehearsalControl;
use streamwarden::events::Actor;
use streamwarden::house::{Ground, House};
use streamwarden::http::auth::config::AuthConfig;
use streamwarden::http::auth::{Authenticator, External};
use streamwarden::http::{App, Callbacks, Gate, GateConfig, Meaning, RateConfig, Server};
use streamwarden::model::{Action, ActionName, Approval};
use streamwarden::providers::Provider;
use streamwarden::providers::hive::dashboard::Posts;
use streamwarden::warden::enforcement::BudgetLimits;
use tempfile::TempDir;

use crate::scripted::{PATIENCE, ScriptedProvider};

/// Watches every channel whatever the frames look like, each of them.
pub const POLICY: &str = r#"
policy: test
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 1s, max_age: 24h }
similarity: off
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 80, action: warn }
  - { id: weapons, categories: [Violence/Weapons], confidence: 80, action: stop, approval: person, severity: 5 }
  - { id: explicit, categories: [Explicit], confidence: 80, action: stop, approval: none, severity: 4 }
"#;

/// A directory that outlives the houses on it, and those outside.
pub struct Premises {
    dir: TempDir,
    pub provider: Arc<ScriptedProvider>,
    /// Who judges: that one, unless a test puts another in its place.
    pub judge: Arc<dyn Provider>,
    /// Those whom only a policy names.
    pub others: Vec<Arc<dyn Provider>>,
    pub policy: &'static str,
    pub stage: Arc<RehearsalControl>,
    pub settings: Settings,
    pub budget: BudgetLimits,
    /// Who may call: everybody, unless a test asks who they are.
    pub auth: AuthConfig,
    /// Without limits to the rate, unless a test is about them.
    pub gate: GateConfig,
    /// Who decides outside: nobody, unless a test says so.
    pub outside: Option<Outside>,
}

/// An external actor: what it is known by, and what its actions mean.
pub struct Outside {
    pub actions: BTreeMap<&'static str, Meaning>,
    pub posts: Arc<Posts>,
}

/// A house that answers.
pub struct Live {
    pub house: House,
    pub server: Server,
    pub client: Client,
    base: String,
}

impl Premises {
    pub fn new() -> Self {
        let provider = ScriptedProvider::new();
        Self {
            dir: tempfile::tempdir().expect("a directory"),
            judge: provider.clone(),
            others: Vec::new(),
            policy: POLICY,
            provider,
            stage: Arc::new(RehearsalControl::new()),
            settings: Settings { frame_deadline: PATIENCE, ..Settings::default() },
            budget: BudgetLimits { per_minute: 100, per_rule_per_minute: 100, live_share_milli: 100_000 },
            auth: AuthConfig::open(),
            gate: GateConfig { rates: RateConfig::UNLIMITED, ..GateConfig::default() },
            outside: None,
        }
    }

    /// Where the journal is.
    pub fn data(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Opens the house and its server, in an actix system.
    pub async fn open(&self) -> Live {
        let (dir, policy) = (self.dir.path().to_owned(), self.policy);
        let opening = move || {
            let mut ground = Ground::open(&dir).expect("the house opens");
            ground.policies.publish("test.yaml", policy, &Actor::service("test"), None).expect("the policy is sound");
            ground
        };
        let ground = tokio::task::spawn_blocking(opening).await.expect("opening does not panic");
        let providers = ProviderChoice {
            default: Some(self.judge.clone()),
            others: self.others.clone(),
            ..ProviderChoice::default()
        };
        let clock = Arc::new(SystemClock);
        let house = ground.start(clock.clone(), providers, self.stage.clone(), self.budget, self.settings);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let authenticator = Authenticator::open(&self.auth, clock.clone()).expect("the ways in open");
        let mut gate = Gate::new(authenticator, &self.gate).expect("a sound gate");
        let mut app = App::of(&house, clock);
        if let Some(outside) = &self.outside {
            gate = gate.and_external(outside.known());
            app.callbacks = Some(outside.callbacks());
        }
        let server = Server::start(listener, Arc::new(app), Arc::new(gate)).expect("the server starts");
        let base = format!("http://{}", server.address());
        let _ = rustls::crypto::ring::default_provider().install_default(); // some test before this one may have
        let client = Client::builder().timeout(PATIENCE).build().expect("a client");
        Live { house, server, client, base }
    }
}

impl Default for Outside {
    fn default() -> Self {
        let meaning = |then, approval| Meaning { then, approval, severity: 4 };
        let actions = [
            ("note", meaning(None, Approval::Person)),
            ("flag", meaning(Some(Action::Warn), Approval::Person)),
            ("ban", meaning(Some(Action::Stop), Approval::None)),
            ("suspend", meaning(Some(Action::Suspend), Approval::None)),
        ];
        Self { actions: actions.into(), posts: Arc::default() }
    }
}

impl Outside {
    pub const SECRET: &str = "9d1f4b7c2e8a40d3b6f5a1c09e7d2b84";

    fn known(&self) -> External {
        let secret = streamwarden::egress::Secret::new(Self::SECRET).expect("a secret");
        External::new("hive-dashboard", &secret).expect("it is long enough")
    }

    fn callbacks(&self) -> Callbacks {
        let named = |(name, meaning): (&&str, &Meaning)| (ActionName::new(name).expect("a sound name"), *meaning);
        Callbacks::of_hive(self.actions.iter().map(named).collect(), self.posts.clone())
    }
}

impl Live {
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    /// Server first, then the house. When it returns, the directory can be opened again: the server's threads let go of
    /// the journal a moment after the server has ended.
    pub async fn close(self) {
        let journal = Arc::downgrade(&self.house.journal);
        drop(self.client); // its idle connections would be waited for
        self.server.stop().await;
        self.house.close().await;
        let let_go = async {
            while journal.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, let_go).await.expect("nobody holds on to the journal");
    }
}

/// Sends, and gives the status and the JSON that came.
pub async fn json(request: RequestBuilder) -> (u16, Value) {
    let response: Response = request.send().await.expect("an answer comes");
    let status = response.status().as_u16();
    let text = response.text().await.expect("the body comes");
    let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status}: no JSON ({error}): {text}"));
    (status, value)
}
