//! Imports: a store made from exports, after everything in them has been verified again.
//!
//! Several exports in order make one store; each must continue the one before. The store is built beside the data
//! directory and renamed into place at the very end, so an import that fails or is interrupted leaves no store behind.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::content::{self, ContentError};
use super::export::{ExportManifest, ExportedFile, ExportedSegment, FORMAT, MANIFEST_FILE};
use super::sealed::{SealedError, Segment, digest_of, file_name};
use super::store::{Carried, Restored, restore, sealed_directory, sync_dir};
use super::{ChainValue, Loss, OpenError, SealedEntry};
use crate::events::Recorded;
use crate::model::{ConsumerName, ContentRef, Mark, MarkName, Position, Scope, Sequence, Sha256, Timestamp};

/// The most bytes a manifest may have: about 300,000 files of content.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// sled's cache while the empty hot segment is made.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;

/// What an import brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Number of events.
    pub count: u64,
    /// Last position.
    pub last: Position,
    /// Chain value after it.
    pub chain: ChainValue,
    /// What was found of the content.
    pub content: content::Report,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
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
    /// The data directory holds something already.
    #[error("{} is not empty; an import makes a store of its own", .0.display())]
    NotEmpty(PathBuf),
    /// The directory is no complete export.
    #[error("{} is not a complete export: {finding}", directory.display())]
    NotAnExport {
        /// The directory.
        directory: PathBuf,
        /// What was expected and what was found.
        finding: String,
    },
    /// The exports do not make one store.
    #[error("{} does not continue what comes before it: {finding}", directory.display())]
    DoesNotContinue {
        /// The export that does not.
        directory: PathBuf,
        /// What was expected and what was found.
        finding: String,
    },
    /// A file is not what the manifest says.
    #[error("{} is not the file that was exported: {finding}", file.display())]
    Differs {
        /// The file.
        file: PathBuf,
        /// What was expected and what was found.
        finding: String,
    },
    /// A segment does not verify.
    #[error("a segment does not verify")]
    Segment(#[from] SealedError),
    /// The content store cannot be read.
    #[error("the content cannot be read")]
    Content(#[from] ContentError),
    /// Content is damaged.
    #[error("{damaged} contents are damaged, the first: {first}")]
    ContentDamaged {
        /// How many.
        damaged: u64,
        /// What is wrong with the first.
        first: String,
    },
    /// The store could not be made.
    #[error("making the store failed")]
    Store(#[from] OpenError),
}

/// What the exports come to, one after the other.
#[derive(Default)]
struct Assembled {
    store: Option<[u8; 16]>,
    sealed: Vec<SealedEntry>,
    losses: Vec<Loss>,
    cursors: BTreeMap<ConsumerName, Position>,
    marks: BTreeMap<MarkName, Mark>,
    scopes: BTreeMap<Scope, Sequence>,
    contents: Vec<ContentRef>,
    files: BTreeMap<String, PathBuf>,
    count: u64,
    last: Position,
    chain: Option<ChainValue>,
    last_record: Vec<u8>,
    last_manifest: Option<Sha256>,
}

/// Makes a store in `data_dir`, which must be empty or absent, from exports in order, the first of which begins at
/// position 1. `now` becomes the store's time of creation.
pub fn import(exports: &[PathBuf], data_dir: &Path, now: Timestamp) -> Result<Imported, ImportError> {
    refuse_used(data_dir)?;
    let data_dir = std::path::absolute(data_dir).map_err(io_at("resolving", data_dir))?;
    let parent = data_dir.parent().unwrap_or(Path::new("/")).to_owned();
    let name = data_dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let staging = parent.join(format!(".{name}.importing"));
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(io_at("removing the leftover", &staging))?;
    }
    let result = build(exports, &staging, now).and_then(|imported| {
        fail::fail_point!("import.built");
        fs::rename(&staging, &data_dir).map_err(io_at("renaming to", &data_dir))?;
        sync_dir(&parent).map_err(io_at("syncing", &parent))?;
        Ok(imported)
    });
    if result.is_err() {
        let _ = fs::remove_dir_all(&staging); // the error tells more; the next import removes a leftover as well
    }
    result
}

fn build(exports: &[PathBuf], staging: &Path, now: Timestamp) -> Result<Imported, ImportError> {
    let sealed_root = sealed_directory(staging);
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(&sealed_root).map_err(io_at("creating", &sealed_root))?;
    let mut assembled = Assembled::default();
    for directory in exports {
        assembled.add(directory, &sealed_root)?;
    }
    let content = assembled.take_content(staging)?;
    let not_an_export = |finding: &str| ImportError::NotAnExport {
        directory: exports.last().cloned().unwrap_or_default(),
        finding: finding.to_owned(),
    };
    let (Some(store), Some(chain)) = (assembled.store, assembled.chain) else {
        return Err(not_an_export("it has no segments"));
    };
    let last = Recorded::from_bytes(&assembled.last_record).map_err(|error| not_an_export(&error.to_string()))?;
    let restored = Restored {
        store,
        created: now,
        sealed: assembled.sealed,
        losses: assembled.losses,
        carried: Carried {
            scopes: assembled.scopes.into_iter().collect(),
            cursors: assembled.cursors.into_iter().collect(),
            marks: assembled.marks.into_iter().collect(),
        },
        head: assembled.last,
        chain,
        epoch: last.envelope.epoch,
        recorded_at: last.envelope.recorded_at,
    };
    restore(staging, restored, CACHE_BYTES)?;
    Ok(Imported { count: assembled.count, last: assembled.last, chain, content })
}

impl Assembled {
    /// Verifies an export and copies its segments.
    fn add(&mut self, directory: &Path, sealed_root: &Path) -> Result<(), ImportError> {
        let (manifest, digest) = read_manifest(directory)?;
        let store = store_of(&manifest).ok_or_else(|| ImportError::NotAnExport {
            directory: directory.to_owned(),
            finding: format!("its store is {:?}, not 32 hexadecimal digits", manifest.store),
        })?;
        let losses = manifest.losses.iter().map(|loss| Loss {
            from: loss.from,
            to: loss.to,
            finding: loss.finding.clone(),
            recorded: true,
        });
        for loss in losses {
            if !self.losses.iter().any(|known| known.from == loss.from) {
                self.losses.push(loss);
            }
        }
        self.check_continues(directory, &manifest, &store)?;
        for entry in &manifest.segments {
            self.add_segment(directory, entry, &store, sealed_root)?;
        }
        if (self.last, self.chain) != (manifest.last, Some(manifest.chain)) {
            let finding = format!("its segments end at position {}, it says {}", self.last, manifest.last);
            return Err(ImportError::NotAnExport { directory: directory.to_owned(), finding });
        }
        for (path, stated) in &manifest.content {
            self.files.insert(path.clone(), check_file(directory, path, stated)?);
        }
        for (name, at) in &manifest.cursors {
            let name = ConsumerName::new(name).map_err(|error| ImportError::NotAnExport {
                directory: directory.to_owned(),
                finding: error.to_string(),
            })?;
            self.cursors.insert(name, (*at).min(manifest.last));
        }
        self.marks = manifest.marks; // the newest export's: a mark that it does not name was removed
        self.store = Some(store);
        self.last_manifest = Some(digest);
        Ok(())
    }

    fn check_continues(
        &self,
        directory: &Path,
        manifest: &ExportManifest,
        store: &[u8; 16],
    ) -> Result<(), ImportError> {
        let broken = |finding: String| Err(ImportError::DoesNotContinue { directory: directory.to_owned(), finding });
        match self.store {
            None if self.after_losses(Position(1)) != manifest.first => {
                broken(format!("it begins at position {}, the first export must begin at 1", manifest.first))
            }
            Some(known) if known != *store => broken("it was taken from another store".to_owned()),
            Some(_) if manifest.previous.is_some() && manifest.previous != self.last_manifest => {
                broken("it names another export as the one before it".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn add_segment(
        &mut self,
        directory: &Path,
        entry: &ExportedSegment,
        store: &[u8; 16],
        sealed_root: &Path,
    ) -> Result<(), ImportError> {
        let file = directory.join(&entry.file);
        let differs = |finding: String| Err(ImportError::Differs { file: file.clone(), finding });
        if entry.file != file_name(entry.first, entry.last) {
            return differs(format!("a segment of positions {} to {} has another name", entry.first, entry.last));
        }
        let next = self.after_losses(self.last.next());
        let continues = match self.chain {
            None => next != Position(1) || entry.chain_before == ChainValue::genesis(store),
            Some(chain) => next != self.last.next() || entry.chain_before == chain,
        };
        if entry.first != next || !continues {
            let finding = format!("position {next} is next, with the chain value that follows from it");
            return Err(ImportError::DoesNotContinue { directory: directory.to_owned(), finding });
        }
        let copy = sealed_root.join(&entry.file);
        fs::copy(&file, &copy).map_err(io_at("copying", &file))?;
        let found = digest_of(&copy).map_err(io_at("reading", &copy))?;
        if found != (entry.sha256, entry.bytes) {
            return differs(format!("its digest is {}, {} was exported", found.0, entry.sha256));
        }
        let segment = Segment::open(&copy, store)?;
        let summary = segment.verify()?;
        let stated = (entry.first, entry.last, entry.count, entry.chain_before, entry.chain);
        let found = (summary.first, summary.last, summary.count, summary.chain_before, summary.chain_after);
        if found != stated || !summary.holes.is_empty() {
            return differs("its positions, count or chain values are not those of the manifest".to_owned());
        }
        self.scopes.extend(segment.scope_heads()?);
        self.contents.extend(segment.contents()?);
        self.last_record = segment.record(entry.last)?.bytes;
        self.sealed.push(SealedEntry {
            first: entry.first,
            last: entry.last,
            chain_before: entry.chain_before,
            chain: entry.chain,
            file: entry.file.clone(),
            sha256: entry.sha256,
            bytes: entry.bytes,
            archived: None,
            announced: true, // sealed anew by the export, not by this store: nothing to say in the journal
        });
        self.count += entry.count;
        self.last = entry.last;
        self.chain = Some(entry.chain);
        Ok(())
    }

    /// The first position from `next` on that was not declared lost.
    fn after_losses(&self, mut next: Position) -> Position {
        while let Some(loss) = self.losses.iter().find(|loss| loss.from <= next && next <= loss.to) {
            next = loss.to.next();
        }
        next
    }

    /// Copies content and keys, and verifies every reference of every event.
    fn take_content(&mut self, staging: &Path) -> Result<content::Report, ImportError> {
        let [content, keys] = ["content", "keys"].map(|name| staging.join(name));
        drop(content::Store::open(&content, &keys)?); // makes the directories, for their owner alone
        for (path, file) in &self.files {
            let target = staging.join(path);
            let shard = target.parent().unwrap_or(staging);
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(shard).map_err(io_at("creating", shard))?;
            fs::copy(file, &target).map_err(io_at("copying", file))?;
        }
        let report = content::Store::open(&content, &keys)?.verify(std::mem::take(&mut self.contents))?;
        match report.findings.first() {
            Some((_, first)) => Err(ImportError::ContentDamaged { damaged: report.damaged, first: first.clone() }),
            None => Ok(report),
        }
    }
}

fn read_manifest(directory: &Path) -> Result<(ExportManifest, Sha256), ImportError> {
    let path = directory.join(MANIFEST_FILE);
    let not_an_export = |finding: String| ImportError::NotAnExport { directory: directory.to_owned(), finding };
    let size = match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(not_an_export(format!("it has no {MANIFEST_FILE}")));
        }
        other => other.map_err(io_at("sizing", &path))?.len(),
    };
    if size > MANIFEST_BYTES_MAX {
        return Err(not_an_export(format!("its manifest has {size} bytes, at most {MANIFEST_BYTES_MAX} are read")));
    }
    let json = fs::read(&path).map_err(io_at("reading", &path))?;
    let manifest: ExportManifest = serde_json::from_slice(&json).map_err(|error| not_an_export(error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(not_an_export(format!("it has format {:?}, this program reads {FORMAT:?}", manifest.format)));
    }
    Ok((manifest, Sha256::of(&json)))
}

fn store_of(manifest: &ExportManifest) -> Option<[u8; 16]> {
    let digits = Some(manifest.store.as_str()).filter(|text| text.len() == 32 && text.is_ascii())?;
    let bytes: Option<Vec<u8>> = (0..16).map(|n| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).ok()).collect();
    bytes?.try_into().ok()
}

/// A file beside the segments, if its path is one that an export has and its bytes are those that were exported.
fn check_file(directory: &Path, path: &str, stated: &ExportedFile) -> Result<PathBuf, ImportError> {
    let file = directory.join(path);
    let differs = |finding: String| ImportError::Differs { file: file.clone(), finding };
    if !is_content_path(path) {
        return Err(differs("an export has no file of that name".to_owned()));
    }
    let found = digest_of(&file).map_err(io_at("reading", &file))?;
    if found == (stated.sha256, stated.bytes) {
        Ok(file)
    } else {
        Err(differs(format!("its digest is {}, {} was exported", found.0, stated.sha256)))
    }
}

/// `content/ab/ab…` or `keys/….key` or `keys/….erased`: nothing that could lead out of the directory.
fn is_content_path(path: &str) -> bool {
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match path.split('/').collect::<Vec<_>>()[..] {
        ["content", shard, name] => is_digest(name) && name.get(..2) == Some(shard),
        ["keys", name] => name.strip_suffix(".key").or(name.strip_suffix(".erased")).is_some_and(is_digest),
        _ => false,
    }
}

fn refuse_used(data_dir: &Path) -> Result<(), ImportError> {
    match fs::read_dir(data_dir).map(|mut entries| entries.next().is_none()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_at("listing", data_dir)(error)),
        Ok(true) => Ok(()),
        Ok(false) => Err(ImportError::NotEmpty(data_dir.to_owned())),
    }
}

fn io_at(doing: &'static str, file: &Path) -> impl FnOnce(io::Error) -> ImportError {
    let file = file.to_owned();
    move |source| ImportError::Io { doing, file, source }
}
