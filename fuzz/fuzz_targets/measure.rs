//! The whole way from bytes to hash, all formats.
#![no_main]

use libfuzzer_sys::fuzz_target;
use streamwarden_fuzz::imaging::{Algorithm, Imaging, Limits, Scratch};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { width_max: 1024, height_max: 1024, ..Limits::default() };
    let _ = Imaging::new(limits, Algorithm::MedianDct).measure(bytes, &mut Scratch::default());
});
