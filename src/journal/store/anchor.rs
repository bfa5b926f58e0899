//! The head of the journal, kept outside the hot segment's directory: sled opens silently short after some damage,
//! and an older copy of its directory looks as good as the newest. Whoever wants to open must match the anchor.
//!
//! Two slots of 512 bytes. Writes since the last sync all go to the same slot, so that a power cut in the middle of
//! any of them leaves the other one, which was synced, whole.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use fail::fail_point;

use crate::journal::ChainValue;
use crate::model::{Epoch, Position, Sha256};

const MAGIC: &[u8; 8] = b"SWANCHR1";
const SLOT_BYTES: usize = 512;
const USED_BYTES: usize = 8 + 8 + 32 + 4 + 8 + 8;

/// A head: everything up to this position is in the store, and hashes to this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchored {
    /// The last position.
    pub position: Position,
    /// The chain value after it.
    pub chain: ChainValue,
    /// The epoch that wrote it.
    pub epoch: Epoch,
    /// First position of the segment it lies in.
    pub segment: Position,
}

/// The open anchor file.
pub(super) struct Anchor {
    file: File,
    counter: u64,
    slot: usize,
    unsynced: bool,
}

impl Anchor {
    /// Makes the file with its first head in it. Not synced.
    pub fn create(path: &Path, head: Anchored) -> io::Result<()> {
        let file = File::create_new(path)?;
        file.write_all_at(&[0; 2 * SLOT_BYTES], 0)?;
        file.write_all_at(&encode(head, 1), 0)
    }

    /// Opens the file; none of its heads if no slot is whole.
    pub fn open(path: &Path) -> io::Result<(Self, Option<Anchored>)> {
        let file = File::options().read(true).write(true).open(path)?;
        let mut best: Option<(u64, usize, Anchored)> = None;
        for slot in 0..2 {
            let mut bytes = [0; SLOT_BYTES];
            if file.read_exact_at(&mut bytes, (slot * SLOT_BYTES) as u64).is_err() {
                continue; // a file too short for the slot holds no head there; with none left the caller refuses
            }
            if let Some((counter, head)) = decode(&bytes)
                && best.is_none_or(|(highest, ..)| counter > highest)
            {
                best = Some((counter, slot, head));
            }
        }
        let (counter, slot) = best.map_or((0, 0), |(counter, slot, _)| (counter, 1 - slot));
        Ok((Self { file, counter, slot, unsynced: false }, best.map(|(.., head)| head)))
    }

    /// Writes a head. Durable with the next [`sync`](Self::sync), at most a second later.
    pub fn write(&mut self, head: Anchored) -> io::Result<()> {
        self.counter += 1;
        self.file.write_all_at(&encode(head, self.counter), (self.slot * SLOT_BYTES) as u64)?;
        self.unsynced = true;
        fail_point!("anchor.written");
        Ok(())
    }

    /// Makes the last head written durable.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.unsynced {
            self.file.sync_data()?;
            self.unsynced = false;
            self.slot = 1 - self.slot;
            fail_point!("anchor.synced");
        }
        Ok(())
    }
}

fn encode(head: Anchored, counter: u64) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    let fields: [&[u8]; 6] = [
        MAGIC,
        &head.position.0.to_be_bytes(),
        &head.chain.0,
        &head.epoch.0.to_be_bytes(),
        &head.segment.0.to_be_bytes(),
        &counter.to_be_bytes(),
    ];
    let used = fields.concat();
    bytes[..USED_BYTES].copy_from_slice(&used);
    bytes[USED_BYTES..USED_BYTES + 32].copy_from_slice(&Sha256::of(&used).0);
    bytes
}

fn decode(bytes: &[u8; SLOT_BYTES]) -> Option<(u64, Anchored)> {
    let (used, check) = bytes[..USED_BYTES + 32].split_at(USED_BYTES);
    if &used[..8] != MAGIC || Sha256::of(used).0 != check {
        return None;
    }
    let number = |at: usize| u64::from_be_bytes(used[at..at + 8].try_into().expect("eight bytes"));
    let head = Anchored {
        position: Position(number(8)),
        chain: ChainValue(used[16..48].try_into().expect("thirty-two bytes")),
        epoch: Epoch(u32::from_be_bytes(used[48..52].try_into().expect("four bytes"))),
        segment: Position(number(52)),
    };
    Some((number(60), head))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(position: u64) -> Anchored {
        let chain = ChainValue::genesis(&[position as u8; 16]);
        Anchored { position: Position(position), chain, epoch: Epoch(1), segment: Position(1) }
    }

    #[test]
    fn any_write_since_the_last_sync_may_be_torn_and_the_synced_head_stands() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ANCHOR");
        Anchor::create(&path, head(0)).unwrap();
        let (mut anchor, found) = Anchor::open(&path).unwrap();
        assert_eq!(found, Some(head(0)));
        anchor.write(head(1)).unwrap();
        anchor.sync().unwrap();
        anchor.write(head(2)).unwrap();
        anchor.write(head(3)).unwrap();
        assert_eq!(Anchor::open(&path).unwrap().1, Some(head(3)));
        let torn = anchor.slot;
        anchor.file.write_all_at(&[0xff; 40], (torn * SLOT_BYTES) as u64 + 8).unwrap();
        assert_eq!(Anchor::open(&path).unwrap().1, Some(head(1)));
    }

    #[test]
    fn a_file_without_a_whole_slot_holds_no_head() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ANCHOR");
        for content in [&[][..], &[0; 700], &[0xff; 2 * SLOT_BYTES]] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(Anchor::open(&path).unwrap().1, None);
        }
    }
}
