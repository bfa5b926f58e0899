//! Turns: calls of one operation spaced so that an account's rate is kept, first come first served. Waiting is bounded:
//! more would only grow old.

use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep_until};

/// The turns of one operation.
#[derive(Debug)]
pub struct Turns {
    spacing: Duration,
    /// When the next turn is; locked by whoever waits for it, in order of arrival.
    next: Mutex<Option<Instant>>,
    queue: Semaphore,
}

/// So many wait already that another would only grow old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many calls wait for their turn")]
pub struct Crowded;

impl Turns {
    /// `per_second` turns a second (at least one), and at most `waiting_max` who wait for one.
    pub fn new(per_second: u32, waiting_max: usize) -> Self {
        let spacing = Duration::from_secs(1) / per_second.max(1);
        Self { spacing, next: Mutex::new(None), queue: Semaphore::new(waiting_max) }
    }

    /// Waits for a turn. Whoever stops waiting takes none.
    pub async fn take(&self) -> Result<(), Crowded> {
        let _place = self.queue.try_acquire().map_err(|_| Crowded)?;
        let mut next = self.next.lock().await;
        if let Some(at) = *next {
            sleep_until(at).await;
        }
        *next = Some(Instant::now() + self.spacing);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_told_at_once() {
        let turns = Turns::new(1, 1);
        turns.take().await.expect("the first turn is free");
        let (second, third) = futures_util::future::join(turns_soon(&turns), turns.take()).await;
        assert_eq!((second, third), (None, Err(Crowded)), "one waits, another may not");
        assert!(turns.queue.available_permits() == 1, "who stopped waiting left their place");
    }

    /// Waits for a moment only.
    async fn turns_soon(turns: &Turns) -> Option<Result<(), Crowded>> {
        tokio::time::timeout(Duration::from_millis(10), turns.take()).await.ok()
    }
}
