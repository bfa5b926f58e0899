//! Content too large or too personal for an event: encrypted under its subject's key, named by a salted digest, on the
//! disk before the event that refers to it.
//!
//! ```text
//! content/ab/abcd…          version ‖ key id ‖ nonce ‖ XChaCha20-Poly1305(salt ‖ plain), named by SHA-256(salt ‖ plain)
//! keys/<digest>.key         version ‖ key id ‖ key ‖ crc, mode 0600, named by the digest of the subject
//! keys/<digest>.erased      version ‖ ids of the keys destroyed ‖ crc
//! ```
//!
//! A content whose time is over is deleted alone: its file holds one byte that says so from then on, so that what was
//! deleted on purpose is told from what was lost.
//!
//! Erasing destroys the key; events, chain and ciphertext stay as they are. A key that is gone without a tombstone is
//! damage, never taken for erasure. A subject that is written to again after an erasure gets a new key with a new id.
//!
//! Overwriting a key file cannot reach copies that the file system or the drive made of it; a data directory on an
//! encrypted volume closes that gap, and exports hold the keys that were live when they were made.
//!
//! This module knows subjects and bytes; it must not know what the content is, or which events refer to it.

mod holdings;
mod keys;
mod references;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key as CipherKey, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256 as Hasher};

use self::keys::{Key, Keys};
use crate::model::{ContentRef, Sha256};
use crate::telemetry::metrics;

pub use self::holdings::{Held, KeyId, Written};
pub use self::keys::Erasure;
pub use self::references::{Unparsable, every_reference_in, references_in};

/// The most plain bytes one content may have: as many as the largest picture that is looked at. A policy has a few
/// kilobytes, a rejected notification at most 256.
pub const CONTENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most bytes a subject may have.
pub const SUBJECT_BYTES_MAX: usize = 255;
/// The most findings a verification spells out; it counts the others.
pub const FINDINGS_MAX: usize = 1000;

const VERSION: u8 = 1;
/// All that the file of an expired content holds; no version is 0.
const EXPIRED: [u8; 1] = [0];
const NONCE_BYTES: usize = 24;
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
const FRAME_BYTES: usize = 1 + keys::ID_BYTES + NONCE_BYTES + SALT_BYTES + TAG_BYTES;

/// Why content could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
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
    /// Empty or overlong subject, or too many bytes.
    #[error("the content cannot be stored: {0}")]
    Unfit(String),
    /// The file is not there, and its subject was not erased.
    #[error("the content {digest} of {subject} is missing")]
    Missing {
        /// Whose.
        subject: String,
        /// Which.
        digest: Sha256,
    },
    /// The key is not there, and no tombstone says that it was destroyed.
    #[error("the content {digest} of {subject} cannot be read: its key is gone, but was never erased")]
    KeyLost {
        /// Whose.
        subject: String,
        /// Which.
        digest: Sha256,
    },
    /// The bytes are not what was written.
    #[error("{} is damaged: {finding}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        finding: String,
    },
    /// The subject was erased since whatever is to be put began.
    #[error("what is kept of its subject was erased meanwhile")]
    ErasedMeanwhile,
    /// The machine gives no random bytes.
    #[error("no random bytes for a key: {0}")]
    Random(getrandom::Error),
}

/// What a reference leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The bytes as they were put.
    Plain(Vec<u8>),
    /// Its subject's key was destroyed; nobody can read it any more.
    Erased,
    /// It was kept for as long as it was to be, and deleted then.
    Expired,
}

/// What a verification of the store found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// References whose content was decrypted and digested as stated.
    pub sound: u64,
    /// References whose content was erased.
    pub erased: u64,
    /// References whose content was deleted when its time was over.
    pub expired: u64,
    /// References whose content is damaged or missing.
    pub damaged: u64,
    /// What is wrong with them, at most [`FINDINGS_MAX`].
    pub findings: Vec<(ContentRef, String)>,
    /// Files that no event refers to: a crash came between content and event. No damage; at most [`FINDINGS_MAX`].
    pub orphans: Vec<PathBuf>,
}

/// The content store. Blocks on the disk: off the arbiters. Any number of threads may use it.
pub struct Store {
    directory: PathBuf,
    keys: Keys,
    /// Held while a key is made, used to encrypt, or destroyed, so that nothing is written under a dying key.
    key_use: Mutex<()>,
    /// How often each subject was erased since this store was opened. Changes only while `key_use` is held.
    erasures: Mutex<HashMap<String, u64>>,
    /// Told of each subject that is erased.
    told: Mutex<Vec<Told>>,
}

/// Who is told that a subject was erased.
type Told = Box<dyn Fn(&str) + Send + Sync>;

