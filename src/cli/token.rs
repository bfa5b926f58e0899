//! `streamwarden token`: create, list and revoke bearer tokens. Writes the tokens file; whether a running server takes
//! it is the server's business.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Outcome;
use crate::clock::Clock;
use crate::http::auth::tokens_file::{self, TokensFileError};
use crate::http::auth::{Role, Token, TokenId};
use crate::model::{ChannelPattern, ModeratorId, Timestamp};

/// Create, list and revoke bearer tokens.
#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token and print it, this once: only its digest is kept.
    ///
    /// Example: streamwarden token create --name intake-1 --role ingest --channels 'studio/*' --expires 90d
    Create {
        /// The pseudonym under which its bearer's acts are recorded. Not a person's name: it stays in the journal.
        #[arg(long)]
        name: ModeratorId,
        /// What its bearer may be; may be given more than once.
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<NamedRole>,
        /// The channels for which it is; `*` stands for any run of characters. May be given more than once.
        #[arg(long, value_name = "PATTERN", default_value = "*")]
        channels: Vec<ChannelPattern>,
        /// From when on it is refused: a time (2027-01-01T00:00:00Z), or so many days or hours from now (90d, 12h).
        #[arg(long, value_name = "WHEN")]
        expires: Option<Expiry>,
        #[command(flatten)]
        file: TokensFile,
    },
    /// List the tokens: id, name, roles, channels, when made, until when.
    List {
        #[command(flatten)]
        file: TokensFile,
    },
    /// Strike a token from the file. A running server refuses it within a second.
    Revoke {
        /// The id, as listed.
        id: TokenId,
        #[command(flatten)]
        file: TokensFile,
    },
}

#[derive(Debug, Args)]
struct TokensFile {
    /// The tokens file.
    #[arg(long = "file", value_name = "FILE", default_value = "tokens.toml")]
    path: PathBuf,
}

/// A role by its name on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum NamedRole {
    Viewer,
    Moderator,
    AppealReviewer,
    PolicyAuthor,
    Auditor,
    Ingest,
    Admin,
}

/// When a token expires, as somebody says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expiry {
    At(Timestamp),
    AfterMs(u64),
}

/// The longest life of a token that is given as a number of days or hours: ten years.
const LIFE_HOURS_MAX: u64 = 10 * 365 * 24;

/// Runs a command. Fails only if it cannot write.
pub(super) fn run(
    args: &TokenArgs,
    clock: &dyn Clock,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Outcome> {
    let done = match &args.command {
        TokenCommand::Create { name, roles, channels, expires, file } => {
            let now = clock.now();
            let expires = expires.map(|expires| expires.after(now));
            if expires.is_some_and(|expires| expires <= now) {
                writeln!(err, "error: --expires names a time that has passed\nhint: name a later one, or 90d")?;
                return Ok(Outcome::Unanswered);
            }
            let roles = roles.iter().map(|role| (*role).into()).collect();
            let (token, secret) = match Token::create(name.clone(), roles, channels.clone(), now, expires) {
                Ok(created) => created,
                Err(error) => {
                    writeln!(err, "error: {error}")?;
                    return Ok(Outcome::Unanswered);
                }
            };
            let line = line(&token);
            match tokens_file::add(&file.path, token) {
                Ok(()) => {
                    writeln!(out, "{}", secret.reveal())?;
                    writeln!(err, "{line}")?;
                    writeln!(err, "kept in {} as a digest; the token itself is not shown again", file.path.display())?;
                    Ok(())
                }
                Err(error) => Err(error),
            }
        }
        TokenCommand::List { file } => match tokens_file::read(&file.path) {
            Ok(tokens) => {
                tokens.iter().try_for_each(|token| writeln!(out, "{}", self::line(token)))?;
                Ok(())
            }
            Err(error) => Err(error),
        },
        TokenCommand::Revoke { id, file } => match tokens_file::revoke(&file.path, id) {
            Ok(token) => {
                writeln!(out, "revoked {}", line(&token))?;
                Ok(())
            }
            Err(error) => Err(error),
        },
    };
    done.map_or_else(|error| complain(&error, err), |()| Ok(Outcome::Fine))
}

fn complain(error: &TokensFileError, err: &mut dyn Write) -> io::Result<Outcome> {
    writeln!(err, "error: {error}")?;
    if let Some(cause) = std::error::Error::source(error) {
        writeln!(err, "  because: {cause}")?;
    }
    writeln!(err, "hint: {}", error.hint())?;
    let found = matches!(error, TokensFileError::NoSuchToken { .. });
    Ok(if found { Outcome::Found } else { Outcome::Unanswered })
}

/// Everything of a token but its secret, which nobody has.
fn line(token: &Token) -> String {
    let joined = |parts: Vec<String>| parts.join(",");
    let roles = joined(token.roles.iter().map(|role| name_of(*role).to_owned()).collect());
    let channels = joined(token.channels.iter().map(ToString::to_string).collect());
    let expires = token.expires.map_or_else(|| "never expires".to_owned(), |at| format!("expires {at}"));
    format!("{}  {}  {roles}  on {channels}  made {}  {expires}", token.id, token.name, token.created)
}

const fn name_of(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Moderator => "moderator",
        Role::AppealReviewer => "appeal-reviewer",
        Role::PolicyAuthor => "policy-author",
        Role::Auditor => "auditor",
        Role::Ingest => "ingest",
        Role::Admin => "admin",
    }
}

