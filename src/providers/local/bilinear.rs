//! Pillow's bilinear resize, to the bit: the model's reference pipeline scales with it.
//!
//! A resize that is equal but for one grey level in every eighth pixel is not good enough here: the passage through
//! JPEG that follows turns such a level into whole coefficients, and single scores moved by 0.10 with
//! `fast_image_resize`. Knows pictures only.

use image::RgbImage;

/// Bits behind the point of a weight. Pillow's choice: 32 bits less 8 of the grey level and 2 of room.
const WEIGHT_BITS: u32 = 32 - 8 - 2;
const CHANNELS: usize = 3;

/// Brings a picture to `width`×`height`, whatever its shape: across first, then down, rounding after each.
pub(super) fn resized(picture: &RgbImage, width: usize, height: usize) -> RgbImage {
    let (from_width, from_height) = (picture.width() as usize, picture.height() as usize);
    let mut across = Vec::with_capacity(width * from_height * CHANNELS);
    let columns = taps(from_width, width);
    for row in picture.as_raw().chunks_exact(from_width * CHANNELS) {
        for taps in &columns {
            across.extend_from_slice(&taps.pixel(row, CHANNELS));
        }
    }
    let mut down = Vec::with_capacity(width * height * CHANNELS);
    for taps in taps(from_height, height) {
        for x in 0..width {
            down.extend_from_slice(&taps.pixel(&across[x * CHANNELS..], width * CHANNELS));
        }
    }
    RgbImage::from_raw(width as u32, height as u32, down).expect("as many values as the size asks for")
}

/// Which pixels of a line make one pixel of the new line, and how much of each.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

impl Taps {
    /// The pixel they make; `stride` is the distance of two neighbours in `line`.
    fn pixel(&self, line: &[u8], stride: usize) -> [u8; CHANNELS] {
        const HALF: i32 = 1 << (WEIGHT_BITS - 1); // for rounding
        let (mut red, mut green, mut blue) = (HALF, HALF, HALF);
        let mut at = self.first * stride;
        for weight in &self.weights {
            red += i32::from(line[at]) * weight;
            green += i32::from(line[at + 1]) * weight;
            blue += i32::from(line[at + 2]) * weight;
            at += stride;
        }
        [level(red), level(green), level(blue)]
    }
}

fn level(sum: i32) -> u8 {
    (sum >> WEIGHT_BITS).clamp(0, 255) as u8
}

/// For each of `to` pixels its taps among `from`: a triangle around its centre, as wide as the reduction asks for.
fn taps(from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0); // half the triangle's base; never less than the distance of two pixels
    let taps_of = |pixel: usize| {
        let center = (pixel as f64 + 0.5) * scale;
        let first = (center - support + 0.5).max(0.0) as usize;
        let end = ((center + support + 0.5) as usize).min(from);
        let triangle = |x: usize| (1.0 - ((x as f64 - center + 0.5) / support).abs()).max(0.0);
        let sum: f64 = (first..end).map(triangle).sum();
        let fixed = |weight: f64| (weight * f64::from(1 << WEIGHT_BITS) + 0.5) as i32;
        Taps { first, weights: (first..end).map(|x| fixed(triangle(x) / sum)).collect() }
    };
    (0..to).map(taps_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture without a pattern that a wrong tap could hide in.
    fn noise(width: u32, height: u32) -> RgbImage {
        let mut state = 1_u32;
        RgbImage::from_fn(width, height, |_, _| {
            image::Rgb(std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            }))
        })
    }

    fn check(from: (u32, u32), to: (usize, usize), pillows: &str) {
        let resized = resized(&noise(from.0, from.1), to.0, to.1);
        assert_eq!(crate::model::Sha256::of(resized.as_raw()).to_string(), pillows, "{from:?} to {to:?}");
    }

    /// Digests of what Pillow 13.0.0 makes of the same noise: reduced, enlarged, one of each, barely changed.
    #[test]
    fn every_pixel_is_pillows() {
        check((448, 252), (256, 256), "cb6c7945155d8e3266d454f2416debce0bd7ddcc472a72ddb4ff76977a34876e");
        check((100, 60), (256, 256), "bbaf4ae74d96d14e546c94aeaa84aa1d96c0a5908f9e326ffa8c92c067b73e6b");
        check((640, 37), (256, 256), "adbdb3b85d28f5088c296d093e3899d25882b015528990ee7d90c83bfcdfd61d");
        check((257, 255), (256, 256), "061bc88e4552b399e5791ddf64002cbc62b683cd46e8a77fe2f03325ca696c12");
        check((1, 1), (256, 256), "7ef68a67eb2767e43f22fb481c1e6d9b6d939e20c66d3ce1e7932c06e2ea545e");
        check((61, 47), (7, 5), "8b49f2b3d9c5ff40fa72ff4ef598cc89beff748db0e9f603e49c25444e97ea6f");
    }

    #[test]
    fn a_picture_of_the_same_size_stays_as_it_is() {
        assert_eq!(resized(&noise(31, 17), 31, 17), noise(31, 17));
    }
}
