//! The projector: what is written can be read, a restart shows the same, and what cannot be understood stops it loudly.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use streamwarden::actors::{Behind, Projector, ProjectorError, Views};
use streamwarden::clock::ManualClock;
use streamwarden::events::{Actor, Event, NewEvent, Recorded, SessionEndBecause, SessionEnded};
use streamwarden::events::{SessionStartBecause, SessionStarted};
use streamwarden::journal::snapshots::Snapshots;
use streamwarden::journal::{
    Append, Appended, Expected, Journal, Options, READ_LIMIT_MAX, ReadError, SledJournal, Ticket,
};
use streamwarden::model::{ChannelId, ConsumerName, EventId, Mark, MarkName, Position, Scope, Sequence};
use streamwarden::projections::View;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::premises::{T0, channel, session};
use crate::scripted::PATIENCE;

/// The journal on disk, of which one event can be made one that this program does not know.
struct Shown {
    journal: SledJournal,
    unknown: AtomicU64,
}

impl Journal for Shown {
    fn append(&self, append: Append) -> Ticket {
        self.journal.append(append)
    }
    fn watermark(&self) -> watch::Receiver<Position> {
        self.journal.watermark()
    }
    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let mut page = self.journal.read(after, limit)?;
        for recorded in &mut page {
            if recorded.envelope.position.0 == self.unknown.load(Ordering::SeqCst) {
                recorded.envelope.event_type = "FrameForgotten".to_owned();
            }
        }
        Ok(page)
    }
    fn read_scope(&self, scope: &Scope, after: Sequence, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.journal.read_scope(scope, after, limit)
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

/// A projector at work.
struct Running {
    journal: Arc<Shown>,
    views: Views,
    stop: watch::Sender<bool>,
    ended: JoinHandle<Result<(), ProjectorError>>,
}

impl Running {
    async fn start(directory: &Path) -> Self {
        let directory = directory.to_owned();
        let opening = move || {
            let options = Options { cache_bytes: 8 << 20, ..Options::new(&directory, Arc::new(ManualClock::at(T0))) };
            let journal = SledJournal::open(options).expect("the journal opens");
            let snapshots = Snapshots::open(&directory.join("derived"), journal.store_id()).expect("snapshots open");
            let journal = Arc::new(Shown { journal, unknown: AtomicU64::new(0) });
            let (projector, views) = Projector::new(journal.clone(), Some(&snapshots));
            (journal, projector, views)
        };
        let (journal, projector, views) = tokio::task::spawn_blocking(opening).await.expect("opening does not panic");
        let (stop, stopped) = watch::channel(false);
        Self { journal, views, stop, ended: tokio::spawn(projector.run(stopped)) }
    }

    /// Appends one event of a channel and gives its position when it is durable.
    async fn append(&self, name: &str, number: u64, event: impl Into<Event>) -> Position {
        let new = NewEvent {
            id: EventId::of_command("test", &[name.as_bytes(), &number.to_be_bytes()]),
            event: event.into(),
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        };
        let scope = Scope::Channel(channel(name));
        let ticket = self.journal.append(Append { scope, expected: Expected::Any, events: vec![new] });
        match ticket.durable().await.expect("the journal takes it") {
            Appended::New { first, .. } | Appended::Repeated { first } => first,
        }
    }

    async fn begins(&self, name: &str, number: u64) -> Position {
        let began = SessionStarted { session: session("st-1"), because: SessionStartBecause::Announced };
        self.append(name, number, began).await
    }

    async fn stop(self) -> Result<(), ProjectorError> {
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(PATIENCE, self.ended).await.expect("it stops in time");
        let journal = self.journal;
        tokio::task::spawn_blocking(move || journal.journal.close()).await.expect("closing does not panic");
        ended.expect("it does not break")
    }
}

fn live(view: &View, name: &str) -> Option<bool> {
    view.channels.get(&channel(name)).map(|channel| channel.is_live())
}

/// The whole journal folded at once, without any projector.
fn folded(journal: &dyn Journal) -> View {
    let mut view = View::default();
    loop {
        let page = journal.read(view.position, READ_LIMIT_MAX).expect("the journal can be read");
        if page.is_empty() {
            return view;
        }
        for recorded in &page {
            view.apply(recorded, &recorded.event().expect("a known event"));
        }
    }
}

#[actix_rt::test]
async fn what_is_durable_can_be_read_once_its_position_is_reached() {
    let directory = tempfile::tempdir().expect("a directory");
    let running = Running::start(directory.path()).await;
    assert_eq!(running.views.read(|view| live(view, "a")), None);
    for number in 0..50 {
        let name = format!("c{number}");
        let position = running.begins(&name, 1).await;
        running.views.reached(position, PATIENCE).await.expect("the views come to it");
        assert_eq!(running.views.read(|view| live(view, &name)), Some(true));
        assert!(running.views.is_caught_up());
    }
    let never = Position(running.views.position().borrow().0 + 1);
    let waited = running.views.reached(never, std::time::Duration::ZERO).await;
    assert_eq!(waited, Err(Behind::NotYet { at: Position(never.0 - 1), wanted: never }));
    running.stop().await.expect("nothing went wrong");
}

#[actix_rt::test]
async fn a_restart_shows_what_folding_everything_shows() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = Running::start(directory.path()).await;
    for number in 0..30 {
        first.begins(&format!("c{number}"), 1).await;
    }
    let last = *first.journal.watermark().borrow();
    first.views.reached(last, PATIENCE).await.expect("the views come to it");
    first.stop().await.expect("nothing went wrong");

    let second = Running::start(directory.path()).await;
    let saved = *second.views.position().borrow();
    assert!(saved >= last, "it began with the saved view, at {saved}");
    let over = SessionEnded { session: session("st-1"), because: SessionEndBecause::Announced };
    let position = second.append("c7", 2, over).await;
    second.views.reached(position, PATIENCE).await.expect("the views come to it");
    assert_eq!(second.views.read(|view| (live(view, "c7"), live(view, "c8"))), (Some(false), Some(true)));
    let whole = folded(&*second.journal);
    assert_eq!(second.views.read(View::clone), whole);
    second.stop().await.expect("nothing went wrong");

    // Without what was saved: read from the first event, shown the same.
    std::fs::remove_dir_all(directory.path().join("derived")).expect("derived states may be deleted");
    let third = Running::start(directory.path()).await;
    let head = *third.journal.watermark().borrow();
    third.views.reached(head, PATIENCE).await.expect("the views come to it");
    let whole = folded(&*third.journal);
    assert_eq!(third.views.read(View::clone), whole);
    third.stop().await.expect("nothing went wrong");
}

#[actix_rt::test]
async fn an_event_that_cannot_be_understood_stops_the_views_and_they_say_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let running = Running::start(directory.path()).await;
    let known = running.begins("a", 1).await;
    running.views.reached(known, PATIENCE).await.expect("the views come to it");
    running.journal.unknown.store(known.0 + 1, Ordering::SeqCst);
    let unknown = running.begins("b", 1).await;
    assert_eq!(unknown.0, known.0 + 1);
    let waited = running.views.reached(unknown, PATIENCE).await;
    let Err(Behind::Stopped { at, reason }) = waited else { panic!("it went on: {waited:?}") };
    assert_eq!(at, known, "what came before is folded");
    assert!(reason.contains("FrameForgotten"), "{reason}");
    assert!(!running.views.is_caught_up());
    assert_eq!(running.views.read(|view| (live(view, "a"), live(view, "b"))), (Some(true), None));
    assert!(matches!(running.stop().await, Err(ProjectorError::Codec { at, .. }) if at == unknown));
}
