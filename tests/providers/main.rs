//! The providers that need no account, and the sources that feed them, with their real parts: the real weights, the
//! bundled footage, a real ffmpeg. What is missing is fetched by the repository's own scripts; no test is skipped.

mod footage;
mod local_model;
mod rehearsal;
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
