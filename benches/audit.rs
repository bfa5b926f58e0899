//! What asking over HTTP costs: the last 100 events of a channel drawn at random, by HTTP and in process, in one run.
//!
//! Both sides read the same kind of page of the same journal and serialise it to the same bytes; in process there is no
//! request, no gate, no hand-over to a thread that may block, no socket. The clients run on the same machine and take
//! their share of it. *Cold* is the first look at a channel after the journal was opened (sled's cache is empty, the
//! kernel's is not); *warm* are later looks at the same channels.
//!
//! `STREAMWARDEN_BENCH_EVENTS` events, a million unless it says otherwise, a hundred to a channel, spread over the journal.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use streamwarden::actors::{ProviderChoice, Settings};
use streamwarden::audit::search::{Order, Wanted, Within, page};
use streamwarden::clock::SystemClock;
use streamwarden::control::RehearsalControl;
use streamwarden::events::{Actor, Filter, FrameAssessed, NewEvent, Timings};
use streamwarden::house::Ground;
use streamwarden::http::auth::Authenticator;
use streamwarden::http::auth::config::AuthConfig;
use streamwarden::http::{App, Gate, GateConfig, RateConfig, Server};
use streamwarden::journal::{Append, Expected, Journal};
use streamwarden::model::{
    ChannelId, Confidence, EventId, Fingerprint, FrameId, HashScheme, ImageFacts, ImageFormat, Label, LabelPath,
    PerceptualHash, PolicyId, PolicyRef, ProviderRef, SessionId, Sha256, Timestamp, Verdict,
};
use streamwarden::warden::enforcement::BudgetLimits;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc; // as in the program

/// Events of a channel, all of which are asked for.
const PER_CHANNEL: u64 = 100;
/// Who asks at the same time, on each side.
const ASKING: usize = 4;
/// Rounds of each side, in turn, on channels seen before.
const WARM_ROUNDS: usize = 5;
/// Pages of a round.
const PAGES: usize = 2_000;
/// Appends that wait for their sync at the same time while the journal is filled.
const UNDER_WAY: usize = 4096;

fn main() {
    let events = std::env::var("STREAMWARDEN_BENCH_EVENTS")
        .ok()
        .map_or(1_000_000, |text| text.parse::<u64>().expect("STREAMWARDEN_BENCH_EVENTS is a number of events"));
    let channels = (events / PER_CHANNEL).max(2);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory on the disk that is measured");
    let begun = Instant::now();
    fill(dir.path(), channels);
    println!("{} events of {channels} channels written in {:.0?}", channels * PER_CHANNEL, begun.elapsed());
    let ground = Ground::open(dir.path()).expect("it opens again");
    actix_rt::System::new().block_on(measure(ground, channels));
}

fn channel(number: u64) -> ChannelId {
    ChannelId::new(format!("arn:aws:ivs:eu-west-1:123456789012:channel/{number:012}")).expect("a sound name")
}

/// An assessed frame with two labels, as most frames that reach a provider are.
fn event(channel: &ChannelId, round: u64) -> NewEvent {
    let frame = FrameId::of(channel, &[&round.to_be_bytes()]);
    let label = |path, milli| {
        Label(LabelPath::new(path).expect("a sound path"), Confidence::from_milli(milli).expect("a percentage"))
    };
    let policy = PolicyRef { id: PolicyId::new("default").expect("a sound name"), version: 3 };
    let assessed = FrameAssessed {
        medium: Default::default(),
        segment: None,
        moments: Vec::new(),
        spoken: None,
        frame,
        print: Fingerprint::of(&[&round.to_be_bytes()]),
        session: SessionId::new("st-1ABCDEFGHIJKLMNOP").expect("a sound name"),
        image: Some(ImageFacts {
            sha256: Sha256::of(frame.as_bytes()),
            bytes: 61_000,
            width: 1280,
            height: 720,
            format: ImageFormat::Jpeg,
        }),
        object: None,
        hash: Some(PerceptualHash {
            scheme: HashScheme::MedianDctFromDc,
            bits: round.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        }),
        distance: None,
        provider: ProviderRef { name: "rekognition".into(), model: "7.0".into(), taxonomy: "rekognition/7.0".into() },
        arranged: None,
        policy: policy.clone(),
        labels: vec![label("Alcohol", 55_300), label("Alcohol/Alcoholic Beverages", 54_100)],
        answer: None,
        unmapped: 0,
        content_types: vec![],
        floor: None,
        near: None,
        rules: Vec::new(),
        verdict: Verdict::Clear,
        late: false,
        shadow: None,
        took: Timings(12, 3, 240),
    };
    NewEvent {
        id: EventId::outcome_of(frame),
        event: assessed.into(),
        captured_at: Some(Timestamp::from_millis(1_772_399_000_000 + round as i64 * 60_000)),
        actor: Actor::Warden(Some(policy)),
        causation: None,
        correlation: Some(EventId::outcome_of(frame)),
    }
}

