//! How sure a figure is: intervals of shares, of their differences and of agreement, and the distance of two spreads.
//! Nothing but sums, products and roots, which give the same bits on every machine; what leaves is in thousandths, a lower
//! bound cut down and an upper bound cut up.

/// Two-sided 95 %: the quantile of the normal distribution.
pub(super) const Z_95: f64 = 1.959_963_985;
/// Two-sided 99 %.
pub(super) const Z_99: f64 = 2.575_829_304;

/// What makes a lower bound hold at 95 % (two-sided) for each of so many at a time (Bonferroni): the quantile at
/// 1 − 0.025/n of the normal distribution, from one to twenty.
const Z_95_OF: [f64; 20] = [
    1.959_963_985,
    2.241_402_728,
    2.393_979_800,
    2.497_705_474,
    2.575_829_304,
    2.638_257_273,
    2.690_109_527,
    2.734_368_787,
    2.772_921_295,
    2.807_033_768,
    2.837_596_913,
    2.865_260_239,
    2.890_511_561,
    2.913_726_318,
    2.935_199_469,
    2.955_166_847,
    2.973_819_901,
    2.991_316_115,
    3.007_786_556,
    3.023_341_440,
];

/// The quantile for `looks` bounds that are to hold together, at least one and at most twenty.
pub(super) fn z_of(looks: usize) -> f64 {
    Z_95_OF[looks.clamp(1, Z_95_OF.len()) - 1]
}

/// Between which shares the true one lies, where `count` of `of` were seen: the score interval of E. B. Wilson (Journal of
/// the American Statistical Association 22, 1927, 209–212). It stays within 0 and 1, and says something where all or none
/// were. From 0 to 1 where nothing was seen.
pub(super) fn wilson(count: u64, of: u64, z: f64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (n, share) = (of as f64, count as f64 / of as f64);
    let (zz, below) = (z * z, 1.0 + z * z / n);
    let middle = share + zz / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + zz / (4.0 * n * n)).sqrt();
    let low = if count == 0 { 0.0 } else { ((middle - half) / below).max(0.0) };
    let high = if count >= of { 1.0 } else { ((middle + half) / below).min(1.0) };
    (low, high)
}

/// Between which the difference of two shares lies, the second less the first: Wilson's intervals of both put together as
/// R. G. Newcombe does (Statistics in Medicine 17, 1998, 873–890, method 10).
pub(super) fn difference(first: (u64, u64), second: (u64, u64), z: f64) -> (f64, f64) {
    let share = |(count, of): (u64, u64)| if of == 0 { 0.0 } else { count as f64 / of as f64 };
    let ((low_1, high_1), (low_2, high_2)) = (wilson(first.0, first.1, z), wilson(second.0, second.1, z));
    let (one, two) = (share(first), share(second));
    let root = |a: f64, b: f64| (a * a + b * b).sqrt();
    let moved = two - one;
    (moved - root(two - low_2, high_1 - one), moved + root(high_2 - two, one - low_1))
}

/// How far two agree beyond chance: J. Cohen's kappa (Educational and Psychological Measurement 20, 1960, 37–46) of the
/// shares `agreed` and `by_chance`, with its interval. As there, the agreement by chance is taken as known; of the
/// observed one the interval is Wilson's in place of the normal one, which has no width where all agree. None where
/// everything agrees by chance.
pub(super) fn kappa(agreed: u64, of: u64, by_chance: f64, z: f64) -> Option<(f64, f64, f64)> {
    if of == 0 || by_chance >= 1.0 {
        return None;
    }
    let beyond = |share: f64| (share - by_chance) / (1.0 - by_chance);
    let (low, high) = wilson(agreed, of, z);
    Some((beyond(agreed as f64 / of as f64), beyond(low), beyond(high)))
}

/// How often two would say the same if what each says had nothing to do with what the other does: of four counts, both
/// yes, only the one, only the other, neither.
pub(super) fn agreement_by_chance([both, one, other, neither]: [u64; 4]) -> f64 {
    let of = (both + one + other + neither) as f64;
    if of == 0.0 {
        return 1.0;
    }
    let (first, second) = ((both + one) as f64 / of, (both + other) as f64 / of);
    first * second + (1.0 - first) * (1.0 - second)
}

/// The greatest distance between two cumulative shares, and from which on it is more than chance at 1 %: the two-sample
/// test of A. N. Kolmogorov and N. V. Smirnov (Annals of Mathematical Statistics 19, 1948, 279–281). Values that share a
/// band make it the more careful. None where either is empty.
pub(super) fn distance(one: &[u64], other: &[u64]) -> Option<(f64, f64)> {
    /// √(−ln(0.01 / 2) / 2).
    const CRITICAL_99: f64 = 1.627_623_631;
    let (n, m) = (one.iter().sum::<u64>() as f64, other.iter().sum::<u64>() as f64);
    if n == 0.0 || m == 0.0 {
        return None;
    }
    let (mut passed, mut greatest) = ((0.0, 0.0), 0.0f64);
    for (a, b) in one.iter().zip(other) {
        passed = (passed.0 + *a as f64, passed.1 + *b as f64);
        greatest = greatest.max((passed.0 / n - passed.1 / m).abs());
    }
    Some((greatest, CRITICAL_99 * ((n + m) / (n * m)).sqrt()))
}

