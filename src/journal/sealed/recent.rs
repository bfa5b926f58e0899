//! The blocks that were read last, so that a reader who goes on where it was, or asks for the next event of a busy scope,
//! finds its block taken apart.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::BLOCKS_CACHED;
use super::SealedError;

/// At most [`BLOCKS_CACHED`] blocks by their number, last used last.
pub(super) struct Recent<T> {
    /// Locked only to look up and to insert, never while reading.
    blocks: Mutex<VecDeque<(usize, Arc<T>)>>,
}

impl<T> Recent<T> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { blocks: Mutex::new(VecDeque::with_capacity(BLOCKS_CACHED)) }
    }

    /// The block, if it is kept.
    pub(super) fn get(&self, index: usize) -> Option<Arc<T>> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let at = blocks.iter().position(|(kept, _)| *kept == index)?;
        let entry = blocks.remove(at)?;
        let block = Arc::clone(&entry.1);
        blocks.push_back(entry);
        Some(block)
    }

    /// The block, kept or read now. Two readers at once may both read it: neither waits for the other's disk.
    pub(super) fn get_or(
        &self,
        index: usize,
        read: impl FnOnce() -> Result<T, SealedError>,
    ) -> Result<Arc<T>, SealedError> {
        if let Some(block) = self.get(index) {
            return Ok(block);
        }
        let block = Arc::new(read()?);
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if blocks.len() >= BLOCKS_CACHED {
            blocks.pop_front();
        }
        blocks.push_back((index, Arc::clone(&block)));
        Ok(block)
    }
}
