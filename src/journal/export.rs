//! Exports: a stretch of the journal as sealed-format segments, the content it refers to, and a manifest.
//!
//! ```text
//! manifest.json               what is here, with a digest of each file; written last
//! <first>-<last>.swj          segments
//! content/…, keys/…           ciphertexts, live keys, and all tombstones of the store
//! ```
//!
//! A directory without `manifest.json` is no export: making it was interrupted. An export holds the keys that were
//! live when it was made, so it is as confidential as the store, and an erasure must be repeated on it or it must be
//! destroyed. Each manifest names the digest of the one before, so that a missing export is noticed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::content::{self, ContentError};
use super::sealed::{SealedError, Segment, Writer, digest_of};
use super::store::{replace, sync_tree};
use super::{ChainValue, Inspection, Journal, Manifest, READ_LIMIT_MAX, ReadError, StoredRecord};
use crate::events::{EnvelopeError, Recorded};
use crate::model::{ConsumerName, Mark, MarkName, Position, Sha256};

/// The name of an export's manifest.
pub const MANIFEST_FILE: &str = "manifest.json";
/// What a manifest's `format` says.
pub const FORMAT: &str = "streamwarden-export/1";
/// A segment of an export holds at most so many events: what one verification keeps in memory.
const SEGMENT_EVENTS: u64 = 200_000;

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportManifest {
    /// Name and version of the layout.
    pub format: String,
    /// The store it was taken from, 32 hexadecimal digits.
    pub store: String,
    /// First position.
    pub first: Position,
    /// Last position.
    pub last: Position,
    /// Number of events.
    pub count: u64,
    /// Chain value before the first event.
    pub chain_before: ChainValue,
    /// Chain value after the last event.
    pub chain: ChainValue,
    /// Digest of the manifest of the export before this one, if it continues one.
    pub previous: Option<Sha256>,
    /// The segments, in order.
    pub segments: Vec<ExportedSegment>,
    /// Positions that an operator had accepted as lost.
    pub losses: Vec<ExportedLoss>,
    /// How far each consumer had come.
    pub cursors: BTreeMap<String, Position>,
    /// How far each input outside had been taken in; none if events after the last one were left out.
    #[serde(default)]
    pub marks: BTreeMap<MarkName, Mark>,
    /// Content and keys, by path below the export.
    pub content: BTreeMap<String, ExportedFile>,
}

/// One segment of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedSegment {
    /// First position.
    pub first: Position,
    /// Last position.
    pub last: Position,
    /// Number of events.
    pub count: u64,
    /// Chain value before the first event.
    pub chain_before: ChainValue,
    /// Chain value after the last event.
    pub chain: ChainValue,
    /// Its file.
    pub file: String,
    /// Digest of the file.
    pub sha256: Sha256,
    /// Size of the file.
    pub bytes: u64,
}

/// Positions declared as lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedLoss {
    /// First position lost.
    pub from: Position,
    /// Last position lost.
    pub to: Position,
    /// What was found.
    pub finding: String,
}

/// One file beside the segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedFile {
    /// Its digest.
    pub sha256: Sha256,
    /// Its size.
    pub bytes: u64,
}

/// Why an export was not made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file system refused.
    #[error("{doing} {} failed", file.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        file: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The directory holds something already.
    #[error("{} is not empty; an export goes into a directory of its own", .0.display())]
    NotEmpty(PathBuf),
    /// The range holds no events.
    #[error("there are no events from position {from} to {to}; the journal ends at {head}")]
    Nothing {
        /// First position asked for.
        from: Position,
        /// Last position asked for.
        to: Position,
        /// Last position there is.
        head: Position,
    },
    /// The journal could not be read.
    #[error("reading the journal after position {after} failed")]
    Read {
        /// The last position read.
        after: Position,
        /// Why it failed.
        source: ReadError,
    },
    /// A record could not be written as it was read.
    #[error("position {position} cannot be encoded")]
    Encode {
        /// The position.
        position: Position,
        /// Why not.
        source: EnvelopeError,
    },
    /// The chain recomputed is not the one that the store states.
    #[error("the chain value before position {0} is not the one that the store states")]
    Chain(Position),
    /// Events are missing that nobody declared lost.
    #[error("positions {from} to {to} are missing and were not declared lost")]
    Missing {
        /// First position missing.
        from: Position,
        /// Last position missing.
        to: Position,
    },
    /// A segment could not be written.
    #[error("writing a segment failed")]
    Segment(#[from] SealedError),
    /// Content could not be copied.
    #[error("copying content failed")]
    Content(#[from] ContentError),
}

/// What is exported.
pub struct Source<'a> {
    /// Where events are read.
    pub journal: &'a dyn Journal,
    /// The store's uuid.
    pub store: [u8; 16],
    /// Its segments and declared losses.
    pub manifest: &'a Manifest,
    /// How far its consumers have come.
    pub cursors: Vec<(ConsumerName, Position)>,
    /// How far the inputs outside have been taken in.
    pub marks: Vec<(MarkName, Mark)>,
    /// Its content.
    pub content: &'a content::Store,
}

