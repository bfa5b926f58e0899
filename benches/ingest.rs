//! Frames handed in over HTTP beside frames offered in the process: the same pictures, policy, provider and journal on
//! disk, the same number under way. Prints both rates and their ratio; asserts only that no frame was lost.
//!
//! The client is a process of its own with plain sockets, so that what it costs is not counted as the server's: beside
//! the rates stands the CPU that the house itself spent per frame. `INGEST_FRAMES=20000` sets how many frames.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use streamwarden::actors::{ProviderChoice, Settings};
use streamwarden::clock::SystemClock;
use streamwarden::control::RehearsalControl;
use streamwarden::events::Actor;
use streamwarden::house::{Ground, House};
use streamwarden::http::auth::Authenticator;
use streamwarden::http::auth::config::AuthConfig;
use streamwarden::http::{App, Gate, GateConfig, RateConfig, Server};
use streamwarden::journal::Journal;
use streamwarden::model::{
    ChannelId, Confidence, Fingerprint, Frame, FrameId, FrameOrigin, Label, LabelPath, ProviderRef, SessionId, Sha256,
    Timestamp,
};
use streamwarden::providers::local::{LocalModel, PINNED_PATH, PINNED_SHA256};
use streamwarden::providers::{Answer, Assessing, Provider};
use streamwarden::warden::enforcement::BudgetLimits;
use tokio::task::JoinSet;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc; // as in the program

/// Frames under way, one per channel.
const UNDER_WAY: u64 = 64;
/// Names the server to hand frames in to, in the client's process.
const CLIENT_OF: &str = "INGEST_CLIENT_OF";
/// How many frames the client hands in.
const CLIENT_FRAMES: &str = "INGEST_CLIENT_FRAMES";

/// Each frame is assessed, so that nothing is spared on either side.
const POLICY: &str = r#"
policy: bench
channels: { matching: .* }
taxonomy: TAXONOMY
sampling: { every: 1s, max_age: 7d }
similarity: off
rules:
  - { id: rule, categories: [CATEGORY], confidence: 100, action: warn }
"#;

/// What one way of handing in came to.
struct Figures {
    rate: f64,
    cpu_per_frame: Duration,
}

