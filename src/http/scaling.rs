//! Pictures made smaller, or coarse and grey, for people: off the request threads, and never more at once than leaves
//! the machine to the frames that have to be judged.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::problem::Problem;
use crate::imaging::{Algorithm, Imaging, ImagingError, Limits, Scratch};

/// Pictures being made at the same time.
const AT_ONCE_MAX: usize = 2;
/// Requests that wait for their turn; a wall of channels asks for all its tiles at once. Beyond it they come again.
const WAITING_MAX: usize = 512;
const RETRY_AFTER_S: u32 = 1;

/// What a picture is made into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Into {
    /// A small JPEG in its colours.
    Thumbnail,
    /// A coarse grey PNG.
    Preview,
}

/// Who makes them.
pub(in crate::http) struct Scaling {
    imaging: Imaging,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// One for each turn, taken while it lasts.
    scratches: Mutex<Vec<Scratch>>,
}

impl Default for Scaling {
    fn default() -> Self {
        Self {
            imaging: Imaging::new(Limits::default(), Algorithm::MedianDct),
            turns: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            waiting: AtomicUsize::new(0),
            scratches: Mutex::default(),
        }
    }
}

impl Scaling {
    /// Makes a picture of the bytes of another. The inner error: it cannot be decoded in full.
    pub async fn make(
        self: &Arc<Self>,
        into: Into,
        bytes: Arc<[u8]>,
    ) -> Result<Result<Vec<u8>, ImagingError>, Problem> {
        let doing = "scaling a picture";
        let waits = Waits::begin(self)?;
        let scaling = self.clone();
        let turn = self.turns.clone().acquire_owned().await.map_err(|closed| Problem::internal(doing, &closed))?;
        drop(waits);
        let working = tokio::task::spawn_blocking(move || {
            let mut scratch = scaling.scratches().pop().unwrap_or_default();
            let made = match into {
                Into::Thumbnail => scaling.imaging.thumbnail(&bytes, &mut scratch),
                Into::Preview => scaling.imaging.preview(&bytes, &mut scratch),
            };
            scaling.scratches().push(scratch);
            drop(turn); // it ends with the work, not with a request that was given up
            made
        });
        working.await.map_err(|broke| Problem::internal(doing, &broke))
    }

    fn scratches(&self) -> std::sync::MutexGuard<'_, Vec<Scratch>> {
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner) // whole before and after each call
    }
}

/// One that waits, until it is dropped.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(scaling: &'a Scaling) -> Result<Self, Problem> {
        let waits = Self(&scaling.waiting);
        if scaling.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            return Err(Problem::unavailable("too many pictures wait to be scaled", RETRY_AFTER_S));
        }
        Ok(waits)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
