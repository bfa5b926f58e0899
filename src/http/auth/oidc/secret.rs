//! Our own secret as a client of the issuer: from a file that holds nothing else. Does not show itself in a log.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The most bytes of such a file. Issuers make secrets of 30 to 100 characters.
const BYTES_MAX: u64 = 4_096;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It cannot be read.
    #[error("reading auth.oidc.sign_in.client_secret_file, {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds something else.
    #[error("auth.oidc.sign_in.client_secret_file, {path}, must hold one line of printable text, the secret")]
    Content {
        /// The file.
        path: PathBuf,
    },
}

/// A client's secret.
pub(super) struct ClientSecret(String);

impl ClientSecret {
    /// Reads it. Blocks.
    pub(super) fn read(path: &Path) -> Result<Self, SecretError> {
        let failed = |source| SecretError::Read { path: path.to_owned(), source };
        let mut text = String::new();
        File::open(path).map_err(failed)?.take(BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SecretError::Content { path: path.to_owned() });
        }
        Ok(Self(secret.to_owned()))
    }

    /// To be told to the issuer and to nobody else.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
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
            let read = ClientSecret::read(&path);
            assert_eq!(read.is_ok(), is, "{text:?}");
            assert!(
                read.map_or(true, |secret| secret.reveal() == "s3cret~" && !format!("{secret:?}").contains("s3cret"))
            );
        }
        assert!(matches!(ClientSecret::read(&folder.path().join("none")), Err(SecretError::Read { .. })));
    }
}
