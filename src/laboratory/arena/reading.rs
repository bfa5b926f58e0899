//! What the arena reads of a journal. Blocks on the disk.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::journal::{Journal, READ_LIMIT_MAX};
use crate::laboratory::reading::{LaboratoryError, Progress, Stretch};
use crate::model::{ChannelPattern, Position, ProviderName};

use super::fold::{Fold, Whole};
use super::report::Report;

/// Prices that may be said.
pub const PRICES_MAX: usize = 16;
/// The dearest that is believed: a dollar a call.
const USD_PER_MILLION_MAX: u64 = 1_000_000;

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

/// What a call to each provider costs, in millionths of a dollar: dollars for a million of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices(BTreeMap<ProviderName, u64>);

impl Prices {
    /// What calls cost by the names of providers, as it is configured; 0: not known, as of every other.
    ///
    /// A name that no provider can have is passed over: nobody was called by it.
    pub fn configured<'a>(micros: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let known = micros.into_iter().filter(|(_, micros)| *micros > 0);
        Self(known.filter_map(|(name, micros)| Some((ProviderName::new(name).ok()?, micros))).collect())
    }

    /// Says what a call to a provider costs, in place of what was said before.
    pub fn say(&mut self, price: Price) {
        if self.0.len() < PRICES_MAX || self.0.contains_key(&price.provider) {
            self.0.insert(price.provider, price.usd_per_million);
        }
    }

    /// What a call to that provider costs, if it was said.
    pub fn of(&self, name: &str) -> Option<u64> {
        self.0.iter().find(|(provider, _)| provider.as_str() == name).map(|(_, micros)| *micros)
    }
}

/// What a million calls to one provider cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The provider.
    pub provider: ProviderName,
    /// Dollars, 0 to 1,000,000.
    pub usd_per_million: u64,
}

/// The text is no provider's price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a price is a provider's name and what a million calls to it cost in whole dollars, at most {USD_PER_MILLION_MAX}, such \
     as hive=3000; this is {0:?}"
)]
pub struct PriceError(pub String);

impl FromStr for Price {
    type Err = PriceError;

    fn from_str(text: &str) -> Result<Self, PriceError> {
        let wrong = || PriceError(text.chars().take(60).collect());
        let (name, usd) = text.split_once('=').ok_or_else(wrong)?;
        let provider = ProviderName::new(name).map_err(|_| wrong())?;
        let usd_per_million = usd.parse().ok().filter(|usd| *usd <= USD_PER_MILLION_MAX).ok_or_else(wrong)?;
        Ok(Self { provider, usd_per_million })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_name_a_provider_and_whole_dollars_for_a_million_calls() {
        let price: Price = "hive=3000".parse().expect("a price");
        assert_eq!((price.provider.as_str(), price.usd_per_million), ("hive", 3000));
        for nonsense in ["", "hive", "hive=", "=3000", "hive=-1", "hive=1000001", "hive=0.003", "a b=1"] {
            assert!(nonsense.parse::<Price>().is_err(), "{nonsense:?}");
        }
        let mut prices = Prices::default();
        prices.say(price);
        prices.say("hive=2000".parse().expect("a price"));
        assert_eq!((prices.of("hive"), prices.of("local")), (Some(2000), None));
    }
}