impl<'a> Source<'a> {
    /// A store that is being looked at, with its content.
    pub fn of(inspection: &'a Inspection, content: &'a content::Store) -> Self {
        Self {
            journal: inspection,
            store: inspection.store_id(),
            manifest: inspection.manifest(),
            cursors: inspection.cursors(),
            marks: inspection.marks(""),
            content,
        }
    }

    /// Where segments start, with the chain value before each.
    fn starts(&self) -> BTreeMap<Position, ChainValue> {
        let sealed = self.manifest.sealed.iter().map(|entry| (entry.first, entry.chain_before));
        let retired = self.manifest.retired.iter().map(|entry| (entry.first, entry.chain_before));
        let active = (self.manifest.active.first, self.manifest.active.chain_before);
        sealed.chain(retired).chain([active]).collect()
    }
}

/// Writes the events `from..=to` and all that belongs to them into `directory`, which is made or must be empty.
/// `previous` is the digest of the manifest that this export continues. Durable when this returns.
pub fn export(
    source: &Source<'_>,
    from: Position,
    to: Position,
    previous: Option<Sha256>,
    directory: &Path,
) -> Result<ExportManifest, ExportError> {
    make_empty(directory)?;
    let head = *source.journal.watermark().borrow();
    let from = from.max(Position(1));
    let to = to.min(head);
    let segments = write_segments(source, from, to, directory)?;
    let (Some(head_entry), Some(tail_entry)) = (segments.first().cloned(), segments.last().cloned()) else {
        return Err(ExportError::Nothing { from, to, head });
    };
    let manifest = ExportManifest {
        format: FORMAT.to_owned(),
        store: source.store.iter().map(|byte| format!("{byte:02x}")).collect(),
        first: head_entry.first,
        last: tail_entry.last,
        count: segments.iter().map(|segment| segment.count).sum(),
        chain_before: head_entry.chain_before,
        chain: tail_entry.chain,
        previous,
        losses: declared(source, from, to),
        cursors: source.cursors.iter().map(|(name, at)| (name.to_string(), (*at).min(to))).collect(),
        // an input must not go on behind what the export ends with
        marks: if to == head { source.marks.iter().cloned().collect() } else { BTreeMap::new() },
        content: copy_content(source, &segments, directory)?,
        segments,
    };
    sync_tree(directory).map_err(io_at("syncing", directory))?;
    let path = directory.join(MANIFEST_FILE);
    let mut json = serde_json::to_vec_pretty(&manifest).expect("texts and numbers are JSON");
    json.push(b'\n');
    replace(&path, &json).map_err(io_at("writing", &path))?;
    Ok(manifest)
}

