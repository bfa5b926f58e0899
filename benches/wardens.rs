//! What a warden costs: a decision's CPU, an idle warden's memory, channels that come and go, and a day of frames end
//! to end with a provider that costs nothing. Prints a table; asserts only that nothing was lost.
//!
//! `WARDENS_FRAMES=1000000` sets how many frames go end to end (default 100,000). Sizes are of the process (RSS), so
//! each part runs in a process of its own: this program starts itself once per part.

use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use streamwarden::actors::{Parts, ProviderChoice, Settings, Wardens};
use streamwarden::clock::ManualClock;
use streamwarden::events::{Event, Recorded, Timings};
use streamwarden::imaging::{Algorithm, Imaging, Limits, Scratch};
use streamwarden::journal::snapshots::Snapshots;
use streamwarden::journal::{
    Append, Appended, Expected, Journal, Options, READ_LIMIT_MAX, ReadError, SledJournal, Ticket,
};
use streamwarden::model::{
    ChannelId, Confidence, ConsumerName, Epoch, EventId, Fingerprint, Frame, FrameId, FrameOrigin, Label, LabelPath,
    Mark, MarkName, Measurement, Position, ProviderRef, Scope, Sequence, SessionId, Timestamp,
};
use streamwarden::policy::{Policy, PolicySet, file};
use streamwarden::providers::{Answer, Assessing, Provider};
use streamwarden::warden::{Answered, Applied, Beside, ChannelState, Command, Next, apply, decide};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc; // as in the program

const T0: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const POLICY: &str = include_str!("../policies/default.yaml");
/// Names the part to run, in the process started for it.
const PART: &str = "WARDENS_PART";
/// Frames offered and not yet answered, all channels together.
const IN_FLIGHT: usize = 1024;

const PARTS: &[(&str, fn())] = &[
    ("decision", decision),
    ("idle", idle),
    ("churn", churn),
    ("end to end, pictures repeat", repeats),
    ("end to end, pictures differ", differs),
];

fn main() {
    if let Ok(wanted) = std::env::var(PART) {
        let part = PARTS.iter().find(|(name, _)| *name == wanted).expect("a part of this table");
        return part.1();
    }
    println!("{:<30} {:<44} {:>16}", "part", "what", "figure");
    let this = std::env::current_exe().expect("this program is a file");
    for (name, _) in PARTS {
        let status = Process::new(&this).env(PART, name).status().expect("this program starts");
        assert!(status.success(), "{name} broke: {status}");
    }
}

fn row(part: &str, what: &str, figure: impl std::fmt::Display) {
    println!("{part:<30} {what:<44} {figure:>16}");
}

/// One decision's own cost: everything but decode, provider and disk.
fn decision() {
    const FRAMES: u64 = 200_000;
    let policy = Arc::new(policy());
    let measured = measured(&pictures()[0]);
    let answer = Answered {
        moments: Vec::new(),
        spoken: None,
        provider: FREE.clone(),
        labels: labels(),
        kept: None,
        unmapped: 0,
        content_types: vec![],
        floor: None,
    };
    let channel = channel(0);
    for (what, interval_ms) in
        [("assessed, 5 labels", 600_000), ("similar, every fifth assessed", 60_000), ("too soon", 1000)]
    {
        let mut state = ChannelState::new(channel.clone());
        let (mut bytes, begun) = (0, cpu());
        for n in 0..FRAMES {
            let frame = frame(&channel, n, T0.plus_ms(n * interval_ms), &[]);
            let now = frame.captured_at;
            let mut command = Command::TakeFrame { frame: frame.clone() };
            loop {
                let decision =
                    decide(&state, Some(&policy), now, &command).expect("a frame's commands are not refused");
                for new in &decision.events {
                    let sequence = state.sequence.next();
                    let scope = Scope::Channel(channel.clone());
                    let recorded = Recorded::seal(new, scope, Position(n), sequence, now, Epoch(1)).expect("fits");
                    bytes += recorded.to_bytes().expect("fits").len();
                    let at = Applied { sequence, recorded_at: now, captured_at: new.captured_at };
                    apply(&mut state, at, &new.event);
                }
                let (frame, policy, measured) = (frame.clone(), policy.clone(), measured.clone());
                command = match decision.next {
                    None => break,
                    Some(Next::Look) => Command::CompareFrame { frame, policy, measured },
                    Some(Next::Ask) => {
                        let (measured, answer, took) = (Some(measured), answer.clone(), Timings::default());
                        let beside = Beside::default();
                        Command::JudgeFrame {
                            frame,
                            policy,
                            shadow: None,
                            measured,
                            segment: None,
                            answer: Box::new(answer),
                            beside,
                            took,
                        }
                    }
                };
            }
        }
        let each = (cpu() - begun).as_nanos() as f64 / FRAMES as f64 / 1000.0;
        row("decision", &format!("{what}: CPU (aim < 20)"), format!("{each:.2} µs"));
        row("decision", &format!("{what}: bytes encoded per frame"), bytes as u64 / FRAMES);
    }
}

