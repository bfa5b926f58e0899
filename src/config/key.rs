//! Where a key that somebody else knows us by is to be found: in a file, or in a variable of the environment; in one of the
//! two. The configuration itself never holds one.

use std::path::Path;

use crate::egress::{Secret, SecretError};

/// The two settings that say where one key is, and whose it is.
pub(super) struct KeyPlace {
    /// Who is asked with it, as at the beginning of a sentence.
    pub(super) who: &'static str,
    /// The setting that names the file.
    pub(super) file: &'static str,
    /// The setting that names the variable.
    pub(super) variable: &'static str,
}

impl KeyPlace {
    /// Whether exactly one of them is set.
    pub(super) fn check(&self, file: &Path, variable: &str) -> Result<(), String> {
        let Self { who, file: key_file, variable: key_env } = self;
        match (file.as_os_str().is_empty(), variable.is_empty()) {
            (true, true) => Err(format!("{who} is to be asked, and no key is named: set {key_file} or {key_env}")),
            (false, false) => Err(format!("{key_file} and {key_env} are both set; the key is in one place")),
            (false, true) | (true, false) => Ok(()),
        }
    }

    /// The key. Blocks: reads the file, or the variable.
    pub(super) fn read(&self, file: &Path, variable: &str) -> Result<Secret, SecretError> {
        if file.as_os_str().is_empty() {
            Secret::of_variable(self.variable, variable)
        } else {
            Secret::read(self.file, file)
        }
    }
}
