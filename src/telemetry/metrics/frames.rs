//! Frames and what became of them, the wardens' queues, and how long nobody looked.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::classes::PolicyClasses;
use super::{Held, Histograms, Labels, histograms};
use crate::events::{Event, FailedStage, SegmentsUnjudged, Skip, UnjudgedBecause};
use crate::model::{Medium, PolicyId, Verdict};

/// Whose mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mailbox {
    /// The shards', which pass on.
    Shards,
    /// The wardens'.
    Wardens,
}

/// Frames, wardens, coverage.
pub struct FrameMetrics {
    outcomes: Family<Labels<2>, Counter>,
    decisions: Histograms<1>,
    under_way: Gauge,
    in_line: Gauge,
    in_shards: Gauge,
    in_wardens: Gauge,
    awake: Gauge,
    broke: Counter,
    unwatched: Family<[(&'static str, String); 1], Gauge>,
    unwatched_ms: Family<[(&'static str, String); 1], Counter<f64, std::sync::atomic::AtomicU64>>,
    segments_unjudged: Family<Labels<2>, Counter>,
    unjudged: Family<Labels<1>, Gauge>,
    classes: PolicyClasses,
}

/// A channel that is live and that nobody looks at, for as long as this lives.
#[derive(Debug)]
pub struct Unwatched {
    _counted: Held,
    seconds: Counter<f64, std::sync::atomic::AtomicU64>,
}

impl Unwatched {
    /// So much more time has passed, and still nobody looks.
    pub fn passed(&self, time: Duration) {
        self.seconds.inc_by(time.as_secs_f64());
    }
}

impl FrameMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            outcomes: Family::default(),
            decisions: histograms(),
            under_way: Gauge::default(),
            in_line: Gauge::default(),
            in_shards: Gauge::default(),
            in_wardens: Gauge::default(),
            awake: Gauge::default(),
            broke: Counter::default(),
            unwatched: Family::default(),
            unwatched_ms: Family::default(),
            segments_unjudged: Family::default(),
            unjudged: Family::default(),
            classes: PolicyClasses::default(),
        };
        registry.register(
            "frames",
            "Frames with a durable outcome, by outcome (assessed, skipped, failed) and why (verdict, reason, stage)",
            metrics.outcomes.clone(),
        );
        registry.register_with_unit(
            "decision",
            "From a frame's being offered to its durable outcome, waiting included, by outcome",
            Unit::Seconds,
            metrics.decisions.clone(),
        );
        registry.register("frames_under_way", "Frames that wardens are working on now", metrics.under_way.clone());
        registry.register("frames_in_line", "Frames that wait for the one before them", metrics.in_line.clone());
        let mailbox = |name: &'static str| [("mailbox".into(), name.into())].into_iter();
        for (name, gauge) in [("shards", &metrics.in_shards), ("wardens", &metrics.in_wardens)] {
            let labelled = registry.sub_registry_with_labels(mailbox(name));
            labelled.register("mailbox_messages", "Messages in the actors' mailboxes now", gauge.clone());
        }
        registry.register("wardens_awake", "Wardens in memory now", metrics.awake.clone());
        registry.register("wardens_broken", "Wardens that panicked and were replaced", metrics.broke.clone());
        registry.register(
            "channels_unwatched",
            "Live channels that nobody looks at now, by the policy that should watch them",
            metrics.unwatched.clone(),
        );
        registry.register_with_unit(
            "unwatched",
            "Seconds in which live channels were not looked at, summed over channels, by policy",
            Unit::Seconds,
            metrics.unwatched_ms.clone(),
        );
        registry.register(
            "segments_unjudged",
            "Times that segments which a policy asks for were called judged by nobody on a live channel, by medium and why",
            metrics.segments_unjudged.clone(),
        );
        registry.register(
            "channels_unjudged",
            "Live channels of which no segment of a medium is judged now, though their policy asks for it, by medium",
            metrics.unjudged.clone(),
        );
        // There from the start: of a figure that begins with its first one, nobody sees it rise.
        for medium in [Medium::Clip, Medium::Sound] {
            drop(metrics.unjudged.get_or_create(&[("medium", medium.name())]));
            for because in [UnjudgedBecause::NoInput, UnjudgedBecause::PassedOver] {
                drop(metrics.segments_unjudged.get_or_create(&unjudged_labels(medium, because)));
            }
        }
        metrics
    }

    /// Segments are judged by nobody, though a policy asks for them.
    pub(super) fn segments_unjudged(&self, unjudged: &SegmentsUnjudged) {
        self.segments_unjudged.get_or_create(&unjudged_labels(unjudged.medium, unjudged.because)).inc();
    }

    /// Of a live channel no segment of that medium is judged, as long as the answer lives.
    pub fn unjudged(&self, medium: Medium) -> Held {
        Held::of(&self.unjudged.get_or_create(&[("medium", medium.name())]))
    }

    /// A frame's outcome is durable, so long after it was offered.
    pub fn decided(&self, outcome: &Event, took: Duration) {
        if let Some([outcome, _]) = outcome_of(outcome) {
            self.decisions.get_or_create(&[outcome]).observe(took.as_secs_f64());
        }
    }

    /// A frame is being worked on, as long as the answer lives.
    pub fn under_way(&self) -> Held {
        Held::of(&self.under_way)
    }

    /// A frame waits for the one before it, as long as the answer lives.
    pub fn in_line(&self) -> Held {
        Held::of(&self.in_line)
    }

    /// A message waits in a mailbox, as long as the answer lives.
    pub fn queued(&self, mailbox: Mailbox) -> Held {
        Held::of(match mailbox {
            Mailbox::Shards => &self.in_shards,
            Mailbox::Wardens => &self.in_wardens,
        })
    }

    /// A warden is in memory, as long as the answer lives.
    pub fn awake(&self) -> Held {
        Held::of(&self.awake)
    }

    /// A warden panicked.
    pub fn broke(&self) {
        self.broke.inc();
    }

    /// A live channel is not looked at, as long as the answer lives. `policy`: the one that should watch it.
    pub fn unwatched(&self, policy: Option<&PolicyId>) -> Unwatched {
        let labels = [("policy", self.classes.of(policy))];
        let counted = Held::of(&self.unwatched.get_or_create(&labels));
        Unwatched { _counted: counted, seconds: self.unwatched_ms.get_or_create_owned(&labels) }
    }

    /// A frame has its outcome.
    pub(super) fn ended(&self, outcome: &Event) {
        if let Some(labels) = outcome_of(outcome) {
            self.outcomes.get_or_create(&labels).inc();
        }
    }
}

fn unjudged_labels(medium: Medium, because: UnjudgedBecause) -> Labels<2> {
    let because = match because {
        UnjudgedBecause::NoInput => "no_input",
        UnjudgedBecause::PassedOver => "passed_over",
    };
    [("medium", medium.name()), ("why", because)]
}

/// What an outcome is called in figures; none if the event is no frame's outcome.
fn outcome_of(event: &Event) -> Option<Labels<2>> {
    let (outcome, why) = match event {
        Event::FrameAssessed(assessed) => ("assessed", verdict(assessed.verdict)),
        Event::FrameSkipped(skipped) => ("skipped", skip(&skipped.because)),
        Event::FrameFailed(failed) => ("failed", stage(failed.stage)),
        _ => return None, // the other events are no frame's outcome
    };
    Some([("outcome", outcome), ("why", why)])
}

pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clear => "clear",
        Verdict::Warn => "warn",
        Verdict::Stop => "stop",
    }
}