/// Memory of wardens with nothing to do, over a journal that keeps nothing.
fn idle() {
    const CHANNELS: u64 = 100_000;
    const WARM_UP: u64 = 5_000;
    // The caches of planes and of last pictures are bounded and stand beside the wardens: their sizes are told apart.
    let idle_after = Duration::from_secs(3600);
    let settings = Settings { planes_max: 1, pictures_bytes_max: 0, idle_after, ..Settings::default() };
    let clock = Arc::new(ManualClock::at(T0));
    let picture = pictures()[0].clone();
    actix::System::new().block_on(async {
        let (wardens, _policies) = start(Arc::new(Forgetful::default()), None, clock, settings);
        let go_live = |first: u64| {
            let wardens = wardens.clone();
            move |n| {
                let wardens = wardens.clone();
                async move {
                    let session = SessionId::new("st-1").expect("a sound id");
                    let command = Command::StartSession { session, at: T0 };
                    wardens.command(&channel(first + n), command).await.expect("the session starts");
                }
            }
        };
        let show = |first: u64| {
            let (wardens, picture) = (wardens.clone(), picture.clone());
            move |n| {
                let (wardens, picture) = (wardens.clone(), picture.clone());
                async move {
                    let frame = frame(&channel(first + n), 0, T0, &picture);
                    wardens.offer(frame).await.expect("the frame is accepted");
                }
            }
        };
        // What the process holds however many wardens there are (threads, their buffers, the most that is under way at
        // once) is there before it is measured.
        for_each(WARM_UP, go_live(CHANNELS)).await;
        for_each(WARM_UP, show(CHANNELS)).await;
        let before = rss();
        for_each(CHANNELS, go_live(0)).await;
        assert_eq!(wardens.awake().await as u64, CHANNELS + WARM_UP);
        row("idle", "live, no frame yet: RSS per warden (aim 2048)", format!("{} B", (rss() - before) / CHANNELS));
        for_each(CHANNELS, show(0)).await;
        row("idle", "live, a frame assessed: RSS per warden", format!("{} B", (rss() - before) / CHANNELS));
        let planes = Settings::default().planes_max * Settings::default().arbiters;
        row("idle", "planes beside it at most, default settings", format!("{} MiB", (planes * 1240) >> 20));
    });
}

/// Channels come, show one frame and go; wardens rest as soon as they can.
fn churn() {
    const CHANNELS: u64 = 100_000;
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(ManualClock::at(T0));
    let (journal, snapshots) = on_disk(dir.path(), &clock);
    let settings = Settings { idle_after: Duration::from_millis(500), ..Settings::default() };
    let picture = pictures()[0].clone();
    actix::System::new().block_on(async {
        let (wardens, _policies) = start(journal.clone(), Some(snapshots), clock, settings);
        let begun = Instant::now();
        for_each(CHANNELS, {
            let wardens = wardens.clone();
            move |n| {
                let (wardens, picture) = (wardens.clone(), picture.clone());
                async move {
                    let frame = frame(&channel(n), 0, T0, &picture);
                    let end = Command::EndSession { session: frame.session.clone() };
                    wardens.offer(frame).await.expect("the frame is accepted");
                    wardens.command(&channel(n), end).await.expect("the session ends");
                }
            }
        })
        .await;
        let took = begun.elapsed();
        row("churn", "channels come and gone", CHANNELS);
        row("churn", "rate", format!("{:.0} channels/s", CHANNELS as f64 / took.as_secs_f64()));
        row("churn", "wardens awake at the end", wardens.awake().await);
        row("churn", "RSS", format!("{} MiB", rss() >> 20));
        wardens.shutdown().await;
        assert_one_outcome_each(&*journal, CHANNELS);
    });
}

fn repeats() {
    end_to_end("end to end, pictures repeat", 1);
}

fn differs() {
    end_to_end("end to end, pictures differ", 16);
}

