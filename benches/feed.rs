//! How soon a connected client has an event: from its append being durable to its last byte being read by an HTTP
//! client over the loopback, one event after the other on an otherwise idle machine. Prints a table; asserts only that
//! nothing was lost.
//!
//! `FEED_EVENTS=10000` sets how many events each row is of (default 1,000).

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Client;
use streamwarden::actors::{ProviderChoice, Settings};
use streamwarden::clock::SystemClock;
use streamwarden::control::RehearsalControl;
use streamwarden::events::{Actor, NewEvent, SessionStartBecause, SessionStarted};
use streamwarden::house::{Ground, House};
use streamwarden::http::auth::Authenticator;
use streamwarden::http::auth::config::AuthConfig;
use streamwarden::http::{App, Gate, GateConfig, RateConfig, Server};
use streamwarden::journal::{Append, Appended, Expected, Journal};
use streamwarden::model::{ChannelId, EventId, SessionId};
use streamwarden::warden::enforcement::BudgetLimits;
use tokio::sync::mpsc;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc; // as in the program

/// Readers beside the one that is measured. One caller may have 32 connections.
const OTHERS: [usize; 2] = [0, 31];
/// Appends before anything is counted.
const WARM_UP: usize = 50;
/// An event that has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(10);

#[actix_rt::main]
async fn main() {
    let events = std::env::var("FEED_EVENTS").map_or(1000, |count| count.parse().expect("FEED_EVENTS is a number"));
    println!("{:<44} {:>12} {:>12} {:>12}", "from durable to received, ms", "median", "p99", "largest");
    for others in OTHERS {
        let mut took = measured(others, events).await;
        took.sort_unstable();
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
        let what = format!("{events} events, {} connected", others + 1);
        println!("{what:<44} {:>12.2} {:>12.2} {:>12.2}", at(0.5), at(0.99), at(1.0));
    }
}

async fn measured(others: usize, events: usize) -> Vec<Duration> {
    let dir = tempfile::tempdir().expect("a directory");
    let (house, server) = open(dir.path()).await;
    let client = Client::new();
    let url = format!("http://{}/v1/feed?channel=bench", server.address());
    let mut reading = Vec::new();
    for _ in 0..others {
        let (nobody, ignored) = mpsc::channel(1);
        drop(ignored);
        reading.push(tokio::spawn(read(client.clone(), url.clone(), nobody)));
    }
    let (received, mut receipts) = mpsc::channel(1);
    reading.push(tokio::spawn(read(client, url, received)));
    receipts.recv().await.expect("the connection is open");
    let mut took = Vec::with_capacity(events);
    for number in 0..WARM_UP + events {
        let (position, durable) = append(&house, number).await;
        let (seen, at) = tokio::time::timeout(PATIENCE, receipts.recv()).await.expect("it comes").expect("it goes on");
        assert_eq!(seen, position, "nothing is lost or out of order");
        if number >= WARM_UP {
            took.push(at.saturating_duration_since(durable));
        }
    }
    reading.iter().for_each(|reader| reader.abort());
    server.stop().await;
    house.close().await;
    took
}

/// Opens a house and its server; nobody is asked who they are, and nobody is counted.
async fn open(dir: &Path) -> (House, Server) {
    let _ = rustls::crypto::ring::default_provider().install_default(); // the second row finds it there
    let clock = Arc::new(SystemClock);
    let dir = dir.to_owned();
    let ground = tokio::task::spawn_blocking(move || Ground::open(&dir)).await.expect("opening does not panic");
    let ground = ground.expect("the house opens");
    let control = Arc::new(RehearsalControl::new());
    let limits = BudgetLimits::default();
    let house = ground.start(clock.clone(), ProviderChoice::default(), control, limits, Settings::default());
    let authenticator = Authenticator::open(&AuthConfig::open(), clock.clone()).expect("the way in opens");
    let config = GateConfig { rates: RateConfig::UNLIMITED, ..GateConfig::default() };
    let gate = Arc::new(Gate::new(authenticator, &config).expect("a sound gate"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = Server::start(listener, Arc::new(App::of(&house, clock)), gate).expect("the server starts");
    (house, server)
}

/// Reads the feed and says when each event was whole; first, that the connection is open. Goes on if nobody listens.
async fn read(client: Client, url: String, received: mpsc::Sender<(u64, Instant)>) {
    let mut response = client.get(url).send().await.expect("the feed answers");
    let mut buffer = String::new();
    while let Some(chunk) = response.chunk().await.expect("the feed is read") {
        let at = Instant::now();
        buffer.push_str(std::str::from_utf8(&chunk).expect("frames are whole"));
        while let Some((block, rest)) = buffer.split_once("\n\n") {
            let id = block.lines().find_map(|line| line.strip_prefix("id: "));
            let position = id.map_or(0, |id| id.parse().expect("a position"));
            let is_event = block.contains("data: ") || block == ": connected";
            if is_event {
                let _ = received.send((position, at)).await; // the others' readers have nobody who listens
            }
            buffer = rest.to_owned();
        }
    }
}

/// Appends an event; its position, and when it was durable.
async fn append(house: &House, number: usize) -> (u64, Instant) {
    let session = SessionId::new(format!("st-{number}")).expect("a sound id");
    let new = NewEvent {
        id: EventId::of_command("bench", &[&(number as u64).to_be_bytes()]),
        event: SessionStarted { session, because: SessionStartBecause::Announced }.into(),
        captured_at: None,
        actor: Actor::service("bench"),
        causation: None,
        correlation: None,
    };
    let scope = ChannelId::new("bench").expect("a sound id").into();
    let ticket = house.journal.append(Append { scope, expected: Expected::Any, events: vec![new] });
    match ticket.durable().await.expect("it is stored") {
        Appended::New { first, .. } => (first.0, Instant::now()),
        Appended::Repeated { .. } => unreachable!("every number is taken once"),
    }
}
