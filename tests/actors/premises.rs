//! A data directory that outlives the processes in it, and one such process: journal, policies, wardens, reactor.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use streamwarden::actors::{
    CommandError, EnforcementReactor, Evidence, Objects, OfferError, Outcome, Parts, PolicyDesk, ProviderChoice,
    Settings, Wardens,
};
use streamwarden::cli::event_text::one_line;
use streamwarden::clock::ManualClock;
use streamwarden::events::{Actor, Event, Recorded};
use streamwarden::imaging::{Algorithm, Imaging, Limits};
use streamwarden::journal::snapshots::Snapshots;
use streamwarden::journal::{
    Append, AppendError, Appended, Journal, Options, READ_LIMIT_MAX, ReadError, SledJournal, Ticket, content,
};
use streamwarden::model::{
    ChannelId, ConsumerName, EventId, Fingerprint, Frame, FrameId, FrameOrigin, Mark, MarkName, PolicyRef, Position,
    Scope, Sequence, SessionId, Timestamp,
};
use streamwarden::providers::Provider;
use streamwarden::warden::enforcement::BudgetLimits;
use streamwarden::warden::{ChannelState, Command, replay};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::scripted::{PATIENCE, ScriptedPlatform, ScriptedProvider};

/// When every test begins.
pub const T0: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Watches every channel, each second, whatever the frames look like.
pub const POLICY: &str = r#"
policy: test
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 1s, max_age: 24h }
similarity: off
rules:
  - { id: alcohol, categories: [Alcohol], confidence: 80, action: warn }
  - { id: weapons, categories: [Violence/Weapons], confidence: 80, action: stop, approval: none, severity: 5 }
  - { id: explicit, categories: [Explicit], confidence: 80, action: suspend, approval: none, severity: 4 }
"#;

/// A directory, and the clock on its wall.
pub struct Premises {
    dir: TempDir,
    pub clock: Arc<ManualClock>,
}

/// What a process is started with.
pub struct Setup {
    pub provider: Arc<ScriptedProvider>,
    /// Those whom only a policy names.
    pub others: Vec<Arc<dyn Provider>>,
    pub platform: Option<Arc<ScriptedPlatform>>,
    pub limits: BudgetLimits,
    pub settings: Settings,
    /// Where frames in buckets are fetched.
    pub objects: Option<Arc<dyn Objects>>,
    pub policy: &'static str,
    /// Bytes that must stay free on the disk.
    pub reserve_bytes: u64,
}

impl Default for Setup {
    fn default() -> Self {
        // Pictures are kept beside what happens; a test that is not about them need not wait for the disk.
        let settings = Settings { frame_deadline: PATIENCE, evidence: Evidence::None, ..Settings::default() };
        let limits = BudgetLimits { per_minute: 100, per_rule_per_minute: 100, live_share_milli: 100_000 };
        let provider = ScriptedProvider::new();
        let (others, platform, objects) = (Vec::new(), None, None);
        Self { provider, others, platform, limits, settings, objects, policy: POLICY, reserve_bytes: 0 }
    }
}

/// A process on the premises, while it lives.
pub struct Live {
    pub wardens: Wardens,
    pub journal: Arc<Held>,
    pub clock: Arc<ManualClock>,
    pub content: Arc<content::Store>,
    /// What the wardens run with.
    pub parts: Parts,
    desk: RefCell<Option<PolicyDesk>>,
    reactor: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl Premises {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory"), clock: Arc::new(ManualClock::at(T0)) }
    }

