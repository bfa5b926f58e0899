//! Shrinks a grey picture to 32×32 exactly as Pillow's `resize((32, 32), LANCZOS)` does, to the last bit.
//!
//! Exactly, because hashes must be comparable with those of other programs and of later versions: the arithmetic is
//! part of a hash's name. Horizontal pass first, then vertical, each rounded to 8 bits, in 22-bit fixed point.
//! (Pillow 13.0.0 was seen to take the vertical pass first where a picture is much taller than wide, which changes some
//! pixels. By what rule is not known to us; we never do, so tall pictures are not equal to the last bit.)

use crate::model::LumaPlane;

use super::plane::Plane;

/// Width and height of the result.
pub(super) const SIDE: usize = 32;
/// Fractional bits of a weight.
const PRECISION: u32 = 22;
/// Weights are split in two parts that 16-bit multiplication can take: the upper, and this many lower bits.
const LOW_BITS: u32 = 11;

/// Shrinks pictures; keeps the weights of the last size, which a channel seldom changes.
#[derive(Default)]
pub(super) struct Shrinker {
    columns: Weights,
    rows: Weights,
    /// After the horizontal pass: `SIDE` wide, as high as the picture.
    narrow: Vec<[u8; SIDE]>,
}

impl Shrinker {
    /// Shrinks a picture of at least 1×1 pixels.
    pub(super) fn shrink(&mut self, plane: &Plane) -> LumaPlane {
        self.columns.prepare(plane.width);
        self.rows.prepare(plane.height);
        self.narrow.clear();
        self.narrow.extend(plane.rows().map(|row| std::array::from_fn(|x| self.columns.weigh(x, row))));
        let mut small = Box::new([0; SIDE * SIDE]);
        for (y, row) in small.chunks_exact_mut(SIDE).enumerate() {
            let (from, weights) = self.rows.of(y);
            let mut sums = [ROUNDING; SIDE];
            for (line, &(high, low)) in self.narrow[from..].iter().zip(weights) {
                let weight = (i32::from(high) << LOW_BITS) + i32::from(low);
                for (sum, &grey) in sums.iter_mut().zip(line) {
                    *sum += i32::from(grey) * weight;
                }
            }
            for (pixel, sum) in row.iter_mut().zip(sums) {
                *pixel = clamp(sum);
            }
        }
        LumaPlane(small)
    }
}

const ROUNDING: i32 = 1 << (PRECISION - 1);

fn clamp(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// For each of the 32 places along one axis, which pixels count and how much.
#[derive(Default)]
struct Weights {
    length: usize,
    /// First pixel, and where its weights start in `highs` and `lows`, and how many there are.
    spans: Vec<(usize, usize, usize)>,
    pairs: Vec<(i16, i16)>,
    highs: Vec<i16>,
    lows: Vec<i16>,
}

impl Weights {
    fn prepare(&mut self, length: usize) {
        if self.length == length {
            return;
        }
        *self = Self { length, ..Self::default() };
        let scale = length as f64 / SIDE as f64;
        let filter_scale = scale.max(1.0);
        let support = 3.0 * filter_scale;
        for place in 0..SIDE {
            let centre = (place as f64 + 0.5) * scale;
            let from = (centre - support + 0.5).max(0.0) as usize;
            let to = ((centre + support + 0.5) as usize).min(length);
            let shares: Vec<f64> =
                (from..to).map(|x| lanczos3((x as f64 - centre + 0.5) * (1.0 / filter_scale))).collect();
            let total: f64 = shares.iter().sum();
            self.spans.push((from, self.pairs.len(), shares.len()));
            for share in shares {
                let fixed = share / total * f64::from(1 << PRECISION);
                let weight = if fixed < 0.0 { fixed - 0.5 } else { fixed + 0.5 } as i32;
                let (high, low) = ((weight >> LOW_BITS) as i16, (weight & ((1 << LOW_BITS) - 1)) as i16);
                self.pairs.push((high, low));
                self.highs.push(high);
                self.lows.push(low);
            }
        }
    }

    fn of(&self, place: usize) -> (usize, &[(i16, i16)]) {
        let (from, at, count) = self.spans[place];
        (from, &self.pairs[at..at + count])
    }

    /// One pixel of the horizontal pass. The sums of both parts stay within 32 bits for up to 4,112 weights, which is
    /// a length of more than 20,000 pixels.
    fn weigh(&self, place: usize, row: &[u8]) -> u8 {
        let (from, at, count) = self.spans[place];
        let (highs, lows) = (&self.highs[at..at + count], &self.lows[at..at + count]);
        let (mut high_sum, mut low_sum) = (0_i32, 0_i32);
        for ((&grey, &high), &low) in row[from..from + count].iter().zip(highs).zip(lows) {
            high_sum += i32::from(grey) * i32::from(high);
            low_sum += i32::from(grey) * i32::from(low);
        }
        clamp(ROUNDING + (high_sum << LOW_BITS) + low_sum)
    }
}

fn lanczos3(t: f64) -> f64 {
    if (-3.0..3.0).contains(&t) { sinc(t) * sinc(t / 3.0) } else { 0.0 }
}

fn sinc(t: f64) -> f64 {
    if t == 0.0 {
        return 1.0;
    }
    let t = t * std::f64::consts::PI;
    t.sin() / t
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::Sha256;

    /// The generator of `tests/imaging/make_reference.py`.
    pub(in crate::imaging) fn noise(seed: u64, count: usize, bits: u32) -> Vec<u8> {
        let mut state = seed;
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8 >> (8 - bits)
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    #[test]
    fn noise_of_any_size_shrinks_as_with_pillow_bit_for_bit() {
        let mut shrinker = Shrinker::default();
        for (width, height, digest) in [
            (1, 1, "789dfbfa23930abe15f7e701e57726c95b9896484481071abec0a87d7a30d0a5"),
            (2, 3, "6b4558ea7cd682bb33379e8f988cb55135b03aa057d1db268b99483684aab600"),
            (32, 32, "0975ab4275d1a74e9345ee902447236b1ed07667e9a41eac7e87b45b2f0c0f10"),
            (33, 31, "de706a650d5a3be9aafc4b6a303577f8096fd36192398f3cb02c8bd73a86c5ff"),
            (80, 45, "1856d722335200f1b9557ac25293b0935704b3aa490492d2abea63e03451be41"),
            (240, 135, "2e5f46adc593090ade3336e8ce93304790b1bdcd9d4035587ceac456b08af887"),
            (512, 4, "6d38e2532d3078639321f666c1cb9559768dfe36c2677ae661732284f1ae249c"),
            (1921, 7, "372c7fbf0396b6167971f130382aa788258acae3b5e3a32f1eea167cea54cca3"),
        ] {
            let luma = noise((width * 10000 + height) as u64, width * height, 8);
            let small = shrinker.shrink(&Plane { width, height, stride: width, luma });
            assert_eq!(Sha256::of(&*small.0).to_string(), digest, "{width}×{height}");
        }
    }
}
