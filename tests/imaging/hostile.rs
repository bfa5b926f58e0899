//! Damaged and hostile files: an error, never a panic, never more work or memory than the limits allow.

use proptest::prelude::*;
use streamwarden::imaging::{Algorithm, Imaging, ImagingError, Limits, Scratch};
use streamwarden::model::ImageFormat;

use crate::picture;

fn imaging() -> Imaging {
    Imaging::new(Limits::default(), Algorithm::MedianDct)
}

/// Pictures that take every way through the decoders.
const VICTIMS: [&str; 8] = [
    "420-61x45.jpg",
    "422-restart-3.jpg",
    "411-61x45.jpg",
    "grey-restart-2.jpg",
    "420-q100-own-tables.jpg",
    "progressive-420.jpg",
    "palette.png",
    "lossy.webp",
];

/// Places where a picture is cut that takes long to decode.
const CUTS: usize = 150;

#[test]
fn a_plain_jpeg_cut_short_anywhere_is_an_error() {
    let (imaging, mut scratch) = (imaging(), Scratch::default());
    for name in &VICTIMS[..5] {
        let file = picture(name);
        // The last two bytes are the end marker, the last byte before them may hold nothing but filling.
        for length in 0..file.len() - 3 {
            let result = imaging.measure(&file[..length], &mut scratch);
            assert!(result.is_err(), "{name}, {length} of {} bytes: {result:?}", file.len());
        }
    }
}

#[test]
fn a_missing_end_marker_alone_is_forgiven() {
    let (imaging, mut scratch) = (imaging(), Scratch::default());
    let file = picture("420-61x45.jpg");
    let whole = imaging.perceive(&file, &mut scratch);
    assert!(whole.is_ok());
    assert_eq!(imaging.perceive(&file[..file.len() - 2], &mut scratch), whole);
}

#[test]
fn other_pictures_cut_short_never_panic() {
    let (imaging, mut scratch) = (imaging(), Scratch::default());
    for name in &VICTIMS[5..] {
        let file = picture(name);
        let step = file.len().div_ceil(CUTS);
        let cuts = (0..file.len()).step_by(step);
        let refused = cuts.clone().filter(|&length| imaging.measure(&file[..length], &mut scratch).is_err()).count();
        assert!(refused * 100 >= cuts.len() * 95, "{name}: {refused} of {} cuts refused", cuts.len());
    }
}

#[test]
fn what_is_no_picture_is_unsupported() {
    let (imaging, mut scratch) = (imaging(), Scratch::default());
    for bytes in [&b""[..], b"\xff", b"GIF89a\x01\0\x01\0", b"<html>", b"RIFF\0\0\0\0WAVEfmt "] {
        let result = imaging.measure(bytes, &mut scratch);
        assert!(matches!(result, Err(ImagingError::Unsupported { .. })), "{bytes:02x?}: {result:?}");
    }
}

#[test]
fn a_file_larger_than_the_limit_is_refused_unread() {
    let imaging = Imaging::new(Limits { bytes_max: 1000, ..Limits::default() }, Algorithm::MedianDct);
    let result = imaging.measure(&picture("420-61x45.jpg"), &mut Scratch::default());
    assert!(matches!(result, Err(ImagingError::TooManyBytes { bytes_max: 1000, .. })), "{result:?}");
}