    /// Starts a process, lets the story happen in it, and ends it as abruptly as a thread can be ended: nothing that
    /// is under way is waited for. A story that wants an orderly end asks for it.
    pub fn live<T>(&self, setup: &Setup, story: impl AsyncFnOnce(&Live) -> T) -> T {
        let clock = self.clock.clone();
        let options = Options {
            reserve_bytes: setup.reserve_bytes,
            cache_bytes: 8 << 20,
            ..Options::new(self.dir.path(), clock.clone())
        };
        let sled = Arc::new(SledJournal::open(options).expect("the journal opens"));
        let snapshots = Snapshots::open(&self.dir.path().join("derived"), sled.store_id()).expect("snapshots open");
        let (journal, gone) = Held::new(sled);
        let content = content::Store::open(&self.dir.path().join("content"), &self.dir.path().join("keys"));
        let content = Arc::new(content.expect("the content store opens"));
        let mut desk = PolicyDesk::open(journal.clone(), content.clone()).expect("the policies are read");
        if setup.reserve_bytes == 0 {
            desk.publish("test.yaml", setup.policy, &Actor::service("test"), None).expect("the policy is sound");
        }
        let provider: Arc<dyn Provider> = setup.provider.clone();
        let parts = Parts {
            journal: journal.clone(),
            content: Some(content.clone()),
            snapshots: Some(Arc::new(snapshots)),
            clock: clock.clone(),
            wall: clock.clone(),
            policies: desk.subscribe(),
            providers: ProviderChoice {
                default: Some(provider),
                others: setup.others.clone(),
                ..ProviderChoice::default()
            },
            objects: setup.objects.clone(),
            copies: None,
            imaging: Arc::new(Imaging::new(Limits::default(), Algorithm::MedianDct)),
            settings: setup.settings,
        };
        let runner = actix::System::new();
        let told = runner.block_on(async {
            let wardens = Wardens::start(&parts);
            let reactor = setup.platform.clone().map(|platform| {
                let (stop, stopped) = watch::channel(false);
                let snapshots = parts.snapshots.clone();
                let reactor =
                    EnforcementReactor::new(journal.clone(), snapshots, wardens.clone(), platform, setup.limits);
                let running = async move { reactor.run(stopped).await.expect("the reactor does not break") };
                (stop, tokio::spawn(running))
            });
            let live = Live { wardens, journal, clock, content, parts, desk: RefCell::new(Some(desk)), reactor };
            story(&live).await
        });
        actix::System::current().stop();
        runner.run().expect("the system stops");
        // Arbiters end on their own threads; the directory is free when the last of them has let the journal go.
        let freed = gone.recv_timeout(PATIENCE);
        assert_eq!(freed, Err(mpsc::RecvTimeoutError::Disconnected), "somebody still holds the journal");
        told
    }
}

impl Live {
    /// Offers a frame beside the story.
    pub fn offered(&self, frame: &Frame) -> JoinHandle<Result<Outcome, OfferError>> {
        let (wardens, frame) = (self.wardens.clone(), frame.clone());
        tokio::task::spawn_local(async move { wardens.offer(frame).await })
    }

    /// Tells a channel's warden something, beside the story.
    pub fn ordered(&self, channel: &ChannelId, command: Command) -> JoinHandle<Result<Vec<EventId>, CommandError>> {
        let (wardens, channel) = (self.wardens.clone(), channel.clone());
        tokio::task::spawn_local(async move { wardens.command(&channel, command).await })
    }

    /// Offers a frame and waits for its outcome.
    pub async fn offer(&self, frame: &Frame) -> Outcome {
        outcome(self.offered(frame)).await
    }

    /// A broadcast begins.
    pub async fn start(&self, channel: &ChannelId, session: &SessionId) {
        let command = Command::StartSession { session: session.clone(), at: T0 };
        self.wardens.command(channel, command).await.expect("the session starts");
    }

    pub async fn publish(&self, text: &'static str) -> Vec<PolicyRef> {
        let mut desk = self.desk.take().expect("one at a time");
        let by = Actor::service("test");
        let publishing = move || (desk.publish("test.yaml", text, &by, None).expect("the policy is sound"), desk);
        let (published, desk) = tokio::task::spawn_blocking(publishing).await.expect("publishing does not break");
        self.desk.replace(Some(desk));
        published
    }

    /// What a channel's warden holds now.
    pub async fn state(&self, channel: &ChannelId) -> ChannelState {
        self.wardens.inspect(channel).await.expect("the warden shows its state")
    }

    /// What a channel's events say its state is.
    pub fn replayed(&self, channel: &ChannelId) -> ChannelState {
        let events = self.events().into_iter().filter(|recorded| recorded.envelope.scope.channel() == Some(channel));
        replay(ChannelState::new(channel.clone()), &events.collect::<Vec<_>>()).expect("every event is known")
    }

    /// Every durable event.
    pub fn events(&self) -> Vec<Recorded> {
        events(&*self.journal)
    }

