//! Records that the Kinesis Producer Library packed into one: a magic number, a protobuf message, its MD5.
//!
//! What is not exactly that is one plain record, never an error: bytes of somebody else's may begin with the magic.
//! Unlike the Kinesis Client Library, records whose own hash lies outside the shard are kept: after a reshard the
//! library drops them, and with them every record packed beside them.

use md5::{Digest, Md5};

const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
const DIGEST_BYTES: usize = 16;
/// The most records in one; more is taken for a plain record, which is then rejected aloud.
pub const PARTS_MAX: usize = 10_000;

/// One of the records packed into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// The key it was put under.
    pub partition_key: &'a str,
    /// Its bytes.
    pub data: &'a [u8],
}

/// The records packed into `record`, in order; none if it is a plain one.
pub fn unpack(record: &[u8]) -> Option<Vec<Part<'_>>> {
    let packed = record.strip_prefix(&MAGIC)?;
    let (message, digest) = packed.split_at_checked(packed.len().checked_sub(DIGEST_BYTES)?)?;
    if Md5::digest(message)[..] != *digest {
        return None;
    }
    let mut keys = Vec::new();
    let mut parts = Vec::new();
    let mut fields = Fields(message);
    while !fields.0.is_empty() {
        match fields.next()? {
            (1, Value::Bytes(key)) => keys.push(std::str::from_utf8(key).ok()?),
            (3, Value::Bytes(part)) => parts.push(part_of(part)?),
            (1 | 3, _) => return None,
            _ => {} // the table of hash keys, and what later versions add
        }
        if parts.len() > PARTS_MAX {
            return None;
        }
    }
    // The table of keys need not come before the records.
    let named = |(key, data): (u64, _)| Some(Part { partition_key: keys.get(usize::try_from(key).ok()?)?, data });
    let parts = parts.into_iter().map(named).collect::<Option<Vec<_>>>()?;
    (!parts.is_empty()).then_some(parts)
}

/// A record: the index of its key, its bytes.
fn part_of(message: &[u8]) -> Option<(u64, &[u8])> {
    let (mut key, mut data) = (None, None);
    let mut fields = Fields(message);
    while !fields.0.is_empty() {
        match fields.next()? {
            (1, Value::Varint(index)) => key = Some(index),
            (3, Value::Bytes(bytes)) => data = Some(bytes),
            (1 | 3, _) => return None,
            _ => {} // its hash key, its tags
        }
    }
    Some((key?, data?))
}

/// The fields of a protobuf message. Each takes at least one byte, so reading them ends.
struct Fields<'a>(&'a [u8]);

enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some((tag >> 3, value)).filter(|(number, _)| *number != 0)
    }

    /// Seven bits a byte, the lowest first, in at most ten bytes.
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            if shift == 63 && byte > 1 {
                return None; // more than 64 bits
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}
