//! The file of bearer tokens: read, added to, struck from, and read again when it changes. Knows no request.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::pace::Pace;
use super::tokens::{Token, TokenId, Tokens};
use crate::model::{Sha256, Timestamp};

/// The most tokens of a file. People come through an issuer; these are for machines and for a first try.
pub const TOKENS_MAX: usize = 1_000;
/// The most bytes of a file: what so many tokens with long names need, ten times over.
pub const FILE_BYTES_MAX: u64 = 8 << 20;
/// How often the file is looked at while requests come.
const LOOK_EVERY_MS: u64 = 1_000;
/// Its owner reads and writes it, nobody else.
const MODE: u32 = 0o600;
/// Who could write to it could let themselves in.
const MODE_WRITABLE_BY_OTHERS: u32 = 0o022;

/// Why a tokens file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokensFileError {
    /// It cannot be read.
    #[error("reading the tokens file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what `streamwarden token` writes.
    #[error("the tokens file {path} is not as `streamwarden token` writes it: {why}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
    /// Others could let themselves in.
    #[error("the tokens file {path} may be written by others than its owner (mode {mode:o})")]
    WritableByOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It cannot be written.
    #[error("writing the tokens file {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no room for another.
    #[error("the tokens file {path} holds {TOKENS_MAX} tokens, the most there may be; revoke one first")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// There is no such token.
    #[error("the tokens file {path} holds no token {id}")]
    NoSuchToken {
        /// The file.
        path: PathBuf,
        /// The id.
        id: TokenId,
    },
}

impl TokensFileError {
    /// What to try.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "make one by `streamwarden token create --name console-1 --role viewer`",
            Self::Content { .. } => "correct it, or move it away and create the tokens anew",
            Self::WritableByOthers { .. } => "chmod 600 the file, after a look at what it holds",
            Self::Write { .. } => "name a file in a folder that you may write, by --file",
            Self::Full { .. } => "revoke what is not used: `streamwarden token list` shows all",
            Self::NoSuchToken { .. } => "`streamwarden token list` shows the ids",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, rename = "token")]
    tokens: Vec<Token>,
}

/// The tokens of a file, in its order.
///
/// # Errors
/// If it cannot be read, holds something else, or may be written by others.
pub fn read(path: &Path) -> Result<Vec<Token>, TokensFileError> {
    parse(path, &read_text(path)?)
}

/// Adds a token; the file is made if it is not there.
///
/// # Errors
/// If the file cannot be read or written, or is full.
pub fn add(path: &Path, token: Token) -> Result<(), TokensFileError> {
    change(path, |tokens| {
        if tokens.len() >= TOKENS_MAX {
            return Err(TokensFileError::Full { path: path.to_owned() });
        }
        tokens.push(token);
        Ok(())
    })
}

/// Strikes a token from the file, and returns it.
///
/// # Errors
/// If the file cannot be read or written, or does not hold the token.
pub fn revoke(path: &Path, id: &TokenId) -> Result<Token, TokensFileError> {
    change(path, |tokens| {
        let at = tokens.iter().position(|token| token.id == *id);
        let at = at.ok_or_else(|| TokensFileError::NoSuchToken { path: path.to_owned(), id: id.clone() })?;
        Ok(tokens.remove(at))
    })
}

