//! Log lines on standard error. Never images, presigned addresses, tokens, moderators' names or what was said in a segment.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::json_lines::{JsonFields, JsonLines};

/// The variable that chooses what is said, over whatever else does: for a person who is looking for something now.
const FILTER_VARIABLE: &str = "STREAMWARDEN_LOG";

/// What a log line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// A sentence with its fields behind it, for people.
    #[default]
    Text,
    /// One JSON object per line with dotted fields, for programs.
    Json,
}

/// Starts logging, once per process. `filter` says what is said (`warn`, `info,streamwarden::journal=debug`); the
/// variable `STREAMWARDEN_LOG` comes before it. Neither has answers of AWS written.
pub fn start_logging(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(filter));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Lines);
    // A test may have set it up before.
    let _ = match format {
        LogFormat::Text => {
            let ansi = std::io::stderr().is_terminal(); // a journal or a file shows escape codes as they are
            lines.with_target(false).with_ansi(ansi).finish().with(filter_fn(may_be_written)).try_init()
        }
        LogFormat::Json => {
            let lines = lines.event_format(JsonLines).fmt_fields(JsonFields).finish();
            lines.with(filter_fn(may_be_written)).try_init()
        }
    };
}

/// Whether something may be written, whatever the filter says: at `trace` AWS's SDK writes answers out, and a service's
/// error may quote all that it was sent.
fn may_be_written(about: &Metadata<'_>) -> bool {
    *about.level() <= Level::DEBUG || !about.target().starts_with("aws_")
}

/// Is given the writing of a line, and does it once.
type Around = dyn Fn(&mut dyn FnMut()) + Send + Sync;

/// Who writes lines, if not simply this process; see [`write_lines_within`].
static AROUND: RwLock<Option<Arc<Around>>> = RwLock::new(None);

/// From now on lines are written within `around`, which is given the writing and does it once: whoever draws on standard
/// error takes the drawing away meanwhile. It must not log.
pub fn write_lines_within(around: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static) {
    *AROUND.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(around));
}

/// Standard error, a whole line at a time.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let around = AROUND.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut written = Ok(0);
        let mut writing = || written = io::stderr().write_all(line).map(|()| line.len());
        match around {
            Some(around) => around(&mut writing),
            None => writing(),
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_line_is_written_within_what_whoever_draws_asked_for() {
        static LINES: AtomicU32 = AtomicU32::new(0);
        write_lines_within(|writing| {
            LINES.fetch_add(1, Ordering::SeqCst);
            writing();
        });
        let line = b"a line of a test\n";
        assert_eq!(Lines.write(line).expect("standard error is there"), line.len());
        assert!(LINES.load(Ordering::SeqCst) >= 1);
    }
}
