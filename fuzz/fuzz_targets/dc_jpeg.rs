//! The DC-only decoder: whatever the bytes, an error or a plane of the size that the header states.
#![no_main]

use libfuzzer_sys::fuzz_target;
use streamwarden_fuzz::imaging::Plane;
use streamwarden_fuzz::imaging::dc_jpeg::{Coding, Header, Scratch, decode};

fuzz_target!(|bytes: &[u8]| {
    let Ok(header) = Header::read(bytes) else { return };
    let Coding::Sequential(scan) = &header.coding else { return };
    if header.width > 4096 || header.height > 4096 {
        return; // the caller's limit
    }
    let mut plane = Plane::default();
    if decode(bytes, &header, scan, &mut Scratch::default(), &mut plane).is_ok() {
        let width = usize::from(header.width).div_ceil(8);
        assert!(plane.rows().all(|row| row.len() == width));
        assert_eq!(plane.rows().count(), usize::from(header.height).div_ceil(8));
    }
});
