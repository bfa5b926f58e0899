//! The command line: data to stdout, everything else to stderr, an error followed by a hint. No rules of its own.

pub mod event_text;
pub mod journal;
mod journal_failure;
mod journal_stats;
