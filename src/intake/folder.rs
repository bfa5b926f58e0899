//! A folder of pictures as a channel: each file a frame, in name order or in the order of the files' times.

use std::fs::{self, File};
use std::io::{self, Read};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Broadcast, SourceError};
use crate::model::{Frame, FrameOrigin, Sha256, Timestamp};

/// The most files a folder may hold: a week of one picture a second. Names are held in memory.
pub const FILES_MAX: usize = 700_000;
/// How much of a file goes into the digest that tells a changed file from the same one. Larger files are refused where
/// pictures are fetched.
const DIGESTED_BYTES_MAX: u64 = 64 << 20;

/// When a folder's pictures were captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// The first, by name, at `start`, and one more every so often.
    Spaced {
        /// When the first was captured.
        start: Timestamp,
        /// Milliseconds from one to the next.
        interval_ms: NonZeroU32,
    },
    /// When each file was last modified; files are taken in that order.
    Modified,
}

/// The frames in a folder. Sub-folders are not entered and hidden files not shown, but [counted](Folder::left_out).
#[derive(Debug)]
pub struct Folder {
    broadcast: Broadcast,
    pictures: std::vec::IntoIter<Picture>,
    frames_expected: u64,
    left_out: usize,
}

/// A file that will be a frame.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) path: PathBuf,
    /// What names it at its source, so that the same file is the same frame again.
    pub(super) name: Vec<u8>,
    pub(super) captured_at: Timestamp,
}

impl Folder {
    /// Lists the folder. Reads no file yet; blocks on the listing.
    pub fn open(folder: &Path, broadcast: Broadcast, times: Times) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: folder.to_owned(), source };
        let whole = folder.canonicalize().map_err(unreadable)?; // a frame's identity must not depend on where we stand
        let (mut files, left_out) = list(&whole).map_err(unreadable)?;
        if files.is_empty() {
            return Err(SourceError::Empty { path: folder.to_owned() });
        }
        if files.len() > FILES_MAX {
            return Err(SourceError::TooManyFiles { path: folder.to_owned(), max: FILES_MAX });
        }
        if times == Times::Modified {
            files.sort_by_key(|(_, modified)| *modified); // stable: equal times stay in name order
        }
        let pictures = (0..).zip(files).map(|(number, (path, modified))| Picture {
            name: path.as_os_str().as_encoded_bytes().to_vec(),
            captured_at: match times {
                Times::Spaced { start, interval_ms } => start.plus_ms(number * u64::from(interval_ms.get())),
                Times::Modified => modified,
            },
            path,
        });
        Ok(Self { left_out, ..Self::of(broadcast, pictures.collect()) })
    }

    /// These pictures, in this order.
    pub(super) fn of(broadcast: Broadcast, pictures: Vec<Picture>) -> Self {
        let frames_expected = pictures.len() as u64;
        Self { broadcast, pictures: pictures.into_iter(), frames_expected, left_out: 0 }
    }

    /// The next frame. Its file is read once here for its fingerprint, off the arbiters; one that cannot be read is a
    /// frame all the same and fails where it is fetched.
    pub async fn next(&mut self) -> Option<Frame> {
        let picture = self.pictures.next()?;
        let path = picture.path.clone();
        let content = tokio::task::spawn_blocking(move || digest(&path)).await.ok().and_then(Result::ok);
        Some(self.broadcast.frame(&picture.name, picture.captured_at, content, FrameOrigin::File(picture.path)))
    }

    /// How many frames it yields in all.
    pub fn frames_expected(&self) -> u64 {
        self.frames_expected
    }

    /// How many entries of the folder are no frames: sub-folders and hidden files.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The broadcast its frames belong to.
    pub fn broadcast(&self) -> &Broadcast {
        &self.broadcast
    }
}

/// Files with their modification times in name order, and how many entries are left out. Stops one past [`FILES_MAX`].
fn list(folder: &Path) -> io::Result<(Vec<(PathBuf, Timestamp)>, usize)> {
    let (mut files, mut left_out) = (Vec::new(), 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        match fs::metadata(entry.path()) {
            Ok(about) if about.is_dir() || hidden => left_out += 1,
            Ok(about) => files.push((entry.path(), timestamp(about.modified()?))),
            // A dangling link, or a file gone since: a frame that will fail, not one that vanishes.
            Err(_) if !hidden => files.push((entry.path(), Timestamp::default())),
            Err(_) => left_out += 1,
        }
        if files.len() > FILES_MAX {
            break;
        }
    }
    files.sort();
    Ok((files, left_out))
}

