//! Pictures for people: scaled down in colour, or so coarse and grey that hardly anything can be made out.
//!
//! Both are made anew from pixels, so nothing else that the file held leaves with them.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use jpeg_encoder::{ColorType, Encoder};

use super::dc_jpeg::Header;
use super::{Imaging, ImagingError, Perceived, Scratch};
use crate::model::{ImageFormat, LumaPlane};

/// The most pixels of a thumbnail's width, and of its height.
pub const THUMBNAIL_SIDE_MAX: u16 = 320;
/// The width of a preview or its height, whichever is more, in pixels.
pub const PREVIEW_SIDE: u16 = SIDE as u16;

/// Side of the plane that a preview is made of.
const SIDE: usize = 32;
/// Beyond it a thumbnail grows and looks no better.
const THUMBNAIL_QUALITY: u8 = 80;

impl Imaging {
    /// The picture as a JPEG within [`THUMBNAIL_SIDE_MAX`], never enlarged; a few tens of KiB. It is decoded in full:
    /// some tens of milliseconds of CPU, and three bytes a pixel beside what the limits allow.
    pub fn thumbnail(&self, bytes: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>, ImagingError> {
        let format = self.limits.sniff(bytes)?;
        let (width, height) = match format {
            ImageFormat::Jpeg => {
                let header = Header::read(bytes)?;
                let size = self.limits.size(format, header.width.into(), header.height.into())?;
                scratch.full.jpeg_in_colour(bytes, size, &self.limits)?;
                size
            }
            ImageFormat::Png | ImageFormat::Webp => scratch.full.in_colour(bytes, format, &self.limits)?,
        };
        let rgb = scratch.full.take_rgb();
        let (to_width, to_height) = within(width, height, THUMBNAIL_SIDE_MAX);
        let unmade = |reason: &dyn std::fmt::Display| ImagingError::Undecodable { format, reason: reason.to_string() };
        let scaled = scaled(&rgb, (width, height), (to_width, to_height)).map_err(|reason| unmade(&reason))?;
        let mut file = Vec::new();
        let encoder = Encoder::new(&mut file, THUMBNAIL_QUALITY);
        encoder.encode(&scaled, to_width, to_height, ColorType::Rgb).map_err(|reason| unmade(&reason))?;
        Ok(file)
    }

    /// The picture as a grey PNG of at most [`PREVIEW_SIDE`] pixels a side, made of the same 32×32 grey levels that
    /// pictures are compared by; less than 2 KiB. It costs what a look costs.
    pub fn preview(&self, bytes: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>, ImagingError> {
        let Perceived { format, width, height, plane, .. } = self.perceive(bytes, scratch)?;
        let longer = width.max(height);
        let of_side = |side: u16| (u32::from(side) * SIDE as u32).div_ceil(u32::from(longer)).max(1);
        let (to_width, to_height) = (of_side(width), of_side(height));
        let grey = shrunk(&plane, to_width as usize, to_height as usize);
        let mut file = Vec::new();
        PngEncoder::new(&mut file)
            .write_image(&grey, to_width, to_height, ExtendedColorType::L8)
            .map_err(|reason| ImagingError::Undecodable { format, reason: reason.to_string() })?;
        Ok(file)
    }
}

/// The size that fits into a square of that side with the picture's proportions.
fn within(width: u16, height: u16, side: u16) -> (u16, u16) {
    let longer = u32::from(width.max(height));
    if longer <= u32::from(side) {
        return (width, height);
    }
    let fit = |length: u16| ((u32::from(length) * u32::from(side) + longer / 2) / longer).max(1) as u16; // at most side
    (fit(width), fit(height))
}

fn scaled(rgb: &[u8], from: (u16, u16), to: (u16, u16)) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    if from == to {
        return Ok(rgb.to_vec());
    }
    let source = ImageRef::new(from.0.into(), from.1.into(), rgb, PixelType::U8x3)?;
    let mut target = Image::new(to.0.into(), to.1.into(), PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&source, &mut target, &options)?;
    Ok(target.into_vec())
}

/// Each pixel the mean of those of the plane that it touches.
fn shrunk(plane: &LumaPlane, width: usize, height: usize) -> Vec<u8> {
    let span = |at: usize, of: usize| at * SIDE / of..((at + 1) * SIDE).div_ceil(of);
    let mut grey = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let (rows, columns) = (span(y, height), span(x, width));
            let count = (rows.len() * columns.len()) as u32;
            let sum: u32 =
                rows.flat_map(|row| &plane.0[row * SIDE..][columns.clone()]).map(|&grey| u32::from(grey)).sum();
            grey.push(((2 * sum + count) / (2 * count)) as u8); // a mean of bytes
        }
    }
    grey
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Algorithm, Limits};

    fn imaging() -> Imaging {
        Imaging::new(Limits::default(), Algorithm::MedianDct)
    }

    /// Left half red, right half blue, with a hundred bytes after the end that are no part of the picture.
    fn picture(width: u32, height: u32, format: image::ImageFormat) -> Vec<u8> {
        let pixels = image::RgbImage::from_fn(width, height, |x, _| {
            image::Rgb(if x < width / 2 { [220, 20, 20] } else { [20, 20, 220] })
        });
        let mut file = std::io::Cursor::new(Vec::new());
        pixels.write_to(&mut file, format).expect("a picture in memory");
        let mut file = file.into_inner();
        file.extend_from_slice(&[b'!'; 100]);
        file
    }

    #[test]
    fn a_thumbnail_is_the_picture_in_its_colours_and_proportions_and_never_larger_than_it() {
        for (from, to) in
            [((1280, 720), (320, 180)), ((360, 640), (180, 320)), ((100, 60), (100, 60)), ((4096, 8), (320, 1))]
        {
            for format in [image::ImageFormat::Jpeg, image::ImageFormat::Png, image::ImageFormat::WebP] {
                let file = picture(from.0, from.1, format);
                let small = imaging().thumbnail(&file, &mut Scratch::default()).expect("a sound picture");
                assert!(!small.windows(4).any(|bytes| bytes == b"!!!!"), "what is no part of the picture is left out");
                let small = image::load_from_memory(&small).expect("a JPEG").to_rgb8();
                assert_eq!(small.dimensions(), to, "{from:?} as {format:?}");
                let [left, right] = [small.get_pixel(0, 0).0, small.get_pixel(to.0 - 1, 0).0];
                assert!(left[0] > 150 && left[2] < 90 && right[0] < 90 && right[2] > 150, "{left:?} {right:?}");
            }
        }
    }

    #[test]
    fn a_preview_is_coarse_and_grey_whatever_the_picture() {
        for (from, to) in [((1280, 720), (32, 18)), ((360, 640), (18, 32)), ((16, 16), (32, 32)), ((4096, 8), (32, 1))]
        {
            let file = picture(from.0, from.1, image::ImageFormat::Jpeg);
            let coarse = imaging().preview(&file, &mut Scratch::default()).expect("a sound picture");
            let coarse = image::load_from_memory(&coarse).expect("a PNG");
            assert_eq!((coarse.width(), coarse.height(), coarse.color()), (to.0, to.1, image::ColorType::L8));
            let grey = coarse.to_luma8();
            assert!(grey.get_pixel(0, 0).0 > grey.get_pixel(to.0 - 1, 0).0, "red is lighter than blue");
        }
    }

    #[test]
    fn what_is_no_picture_or_beyond_the_limits_is_refused() {
        let (imaging, mut scratch) = (imaging(), Scratch::default());
        let wide = picture(4097, 1, image::ImageFormat::Png);
        let whole = picture(64, 64, image::ImageFormat::Png);
        for file in [&b"no picture"[..], &wide, &whole[..whole.len() / 2]] {
            assert!(imaging.thumbnail(file, &mut scratch).is_err());
            assert!(imaging.preview(file, &mut scratch).is_err());
        }
    }
}
