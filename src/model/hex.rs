//! Bytes of a fixed number as hexadecimal text, in displays and in both of serde's worlds. Knows no identity.

use std::fmt;

use serde::{Deserializer, Serializer};

/// Two lower-case digits a byte.
pub(super) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// So many bytes from twice as many digits of either case; none from anything else.
pub(super) fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N * 2 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, self.0)
    }
}

/// Bytes in the journal's binary form, hexadecimal text where people read.
pub(super) fn serialize_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() { serializer.collect_str(&Hex(bytes)) } else { serializer.serialize_bytes(bytes) }
}

/// What [`serialize_bytes`] wrote. `kind` says in an error what was expected.
pub(super) fn deserialize_bytes<'de, const N: usize, D: Deserializer<'de>>(
    deserializer: D,
    kind: &'static str,
) -> Result<[u8; N], D::Error> {
    struct Bytes<const N: usize>(&'static str);

    impl<const N: usize> serde::de::Visitor<'_> for Bytes<N> {
        type Value = [u8; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} of {N} bytes", self.0)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<[u8; N], E> {
            read_hex(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }

        fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<[u8; N], E> {
            bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
        }
    }

    if deserializer.is_human_readable() {
        deserializer.deserialize_str(Bytes(kind))
    } else {
        deserializer.deserialize_bytes(Bytes(kind))
    }
}