pub(super) fn digest(path: &Path) -> io::Result<Sha256> {
    // Opening a named pipe waits for its writer, perhaps for ever; a device may never end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(DIGESTED_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Sha256::of(&bytes))
}

fn timestamp(time: SystemTime) -> Timestamp {
    let micros = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    };
    Timestamp::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{ChannelId, SessionId};

    fn broadcast() -> Broadcast {
        Broadcast {
            channel: ChannelId::new("pictures").expect("a sound name"),
            session: SessionId::new("run-1").expect("a sound name"),
        }
    }

    fn every_second() -> Times {
        Times::Spaced { start: Timestamp::from_millis(10_000), interval_ms: NonZeroU32::new(1000).expect("not zero") }
    }

    async fn frames(folder: &Path, times: Times) -> Vec<Frame> {
        let mut folder = Folder::open(folder, broadcast(), times).expect("a folder with files");
        let mut frames = Vec::new();
        while let Some(frame) = folder.next().await {
            frames.push(frame);
        }
        assert_eq!(frames.len() as u64, folder.frames_expected());
        frames
    }

    fn names(frames: &[Frame]) -> Vec<String> {
        let name = |frame: &Frame| match &frame.origin {
            FrameOrigin::File(path) => path.file_name().expect("a file").to_string_lossy().into_owned(),
            FrameOrigin::Inline(_) | FrameOrigin::S3(_) => panic!("a folder's frames are files"),
        };
        frames.iter().map(name).collect()
    }

    #[tokio::test]
    async fn every_file_is_a_frame_in_name_order_even_one_that_is_no_picture() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.jpg", "a.jpg", "notes.txt", ".hidden"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        std::os::unix::fs::symlink("nowhere", folder.path().join("gone.jpg")).unwrap();
        fs::create_dir(folder.path().join("deeper")).unwrap();

        let frames = frames(folder.path(), every_second()).await;
        assert_eq!(names(&frames), ["a.jpg", "b.jpg", "gone.jpg", "notes.txt"]);
        let times: Vec<_> = frames.iter().map(|frame| frame.captured_at.as_micros() / 1_000_000).collect();
        assert_eq!(times, [10, 11, 12, 13]);
        assert_eq!(Folder::open(folder.path(), broadcast(), every_second()).unwrap().left_out(), 2);
    }

    #[tokio::test]
    async fn a_named_pipe_among_the_pictures_is_a_frame_and_holds_nothing_up() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b.jpg"), "b").unwrap();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("a.jpg")).status().unwrap();
        assert!(made.success());
        assert_eq!(names(&frames(folder.path(), every_second()).await), ["a.jpg", "b.jpg"]);
    }

    #[tokio::test]
    async fn the_same_folder_gives_the_same_frames_and_a_changed_file_another_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1.jpg"), "one").unwrap();
        let before = frames(folder.path(), every_second()).await;
        assert_eq!(before, frames(&folder.path().join("."), every_second()).await);

        fs::write(folder.path().join("1.jpg"), "another").unwrap();
        let after = frames(folder.path(), every_second()).await;
        assert_eq!(before[0].id, after[0].id);
        assert_ne!(before[0].fingerprint, after[0].fingerprint);
    }

    #[tokio::test]
    async fn modification_times_set_time_and_order() {
        let folder = tempfile::tempdir().unwrap();
        for (name, seconds) in [("a.jpg", 30), ("b.jpg", 10), ("c.jpg", 20)] {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        }
        let frames = frames(folder.path(), Times::Modified).await;
        assert_eq!(names(&frames), ["b.jpg", "c.jpg", "a.jpg"]);
        assert_eq!(frames[0].captured_at, Timestamp::from_millis(10_000));
    }

    #[test]
    fn a_folder_without_files_or_without_a_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let open = |path: &Path| Folder::open(path, broadcast(), every_second());
        assert!(matches!(open(folder.path()), Err(SourceError::Empty { .. })));
        assert!(matches!(open(&folder.path().join("none")), Err(SourceError::Unreadable { .. })));
    }
}
