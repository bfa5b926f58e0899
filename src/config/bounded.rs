//! Whole numbers with bounds: a value outside of them cannot be read, and so need not be checked anywhere else.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

/// A whole number from `MIN` to `MAX`, both allowed. Its unit is at the end of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bounded<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Bounded<MIN, MAX> {
    /// A default. One outside of its own bounds does not compile where it is a constant, and panics where it is not.
    pub(super) const fn of(value: u64) -> Self {
        assert!(MIN <= value && value <= MAX, "a default must lie within its own bounds");
        Self(value)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number, for counting things in memory.
    pub const fn count(self) -> usize {
        self.0 as usize // a machine on which it does not fit has no such memory either
    }

    /// The number, where the bounds say that it is small. What does not fit stays at the largest that does.
    pub const fn small(self) -> u32 {
        if self.0 > u32::MAX as u64 { u32::MAX } else { self.0 as u32 }
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Bounded<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole<const MIN: u64, const MAX: u64>;

        impl<const MIN: u64, const MAX: u64> Visitor<'_> for Whole<MIN, MAX> {
            type Value = u64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_u64<E: Error>(self, found: u64) -> Result<u64, E> {
                match (MIN..=MAX).contains(&found) {
                    true => Ok(found),
                    false => Err(E::invalid_value(Unexpected::Unsigned(found), &self)),
                }
            }

            fn visit_i64<E: Error>(self, found: i64) -> Result<u64, E> {
                match u64::try_from(found) {
                    Ok(found) => self.visit_u64(found),
                    Err(_) => Err(E::invalid_value(Unexpected::Signed(found), &self)),
                }
            }
        }

        deserializer.deserialize_u64(Whole::<MIN, MAX>).map(Self)
    }
}
