//! Everything random in a population, from seeds alone: a figure is drawn for a name (a channel, a moment), never in
//! an order, so that every arm meets the same world however often it looks.

#[path = "../../tests/simulation/splitmix.rs"]
mod splitmix;

use splitmix::SplitMix;

/// The figures of a name.
#[derive(Debug, Clone)]
pub struct Random(SplitMix);

impl Random {
    /// The figures of a name: a seed and what is asked for.
    pub fn of(seed: u64, what: u64) -> Self {
        let mut mixed = SplitMix(seed ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let first = mixed.bits();
        Self(SplitMix(first))
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.bits()
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.between(low, high)
    }

    /// True with a probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// From 0, included, to 1, not included.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Around 0 with a spread of 1, from −6 to 6: the sum of twelve is close enough to a normal one.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A duration with that median, half as long again or half as short at each `spread` of 0.4, within bounds. All in
    /// milliseconds.
    pub fn around(&mut self, median: u64, spread: f64, low: u64, high: u64) -> u64 {
        ((median as f64 * (spread * self.normal()).exp()) as u64).clamp(low, high)
    }
}
