//! Reads a JPEG at one eighth of its size, from the DC terms alone.
//!
//! The DC term of an 8×8 block is its mean, so the luma DC terms *are* the picture at 1/8. Everything else — AC terms,
//! chroma — is stepped over, which is what makes this several times faster than any full decode. The result is
//! byte for byte what libjpeg-turbo gives at scale 1/8 in greyscale (Pillow: `draft("L", (w // 8, h // 8))`).
//!
//! Read: 8-bit Huffman-coded baseline and extended sequential pictures in one scan: grey, or YCbCr whose luma is
//! sampled at least as densely as its chroma (4:4:4, 4:2:2, 4:2:0, 4:4:0, 4:1:1, …), with or without restart markers.
//! Everything else that is a JPEG is named as such ([`Coding::Other`]), for a full decoder to try. Damage is an error:
//! this decoder never guesses what was lost, because a guessed picture would be judged as if it had been seen.
//!
//! It knows nothing of limits on size (its caller checks [`Header`] first), of hashes, and of other formats.

mod huffman;
mod markers;
mod scan;

pub use markers::{Coding, Header, Scan};
pub use scan::{Scratch, decode};

/// What is wrong with a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JpegError {
    /// The file ends too early.
    #[error("the file ends within {part} that starts at byte {at}")]
    Truncated {
        /// Which part.
        part: &'static str,
        /// Where the part starts.
        at: usize,
    },
    /// A part says what cannot be.
    #[error("{part} at byte {at} is damaged: {why}")]
    Damaged {
        /// Which part.
        part: &'static str,
        /// Where the part starts.
        at: usize,
        /// What was expected.
        why: &'static str,
    },
}
