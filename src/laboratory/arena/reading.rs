//! What the arena reads of a journal. Blocks on the disk.

use crate::journal::{Journal, READ_LIMIT_MAX};
use crate::laboratory::price::Prices;
use crate::laboratory::reading::{LaboratoryError, Progress, Stretch};
use crate::model::{ChannelPattern, Position, ProviderName};

use super::fold::{Fold, Whole};
use super::report::Report;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Only channels that one of these holds; all if there is none.
    pub channels: Vec<ChannelPattern>,
    /// Only these providers; all if there is none.
    pub providers: Vec<ProviderName>,
    /// What calls cost.
    pub prices: Prices,
    /// The upheld rate that thresholds are suggested for, in thousandths.
    pub wanted_permille: u32,
}

impl Question {
    /// Whether figures of a provider are wanted.
    pub(super) fn shows(&self, name: &str) -> bool {
        self.providers.is_empty() || self.providers.iter().any(|wanted| wanted.as_str() == name)
    }
}

/// Reads a stretch of the journal, of it at most the newest `events_max` events, and counts. `whole` gives answers too
/// long for their events. Blocks for as long as it takes, or until it is called off.
pub fn run(
    journal: &dyn Journal,
    question: &Question,
    asked: Stretch,
    events_max: u64,
    whole: Whole,
    progress: &Progress,
) -> Result<Report, LaboratoryError> {
    let begin = Position(asked.to.0.saturating_sub(events_max)).max(asked.after);
    let mut report = Report::of(question, Stretch { after: begin, to: asked.to }, begin > asked.after);
    let (mut fold, mut after) = (Fold::default(), begin);
    while after < asked.to {
        if progress.is_cancelled() {
            return Err(LaboratoryError::Cancelled { after });
        }
        let limit = usize::try_from(asked.to.0 - after.0).unwrap_or(usize::MAX).min(READ_LIMIT_MAX);
        let page = journal.read(after, limit)?;
        let Some(last) = page.last() else { break };
        after = last.envelope.position;
        for recorded in page.iter().filter(|recorded| recorded.envelope.position <= asked.to) {
            let envelope = &recorded.envelope;
            report.recorded_from = report.recorded_from.or(Some(envelope.recorded_at));
            report.recorded_to = Some(envelope.recorded_at);
            let wanted = envelope.scope.channel().is_some_and(|channel| {
                question.channels.is_empty() || question.channels.iter().any(|pattern| pattern.holds(channel))
            });
            if wanted && Fold::needs(envelope) {
                let event = recorded.event();
                let event = event.map_err(|source| LaboratoryError::Codec { at: envelope.position, source })?;
                fold.see(envelope, &event, whole);
            }
        }
        progress.reach(after.min(asked.to));
    }
    fold.finish(question, &mut report);
    Ok(report)
}

impl Report {
    /// One that nothing is in yet.
    fn of(question: &Question, stretch: Stretch, cut: bool) -> Self {
        Self {
            from: stretch.after.next(),
            to: stretch.to,
            recorded_from: None,
            recorded_to: None,
            cut,
            only: question.channels.clone(),
            providers: question.providers.clone(),
            wanted_permille: question.wanted_permille,
            frames: 0,
            failed: Default::default(),
            models: Vec::new(),
            screens: Vec::new(),
            pairs: Vec::new(),
            changes: Vec::new(),
            changes_seen: 0,
            left_out: Default::default(),
        }
    }

    /// As it is written: readable JSON with a line's end.
    pub fn to_json(&self) -> String {
        crate::laboratory::document::to_json(self)
    }
}
