//! The listening server: routes from the one list, the gate before each, started and stopped in order.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, HttpServer, web};
use tokio::task::JoinHandle;

use super::App;
use super::auth::OpenToOthers;
use super::console;
use super::edge;
use super::feed::Feed;
use super::gate::{self, Gate, Needed};
use super::openapi::Description;
use super::problem::Problem;
use super::route::Route;
use super::socket::Socket;
use super::{extract, routes};

/// Bounds of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerSettings {
    /// Threads that requests run on. What blocks runs elsewhere.
    pub workers: usize,
    /// Connections of each of them at the same time; beyond it new ones wait in the kernel's queue.
    pub connections_max: usize,
    /// How long a request's head may take to arrive.
    pub head_timeout: Duration,
    /// How long a connection is kept for a next request.
    pub keep_alive: Duration,
    /// How long requests under way are waited for when the server stops; whole seconds count.
    pub shutdown_timeout: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            workers: 2,
            connections_max: 2048,
            head_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

/// Why a server does not answer on a socket.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The socket failed.
    #[error("listening")]
    Io(#[from] io::Error),
    /// Everybody would be let in from everywhere.
    #[error(transparent)]
    OpenToOthers(#[from] OpenToOthers),
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    running: JoinHandle<io::Result<()>>,
    feed: Arc<Feed>,
}

impl Server {
    /// Starts answering on a listening socket, within the bounds that are good for most. Call within an actix system.
    ///
    /// # Errors
    /// If the socket fails, or others could reach a gate that asks nobody who they are.
    pub fn start(listener: TcpListener, app: Arc<App>, gate: Arc<Gate>) -> Result<Self, ListenError> {
        Self::start_within(listener, app, gate, ServerSettings::default())
    }

    /// As [`start`](Self::start), within these bounds.
    ///
    /// # Errors
    /// As there.
    pub fn start_within(
        listener: TcpListener,
        app: Arc<App>,
        gate: Arc<Gate>,
        settings: ServerSettings,
    ) -> Result<Self, ListenError> {
        let address = listener.local_addr()?;
        gate.authenticator.may_listen(address)?;
        let feed = app.feed.clone();
        let app = web::Data::from(app);
        let gate_data = web::Data::from(gate.clone());
        let description = web::Data::new(Description::of(&routes::all()));
        let server = HttpServer::new(move || {
            let (outer, inner) = (gate.clone(), gate.clone());
            actix_web::App::new()
                .app_data(app.clone())
                .app_data(gate_data.clone())
                .app_data(description.clone())
                .configure(extract::configure)
                .configure(move |config| mount(config, &inner))
                .default_service(web::to(nothing_here))
                .wrap(from_fn(move |request, next| edge::pass(outer.clone(), request, next)))
        });
        let server = server
            .on_connect(Socket::keep)
            .workers(settings.workers)
            .max_connections(settings.connections_max)
            .client_request_timeout(settings.head_timeout)
            .keep_alive(settings.keep_alive)
            .shutdown_timeout(settings.shutdown_timeout.as_secs())
            .disable_signals()
            .listen(listener)?
            .run();
        let handle = server.handle();
        Ok(Self { address, handle, running: tokio::spawn(server), feed })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, tells readers of the feed to resume, finishes the requests under way, and ends.
    pub async fn stop(self) {
        self.feed.close();
        self.handle.stop(true).await;
        match self.running.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("the server ended with an error: {error}"),
            Err(broke) => tracing::error!("the server broke: {broke}"),
        }
    }
}

/// One resource per path, with the gate around all of its methods.
fn mount(config: &mut web::ServiceConfig, gate: &Arc<Gate>) {
    let mut paths: BTreeMap<&'static str, Vec<Route>> = BTreeMap::new();
    for route in routes::all().into_iter().chain(console::routes()) {
        paths.entry(route.described.path).or_default().push(route);
    }
    for (path, methods) in paths {
        let needed: Rc<[Needed]> = methods
            .iter()
            .map(|route| Needed {
                id: route.described.id,
                method: route.described.method.clone(),
                needs: route.described.needs,
                reach: route.described.reach,
            })
            .collect();
        let resource = methods.into_iter().fold(web::resource(path), |resource, route| resource.route(route.handler));
        let gate = gate.clone();
        config.service(
            resource.wrap(from_fn(move |request, next| gate::pass(gate.clone(), needed.clone(), request, next))),
        );
    }
}

async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found("resource of this path"))
}
