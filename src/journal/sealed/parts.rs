//! The index parts of a segment, collected record by record: by the writer to write them, by verification to compare.

use super::ids::{self, IdFilter};
use super::layout::{Page, Part};
use super::scopes::ScopeIndex;
use super::wire::{Fields, put_text};
use crate::events::Recorded;
use crate::journal::content::{SUBJECT_BYTES_MAX, references_in};
use crate::model::{ContentRef, Position, Sha256};

/// What the index parts are made from.
pub(super) struct Collected {
    first: Position,
    ids: Vec<ids::Entry>,
    scopes: ScopeIndex,
    contents: Vec<ContentRef>,
}

/// The index parts as bytes, with their page tables. Offsets are the writer's business.
pub(super) struct IndexParts {
    pub ids: (Vec<u8>, Part),
    pub id_pages: Vec<Page<[u8; 16]>>,
    pub lists: (Vec<u8>, Part),
    pub scopes: (Vec<u8>, Part),
    pub scope_pages: Vec<Page<String>>,
    pub contents: (Vec<u8>, Part),
    /// The ids, sorted, for the filter.
    pub sorted_ids: Vec<ids::Entry>,
}

impl Collected {
    /// Nothing yet, of a segment that begins at `first`.
    pub(super) fn from(first: Position) -> Self {
        Self { first, ids: Vec::new(), scopes: ScopeIndex::default(), contents: Vec::new() }
    }

    /// Notes one event.
    pub(super) fn note(&mut self, recorded: &Recorded) -> Result<(), String> {
        let envelope = &recorded.envelope;
        let offset = u32::try_from(envelope.position.0 - self.first.0)
            .map_err(|_| format!("it is more than {} positions from the segment's first", u32::MAX))?;
        self.scopes.note(&envelope.scope.to_string(), envelope.sequence, envelope.position)?;
        self.ids.push((*envelope.id.as_bytes(), offset));
        self.contents.extend(references_in(&recorded.payload));
        Ok(())
    }

    /// The parts; refuses an id that two events have.
    pub(super) fn finish(mut self) -> Result<IndexParts, (Position, String)> {
        self.ids.sort_unstable();
        if let Some(pair) = self.ids.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let position = Position(self.first.0 + u64::from(pair[1].1));
            return Err((position, "its event id is that of an earlier event".to_owned()));
        }
        let (id_bytes, id_part, id_pages) = ids::table(&self.ids);
        let (list_bytes, scope_bytes, [list_part, scope_part], scope_pages) = self.scopes.tables();
        let content_bytes = contents_to_bytes(&self.contents);
        let content_part = Part { offset: 0, bytes: content_bytes.len() as u64, crc: crc32fast::hash(&content_bytes) };
        Ok(IndexParts {
            ids: (id_bytes, id_part),
            id_pages,
            lists: (list_bytes, list_part),
            scopes: (scope_bytes, scope_part),
            scope_pages,
            contents: (content_bytes, content_part),
            sorted_ids: self.ids,
        })
    }
}

impl IndexParts {
    pub(super) fn filter(&self) -> Result<IdFilter, &'static str> {
        IdFilter::over(&self.sorted_ids)
    }
}

fn contents_to_bytes(contents: &[ContentRef]) -> Vec<u8> {
    let mut out = Vec::new();
    // The content store refuses longer subjects, so a longer one only looks like a reference.
    for content in contents.iter().filter(|content| content.subject.len() <= SUBJECT_BYTES_MAX) {
        put_text(&mut out, &content.subject);
        out.extend_from_slice(&content.digest.0);
        out.extend_from_slice(&content.bytes.to_be_bytes());
    }
    out
}

/// Reads the contents part; none if it is malformed.
pub(super) fn contents_from_bytes(bytes: &[u8]) -> Option<Vec<ContentRef>> {
    let mut fields = Fields::of(bytes);
    let mut contents = Vec::new();
    while fields.remaining() > 0 {
        contents.push(ContentRef {
            subject: fields.text()?.to_owned(),
            digest: Sha256(fields.array()?),
            bytes: fields.u32()?,
        });
    }
    Some(contents)
}
