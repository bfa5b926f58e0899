//! Everything random in a population, from seeds alone: a figure is drawn for a name (a channel, a moment), never in
//! an order, so that every arm meets the same world however often it looks.

/// SplitMix64: small, and every seed is as good as any other.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The figures of a name: a seed and what is asked for.
    pub fn of(seed: u64, what: u64) -> Self {
        let mut random = Self(seed ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let first = random.bits();
        Self(first)
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.bits() % (high - low + 1)
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
