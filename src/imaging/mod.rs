//! From bytes to a perceptual hash, within limits.
//!
//! A picture is looked at at an eighth of its size: a hash never sees more. Plain JPEGs give that plane from their DC
//! terms ([`dc_jpeg`]), all others by a full decode and block means; which of the two it was is part of the hash's
//! scheme. The plane is shrunk to 32×32 grey levels, and the hash is a function of those.
//!
//! Pure but for its scratch buffers: no IO, no clock, no knowledge of channels or of what a distance means. It takes
//! a millisecond or so of CPU, so it belongs on a worker thread, with one [`Scratch`] each.

pub mod dc_jpeg;
mod error;
mod full;
mod hash;
mod limits;
mod phash;
mod plane;
mod shown;
mod shrink;

pub use error::ImagingError;
pub use hash::Algorithm;
pub use limits::Limits;
pub use plane::Plane;
pub use shown::{PREVIEW_SIDE, THUMBNAIL_SIDE_MAX};

use crate::model::{ImageFacts, ImageFormat, LumaPlane, PerceptualHash, Sha256};

use dc_jpeg::Coding;
use hash::{Hashing, Path};

/// What one look at a picture gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Digest, size and format.
    pub image: ImageFacts,
    /// The perceptual hash.
    pub hash: PerceptualHash,
    /// The 32×32 grey levels.
    pub plane: LumaPlane,
}

/// What one look at a picture gives without the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Perceived {
    /// Its format.
    pub format: ImageFormat,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// The perceptual hash.
    pub hash: PerceptualHash,
    /// The 32×32 grey levels.
    pub plane: LumaPlane,
}

/// Buffers and tables that are used again from picture to picture; one per worker. After a full decode it holds up to
/// 32 MiB, or the grey levels of the largest picture if that is more; of plain JPEGs, their bytes and a 64th of their
/// pixels.
#[derive(Default)]
pub struct Scratch {
    dc: dc_jpeg::Scratch,
    eighth: Plane,
    full: full::Buffers,
    shrinker: shrink::Shrinker,
}

/// Measures pictures. Shared by all workers.
pub struct Imaging {
    limits: Limits,
    algorithm: Algorithm,
    hashing: Hashing,
}

impl Imaging {
    /// The limits it measures within.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Measures within these limits, with this hash.
    pub fn new(limits: Limits, algorithm: Algorithm) -> Self {
        Self { limits, algorithm, hashing: Hashing::new(algorithm) }
    }

    /// Digests, decodes and hashes the bytes of a picture's file.
    pub fn measure(&self, bytes: &[u8], scratch: &mut Scratch) -> Result<Measured, ImagingError> {
        let Perceived { format, width, height, hash, plane } = self.perceive(bytes, scratch)?;
        let image = ImageFacts { sha256: Sha256::of(bytes), bytes: bytes.len() as u32, width, height, format };
        Ok(Measured { image, hash, plane })
    }

    /// Decodes and hashes the bytes of a picture's file.
    pub fn perceive(&self, bytes: &[u8], scratch: &mut Scratch) -> Result<Perceived, ImagingError> {
        let format = self.limits.sniff(bytes)?;
        let ((width, height), path) = match format {
            ImageFormat::Jpeg => self.jpeg(bytes, scratch)?,
            ImageFormat::Png => (scratch.full.png(bytes, &self.limits)?, self.full_path()),
            ImageFormat::Webp => (scratch.full.webp(bytes, &self.limits)?, self.full_path()),
        };
        if path == Path::Blocks {
            scratch.full.block_means(&mut scratch.eighth);
        }
        let source = if path == Path::Rgb { &scratch.full.luma } else { &scratch.eighth };
        let plane = scratch.shrinker.shrink(source);
        let hash = self.hashing.hash(&plane, path);
        Ok(Perceived { format, width, height, hash, plane })
    }

    fn jpeg(&self, bytes: &[u8], scratch: &mut Scratch) -> Result<((u16, u16), Path), ImagingError> {
        let header = dc_jpeg::Header::read(bytes)?;
        let size = self.limits.size(ImageFormat::Jpeg, header.width.into(), header.height.into())?;
        match &header.coding {
            Coding::Sequential(scan) if self.algorithm != Algorithm::PhashOfRgb => {
                dc_jpeg::decode(bytes, &header, scan, &mut scratch.dc, &mut scratch.eighth)?;
                Ok((size, Path::Dc))
            }
            Coding::Sequential(_) | Coding::Other(_) => {
                let path = self.full_path();
                scratch.full.jpeg(bytes, size, path == Path::Rgb, &self.limits)?;
                Ok((size, path))
            }
        }
    }

    fn full_path(&self) -> Path {
        match self.algorithm {
            Algorithm::MedianDct | Algorithm::Phash => Path::Blocks,
            Algorithm::PhashOfRgb => Path::Rgb,
        }
    }
}
