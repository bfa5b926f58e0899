//! What the hot segment's keys and values look like. All integers big-endian, so that byte order is numeric order.
//!
//! ```text
//! e ‖ first position u64 → chain before 32 B, count u16, then per record: length u16, record, chain after it 32 B
//! i ‖ first position u64 → per event: event id 16 B, scope number u32
//! n ‖ first number u32   → per scope: its last sequence before its first event here u64, name length u8, name
//! c ‖ consumer           → position u64
//! m ‖ name               → how far that input has been taken in, as text
//! h                      → the head (see [`Head`])
//! ```
//!
//! Log, index and scopes are stored in chunks of one commit, because sled's cost is per key and not per byte, and no
//! chunk exceeds [`VALUE_BYTES_MAX`], because larger values would leave sled's log for files that it never syncs.

use crate::journal::chain::{ChainValue, StoredRecord};
use crate::model::{Epoch, EventId, Position, Scope, Sequence, Sha256, Timestamp};

/// The most bytes a value in sled may have.
pub const VALUE_BYTES_MAX: usize = 4096;
const RECORD_FRAME: usize = 2 + 32;
const INDEX_ENTRY: usize = 16 + 4;
pub(super) const HEAD_KEY: &[u8] = b"h";

pub(super) fn log_key(first: Position) -> [u8; 9] {
    numbered(b'e', first.0)
}

pub(super) fn index_key(first: Position) -> [u8; 9] {
    numbered(b'i', first.0)
}

pub(super) fn scope_key(first: u32) -> [u8; 5] {
    let mut key = [b'n'; 5];
    key[1..].copy_from_slice(&first.to_be_bytes());
    key
}

pub(super) fn cursor_key(consumer: &str) -> Vec<u8> {
    [b"c", consumer.as_bytes()].concat()
}

pub(super) fn mark_key(name: &str) -> Vec<u8> {
    [b"m", name.as_bytes()].concat()
}

fn numbered(prefix: u8, number: u64) -> [u8; 9] {
    let mut key = [prefix; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The position in a key of that prefix.
pub(super) fn key_position(key: &[u8]) -> Option<Position> {
    key.get(1..)?.try_into().ok().map(u64::from_be_bytes).map(Position)
}

/// What is wrong, and the first position it is wrong with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The first bad position.
    pub position: Position,
    /// What is wrong with it.
    pub finding: String,
}

impl Damage {
    pub(super) fn at(position: Position, finding: impl Into<String>) -> Self {
        Self { position, finding: finding.into() }
    }
}

/// Splits consecutive records into chunks, keyed by their first position.
pub(super) fn log_chunks(before: ChainValue, records: &[StoredRecord]) -> Vec<(Position, Vec<u8>)> {
    let mut chunks: Vec<(Position, Vec<u8>)> = Vec::new();
    let mut count = 0_u16;
    let mut chain = before;
    for record in records {
        let needed = RECORD_FRAME + record.bytes.len();
        if chunks.last().is_none_or(|(_, chunk)| chunk.len() + needed > VALUE_BYTES_MAX) {
            let mut chunk = Vec::with_capacity(VALUE_BYTES_MAX);
            chunk.extend_from_slice(&chain.0);
            chunk.extend_from_slice(&[0, 0]);
            chunks.push((record.position, chunk));
            count = 0;
        }
        let (_, chunk) = chunks.last_mut().expect("one was pushed if there was none");
        let length = u16::try_from(record.bytes.len()).expect("a record is below RECORD_BYTES_MAX");
        chunk.extend_from_slice(&length.to_be_bytes());
        chunk.extend_from_slice(&record.bytes);
        chunk.extend_from_slice(&record.chain.0);
        count += 1;
        chunk[32..34].copy_from_slice(&count.to_be_bytes());
        chain = record.chain;
    }
    chunks
}

/// Reads a chunk, recomputing every hash. Calls `each` with every record that holds, in order, and returns the chain
/// value after the last; stops at the first that does not hold.
pub(super) fn read_log_chunk(
    first: Position,
    bytes: &[u8],
    mut each: impl FnMut(Position, &[u8], ChainValue),
) -> Result<(ChainValue, Position), Damage> {
    let short = |position| Damage::at(position, "the log's chunk ends within it");
    let (before, rest) = bytes.split_first_chunk::<32>().ok_or_else(|| short(first))?;
    let (count, mut rest) = rest.split_first_chunk::<2>().ok_or_else(|| short(first))?;
    let mut chain = ChainValue(*before);
    let mut position = first;
    let count = u16::from_be_bytes(*count);
    if count == 0 {
        return Err(Damage::at(first, "the log's chunk is empty"));
    }
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<2>().ok_or_else(|| short(position))?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (record, after) = after.split_at_checked(length).ok_or_else(|| short(position))?;
        let (stored, after) = after.split_first_chunk::<32>().ok_or_else(|| short(position))?;
        chain = chain.after(record);
        if chain.0 != *stored {
            return Err(Damage::at(position, "its bytes do not hash to the chain value stored with it"));
        }
        each(position, record, chain);
        rest = after;
        position = position.next();
    }
    match rest.is_empty() {
        true => Ok((chain, position)),
        false => Err(Damage::at(position, format!("{} bytes follow the chunk's last record", rest.len()))),
    }
}

