//! The scope index: for each scope of the segment, where its events are.
//!
//! A list is runs of consecutive sequences, each: first sequence as distance from the end of the run before, length,
//! then the positions as distances. There is one run unless a declared hole took some of the scope's events.

use std::collections::BTreeMap;

use super::layout::{Page, Part};
use super::wire::{Fields, put_text, put_varint};
use crate::model::{Position, Sequence};

/// Bytes after which a page of the directory is closed.
const PAGE_BYTES: usize = 4096;

/// Where each scope's events are, as they are collected.
#[derive(Default)]
pub(super) struct ScopeIndex {
    scopes: BTreeMap<String, Vec<(Sequence, Position)>>,
}

/// One scope in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScopeEntry {
    pub last: Sequence,
    pub count: u32,
    /// Where its list begins within the lists.
    pub list_offset: u64,
    pub list_bytes: u32,
    pub list_crc: u32,
}

impl ScopeIndex {
    /// Notes one event; refuses a sequence that does not rise.
    pub(super) fn note(&mut self, scope: &str, sequence: Sequence, position: Position) -> Result<(), String> {
        if !self.scopes.contains_key(scope) {
            self.scopes.insert(scope.to_owned(), Vec::new());
        }
        let events = self.scopes.get_mut(scope).expect("it was inserted above");
        if let Some((last, _)) = events.last().filter(|(last, _)| *last >= sequence) {
            return Err(format!("{scope} is at sequence {last} already, this event has {sequence}"));
        }
        events.push((sequence, position));
        Ok(())
    }

    /// Lists and directory as bytes, their parts (without offsets), and the directory's pages.
    pub(super) fn tables(&self) -> (Vec<u8>, Vec<u8>, [Part; 2], Vec<Page<String>>) {
        let (mut lists, mut directory, mut pages) = (Vec::new(), Vec::new(), Vec::new());
        let mut page_start = 0;
        let mut page_first: Option<&str> = None;
        let mut close = |first: &mut Option<&str>, start: &mut usize, directory: &[u8]| {
            if let Some(first) = first.take() {
                let page = &directory[*start..];
                pages.push(Page { first: first.to_owned(), bytes: page.len() as u32, crc: crc32fast::hash(page) });
                *start = directory.len();
            }
        };
        for (scope, events) in &self.scopes {
            if directory.len() - page_start >= PAGE_BYTES {
                close(&mut page_first, &mut page_start, &directory);
            }
            page_first.get_or_insert(scope);
            let list_offset = lists.len();
            put_list(&mut lists, events);
            let list = &lists[list_offset..];
            let entry = ScopeEntry {
                last: events.last().expect("a noted scope has an event").0,
                count: events.len() as u32, // at most SEGMENT_EVENTS_MAX
                list_offset: list_offset as u64,
                list_bytes: list.len() as u32,
                list_crc: crc32fast::hash(list),
            };
            put_text(&mut directory, scope);
            entry.put(&mut directory);
        }
        close(&mut page_first, &mut page_start, &directory);
        let part = |bytes: &[u8]| Part { offset: 0, bytes: bytes.len() as u64, crc: crc32fast::hash(bytes) };
        let parts = [part(&lists), part(&directory)];
        (lists, directory, parts, pages)
    }
}

impl ScopeEntry {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.last.0.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&self.list_offset.to_be_bytes());
        out.extend_from_slice(&self.list_bytes.to_be_bytes());
        out.extend_from_slice(&self.list_crc.to_be_bytes());
    }

    fn take(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            last: Sequence(fields.u64()?),
            count: fields.u32()?,
            list_offset: fields.u64()?,
            list_bytes: fields.u32()?,
            list_crc: fields.u32()?,
        })
    }
}

/// The entries of a directory page; none if it is malformed.
pub(super) fn read_page(page: &[u8]) -> Option<Vec<(&str, ScopeEntry)>> {
    let mut fields = Fields::of(page);
    let mut entries = Vec::new();
    while fields.remaining() > 0 {
        entries.push((fields.text()?, ScopeEntry::take(&mut fields)?));
    }
    Some(entries)
}

/// Positions of at most `limit` events after sequence `after` in a list; none if it is malformed.
pub(super) fn positions_after(list: &[u8], after: Sequence, limit: usize) -> Option<Vec<Position>> {
    let mut fields = Fields::of(list);
    let mut found = Vec::new();
    let (mut sequence, mut position) = (0u64, 0u64);
    while fields.remaining() > 0 {
        sequence = sequence.checked_add(fields.varint()?)?;
        for _ in 0..fields.varint()? {
            position = position.checked_add(fields.varint()?)?;
            if sequence > after.0 {
                found.push(Position(position));
            }
            if found.len() >= limit {
                return Some(found);
            }
            sequence = sequence.checked_add(1)?;
        }
    }
    Some(found)
}

fn put_list(out: &mut Vec<u8>, events: &[(Sequence, Position)]) {
    let (mut sequence, mut position) = (0, 0);
    for run in events.chunk_by(|one, next| one.0.0 + 1 == next.0.0) {
        put_varint(out, run[0].0.0 - sequence);
        put_varint(out, run.len() as u64);
        for (_, at) in run {
            put_varint(out, at.0 - position);
            position = at.0;
        }
        sequence = run[0].0.0 + run.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_with_a_hole_gives_the_positions_after_any_sequence() {
        let events: Vec<(Sequence, Position)> =
            [(3, 7), (4, 9), (5, 200), (9, 201), (10, 5000)].map(|(s, p)| (Sequence(s), Position(p))).into();
        let mut list = Vec::new();
        put_list(&mut list, &events);
        for after in 0..12 {
            let expected: Vec<Position> =
                events.iter().filter(|(sequence, _)| sequence.0 > after).map(|(_, position)| *position).collect();
            assert_eq!(positions_after(&list, Sequence(after), 100), Some(expected), "after {after}");
        }
        assert_eq!(positions_after(&list, Sequence(4), 2), Some(vec![Position(200), Position(201)]));
        assert_eq!(positions_after(&list[..list.len() - 1], Sequence(0), 100), None);
    }

    #[test]
    fn a_run_length_that_the_list_cannot_hold_ends_without_allocating() {
        let mut hostile = vec![1];
        put_varint(&mut hostile, u64::MAX);
        assert_eq!(positions_after(&hostile, Sequence(0), usize::MAX), None);
    }
}
