//! What keeping the views costs with 100,000 channels: folding an event in, what they hold, saving them, and starting
//! from what was saved. Prints a table; asserts only that what is loaded is what was saved.
//!
//! Saving is taken apart as the projector does it: the view is encoded under the lock that the fold waits for, and
//! written without it. `VIEWS_CHANNELS=500000` sets how many channels.

use std::time::{Duration, Instant};

use streamwarden::events::{
    Actor, Event, FrameAssessed, NewEvent, Recorded, SessionStartBecause, SessionStarted, Timings,
};
use streamwarden::journal::snapshots::{Snapshot, Snapshots};
use streamwarden::model::{
    ChannelId, Confidence, Epoch, EventId, Fingerprint, FrameId, HashScheme, ImageFacts, ImageFormat, Label, LabelPath,
    PerceptualHash, PolicyId, PolicyRef, Position, ProviderRef, Scope, Sequence, SessionId, Sha256, SystemScope,
    Timestamp, Verdict,
};
use streamwarden::projections::View;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc; // as in the program

/// Each channel begins a session and shows a frame.
const EVENTS_OF_ONE: u64 = 2;
/// Savings and loadings, of which the median counts.
const ROUNDS: usize = 7;
/// As large as a saved view may be.
const SAVED_BYTES_MAX: usize = 1 << 30;

fn main() {
    let channels = std::env::var("VIEWS_CHANNELS")
        .map_or(100_000, |text| text.parse::<u64>().expect("VIEWS_CHANNELS is a number of channels"));
    let before = rss();
    let (view, folding) = fold(channels);
    row(&format!("{channels} channels: folded, per event"), &micros(folding / (channels * EVENTS_OF_ONE) as u32));
    row("held, resident", &format!("{} MiB", (rss() - before) >> 20));

    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory on the disk that is measured");
    let shelf = Snapshots::open(dir.path(), [7; 16]).and_then(|snapshots| snapshots.shelf("views", SAVED_BYTES_MAX));
    let (shelf, scope) = (shelf.expect("a directory for what is saved"), Scope::System(SystemScope::Store));
    let (mut encoding, mut writing, mut loading, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let mut state = Vec::new();
        ciborium::into_writer(&view, &mut state).expect("a view is CBOR");
        encoding.push(begun.elapsed());
        bytes = state.len();
        let snapshot = Snapshot { sequence: Sequence(0), position: view.position, state };
        let begun = Instant::now();
        shelf.save(&scope, 1, &snapshot).expect("it is saved");
        writing.push(begun.elapsed());
        let begun = Instant::now();
        let loaded = shelf.load(&scope, 1).expect("it is there");
        let loaded: View = ciborium::from_reader(loaded.state.as_slice()).expect("it is a view");
        loading.push(begun.elapsed());
        assert_eq!(loaded.position, view.position);
        assert!(loaded == view, "what is loaded is what was saved");
    }
    row("saved", &format!("{:.1} MB", bytes as f64 / 1e6));
    row("saving: encoded, the fold waits", &millis(median(encoding)));
    row("saving: hashed and written, nobody waits", &millis(median(writing)));
    row("starting: read, checked and decoded", &millis(median(loading)));
}

fn row(what: &str, figure: &str) {
    println!("{what:<44} {figure:>12}");
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}

fn micros(took: Duration) -> String {
    format!("{:.2} µs", took.as_secs_f64() * 1e6)
}

fn millis(took: Duration) -> String {
    format!("{:.0} ms", took.as_secs_f64() * 1e3)
}

/// A view of so many channels, and how long folding it took.
fn fold(channels: u64) -> (View, Duration) {
    let (mut view, mut took, mut position) = (View::default(), Duration::ZERO, Position(0));
    for number in 0..channels {
        let channel = channel(number);
        for (new, sequence) in [started(&channel), assessed(&channel)].into_iter().zip(1..) {
            position = Position(position.0 + 1);
            let (scope, at) = (Scope::Channel(channel.clone()), Timestamp::from_millis(1_772_399_000_000));
            let recorded = Recorded::seal(&new, scope, position, Sequence(sequence), at, Epoch(1)).expect("it fits");
            let begun = Instant::now();
            view.apply(&recorded, &new.event);
            took += begun.elapsed();
        }
    }
    (view, took)
}

fn channel(number: u64) -> ChannelId {
    ChannelId::new(format!("arn:aws:ivs:eu-west-1:123456789012:channel/{number:012}")).expect("a sound name")
}

fn started(channel: &ChannelId) -> NewEvent {
    let started = SessionStarted { session: session(), because: SessionStartBecause::Announced };
    of(EventId::of_command("bench", &[channel.to_string().as_bytes()]), started.into(), Actor::service("bench"))
}

fn assessed(channel: &ChannelId) -> NewEvent {
    let frame = FrameId::of(channel, &[b"1"]);
    let policy = PolicyRef { id: PolicyId::new("default").expect("a sound name"), version: 3 };
    let label =
        Label(LabelPath::new("Alcohol").expect("a sound path"), Confidence::from_milli(55_300).expect("a share"));
    let assessed = FrameAssessed {
        medium: Default::default(),
        segment: None,
        moments: Vec::new(),
        spoken: None,
        frame,
        print: Fingerprint::of(&[b"1"]),
        session: session(),
        image: Some(ImageFacts {
            sha256: Sha256::of(frame.as_bytes()),
            bytes: 61_000,
            width: 1280,
            height: 720,
            format: ImageFormat::Jpeg,
        }),
        object: None,
        hash: Some(PerceptualHash { scheme: HashScheme::MedianDctFromDc, bits: 0x9e37_79b9_7f4a_7c15 }),
        distance: None,
        provider: ProviderRef { name: "rekognition".into(), model: "7.0".into(), taxonomy: "rekognition/7.0".into() },
        arranged: None,
        policy: policy.clone(),
        labels: vec![label],
        answer: None,
        floor: None,
        near: None,
        unmapped: 0,
        content_types: vec![],
        rules: Vec::new(),
        verdict: Verdict::Clear,
        late: false,
        shadow: None,
        took: Timings(12, 3, 240),
    };
    of(EventId::outcome_of(frame), assessed.into(), Actor::Warden(Some(policy)))
}

fn session() -> SessionId {
    SessionId::new("st-1ABCDEFGHIJKLMNOP").expect("a sound name")
}

fn of(id: EventId, event: Event, actor: Actor) -> NewEvent {
    let captured_at = Some(Timestamp::from_millis(1_772_399_000_000));
    NewEvent { id, event, captured_at, actor, causation: None, correlation: None }
}

/// Resident bytes of this process.
fn rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says what a process uses");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it says its size");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}
