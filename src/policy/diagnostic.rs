//! What is said of a policy file: where, what, what was expected, and what to do about it.

use std::fmt;
use std::sync::Arc;

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The policy cannot be used.
    Error,
    /// It can be used, and is probably not what was meant.
    Warning,
    /// Something was understood in a way worth knowing.
    Note,
}

/// A place in a file, counted from 1. Columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl Place {
    /// The first character of a file: the place of what concerns it as a whole.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// One thing said of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name, as it was given.
    pub file: Arc<str>,
    /// Where in it.
    pub at: Place,
    /// How grave.
    pub severity: Severity,
    /// What is wrong or worth knowing.
    pub what: String,
    /// What was expected instead; every error says so.
    pub expected: Option<String>,
    /// What to do about it; every error says so.
    pub hint: Option<String>,
}

/// Something wrong with a value, before it is known where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// What is wrong.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What to do.
    pub hint: String,
}

impl Flaw {
    /// The three parts of an error.
    pub fn new(what: impl Into<String>, expected: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), expected: expected.into(), hint: hint.into() }
    }
}

/// Collects what is said of one file.
#[derive(Debug)]
pub struct Diagnostics {
    file: Arc<str>,
    said: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Of the file of that name.
    pub fn of(file: impl Into<Arc<str>>) -> Self {
        Self { file: file.into(), said: Vec::new() }
    }

    /// Says that the policy cannot be used.
    pub fn error(&mut self, at: Place, flaw: Flaw) {
        self.say(at, Severity::Error, flaw.what, Some(flaw.expected), Some(flaw.hint));
    }

    /// Says that something is probably not what was meant.
    pub fn warning(&mut self, at: Place, what: impl Into<String>, hint: impl Into<String>) {
        self.say(at, Severity::Warning, what.into(), None, Some(hint.into()));
    }

    /// Says how something was understood.
    pub fn note(&mut self, at: Place, what: impl Into<String>) {
        self.say(at, Severity::Note, what.into(), None, None);
    }

    fn say(&mut self, at: Place, severity: Severity, what: String, expected: Option<String>, hint: Option<String>) {
        self.said.push(Diagnostic { file: self.file.clone(), at, severity, what, expected, hint });
    }

    /// How many errors were said so far.
    pub fn errors(&self) -> usize {
        self.said.iter().filter(|said| said.severity == Severity::Error).count()
    }

    /// Everything said, in the order of the file.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.said.sort_by_key(|said| said.at); // stable: what was said first of a place stays first
        self.said
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, at: Place { line, column }, severity, what, expected, hint } = self;
        write!(f, "{file}:{line}:{column}: {severity}: {what}")?;
        if let Some(expected) = expected {
            write!(f, "\n  expected: {expected}")?;
        }
        if let Some(hint) = hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}
