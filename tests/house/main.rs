//! The repository's own rules, as tests: who may know whom, what the core may not touch, what a file may look like,
//! what the papers promise. Each rule is a function from files to findings; beside each stands a test that plants
//! an offence and sees it found, so that no rule can fall asleep.
//!
//! A finding says where and what; the test that fails with it says what to do. An exception is an entry in a table
//! here, with its reason, and never a comment in the offending file.

mod arrows;
mod code;
mod papers;
mod purity;
mod tidiness;
mod tracked;

use std::fmt;

/// One offence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, from the repository's root.
    pub path: String,
    /// Its line, from 1; 0 is the file as a whole.
    pub line: usize,
    /// What stands there.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// Fails with every finding and with what to do about them.
pub fn none_of(findings: Vec<Finding>, remedy: &str) {
    let list: Vec<String> = findings.iter().map(|finding| format!("  {finding}")).collect();
    assert!(list.is_empty(), "\n{} found:\n{}\n\nwhat to do: {remedy}\n", list.len(), list.join("\n"));
}
