//! What a call to a provider costs, in millionths of a dollar: a number that the reader of a report can replace.

use std::fmt;

/// What Amazon Rekognition's price list says for the first million images a month, at 0.001 USD an image. Beyond that
/// it is less, so this is the most.
pub const REKOGNITION_MICROS: u64 = 1000;
/// The dearest call that is believed: a thousand dollars.
const MICROS_MAX: u64 = 1_000_000_000;
/// Digits after the point: a millionth.
const DIGITS_MAX: usize = 6;

/// The text is not a price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a price is an amount in dollars such as 0.001, with at most six digits after the point and at most 1000; this is {0:?}"
)]
pub struct PriceError(pub String);

/// Reads dollars such as `0.001` or `12.50`.
pub fn read(text: &str) -> Result<u64, PriceError> {
    let wrong = || PriceError(text.chars().take(40).collect());
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
    fn amounts_are_shown_with_cents_or_with_every_digit() {
        for (micros, shown) in
            [(0, "$0.00"), (1000, "$0.001"), (12_505_000, "$12.50"), (500_000, "$0.50"), (25, "$0.000025")]
        {
            assert_eq!(Dollars(micros).to_string(), shown);
        }
    }
}