    /// Every durable event of a channel, decoded.
    pub fn of(&self, channel: &ChannelId) -> Vec<Event> {
        let events = self.events().into_iter().filter(|recorded| recorded.envelope.scope.channel() == Some(channel));
        events.map(|recorded| recorded.event().expect("every event is known")).collect()
    }

    /// Waits until the journal holds an event of the channel that `pick` picks.
    pub async fn until<T>(&self, channel: &ChannelId, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        let mut watermark = self.journal.watermark();
        let looking = async {
            loop {
                watermark.borrow_and_update();
                if let Some(found) = self.of(channel).iter().find_map(&pick) {
                    return found;
                }
                watermark.changed().await.expect("the journal lives");
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("{what}: not in\n{}", self.told()))
    }

    /// Whether an event is durable now.
    pub fn journal_holds(&self, id: EventId) -> bool {
        self.journal.find(id).expect("the journal can be read").is_some()
    }

    /// The journal, for a message.
    pub fn told(&self) -> String {
        self.events().iter().map(|recorded| one_line(recorded) + "\n").collect()
    }

    /// Invariant I1: each of these frames has exactly one outcome, and no other frame has any.
    pub fn assert_one_outcome_each<'a>(&self, frames: impl IntoIterator<Item = &'a Frame>) {
        let mut outcomes: BTreeMap<FrameId, usize> = frames.into_iter().map(|frame| (frame.id, 0)).collect();
        for event in self.events().iter().map(|recorded| recorded.event().expect("every event is known")) {
            if let Some(frame) = outcome_of(&event) {
                *outcomes.entry(frame).or_default() += 1;
            }
        }
        outcomes.retain(|_, count| *count != 1);
        assert!(outcomes.is_empty(), "frames without exactly one outcome: {outcomes:?} in\n{}", self.told());
    }

    /// Ends the process in order.
    pub async fn close(&self) {
        self.wardens.shutdown().await;
        if let Some((stop, _)) = &self.reactor {
            stop.send_replace(true);
        }
    }
}

/// The outcome of an offer that must come to one.
pub async fn outcome(offered: JoinHandle<Result<Outcome, OfferError>>) -> Outcome {
    let offered = tokio::time::timeout(PATIENCE, offered).await.expect("the frame comes to its outcome in time");
    offered.expect("the offer does not break").expect("the frame is accepted")
}

/// The frame that an event is the outcome of.
pub fn outcome_of(event: &Event) -> Option<FrameId> {
    match event {
        Event::FrameSkipped(outcome) => Some(outcome.frame),
        Event::FrameAssessed(outcome) => Some(outcome.frame),
        Event::FrameFailed(outcome) => Some(outcome.frame),
        _ => None,
    }
}

pub fn channel(name: &str) -> ChannelId {
    ChannelId::new(name).expect("a sound id")
}

pub fn session(name: &str) -> SessionId {
    SessionId::new(name).expect("a sound id")
}

/// The frame that a channel's only session shows at this second, with this picture.
pub fn frame(channel: &ChannelId, second: u64, picture: &Arc<[u8]>) -> Frame {
    Frame {
        medium: Default::default(),
        channel: channel.clone(),
        session: session("st-1"),
        id: FrameId::of(channel, &[&second.to_be_bytes()]),
        captured_at: T0.plus_ms(second * 1000),
        fingerprint: Fingerprint::of(&[&second.to_be_bytes()]),
        origin: FrameOrigin::Inline(picture.clone()),
    }
}

/// A picture like no other of another seed.
pub fn picture(seed: u8) -> Arc<[u8]> {
    const SIDE: u16 = 64;
    let pixels: Vec<u8> = (0..u32::from(SIDE) * u32::from(SIDE))
        .map(|at| {
            let (x, y) = (at % 64 / 8, at / 64 / 8);
            (x.wrapping_mul(y + 3).wrapping_mul(u32::from(seed) + 7) * 37 % 256) as u8
        })
        .collect();
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    encoder.encode(&pixels, SIDE, SIDE, jpeg_encoder::ColorType::Luma).expect("a picture is encoded");
    file.into()
}