/// The chain value that a chunk says it continues.
pub(super) fn chunk_chain_before(bytes: &[u8]) -> Option<ChainValue> {
    bytes.first_chunk::<32>().copied().map(ChainValue)
}

/// Splits the index of consecutive events into chunks.
pub(super) fn index_chunks(first: Position, events: &[(EventId, u32)]) -> Vec<(Position, Vec<u8>)> {
    let per_chunk = VALUE_BYTES_MAX / INDEX_ENTRY;
    let chunk = |(nth, entries): (usize, &[(EventId, u32)])| {
        let bytes = entries.iter().flat_map(|(id, scope)| [&id.as_bytes()[..], &scope.to_be_bytes()].concat());
        (Position(first.0 + (nth * per_chunk) as u64), bytes.collect())
    };
    events.chunks(per_chunk).enumerate().map(chunk).collect()
}

/// Reads an index chunk; none if its length is wrong.
pub(super) fn read_index_chunk(bytes: &[u8]) -> Option<Vec<(EventId, u32)>> {
    let (entries, rest) = bytes.as_chunks::<INDEX_ENTRY>();
    let entry = |entry: &[u8; INDEX_ENTRY]| {
        let (id, scope) = entry.split_at(16);
        let id = EventId::from_bytes(id.try_into().expect("sixteen bytes"));
        (id, u32::from_be_bytes(scope.try_into().expect("four bytes")))
    };
    (rest.is_empty() && !entries.is_empty()).then(|| entries.iter().map(entry).collect())
}

/// Splits consecutively numbered scopes into chunks.
pub(super) fn scope_chunks(first: u32, scopes: &[(Scope, Sequence)]) -> Vec<(u32, Vec<u8>)> {
    let mut chunks: Vec<(u32, Vec<u8>)> = Vec::new();
    for (number, (scope, carry)) in (first..).zip(scopes) {
        let name = scope.to_string();
        let length = u8::try_from(name.len()).expect("a scope's name has at most 200 bytes");
        let entry = [&carry.0.to_be_bytes()[..], &[length], name.as_bytes()].concat();
        match chunks.last_mut() {
            Some((_, chunk)) if chunk.len() + entry.len() <= VALUE_BYTES_MAX => chunk.extend_from_slice(&entry),
            _ => chunks.push((number, entry)),
        }
    }
    chunks
}

/// Reads a chunk of scopes; none if it is not one.
pub(super) fn read_scope_chunk(mut bytes: &[u8]) -> Option<Vec<(Scope, Sequence)>> {
    let mut scopes = Vec::new();
    while !bytes.is_empty() {
        let (carry, rest) = bytes.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*length))?;
        let scope = std::str::from_utf8(name).ok()?.parse().ok()?;
        scopes.push((scope, Sequence(u64::from_be_bytes(*carry))));
        bytes = rest;
    }
    Some(scopes)
}

/// The head of a hot segment, rewritten in every batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The store it belongs to.
    pub store: [u8; 16],
    /// The segment's first position.
    pub first: Position,
    /// The chain value before it.
    pub chain_before: ChainValue,
    /// The last position; `first - 1` in an empty segment.
    pub position: Position,
    /// The chain value after it.
    pub chain: ChainValue,
    /// The epoch that wrote it.
    pub epoch: Epoch,
    /// The latest recorded-at so far.
    pub recorded_at: Timestamp,
}

impl Head {
    pub fn to_bytes(self) -> Vec<u8> {
        let fields: [&[u8]; 8] = [
            &[1],
            &self.store,
            &self.first.0.to_be_bytes(),
            &self.chain_before.0,
            &self.position.0.to_be_bytes(),
            &self.chain.0,
            &self.epoch.0.to_be_bytes(),
            &self.recorded_at.as_micros().to_be_bytes(),
        ];
        let mut bytes = fields.concat();
        let check = Sha256::of(&bytes);
        bytes.extend_from_slice(&check.0[..8]);
        bytes
    }

