//! SNS as a destination: a notice to whoever is on duty.

use std::collections::BTreeSet;

use super::{Destination, Letter, Sending, SettingsError, check_bounds, check_types};
use crate::aws::sns::{Notice, Sns};
use crate::aws::{Class, Crowded, Failure, Turns};
use crate::events::{Event, EventType, EventView, Recorded};
use crate::model::{OnUnavailable, Scope};

/// Calls that may wait for their turn.
const WAITING_MAX: usize = 16;
/// The most characters of a subject; SNS takes less than 100.
const SUBJECT_CHARS_MAX: usize = 99;
/// The most bytes of a notice that any topic takes.
const NOTICE_BYTES_MAX: usize = 256 * 1024;

/// What notices are given of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeSettings {
    /// The topic's ARN.
    pub topic: String,
    /// Types of events.
    pub types: Vec<EventType>,
    /// Calls to Publish in a second, 1 to 1000.
    pub calls_per_second: u32,
}

impl NoticeSettings {
    /// What a person should see to, to that topic: questions, and what did not work.
    pub fn to(topic: impl Into<String>) -> Self {
        let types = vec![
            EventType::WarningRaised,
            EventType::WarningEscalated,
            EventType::WarningLapsed,
            EventType::EnforcementHeld,
            EventType::EnforcementFailed,
            EventType::ChannelUnwatched,
            EventType::ChannelQuarantined,
            EventType::SegmentsUnjudged,
        ];
        Self { topic: topic.into(), types, calls_per_second: 50 }
    }
}

/// Notices to a topic.
pub struct Notices {
    sns: Sns,
    topic: String,
    types: BTreeSet<EventType>,
    turns: Turns,
}

impl Notices {
    /// Notices, with what they are given of.
    pub fn new(sns: Sns, settings: &NoticeSettings) -> Result<Self, SettingsError> {
        check_types(&settings.types)?;
        check_bounds("calls_per_second", settings.calls_per_second, 1, 1000)?;
        let turns = Turns::new(settings.calls_per_second, WAITING_MAX);
        let types = settings.types.iter().copied().collect();
        Ok(Self { sns, topic: settings.topic.clone(), types, turns })
    }
}

impl Destination for Notices {
    type Letter = Notice;

    fn name(&self) -> &'static str {
        "notices"
    }

    fn letters_max(&self) -> usize {
        1
    }

    fn bytes_max(&self) -> usize {
        NOTICE_BYTES_MAX
    }

    fn letter(&self, event: &Recorded) -> Option<Notice> {
        let known = EventType::from_name(&event.envelope.event_type)?;
        if !self.types.contains(&known) && !pages(event) {
            return None;
        }
        let mut attributes = vec![("type", known.name().to_owned())];
        let urgent = if pages(event) { "PAGE: " } else { "" };
        let mut subject = format!("{urgent}Streamwarden: {}", known.name());
        if let Scope::Channel(channel) = &event.envelope.scope {
            attributes.push(("channel", channel.as_str().to_owned()));
            let short = channel.as_str().rsplit('/').next().unwrap_or_default();
            subject.push_str(&format!(" on {short}")); // ids are ASCII
            subject.truncate(SUBJECT_CHARS_MAX);
        }
        let message = serde_json::to_string(&EventView::from(event.clone())).ok()?;
        Some(Notice { subject, message, attributes })
    }

    fn send(&self, letters: Vec<Notice>) -> Sending<'_> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(letters.len());
            for letter in &letters {
                self.turns.take().await.map_err(|crowded: Crowded| Failure {
                    operation: "Publish",
                    class: Class::Throttled,
                    code: None,
                    said: crowded.to_string(),
                })?;
                answers.push(self.sns.publish(&self.topic, letter).await);
            }
            Ok(answers)
        })
    }
}

/// Whether the event is what a policy pages for, of which whoever is on duty is told whatever else they are told.
fn pages(event: &Recorded) -> bool {
    event.envelope.event_type == EventType::WarningRaised.name()
        && matches!(event.event(), Ok(Event::WarningRaised(raised)) if raised.unavailable == Some(OnUnavailable::Page))
}

impl Letter for Notice {
    fn bytes(&self) -> usize {
        let attributes: usize = self.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.subject.len() + self.message.len() + attributes
    }
}