/// Changes the file as a whole: a reader sees the old one or the new one, and two who change it at once wait for each
/// other, by a lock on the folder.
fn change<T>(
    path: &Path,
    edit: impl FnOnce(&mut Vec<Token>) -> Result<T, TokensFileError>,
) -> Result<T, TokensFileError> {
    let failed = |source| TokensFileError::Write { path: path.to_owned(), source };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = File::open(folder).map_err(failed)?;
    folder.lock().map_err(failed)?; // released when the folder is closed
    let mut tokens = match read(path) {
        Err(TokensFileError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Vec::new(),
        tokens => tokens?,
    };
    let done = edit(&mut tokens)?;
    let body = toml::to_string(&Document { tokens })
        .map_err(|error| TokensFileError::Content { path: path.to_owned(), why: error.to_string() })?;
    let text = format!("# Written by `streamwarden token`. Holds digests of the tokens, not the tokens.\n\n{body}");
    replace(path, text.as_bytes()).and_then(|()| folder.sync_all()).map_err(failed)?;
    Ok(done)
}

/// Writes beside the file, durably, then puts it in its place.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let _ = std::fs::remove_file(&beside); // of a run that was cut off: nothing it had said was done
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

fn read_text(path: &Path) -> Result<String, TokensFileError> {
    let failed = |source| TokensFileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    if mode & MODE_WRITABLE_BY_OTHERS != 0 {
        return Err(TokensFileError::WritableByOthers { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Token>, TokensFileError> {
    let wrong = |why| TokensFileError::Content { path: path.to_owned(), why };
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(wrong(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    let Document { tokens } = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if tokens.len() > TOKENS_MAX {
        return Err(wrong(format!("it holds {} tokens, at most {TOKENS_MAX} are allowed", tokens.len())));
    }
    let mut ids: Vec<&TokenId> = tokens.iter().map(|token| &token.id).collect();
    ids.sort();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(wrong(format!("it holds two tokens {}", pair[0]))),
        None => Ok(tokens),
    }
}

/// The tokens in force, after the file. Looked at again when a caller comes, at most once a second.
pub(super) struct TokensInForce {
    path: PathBuf,
    current: RwLock<Arc<Tokens>>,
    look: tokio::sync::Mutex<Look>,
}

struct Look {
    pace: Pace,
    /// Of the text last read, sound or not; none if it could not be read. What is said is said once per change.
    seen: Option<Sha256>,
}

impl TokensInForce {
    /// Reads the file for the first time. Blocks.
    pub(super) fn open(path: &Path, now: Timestamp) -> Result<Self, TokensFileError> {
        let text = read_text(path)?;
        let tokens = Tokens::new(parse(path, &text)?);
        let mut look = Look { pace: Pace::new(LOOK_EVERY_MS), seen: Some(Sha256::of(text.as_bytes())) };
        look.pace.take(now);
        Ok(Self { path: path.to_owned(), current: RwLock::new(Arc::new(tokens)), look: tokio::sync::Mutex::new(look) })
    }

    /// The tokens of the file as it was at most a second ago.
    ///
    /// A file that was taken away lets nobody in: that is how somebody revokes everything in a hurry. One that cannot
    /// be read or is not sound changes nothing, and is complained about: a slip of the pen must not lock every
    /// moderator out.
    pub(super) async fn current(&self, now: Timestamp) -> Arc<Tokens> {
        // Who finds another looking goes on with what is known; so at most one thread reads.
        if let Ok(mut look) = self.look.try_lock()
            && look.pace.take(now)
        {
            let path = self.path.clone();
            if let Ok(read) = tokio::task::spawn_blocking(move || read_text(&path)).await {
                self.take(&mut look, read);
            }
        }
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&self, look: &mut Look, read: Result<String, TokensFileError>) {
        let seen = read.as_ref().ok().map(|text| Sha256::of(text.as_bytes()));
        if seen == look.seen {
            return;
        }
        look.seen = seen;
        let tokens = match read.and_then(|text| parse(&self.path, &text)) {
            Ok(tokens) => tokens,
            Err(TokensFileError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                tracing::error!(path = %self.path.display(), "the tokens file is gone: no token is accepted");
                Vec::new()
            }
            Err(error) => {
                let because = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::error!(%error, because, "the tokens file was changed and is not in force: the tokens before are");
                return;
            }
        };
        tracing::info!(tokens = tokens.len(), "the tokens file was changed and is in force");
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Tokens::new(tokens));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::Refusal;
    use super::super::tokens::Secret;
    use super::*;
    use crate::http::auth::Role;
    use crate::model::{ChannelPattern, ModeratorId};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn created(name: &str) -> (Token, Secret) {
        let name = ModeratorId::new(name).expect("a sound name");
        Token::create(name, vec![Role::Viewer], vec![ChannelPattern::all()], NOW, None).expect("random bytes")
    }

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens.toml");
        (folder, path)
    }

    #[test]
    fn what_is_added_is_read_back_until_it_is_revoked() {
        let (_folder, path) = file();
        let ((first, _), (second, _)) = (created("first"), created("second"));
        add(&path, first.clone()).expect("a new file");
        add(&path, second.clone()).expect("room for another");
        assert_eq!(read(&path).expect("a sound file"), [first.clone(), second.clone()]);
        assert_eq!(revoke(&path, &first.id).expect("it is there"), first);
        assert!(matches!(revoke(&path, &first.id), Err(TokensFileError::NoSuchToken { .. })));
        assert_eq!(read(&path).expect("a sound file"), [second]);
        let mode = std::fs::metadata(&path).expect("the file").permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600);
    }

    #[test]
    fn who_adds_at_once_loses_nothing() {
        let (_folder, path) = file();
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
                let path = &path;
                scope.spawn(move || add(path, created(name).0).expect("room for all"));
            }
        });
        assert_eq!(read(&path).expect("a sound file").len(), 8);
    }

    #[test]
    fn a_file_that_others_may_write_or_that_is_no_list_of_tokens_is_refused() {
        let (_folder, path) = file();
        let (token, _) = created("one");
        let entry = |token: &Token| {
            let tokens = vec![token.clone()];
            toml::to_string(&Document { tokens }).expect("tokens are TOML")
        };
        for (text, why) in [
            (entry(&token).repeat(2), "two tokens"),
            (entry(&token).replace("viewer", "root"), "root"),
            (entry(&token) + "secret = \"x\"\n", "secret"),
            ("[[token]]\nid = 3".to_owned(), "id"),
        ] {
            replace(&path, text.as_bytes()).expect("written");
            let error = read(&path).expect_err(why).to_string();
            assert!(error.contains(why), "{error} does not say {why}");
        }
        add(&path, token.clone()).expect_err("a file that is not sound is not written over");
        replace(&path, entry(&token).as_bytes()).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o620)).expect("a mode");
        assert!(matches!(read(&path), Err(TokensFileError::WritableByOthers { mode: 0o620, .. })));
    }

    #[actix_web::test]
    async fn a_changed_file_is_in_force_a_second_later_and_a_broken_one_is_not() {
        let (_folder, path) = file();
        let ((old, old_secret), (new, new_secret)) = (created("old"), created("new"));
        add(&path, old.clone()).expect("written");
        let in_force = TokensInForce::open(&path, NOW).expect("a sound file");
        let at = |ms| NOW.plus_ms(ms);
        let bearer = async |secret: &Secret, now| in_force.current(now).await.bearer(secret.reveal(), now).map(drop);

        add(&path, new).expect("written");
        revoke(&path, &old.id).expect("revoked");
        assert_eq!(bearer(&old_secret, at(LOOK_EVERY_MS - 1)).await, Ok(()), "not looked at yet");
        assert_eq!(bearer(&old_secret, at(LOOK_EVERY_MS)).await, Err(Refusal::UnknownToken));
        assert_eq!(bearer(&new_secret, at(LOOK_EVERY_MS)).await, Ok(()));

        replace(&path, b"[[token]]\nid = ").expect("written");
        assert_eq!(bearer(&new_secret, at(2 * LOOK_EVERY_MS)).await, Ok(()), "the list before stays in force");

        std::fs::remove_file(&path).expect("removed");
        assert_eq!(bearer(&new_secret, at(3 * LOOK_EVERY_MS)).await, Err(Refusal::UnknownToken));
    }
}
