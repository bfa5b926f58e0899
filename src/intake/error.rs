//! What can be wrong with a source, and what to try.

use std::io;
use std::path::PathBuf;

/// Why a source cannot be opened or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A folder or file could not be read.
    #[error("{path} cannot be read", path = path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder without files.
    #[error("{path} holds no files, so no frames", path = path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A folder with more files than a source takes.
    #[error("{path} holds more than {max} files", path = path.display())]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
        /// The most that are taken.
        max: usize,
    },
    /// What describes a channel of the footage is not as it should be.
    #[error("{path} does not describe a channel of the footage: {why}", path = path.display())]
    ChannelFile {
        /// The file.
        path: PathBuf,
        /// What was expected and where.
        why: String,
    },
    /// ffmpeg could not be started.
    #[error("ffmpeg could not be started as {program}", program = program.display())]
    FfmpegMissing {
        /// What was tried.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// ffmpeg gave up on a video.
    #[error("ffmpeg could not read {file}: {said}", file = file.display())]
    Ffmpeg {
        /// The video.
        file: PathBuf,
        /// Its own last words.
        said: String,
    },
    /// ffmpeg's output is not what was asked for.
    #[error("ffmpeg's output for {file} cannot be understood: {why}", file = file.display())]
    Garbled {
        /// The video.
        file: PathBuf,
        /// What was expected and where.
        why: String,
    },
}

impl SourceError {
    /// What to try, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::FfmpegMissing { .. } => Some(
                "install ffmpeg (Debian: apt-get install ffmpeg; macOS: brew install ffmpeg), or pass --ffmpeg PATH",
            ),
            Self::Ffmpeg { .. } => Some("is it a video? A folder of pictures needs no ffmpeg"),
            Self::Empty { .. } => {
                Some("give the folder that holds the pictures themselves; folders in it are not entered")
            }
            Self::Garbled { .. } => Some("ffmpeg 4.4 or newer is expected; pass another with --ffmpeg PATH"),
            Self::Unreadable { .. } | Self::TooManyFiles { .. } | Self::ChannelFile { .. } => None,
        }
    }
}
