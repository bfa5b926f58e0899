//! The demo's bundled footage: a folder per channel, its frames as `NNNN.jpg`, what it is in `channel.json`.
//!
//! The frames are real, their liveness is not: whoever plays them says so on the screen.

use std::collections::HashSet;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::folder::{Folder, Picture, digest};
use super::{Broadcast, SourceError};
use crate::model::{ChannelId, SessionId, Timestamp};
use crate::providers::rehearsal::Rehearsal;

/// The most channels the footage may have, and the most frames a channel may have.
const CHANNELS_MAX: usize = 64;
const FRAMES_MAX: usize = 1000;

const DESCRIPTION: &str = "channel.json";

/// The bundled channels.
#[derive(Debug)]
pub struct Footage {
    channels: Vec<FootageChannel>,
}

/// One of them.
#[derive(Debug)]
pub struct FootageChannel {
    /// The channel: `demo/` and its folder's name.
    pub channel: ChannelId,
    /// What a viewer would see it called.
    pub title: String,
    /// Who judges it.
    pub provider: FootageProvider,
    /// From one frame to the next, in the recording.
    pub interval_ms: NonZeroU32,
    /// What it shows and why it is there, for the screen.
    pub note: String,
    frames: Vec<PathBuf>,
}

/// Who judges a channel of the footage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FootageProvider {
    /// The local model, which looks at the pixels.
    Local,
    /// The rehearsal, whose labels are written into the files.
    Rehearsal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    title: String,
    provider: FootageProvider,
    interval_ms: NonZeroU32,
    note: String,
}

impl Footage {
    /// Reads what channels there are, in name order. Blocks on the listing; reads no picture.
    pub fn open(folder: &Path) -> Result<Self, SourceError> {
        let folders: Vec<_> = entries(folder, CHANNELS_MAX)?.into_iter().filter(|path| path.is_dir()).collect();
        if folders.is_empty() {
            return Err(SourceError::Empty { path: folder.to_owned() });
        }
        let channels = folders.iter().map(|folder| FootageChannel::open(folder)).collect::<Result<_, _>>()?;
        Ok(Self { channels })
    }

    /// The channels, in name order.
    pub fn channels(&self) -> &[FootageChannel] {
        &self.channels
    }

    /// The provider for the channels that rehearse, and for no other picture. Digests their frames: off the arbiters.
    pub fn rehearsal(&self) -> Result<Rehearsal, SourceError> {
        let rehearsing = self.channels.iter().filter(|channel| channel.provider == FootageProvider::Rehearsal);
        let digests = rehearsing
            .flat_map(|channel| &channel.frames)
            .map(|path| digest(path).map_err(|source| SourceError::Unreadable { path: path.clone(), source }));
        Ok(Rehearsal::of_bundled_pictures(digests.collect::<Result<HashSet<_>, _>>()?))
    }
}

impl FootageChannel {
    fn open(folder: &Path) -> Result<Self, SourceError> {
        let about = folder.join(DESCRIPTION);
        let wrong = |why: String| SourceError::ChannelFile { path: about.clone(), why };
        let text = fs::read(&about).map_err(|source| SourceError::Unreadable { path: about.clone(), source })?;
        let description: Description = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let channel = ChannelId::new(format!("demo/{name}")).map_err(|error| wrong(format!("its folder: {error}")))?;
        let frames: Vec<_> = entries(folder, FRAMES_MAX + 1)?.into_iter().filter(|path| *path != about).collect();
        if frames.is_empty() {
            return Err(SourceError::Empty { path: folder.to_owned() });
        }
        let Description { title, provider, interval_ms, note } = description;
        Ok(Self { channel, title, provider, interval_ms, note, frames })
    }

    /// How many frames it has.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// Its frames as a broadcast that begins at `start`. A frame is named by channel and file, not by where this
    /// machine keeps it: the same start gives the same frame ids anywhere.
    pub fn play(&self, session: SessionId, start: Timestamp) -> Folder {
        let name = |path: &Path| {
            let file = path.file_name().unwrap_or_default();
            [self.channel.as_str().as_bytes(), b"/", file.as_encoded_bytes()].concat()
        };
        let pictures = (0..).zip(&self.frames).map(|(number, path)| Picture {
            name: name(path),
            captured_at: start.plus_ms(number * u64::from(self.interval_ms.get())),
            path: path.clone(),
        });
        Folder::of(Broadcast { channel: self.channel.clone(), session }, pictures.collect())
    }
}

/// A folder's entries in name order, without hidden ones.
fn entries(folder: &Path, max: usize) -> Result<Vec<PathBuf>, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
        if paths.len() > max {
            return Err(SourceError::TooManyFiles { path: folder.to_owned(), max });
        }
    }
    paths.sort();
    Ok(paths)
}
