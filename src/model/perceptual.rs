//! How alike two pictures are: measured in `imaging`, decided upon in the warden.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ImageFacts, Sequence};

/// Which algorithm made a hash, from which decode path. Hashes of different schemes are never compared.
///
/// The numbers are in the journal: they are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum HashScheme {
    /// `image_hasher` Median + DCT, 8×8, over 32×32 luma shrunk from the 1/8-scale plane decoded from DC terms.
    MedianDctFromDc = 1,
    /// The same over 32×32 luma shrunk from the 8×8 block means of a full decode (any other picture).
    MedianDctFromBlocks = 2,
    /// `imagehash.phash`-compatible over the 1/8-scale luma plane decoded from DC terms.
    PhashFromDc = 3,
    /// `imagehash.phash`-compatible over the 8×8 block means of a full decode.
    PhashFromBlocks = 4,
    /// `imagehash.phash` over a full RGB decode, the seed's own way.
    PhashFromRgb = 5,
}

impl HashScheme {
    /// Every scheme.
    pub const ALL: [Self; 5] = [
        Self::MedianDctFromDc,
        Self::MedianDctFromBlocks,
        Self::PhashFromDc,
        Self::PhashFromBlocks,
        Self::PhashFromRgb,
    ];

    /// The scheme's name, as people read it: algorithm, version, decode path.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MedianDctFromDc => "median-dct-v1/dc8",
            Self::MedianDctFromBlocks => "median-dct-v1/mean8",
            Self::PhashFromDc => "phash-v1/dc8",
            Self::PhashFromBlocks => "phash-v1/mean8",
            Self::PhashFromRgb => "phash-v1/rgb",
        }
    }

    const fn code(self) -> u8 {
        self as u8
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.code() == code)
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Whether hashes of the two schemes may be compared: the same algorithm. The decode path (DC terms or block
    /// means of the same picture) moves a hash by a bit or two, far below any threshold; the algorithm does not.
    pub const fn comparable(self, other: Self) -> bool {
        const fn algorithm(scheme: HashScheme) -> u8 {
            match scheme {
                HashScheme::MedianDctFromDc | HashScheme::MedianDctFromBlocks => 1,
                HashScheme::PhashFromDc | HashScheme::PhashFromBlocks | HashScheme::PhashFromRgb => 2,
            }
        }
        algorithm(self) == algorithm(other)
    }
}

/// A 64-bit perceptual hash and how it was made. In the journal `[scheme, bits]`, as text `scheme:16 hex digits`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PerceptualHash {
    /// How the hash was made.
    pub scheme: HashScheme,
    /// The 64 bits, first bit most significant.
    pub bits: u64,
}

impl PerceptualHash {
    /// Bits that differ (0–64); none if the two were made by different algorithms.
    pub fn distance(self, other: Self) -> Option<u8> {
        self.scheme.comparable(other.scheme).then(|| (self.bits ^ other.bits).count_ones() as u8)
    }
}

impl fmt::Display for PerceptualHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:016x}", self.scheme.name(), self.bits)
    }
}

impl fmt::Debug for PerceptualHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PerceptualHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.scheme.code(), self.bits).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for PerceptualHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            let parsed = text.rsplit_once(':').and_then(|(scheme, bits)| {
                Some(Self { scheme: HashScheme::from_name(scheme)?, bits: u64::from_str_radix(bits, 16).ok()? })
            });
            parsed
                .ok_or_else(|| D::Error::custom(format!("a perceptual hash is scheme:16 hex digits, this is {text:?}")))
        } else {
            let (code, bits) = <(u8, u64)>::deserialize(deserializer)?;
            let scheme =
                HashScheme::from_code(code).ok_or_else(|| D::Error::custom(format!("unknown hash scheme {code}")))?;
            Ok(Self { scheme, bits })
        }
    }
}

impl schemars::JsonSchema for PerceptualHash {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PerceptualHash".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[a-z0-9/-]+:[0-9a-f]{16}$" })
    }
}

/// Mean absolute difference of two 32×32 luma planes, in hundredths of a grey level (0–25,500).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct LumaDelta(pub u16);

impl fmt::Display for LumaDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// A picture shrunk to 32×32 grey levels: 1 KiB, kept in a bounded cache beside the state, never in the journal.
#[derive(Clone, PartialEq, Eq)]
pub struct LumaPlane(pub Box<[u8; 1024]>);

impl LumaPlane {
    /// Mean absolute difference, cut to hundredths.
    pub fn delta(&self, other: &Self) -> LumaDelta {
        let sum: u32 = self.0.iter().zip(other.0.iter()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        LumaDelta((sum * 100 / 1024) as u16) // at most 255 × 100
    }
}

impl fmt::Debug for LumaPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LumaPlane(32×32)")
    }
}

/// What imaging found out about a frame, as data for the warden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// Digest, size and format of the picture.
    pub image: ImageFacts,
    /// Its perceptual hash.
    pub hash: PerceptualHash,
    /// Mean |Δ| of the 32×32 luma against the reference frame's, with the sequence of the event that assessed the
    /// reference; none if its plane was no longer in the cache.
    pub luma: Option<(Sequence, LumaDelta)>,
}

/// How far a frame is from the last assessed one. `[bits, luma]` in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Similarity(
    /// Differing hash bits, 0–64.
    pub u8,
    /// Mean |Δ| of the 32×32 luma, if the reference's plane was at hand.
    pub Option<LumaDelta>,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_different_algorithms_have_no_distance() {
        let dc = PerceptualHash { scheme: HashScheme::MedianDctFromDc, bits: 0b1011 };
        let blocks = PerceptualHash { scheme: HashScheme::MedianDctFromBlocks, bits: 0b0001 };
        let phash = PerceptualHash { scheme: HashScheme::PhashFromDc, bits: 0b1011 };
        assert_eq!(dc.distance(blocks), Some(2));
        assert_eq!(dc.distance(phash), None);
    }
}
