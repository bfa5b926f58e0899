//! A video file as a channel: ffmpeg, as a child process, samples it and hands each picture over through a pipe.
//!
//! The pipe is the bound: ffmpeg stands still while nobody pulls. It may open local files only, so that a playlist
//! posing as a video cannot make it fetch anything. It is killed when the source is dropped.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::mpjpeg::{PartError, next_picture};
use super::{Broadcast, SourceError};
use crate::model::{Frame, FrameOrigin, Sha256, Timestamp};

/// How much of what ffmpeg says is kept: its last words, which name the reason.
const SAID_BYTES_MAX: usize = 2000;
/// Wider videos are scaled down, as a platform does for its thumbnails. Pixels.
const WIDTH_MAX: u32 = 1920;
/// ffmpeg's quality for JPEG, from 2 (best) to 31; 3 leaves no visible trace.
const JPEG_QSCALE: u32 = 3;

/// The ffmpeg to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ffmpeg(PathBuf);

impl Ffmpeg {
    /// The one at `program`.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self(program.into())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.0);
        command.args(["-hide_banner", "-nostdin", "-protocol_whitelist", "file,pipe"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    fn start(&self, command: &mut Command) -> Result<Child, SourceError> {
        command.spawn().map_err(|source| SourceError::FfmpegMissing { program: self.0.clone(), source })
    }
}

impl Default for Ffmpeg {
    /// The one on the search path.
    fn default() -> Self {
        Self::at("ffmpeg")
    }
}

/// The frames of a video file, sampled at an interval.
#[derive(Debug)]
pub struct Video {
    broadcast: Broadcast,
    file: PathBuf,
    /// The file's canonical path: with the time it names a frame, the same on every run.
    name: Vec<u8>,
    start: Timestamp,
    interval_ms: NonZeroU32,
    duration_ms: Option<u64>,
    shown: u64,
    running: Option<Running>,
}

/// ffmpeg at work.
#[derive(Debug)]
struct Running {
    child: Child,
    pictures: BufReader<ChildStdout>,
    said: JoinHandle<String>,
}

impl Video {
    /// Starts ffmpeg on `file`: one frame every `interval_ms` of the video, the first captured at `start`.
    pub async fn open(
        file: &Path,
        broadcast: Broadcast,
        start: Timestamp,
        interval_ms: NonZeroU32,
        ffmpeg: &Ffmpeg,
    ) -> Result<Self, SourceError> {
        let whole = file.canonicalize().map_err(|source| SourceError::Unreadable { path: file.to_owned(), source })?;
        let duration_ms = probe(ffmpeg, &whole).await?;

        let mut command = ffmpeg.command();
        // Rounded up, each picture is what was on the screen at its moment, and the first is always there. The pixel
        // format is what JPEG means by 4:2:0 in every version of ffmpeg, whatever the video has.
        let filter = format!("fps=1000/{interval_ms}:round=up,scale=w='min({WIDTH_MAX},iw)':h=-2,format=yuvj420p");
        command.args(["-loglevel", "error", "-i"]).arg(local(&whole));
        command.args(["-map", "0:v:0", "-vf", &filter, "-c:v", "mjpeg", "-q:v", &JPEG_QSCALE.to_string()]);
        command.args(["-f", "mpjpeg", "pipe:1"]);
        let mut child = ffmpeg.start(&mut command)?;
        let pictures = BufReader::new(child.stdout.take().expect("the output was asked for as a pipe"));
        let errors = child.stderr.take().expect("the messages were asked for as a pipe");
        let said = tokio::spawn(last_words(errors));

        Ok(Self {
            broadcast,
            name: whole.as_os_str().as_encoded_bytes().to_vec(),
            file: file.to_owned(),
            start,
            interval_ms,
            duration_ms,
            shown: 0,
            running: Some(Running { child, pictures, said }),
        })
    }

    /// The next frame, with its bytes; none at the end and after an error.
    pub async fn next(&mut self) -> Option<Result<Frame, SourceError>> {
        let running = self.running.as_mut()?;
        match next_picture(&mut running.pictures).await {
            Ok(Some(picture)) => Some(Ok(self.frame(picture))),
            Ok(None) => {
                let running = self.running.take()?;
                self.ended(running).await.err().map(Err)
            }
            Err(error) => {
                let running = self.running.take()?;
                // A pipe cut short by a failing ffmpeg: its own words tell more than ours.
                Some(Err(self.ended(running).await.err().unwrap_or_else(|| self.garbled(error))))
            }
        }
    }

    /// About how many frames it yields in all, by the duration the file states.
    pub fn frames_expected(&self) -> Option<u64> {
        self.duration_ms.map(|duration| duration.div_ceil(u64::from(self.interval_ms.get())).max(1))
    }

    /// The broadcast its frames belong to.
    pub fn broadcast(&self) -> &Broadcast {
        &self.broadcast
    }

    fn frame(&mut self, picture: Vec<u8>) -> Frame {
        let captured_at = self.start.plus_ms(self.shown * u64::from(self.interval_ms.get()));
        self.shown += 1;
        let content = Sha256::of(&picture);
        self.broadcast.frame(&self.name, captured_at, Some(content), FrameOrigin::Inline(picture.into()))
    }

    /// How ffmpeg ended. A video that ffmpeg finds fine but that holds no picture is an error too: silence is loud.
    async fn ended(&self, running: Running) -> Result<(), SourceError> {
        let Running { mut child, pictures, said } = running;
        drop(pictures); // an ffmpeg that still writes must not wait for a reader that is gone
        let status = child.wait().await;
        let said = said.await.unwrap_or_default();
        match status {
            Ok(status) if status.success() && self.shown > 0 => Ok(()),
            Ok(status) if status.success() => Err(self.failed("it found no picture in it".to_owned())),
            Ok(status) if said.is_empty() => Err(self.failed(format!("it ended with {status}"))),
            Ok(_) => Err(self.failed(said)),
            Err(error) => Err(self.failed(format!("its end is unknown: {error}"))),
        }
    }

    fn failed(&self, said: String) -> SourceError {
        SourceError::Ffmpeg { file: self.file.clone(), said }
    }

    fn garbled(&self, error: PartError) -> SourceError {
        SourceError::Garbled { file: self.file.clone(), why: format!("picture {}: {error}", self.shown + 1) }
    }
}

/// Asks ffmpeg what it makes of the file, and for its duration. Told to do nothing it always ends with an error, so
/// only its words count here; a file it cannot use fails again, and visibly, when it is played.
async fn probe(ffmpeg: &Ffmpeg, file: &Path) -> Result<Option<u64>, SourceError> {
    let mut child = ffmpeg.start(ffmpeg.command().arg("-i").arg(local(file)))?;
    let errors = child.stderr.take().expect("the messages were asked for as a pipe");
    let said = last_words(errors).await;
    let _ = child.wait().await; // reaped; see above
    Ok(duration_ms(&said))
}

/// `Duration: 00:01:02.50, start: …` in milliseconds; none where ffmpeg says `N/A`.
fn duration_ms(said: &str) -> Option<u64> {
    let (_, after) = said.split_once("Duration: ")?;
    let mut parts = after.split(',').next()?.trim().splitn(3, ':');
    let (hours, minutes, seconds): (u64, u64, f64) =
        (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60_000)?.checked_add((seconds * 1000.0) as u64)
}

/// Reads to the end, so that the writer never waits, and keeps the last [`SAID_BYTES_MAX`] bytes.
async fn last_words<R: AsyncRead + Unpin>(mut errors: R) -> String {
    let (mut kept, mut read) = (Vec::new(), [0; 1024]);
    while let Ok(bytes @ 1..) = errors.read(&mut read).await {
        kept.extend_from_slice(&read[..bytes]);
        let surplus = kept.len().saturating_sub(SAID_BYTES_MAX);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).trim().replace('\n', "; ")
}

/// The path as ffmpeg's file protocol takes it, so that no name is taken for an option, a URL or a pattern.
fn local(file: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(file);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_or_unknown() {
        assert_eq!(duration_ms("Input #0 …\n  Duration: 00:01:02.50, start: 0.0, bitrate: 9"), Some(62_500));
        for unknown in ["", "Duration: N/A, start: 0", "Duration: 1:2", "Duration: 99999999999999999999:00:00.0"] {
            assert_eq!(duration_ms(unknown), None, "{unknown:?}");
        }
    }

    #[tokio::test]
    async fn only_the_last_words_are_kept() {
        let long = "x".repeat(3 * SAID_BYTES_MAX) + "\nthe reason\n";
        let said = last_words(long.as_bytes()).await;
        assert!(said.len() <= SAID_BYTES_MAX && said.ends_with("x; the reason"), "{said}");
    }
}
