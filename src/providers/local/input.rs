//! From a picture's file to what the network was trained on: 256×256 bilinear, the middle 224×224, once through JPEG
//! at quality 75, BGR less the training mean.
//!
//! The passage through JPEG belongs to the model: it was trained on such pictures, and without it single scores move
//! by up to 0.23. Knows nothing of scores and labels.

use std::io::Cursor;

use image::{ImageReader, Limits, RgbImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use super::super::ProviderError;
use super::bilinear::resized;

/// Width and height of the network's input, in pixels.
pub const INPUT_SIDE: usize = 224;

/// Width and height that a picture is brought to, whatever its shape, before its middle is taken.
const SCALED_SIDE: usize = 256;
const MARGIN: u32 = (SCALED_SIDE - INPUT_SIDE) as u32 / 2;
const MEAN_BGR: [f32; 3] = [104.0, 117.0, 123.0];
const JPEG_QUALITY: u8 = 75;

/// Largest width and height that is decoded, in pixels.
const SIDE_MAX: u32 = 4096;
/// Most memory that one decoding may take. A picture of the largest size needs 48 MiB.
const DECODE_BYTES_MAX: u64 = 64 << 20;

/// What the network takes: 224×224 pixels, row by row, blue, green and red less their means.
#[derive(Debug, Clone, PartialEq)]
pub struct Input(Vec<f32>);

impl Input {
    /// Prepares the picture in a JPEG, PNG or WebP file. Blocks for some milliseconds.
    pub fn of_file(file: &[u8]) -> Result<Self, ProviderError> {
        let scaled = resized(&decoded(file)?, SCALED_SIDE, SCALED_SIDE);
        let middle = middle(&scaled);
        Self::of_pixels(&through_jpeg(&middle)?)
    }

    /// Takes 224×224 pixels as they are.
    pub fn of_pixels(pixels: &RgbImage) -> Result<Self, ProviderError> {
        let (width, height) = pixels.dimensions();
        if (width as usize, height as usize) != (INPUT_SIDE, INPUT_SIDE) {
            let why = format!("the local model takes {INPUT_SIDE}×{INPUT_SIDE} pixels, these are {width}×{height}");
            return Err(ProviderError::Refused(why));
        }
        let mut bgr = Vec::with_capacity(pixels.as_raw().len());
        for pixel in pixels.as_raw().chunks_exact(3) {
            for (channel, mean) in MEAN_BGR.iter().enumerate() {
                bgr.push(f32::from(pixel[2 - channel]) - mean);
            }
        }
        Ok(Self(bgr))
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.0
    }
}

/// Sizes are checked from the header, before anything of their size is allocated.
fn decoded(file: &[u8]) -> Result<RgbImage, ProviderError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        ProviderError::Refused(format!("the local model cannot read this image of {} bytes: {error}", file.len()))
    };
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format().map_err(|error| unreadable(&error))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    reader.limits(limits);
    Ok(reader.decode().map_err(|error| unreadable(&error))?.into_rgb8())
}

fn middle(scaled: &RgbImage) -> RgbImage {
    image::imageops::crop_imm(scaled, MARGIN, MARGIN, INPUT_SIDE as u32, INPUT_SIDE as u32).to_image()
}

fn through_jpeg(picture: &RgbImage) -> Result<RgbImage, ProviderError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, JPEG_QUALITY);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average); // as libjpeg, which the reference uses
    encoder
        .encode(picture.as_raw(), INPUT_SIDE as u16, INPUT_SIDE as u16, ColorType::Rgb)
        .map_err(|error| ProviderError::Refused(format!("the image could not pass through JPEG: {error}")))?;
    decoded(&file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        RgbImage::from_pixel(width, height, image::Rgb([200, 100, 50]))
            .write_to(&mut file, image::ImageFormat::Png)
            .expect("a PNG in memory");
        file.into_inner()
    }

    #[test]
    fn a_plain_picture_becomes_its_colour_less_the_mean_in_bgr() {
        let input = Input::of_file(&png(300, 200)).expect("a readable picture");
        assert_eq!(input.values().len(), INPUT_SIDE * INPUT_SIDE * 3);
        for (value, expected) in input.values().iter().zip([50.0 - 104.0, 100.0 - 117.0, 200.0 - 123.0].iter().cycle())
        {
            assert!((value - expected).abs() <= 2.0, "{value} is not {expected} within what JPEG may change");
        }
    }

    #[test]
    fn a_picture_beyond_the_limits_is_refused_before_it_is_decoded() {
        for (width, height) in [(4097, 1), (1, 4097)] {
            let refused = Input::of_file(&png(width, height)).expect_err("beyond the limits");
            assert!(matches!(&refused, ProviderError::Refused(why) if why.contains("limit")), "{refused}");
        }
        assert!(Input::of_file(&png(4096, 1)).is_ok());
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let whole = png(64, 64);
        for nonsense in [&b""[..], b"not a picture", &whole[..whole.len() / 2]] {
            assert!(matches!(Input::of_file(nonsense), Err(ProviderError::Refused(_))));
        }
    }
}
