//! Keys and their tombstones: one key per subject at a time, and the ids of those that were destroyed.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::{
    ContentError, create_private, io_at, list, random, read_bounded, remove_temporaries, subject_digest,
    sync_directory, write_private, write_synced,
};

/// Bytes of a key's id, which tells the keys of one subject apart across erasures.
pub(super) const ID_BYTES: usize = 8;
const KEY_BYTES: usize = 32;
const CRC_BYTES: usize = 4;
const VERSION: u8 = 1;
const KEY_FILE_BYTES: usize = 1 + ID_BYTES + KEY_BYTES + CRC_BYTES;
/// The most erasures one subject may have had; far beyond what a person's requests come to.
const ERASURES_MAX: usize = 4096;
const TOMBSTONE_BYTES_MAX: usize = 1 + ERASURES_MAX * ID_BYTES + CRC_BYTES;

/// What an erasure came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// The subject's key was destroyed.
    Destroyed,
    /// The subject has no key: nothing was ever stored, or all of it is erased.
    NothingToErase,
}

/// A subject's live key.
pub(super) struct Key {
    pub id: [u8; ID_BYTES],
    pub bytes: [u8; KEY_BYTES],
}

/// What a key's file holds.
enum InFile {
    /// There is no such file.
    Nothing,
    /// The subject's key.
    Live(Key),
    /// A key that is being destroyed: its id is in the tombstone already, or the file is overwritten beside a tombstone.
    Dead,
}

/// The directory of keys.
pub(super) struct Keys {
    directory: PathBuf,
}

