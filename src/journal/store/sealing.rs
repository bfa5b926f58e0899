//! Behind the writer: full segments are sealed, the journal is told, and old files move to the archive.
//!
//! Nothing here is on the way of an append. A failure leaves the full segment where it is, readable, and is tried
//! again at the next roll-over or start.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{SyncSender, channel};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

use fail::fail_point;
use sha2::{Digest, Sha256 as Hasher};

use super::batch::Settle;
use super::committer::{Request, store_event};
use super::hot::Hot;
use super::layout::{doing, sync_dir};
use super::manifest::{RetiredEntry, SealedEntry};
use super::segments::{Older, Segments};
use super::{OpenError, Shared, StoreFault, whole_story};
use crate::events::SegmentSealed;
use crate::journal::sealed::{SealedError, Segment, Writer};
use crate::journal::{StoredRecord, Ticket, admission};
use crate::model::Sha256;

/// Why a segment was not sealed or moved.
#[derive(Debug, thiserror::Error)]
enum SealError {
    #[error("the full segment cannot be read")]
    Source(#[from] StoreFault),
    #[error("the sealed segment cannot be written")]
    Sealed(#[from] SealedError),
    #[error("the sealed segment ends otherwise than the full one")]
    Differs,
    #[error("the files of the store cannot be changed")]
    Files(#[from] OpenError),
    #[error("moving it to the archive failed")]
    Archive(#[source] io::Error),
}

/// Starts the thread. It ends when the journal closes.
pub(super) fn start(shared: Arc<Shared>, queue: SyncSender<Request>) -> io::Result<JoinHandle<()>> {
    let (wake, woken) = channel();
    *shared.sealer.lock().unwrap_or_else(PoisonError::into_inner) = Some(wake);
    thread::Builder::new().name("journal-sealer".to_owned()).spawn(move || {
        while woken.recv().is_ok() {
            if let Err(error) = work(&shared, &queue) {
                let story = whole_story(&error);
                tracing::error!(journal.reason = %story, "sealing failed; the segment stays as it is, readable");
            }
        }
    })
}

fn work(shared: &Shared, queue: &SyncSender<Request>) -> Result<(), SealError> {
    while let Some((retired, hot)) = next_full(shared) {
        seal(shared, &retired, &hot)?;
    }
    announce(shared, queue)?;
    archive(shared)
}

/// The oldest full segment, unless the journal is closing. The manifest may name it a moment before readers have it;
/// the roll-over then wakes this thread again.
fn next_full(shared: &Shared) -> Option<(RetiredEntry, Arc<Hot>)> {
    let retired = shared.manifest().retired.first().cloned().filter(|_| shared.is_open())?;
    let hot = shared.segments().older.iter().find_map(|older| match older {
        Older::Retired { hot, .. } if hot.first == retired.first => Some(hot.clone()),
        _ => None,
    })?;
    Some((retired, hot))
}

/// Writes the sealed file, makes it part of the store in the full segment's place, and removes that one.
fn seal(shared: &Shared, retired: &RetiredEntry, hot: &Hot) -> Result<(), SealError> {
    let root = shared.layout.sealed_root();
    let mut writer = Writer::create(&root, shared.store, retired.first, retired.chain_before)?;
    let mut refused = None;
    hot.verify(retired.first, &hot.head()?, |position, bytes, chain| {
        if refused.is_none() {
            refused = writer.push(&StoredRecord { position, bytes: bytes.to_vec(), chain }).err();
        }
    })?;
    refused.map_or(Ok(()), Err)?;
    fail_point!("seal.written");
    let sealed = writer.finish()?;
    if (sealed.summary.last, sealed.summary.chain_after) != (retired.last, retired.chain) {
        return Err(SealError::Differs);
    }
    fail_point!("seal.finished");
    let segment = Arc::new(Segment::open(&root.join(&sealed.name), &shared.store)?);
    shared.change_manifest(|manifest| {
        manifest.retired.retain(|other| other.first != retired.first);
        manifest.sealed.push(SealedEntry {
            first: retired.first,
            last: retired.last,
            chain_before: retired.chain_before,
            chain: retired.chain,
            file: sealed.name,
            sha256: sealed.file,
            bytes: sealed.bytes,
            archived: None,
            announced: false,
        });
    })?;
    fail_point!("seal.switched");
    replace_older(shared, segment);
    fs::remove_dir_all(&hot.dir).map_err(doing("removing", &hot.dir))?;
    let root = shared.layout.hot_root();
    sync_dir(&root).map_err(doing("syncing", &root))?;
    fail_point!("seal.removed");
    Ok(())
}

/// Puts a sealed segment into the list, in place of what had its first position.
fn replace_older(shared: &Shared, segment: Arc<Segment>) {
    shared.change_segments(|segments| {
        let replace = |older: &Older| match older.first() == segment.first() {
            true => Older::Sealed(segment.clone()),
            false => older.clone(),
        };
        Segments { older: segments.older.iter().map(replace).collect(), hot: segments.hot.clone() }
    });
}

/// Says in the journal what was sealed. The event's id is derived from the segment, so a crash in between repeats it.
fn announce(shared: &Shared, queue: &SyncSender<Request>) -> Result<(), SealError> {
    let silent: Vec<SealedEntry> =
        shared.manifest().sealed.iter().filter(|sealed| !sealed.announced).cloned().collect();
    for sealed in silent {
        let SealedEntry { first, last, chain, sha256: file, bytes, .. } = sealed;
        let about = [first.0.to_be_bytes(), last.0.to_be_bytes()].concat();
        let event = SegmentSealed { first, last, chain: chain.into(), file, bytes };
        let prepared = admission::prepare(store_event(&shared.store, "segment-sealed", &about, event))
            .expect("an event of a few numbers is within every limit");
        let (settle, ticket) = Ticket::new();
        let told = queue.send(Request::Append(prepared, Settle::queued(settle))).is_ok() && ticket.wait().is_ok();
        if !told {
            return Ok(()); // closing, failed or out of space: said at the next roll-over or start
        }
        shared.change_manifest(|manifest| {
            for entry in manifest.sealed.iter_mut().filter(|entry| entry.first == first) {
                entry.announced = true;
            }
        })?;
    }
    Ok(())
}

/// Moves sealed segments beyond those that stay. The head of each stays in the manifest, so the chain still verifies.
fn archive(shared: &Shared) -> Result<(), SealError> {
    let Some(archive) = &shared.options.archive else { return Ok(()) };
    let staying: Vec<SealedEntry> =
        shared.manifest().sealed.iter().filter(|sealed| sealed.archived.is_none()).cloned().collect();
    let leaving = staying.len().saturating_sub(archive.keep);
    for entry in staying.into_iter().take(leaving) {
        let from = entry.path(&shared.layout.sealed_root());
        let dir = std::path::absolute(&archive.dir).map_err(SealError::Archive)?;
        copy(&from, &dir, &entry).map_err(SealError::Archive)?;
        let segment = Arc::new(Segment::open(&dir.join(&entry.file), &shared.store)?);
        fail_point!("archive.copied");
        shared.change_manifest(|manifest| {
            for moved in manifest.sealed.iter_mut().filter(|moved| moved.first == entry.first) {
                moved.archived = Some(dir.clone());
            }
        })?;
        fail_point!("archive.switched");
        replace_older(shared, segment);
        fs::remove_file(&from).map_err(doing("removing", &from))?;
    }
    Ok(())
}

/// Copies the file durably and checks the copy's digest; the archive may be another disk.
fn copy(from: &Path, dir: &Path, entry: &SealedEntry) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let temporary = dir.join(format!("{}.tmp", entry.file));
    fs::copy(from, &temporary)?;
    File::open(&temporary)?.sync_all()?;
    if digest(&temporary)? != entry.sha256 {
        return Err(io::Error::other("the copy has another digest than the segment"));
    }
    fs::rename(&temporary, dir.join(&entry.file))?;
    sync_dir(dir)
}

/// Digest of a file, read in pieces of 64 KiB.
pub(super) fn digest(path: &Path) -> io::Result<Sha256> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Sha256(hasher.finalize().into())),
            read => hasher.update(&piece[..read]),
        }
    }
}