impl From<NamedRole> for Role {
    fn from(named: NamedRole) -> Self {
        match named {
            NamedRole::Viewer => Self::Viewer,
            NamedRole::Moderator => Self::Moderator,
            NamedRole::AppealReviewer => Self::AppealReviewer,
            NamedRole::PolicyAuthor => Self::PolicyAuthor,
            NamedRole::Auditor => Self::Auditor,
            NamedRole::Ingest => Self::Ingest,
            NamedRole::Admin => Self::Admin,
        }
    }
}

impl Expiry {
    fn after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::AfterMs(ms) => now.plus_ms(ms),
        }
    }
}

impl std::str::FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither a time (2027-01-01T00:00:00Z) nor days or hours (90d, 12h)");
        let count = |digits: &str| digits.parse::<u64>().map_err(|_| wrong());
        let hours = match (text.strip_suffix('d'), text.strip_suffix('h')) {
            (Some(days), _) => count(days)?.saturating_mul(24),
            (None, Some(hours)) => count(hours)?,
            (None, None) => return text.parse().map(Self::At).map_err(|_| wrong()),
        };
        if hours == 0 || hours > LIFE_HOURS_MAX {
            return Err(format!("`{text}` must be 1 hour to {} days", LIFE_HOURS_MAX / 24));
        }
        Ok(Self::AfterMs(hours * 3_600_000))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::clock::ManualClock;
    use crate::model::Sha256;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        args: TokenArgs,
    }

    /// Outcome, standard output, standard error.
    fn run(line: &[&str]) -> (Outcome, String, String) {
        let alone = Alone::try_parse_from([&["token"], line].concat()).expect("a sound command line");
        let clock = ManualClock::at(Timestamp::from_millis(1_790_000_000_000));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let outcome = super::run(&alone.args, &clock, &mut out, &mut err).expect("memory takes every byte");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (outcome, text(out), text(err))
    }

    #[test]
    fn a_token_is_shown_once_listed_without_its_secret_and_revoked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens.toml");
        let file = path.to_str().expect("UTF-8");
        let create = ["create", "--name", "intake-1", "--role", "ingest", "--role", "policy-author"];
        let (outcome, secret, about) =
            run(&[&create[..], &["--channels", "studio/*", "--expires", "90d", "--file", file]].concat());
        assert_eq!(outcome, Outcome::Fine, "{about}");
        let secret = secret.trim_end();
        let kept = tokens_file::read(&path).expect("a sound file");
        assert_eq!(kept[0].sha256, Sha256::of(secret.as_bytes()));
        assert_eq!(kept[0].roles, [Role::Ingest, Role::PolicyAuthor]);
        let text = std::fs::read_to_string(&path).expect("a file");
        let (_, hidden) = secret.rsplit_once('_').expect("three parts");
        for shown in [&about, &text] {
            assert!(!shown.contains(hidden), "{shown}");
        }

        let (_, listed, _) = run(&["list", "--file", file]);
        let id = kept[0].id.to_string();
        for expected in [&id, "intake-1", "ingest,policy-author", "on studio/*", "expires 2026-12-20"] {
            assert!(listed.contains(expected), "{listed} does not say {expected}");
        }
        assert_eq!(run(&["revoke", &id, "--file", file]).0, Outcome::Fine);
        assert_eq!(run(&["revoke", &id, "--file", file]).0, Outcome::Found);
        assert_eq!(run(&["list", "--file", file]).1, "");
    }

    #[test]
    fn what_cannot_be_done_says_what_to_try() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("none/tokens.toml");
        let file = path.to_str().expect("UTF-8");
        let (outcome, _, err) = run(&["list", "--file", file]);
        assert_eq!(outcome, Outcome::Unanswered);
        assert!(err.contains("hint: make one by `streamwarden token create"), "{err}");
        let create = ["create", "--name", "a", "--role", "viewer", "--file", file];
        assert_eq!(run(&create).0, Outcome::Unanswered);
        let late = [&create[..], &["--expires", "2020-01-01T00:00:00Z"]].concat();
        assert!(run(&late).2.contains("has passed"));
    }

    #[test]
    fn an_expiry_is_a_time_or_a_number_of_days_or_hours() {
        let hour_ms = 3_600_000;
        assert_eq!("90d".parse(), Ok(Expiry::AfterMs(90 * 24 * hour_ms)));
        assert_eq!("12h".parse(), Ok(Expiry::AfterMs(12 * hour_ms)));
        assert!(matches!("2027-01-01T00:00:00Z".parse(), Ok(Expiry::At(_))));
        for wrong in ["", "d", "0d", "-1d", "3651d", "99999999999999999999d", "90", "soon"] {
            assert!(wrong.parse::<Expiry>().is_err(), "{wrong}");
        }
    }
}
