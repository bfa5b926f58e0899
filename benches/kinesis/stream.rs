//! A load on the stream, and what becomes of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use streamwarden::actors::{ProviderChoice, Settings as HouseSettings};
use streamwarden::aws::kinesis::Place;
use streamwarden::aws::{Aws, CallTimes, Endpoints};
use streamwarden::clock::{Clock, SystemClock};
use streamwarden::control::NoControl;
use streamwarden::events::{Actor, Event};
use streamwarden::house::{Ground, House};
use streamwarden::journal::{Journal, READ_LIMIT_MAX};
use streamwarden::model::{Position, Timestamp};
use streamwarden::shards::{
    Deliver, Delivery, Intake, IntakeParts, IntakeSettings, NotSettled, Settings, Shards, Start,
};
use streamwarden::warden::enforcement::BudgetLimits;

use crate::standins::{REGION, key};
use crate::world::{Beside, STREAM};
use crate::{Slow, quantile, row};

const SHARDS: usize = 4;
/// What was put and has no outcome by then is lost.
const PATIENCE: Duration = Duration::from_secs(300);

/// Which share of the frames is fetched and judged; the rest is skipped as coming too soon.
#[derive(Clone, Copy, PartialEq)]
pub enum Judged {
    Tenth,
    All,
}

fn seconds() -> u64 {
    std::env::var("KINESIS_SECONDS").map_or(60, |text| text.parse().expect("a number of seconds"))
}

fn aws(beside: &Beside) -> Aws {
    let endpoints =
        Endpoints { kinesis: Some(beside.kinesis.clone()), s3: Some(beside.s3.clone()), ..Endpoints::default() };
    Aws::for_endpoints(REGION, endpoints, key(), CallTimes::default())
}

fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
}

/// A line of `/proc/self/status`, in MiB.
fn memory_mib(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("it can be read");
    let found = status.lines().find_map(|found| found.strip_prefix(line)).expect("the line is there");
    found.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
}

/// How fast the stand-in gives what it has, to a reader that does nothing else.
pub fn ceiling() {
    const CHANNELS: u64 = 100_000;
    let mut beside = Beside::start();
    beside.tell(&format!("create {SHARDS} unmetered"));
    beside.tell(&format!("first {CHANNELS} {}", SystemClock.now().as_micros() / 1000));
    let kinesis = aws(&beside).kinesis();
    actix_rt::System::new().block_on(async {
        let (begun, spent, spent_beside) = (Instant::now(), cpu(), beside.cpu());
        let shards = kinesis.list_shards(STREAM).await.expect("a listing");
        let read = shards.iter().map(|shard| {
            let kinesis = &kinesis;
            async move {
                let mut iterator =
                    Some(kinesis.shard_iterator(STREAM, &shard.id, &Place::TrimHorizon).await.expect("one"));
                let mut count = 0;
                while let Some(at) = iterator {
                    let page = match kinesis.get_records(&at, 1_000).await {
                        Ok(page) => page,
                        Err(failure) if failure.class.is_passing() => {
                            iterator = Some(at);
                            continue;
                        }
                        Err(failure) => panic!("{failure}"),
                    };
                    if page.records.is_empty() {
                        break;
                    }
                    count += page.records.len() as u64;
                    iterator = page.next;
                }
                count
            }
        });
        let read: u64 = futures_util::future::join_all(read).await.into_iter().sum();
        assert_eq!(read, CHANNELS);
        let took = begun.elapsed();
        row("records read by a reader that does nothing else", format!("{:.0} /s", read as f64 / took.as_secs_f64()));
        let each = |spent: Duration| format!("{:.1} µs", spent.as_secs_f64() * 1e6 / read as f64);
        row("CPU per record: the reader's", each(cpu() - spent));
        row("CPU per record: the stand-in's", each(beside.cpu() - spent_beside));
    });
}

/// What became of one notification, once it is settled.
struct Settled {
    data: Arc<[u8]>,
    /// From being put to being handed over.
    waited: Duration,
    /// From being handed over to being settled.
    took: Duration,
}

