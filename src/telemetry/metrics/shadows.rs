//! Policies in shadow: what each made of frames, beside what the live policy made of them.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::classes::PolicyClasses;
use super::frames::verdict;
use crate::events::{Event, FrameAssessed, ShadowFound, ShadowLook, ShadowVerdict};
use crate::model::FrameId;

/// What a shadow says of an answer that it cannot read.
const NOT_JUDGED: &str = "not_judged";

/// Policies in shadow.
pub struct ShadowMetrics {
    verdicts: Family<[(&'static str, String); 3], Counter>,
    classes: PolicyClasses,
}

impl ShadowMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self { verdicts: Family::default(), classes: PolicyClasses::default() };
        registry.register(
            "shadow_verdicts",
            "Frames judged by a policy in shadow as well, by that policy, the live verdict and the shadow's (not_judged where \
             the answer is in another taxonomy)",
            metrics.verdicts.clone(),
        );
        metrics
    }

    /// What one append holds: a frame's outcome, and behind it what the shadow made of the frame.
    pub(super) fn recorded<'a>(&self, together: impl Iterator<Item = &'a Event> + Clone) {
        for event in together.clone() {
            let Event::FrameAssessed(assessed) = event else { continue };
            let Some(ShadowLook { policy, found }) = &assessed.shadow else { continue };
            let FrameAssessed { frame, verdict: live, .. } = assessed;
            let shadow = match found {
                ShadowFound::NoHit => "clear",
                ShadowFound::OtherTaxonomy => NOT_JUDGED,
                ShadowFound::Hit => match said(together.clone(), *frame) {
                    Some(said) => verdict(said.verdict),
                    None => continue, // its verdict is in the same append, or there is none to count
                },
            };
            let policy = self.classes.of(Some(&policy.id));
            let labels = [("policy", policy), ("live", verdict(*live).to_owned()), ("shadow", shadow.to_owned())];
            self.verdicts.get_or_create(&labels).inc();
        }
    }
}

fn said<'a>(mut together: impl Iterator<Item = &'a Event>, frame: FrameId) -> Option<&'a ShadowVerdict> {
    together.find_map(|event| match event {
        Event::ShadowVerdict(said) if said.frame == frame => Some(said),
        _ => None, // of another frame, or no shadow's
    })
}
