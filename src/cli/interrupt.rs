//! Ending early, in order, when somebody asks for it: Ctrl-C or a service manager's SIGTERM.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit code of a run that was interrupted (128 + SIGINT), however it was asked.
pub(super) const EXIT_INTERRUPTED: u8 = 130;

/// The run was interrupted and closed in order.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: what was under way has its outcome, the rest was not shown")]
pub(super) struct Interrupted;

/// Somebody may ask the process to end from now on.
pub(super) struct Signals {
    int: Signal,
    term: Signal,
}

impl Signals {
    /// Begins to listen. Before this a signal ends the process at once, so whoever says that it runs listens first.
    /// Call within a runtime.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self { int: signal(SignalKind::interrupt())?, term: signal(SignalKind::terminate())? })
    }

    /// Returns when the process is asked to end. Who asks a second time does not want to wait: the process ends at once,
    /// which the journal survives like any crash.
    pub(super) async fn asked(mut self) {
        self.one().await;
        tokio::spawn(async move {
            self.one().await;
            std::process::exit(i32::from(EXIT_INTERRUPTED));
        });
    }

    async fn one(&mut self) {
        tokio::select! {
            _ = self.int.recv() => {}
            _ = self.term.recv() => {}
        }
    }
}
