//! What trying a policy on a long past costs: a store of recorded frames, sealed, backtested from end to end, against
//! reading the same sealed segments alone, with and without checking their hashes, in the same run.
//!
//! The frames are a realistic mix: one a second per channel, looked at every three seconds, of which one look in ten shows
//! nothing new. So about 30 % are assessed, 3 % similar and 67 % too soon; one assessment in two hundred raises a warning, of
//! which moderators answer each. They are recorded by the warden's own decisions. On trial is another threshold, another
//! cadence and another similarity than was recorded.
//!
//! `BACKTEST_FRAMES=1000000` sets how many frames there are, over `BACKTEST_CHANNELS=2000` channels;
//! `BACKTEST_FRONTIER=1` adds the frontier over the same store. Wall clock, medians of five rounds.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use streamwarden::clock::{ManualClock, SystemClock};
use streamwarden::events::{Event, Timings};
use streamwarden::journal::sealed::{SealedError, Segment};
use streamwarden::journal::{Append, Expected, Inspection, Journal, Options, SledJournal};
use streamwarden::laboratory::frontier::{DetectionsOf, asked};
use streamwarden::laboratory::price::Prices;
use streamwarden::laboratory::{self, Progress, proposed, stretch, trying};
use streamwarden::model::{
    ChannelId, Confidence, EventId, Fingerprint, Frame, FrameId, FrameOrigin, HashScheme, ImageFacts, ImageFormat,
    Label, LabelPath, LumaDelta, Measurement, ModeratorId, PerceptualHash, ProviderRef, Scope, SessionId, Sha256,
    Timestamp, WarningId,
};
use streamwarden::policy::{Policy, PolicySet, file};
use streamwarden::warden::{Answered, Answering, Applied, Beside, ChannelState, Command, ModeratorAct, apply, decide};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc; // as in the program

/// Rounds of each side, in turn.
const ROUNDS: usize = 5;
/// Appends that wait for their sync at the same time while the store is filled.
const UNDER_WAY: usize = 4096;
/// Sealed segments that the frames are spread over; what follows the last stays hot and is tried too.
const SEGMENTS: u64 = 10;
const BEGINNING: Timestamp = Timestamp::from_millis(1_767_225_600_000);

const RECORDED: &str = "
policy: bench
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 3s, tolerance: 0s }
rules:
  - { id: weapons, categories: [Violence/Weapons], confidence: 80, action: stop, approval: person, severity: 5 }
  - { id: alcohol, categories: [Alcohol], confidence: 90, action: warn }
";
const ON_TRIAL: &str = "
policy: bench
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 4s to 8s, tolerance: 0s }
similarity: { hash_distance: 14 }
rules:
  - { id: weapons, categories: [Violence/Weapons], confidence: 70, action: stop, approval: person, severity: 5 }
  - { id: alcohol, categories: [Alcohol], confidence: 95, action: warn }
";

fn main() {
    let number = |name: &str, unsaid: u64| {
        std::env::var(name).map_or(unsaid, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let (frames, channels) = (number("BACKTEST_FRAMES", 1_000_000), number("BACKTEST_CHANNELS", 2000));
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory on the disk that is measured");
    let begun = Instant::now();
    let mix = fill(dir.path(), frames, channels);
    println!("{frames} frames of {channels} channels recorded and sealed in {:.0?}: {mix}", begun.elapsed());
    measure(dir.path(), frames, number("BACKTEST_FRONTIER", 0) > 0);
}

fn policy(text: &str) -> Arc<Policy> {
    Arc::new(file::load("bench.yaml", text).expect("a sound policy").remove(0).policy)
}

/// One channel as its warden has it.
struct Warden {
    id: ChannelId,
    session: SessionId,
    state: ChannelState,
    picture: u64,
    looks: u64,
}

/// What came of the frames.
#[derive(Default)]
struct Mix {
    assessed: u64,
    similar: u64,
    too_soon: u64,
    warnings: u64,
}

impl std::fmt::Display for Mix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = (self.assessed + self.similar + self.too_soon).max(1);
        let share = |part: u64| part as f64 * 100.0 / all as f64;
        let shares = [self.assessed, self.similar, self.too_soon].map(share);
        write!(f, "{:.0} % assessed, {:.0} % similar, {:.0} % too soon", shares[0], shares[1], shares[2])?;
        write!(f, ", {} warnings", self.warnings)
    }
}