impl Store {
    /// Opens the store, or begins one, and finishes what a crash interrupted.
    pub fn open(content: &Path, keys: &Path) -> Result<Self, ContentError> {
        create_private(content)?;
        let store = Self {
            directory: content.to_owned(),
            keys: Keys::open(keys)?,
            key_use: Mutex::default(),
            erasures: Mutex::default(),
            told: Mutex::default(),
        };
        for shard in store.shards()? {
            remove_temporaries(&shard)?;
        }
        // A directory whose entry in the one above is not on the disk would take what is stored in it along: shards, and
        // the store's own two directories.
        for directory in [content, keys] {
            sync_directory(directory)?;
            sync_directory(directory.parent().filter(|above| *above != Path::new("")).unwrap_or(Path::new(".")))?;
        }
        Ok(store)
    }

    /// Encrypts and stores bytes. When this returns they are on the disk, with their key and directory entries.
    pub fn put(&self, subject: &str, plain: &[u8]) -> Result<ContentRef, ContentError> {
        self.put_if(subject, None, plain)
    }

    /// How often the subject was erased since this store was opened. No disk is asked.
    pub fn erasures_of(&self, subject: &str) -> u64 {
        let erasures = self.erasures.lock().unwrap_or_else(PoisonError::into_inner);
        erasures.get(subject).copied().unwrap_or_default()
    }

    /// As [`put`](Self::put), of something that began when the subject had been erased `erasures` times.
    ///
    /// # Errors
    /// [`ContentError::ErasedMeanwhile`] if it was erased since: it would come to lie under the next key.
    pub fn put_unless_erased(&self, subject: &str, erasures: u64, plain: &[u8]) -> Result<ContentRef, ContentError> {
        self.put_if(subject, Some(erasures), plain)
    }

    fn put_if(&self, subject: &str, erasures: Option<u64>, plain: &[u8]) -> Result<ContentRef, ContentError> {
        let begun = Instant::now();
        let stored = self.encrypt_and_write(subject, erasures, plain);
        match &stored {
            Ok(_) => metrics().content.stored(plain.len(), begun.elapsed()),
            Err(ContentError::ErasedMeanwhile) => {} // nothing failed
            Err(_) => metrics().content.failed(),
        }
        stored
    }

    fn encrypt_and_write(
        &self,
        subject: &str,
        erasures: Option<u64>,
        plain: &[u8],
    ) -> Result<ContentRef, ContentError> {
        if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX {
            let found = subject.len();
            return Err(ContentError::Unfit(format!("a subject has 1 to {SUBJECT_BYTES_MAX} bytes, this has {found}")));
        }
        if plain.len() > CONTENT_BYTES_MAX {
            let found = plain.len();
            return Err(ContentError::Unfit(format!("it has {found} bytes, at most {CONTENT_BYTES_MAX} are allowed")));
        }
        let mut salted = random::<SALT_BYTES>()?.to_vec();
        salted.extend_from_slice(plain);
        let digest = Sha256::of(&salted);
        let nonce = random::<NONCE_BYTES>()?;

        let _using = self.key_use.lock().unwrap_or_else(PoisonError::into_inner);
        if erasures.is_some_and(|then| then != self.erasures_of(subject)) {
            return Err(ContentError::ErasedMeanwhile);
        }
        let key = self.keys.live_or_new(subject)?;
        let aad = associated(subject, &digest, &key.id);
        let sealed = cipher(&key)
            .encrypt(&XNonce::from(nonce), Payload { msg: &salted, aad: &aad })
            .map_err(|_| ContentError::Unfit("the cipher refused it".to_owned()))?;
        let path = self.path_of(&digest);
        let bytes = [&[VERSION], &key.id[..], &nonce, &sealed].concat();
        self.write(&path, &bytes)?;
        Ok(ContentRef { subject: subject.to_owned(), digest, bytes: plain.len() as u32 }) // at most CONTENT_BYTES_MAX
    }

