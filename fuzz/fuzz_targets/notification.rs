//! What arrives from outside: whatever the bytes, something is said of them, in bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use streamwarden_fuzz::notifications::{RECORDS_MAX, kpl, read};

fuzz_target!(|bytes: &[u8]| {
    let said = read(bytes);
    assert!(!said.is_empty() && said.len() <= RECORDS_MAX);
    let mut rejected = said.iter().filter_map(|said| said.as_ref().err());
    assert!(rejected.all(|rejected| rejected.reason().len() <= 300));
    if let Some(parts) = kpl::unpack(bytes) {
        assert!(!parts.is_empty() && parts.len() <= kpl::PARTS_MAX);
    }
});
