//! From bytes to a perceptual hash, within limits.

use crate::model::{ImageFacts, LumaPlane, PerceptualHash};

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