/// Overwrites the size in the frame header.
fn resized(mut file: Vec<u8>, frame_marker: u8, width: u16, height: u16) -> Vec<u8> {
    let at = file.windows(2).position(|pair| pair == [0xff, frame_marker]).unwrap();
    file[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    file[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    file
}

#[test]
fn a_picture_that_claims_too_many_pixels_is_refused_before_decoding() {
    let (imaging, mut scratch) = (imaging(), Scratch::default());
    for (name, marker) in [("420-61x45.jpg", 0xc0), ("progressive-420.jpg", 0xc2)] {
        for (width, height) in [(65535, 65535), (4097, 16), (16, 4097)] {
            let result = imaging.measure(&resized(picture(name), marker, width, height), &mut scratch);
            assert!(matches!(result, Err(ImagingError::TooLarge { .. })), "{name} {width}×{height}: {result:?}");
        }
    }
    let few_pixels = Imaging::new(Limits { pixels_max: 60 * 45, ..Limits::default() }, Algorithm::MedianDct);
    for name in ["420-61x45.jpg", "rgb.png", "lossless.webp"] {
        let result = few_pixels.measure(&picture(name), &mut scratch);
        assert!(matches!(result, Err(ImagingError::TooLarge { .. })), "{name}: {result:?}");
    }
}

#[test]
fn a_small_file_that_claims_the_largest_size_is_refused_for_what_it_lacks() {
    let result = imaging().measure(&resized(picture("420-61x45.jpg"), 0xc0, 4096, 4096), &mut Scratch::default());
    assert!(matches!(result, Err(ImagingError::Jpeg(_))), "{result:?}");
}

#[test]
fn a_full_decode_that_would_take_too_much_memory_is_refused_before_it_starts() {
    let imaging = Imaging::new(Limits { decode_bytes_max: 10_000, ..Limits::default() }, Algorithm::MedianDct);
    for (name, format) in
        [("progressive-420.jpg", ImageFormat::Jpeg), ("rgb.png", ImageFormat::Png), ("lossy.webp", ImageFormat::Webp)]
    {
        let result = imaging.measure(&picture(name), &mut Scratch::default());
        let refused = matches!(&result, Err(ImagingError::TooMuchMemory { format: of, .. }) if *of == format);
        // A PNG's own decoder knows the limit, too, and may be first.
        assert!(refused || (format == ImageFormat::Png && result.is_err()), "{name}: {result:?}");
    }
}

#[test]
fn a_jpeg_of_endless_scans_is_refused() {
    let file = picture("progressive-grey.jpg");
    let scan_at = file.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let end = file.len() - 2;
    let mut bomb = file[..end].to_vec();
    for _ in 0..100 {
        bomb.extend_from_slice(&file[scan_at..end]);
    }
    bomb.extend_from_slice(&file[end..]);
    let result = imaging().measure(&bomb, &mut Scratch::default());
    assert!(matches!(result, Err(ImagingError::Undecodable { .. })), "{result:?}");
}

#[test]
fn restart_markers_out_of_order_are_damage() {
    let (imaging, mut scratch) = (imaging(), Scratch::default());
    let mut file = picture("422-restart-3.jpg");
    let at = file.windows(2).position(|pair| pair == [0xff, 0xd1]).unwrap();
    file[at + 1] = 0xd3;
    assert!(matches!(imaging.measure(&file, &mut scratch), Err(ImagingError::Jpeg(_))));
    // Nothing of it is left for the next picture.
    assert!(imaging.measure(&picture("422-restart-3.jpg"), &mut scratch).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any outcome but a panic: flipped bytes that still decode are a picture.
    #[test]
    fn flipped_bytes_never_panic(
        victim in 0..VICTIMS.len(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..12),
        in_header in any::<bool>(),
    ) {
        let mut file = picture(VICTIMS[victim]);
        let reach = if in_header { file.len().min(700) } else { file.len() };
        for (index, mask) in flips {
            file[index.index(reach)] ^= mask;
        }
        let mut scratch = Scratch::default();
        if let Ok(measured) = imaging().measure(&file, &mut scratch) {
            prop_assert!(measured.image.width <= 4096 && measured.image.height <= 4096);
        }
    }

    /// Bytes that look like a JPEG from afar.
    #[test]
    fn made_up_segments_never_panic(
        segments in prop::collection::vec((0xc0..=0xff_u8, prop::collection::vec(any::<u8>(), 0..80)), 0..12),
        tail in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut file = vec![0xff, 0xd8];
        for (marker, body) in segments {
            file.extend([0xff, marker]);
            file.extend((body.len() as u16 + 2).to_be_bytes());
            file.extend(body);
        }
        file.extend(tail);
        let _ = imaging().measure(&file, &mut Scratch::default());
    }
}
