//! The long way, for every picture that is no plain JPEG: decode in full, make it grey, take the mean of each 8×8 block.
//!
//! The mean of a block is what its DC term would be, up to rounding, so hashes from here compare with the others.
//! The decoders are other people's code fed with strangers' bytes: their panics are taken for an undecodable picture.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{ColorType, ImageDecoder};
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::model::ImageFormat;

use super::plane::Plane;
use super::{ImagingError, Limits};

/// Width and height of a block.
const BLOCK: usize = 8;
/// Scans of a progressive JPEG that are decoded; encoders make about 10. Each costs a pass over the whole picture.
const SCANS_MAX: usize = 64;
/// A buffer larger than this is given back after use: the odd huge picture must not stay in every worker.
const BUFFER_KEPT_BYTES_MAX: usize = 16 << 20;

/// Of two bytes of a sample the upper one is taken.
const UPPER: usize = if cfg!(target_endian = "little") { 1 } else { 0 };

/// Buffers that are used again from picture to picture.
#[derive(Default)]
pub(super) struct Buffers {
    pixels: Vec<u8>,
    /// What the pixels are, as they were decoded last.
    colours: Option<ColorType>,
    /// The picture in grey, in full.
    pub(super) luma: Plane,
}

impl Buffers {
    /// Decodes a JPEG of the size that its header states, and makes it grey. `colour`: by way of RGB, as other programs
    /// do.
    pub(super) fn jpeg(
        &mut self,
        bytes: &[u8],
        size: (u16, u16),
        colour: bool,
        limits: &Limits,
    ) -> Result<(), ImagingError> {
        let colours = self.decode_jpeg(bytes, size, colour, limits)?;
        self.grey(usize::from(size.0), usize::from(size.1), colours, ImageFormat::Jpeg)
    }

    /// Decodes a JPEG of the size that its header states, for [`Self::take_rgb`].
    pub(super) fn jpeg_in_colour(
        &mut self,
        bytes: &[u8],
        size: (u16, u16),
        limits: &Limits,
    ) -> Result<(), ImagingError> {
        self.colours = Some(self.decode_jpeg(bytes, size, true, limits)?);
        Ok(())
    }

    /// Decodes a PNG or a WebP (its first picture) for [`Self::take_rgb`], and gives its size.
    pub(super) fn in_colour(
        &mut self,
        bytes: &[u8],
        format: ImageFormat,
        limits: &Limits,
    ) -> Result<(u16, u16), ImagingError> {
        let (size, colours) = match format {
            ImageFormat::Png => self.decode(format, limits, png_of(bytes, limits))?,
            ImageFormat::Jpeg | ImageFormat::Webp => self.decode(format, limits, webp_of(bytes))?,
        };
        self.colours = Some(colours);
        Ok(size)
    }

    /// The pixels decoded last, three bytes each, without regard to transparency. None are left.
    pub(super) fn take_rgb(&mut self) -> Vec<u8> {
        let pixels = std::mem::take(&mut self.pixels);
        let upper = UPPER;
        match self.colours.take() {
            Some(ColorType::Rgb8) => pixels,
            Some(ColorType::L8) => spread(&pixels, |&[grey]| [grey; 3]),
            Some(ColorType::La8) => spread(&pixels, |&[grey, _]| [grey; 3]),
            Some(ColorType::Rgba8) => spread(&pixels, |&[r, g, b, _]| [r, g, b]),
            Some(ColorType::L16) => spread(&pixels, |pixel: &[u8; 2]| [pixel[upper]; 3]),
            Some(ColorType::La16) => spread(&pixels, |pixel: &[u8; 4]| [pixel[upper]; 3]),
            Some(ColorType::Rgb16) => {
                spread(&pixels, |pixel: &[u8; 6]| [pixel[upper], pixel[2 + upper], pixel[4 + upper]])
            }
            Some(ColorType::Rgba16) => {
                spread(&pixels, |pixel: &[u8; 8]| [pixel[upper], pixel[2 + upper], pixel[4 + upper]])
            }
            _ => Vec::new(), // no decoder gives others, and what has no pixels is not scaled
        }
    }

