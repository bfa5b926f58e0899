//! The bundled footage is what the demo and its attribution say it is.

use std::fs;
use std::path::Path;

use streamwarden::intake::{Footage, FootageProvider, SourceError};
use streamwarden::model::Timestamp;
use streamwarden::providers::Provider;
use streamwarden::providers::local::{PROBABLE_FROM, REVIEW_FROM};

use super::{bundled, channel, image, local_model, root, session};

const BYTES_MAX: u64 = 4 << 20;
const WIDTH_MAX: u32 = 640;

#[test]
fn the_channels_are_described_attributed_and_of_both_providers() {
    let footage = bundled();
    let attribution = fs::read_to_string(root().join("demo/ATTRIBUTION.md")).expect("the attribution");
    for channel in footage.channels() {
        let folder = channel.channel.as_str().strip_prefix("demo/").expect("the demo's channels say that they are");
        assert!((20..=40).contains(&channel.frames()), "{}: {} frames", channel.channel, channel.frames());
        assert!(attribution.contains(&format!("`{folder}`")), "{} is not attributed", channel.channel);
        assert_eq!(channel.interval_ms.get(), 1000);
        assert!(!channel.title.is_empty() && !channel.note.is_empty());
        let rehearses = folder.starts_with("rehearsal-");
        assert_eq!(rehearses, channel.provider == FootageProvider::Rehearsal, "{} says what it is", channel.channel);
    }
    assert!((5..=6).contains(&footage.channels().len()));
}

#[tokio::test]
async fn the_frames_are_small_baseline_jpegs_in_four_two_zero() {
    let mut bytes = 0;
    for channel in bundled().channels() {
        let mut frames = channel.play(session(), Timestamp::default());
        while let Some(frame) = frames.next().await {
            let file = image(&frame);
            bytes += file.len() as u64;
            let (width, sampling) = baseline(&file).unwrap_or_else(|| panic!("{frame:?} is no baseline JPEG"));
            assert!(width <= WIDTH_MAX, "{frame:?} is {width} pixels wide");
            assert_eq!(sampling, 0x22, "{frame:?}");
        }
    }
    assert!(bytes <= BYTES_MAX, "{bytes} bytes of footage");
}

/// Width and luma sampling from the header of a baseline JPEG (SOF0).
fn baseline(file: &[u8]) -> Option<(u32, u8)> {
    let mut at = 2;
    while file.get(at..at + 2)? != [0xff, 0xc0] {
        at += 2 + usize::from(u16::from_be_bytes([*file.get(at + 2)?, *file.get(at + 3)?]));
    }
    Some((u32::from(u16::from_be_bytes([*file.get(at + 7)?, *file.get(at + 8)?])), *file.get(at + 11)?))
}

#[tokio::test]
async fn the_same_start_gives_the_same_frames_wherever_the_footage_lies() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    copy(&root().join("demo/footage/borderline"), &elsewhere.path().join("borderline"));
    let (ours, copied) = (bundled(), Footage::open(elsewhere.path()).expect("a copy of one channel"));
    let start = Timestamp::from_millis(5000);
    let mut ours = channel(&ours, "borderline").play(session(), start);
    let mut copied = channel(&copied, "borderline").play(session(), start);
    let mut expected_at = start;
    while let Some(frame) = ours.next().await {
        let copy = copied.next().await.expect("as many frames");
        assert_eq!((frame.id, frame.fingerprint, frame.captured_at), (copy.id, copy.fingerprint, expected_at));
        expected_at = expected_at.plus_ms(1000);
    }
    assert_eq!(copied.next().await, None);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

/// The demo's warning: the model itself must be unsure for long enough that "2 of 3" fires, whatever the cadence.
#[tokio::test]
async fn the_real_model_is_unsure_of_the_borderline_channel_and_of_nothing_before() {
    let footage = bundled();
    let mut frames = channel(&footage, "borderline").play(session(), Timestamp::default());
    let mut unsure = Vec::new();
    while let Some(frame) = frames.next().await {
        let score = local_model().assess(image(&frame)).await.expect("a picture").labels[0].confidence();
        assert!(score < PROBABLE_FROM, "{frame:?}: {score:?}");
        unsure.push(score >= REVIEW_FROM);
    }
    let expected: Vec<_> = (0..30).map(|number| (8..22).contains(&number)).collect();
    assert_eq!(unsure, expected);
}

#[test]
fn a_channel_that_is_described_wrongly_or_not_at_all_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let channel = folder.path().join("x");
    fs::create_dir(&channel).expect("a folder");
    fs::write(channel.join("0001.jpg"), "").expect("a file");
    assert!(matches!(Footage::open(folder.path()), Err(SourceError::Unreadable { .. })));

    for wrong in [
        r#"{"title": "t", "provider": "rekognition", "interval_ms": 1000, "note": "n"}"#,
        r#"{"title": "t", "provider": "local", "interval_ms": 0, "note": "n"}"#,
        r#"{"title": "t", "provider": "local", "interval_ms": 1000, "note": "n", "more": 1}"#,
    ] {
        fs::write(channel.join("channel.json"), wrong).expect("a file");
        let error = Footage::open(folder.path()).expect_err(wrong);
        assert!(matches!(&error, SourceError::ChannelFile { path, .. } if path.ends_with("x/channel.json")), "{error}");
    }
}