/// Segments end where the store's do, and before they grow beyond [`SEGMENT_EVENTS`].
fn write_segments(
    source: &Source<'_>,
    from: Position,
    to: Position,
    directory: &Path,
) -> Result<Vec<ExportedSegment>, ExportError> {
    let starts = source.starts();
    let mut written = Vec::new();
    let mut open: Option<(Writer, Position)> = None;
    // Reading begins at the start of a segment, the nearest place where the chain value is known.
    let begin = starts.range(..=from).next_back().map_or(Position(1), |(first, _)| *first);
    let mut after = Position(begin.0 - 1);
    let mut chain: Option<ChainValue> = None;
    while after < to {
        let page = source.journal.read(after, READ_LIMIT_MAX).map_err(|source| ExportError::Read { after, source })?;
        if page.is_empty() {
            break;
        }
        for recorded in &page {
            let position = recorded.envelope.position;
            let gap = position > after.next();
            if gap && !is_declared(source, after.next(), position) {
                return Err(ExportError::Missing { from: after.next(), to: Position(position.0 - 1) });
            }
            after = position;
            if position > to {
                break;
            }
            let before = match (chain, starts.get(&position)) {
                (Some(chain), Some(stated)) if !gap && chain != *stated => return Err(ExportError::Chain(position)),
                (_, Some(stated)) => *stated,
                (Some(chain), None) if !gap => chain,
                _ => return Err(ExportError::Chain(position)),
            };
            let record = stored(recorded, before)?;
            chain = Some(record.chain);
            if position < from {
                continue;
            }
            let full = open.as_ref().is_some_and(|(_, first)| position.0 - first.0 >= SEGMENT_EVENTS);
            if gap || full || starts.contains_key(&position) {
                close(open.take(), &mut written)?;
            }
            let (writer, _) = match &mut open {
                Some(open) => open,
                closed => closed.insert((Writer::create(directory, source.store, position, before)?, position)),
            };
            writer.push(&record)?;
        }
    }
    close(open, &mut written)?;
    Ok(written)
}

fn close(open: Option<(Writer, Position)>, written: &mut Vec<ExportedSegment>) -> Result<(), ExportError> {
    let Some((writer, _)) = open else { return Ok(()) };
    let sealed = writer.finish()?;
    written.push(ExportedSegment {
        first: sealed.summary.first,
        last: sealed.summary.last,
        count: sealed.summary.count,
        chain_before: sealed.summary.chain_before,
        chain: sealed.summary.chain_after,
        file: sealed.name,
        sha256: sealed.file,
        bytes: sealed.bytes,
    });
    Ok(())
}

fn stored(recorded: &Recorded, before: ChainValue) -> Result<StoredRecord, ExportError> {
    let position = recorded.envelope.position;
    let bytes = recorded.to_bytes().map_err(|source| ExportError::Encode { position, source })?;
    let chain = before.after(&bytes);
    Ok(StoredRecord { position, bytes, chain })
}

/// Whether all positions from `from` up to the event at `until` were declared lost.
fn is_declared(source: &Source<'_>, from: Position, until: Position) -> bool {
    let mut next = from;
    while next < until {
        match source.manifest.lost(next) {
            Some(loss) => next = loss.to.next(),
            None => return false,
        }
    }
    true
}

fn declared(source: &Source<'_>, from: Position, to: Position) -> Vec<ExportedLoss> {
    let within = source.manifest.losses.iter().filter(|loss| loss.to >= from && loss.from <= to);
    within.map(|loss| ExportedLoss { from: loss.from, to: loss.to, finding: loss.finding.clone() }).collect()
}

fn copy_content(
    source: &Source<'_>,
    segments: &[ExportedSegment],
    directory: &Path,
) -> Result<BTreeMap<String, ExportedFile>, ExportError> {
    let target = content::Store::open(&directory.join("content"), &directory.join("keys"))?;
    let mut paths = source.content.copy_tombstones_to(&target)?;
    for segment in segments {
        for content in Segment::open(&directory.join(&segment.file), &source.store)?.contents()? {
            paths.extend(source.content.copy_to(&target, &content)?);
        }
    }
    paths.sort_unstable();
    paths.dedup();
    let mut files = BTreeMap::new();
    for path in paths {
        let file = directory.join(&path);
        let (sha256, bytes) = digest_of(&file).map_err(io_at("reading", &file))?;
        files.insert(path.to_string_lossy().into_owned(), ExportedFile { sha256, bytes });
    }
    Ok(files)
}

/// Makes the directory for its owner alone, or finds it empty.
fn make_empty(directory: &Path) -> Result<(), ExportError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(directory).map_err(io_at("creating", directory))?;
    let mut entries = fs::read_dir(directory).map_err(io_at("listing", directory))?;
    if entries.next().is_some() { Err(ExportError::NotEmpty(directory.to_owned())) } else { Ok(()) }
}

fn io_at(doing: &'static str, file: &Path) -> impl FnOnce(io::Error) -> ExportError {
    let file = file.to_owned();
    move |source| ExportError::Io { doing, file, source }
}
