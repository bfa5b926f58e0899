//! A recorded segment from outside: an MP4 within its bounds, or the reason why not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use streamwarden_fuzz::media::{pictures, sound};

fuzz_target!(|bytes: &[u8]| {
    for excerpt in [sound(bytes), pictures(bytes)].into_iter().flatten() {
        assert_eq!(excerpt.file.get(4..8), Some(b"ftyp".as_slice()));
        // What it holds was in the segment; what is added is a table with a few entries for each sample.
        assert!(excerpt.file.len() <= 4096 + bytes.len() * 32, "{} from {}", excerpt.file.len(), bytes.len());
    }
});