fn fill(dir: &Path, channels: u64) {
    let ground = Ground::open(dir).expect("a new store opens");
    let mut under_way = VecDeque::with_capacity(UNDER_WAY);
    for round in 0..PER_CHANNEL {
        for number in 0..channels {
            let channel = channel(number);
            let events = vec![event(&channel, round)];
            under_way.push_back(ground.journal.append(Append {
                scope: channel.into(),
                expected: Expected::Any,
                events,
            }));
            if under_way.len() == UNDER_WAY {
                under_way.pop_front().map(|ticket| ticket.wait().expect("the disk has room"));
            }
        }
    }
    for ticket in under_way {
        ticket.wait().expect("the disk has room");
    }
    ground.journal.close();
}

async fn measure(ground: Ground, channels: u64) {
    let clock = Arc::new(SystemClock);
    let limits = BudgetLimits { per_minute: 100, per_rule_per_minute: 100, live_share_milli: 100_000 };
    let control = Arc::new(RehearsalControl::new());
    let house = ground.start(clock.clone(), ProviderChoice::default(), control, limits, Settings::default());
    // The views are folded from the whole journal first; that is not what is measured.
    let head = *house.journal.watermark().borrow();
    house.views.reached(head, Duration::from_secs(600)).await.expect("the views are folded");

    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let authenticator = Authenticator::open(&AuthConfig::open(), clock.clone()).expect("the way in opens");
    let gate = GateConfig { rates: RateConfig::UNLIMITED, ..GateConfig::default() };
    let gate = Arc::new(Gate::new(authenticator, &gate).expect("a sound gate"));
    let server = Server::start(listener, Arc::new(App::of(&house, clock)), gate).expect("the server starts");
    let (address, journal): (_, Arc<dyn Journal>) = (server.address(), house.journal.clone());

    let measuring = tokio::task::spawn_blocking(move || {
        same_pages(&*journal, address);
        // Channels at random, those of one side apart from those of the other: each is cold once.
        let drawn = drawn(channels, 2 * PAGES);
        let (ours, theirs) = drawn.split_at(drawn.len() / 2);
        println!("{:34} {:>10} {:>9} {:>9}", "last 100 events of a channel", "pages/s", "p50", "p99");
        let cold = [by_http(address, ours), in_process(&journal, theirs)];
        row("cold, by HTTP", &cold[0]);
        row("cold, in process", &cold[1]);
        let mut warm: [Vec<Measured>; 2] = Default::default();
        for _ in 0..WARM_ROUNDS {
            warm[0].push(by_http(address, ours));
            warm[1].push(in_process(&journal, theirs));
        }
        let [http, process] = warm.map(median);
        row("warm, by HTTP", &http);
        row("warm, in process", &process);
        println!("ratio cold {:.2}, warm {:.2} (goal 0.70)", cold[0].rate / cold[1].rate, http.rate / process.rate);
    });
    measuring.await.expect("measuring does not panic");
    server.stop().await;
    house.close().await;
}

/// Channels without repetition, in an order that follows no position.
fn drawn(channels: u64, at_most: usize) -> Vec<u64> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut numbers: Vec<u64> = (0..channels).collect();
    for at in (1..numbers.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        numbers.swap(at, (state % (at as u64 + 1)) as usize);
    }
    numbers.truncate(at_most);
    numbers
}

