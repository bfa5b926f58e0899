//! Halving and doubling in whole numbers: the same on every machine, so that a replay gives the same bytes.

/// One, in the unit of [`halved`] and [`doublings`].
pub(super) const ONE: u32 = 1 << 16;

/// 2^(−i/64) in 1/65,536.
const HALVINGS: [u32; 65] = [
    65_536, 64_830, 64_132, 63_441, 62_757, 62_081, 61_413, 60_751, 60_097, 59_449, 58_809, 58_176, 57_549, 56_929,
    56_316, 55_709, 55_109, 54_515, 53_928, 53_347, 52_773, 52_204, 51_642, 51_085, 50_535, 49_991, 49_452, 48_920,
    48_393, 47_871, 47_356, 46_846, 46_341, 45_842, 45_348, 44_859, 44_376, 43_898, 43_425, 42_958, 42_495, 42_037,
    41_584, 41_136, 40_693, 40_255, 39_821, 39_392, 38_968, 38_548, 38_133, 37_722, 37_316, 36_914, 36_516, 36_123,
    35_734, 35_349, 34_968, 34_591, 34_219, 33_850, 33_486, 33_125, 32_768,
];

/// 2^(−`age` ∕ `half_life`) in 1/65,536: falls as age grows, never rises; 0 from 17 half-lives on.
pub(super) fn halved(age: u64, half_life: u64) -> u32 {
    let half_life = half_life.max(1);
    let (whole, part) = (age / half_life, age % half_life);
    if whole > 16 {
        return 0;
    }
    // The place between two entries of the table, in 1/256 of their distance. `part` is below the half-life, which is
    // below 2^33, so this does not overflow.
    let place = part * 64 * 256 / half_life;
    let (at, between) = ((place / 256) as usize, (place % 256) as u32);
    let (high, low) = (HALVINGS[at], HALVINGS[at + 1]);
    (high - (high - low) * between / 256) >> whole
}

/// log2(`large` ∕ `small`) in 1/65,536; 0 if `large` is not the larger.
pub(super) fn doublings(large: u32, small: u32) -> u32 {
    let small = small.max(1);
    if large <= small {
        return 0;
    }
    let mut ratio = (u64::from(large) << 31) / u64::from(small); // in 1/2^31
    let mut whole = 0;
    while ratio >= 1 << 32 {
        ratio >>= 1;
        whole += 1;
    }
    let mut log = whole << 16;
    for bit in (0..16).rev() {
        ratio = (ratio * ratio) >> 31; // below 2^64: the ratio is below 2^32
        if ratio >= 1 << 32 {
            ratio >>= 1;
            log |= 1 << bit;
        }
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_follows_the_curve_and_never_rises() {
        let mut before = ONE;
        for age in 0..20_000u64 {
            let exact = (-(age as f64) / 1000.0).exp2() * f64::from(ONE);
            let now = halved(age, 1000);
            assert!((f64::from(now) - exact).abs() <= 8.0, "{age}: {now} for {exact}");
            assert!(now <= before, "{age}");
            before = now;
        }
    }

    #[test]
    fn doublings_are_logarithms() {
        for (large, small) in [(120_000, 10_000), (3_600_000, 100), (60_000, 59_999), (2, 1), (7, 7)] {
            let exact = (f64::from(large) / f64::from(small)).log2() * f64::from(ONE);
            let found = f64::from(doublings(large, small));
            assert!((found - exact).abs() <= 2.0, "{large}/{small}: {found} for {exact}");
        }
        assert_eq!(doublings(1, 2), 0);
    }
}