    /// The content of a reference.
    pub fn get(&self, content: &ContentRef) -> Result<Content, ContentError> {
        let path = self.path_of(&content.digest);
        let ContentRef { subject, digest, .. } = content;
        let Some(bytes) = read_bounded(&path, CONTENT_BYTES_MAX + FRAME_BYTES)? else {
            // Without the file nobody can say under which key it was; only where none is left was it surely erased.
            return match self.keys.only_erased(subject)? {
                true => Ok(Content::Erased),
                false => Err(ContentError::Missing { subject: subject.clone(), digest: *digest }),
            };
        };
        if bytes == EXPIRED {
            return Ok(Content::Expired);
        }
        let damaged = |finding: &str| ContentError::Damaged { file: path.clone(), finding: finding.to_owned() };
        let ([version], rest) = bytes.split_first_chunk().ok_or_else(|| damaged("it is empty"))?;
        if *version != VERSION {
            return Err(damaged(&format!("it has version {version}, this program reads {VERSION}")));
        }
        let (id, rest) = rest.split_first_chunk::<{ keys::ID_BYTES }>().ok_or_else(|| damaged("it is cut short"))?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| damaged("it is cut short"))?;
        if self.keys.is_erased(subject, id)? {
            return Ok(Content::Erased);
        }
        let key = match self.keys.live(subject)? {
            Some(key) if key.id == *id => key,
            _ => return Err(ContentError::KeyLost { subject: subject.clone(), digest: *digest }),
        };
        let aad = associated(subject, digest, id);
        let salted = cipher(&key)
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad })
            .map_err(|_| damaged("it does not decrypt under its subject's key"))?;
        if Sha256::of(&salted) != *digest {
            return Err(damaged("its digest is another"));
        }
        let plain = salted.get(SALT_BYTES..).ok_or_else(|| damaged("it is cut short"))?;
        if plain.len() != content.bytes as usize {
            return Err(damaged(&format!("it has {} bytes, the event says {}", plain.len(), content.bytes)));
        }
        Ok(Content::Plain(plain.to_vec()))
    }

    /// Destroys the subject's key: a tombstone first, so that a crash in between is finished at the next opening. A key
    /// that is damaged goes as well. After an error the key may be under its tombstone already: then it is no longer used,
    /// and the same again takes up what is left.
    /// When this returns, the key is off the disk as far as the file system can tell.
    pub fn erase(&self, subject: &str) -> Result<Erasure, ContentError> {
        let erasure = {
            let _using = self.key_use.lock().unwrap_or_else(PoisonError::into_inner);
            *self.erasures.lock().unwrap_or_else(PoisonError::into_inner).entry(subject.to_owned()).or_default() += 1;
            self.keys.erase(subject)
        };
        // Also if the disk refused: whoever asked will ask again, and what is in memory can go at once.
        self.told.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|tell| tell(subject));
        erasure
    }

    /// From now on tells of each subject that is erased: whoever holds a copy of its content lets go of it. `tell` must
    /// not come back to the store.
    pub fn when_erased(&self, tell: impl Fn(&str) + Send + Sync + 'static) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(tell));
    }

    /// Deletes a content whose time is over, and leaves the byte that says so. False if there was nothing to delete: it
    /// has expired already, or its file is not there. When this returns, the bytes are off the disk as far as the file
    /// system can tell.
    pub fn expire(&self, content: &ContentRef) -> Result<bool, ContentError> {
        let path = self.path_of(&content.digest);
        if !path.exists() || self.is_expired(content)? {
            return Ok(false);
        }
        write_synced(&path, &EXPIRED)?;
        Ok(true)
    }

    /// Whether a content was deleted because its time was over.
    pub fn is_expired(&self, content: &ContentRef) -> Result<bool, ContentError> {
        let path = self.path_of(&content.digest);
        match fs::metadata(&path) {
            Ok(found) if found.len() == EXPIRED.len() as u64 => {
                Ok(fs::read(&path).map_err(io_at("reading", &path))? == EXPIRED)
            }
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io_at("sizing", &path)(error)),
        }
    }

    /// Checks the content of every reference, and lists the files that none of them names.
    pub fn verify(&self, contents: impl IntoIterator<Item = ContentRef>) -> Result<Report, ContentError> {
        let mut report = Report::default();
        let mut named = HashSet::new();
        for content in contents {
            if !named.insert(content.digest) {
                continue;
            }
            match self.get(&content) {
                Ok(Content::Plain(_)) => report.sound += 1,
                Ok(Content::Erased) => report.erased += 1,
                Ok(Content::Expired) => report.expired += 1,
                Err(error @ (ContentError::Io { .. } | ContentError::Random(_))) => return Err(error),
                Err(finding) => {
                    report.damaged += 1;
                    if report.findings.len() < FINDINGS_MAX {
                        report.findings.push((content, finding.to_string()));
                    }
                }
            }
        }
        for shard in self.shards()? {
            for file in list(&shard)? {
                let known = digest_in(&file).is_some_and(|digest| named.contains(&digest));
                if !known && report.orphans.len() < FINDINGS_MAX {
                    report.orphans.push(file);
                }
            }
        }
        Ok(report)
    }

    /// Copies what a reference needs — ciphertext, live key, tombstone — into another store. What is erased stays
    /// erased there. Not synced: whoever copies syncs once, at the end. The paths copied, relative to the data directory.
    pub fn copy_to(&self, target: &Store, content: &ContentRef) -> Result<Vec<PathBuf>, ContentError> {
        let _using = self.key_use.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copied = self.keys.copy_to(&target.keys, &content.subject)?;
        if let Some(bytes) = read_bounded(&self.path_of(&content.digest), CONTENT_BYTES_MAX + FRAME_BYTES)? {
            let path = target.path_of(&content.digest);
            create_private(path.parent().unwrap_or(&target.directory))?;
            write_private(&path, &bytes)?;
            copied.push(Path::new("content").join(shard_and_name(&content.digest)));
        }
        Ok(copied)
    }

    /// Copies all tombstones, so that a copy of an older state that is completed with this one forgets what was erased
    /// since. Not synced.
    pub fn copy_tombstones_to(&self, target: &Store) -> Result<Vec<PathBuf>, ContentError> {
        let _using = self.key_use.lock().unwrap_or_else(PoisonError::into_inner);
        self.keys.copy_tombstones_to(&target.keys)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), ContentError> {
        let shard = path.parent().unwrap_or(&self.directory);
        if !shard.exists() {
            create_private(shard)?;
            sync_directory(&self.directory)?;
        }
        write_synced(path, bytes)
    }

    fn path_of(&self, digest: &Sha256) -> PathBuf {
        self.directory.join(shard_and_name(digest))
    }

    fn shards(&self) -> Result<Vec<PathBuf>, ContentError> {
        Ok(list(&self.directory)?.into_iter().filter(|path| path.is_dir()).collect())
    }
}