/// Every durable event of a journal.
pub fn events(journal: &dyn Journal) -> Vec<Recorded> {
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let after = events.last().map_or(Position(0), |last| last.envelope.position);
        let page = journal.read(after, READ_LIMIT_MAX).expect("the journal can be read");
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

type Settle = oneshot::Sender<Result<Appended, AppendError>>;

/// The journal on disk as a process holds it: it tells when the process has let it go, and it can be cut off, so that
/// what is appended from then on never reaches it, as when the process dies in that moment.
pub struct Held {
    journal: Arc<SledJournal>,
    cut_off: AtomicBool,
    unreadable: AtomicBool,
    full: AtomicBool,
    hidden: Mutex<Option<Position>>,
    lost: Mutex<Vec<Settle>>,
    lost_count: watch::Sender<usize>,
    _held: mpsc::Sender<()>,
}

impl Held {
    pub fn new(journal: Arc<SledJournal>) -> (Arc<Self>, mpsc::Receiver<()>) {
        let (held, gone) = mpsc::channel();
        let [cut_off, unreadable, full] = [const { AtomicBool::new(false) }; 3];
        let hidden = Mutex::default();
        let (lost, lost_count) = (Mutex::default(), watch::Sender::new(0));
        (Arc::new(Self { journal, cut_off, unreadable, full, hidden, lost, lost_count, _held: held }), gone)
    }

    /// From now on nothing reaches the journal, and nobody hears of it.
    pub fn cut_off(&self) {
        self.cut_off.store(true, Ordering::SeqCst);
    }

    /// Whether the disk gives no events, from now on.
    pub fn set_unreadable(&self, unreadable: bool) {
        self.unreadable.store(unreadable, Ordering::SeqCst);
    }

    /// Whether the disk has no room for events, from now on.
    pub fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// The event there is missing for whoever reads the journal, from now on, as one that was lost.
    pub fn hide(&self, at: Position) {
        *self.hidden.lock().expect("nobody panics holding it") = Some(at);
    }

    /// Waits until an append was lost.
    pub async fn has_lost_one(&self) {
        let mut lost = self.lost_count.subscribe();
        let losing = tokio::time::timeout(PATIENCE, lost.wait_for(|lost| *lost > 0));
        losing.await.expect("something is appended").expect("the journal is held");
    }
}

impl Journal for Held {
    fn append(&self, append: Append) -> Ticket {
        if self.full.load(Ordering::SeqCst) {
            return Ticket::settled(Err(AppendError::NoSpace { free: 0, reserve: 1 }));
        }
        if !self.cut_off.load(Ordering::SeqCst) {
            return self.journal.append(append);
        }
        let (settle, ticket) = Ticket::new();
        self.lost.lock().expect("nobody panics holding it").push(settle);
        self.lost_count.send_modify(|lost| *lost += 1);
        ticket
    }
    fn watermark(&self) -> watch::Receiver<Position> {
        self.journal.watermark()
    }
    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        match self.unreadable.load(Ordering::SeqCst) {
            true => Err(ReadError::Store(Arc::from("the disk does not answer"))),
            false => {
                let hidden = *self.hidden.lock().expect("nobody panics holding it");
                let mut page = self.journal.read(after, limit)?;
                page.retain(|recorded| Some(recorded.envelope.position) != hidden);
                Ok(page)
            }
        }
    }
    fn read_scope(&self, scope: &Scope, after: Sequence, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        match self.unreadable.load(Ordering::SeqCst) {
            true => Err(ReadError::Store(Arc::from("the disk does not answer"))),
            false => self.journal.read_scope(scope, after, limit),
        }
    }
    fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        self.journal.find(id)
    }
    fn may_hold(&self, id: EventId) -> bool {
        self.journal.may_hold(id)
    }
    fn scope_head(&self, scope: &Scope) -> Sequence {
        self.journal.scope_head(scope)
    }
    fn channels(&self, after: Option<&ChannelId>, limit: usize) -> Vec<ChannelId> {
        self.journal.channels(after, limit)
    }
    fn cursor(&self, consumer: &ConsumerName) -> Result<Option<Position>, ReadError> {
        self.journal.cursor(consumer)
    }
    fn save_cursor(&self, consumer: &ConsumerName, position: Position) -> Ticket {
        self.journal.save_cursor(consumer, position)
    }
    fn marks(&self, prefix: &str) -> Vec<(MarkName, Mark)> {
        self.journal.marks(prefix)
    }
    fn save_mark(&self, name: &MarkName, mark: Option<&Mark>) -> Ticket {
        self.journal.save_mark(name, mark)
    }
}
