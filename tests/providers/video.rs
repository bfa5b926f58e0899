//! Videos through a real ffmpeg: a film made of the bundled footage, and what is no film.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;

use streamwarden::intake::{Broadcast, Ffmpeg, Source, SourceError, Video};
use streamwarden::model::{Frame, Timestamp};
use streamwarden::providers::Provider;
use tempfile::TempDir;

use super::{channel_id, ffmpeg, image, local_model, root, session};

const START: Timestamp = Timestamp::from_millis(1_000_000);

/// The 30 frames of the film channel as a video of 30 s.
fn film() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("a film; -i %d 'quoted'.mp4"); // a name that must not be taken for anything else
    let _ = ffmpeg(); // fetched
    let frames = root().join("demo/footage/film-night/%04d.jpg");
    let made = Command::new(root().join(".tools/ffmpeg"))
        .args(["-v", "error", "-framerate", "1", "-i"])
        .arg(frames)
        .args(["-c:v", "mpeg4", "-q:v", "3", "-r", "5"])
        .arg(&film)
        .status()
        .expect("ffmpeg starts");
    assert!(made.success(), "the film is made");
    (folder, film)
}

async fn open(file: &Path, interval_ms: u32, ffmpeg: &Ffmpeg) -> Result<Source, SourceError> {
    let broadcast = Broadcast { channel: channel_id("film"), session: session() };
    let interval_ms = NonZeroU32::new(interval_ms).expect("not zero");
    Ok(Source::Video(Box::new(Video::open(file, broadcast, START, interval_ms, ffmpeg).await?)))
}

async fn frames(mut video: Source) -> Result<Vec<Frame>, SourceError> {
    let mut frames = Vec::new();
    while let Some(frame) = video.next().await {
        frames.push(frame?);
    }
    assert!(video.next().await.is_none(), "after the end there is nothing");
    Ok(frames)
}

#[tokio::test]
async fn a_film_becomes_pictures_at_the_interval_asked_for_that_the_model_can_judge() {
    let (_folder, film) = film();
    let video = open(&film, 2000, &ffmpeg()).await.expect("a film");
    assert_eq!(video.frames_expected(), Some(15));
    let frames = frames(video).await.expect("a film");
    assert_eq!(frames.len(), 15);
    for (number, frame) in (0..).zip(&frames) {
        assert_eq!(frame.captured_at, START.plus_ms(number * 2000));
        local_model().assess(image(frame)).await.expect("a picture");
    }
    let first = image::load_from_memory(&image(&frames[0])).expect("a picture");
    assert_eq!((first.width(), first.height()), (448, 252));
}

#[tokio::test]
async fn the_last_partial_interval_counts_and_the_first_picture_is_always_there() {
    let (_folder, film) = film();
    for (interval_ms, expected) in [(7000, 5), (100_000, 1)] {
        let video = open(&film, interval_ms, &ffmpeg()).await.expect("a film");
        assert_eq!(video.frames_expected(), Some(expected));
        assert_eq!(frames(video).await.expect("a film").len() as u64, expected);
    }
}

#[tokio::test]
async fn the_same_film_gives_the_same_frames_again() {
    let (_folder, film) = film();
    let once = frames(open(&film, 5000, &ffmpeg()).await.expect("a film")).await.expect("a film");
    let again = frames(open(&film, 5000, &ffmpeg()).await.expect("a film")).await.expect("a film");
    let identity = |frames: &[Frame]| frames.iter().map(|frame| (frame.id, frame.fingerprint)).collect::<Vec<_>>();
    assert_eq!(identity(&once), identity(&again));
    assert_eq!(once.len(), 6);
}

#[tokio::test]
async fn what_is_no_video_ends_in_an_error_with_ffmpegs_own_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("text.mp4");
    fs::write(&text, "not a film").expect("a file");
    let error = frames(open(&text, 1000, &ffmpeg()).await.expect("ffmpeg starts")).await.expect_err("no film");
    let SourceError::Ffmpeg { said, .. } = &error else { panic!("{error}") };
    assert!(said.contains("Invalid data"), "{said}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn a_playlist_cannot_make_ffmpeg_reach_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a setting");
    let playlist = folder.path().join("film.m3u8");
    let address = listener.local_addr().expect("an address");
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://{address}/a.ts\n#EXT-X-ENDLIST\n");
    fs::write(&playlist, text).expect("a file");

    let ended = frames(open(&playlist, 1000, &ffmpeg()).await.expect("ffmpeg starts")).await;
    assert!(matches!(ended, Err(SourceError::Ffmpeg { .. })), "{ended:?}");
    let asked = listener.accept().expect_err("nobody connected");
    assert_eq!(asked.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_film_cut_short_yields_what_is_there() {
    let (folder, film) = film();
    let avi = folder.path().join("cut.avi");
    let remade = Command::new(root().join(".tools/ffmpeg"))
        .args(["-v", "error", "-i"])
        .arg(format!("file:{}", film.display()))
        .args(["-c:v", "copy"])
        .arg(&avi)
        .status()
        .expect("ffmpeg starts");
    assert!(remade.success());
    let whole = fs::read(&avi).expect("the film");
    fs::write(&avi, &whole[..whole.len() / 2]).expect("half of it");
    let frames = frames(open(&avi, 1000, &ffmpeg()).await.expect("ffmpeg starts")).await.expect("half a film");
    assert!((5..25).contains(&frames.len()), "{} frames", frames.len());
}

#[tokio::test]
async fn without_ffmpeg_the_error_says_how_to_get_it() {
    let (_folder, film) = film();
    let error = open(&film, 1000, &Ffmpeg::at("there-is-no-ffmpeg")).await.expect_err("no ffmpeg");
    assert!(matches!(error, SourceError::FfmpegMissing { .. }), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("--ffmpeg PATH")));

    let error = open(Path::new("there-is-no.mp4"), 1000, &ffmpeg()).await.expect_err("no film");
    assert!(matches!(error, SourceError::Unreadable { .. }), "{error}");
}