impl Keys {
    /// Opens the directory and finishes erasures that a crash interrupted after their tombstone.
    pub(super) fn open(directory: &Path) -> Result<Self, ContentError> {
        create_private(directory)?;
        remove_temporaries(directory)?;
        let keys = Self { directory: directory.to_owned() };
        for tombstone in list(directory)?.iter().filter(|path| is_tombstone(path)) {
            let path = tombstone.with_extension("key");
            let erased = read_tombstone(tombstone)?;
            match in_file(&path, &erased) {
                Ok(InFile::Dead) => {
                    destroy(&path)?;
                    sync_directory(directory)?;
                }
                // It keeps nobody else's content from being read; whoever asks for what lies under it is told.
                Ok(InFile::Nothing | InFile::Live(_)) | Err(ContentError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(keys)
    }

    /// The key that content is written under; none if the subject has none, or one whose tombstone is there already.
    pub(super) fn live(&self, subject: &str) -> Result<Option<Key>, ContentError> {
        match self.look(subject)? {
            InFile::Live(key) => Ok(Some(key)),
            InFile::Nothing | InFile::Dead => Ok(None),
        }
    }

    pub(super) fn live_or_new(&self, subject: &str) -> Result<Key, ContentError> {
        let path = self.path_of(subject, "key");
        match self.look(subject)? {
            InFile::Live(key) => return Ok(key),
            // Its destruction was refused before, and may be again: the new key takes its place in any case.
            InFile::Dead => drop(overwrite(&path)),
            InFile::Nothing => {}
        }
        let key = Key { id: random()?, bytes: random()? };
        let mut file = [&[VERSION], &key.id[..], &key.bytes].concat();
        file.extend_from_slice(&crc32fast::hash(&file).to_be_bytes());
        write_synced(&path, &file)?;
        Ok(key)
    }

    /// Whether the subject has a key, sound or not, or had one.
    pub(super) fn knows(&self, subject: &str) -> bool {
        ["key", "erased"].iter().any(|extension| self.path_of(subject, extension).exists())
    }

    pub(super) fn is_erased(&self, subject: &str, id: &[u8; ID_BYTES]) -> Result<bool, ContentError> {
        Ok(read_tombstone(&self.path_of(subject, "erased"))?.contains(id))
    }

    /// Whether the subject was erased and has not been written to since.
    pub(super) fn only_erased(&self, subject: &str) -> Result<bool, ContentError> {
        Ok(self.live(subject)?.is_none() && !read_tombstone(&self.path_of(subject, "erased"))?.is_empty())
    }

    /// Destroys the subject's key. One that cannot be read is destroyed as well: its tombstone has the id that stands in
    /// its file.
    pub(super) fn erase(&self, subject: &str) -> Result<Erasure, ContentError> {
        let path = self.path_of(subject, "key");
        match self.look(subject) {
            Ok(InFile::Nothing) => return Ok(Erasure::NothingToErase),
            Ok(InFile::Dead) => {} // what came between tombstone and end is taken up
            Ok(InFile::Live(key)) => self.bury(subject, key.id)?,
            Err(ContentError::Damaged { .. }) => self.bury(subject, id_as_it_stands(&path)?)?,
            Err(error) => return Err(error),
        }
        fail::fail_point!(&format!("content.erase.buried {subject}"), |_| Err(ContentError::Unfit(
            "scripted".to_owned()
        )));
        destroy(&path)?;
        sync_directory(&self.directory)?;
        Ok(Erasure::Destroyed)
    }

    /// Adds a key's id to its subject's tombstone.
    fn bury(&self, subject: &str, id: [u8; ID_BYTES]) -> Result<(), ContentError> {
        let tombstone = self.path_of(subject, "erased");
        let mut erased = read_tombstone(&tombstone)?;
        if erased.contains(&id) {
            return Ok(());
        }
        if erased.len() >= ERASURES_MAX {
            return Err(ContentError::Unfit(format!("{subject} was erased {ERASURES_MAX} times already")));
        }
        erased.push(id);
        let mut file = [&[VERSION], erased.concat().as_slice()].concat();
        file.extend_from_slice(&crc32fast::hash(&file).to_be_bytes());
        write_synced(&tombstone, &file)
    }

    fn look(&self, subject: &str) -> Result<InFile, ContentError> {
        in_file(&self.path_of(subject, "key"), &read_tombstone(&self.path_of(subject, "erased"))?)
    }

    /// Copies a subject's live key and tombstone, and names them relative to the data directory.
    pub(super) fn copy_to(&self, target: &Keys, subject: &str) -> Result<Vec<PathBuf>, ContentError> {
        let tombstone = copy(&self.path_of(subject, "erased"), &target.directory, TOMBSTONE_BYTES_MAX)?;
        let key = match self.look(subject) {
            Ok(InFile::Dead) => None, // a copy would outlive what is left of it here
            _ => copy(&self.path_of(subject, "key"), &target.directory, KEY_FILE_BYTES)?,
        };
        Ok(tombstone.into_iter().chain(key).collect())
    }

    /// Copies every tombstone, and names them relative to the data directory.
    pub(super) fn copy_tombstones_to(&self, target: &Keys) -> Result<Vec<PathBuf>, ContentError> {
        let mut copied = Vec::new();
        for tombstone in list(&self.directory)?.iter().filter(|path| is_tombstone(path)) {
            copied.extend(copy(tombstone, &target.directory, TOMBSTONE_BYTES_MAX)?);
        }
        Ok(copied)
    }

    fn path_of(&self, subject: &str, extension: &str) -> PathBuf {
        self.directory.join(format!("{}.{extension}", subject_digest(subject)))
    }
}

fn is_tombstone(path: &Path) -> bool {
    path.extension().is_some_and(|name| name == "erased")
}

/// Copies one file of the keys, if it is there.
fn copy(file: &Path, target: &Path, bytes_max: usize) -> Result<Option<PathBuf>, ContentError> {
    let Some(bytes) = read_bounded(file, bytes_max)? else { return Ok(None) };
    let name = file.file_name().unwrap_or_default();
    write_private(&target.join(name), &bytes)?;
    Ok(Some(Path::new("keys").join(name)))
}

/// What a key's file holds, beside a tombstone with these ids.
fn in_file(path: &Path, erased: &[[u8; ID_BYTES]]) -> Result<InFile, ContentError> {
    let Some(bytes) = read_bounded(path, KEY_FILE_BYTES)? else { return Ok(InFile::Nothing) };
    // Overwritten is on the disk before removed is. Without a tombstone it is nobody's erasure.
    if bytes == [0; KEY_FILE_BYTES] && !erased.is_empty() {
        return Ok(InFile::Dead);
    }
    let damaged = |finding: &str| ContentError::Damaged { file: path.to_owned(), finding: finding.to_owned() };
    let body = checked(&bytes).ok_or_else(|| damaged("its checksum fails"))?;
    let (id, rest) = body.split_first_chunk().ok_or_else(|| damaged("it is cut short"))?;
    let bytes = rest.try_into().map_err(|_| damaged("it does not hold a key"))?;
    Ok(if erased.contains(id) { InFile::Dead } else { InFile::Live(Key { id: *id, bytes }) })
}

/// Where a key's id stands in its file, whatever stands there; zeros for what is missing.
fn id_as_it_stands(path: &Path) -> Result<[u8; ID_BYTES], ContentError> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(1 + ID_BYTES as u64).read_to_end(&mut head));
    read.map_err(io_at("reading", path))?;
    head.resize(1 + ID_BYTES, 0);
    let mut id = [0; ID_BYTES];
    id.copy_from_slice(&head[1..]);
    Ok(id)
}

/// The ids of the keys destroyed; none without a tombstone.
fn read_tombstone(path: &Path) -> Result<Vec<[u8; ID_BYTES]>, ContentError> {
    let Some(bytes) = read_bounded(path, TOMBSTONE_BYTES_MAX)? else { return Ok(Vec::new()) };
    let damaged = |finding: &str| ContentError::Damaged { file: path.to_owned(), finding: finding.to_owned() };
    let body = checked(&bytes).ok_or_else(|| damaged("its checksum fails"))?;
    let (ids, rest) = body.as_chunks();
    if rest.is_empty() { Ok(ids.to_vec()) } else { Err(damaged("it ends within a key's id")) }
}

/// What stands between version and checksum; none if either is not as it should be.
fn checked(file: &[u8]) -> Option<&[u8]> {
    let (body, crc) = file.split_last_chunk::<CRC_BYTES>()?;
    let sound = crc32fast::hash(body) == u32::from_be_bytes(*crc) && body.first() == Some(&VERSION);
    sound.then(|| &body[1..])
}

/// Overwrites, syncs and unlinks a key. The caller syncs the directory.
fn destroy(path: &Path) -> Result<(), ContentError> {
    overwrite(path)?;
    fail::fail_point!(&format!("content.erase.overwritten {}", path.display()), |_| Err(ContentError::Unfit(
        "scripted".to_owned()
    )));
    fs::remove_file(path).map_err(io_at("removing key", path))
}

fn overwrite(path: &Path) -> Result<(), ContentError> {
    let overwritten = File::options()
        .write(true)
        .open(path)
        .and_then(|mut file| file.write_all(&[0; KEY_FILE_BYTES]).and_then(|()| file.sync_all()));
    overwritten.map_err(io_at("overwriting key", path))
}
