//! Ending early, in order, when somebody asks for it: Ctrl-C or a service manager's SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

/// Exit code of a run that was interrupted (128 + SIGINT), however it was asked.
pub(super) const EXIT_INTERRUPTED: u8 = 130;

/// The run was interrupted and closed in order.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: what was under way has its outcome, the rest was not shown")]
pub(super) struct Interrupted;

/// Returns when the process is asked to end. Who asks a second time does not want to wait: the process ends at once,
/// which the journal survives like any crash.
pub(super) async fn interrupted() -> std::io::Result<()> {
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
        std::process::exit(i32::from(EXIT_INTERRUPTED));
    });
    Ok(())
}