    fn decode_jpeg(
        &mut self,
        bytes: &[u8],
        size: (u16, u16),
        colour: bool,
        limits: &Limits,
    ) -> Result<ColorType, ImagingError> {
        let format = ImageFormat::Jpeg;
        let (width, height) = (usize::from(size.0), usize::from(size.1));
        // Three components of 16-bit coefficients, their samples, and three bytes out, each at most in full size and
        // rounded up to whole units.
        limits.memory(format, (width + 32) as u64 * (height + 32) as u64 * 7)?;
        if memchr::memmem::find_iter(bytes, b"\xff\xda").count() > SCANS_MAX {
            return Err(undecodable(format, format_args!("it has more than {SCANS_MAX} scans")));
        }
        let pixels = &mut self.pixels;
        let colours = guarded(format, || {
            // Strict: without it, what is missing is filled with grey and would be judged as if it had been seen.
            let options = DecoderOptions::default()
                .set_strict_mode(true)
                .set_max_width(width)
                .set_max_height(height)
                .jpeg_set_max_scans(SCANS_MAX);
            let mut decoder = JpegDecoder::new_with_options(zune_core::bytestream::ZCursor::new(bytes), options);
            decoder.decode_headers().map_err(|reason| undecodable(format, reason))?;
            if decoder.dimensions() != Some((width, height)) {
                return Err(undecodable(format, "its frame headers state different sizes"));
            }
            let grey_at_hand = matches!(decoder.input_colorspace(), Some(ColorSpace::Luma))
                || (matches!(decoder.input_colorspace(), Some(ColorSpace::YCbCr)) && !colour);
            let (space, colours) = if grey_at_hand { (ColorSpace::Luma, 1) } else { (ColorSpace::RGB, 3) };
            decoder.set_options(options.jpeg_set_out_colorspace(space));
            pixels.clear();
            pixels.resize(width * height * colours, 0);
            decoder.decode_into(pixels).map_err(|reason| undecodable(format, reason))?;
            Ok(colours)
        })?;
        Ok(if colours == 1 { ColorType::L8 } else { ColorType::Rgb8 })
    }

    /// Decodes a PNG (its first picture), makes it grey, and gives its size.
    pub(super) fn png(&mut self, bytes: &[u8], limits: &Limits) -> Result<(u16, u16), ImagingError> {
        let (size, colours) = self.decode(ImageFormat::Png, limits, png_of(bytes, limits))?;
        self.grey(usize::from(size.0), usize::from(size.1), colours, ImageFormat::Png)?;
        Ok(size)
    }

    /// Decodes a WebP (its first picture), makes it grey, and gives its size.
    pub(super) fn webp(&mut self, bytes: &[u8], limits: &Limits) -> Result<(u16, u16), ImagingError> {
        let (size, colours) = self.decode(ImageFormat::Webp, limits, webp_of(bytes))?;
        self.grey(usize::from(size.0), usize::from(size.1), colours, ImageFormat::Webp)?;
        Ok(size)
    }

    fn decode<D: ImageDecoder>(
        &mut self,
        format: ImageFormat,
        limits: &Limits,
        open: impl FnOnce() -> image::ImageResult<D>,
    ) -> Result<((u16, u16), ColorType), ImagingError> {
        let pixels = &mut self.pixels;
        guarded(format, || {
            let decoder = open().map_err(|reason| undecodable(format, reason))?;
            let (width, height) = decoder.dimensions();
            let size = limits.size(format, width, height)?;
            let (colours, bytes) = (decoder.color_type(), decoder.total_bytes());
            // Beside the output the decoders keep up to two working copies of four bytes a pixel.
            limits.memory(format, bytes + 8 * u64::from(width) * u64::from(height))?;
            pixels.clear();
            pixels.resize(bytes as usize, 0); // at most `decode_bytes_max`
            decoder.read_image(pixels).map_err(|reason| undecodable(format, reason))?;
            Ok((size, colours))
        })
    }