fn main() {
    let frames: u64 = number("INGEST_FRAMES").unwrap_or(20_000);
    if let Ok(address) = std::env::var(CLIENT_OF) {
        let frames = number(CLIENT_FRAMES).expect("how many frames");
        return client(address.parse().expect("an address"), frames);
    }
    println!("{:<14} {:>14} {:>14} {:>8}   the house's CPU per frame", "provider", "in process", "over HTTP", "ratio");
    let free: Arc<dyn Provider> = Arc::new(Free);
    table("free", &free, "rekognition/7.0", "Alcohol", frames);
    match LocalModel::load(Path::new(PINNED_PATH), PINNED_SHA256) {
        Ok(model) => {
            let model: Arc<dyn Provider> = Arc::new(model);
            table("local model", &model, "local-nudity/1", "Preliminary Nudity", frames.div_ceil(50));
        }
        Err(error) => println!("local model: not measured: {error}"),
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn table(name: &str, provider: &Arc<dyn Provider>, taxonomy: &str, category: &str, frames: u64) {
    let policy = POLICY.replace("TAXONOMY", taxonomy).replace("CATEGORY", category);
    let inside = measure(provider, &policy, frames, Way::InProcess);
    let outside = measure(provider, &policy, frames, Way::Http);
    println!(
        "{name:<14} {:>12.0}/s {:>12.0}/s {:>8.2}   {:?} and {:?}",
        inside.rate,
        outside.rate,
        outside.rate / inside.rate,
        inside.cpu_per_frame,
        outside.cpu_per_frame,
    );
}

/// How frames come in.
#[derive(Clone, Copy)]
enum Way {
    InProcess,
    Http,
}

fn measure(provider: &Arc<dyn Provider>, policy: &str, frames: u64, way: Way) -> Figures {
    let dir = tempfile::tempdir().expect("a directory");
    let mut ground = Ground::open(dir.path()).expect("the house opens");
    ground.policies.publish("bench.yaml", policy, &Actor::service("bench"), None).expect("the policy is sound");
    let providers = ProviderChoice { default: Some(provider.clone()), ..ProviderChoice::default() };
    actix::System::new().block_on(async move {
        let (clock, control) = (Arc::new(SystemClock), Arc::new(RehearsalControl::new()));
        let settings = Settings { frame_deadline: Duration::from_secs(600), ..Settings::default() };
        let house = ground.start(clock.clone(), providers, control, BudgetLimits::default(), settings);
        let journal = house.journal.clone();
        let (began, spent) = (Instant::now(), cpu());
        match way {
            Way::InProcess => offer(&house, frames).await,
            Way::Http => {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
                let authenticator = Authenticator::open(&AuthConfig::open(), clock.clone()).expect("it opens");
                let unlimited = GateConfig { rates: RateConfig::UNLIMITED, ..GateConfig::default() };
                let gate = Arc::new(Gate::new(authenticator, &unlimited).expect("a sound gate"));
                let app = Arc::new(App::of(&house, clock));
                let server = Server::start(listener, app, gate).expect("the server starts");
                let address = server.address();
                let client = tokio::task::spawn_blocking(move || hand_in_from_outside(address, frames));
                client.await.expect("the client is waited for");
                server.stop().await;
            }
        }
        let (took, spent) = (began.elapsed(), cpu() - spent);
        let outcomes = journal.watermark().borrow().0;
        assert!(outcomes >= frames, "{outcomes} events for {frames} frames: some were lost");
        drop(journal);
        house.close().await;
        Figures { rate: frames as f64 / took.as_secs_f64(), cpu_per_frame: spent / frames as u32 }
    })
}

async fn offer(house: &House, frames: u64) {
    let pictures = Arc::new(pictures());
    let start = streamwarden::clock::Clock::now(&SystemClock).minus_ms(frames * 1000);
    let mut channels = JoinSet::new();
    for channel in 0..UNDER_WAY {
        let (wardens, pictures) = (house.wardens.clone(), pictures.clone());
        channels.spawn_local(async move {
            let id = ChannelId::new(name(channel)).expect("a sound id");
            for n in of_channel(channel, frames) {
                let picture = pictures[(n % pictures.len() as u64) as usize].clone();
                let captured_at = start.plus_ms(n * 1000);
                let digest = Sha256::of(&picture);
                let frame = Frame {
                    medium: Default::default(),
                    id: FrameId::of(&id, &[&captured_at.as_micros().to_be_bytes(), &digest.0]),
                    channel: id.clone(),
                    session: SessionId::new("st-bench").expect("a sound id"),
                    captured_at,
                    fingerprint: Fingerprint::of(&[&digest.0]),
                    origin: FrameOrigin::Inline(picture),
                };
                wardens.offer(frame).await.expect("an outcome");
            }
        });
    }
    while let Some(done) = channels.join_next().await {
        done.expect("offering does not break");
    }
}

fn of_channel(channel: u64, frames: u64) -> impl Iterator<Item = u64> {
    (channel..frames).step_by(UNDER_WAY as usize)
}

fn name(channel: u64) -> String {
    format!("bench:{channel}")
}

/// Starts the client's process and waits for it.
fn hand_in_from_outside(address: SocketAddr, frames: u64) {
    let this = std::env::current_exe().expect("this program is a file");
    let client = Process::new(this)
        .env(CLIENT_OF, address.to_string())
        .env(CLIENT_FRAMES, frames.to_string())
        .stdout(Stdio::inherit())
        .status();
    assert!(client.expect("the client starts").success(), "the client broke");
}

/// One connection per channel, one request after the other on each.
fn client(address: SocketAddr, frames: u64) {
    let pictures = Arc::new(pictures());
    let start = streamwarden::clock::Clock::now(&SystemClock).minus_ms(frames * 1000);
    let threads: Vec<_> = (0..UNDER_WAY)
        .map(|channel| {
            let pictures = pictures.clone();
            std::thread::spawn(move || hand_in(address, channel, frames, start, &pictures))
        })
        .collect();
    for thread in threads {
        thread.join().expect("a channel breaks");
    }
}

fn hand_in(address: SocketAddr, channel: u64, frames: u64, start: Timestamp, pictures: &[Arc<[u8]>]) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let mut answers = BufReader::new(stream.try_clone().expect("a second handle"));
    for n in of_channel(channel, frames) {
        let picture = &pictures[(n % pictures.len() as u64) as usize];
        let head = format!(
            "POST /v1/channels/{}/frames?session=st-bench&captured_at={} HTTP/1.1\r\nhost: localhost\r\n\
             content-type: image/jpeg\r\ncontent-length: {}\r\n\r\n",
            name(channel),
            start.plus_ms(n * 1000),
            picture.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(picture);
        stream.write_all(&request).expect("the request goes out");
        let answer = read_answer(&mut answers);
        assert!(answer.starts_with("HTTP/1.1 200"), "frame {n}: {answer}");
    }
}

/// Reads one answer with a stated length; gives its head.
fn read_answer(from: &mut BufReader<TcpStream>) -> String {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let begun = head.len();
        from.read_line(&mut head).expect("an answer comes");
        let line = head[begun..].trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(stated) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = stated.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).expect("the body comes");
    if head.starts_with("HTTP/1.1 200") { head } else { head + &String::from_utf8_lossy(&body) }
}

/// Real frames: the bundled footage.
fn pictures() -> Vec<Arc<[u8]>> {
    let mut files: Vec<_> = ["sky-tour", "film-night"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(format!("demo/footage/{folder}")).expect("the bundled footage"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jpg"))
        .collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).expect("a picture").into()).collect()
}

/// Answers at once: what is left is our own cost.
struct Free;

impl Provider for Free {
    fn reference(&self) -> ProviderRef {
        ProviderRef { name: "free".into(), model: "bench".into(), taxonomy: "rekognition/7.0".into() }
    }

    fn assess(&self, _: Arc<[u8]>) -> Assessing<'_> {
        let label = |path, percent| {
            Label(LabelPath::new(path).expect("a path"), Confidence::from_percent(percent).expect("a percentage"))
        };
        let labels = vec![label("Alcohol", 66.0), label("Alcohol/Alcoholic Beverages", 61.3)];
        Box::pin(std::future::ready(Ok(Answer::of(self.reference(), labels))))
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