fn skip(because: &Skip) -> &'static str {
    match because {
        Skip::TooSoon { .. } => "too_soon",
        Skip::Similar { .. } => "similar",
        Skip::GaveWay { .. } => "gave_way",
        Skip::Overloaded => "overloaded",
        Skip::Superseded { .. } => "superseded",
        Skip::Stale { .. } => "stale",
        Skip::OtherSource => "other_source",
        Skip::OtherSession => "other_session",
        Skip::NoPolicy => "no_policy",
        Skip::Unsupported => "unsupported",
        Skip::NoTrack { .. } => "no_track",
    }
}

fn stage(stage: FailedStage) -> &'static str {
    match stage {
        FailedStage::Fetch => "fetch",
        FailedStage::Decode => "decode",
        FailedStage::Provider => "provider",
        FailedStage::NoProvider => "no_provider",
        FailedStage::Deadline => "deadline",
        FailedStage::Warden => "warden",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::super::classes::POLICIES_MAX;
    use super::*;

    #[test]
    fn what_is_unjudged_is_counted_from_none_on() {
        let metrics = Metrics::new();
        let text = metrics.text();
        for medium in ["clip", "sound"] {
            for why in ["no_input", "passed_over"] {
                let counted = format!("streamwarden_segments_unjudged_total{{medium=\"{medium}\",why=\"{why}\"}} 0\n");
                assert!(text.contains(&counted), "{text}");
            }
            assert!(text.contains(&format!("streamwarden_channels_unjudged{{medium=\"{medium}\"}} 0\n")), "{text}");
        }
        let held = metrics.frames.unjudged(Medium::Sound);
        assert!(metrics.text().contains("streamwarden_channels_unjudged{medium=\"sound\"} 1\n"));
        drop(held);
        assert!(metrics.text().contains("streamwarden_channels_unjudged{medium=\"sound\"} 0\n"));
    }

    #[test]
    fn policies_beyond_the_bound_are_counted_together() {
        let metrics = Metrics::new();
        let id = |n: usize| PolicyId::new(format!("p{n}")).expect("a sound id");
        let channels: Vec<Unwatched> = (0..POLICIES_MAX + 3).map(|n| metrics.frames.unwatched(Some(&id(n)))).collect();
        metrics.frames.unwatched(Some(&id(0))).passed(Duration::from_millis(1500));
        let text = metrics.text();
        assert!(text.contains("streamwarden_channels_unwatched{policy=\"other\"} 3\n"), "{text}");
        assert!(text.contains("streamwarden_unwatched_seconds_total{policy=\"p0\"} 1.5\n"), "{text}");
        drop(channels);
        assert!(metrics.text().contains("streamwarden_channels_unwatched{policy=\"other\"} 0\n"));
    }
}
