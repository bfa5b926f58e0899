//! What a picture may cost, checked against what it claims before anything is decoded; and what kind of file it is.

use crate::model::ImageFormat;

use super::ImagingError;

/// Bounds on what one picture may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a file. A 1920×1080 thumbnail has 0.1–0.4 MB.
    pub bytes_max: usize,
    /// Largest width in pixels.
    pub width_max: u16,
    /// Largest height in pixels.
    pub height_max: u16,
    /// Most pixels, width × height.
    pub pixels_max: u32,
    /// Most memory a full decode may take besides the file, in bytes.
    pub decode_bytes_max: u64,
}

impl Default for Limits {
    /// 16 MiB, 4096×4096 pixels, 128 MiB: what a progressive JPEG of that size takes, coefficients and output.
    fn default() -> Self {
        Self {
            bytes_max: 16 << 20,
            width_max: 4096,
            height_max: 4096,
            pixels_max: 4096 * 4096,
            decode_bytes_max: 128 << 20,
        }
    }
}

impl Limits {
    /// Checks the file's length and tells its format by its first bytes, whatever its name says.
    pub fn sniff(&self, bytes: &[u8]) -> Result<ImageFormat, ImagingError> {
        // A length beyond u32 could not be recorded, whatever the limit says.
        let bytes_max = self.bytes_max.min(u32::MAX as usize);
        if bytes.len() > bytes_max {
            return Err(ImagingError::TooManyBytes { bytes: bytes.len(), bytes_max });
        }
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            Ok(ImageFormat::Jpeg)
        } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Ok(ImageFormat::Png)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Ok(ImageFormat::Webp)
        } else {
            Err(ImagingError::Unsupported { start: bytes[..bytes.len().min(12)].to_vec(), bytes: bytes.len() })
        }
    }

    /// Checks what the header says of the size and gives it back in the type it is recorded with.
    pub(super) fn size(&self, format: ImageFormat, width: u32, height: u32) -> Result<(u16, u16), ImagingError> {
        let too_large = ImagingError::TooLarge {
            format,
            width,
            height,
            width_max: self.width_max,
            height_max: self.height_max,
            pixels_max: self.pixels_max,
        };
        match (u16::try_from(width), u16::try_from(height)) {
            (Ok(w), Ok(h)) if w <= self.width_max && h <= self.height_max => {
                if u32::from(w) * u32::from(h) <= self.pixels_max { Ok((w, h)) } else { Err(too_large) }
            }
            _ => Err(too_large),
        }
    }

    /// Checks the memory a full decode would take.
    pub(super) fn memory(&self, format: ImageFormat, bytes: u64) -> Result<(), ImagingError> {
        if bytes <= self.decode_bytes_max {
            Ok(())
        } else {
            Err(ImagingError::TooMuchMemory { format, bytes, bytes_max: self.decode_bytes_max })
        }
    }
}
