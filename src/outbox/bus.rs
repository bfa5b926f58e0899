//! EventBridge as a destination: which events are put, and in which form.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::said::BusLetter;
use super::{Destination, Sending, SettingsError, check_bounds, check_types};
use crate::aws::eventbridge::{BYTES_PER_CALL_MAX, BusEntry, ENTRIES_PER_CALL_MAX, EventBus};
use crate::aws::{Class, Crowded, Failure, Turns};
use crate::consumers::Replayed;
use crate::events::{Envelope, Event, EventType, EventView, Recorded};
use crate::journal::content::Store;
use crate::model::Scope;

/// Who the events are from, as rules name it.
pub const SOURCE: &str = "streamwarden";
const PUT: &str = "PutEvents";
/// Calls that may wait for their turn: those of the live lane and of replays.
const WAITING_MAX: usize = 64;

/// What is put by default: what people and machines decided and did, that nobody looks, and how closely somebody does. Not
/// what became of every single frame; whoever wants that names the types.
pub const DEFAULT_TYPES: &[EventType] = &[
    EventType::SessionStarted,
    EventType::SessionEnded,
    EventType::ChannelWatched,
    EventType::ChannelUnwatched,
    EventType::ChannelQuarantined,
    EventType::SegmentsUnjudged,
    EventType::CadenceChanged,
    EventType::ReputationAdjusted,
    EventType::DecisionReceived,
    EventType::WarningRaised,
    EventType::WarningUpheld,
    EventType::WarningDismissed,
    EventType::WarningAnswerWithdrawn,
    EventType::WarningEscalated,
    EventType::WarningLapsed,
    EventType::WarningOverturned,
    EventType::EnforcementRequested,
    EventType::EnforcementHeld,
    EventType::EnforcementVerified,
    EventType::EnforcementNotNeeded,
    EventType::EnforcementSuperseded,
    EventType::EnforcementFailed,
    EventType::EnforcementCancelled,
    EventType::PolicyPublished,
    EventType::PolicyRetired,
    EventType::PolicyShadowed,
    EventType::PolicyUnshadowed,
    EventType::InputGap,
];

/// What is put on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusSettings {
    /// Types of events that are put.
    pub types: Vec<EventType>,
    /// Calls to PutEvents in a second, 1 to 10,000: what the account grants in the region (400 to 10,000), less what
    /// others of the account put.
    pub calls_per_second: u32,
    /// How much of that replays may take, in percent, 1 to 50.
    pub replay_share_percent: u32,
}

impl Default for BusSettings {
    fn default() -> Self {
        Self { types: DEFAULT_TYPES.to_vec(), calls_per_second: 100, replay_share_percent: 20 }
    }
}

/// A bus that events are put on.
pub struct Bus {
    bus: EventBus,
    types: BTreeSet<EventType>,
    turns: Turns,
    replay_calls_per_second: u32,
    /// Where what was said in segments is kept, if it goes along.
    transcripts: Option<Arc<Store>>,
}

impl Bus {
    /// The bus, with what is put on it.
    pub fn new(bus: EventBus, settings: &BusSettings) -> Result<Self, SettingsError> {
        check_types(&settings.types)?;
        check_bounds("calls_per_second", settings.calls_per_second, 1, 10_000)?;
        check_bounds("replay_share_percent", settings.replay_share_percent, 1, 50)?;
        Ok(Self {
            bus,
            types: settings.types.iter().copied().collect(),
            turns: Turns::new(settings.calls_per_second, WAITING_MAX),
            replay_calls_per_second: settings.calls_per_second * settings.replay_share_percent / 100,
            transcripts: None,
        })
    }

    /// The same, with what was said in a segment beside its event, as it is kept in that store. Nobody takes it back from
    /// a bus.
    pub fn with_transcripts(self, content: Arc<Store>) -> Self {
        Self { transcripts: Some(content), ..self }
    }

    /// Fails if the bus is not there or may not be looked at. To be asked at the start: an event put on a bus that is
    /// not there is lost, and its answer says success.
    pub async fn check(&self) -> Result<(), Failure> {
        self.bus.describe().await
    }

    /// The turns of replays; at least one a second, for a job must come to its end.
    pub(super) fn replay_turns(&self) -> Turns {
        Turns::new(self.replay_calls_per_second, WAITING_MAX)
    }

    /// An event that a replay shows once more: with the replay's id and name in its detail.
    pub(super) fn replayed(&self, event: &Replayed) -> BusLetter {
        let said = self.transcripts.as_ref().and_then(|_| event.transcript());
        BusLetter::with_words(entry(event.envelope(), serde_json::to_string(event)), said)
    }

    /// No turn is as good as a throttled call.
    pub(super) fn crowded() -> Failure {
        let (operation, class, said) = (PUT, Class::Throttled, Crowded.to_string());
        Failure { operation, class, code: None, said }
    }

    /// What is put in one call, with the words that go along.
    async fn entries(&self, letters: Vec<BusLetter>) -> Vec<BusEntry> {
        let mut entries = Vec::with_capacity(letters.len());
        for letter in letters {
            entries.push(match &self.transcripts {
                Some(content) => letter.into_entry(content.clone()).await,
                None => letter.into_bare(),
            });
        }
        entries
    }
}

impl Destination for Bus {
    type Letter = BusLetter;

    fn name(&self) -> &'static str {
        "eventbridge"
    }

    fn letters_max(&self) -> usize {
        ENTRIES_PER_CALL_MAX
    }

    fn bytes_max(&self) -> usize {
        BYTES_PER_CALL_MAX
    }

    fn letter(&self, event: &Recorded) -> Option<BusLetter> {
        let known = EventType::from_name(&event.envelope.event_type)?;
        if !self.types.contains(&known) {
            return None;
        }
        let view = EventView::from(event.clone());
        let said = self.transcripts.as_ref().and_then(|_| view.event().and_then(Event::transcript).cloned());
        Some(BusLetter::with_words(entry(&event.envelope, serde_json::to_string(&view)), said))
    }

    fn send(&self, letters: Vec<BusLetter>) -> Sending<'_> {
        Box::pin(async move {
            self.turns.take().await.map_err(|Crowded| Self::crowded())?;
            self.bus.put(&self.entries(letters).await).await
        })
    }
}

fn entry(envelope: &Envelope, detail: serde_json::Result<String>) -> BusEntry {
    let resources = match &envelope.scope {
        Scope::Channel(channel) if channel.as_str().starts_with("arn:") => vec![channel.as_str().to_owned()],
        Scope::Channel(_) | Scope::System(_) => Vec::new(),
    };
    BusEntry {
        time: envelope.recorded_at,
        source: SOURCE,
        detail_type: envelope.event_type.clone(),
        detail: detail.expect("an event's picture is JSON: its keys are text and it has no other numbers than JSON's"),
        resources,
        confidential: false,
    }
}