/// Frames over 10,000 channels through decode, hash, a free provider and the journal on disk.
fn end_to_end(part: &'static str, different: usize) {
    const CHANNELS: u64 = 10_000;
    let frames: u64 = std::env::var("WARDENS_FRAMES").map_or(100_000, |text| text.parse().expect("a number"));
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(ManualClock::at(T0));
    let (journal, snapshots) = on_disk(dir.path(), &clock);
    let pictures = pictures();
    let took = Arc::new(std::sync::Mutex::new(Vec::with_capacity(frames as usize)));
    actix::System::new().block_on(async {
        let (wardens, _policies) = start(journal.clone(), Some(snapshots), clock.clone(), Settings::default());
        let begun = Instant::now();
        for_each(frames, {
            let (wardens, took) = (wardens.clone(), took.clone());
            move |n| {
                let round = n / CHANNELS;
                let captured_at = T0.plus_ms(round * 60_000);
                clock.set(captured_at);
                let picture = &pictures[round as usize % different];
                let frame = frame(&channel(n % CHANNELS), round, captured_at, picture);
                let (wardens, took) = (wardens.clone(), took.clone());
                async move {
                    let arrived = Instant::now();
                    wardens.offer(frame).await.expect("the frame is accepted");
                    took.lock().expect("nobody panics holding it").push(arrived.elapsed());
                }
            }
        })
        .await;
        let all = begun.elapsed();
        let memory = rss();
        wardens.shutdown().await;
        assert_one_outcome_each(&*journal, frames);
        let mut took = std::mem::take(&mut *took.lock().expect("nobody panics holding it"));
        took.sort_unstable();
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
        row(part, "frames over 10,000 channels", frames);
        row(part, "rate", format!("{:.0} frames/s", frames as f64 / all.as_secs_f64()));
        row(part, &format!("arrival to durable, p50, {IN_FLIGHT} in flight"), format!("{:.1} ms", at(0.5)));
        row(part, &format!("arrival to durable, p99, {IN_FLIGHT} in flight"), format!("{:.1} ms", at(0.99)));
        row(part, "RSS", format!("{} MiB", memory >> 20));
    });
    journal.close();
    let snapshots = bytes_below(&dir.path().join("derived"));
    row(part, "journal on disk, per frame", format!("{} B", (bytes_below(dir.path()) - snapshots) / frames));
    row(part, "snapshots on disk, per channel", format!("{} B", snapshots / CHANNELS));
}

/// Does `work` for each number, [`IN_FLIGHT`] at a time.
async fn for_each<F: Future<Output = ()> + 'static>(count: u64, mut work: impl FnMut(u64) -> F) {
    let mut under_way = JoinSet::new();
    for n in 0..count {
        if under_way.len() == IN_FLIGHT {
            under_way.join_next().await.expect("some are under way").expect("it does not break");
        }
        under_way.spawn_local(work(n));
    }
    while let Some(done) = under_way.join_next().await {
        done.expect("it does not break");
    }
}

fn on_disk(dir: &Path, clock: &Arc<ManualClock>) -> (Arc<SledJournal>, Arc<Snapshots>) {
    let journal = SledJournal::open(Options::new(dir, clock.clone())).expect("the journal opens");
    let snapshots = Snapshots::open(&dir.join("derived"), journal.store_id()).expect("snapshots open");
    (Arc::new(journal), Arc::new(snapshots))
}

/// The sender keeps the policies in force.
fn start(
    journal: Arc<dyn Journal>,
    snapshots: Option<Arc<Snapshots>>,
    clock: Arc<ManualClock>,
    settings: Settings,
) -> (Wardens, watch::Sender<Arc<PolicySet>>) {
    let (policies, followed) = watch::channel(Arc::new(PolicySet::new(vec![Arc::new(policy())])));
    let provider: Arc<dyn Provider> = Arc::new(Free);
    let wardens = Wardens::start(&Parts {
        journal,
        content: None,
        snapshots,
        wall: clock.clone(),
        clock,
        policies: followed,
        providers: ProviderChoice { default: Some(provider), ..ProviderChoice::default() },
        objects: None,
        copies: None,
        imaging: Arc::new(Imaging::new(Limits::default(), Algorithm::MedianDct)),
        settings,
    });
    (wardens, policies)
}

fn policy() -> Policy {
    file::load("policies/default.yaml", POLICY).expect("the default policy is sound").remove(0).policy
}

fn channel(n: u64) -> ChannelId {
    ChannelId::new(format!("arn:aws:ivs:eu-west-1:123456789012:channel/{n:012}")).expect("a sound id")
}

fn frame(channel: &ChannelId, n: u64, captured_at: Timestamp, picture: &[u8]) -> Frame {
    Frame {
        medium: Default::default(),
        channel: channel.clone(),
        session: SessionId::new("st-1").expect("a sound id"),
        id: FrameId::of(channel, &[&n.to_be_bytes()]),
        captured_at,
        fingerprint: Fingerprint::of(&[&n.to_be_bytes()]),
        origin: FrameOrigin::Inline(picture.into()),
    }
}

/// Tiny pictures that differ.
fn pictures() -> Vec<Arc<[u8]>> {
    const SIDE: u16 = 64;
    let picture = |seed: u32| {
        let pixel = |at: u32| ((at % 64 / 8).wrapping_mul(at / 512 + 3).wrapping_mul(seed + 7) * 37 % 256) as u8;
        let pixels: Vec<u8> = (0..u32::from(SIDE) * u32::from(SIDE)).map(pixel).collect();
        let mut file = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut file, 80);
        encoder.encode(&pixels, SIDE, SIDE, jpeg_encoder::ColorType::Luma).expect("a picture is encoded");
        file.into()
    };
    (0..16).map(picture).collect()
}

