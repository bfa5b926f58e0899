//! A stand-in for Kinesis Data Streams, on loopback over the real wire protocol: routing by MD5, splits and merges whose
//! parents drain and then end with their children, iterators that expire, limits per shard, and faults by script. The
//! emulator of the other services gets resharding wrong. It passes the contract suite in `contract.rs`.
#![allow(dead_code)] // what one test does not need, another does

mod push;
mod wire;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use streamwarden::aws::kinesis::Kinesis;
use streamwarden::aws::{Aws, CallTimes, Endpoints};

use crate::standins::{REGION, key, sdk};
pub use world::{Fault, World};

/// A stand-in of one test's own.
pub struct Standin {
    pub address: String,
    world: Arc<Mutex<World>>,
    handle: ServerHandle,
}

impl Standin {
    pub fn start() -> Self {
        let world = Arc::new(Mutex::new(World::new()));
        let (told, tell) = (std::sync::mpsc::channel(), world.clone());
        let (started, starting) = told;
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = move || {
                    let limits = web::PayloadConfig::new(32 << 20);
                    App::new()
                        .app_data(limits)
                        .app_data(web::Data::new(tell.clone()))
                        .default_service(web::to(wire::answer))
                };
                let server = HttpServer::new(app).workers(1).shutdown_timeout(0).disable_signals();
                let server = server.bind(("127.0.0.1", 0)).unwrap();
                let address = format!("http://{}", server.addrs()[0]);
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = starting.recv().unwrap();
        Self { address, world, handle }
    }

    /// Its world, to look at and to change behind the callers' backs.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// The next calls of an operation show these.
    pub fn script(&self, operation: &str, faults: impl IntoIterator<Item = Fault>) {
        self.world().faults.entry(operation.to_owned()).or_default().extend(faults);
    }

    /// Puts numbered records `range` under keys that spread over all shards; the data says the number.
    pub fn put(&self, stream: &str, range: std::ops::Range<u32>) {
        let mut world = self.world();
        for n in range {
            let put = world.put(stream, &format!("key-{n}"), None, n.to_string().into_bytes());
            assert!(put.is_ok(), "the stream exists");
        }
    }

    /// Calls as the program makes them.
    pub fn kinesis(&self) -> Kinesis {
        self.kinesis_within(CallTimes::default())
    }

    pub fn kinesis_within(&self, times: CallTimes) -> Kinesis {
        let endpoints = Endpoints { kinesis: Some(self.address.clone()), ..Endpoints::default() };
        Aws::for_endpoints(REGION, endpoints, key(), times).kinesis()
    }

    /// For what only a test does: making, splitting, putting.
    pub fn client(&self) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::new(&sdk(&self.address))
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        drop(self.handle.stop(false)); // sent by the call; nobody waits for it
    }
}
