//! What blocks on the disk runs off the request threads.

use super::problem::Problem;

/// Runs `work` where it may block. A failure is ours: the log learns the cause, the caller that `doing` failed.
pub(in crate::http) async fn blocking<T, E>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: std::error::Error + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Problem::internal(doing, &error)),
        Err(broke) => Err(Problem::internal(doing, &broke)),
    }
}
