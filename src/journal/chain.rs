//! Per-event hash and chain.
//!
//! Leaf hashing follows RFC 6962 (a zero byte before the leaf), so that inclusion and consistency proofs can be built
//! over the same leaves later without touching a stored byte. Knows bytes only: no envelope, no disk.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256 as Hasher};

use crate::model::{Position, Sha256};

const LEAF: [u8; 1] = [0];
const LINK: [u8; 1] = [2]; // 1 is RFC 6962's interior node

/// The hash of everything up to and including one event: a single value that no other history can have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Sha256", into = "Sha256")]
pub struct ChainValue(pub [u8; 32]);

/// Hash of one record's bytes.
pub fn leaf(record: &[u8]) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(LEAF);
    hasher.update(record);
    hasher.finalize().into()
}

impl ChainValue {
    /// The value before the first event of the store with this uuid, so that no two stores share a chain.
    pub fn genesis(store: &[u8; 16]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(LINK);
        hasher.update(store);
        Self(hasher.finalize().into())
    }

    /// The value after an event with this leaf.
    pub fn next(self, leaf: &[u8; 32]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(LINK);
        hasher.update(self.0);
        hasher.update(leaf);
        Self(hasher.finalize().into())
    }

    /// The value after a record with these bytes.
    pub fn after(self, record: &[u8]) -> Self {
        self.next(&leaf(record))
    }
}

impl fmt::Display for ChainValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Sha256(self.0).fmt(f)
    }
}

impl fmt::Debug for ChainValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainValue({self})")
    }
}

impl From<Sha256> for ChainValue {
    fn from(digest: Sha256) -> Self {
        Self(digest.0)
    }
}

impl From<ChainValue> for Sha256 {
    fn from(value: ChainValue) -> Self {
        Self(value.0)
    }
}

/// A record as stored: its bytes and the chain value after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its place.
    pub position: Position,
    /// Its bytes, as hashed.
    pub bytes: Vec<u8>,
    /// The chain value after it.
    pub chain: ChainValue,
}

/// A record where it lies: what [`StoredRecord`] is, without a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place.
    pub position: Position,
    /// Its bytes, as hashed.
    pub bytes: &'a [u8],
    /// The chain value after it.
    pub chain: ChainValue,
}

impl Record<'_> {
    /// A copy to keep.
    pub fn to_stored(self) -> StoredRecord {
        StoredRecord { position: self.position, bytes: self.bytes.to_vec(), chain: self.chain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_leaf_is_rfc_6962s() {
        // the first test vector of RFC 6962 implementations: the leaf hash of an empty entry
        assert_eq!(Sha256(leaf(b"")).to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    }

    #[test]
    fn order_and_store_change_the_value() {
        let start = ChainValue::genesis(&[1; 16]);
        assert_ne!(start, ChainValue::genesis(&[2; 16]));
        assert_ne!(start.after(b"a").after(b"b"), start.after(b"b").after(b"a"));
        assert_ne!(start.after(b"ab"), start.after(b"a").after(b"b"));
    }
}
