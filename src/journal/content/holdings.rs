//! What the store holds, by its files alone: how much lies under a subject's key, and what was written when. For whoever
//! erases, and for whoever looks for content that no event refers to.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::keys::ID_BYTES;
use super::{ContentError, EXPIRED, FRAME_BYTES, Store, VERSION, digest_in, io_at, list, sync_directory};
use crate::model::{Sha256, Timestamp};

/// Which key it is, across those that a subject had; not the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId([u8; ID_BYTES]);

/// How much lies under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Contents that have not expired.
    pub contents: u64,
    /// Their plain bytes.
    pub bytes: u64,
}

/// A file of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The content's digest, which is its name.
    pub digest: Sha256,
    /// When the file was written last. A copy of a data directory may say later, never earlier.
    pub at: Timestamp,
}

impl Store {
    /// Which key the subject has; none if it has none.
    pub fn key_of(&self, subject: &str) -> Result<Option<KeyId>, ContentError> {
        Ok(self.keys.live(subject)?.map(|key| KeyId(key.id)))
    }

    /// How much lies under a key, be it there still or not. Opens every file of the store: the name of one does not say
    /// under which key it is.
    pub fn held_under(&self, key: KeyId) -> Result<Held, ContentError> {
        let mut held = Held::default();
        for shard in self.shards()? {
            for path in list(&shard)? {
                let Some((id, bytes)) = head_of(&path)? else { continue };
                if id == key.0 {
                    held.contents += 1;
                    held.bytes += bytes.saturating_sub(FRAME_BYTES as u64);
                }
            }
        }
        Ok(held)
    }

    /// Whether anything was ever kept under this subject's key, or is now, be it readable or not.
    pub fn knows(&self, subject: &str) -> bool {
        self.keys.knows(subject)
    }

    /// Hands over, shard by shard, the contents written at or after `since` and before `before` that have not expired.
    ///
    /// # Errors
    /// The store's, or what `take` says, which ends it.
    pub fn written<E: From<ContentError>>(
        &self,
        since: Timestamp,
        before: Timestamp,
        mut take: impl FnMut(Vec<Written>) -> Result<(), E>,
    ) -> Result<(), E> {
        for shard in self.shards()? {
            let mut found = Vec::new();
            for path in list(&shard)? {
                let Some(digest) = digest_in(&path) else { continue };
                let facts = match fs::metadata(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    facts => facts.map_err(io_at("sizing", &path))?,
                };
                let at = moment(facts.modified().map_err(io_at("asking the age of", &path))?);
                if facts.len() > EXPIRED.len() as u64 && (since..before).contains(&at) {
                    found.push(Written { digest, at });
                }
            }
            take(found)?;
        }
        Ok(())
    }

    /// Deletes a content that no event refers to, without a trace: nobody can ask for it. False if it is not there.
    /// When this returns, the bytes are off the disk as far as the file system can tell.
    pub fn discard(&self, digest: &Sha256) -> Result<bool, ContentError> {
        let path = self.path_of(digest);
        match fs::remove_file(&path) {
            Ok(()) => sync_directory(path.parent().unwrap_or(&self.directory)).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io_at("removing", &path)(error)),
        }
    }
}

/// The id of the key that a content lies under, and the size of its file; none of one that has expired or is no content.
fn head_of(path: &PathBuf) -> Result<Option<([u8; ID_BYTES], u64)>, ContentError> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(io_at("opening", path))?,
    };
    let bytes = file.metadata().map_err(io_at("sizing", path))?.len();
    let mut head = [0; 1 + ID_BYTES];
    match file.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read.map_err(io_at("reading", path))?,
    }
    let [version, id @ ..] = head;
    Ok((version == VERSION).then_some((id, bytes)))
}

fn moment(time: SystemTime) -> Timestamp {
    let micros = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    };
    Timestamp::from_micros(micros)
}
