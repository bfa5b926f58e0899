//! The real house over a data directory, as often as a test wants one.

use std::sync::Arc;
use std::time::Duration;

use streamwarden::actors::{ProviderChoice, Settings};
use streamwarden::clock::SystemClock;
use streamwarden::control::StreamControl;
use streamwarden::events::{EnforcementKind, Event, Recorded};
use streamwarden::house::{Ground, House};
use streamwarden::journal::{Journal, READ_LIMIT_MAX};
use streamwarden::model::{ChannelId, EnforcementId, EventId, ModeratorId, Position, SessionId, Timestamp};
use streamwarden::warden::enforcement::BudgetLimits;
use streamwarden::warden::{Command, ModeratorAct};
use tempfile::TempDir;

use crate::standins::{ACCOUNT, REGION};

/// How long a test waits for what must come. Long, because machines are busy; nothing is asserted about time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The channel that the stand-in calls so.
pub fn channel(name: &str) -> ChannelId {
    ChannelId::new(format!("arn:aws:ivs:{REGION}:{ACCOUNT}:channel/{name}")).unwrap()
}

/// A session's id as IVS forms them: 26 characters.
pub fn session(name: &str) -> SessionId {
    SessionId::new(format!("st-{name:0>23}")).unwrap()
}

/// A directory that outlives the houses over it.
pub struct Premises(TempDir);

impl Premises {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The data directory.
    pub fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    /// Opens the house. In an actix system.
    pub async fn open(&self, control: Arc<dyn StreamControl>) -> Live {
        let dir = self.0.path().to_owned();
        let ground = tokio::task::spawn_blocking(move || Ground::open(&dir).unwrap()).await.unwrap();
        let settings = Settings { arbiters: 1, ..Settings::default() };
        let clock = Arc::new(SystemClock);
        let house = ground.start(clock, ProviderChoice::default(), control, BudgetLimits::default(), settings);
        Live { house }
    }
}

/// A house.
pub struct Live {
    pub house: House,
}

impl Live {
    pub fn journal(&self) -> Arc<dyn Journal> {
        self.house.journal.clone()
    }

    /// A broadcast begins, says the platform.
    pub async fn starts(&self, channel: &ChannelId, session: &SessionId) {
        let start = Command::StartSession { session: session.clone(), at: Timestamp::from_millis(1_700_000_000_000) };
        self.house.wardens.command(channel, start).await.unwrap();
    }

    /// A person wants something done to the stream.
    pub async fn asks(&self, channel: &ChannelId, kind: EnforcementKind, of: Option<&SessionId>) -> EnforcementId {
        let request = EventId::of_command("test", &[channel.as_str().as_bytes(), format!("{kind:?}").as_bytes()]);
        let by = ModeratorId::new("ann").unwrap();
        let act = ModeratorAct::Enforce { kind, session: of.cloned(), reason: None };
        let events = self.house.wardens.command(channel, Command::Moderate { request, by, act }).await.unwrap();
        let requested = self.events().into_iter().filter(|recorded| events.contains(&recorded.envelope.id));
        let mut asked = requested.filter_map(|recorded| match recorded.event().unwrap() {
            Event::EnforcementRequested(asked) => Some(asked.enforcement),
            _ => None,
        });
        asked.next().unwrap()
    }

    /// Everything in the journal.
    pub fn events(&self) -> Vec<Recorded> {
        let mut events: Vec<Recorded> = Vec::new();
        loop {
            let after = events.last().map_or(Position(0), |last| last.envelope.position);
            let page = self.house.journal.read(after, READ_LIMIT_MAX).unwrap();
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }

    /// How the enforcement ended, when it has.
    pub async fn end_of(&self, id: EnforcementId) -> Event {
        let ended = |event: &Event| match event {
            Event::EnforcementVerified(end) => end.enforcement == id,
            Event::EnforcementNotNeeded(end) => end.enforcement == id,
            Event::EnforcementSuperseded(end) => end.enforcement == id,
            Event::EnforcementFailed(end) => end.enforcement == id,
            Event::EnforcementCancelled(end) => end.enforcement == id,
            _ => false,
        };
        let end = self.until("the enforcement ends", ended).await;
        let ends = self.events().iter().filter(|recorded| ended(&recorded.event().unwrap())).count();
        assert_eq!(ends, 1, "an enforcement has one end");
        end
    }

    /// Waits for an event.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        let mut watermark = self.house.journal.watermark();
        let waiting = async {
            loop {
                watermark.borrow_and_update();
                let found = self.events().iter().map(|recorded| recorded.event().unwrap()).find(&wanted);
                if let Some(event) = found {
                    return event;
                }
                watermark.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| {
            let told: Vec<_> = self.events().iter().map(|recorded| recorded.event().unwrap()).collect();
            panic!("{what}: it did not; what happened: {told:#?}")
        })
    }

    /// Closes; when it returns the directory can be opened again.
    pub async fn close(self) {
        let journal = Arc::downgrade(&self.house.journal);
        self.house.close().await;
        let let_go = async {
            while journal.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, let_go).await.expect("nobody holds on to the journal");
    }
}