    /// Reads a head; none if it is not one, or not whole.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (fields, check) = bytes.split_at_checked(109)?;
        if Sha256::of(fields).0[..8] != *check || fields[0] != 1 {
            return None;
        }
        let eight = |at: usize| fields[at..at + 8].try_into().expect("eight bytes");
        let chain = |at: usize| ChainValue(fields[at..at + 32].try_into().expect("thirty-two bytes"));
        Some(Self {
            store: fields[1..17].try_into().expect("sixteen bytes"),
            first: Position(u64::from_be_bytes(eight(17))),
            chain_before: chain(25),
            position: Position(u64::from_be_bytes(eight(57))),
            chain: chain(65),
            epoch: Epoch(u32::from_be_bytes(fields[97..101].try_into().expect("four bytes"))),
            recorded_at: Timestamp::from_micros(i64::from_be_bytes(eight(101))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::RECORD_BYTES_MAX;
    use crate::model::ChannelId;

    fn records(sizes: &[usize]) -> Vec<StoredRecord> {
        let mut chain = ChainValue::genesis(&[7; 16]);
        let record = |(index, &size): (usize, &usize)| {
            let bytes = vec![index as u8; size];
            chain = chain.after(&bytes);
            StoredRecord { position: Position(index as u64 + 5), bytes, chain }
        };
        sizes.iter().enumerate().map(record).collect()
    }

    #[test]
    fn no_chunk_exceeds_the_value_size_and_all_records_come_back() {
        let stored = records(&[10, RECORD_BYTES_MAX, 300, 300, 4000, 1, 0, 2000, 2000, RECORD_BYTES_MAX]);
        let chunks = log_chunks(ChainValue::genesis(&[7; 16]), &stored);
        let mut back = Vec::new();
        for (first, chunk) in &chunks {
            assert!(chunk.len() <= VALUE_BYTES_MAX);
            read_log_chunk(*first, chunk, |position, bytes, chain| {
                back.push(StoredRecord { position, bytes: bytes.to_vec(), chain });
            })
            .unwrap();
        }
        assert_eq!(back, stored);
        assert!(chunks.len() < stored.len());
    }

    #[test]
    fn every_flipped_byte_of_a_chunk_is_named_with_its_position() {
        let stored = records(&[40, 50, 60]);
        let (first, chunk) = log_chunks(ChainValue::genesis(&[7; 16]), &stored).remove(0);
        // where each record's frame begins: its length, bytes and chain value count as its own
        let starts = [34, 34 + 34 + 40, 34 + 34 + 40 + 34 + 50];
        for at in 0..chunk.len() {
            let mut flipped = chunk.clone();
            flipped[at] ^= 0x10;
            let damage = read_log_chunk(first, &flipped, |_, _, _| {}).expect_err("a flipped byte is damage");
            let within = starts.iter().rposition(|&start| at >= start).unwrap_or(0);
            if !(32..34).contains(&at) {
                assert_eq!(damage.position.0, first.0 + within as u64, "byte {at}: {damage:?}");
            }
        }
    }

    #[test]
    fn index_scopes_and_head_come_back() {
        let events: Vec<_> = (0..1000_u32).map(|n| (EventId::of_command("t", &[&n.to_be_bytes()]), n % 7)).collect();
        let chunks = index_chunks(Position(11), &events);
        let back: Vec<_> = chunks.iter().flat_map(|(_, chunk)| read_index_chunk(chunk).unwrap()).collect();
        assert_eq!(back, events);
        assert!(chunks.iter().all(|(_, chunk)| chunk.len() <= VALUE_BYTES_MAX));

        let scopes: Vec<(Scope, Sequence)> =
            (0..100).map(|n| (ChannelId::new("c".repeat(n + 1)).unwrap().into(), Sequence(n as u64))).collect();
        let chunks = scope_chunks(3, &scopes);
        assert!(chunks.iter().all(|(_, chunk)| chunk.len() <= VALUE_BYTES_MAX));
        let back: Vec<_> = chunks.iter().flat_map(|(_, chunk)| read_scope_chunk(chunk).unwrap()).collect();
        assert_eq!(back, scopes);

        let chain = ChainValue::genesis(&[1; 16]);
        let head = Head {
            store: [9; 16],
            first: Position(3),
            chain_before: chain,
            position: Position(9),
            chain: chain.after(b"x"),
            epoch: Epoch(4),
            recorded_at: Timestamp::from_micros(-5),
        };
        assert_eq!(Head::from_bytes(&head.to_bytes()), Some(head));
        let mut torn = head.to_bytes();
        torn[60] ^= 1;
        assert_eq!(Head::from_bytes(&torn), None);
    }
}
