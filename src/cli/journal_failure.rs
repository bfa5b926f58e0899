//! Why a journal command failed, what to try, and which exit code that is.

use std::error::Error;
use std::io::{self, Write};

use super::event_text::printable;
use super::journal::Outcome;
use crate::journal::content::ContentError;
use crate::journal::export::ExportError;
use crate::journal::import::ImportError;
use crate::journal::{OpenError, Options, ReadError};

/// Why a command did not do what it should.
pub(super) struct Failure {
    pub error: Box<dyn Error>,
    pub hint: &'static str,
    pub outcome: Outcome,
}

impl Failure {
    /// The error, what led to it, and what to try.
    pub(super) fn print(&self, err: &mut dyn Write) -> io::Result<()> {
        writeln!(err, "error: {}", printable(&self.error.to_string()))?;
        for source in std::iter::successors(self.error.source(), |&error| error.source()) {
            writeln!(err, "  because: {}", printable(&source.to_string()))?;
        }
        writeln!(err, "hint: {}", self.hint)
    }
}

/// How a command fails: by what it found, or because nobody takes its answer.
pub(super) enum Failed {
    Here(Failure),
    Writing(io::Error),
}

impl Failed {
    pub(super) fn reading(options: &Options, error: io::Error) -> Self {
        Self::Here(Failure {
            error: format!("the data directory {} cannot be read: {error}", options.data_dir.display()).into(),
            hint: "give the data directory with --data DIR",
            outcome: Outcome::Unanswered,
        })
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Writing(error)
    }
}

impl From<OpenError> for Failed {
    fn from(error: OpenError) -> Self {
        const DAMAGE: &str = "keep a copy of the directory; then import an export, or go on without what is lost with \
                              `journal repair --accept-loss`";
        let (hint, outcome) = match &error {
            OpenError::Locked { .. } => {
                ("stop the process that writes it first: sled lets nobody read beside a writer", Outcome::Unanswered)
            }
            OpenError::NoStore { .. } | OpenError::NotAStore { .. } => {
                ("give the data directory with --data DIR", Outcome::Unanswered)
            }
            OpenError::UnknownFormat { .. } => ("use the version that wrote it", Outcome::Unanswered),
            OpenError::NotTheAnchored { .. } => (
                "the directory holds an older or another copy of the store; find the one that belongs to its ANCHOR",
                Outcome::Found,
            ),
            OpenError::Io { .. } | OpenError::FirstAppend(_) => {
                ("the causes above name the file and what the system said", Outcome::Unanswered)
            }
            OpenError::Missing { path } | OpenError::Unreadable { path, .. }
                if path.ends_with("FORMAT") || path.ends_with("MANIFEST") =>
            {
                (error.hint(), Outcome::Found)
            }
            OpenError::Unreadable { .. }
            | OpenError::Missing { .. }
            | OpenError::Store { .. }
            | OpenError::Damaged(_)
            | OpenError::BehindAnchor { .. } => (DAMAGE, Outcome::Found),
        };
        Self::Here(Failure { error: error.into(), hint, outcome })
    }
}

impl From<ReadError> for Failed {
    fn from(error: ReadError) -> Self {
        let hint = "`journal verify` goes through everything and names the first bad position";
        Self::Here(Failure { error: error.into(), hint, outcome: Outcome::Found })
    }
}

impl From<ContentError> for Failed {
    fn from(error: ContentError) -> Self {
        let hint = "content and keys lie beside the journal, in content/ and keys/ of the data directory";
        Self::Here(Failure { error: error.into(), hint, outcome: Outcome::Unanswered })
    }
}

impl From<ExportError> for Failed {
    fn from(error: ExportError) -> Self {
        let (hint, outcome) = match &error {
            ExportError::NotEmpty(_) => ("name a directory that does not exist yet", Outcome::Unanswered),
            ExportError::Nothing { .. } => ("`journal stats` says which positions there are", Outcome::Unanswered),
            ExportError::Io { .. } => ("the cause above says what the system said", Outcome::Unanswered),
            _ => ("`journal verify` goes through everything and names the first bad position", Outcome::Found),
        };
        Self::Here(Failure { error: error.into(), hint, outcome })
    }
}

impl From<ImportError> for Failed {
    fn from(error: ImportError) -> Self {
        let (hint, outcome) = match &error {
            ImportError::NotEmpty(_) => ("name an empty or new data directory with --data DIR", Outcome::Unanswered),
            ImportError::NotAnExport { .. } => {
                ("an export whose making was interrupted has no manifest; make it again", Outcome::Unanswered)
            }
            ImportError::DoesNotContinue { .. } => {
                ("give the exports in order, the first of them beginning at position 1", Outcome::Unanswered)
            }
            ImportError::Io { .. } => ("the cause above says what the system said", Outcome::Unanswered),
            _ => ("nothing was imported; another copy of the export may be sound", Outcome::Found),
        };
        Self::Here(Failure { error: error.into(), hint, outcome })
    }
}
