//! Everything random in a run comes from its seed.

#[path = "splitmix.rs"]
mod splitmix;

use splitmix::SplitMix;

pub struct Random(SplitMix);

impl Random {
    pub fn of_seed(seed: u64) -> Self {
        Self(SplitMix(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d))
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.between(low, high)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.0.bits() % 100 < percent
    }

    /// One of them.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        if of.is_empty() { None } else { of.get(self.between(0, of.len() as u64 - 1) as usize).cloned() }
    }
}
