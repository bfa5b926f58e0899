//! What is wrong with a configuration file, where, and what was expected there.

use std::ops::Range;
use std::path::PathBuf;

use crate::http::GateConfigError;
use crate::http::auth::config::AuthConfigError;

/// Why a configuration file is not used. Nothing has been opened or started.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("reading the configuration {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Larger than any configuration.
    #[error("the configuration {} has {found} bytes, at most {max} are read", file.display())]
    Large {
        /// The file.
        file: PathBuf,
        /// Its bytes.
        found: u64,
        /// How many it may have.
        max: u64,
    },
    /// An unknown key, a wrong value, or no TOML at all.
    #[error("{}:{line}: {key}{finding}", file.display())]
    Mistake {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key with its section and a colon, if the line has one.
        key: String,
        /// What was found and what was expected.
        finding: String,
    },
    /// Keys that do not fit together.
    #[error("{}: {finding}", file.display())]
    Together {
        /// The file.
        file: PathBuf,
        /// What does not fit, by key.
        finding: String,
    },
    /// The ways in.
    #[error("{}", file.display())]
    Auth {
        /// The file.
        file: PathBuf,
        /// What is wrong, by key.
        source: AuthConfigError,
    },
    /// The gate.
    #[error("{}", file.display())]
    Gate {
        /// The file.
        file: PathBuf,
        /// What is wrong, by key.
        source: GateConfigError,
    },
}

impl ConfigError {
    /// What to try.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "name a file with --config; ops/streamwarden.toml has every key with its default",
            Self::Large { .. } => "name the configuration itself with --config",
            Self::Mistake { .. } | Self::Together { .. } | Self::Auth { .. } | Self::Gate { .. } => {
                "ops/streamwarden.toml has every key with its unit, bounds and default"
            }
        }
    }

    /// A mistake that the parser found in `text`.
    pub(super) fn mistake(file: PathBuf, text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or(0..0);
        let finding = error.message().to_owned();
        Self::Mistake { file, line: line_of(text, &span), key: key_at(text, &span), finding }
    }
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    1 + before(text, span).matches('\n').count()
}

/// The key that the place belongs to, with its section: `limits.body_mib: `; nothing where there is none.
fn key_at(text: &str, span: &Range<usize>) -> String {
    let above = before(text, span);
    let line = text[above.len() - above.rsplit('\n').next().map_or(0, str::len)..].lines().next().unwrap_or_default();
    if line.trim_start().starts_with('[') {
        return format!("{}: ", section_name(line));
    }
    let Some((key, _)) = line.split_once('=') else { return String::new() };
    let section = above.lines().rev().find(|line| line.starts_with('['));
    match section {
        Some(section) => format!("{}.{}: ", section_name(section), key.trim()),
        None => format!("{}: ", key.trim()),
    }
}

fn section_name(line: &str) -> &str {
    line.trim_start().trim_start_matches('[').split(']').next().unwrap_or_default().trim()
}

fn before<'a>(text: &'a str, span: &Range<usize>) -> &'a str {
    text.get(..span.start).unwrap_or(text)
}
