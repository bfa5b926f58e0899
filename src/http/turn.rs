//! Work of seconds for one caller at a time: it keeps a processor busy, and wardens need theirs.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::{Code, Problem};

/// When to come back if somebody else's is under way.
const RETRY_AFTER_S: u32 = 10;

/// The turn of one kind of work.
#[derive(Debug, Clone)]
pub(in crate::http) struct Turn(Arc<Semaphore>);

impl Default for Turn {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Turn {
    /// Takes the turn; refused while another has it. Let it end with the work and not with the request: the work goes on
    /// where nobody waits for it any more.
    pub fn take(&self, work: &str) -> Result<OwnedSemaphorePermit, Problem> {
        let busy =
            |_| Problem::new(Code::Unavailable, format!("another {work} is under way")).retry_after(RETRY_AFTER_S);
        self.0.clone().try_acquire_owned().map_err(busy)
    }
}
