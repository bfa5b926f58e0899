//! The hashes to choose from. Each is a function of the 32×32 plane alone.

use image::GrayImage;
use image_hasher::{BitOrder, HashAlg, Hasher, HasherConfig};

use crate::model::{HashScheme, LumaPlane, PerceptualHash};

use super::phash::Phash;
use super::shrink::SIDE;

/// Which hash is made, from what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// `median-dct-v1`: `image_hasher`'s median over a DCT. The calmest on still pictures with noise.
    #[default]
    MedianDct,
    /// `phash-v1`: what `imagehash.phash` makes of the picture at 1/8, so that thresholds carry over.
    Phash,
    /// `phash-v1` over a full RGB decode: the very bits of `imagehash.phash` wherever the decoders agree to the last
    /// bit, and within 2 of 64 where not; several times slower. For comparing records with another system's.
    PhashOfRgb,
}

/// What the 32×32 plane was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// The DC terms of a JPEG.
    Dc,
    /// The 8×8 block means of a full decode.
    Blocks,
    /// A full RGB decode.
    Rgb,
}

/// Makes the hash of one algorithm.
pub(super) enum Hashing {
    MedianDct(Box<Hasher<[u8; 8]>>),
    Phash(Box<Phash>),
}

impl Hashing {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::MedianDct => Self::MedianDct(Box::new(
                HasherConfig::with_bytes_type::<[u8; 8]>()
                    .hash_alg(HashAlg::Median)
                    .preproc_dct()
                    .bit_order(BitOrder::MsbFirst)
                    .to_hasher(),
            )),
            Algorithm::Phash | Algorithm::PhashOfRgb => Self::Phash(Box::new(Phash::new())),
        }
    }

    pub(super) fn hash(&self, plane: &LumaPlane, path: Path) -> PerceptualHash {
        match self {
            Self::MedianDct(hasher) => {
                let image = GrayImage::from_raw(SIDE as u32, SIDE as u32, plane.0.to_vec())
                    .expect("the plane has as many bytes as 32×32 pixels");
                let hash = hasher.hash_image(&image);
                let mut bits = [0; 8];
                bits.copy_from_slice(hash.as_bytes());
                let scheme = match path {
                    Path::Dc => HashScheme::MedianDctFromDc,
                    Path::Blocks | Path::Rgb => HashScheme::MedianDctFromBlocks,
                };
                PerceptualHash { scheme, bits: u64::from_be_bytes(bits) }
            }
            Self::Phash(phash) => {
                let scheme = match path {
                    Path::Dc => HashScheme::PhashFromDc,
                    Path::Blocks => HashScheme::PhashFromBlocks,
                    Path::Rgb => HashScheme::PhashFromRgb,
                };
                PerceptualHash { scheme, bits: phash.hash(plane) }
            }
        }
    }
}
