//! Whatever the bytes, reading them ends, and says something.

use proptest::prelude::*;
use streamwarden::notifications::{kpl, read};

use crate::data;

const SAMPLES: [&str; 5] = [
    "s3-object-created-thumb0.json",
    "s3-notification-records.json",
    "ivs-recording-state-end.json",
    "ivs-stream-state-stream-end.json",
    "s3-test-event.json",
];

fn reads(bytes: &[u8]) {
    let said = read(bytes);
    assert!(!said.is_empty());
    for rejected in said.iter().filter_map(|said| said.as_ref().err()) {
        assert!(!rejected.reason().is_empty() && rejected.reason().len() <= 300);
    }
    let _ = kpl::unpack(bytes);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        reads(&bytes);
    }

    #[test]
    fn a_damaged_notification_is_read_without_a_panic(
        sample in 0..SAMPLES.len(), at in any::<prop::sample::Index>(), by in prop::collection::vec(any::<u8>(), 0..6),
    ) {
        let mut bytes = data(SAMPLES[sample]);
        let at = at.index(bytes.len());
        let until = (at + by.len()).min(bytes.len());
        bytes.splice(at..until, by);
        reads(&bytes);
    }

    #[test]
    fn what_begins_like_a_packed_record_is_read_without_a_panic(message in prop::collection::vec(any::<u8>(), 0..200)) {
        use md5::Digest;
        let mut bytes = vec![0xf3, 0x89, 0x9a, 0xc2];
        bytes.extend_from_slice(&message);
        bytes.extend_from_slice(&md5::Md5::digest(&message));
        reads(&bytes);
    }
}
