//! The command line: data to stdout, everything else to stderr, an error followed by a hint.

pub mod event_text;
