//! Where a key that somebody else knows us by is to be found: in a file, or in a variable of the environment; in one of the
//! two. So is the private key that addresses are signed with. The configuration itself never holds one.

use std::path::Path;

use crate::aws::cloudfront::{AddressSigner, KeyError, check_signable};
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

/// The most characters of the id of a key pair. CloudFront makes ids of 14.
const KEY_PAIR_ID_CHARS_MAX: usize = 64;

/// The settings that say with which key pair addresses below another are signed.
pub(super) struct UrlKeyPlace {
    /// The setting that names the address below which they are.
    pub(super) base: &'static str,
    /// The setting that names the bucket that lies there.
    pub(super) bucket: &'static str,
    /// The setting that is the id of the key pair.
    pub(super) id: &'static str,
    /// The setting that names the file of its private key.
    pub(super) file: &'static str,
    /// The setting that names the variable.
    pub(super) variable: &'static str,
}

/// What these settings are set to; each may be empty.
pub(super) struct UrlKey<'a> {
    pub(super) base: &'a str,
    pub(super) bucket: &'a str,
    pub(super) id: &'a str,
    pub(super) file: &'a Path,
    pub(super) variable: &'a str,
}

/// Why addresses cannot be signed as the configuration says.
#[derive(Debug, thiserror::Error)]
pub enum UrlKeyError {
    /// The key cannot be read.
    #[error(transparent)]
    Unread(#[from] SecretError),
    /// It is none that addresses are signed with.
    #[error("{key}, {place}, {source}")]
    Unfit {
        /// The setting that names where it is.
        key: &'static str,
        /// Where: the file or the variable.
        place: String,
        /// What is wrong with it.
        source: KeyError,
    },
}

impl UrlKeyPlace {
    /// Whether all of it is set, or nothing.
    pub(super) fn check(&self, key: &UrlKey<'_>) -> Result<(), String> {
        let Self { base, bucket, id, file, variable } = self;
        match (key.base.is_empty(), key.bucket.is_empty()) {
            (false, true) => {
                return Err(format!("{base} is set, and {bucket} is not: name the bucket whose objects lie below it"));
            }
            (true, false) => {
                return Err(format!(
                    "{bucket} is set, and {base} is not: name the address below which its objects lie"
                ));
            }
            _ => {}
        }
        let (has_file, has_variable) = (!key.file.as_os_str().is_empty(), !key.variable.is_empty());
        if key.id.is_empty() {
            return match has_file || has_variable {
                true => Err(format!(
                    "{file} or {variable} names a private key, and {id} is not set: CloudFront must be told with which of \
                     its public keys to verify, such as K2JCJMDEHXQW5F"
                )),
                false => Ok(()),
            };
        }
        if key.base.is_empty() {
            return Err(format!(
                "{id} is set, and {base} is not: addresses below it are signed with a key pair; without it they are \
                 addresses of S3, signed by our own credentials"
            ));
        }
        if key.id.len() > KEY_PAIR_ID_CHARS_MAX || !key.id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(format!(
                "{id} is `{}`, expected the id of a public key of CloudFront: at most {KEY_PAIR_ID_CHARS_MAX} letters and \
                 digits, such as K2JCJMDEHXQW5F",
                key.id
            ));
        }
        match (has_file, has_variable) {
            (false, false) => Err(format!("{id} is set, and its private key is not named: set {file} or {variable}")),
            (true, true) => Err(format!("{file} and {variable} are both set; the key is in one place")),
            (true, false) | (false, true) => check_signable(key.base).map_err(|wrong| format!("{base}: {wrong}")),
        }
    }

    /// Who signs; none if addresses are not signed. Blocks: reads the file, or the variable.
    pub(super) fn signer(&self, key: &UrlKey<'_>) -> Result<Option<AddressSigner>, UrlKeyError> {
        if key.id.is_empty() {
            return Ok(None);
        }
        let (pem, setting, place) = match key.file.as_os_str().is_empty() {
            true => (Secret::lines_of_variable(self.variable, key.variable)?, self.variable, key.variable.to_owned()),
            false => (Secret::read_lines(self.file, key.file)?, self.file, key.file.display().to_string()),
        };
        let signer = AddressSigner::new(key.id, pem.reveal());
        signer.map(Some).map_err(|source| UrlKeyError::Unfit { key: setting, place, source })
    }
}
