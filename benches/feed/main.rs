//! How soon a connected client has an event: from its append being durable to its last byte being read by an HTTP
//! client over the loopback, one event after the other on an otherwise idle machine. Then the same with a thousand
//! readers at once, of 32 callers with tokens, and a burst to all of them: how long it takes, what it costs the server
//! in CPU and memory, and whether every reader has every event once and in order. Prints a table; asserts only that
//! nothing was lost.
//!
//! The thousand are a process of their own, on one thread with plain sockets, so that the server's cost stands alone.
//!
//! At last, how soon a page has the row of what happened ([`live`]).
//!
//! `FEED_EVENTS=10000` sets how many events each of the first rows is of (default 1,000), `FEED_ONLY=live` leaves out all
//! but the last.

mod live;

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{ChildStdout, Command as Process, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_rt::net::TcpStream;
use reqwest::Client;
use rustix::time::{ClockId, clock_gettime};
use streamwarden::actors::{ProviderChoice, Settings};
use streamwarden::clock::SystemClock;
use streamwarden::control::RehearsalControl;
use streamwarden::events::{Actor, NewEvent, SessionStartBecause, SessionStarted};
use streamwarden::house::{Ground, House};
use streamwarden::http::auth::config::{AuthConfig, Way};
use streamwarden::http::auth::{Authenticator, Role, Token, tokens_file};
use streamwarden::http::{App, Gate, GateConfig, RateConfig, Server};
use streamwarden::journal::{Append, Appended, Expected, Journal};
use streamwarden::model::{ChannelId, ChannelPattern, EventId, ModeratorId, SessionId, Timestamp};
use streamwarden::warden::enforcement::BudgetLimits;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc; // as in the program

/// Readers beside the one that is measured. One caller may have 32 connections.
const OTHERS: [usize; 2] = [0, 31];
/// Appends before anything is counted.
const WARM_UP: usize = 50;
/// An event that has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// Readers at once.
const MANY: usize = 1_000;
/// Who they are: one caller may have 32 connections.
const CALLERS: usize = 32;
/// Events to all of them, one every [`PACE`].
const PACED: usize = 200;
/// Ten events a second to a thousand readers are ten thousand deliveries.
const PACE: Duration = Duration::from_millis(100);
/// Events to all of them as fast as they can be appended: within what the server keeps for all readers together.
const BURST: usize = 2_000;
/// Appends of the burst that wait for their sync at the same time.
const UNDER_WAY: usize = 64;
/// A burst that is not read whole by then is lost.
const BURST_PATIENCE: Duration = Duration::from_secs(300);
/// Names the server to read from, in the readers' process.
const READERS_OF: &str = "FEED_READERS_OF";
/// The callers' tokens, with commas between them.
const TOKENS: &str = "FEED_READERS_TOKENS";

#[actix_rt::main]
async fn main() {
    if let Ok(address) = std::env::var(READERS_OF) {
        return readers(address.parse().expect("an address")).await;
    }
    if std::env::var_os("FEED_ONLY").is_some_and(|only| only == "live") {
        return live::measured().await;
    }
    let events = std::env::var("FEED_EVENTS").map_or(1000, |count| count.parse().expect("FEED_EVENTS is a number"));
    println!("{:<44} {:>12} {:>12} {:>12}", "from durable to received, ms", "median", "p99", "largest");
    for others in OTHERS {
        let mut took = measured(others, events).await;
        took.sort_unstable();
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
        let what = format!("{events} events, {} connected", others + 1);
        println!("{what:<44} {:>12.2} {:>12.2} {:>12.2}", at(0.5), at(0.99), at(1.0));
    }
    to_many().await;
    live::measured().await;
}

async fn measured(others: usize, events: usize) -> Vec<Duration> {
    let dir = tempfile::tempdir().expect("a directory");
    let (house, server) = open(dir.path(), &AuthConfig::open()).await;
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

/// A thousand readers at once: events at a pace, then a burst.
async fn to_many() {
    let dir = tempfile::tempdir().expect("a directory");
    let (auth, tokens) = callers(&dir.path().join("tokens.toml"));
    let (house, server) = open(&dir.path().join("data"), &auth).await;
    let alone = rss();
    let this = std::env::current_exe().expect("this program is a file");
    let mut readers = Process::new(this)
        .env(READERS_OF, server.address().to_string())
        .env(TOKENS, tokens.join(","))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the readers start");
    let said = BufReader::new(readers.stdout.take().expect("it is piped")).lines();
    let said = said_by(said, "connected").await;
    let connected = rss();

    let mut durable = Vec::with_capacity(PACED + BURST);
    let (begun, spent) = (Instant::now(), cpu());
    let mut pace = actix_rt::time::interval(PACE);
    for number in 0..PACED {
        pace.tick().await;
        append(&house, number).await;
        durable.push(now());
    }
    let said = said_by(said, "paced").await;
    let (paced, paced_cpu) = (begun.elapsed(), cpu() - spent);

    let (begun, spent) = (Instant::now(), cpu());
    for numbers in (PACED..PACED + BURST).collect::<Vec<_>>().chunks(UNDER_WAY) {
        let stamped = numbers.iter().map(async |number| {
            append(&house, *number).await;
            now()
        });
        durable.extend(futures_util::future::join_all(stamped).await);
    }
    let appended = begun.elapsed();
    let said = said_by(said, "burst").await;
    let (burst, burst_cpu, at_the_end) = (begun.elapsed(), cpu() - spent, rss());

    let stamps: Vec<String> = durable.iter().map(u64::to_string).collect();
    let mut tell = readers.stdin.take().expect("it is piped");
    writeln!(tell, "{}", stamps.join(" ")).expect("the readers listen");
    said.for_each(|line| println!("{}", line.expect("the readers say something")));
    assert!(readers.wait().expect("it is waited for").success(), "the readers broke");

    let row = |what: &str, figure: String| println!("{what:<44} {figure:>12}");
    let deliveries = |events: usize| (events * MANY) as f64;
    row("paced: the server's CPU", format!("{:.0} %", paced_cpu.as_secs_f64() / paced.as_secs_f64() * 100.0));
    row("paced: the server's CPU per delivery", format!("{:.1} µs", paced_cpu.as_secs_f64() * 1e6 / deliveries(PACED)));
    row(&format!("burst of {BURST}: appended in"), format!("{:.2} s", appended.as_secs_f64()));
    row("burst: with every reader after", format!("{:.2} s", burst.as_secs_f64()));
    row("burst: deliveries", format!("{:.0} /s", deliveries(BURST) / burst.as_secs_f64()));
    row("burst: the server's CPU per delivery", format!("{:.1} µs", burst_cpu.as_secs_f64() * 1e6 / deliveries(BURST)));
    row(
        "resident: nobody / connected / at the end",
        format!("{}/{}/{} MiB", alone >> 20, connected >> 20, at_the_end >> 20),
    );
    server.stop().await;
    house.close().await;
}

/// Tokens for [`CALLERS`], and the way in that takes them.
fn callers(path: &Path) -> (AuthConfig, Vec<String>) {
    let texts = (0..CALLERS).map(|number| {
        let name = ModeratorId::new(format!("reader-{number}")).expect("a sound name");
        let made = Token::create(name, vec![Role::Auditor], vec![ChannelPattern::all()], Timestamp::default(), None);
        let (token, secret) = made.expect("random bytes");
        tokens_file::add(path, token).expect("the tokens are written");
        secret.reveal().to_owned()
    });
    let texts = texts.collect();
    (AuthConfig { ways: vec![Way::Tokens], tokens_file: path.to_owned(), ..AuthConfig::default() }, texts)
}

/// Waits until the readers say this, off this thread: the server may run on it.
async fn said_by(mut said: Lines<BufReader<ChildStdout>>, wanted: &'static str) -> Lines<BufReader<ChildStdout>> {
    let waiting = tokio::task::spawn_blocking(move || {
        let line = said.next().expect("the readers live").expect("the readers say something");
        assert_eq!(line, wanted);
        said
    });
    waiting.await.expect("waiting does not break")
}

/// The readers' process. Says when all are connected and when all have everything, then how long each delivery took.
async fn readers(address: SocketAddr) {
    let tokens = std::env::var(TOKENS).expect("the callers' tokens");
    let tokens: Vec<&str> = tokens.split(',').collect();
    let mut readers = Vec::with_capacity(MANY);
    for number in 0..MANY {
        readers.push(Reader::connect(address, tokens[number % tokens.len()]).await);
    }
    println!("connected");
    let readers = all_take(readers, PACED, PATIENCE + PACE * PACED as u32).await;
    println!("paced");
    let readers = all_take(readers, BURST, BURST_PATIENCE).await;
    println!("burst");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("when each event was durable");
    let durable: Vec<u64> = line.split_whitespace().map(|stamp| stamp.parse().expect("nanoseconds")).collect();
    let took = |events: std::ops::Range<usize>| -> Vec<u64> {
        let of = |reader: &Reader| -> Vec<u64> {
            events.clone().map(|event| reader.had[event].saturating_sub(durable[event])).collect()
        };
        let mut took: Vec<u64> = readers.iter().flat_map(of).collect();
        took.sort_unstable();
        took
    };
    for (what, events) in [("every 100 ms", 0..PACED), ("in a burst", PACED..PACED + BURST)] {
        let what = format!("{} events {what}, {MANY} connected", events.len());
        let took = took(events);
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize] as f64 / 1e6;
        println!("{what:<44} {:>12.2} {:>12.2} {:>12.2}", at(0.5), at(0.99), at(1.0));
    }
}

/// Every reader takes so many events more, all at the same time.
async fn all_take(readers: Vec<Reader>, events: usize, within: Duration) -> Vec<Reader> {
    let taking: Vec<_> = readers.into_iter().map(|reader| actix_rt::spawn(reader.take(events))).collect();
    let all = tokio::time::timeout(within, futures_util::future::join_all(taking)).await;
    all.expect("every reader has every event in time")
        .into_iter()
        .map(|taken| taken.expect("no reader breaks"))
        .collect()
}

/// One connection to the feed.
struct Reader {
    connection: tokio::io::BufReader<TcpStream>,
    line: String,
    /// The position of the last event taken.
    last: Option<u64>,
    /// When each event was had.
    had: Vec<u64>,
}

impl Reader {
    async fn connect(address: SocketAddr, token: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request =
            format!("GET /v1/feed?channel=bench HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("the request goes out");
        let connection = tokio::io::BufReader::with_capacity(2 << 10, stream);
        let mut reader = Self { connection, line: String::new(), last: None, had: Vec::new() };
        assert!(reader.next_line().await.contains(" 200 "), "{}", reader.line);
        while reader.next_line().await != ": connected\n" {}
        reader
    }

    /// Takes so many events; each has to follow the one before.
    async fn take(mut self, events: usize) -> Self {
        for _ in 0..events {
            let position = loop {
                let line = self.next_line().await;
                assert!(!line.starts_with("event: "), "a reader was sent away: {line}");
                if let Some(position) = line.strip_prefix("id: ") {
                    let position = position.trim_end().parse::<u64>().expect("a position");
                    if self.next_line().await.starts_with("data: ") {
                        break position; // and not a heartbeat, which says only where to resume
                    }
                }
            };
            let follows = self.last.is_none_or(|last| position == last + 1);
            assert!(follows, "position {position} came after {:?}", self.last);
            self.last = Some(position);
            self.had.push(now());
        }
        self
    }

    async fn next_line(&mut self) -> &str {
        self.line.clear();
        // Longer than any line of this feed, so that a server gone wild ends the bench.
        let mut bounded = (&mut self.connection).take(1 << 16);
        let read = bounded.read_line(&mut self.line).await.expect("the feed goes on");
        assert!(read > 0, "the feed ended");
        &self.line
    }
}

/// Nanoseconds of the clock that all processes share.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Resident bytes of this process.
fn rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says what a process uses");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it says its size");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// Opens a house and its server; nobody's requests are counted.
async fn open(dir: &Path, auth: &AuthConfig) -> (House, Server) {
    let _ = rustls::crypto::ring::default_provider().install_default(); // the second row finds it there
    let clock = Arc::new(SystemClock);
    let dir = dir.to_owned();
    let ground = tokio::task::spawn_blocking(move || Ground::open(&dir)).await.expect("opening does not panic");
    let ground = ground.expect("the house opens");
    let control = Arc::new(RehearsalControl::new());
    let limits = BudgetLimits::default();
    let house = ground.start(clock.clone(), ProviderChoice::default(), control, limits, Settings::default());
    let authenticator = Authenticator::open(auth, clock.clone()).expect("the way in opens");
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
    append_to(house, "bench", number).await
}

/// Appends an event to that channel. Each has a number of its own.
async fn append_to(house: &House, channel: &str, number: usize) -> (u64, Instant) {
    let session = SessionId::new(format!("st-{number}")).expect("a sound id");
    let new = NewEvent {
        id: EventId::of_command("bench", &[&(number as u64).to_be_bytes()]),
        event: SessionStarted { session, because: SessionStartBecause::Announced }.into(),
        captured_at: None,
        actor: Actor::service("bench"),
        causation: None,
        correlation: None,
    };
    let scope = ChannelId::new(channel).expect("a sound id").into();
    let ticket = house.journal.append(Append { scope, expected: Expected::Any, events: vec![new] });
    match ticket.durable().await.expect("it is stored") {
        Appended::New { first, .. } => (first.0, Instant::now()),
        Appended::Repeated { .. } => unreachable!("every number is taken once"),
    }
}
