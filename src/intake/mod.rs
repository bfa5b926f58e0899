//! Where frames come from on a laptop: a folder of pictures, a video file, the bundled demo footage.
//!
//! A source belongs to one channel and is pulled: it yields the next [`Frame`] when it is asked, so that the caller
//! sets the pace, live or as fast as the wardens take it. It gives times and identities and does not judge: a file that
//! is no picture is a frame like any other and must fail visibly further on, not vanish here. It reads no clock.

mod error;
mod folder;
mod footage;
mod mpjpeg;
mod video;

pub use error::SourceError;
pub use folder::{FILES_MAX, Folder, Times};
pub use footage::{Footage, FootageChannel, FootageProvider};
pub use mpjpeg::PICTURE_BYTES_MAX;
pub use video::{Ffmpeg, Video};

use std::collections::HashSet;
use std::path::Path;

use crate::model::{ChannelId, Fingerprint, Frame, FrameId, FrameOrigin, SessionId, Sha256, Timestamp};

/// Which broadcast of which channel a source's frames belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// The channel.
    pub channel: ChannelId,
    /// The broadcast.
    pub session: SessionId,
}

impl Broadcast {
    /// The frame that the source names by `name` and time, showing bytes with digest `content` (none: unreadable).
    fn frame(&self, name: &[u8], captured_at: Timestamp, content: Option<Sha256>, origin: FrameOrigin) -> Frame {
        let time = captured_at.as_micros().to_be_bytes();
        let content = content.map_or([0; 32], |digest| digest.0);
        Frame {
            medium: Default::default(),
            channel: self.channel.clone(),
            session: self.session.clone(),
            id: FrameId::of(&self.channel, &[name, &time]),
            captured_at,
            fingerprint: Fingerprint::of(&[name, &time, &content]),
            origin,
        }
    }
}

/// Frames of one channel, in order, one at a time.
#[derive(Debug)]
pub enum Source {
    /// A folder of pictures, or a channel of the demo footage.
    Folder(Folder),
    /// A video file.
    Video(Box<Video>),
}

impl Source {
    /// The next frame; none at the end and after an error.
    pub async fn next(&mut self) -> Option<Result<Frame, SourceError>> {
        match self {
            Self::Folder(folder) => folder.next().await.map(Ok),
            Self::Video(video) => video.next().await,
        }
    }

    /// How many frames it will yield in all, as far as that is known: exact for a folder, an estimate for a video.
    pub fn frames_expected(&self) -> Option<u64> {
        match self {
            Self::Folder(folder) => Some(folder.frames_expected()),
            Self::Video(video) => video.frames_expected(),
        }
    }

    /// The broadcast its frames belong to.
    pub fn broadcast(&self) -> &Broadcast {
        match self {
            Self::Folder(folder) => folder.broadcast(),
            Self::Video(video) => video.broadcast(),
        }
    }
}

/// Names a channel for each path after its last component: `clips/My Film.mp4` is `My_Film.mp4`. Characters a channel
/// id may not have become `_`. No two paths share a channel: from the second on a name is numbered, `My_Film.mp4-2`.
pub fn channels_of<P: AsRef<Path>>(paths: &[P]) -> Vec<ChannelId> {
    const STEM_BYTES_MAX: usize = 150; // leaves room for the number
    let mut taken = HashSet::new();
    let name = |path: &P| {
        let path = path.as_ref();
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned()); // "." has no name of its own
        let leaf = whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned();
        let allowed = |c: char| if c.is_ascii_alphanumeric() || "._:@+=,-".contains(c) { c } else { '_' };
        leaf.chars().map(allowed).take(STEM_BYTES_MAX).collect::<String>()
    };
    paths
        .iter()
        .map(|path| {
            let stem = match name(path) {
                empty if empty.is_empty() => "channel".to_owned(),
                stem => stem,
            };
            // At most as many tries as there are paths: each taken name belongs to an earlier one.
            let free = (1..=paths.len())
                .map(|number| if number == 1 { stem.clone() } else { format!("{stem}-{number}") })
                .find(|candidate| taken.insert(candidate.clone()))
                .expect("among n candidates one is not taken by the n - 1 earlier paths");
            ChannelId::new(free).expect("the name has only a channel id's characters and fits its length")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_named_after_their_files_and_never_shared() {
        let paths = ["a/My Film.mp4", "b/My Film.mp4", "b/My_Film.mp4", "Übung", "x/a", "y/a", "z/a-2"];
        let names: Vec<_> = channels_of(&paths).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["My_Film.mp4", "My_Film.mp4-2", "My_Film.mp4-3", "_bung", "a", "a-2", "a-2-2"]);
    }

    #[test]
    fn a_frame_has_another_fingerprint_but_the_same_id_when_its_content_differs() {
        let broadcast = Broadcast {
            channel: ChannelId::new("c").expect("a sound name"),
            session: SessionId::new("s").expect("a sound name"),
        };
        let frame = |content: &[u8], at| {
            let origin = FrameOrigin::Inline(content.into());
            broadcast.frame(b"0001.jpg", Timestamp::from_millis(at), Some(Sha256::of(content)), origin)
        };
        let (first, again, other, later) = (frame(b"x", 1), frame(b"x", 1), frame(b"y", 1), frame(b"x", 2));
        assert_eq!(first, again);
        assert_eq!(first.id, other.id);
        assert_ne!(first.fingerprint, other.fingerprint);
        assert_ne!(first.id, later.id);
    }
}
