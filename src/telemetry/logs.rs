//! Log lines on standard error. Never images, presigned addresses, tokens or moderators' names.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

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
/// variable `STREAMWARDEN_LOG` comes before it.
pub fn start_logging(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(filter));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A test may have set it up before.
    let _ = match format {
        LogFormat::Text => {
            let ansi = std::io::stderr().is_terminal(); // a journal or a file shows escape codes as they are
            lines.with_target(false).with_ansi(ansi).try_init()
        }
        LogFormat::Json => lines.event_format(JsonLines).fmt_fields(JsonFields).try_init(),
    };
}
