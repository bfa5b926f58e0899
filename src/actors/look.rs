//! Fetching and measuring a frame, off the arbiters.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::events::FailedStage;
use crate::imaging::{Imaging, Measured, Scratch};
use crate::model::{Frame, FrameOrigin};

/// A frame's bytes and what imaging found in them.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) bytes: Arc<[u8]>,
    pub(super) measured: Measured,
    pub(super) fetch_ms: u32,
    pub(super) measure_ms: u32,
}

/// Why a frame could not be looked at.
#[derive(Debug)]
pub(super) struct Unseen {
    pub(super) stage: FailedStage,
    pub(super) reason: String,
}

thread_local! {
    /// Decoding reuses its buffers: fresh ones of megabytes for every frame cost more than the arithmetic.
    static SCRATCH: std::cell::RefCell<Scratch> = std::cell::RefCell::new(Scratch::default());
}

/// Fetches and measures. Blocks: never called on an arbiter.
///
/// `fetched`: the bytes and how long they took, where they were fetched already.
pub(super) fn look(imaging: &Imaging, frame: &Frame, fetched: Option<(Arc<[u8]>, Duration)>) -> Result<Looked, Unseen> {
    let begun = Instant::now();
    let (bytes, fetch_time) = match fetched {
        Some(fetched) => fetched,
        None => (read(frame, imaging.limits().bytes_max)?, begun.elapsed()),
    };
    let fetched = Instant::now();
    let measured = SCRATCH
        .with_borrow_mut(|scratch| imaging.measure(&bytes, scratch))
        .map_err(|error| Unseen { stage: FailedStage::Decode, reason: error.to_string() })?;
    Ok(Looked {
        bytes,
        measured,
        fetch_ms: fetch_time.as_millis() as u32,
        measure_ms: fetched.elapsed().as_millis() as u32,
    })
}

/// Reads what is on this machine. Blocks.
pub(super) fn read(frame: &Frame, bytes_max: usize) -> Result<Arc<[u8]>, Unseen> {
    let unseen = |reason| Unseen { stage: FailedStage::Fetch, reason };
    match &frame.origin {
        FrameOrigin::Inline(bytes) => Ok(bytes.clone()),
        FrameOrigin::S3(object) => Err(unseen(format!("{object} was not fetched"))), // its bytes are handed in
        FrameOrigin::File(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            // Asked first: opening a named pipe waits for its writer, and nothing ends a blocked thread.
            let about = std::fs::metadata(path).map_err(|error| unseen(format!("opening {name}: {error}")))?;
            if !about.is_file() {
                return Err(unseen(format!("opening {name}: expected a regular file")));
            }
            let file = std::fs::File::open(path).map_err(|error| unseen(format!("opening {name}: {error}")))?;
            let mut bytes = Vec::with_capacity(64 * 1024);
            // One byte more than allowed, so that a longer file is told from one that just fits.
            let mut bounded = file.take(bytes_max as u64 + 1);
            bounded.read_to_end(&mut bytes).map_err(|error| unseen(format!("reading {name}: {error}")))?;
            Ok(bytes.into())
        }
    }
}
