//! Measurements of this process: one registry, typed handles, names beginning with `streamwarden_` and ending with
//! their unit.
//!
//! What a label may say is fixed here or by the program (outcomes, operations, providers); only the ids of
//! policies and shards come from outside, and of them a bounded number. Never a channel, a session, a person. Counters begin at zero with the
//! process; what must outlive it is in the journal.

mod classes;
mod content;
mod enforcement;
mod frames;
mod held;
mod journal;
mod notifications;
mod outbox;
mod providers;
mod readers;
mod requests;
mod shadows;
mod shards;
mod warnings;

use std::sync::LazyLock;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

pub use content::ContentMetrics;
pub use enforcement::EnforcementMetrics;
pub use frames::{FrameMetrics, Mailbox, Unwatched};
pub use held::Held;
pub use journal::JournalMetrics;
pub use notifications::NotificationMetrics;
pub use outbox::OutboxMetrics;
pub use providers::ProviderMetrics;
pub use readers::ReaderMetrics;
pub use requests::RequestMetrics;
pub use shadows::ShadowMetrics;
pub use shards::{Lag, ShardMetrics};
pub use warnings::WarningMetrics;

use crate::events::Event;

/// Media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Labels as they are written: name and value.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// A histogram for each set of labels.
type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// Everything that is measured.
pub struct Metrics {
    registry: Registry,
    /// Frames, wardens and whether channels are watched.
    pub frames: FrameMetrics,
    /// Questions to moderators.
    pub warnings: WarningMetrics,
    /// Policies in shadow.
    pub shadows: ShadowMetrics,
    /// Acts on streams.
    pub enforcement: EnforcementMetrics,
    /// Those who label images.
    pub providers: ProviderMetrics,
    /// Appending and syncing.
    pub journal: JournalMetrics,
    /// What arrives from outside.
    pub notifications: NotificationMetrics,
    /// The content store.
    pub content: ContentMetrics,
    /// Those who follow the journal.
    pub readers: ReaderMetrics,
    /// Reading a stream's shards.
    pub shards: ShardMetrics,
    /// What leaves on our own account.
    pub outbox: OutboxMetrics,
    /// HTTP.
    pub requests: RequestMetrics,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// The measurements of this process.
pub fn metrics() -> &'static Metrics {
    &METRICS
}

impl Metrics {
    fn new() -> Self {
        let mut registry = Registry::with_prefix("streamwarden");
        Self {
            frames: FrameMetrics::register(&mut registry),
            warnings: WarningMetrics::register(&mut registry),
            shadows: ShadowMetrics::register(&mut registry),
            enforcement: EnforcementMetrics::register(&mut registry),
            providers: ProviderMetrics::register(&mut registry),
            journal: JournalMetrics::register(&mut registry),
            notifications: NotificationMetrics::register(&mut registry),
            content: ContentMetrics::register(&mut registry),
            readers: ReaderMetrics::register(&mut registry),
            shards: ShardMetrics::register(&mut registry),
            outbox: OutboxMetrics::register(&mut registry),
            requests: RequestMetrics::register(&mut registry),
            registry,
        }
    }

