//! What stands on a disk that somebody wrote to, as an envelope and as the payload of every type: a named error, or an
//! event that reads the same when it is written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use streamwarden_fuzz::events::{EventType, Recorded, decode, encode};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = Recorded::from_bytes(bytes) {
        let again = record.to_bytes().expect("what was read can be written");
        assert_eq!(Recorded::from_bytes(&again).expect("what was written can be read"), record);
        let _ = record.event();
    }
    for known in EventType::ALL {
        for version in 1..=known.version() {
            let Ok(event) = decode(known.name(), version, bytes) else { continue };
            let Ok(again) = encode(&event) else { continue };
            assert_eq!(decode(known.name(), known.version(), &again).expect("what was written can be read"), event);
        }
    }
});
