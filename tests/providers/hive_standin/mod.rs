//! A stand-in for Hive's visual and speech moderation, on loopback over HTTP: the v2 sync interface and V3, in their
//! documented shapes, with keys, a balance, a limit of calls, and faults by script. It remembers what it was asked. What it
//! "sees" in a picture is written in it (`seen.rs`), and in a clip too; what it "hears" in a sound it knows by the sound's
//! digest (`film.rs`). For tests, and as a process of its own for tours (`main.rs`).
#![allow(dead_code)] // what one test does not need, another does

pub mod film;
pub mod seen;
pub mod shapes;
mod wire;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};

pub use world::{Fault, World};

/// Larger than any picture that is sent.
const BODY_BYTES_MAX: usize = 64 << 20;

/// A stand-in of one test's own.
pub struct HiveStandin {
    pub address: String,
    world: Arc<Mutex<World>>,
    handle: ServerHandle,
}

impl HiveStandin {
    pub fn start() -> Self {
        let world = Arc::new(Mutex::new(World::new()));
        let (started, starting) = std::sync::mpsc::channel();
        let served = world.clone();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
                        .app_data(web::Data::new(served.clone()))
                        .configure(wire::routes)
                });
                let server = server.workers(1).shutdown_timeout(0).disable_signals().bind(("127.0.0.1", 0)).unwrap();
                let address = format!("http://{}", server.addrs()[0]);
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = starting.recv().unwrap();
        Self { address, world, handle }
    }

    /// Where an interface is.
    pub fn endpoint(&self, api: &str) -> String {
        match api {
            "v2" => format!("{}/api/v2/task/sync", self.address),
            _ => format!("{}/api/v3/hive/visual-moderation", self.address),
        }
    }

    /// Its world, to look at and to change behind the callers' backs.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// The next calls show these.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.world().faults.extend(faults);
    }
}

impl Drop for HiveStandin {
    fn drop(&mut self) {
        drop(self.handle.stop(false)); // sent by the call; nobody waits for it
    }
}