/// One side's round.
struct Measured {
    rate: f64,
    p50: Duration,
    p99: Duration,
}

fn row(what: &str, measured: &Measured) {
    println!("{what:34} {:>10.0} {:>9.1?} {:>9.1?}", measured.rate, measured.p50, measured.p99);
}

fn median(mut rounds: Vec<Measured>) -> Measured {
    rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    rounds.swap_remove(rounds.len() / 2)
}

/// All of the channels, each once, by [`ASKING`] askers.
fn round<A>(channels: &[u64], asker: impl Fn() -> A + Sync, ask: impl Fn(&mut A, u64) + Sync) -> Measured {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let mut took: Vec<Duration> = std::thread::scope(|threads| {
        let askers: Vec<_> = (0..ASKING)
            .map(|_| {
                threads.spawn(|| {
                    let mut asker = asker();
                    let mut took = Vec::with_capacity(channels.len());
                    while let Some(channel) = channels.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let asked = Instant::now();
                        ask(&mut asker, *channel);
                        took.push(asked.elapsed());
                    }
                    took
                })
            })
            .collect();
        askers.into_iter().flat_map(|asker| asker.join().expect("no asker panics")).collect()
    });
    let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
    took.sort_unstable();
    Measured { rate, p50: took[took.len() / 2], p99: took[took.len() * 99 / 100] }
}

fn in_process(journal: &Arc<dyn Journal>, channels: &[u64]) -> Measured {
    round(
        channels,
        || (),
        |(), channel| {
            std::hint::black_box(read(&**journal, channel));
        },
    )
}

/// The page as bytes, without the envelope of a list.
fn read(journal: &dyn Journal, number: u64) -> Vec<u8> {
    let within = Within::Channel(channel(number));
    let limit = PER_CHANNEL as usize;
    let wanted = Wanted { within, filter: Filter::default(), order: Order::Descending, after: None, limit };
    let page = page(journal, &wanted).expect("it is read");
    assert_eq!(page.items.len(), limit);
    serde_json::to_vec(&page.items).expect("events are JSON")
}

fn by_http(address: SocketAddr, channels: &[u64]) -> Measured {
    round(
        channels,
        || Asker::to(address),
        |asker, channel| {
            std::hint::black_box(asker.ask(channel));
        },
    )
}

/// What is compared are the same bytes.
fn same_pages(journal: &dyn Journal, address: SocketAddr) {
    let mut asker = Asker::to(address);
    let body = asker.ask(0);
    let items = read(journal, 0);
    assert!(body.starts_with(b"{\"items\":") && body[9..].starts_with(&items), "both sides read the same page");
}

/// A client that keeps its connection and does no more than it must, so that the server is what is measured.
struct Asker {
    connection: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Asker {
    fn to(address: SocketAddr) -> Self {
        let connection = TcpStream::connect(address).expect("the server listens");
        connection.set_nodelay(true).expect("it is a socket");
        Self { connection: BufReader::with_capacity(1 << 17, connection), body: Vec::new() }
    }

    fn ask(&mut self, number: u64) -> &[u8] {
        let path = channel(number).to_string().replace('/', "%2F").replace(':', "%3A");
        let request = format!(
            "GET /v1/channels/{path}/events?order=desc&limit={PER_CHANNEL} HTTP/1.1\r\nhost: localhost\r\n\r\n"
        );
        self.connection.get_mut().write_all(request.as_bytes()).expect("the server reads");
        let (mut line, mut length, mut status) = (String::new(), 0, String::new());
        loop {
            line.clear();
            self.connection.read_line(&mut line).expect("the server answers");
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if status.is_empty() {
                status.clone_from(&header);
            }
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.parse().expect("a length");
            }
        }
        assert!(status.contains(" 200 "), "{status}");
        self.body.resize(length, 0);
        self.connection.read_exact(&mut self.body).expect("the body comes whole");
        &self.body
    }
}