    /// Makes the pixels grey, without regard to transparency, as Pillow's `convert("L")` does.
    fn grey(
        &mut self,
        width: usize,
        height: usize,
        colours: ColorType,
        format: ImageFormat,
    ) -> Result<(), ImagingError> {
        self.luma.reshape(width, height, width, height);
        let (luma, pixels) = (&mut self.luma.luma, &self.pixels);
        let upper = UPPER;
        match colours {
            ColorType::L8 => luma.copy_from_slice(pixels),
            ColorType::La8 => each(luma, pixels, |pixel: &[u8; 2]| pixel[0]),
            ColorType::Rgb8 => each(luma, pixels, |&[r, g, b]| weigh(r, g, b)),
            ColorType::Rgba8 => each(luma, pixels, |&[r, g, b, _]| weigh(r, g, b)),
            ColorType::L16 => each(luma, pixels, |pixel: &[u8; 2]| pixel[upper]),
            ColorType::La16 => each(luma, pixels, |pixel: &[u8; 4]| pixel[upper]),
            ColorType::Rgb16 => {
                each(luma, pixels, |pixel: &[u8; 6]| weigh(pixel[upper], pixel[2 + upper], pixel[4 + upper]));
            }
            ColorType::Rgba16 => {
                each(luma, pixels, |pixel: &[u8; 8]| weigh(pixel[upper], pixel[2 + upper], pixel[4 + upper]));
            }
            other => return Err(undecodable(format, format_args!("its pixels are {other:?}, expected 8 or 16 bits"))),
        }
        if self.pixels.capacity() > BUFFER_KEPT_BYTES_MAX {
            self.pixels = Vec::new();
        }
        Ok(())
    }

    /// Writes the mean of each block into `eighth`; at the right and lower edge, of the pixels that there are.
    pub(super) fn block_means(&self, eighth: &mut Plane) {
        let (width, height) = (self.luma.width.div_ceil(BLOCK), self.luma.height.div_ceil(BLOCK));
        eighth.reshape(width, height, width, height);
        let bands = self.luma.luma.chunks(self.luma.stride * BLOCK);
        for (means, band) in eighth.luma.chunks_exact_mut(width).zip(bands) {
            let rows = band.len() / self.luma.stride;
            for (x, mean) in means.iter_mut().enumerate() {
                let columns = x * BLOCK..((x + 1) * BLOCK).min(self.luma.width);
                let count = (columns.len() * rows) as u32;
                let sum: u32 = band
                    .chunks_exact(self.luma.stride)
                    .flat_map(|row| &row[columns.clone()])
                    .map(|&grey| u32::from(grey))
                    .sum();
                *mean = ((2 * sum + count) / (2 * count)) as u8; // a mean of bytes
            }
        }
    }
}

/// ITU-R 601-2 weights in 16-bit fixed point, as Pillow has them.
fn weigh(r: u8, g: u8, b: u8) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
}

fn each<const BYTES: usize>(luma: &mut [u8], pixels: &[u8], grey: impl Fn(&[u8; BYTES]) -> u8) {
    for (level, pixel) in luma.iter_mut().zip(pixels.as_chunks::<BYTES>().0) {
        *level = grey(pixel);
    }
}

fn spread<const BYTES: usize>(pixels: &[u8], colours: impl Fn(&[u8; BYTES]) -> [u8; 3]) -> Vec<u8> {
    pixels.as_chunks::<BYTES>().0.iter().flat_map(colours).collect()
}

fn png_of<'a>(bytes: &'a [u8], limits: &Limits) -> impl FnOnce() -> image::ImageResult<PngDecoder<Cursor<&'a [u8]>>> {
    let mut within = image::Limits::default();
    within.max_alloc = Some(limits.decode_bytes_max);
    move || PngDecoder::with_limits(Cursor::new(bytes), within)
}

fn webp_of<'a>(bytes: &'a [u8]) -> impl FnOnce() -> image::ImageResult<WebPDecoder<Cursor<&'a [u8]>>> {
    move || WebPDecoder::new(Cursor::new(bytes))
}

fn undecodable(format: ImageFormat, reason: impl std::fmt::Display) -> ImagingError {
    ImagingError::Undecodable { format, reason: reason.to_string() }
}

/// Runs someone else's decoder. What it leaves in our buffers when it panics is overwritten before it is read.
fn guarded<T>(format: ImageFormat, decode: impl FnOnce() -> Result<T, ImagingError>) -> Result<T, ImagingError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| Err(undecodable(format, "its decoder panicked")))
}
