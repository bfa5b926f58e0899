//! `phash-v1`: the hash that `imagehash.phash` (size 8, factor 4) makes of the same 32×32 plane, bit for bit.

use std::f64::consts::PI;

use crate::model::LumaPlane;

use super::shrink::SIDE;

/// Frequencies kept along each axis.
const KEPT: usize = 8;
/// How far above the median counts as above. A plain comparison follows the rounding noise of one's own transform:
/// flat pictures came out up to 31 bits different, although every coefficient but the first is zero.
const TIE: f64 = 1e-6;

/// The cosines of the transform, worked out once.
pub(super) struct Phash {
    cosines: [[f64; SIDE]; KEPT],
}

impl Phash {
    pub(super) fn new() -> Self {
        let cosine = |k: usize, n: usize| 2.0 * (PI * (k * (2 * n + 1)) as f64 / (2 * SIDE) as f64).cos();
        Self { cosines: std::array::from_fn(|k| std::array::from_fn(|n| cosine(k, n))) }
    }

    /// The hash, first bit (the mean) most significant.
    pub(super) fn hash(&self, plane: &LumaPlane) -> u64 {
        // Down the columns first, then along the rows; unnormalised, as scipy's `dct` has it.
        let mut columns = [[0.0; SIDE]; KEPT];
        for (vertical, cosines) in columns.iter_mut().zip(&self.cosines) {
            for (row, cosine) in plane.0.chunks_exact(SIDE).zip(cosines) {
                for (sum, &grey) in vertical.iter_mut().zip(row) {
                    *sum += f64::from(grey) * cosine;
                }
            }
        }
        let mut terms = [0.0; KEPT * KEPT];
        for (row, column) in terms.chunks_exact_mut(KEPT).zip(&columns) {
            for (term, cosines) in row.iter_mut().zip(&self.cosines) {
                *term = column.iter().zip(cosines).map(|(value, cosine)| value * cosine).sum();
            }
        }
        let mut sorted = terms;
        sorted.sort_unstable_by(f64::total_cmp);
        let median = f64::midpoint(sorted[KEPT * KEPT / 2 - 1], sorted[KEPT * KEPT / 2]);
        terms.iter().fold(0, |bits, term| bits << 1 | u64::from(term - median > TIE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::shrink::tests::noise;
    use crate::model::Sha256;

    fn drawn(grey: impl Fn(usize, usize) -> u8) -> u64 {
        let plane: Vec<u8> = (0..SIDE * SIDE).map(|at| grey(at % SIDE, at / SIDE)).collect();
        phash(plane)
    }

    fn phash(plane: Vec<u8>) -> u64 {
        Phash::new().hash(&LumaPlane(plane.try_into().unwrap()))
    }

    #[test]
    fn flat_and_drawn_pictures_hash_as_with_imagehash_not_as_rounding_noise() {
        assert_eq!(drawn(|_, _| 0), 0);
        for level in 1..=255 {
            assert_eq!(drawn(|_, _| level), 0x8000_0000_0000_0000, "grey {level}");
        }
        assert_eq!(drawn(|x, _| x as u8 * 8), 0x8000_0000_0000_0000, "ramp across");
        assert_eq!(drawn(|_, y| y as u8 * 8), 0x8000_0000_0000_0000, "ramp down");
        assert_eq!(drawn(|x, _| if x < 16 { 255 } else { 0 }), 0xc400_0000_0000_0000, "left half");
        assert_eq!(drawn(|_, y| if y < 16 { 255 } else { 0 }), 0x8080_0000_0080_0000, "upper half");
        assert_eq!(drawn(|x, _| (x / 4 % 8 * 36) as u8), 0x8000_0000_0000_0000, "bars");
        assert_eq!(drawn(|_, y| if (4..28).contains(&y) { 128 } else { 0 }), 0x8000_0000_0000_0000, "letterbox");
    }

    #[test]
    fn noise_hashes_as_with_imagehash_bit_for_bit() {
        let hashes: Vec<u8> =
            (0..3000).flat_map(|seed| phash(noise(seed, SIDE * SIDE, 1 + seed as u32 % 8)).to_be_bytes()).collect();
        assert_eq!(Sha256::of(&hashes).to_string(), "1d9fe4ab6341385bf8bf010892881b76690476861fa6196045008bd2c16b7713");
    }
}
