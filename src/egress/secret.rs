//! A secret of ours that another service knows us by: from a file that holds nothing else, or from a variable of the
//! environment. Does not show itself in a log.

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
    #[error("{key}, {path}, must hold one line of printable text, the secret")]
    Content {
        /// The key of the configuration that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The variable is not set, or holds something else.
    #[error("{key} names the variable {variable}, which must hold one line of printable text, the secret")]
    Variable {
        /// The key of the configuration that names the variable.
        key: &'static str,
        /// The variable.
        variable: String,
    },
}

/// A secret.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Reads it from the file that the configuration names by `key`. Blocks.
    pub fn read(key: &'static str, path: &Path) -> Result<Self, SecretError> {
        let failed = |source| SecretError::Read { key, path: path.to_owned(), source };
        let mut text = String::new();
        File::open(path).map_err(failed)?.take(BYTES_MAX as u64).read_to_string(&mut text).map_err(failed)?;
        Self::new(&text).ok_or_else(|| SecretError::Content { key, path: path.to_owned() })
    }

    /// Reads it from the variable that the configuration names by `key`.
    pub fn of_variable(key: &'static str, variable: &str) -> Result<Self, SecretError> {
        let found = std::env::var(variable).ok();
        found
            .and_then(|text| Self::new(&text))
            .ok_or_else(|| SecretError::Variable { key, variable: variable.to_owned() })
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
    fn a_variable_that_is_not_set_is_named() {
        let error = Secret::of_variable("a.key_env", "STREAMWARDEN_NO_SUCH_VARIABLE").expect_err("it is not set");
        assert!(error.to_string().contains("a.key_env names the variable STREAMWARDEN_NO_SUCH_VARIABLE"), "{error}");
    }
}