fn shard_and_name(digest: &Sha256) -> PathBuf {
    let name = digest.to_string();
    Path::new(&name[..2]).join(&name)
}

fn digest_in(path: &Path) -> Option<Sha256> {
    serde_json::from_value(path.file_name()?.to_str()?.into()).ok() // the digest's own reading of hexadecimal text
}

fn associated(subject: &str, digest: &Sha256, key_id: &[u8; keys::ID_BYTES]) -> Vec<u8> {
    [&[subject.len() as u8], subject.as_bytes(), &digest.0, key_id].concat() // at most SUBJECT_BYTES_MAX
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&CipherKey::from(key.bytes))
}

fn subject_digest(subject: &str) -> Sha256 {
    Sha256(Hasher::digest(subject.as_bytes()).into())
}

fn random<const N: usize>() -> Result<[u8; N], ContentError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(ContentError::Random)?;
    Ok(bytes)
}

fn io_at(doing: &'static str, file: &Path) -> impl FnOnce(io::Error) -> ContentError {
    let file = file.to_owned();
    move |source| ContentError::Io { doing, file, source }
}

fn create_private(directory: &Path) -> Result<(), ContentError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(directory).map_err(io_at("creating directory", directory))
}

fn list(directory: &Path) -> Result<Vec<PathBuf>, ContentError> {
    let entries = fs::read_dir(directory).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    entries.map_err(io_at("listing directory", directory))
}

fn sync_directory(directory: &Path) -> Result<(), ContentError> {
    File::open(directory).and_then(|open| open.sync_all()).map_err(io_at("syncing directory", directory))
}

/// Writes a file readable by its owner only, under a temporary name first; file and directory are synced.
fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), ContentError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = directory.join(format!(".{name}.tmp"));
    let file = write_private(&temporary, bytes)?;
    file.sync_all().map_err(io_at("syncing", &temporary))?;
    fs::rename(&temporary, path).map_err(io_at("renaming to", path))?;
    sync_directory(directory)
}

/// Writes a file readable by its owner only.
fn write_private(path: &Path, bytes: &[u8]) -> Result<File, ContentError> {
    let opened = File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = opened.and_then(|mut file| file.write_all(bytes).map(|()| file));
    written.map_err(io_at("writing", path))
}

fn remove_temporaries(directory: &Path) -> Result<(), ContentError> {
    for path in list(directory)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") {
            fs::remove_file(&path).map_err(io_at("removing leftover", &path))?;
        }
    }
    Ok(())
}

/// The file's bytes; none if there is no such file; refuses one larger than it can be.
fn read_bounded(path: &Path, bytes_max: usize) -> Result<Option<Vec<u8>>, ContentError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_at("sizing", path)(error)),
        Ok(found) if found.len() > bytes_max as u64 => {
            let finding = format!("it has {} bytes, at most {bytes_max} were expected", found.len());
            Err(ContentError::Damaged { file: path.to_owned(), finding })
        }
        Ok(_) => fs::read(path).map(Some).map_err(io_at("reading", path)),
    }
}
