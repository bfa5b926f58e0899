//! Why a picture gives no hash. None of these is ever taken for "nothing to see".

use crate::model::ImageFormat;

use super::dc_jpeg::JpegError;

/// Why a picture gives no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImagingError {
    /// The file is larger than is read.
    #[error("the picture's file has {bytes} bytes, at most {bytes_max} are read")]
    TooManyBytes {
        /// Bytes of the file.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Not one of the formats that are read.
    #[error("the picture is neither JPEG, PNG nor WebP: its file of {bytes} bytes starts with {start:02x?}")]
    Unsupported {
        /// The first bytes, at most 12.
        start: Vec<u8>,
        /// Bytes of the file.
        bytes: usize,
    },
    /// It says to be wider, higher or to have more pixels than is decoded. Found before anything is decoded.
    #[error(
        "the {format:?} picture measures {width}×{height}, at most {width_max}×{height_max} and {pixels_max} pixels are decoded"
    )]
    TooLarge {
        /// Its format.
        format: ImageFormat,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// The limit of the width.
        width_max: u16,
        /// The limit of the height.
        height_max: u16,
        /// The limit of width × height.
        pixels_max: u32,
    },
    /// Decoding would take more memory than is given. Found before anything is decoded.
    #[error("decoding the {format:?} picture would take {bytes} bytes of memory, at most {bytes_max} are given")]
    TooMuchMemory {
        /// Its format.
        format: ImageFormat,
        /// Memory it would take.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// A damaged JPEG.
    #[error("the JPEG picture cannot be decoded")]
    Jpeg(#[from] JpegError),
    /// A picture that its full decoder refuses.
    #[error("the {format:?} picture cannot be decoded: {reason}")]
    Undecodable {
        /// Its format.
        format: ImageFormat,
        /// What the decoder says.
        reason: String,
    },
}