/// The intake, watched.
struct Timed {
    intake: Intake,
    settled: Mutex<Vec<Settled>>,
    count: AtomicU64,
}

impl Deliver for Timed {
    fn deliver(&self, delivery: Delivery) -> BoxFuture<'_, Result<(), NotSettled>> {
        let waited = Duration::from_millis(SystemClock.now().ms_since(delivery.arrived_at));
        let (begun, data) = (Instant::now(), delivery.data.clone());
        let delivered = self.intake.deliver(delivery);
        async move {
            let result = delivered.await;
            if result.is_ok() {
                let settled = Settled { data, waited, took: begun.elapsed() };
                self.settled.lock().expect("nothing breaks under it").push(settled);
                self.count.fetch_add(1, Ordering::Relaxed);
            }
            result
        }
        .boxed()
    }
}

impl Timed {
    async fn has_settled(&self, wanted: u64) {
        let begun = Instant::now();
        while self.count.load(Ordering::Relaxed) < wanted {
            let left = wanted - self.count.load(Ordering::Relaxed);
            assert!(begun.elapsed() < PATIENCE, "{left} of {wanted} have no outcome");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn ground(beside: &Beside, dir: &std::path::Path, judged: Judged) -> Ground {
    let every = if judged == Judged::All { "1s" } else { "50s" };
    let policy = format!(
        "policy: bench\nchannels: {{ matching: .* }}\ntaxonomy: rekognition/7.0\n\
         sampling: {{ every: {every}, max_age: 24h }}\nsimilarity: off\nrules:\n\
         \x20 - {{ id: alcohol, categories: [Alcohol], confidence: 80, action: warn }}\n"
    );
    let mut ground = Ground::open(dir).expect("a directory");
    ground.policies.publish("bench.yaml", &policy, &Actor::service("bench"), None).expect("the policy is sound");
    ground.objects = Some(Arc::new(aws(beside).s3()));
    ground
}

fn house(ground: Ground) -> House {
    let slow = Slow { takes: Duration::from_millis(300), sees: None };
    let providers = ProviderChoice { default: Some(Arc::new(slow)), ..ProviderChoice::default() };
    let limits = BudgetLimits { per_minute: 1, per_rule_per_minute: 1, live_share_milli: 1 };
    ground.start(Arc::new(SystemClock), providers, Arc::new(NoControl), limits, HouseSettings::default())
}

/// So many frames a second, from the stream to their outcomes.
pub fn load(per_second: u64, judged: Judged) {
    let (channels, rounds) = (per_second * 5, (seconds() / 5).max(2));
    let dir = tempfile::tempdir().expect("a directory");
    let mut beside = Beside::start();
    beside.tell(&format!("create {SHARDS} metered"));
    let ground = ground(&beside, dir.path(), judged);
    actix_rt::System::new().block_on(async {
        let house = house(ground);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let journal: Arc<dyn Journal> = house.journal.clone();
        let (wardens, content) = (house.wardens.clone(), house.content.clone());
        let parts = IntakeParts { wardens, journal: journal.clone(), content, clock: clock.clone(), who: None };
        let intake = Intake::new(parts, IntakeSettings::default());
        let timed = Arc::new(Timed { intake, settled: Mutex::default(), count: AtomicU64::new(0) });
        let settings = Settings { start: Start::TrimHorizon, ..Settings::new(STREAM) };
        let reading = Shards::start(settings, aws(&beside).kinesis(), journal.clone(), timed.clone(), clock);
        let reading = reading.expect("sound settings");

        // Every channel is awake and has been looked at once before anything counts.
        let start = SystemClock.now().plus_ms(20_000).as_micros() / 1000;
        beside.tell(&format!("first {channels} {start}"));
        timed.has_settled(channels).await;
        timed.settled.lock().expect("nothing breaks under it").clear();
        let (before, begun) = (*journal.watermark().borrow(), Instant::now());
        let (spent, spent_beside) = (cpu(), beside.cpu());
        let putting = tokio::task::spawn_blocking(move || {
            let said = beside.tell(&format!("put {channels} {rounds} {start}"));
            (beside, said[0].parse::<u64>().expect("milliseconds"))
        });
        let (beside, put_ms) = putting.await.expect("putting does not break");
        let frames = channels * rounds;
        timed.has_settled(channels + frames).await;
        let (took, spent, spent_beside) = (begun.elapsed(), cpu() - spent, beside.cpu() - spent_beside);
        reading.stop().await;

        let (outcomes, judging) = outcomes(&*journal, before);
        row("frames put and with an outcome", format!("{frames} over {channels} channels"));
        row("of them assessed / skipped / failed", format!("{} / {} / {}", outcomes[0], outcomes[1], outcomes[2]));
        assert_eq!(outcomes.iter().sum::<u64>(), frames, "each has its outcome");
        let put_s = put_ms as f64 / 1000.0;
        row("put at", format!("{:.0} /s for {put_s:.1} s", frames as f64 / put_s));
        row("settled at", format!("{:.0} /s", frames as f64 / took.as_secs_f64()));
        row("the last settled after the last was put", format!("{:.2} s", took.as_secs_f64() - put_s));
        let cores = |spent: Duration| format!("{:.2} cores", spent.as_secs_f64() / took.as_secs_f64());
        row("CPU: ours / the stand-ins'", format!("{} / {}", cores(spent), cores(spent_beside)));
        row("memory, ours: now / at most", format!("{} / {} MiB", memory_mib("VmRSS:"), memory_mib("VmHWM:")));
        let settled = std::mem::take(&mut *timed.settled.lock().expect("nothing breaks under it"));
        times(settled, &judging);
        house.close().await;
    });
}

/// What names a frame here: its channel and when it was captured.
type Name = (String, Timestamp);

/// How many were assessed, skipped and failed, and what fetching and judging took.
fn outcomes(journal: &dyn Journal, before: Position) -> ([u64; 3], HashMap<Name, Duration>) {
    let (mut counts, mut judging, mut after) = ([0; 3], HashMap::new(), before);
    loop {
        let page = journal.read(after, READ_LIMIT_MAX).expect("the journal can be read");
        let Some(last) = page.last() else { return (counts, judging) };
        after = last.envelope.position;
        for recorded in &page {
            match recorded.event().expect("every event is known") {
                Event::FrameAssessed(assessed) => {
                    counts[0] += 1;
                    let spent = Duration::from_millis(u64::from(assessed.took.0 + assessed.took.2));
                    let channel = recorded.envelope.scope.channel().expect("a frame's scope").to_string();
                    judging.insert((channel, recorded.envelope.captured_at.expect("a frame's time")), spent);
                }
                Event::FrameSkipped(_) => counts[1] += 1,
                Event::FrameFailed(_) => counts[2] += 1,
                _ => {}
            }
        }
    }
}

fn times(settled: Vec<Settled>, judging: &HashMap<Name, Duration>) {
    let mut waited: Vec<Duration> = settled.iter().map(|one| one.waited).collect();
    waited.sort_unstable();
    let (mut judged, mut skipped) = (Vec::new(), Vec::new());
    for Settled { data, took, .. } in settled {
        let said: Value = serde_json::from_slice(&data).expect("what was put");
        let frame = &said["frame"];
        let channel = frame["channel"].as_str().expect("a channel").to_owned();
        let at: Timestamp = serde_json::from_value(frame["captured_at"].clone()).expect("a time");
        match judging.get(&(channel, at)) {
            Some(spent) => judged.push(took.saturating_sub(*spent)),
            None => skipped.push(took),
        }
    }
    let all = [skipped.as_slice(), judged.as_slice()].concat();
    row("put to handed over (polling), p50 / p99", halves(&waited));
    for (what, mut times) in [("all", all), ("skipped", skipped), ("judged", judged)] {
        if !times.is_empty() {
            times.sort_unstable();
            let what = format!("handed over to durable, fetch and provider excluded, {what}: p50 / p99");
            row(&what, halves(&times));
        }
    }
}

fn halves(sorted: &[Duration]) -> String {
    format!("{} / {}", quantile(sorted, 0.5), quantile(sorted, 0.99))
}
