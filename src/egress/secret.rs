//! A secret of ours that another service knows us by, or that we sign with: from a file that holds nothing else, or from a
//! variable of the environment. Does not show itself in a log.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The most bytes of a secret. Services make secrets of 30 to 100 characters.
const BYTES_MAX: usize = 4_096;

/// Why there is no secret. Names where it was looked for, and nothing of what was found there.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("reading {key}, {path}")]
    Read {
        /// The key of the configuration that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{key}, {path}, must hold {expected}")]
    Content {
        /// The key of the configuration that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// The variable is not set, or holds something else.
    #[error("{key} names the variable {variable}, which must hold {expected}")]
    Variable {
        /// The key of the configuration that names the variable.
        key: &'static str,
        /// The variable.
        variable: String,
        /// What was expected.
        expected: &'static str,
    },
}

/// What a secret looks like.
#[derive(Clone, Copy)]
enum Shape {
    /// One line, as a service gives it.
    Line,
    /// Lines, as a private key in PEM has.
    Lines,
}

impl Shape {
    const fn expected(self) -> &'static str {
        match self {
            Self::Line => "one line of printable text, the secret",
            Self::Lines => "lines of printable text, the key in PEM, 4,096 bytes at most",
        }
    }

    fn take(self, text: &str) -> Option<Secret> {
        match self {
            Self::Line => Secret::new(text),
            Self::Lines => {
                let is_text = text.bytes().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
                let fits = !text.trim().is_empty() && text.len() <= BYTES_MAX;
                (is_text && fits).then(|| Secret(text.to_owned()))
            }
        }
    }
}

/// A secret.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Reads it from the file that the configuration names by `key`. Blocks.
    pub fn read(key: &'static str, path: &Path) -> Result<Self, SecretError> {
        Self::read_as(Shape::Line, key, path)
    }

    /// As [`read`](Self::read), of one that has lines: a private key in PEM. Blocks.
    pub fn read_lines(key: &'static str, path: &Path) -> Result<Self, SecretError> {
        Self::read_as(Shape::Lines, key, path)
    }

    /// Reads it from the variable that the configuration names by `key`.
    pub fn of_variable(key: &'static str, variable: &str) -> Result<Self, SecretError> {
        Self::of_variable_as(Shape::Line, key, variable)
    }

    /// As [`of_variable`](Self::of_variable), of one that has lines: a private key in PEM.
    pub fn lines_of_variable(key: &'static str, variable: &str) -> Result<Self, SecretError> {
        Self::of_variable_as(Shape::Lines, key, variable)
    }

    fn read_as(shape: Shape, key: &'static str, path: &Path) -> Result<Self, SecretError> {
        let failed = |source| SecretError::Read { key, path: path.to_owned(), source };
        let mut text = String::new();
        // One byte more than may be, so that a longer one is not taken for its beginning.
        File::open(path).map_err(failed)?.take(BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(failed)?;
        let expected = shape.expected();
        shape.take(&text).ok_or_else(|| SecretError::Content { key, path: path.to_owned(), expected })
    }

    fn of_variable_as(shape: Shape, key: &'static str, variable: &str) -> Result<Self, SecretError> {
        let found = std::env::var(variable).ok().and_then(|text| shape.take(&text));
        let expected = shape.expected();
        found.ok_or_else(|| SecretError::Variable { key, variable: variable.to_owned(), expected })
    }

    /// Takes one line of printable text; none if this is something else.
    pub fn new(text: &str) -> Option<Self> {
        let secret = text.trim_end_matches(['\r', '\n']);
        let is_line = !secret.is_empty() && secret.len() <= BYTES_MAX;
        (is_line && secret.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(secret.to_owned()))
    }

    /// To be told to the service that knows it and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_one_line_is_a_secret_and_does_not_show_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        for (text, is) in
            [("s3cret~\n", true), ("s3cret~", true), ("", false), ("\n", false), ("a\nb\n", false), ("a b", false)]
        {
            std::fs::write(&path, text).expect("written");
            let read = Secret::read("a.key_file", &path);
            assert_eq!(read.is_ok(), is, "{text:?}");
            assert!(
                read.map_or(true, |secret| secret.reveal() == "s3cret~" && !format!("{secret:?}").contains("s3cret"))
            );
        }
        assert!(matches!(Secret::read("a.key_file", &folder.path().join("none")), Err(SecretError::Read { .. })));
    }

    #[test]
    fn a_key_has_lines_and_one_that_is_too_long_is_not_taken_for_its_beginning() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.pem");
        let (fits, long) = ("a line\n".repeat(500), "a line\n".repeat(600));
        for (text, is) in
            [("-----BEGIN X-----\nabc=\n", true), (&*fits, true), (&*long, false), ("\n\n", false), ("ü", false)]
        {
            std::fs::write(&path, text).expect("written");
            let read = Secret::read_lines("a.key_file", &path);
            assert_eq!(read.is_ok(), is, "{text:?}");
            assert!(read.map_or(true, |secret| secret.reveal() == text), "it is as it was written");
        }
        let error = Secret::read_lines("a.key_file", &path).expect_err("it is no ASCII").to_string();
        assert!(error.contains("a.key_file") && error.contains("the key in PEM"), "{error}");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = Secret::of_variable("a.key_env", "STREAMWARDEN_NO_SUCH_VARIABLE").expect_err("it is not set");
        assert!(error.to_string().contains("a.key_env names the variable STREAMWARDEN_NO_SUCH_VARIABLE"), "{error}");
    }
}