/// Records, a frame of each channel a second, and rolls everything over into sealed segments.
fn fill(dir: &Path, frames: u64, channels: u64) -> Mix {
    let clock = Arc::new(ManualClock::at(BEGINNING));
    let options = Options {
        roll_after_events: (frames / SEGMENTS).max(1000),
        reserve_bytes: 0,
        ..Options::new(dir, clock.clone())
    };
    let journal = SledJournal::open(options).expect("a new store opens");
    let recorded = policy(RECORDED);
    let mut wardens: Vec<Warden> = (0..channels).map(Warden::new).collect();
    let (mut under_way, mut mix) = (VecDeque::with_capacity(UNDER_WAY), Mix::default());
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for number in 0..frames {
        let second = number / channels;
        let now = BEGINNING.plus_ms(second * 1000 + 300);
        clock.set(now);
        let warden = &mut wardens[(number % channels) as usize];
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        for events in warden.frame(second, now, &recorded, random, &mut mix) {
            let scope = Scope::Channel(warden.id.clone());
            under_way.push_back(journal.append(Append { scope, expected: Expected::Any, events }));
            if under_way.len() >= UNDER_WAY {
                under_way.pop_front().map(|ticket| ticket.wait().expect("the disk has room"));
            }
        }
    }
    for ticket in under_way {
        ticket.wait().expect("the disk has room");
    }
    while !journal.manifest().retired.is_empty() {
        std::thread::yield_now(); // the sealer is at it
    }
    journal.close();
    mix
}

impl Warden {
    fn new(number: u64) -> Self {
        let id = ChannelId::new(format!("arn:aws:ivs:eu-west-1:123456789012:channel/{number:012}")).expect("a name");
        let session = SessionId::new(format!("st-1ABCDEFGH{number:06}")).expect("a name");
        Self { state: ChannelState::new(id.clone()), id, session, picture: number, looks: 0 }
    }

    /// What is appended, an append after the other, for one frame.
    fn frame(
        &mut self,
        second: u64,
        now: Timestamp,
        policy: &Arc<Policy>,
        random: u64,
        mix: &mut Mix,
    ) -> Vec<Vec<streamwarden::events::NewEvent>> {
        let mut appends = Vec::with_capacity(1);
        let frame = Frame {
            medium: Default::default(),
            channel: self.id.clone(),
            session: self.session.clone(),
            id: FrameId::of(&self.id, &[&second.to_be_bytes()]),
            captured_at: now.minus_ms(300),
            fingerprint: Fingerprint::of(&[&second.to_be_bytes()]),
            origin: FrameOrigin::Inline(Arc::from([])),
        };
        if self.step(&Command::TakeFrame { frame: frame.clone() }, policy, now, &mut appends) {
            mix.too_soon += 1;
            return appends;
        }
        self.looks += 1;
        if !self.looks.is_multiple_of(10) {
            self.picture = random;
        }
        let sha256 = Sha256::of(&self.picture.to_be_bytes());
        let image = ImageFacts { sha256, bytes: 61_000, width: 1280, height: 720, format: ImageFormat::Jpeg };
        let reference = self.state.reference.as_ref().map(|reference| reference.sequence);
        let same = self.looks.is_multiple_of(10);
        let luma = reference.map(|reference| (reference, LumaDelta(if same { 12 } else { 2400 })));
        let hash = PerceptualHash { scheme: HashScheme::MedianDctFromDc, bits: self.picture };
        let measured = Measurement { image, hash, luma };
        let compare =
            Command::CompareFrame { frame: frame.clone(), policy: policy.clone(), measured: measured.clone() };
        if self.step(&compare, policy, now, &mut appends) {
            mix.similar += 1;
            return appends;
        }
        mix.assessed += 1;
        let raises = random.is_multiple_of(200);
        let label = |path, milli| {
            Label(LabelPath::new(path).expect("a sound path"), Confidence::from_milli(milli).expect("a percentage"))
        };
        let labels = match raises {
            true => vec![label("Violence", 85_000), label("Violence/Weapons", 75_000 + (random % 25_000) as u32)],
            false => vec![label("Alcohol", 55_300), label("Alcohol/Alcoholic Beverages", 54_100)],
        };
        let provider =
            ProviderRef { name: "rekognition".into(), model: "7.0".into(), taxonomy: "rekognition/7.0".into() };
        let answer = Answered {
            moments: Vec::new(),
            spoken: None,
            provider,
            labels,
            kept: None,
            unmapped: 0,
            content_types: vec![],
            floor: None,
        };
        let judge = Command::JudgeFrame {
            frame,
            policy: policy.clone(),
            shadow: None,
            measured: Some(measured),
            segment: None,
            answer: Box::new(answer),
            beside: Beside::default(),
            took: Timings(12, 3, 240),
        };
        self.step(&judge, policy, now, &mut appends);
        let open: Vec<WarningId> = self.state.open_warnings().map(|warning| warning.id).collect();
        if !open.is_empty() {
            mix.warnings += open.len() as u64;
            let by = ModeratorId::new("m-17").expect("a name");
            let request = EventId::of_command("bench", &[open[0].as_bytes()]);
            let answering = Answering::to(open);
            let upheld = random.is_multiple_of(3);
            let act = if upheld { ModeratorAct::Uphold(answering) } else { ModeratorAct::Dismiss(answering) };
            self.step(&Command::Moderate { request, by, act }, policy, now, &mut appends);
        }
        appends
    }

