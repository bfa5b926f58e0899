//! The providers, and the sources that feed them. What needs no account with its real parts: the real weights, the
//! bundled footage, a real ffmpeg; what needs one against its stand-in, over HTTP. What is missing is fetched by the
//! repository's own scripts; no test is skipped.

#![allow(clippy::unwrap_used)] // tests: a panic is the report

mod cloudfront_standin;
mod contract;
mod dashboard_standin;
mod footage;
mod hive;
mod hive_standin;
mod local_model;
mod rehearsal;
mod remux;
mod segments;
#[path = "../aws/standins.rs"]
mod standins;
mod video;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use streamwarden::intake::{Ffmpeg, Footage, FootageChannel};
use streamwarden::model::{ChannelId, Frame, FrameOrigin, SessionId};
use streamwarden::providers::local::{LocalModel, PINNED_PATH, PINNED_SHA256};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs one of the repository's scripts, once per process.
fn fetched(done: &OnceLock<()>, script: &str) {
    done.get_or_init(|| {
        let output = Command::new("sh").arg(root().join(script)).output().expect("sh starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} must succeed for these tests; it said:\n{said}");
    });
}

/// The pinned weights' file.
fn weights() -> PathBuf {
    static DONE: OnceLock<()> = OnceLock::new();
    fetched(&DONE, "scripts/fetch-model.sh");
    root().join(PINNED_PATH)
}

/// The pinned model, loaded once.
fn local_model() -> &'static LocalModel {
    static MODEL: OnceLock<LocalModel> = OnceLock::new();
    MODEL.get_or_init(|| LocalModel::load(&weights(), PINNED_SHA256).expect("the pinned model loads"))
}

fn ffmpeg() -> Ffmpeg {
    static DONE: OnceLock<()> = OnceLock::new();
    fetched(&DONE, "scripts/fetch-ffmpeg.sh");
    Ffmpeg::at(root().join(".tools/ffmpeg"))
}

fn bundled() -> Footage {
    Footage::open(&root().join("demo/footage")).expect("the footage is committed")
}

fn channel<'a>(footage: &'a Footage, name: &str) -> &'a FootageChannel {
    let named = |channel: &&FootageChannel| channel.channel.as_str() == format!("demo/{name}");
    footage.channels().iter().find(named).unwrap_or_else(|| panic!("the footage has a channel {name}"))
}

fn session() -> SessionId {
    SessionId::new("run-1").expect("a sound name")
}

fn channel_id(name: &str) -> ChannelId {
    ChannelId::new(name).expect("a sound name")
}

/// The bytes a frame shows.
fn image(frame: &Frame) -> Arc<[u8]> {
    match &frame.origin {
        FrameOrigin::File(path) => std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).into(),
        FrameOrigin::Inline(bytes) => Arc::clone(bytes),
        FrameOrigin::S3(object) => panic!("the footage is on this machine, not at {object}"),
    }
}

/// A small JPEG file with this comment.
fn commented(comment: &str) -> Arc<[u8]> {
    let picture = include_bytes!("../imaging/data/411-96x72.jpg");
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xfe];
    bytes.extend(u16::try_from(comment.len() + 2).expect("a short comment").to_be_bytes());
    bytes.extend(comment.as_bytes());
    bytes.extend(&picture[2..]);
    bytes.into()
}
