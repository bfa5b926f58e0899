//! A stand-in for Hive's Moderation Dashboard, on loopback over HTTP: takes posts in the documented shape of its v2
//! interface, has the visual model look at them as the stand-in of that does, and has rules that fire actions, each a
//! request to an address of the operator's. It retries nothing; an action that was not answered with 200 stands in its log
//! as failed.
//!
//! The answer's shape is what public clients read of it: `status` as Hive's own v2 interface has it. What is documented
//! nowhere, which rules fired, it does not say.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{self, Data, Json};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::{Value, json};

use crate::hive_standin::seen::Picture;
use crate::hive_standin::shapes;

/// How long a test waits for an action before it says that none came.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fires its action on a post whose class scores more.
#[derive(Debug, Clone)]
pub struct Rule {
    pub class: &'static str,
    pub over: f64,
    pub action: &'static str,
}

/// An action as an operator sets it up there.
#[derive(Debug, Clone)]
pub struct Action {
    pub name: &'static str,
    pub url: String,
    pub authorization: String,
}

/// What the next call shows instead of its answer, once.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status with a message.
    Error(u16, &'static str),
    /// This body with 200.
    Body(&'static str),
    /// No answer; the post is taken all the same, and its rules fire.
    Hang,
}

/// What was fired, and what came back.
#[derive(Debug, Clone)]
pub struct Fired {
    pub action: &'static str,
    pub post: String,
    pub status: u16,
    pub answer: Value,
}

/// The stand-in's world.
#[derive(Debug, Default)]
pub struct World {
    pub key: String,
    pub posts: Vec<Value>,
    pub rules: Vec<Rule>,
    pub actions: Vec<Action>,
    /// The Actions Log.
    pub log: Vec<Fired>,
    pub fault: Option<Fault>,
}

type Shared = Arc<(Mutex<World>, Condvar)>;

pub struct DashboardStandin {
    pub endpoint: String,
    world: Shared,
    handle: ServerHandle,
}

impl DashboardStandin {
    pub fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default(); // another test may have
        let world = World { key: "dashboard-key-0123456789".to_owned(), ..World::default() };
        let world: Shared = Arc::new((Mutex::new(world), Condvar::new()));
        let (started, starting) = std::sync::mpsc::channel();
        let served = world.clone();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    let world = Data::new(served.clone());
                    App::new().app_data(world).route("/api/v2/task/sync", web::post().to(submitted))
                });
                let server = server.workers(1).shutdown_timeout(0).disable_signals().bind(("127.0.0.1", 0)).unwrap();
                let endpoint = format!("http://{}/api/v2/task/sync", server.addrs()[0]);
                let server = server.run();
                started.send((endpoint, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (endpoint, handle) = starting.recv().unwrap();
        Self { endpoint, world, handle }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.0.lock().unwrap()
    }

    /// The Actions Log once so many actions were fired.
    pub fn fired(&self, count: usize) -> Vec<Fired> {
        let waiting = self.world.1.wait_timeout_while(self.world(), PATIENCE, |world| world.log.len() < count);
        let (world, _) = waiting.unwrap();
        assert!(world.log.len() >= count, "{count} actions were to be fired: {:?}", world.log);
        world.log.clone()
    }
}

impl Drop for DashboardStandin {
    fn drop(&mut self) {
        drop(self.handle.stop(false)); // sent by the call; nobody waits for it
    }
}

async fn submitted(request: HttpRequest, post: Json<Value>, world: Data<Shared>) -> HttpResponse {
    let (known, fault) = {
        let mut world = world.0.lock().unwrap();
        let said = request.headers().get(AUTHORIZATION).and_then(|said| said.to_str().ok()).unwrap_or_default();
        (said == format!("token {}", world.key), world.fault.take())
    };
    if !known {
        return refused(403, "Invalid Auth Token");
    }
    let post = post.into_inner();
    for needed in ["post_id", "user_id", "url"] {
        if post[needed].as_str().is_none_or(|text| text.is_empty() || text.contains([' ', ';'])) {
            return refused(400, &format!("{needed} is required"));
        }
    }
    if post["models"] != json!(["visual"]) {
        return refused(400, "models");
    }
    let fetched = reqwest::get(post["url"].as_str().unwrap_or_default()).await;
    let bytes = match fetched {
        Ok(answer) if answer.status().is_success() => answer.bytes().await.ok(),
        _ => None,
    };
    let Some(picture) = bytes.as_deref().and_then(Picture::of) else { return refused(400, "Could not fetch media") };
    world.0.lock().unwrap().posts.push(post.clone());
    let due = due(&world.0.lock().unwrap(), &picture);
    // Nothing is waited for: an action may well be there before the answer about its post.
    actix_web::rt::spawn(fire(world.get_ref().clone(), due, post.clone()));
    match fault {
        None => HttpResponse::Ok().json(answer(&post, &picture)),
        Some(Fault::Error(status, message)) => refused(status, message),
        Some(Fault::Body(body)) => HttpResponse::Ok().content_type("application/json").body(body),
        Some(Fault::Hang) => std::future::pending().await,
    }
}

fn due(world: &World, picture: &Picture) -> Vec<Action> {
    let scores = |rule: &Rule| picture.classes.iter().any(|(class, score)| class == rule.class && *score > rule.over);
    let rules = world.rules.iter().filter(|rule| scores(rule));
    rules.filter_map(|rule| world.actions.iter().find(|action| action.name == rule.action).cloned()).collect()
}

async fn fire(world: Shared, due: Vec<Action>, post: Value) {
    let client = reqwest::Client::new();
    for Action { name, url, authorization } in due {
        let named = [("post_id", post["post_id"].as_str()), ("user_id", post["user_id"].as_str())];
        let query = named.map(|(name, value)| format!("{name}={}", value.unwrap_or_default())).join("&");
        let sent = client.post(format!("{url}?{query}")).header("authorization", &authorization).send().await;
        let (status, answer) = match sent {
            Ok(answer) => (answer.status().as_u16(), answer.json().await.unwrap_or_default()),
            Err(_) => (0, Value::Null),
        };
        let post = post["post_id"].as_str().unwrap_or_default().to_owned();
        world.0.lock().unwrap().log.push(Fired { action: name, post, status, answer });
        world.1.notify_all();
    }
}

fn answer(post: &Value, picture: &Picture) -> Value {
    let model = shapes::v2(picture, post["url"].as_str(), "frame.jpg", 1);
    json!({
        "task_ids": ["02122580-c37f-11ed-81d2-000000000000"],
        "post_id": post["post_id"],
        "user_id": post["user_id"],
        "status": model["status"],
    })
}

fn refused(status: u16, message: &str) -> HttpResponse {
    let status_code = actix_web::http::StatusCode::from_u16(status).unwrap();
    HttpResponse::build(status_code).json(shapes::error(status, message))
}