    /// Decides and applies; whether the frame has its outcome by this.
    fn step(
        &mut self,
        command: &Command,
        policy: &Arc<Policy>,
        now: Timestamp,
        appends: &mut Vec<Vec<streamwarden::events::NewEvent>>,
    ) -> bool {
        let decision = decide(&self.state, Some(policy), now, command).expect("nothing is refused");
        for new in &decision.events {
            let sequence = self.state.sequence.next();
            apply(&mut self.state, Applied { sequence, recorded_at: now, captured_at: new.captured_at }, &new.event);
            // What a person's answer asks for ends at once: the next stop is another.
            if let Event::EnforcementRequested(asked) = &new.event {
                self.state.enforcements.retain(|enforcement| enforcement.id != asked.enforcement);
            }
        }
        if !decision.events.is_empty() {
            appends.push(decision.events);
        }
        decision.next.is_none()
    }
}

fn measure(dir: &Path, frames: u64, frontier: bool) {
    let options = Options::new(dir, Arc::new(SystemClock));
    let opening = Instant::now();
    let journal = Inspection::open(&options).expect("it opens again");
    println!("opened for reading in {:.1?}", opening.elapsed());
    let sealed: Vec<_> = journal.manifest().sealed.iter().map(|entry| dir.join("sealed").join(&entry.file)).collect();
    let store = journal.store_id();
    let set = PolicySet::new(vec![policy(RECORDED)]);
    let tried = proposed([(*policy(ON_TRIAL)).clone()], &set);
    let whole = stretch(&journal, None, None).expect("it can be read");
    let backtest = |threads: usize| {
        let mut question = trying(&set, &tried);
        question.threads = threads;
        let run = laboratory::run(&journal, &question, whole, &|_| None, &Progress::default());
        let found = run.expect("it runs to its end");
        assert_eq!(found.frames, frames, "every frame is gone through");
        found.report(&Prices::listed())
    };
    let mut took: [Vec<Duration>; 4] = Default::default();
    for _ in 0..ROUNDS {
        took[0].push(timed(|| {
            std::hint::black_box(sealed.iter().map(|file| bytes_of(file)).sum::<u64>());
        }));
        took[1].push(timed(|| sealed.iter().for_each(|file| streamed(file, &store))));
        took[2].push(timed(|| drop(backtest(1))));
        took[3].push(timed(|| drop(backtest(2))));
    }
    let [bytes, streamed, one, two] = took.map(median);
    println!("{:44} {:>9} {:>12} {:>10}", "", "seconds", "frames/s", "to hashed");
    for (what, took) in [
        ("the sealed files' bytes alone", bytes),
        ("the same, decompressed and hash-checked", streamed),
        ("backtest, one thread beside the reader", one),
        ("backtest, two threads beside the reader", two),
    ] {
        let seconds = took.as_secs_f64();
        let ratio = seconds / streamed.as_secs_f64();
        println!("{what:44} {seconds:>9.2} {:>12.0} {ratio:>10.2}", frames as f64 / seconds);
    }
    let report = backtest(2);
    println!(
        "judged {}, {} warnings recorded, {} proposed, {} gained, {} lost, recall {:?}‰",
        report.judged,
        report.total.recorded.warnings,
        report.total.proposed.warnings,
        report.gained.count,
        report.lost.count,
        report.truth.recall_permille
    );
    if frontier {
        let mut asked = asked(&set, &tried[0], DetectionsOf::UpheldWarnings);
        asked.question.threads = 2;
        let took = timed(|| {
            let run = laboratory::run(&journal, &asked.question, whole, &|_| None, &Progress::default());
            assert_eq!(run.expect("it runs to its end").frames, frames);
        });
        println!("frontier, {} cadences in one pass: {:.1} s", asked.question.proposals.len(), took.as_secs_f64());
    }
}

fn bytes_of(file: &Path) -> u64 {
    let mut file = File::open(file).expect("it is there");
    let (mut piece, mut bytes) = (vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut piece).expect("it can be read") {
            0 => return bytes,
            read => bytes += read as u64,
        }
    }
}

fn streamed(file: &Path, store: &[u8; 16]) {
    let segment = Segment::open(file, store).expect("it is sound");
    let mut bytes = 0;
    let each = |record: streamwarden::journal::Record<'_>| {
        bytes += record.bytes.len();
        Ok::<_, SealedError>(())
    };
    segment.stream(each).expect("it is sound");
    std::hint::black_box(bytes);
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}
