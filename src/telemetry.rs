//! Logs: readable lines on standard error. Never images, presigned addresses, tokens or moderators' names.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Sets logging up once per process. `STREAMWARDEN_LOG` chooses what is said (default `warn`).
pub fn init() {
    let filter = EnvFilter::try_from_env("STREAMWARDEN_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let lines = lines.with_ansi(std::io::stderr().is_terminal()); // a journal or a file shows escape codes as they are
    let _ = lines.try_init(); // a test may have set it up before
}
