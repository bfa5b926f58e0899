//! What a call to a provider costs, in millionths of a dollar: numbers that the reader of a report can replace.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::model::ProviderName;

/// What Amazon Rekognition's price list says for the first million images a month, at 0.001 USD an image. Beyond that
/// it is less, so this is the most.
pub const REKOGNITION_MICROS: u64 = 1000;
/// Prices that may be said at a time.
pub const PRICES_MAX: usize = 16;
/// The dearest that is believed: a dollar a call.
const USD_PER_MILLION_MAX: u64 = 1_000_000;
/// The largest amount that is read: a thousand dollars.
const MICROS_MAX: u64 = 1_000_000_000;
/// Digits after the point: a millionth.
const DIGITS_MAX: usize = 6;

/// The text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected dollars such as 12.50, with at most six digits after the point and at most 1000; this is {0:?}")]
pub struct AmountError(pub String);

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

    /// What is listed publicly and found in the configuration unless it is said there: Amazon Rekognition's price.
    pub fn listed() -> Self {
        Self::configured([("rekognition", REKOGNITION_MICROS)])
    }

    /// Says what a call to a provider costs, in place of what was said before.
    pub fn say(&mut self, price: Price) {
        self.0.insert(price.provider, price.usd_per_million);
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

/// Reads dollars such as `0.001` or `12.50`.
pub fn read(text: &str) -> Result<u64, AmountError> {
    let wrong = || AmountError(text.chars().take(40).collect());
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > DIGITS_MAX {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let part: u64 = format!("{part:0<DIGITS_MAX$}").parse().map_err(|_| wrong())?;
    let micros = whole.checked_mul(1_000_000).and_then(|micros| micros.checked_add(part));
    micros.filter(|micros| *micros <= MICROS_MAX).ok_or_else(wrong)
}

/// An amount of so many millionths of a dollar, for people: cents from a dollar on, all digits below.
#[derive(Debug, Clone, Copy)]
pub struct Dollars(pub u64);

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if whole > 0 || part.is_multiple_of(10_000) {
            write!(f, "${whole}.{:02}", part / 10_000)
        } else {
            write!(f, "${}", format!("0.{part:06}").trim_end_matches('0'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_exactly_and_nonsense_is_not() {
        for (text, micros) in [("0.001", 1000), ("1", 1_000_000), ("12.50", 12_500_000), ("0.000001", 1), ("0", 0)] {
            assert_eq!(read(text), Ok(micros), "{text}");
        }
        for nonsense in ["", ".", "-1", "1.", "0.0000001", "1001", "1e3", "0,001", "99999999999999999999"] {
            assert!(read(nonsense).is_err(), "{nonsense:?}");
        }
    }

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

    #[test]
    fn amounts_are_shown_with_cents_or_with_every_digit() {
        for (micros, shown) in
            [(0, "$0.00"), (1000, "$0.001"), (12_505_000, "$12.50"), (500_000, "$0.50"), (25, "$0.000025")]
        {
            assert_eq!(Dollars(micros).to_string(), shown);
        }
    }
}
