//! Records packed by the Kinesis Producer Library.

use serde_json::Value;
use streamwarden::notifications::kpl::unpack;

use crate::data;

fn sample(member: &str) -> Vec<u8> {
    let sample: Value = serde_json::from_slice(&data("kpl-aggregated-record.json")).unwrap();
    from_base64(sample[member].as_str().unwrap())
}

fn from_base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.trim_end_matches('=').bytes().map(value).collect();
    let bits =
        |chunk: &[u8]| chunk.iter().fold(0u32, |bits, six| bits << 6 | u32::from(*six)) << (6 * (4 - chunk.len()));
    digits.chunks(4).flat_map(|chunk| bits(chunk).to_be_bytes()[1..chunk.len()].to_vec()).collect()
}

#[test]
fn packed_records_come_out_in_order_each_with_its_key() {
    let record = sample("Data_base64");
    let parts = unpack(&record).expect("a packed record");
    let parts: Vec<_> =
        parts.iter().map(|part| (part.partition_key, std::str::from_utf8(part.data).unwrap())).collect();
    assert_eq!(parts, [("channel-a", "{\"n\":0}"), ("channel-b", "{\"n\":1}"), ("channel-a", "{\"n\":2}")]);
}

#[test]
fn whatever_is_wrong_makes_it_one_plain_record() {
    assert_eq!(unpack(&sample("Data_bad_md5_base64")), None);
    let record = sample("Data_base64");
    for length in 0..record.len() {
        assert_eq!(unpack(&record[..length]), None, "cut to {length} bytes");
    }
    for at in 0..record.len() {
        let mut damaged = record.clone();
        damaged[at] ^= 1;
        assert_eq!(unpack(&damaged), None, "byte {at}");
    }
    assert_eq!(unpack(b"{\"n\":0}"), None);
}