/// Thousandths, to the nearest.
pub(super) fn nearest(share: f64) -> i32 {
    (share * 1000.0).round() as i32
}

/// Thousandths, cut down. A millionth of slack, so that 0.3 stays 300.
pub(super) fn cut_down(share: f64) -> i32 {
    (share * 1000.0 + 1e-6).floor() as i32
}

/// Thousandths, cut up.
pub(super) fn cut_up(share: f64) -> i32 {
    (share * 1000.0 - 1e-6).ceil() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown((low, high): (f64, f64)) -> String {
        format!("{low:.4} to {high:.4}")
    }

    /// The worked examples of R. G. Newcombe, Statistics in Medicine 17 (1998) 857–872, table I, method 3.
    #[test]
    fn shares_have_the_intervals_of_the_published_examples() {
        for (count, of, expected) in [
            (81, 263, "0.2553 to 0.3662"),
            (15, 148, "0.0624 to 0.1605"),
            (0, 20, "0.0000 to 0.1611"),
            (1, 29, "0.0061 to 0.1718"),
            (20, 20, "0.8389 to 1.0000"), // none of 20, from the other side
            (0, 0, "0.0000 to 1.0000"),
        ] {
            assert_eq!(shown(wilson(count, of, Z_95)), expected, "{count} of {of}");
        }
    }

    /// By hand, with z = 2: 5 of 10 has the middle (0.5 + 4/20) / (1 + 4/10) = 0.5 and half of it
    /// 2·√(0.25/10 + 4/400) / 1.4 = 2·√0.035 / 1.4 = 0.2673.
    #[test]
    fn a_share_worked_by_hand_has_its_interval() {
        assert_eq!(shown(wilson(5, 10, 2.0)), "0.2327 to 0.7673");
    }

    /// R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890, table II, method 10: 56/70 − 48/80 and 9/10 − 3/10.
    #[test]
    fn differences_have_the_intervals_of_the_published_examples() {
        assert_eq!(shown(difference((48, 80), (56, 70), Z_95)), "0.0524 to 0.3339");
        assert_eq!(shown(difference((3, 10), (9, 10), Z_95)), "0.1705 to 0.8090");
        assert_eq!(shown(difference((56, 70), (48, 80), Z_95)), "-0.3339 to -0.0524", "the other way round");
    }

    /// J. Cohen (1960), table 1: 200 judgements, 0.70 agree and 0.41 would by chance: kappa 0.492. With the standard error
    /// given there, 0.055, the normal interval is 0.384 to 0.600; Wilson's moves a little towards chance.
    #[test]
    fn agreement_beyond_chance_is_that_of_the_published_example() {
        let (kappa, low, high) = kappa(140, 200, 0.41, Z_95).expect("chance leaves room");
        assert_eq!(format!("{kappa:.3}"), "0.492");
        assert!((low - 0.384).abs() < 0.01 && (high - 0.600).abs() < 0.01, "{low} to {high}");
    }

    /// By hand: 20 both, 5 and 10 only one of them, 15 neither. They agree in 35 of 50; by chance in
    /// 0.5·0.6 + 0.5·0.4 = 0.5; so (0.7 − 0.5) / 0.5 = 0.4.
    #[test]
    fn four_counts_worked_by_hand_have_their_kappa() {
        let by_chance = agreement_by_chance([20, 5, 10, 15]);
        assert_eq!(format!("{by_chance:.3}"), "0.500");
        assert_eq!(format!("{:.3}", kappa(35, 50, by_chance, Z_95).expect("room").0), "0.400");
        assert!(kappa(30, 30, agreement_by_chance([0, 0, 0, 30]), Z_95).is_none(), "nobody ever said yes");
        let (all, low, high) = kappa(30, 30, agreement_by_chance([15, 0, 0, 15]), Z_95).expect("room");
        assert_eq!(format!("{all:.3} {high:.3}"), "1.000 1.000");
        assert!(low < 0.8, "30 frames that agree prove no perfect agreement: {low}");
    }

    /// By hand: shares 0.5, 1, 1 and 0, 0.5, 1 lie 0.5 apart at most.
    #[test]
    fn two_spreads_are_as_far_apart_as_their_cumulative_shares() {
        let (apart, critical) = distance(&[2, 2, 0], &[0, 2, 2]).expect("both have values");
        assert_eq!(format!("{apart:.3} {critical:.3}"), "0.500 1.151", "four of each tell nothing");
        let (apart, critical) = distance(&[200, 200, 0], &[0, 200, 200]).expect("both have values");
        assert!(apart > critical, "four hundred of each do: {critical}");
        assert_eq!(distance(&[1, 1], &[1, 1]).map(|(apart, _)| apart), Some(0.0));
        assert_eq!(distance(&[0, 0], &[1, 0]), None);
    }

    #[test]
    fn bounds_are_cut_away_from_the_middle_and_exact_thousandths_stay() {
        assert_eq!((cut_down(0.2559), cut_up(0.2551), nearest(0.2555)), (255, 256, 256));
        assert_eq!((cut_down(0.3), cut_up(0.3), cut_down(-0.0005)), (300, 300, -1));
    }

    #[test]
    fn more_looks_need_more() {
        assert!((1..20).all(|looks| z_of(looks) < z_of(looks + 1)));
        assert_eq!((z_of(0), z_of(1), z_of(99)), (Z_95, Z_95, z_of(20)));
    }
}