    /// Counts the events of a channel that this process made durable in one append.
    pub fn recorded<'a>(&self, together: impl Iterator<Item = &'a Event> + Clone) {
        self.shadows.recorded(together.clone());
        together.for_each(|event| self.count(event));
    }

    fn count(&self, event: &Event) {
        match event {
            Event::FrameAssessed(_) | Event::FrameSkipped(_) | Event::FrameFailed(_) => self.frames.ended(event),
            Event::SegmentsUnjudged(unjudged) => self.frames.segments_unjudged(unjudged),
            Event::WarningRaised(raised) => self.warnings.raised(raised.severity),
            Event::WarningUpheld(_) => self.warnings.answered("upheld"),
            Event::WarningDismissed(_) => self.warnings.answered("dismissed"),
            Event::WarningAnswerWithdrawn(_) => self.warnings.answered("withdrawn"),
            Event::WarningLapsed(_) => self.warnings.answered("lapsed"),
            Event::WarningOverturned(_) => self.warnings.answered("overturned"),
            Event::EnforcementRequested(request) => self.enforcement.requested(request),
            Event::EnforcementHeld(_) => self.enforcement.held(),
            Event::EnforcementVerified(verified) => self.enforcement.verified(verified),
            Event::EnforcementNotNeeded(_) => self.enforcement.ended("not_needed"),
            Event::EnforcementSuperseded(_) => self.enforcement.ended("superseded"),
            Event::EnforcementFailed(_) => self.enforcement.ended("failed"),
            Event::EnforcementCancelled(_) => self.enforcement.ended("cancelled"),
            Event::SessionStarted(_)
            | Event::SessionEnded(_)
            | Event::FrameConflict(_)
            | Event::ShadowVerdict(_)
            | Event::OpinionGiven(_)
            | Event::DecisionReceived(_)
            | Event::ChannelWatched(_)
            | Event::ChannelUnwatched(_)
            | Event::ChannelQuarantined(_)
            | Event::CadenceChanged(_)
            | Event::ReputationAdjusted(_)
            | Event::WarningClaimed(_)
            | Event::WarningReleased(_)
            | Event::WarningEscalated(_)
            | Event::WarningNoted(_)
            | Event::EnforcementAdmitted(_)
            | Event::EnforcementAttempted(_)
            | Event::EnforcementSucceeded(_)
            | Event::PolicyPublished(_)
            | Event::PolicyRetired(_)
            | Event::PolicyShadowed(_)
            | Event::PolicyUnshadowed(_)
            | Event::NotificationRejected(_)
            | Event::InputGap(_)
            | Event::ProviderSuspended(_)
            | Event::ProviderResumed(_)
            | Event::ConsumerCreated(_)
            | Event::ConsumerDeleted(_)
            | Event::ConsumerRewound(_)
            | Event::EntryParked(_)
            | Event::EntryUnparked(_)
            | Event::EntrySettled(_)
            | Event::ReplayStarted(_)
            | Event::ReplayEnded(_)
            | Event::StoreOpened(_)
            | Event::StoreClosed(_)
            | Event::SegmentSealed(_)
            | Event::DataLossAccepted(_)
            | Event::ErasureRequested(_)
            | Event::ContentErased(_)
            | Event::CopiesErased(_)
            | Event::EvidenceStored(_)
            | Event::EvidenceCopied(_)
            | Event::EvidenceUnkept(_)
            | Event::EvidenceExpired(_)
            | Event::EvidenceRead(_)
            | Event::ExportMade(_) => {}
        }
    }

    /// All of it, as Prometheus reads it ([`MEDIA_TYPE`]).
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(32 * 1024);
        encode(&mut text, &self.registry).expect("writing to a string cannot fail");
        text
    }
}

/// For what takes from a tenth of a millisecond to seconds: syncs, requests, decisions, providers.
fn seconds() -> Histogram {
    Histogram::new([
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    ])
}

fn histograms<const N: usize>() -> Histograms<N> {
    Family::new_with_constructor(seconds as fn() -> Histogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_the_prefix_and_a_help_text_and_the_text_ends_as_prometheus_wants_it() {
        let metrics = Metrics::new();
        metrics.readers.stands_at("views", 7, 10);
        metrics.providers.failed("rehearsal", "refused");
        metrics.readers.consumers([("gone".to_owned(), 1, 2)].into_iter());
        metrics.readers.consumers([("archive".to_owned(), 4, 9)].into_iter());
        let text = metrics.text();
        let help: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# HELP ")).collect();
        assert!(help.len() >= 10, "{text}");
        for line in help {
            let (name, said) = line.split_once(' ').expect("a name and a text");
            assert!(name.starts_with("streamwarden_") && said.len() > 10 && !said.ends_with(".."), "{line}");
        }
        assert!(text.contains("streamwarden_reader_lag_events{reader=\"views\"} 3\n"), "{text}");
        assert!(text.contains("streamwarden_consumer_lag_events{consumer=\"archive\"} 5\n"), "{text}");
        assert!(!text.contains("gone"), "{text}");
        let errors = "streamwarden_provider_errors_total{provider=\"rehearsal\",why=\"refused\"} 1\n";
        assert!(text.contains(errors), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn what_is_held_is_counted_until_it_is_let_go() {
        let metrics = Metrics::new();
        let one = metrics.frames.under_way();
        let two = metrics.frames.under_way();
        assert!(metrics.text().contains("streamwarden_frames_under_way 2\n"));
        drop(one);
        assert!(metrics.text().contains("streamwarden_frames_under_way 1\n"));
        drop(two);
        assert!(metrics.text().contains("streamwarden_frames_under_way 0\n"));
    }
}
