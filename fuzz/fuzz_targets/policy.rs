//! A policy as a person wrote it, and the AWS sample's items: problems are at places in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use streamwarden_fuzz::policy::check::check;
use streamwarden_fuzz::policy::import::import;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = check(&[("policy.yaml", text)], &[]);
    let _ = import(text);
});
