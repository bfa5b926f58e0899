//! What blocks on the disk runs off the request threads, and never more of it at once than the disk bears.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::problem::Problem;

/// Pieces of work at the same time, of this process: it has one disk.
const AT_ONCE_MAX: usize = 8;
/// Pieces of work that wait for their turn. Beyond it a request is told to come back.
const WAITING_MAX: usize = 256;
/// When to come back.
const RETRY_AFTER_S: u32 = 1;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE_MAX);
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Runs `work` where it may block. A failure is ours: the log learns the cause, the caller that `doing` failed.
pub(in crate::http) async fn blocking<T, E>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: std::error::Error + Send + 'static,
{
    let waits = Waits::begin()?;
    let turn = TURNS.acquire().await.map_err(|closed| Problem::internal(doing, &closed))?;
    drop(waits);
    // The turn ends with the work, not with the request: a caller who has gone does not make the disk any faster.
    let working = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    match working.await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Problem::internal(doing, &error)),
        Err(broke) => Err(Problem::internal(doing, &broke)),
    }
}

/// One that waits, until it is dropped.
struct Waits;

impl Waits {
    fn begin() -> Result<Self, Problem> {
        let waits = Self;
        if WAITING.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            return Err(Problem::unavailable("too many requests wait for the disk", RETRY_AFTER_S));
        }
        Ok(waits)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}