fn measured(picture: &[u8]) -> Measurement {
    let imaging = Imaging::new(Limits::default(), Algorithm::MedianDct);
    let measured = imaging.measure(picture, &mut Scratch::default()).expect("a sound picture");
    Measurement { image: measured.image, hash: measured.hash, luma: None }
}

static FREE: std::sync::LazyLock<ProviderRef> = std::sync::LazyLock::new(|| ProviderRef {
    name: "free".into(),
    model: "bench".into(),
    taxonomy: "rekognition/7.0".into(),
});

fn labels() -> Vec<Label> {
    let named = [
        ("Swimwear or Underwear", 71.0),
        ("Swimwear or Underwear/Male Swimwear or Underwear", 70.5),
        ("Alcohol", 66.0),
        ("Alcohol/Alcoholic Beverages", 61.3),
        ("Gambling", 55.0),
    ];
    let label = |(path, percent)| {
        Label(LabelPath::new(path).expect("a path"), Confidence::from_percent(percent).expect("a percentage"))
    };
    named.map(label).into()
}

/// Answers at once, always the same five labels, none of which meets a rule of the default policy.
struct Free;

impl Provider for Free {
    fn reference(&self) -> ProviderRef {
        FREE.clone()
    }

    fn assess(&self, _: Arc<[u8]>) -> Assessing<'_> {
        Box::pin(std::future::ready(Ok(Answer::of(FREE.clone(), labels()))))
    }
}

/// A journal that keeps nothing, so that what grows is the wardens.
#[derive(Default)]
struct Forgetful {
    position: AtomicU64,
    watermark: watch::Sender<Position>,
}

impl Journal for Forgetful {
    fn append(&self, append: Append) -> Ticket {
        let events = append.events.len() as u64;
        let Expected::At(sequence) = append.expected else { unreachable!("wardens know where they are") };
        let first = Position(self.position.fetch_add(events, Ordering::Relaxed) + 1);
        let last_sequence = Sequence(sequence.0 + events);
        Ticket::settled(Ok(Appended::New { first, last_sequence, recorded_at: T0 }))
    }
    fn watermark(&self) -> watch::Receiver<Position> {
        self.watermark.subscribe()
    }
    fn read(&self, _: Position, _: usize) -> Result<Vec<Recorded>, ReadError> {
        Ok(Vec::new())
    }
    fn read_scope(&self, _: &Scope, _: Sequence, _: usize) -> Result<Vec<Recorded>, ReadError> {
        Ok(Vec::new())
    }
    fn find(&self, _: EventId) -> Result<Option<Recorded>, ReadError> {
        Ok(None)
    }
    fn may_hold(&self, _: EventId) -> bool {
        false
    }
    fn scope_head(&self, _: &Scope) -> Sequence {
        Sequence(0)
    }
    fn channels(&self, _: Option<&ChannelId>, _: usize) -> Vec<ChannelId> {
        Vec::new()
    }
    fn cursor(&self, _: &ConsumerName) -> Result<Option<Position>, ReadError> {
        Ok(None)
    }
    fn save_cursor(&self, _: &ConsumerName, position: Position) -> Ticket {
        Ticket::settled(Ok(Appended::New { first: position, last_sequence: Sequence(0), recorded_at: T0 }))
    }
    fn marks(&self, _: &str) -> Vec<(MarkName, Mark)> {
        Vec::new()
    }
    fn save_mark(&self, _: &MarkName, _: Option<&Mark>) -> Ticket {
        Ticket::settled(Ok(Appended::New { first: Position(0), last_sequence: Sequence(0), recorded_at: T0 }))
    }
}

/// Invariant I1 over the whole journal.
fn assert_one_outcome_each(journal: &dyn Journal, frames: u64) {
    let (mut seen, mut after) = (std::collections::HashSet::with_capacity(frames as usize), Position(0));
    loop {
        let page = journal.read(after, READ_LIMIT_MAX).expect("the journal can be read");
        let Some(last) = page.last() else { break };
        after = last.envelope.position;
        for recorded in &page {
            let frame = match recorded.event().expect("every event is known") {
                Event::FrameSkipped(outcome) => outcome.frame,
                Event::FrameAssessed(outcome) => outcome.frame,
                Event::FrameFailed(outcome) => panic!("a frame failed: {outcome:?}"),
                _ => continue,
            };
            assert!(seen.insert(frame), "frame {frame} has two outcomes");
        }
    }
    assert_eq!(seen.len() as u64, frames, "every frame has an outcome");
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Resident bytes of this process.
fn rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says what a process uses");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it says its size");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

fn bytes_below(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}
